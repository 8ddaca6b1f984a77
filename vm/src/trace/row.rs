//! The steps of a run one by one, and the one notation in which they are written.

use bytestone_spec::isa::Isa;

use super::{Change, Tracer};
use crate::asm::write_insn;
use crate::program::Program;
use crate::state::State;

/// One step of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepRow {
    /// The index of the instruction in the program.
    pub at: usize,
    /// The offset of the instruction.
    pub offset: u32,
    /// The operand stack after the step, bottom first.
    pub stack: Vec<i128>,
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
        self.push_row(&mut line, row.at, row.offset, row.stack.iter().copied(), &row.changes);
        line
    }

    pub(super) fn push_row(
        &self,
        line: &mut String,
        at: usize,
        offset: u32,
        stack: impl Iterator<Item = i128>,
        changes: &[Change],
    ) {
        let start = line.len();
        push_number(line, offset.into());
        pad(line, start + self.offset_width);
        line.push(' ');
        if self.isa.machine().stack.is_some() {
            push_stack(line, stack);
        }
        for &change in changes {
            self.push_change(line, change);
        }
        pad(line, start + self.offset_width + BODY_WIDTH);
        line.push_str("  ; ");
        line.push_str(self.instruction(at));
    }

    fn push_change(&self, line: &mut String, change: Change) {
        line.push(' ');
        match change {
            Change::Cell { bank, index, value } => {
                let Some(bank) = self.isa.machine().banks.get(usize::from(bank.0)) else { return };
                if bank.prefix.is_empty() {
                    line.push_str(&bank.name);
                    line.push('[');
                    push_number(line, index.into());
                    line.push(']');
                } else {
                    line.push_str(&bank.prefix);
                    push_number(line, index.into());
                }
                line.push_str(" = ");
                push_number(line, value);
            }
            Change::Out(value) => {
                line.push_str("out ");
                push_number(line, value);
            }
            Change::Frame(calls) => {
                line.push_str("frame ");
                push_number(line, calls.into());
            }
            Change::Trap(trap) => {
                line.push_str("trap ");
                let trap = self.isa.traps().get(usize::from(trap.0));
                line.push_str(trap.map_or("", |trap| &trap.name));
            }
        }
    }
}

/// Appends ` [bottom … top]`.
fn push_stack(line: &mut String, stack: impl Iterator<Item = i128>) {
    line.push_str(" [");
    for (place, value) in stack.enumerate() {
        if place > 0 {
            line.push(' ');
        }
        push_number(line, value);
    }
    line.push(']');
}

/// Appends a number in decimal. Cells have at most 64 bits, for which itoa is much faster.
fn push_number(line: &mut String, number: i128) {
    let mut buffer = itoa::Buffer::new();
    line.push_str(match i64::try_from(number) {
        Ok(number) => buffer.format(number),
        Err(_) => buffer.format(number),
    });
}

/// Appends spaces until `line` has `len` bytes.
fn pad(line: &mut String, len: usize) {
    const SPACES: &str = "                                ";
    let missing = len.saturating_sub(line.len());
    line.push_str(&SPACES[..missing.min(SPACES.len())]);
}
