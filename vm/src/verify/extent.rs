//! Extents: how low and how high the stack gets from a block on, callees included.

use super::block::{Exit, ExitKind};
use super::height::{Breach, Heights};
use super::scc;

/// How far the stack gets from a block on until the frame returns, counted from the height before
/// the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    /// How much is taken of what is there.
    need: i64,
    /// How much higher the stack gets.
    peak: i64,
}

impl Extent {
    /// That of no code.
    const NOTHING: Self = Self { need: i64::MIN, peak: i64::MIN };
    /// The need or peak of code with a fault that is known. Whatever leads there has it too,
    /// and is not faulted once more.
    const FAULTED: i64 = i64::MAX;

    /// That of a block that is not left.
    fn of_breach(breach: Breach) -> Self {
        match breach {
            Breach::Underflow => Self { need: Self::FAULTED, peak: 0 },
            Breach::Overflow => Self { need: 0, peak: Self::FAULTED },
        }
    }

    fn join(self, other: Self) -> Self {
        Self { need: self.need.max(other.need), peak: self.peak.max(other.peak) }
    }

    /// The same counted from a height that is `rise` lower.
    fn below(self, rise: i64) -> Self {
        let shift = |far, by| if far == i64::MIN || far == i64::MAX { far } else { far + by };
        Self { need: shift(self.need, -rise), peak: shift(self.peak, rise) }
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
    /// A block whose need does.
    need: Option<u32>,
    /// Whether a peak does.
    peak: bool,
}

/// The visits of blocks that finding the extents of a recursion may take, however few its blocks.
const VISITS: usize = 1 << 20;
/// The rounds that it may take, however many its blocks.
const ROUNDS: usize = 16;

/// The extents of all blocks that a subroutine can reach. The start's frame needs none: its heights are
/// absolute, and the walk holds each of them against the limits.
pub(super) struct Extents<'a> {
    /// The heights of the blocks.
    pub heights: &'a Heights<'a>,
    extents: Vec<Extent>,
    /// The limits that calls break through their callees.
    breaches: Vec<Option<Breach>>,
    /// The strongly connected component of a block, numbered from 1; 0 if it has no other. Empty if none has.
    components: Vec<u32>,
    /// For a block in a recursion, the exit to which it owes its need, if it is not itself.
    needed_by: Vec<Option<Exit>>,
    grows: bool,
}

impl<'a> Extents<'a> {
    /// Finds the extents, and the calls whose callees break a limit of the stack in a frame seen
    /// alone or that are part of a recursion that needs a higher stack each time.
    pub fn find(heights: &'a Heights) -> Self {
        let blocks = heights.blocks;
        let entries = heights.entries();
        let count = if entries.is_empty() { 0 } else { blocks.len() };
        let mut this = Self {
            heights,
            extents: vec![Extent::NOTHING; count],
            breaches: vec![None; count],
            components: Vec::new(),
            needed_by: Vec::new(),
            grows: false,
        };
        let mut number = 0;
        scc::components(
            count,
            entries,
            |block| heights.ways(block),
            |block, number| heights.way(block, number),
            |members| {
                if members.len() > 1 {
                    number += 1;
                    this.components.resize(count, 0);
                    members.iter().for_each(|&member| this.components[member as usize] = number);
                }
                this.settle(members);
            },
        );
        this
    }

    /// Why a block is not left, if it is not.
    pub fn breach(&self, block: u32) -> Option<Breach> {
        self.heights.breach(block).or(self.breaches.get(block as usize).copied().flatten())
    }

    /// How much the callee with this entry takes of the stack it is called with; `None` if a
    /// fault in it is known.
    pub fn need(&self, entry: u32) -> Option<i64> {
        let need = self.extents[entry as usize].need;
        (need != Extent::FAULTED).then_some(need)
    }

    /// How much higher the callee with this entry makes the stack, recursion not counted if
    /// it makes it higher without a bound; `None` if a fault in it is known.
    pub fn peak(&self, entry: u32) -> Option<i64> {
        let peak = self.extents[entry as usize].peak;
        (peak != Extent::FAULTED).then_some(peak)
    }

    /// Whether a recursion makes the stack higher without a bound.
    pub fn grows(&self) -> bool {
        self.grows
    }

    /// Finds the extents of a component, those that it leads to being known.
    fn settle(&mut self, members: &[u32]) {
        let first_call = members.iter().copied().filter(|&block| self.calls_back(block)).min();
        let bounded = match (first_call, members) {
            (Some(call), _) => self.settle_recursion(members, call),
            (None, &[block]) => {
                self.extents[block as usize] = self.look(block, Calls::All).0;
                Calls::All
            }
            (None, _) => {
                self.settle_loop(members);
                Calls::All
            }
        };
        let mut faulted = Extent::NOTHING;
        for &block in members {
            if let Some(breach) = self.breach_of_call(block, bounded) {
                self.breaches[block as usize] = Some(breach);
                faulted = faulted.join(Extent::of_breach(breach));
            }
        }
        if faulted != Extent::NOTHING {
            self.join_all(members, faulted);
        }
    }

    /// Whether two blocks lead to one another. A call of such a block is part of a recursion.
    fn is_same_component(&self, a: u32, b: u32) -> bool {
        let of = |block: u32| self.components.get(block as usize).copied().filter(|&it| it != 0);
        a == b || of(a).is_some_and(|component| of(b) == Some(component))
    }

