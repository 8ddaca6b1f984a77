//! Holds an engine to the reference tier: one program, hashes first, then the first wrong step.

use bytestone_spec::Isa;
use bytestone_spec::isa::TrapId;
use bytestone_vm::codec::Codec;
use bytestone_vm::trace::{Checkpoints, NoTrace};
use bytestone_vm::{Fault, Phase};

use crate::engine::reference::{Prepared, RunError, Unprepared};
use crate::engine::{Description, End, Engine, Fuel, NamedCell, Rejected, Reply, Request, Watch};
use crate::verdict::{Difference, Failure};

mod compare;
mod locate;

pub use compare::{cell_text, end_fits, seen_cell_text};
pub use locate::{After, Divergence};

/// A program, and what the reference tier makes of it.
#[derive(Debug)]
pub struct Subject<'a> {
    isa: &'a Isa,
    code: Vec<u8>,
    input: Vec<NamedCell>,
    fuel: u64,
    expected: Expected<'a>,
}

#[derive(Debug)]
enum Expected<'a> {
    Rejected(Vec<Fault>),
    Runs { prepared: Box<Prepared<'a>>, steps: u64, end: End, calls_host: bool },
}

/// Why there is nothing that an engine could be held to.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// The program is too long.
    #[error("{0}")]
    TooLong(String),
    /// It cannot be run.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// How an answer compares.
#[derive(Debug)]
pub enum Finding {
    /// It is as expected.
    Agrees,
    /// It is not.
    Differs(Box<Failure>),
    /// The engine does not do this.
    Unsupported(String),
    /// It shows what are no values of the machine; why, in words.
    NoValues(String),
}

/// How often the hash of a run of so many steps is noted at first. A checkpoint costs as much as the
/// whole state is large, so short runs have few; long ones have enough to be searched quickly.
fn every(steps: u64) -> u64 {
    const FEW: u64 = 64;
    const MANY: u64 = 4096;
    const SPARSE: u64 = 1024;
    steps.div_ceil(FEW).min(SPARSE).max(steps.div_ceil(MANY)).max(1)
}

/// The fuel for a program that ends after so many steps. An engine that still runs after that is lost; to watch it
/// to the end of all fuel would only take long.
fn ample(steps: u64) -> u64 {
    const MORE: u64 = 1000;
    steps.saturating_mul(2).saturating_add(MORE)
}

impl<'a> Subject<'a> {
    /// Decodes, verifies and runs a program on the reference tier.
    ///
    /// # Errors
    ///
    /// It is too long, the input does not fit the machine, or the verifier is wrong.
    pub fn new(
        isa: &'a Isa,
        codec: &Codec<'_>,
        code: Vec<u8>,
        input: Vec<NamedCell>,
        fuel: u64,
    ) -> Result<Self, SubjectError> {
        let mut fuel = fuel;
        let expected = match Prepared::new(isa, codec, &code) {
            Err(Unprepared::TooLong(error)) => {
                return Err(SubjectError::TooLong(error.to_string()));
            }
            Err(Unprepared::Rejected(rejection)) => Expected::Rejected(rejection.faults),
            Ok(prepared) => {
                let mut state = prepared.start(&input)?;
                let end = prepared.trace(&mut state, fuel, &mut NoTrace)?;
                let steps = state.steps();
                let calls_host = state.host_calls().is_some_and(|calls| !calls.is_empty());
                fuel = match end {
                    // A run that is stopped because it prints too much ends there for all.
                    End::Fuel => steps,
                    End::Halt | End::Trap { .. } => fuel.min(ample(steps)),
                };
                Expected::Runs { prepared: Box::new(prepared), steps, end, calls_host }
            }
        };
        Ok(Self { isa, code, input, fuel, expected })
    }

