//! Ways from any height of the stack to any other.

use bytestone_spec::isa::{InsnId, Isa};

use super::entropy::Entropy;
use super::plan::{can_trap, is_plain};

/// The instructions that change the height of the stack and nothing about control, and the way
/// from any height to any other.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    cells: usize,
    rungs: Vec<Rung>,
    /// The number of instructions on the shortest way, by target and then by start.
    distances: Vec<u8>,
    complete: bool,
}

/// An instruction of a ladder.
#[derive(Clone, Copy, Debug)]
struct Rung {
    id: InsnId,
    inputs: usize,
    outputs: usize,
}

const NO_WAY: u8 = u8::MAX;

impl Ladder {
    /// For frames of at most `cells`, made of `plain` instructions. Those that trap, and then
    /// those in `jumping` too, are in it only if it were not complete without them.
    pub(super) fn new(isa: &Isa, cells: usize, plain: &[InsnId], jumping: &[InsnId]) -> Self {
        let safe: Vec<InsnId> =
            plain.iter().copied().filter(|&id| !can_trap(isa.instruction(id))).collect();
        let [safe, plain, all] =
            [&safe, plain, jumping].map(|insns| Self::of_insns(isa, cells, insns));
        if safe.is_complete() {
            safe
        } else if plain.is_complete() {
            plain
        } else {
            all
        }
    }

    fn of_insns(isa: &Isa, cells: usize, insns: &[InsnId]) -> Self {
        let rungs: Vec<Rung> = insns
            .iter()
            .map(|&id| {
                let effect = &isa.instruction(id).effect;
                Rung { id, inputs: effect.inputs.len(), outputs: effect.outputs.len() }
            })
            .collect();
        let distances = vec![NO_WAY; (cells + 1) * (cells + 1)];
        let mut ladder = Self { cells, rungs, distances, complete: false };
        for target in 0..=cells {
            ladder.measure(target);
        }
        ladder.complete = ladder.distances.iter().all(|&distance| distance != NO_WAY);
        ladder
    }

    /// Finds the distances to a height.
    fn measure(&mut self, target: usize) {
        let row = target * (self.cells + 1);
        self.distances[row + target] = 0;
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for from in 0..=self.cells {
                let next = self.rungs.iter().filter_map(|rung| rung.after(from, self.cells));
                let nearest = next.map(|after| self.distances[row + after]).min().unwrap_or(NO_WAY);
                let distance = nearest.saturating_add(1);
                if distance < self.distances[row + from] {
                    self.distances[row + from] = distance;
                    changed = true;
                }
            }
        }
    }

    /// Whether there is a way from every height to every other.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether there is a way.
    pub(super) fn reaches(&self, from: usize, to: usize) -> bool {
        from.max(to) <= self.cells && self.distance(from, to) != NO_WAY
    }

    /// An instruction on a shortest way, and the height after it; `None` when there.
    pub(super) fn step(
        &self,
        from: usize,
        to: usize,
        entropy: &mut Entropy<'_, '_>,
    ) -> Option<(InsnId, usize)> {
        let distance = self.distance(from, to);
        entropy.pick_from(self.rungs.iter().filter_map(|rung| {
            let after = rung.after(from, self.cells)?;
            (self.distance(after, to) < distance).then_some((rung.id, after))
        }))
    }

    /// An instruction without labels that a frame with `from` cells has room for, and the height
    /// after it.
    pub(super) fn any_plain(&self, isa: &Isa, from: usize) -> Option<(InsnId, usize)> {
        let plain = |rung: &&Rung| is_plain(isa.instruction(rung.id));
        self.rungs
            .iter()
            .filter(plain)
            .find_map(|rung| Some((rung.id, rung.after(from, self.cells)?)))
    }

    fn distance(&self, from: usize, to: usize) -> u8 {
        self.distances[to * (self.cells + 1) + from]
    }
}

impl Rung {
    /// The height after it, if a frame of at most `most` cells with `from` has room for it.
    fn after(&self, from: usize, most: usize) -> Option<usize> {
        let after = from.checked_sub(self.inputs)? + self.outputs;
        (after <= most).then_some(after)
    }
}
