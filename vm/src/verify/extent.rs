//! Extents: how low and how high the stack gets from a block on, callees included.

use super::block::ExitKind;
use super::height::{Breach, Heights};
use super::scc::Components;

/// How far the stack gets from a block on until the frame returns, as heights from the zero of the
/// block's group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    floor: i64,
    ceiling: i64,
}

impl Extent {
    const NOTHING: Self = Self { floor: i64::MAX, ceiling: i64::MIN };

    /// That of a block whose fault is known. Whatever leads there has it too on that side,
    /// and is not faulted once more.
    fn faulted(breach: Breach) -> Self {
        match breach {
            Breach::Underflow => Self { floor: i64::MIN, ..Self::NOTHING },
            Breach::Overflow => Self { ceiling: i64::MAX, ..Self::NOTHING },
        }
    }

    fn join(self, other: Self) -> Self {
        Self { floor: self.floor.min(other.floor), ceiling: self.ceiling.max(other.ceiling) }
    }

    /// The same from a zero that is `by` lower.
    fn raised(self, by: i64) -> Self {
        let raise = |height| match height {
            i64::MIN | i64::MAX => height,
            _ => height + by,
        };
        Self { floor: raise(self.floor), ceiling: raise(self.ceiling) }
    }
}

/// Which calls count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    All,
    NotRecursive,
}

/// Which extents still change.
#[derive(Default)]
struct Motion {
    /// A block whose floor does.
    floor: Option<u32>,
    /// Whether a ceiling does.
    ceiling: bool,
}

/// The number of a component that was not reached.
const NONE: u32 = u32::MAX;

/// The visits of blocks that finding the extents of a recursion may take, however few its blocks.
const VISITS: usize = 1 << 22;
/// The rounds that it may take, however many its blocks.
const ROUNDS: usize = 16;

/// The extents of all blocks that are reached.
pub(super) struct Extents {
    extents: Vec<Extent>,
    /// The strongly connected component of each block.
    components: Vec<u32>,
    /// For a block in a recursion, the number of the exit to which it owes its floor.
    lowered_by: Vec<u32>,
    grows: bool,
}

impl Extents {
    /// Finds the extents. Notes the calls whose callees break a limit of the stack in a frame seen
    /// alone, and those of recursions that need a higher stack each time.
    pub fn find(heights: &mut Heights) -> Self {
        let blocks = heights.blocks;
        let components = Components::find(
            blocks.len(),
            |block| blocks.exits(block),
            |block, number| heights.way(block, number).map(|exit| exit.to),
        );
        let mut this = Self {
            extents: vec![Extent::NOTHING; blocks.len()],
            components: vec![NONE; blocks.len()],
            lowered_by: Vec::new(),
            grows: false,
        };
        for (number, members) in (0..).zip(components.iter()) {
            members.iter().for_each(|&member| this.components[member as usize] = number);
            this.settle(heights, members);
        }
        this
    }

    /// How much the callee with this entry takes of the stack it is called with; `None` if a
    /// fault in it is known.
    pub fn need(&self, heights: &Heights, entry: u32) -> Option<i64> {
        let floor = self.extents[entry as usize].floor;
        (floor != i64::MIN).then(|| heights.before(entry) - floor)
    }

    /// How much higher the callee with this entry makes the stack, recursion not counted if
    /// it makes it higher without a bound; `None` if a fault in it is known.
    pub fn peak(&self, heights: &Heights, entry: u32) -> Option<i64> {
        let ceiling = self.extents[entry as usize].ceiling;
        (ceiling != i64::MAX).then(|| ceiling - heights.before(entry))
    }

    /// Whether a recursion makes the stack higher without a bound.
    pub fn grows(&self) -> bool {
        self.grows
    }

    /// Finds the extents of a component, those that it leads to being known.
    fn settle(&mut self, heights: &mut Heights, members: &[u32]) {
        let recursive = members.iter().copied().filter(|&block| {
            heights.blocks.callee(block).is_some_and(|entry| self.is_recursive(block, entry))
        });
        let bounded = match recursive.min() {
            Some(call) => self.settle_recursion(heights, members, call),
            None => {
                let extents = members.iter().map(|&block| self.look(heights, block, Calls::All).0);
                let extent = extents.fold(Extent::NOTHING, Extent::join);
                members.iter().for_each(|&block| self.extents[block as usize] = extent);
                Calls::All
            }
        };
        let mut faulted = Extent::NOTHING;
        for &block in members {
            if let Some(breach) = self.breach_of_call(heights, block, bounded) {
                heights.set_breach(block, breach);
                faulted = faulted.join(Extent::faulted(breach));
            }
        }
        self.join_all(members, faulted);
    }

    /// Whether a call is part of a recursion.
    fn is_recursive(&self, block: u32, entry: u32) -> bool {
        self.components[block as usize] == self.components[entry as usize]
    }

