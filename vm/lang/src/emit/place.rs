//! The raw number with which a label operand leads to its target.

use bytestone_spec::isa::{Instruction, LabelBase, LabelRule, Part};

use super::EmitError;

/// The number for `target` in operand `operand` of the instruction at `at`, which has one length
/// or counts from somewhere else than its end.
pub(super) fn raw(
    insn: &Instruction,
    operand: usize,
    rule: LabelRule,
    at: u32,
    target: u32,
    line: u32,
) -> Result<i64, EmitError> {
    let base = match rule.base {
        LabelBase::Code => 0,
        LabelBase::Insn => i64::from(at),
        LabelBase::Next if insn.min_len() == insn.max_len() => {
            i64::from(at) + i64::from(insn.max_len())
        }
        LabelBase::Next => return Err(EmitError::Unpatchable { mnemonic: insn.name.clone() }),
        LabelBase::Operand => i64::from(at) + i64::from(bytes_before(insn, operand)),
    };
    // The loader keeps scale and bias within 33 bits, and offsets have 32.
    let distance = i64::from(target) - base - rule.bias;
    let unreachable = || EmitError::Unreachable { mnemonic: insn.name.clone(), line, at, target };
    if distance.checked_rem(rule.scale) != Some(0) {
        return Err(unreachable());
    }
    let raw = distance / rule.scale;
    let ty = insn.operands[operand].raw;
    match ty.contains(raw.into()) {
        true => Ok(raw),
        // A negative distance of an operand that has no sign is no matter of size.
        false if raw < 0 && !ty.signed => Err(unreachable()),
        false => Err(EmitError::TooLarge { line }),
    }
}

/// How many bytes come before the part that holds an operand.
fn bytes_before(insn: &Instruction, operand: usize) -> u32 {
    let holds = |part: &&Part| match part {
        Part::Word(word) => word.fields.iter().all(|it| usize::from(it.operand) != operand),
        Part::Leb { operand: held } => usize::from(*held) != operand,
        Part::Align { .. } | Part::List { .. } => true,
    };
    let parts = insn.encodings.iter().take(1).flat_map(|encoding| &encoding.parts);
    let before = parts.take_while(holds).map(|part| match part {
        Part::Word(word) => u32::from(word.bytes),
        // The loader refuses labels that count from their operand behind what has no fixed length.
        Part::Leb { .. } | Part::Align { .. } | Part::List { .. } => 0,
    });
    before.sum()
}
