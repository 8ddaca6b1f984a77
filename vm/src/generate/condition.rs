//! Operands that have to fit one another, and the lengths of lists that follow from them.

use bytestone_spec::isa::Instruction;

use super::entropy::Entropy;
use crate::codec::{holds_condition, list_len};

/// The most elements of a list.
pub(super) const ELEMENTS: u32 = 4;
/// How often operands are chosen before those of a witness are taken.
const TRIES: usize = 4;

/// Operands of an instruction that fit one another, a list not among them; `None` if none were
/// found.
pub(super) fn witness(insn: &Instruction) -> Option<Vec<u64>> {
    let candidates = [0u64, 1, u64::MAX, 2, 10, 100];
    let mut lengths = 0..=i128::from(ELEMENTS);
    lengths.find_map(|length| {
        candidates.iter().find_map(|candidate| {
            let operands = insn.operands[..insn.scalars()].iter();
            fit(insn, operands.map(|operand| operand.raw.wrap(*candidate)).collect(), length)
        })
    })
}

/// Whether the operands of an instruction have to fit one another.
pub(super) fn is_bound(insn: &Instruction) -> bool {
    insn.count.is_some() || !insn.conditions.is_empty()
}

/// Operands of an instruction that fit one another, mostly not those of the `witness`.
pub(super) fn choose(
    insn: &Instruction,
    witness: &[u64],
    entropy: &mut Entropy<'_, '_>,
) -> Vec<u64> {
    for _ in 0..TRIES {
        let operands = insn.operands[..insn.scalars()].iter();
        let cells = operands.map(|operand| entropy.cell(operand.raw)).collect();
        let length = entropy.below(ELEMENTS + 1).into();
        if let Some(cells) = fit(insn, cells, length) {
            return cells;
        }
    }
    witness.to_vec()
}

/// The cells with one of them changed so that the list has `length` elements, if that makes them fit.
fn fit(insn: &Instruction, mut cells: Vec<u64>, length: i128) -> Option<Vec<u64>> {
    if let Some(count) = &insn.count {
        let missing = length - list_len(insn, &cells);
        let single = count.terms.iter().find(|(_, factor)| factor.abs() == 1);
        if let (Some(&(operand, factor)), true) = (single, missing != 0) {
            let at = usize::from(operand);
            let raw = insn.operands[at].raw;
            cells[at] = raw.cell(raw.value(cells[at]) + i128::from(factor) * missing)?;
        }
        if !(0..=i128::from(ELEMENTS)).contains(&list_len(insn, &cells)) {
            return None;
        }
    }
    holds_condition(insn, &cells).then_some(cells)
}
