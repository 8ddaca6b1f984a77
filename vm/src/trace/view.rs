//! The state of any machine as an onlooker sees it, and the texts in which engines write it.

use bytestone_spec::isa::Isa;

use crate::state::State;

/// The parts of a state that can be seen, as an engine declares them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The offset of the next instruction.
    pub pc: bool,
    /// The number of active calls.
    pub depth: bool,
    /// The operand stack.
    pub stack: bool,
    /// The cells of all banks.
    pub cells: bool,
    /// What is printed.
    pub output: bool,
}

impl Observed {
    /// Everything.
    pub const ALL: Self = Self { pc: true, depth: true, stack: true, cells: true, output: true };
}

/// A state between two steps, whatever machine it is of. What a machine does not have stays at
/// the default.
pub trait View {
    /// The offset of the next instruction; of the last one after a halt or a trap.
    fn pc(&self) -> u32;

    /// The number of calls not yet returned from.
    fn depth(&self) -> u32 {
        0
    }

    /// The values on the operand stack, bottom first.
    fn stack(&self) -> impl DoubleEndedIterator<Item = i128> + ExactSizeIterator {
        std::iter::empty()
    }

    /// The cells that are not zero: the name of the bank, the index and the value; banks in the
    /// order of the spec, cells by index.
    fn cells(&self) -> impl Iterator<Item = (&str, u32, i128)> {
        std::iter::empty()
    }

    /// The values printed, in order.
    fn output(&self) -> impl DoubleEndedIterator<Item = i128> + ExactSizeIterator {
        std::iter::empty()
    }
}

/// A [`State`] with the names of its machine.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The machine.
    pub isa: &'a Isa,
    /// Its state.
    pub state: &'a State,
}

impl View for Seen<'_> {
    fn pc(&self) -> u32 {
        self.state.pc()
    }

    fn depth(&self) -> u32 {
        self.state.calls().len() as u32
    }

    fn stack(&self) -> impl DoubleEndedIterator<Item = i128> + ExactSizeIterator {
        self.state.stack()
    }

    fn cells(&self) -> impl Iterator<Item = (&str, u32, i128)> {
        let banks = self.isa.banks().zip(&self.isa.machine().banks);
        banks.flat_map(|(id, bank)| {
            let cells = (0..).zip(self.state.bank(id));
            let named = cells.map(|(index, value)| (bank.name.as_str(), index, value));
            named.filter(|&(_, _, value)| value != 0)
        })
    }

    fn output(&self) -> impl DoubleEndedIterator<Item = i128> + ExactSizeIterator {
        self.state.output()
    }
}

/// Values with commas between, as engines write a stack or what was printed: `3,5`.
pub fn values_text(values: impl Iterator<Item = i128>) -> String {
    let mut text = Vec::new();
    push_values(&mut text, values);
    ascii(text)
}

/// Cells as engines write them: `local:2=16,local:5=1`.
pub fn cells_text<'a>(cells: impl Iterator<Item = (&'a str, u32, i128)>) -> String {
    let mut text = Vec::new();
    push_cells(&mut text, cells);
    ascii(text)
}

/// How many values were printed and the last of them, as engines write it: `2:13`.
pub fn printed_text(output: impl DoubleEndedIterator<Item = i128> + ExactSizeIterator) -> String {
    let mut text = Vec::new();
    push_printed(&mut text, output);
    ascii(text)
}

fn ascii(text: Vec<u8>) -> String {
    text.into_iter().map(char::from).collect()
}

pub(super) fn push_values(text: &mut Vec<u8>, values: impl Iterator<Item = i128>) {
    for (place, value) in values.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        push_number(text, value);
    }
}

pub(super) fn push_cells<'a>(
    text: &mut Vec<u8>,
    cells: impl Iterator<Item = (&'a str, u32, i128)>,
) {
    for (place, (bank, index, value)) in cells.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        text.extend_from_slice(bank.as_bytes());
        text.push(b':');
        push_number(text, index.into());
        text.push(b'=');
        push_number(text, value);
    }
}

pub(super) fn push_printed(
    text: &mut Vec<u8>,
    mut output: impl DoubleEndedIterator<Item = i128> + ExactSizeIterator,
) {
    push_number(text, output.len() as i128);
    text.push(b':');
    if let Some(last) = output.next_back() {
        push_number(text, last);
    }
}

/// Appends a number in decimal. Most numbers have one digit, and nearly all fit 64 bits, for which
/// itoa is much faster.
#[inline]
pub(super) fn push_number(text: &mut Vec<u8>, number: i128) {
    let mut buffer = itoa::Buffer::new();
    match i64::try_from(number) {
        Ok(digit @ 0..10) => text.push(b'0' + digit as u8),
        Ok(number) => text.extend_from_slice(buffer.format(number).as_bytes()),
        Err(_) => text.extend_from_slice(buffer.format(number).as_bytes()),
    }
}
