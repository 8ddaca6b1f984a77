//! Strongly connected components of the flow, without recursion.

use bumpalo::collections::Vec as BumpVec;

use super::flow::Flow;

/// The search for the strongly connected components of what can be reached from entries.
///
/// A component comes after all those that it leads to, and its superblocks are in the order in which a
/// depth-first search is done with them.
///
/// This is the algorithm of Pearce (An Improved Algorithm for Finding the Strongly Connected
/// Components of a Directed Graph, 2005), which keeps a single number for each node.
pub(super) struct Components<'v> {
    /// The heads of the superblocks from which the search is still to start.
    entries: &'v [u32],
    /// By superblock, while its component is open: the least number known of those on the path that it
    /// leads to, at first its own. Then [`DONE`].
    ranks: BumpVec<'v, u32>,
    path: BumpVec<'v, Visit>,
    /// Superblocks that the search is done with; behind `settled`, those whose component was told.
    open: BumpVec<'v, u32>,
    settled: usize,
}

const DONE: u32 = u32::MAX;

impl<'v> Components<'v> {
    /// A search from the entries of subroutines, in a flow that has no superblocks yet.
    pub fn of(flow: &Flow<'v>) -> Self {
        let (arena, most) = (flow.heights.blocks.subject.arena, flow.most());
        Self {
            entries: flow.heights.entries(),
            ranks: BumpVec::with_capacity_in(most, arena),
            path: BumpVec::with_capacity_in(most, arena),
            open: BumpVec::with_capacity_in(most, arena),
            settled: 0,
        }
    }

    /// The next component. Superblocks are added to the flow when the search comes to them.
    pub fn next(&mut self, flow: &mut Flow) -> Option<&[u32]> {
        self.open.truncate(self.settled);
        loop {
            let Some(visit) = self.path.last_mut() else {
                let (&entry, rest) = self.entries.split_first()?;
                self.entries = rest;
                if flow.number(entry).is_none() {
                    self.meet(flow, entry);
                }
                continue;
            };
            if let Some(way) = flow.ways(visit.at).get(visit.ways as usize) {
                visit.ways += 1;
                match flow.number(way.to) {
                    Some(to) => visit.reaches(self.ranks[to as usize], &mut self.ranks),
                    None => self.meet(flow, way.to),
                }
                continue;
            }
            let at = visit.at;
            let rank = self.ranks[at as usize];
            self.open.push(at);
            self.path.pop();
            if rank == at {
                let ranks = &mut self.ranks;
                let members =
                    self.open.iter().rev().take_while(|&&at| ranks[at as usize] >= rank).count();
                self.settled = self.open.len() - members;
                let members = &self.open[self.settled..];
                members.iter().for_each(|&member| ranks[member as usize] = DONE);
                return Some(members);
            }
            if let Some(from) = self.path.last_mut() {
                from.reaches(rank, &mut self.ranks);
            }
        }
    }

    fn meet(&mut self, flow: &mut Flow, head: u32) {
        let at = flow.len() as u32;
        self.ranks.push(at);
        self.path.push(Visit { at, ways: 0 });
        flow.add(head);
    }
}

/// A superblock on the path of the search.
struct Visit {
    at: u32,
    /// How many of its ways were followed.
    ways: u32,
}

impl Visit {
    /// Notes that it leads to where a rank is `rank`.
    fn reaches(&self, rank: u32, ranks: &mut [u32]) {
        let known = &mut ranks[self.at as usize];
        *known = rank.min(*known);
    }
}
