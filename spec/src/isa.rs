//! The checked instruction set: for every instruction its pattern (bytes), effect (stack and
//! control) and body (meaning).
//!
//! An [`Isa`] is only made by the loader, after every check passed. Its tables hold no syntax and
//! no positions: whoever has an `Isa` need not ask again whether it makes sense.

mod arithmetic;
mod encoding;
mod host;
mod memory;
mod set;
mod syntax;
mod value;

use std::fmt;

pub use arithmetic::{BinaryOp, UnaryOp};
pub use encoding::{ByteOrder, Encoding, Field, Linear, Part, Word};
pub use host::{Arguments, Extern, ExternId};
pub use memory::{Region, RegionId, Saved, Start, is_stored};
pub use set::{Definition, Isa, Note};
pub use syntax::{Piece, PieceKind, Template};
pub use value::{
    CellType, Conversion, FieldId, FloatOp, New, Payload, Question, Record, RecordId, Union,
    Variant, VariantId,
};

/// A fixed-width integer type, `i1` to `i64` and `u1` to `u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntType {
    /// Width in bits, 1 to 64.
    pub bits: u8,
    /// Whether the values are in two's complement.
    pub signed: bool,
}

impl IntType {
    /// An unsigned type of `bits` bits, 1 to 64.
    pub const fn unsigned(bits: u8) -> Self {
        Self { bits, signed: false }
    }

    /// A signed type of `bits` bits, 1 to 64.
    pub const fn signed(bits: u8) -> Self {
        Self { bits, signed: true }
    }

    /// The least value of the type.
    pub const fn min(self) -> i128 {
        if self.signed { -(1i128 << (self.bits - 1)) } else { 0 }
    }

    /// The greatest value of the type.
    pub const fn max(self) -> i128 {
        if self.signed { (1i128 << (self.bits - 1)) - 1 } else { (1i128 << self.bits) - 1 }
    }

    /// Whether `value` is a value of the type.
    pub const fn contains(self, value: i128) -> bool {
        self.min() <= value && value <= self.max()
    }

    /// Whether every value of `other` is a value of this type.
    pub const fn includes(self, other: Self) -> bool {
        self.min() <= other.min() && other.max() <= self.max()
    }

    /// The cell that holds the low bits of `bits` as a value of this type: sign-extended to 64
    /// bits when the type is signed, zero-extended when it is not.
    ///
    /// ```
    /// use bytestone_spec::isa::IntType;
    /// assert_eq!(IntType::signed(8).wrap(0x1ff), u64::MAX);
    /// assert_eq!(IntType::unsigned(8).wrap(0x1ff), 0xff);
    /// ```
    #[inline]
    pub const fn wrap(self, bits: u64) -> u64 {
        let shift = 64 - self.bits as u32;
        if self.signed {
            (((bits << shift) as i64) >> shift) as u64
        } else {
            (bits << shift) >> shift
        }
    }

    /// The value that a cell of this type holds.
    #[inline]
    pub const fn value(self, cell: u64) -> i128 {
        if self.signed { cell as i64 as i128 } else { cell as i128 }
    }

    /// The cell that holds `value`, or `None` when the type does not contain it.
    pub const fn cell(self, value: i128) -> Option<u64> {
        if self.contains(value) { Some(value as u64) } else { None }
    }
}

impl fmt::Display for IntType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.signed { 'i' } else { 'u' }, self.bits)
    }
}

/// A version as `major.minor.patch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Changed when programs mean something else.
    pub major: u32,
    /// Changed when something is added.
    pub minor: u32,
    /// Changed when only words are.
    pub patch: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The storage of a machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The operand stack, if the machine has one.
    pub stack: Option<StackRules>,
    /// Banks of cells that instructions name by index: locals, registers, globals.
    pub banks: Vec<Bank>,
    /// The most calls that may be active at once, if the machine has subroutines.
    pub call_depth: Option<u32>,
    /// The type of printed values, if the machine prints.
    pub output: Option<CellType>,
    /// The types of values that take two cells.
    pub pairs: Vec<Pair>,
    /// The union of the machine's dynamic values, if it has them.
    pub union: Option<Union>,
    /// The most frames of functions that may be active, if the machine calls functions.
    pub frames: Option<u32>,
    /// Whether the machine has global variables by name.
    pub named_globals: bool,
    /// The most live cells of the heap, 1 to [`crate::limits::HEAP_CELLS`]; 0 on machines without one.
    pub heap: u32,
    /// The regions of memory, none of which overlap.
    pub memory: Vec<Region>,
    /// The cells that a call of a subroutine saves and its return restores, if it does.
    pub saved: Option<Saved>,
    /// The functions of the host that instructions call.
    pub externs: Vec<Extern>,
}

