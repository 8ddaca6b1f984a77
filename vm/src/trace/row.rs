//! The steps of a run one by one, and the one notation in which they are written.

use std::fmt::Write;

use bytestone_spec::isa::{CellType, Isa, Payload};

use super::view::GLOBAL;
use super::{Change, Tracer};
use crate::asm::write_insn;
use crate::program::Program;
use crate::state::State;
use crate::value::{Text, Value, file};

/// One step of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepRow {
    /// The index of the instruction in the program.
    pub at: usize,
    /// The offset of the instruction.
    pub offset: u32,
    /// The operand stack after the step, bottom first.
    pub stack: Vec<Value>,
    /// Everything else that the step changed, in the order of a trace.
    pub changes: Vec<Change>,
}

/// Hands each step to a function, as a row that is used again for the next step.
#[derive(Clone, Debug)]
pub struct RowTrace<F> {
    row: StepRow,
    visit: F,
}

impl<F: FnMut(&StepRow)> RowTrace<F> {
    /// Calls `visit` after each step.
    pub fn new(visit: F) -> Self {
        Self { row: StepRow::default(), visit }
    }
}

impl<F: FnMut(&StepRow)> Tracer for RowTrace<F> {
    #[inline]
    fn before(&mut self, at: usize, state: &State) {
        self.row.at = at;
        self.row.offset = state.pc;
        self.row.changes.clear();
    }

    #[inline]
    fn change(&mut self, change: Change) {
        self.row.changes.push(change);
    }

    #[inline]
    fn after(&mut self, _at: usize, state: &State) {
        self.row.stack.clear();
        self.row.stack.extend(state.stack());
        (self.visit)(&self.row);
    }
}

/// How the steps of one program are written: the notation of traces in case files.
#[derive(Clone, Debug)]
pub struct Notation<'a> {
    isa: &'a Isa,
    /// The texts of all instructions, one after the other.
    texts: String,
    /// Where the text of each instruction ends.
    ends: Vec<usize>,
    /// The digits of the greatest offset.
    offset_width: usize,
}

/// How many columns stack and changes take at least, so that the instructions mostly line up.
const BODY_WIDTH: usize = 20;

impl<'a> Notation<'a> {
    /// The notation for a program. Renders every instruction once.
    pub fn new(isa: &'a Isa, program: &Program) -> Self {
        let mut texts = String::new();
        let mut ends = Vec::with_capacity(program.insns().len());
        for at in 0..program.insns().len() {
            write_insn(&mut texts, isa, program, at);
            ends.push(texts.len());
        }
        let greatest = program.insns().last().map_or(0, |insn| insn.offset);
        let offset_width = itoa::Buffer::new().format(greatest).len();
        Self { isa, texts, ends, offset_width }
    }

    /// The text of the instruction with index `at`, as the disassembler writes it with offsets
    /// for labels; empty when there is none.
    pub fn instruction(&self, at: usize) -> &str {
        let Some(&end) = self.ends.get(at) else { return "" };
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.texts[start..end]
    }

    /// A step as one line without its line feed, such as `17  [] out 13  ; PRINT`.
    pub fn row(&self, row: &StepRow) -> String {
        let mut line = String::new();
        self.push_row(&mut line, row.at, row.offset, row.stack.iter().cloned(), &row.changes);
        line
    }

    pub(super) fn push_row(
        &self,
        line: &mut String,
        at: usize,
        offset: u32,
        stack: impl Iterator<Item = Value>,
        changes: &[Change],
    ) {
        let start = line.len();
        file::push_int(line, offset.into());
        pad(line, start + self.offset_width);
        line.push(' ');
        match self.isa.machine().stack.map(|stack| stack.of) {
            Some(CellType::Int(_)) => push_numbers(line, stack),
            Some(CellType::Value) => push_values(line, stack),
            None => {}
        }
        for change in changes {
            self.push_change(line, change);
        }
        pad(line, start + self.offset_width + BODY_WIDTH);
        line.push_str("  ; ");
        line.push_str(self.instruction(at));
    }

