//! The walk: what is wrong in the frames that a program can have.

use bumpalo::collections::Vec as BumpVec;
use bytestone_spec::isa::CodeEnd;

use super::Subject;
use super::block::{Exit, ExitKind};
use super::extent::Extents;
use super::finding::{Cause, Findings};
use super::height::{Breach, Heights};

/// Whose frame a block runs in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// The start's, which nothing called.
    Main,
    /// A subroutine's.
    Callee,
}

/// What the walk knows of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    InMain = 1,
    InCallee = 2,
    /// A fault of the stack at its first instruction was noted.
    Met = 4,
    /// The fault for which it is not left was noted.
    Stopped = 8,
}

/// Walks through all frames of a program and adds to `findings` what is wrong in them. Returns how deep
/// the stack gets if nothing is, not counting recursion that makes it deeper without a bound.
pub(super) fn walk(extents: &Extents, findings: &mut Findings) -> i64 {
    let heights = extents.heights;
    let Subject { isa, arena, .. } = heights.blocks.subject;
    let mut walk = Walk {
        heights,
        extents,
        findings,
        seen: arena.alloc_slice_fill_copy(heights.blocks.len(), 0),
        frame: Frame::Main,
        pending: BumpVec::with_capacity_in(heights.blocks.len(), arena),
        called: BumpVec::with_capacity_in(heights.entries().len(), arena),
        returns: BumpVec::new_in(arena),
        torn: BumpVec::new_in(arena),
        runs: BumpVec::new_in(arena),
        deepest: 0,
    };
    walk.pending.extend(heights.blocks.roots().iter().rev());
    walk.go_through_frame();
    walk.frame = Frame::Callee;
    let mut walked = 0;
    while let Some(&entry) = walk.called.get(walked) {
        walked += 1;
        walk.pending.push(entry);
        walk.go_through_frame();
    }
    walk.compare_returns();
    if isa.code_end() == CodeEnd::Reject {
        for &block in &walk.runs {
            walk.findings.add(heights.blocks.last_insn(block), Cause::Runs);
        }
    }
    walk.deepest
}

struct Walk<'a> {
    heights: &'a Heights<'a>,
    extents: &'a Extents<'a>,
    findings: &'a mut Findings,
    /// For each block what was [`Seen`] of it.
    seen: &'a mut [u8],
    /// Whose frame is gone through.
    frame: Frame,
    /// Blocks of that frame to visit.
    pending: BumpVec<'a, u32>,
    /// The entries that calls lead to, in the order in which these were met.
    called: BumpVec<'a, u32>,
    /// Blocks at whose end subroutines return.
    returns: BumpVec<'a, u32>,
    /// Groups of frames in which returns differ.
    torn: BumpVec<'a, u32>,
    /// The last blocks of functions of which execution can run past the end.
    runs: BumpVec<'a, u32>,
    /// How deep the stack gets in what was walked of the start's frame.
    deepest: i64,
}

