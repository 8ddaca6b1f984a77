//! The spec file as it is written (`bytestone: spec/1`): keys and their meaning, nothing checked.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shape::Text;

/// The header of spec files.
pub const HEADER: &str = "spec/1";

/// An instruction set: how its instructions are written in bytes, what they mean, how they fail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Bytestone spec")]
pub struct SpecFile {
    /// The format of this file: `spec/1`.
    #[schemars(required, extend("x-independent" = true))]
    pub bytestone: Option<Text>,
    /// The name of the machine: lower-case letters, digits and `-`.
    #[schemars(required, extend("x-independent" = true))]
    pub isa: Option<Text>,
    /// The version of this spec, as in `1.0.0`.
    #[schemars(required, extend("x-independent" = true))]
    pub version: Option<Text>,
    /// A spec to start from, as `name@major` or a path to a file. Mappings are merged key by key with
    /// those of the base; an entry given here replaces that of the base.
    pub extends: Option<Text>,
    /// A title for the manual.
    #[schemars(required, extend("x-independent" = true))]
    pub title: Option<Text>,
    /// What the machine is, as Markdown.
    pub about: Option<Text>,
    /// The documents that `ref` and cases cite: short name and title.
    #[serde(default)]
    pub sources: IndexMap<String, Text>,
    /// The storage of the machine.
    pub machine: MachineFile,
    /// How code is laid out.
    #[schemars(required, extend("x-independent" = true))]
    pub code: Option<CodeFile>,
    /// What holds a program: `raw`, the bytes of the code alone; `module`, constants and functions.
    pub container: Option<Text>,
    /// Words of bit fields, by name.
    #[serde(default)]
    pub bits: IndexMap<String, BitsFile>,
    /// Kinds of operands, by name.
    #[serde(default)]
    pub operands: IndexMap<String, OperandFile>,
    /// Encodings with parameters, by signature, as in `abc(op): "w(op=op, a:reg)"`; of several the
    /// first that fits is the canonical one.
    #[serde(default)]
    pub formats: IndexMap<String, TextOrList>,
    /// The traps that instructions raise, by name.
    #[serde(default)]
    pub traps: IndexMap<String, TrapFile>,
    /// The instructions, by mnemonic.
    pub instructions: IndexMap<String, InstructionFile>,
    /// What the spec decides where its source is silent, by name.
    #[serde(default)]
    pub decisions: IndexMap<String, NoteFile>,
    /// Where the source is wrong or contradicts itself, by name.
    #[serde(default)]
    pub errata: IndexMap<String, NoteFile>,
    /// Pure functions that actions can use, by signature, as in `average(a: i32, b: i32) -> i32`.
    #[serde(default)]
    pub defs: IndexMap<String, DefinitionFile>,
    /// The type of dynamic values: its name, and its variants with what they carry (`unit`, `bool`, an integer
    /// type of at most 32 bits, `f64`, `str`, `array`, `map`, `closure`, or a type of records). Or types of values that take two cells, as in
    /// `long: {slots: 2, of: i64}`.
    #[serde(default)]
    pub types: IndexMap<String, IndexMap<String, Text>>,
    /// The functions of the host that instructions call, by name. What they reply is up to the input of a program.
    #[serde(default)]
    pub externs: IndexMap<String, ExternFile>,
    /// Features that programs can require, and what they mean.
    #[serde(default)]
    pub features: IndexMap<String, Text>,
}

/// The storage of a machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineFile {
    /// The operand stack.
    pub stack: Option<StackFile>,
    /// Variables, called `local` in actions and case files.
    pub locals: Option<BankFile>,
    /// Registers, called `reg`.
    pub registers: Option<BankFile>,
    /// Global variables, called `global`.
    pub globals: Option<GlobalsFile>,
    /// The call stack of subroutines.
    pub calls: Option<CallsFile>,
    /// The type of printed values.
    pub output: Option<Text>,
    /// Regions of memory, by name.
    #[serde(default)]
    pub memory: IndexMap<String, RegionFile>,
    /// What each call of a function has of its own.
    pub frame: Option<FrameFile>,
    /// The heap of texts, arrays, maps, records, closures and captured variables.
    pub heap: Option<HeapFile>,
}

