//! The reference tier as an engine, and as what others are held to.

use bytestone_spec::Isa;
use bytestone_vm::codec::{CodeTooLong, Codec, DecodeError};
use bytestone_vm::trace::Tracer;
use bytestone_vm::trace::view::{Observed, Seen};
use bytestone_vm::verify::{Verified, verify};
use bytestone_vm::{Outcome, Reference, Rejection, State, Stuck};

use super::record::Recorder;
use super::{
    Description, End, Engine, Fuel, Mishap, MishapKind, NamedCell, Phases, Ran, Rejected, Reply,
    Request, Traces, Watch,
};
use crate::runner::REFERENCE;

/// A program that was accepted, ready to be run again and again.
#[derive(Debug)]
pub struct Prepared<'a> {
    isa: &'a Isa,
    verified: Verified,
    reference: Reference<'a>,
}

/// Why there is nothing to run.
#[derive(Debug, thiserror::Error)]
pub enum Unprepared {
    /// The program is rejected.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The program is too long for these tools.
    #[error(transparent)]
    TooLong(#[from] CodeTooLong),
}

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An input cell does not fit the machine.
    #[error("{cell}: {why}")]
    Input {
        /// The cell.
        cell: NamedCell,
        /// What is wrong with it.
        why: String,
    },
    /// The verifier is wrong.
    #[error(transparent)]
    Stuck(#[from] Stuck),
}

impl<'a> Prepared<'a> {
    /// Decodes and verifies a program.
    ///
    /// # Errors
    ///
    /// It is rejected, or too long.
    pub fn new(isa: &'a Isa, codec: &Codec<'_>, code: &[u8]) -> Result<Self, Unprepared> {
        let program = codec.decode(code).map_err(|error| match error {
            DecodeError::Rejected(rejection) => Unprepared::Rejected(rejection),
            DecodeError::TooLong(error) => Unprepared::TooLong(error),
        })?;
        let verified = verify(isa, program)?;
        let reference = Reference::new(isa, &verified);
        Ok(Self { isa, verified, reference })
    }

    /// The machine.
    pub fn isa(&self) -> &'a Isa {
        self.isa
    }

    /// The program.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The state before the first step.
    ///
    /// # Errors
    ///
    /// A cell does not fit the machine.
    pub fn start(&self, input: &[NamedCell]) -> Result<State, RunError> {
        start(self.isa, input)
    }

    /// Runs it with any tracer. A run that would print more than the tools hold ends there as if the
    /// fuel were used.
    ///
    /// # Errors
    ///
    /// The verifier is wrong.
    pub fn trace(
        &self,
        state: &mut State,
        fuel: u64,
        tracer: &mut impl Tracer,
    ) -> Result<End, RunError> {
        Ok(match self.reference.run(state, fuel, tracer)? {
            Outcome::Halt => End::Halt,
            Outcome::Trap { trap, at } => {
                End::Trap { trap: Some(self.isa.trap(trap).name.clone()), at: Some(at) }
            }
            Outcome::Fuel | Outcome::OutputLimit => End::Fuel,
        })
    }

    /// Runs it as an engine that shows what is `observed` must.
    ///
    /// # Errors
    ///
    /// The input does not fit the machine, or the verifier is wrong.
    pub fn run(
        &self,
        input: &[NamedCell],
        fuel: u64,
        watch: Watch,
        observed: Observed,
    ) -> Result<Ran, RunError> {
        let mut state = self.start(input)?;
        let mut watcher = Watcher { isa: self.isa, recorder: Recorder::new(watch, observed) };
        let end = self.trace(&mut state, fuel, &mut watcher)?;
        Ok(watcher.recorder.finish(&Seen { isa: self.isa, state: &state }, end))
    }
}

fn start(isa: &Isa, input: &[NamedCell]) -> Result<State, RunError> {
    let mut state = State::new(isa);
    for cell in input {
        cell.set(isa, &mut state).map_err(|why| RunError::Input { cell: cell.clone(), why })?;
    }
    Ok(state)
}

/// A recorder that looks on at the reference tier.
struct Watcher<'a> {
    isa: &'a Isa,
    recorder: Recorder,
}

impl Tracer for Watcher<'_> {
    #[inline]
    fn before(&mut self, _at: usize, state: &State) {
        self.recorder.step(&Seen { isa: self.isa, state });
    }
}

/// The reference tier as an engine like any other.
#[derive(Debug)]
pub struct ReferenceEngine<'a> {
    machines: Vec<(&'a Isa, Codec<'a>)>,
    description: Description,
}

impl<'a> ReferenceEngine<'a> {
    /// An engine for some machines.
    pub fn new(machines: impl IntoIterator<Item = &'a Isa>) -> Self {
        let machines: Vec<_> = machines.into_iter().map(|isa| (isa, Codec::new(isa))).collect();
        let names =
            machines.iter().map(|(isa, _)| format!("{}@{}", isa.name(), isa.version().major));
        let description = Description {
            name: REFERENCE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machines: names.collect(),
            phases: Phases { decode: true, verify: true },
            observes: Observed::ALL,
            traces: Traces { hash: true, window: true },
            fuel: Fuel::Counted,
        };
        Self { machines, description }
    }
}

impl Engine for ReferenceEngine<'_> {
    fn description(&self) -> &Description {
        &self.description
    }

    fn run(&mut self, request: &Request) -> Result<Reply, Mishap> {
        let machine = self.machines.iter().find(|(isa, _)| isa.name() == request.machine);
        let Some((isa, codec)) = machine else {
            return Ok(Reply::Unsupported(format!("no machine {}", request.machine)));
        };
        let prepared = match Prepared::new(isa, codec, &request.program) {
            Ok(prepared) => prepared,
            Err(Unprepared::Rejected(rejection)) => {
                let first = &rejection.faults[0];
                return Ok(Reply::Rejected(Rejected {
                    phase: first.reason.phase(),
                    reason: Some(first.reason),
                    at: Some(first.at),
                }));
            }
            Err(Unprepared::TooLong(error)) => return Ok(Reply::Unsupported(error.to_string())),
        };
        let refused = |error: RunError| Mishap::from(MishapKind::Refused(error.to_string()));
        prepared
            .run(&request.input, request.fuel, request.watch, self.description.observes)
            .map(|ran| Reply::Ran(Box::new(ran)))
            .map_err(refused)
    }
}
