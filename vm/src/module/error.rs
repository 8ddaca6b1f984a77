//! What is wrong with the bytes of a module.

use std::fmt;

use crate::fault::{Fault, Reason};
use crate::limits;

/// Why bytes are no module, or none that a machine takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ModuleError {
    /// What is wrong.
    pub kind: ModuleErrorKind,
    /// The offset in the bytes: of the field that is wrong, or that is not all there.
    pub at: u32,
}

/// What is wrong at a place of a module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModuleErrorKind {
    /// It has more bytes than [`limits::CODE_BYTES`].
    #[error("the module has {bytes} bytes, more than the {} that are taken", limits::CODE_BYTES)]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// It does not start with [`super::MAGIC`].
    #[error("not a Bytestone module: it does not start with the bytes 42 59 54 53")]
    NotAModule,
    /// It has another version than [`super::VERSION`].
    #[error("version {found}, this reads {}", super::VERSION)]
    Version {
        /// The version.
        found: u8,
    },
    /// It ends within a field.
    #[error("{what} takes {needed} byte{} and {left} {} left", if *.needed == 1 { "" } else { "s" }, if *.left == 1 { "is" } else { "are" })]
    Truncated {
        /// The field.
        what: &'static str,
        /// How many bytes it takes.
        needed: u64,
        /// How many are left.
        left: usize,
    },
    /// It goes on behind the code.
    #[error("{bytes} byte{} behind the code", if *.bytes == 1 { "" } else { "s" })]
    Trailing {
        /// How many bytes.
        bytes: usize,
    },
    /// The name of the machine is none that a spec can have.
    #[error(
        "the name of the machine must be a lower-case letter, then lower-case letters, digits and `-`"
    )]
    IsaName,
    /// It is for another machine.
    #[error("the module is for the machine {found}, not for {expected}")]
    WrongMachine {
        /// Name and major version of the machine that it is for.
        found: String,
        /// Name and major version of the machine that was to take it.
        expected: String,
    },
    /// A tag is none of those that are defined.
    #[error("{found} is no tag of {what}")]
    Tag {
        /// What the tag is of.
        what: &'static str,
        /// The tag.
        found: u8,
    },
    /// A text is not UTF-8.
    #[error("{what} is not UTF-8")]
    Utf8 {
        /// The text.
        what: &'static str,
    },
    /// A NaN has other bits than [`bytestone_spec::isa::Union::NAN`].
    #[error("a NaN must have the bits 0x7ff8000000000000, not {found:#018x}")]
    Nan {
        /// Its bits.
        found: u64,
    },
    /// A constant is no value of the machine.
    #[error("{constant} is no value of this machine")]
    NoValue {
        /// The constant.
        constant: String,
    },
    /// There are more of something than the tools or the machine take.
    #[error("{found} {what}, more than the {limit} that are taken")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: u64,
        /// How many may be.
        limit: u64,
    },
    /// There is no function to start with.
    #[error("a module has at least one function")]
    NoFunctions,
    /// A function has fewer local variables than arguments.
    #[error("{locals} local variables do not hold {arity} arguments")]
    Locals {
        /// How many arguments.
        arity: u32,
        /// How many local variables.
        locals: u32,
    },
    /// The function that the program starts with takes arguments or captures variables.
    #[error("the first function takes no arguments and captures nothing")]
    Start,
    /// A line is 0.
    #[error("lines are counted from 1")]
    LineZero,
    /// An entry of a line table does not lie behind the one before it.
    #[error("the offset {offset} does not lie behind that of the entry before it, {before}")]
    LineOrder {
        /// Its offset.
        offset: u32,
        /// The offset of the entry before it.
        before: u32,
    },
    /// An entry of a line table is for no code of the function.
    #[error("the offset {offset} lies outside of the function's code, which has {len} bytes")]
    LineOutside {
        /// Its offset.
        offset: u32,
        /// The length of the code.
        len: u32,
    },
    /// An entry of a line table is for the middle of an instruction.
    #[error("no instruction starts at the offset {offset} of the function")]
    LineInside {
        /// Its offset.
        offset: u32,
    },
    /// Some local variables have names, and others none.
    #[error("{names} names of {locals} local variables; either all have one or none has")]
    LocalNames {
        /// How many names.
        names: u32,
        /// How many local variables.
        locals: u32,
    },
    /// The code of the functions does not stand one after the other. Only data can have this fault, bytes cannot.
    #[error("the code of function {function} does not start where that of the one before it ends")]
    Ranges {
        /// The index of the function, or how many there are for code behind the last.
        function: usize,
    },
}

impl ModuleErrorKind {
    /// The reason for which a program with the fault is rejected.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::NotAModule => Reason::NotAModule,
            Self::Version { .. } => Reason::BadVersion,
            Self::WrongMachine { .. } => Reason::WrongMachine,
            Self::Truncated { .. } => Reason::Truncated,
            _ => Reason::BadModule,
        }
    }
}

impl ModuleError {
    /// The reason for which a program with the fault is rejected.
    pub const fn reason(&self) -> Reason {
        self.kind.reason()
    }

    /// The fault of a program whose module it is.
    pub fn fault(&self) -> Fault {
        Fault { reason: self.reason(), at: self.at, insn: None, detail: self.kind.to_string() }
    }
}

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ModuleErrorKind::NotAModule
            | ModuleErrorKind::TooLong { .. }
            | ModuleErrorKind::Ranges { .. } => write!(f, "{}", self.kind),
            ModuleErrorKind::Truncated { .. } => {
                write!(f, "truncated at offset {}: {}", self.at, self.kind)
            }
            _ => write!(f, "at offset {}: {}", self.at, self.kind),
        }
    }
}
