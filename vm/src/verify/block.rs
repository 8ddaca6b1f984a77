//! Basic blocks: the code as straight runs of instructions, and what each does to the stack.

use std::ops::Range;

use super::Subject;
use super::finding::Findings;
use super::leader::Leaders;
use super::marks::Marks;
use super::operand::check_operands;
use super::shape::{Ending, Shape, list_cells};
use bumpalo::collections::Vec as BumpVec;

/// The number that stands for no block.
pub(super) const NONE: u32 = u32::MAX;

/// A run of instructions that control enters at the first and leaves at the last only.
///
/// Blocks are many and what they do is often the same, hence it lies elsewhere.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// The index of its first instruction.
    first: u32,
    /// Where its targets start in the table of targets.
    targets: u32,
    /// Where what it does lies in the table of works.
    work: u32,
}

/// What a block does to the stack, and how control leaves it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    /// How much higher the stack is after it than before it.
    pub net: i32,
    /// The lowest that its pops reach, from the height before it.
    pub low: i32,
    /// The highest that the stack is after one of its instructions, from the height before it.
    pub high: i32,
    /// How control leaves it.
    pub ending: Ending,
}

impl Work {
    /// That of a block of one instruction.
    fn of(shape: &Shape) -> Self {
        let net = shape.pushes - shape.pops;
        Self { net, low: -shape.pops, high: net, ending: shape.ending }
    }

    /// That of a block of one instruction that pops more cells.
    fn popping(self, more: i32) -> Self {
        Self { net: self.net - more, low: self.low - more, high: self.high - more, ..self }
    }

    /// That of the last block of a function.
    fn last(self) -> Self {
        let Ending { falls, .. } = self.ending;
        Self { ending: Ending { falls: false, runs_out: falls, ..self.ending }, ..self }
    }

    /// That of this block with `next` behind it. What does not fit is behind a fault of the stack: many long
    /// lists in a row.
    fn then(self, next: Self) -> Self {
        Self {
            net: self.net.saturating_add(next.net),
            low: self.low.min(self.net.saturating_add(next.low)),
            high: self.high.max(self.net.saturating_add(next.high)),
            ending: next.ending,
        }
    }
}

/// A way from a block to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exit {
    /// What kind of way.
    pub kind: ExitKind,
    /// The block it leads to.
    pub to: u32,
    /// Its place among the jumps and calls of all blocks; [`NONE`] for the way to the next block.
    pub place: u32,
}

/// The kinds of ways between blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExitKind {
    /// On to the next instruction; after a call, once the callee returned.
    Next,
    /// A jump.
    Jump,
    /// From a call to the entry of its callee.
    Call,
}

/// The blocks of a program, in the order of their offsets, and the ways between them.
pub(super) struct Blocks<'v> {
    /// The program.
    pub subject: Subject<'v>,
    /// The blocks, and one more without instructions behind the last.
    list: BumpVec<'v, Block>,
    /// For each block the targets of its jumps, then its callee; [`NONE`] for a bad one.
    targets: BumpVec<'v, u32>,
    /// What an instruction of each shape does as a block, then what longer and last blocks do.
    works: BumpVec<'v, Work>,
    /// The first block of each function that has code, in order.
    roots: BumpVec<'v, u32>,
}

impl<'v> Blocks<'v> {
    /// Splits a program into blocks, and finds the faults that lie in the operands of all of
    /// its code, reachable or not.
    pub fn of(subject: Subject<'v>, findings: &mut Findings) -> Self {
        check_operands(subject, findings);
        let Leaders { offsets, roots, targets } = Leaders::of(subject, findings);
        let works = subject.shapes.list.iter().map(Work::of);
        let mut works = BumpVec::from_iter_in(works, subject.arena);
        let mut list = split(subject, &offsets, &mut works);
        let count = list.len() - 1;
        let ends = roots.iter().skip(1).copied().chain([count as u32]);
        for last in ends.filter_map(|end| end.checked_sub(1)) {
            let work = &mut list[last as usize].work;
            works.push(works[*work as usize].last());
            *work = works.len() as u32 - 1;
        }
        Self { subject, list, targets, works, roots }
    }

    /// The first block of each function that has code, in order; of a raw program, its first.
    pub fn roots(&self) -> &[u32] {
        &self.roots
    }

    /// How many blocks there are.
    pub fn len(&self) -> usize {
        self.list.len() - 1
    }

    /// What the block with a number below [`Blocks::len`] does.
    #[inline]
    pub fn work(&self, block: u32) -> &Work {
        &self.works[self.list[block as usize].work as usize]
    }

