//! The flow of control as a graph of superblocks, and what each of its ways does to the stack.

use bumpalo::collections::Vec as BumpVec;

use super::block::{ExitKind, NONE, Work};
use super::height::{Breach, Heights};

/// How far the stack gets from a block on until the frame returns, counted from the height before
/// the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// How much is taken of what is there.
    pub need: i64,
    /// How much higher the stack gets.
    pub peak: i64,
}

impl Extent {
    /// That of no code.
    pub const NOTHING: Self = Self { need: i64::MIN, peak: i64::MIN };
    /// The need or peak of code with a fault that is known. Whatever leads there has it too,
    /// and is not faulted once more.
    pub const FAULTED: i64 = i64::MAX;

    /// That of a block that is not left.
    pub fn of_breach(breach: Breach) -> Self {
        match breach {
            Breach::Underflow => Self { need: Self::FAULTED, peak: 0 },
            Breach::Overflow => Self { need: 0, peak: Self::FAULTED },
        }
    }

    /// That of a block that is left.
    pub fn of_work(work: &Work) -> Self {
        Self { need: -i64::from(work.low), peak: i64::from(work.high) }
    }

    pub fn join(self, other: Self) -> Self {
        Self { need: self.need.max(other.need), peak: self.peak.max(other.peak) }
    }

    /// What is taken, unless a fault in that is known.
    pub fn need(self) -> Option<i64> {
        (self.need != Self::FAULTED).then_some(self.need)
    }

    /// How much higher the stack gets, unless a fault in that is known.
    pub fn peak(self) -> Option<i64> {
        (self.peak != Self::FAULTED).then_some(self.peak)
    }

    /// The same counted from a height that is `rise` lower.
    pub fn below(self, rise: i64) -> Self {
        let shift = |far, by| if far == i64::MIN || far == i64::MAX { far } else { far + by };
        Self { need: shift(self.need, -rise), peak: shift(self.peak, rise) }
    }
}

/// A way from a superblock to another that control can take and behind which heights agree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// The head of the superblock it leads to.
    pub to: u32,
    /// How much higher the stack is there than before the head that it starts from.
    pub rise: i32,
    /// The block that it leaves as a call, or [`NONE`].
    pub call: u32,
}

impl Way {
    /// Whether it leads to a callee.
    pub fn is_call(&self) -> bool {
        self.call != NONE
    }
}

/// Superblocks: blocks in a row of which control enters only the first, the head. They are numbered in the order in
/// which they are added.
pub(super) struct Flow<'v> {
    /// The heights of the blocks.
    pub heights: &'v Heights<'v>,
    /// By block: of the head of a superblock its number and 1, otherwise 0.
    numbers: &'v mut [u32],
    superblocks: BumpVec<'v, Superblock>,
    /// How far the stack gets from each superblock on; at first, in its blocks alone.
    pub extents: BumpVec<'v, Extent>,
    /// The ways of one superblock after the other: its jumps and calls, then that on to the next.
    ways: BumpVec<'v, Way>,
}

struct Superblock {
    head: u32,
    /// Where its ways end among those of all.
    ways_end: u32,
}

impl<'v> Flow<'v> {
    /// The flow without superblocks.
    pub fn of(heights: &'v Heights<'v>) -> Self {
        let arena = heights.blocks.subject.arena;
        // Only what is called gets any.
        let most = if heights.entries().is_empty() { 0 } else { heights.blocks.len() };
        Self {
            heights,
            numbers: arena.alloc_slice_fill_copy(most, 0),
            superblocks: BumpVec::with_capacity_in(most, arena),
            extents: BumpVec::with_capacity_in(most, arena),
            ways: BumpVec::with_capacity_in(most, arena),
        }
    }

    /// Adds the superblock that begins with a block.
    pub fn add(&mut self, head: u32) {
        let heights = self.heights;
        let (mut extent, mut block) = (Extent::NOTHING, head);
        loop {
            // All are in the same frame, where heights differ by less than two stacks.
            let height = heights.rise_to(head, block);
            let work = heights.blocks.work(block);
            let alone = heights.breach(block).map_or(Extent::of_work(work), Extent::of_breach);
            extent = extent.join(alone.below(height));
            let rise = (height as i32).saturating_add(work.net);
            let exits = heights.blocks.jumps_and_calls(block);
            for exit in exits.filter(|&exit| heights.is_way(block, exit)) {
                let call = if exit.kind == ExitKind::Call { block } else { NONE };
                self.ways.push(Way { to: exit.to, rise, call });
            }
            if !heights.goes_on(block) {
                break;
            }
            block += 1;
            if heights.is_entered(block) {
                let rise = heights.rise_to(head, block) as i32;
                self.ways.push(Way { to: block, rise, call: NONE });
                break;
            }
        }
        self.superblocks.push(Superblock { head, ways_end: self.ways.len() as u32 });
        self.extents.push(extent);
        self.numbers[head as usize] = self.superblocks.len() as u32;
    }

    /// How many superblocks there can be.
    pub fn most(&self) -> usize {
        self.numbers.len()
    }

    /// How many superblocks there are.
    pub fn len(&self) -> usize {
        self.superblocks.len()
    }

    /// The first block of a superblock.
    pub fn head(&self, superblock: u32) -> u32 {
        self.superblocks[superblock as usize].head
    }

    /// The superblock with a head, if it was added.
    #[inline]
    pub fn number(&self, head: u32) -> Option<u32> {
        self.numbers.get(head as usize)?.checked_sub(1)
    }

    /// The ways from a superblock to others.
    #[inline]
    pub fn ways(&self, superblock: u32) -> &[Way] {
        let end = |at: usize| self.superblocks[at].ways_end as usize;
        let start = (superblock as usize).checked_sub(1).map_or(0, end);
        &self.ways[start..end(superblock as usize)]
    }
}