impl Machine {
    /// A type of two cells, by its name.
    pub fn pair(&self, name: &str) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.name == name)
    }

    /// How many numbers name cells of a bank: one for each cell, or for each that another follows.
    pub fn indexes(&self, rule: IndexRule) -> u32 {
        let count = self.banks.get(usize::from(rule.bank.0)).map_or(0, |bank| bank.count);
        count.saturating_sub(rule.pair.is_some().into())
    }
}

/// A type of values that take two neighbouring cells, the high half first: in the cell with the
/// lower index, or further from the top of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Its name in stack effects and kinds of operands.
    pub name: String,
    /// The values: 16, 32 or 64 bits, of which each cell holds half.
    pub of: IntType,
}

/// The operand stack of a machine.
#[derive(Clone, Copy, Debug)]
pub struct StackRules {
    /// The type of its cells.
    pub of: CellType,
    /// The most cells that it holds, 1 to [`crate::limits::STACK_DEPTH`]: for the whole program, or
    /// in each frame on machines that call functions.
    pub depth: u32,
}

/// To what a bank of cells belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// To the program: there is one of it.
    Program,
    /// To the frame of a function: the locals. Each function says how many it has.
    Frame,
    /// To the closure that a frame runs: the captured variables. Each function says how many it has.
    Closure,
}

/// A bank of cells, all fresh (zero, or the first variant of the union) when its owner starts.
#[derive(Clone, Debug)]
pub struct Bank {
    /// The name in actions, case files and traces: `local`, `reg` or `global`.
    pub name: String,
    /// What an index is written with in assembly and traces (`R` in `R7`); empty for bare numbers.
    pub prefix: String,
    /// The type of the cells.
    pub of: CellType,
    /// How many cells there are, or may be where functions say how many.
    pub count: u32,
    /// To what it belongs.
    pub owner: Owner,
    /// The cells that are not fresh when a program starts, by index.
    pub start: Vec<(u32, Start)>,
}

/// What a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// The bytes of its code.
    Raw,
    /// A module: constants and functions.
    Module,
}

/// What happens when execution runs past the last instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeEnd {
    /// Code that can do so is rejected.
    Reject,
    /// The program halts.
    Halt,
}

/// A way in which a program may fail at run time.
#[derive(Clone, Debug)]
pub struct Trap {
    /// The name in specs, case files and reports.
    pub name: String,
    /// What it means.
    pub doc: String,
    /// Where the rule comes from.
    pub reference: Option<String>,
}

/// The index of a trap in [`Isa::traps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrapId(pub u16);

impl TrapId {
    /// The operand stack would exceed its depth. Every machine has this trap.
    pub const STACK_OVERFLOW: TrapId = TrapId(0);
    /// The call stack is full. Every machine has this trap.
    pub const CALL_DEPTH: TrapId = TrapId(1);
    /// The heap cannot hold what the instruction makes. Every machine has this trap.
    pub const OUT_OF_MEMORY: TrapId = TrapId(2);
    /// A load or store is not within a region of memory. Every machine has this trap.
    pub const BAD_ADDRESS: TrapId = TrapId(3);
}

/// The names of the traps that every machine has, in the order of their ids.
pub const LIMIT_TRAPS: [&str; 4] = ["stack_overflow", "call_depth", "out_of_memory", "bad_address"];

/// The index of an instruction in [`Isa::instructions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InsnId(pub u16);

/// The index of a bank in [`Machine::banks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BankId(pub u8);

/// One instruction of an instruction set.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// The mnemonic.
    pub name: String,
    /// What it does, in a sentence.
    pub doc: String,
    /// Where the rule comes from.
    pub reference: Option<String>,
    /// The version of the spec that brought it.
    pub since: Option<Version>,
    /// The features that a program must declare to use it.
    pub features: Vec<String>,
    /// Operands, in the order in which assembly text gives them.
    pub operands: Vec<Operand>,
    /// The ways in which it is written in bytes, at least one. Each can hold the operands that the
    /// one before it can; the first that can hold given operands is their canonical one.
    pub encodings: Vec<Encoding>,
    /// How many elements the last operand has, if that is a list.
    pub count: Option<Linear>,
    /// What must hold of the operands: none of these is negative.
    pub conditions: Vec<Linear>,
    /// How assembly text writes it, the canonical form first; if empty, as mnemonic and operands.
    pub templates: Vec<Template>,
    /// What it does to the stack and to control.
    pub effect: Effect,
    /// What it means.
    pub body: Body,
    /// The clauses of the body, in order.
    pub clauses: Vec<Clause>,
    /// The texts of the spec file, for the manual.
    pub text: SourceText,
}