impl Walk<'_> {
    /// Notes that something was seen of a block, and tells whether it was before.
    fn saw(&mut self, block: u32, what: Seen) -> bool {
        let seen = &mut self.seen[block as usize];
        let before = *seen & what as u8 != 0;
        *seen |= what as u8;
        before
    }

    /// Visits what can be reached from pending blocks without a call.
    fn go_through_frame(&mut self) {
        let seen = match self.frame {
            Frame::Main => Seen::InMain,
            Frame::Callee => Seen::InCallee,
        };
        while let Some(block) = self.pending.pop() {
            if !self.saw(block, seen) && self.goes_through(block) {
                self.leave(block);
            }
        }
    }

    /// Notes how control can leave a block whose end it gets to.
    fn leave(&mut self, block: u32) {
        let ending = self.heights.blocks.work(block).ending;
        if ending.returns {
            match self.frame {
                Frame::Main if !ending.needs_call => {}
                Frame::Main => {
                    self.findings.add(self.heights.blocks.last_insn(block), Cause::NoCall);
                }
                Frame::Callee => self.returns.push(block),
            }
        }
        let blocks = self.heights.blocks;
        if ending.runs_out && self.heights.rise(block, ExitKind::Next).is_some() {
            self.runs.push(block);
        }
        for exit in blocks.exits(block) {
            match exit.kind {
                ExitKind::Call => self.called.push(exit.to),
                ExitKind::Next | ExitKind::Jump => self.go(block, exit),
            }
        }
    }

    /// Whether control gets to the end of a block and, if that calls, into the callee.
    fn goes_through(&mut self, block: u32) -> bool {
        let blocks = self.heights.blocks;
        let this = blocks.work(block);
        if let Some(breach) = self.extents.breach(block) {
            if !self.saw(block, Seen::Stopped) {
                let (before, least) = self.heights.alone(block);
                let (at, cause) = self
                    .breaking_insn(block, before, least)
                    .unwrap_or_else(|| self.breaking_call(block, before, breach));
                self.findings.add(at, cause);
            }
            return false;
        }
        if self.frame == Frame::Callee {
            return true;
        }
        let before = self.heights.before(block);
        let depth = i64::from(self.heights.depth);
        if before + i64::from(this.low) < 0 || before + i64::from(this.high) > depth {
            let breaking = self.breaking_insn(block, before, 0);
            breaking.into_iter().for_each(|(at, cause)| self.findings.add(at, cause));
            return false;
        }
        self.deepest = self.deepest.max(before + i64::from(this.high));
        let Some(entry) = blocks.callee(block) else { return true };
        let after = before + i64::from(this.net);
        let peak = self.extents.peak(entry);
        self.deepest = self.deepest.max(after + peak.unwrap_or(0));
        let breach = if self.extents.need(entry).is_some_and(|need| need > after) {
            Breach::Underflow
        } else if peak.is_some_and(|peak| after + peak > depth) {
            Breach::Overflow
        } else {
            return true;
        };
        let (at, cause) = self.breaking_call(block, before, breach);
        self.findings.add(at, cause);
        false
    }

    /// The first instruction of a block that takes the stack below `least` or makes it too deep, if
    /// the height before the block is `height`.
    fn breaking_insn(&self, block: u32, mut height: i64, least: i64) -> Option<(u32, Cause)> {
        let depth = i64::from(self.heights.depth);
        for at in self.heights.blocks.insns(block) {
            let (pops, pushes) = self.heights.blocks.effect(at);
            if height - i64::from(pops) < least {
                return Some((at as u32, Cause::Pops { pops, height }));
            }
            height += i64::from(pushes - pops);
            if height > depth {
                return Some((at as u32, Cause::Pushes { height, depth }));
            }
        }
        None
    }

    /// The call at the end of a block, as breaking a limit through its callee.
    fn breaking_call(&self, block: u32, before: i64, breach: Breach) -> (u32, Cause) {
        let blocks = self.heights.blocks;
        let height = before + i64::from(blocks.work(block).net);
        let depth = i64::from(self.heights.depth);
        let callee = blocks.callee(block);
        let cause = match breach {
            Breach::Underflow => Cause::CalleeNeeds {
                need: callee.and_then(|entry| self.extents.need(entry)),
                height,
            },
            Breach::Overflow => Cause::CalleeReaches {
                height: callee.and_then(|entry| self.extents.peak(entry)).map(|peak| height + peak),
                depth,
            },
        };
        (blocks.last_insn(block), cause)
    }

    /// Goes from a block through one of its exits to another of the same frame, if heights agree.
    fn go(&mut self, from: u32, exit: Exit) {
        let to = exit.to;
        if !self.heights.is_way(from, exit) {
            if let Some(rise) = self.heights.rise(from, exit.kind)
                && !self.saw(to, Seen::Met)
            {
                let here = self.heights.before(from) + rise;
                let there = self.heights.before(to);
                let first = self.heights.blocks.first_insn(to);
                self.findings.add(first, Cause::Meets { here, there });
            }
            return;
        }
        self.pending.push(to);
        let (here, there) = (self.heights.return_height(from), self.heights.return_height(to));
        if let (Frame::Callee, Some(here), Some(there)) = (self.frame, here, there)
            && i64::from(here) != self.heights.rise_to(from, to) + i64::from(there)
        {
            self.torn.push(self.heights.group(from));
        }
    }

    /// In groups where returns differ, faults those that are not like the first.
    fn compare_returns(&mut self) {
        self.torn.sort_unstable();
        self.torn.dedup();
        if self.torn.is_empty() {
            return;
        }
        self.returns.sort_unstable();
        let mut first = vec![None; self.torn.len()];
        for &block in &self.returns {
            let Ok(group) = self.torn.binary_search(&self.heights.group(block)) else { continue };
            let net = i64::from(self.heights.blocks.work(block).net);
            let here = self.heights.before(block) + net;
            let there = *first[group].get_or_insert(here);
            if here != there {
                let at = self.heights.blocks.last_insn(block);
                self.findings.add(at, Cause::Returns { here, there });
            }
        }
    }
}