/// What each call of a function has of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameFile {
    /// How many frames may be active at once.
    pub depth: LimitFile,
    /// The type of its variables, called `local`; functions say how many they have.
    pub locals: Option<TextOrList>,
    /// The type of the variables that closures capture, called `upvalue`.
    pub captures: Option<TextOrList>,
}

/// The heap.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeapFile {
    /// How many cells may be live at once.
    pub cells: LimitFile,
    /// Types of records: name, and fields with the type of what they hold, which is that of dynamic values.
    #[serde(default)]
    pub records: IndexMap<String, IndexMap<String, Text>>,
}

/// Global variables, by number or by name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlobalsFile {
    /// The type of its cells, as in `i32`.
    pub of: TextOrList,
    /// How many cells there are, when they have numbers.
    pub count: Option<LimitFile>,
    /// What an index is written with in assembly and traces, as `G` in `G7`.
    pub prefix: Option<Text>,
    /// `number` (when absent) or `name`.
    pub by: Option<Text>,
}

/// The operand stack.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StackFile {
    /// The type of its cells, as in `i32`.
    pub of: TextOrList,
    /// How many cells it holds.
    pub depth: LimitFile,
    /// What owns it: `program` (when absent), or `frame` on machines that call functions.
    pub per: Option<Text>,
}

/// A bank of cells that instructions name by index.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BankFile {
    /// The type of its cells, as in `i32`.
    pub of: TextOrList,
    /// How many cells there are.
    pub count: LimitFile,
    /// What an index is written with in assembly and traces, as `R` in `R7`.
    pub prefix: Option<Text>,
    /// What cells hold when a program starts, by index: a number, or `base`, `size` or `end` of a region of memory, as in
    /// `base(input)`. The others are zero.
    #[serde(default)]
    pub start: IndexMap<String, Text>,
}

/// The call stack of subroutines.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallsFile {
    /// How many calls may be active at once.
    pub depth: LimitFile,
    /// The registers that a call saves and its return restores, as in `6..10`.
    pub saves: Option<Text>,
}

/// A region of memory.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionFile {
    /// The address of its first byte.
    pub base: Text,
    /// How many bytes it has.
    pub size: LimitFile,
    /// `zero` (when absent): its bytes are zero when a program starts; `input`: they are what the program is given,
    /// `size` at most.
    pub holds: Option<Text>,
}

/// A limit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LimitFile {
    /// An exact limit.
    Exact(Text),
    /// A limit that implementations may exceed. Not supported yet.
    AtLeast(AtLeastFile),
}

/// A limit that implementations may exceed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtLeastFile {
    /// The least that they must reach.
    pub at_least: Text,
}

/// A text or a list of texts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TextOrList {
    /// One.
    One(Text),
    /// Several.
    Many(Vec<Text>),
}

impl TextOrList {
    /// All of them, without space around.
    pub fn lines(&self) -> Vec<&str> {
        match self {
            Self::One(text) => vec![text.trim()],
            Self::Many(texts) => texts.iter().map(|text| text.trim()).collect(),
        }
    }
}

/// How code is laid out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeFile {
    /// How instructions are found: `sweep`, one after the other from offset 0; `flow`, by following
    /// control, is not supported yet.
    #[schemars(required, extend("x-independent" = true))]
    pub decode: Option<Text>,
    /// What running past the last instruction does: `reject` or `halt`.
    #[schemars(required, extend("x-independent" = true))]
    pub end: Option<Text>,
}

/// A word of bit fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BitsFile {
    /// Its width in bits: 8, 16, 24, … 64.
    pub width: Text,
    /// The order of its bytes: `le` or `be`.
    pub order: Text,
    /// The fields: name and bits, as in `7..0`. Fields may overlap; those that one encoding uses may not.
    pub fields: IndexMap<String, Text>,
}