impl Instruction {
    /// The least number of bytes, of all encodings.
    pub fn min_len(&self) -> u32 {
        self.encodings.iter().map(|encoding| encoding.min_len).min().unwrap_or(0)
    }

    /// The greatest number of bytes, of all encodings.
    pub fn max_len(&self) -> u32 {
        self.encodings.iter().map(|encoding| encoding.max_len).max().unwrap_or(0)
    }

    /// How many operands are no list: all, or all but the last.
    pub fn scalars(&self) -> usize {
        self.operands.len() - usize::from(self.count.is_some())
    }

    /// The operand that the cell with a number belongs to: those of a list are at the end.
    pub fn operand_of(&self, cell: usize) -> u8 {
        cell.min(self.operands.len().saturating_sub(1)) as u8
    }

    /// The first encoding that can hold operands with the raw numbers in `cells`.
    pub fn canonical(&self, cells: &[u64]) -> Option<usize> {
        self.encodings.iter().position(|encoding| encoding.holds(cells))
    }
}

/// The texts of an instruction as the spec file gives them, for people to read.
#[derive(Clone, Debug, Default)]
pub struct SourceText {
    /// The encodings, one a line.
    pub enc: String,
    /// The stack effect; empty on machines without a stack.
    pub stack: String,
    /// The parts of a fused instruction, as assembly text with the names of operands.
    pub fuse: Vec<String>,
    /// The templates of assembly text.
    pub asm: Vec<String>,
    /// The condition between operands; empty if there is none.
    pub condition: String,
    /// The action.
    pub action: String,
}

/// A part of an instruction's meaning that has a name of its own: a point to cover, a place to
/// plant a fault, and what a report cites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// A stable id, such as `DIV.trap.div_by_zero` or `DIV.q`.
    pub id: String,
}

/// The index of a clause in [`Instruction::clauses`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClauseId(pub u16);

/// An operand of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Its name in the spec.
    pub name: String,
    /// The type of the number that the bytes hold.
    pub raw: IntType,
    /// What the number means.
    pub kind: OperandKind,
}

/// What the number of an operand means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperandKind {
    /// The number itself.
    Immediate,
    /// The index of a cell, or of the first of two. Numbers of cells outside the bank are rejected as `bad_index`.
    Index(IndexRule),
    /// A place in the code.
    Label(LabelRule),
    /// The index of a constant of the module. Numbers outside of them are rejected as `bad_index`.
    Constant(ConstantRule),
    /// The index of a function of the module. Numbers outside of them are rejected as `bad_index`.
    Function,
}

/// Which cells an operand names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexRule {
    /// The bank.
    pub bank: BankId,
    /// The type of the value that the cell holds together with the next one; `None` if it is one cell alone.
    pub pair: Option<IntType>,
}

/// Which constants an operand may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConstantRule {
    /// The variant that the constant must be of; another is rejected as `type_mismatch`.
    pub of: Option<VariantId>,
    /// The number that names the first constant: 0, or 1 where numbers start at 1.
    pub first: u8,
}

/// How the number of a label operand leads to an offset in the code:
/// `target = base + scale * raw + bias`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelRule {
    /// What the number counts from.
    pub base: LabelBase,
    /// Bytes for each unit of the number, not zero.
    pub scale: i64,
    /// Bytes added.
    pub bias: i64,
    /// Whether it is a jump target or the entry of a subroutine.
    pub role: LabelRole,
}

/// What a label counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelBase {
    /// The start of the code.
    Code,
    /// The first byte of the instruction.
    Insn,
    /// The first byte after the instruction.
    Next,
    /// The first byte of the encoding part that holds the operand.
    Operand,
}

/// What a label is the target of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelRole {
    /// A jump.
    Jump,
    /// A call.
    Entry,
}

