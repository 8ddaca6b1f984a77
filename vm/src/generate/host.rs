//! Operands with which an instruction calls the host.

use std::iter::repeat_n;

use bytestone_spec::isa::{Instruction, Isa, OperandKind, Temp, Union, WriteTo};

use super::entropy::Entropy;
use super::known::{Known, Risk, evaluate};

/// The numbers that are tried for an operand.
const TRIED: u64 = 32;

/// The value of an immediate, by its number, with which an instruction calls the host and does not trap, where that depends on
/// the one operand. Mostly, so that other values are met too.
pub(super) fn calling(
    isa: &Isa,
    insn: &Instruction,
    entropy: &mut Entropy<'_, '_>,
) -> Option<(u8, u64)> {
    let mut calls = insn.body.writes.iter();
    let guard = calls.find(|write| matches!(write.to, WriteTo::Host { .. }))?.guard?;
    if entropy.once_in(4) {
        return None;
    }
    let union = isa.machine().union.as_ref().unwrap_or(Union::EMPTY);
    let immediates = (0u8..).zip(&insn.operands);
    let mut immediates = immediates.filter(|(_, operand)| operand.kind == OperandKind::Immediate);
    immediates.find_map(|(at, operand)| {
        let calls = |&value: &u64| {
            operand.raw.contains(value.into()) && holds(union, insn, guard, (at, value))
        };
        Some((at, (0..TRIED).find(calls)?))
    })
}

/// Whether a truth value holds and no trap that can be told fires when an operand is a number and nothing else is known.
fn holds(union: &Union, insn: &Instruction, guard: Temp, (at, value): (u8, u64)) -> bool {
    let body = &insn.body;
    let number = |operand| if operand == at { Known::Cell(value) } else { Known::Nothing };
    let inputs = repeat_n(Known::Nothing, body.inputs.into());
    let (risk, temps) = evaluate(union, body, inputs.chain((0..body.operands).map(number)));
    risk < Risk::Always && temps.get(guard) == Known::Cell(1)
}
