//! Operands with which an instruction calls the host.

use bytestone_spec::isa::{Instruction, Op, OperandKind, Temp, WriteTo};

use super::entropy::Entropy;

/// The numbers that are tried for an operand.
const TRIED: u64 = 32;

/// The value of an immediate, by its number, with which an instruction calls the host and does not trap, where that depends on
/// the one operand. Mostly, so that other values are met too.
pub(super) fn calling(insn: &Instruction, entropy: &mut Entropy<'_, '_>) -> Option<(u8, u64)> {
    let mut calls = insn.body.writes.iter();
    let guard = calls.find(|write| matches!(write.to, WriteTo::Host { .. }))?.guard?;
    if entropy.once_in(4) {
        return None;
    }
    let immediates = (0u8..).zip(&insn.operands);
    let mut immediates = immediates.filter(|(_, operand)| operand.kind == OperandKind::Immediate);
    immediates.find_map(|(at, operand)| {
        let values = (0..TRIED).filter(|value| operand.raw.contains(i128::from(*value)));
        let found = { values }.find(|value| holds(insn, guard, (at, *value)))?;
        Some((at, found))
    })
}

/// Whether a truth value holds and no trap that can be told fires when an operand is a number and nothing else is known.
fn holds(insn: &Instruction, guard: Temp, (at, value): (u8, u64)) -> bool {
    let body = &insn.body;
    let mut temps: Vec<Option<u64>> = vec![None; usize::from(body.inputs + body.operands)];
    if let Some(temp) = temps.get_mut(usize::from(body.inputs + at)) {
        *temp = Some(value);
    }
    for op in &body.ops {
        let known = |temp: Temp| temps.get(usize::from(temp)).copied().flatten();
        let cell = match *op {
            Op::Const(cell) => Some(cell),
            Op::Unary { op, ty, a } => known(a).map(|a| op.apply(ty, a)),
            Op::Binary { op, ty, a, b } => known(a).zip(known(b)).map(|(a, b)| op.apply(ty, a, b)),
            Op::Select { cond, then, other } => {
                known(cond).and_then(|cond| known(if cond != 0 { then } else { other }))
            }
            Op::TrapIf { cond, .. } if known(cond).is_some_and(|cond| cond != 0) => return false,
            _ => None,
        };
        temps.push(cell);
    }
    temps.get(usize::from(guard)).copied().flatten() == Some(1)
}
