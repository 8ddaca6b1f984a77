//! What a run shows of its steps, to whom, and at which cost.

use bytestone_spec::isa::{BankId, TrapId};

use crate::state::State;

mod hash;
mod row;
mod text;
pub mod view;

pub use hash::{Checkpoints, HashTrace, RowHash};
pub use row::{Notation, RowTrace, StepRow};
pub use text::TextTrace;

/// Looks on while a program runs.
///
/// It is a type parameter of the run: what a tracer does not look at costs nothing.
pub trait Tracer {
    /// Before a step of the instruction with index `at`.
    #[inline]
    fn before(&mut self, at: usize, state: &State) {
        let _ = (at, state);
    }

    /// A change that the step makes. Changes come in the order of a trace: cells, output,
    /// frame, or a trap alone.
    #[inline]
    fn change(&mut self, change: Change) {
        let _ = change;
    }

    /// After the step.
    #[inline]
    fn after(&mut self, at: usize, state: &State) {
        let _ = (at, state);
    }
}

/// A change other than that of the operand stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A cell of a bank was written, perhaps with the value that it had.
    Cell {
        /// The bank.
        bank: BankId,
        /// The index of the cell.
        index: u32,
        /// What it holds now.
        value: i128,
    },
    /// A value was printed.
    Out(i128),
    /// After a call or a return: the number of active calls.
    Frame(u32),
    /// The step ended in a trap.
    Trap(TrapId),
}

/// Looks at nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrace;

impl Tracer for NoTrace {}

/// Two tracers that look on together.
impl<A: Tracer, B: Tracer> Tracer for (A, B) {
    #[inline]
    fn before(&mut self, at: usize, state: &State) {
        self.0.before(at, state);
        self.1.before(at, state);
    }

    #[inline]
    fn change(&mut self, change: Change) {
        self.0.change(change);
        self.1.change(change);
    }

    #[inline]
    fn after(&mut self, at: usize, state: &State) {
        self.0.after(at, state);
        self.1.after(at, state);
    }
}

impl<T: Tracer> Tracer for &mut T {
    #[inline]
    fn before(&mut self, at: usize, state: &State) {
        (**self).before(at, state);
    }

    #[inline]
    fn change(&mut self, change: Change) {
        (**self).change(change);
    }

    #[inline]
    fn after(&mut self, at: usize, state: &State) {
        (**self).after(at, state);
    }
}
