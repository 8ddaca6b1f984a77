//! Operands that have to fit one another, and the lengths of lists that follow from them.

use bytestone_spec::isa::{Instruction, Isa, Operand, OperandKind};

use super::entropy::Entropy;
use crate::codec::{holds_condition, list_len};

/// The most elements of a list.
pub(super) const ELEMENTS: u32 = 4;
/// How often operands are chosen before those of a witness are taken.
const TRIES: usize = 4;
/// Raw numbers of which a witness is made.
const CANDIDATES: [u64; 6] = [0, 1, u64::MAX, 2, 10, 100];
/// Operands of a witness for which all mixtures of these are tried.
const VARIED: usize = 3;

/// Operands of an instruction that fit one another, a list not among them; `None` if none were
/// found.
pub(super) fn witness(isa: &Isa, insn: &Instruction) -> Option<Vec<u64>> {
    let scalars = &insn.operands[..insn.scalars()];
    let longest = if insn.count.is_some() { ELEMENTS } else { 0 };
    let mut lengths = 0..=i128::from(longest);
    let fitted = |length, value: &dyn Fn(u8) -> u64| {
        let operands = (0u8..).zip(scalars);
        fit(isa, insn, operands.map(|(at, operand)| operand.raw.wrap(value(at))).collect(), length)
    };
    let equal = lengths
        .clone()
        .find_map(|length| CANDIDATES.iter().find_map(|candidate| fitted(length, &|_| *candidate)));
    equal.or_else(|| {
        let varied = varied(insn);
        let mixtures = CANDIDATES.len().pow(varied.len() as u32);
        lengths.find_map(|length| {
            (0..mixtures).find_map(|mixture| {
                fitted(length, &|at| {
                    let place = varied.iter().position(|varied| *varied == at);
                    let digit = |place| mixture / CANDIDATES.len().pow(place as u32);
                    CANDIDATES[place.map_or(0, digit) % CANDIDATES.len()]
                })
            })
        })
    })
}

/// Operands that a condition compares, at most [`VARIED`] of them.
fn varied(insn: &Instruction) -> Vec<u8> {
    let terms = insn.conditions.iter().chain(&insn.count).flat_map(|sum| &sum.terms);
    let mut varied: Vec<u8> = Vec::new();
    for &(operand, _) in terms {
        if varied.len() < VARIED && !varied.contains(&operand) {
            varied.push(operand);
        }
    }
    varied
}

/// Whether the operands of an instruction have to fit one another.
pub(super) fn is_bound(insn: &Instruction) -> bool {
    insn.count.is_some() || !insn.conditions.is_empty()
}

/// Operands of an instruction that fit one another, mostly not those of the `witness`.
pub(super) fn choose(
    isa: &Isa,
    insn: &Instruction,
    witness: &[u64],
    entropy: &mut Entropy<'_, '_>,
) -> Vec<u64> {
    for _ in 0..TRIES {
        let operands = insn.operands[..insn.scalars()].iter();
        let cells = operands.map(|operand| entropy.cell(operand.raw)).collect();
        let length = entropy.below(ELEMENTS + 1).into();
        if let Some(cells) = fit(isa, insn, cells, length) {
            return cells;
        }
    }
    witness.to_vec()
}

/// The cells with one of them changed so that the list has `length` elements, and indexes such that there is what they
/// name, if that makes them fit.
fn fit(isa: &Isa, insn: &Instruction, mut cells: Vec<u64>, length: i128) -> Option<Vec<u64>> {
    let indexes = |operand: &Operand| match operand.kind {
        OperandKind::Index(rule) => Some(u64::from(isa.machine().indexes(rule))),
        _ => None,
    };
    for (cell, operand) in cells.iter_mut().zip(&insn.operands) {
        if let Some(indexes) = indexes(operand) {
            *cell %= indexes.max(1);
        }
    }
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
    let mut named = cells.iter().zip(&insn.operands);
    let exist = named.all(|(cell, operand)| indexes(operand).is_none_or(|count| *cell < count));
    (exist && holds_condition(insn, &cells)).then_some(cells)
}