    /// The index of the first instruction of a block.
    pub fn first_insn(&self, block: u32) -> u32 {
        self.list[block as usize].first
    }

    /// The offset of a block.
    pub fn start(&self, block: u32) -> u32 {
        self.subject.program.insns()[self.first_insn(block) as usize].offset
    }

    /// The index of the last instruction of a block.
    pub fn last_insn(&self, block: u32) -> u32 {
        self.list[block as usize + 1].first - 1
    }

    /// The indexes of the instructions of a block.
    pub fn insns(&self, block: u32) -> Range<usize> {
        self.first_insn(block) as usize..self.list[block as usize + 1].first as usize
    }

    /// What the instruction with index `at` pops and pushes.
    pub fn effect(&self, at: usize) -> (i32, i32) {
        let Subject { program, shapes, .. } = self.subject;
        let shape = shapes.of_insn(&program.insns()[at]);
        match shape.list {
            None => (shape.pops, shape.pushes),
            Some(_) => (shape.pops + list_cells(shape.list, program.operands(at)), shape.pushes),
        }
    }

    /// The block behind a block, if control can go on to it.
    #[inline]
    pub fn next(&self, block: u32) -> Option<Exit> {
        self.work(block).ending.falls.then_some(Exit {
            kind: ExitKind::Next,
            to: block + 1,
            place: NONE,
        })
    }

    /// The ways from a block to others: on to the next one, then [`Blocks::jumps_and_calls`].
    #[inline]
    pub fn exits(&self, block: u32) -> impl DoubleEndedIterator<Item = Exit> {
        self.next(block).into_iter().chain(self.jumps_and_calls(block))
    }

    /// The jumps of a block, then its call, all but those whose targets are bad. They are few, except
    /// behind a list of labels.
    #[inline]
    pub fn jumps_and_calls(&self, block: u32) -> impl DoubleEndedIterator<Item = Exit> {
        let places = self.places(block..block + 1);
        let call = if self.work(block).ending.calls { places.end - 1 } else { NONE };
        let targets = &self.targets[places.start as usize..places.end as usize];
        places.zip(targets).filter(|&(_, &to)| to != NONE).map(move |(place, &to)| {
            let kind = if place == call { ExitKind::Call } else { ExitKind::Jump };
            Exit { kind, to, place }
        })
    }

    /// The places of the jumps and calls of blocks in a row among those of all blocks.
    #[inline]
    pub fn places(&self, blocks: Range<u32>) -> Range<u32> {
        self.list[blocks.start as usize].targets..self.list[blocks.end as usize].targets
    }

    /// Whether what a block has at a place is a call.
    #[inline]
    pub fn is_call(&self, block: u32, place: u32) -> bool {
        self.work(block).ending.calls && place + 1 == self.places(block..block + 1).end
    }

    /// How many places there are.
    pub fn place_count(&self) -> usize {
        self.targets.len()
    }

    /// The entry that a block calls, if it ends in a call with a good target.
    #[inline]
    pub fn callee(&self, block: u32) -> Option<u32> {
        if !self.work(block).ending.calls {
            return None;
        }
        let entry = self.targets[self.list[block as usize + 1].targets as usize - 1];
        (entry != NONE).then_some(entry)
    }
}

/// The blocks of a program, and one more behind the last. Adds what those of several instructions do to `works`,
/// which starts with what single instructions do.
fn split<'v>(
    subject: Subject<'v>,
    leaders: &Marks,
    works: &mut BumpVec<Work>,
) -> BumpVec<'v, Block> {
    let Subject { program, shapes, arena, .. } = subject;
    let count = leaders.len() as usize + 1;
    let mut list: BumpVec<Block> = BumpVec::with_capacity_in(count, arena);
    let mut targets = 0;
    for (at, insn) in (0u32..).zip(program.insns()) {
        let mut id = shapes.place(insn);
        let shape = &shapes.list[id];
        let before = targets;
        targets += shape.targets_of(program, at as usize);
        if shape.list.is_some() {
            let more = list_cells(shape.list, program.operands(at as usize));
            works.push(works[id].popping(more));
            id = works.len() - 1;
        }
        match list.last_mut() {
            Some(block) if !leaders.contains(insn.offset) => {
                if block.work < shapes.list.len() as u32 {
                    works.push(works[block.work as usize]);
                    block.work = works.len() as u32 - 1;
                }
                let work = block.work as usize;
                works[work] = works[work].then(works[id]);
            }
            _ => list.push(Block { first: at, targets: before, work: id as u32 }),
        }
    }
    list.push(Block { first: program.insns().len() as u32, targets, work: 0 });
    list
}
