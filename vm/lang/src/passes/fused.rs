//! Puts instructions together that the machine has a fused instruction for.

use std::collections::BTreeSet;

use bytestone_spec::isa::{InsnId, Instruction, Isa, Op};

use crate::listing::{Arg, Entry, Listing, Step};

/// What a fused instruction stands for.
#[derive(Debug)]
struct Fusion {
    insn: InsnId,
    parts: Vec<Part>,
}

/// One of the instructions that a fused one stands for.
#[derive(Debug)]
struct Part {
    insn: InsnId,
    operands: Vec<Operand>,
}

/// An operand of a part.
#[derive(Debug)]
enum Operand {
    /// That of the fused instruction with this number.
    Of(usize),
    Number(i64),
}

/// Replaces rows of instructions, no label between them, by fused ones: the longest rows first, so that no short one
/// takes a part of theirs, and rows of one length from the start on.
pub(super) fn fuse(listing: &mut Listing, isa: &Isa) {
    let instructions = (0..).map(InsnId).zip(isa.instructions());
    let fusions: Vec<Fusion> =
        instructions.filter_map(|(id, insn)| fusion(isa, id, insn)).collect();
    let lengths: BTreeSet<usize> = fusions.iter().map(|fusion| fusion.parts.len()).collect();
    for len in lengths.into_iter().rev() {
        let fusions = fusions.iter().filter(|fusion| fusion.parts.len() == len);
        replace(listing, isa, len, &fusions.collect::<Vec<_>>());
    }
}

/// Replaces rows of one length.
fn replace(listing: &mut Listing, isa: &Isa, len: usize, fusions: &[&Fusion]) {
    let mut entries = Vec::with_capacity(listing.entries.len());
    let mut rest = listing.entries.as_slice();
    while let Some((first, behind)) = rest.split_first() {
        match fusions.iter().find_map(|fusion| fusion.of(isa, rest)) {
            Some(step) => {
                entries.push(Entry::Step(step));
                rest = &rest[len..];
            }
            None => {
                entries.push(*first);
                rest = behind;
            }
        }
    }
    listing.entries = entries;
}

/// What an instruction stands for; `None` if it is not fused.
fn fusion(isa: &Isa, insn: InsnId, fused: &Instruction) -> Option<Fusion> {
    let part = |text: &String| {
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let words = rest.split(',').map(str::trim).filter(|word| !word.is_empty());
        let operand = |word: &str| {
            let of = fused.operands.iter().position(|operand| operand.name == word);
            of.map(Operand::Of).or_else(|| word.parse().ok().map(Operand::Number))
        };
        let operands = words.map(operand).collect::<Option<_>>()?;
        Some(Part { insn: isa.find_instruction(name)?, operands })
    };
    let parts = fused.text.fuse.iter().map(part).collect::<Option<Vec<_>>>()?;
    (!parts.is_empty()).then_some(Fusion { insn, parts })
}

impl Fusion {
    /// The fused instruction for the first entries, if they are what it stands for.
    fn of(&self, isa: &Isa, entries: &[Entry]) -> Option<Step> {
        let operands = &isa.instruction(self.insn).operands;
        let mut args: Vec<Option<Arg>> = vec![None; operands.len()];
        let mut line = None;
        for (place, part) in self.parts.iter().enumerate() {
            let Some(Entry::Step(step)) = entries.get(place) else { return None };
            if step.insn != part.insn || step.args().len() != part.operands.len() {
                return None;
            }
            for (arg, operand) in step.args().iter().zip(&part.operands) {
                match *operand {
                    Operand::Number(number) if *arg == Arg::Number(number) => {}
                    Operand::Number(_) => return None,
                    Operand::Of(at) if args[at].is_none_or(|known| known == *arg) => {
                        args[at] = Some(*arg);
                    }
                    Operand::Of(_) => return None,
                }
            }
            // A trap names the line of the part that traps.
            if line.is_none() || can_trap(isa.instruction(step.insn)) {
                line = Some(step.line);
            }
        }
        let fits = |(arg, at): (&Arg, usize)| match arg {
            Arg::Number(number) => operands[at].raw.contains((*number).into()),
            Arg::Label(_) => true,
        };
        let args: Vec<Arg> = args.into_iter().collect::<Option<_>>()?;
        let all_fit = args.iter().zip(0..).all(fits);
        all_fit.then(|| Step::new(self.insn, &args, line.unwrap_or(0)))
    }
}

fn can_trap(insn: &Instruction) -> bool {
    insn.body.ops.iter().any(|op| matches!(op, Op::TrapIf { .. }))
}
