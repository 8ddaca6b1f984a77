//! Holds every step of a run to what the verifier said about the program.

use bytestone_spec::isa::{IntType, Isa};

use crate::reference::{Outcome, Reference, Stuck};
use crate::state::State;
use crate::trace::{Change, Tracer};
use crate::verify::Verified;

/// A step that contradicts the verifier, or a cell that is no value of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
        value: i128,
    },
}

/// Why the verifier or the reference tier is wrong about a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
    let mut state = State::new(isa);
    let mut tracer = SoundnessTrace::new(isa, verified);
    let outcome = Reference::new(isa, verified).run(&mut state, fuel, &mut tracer)?;
    tracer.finish()?;
    Ok(outcome)
}

/// Compares a run, from its first step on, with what the verifier said.
#[derive(Clone, Debug)]
pub struct SoundnessTrace<'a> {
    isa: &'a Isa,
    verified: &'a Verified,
    /// The height of the stack at the entry of each active subroutine, the program first.
    bases: Vec<usize>,
    /// The offset of the instruction that is being done.
    at: u32,
    /// Its calls or returns: the number of active calls after it.
    frame: Option<u32>,
    violation: Option<Violation>,
}

impl<'a> SoundnessTrace<'a> {
    /// For a run of `verified` that starts in the first state.
    pub fn new(isa: &'a Isa, verified: &'a Verified) -> Self {
        Self { isa, verified, bases: vec![0], at: 0, frame: None, violation: None }
    }

    /// Whether all steps so far agree with the verifier.
    ///
    /// # Errors
    /// The first violation.
    pub fn finish(&self) -> Result<(), Violation> {
        self.violation.map_or(Ok(()), Err)
    }

    fn note(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    fn check_value(&mut self, of: Option<IntType>, value: i128) {
        if !of.is_some_and(|of| of.contains(value)) {
            self.note(Violation::Cell { at: self.at, value });
        }
    }
}

impl Tracer for SoundnessTrace<'_> {
    fn before(&mut self, at: usize, state: &State) {
        self.at = state.pc();
        self.frame = None;
        let found = state.stack_cells().len();
        let base = self.bases.last().copied().unwrap_or(0) as i64;
        match self.verified.height(at) {
            None => self.note(Violation::Unreachable { at: self.at }),
            Some(height) if base + i64::from(height) != found as i64 => {
                let expected = base + i64::from(height);
                self.note(Violation::Height { at: self.at, expected, found });
            }
            Some(_) => {}
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Cell { bank, value, .. } => {
                let bank = self.isa.machine().banks.get(usize::from(bank.0));
                self.check_value(bank.map(|bank| bank.of), value);
            }
            Change::Out(value) => self.check_value(self.isa.machine().output, value),
            Change::Frame(calls) => self.frame = Some(calls),
            Change::Trap(_) => {}
        }
    }

    fn after(&mut self, at: usize, state: &State) {
        let height = state.stack_cells().len();
        let insn = self.verified.program().insns()[at].id;
        let pushed = self.isa.instruction(insn).body.outputs.len();
        for value in state.stack().rev().take(pushed) {
            self.check_value(state.stack_type(), value);
        }
        if let Some(calls) = self.frame {
            // A call enters at the height that it leaves; a return drops what was entered last.
            self.bases.resize(calls as usize + 1, height);
        }
    }
}
