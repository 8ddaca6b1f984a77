//! Verdicts: what came of a case, and where it differs from what was expected.

use std::fmt;

use bytestone_vm::Fault;

/// What came of a case.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Everything that the case gives holds.
    Pass,
    /// Something does not.
    Fail(Vec<Difference>),
    /// The case was not run, and why.
    Skip(String),
}

/// How many cases came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed.
    pub failed: usize,
    /// Cases that were not run.
    pub skipped: usize,
}

impl Counts {
    /// Counts a verdict.
    pub fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Fail(_) => self.failed += 1,
            Verdict::Skip(_) => self.skipped += 1,
        }
    }

    /// Adds the counts of another group.
    pub fn merge(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// How many cases were run.
    pub fn executed(self) -> usize {
        self.passed + self.failed
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
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
    /// The operand stack at the end.
    Stack,
    /// A cell at the end.
    Cell,
    /// A step.
    Trace,
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
            Self::Reencoding => "re-encoding",
            Self::Disassembly => "disassembly",
            Self::Rejection => "rejection",
            Self::MaxStack => "max_stack",
            Self::Soundness => "soundness",
            Self::Determinism => "determinism",
            Self::Outcome => "outcome",
            Self::Output => "output",
            Self::Stack => "final stack",
            Self::Cell => "final cell",
            Self::Trace => "trace",
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
