//! The document of an export: every case with its bytes, its expectations and what the reference tier makes of it.

use bytestone_vm::trace::view::Key;
use bytestone_vm::value::file::text_of;
use bytestone_vm::{Phase, Reason, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::case::key_text;
use crate::case::wanted::{Wanted, wanted_texts};
use crate::engine::{NamedCell, SeenCell};

/// The header of exports.
pub const HEADER: &str = "export/1";

/// A corpus for users who want data only.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The format of this document: `export/1`.
    pub bytestone: &'static str,
    /// The corpus.
    pub corpus: CorpusName,
    /// Its machines, in its order.
    pub machines: Vec<MachineEntry>,
    /// Its cases, in the order of its files; rows of tables are cases of their own.
    pub cases: Vec<CaseEntry>,
}

/// Which corpus it is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorpusName {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 over all its cases, in hexadecimal.
    pub hash: String,
}

/// A machine.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineEntry {
    /// Its name.
    pub name: String,
    /// The version of its spec.
    pub version: String,
    /// The checked instruction set, as `bytestone isa` prints it.
    pub isa: serde_json::Value,
}

/// A case.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseEntry {
    /// `machine/name`, or `machine/name/row`.
    pub id: String,
    /// The machine.
    pub machine: String,
    /// What the case shows.
    pub about: Option<String>,
    /// Where the rule comes from.
    pub refs: Vec<String>,
    /// Whether the expectations were worked out by hand.
    pub golden: bool,
    /// Whether an implementation must or should pass it.
    pub strength: Strength,
    /// Features of the spec that the program uses.
    pub requires: Vec<String>,
    /// The program in a source language, if the case gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceEntry>,
    /// The program as assembly text, if the case gives it.
    pub asm: Option<String>,
    /// The program in hexadecimal, lower case, without spaces.
    pub bytecode: String,
    /// Cells that are set before the first step; replies of the host by function and number of the call.
    pub input: Vec<CellEntry>,
    /// The most steps.
    pub fuel: u64,
    /// What the case expects.
    pub expect: ExpectEntry,
    /// What the reference tier makes of it.
    pub computed: Computed,
}

/// A program in a source language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// The language: `calc` or `script`.
    pub language: String,
    /// The optimisations with which it was compiled to the bytes of the case.
    pub passes: Vec<String>,
    /// The text.
    pub text: String,
}

/// Whether an implementation must or should pass a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// It must.
    Must,
    /// It should.
    Should,
}

/// What a case expects. What is `null` is not compared.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectEntry {
    /// How it ends.
    pub end: EndEntry,
    /// Everything that is printed.
    pub output: Option<Vec<Number>>,
    /// All calls of the host, as case files write them; left out on machines without functions of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Vec<String>>,
    /// The operand stack at the end, bottom first.
    #[serde(serialize_with = "optional_stack")]
    pub stack: Option<Vec<Number>>,
    /// Cells at the end.
    pub cells: Vec<CellEntry>,
    /// The steps, a line each, as case files write them; `...` skips any number of steps.
    pub trace: Option<Vec<String>>,
    /// The greatest operand stack depth that the verifier finds.
    pub max_stack: Option<u32>,
}

/// How a program ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "lowercase", deny_unknown_fields)]
pub enum EndEntry {
    /// It halts.
    Halt,
    /// It traps.
    Trap {
        /// The name of the trap.
        trap: String,
        /// The offset of the instruction.
        at: u32,
    },
    /// It reaches the limit of steps, and another step would follow.
    Fuel,
    /// It is not accepted.
    Reject {
        /// All its faults, by offset.
        faults: Vec<FaultEntry>,
    },
}

/// A fault of a program that is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultEntry {
    /// The phase that finds it: `decode` or `verify`.
    #[serde(serialize_with = "phase_name")]
    #[schemars(with = "String")]
    pub phase: Phase,
    /// Why: one of the closed list of reasons.
    #[serde(serialize_with = "reason_name")]
    #[schemars(with = "String")]
    pub reason: Reason,
    /// Where.
    pub at: u32,
}

fn phase_name<S: Serializer>(phase: &Phase, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(phase.name())
}

fn reason_name<S: Serializer>(reason: &Reason, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(reason.name())
}