    /// Whether a block ends in a recursive call.
    fn calls_back(&self, block: u32) -> bool {
        self.heights.blocks.callee(block).is_some_and(|entry| self.is_same_component(block, entry))
    }

    fn join_all(&mut self, members: &[u32], other: Extent) {
        for &block in members {
            let extent = &mut self.extents[block as usize];
            *extent = extent.join(other);
        }
    }

    /// The extent of a block as that of its exits has it, and the exit that it owes its need to.
    fn look(&self, block: u32, calls: Calls) -> (Extent, Option<Exit>) {
        if let Some(breach) = self.breach(block) {
            return (Extent::of_breach(breach), None);
        }
        let this = self.heights.blocks.work(block);
        let mut extent = Extent { need: -i64::from(this.low), peak: i64::from(this.high) };
        let mut needed_by = None;
        let exits = self.heights.blocks.exits(block);
        for exit in exits.filter(|&exit| self.heights.is_way(block, exit)) {
            let rise = match exit.kind {
                ExitKind::Call
                    if calls == Calls::NotRecursive && self.is_same_component(block, exit.to) =>
                {
                    continue;
                }
                ExitKind::Call => i64::from(this.net),
                ExitKind::Next | ExitKind::Jump => self.heights.rise_to(block, exit.to),
            };
            let beyond = self.extents[exit.to as usize].below(rise);
            if beyond.need > extent.need {
                needed_by = Some(exit);
            }
            extent = extent.join(beyond);
        }
        (extent, needed_by)
    }

    /// Finds the extents of a component without a recursive call: what one block reaches, all do.
    fn settle_loop(&mut self, members: &[u32]) {
        let reach = |&block: &u32| self.look(block, Calls::All).0.below(self.heights.before(block));
        let reach = members.iter().map(reach).fold(Extent::NOTHING, Extent::join);
        for &block in members {
            self.extents[block as usize] = reach.below(-self.heights.before(block));
        }
    }

    /// Finds the extents of a component with a recursive call, of which `first_call` is the
    /// first. Returns the calls whose peaks are bounded.
    fn settle_recursion(&mut self, members: &[u32], first_call: u32) -> Calls {
        self.needed_by.resize(self.extents.len(), None);
        self.iterate(members, Calls::NotRecursive);
        let peaks = members.iter().map(|&block| self.extents[block as usize].peak);
        let peaks: Vec<i64> = peaks.collect();
        let motion = self.iterate(members, Calls::All);
        if let Some(block) = motion.need {
            let call = self.call_that_digs(members, block).unwrap_or(first_call);
            self.breaches[call as usize] = Some(Breach::Underflow);
            self.join_all(members, Extent::of_breach(Breach::Underflow));
        }
        if !motion.peak {
            return Calls::All;
        }
        self.grows = true;
        for (&block, peak) in members.iter().zip(peaks) {
            self.extents[block as usize].peak = peak;
        }
        Calls::NotRecursive
    }

    /// Brings the extents of a component in agreement with one another. Returns what still changes
    /// after as many rounds as there are blocks, which means that it always will, or after as many
    /// as time allows.
    fn iterate(&mut self, members: &[u32], calls: Calls) -> Motion {
        let rounds = members.len().min(ROUNDS + VISITS / members.len());
        let mut motion = Motion::default();
        for _ in 0..=rounds {
            motion = Motion::default();
            for &block in members {
                let (extent, needed_by) = self.look(block, calls);
                let known = &mut self.extents[block as usize];
                if extent.need > known.need {
                    self.needed_by[block as usize] = needed_by;
                    motion.need = Some(block);
                }
                motion.peak |= extent.peak > known.peak;
                *known = known.join(extent);
            }
            if motion.need.is_none() && !motion.peak {
                break;
            }
        }
        motion
    }

    /// The first call, in the order of the code, of the recursion for which `block` needs more
    /// each time.
    fn call_that_digs(&self, members: &[u32], block: u32) -> Option<u32> {
        let needed_by = |block: u32| self.needed_by[block as usize];
        let next = |&block: &u32| {
            needed_by(block).map(|exit| exit.to).filter(|&to| self.is_same_component(block, to))
        };
        let is_call =
            |&block: &u32| needed_by(block).is_some_and(|exit| exit.kind == ExitKind::Call);
        // After so many steps, the way is on a cycle for good, unless it ended.
        let way = || std::iter::successors(Some(block), next);
        let on_cycle = way().skip(members.len()).take(members.len()).filter(is_call).min();
        on_cycle.or_else(|| way().take(members.len()).filter(is_call).last())
    }

    /// The limit that a call breaks through its callee, in a frame seen alone.
    fn breach_of_call(&self, block: u32, bounded: Calls) -> Option<Breach> {
        let entry = self.heights.blocks.callee(block)?;
        if self.breach(block).is_some() {
            return None;
        }
        let (before, least) = self.heights.alone(block);
        let height = before + i64::from(self.heights.blocks.work(block).net);
        if self.need(entry).is_some_and(|need| height - need < least) {
            return Some(Breach::Underflow);
        }
        if bounded == Calls::NotRecursive && self.is_same_component(block, entry) {
            return None;
        }
        let peak = self.peak(entry)?;
        (height + peak > i64::from(self.heights.depth)).then_some(Breach::Overflow)
    }
}
