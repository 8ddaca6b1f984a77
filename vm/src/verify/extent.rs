//! Extents: how low and how high the stack gets from a superblock on, callees included.

use bumpalo::collections::Vec as BumpVec;

use super::block::NONE;
use super::flow::{Extent, Flow, Way};
use super::height::{Breach, Heights};
use super::scc::Components;

/// Which calls of a component count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    All,
    /// Those of other components, of which all is known.
    NotRecursive,
}

/// Which extents still change.
#[derive(Default)]
struct Motion {
    /// A superblock whose need does.
    need: Option<u32>,
    /// Whether a peak does.
    peak: bool,
}

/// The visits of superblocks that finding the extents of a recursion may take, however few there are.
const VISITS: usize = 1 << 20;
/// The rounds that it may take, however many there are.
const ROUNDS: usize = 16;

/// The extents of all superblocks that a subroutine can reach. The start's frame needs none: its heights are
/// absolute, and the walk holds each of them against the limits.
pub(super) struct Extents<'v> {
    /// The heights of the blocks.
    pub heights: &'v Heights<'v>,
    /// The superblocks with their extents.
    flow: Flow<'v>,
    /// By block, the limit that it breaks as a call through its callee. Empty if none does.
    breaches: BumpVec<'v, Option<Breach>>,
    /// For a superblock in a strongly connected component of several, the number of one of these; [`NONE`] for
    /// others. Empty if all are.
    components: BumpVec<'v, u32>,
    /// For a superblock in a recursion, the number of the way among its own to which it owes its need.
    needed_by: BumpVec<'v, Option<usize>>,
    grows: bool,
}

impl<'v> Extents<'v> {
    /// Finds the extents, and the calls whose callees break a limit of the stack in a frame seen
    /// alone or that are part of a recursion that needs a higher stack each time.
    pub fn find(heights: &'v Heights<'v>) -> Self {
        let arena = heights.blocks.subject.arena;
        let mut this = Self {
            heights,
            flow: Flow::of(heights),
            breaches: BumpVec::new_in(arena),
            components: BumpVec::new_in(arena),
            needed_by: BumpVec::new_in(arena),
            grows: false,
        };
        let mut search = Components::of(&this.flow);
        while let Some(members) = search.next(&mut this.flow) {
            this.settle(members);
        }
        this
    }

    /// Why a block is not left, if it is not.
    pub fn breach(&self, block: u32) -> Option<Breach> {
        self.heights.breach(block).or(self.breach_as_call(block))
    }

    fn breach_as_call(&self, block: u32) -> Option<Breach> {
        self.breaches.get(block as usize).copied().flatten()
    }

    /// How much the callee with this entry takes of the stack it is called with; `None` if a
    /// fault in it is known.
    pub fn need(&self, entry: u32) -> Option<i64> {
        self.beyond(entry)?.need()
    }

    /// How much higher the callee with this entry makes the stack, recursion not counted if
    /// it makes it higher without a bound; `None` if a fault in it is known.
    pub fn peak(&self, entry: u32) -> Option<i64> {
        self.beyond(entry)?.peak()
    }

    /// The extent from a head on that a subroutine can reach.
    fn beyond(&self, head: u32) -> Option<Extent> {
        Some(self.flow.extents[self.flow.number(head)? as usize])
    }

    /// Whether a recursion makes the stack higher without a bound.
    pub fn grows(&self) -> bool {
        self.grows
    }

    /// Finds the extents of a component, those that it leads to being known.
    fn settle(&mut self, members: &[u32]) {
        if let &[first, _, ..] = members {
            self.components.resize(self.flow.len(), NONE);
            members.iter().for_each(|&member| self.components[member as usize] = first);
        }
        // What is broken by calls of other components is a fault of whatever leads there.
        for &member in members {
            let faulted = self.break_calls(member, Calls::NotRecursive);
            self.join_all(&[member], faulted);
        }
        let first_call = members.iter().flat_map(|&member| self.recursive_calls(member)).min();
        match (first_call, members) {
            (Some(call), _) => self.settle_recursion(members, call),
            (None, &[member]) => {
                self.flow.extents[member as usize] = self.look(member, Calls::All).0;
            }
            (None, _) => self.settle_loop(members),
        }
    }

    /// Notes the limits that calls of a superblock break. Returns what that means for the superblock.
    fn break_calls(&mut self, superblock: u32, calls: Calls) -> Extent {
        let ways = self.flow.ways(superblock).iter();
        let ways = ways.filter(|way| way.is_call() && self.counts(superblock, way, calls));
        let broken: Vec<(u32, Breach)> = ways
            .filter_map(|way| Some((way.call, self.breach_of_call(superblock, way)?)))
            .collect();
        let mut faulted = Extent::NOTHING;
        for (call, breach) in broken {
            self.note(call, breach);
            faulted = faulted.join(Extent::of_breach(breach));
        }
        faulted
    }

    /// Notes the limit that a block breaks as a call.
    fn note(&mut self, call: u32, breach: Breach) {
        self.breaches.resize(self.heights.blocks.len(), None);
        self.breaches[call as usize] = Some(breach);
    }

    /// Whether a way from a superblock counts, if it is a call.
    fn counts(&self, superblock: u32, way: &Way, calls: Calls) -> bool {
        match calls {
            Calls::All => true,
            Calls::NotRecursive => !self.is_recursive(superblock, way),
        }
    }

    /// The blocks that a superblock leaves as calls that are part of a recursion.
    fn recursive_calls(&self, superblock: u32) -> impl Iterator<Item = u32> {
        let ways = self.flow.ways(superblock).iter();
        ways.filter(move |way| self.is_recursive(superblock, way)).map(|way| way.call)
    }

