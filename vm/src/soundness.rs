//! Holds every step of a run to what the verifier said about the program.

use bytestone_spec::isa::{CellType, Isa};

use crate::host::Call;
use crate::reference::{Outcome, Reference, Stuck};
use crate::state::State;
use crate::trace::{Change, Tracer};
use crate::value::{Form, Value};
use crate::verify::{MaxStack, Verified};

/// A step that contradicts the verifier, or a cell that is no value of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The instruction was reached, and the verifier said that it cannot be.
    #[error("offset {at} was reached, which the verifier excludes")]
    Unreachable {
        /// The offset of the instruction.
        at: u32,
    },
    /// The operand stack has another height than the verifier said.
    #[error("the stack at offset {at} holds {found} cells, the verifier says {expected}")]
    Height {
        /// The offset of the instruction.
        at: u32,
        /// What the verifier said, from the bottom of the stack.
        expected: i64,
        /// What was found.
        found: usize,
    },
    /// The operand stack is higher than the verifier said that it can become.
    #[error("the stack after offset {at} holds {found} cells, the verifier allows {allowed}")]
    TooHigh {
        /// The offset of the instruction.
        at: u32,
        /// The greatest height by the verifier.
        allowed: u32,
        /// What was found.
        found: usize,
    },
    /// A cell holds what is no value of its type.
    #[error("after offset {at} a cell holds {value}, which is no value of its type")]
    Cell {
        /// The offset of the instruction.
        at: u32,
        /// What the cell holds.
        value: Value,
    },
    /// A call of the host is none that the machine can make.
    #[error("the call of the host at offset {at} is `{call}`, which does not fit its function")]
    Call {
        /// The offset of the instruction.
        at: u32,
        /// The call.
        call: Call,
    },
}

/// Why the verifier or the reference tier is wrong about a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// The run got stuck.
    #[error(transparent)]
    Stuck(#[from] Stuck),
    /// A step contradicts the verifier.
    #[error(transparent)]
    Violation(#[from] Violation),
}

/// Runs a program from its start and holds each step to the verifier.
///
/// # Errors
/// The first contradiction.
pub fn check(isa: &Isa, verified: &Verified, fuel: u64) -> Result<Outcome, Unsound> {
    let mut soundness = SoundnessTrace::new(isa, verified);
    let run = Reference::new(isa, verified).run(&mut State::new(isa), fuel, &mut soundness);
    soundness.finish()?;
    Ok(run?)
}

/// Compares a run, from its first step on, with what the verifier said.
#[derive(Clone, Debug)]
pub struct SoundnessTrace<'a> {
    isa: &'a Isa,
    verified: &'a Verified,
    /// For each active call, the program itself first, the height that the verifier counts from;
    /// nothing before its first instruction, because the verifier chooses where it counts from.
    bases: Vec<Option<i64>>,
    /// The offset of the instruction that is being done.
    at: u32,
    violation: Option<Violation>,
}

impl<'a> SoundnessTrace<'a> {
    /// For a run of `verified` that starts in the first state.
    pub fn new(isa: &'a Isa, verified: &'a Verified) -> Self {
        Self { isa, verified, bases: vec![Some(0)], at: 0, violation: None }
    }

    /// Whether all steps so far agree with the verifier.
    ///
    /// # Errors
    /// The first violation.
    pub fn finish(&self) -> Result<(), Violation> {
        self.violation.clone().map_or(Ok(()), Err)
    }

    fn note(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    fn check_value(&mut self, of: Option<CellType>, value: Value) {
        if !of.is_some_and(|of| Form::new(self.isa, of).admits(&value)) {
            self.note(Violation::Cell { at: self.at, value });
        }
    }
}

impl Tracer for SoundnessTrace<'_> {
    fn before(&mut self, at: usize, state: &State) {
        self.at = state.pc();
        let found = state.stack_cells().len();
        let Some(height) = self.verified.height(at).map(i64::from) else {
            return self.note(Violation::Unreachable { at: self.at });
        };
        let Some(base) = self.bases.last_mut() else { return };
        let expected = *base.get_or_insert(found as i64 - height) + height;
        if expected != found as i64 {
            self.note(Violation::Height { at: self.at, expected, found });
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Cell { bank, value, .. } => {
                let bank = self.isa.machine().banks.get(usize::from(bank.0));
                self.check_value(bank.map(|bank| bank.of), value);
            }
            Change::Global { value, .. }
            | Change::Element { value, .. }
            | Change::Entry { value, .. }
            | Change::Field { value, .. } => self.check_value(Some(CellType::Value), value),
            Change::Out(value) => self.check_value(self.isa.machine().output, value),
            Change::Frame(calls) => self.bases.resize(calls as usize + 1, None),
            Change::Host(call) if !call.is_of(self.isa.machine()) => {
                self.note(Violation::Call { at: self.at, call });
            }
            Change::Memory { .. } | Change::Host(_) | Change::Trap(_) => {}
        }
    }

    fn after(&mut self, at: usize, state: &State) {
        let found = state.stack_cells().len();
        // What the first function returned lies where no frame is.
        let has_ended = self.isa.machine().frames.is_some() && state.frames.is_empty();
        if let MaxStack::Bounded(allowed) = self.verified.max_stack()
            && found > allowed as usize
            && !has_ended
        {
            self.note(Violation::TooHigh { at: self.at, allowed, found });
        }
        let insn = self.verified.program().insns().get(at);
        let pushed = insn.map_or(0, |insn| self.isa.instruction(insn.id).body.outputs.len());
        for value in state.top().take(pushed) {
            self.check_value(self.isa.machine().stack.map(|stack| stack.of), value);
        }
    }
}