    fn push_change(&self, line: &mut String, change: &Change) {
        line.push(' ');
        match change {
            Change::Cell { bank, index, value } => {
                let Some(bank) = self.isa.machine().banks.get(usize::from(bank.0)) else { return };
                if bank.prefix.is_empty() {
                    line.push_str(&bank.name);
                    push_index(line, *index);
                } else {
                    line.push_str(&bank.prefix);
                    file::push_int(line, (*index).into());
                }
                push_set(line, value);
            }
            Change::Global { name, value } => push_entry(line, GLOBAL, name, value),
            Change::Element { index, value } => {
                line.push_str(self.variant(Payload::Array));
                push_index(line, *index);
                push_set(line, value);
            }
            Change::Entry { key, value } => {
                push_entry(line, self.variant(Payload::Map), key, value);
            }
            Change::Field { field, value } => {
                let union = self.isa.machine().union.as_ref();
                line.push_str(&union.map_or_else(String::new, |union| union.field_name(*field)));
                push_set(line, value);
            }
            Change::Memory { region, offset, value } => {
                let region = self.isa.machine().memory.get(usize::from(region.0));
                line.push_str(region.map_or("", |region| &region.name));
                push_index(line, *offset);
                push_set(line, value);
            }
            Change::Host(call) => {
                // Writing to a string cannot fail.
                let _ = write!(line, "host {call}");
            }
            Change::Out(value) => {
                line.push_str("out ");
                push_value(line, value);
            }
            Change::Frame(calls) => {
                line.push_str("frame ");
                file::push_int(line, (*calls).into());
            }
            Change::Trap(trap) => {
                line.push_str("trap ");
                let trap = self.isa.traps().get(usize::from(trap.0));
                line.push_str(trap.map_or("", |trap| &trap.name));
            }
        }
    }

    /// The name of the first variant with a payload.
    fn variant(&self, payload: Payload) -> &str {
        let union = self.isa.machine().union.as_ref();
        let variants = union.map_or(&[][..], |union| &union.variants);
        let variant = variants.iter().find(|variant| variant.payload == payload);
        variant.map_or("", |variant| &variant.name)
    }
}

/// Appends ` [bottom … top]` for numbers, which need no look ahead.
fn push_numbers(line: &mut String, stack: impl Iterator<Item = Value>) {
    line.push_str(" [");
    for (place, value) in stack.enumerate() {
        if place > 0 {
            line.push(' ');
        }
        push_value(line, &value);
    }
    line.push(']');
}

/// Appends ` [bottom … top]`.
fn push_values(line: &mut String, stack: impl Iterator<Item = Value>) {
    let stack: Vec<Value> = stack.collect();
    line.push_str(" [");
    file::push_list(line, &stack, " ");
    line.push(']');
}

/// Appends `[5]`.
fn push_index(line: &mut String, index: u32) {
    line.push('[');
    file::push_int(line, index.into());
    line.push(']');
}

/// Appends `obj.key = 5`.
fn push_entry(line: &mut String, of: &str, name: &Text, value: &Value) {
    line.push_str(of);
    line.push('.');
    file::push_name(line, name);
    push_set(line, value);
}

/// Appends ` = 5`.
fn push_set(line: &mut String, value: &Value) {
    line.push_str(" = ");
    push_value(line, value);
}

#[inline]
fn push_value(line: &mut String, value: &Value) {
    match value {
        Value::Int(number) => file::push_int(line, *number),
        other => file::push(line, other),
    }
}

/// Appends spaces until `line` has `len` bytes.
fn pad(line: &mut String, len: usize) {
    const SPACES: &str = "                                ";
    let missing = len.saturating_sub(line.len());
    line.push_str(&SPACES[..missing.min(SPACES.len())]);
}
