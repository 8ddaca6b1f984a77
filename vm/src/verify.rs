//! The verifier: accepts a program that can never get stuck, or names every fault.
//!
//! For every state that a run of an accepted program can reach, on its instruction set and from an
//! empty stack: the next instruction exists, its jumps lead to instructions, its indexes lie in
//! their banks, the stack holds what it pops, and a return has a call to return to. The stack is as
//! high as [`Verified::height`] says. It gets no deeper than [`Verified::max_stack`], if that
//! is bounded; otherwise only recursion makes it too deep, which traps.
//!
//! # How it works
//!
//! 1. `block` splits the code into basic blocks. In doing so it looks at the operands of
//!    all instructions: `bad_index` and `bad_jump` are found whether code can be reached or not.
//! 2. `height` explores the blocks from the start and from each entry that is called. Each of
//!    these starts a *component*, in which the heights of blocks count from a zero of its own. Where
//!    the exploration comes to a block of another component, heights of the two are known
//!    relative to one another from then on (`potential`). Where it comes to a
//!    block again, the heights must be the same.
//!
//!    Blocks from which a path leads to a return know how much the height changes until then.
//!    This goes against the direction of control, once for each block. A call goes on when the
//!    entry of its callee knows; hence a recursive call waits for a path that returns without it.
//! 3. `flow` joins blocks to *superblocks*, which control enters at the first block only, and `extent` finds how
//!    much is taken from the stack and how much it grows from each on that a subroutine can reach,
//!    its callees included. Along strongly connected components (`scc`), those that others lead to
//!    first, one look at each is enough, for within one frame all of a loop reach
//!    the same. Recursion, where a component contains a call of its own, takes rounds until
//!    nothing changes. If something still does after as many rounds as there are superblocks, it
//!    does for ever: a growing need is `stack_underflow` at the recursive call, a growing peak
//!    makes the greatest depth unbounded.
//! 4. `walk` goes through all frames that can be: first that of the start, where heights are absolute
//!    and each block and each call is held against the limits, then those of callees. It finds how
//!    deep the stack gets, reports what is wrong on the way and does not go past a fault, so one
//!    cause has one fault.
//!
//! # Why it is sound
//!
//! By induction over a run. The frame of the start has the height of its zero at 0. A callee's is
//! entered at a height that is at least its need: in the start's frame this is checked at
//! the call, elsewhere the need of the caller contains it. So in every frame the height at an
//! instruction is the base of the frame plus the height told, no pop goes below 0, and a return finds
//! the height that the call went on with, because on each way that was followed the changes until the
//! return agree. All ways that a run can take were followed, except those at a fault, and those
//! along which a frame changes the height by more than the whole stack, which no run takes.
//!
//! # Why it is linear
//!
//! Every block is explored once, told its way to a return once, made part of a superblock once and walked
//! through at most twice, each time with its exits; every superblock is looked at once. The union-find
//! structure is as good as linear. The rounds of a recursion are limited: to 16, or to so many that a
//! million superblocks are visited. A recursion that has not settled by then is taken for one that
//! never does.
//!
//! # Decisions
//!
//! - An instruction has one height relative to all frames that share it. Two subroutines may jump
//!   into common code at different heights, but not into two common places at heights
//!   that differ by different amounts, even if each alone would be right: `stack_mismatch`.
//! - Returns need to agree where one frame can reach both. Where they do not, the first in
//!   the code is held to be right among frames that share code.
//! - A subroutine is held against the depth of the stack as if it were called with an empty one of
//!   which it may take as much as the machine can hold. A fault found so is not reported
//!   again for its callers.
//! - Instructions are looked at in the order in which control comes to them, fall-through first, the
//!   start's before those of entries: where paths meet, the one that comes first is right.

mod block;
mod extent;
mod finding;
mod flow;
mod functions;
mod height;
mod leader;
mod marks;
mod operand;
mod potential;
mod scc;
mod shape;
mod walk;

use bumpalo::Bump;
use bytestone_spec::isa::{CodeEnd, Isa};
use bytestone_spec::limits::STACK_DEPTH;

use self::block::Blocks;
use self::extent::Extents;
use self::finding::{Cause, Findings};
use self::height::Heights;
use self::shape::Shapes;
use crate::fault::Rejection;
use crate::program::Program;