/// What an instruction does to the stack and to control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Names of the cells that it pops, bottom first; on top of them are those of the list.
    pub inputs: Vec<String>,
    /// The list of cells that it pops from the top of the stack, if it does.
    pub list: Option<ListInput>,
    /// Names of the cells that it pushes, bottom first.
    pub outputs: Vec<String>,
    /// Whether execution can go on with the next instruction (after a call: once it returned).
    pub falls_through: bool,
    /// The label operands that it can jump to.
    pub jumps: Vec<u8>,
    /// The entry operand that it calls, always, with the stack after its own pops and pushes.
    pub call: Option<u8>,
    /// Whether it can return from a subroutine.
    pub returns: bool,
    /// Whether it does so only while a call is active, so that it may stand where none is.
    pub returns_if_called: bool,
    /// Whether it can end the program.
    pub halts: bool,
}

/// Cells on the top of the stack whose number is an operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListInput {
    /// The name in the action.
    pub name: String,
    /// The operand that says how many.
    pub count: u8,
}

/// A temporary of a body.
pub type Temp = u8;

/// What an instruction means, in the two phases of a step.
///
/// Temporaries `0 .. inputs` hold the popped cells, bottom first, the next ones the raw numbers of
/// the operands but a list (for labels, the target), in order; each [`Op`] defines the next temporary. All ops are total, so all of them are evaluated.
/// 1. The ops are evaluated in order; the first trap whose condition holds ends the step.
///    Then the limits are checked: stack depth, then call depth or the number of frames, then the heap.
/// 2. Inputs are popped, outputs pushed, writes done in order, and then the first transfer
///    whose guard holds takes place; without one, control goes to the next instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// How many cells are popped, besides those of a list.
    pub inputs: u8,
    /// The operand that says how many cells of a list are popped, if there is one.
    pub list: Option<u8>,
    /// How many operands there are, not counting a list.
    pub operands: u8,
    /// Phase one. Op `i` defines temporary `inputs + operands + i`; a trap's is not used.
    pub ops: Vec<Op>,
    /// The temporaries pushed, bottom first.
    pub outputs: Vec<Temp>,
    /// Writes to banks, globals, memory and what lives on the heap, calls of the host, and output.
    pub writes: Vec<Write>,
    /// Transfers of control.
    pub transfers: Vec<Transfer>,
}

impl Body {
    /// Whether it makes something on the heap or lets something there grow.
    pub fn allocates(&self) -> bool {
        let operands = self.inputs..self.inputs + self.operands;
        let grows = |write: &Write| match write.to {
            WriteTo::Element { .. } | WriteTo::Entry { .. } => true,
            // A name that is no operand, hence no constant, may have been made at run time.
            WriteTo::Global { name } => !operands.contains(&name),
            WriteTo::Bank { .. }
            | WriteTo::Output
            | WriteTo::Field { .. }
            | WriteTo::Memory { .. }
            | WriteTo::Host { .. } => false,
        };
        self.ops.iter().any(|op| matches!(op, Op::New { .. })) || self.writes.iter().any(grows)
    }
}

