//! Verdicts: what came of a case, and where it differs from what was expected.

use std::fmt;

use bytestone_vm::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::{Mishap, Request};
use crate::lockstep::Divergence;

/// What came of a case.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Everything that the case gives holds.
    Pass,
    /// Something does not.
    Fail(Box<Failure>),
    /// It fails, as a list of known failures says, and why.
    Known(Box<Failure>, String),
    /// It passes, although a list of known failures says that it fails, and why that was.
    Unexpected(String),
    /// The case does not apply, and why.
    Skip(String),
    /// Something happened to the engine.
    Error(Mishap),
    /// The case was not run, and why.
    NotRun(String),
}

impl Verdict {
    /// The name in reports that programs read.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Known(..) => "known",
            Self::Unexpected(_) => "unexpected pass",
            Self::Skip(_) => "skip",
            Self::Error(_) => "error",
            Self::NotRun(_) => "not run",
        }
    }

    /// Why, where the verdict has a reason in words.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Pass | Self::Fail(_) => None,
            Self::Known(_, reason)
            | Self::Unexpected(reason)
            | Self::Skip(reason)
            | Self::NotRun(reason) => Some(reason.clone()),
            Self::Error(mishap) => Some(mishap.to_string()),
        }
    }

    /// How the case failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Fail(failure) | Self::Known(failure, _) => Some(failure),
            Self::Pass | Self::Unexpected(_) | Self::Skip(_) | Self::Error(_) | Self::NotRun(_) => {
                None
            }
        }
    }
}

/// How a case failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What is not as expected.
    pub differences: Vec<Difference>,
    /// The first wrong step, when it was found.
    pub divergence: Option<Box<Divergence>>,
    /// The request that was made of the engine.
    pub request: Option<Box<Request>>,
}

impl From<Vec<Difference>> for Failure {
    fn from(differences: Vec<Difference>) -> Self {
        Self { differences, divergence: None, request: None }
    }
}

/// How many cases came to what. Each case is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed, and those that passed against expectation.
    pub failed: usize,
    /// Cases that do not apply.
    pub skipped: usize,
    /// Cases in which something happened to the engine.
    pub errored: usize,
    /// Cases that were not run.
    pub not_run: usize,
    /// Cases that are known to fail, and did.
    pub known: usize,
}

impl Counts {
    /// Counts a verdict.
    pub fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Fail(_) | Verdict::Unexpected(_) => self.failed += 1,
            Verdict::Known(..) => self.known += 1,
            Verdict::Skip(_) => self.skipped += 1,
            Verdict::Error(_) => self.errored += 1,
            Verdict::NotRun(_) => self.not_run += 1,
        }
    }

    /// Adds the counts of another group.
    pub fn merge(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.errored += other.errored;
        self.not_run += other.not_run;
        self.known += other.known;
    }

    /// How many cases were run to a result.
    pub fn executed(self) -> usize {
        self.passed + self.failed + self.known
    }

    /// Whether every case was run that applies, and came to what was expected.
    pub fn is_clean(self) -> bool {
        self.executed() > 0 && self.failed + self.errored + self.not_run == 0
    }
}

impl fmt::Display for Counts {
    /// `N passed, N failed, N skipped`; what is rarer follows when there is any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)?;
        let rarer =
            [(self.errored, "errored"), (self.not_run, "not run"), (self.known, "known to fail")];
        for (count, what) in rarer.into_iter().filter(|&(count, _)| count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}

/// One thing that is not as expected. Kinds are compared by programs, texts are for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub aspect: Aspect,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// What can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aspect {
    /// The assembly text does not assemble.
    Assembly,
    /// The text assembles to other bytes.
    Bytecode,
    /// The source compiles to another program.
    Compilation,
    /// Decoded instructions encode to other bytes.
    Reencoding,
    /// The disassembled text assembles to other bytes.
    Disassembly,
    /// Whether, and for which faults, the program is rejected.
    Rejection,
    /// The greatest stack depth that the verifier finds.
    MaxStack,
    /// A step is not what the verifier promised.
    Soundness,
    /// Two runs of the same program differ.
    Determinism,
    /// How the run ends.
    Outcome,
    /// What is printed.
    Output,
    /// The calls of the host.
    Host,
    /// The operand stack at the end.
    Stack,
    /// A cell at the end.
    Cell,
    /// A step.
    Trace,
    /// How many steps are done.
    Steps,
    /// The offset and the number of active calls at the end.
    Position,
    /// The hash, although no state differs.
    Hash,
    /// The features that the program uses.
    Requires,
    /// The cells set before the first step.
    Input,
}

impl Aspect {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assembly => "assembly",
            Self::Bytecode => "bytecode",
            Self::Compilation => "compilation",
            Self::Reencoding => "re-encoding",
            Self::Disassembly => "disassembly",
            Self::Rejection => "rejection",
            Self::MaxStack => "max_stack",
            Self::Soundness => "soundness",
            Self::Determinism => "determinism",
            Self::Outcome => "outcome",
            Self::Output => "output",
            Self::Host => "host",
            Self::Stack => "final stack",
            Self::Cell => "final cell",
            Self::Trace => "trace",
            Self::Steps => "steps",
            Self::Position => "final position",
            Self::Hash => "hash",
            Self::Requires => "requires",
            Self::Input => "input",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.aspect.name())?;
        writeln!(f, "  expected {}", indented(&self.expected))?;
        write!(f, "  found    {}", indented(&self.found))
    }
}

/// A text of several lines with the later ones below the first.
fn indented(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("\n           ")
}

/// Faults in the words of a case file: `phase reason at offset`, one a line.
pub fn fault_list(faults: &[Fault]) -> String {
    let line = |fault: &Fault| {
        format!(
            "{} {} at {} ({})",
            fault.reason.phase().name(),
            fault.reason.name(),
            fault.at,
            fault.detail
        )
    };
    faults.iter().map(line).collect::<Vec<_>>().join("\n")
}
