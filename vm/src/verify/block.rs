//! Basic blocks: the code as straight runs of instructions, and what each does to the stack.

use std::ops::Range;

use bytestone_spec::isa::{Instruction, IntType, Isa, OperandKind};

use super::finding::{Cause, Findings};
use super::functions::{Functions, Naming, check_names};
use super::marks::Marks;
use crate::program::{Insn, Program};

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
    /// Whether control can go on to the next block, which is of the same function.
    goes_on: bool,
    /// Whether it ends in a call, as its work says too.
    calls: bool,
}

impl Block {
    fn new(first: u32, targets: u32, work: u32) -> Self {
        Self { first, targets, work, goes_on: false, calls: false }
    }
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

    /// That of this block with `next` behind it.
    fn then(self, next: Self) -> Self {
        Self {
            net: self.net + next.net,
            low: self.low.min(self.net + next.low),
            high: self.high.max(self.net + next.high),
            ending: next.ending,
        }
    }
}

/// How control can leave a block, besides by jumps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ending {
    /// To the next block; after a call, once the callee returned.
    pub falls: bool,
    /// To a callee.
    pub calls: bool,
    /// To the caller.
    pub returns: bool,
    /// To the caller, and nowhere else.
    pub needs_call: bool,
}

impl Ending {
    fn is_plain(self) -> bool {
        self.falls && !self.calls && !self.returns
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

/// What the instruction set says about one of its instructions, as far as blocks need it.
struct Shape {
    pops: i32,
    pushes: i32,
    ending: Ending,
    /// Operands that are indexes and whose encoding has room for one outside of the bank: the
    /// operand, its type and how many numbers name cells.
    indexes: Vec<(usize, IntType, u32)>,
    /// Operands that name parts of the module: the operand, its type and what it names.
    names: Vec<(usize, IntType, Naming)>,
    /// The operand that says how many more cells are popped.
    list: Option<u8>,
    /// Operands that are labels: those of the jumps, that of the callee, then any others.
    labels: Vec<u8>,
    /// How many of them control follows.
    targets: usize,
    /// If it has a list of labels, how many operands come before it. Control follows all of them.
    table: Option<usize>,
}

impl Shape {
    fn of(isa: &Isa, insn: &Instruction) -> Self {
        let effect = &insn.effect;
        let mut indexes = Vec::new();
        let mut names = Vec::new();
        let table = insn.count.is_some().then(|| insn.scalars());
        let is_table = |label: &u8| table == Some(usize::from(*label));
        let labels = effect.jumps.iter().copied().chain(effect.call);
        let mut labels: Vec<u8> = labels.filter(|label| !is_table(label)).collect();
        let targets = labels.len();
        for (at, operand) in (0u8..).zip(&insn.operands) {
            if let Some(naming) = Naming::of(isa, operand.kind) {
                names.push((usize::from(at), operand.raw, naming));
                continue;
            }
            match operand.kind {
                OperandKind::Index(rule) => {
                    let count = isa.machine().indexes(rule);
                    if operand.raw.min() < 0 || operand.raw.max() >= i128::from(count) {
                        indexes.push((usize::from(at), operand.raw, count));
                    }
                }
                OperandKind::Label(_) if !labels.contains(&at) && !is_table(&at) => {
                    labels.push(at);
                }
                OperandKind::Label(_)
                | OperandKind::Immediate
                | OperandKind::Constant(_)
                | OperandKind::Function => {}
            }
        }
        let calls = effect.call.is_some();
        let falls = effect.falls_through || calls;
        Self {
            pops: effect.inputs.len() as i32,
            pushes: effect.outputs.len() as i32,
            // The return of a function ends its frame; that of a subroutine goes on in the same.
            ending: Ending {
                falls,
                calls,
                returns: effect.returns && isa.machine().frames.is_none(),
                needs_call: !effect.returns_if_called,
            },
            indexes,
            names,
            list: effect.list.as_ref().map(|list| list.count),
            labels,
            targets,
            table,
        }
    }

    fn ends_block(&self) -> bool {
        !self.ending.is_plain() || self.targets > 0 || self.table.is_some()
    }

    /// How many labels of the instruction with index `at` control follows.
    fn targets_of(&self, program: &Program, at: usize) -> u32 {
        let elements = self.table.map_or(0, |table| program.operands(at).len() - table);
        (self.targets + elements) as u32
    }
}

/// The shapes of the instructions that a program has, which may be few of those of its instruction set.
struct Shapes {
    /// By the id of an instruction its place in the list.
    places: Vec<u16>,
    list: Vec<Shape>,
}

impl Shapes {
    fn of(isa: &Isa, program: &Program) -> Self {
        let mut shapes =
            Self { places: vec![u16::MAX; isa.instructions().len()], list: Vec::new() };
        for insn in program.insns() {
            let place = &mut shapes.places[usize::from(insn.id.0)];
            if *place == u16::MAX {
                *place = shapes.list.len() as u16;
                shapes.list.push(Shape::of(isa, isa.instruction(insn.id)));
            }
        }
        shapes
    }

    #[inline]
    fn place(&self, insn: &Insn) -> usize {
        self.places[usize::from(insn.id.0)].into()
    }
}

/// The most cells of a list that are counted: more than any stack holds.
const LIST_CELLS: u64 = 1 << 20;

/// How many cells an instruction pops besides those of its effect.
fn list_cells(list: Option<u8>, operands: &[u64]) -> i32 {
    let cells = list.and_then(|operand| operands.get(usize::from(operand))).copied();
    cells.unwrap_or(0).min(LIST_CELLS) as i32
}

/// The blocks of a program, in the order of their offsets, and the ways between them.
pub(super) struct Blocks {
    /// The blocks, and one more without instructions behind the last.
    list: Vec<Block>,
    /// For each block the targets of its jumps, then its callee; [`NONE`] for a bad one.
    targets: Vec<u32>,
    shapes: Shapes,
    /// What an instruction of each shape does as a block, then what longer blocks do.
    works: Vec<Work>,
    /// The first block of each function that has code, in order.
    roots: Vec<u32>,
}

impl Blocks {
    /// Splits a program into blocks, and finds the faults that lie in the operands of all of
    /// its code, reachable or not.
    pub fn of(isa: &Isa, program: &Program, findings: &mut Findings) -> Self {
        let shapes = Shapes::of(isa, program);
        let end = program.insns().last().map_or(0, |insn| insn.next());
        let mut starts = Marks::up_to(end);
        for insn in program.insns() {
            starts.insert(insn.offset);
        }
        let mut leaders = Marks::up_to(end);
        let functions = Functions::of(program);
        let mut with_code = functions.with_code();
        let (mut range, mut function) = (0..0, None);
        let mut targets = Vec::new();
        let mut firsts = Vec::new();
        for (at, insn) in program.insns().iter().enumerate() {
            let shape = &shapes.list[shapes.place(insn)];
            if insn.offset >= range.end {
                (range, function) = with_code.next().unwrap_or((range.end..end, None));
                leaders.insert(range.start);
                firsts.push(range.start);
            }
            check_indexes(program, at, shape, findings);
            if !shape.names.is_empty()
                && let (Some(module), Some(function)) = (functions.module(), function)
            {
                let named = (at as u32, program.operands(at));
                check_names(isa, module, function, &shape.names, named, findings);
            }
            let mut bad = None;
            for (number, &label) in shape.labels.iter().enumerate() {
                let target = program.target(isa, at, label).unwrap_or(-1);
                let start = u32::try_from(target).ok();
                let start = start.filter(|start| range.contains(start) && starts.contains(*start));
                if start.is_none() {
                    bad = bad.or(Some(target));
                }
                if number < shape.targets {
                    start.into_iter().for_each(|start| leaders.insert(start));
                    targets.push(start.unwrap_or(NONE));
                }
            }
            if shape.table.is_some() {
                for target in program.list_targets(isa, at) {
                    let start = u32::try_from(target).ok();
                    let start = start.filter(|at| range.contains(at) && starts.contains(*at));
                    start.into_iter().for_each(|start| leaders.insert(start));
                    bad = bad.or(start.is_none().then_some(target));
                    targets.push(start.unwrap_or(NONE));
                }
            }
            if let Some(target) = bad {
                findings.add(at as u32, Cause::Target { target });
            }
            if shape.ends_block() {
                leaders.insert(insn.next());
            }
        }
        let count = leaders.count() as usize;
        for target in targets.iter_mut().filter(|target| **target != NONE) {
            *target = leaders.rank(*target);
        }
        let roots: Vec<u32> = firsts.into_iter().map(|first| leaders.rank(first)).collect();
        let mut works: Vec<Work> = shapes.list.iter().map(Work::of).collect();
        let mut list = Vec::with_capacity(count + 1);
        split(program, &shapes, &leaders, &mut list, &mut works);
        let count = list.len() - 1;
        for block in &mut list[..count] {
            let ending = works[block.work as usize].ending;
            (block.goes_on, block.calls) = (ending.falls, ending.calls);
        }
        let ends = roots.iter().skip(1).copied().chain([count as u32]);
        for last in ends.filter_map(|end| end.checked_sub(1)) {
            list[last as usize].goes_on = false;
        }
        Self { list, targets, shapes, works, roots }
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
    pub fn start(&self, program: &Program, block: u32) -> u32 {
        program.insns()[self.first_insn(block) as usize].offset
    }

    /// The index of the last instruction of a block.
    pub fn last_insn(&self, block: u32) -> u32 {
        self.list[block as usize + 1].first - 1
    }

    /// The indexes of the instructions of a block.
    pub fn insns(&self, block: u32) -> Range<usize> {
        self.first_insn(block) as usize..self.list[block as usize + 1].first as usize
    }

    /// Whether control can run past the end of a block where its function ends.
    pub fn runs_out(&self, block: u32) -> bool {
        self.work(block).ending.falls && !self.list[block as usize].goes_on
    }

    /// What the instruction with index `at` pops and pushes.
    pub fn effect(&self, program: &Program, at: usize) -> (i32, i32) {
        let shape = &self.shapes.list[self.shapes.place(&program.insns()[at])];
        match shape.list {
            None => (shape.pops, shape.pushes),
            Some(_) => (shape.pops + list_cells(shape.list, program.operands(at)), shape.pushes),
        }
    }

    /// The block behind a block, if control can go on to it.
    #[inline]
    pub fn next(&self, block: u32) -> Option<Exit> {
        let goes_on = self.list[block as usize].goes_on;
        goes_on.then_some(Exit { kind: ExitKind::Next, to: block + 1, place: NONE })
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
        let call = if self.list[block as usize].calls { places.end - 1 } else { NONE };
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
        self.list[block as usize].calls && place + 1 == self.places(block..block + 1).end
    }

    /// How many places there are.
    pub fn place_count(&self) -> usize {
        self.targets.len()
    }

    /// The entry that a block calls, if it ends in a call with a good target.
    #[inline]
    pub fn callee(&self, block: u32) -> Option<u32> {
        if !self.list[block as usize].calls {
            return None;
        }
        let entry = self.targets[self.list[block as usize + 1].targets as usize - 1];
        (entry != NONE).then_some(entry)
    }
}

fn check_indexes(program: &Program, at: usize, shape: &Shape, findings: &mut Findings) {
    for &(operand, raw, count) in &shape.indexes {
        let index = raw.value(program.operands(at)[operand]);
        if index < 0 || index >= i128::from(count) {
            findings.add(at as u32, Cause::Index { index, count });
            return;
        }
    }
}

/// Fills the list of blocks, and adds what those of several instructions do to `works`, which starts with
/// what single instructions do.
fn split(
    program: &Program,
    shapes: &Shapes,
    leaders: &Marks,
    list: &mut Vec<Block>,
    works: &mut Vec<Work>,
) {
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
            _ => list.push(Block::new(at, before, id as u32)),
        }
    }
    list.push(Block::new(program.insns().len() as u32, targets, 0));
}
