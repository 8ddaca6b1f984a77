//! The case file as it is written (`bytestone: cases/1`): keys and their meaning, nothing checked.

use bytestone_spec::shape::Text;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// The header of case files.
pub const HEADER: &str = "cases/1";

/// A file of cases for one machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CasesFile {
    /// The format of this file: `cases/1`.
    pub bytestone: Text,
    /// The machine and the major version of its spec, as in `calculator@1`.
    pub isa: Text,
    /// The cases.
    pub cases: Vec<CaseEntry>,
}

/// A program and what must come of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseEntry {
    /// Lower-case letters, digits and `-`, unique within the machine.
    pub name: Text,
    /// What the case shows, in a sentence.
    pub about: Option<Text>,
    /// Where the rule comes from: a part of a source, `decision NAME` or `erratum NAME`.
    #[serde(default)]
    pub refs: Vec<Text>,
    /// Ids that the case used to have.
    #[serde(default)]
    pub formerly: Vec<Text>,
    /// `hand`: the expectations were worked out from the prose and are never rewritten.
    pub golden: Option<Text>,
    /// The program as assembly text.
    pub asm: Option<Text>,
    /// The program as hexadecimal bytes.
    pub bytecode: Option<Text>,
    /// The program in the language that is compiled to the machine. With `asm` or `bytecode`, those are what
    /// the compiler must make of it.
    pub source: Option<Text>,
    /// The optimisations with which the source is compiled: `none` (when absent), `all`, or a list of passes.
    pub passes: Option<PassesEntry>,
    /// Cells set before the first step, by bank and index; bytes of memory, by region; replies of the host, by function.
    #[serde(default)]
    pub input: IndexMap<String, InputEntry>,
    /// Limits of the run.
    pub limits: Option<LimitsEntry>,
    /// `must` (when absent) or `should`.
    pub strength: Option<Text>,
    /// Features of the spec that the program uses.
    #[serde(default)]
    pub requires: Vec<Text>,
    /// A table: a case of each row.
    pub rows: Option<Vec<RowEntry>>,
    /// How the run ends: `halt`, `trap NAME at OFFSET` or `fuel`.
    pub outcome: Option<Text>,
    /// Every value printed, in order.
    pub output: Option<Vec<Text>>,
    /// Every call of the host, in order, as in `answer(1 2) = 7`.
    pub host: Option<Vec<Text>>,
    /// State at the end.
    #[serde(rename = "final")]
    pub final_state: Option<FinalEntry>,
    /// The steps.
    pub trace: Option<Text>,
    /// The greatest operand stack depth, as the verifier finds it.
    pub max_stack: Option<Text>,
    /// Why the program is not accepted.
    pub rejects: Option<RejectsEntry>,
}

/// Cells that are set, or replies of the host.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum InputEntry {
    /// The bytes of a region of memory, in hexadecimal.
    Bytes(Text),
    /// The cells of a bank, by index.
    Cells(IndexMap<String, Text>),
    /// What a function of the host replies, to one call after the other.
    Replies(Vec<Text>),
}

/// Optimisations of the compiler.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PassesEntry {
    /// `none` or `all`.
    Word(Text),
    /// Some: `fold`, `dead`, `thread`, `peephole`, `fuse`.
    List(Vec<Text>),
}

/// Limits of a run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsEntry {
    /// The most steps.
    pub fuel: Option<Text>,
}

/// A row of a table: values for the names in `asm`, `bytecode` and `source`, and its own expectations.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct RowEntry {
    /// What the row shows, in a sentence.
    pub about: Option<Text>,
    /// How the run ends.
    pub outcome: Option<Text>,
    /// Every value printed, in order.
    pub output: Option<Vec<Text>>,
    /// Every call of the host, in order.
    pub host: Option<Vec<Text>>,
    /// State at the end.
    #[serde(rename = "final")]
    pub final_state: Option<FinalEntry>,
    /// The steps.
    pub trace: Option<Text>,
    /// The greatest operand stack depth.
    pub max_stack: Option<Text>,
    /// Why the program is not accepted.
    pub rejects: Option<RejectsEntry>,
    /// The values.
    #[serde(flatten)]
    pub values: IndexMap<String, Text>,
}

/// State at the end of a run.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct FinalEntry {
    /// The operand stack, bottom first.
    pub stack: Option<Vec<Text>>,
    /// Cells to compare, by bank and index.
    #[serde(flatten)]
    pub banks: IndexMap<String, IndexMap<String, Text>>,
}

/// Why a program is not accepted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RejectsEntry {
    /// One fault.
    One(FaultEntry),
    /// Several, all of them, ordered by offset.
    Many(Vec<FaultEntry>),
}

/// A fault of a program.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultEntry {
    /// `decode` or `verify`.
    pub phase: Text,
    /// A reason of the closed list.
    pub reason: Text,
    /// The offset that the reason names.
    pub at: Text,
}