    /// Whether a way from a superblock is a call that is part of a recursion.
    fn is_recursive(&self, superblock: u32, way: &Way) -> bool {
        way.is_call() && self.comes_back(superblock, way)
    }

    /// Whether a way from a superblock leads back to it in the end.
    fn comes_back(&self, superblock: u32, way: &Way) -> bool {
        let component = |it: u32| self.components.get(it as usize).copied().unwrap_or(NONE);
        let is_within = |of| self.flow.number(way.to).is_some_and(|to| component(to) == of);
        way.to == self.flow.head(superblock)
            || Some(component(superblock)).filter(|&it| it != NONE).is_some_and(is_within)
    }

    fn join_all(&mut self, members: &[u32], other: Extent) {
        for &member in members {
            let extent = &mut self.flow.extents[member as usize];
            *extent = extent.join(other);
        }
    }

    /// The extent of a superblock as those that it leads to have it, and the number of the way among its own that it
    /// owes its need to.
    fn look(&self, superblock: u32, calls: Calls) -> (Extent, Option<usize>) {
        let mut extent = self.flow.extents[superblock as usize];
        let mut needed_by = None;
        for (number, way) in self.flow.ways(superblock).iter().enumerate() {
            if way.is_call() && !self.counts(superblock, way, calls) {
                continue;
            }
            let beyond = self.beyond(way.to).unwrap_or(Extent::NOTHING).below(way.rise.into());
            if beyond.need > extent.need {
                needed_by = Some(number);
            }
            extent = extent.join(beyond);
        }
        (extent, needed_by)
    }

    /// Finds the extents of a component without a recursive call: what one superblock reaches, all do.
    fn settle_loop(&mut self, members: &[u32]) {
        let before = |this: &Self, member| this.heights.before(this.flow.head(member));
        let reach = members.iter().map(|&member| {
            let (extent, _) = self.look(member, Calls::All);
            extent.below(before(self, member))
        });
        let reach = reach.fold(Extent::NOTHING, Extent::join);
        for &member in members {
            self.flow.extents[member as usize] = reach.below(-before(self, member));
        }
    }

    /// Finds the extents of a component with a recursive call, of which `first_call` is the first.
    fn settle_recursion(&mut self, members: &[u32], first_call: u32) {
        self.needed_by.resize(self.flow.extents.len(), None);
        self.iterate(members, Calls::NotRecursive);
        let peaks = members.iter().map(|&member| self.flow.extents[member as usize].peak);
        let peaks: Vec<i64> = peaks.collect();
        let motion = self.iterate(members, Calls::All);
        if let Some(superblock) = motion.need {
            let call = self.call_that_digs(members, superblock).unwrap_or(first_call);
            self.note(call, Breach::Underflow);
            self.join_all(members, Extent::of_breach(Breach::Underflow));
        }
        if motion.peak {
            self.grows = true;
            // A peak without a bound breaks no limit: the machine traps.
            self.join_all(members, Extent::of_breach(Breach::Overflow));
        }
        let faulted = members.iter().fold(Extent::NOTHING, |faulted, &member| {
            faulted.join(self.break_calls(member, Calls::All))
        });
        if motion.peak {
            for (&member, peak) in members.iter().zip(peaks) {
                self.flow.extents[member as usize].peak = peak;
            }
        }
        self.join_all(members, faulted);
    }

    /// Brings the extents of a component in agreement with one another. Returns what still changes
    /// after as many rounds as there are superblocks, which means that it always will, or after as
    /// many as time allows.
    fn iterate(&mut self, members: &[u32], calls: Calls) -> Motion {
        let rounds = members.len().min(ROUNDS + VISITS / members.len());
        let mut motion = Motion::default();
        for _ in 0..=rounds {
            motion = Motion::default();
            for &member in members {
                let (extent, needed_by) = self.look(member, calls);
                let known = &mut self.flow.extents[member as usize];
                if extent.need > known.need {
                    self.needed_by[member as usize] = needed_by;
                    motion.need = Some(member);
                }
                motion.peak |= extent.peak > known.peak;
                *known = extent;
            }
            if motion.need.is_none() && !motion.peak {
                break;
            }
        }
        motion
    }

    /// The first call, in the order of the code, of the recursion for which a superblock needs
    /// more each time.
    fn call_that_digs(&self, members: &[u32], superblock: u32) -> Option<u32> {
        let way_on = |at: u32| {
            let way = self.flow.ways(at)[self.needed_by[at as usize]?];
            self.comes_back(at, &way).then_some(way)
        };
        // After so many steps, the way is on a cycle for good, unless it ended.
        let next = |way: &Way| self.flow.number(way.to).and_then(way_on);
        let ways = || std::iter::successors(way_on(superblock), next);
        let calls = |skipped| {
            let ways = ways().skip(skipped).take(members.len());
            ways.filter(Way::is_call).map(|way| way.call)
        };
        calls(members.len()).min().or_else(|| calls(0).last())
    }

    /// The limit that a call breaks through its callee, in a frame seen alone.
    fn breach_of_call(&self, superblock: u32, way: &Way) -> Option<Breach> {
        if self.breach_as_call(way.call).is_some() {
            return None;
        }
        let (before, least) = self.heights.alone(self.flow.head(superblock));
        let height = before + i64::from(way.rise);
        let callee = self.beyond(way.to)?;
        if callee.need().is_some_and(|need| height - need < least) {
            return Some(Breach::Underflow);
        }
        (height + callee.peak()? > i64::from(self.heights.depth)).then_some(Breach::Overflow)
    }
}