/// How deep the operand stack of a program gets, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxStack {
    /// So deep, in some run that takes every branch as it likes. The machine's stack holds it.
    Bounded(u32),
    /// Recursion makes it deeper without a bound; it traps when the stack is full.
    Unbounded,
}

/// A program that was verified. It is only made by [`verify`] and a [`Verifier`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    program: Program,
    max_stack: MaxStack,
    /// By instruction; [`UNREACHED`] for those that cannot be reached.
    heights: Vec<i32>,
}

/// What stands for the height before an instruction that cannot be reached.
const UNREACHED: i32 = i32::MIN;

impl Verified {
    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The greatest depth of the operand stack in any run; 0 on machines without one.
    pub fn max_stack(&self) -> MaxStack {
        self.max_stack
    }

    /// The height of the operand stack, in cells, before the instruction with an index, relative to
    /// its frame; `None` if it cannot be reached.
    ///
    /// In the frame of the program's start these are absolute heights. A call that leaves the stack
    /// at height `h` begins a frame in which the absolute height before instruction `i` is
    /// `h + height(i) - height(entry)`, where `entry` is the index of the first instruction
    /// of the callee; after the return, the caller's frame goes on as before.
    pub fn height(&self, index: usize) -> Option<i32> {
        self.heights.get(index).copied().filter(|&height| height != UNREACHED)
    }
}

/// Verifies a program that was decoded for `isa`; for many programs, a [`Verifier`] is faster.
///
/// ```
/// use bytestone_vm::{MaxStack, asm::assemble, codec::Codec, verify};
/// let isa = bytestone_spec::load_builtin("stack").unwrap().unwrap();
/// let codec = Codec::new(&isa);
/// let program = |text| codec.decode(&assemble(&codec, text).unwrap().bytes).unwrap();
///
/// let verified = verify(&isa, program("PUSH 6\nPUSH 7\nMUL\nPRINT\nHALT")).unwrap();
/// assert_eq!(verified.max_stack(), MaxStack::Bounded(2));
/// assert_eq!(verified.height(2), Some(2));
///
/// let rejection = verify(&isa, program("PUSH 6\nMUL\nHALT")).unwrap_err();
/// assert_eq!(rejection.to_string(), "stack_underflow at offset 5: pops 2 of a stack of 1 (1 fault in all)");
/// ```
///
/// # Errors
///
/// All faults of the program, ordered by offset, for the reasons of the phase
/// [`Verify`](crate::fault::Phase::Verify).
pub fn verify(isa: &Isa, program: Program) -> Result<Verified, Rejection> {
    Verifier::new(isa).verify(program)
}

/// A verifier for many programs of one instruction set, one after the other.
///
/// It keeps the memory that it works in from one program to the next, up to 130 bytes for each instruction of
/// the largest. What it says of a program does not depend on those before.
///
/// ```
/// use bytestone_vm::{codec::Codec, verify::Verifier};
/// let isa = bytestone_spec::load_builtin("stack").unwrap().unwrap();
/// let codec = Codec::new(&isa);
/// let mut verifier = Verifier::new(&isa);
/// let accepted = [&[0x0f][..], &[0x08, 6, 0x0e, 0x0f], &[0x0e, 0x0f]]
///     .map(|code| verifier.verify(codec.decode(code).unwrap()).is_ok());
/// assert_eq!(accepted, [true, true, false]);
/// ```
pub struct Verifier<'isa> {
    isa: &'isa Isa,
    shapes: Shapes,
    arena: Bump,
}

impl<'isa> Verifier<'isa> {
    /// A verifier of programs that are decoded for `isa`.
    pub fn new(isa: &'isa Isa) -> Self {
        Self { isa, shapes: Shapes::new(isa), arena: Bump::new() }
    }

    /// Does what [`verify`] does.
    ///
    /// # Errors
    ///
    /// Those of [`verify`].
    pub fn verify(&mut self, program: Program) -> Result<Verified, Rejection> {
        self.empty_arena();
        self.shapes.add(self.isa, &program);
        let mut findings = Findings::default();
        let (isa, shapes, arena) = (self.isa, &self.shapes, &self.arena);
        let subject = Subject { isa, program: &program, shapes, arena };
        let (max_stack, heights) = judge(subject, &mut findings);
        match findings.rejection(&program) {
            Some(rejection) => Err(rejection),
            None => Ok(Verified { program, max_stack, heights }),
        }
    }