    /// The machine.
    pub fn isa(&self) -> &'a Isa {
        self.isa
    }

    /// The code.
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// What an engine must be asked for.
    pub fn request(&self, engine: &Description) -> Request {
        let watch = match &self.expected {
            Expected::Runs { steps, .. } if engine.traces.hash => {
                Watch::Hash(Checkpoints { every: every(*steps), from: 0 })
            }
            Expected::Runs { .. } | Expected::Rejected(_) => Watch::End,
        };
        self.watched(self.fuel, watch)
    }

    /// The request for the whole run, with something to be seen of its steps.
    pub fn asked(&self, watch: Watch) -> Request {
        self.watched(self.fuel, watch)
    }

    fn watched(&self, fuel: u64, watch: Watch) -> Request {
        Request {
            machine: self.isa.name().to_owned(),
            program: self.code.clone(),
            input: self.input.clone(),
            fuel,
            watch,
        }
    }

    /// Why an engine is not asked at all, if so.
    pub fn skip(&self, engine: &Description) -> Option<String> {
        if !engine.runs(self.isa) {
            return Some(format!("the engine does not run {}", self.isa.name()));
        }
        let is_reply = |cell: &NamedCell| self.isa.find_extern(&cell.bank).is_some();
        if !engine.observes.host && (self.calls_host() || self.input.iter().any(is_reply)) {
            return Some("the engine does not show calls of the host".to_owned());
        }
        let full = self.isa.trap(TrapId::OUT_OF_MEMORY);
        let faults = match &self.expected {
            Expected::Runs { end: End::Fuel, .. } if engine.fuel == Fuel::Ignored => {
                return Some("the engine takes no fuel".to_owned());
            }
            // Whether the heap is full depends on how its cells are counted.
            Expected::Runs { end: End::Trap { trap: Some(trap), .. }, .. }
                if *trap == full.name && !engine.observes.heap =>
            {
                return Some("the engine does not count the cells of the heap".to_owned());
            }
            Expected::Runs { .. } => return None,
            Expected::Rejected(faults) => faults,
        };
        let phase = faults.first()?.reason.phase();
        (!engine.phases.has(phase)).then(|| format!("the engine has no phase {}", phase.name()))
    }

    /// Holds the answer of an engine to the reference tier. When it differs, the engine is asked again for
    /// the first wrong step.
    ///
    /// # Errors
    ///
    /// The reference tier cannot run the program.
    pub fn judge(
        &self,
        engine: &mut (impl Engine + ?Sized),
        request: &Request,
        reply: &Reply,
    ) -> Result<Finding, RunError> {
        let description = engine.description().clone();
        let (prepared, found) = match (&self.expected, reply) {
            (_, Reply::Unsupported(message)) => return Ok(Finding::Unsupported(message.clone())),
            (Expected::Rejected(faults), Reply::Rejected(found)) => {
                let difference = compare::rejection(self.isa, faults, *found);
                return Ok(finding(difference.into_iter().collect(), None));
            }
            (Expected::Rejected(faults), Reply::Ran(ran)) => {
                return Ok(finding(vec![compare::accepted(self.isa, faults, ran)], None));
            }
            (Expected::Runs { prepared, .. }, Reply::Rejected(found)) => {
                let ran = prepared.run(&self.input, self.fuel, Watch::End, description.observes)?;
                let program = prepared.verified().program();
                let difference = compare::rejected(self.isa, program, &ran, *found);
                return Ok(finding(vec![difference], None));
            }
            (Expected::Runs { prepared, .. }, Reply::Ran(found)) => (prepared, found),
        };
        if let Err(why) = found.check(self.isa, description.observes) {
            return Ok(Finding::NoValues(why));
        }
        let expected =
            prepared.run(&self.input, request.fuel, request.watch, description.observes)?;
        let mut differences = compare::ran(self.isa, &expected, found);
        let rows_agree = expected.hash == found.hash && expected.checkpoints == found.checkpoints;
        let windowed = description.traces.window && !description.traces.hash;
        if differences.is_empty() && rows_agree && !windowed {
            return Ok(Finding::Agrees);
        }
        let located = locate::Search { subject: self, prepared, engine, description }
            .first_wrong(&expected, found)?;
        match located {
            locate::Located::Step(divergence) => Ok(finding(differences, Some(divergence))),
            locate::Located::Nowhere if differences.is_empty() && rows_agree => Ok(Finding::Agrees),
            locate::Located::Nowhere if differences.is_empty() => {
                differences.push(compare::hash(&expected, found));
                Ok(finding(differences, None))
            }
            locate::Located::Nowhere => Ok(finding(differences, None)),
            locate::Located::Changed => {
                differences.push(compare::changed());
                Ok(finding(differences, None))
            }
            locate::Located::Mishap(mishap) => {
                differences.push(compare::mishap(&mishap));
                Ok(finding(differences, None))
            }
        }
    }

    /// The faults for which the program is rejected, if it is.
    pub fn faults(&self) -> Option<&[Fault]> {
        match &self.expected {
            Expected::Rejected(faults) => Some(faults),
            Expected::Runs { .. } => None,
        }
    }

    /// The program, when it runs, and the steps that it takes.
    pub fn runs(&self) -> Option<(&Prepared<'a>, u64)> {
        match &self.expected {
            Expected::Rejected(_) => None,
            Expected::Runs { prepared, steps, .. } => Some((prepared, *steps)),
        }
    }

    /// Whether the program calls the host.
    pub fn calls_host(&self) -> bool {
        matches!(self.expected, Expected::Runs { calls_host: true, .. })
    }

    /// Whether the program halts.
    pub fn halts(&self) -> bool {
        matches!(self.expected, Expected::Runs { end: End::Halt, .. })
    }
}

fn finding(differences: Vec<Difference>, divergence: Option<Box<Divergence>>) -> Finding {
    if differences.is_empty() && divergence.is_none() {
        return Finding::Agrees;
    }
    Finding::Differs(Box::new(Failure { differences, divergence, request: None }))
}

/// Whether a rejection names one of the faults, as far as it names anything.
pub fn rejection_fits(faults: &[Fault], found: Rejected) -> bool {
    let phase: Option<Phase> = faults.first().map(|fault| fault.reason.phase());
    phase == Some(found.phase)
        && faults.iter().any(|fault| {
            found.reason.is_none_or(|reason| reason == fault.reason)
                && found.at.is_none_or(|at| at == fault.at)
        })
}
