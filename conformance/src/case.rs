//! Cases: programs for a machine and what must come of them.

pub mod expand;
pub mod file;
pub mod host;
pub mod load;
mod program;
mod tokens;
pub mod trace;
mod values;
pub mod wanted;

use bytestone_lang::Compiled;
use bytestone_spec::Isa;
use bytestone_spec::diagnostic::Span;
use bytestone_spec::isa::{BankId, RegionId, TrapId};
use bytestone_vm::trace::view::{GLOBAL, Key};
use bytestone_vm::value::{Text, file as notation};
use bytestone_vm::{Phase, Reason};

use self::host::WantedCall;
use self::trace::ExpectedTrace;
use self::wanted::Wanted;
use crate::compile::Plan;
use crate::engine::NamedCell;

/// The cases of a file, all for one machine.
#[derive(Clone, Debug)]
pub struct CaseFile {
    /// The machine.
    pub machine: String,
    /// The cases in the order of the file, rows of tables one by one.
    pub cases: Vec<Case>,
}

/// One program and what must come of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// `machine/name`, or `machine/name/row` for a row of a table, counted from 1.
    pub id: String,
    /// What the case shows.
    pub about: Option<String>,
    /// Where the rule comes from.
    pub refs: Vec<String>,
    /// Ids that the case used to have.
    pub formerly: Vec<String>,
    /// Features of the spec that the program uses.
    pub requires: Vec<String>,
    /// Whether an implementation must or should pass it.
    pub strength: Strength,
    /// Whether the expectations were worked out by hand; such a case is never rewritten.
    pub golden: bool,
    /// Where the case stands in its file: its name, or its row.
    pub span: Span,
    /// The program as assembly text.
    pub asm: Option<String>,
    /// The program as bytes.
    pub bytecode: Option<Vec<u8>>,
    /// The program in a source language.
    pub source: Option<SourceProgram>,
    /// Cells set before the first step, and replies of the host.
    pub input: Vec<NamedCell>,
    /// The most steps.
    pub fuel: u64,
    /// What must come of it.
    pub expect: Expect,
}

/// A program in a source language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceProgram {
    /// The text.
    pub text: String,
    /// How it is compiled.
    pub plan: Plan,
    /// What the compiler makes of it.
    pub compiled: Compiled,
}

/// Whether an implementation must or should pass a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// It must.
    Must,
    /// It should.
    Should,
}

/// Where a value is at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a cell of a bank, of the running frame if the bank belongs to frames.
    Cell {
        /// The bank.
        bank: BankId,
        /// The index in the bank.
        index: u32,
    },
    /// In the global variable of this name.
    Global(Text),
    /// In so many bytes of a region of memory.
    Memory {
        /// The region.
        region: RegionId,
        /// The offset of the first one.
        offset: u32,
        /// How many.
        len: u32,
    },
}

impl Place {
    /// The name of its bank, and which cell of it.
    pub fn named<'a>(&self, isa: &'a Isa) -> (&'a str, Key) {
        match self {
            Self::Cell { bank, index } => {
                let bank = isa.machine().banks.get(usize::from(bank.0));
                (bank.map_or("", |bank| &bank.name), Key::Index(*index))
            }
            Self::Global(name) => (GLOBAL, Key::Name(name.clone())),
            Self::Memory { region, offset, .. } => {
                let region = isa.machine().memory.get(usize::from(region.0));
                (region.map_or("", |region| &region.name), Key::Index(*offset))
            }
        }
    }

    /// Its name in reports: `local[2]`, `global.x`.
    pub fn text(&self, isa: &Isa) -> String {
        let (bank, key) = self.named(isa);
        key_text(bank, &key)
    }
}

/// A cell of a bank by name: `local[2]`, `global.x`.
pub fn key_text(bank: &str, key: &Key) -> String {
    let mut text = bank.to_owned();
    match key {
        Key::Index(index) => text.push_str(&format!("[{index}]")),
        Key::Name(name) => {
            text.push('.');
            notation::push_name(&mut text, name);
        }
    }
    text
}

/// A place and what its value may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellWanted {
    /// The place.
    pub place: Place,
    /// What the value may be.
    pub value: Wanted,
}

/// What must come of a program.
#[derive(Clone, Debug)]
pub enum Expect {
    /// It is rejected for exactly these faults.
    Rejects(Vec<ExpectedFault>),
    /// It runs.
    Runs(Box<ExpectedRun>),
}

/// A fault that a program must be rejected for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedFault {
    /// The phase that finds it.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// Where.
    pub at: u32,
}

/// What must come of a run; what is `None` is not compared.
#[derive(Clone, Debug)]
pub struct ExpectedRun {
    /// How it ends.
    pub outcome: ExpectedOutcome,
    /// Everything that is printed.
    pub output: Option<Vec<Wanted>>,
    /// All calls of the host.
    pub host: Option<Vec<WantedCall>>,
    /// The operand stack at the end, bottom first.
    pub stack: Option<Vec<Wanted>>,
    /// Cells at the end.
    pub cells: Vec<CellWanted>,
    /// The steps.
    pub trace: Option<ExpectedTrace>,
    /// The greatest operand stack depth that the verifier finds.
    pub max_stack: Option<u32>,
}

impl ExpectedRun {
    /// Whether more than one result would do.
    pub fn is_open(&self) -> bool {
        let lists = [&self.output, &self.stack];
        let mut values = lists.into_iter().flatten().flatten();
        values.any(Wanted::is_open)
            || self.host.iter().flatten().any(WantedCall::is_open)
            || self.cells.iter().any(|cell| cell.value.is_open())
            || self.trace.as_ref().is_some_and(ExpectedTrace::is_open)
    }
}

/// How a run must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedOutcome {
    /// It halts.
    Halt,
    /// It traps at the instruction with this offset.
    Trap {
        /// The trap.
        trap: TrapId,
        /// The offset of the instruction.
        at: u32,
    },
    /// It reaches the limit of steps.
    Fuel,
}
