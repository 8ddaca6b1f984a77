//! Operands with which loads and stores reach memory.

use bytestone_spec::isa::{BankId, BinaryOp, Instruction, Isa, Op, RegionId, Start, Temp, UnaryOp};

use super::entropy::Entropy;
use crate::codec::holds_condition;

/// Bytes from the end of a region that offsets reach.
const NEAR: u32 = 64;

/// An address as an instruction computes it: a cell that an operand names, and another operand.
#[derive(Clone, Copy, Debug)]
struct Address {
    bank: BankId,
    base: u8,
    offset: Option<u8>,
}

impl Address {
    /// That of the first load or store of an instruction, if it is of this form.
    fn of(insn: &Instruction) -> Option<Self> {
        let body = &insn.body;
        let address = body.ops.iter().find_map(|op| match op {
            Op::Load { address, .. } | Op::Reach { address, .. } => Some(*address),
            _ => None,
        })?;
        let first = body.inputs + body.operands;
        let op = |temp: Temp| body.ops.get(usize::from(temp.checked_sub(first)?));
        let operand = |temp: Temp| temp.checked_sub(body.inputs).filter(|at| *at < body.operands);
        let cell = |temp: Temp| match op(temp) {
            Some(&Op::Read { bank, index }) => Some((bank, operand(index)?)),
            _ => None,
        };
        if let Some((bank, base)) = cell(address) {
            return Some(Self { bank, base, offset: None });
        }
        let Some(&Op::Binary { op: BinaryOp::Add, a, b, .. }) = op(address) else { return None };
        let (bank, base) = cell(a)?;
        let offset = match op(b) {
            Some(&Op::Unary { op: UnaryOp::Wrap, a, .. }) => operand(a),
            _ => operand(b),
        };
        Some(Self { bank, base, offset })
    }
}

/// Values of operands, by their numbers, with which an instruction reaches memory from a cell that points there at the
/// start. Mostly, so that other addresses are met too.
pub(super) fn reach(
    isa: &Isa,
    insn: &Instruction,
    entropy: &mut Entropy<'_, '_>,
) -> Vec<(u8, u64)> {
    let Some(address) = Address::of(insn).filter(|_| !entropy.once_in(8)) else {
        return Vec::new();
    };
    let machine = isa.machine();
    let starts = &machine.banks[usize::from(address.bank.0)].start;
    let points = |start: Start| matches!(start, Start::Base(_) | Start::End(_));
    let choices = starts.iter().filter(|(_, start)| points(*start));
    let Some(&(index, start)) = entropy.pick_from(choices) else { return Vec::new() };
    let room = |id: RegionId| machine.memory[usize::from(id.0)].size.min(NEAR);
    let offset = match start {
        Start::End(id) => (u64::from(entropy.below(room(id))) + 1).wrapping_neg(),
        Start::Base(id) => entropy.below(room(id)).into(),
        Start::Number(_) | Start::Size(_) => 0,
    };
    let mut values = vec![(address.base, u64::from(index))];
    if let Some(at) = address.offset {
        let raw = insn.operands[usize::from(at)].raw;
        values.push((at, raw.wrap(offset)));
    }
    let fits = |&(at, cell): &(u8, u64)| {
        let raw = insn.operands[usize::from(at)].raw;
        raw.wrap(cell) == cell
    };
    if values.iter().all(fits) { values } else { Vec::new() }
}

/// Operands that fit one another, with some of them replaced if they still do.
pub(super) fn replaced(insn: &Instruction, cells: Vec<u64>, by: &[(u8, u64)]) -> Vec<u64> {
    let mut tried = cells.clone();
    for &(at, cell) in by {
        tried[usize::from(at)] = cell;
    }
    if holds_condition(insn, &tried) { tried } else { cells }
}
