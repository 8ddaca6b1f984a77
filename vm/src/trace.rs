//! What a run shows of its steps, to whom, and at which cost.

use bytestone_spec::isa::{BankId, FieldId, RegionId, TrapId};

use crate::host::Call;
use crate::state::State;
use crate::value::{Text, Value};

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
    /// Whether it looks at changes. If not, those of cells and of the heap are not made out.
    const CHANGES: bool = true;

    /// Before a step of the instruction with index `at`.
    #[inline]
    fn before(&mut self, at: usize, state: &State) {
        let _ = (at, state);
    }

    /// A change that the step makes. Changes come in the order of a trace: cells, calls of the host, output,
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

/// A change other than that of the operand stack. Each value is a list of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A cell of a bank was written, perhaps with the value that it had.
    Cell {
        /// The bank.
        bank: BankId,
        /// The index of the cell.
        index: u32,
        /// What it holds now.
        value: Value,
    },
    /// A global variable was set, perhaps to the value that it had.
    Global {
        /// Its name.
        name: Text,
        /// What it holds now.
        value: Value,
    },
    /// An element of an array was set or added.
    Element {
        /// Its index.
        index: u32,
        /// What it is now.
        value: Value,
    },
    /// An entry of a map was set or added.
    Entry {
        /// Its key.
        key: Text,
        /// What it is now.
        value: Value,
    },
    /// A field of a record was set, perhaps to the value that it had.
    Field {
        /// The field.
        field: FieldId,
        /// What it holds now.
        value: Value,
    },
    /// Bytes of memory were written, perhaps with what they were.
    Memory {
        /// The region.
        region: RegionId,
        /// The offset of the first of them in the region.
        offset: u32,
        /// What they are now.
        value: Value,
    },
    /// A function of the host was called.
    Host(Call),
    /// A value was printed.
    Out(Value),
    /// After a call or a return: the number of active calls, not counting the first frame.
    Frame(u32),
    /// The step ended in a trap.
    Trap(TrapId),
}

/// Looks at nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrace;

impl Tracer for NoTrace {
    const CHANGES: bool = false;
}

/// Two tracers that look on together.
impl<A: Tracer, B: Tracer> Tracer for (A, B) {
    const CHANGES: bool = A::CHANGES || B::CHANGES;

    #[inline]
    fn before(&mut self, at: usize, state: &State) {
        self.0.before(at, state);
        self.1.before(at, state);
    }

    #[inline]
    fn change(&mut self, change: Change) {
        self.0.change(change.clone());
        self.1.change(change);
    }

    #[inline]
    fn after(&mut self, at: usize, state: &State) {
        self.0.after(at, state);
        self.1.after(at, state);
    }
}

impl<T: Tracer> Tracer for &mut T {
    const CHANGES: bool = T::CHANGES;

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
