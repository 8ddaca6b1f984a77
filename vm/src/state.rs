//! The state of a machine between two steps.

use bytestone_spec::isa::{BankId, IntType, Isa};

/// Everything that a machine remembers: operand stack, banks, active calls, output, the offset
/// of the next instruction and the number of steps done.
///
/// Cells are canonical: a cell of type `ty` is `ty.wrap` of itself. Two states are equal when
/// all of this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub(crate) stack: Vec<u64>,
    pub(crate) banks: Vec<Bank>,
    pub(crate) calls: Vec<u32>,
    pub(crate) output: Vec<u64>,
    pub(crate) pc: u32,
    pub(crate) steps: u64,
    stack_type: Option<IntType>,
    output_type: Option<IntType>,
}

/// The cells of a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bank {
    pub(crate) of: IntType,
    pub(crate) cells: Box<[u64]>,
}

/// Why a cell cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The machine has no such bank.
    #[error("the machine has no bank with number {0}")]
    NoBank(u8),
    /// The bank has no such cell.
    #[error("there is no cell {index}: the bank has {count}")]
    NoCell {
        /// The index asked for.
        index: u64,
        /// How many cells the bank has.
        count: usize,
    },
    /// The value is none of the cell's type.
    #[error("{value} is no value of type {of}")]
    BadValue {
        /// The value given.
        value: i128,
        /// The type of the cell.
        of: IntType,
    },
}

impl State {
    /// The state in which every program of a machine starts: nothing on the stacks, all cells of
    /// banks zero, at offset 0.
    pub fn new(isa: &Isa) -> Self {
        let machine = isa.machine();
        let zeroed = |count: u32| vec![0; count as usize].into_boxed_slice();
        Self {
            stack: Vec::new(),
            banks: machine
                .banks
                .iter()
                .map(|bank| Bank { of: bank.of, cells: zeroed(bank.count) })
                .collect(),
            calls: Vec::new(),
            output: Vec::new(),
            pc: 0,
            steps: 0,
            stack_type: machine.stack.map(|stack| stack.of),
            output_type: machine.output,
        }
    }

    /// Sets a cell of a bank.
    ///
    /// # Errors
    /// When there is no such bank or cell, or when the cell cannot hold `value`.
    pub fn set_cell(&mut self, bank: BankId, index: u64, value: i128) -> Result<(), InputError> {
        let bank = self.banks.get_mut(usize::from(bank.0)).ok_or(InputError::NoBank(bank.0))?;
        let count = bank.cells.len();
        let place = usize::try_from(index).ok().and_then(|index| bank.cells.get_mut(index));
        let place = place.ok_or(InputError::NoCell { index, count })?;
        *place = bank.of.cell(value).ok_or(InputError::BadValue { value, of: bank.of })?;
        Ok(())
    }

    /// The value of a cell of a bank, if there is such a cell.
    pub fn cell(&self, bank: BankId, index: u64) -> Option<i128> {
        let bank = self.banks.get(usize::from(bank.0))?;
        let cell = *bank.cells.get(usize::try_from(index).ok()?)?;
        Some(bank.of.value(cell))
    }

    /// The values of a bank, by index; none when there is no such bank.
    pub fn bank(&self, bank: BankId) -> impl DoubleEndedIterator<Item = i128> + ExactSizeIterator {
        let (of, cells) = match self.banks.get(usize::from(bank.0)) {
            Some(bank) => (bank.of, &*bank.cells),
            None => (IntType::unsigned(64), &[][..]),
        };
        values(Some(of), cells)
    }

    /// The values on the operand stack, bottom first.
    pub fn stack(&self) -> impl DoubleEndedIterator<Item = i128> + ExactSizeIterator {
        values(self.stack_type, &self.stack)
    }

    /// The values printed, in order.
    pub fn output(&self) -> impl DoubleEndedIterator<Item = i128> + ExactSizeIterator {
        values(self.output_type, &self.output)
    }

    /// The cells of the operand stack, bottom first.
    pub fn stack_cells(&self) -> &[u64] {
        &self.stack
    }

    /// The type of the cells of the operand stack, if the machine has one.
    pub fn stack_type(&self) -> Option<IntType> {
        self.stack_type
    }

    /// The offsets to which the active calls return, the latest last.
    pub fn calls(&self) -> &[u32] {
        &self.calls
    }

    /// The offset of the next instruction. After a halt or a trap it is that of the instruction
    /// that ended the program, after the end of the code the length of the code.
    pub fn pc(&self) -> u32 {
        self.pc
    }

    /// How many steps were done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The value that `cell` has as an entry of the output.
    #[inline]
    pub(crate) fn output_value(&self, cell: u64) -> i128 {
        value(self.output_type, cell)
    }
}

/// The value of a cell whose storage the machine may lack, so that there is no type.
#[inline]
fn value(of: Option<IntType>, cell: u64) -> i128 {
    of.unwrap_or(IntType::unsigned(64)).value(cell)
}

fn values(
    of: Option<IntType>,
    cells: &[u64],
) -> impl DoubleEndedIterator<Item = i128> + ExactSizeIterator {
    cells.iter().map(move |&cell| value(of, cell))
}
