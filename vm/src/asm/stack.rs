//! How deep the stack of a function's frame gets.

use bytestone_spec::isa::Isa;

use crate::codec::Codec;
use crate::limits;
use crate::program::Insn;

/// The depth of the stack that a frame reaches in the function whose code is what of `code` lies behind `start`, on any
/// way through it; at most what the machine's stack holds.
///
/// Each instruction is looked at with the height of the stack with which it is first come to. In code that a verifier accepts there is no
/// other; in other code, ways that are faulty are not followed any further.
pub(super) fn depth(codec: &Codec<'_>, code: &[u8], start: u32) -> u32 {
    let isa = codec.isa();
    let most = isa.machine().stack.map_or(0, |stack| stack.depth.min(limits::MAX_STACK));
    let mut walk = Walk { isa, most, start, insns: Vec::new(), operands: Vec::new() };
    let mut offset = start;
    while let Ok(insn) = codec.decode_one(code, offset, &mut walk.operands) {
        offset = insn.next();
        walk.insns.push(insn);
        if offset as usize >= code.len() {
            break;
        }
    }
    walk.deepest()
}

struct Walk<'a> {
    isa: &'a Isa,
    most: u32,
    start: u32,
    insns: Vec<Insn>,
    operands: Vec<u64>,
}

impl Walk<'_> {
    fn deepest(&self) -> u32 {
        let mut seen = vec![false; self.insns.len()];
        let mut pending = vec![(0, 0)];
        let mut deepest = 0;
        while let Some((at, height)) = pending.pop() {
            let Some(false) = seen.get(at).copied() else { continue };
            seen[at] = true;
            let Some(after) = self.after(at, height) else { continue };
            deepest = deepest.max(after);
            let insn = &self.insns[at];
            let effect = &self.isa.instruction(insn.id).effect;
            for &label in &effect.jumps {
                let cell = self.operand(at, label);
                let target = insn.target(self.isa, label, cell, self.start);
                pending.extend(target.and_then(|to| self.index_at(to)).map(|to| (to, after)));
            }
            if effect.falls_through {
                pending.push((at + 1, after));
            }
        }
        deepest
    }

    /// The height after the instruction with an index; `None` if the stack does not hold what it pops, or does not hold
    /// what it pushes.
    fn after(&self, at: usize, height: u32) -> Option<u32> {
        let effect = &self.isa.instruction(self.insns[at].id).effect;
        let list = effect.list.as_ref().map_or(0, |list| self.operand(at, list.count));
        let left = u64::from(height).checked_sub(list)?.checked_sub(effect.inputs.len() as u64)?;
        let after = left + effect.outputs.len() as u64;
        u32::try_from(after).ok().filter(|&after| after <= self.most)
    }

    fn operand(&self, at: usize, operand: u8) -> u64 {
        let operands = &self.operands[self.insns[at].first_operand()..];
        operands.get(usize::from(operand)).copied().unwrap_or(0)
    }

    fn index_at(&self, offset: i128) -> Option<usize> {
        let offset = u32::try_from(offset).ok()?;
        self.insns.binary_search_by_key(&offset, |insn| insn.offset).ok()
    }
}