    fn join_all(&mut self, members: &[u32], other: Extent) {
        for &block in members {
            let extent = &mut self.extents[block as usize];
            *extent = extent.join(other);
        }
    }

    /// The extent of a block as that of its exits has it, and the exit that it owes its floor to.
    fn look(&self, heights: &Heights, block: u32, calls: Calls) -> (Extent, u32) {
        if let Some(breach) = heights.breach(block) {
            return (Extent::faulted(breach), NONE);
        }
        let before = heights.before(block);
        let this = heights.blocks.get(block);
        let mut extent =
            Extent { floor: before + i64::from(this.low), ceiling: before + i64::from(this.high) };
        let mut lowered_by = NONE;
        for number in 0..heights.blocks.exits(block) {
            let Some(exit) = heights.way(block, number) else { continue };
            let mut beyond = self.extents[exit.to as usize];
            if exit.kind == ExitKind::Call {
                if calls == Calls::NotRecursive && self.is_recursive(block, exit.to) {
                    continue;
                }
                beyond = beyond.raised(before + i64::from(this.net) - heights.before(exit.to));
            }
            if beyond.floor < extent.floor {
                lowered_by = number;
            }
            extent = extent.join(beyond);
        }
        (extent, lowered_by)
    }

    /// Finds the extents of a component with a recursive call. Returns the calls whose
    /// ceilings are counted.
    fn settle_recursion(&mut self, heights: &mut Heights, members: &[u32], call: u32) -> Calls {
        self.lowered_by.resize(self.extents.len(), NONE);
        self.iterate(heights, members, Calls::NotRecursive);
        let ceilings = members.iter().map(|&block| self.extents[block as usize].ceiling);
        let ceilings: Vec<i64> = ceilings.collect();
        let motion = self.iterate(heights, members, Calls::All);
        if let Some(block) = motion.floor {
            let call = self.call_that_lowers(heights, members, block).unwrap_or(call);
            heights.set_breach(call, Breach::Underflow);
            self.join_all(members, Extent::faulted(Breach::Underflow));
        }
        if !motion.ceiling {
            return Calls::All;
        }
        self.grows = true;
        for (&block, ceiling) in members.iter().zip(ceilings) {
            self.extents[block as usize].ceiling = ceiling;
        }
        Calls::NotRecursive
    }

    /// Brings the extents of a component in agreement with one another. Returns what still changes
    /// after as many rounds as there are blocks, which means that it always will, or after as many
    /// as time allows.
    fn iterate(&mut self, heights: &Heights, members: &[u32], calls: Calls) -> Motion {
        let rounds = members.len().min(ROUNDS + VISITS / members.len());
        let mut motion = Motion::default();
        for _ in 0..=rounds {
            motion = Motion::default();
            for &block in members {
                let (extent, lowered_by) = self.look(heights, block, calls);
                let known = &mut self.extents[block as usize];
                if extent.floor < known.floor {
                    self.lowered_by[block as usize] = lowered_by;
                    motion.floor = Some(block);
                }
                motion.ceiling |= extent.ceiling > known.ceiling;
                *known = known.join(extent);
            }
            if motion.floor.is_none() && !motion.ceiling {
                break;
            }
        }
        motion
    }

    /// The first call, in the order of the code, of a recursion that lowers the floor of `block`
    /// each time.
    fn call_that_lowers(&self, heights: &Heights, members: &[u32], block: u32) -> Option<u32> {
        let exit = |block: u32| {
            let number = self.lowered_by[block as usize];
            heights.blocks.exit(block, if number == NONE { return None } else { number })
        };
        let next = |&block: &u32| {
            exit(block).map(|exit| exit.to).filter(|&to| self.is_recursive(block, to))
        };
        let calls = |&block: &u32| exit(block).is_some_and(|exit| exit.kind == ExitKind::Call);
        // After so many steps, the way is on a cycle for good, unless it ended.
        let way = || std::iter::successors(Some(block), next);
        let on_cycle = way().skip(members.len()).take(members.len()).filter(calls).min();
        on_cycle.or_else(|| way().take(members.len()).filter(calls).last())
    }

    /// The limit that a call breaks through its callee, in a frame seen alone.
    fn breach_of_call(&self, heights: &Heights, block: u32, bounded: Calls) -> Option<Breach> {
        let entry = heights.blocks.callee(block)?;
        if heights.breach(block).is_some() {
            return None;
        }
        let (before, least) = heights.alone(block);
        let height = before + i64::from(heights.blocks.get(block).net);
        if self.need(heights, entry).is_some_and(|need| height - need < least) {
            return Some(Breach::Underflow);
        }
        if bounded == Calls::NotRecursive && self.is_recursive(block, entry) {
            return None;
        }
        let peak = self.peak(heights, entry)?;
        (height + peak > i64::from(heights.depth)).then_some(Breach::Overflow)
    }
}
