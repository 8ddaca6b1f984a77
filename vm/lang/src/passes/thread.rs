//! Leads jumps to where they end.

use bytestone_spec::isa::{Isa, LabelBase, OperandKind};

use super::Jumps;
use crate::listing::{Arg, Entry, Label, Listing, Step};

/// Where labels are, and where a jump to each of them ends.
struct Ways {
    places: Vec<usize>,
    ends: Vec<Label>,
}

/// Leads each jump to a jump to where that one ends, and removes jumps to the next instruction.
pub(super) fn thread(listing: &mut Listing, isa: &Isa, jumps: Option<Jumps>) {
    let Some(jumps) = jumps else { return };
    let ways = Ways::of(listing, jumps);
    for at in 0..listing.entries.len() {
        let Entry::Step(step) = &mut listing.entries[at] else { continue };
        redirect(step, at, &ways, isa, jumps);
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(listing.entries.len());
    for &entry in &listing.entries {
        entries.push(entry);
        remove_idle_jump(&mut entries, jumps);
    }
    listing.entries = entries;
}

/// Leads the labels of an instruction to the ends of their ways, as far as it can go there.
fn redirect(step: &mut Step, at: usize, ways: &Ways, isa: &Isa, jumps: Jumps) {
    let plain = is_jump(step, jumps);
    for operand in 0..step.args().len() {
        let Arg::Label(label) = step.args()[operand] else { continue };
        let end = ways.ends[label.index()];
        if end == label {
            continue;
        }
        let before = |label: Label| ways.places[label.index()] <= at;
        if plain {
            step.insn = if before(end) { jumps.backward } else { jumps.forward };
            step.args_mut()[operand] = Arg::Label(end);
        } else if before(end) == before(label) || is_free(step, operand, isa) {
            step.args_mut()[operand] = Arg::Label(end);
        }
    }
}

/// Whether an operand can lead both ways.
fn is_free(step: &Step, operand: usize, isa: &Isa) -> bool {
    isa.instruction(step.insn).operands.get(operand).is_some_and(|operand| match operand.kind {
        OperandKind::Label(rule) => operand.raw.signed || rule.base == LabelBase::Code,
        _ => false,
    })
}

/// Removes the last jump if nothing but labels, its own among them, stands behind it.
fn remove_idle_jump(entries: &mut Vec<Entry>, jumps: Jumps) {
    let Some(Entry::Bind(own)) = entries.last().copied() else { return };
    let labels = entries.iter().rev().take_while(|entry| matches!(entry, Entry::Bind(_))).count();
    let Some(at) = entries.len().checked_sub(labels + 1) else { return };
    if let Entry::Step(step) = &entries[at]
        && is_jump(step, jumps)
        && step.args() == [Arg::Label(own)]
    {
        entries.remove(at);
    }
}

fn is_jump(step: &Step, jumps: Jumps) -> bool {
    step.insn == jumps.forward || step.insn == jumps.backward
}

impl Ways {
    fn of(listing: &Listing, jumps: Jumps) -> Self {
        let mut places = vec![usize::MAX; listing.labels()];
        // The jump that comes first behind a label.
        let mut next = vec![None; listing.labels()];
        let mut following = None;
        for (at, entry) in listing.entries.iter().enumerate().rev() {
            match entry {
                Entry::Bind(label) => {
                    places[label.index()] = at;
                    next[label.index()] = following;
                }
                Entry::Step(step) => {
                    following = step.labels().next().filter(|_| is_jump(step, jumps));
                }
            }
        }
        let ends = (0..listing.labels()).map(|index| end_of(Label::new(index), &next)).collect();
        Self { places, ends }
    }
}

/// Where a jump to a label ends. Rows of jumps can be long, and lead in a circle: only so many are
/// followed, and each place on the way is as right as the last.
fn end_of(label: Label, next: &[Option<Label>]) -> Label {
    const JUMPS: usize = 16;
    std::iter::successors(Some(label), |label| next[label.index()])
        .take(JUMPS)
        .last()
        .unwrap_or(label)
}
