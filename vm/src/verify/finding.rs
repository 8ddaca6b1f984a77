//! Findings: the faults while they are collected, as numbers and bounded in number.

use std::collections::BTreeSet;
use std::fmt;

use crate::fault::{Fault, Reason, Rejection};
use crate::limits::FAULTS;
use crate::program::Program;

/// What is wrong with an instruction, with the numbers that explain it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    /// An index names a cell outside its bank.
    Index { index: i128, count: u32 },
    /// There is no such part of the module.
    Part { index: i128, count: usize, what: &'static str },
    /// A constant is of another variant than the instruction takes.
    Variant { number: i128 },
    /// A function states more than the machine allows.
    Stated { stated: u32, most: u32, what: &'static str },
    /// The stack gets deeper than the function states.
    Deeper { height: i64, stated: u32 },
    /// A target is not the start of an instruction.
    Target { target: i128 },
    /// Execution can run past the last instruction.
    Runs,
    /// More is popped than is on the stack.
    Pops { pops: i32, height: i64 },
    /// A callee takes more than is on the stack, or without a limit known.
    CalleeNeeds { need: Option<i64>, height: i64 },
    /// The stack gets too deep.
    Pushes { height: i64, depth: i64 },
    /// A callee makes the stack too deep; how deep is not always known.
    CalleeReaches { height: Option<i64>, depth: i64 },
    /// Paths meet with different heights.
    Meets { here: i64, there: i64 },
    /// Returns differ.
    Returns { here: i64, there: i64 },
    /// Frames that share code lie too far from one another for heights to be told.
    Apart,
    /// A return that no call leads to.
    NoCall,
}

impl Cause {
    fn reason(&self) -> Reason {
        match self {
            Self::Index { .. } | Self::Part { .. } => Reason::BadIndex,
            Self::Variant { .. } => Reason::TypeMismatch,
            Self::Stated { .. } | Self::Deeper { .. } => Reason::BadLimit,
            Self::Target { .. } => Reason::BadJump,
            Self::Runs => Reason::FallsOffEnd,
            Self::Pops { .. } | Self::CalleeNeeds { .. } => Reason::StackUnderflow,
            Self::Pushes { .. } | Self::CalleeReaches { .. } => Reason::StackOverflow,
            Self::Meets { .. } | Self::Returns { .. } | Self::Apart => Reason::StackMismatch,
            Self::NoCall => Reason::ReturnWithoutCall,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { index, count } => write!(f, "cell {index} of a bank of {count}"),
            Self::Part { index, count, what } => {
                write!(f, "{what} {index}, and there are {count}")
            }
            Self::Variant { number } => {
                write!(f, "constant {number} is none of those that the instruction takes")
            }
            Self::Stated { stated, most, what } => {
                write!(f, "the function states {stated} {what}, the machine allows {most}")
            }
            Self::Deeper { height, stated } => {
                write!(f, "makes the stack {height} deep, the function states {stated}")
            }
            Self::Target { target } => write!(f, "no instruction starts at {target}"),
            Self::Runs => write!(f, "execution can run past the end of the code"),
            Self::Pops { pops, height } => write!(f, "pops {pops} of a stack of {height}"),
            Self::CalleeNeeds { need: Some(need), height } => {
                write!(f, "the callee needs a stack of {need}, here it is {height}")
            }
            Self::CalleeNeeds { need: None, .. } => {
                write!(f, "the recursion needs a higher stack with every call")
            }
            Self::Pushes { height, depth } => {
                write!(f, "makes the stack {height} deep, the machine holds {depth}")
            }
            Self::CalleeReaches { height: Some(height), depth } => {
                write!(f, "the callee makes the stack {height} deep, the machine holds {depth}")
            }
            Self::CalleeReaches { height: None, depth } => {
                write!(f, "the callee makes the stack deeper than the {depth} of the machine")
            }
            Self::Meets { here, there } => {
                write!(f, "reached with the stack at {here} and at {there}")
            }
            Self::Returns { here, there } => {
                write!(f, "returns with the stack at {here}, another return at {there}")
            }
            Self::Apart => write!(f, "shared by frames whose heights differ too much"),
            Self::NoCall => write!(f, "can be reached from the start without a call"),
        }
    }
}

/// The faults found so far, one for an instruction and a reason. Of many, the first by offset are
/// kept and the others counted.
#[derive(Default)]
pub(super) struct Findings {
    kept: Vec<(u32, Cause)>,
    dropped: usize,
}

impl Findings {
    /// Notes what is wrong with the instruction with index `at`; behind the last one, with the end of the code.
    pub fn add(&mut self, at: u32, cause: Cause) {
        self.kept.push((at, cause));
        if self.kept.len() >= 2 * FAULTS {
            self.order();
            self.dropped += self.kept.len().saturating_sub(FAULTS);
            self.kept.truncate(FAULTS);
        }
    }

    /// The offsets of faults of the stack.
    pub fn of_stack(&self, program: &Program) -> BTreeSet<u32> {
        let of_stack = |cause: &Cause| {
            matches!(
                cause.reason(),
                Reason::StackUnderflow | Reason::StackOverflow | Reason::StackMismatch
            )
        };
        let faulty = self.kept.iter().filter(|(_, cause)| of_stack(cause));
        faulty.filter_map(|(at, _)| Some(program.insns().get(*at as usize)?.offset)).collect()
    }

    fn order(&mut self) {
        self.kept.sort_by_key(|(at, cause)| (*at, cause.reason()));
        self.kept.dedup_by_key(|(at, cause)| (*at, cause.reason()));
    }

    /// The rejection, if there is a fault.
    pub fn rejection(mut self, program: &Program) -> Option<Rejection> {
        self.order();
        let faults = self.kept.iter().map(|(at, cause)| {
            let insn = program.insns().get(*at as usize);
            Fault {
                reason: cause.reason(),
                at: insn.map_or(program.code().len() as u32, |insn| insn.offset),
                insn: insn.map(|insn| insn.id),
                detail: cause.to_string(),
            }
        });
        let mut rejection = Rejection::from_faults(faults.collect())?;
        rejection.omitted += self.dropped;
        Some(rejection)
    }
}