/// One operation of phase one. Truth values are cells that hold 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A constant cell.
    Const(u64),
    /// A cell of a bank as it was before the instruction.
    Read {
        /// The bank.
        bank: BankId,
        /// Holds the index: a number, the operand, whose range the verifier checks, or the one behind it.
        index: Temp,
    },
    /// An operation of one cell.
    Unary {
        /// Which.
        op: UnaryOp,
        /// The type of the result.
        ty: IntType,
        /// The cell.
        a: Temp,
    },
    /// An operation of two cells of one type.
    Binary {
        /// Which.
        op: BinaryOp,
        /// The type of both cells, and of the result unless that is a truth value.
        ty: IntType,
        /// The left cell.
        a: Temp,
        /// The right cell.
        b: Temp,
    },
    /// `then` if `cond` holds, else `other`.
    Select {
        /// A truth value.
        cond: Temp,
        /// The cell if it holds.
        then: Temp,
        /// The cell if it does not.
        other: Temp,
    },
    /// Whether a value is of a variant: a truth value.
    Is {
        /// The value.
        a: Temp,
        /// The variant.
        variant: VariantId,
    },
    /// The payload of a value; 0 when it is of another variant.
    Payload {
        /// The value.
        a: Temp,
        /// The variant.
        variant: VariantId,
    },
    /// The value of a variant with a payload.
    Make {
        /// The payload.
        a: Temp,
        /// The variant.
        variant: VariantId,
    },
    /// An operation of floats.
    Float {
        /// Which.
        op: FloatOp,
        /// The left or only one.
        a: Temp,
        /// The right one.
        b: Temp,
    },
    /// A conversion between a float and an integer.
    Convert {
        /// Which way.
        way: Conversion,
        /// The integer type.
        ty: IntType,
        /// What is converted.
        a: Temp,
    },
    /// What can be asked of values and of the heap as it was before the instruction.
    Ask {
        /// The question.
        question: Question,
        /// What is asked about.
        a: Temp,
        /// What else the question needs.
        b: Temp,
    },
    /// How many calls of subroutines are active, as `u32`.
    Depth,
    /// What a function of the host replies when it is called next; 0 if it has no reply. The call itself is a write,
    /// [`WriteTo::Host`].
    Reply {
        /// The function.
        function: ExternId,
    },
    /// The bytes at an address as a number, the least significant first, if the guard holds; else 0. The step ends in
    /// [`TrapId::BAD_ADDRESS`] unless all of them lie within one region.
    Load {
        /// The truth value that must hold, if any.
        guard: Option<Temp>,
        /// The type of the number, of 8, 16, 32 or 64 bits.
        ty: IntType,
        /// Holds the address.
        address: Temp,
    },
    /// If the guard holds, the step ends in [`TrapId::BAD_ADDRESS`] unless so many bytes at an address lie within
    /// one region.
    Reach {
        /// The truth value that must hold, if any.
        guard: Option<Temp>,
        /// The type of what will be stored there.
        ty: IntType,
        /// Holds the address.
        address: Temp,
    },
    /// A new cell of the heap, if the guard holds; else 0. The limit of the heap is examined with
    /// the other limits.
    New {
        /// The truth value that must hold, if any.
        guard: Option<Temp>,
        /// What is made.
        what: New,
    },
    /// The step ends in a trap if `cond` holds.
    TrapIf {
        /// A truth value.
        cond: Temp,
        /// The trap.
        trap: TrapId,
        /// Its clause.
        clause: ClauseId,
    },
}

/// A write of phase two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// The truth value that must hold for it to happen, if any.
    pub guard: Option<Temp>,
    /// The cell written.
    pub value: Temp,
    /// Where to.
    pub to: WriteTo,
    /// Its clause.
    pub clause: ClauseId,
}

/// Where a write goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteTo {
    /// A cell of a bank, by an operand.
    Bank {
        /// The bank.
        bank: BankId,
        /// Holds the index.
        index: Temp,
    },
    /// The output.
    Output,
    /// An element of an array; with its length as index, a new one behind the last. Nothing for a greater index.
    Element {
        /// Holds the array.
        array: Temp,
        /// Holds the index.
        index: Temp,
    },
    /// The entry of a map for a text.
    Entry {
        /// Holds the map.
        map: Temp,
        /// Holds the text.
        key: Temp,
    },
    /// A field of a record.
    Field {
        /// Holds the record.
        object: Temp,
        /// The field.
        field: FieldId,
    },
    /// The global variable of a name.
    Global {
        /// Holds the name.
        name: Temp,
    },
    /// The bytes at an address, the least significant first. They lie within a region, which an [`Op::Reach`] made sure
    /// of.
    Memory {
        /// The type of the number.
        ty: IntType,
        /// Holds the address.
        address: Temp,
    },
    /// A function of the host, which is called, and whose next reply is the one after this, the value.
    Host {
        /// The function.
        function: ExternId,
        /// What it is called with.
        arguments: Arguments,
    },
}

/// A transfer of control of phase two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The truth value that must hold for it to happen, if any.
    pub guard: Option<Temp>,
    /// What happens.
    pub kind: TransferKind,
    /// Its clause.
    pub clause: ClauseId,
}

/// Kinds of transfers of control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferKind {
    /// Go to the target of a label operand.
    Jump {
        /// Its number among the operands.
        operand: u8,
    },
    /// Go to the target of an element of a list of labels. The index lies in the list.
    JumpList {
        /// The list's number among the operands.
        operand: u8,
        /// Holds the index.
        index: Temp,
    },
    /// Call the subroutine at the target of an entry operand.
    Call {
        /// Its number among the operands.
        operand: u8,
    },
    /// Return to the instruction after the latest call.
    Return,
    /// Call a closure in a frame of its own, with the cells of the list as its first locals. What it returns is
    /// pushed when it does.
    Invoke {
        /// Holds the closure.
        closure: Temp,
    },
    /// Leave the frame and push a value on the stack of the caller's; in the first frame, end the program with
    /// the value as all that is on the stack.
    Leave {
        /// The value.
        value: Temp,
    },
    /// End the program.
    Halt,
}
