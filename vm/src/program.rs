//! A decoded program: its bytes as a row of instructions with their operands.

use bytestone_spec::isa::{InsnId, Isa, LabelBase, LabelRule, OperandKind, Part};

/// A decoded instruction in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// Which instruction.
    pub id: InsnId,
    /// The offset of its first byte.
    pub offset: u32,
    /// Its length in bytes.
    pub len: u32,
    /// Where its operands start in the program's table.
    first_operand: u32,
}

impl Insn {
    /// The offset of the first byte after it.
    pub fn next(&self) -> u32 {
        self.offset + self.len
    }
}

/// A program whose bytes were decoded, every one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    code: Vec<u8>,
    insns: Vec<Insn>,
    operands: Vec<u64>,
}

impl Program {
    pub(crate) fn new(code: Vec<u8>) -> Self {
        Self { code, insns: Vec::new(), operands: Vec::new() }
    }

    /// Appends an instruction that starts where the one before it ends. `operands` are the cells of the raw numbers.
    pub(crate) fn push(&mut self, id: InsnId, len: u32, operands: &[u64]) {
        let offset = self.insns.last().map_or(0, Insn::next);
        let first_operand = self.operands.len() as u32;
        self.operands.extend_from_slice(operands);
        self.insns.push(Insn { id, offset, len, first_operand });
    }

    /// The bytes.
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// The instructions, in the order of their offsets and without gaps.
    pub fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// The raw numbers of the operands of the instruction with index `at`, as cells.
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

    /// Where label operand `operand` of the instruction with index `at` leads to. The result may lie outside the code.
    pub fn target(&self, isa: &Isa, at: usize, operand: u8) -> Option<i128> {
        let insn = &self.insns[at];
        let description = isa.instruction(insn.id).operands.get(usize::from(operand))?;
        let OperandKind::Label(rule) = description.kind else { return None };
        let raw = description.raw.value(*self.operands(at).get(usize::from(operand))?);
        let part = part_offset(isa, insn.id, operand);
        Some(
            label_base(rule, insn.offset, insn.len, part)
                + i128::from(rule.scale) * raw
                + i128::from(rule.bias),
        )
    }
}

/// The offset that a label of an instruction counts from; `part` is that of the operand's encoding
/// part within the instruction.
pub(crate) fn label_base(rule: LabelRule, offset: u32, len: u32, part: u32) -> i128 {
    i128::from(match rule.base {
        LabelBase::Code => 0,
        LabelBase::Insn => offset,
        LabelBase::Next => offset + len,
        LabelBase::Operand => offset + part,
    })
}

/// How many bytes of an instruction come before the part that holds an operand, when
/// every part before it is a word. (The loader refuses labels that count from
/// their operand behind a number of variable length.)
pub(crate) fn part_offset(isa: &Isa, id: InsnId, operand: u8) -> u32 {
    let mut offset = 0;
    for part in &isa.instruction(id).encoding.parts {
        match part {
            Part::Word(word) if word.fields.iter().any(|field| field.operand == operand) => break,
            Part::Word(word) => offset += u32::from(word.bytes),
            Part::Leb { operand: held } if *held == operand => break,
            Part::Leb { .. } => {}
        }
    }
    offset
}
