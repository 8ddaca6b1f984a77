//! The verifier: accepts a program that can never get stuck, or names every fault.

mod block;
mod extent;
mod finding;
mod height;
mod potential;
mod scc;
mod walk;

use bytestone_spec::isa::{CodeEnd, Isa};

use self::block::Blocks;
use self::extent::Extents;
use self::finding::{Cause, Findings};
use self::height::Heights;
use crate::fault::Rejection;
use crate::program::Program;

/// How deep the operand stack of a program gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxStack {
    /// No deeper than so many cells, which the machine's stack holds.
    Bounded(u32),
    /// Recursion makes it deeper without a bound; it traps when the stack is full.
    Unbounded,
}

/// A program that was verified. It is only made by [`verify`].
#[derive(Clone, Debug)]
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

    /// The greatest depth of the operand stack in any run.
    pub fn max_stack(&self) -> MaxStack {
        self.max_stack
    }

    /// The height of the operand stack, in cells, before the instruction with an index;
    /// `None` if it cannot be reached.
    pub fn height(&self, index: usize) -> Option<i32> {
        self.heights.get(index).copied().filter(|&height| height != UNREACHED)
    }
}

/// Verifies a program that was decoded for `isa`.
///
/// # Errors
///
/// Every fault, ordered by offset, with the reasons of [`crate::fault::Phase::Verify`].
pub fn verify(isa: &Isa, program: Program) -> Result<Verified, Rejection> {
    let mut findings = Findings::default();
    let blocks = Blocks::of(isa, &program, &mut findings);
    if blocks.len() == 0 {
        if isa.code_end() == CodeEnd::Reject {
            findings.add(0, Cause::Runs);
        }
        return finish(findings, program, MaxStack::Bounded(0), Vec::new());
    }
    let depth = isa.machine().stack.map_or(0, |stack| stack.depth);
    let depth = depth.min(bytestone_spec::limits::STACK_DEPTH) as i32;
    let mut heights = Heights::explore(&blocks, depth);
    let extents = Extents::find(&mut heights);
    walk::walk(&program, isa.code_end(), &heights, &extents, &mut findings);
    let max_stack = match extents.peak(&heights, 0) {
        Some(peak) if !extents.grows() => MaxStack::Bounded(peak.max(0) as u32),
        _ => MaxStack::Unbounded,
    };
    let by_insn = heights_by_insn(&program, &heights, &mut findings);
    finish(findings, program, max_stack, by_insn)
}

fn finish(
    findings: Findings,
    program: Program,
    max_stack: MaxStack,
    heights: Vec<i32>,
) -> Result<Verified, Rejection> {
    match findings.rejection(&program) {
        Some(rejection) => Err(rejection),
        None => Ok(Verified { program, max_stack, heights }),
    }
}

fn heights_by_insn(program: &Program, heights: &Heights, findings: &mut Findings) -> Vec<i32> {
    let blocks = heights.blocks;
    let mut by_insn = vec![UNREACHED; program.insns().len()];
    for block in (0..blocks.len() as u32).filter(|&block| heights.is_reached(block)) {
        // The heights within a block differ from this one by less than half of the range.
        let before = i32::try_from(heights.before(block)).ok();
        let Some(mut height) = before.filter(|height| height.abs() < i32::MAX / 2) else {
            findings.add(blocks.get(block).first, Cause::Apart);
            continue;
        };
        for at in blocks.insns(block) {
            by_insn[at] = height;
            let (pops, pushes) = blocks.effect(program, at);
            height = height + pushes - pops;
        }
    }
    by_insn
}