    /// Makes room for as much as the arena held, in one piece.
    fn empty_arena(&mut self) {
        let held = self.arena.allocated_bytes();
        self.arena.reset();
        if self.arena.allocated_bytes() < held {
            self.arena = Bump::with_capacity(held);
        }
    }
}

/// A program, with what is known of its instructions and where there is room to work.
#[derive(Clone, Copy)]
struct Subject<'v> {
    isa: &'v Isa,
    program: &'v Program,
    /// Those of its instructions, and maybe others.
    shapes: &'v Shapes,
    arena: &'v Bump,
}

/// Finds what is wrong with a program. If nothing is, what is returned is true: how deep the stack gets, and its
/// height before each instruction.
fn judge(subject: Subject, findings: &mut Findings) -> (MaxStack, Vec<i32>) {
    let isa = subject.isa;
    let blocks = Blocks::of(subject, findings);
    if blocks.len() == 0 {
        if isa.code_end() == CodeEnd::Reject {
            findings.add(0, Cause::Runs);
        }
        return (MaxStack::Bounded(0), Vec::new());
    }
    let depth = isa.machine().stack.map_or(0, |stack| stack.depth.min(STACK_DEPTH));
    functions::check_limits(isa, subject.program, findings);
    let heights = Heights::explore(&blocks, depth as i32);
    let extents = Extents::find(&heights);
    let deepest = walk::walk(&extents, findings);
    let max_stack =
        if extents.grows() { MaxStack::Unbounded } else { MaxStack::Bounded(deepest as u32) };
    let by_insn = heights_by_insn(&heights, findings);
    check_stated(&blocks, (&by_insn, depth), findings);
    (max_stack, by_insn)
}

/// Holds the stack of each function to the maximum that it states; one fault a function.
fn check_stated(blocks: &Blocks, (heights, depth): (&[i32], u32), findings: &mut Findings) {
    let program = blocks.subject.program;
    let Some(module) = program.module() else { return };
    let (depth, faulty) = (i64::from(depth), findings.of_stack(program));
    let mut rest = (0..blocks.len() as u32).peekable();
    for function in &module.functions {
        let (end, stated) = (function.start + function.len, i64::from(function.max_stack));
        // Behind another fault of the stack its depth is a consequence.
        let mut met = faulty.range(function.start..end).next().is_some();
        while let Some(block) = rest.next_if(|&block| blocks.start(block) < end) {
            let before = heights[blocks.first_insn(block) as usize];
            let peak = i64::from(before) + i64::from(blocks.work(block).high);
            if met || before == UNREACHED || peak <= stated {
                continue;
            }
            let mut after = blocks.insns(block).map(|at| {
                let (pops, pushes) = blocks.effect(at);
                (at as u32, i64::from(heights[at]) + i64::from(pushes - pops))
            });
            // What is too deep for the machine was found before.
            if let Some((at, height)) =
                after.find(|&(_, height)| height > stated && height <= depth)
            {
                met = true;
                findings.add(at, Cause::Deeper { height, stated: function.max_stack });
            }
        }
    }
}

/// The height before each instruction that can be reached, from the zero of its group of frames.
fn heights_by_insn(heights: &Heights, findings: &mut Findings) -> Vec<i32> {
    let blocks = heights.blocks;
    let mut by_insn = vec![UNREACHED; blocks.subject.program.insns().len()];
    for block in (0..blocks.len() as u32).filter(|&block| heights.is_reached(block)) {
        let before = heights.before(block);
        if before.abs() > i64::from(i32::MAX / 2) {
            findings.add(blocks.first_insn(block), Cause::Apart);
            continue;
        }
        let (insns, mut height) = (blocks.insns(block), before as i32);
        by_insn[insns.start] = height;
        for at in insns.skip(1) {
            let (pops, pushes) = blocks.effect(at - 1);
            // What does not fit is behind a fault of the stack.
            height = height.saturating_add(pushes - pops);
            by_insn[at] = height;
        }
    }
    by_insn
}