/// What the reference tier makes of a case.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Computed {
    /// How it ends.
    pub end: EndEntry,
    /// The run; `null` when the program is rejected.
    pub run: Option<RunEntry>,
}

/// A run on the reference tier.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunEntry {
    /// The steps done; one that halts or traps counts.
    pub steps: u64,
    /// The offset of the next instruction, or of the one that halted or trapped.
    pub pc: u32,
    /// The calls not yet returned from.
    pub depth: u32,
    /// Everything that was printed.
    pub output: Vec<Number>,
    /// All calls of the host; left out on machines without functions of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Vec<String>>,
    /// The operand stack at the end, bottom first.
    #[serde(serialize_with = "stack")]
    pub stack: Vec<Number>,
    /// The cells at the end that are not zero.
    pub cells: Vec<CellEntry>,
    /// The hash of the engine protocol, with everything observed and no checkpoints.
    pub hash: String,
}

/// A cell of a bank, or a global variable, and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellEntry {
    /// The name of the bank; `global` for global variables by name.
    pub bank: String,
    /// The index in the bank; left out for global variables by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The name of a global variable; left out for other cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value.
    pub value: Number,
}

impl CellEntry {
    /// The entry of a cell.
    pub fn new(bank: &str, key: &Key, value: Wanted) -> Self {
        let (index, name) = match key {
            Key::Index(index) => (Some(*index), None),
            Key::Name(name) => {
                (None, Some(name.full().map_or_else(|| text_of(name), str::to_owned)))
            }
        };
        Self { bank: bank.to_owned(), index, name, value: Number(value) }
    }

    /// Its name: `local[2]`, `global.x`.
    pub fn place(&self) -> String {
        let key = match (self.index, &self.name) {
            (Some(index), _) => Key::Index(index),
            (None, name) => Key::Name(name.as_deref().unwrap_or_default().into()),
        };
        key_text(&self.bank, &key)
    }
}

impl From<&NamedCell> for CellEntry {
    fn from(cell: &NamedCell) -> Self {
        let value = Wanted::Exact(cell.value.clone());
        Self::new(&cell.bank, &Key::Index(cell.index), value)
    }
}

impl From<&SeenCell> for CellEntry {
    fn from(cell: &SeenCell) -> Self {
        Self::new(&cell.bank, &cell.key, Wanted::Exact(cell.value.clone()))
    }
}

/// A value, or what it may be: a number, or a text; of its digits beyond 2^53, which many readers of JSON do not
/// hold exactly, of a value that is no integer, as case files write it, and of an expectation that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(pub Wanted);

impl Number {
    /// The number, if readers of JSON hold it exactly.
    fn exact(&self) -> Option<i64> {
        const EXACT: i128 = 1 << 53;
        match self.0 {
            Wanted::Exact(Value::Int(value)) if value.abs() <= EXACT => Some(value as i64),
            _ => None,
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.exact() {
            Some(number) => serializer.serialize_i64(number),
            None => serializer.collect_str(&self.0),
        }
    }
}

/// The values of a stack, in which nodes have names together.
fn stack<S: Serializer>(values: &[Number], serializer: S) -> Result<S::Ok, S::Error> {
    let wanted: Vec<Wanted> = values.iter().map(|value| value.0.clone()).collect();
    let texts = wanted_texts(&wanted);
    let mut list = serializer.serialize_seq(Some(values.len()))?;
    for (value, text) in values.iter().zip(texts) {
        match value.exact() {
            Some(number) => list.serialize_element(&number)?,
            None => list.serialize_element(&text)?,
        }
    }
    list.end()
}

fn optional_stack<S: Serializer>(
    values: &Option<Vec<Number>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match values {
        Some(values) => stack(values, serializer),
        None => serializer.serialize_none(),
    }
}

impl JsonSchema for Number {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number, or a text: of its digits beyond 2^53, which many readers of JSON do not hold exactly, or of a dynamic value as case files write it. An expectation may be open: `{1|2}` is one of these, `0x1?` a pattern of hexadecimal digits, `?` anything.",
            "anyOf": [
                {"type": "integer", "minimum": -(1_i64 << 53), "maximum": 1_i64 << 53},
                {"type": "string", "minLength": 1},
            ],
        })
    }
}
