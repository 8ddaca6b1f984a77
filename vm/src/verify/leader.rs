//! Leaders: where blocks begin, which is where control can come to otherwise than from the instruction before.

use std::ops::Range;

use super::Subject;
use super::block::NONE;
use super::finding::{Cause, Findings};
use super::functions::{Code, with_code};
use super::marks::Marks;
use super::shape::Shape;
use bumpalo::collections::Vec as BumpVec;

/// The leaders of a program, and what makes them so.
pub(super) struct Leaders<'v> {
    /// Their offsets.
    pub offsets: Marks<'v>,
    /// The block that each function begins with, of those that have code.
    pub roots: BumpVec<'v, u32>,
    /// The blocks to which the jumps and calls of all instructions lead, in the order of the code:
    /// those of an instruction as [`Shape::labels`] has them, then its table. [`NONE`] for a bad one.
    pub targets: BumpVec<'v, u32>,
}

impl<'v> Leaders<'v> {
    /// Finds them, and the labels that name no instruction of their function.
    pub fn of(subject: Subject<'v>, findings: &mut Findings) -> Self {
        let Subject { program, shapes, arena, .. } = subject;
        let end = program.insns().last().map_or(0, |insn| insn.next());
        let mut search = Search {
            subject,
            starts: Marks::up_to(end, arena),
            function: 0..0,
            leaders: Marks::up_to(end, arena),
            targets: BumpVec::with_capacity_in(program.insns().len(), arena),
        };
        program.insns().iter().for_each(|insn| search.starts.insert(insn.offset));
        let mut roots = BumpVec::new_in(arena);
        for Code { offsets, insns, .. } in with_code(program) {
            search.leaders.insert(offsets.start);
            roots.push(offsets.start);
            search.function = offsets;
            for at in insns {
                let insn = &program.insns()[at];
                let shape = shapes.of_insn(insn);
                if let Some(target) = search.follow(at, shape) {
                    findings.add(at as u32, Cause::Target { target });
                }
                if shape.ends_block() {
                    search.leaders.insert(insn.next());
                }
            }
        }
        let Search { leaders: mut offsets, mut targets, .. } = search;
        offsets.count();
        for target in targets.iter_mut().filter(|target| **target != NONE) {
            *target = offsets.rank(*target);
        }
        for root in &mut roots {
            *root = offsets.rank(*root);
        }
        Self { offsets, roots, targets }
    }
}

struct Search<'v> {
    subject: Subject<'v>,
    /// Where instructions start.
    starts: Marks<'v>,
    /// The code of the function that is looked at.
    function: Range<u32>,
    leaders: Marks<'v>,
    /// The offsets that will be [`Leaders::targets`].
    targets: BumpVec<'v, u32>,
}

impl Search<'_> {
    /// Follows the labels of an instruction. Returns the first that is bad.
    fn follow(&mut self, at: usize, shape: &Shape) -> Option<i128> {
        let Subject { isa, program, .. } = self.subject;
        let mut bad = None;
        for (number, &label) in shape.labels.iter().enumerate() {
            let target = program.target(isa, at, label).unwrap_or(-1);
            let start = self.start(target);
            bad = bad.or(start.is_none().then_some(target));
            if number < shape.targets {
                self.lead(start);
            }
        }
        if shape.table.is_some() {
            for target in program.list_targets(isa, at) {
                let start = self.start(target);
                bad = bad.or(start.is_none().then_some(target));
                self.lead(start);
            }
        }
        bad
    }

    /// The target of a label, if an instruction of the same function starts there.
    fn start(&self, target: i128) -> Option<u32> {
        let start = u32::try_from(target).ok()?;
        (self.function.contains(&start) && self.starts.contains(start)).then_some(start)
    }

    fn lead(&mut self, start: Option<u32>) {
        start.into_iter().for_each(|start| self.leaders.insert(start));
        self.targets.push(start.unwrap_or(NONE));
    }
}
