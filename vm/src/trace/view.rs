//! The state of any machine as an onlooker sees it, and the texts in which engines write it.

use bytestone_spec::isa::{Isa, RegionId};

use crate::host::Call;
use crate::state::State;
use crate::value::wire::{self, push_number};
use crate::value::{Text, Value};

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
    /// The calls of the host. Who shows them also takes replies.
    pub host: bool,
    /// Whether it counts the cells of the heap as the manual says, so that it knows when the heap is full.
    pub heap: bool,
}

impl Observed {
    /// Everything.
    pub const ALL: Self = Self {
        pc: true,
        depth: true,
        stack: true,
        cells: true,
        output: true,
        host: true,
        heap: true,
    };
}

/// Which cell of a bank.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The one with this index.
    Index(u32),
    /// The global variable of this name.
    Name(Text),
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

    /// The values on the operand stack, bottom first; where functions have frames, on that of the running one.
    /// Nodes are numbered over all of them.
    fn stack(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
        std::iter::empty()
    }

    /// How many values are on the operand stack.
    fn height(&self) -> usize {
        self.stack().len()
    }

    /// The values on the top of the operand stack, the topmost first, of which only the sizes of nodes are shown;
    /// at least four if there are so many.
    fn top(&self) -> impl Iterator<Item = Value> {
        let stack = self.stack();
        stack.rev().map(|value| match value {
            Value::Int(number) => Value::Int(number),
            Value::Back(number) => {
                self.stack().find_map(|value| size_of(&value, number)).unwrap_or(value)
            }
            other => other.shallow(),
        })
    }

    /// The cells that are not fresh (zero, or the first variant of the union): the name of the bank, the key and the
    /// value; banks in the order of the spec, cells by index, then each region of memory in groups of [`GROUP`] bytes
    /// that are not all zero, by the offset of the first, and then all global variables in the
    /// order in which they were first set, of the bank `global`. Each value is a list of its own.
    fn cells(&self) -> impl Iterator<Item = (&str, Key, Value)> {
        std::iter::empty()
    }

    /// The values printed, in order, as they were then. Each is a list of its own.
    fn output(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
        std::iter::empty()
    }

    /// The calls of the host, in order; `None` on machines without functions of the host.
    fn host_calls(&self) -> Option<&[Call]> {
        None
    }
}

/// The bank that global variables by name are shown as.
pub const GLOBAL: &str = "global";

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
        self.state.depth()
    }

    #[inline]
    fn stack(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
        self.state.stack()
    }

    #[inline]
    fn top(&self) -> impl Iterator<Item = Value> {
        self.state.top()
    }

    #[inline]
    fn height(&self) -> usize {
        self.state.stack_cells().len()
    }

    fn cells(&self) -> impl Iterator<Item = (&str, Key, Value)> {
        let banks = self.isa.banks().zip(&self.isa.machine().banks);
        let banks = banks.flat_map(|(id, bank)| {
            let cells = self.state.used_cells(id);
            cells.map(|(index, value)| (bank.name.as_str(), Key::Index(index), value))
        });
        let globals = self.state.globals();
        let banks = banks.chain(self.memory());
        banks.chain(globals.map(|(name, value)| (GLOBAL, Key::Name(name.into()), value)))
    }

    fn output(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
        self.state.output()
    }

    fn host_calls(&self) -> Option<&[Call]> {
        self.state.host_calls()
    }
}

/// How many bytes of memory are shown as one cell.
pub const GROUP: usize = 8;

impl<'a> Seen<'a> {
    /// The groups of bytes of memory that are not all zero, by region and offset.
    fn memory(&self) -> impl Iterator<Item = (&'a str, Key, Value)> {
        let regions = (0u8..).zip(&self.isa.machine().memory);
        let state = self.state;
        regions.flat_map(move |(id, region)| {
            let groups = state.memory(RegionId(id)).chunks(GROUP).zip((0u32..).step_by(GROUP));
            let groups = groups.filter(|(bytes, _)| **bytes != [0; GROUP][..bytes.len()]);
            groups.map(|(bytes, offset)| {
                (region.name.as_str(), Key::Index(offset), Value::Bytes(bytes.into()))
            })
        })
    }
}

/// Values with commas between, as engines write a stack or what was printed: `3,5`.
pub fn values_text(values: impl Iterator<Item = Value>) -> String {
    let mut text = Vec::new();
    push_values(&mut text, values);
    ascii(text)
}

/// Cells as engines write them: `local:2=16,local:5=1`.
pub fn cells_text<'a>(cells: impl Iterator<Item = (&'a str, Key, Value)>) -> String {
    let mut text = Vec::new();
    push_cells(&mut text, cells);
    ascii(text)
}

/// How many values were printed and the last of them, as engines write it: `2:13`.
pub fn printed_text(output: impl DoubleEndedIterator<Item = Value> + ExactSizeIterator) -> String {
    let mut text = Vec::new();
    push_printed(&mut text, output);
    ascii(text)
}

/// Calls of the host with commas between, as engines write them: `answer(1;2)=7`.
pub fn calls_text(calls: &[Call]) -> String {
    let mut text = Vec::new();
    for (place, call) in calls.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        call.push_wire(&mut text);
    }
    ascii(text)
}

fn ascii(text: Vec<u8>) -> String {
    text.into_iter().map(char::from).collect()
}

/// What is shown of the node with a number where only its size is, if it is in a value.
fn size_of(value: &Value, number: u32) -> Option<Value> {
    match value {
        Value::Node(node) if node.number == number => Some(value.shallow()),
        value => value.parts().find_map(|part| size_of(part, number)),
    }
}

pub(super) fn push_values(text: &mut Vec<u8>, values: impl Iterator<Item = Value>) {
    for (place, value) in values.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        wire::push(text, &value);
    }
}

pub(super) fn push_cells<'a>(
    text: &mut Vec<u8>,
    cells: impl Iterator<Item = (&'a str, Key, Value)>,
) {
    for (place, (bank, key, value)) in cells.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        text.extend_from_slice(bank.as_bytes());
        text.push(b':');
        match key {
            Key::Index(index) => push_number(text, index.into()),
            Key::Name(name) => wire::push_string(text, &name),
        }
        text.push(b'=');
        wire::push(text, &value);
    }
}

/// Appends how many calls of the host were made and the last of them: `2:answer(1;2)=7`.
pub(super) fn push_called(text: &mut Vec<u8>, calls: &[Call]) {
    push_number(text, calls.len() as i128);
    text.push(b':');
    if let Some(last) = calls.last() {
        last.push_wire(text);
    }
}

pub(super) fn push_printed(
    text: &mut Vec<u8>,
    mut output: impl DoubleEndedIterator<Item = Value> + ExactSizeIterator,
) {
    push_number(text, output.len() as i128);
    text.push(b':');
    if let Some(last) = output.next_back() {
        wire::push(text, &last);
    }
}