/// A kind of operand.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperandFile {
    /// How the number is stored, as in `i16be`; as wide as its field when absent.
    pub raw: Option<Text>,
    /// What it means: `label`, `entry`, `reg`, `local`, `upvalue`, `global`, `const`, `func` or `imm`.
    pub is: Text,
    /// For constants, the variant that they must be of; for indexes of cells, the type of two slots of the value that
    /// the cell and the next one hold.
    pub of: Option<Text>,
    /// For constants, the number of the first one: `0` (when absent) or `1`.
    pub first: Option<Text>,
    /// For labels, where it leads, in terms of `raw` and one of `next`, `insn`, `operand`.
    pub value: Option<Text>,
    /// What it is, for the manual.
    pub doc: Option<Text>,
}

/// A way in which a program may fail at run time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TrapFile {
    /// What it means.
    Doc(Text),
    /// What it means and where the rule comes from.
    Full(FullTrapFile),
}

/// A trap and where its rule comes from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullTrapFile {
    /// What it means.
    #[schemars(required, extend("x-independent" = true))]
    pub doc: Option<Text>,
    /// Where the rule comes from.
    #[serde(rename = "ref")]
    pub reference: Option<Text>,
}

/// A function of the host.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternFile {
    /// The types of its arguments.
    #[serde(default)]
    pub args: Vec<Text>,
    /// The type of its reply; none when absent.
    pub result: Option<Text>,
    /// What it does, in a sentence.
    #[schemars(required, extend("x-independent" = true))]
    pub doc: Option<Text>,
    /// Where the rule comes from.
    #[serde(rename = "ref")]
    pub reference: Option<Text>,
}

/// An instruction.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstructionFile {
    /// How it is written in bytes, as in `0x01 v:i32`; of several ways the first that fits is the
    /// canonical one.
    #[schemars(required, extend("x-independent" = true))]
    pub enc: Option<TextOrList>,
    /// What it pops and pushes, bottom first, as in `a b -- r`. Only for machines with a stack.
    pub stack: Option<Text>,
    /// The traps that it raises.
    #[serde(default)]
    pub traps: Vec<Text>,
    /// What it means, in the action language; `nop` if nothing.
    #[serde(rename = "do")]
    pub action: Option<Text>,
    /// What it does, in a sentence.
    #[schemars(required, extend("x-independent" = true))]
    pub doc: Option<Text>,
    /// Where the rule comes from.
    #[serde(rename = "ref")]
    pub reference: Option<Text>,
    /// The version of this spec that brought it.
    pub since: Option<Text>,
    /// Features of which a program needs one or more to use it.
    #[serde(default)]
    pub features: Vec<Text>,
    /// How assembly text writes it, as in `mov %{dst}, {v}`; of several the first is the canonical form. As mnemonic
    /// and operands when absent.
    pub asm: Option<TextOrList>,
    /// The parameters of a family of instructions: values, as in `1..32` or `[a, b]`, or rows of values by name.
    #[serde(rename = "for")]
    pub family: Option<IndexMap<String, ParameterFile>>,
    /// What must hold of the operands, and how many elements a list has, as in
    /// `n = i64(high) - i64(low) + 1; 1 <= n`.
    #[serde(rename = "where")]
    pub condition: Option<Text>,
    /// The instructions that it stands for, with its operands as theirs, as in
    /// `[LOAD a, LOAD b, ADD]`.
    pub fuse: Option<Vec<Text>>,
}

/// What a parameter of a family stands for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ParameterFile {
    /// Numbers, as in `1..32`.
    Range(Text),
    /// Texts.
    Values(Vec<Text>),
    /// Rows, by name: `{p}` is the name, `{p.key}` what stands in the row.
    Rows(IndexMap<String, IndexMap<String, Text>>),
}

/// A pure function.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DefinitionFile {
    /// The expression that it stands for.
    Value(Text),
    /// The expression, and what it is.
    Full(FullDefinitionFile),
}

/// A pure function and what it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullDefinitionFile {
    /// The expression that it stands for.
    pub value: Text,
    /// What it is, in a sentence.
    pub doc: Option<Text>,
}

/// A note about the source.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteFile {
    /// Where in the source.
    #[serde(rename = "ref")]
    pub reference: Option<Text>,
    /// What was decided or found.
    #[schemars(required, extend("x-independent" = true))]
    pub text: Option<Text>,
}
