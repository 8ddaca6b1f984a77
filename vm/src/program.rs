//! A decoded program: its bytes as a row of instructions with their operands.

use std::collections::BTreeSet;
use std::ops::Range;

use bytestone_spec::isa::{Encoding, InsnId, Isa, LabelBase, LabelRule, OperandKind, Part};

use crate::module::Module;

/// A decoded instruction in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// Which instruction.
    pub id: InsnId,
    /// In which of its encodings, from 0.
    pub form: u8,
    /// The offset of its first byte.
    pub offset: u32,
    /// Its length in bytes.
    pub len: u32,
    /// Where its operands start in the program's table.
    first_operand: u32,
}

impl Insn {
    pub(crate) fn new((id, form): (InsnId, u8), offset: u32, len: u32, first_operand: u32) -> Self {
        Self { id, form, offset, len, first_operand }
    }

    /// Its encoding.
    pub fn encoding<'isa>(&self, isa: &'isa Isa) -> &'isa Encoding {
        &isa.instruction(self.id).encodings[usize::from(self.form)]
    }

    /// Where its operands start in the table that it was decoded into.
    pub(crate) fn first_operand(&self) -> usize {
        self.first_operand as usize
    }

    /// The offset of the first byte after it.
    #[inline]
    pub fn next(&self) -> u32 {
        self.offset + self.len
    }

    /// Where label operand `operand` leads to when its raw number is in `cell`; `None` for other
    /// operands. `origin` is where the function starts that the instruction is in; 0 in programs without functions.
    pub(crate) fn target(&self, isa: &Isa, operand: u8, cell: u64, origin: u32) -> Option<i128> {
        let description = isa.instruction(self.id).operands.get(usize::from(operand))?;
        let OperandKind::Label(rule) = description.kind else { return None };
        // The loader keeps scale and bias within 33 bits: no sum overflows.
        let distance = i128::from(rule.scale) * description.raw.value(cell);
        Some(self.label_base(isa, operand, rule, origin) + distance)
    }

    /// Where label operand `operand`, of which `rule` is the rule, leads to with the raw number 0.
    #[inline]
    pub(crate) fn label_base(&self, isa: &Isa, operand: u8, rule: LabelRule, origin: u32) -> i128 {
        let offset = i128::from(self.offset);
        let base = match rule.base {
            LabelBase::Code => origin.into(),
            LabelBase::Insn => offset,
            LabelBase::Next => offset + i128::from(self.len),
            LabelBase::Operand => offset + i128::from(part_offset(self.encoding(isa), operand)),
        };
        base + i128::from(rule.bias)
    }
}

/// A program whose bytes were decoded, every one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    bytes: Vec<u8>,
    /// What the bytes are on machines whose programs are modules; on others they are the code.
    module: Option<Box<Module>>,
    insns: Vec<Insn>,
    operands: Vec<u64>,
}

impl Program {
    /// A program of instructions that cover `code` without gaps, their operands in one row.
    pub(crate) fn new(code: Vec<u8>, insns: Vec<Insn>, operands: Vec<u64>) -> Self {
        Self { bytes: code, module: None, insns, operands }
    }

    /// A program of a module with its bytes, whose functions each are whole instructions.
    pub(crate) fn of_module(
        bytes: Vec<u8>,
        module: Module,
        insns: Vec<Insn>,
        operands: Vec<u64>,
    ) -> Self {
        Self { bytes, module: Some(Box::new(module)), insns, operands }
    }

    /// The bytes that it was decoded from.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The code, in which offsets are counted: all bytes, or in a module the code of all functions.
    pub fn code(&self) -> &[u8] {
        self.module.as_ref().map_or(&self.bytes, |module| &module.code)
    }

    /// The module, on machines whose programs are modules.
    pub fn module(&self) -> Option<&Module> {
        self.module.as_deref()
    }

    /// The features that its instructions belong to.
    pub fn features<'isa>(&self, isa: &'isa Isa) -> BTreeSet<&'isa str> {
        let features = self.insns.iter().flat_map(|insn| &isa.instruction(insn.id).features);
        features.map(String::as_str).collect()
    }

    /// The index of the function to whose code an offset in the code belongs.
    pub fn function_of(&self, offset: u32) -> Option<usize> {
        self.module()?.function_of(offset)
    }

    /// The index of the function that the instruction with index `at` belongs to.
    pub fn function_at(&self, at: usize) -> Option<usize> {
        self.function_of(self.insns.get(at)?.offset)
    }

    /// The instructions of the function with an index.
    pub fn insns_of(&self, function: usize) -> Option<Range<usize>> {
        let function = self.module()?.functions.get(function)?;
        let index = |offset| self.insns.partition_point(|insn| insn.offset < offset);
        Some(index(function.start)..index(function.end()))
    }

    /// The instructions, in the order of their offsets and without gaps.
    pub fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// The raw numbers of the operands of the instruction with index `at`, as cells; those of a
    /// list are at the end.
    pub fn operands(&self, at: usize) -> &[u64] {
        let start = self.insns[at].first_operand as usize;
        let end =
            self.insns.get(at + 1).map_or(self.operands.len(), |next| next.first_operand as usize);
        &self.operands[start..end]
    }

    /// The index of the instruction that starts at `offset`.
    pub fn index_at(&self, offset: u32) -> Option<usize> {
        self.insns.binary_search_by_key(&offset, |insn| insn.offset).ok()
    }

    /// Where the elements of the list of the instruction with index `at` lead to, if it has one.
    pub fn list_targets(&self, isa: &Isa, at: usize) -> impl Iterator<Item = i128> {
        let insn = &self.insns[at];
        let described = isa.instruction(insn.id);
        let operand = described.scalars();
        let list = described.operands.get(operand).and_then(|operand| match operand.kind {
            OperandKind::Label(rule) => Some((rule, operand.raw)),
            _ => None,
        });
        let cells = self.operands(at).get(operand..).unwrap_or_default();
        let origin = self.origin(at);
        list.into_iter().flat_map(move |(rule, raw)| {
            let base = insn.label_base(isa, operand as u8, rule, origin);
            cells.iter().map(move |cell| base + i128::from(rule.scale) * raw.value(*cell))
        })
    }

    /// The offset in the code to which label operand `operand` of the instruction with index `at` leads; `None` for
    /// other operands. The result may lie outside the code, and outside the instruction's function.
    pub fn target(&self, isa: &Isa, at: usize, operand: u8) -> Option<i128> {
        let cell = *self.operands(at).get(usize::from(operand))?;
        self.insns[at].target(isa, operand, cell, self.origin(at))
    }

    /// Where the function starts that the instruction with index `at` is in; 0 in programs without functions.
    #[inline]
    pub(crate) fn origin(&self, at: usize) -> u32 {
        let Some(module) = self.module() else { return 0 };
        self.function_at(at).map_or(0, |function| module.functions[function].start)
    }
}

/// How many bytes of an encoding come before the part that holds an operand, when every part
/// before it is a word. (The loader refuses labels that count from their operand behind a number
/// of variable length.)
fn part_offset(encoding: &Encoding, operand: u8) -> u32 {
    let mut offset = 0;
    for part in &encoding.parts {
        match part {
            Part::Word(word) if word.fields.iter().any(|field| field.operand == operand) => break,
            Part::Word(word) => offset += u32::from(word.bytes),
            Part::Leb { operand: held } if *held == operand => break,
            Part::Leb { .. } | Part::Align { .. } | Part::List { .. } => {}
        }
    }
    offset
}
