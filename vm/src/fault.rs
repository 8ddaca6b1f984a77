//! Why a program is rejected: a closed list of reasons, each with a defined offset.

use std::fmt;

use bytestone_spec::isa::InsnId;

/// The phase in which a program is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// The bytes are no row of instructions, or no module of functions that are.
    Decode,
    /// The instructions break a rule that holds before the first step.
    Verify,
}

impl Phase {
    /// The name in case files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Verify => "verify",
        }
    }
}

/// Why a program is rejected. The documentation of each says what the offset of a [`Fault`]
/// with it names. Offsets are those of the code, which in a module is the code of all functions, one after the other;
/// only where it says so they are offsets in the module's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// 0: the file does not start as a module does.
    NotAModule,
    /// The version of the module's format, in the file.
    BadVersion,
    /// The name of the machine that the module is for, in the file.
    WrongMachine,
    /// The field of the module that breaks a rule of the format, in the file.
    BadModule,
    /// The first byte of the instruction that the end of the code, or of its function, cuts short; in a module whose
    /// file is cut short before its code is whole, the first byte in the file of the field that is.
    Truncated,
    /// The first byte of what is no instruction.
    UnknownOpcode,
    /// The instruction with unused bits or bytes for alignment that are not zero, with operands that
    /// break its condition, or with a LEB128 number that is out of range or longer than needed.
    BadOperand,
    /// The instruction that names a cell outside its bank, or a constant or function that does not exist.
    BadIndex,
    /// The instruction that names a constant of another variant than it takes.
    TypeMismatch,
    /// The jump or call whose target is not the start of an instruction.
    BadJump,
    /// The last instruction of the code, or of a function, where execution can run past it; where there is no code,
    /// the place where it would start.
    FallsOffEnd,
    /// The instruction that pops more than there is, or the call whose callee does.
    StackUnderflow,
    /// The instruction that makes the stack too deep, or the call whose callee does.
    StackOverflow,
    /// The instruction where paths meet with different depths, or the return where the depth
    /// differs from that at another return.
    StackMismatch,
    /// The return that can be reached from the start without a call.
    ReturnWithoutCall,
    /// The instruction that makes the stack of a frame deeper than its function states, or the first one of a function
    /// that states more of something than the machine has.
    BadLimit,
}

impl Reason {
    /// All reasons, in the order of their phases.
    pub const ALL: [Reason; 16] = [
        Self::NotAModule,
        Self::BadVersion,
        Self::WrongMachine,
        Self::BadModule,
        Self::Truncated,
        Self::UnknownOpcode,
        Self::BadOperand,
        Self::BadIndex,
        Self::TypeMismatch,
        Self::BadJump,
        Self::FallsOffEnd,
        Self::StackUnderflow,
        Self::StackOverflow,
        Self::StackMismatch,
        Self::ReturnWithoutCall,
        Self::BadLimit,
    ];

    /// The phase that finds it.
    pub const fn phase(self) -> Phase {
        match self {
            Self::NotAModule
            | Self::BadVersion
            | Self::WrongMachine
            | Self::BadModule
            | Self::Truncated
            | Self::UnknownOpcode
            | Self::BadOperand => Phase::Decode,
            Self::BadIndex
            | Self::TypeMismatch
            | Self::BadJump
            | Self::FallsOffEnd
            | Self::StackUnderflow
            | Self::StackOverflow
            | Self::StackMismatch
            | Self::ReturnWithoutCall
            | Self::BadLimit => Phase::Verify,
        }
    }

    /// The name in case files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAModule => "not_a_module",
            Self::BadVersion => "bad_version",
            Self::WrongMachine => "wrong_machine",
            Self::BadModule => "bad_module",
            Self::Truncated => "truncated",
            Self::UnknownOpcode => "unknown_opcode",
            Self::BadOperand => "bad_operand",
            Self::BadIndex => "bad_index",
            Self::TypeMismatch => "type_mismatch",
            Self::BadJump => "bad_jump",
            Self::FallsOffEnd => "falls_off_end",
            Self::StackUnderflow => "stack_underflow",
            Self::StackOverflow => "stack_overflow",
            Self::StackMismatch => "stack_mismatch",
            Self::ReturnWithoutCall => "return_without_call",
            Self::BadLimit => "bad_limit",
        }
    }

    /// The reason with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// One reason to reject a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub reason: Reason,
    /// Where; what the offset names is defined by the reason.
    pub at: u32,
    /// The instruction there, if the bytes are one.
    pub insn: Option<InsnId>,
    /// What was found and what was expected, for people; never compared.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}: {}", self.reason.name(), self.at, self.detail)
    }
}

/// The faults for which a program was rejected, ordered by offset and then by reason; never
/// empty. At most [`crate::limits::FAULTS`] are kept, the others are counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} ({} fault{} in all)", .faults[0], .faults.len() + .omitted, if .faults.len() + .omitted == 1 { "" } else { "s" })]
pub struct Rejection {
    /// The faults.
    pub faults: Vec<Fault>,
    /// How many more there were.
    pub omitted: usize,
}

impl Rejection {
    /// Orders `faults` and cuts them to the limit; `None` when there are none.
    pub fn from_faults(mut faults: Vec<Fault>) -> Option<Self> {
        if faults.is_empty() {
            return None;
        }
        faults.sort_by_key(|fault| (fault.at, fault.reason));
        let omitted = faults.len().saturating_sub(crate::limits::FAULTS);
        faults.truncate(crate::limits::FAULTS);
        Some(Self { faults, omitted })
    }

    /// The phase of the first fault.
    pub fn phase(&self) -> Phase {
        self.faults[0].reason.phase()
    }
}
