//! Modules: the programs of machines that call functions, as data and as bytes.
//!
//! The format is defined in `docs/module.md`. A module has exactly one byte string: [`Module::read`] takes no other,
//! and [`Module::write`] makes it.

mod builder;
mod error;
mod read;
mod write;

use std::sync::Arc;

use bytestone_spec::isa::{ConstantRule, Payload, Union, VariantId};

pub use builder::{FunctionBuilder, ModuleBuilder};
pub use error::{ModuleError, ModuleErrorKind};
pub(crate) use read::{Places, Reader};

/// The bytes that every module starts with.
pub const MAGIC: [u8; 4] = *b"BYTS";
/// The version of the format.
pub const VERSION: u8 = 1;

/// A module: constants and functions.
///
/// ```
/// use bytestone_vm::module::{Constant, Function, Module};
/// let module = Module {
///     isa: "script".to_owned(),
///     major: 1,
///     constants: vec![Constant::Float(3.5f64.to_bits())],
///     functions: vec![Function { name: "main".into(), max_stack: 1, len: 6, ..Function::default() }],
///     code: vec![0, 0, 0, 0, 0, 0x18],
/// };
/// let bytes = module.write().unwrap();
/// assert_eq!(Module::read(&bytes).unwrap(), module);
/// assert_eq!(Module::read(&bytes[..7]).unwrap_err().to_string(), "truncated at offset 6: the name of the machine takes 6 bytes and 1 is left");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// The name of the machine that it is for.
    pub isa: String,
    /// The major version of that machine's spec.
    pub major: u32,
    /// The constants.
    pub constants: Vec<Constant>,
    /// The functions, at least one; the program starts with the first.
    pub functions: Vec<Function>,
    /// The code of all functions, one after the other.
    pub code: Vec<u8>,
}

/// A constant of a module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// The first variant of the union, which carries nothing.
    Unit,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// The bits of a binary64 number of IEEE 754; every NaN is [`Union::NAN`].
    Float(u64),
    /// A text.
    Str(Arc<str>),
}

/// A function of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Its name, for people: it may be empty, and that of another function.
    pub name: String,
    /// How many arguments it takes.
    pub arity: u32,
    /// How many local variables a frame of it has; the arguments are the first of them.
    pub locals: u32,
    /// How deep the stack of a frame of it gets.
    pub max_stack: u32,
    /// What a closure of it captures.
    pub captures: Vec<Capture>,
    /// Where its code starts in [`Module::code`].
    pub start: u32,
    /// The length of its code.
    pub len: u32,
    /// The lines of a source text that the code comes from.
    pub lines: Vec<Line>,
    /// The names of the local variables, for people: all or none.
    pub local_names: Vec<Box<str>>,
}

/// A variable that a closure captures when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capture {
    /// The local variable of the frame that makes the closure, with an index.
    Local(u32),
    /// The captured variable of the closure whose frame makes the closure, with an index.
    Upvalue(u32),
}

impl Capture {
    /// The index.
    pub const fn index(self) -> u32 {
        match self {
            Self::Local(index) | Self::Upvalue(index) => index,
        }
    }
}

/// Says that code from an offset on comes from a line of a source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The offset, from the start of the function.
    pub offset: u32,
    /// The line, from 1.
    pub line: u32,
}

impl Constant {
    /// The constant of a float.
    pub fn float(value: f64) -> Self {
        Self::Float(Union::float(value))
    }

    /// The variant that it is a value of; `None` when it is no value of the union.
    pub fn variant(&self, union: &Union) -> Option<VariantId> {
        match self {
            Self::Unit => Some(VariantId(0)),
            Self::Bool(_) => union.carrying(|payload| payload == Payload::Bool),
            Self::Int(value) => union.carrying(
                |payload| matches!(payload, Payload::Int(ty) if ty.contains((*value).into())),
            ),
            Self::Float(_) => union.carrying(|payload| payload == Payload::Float),
            Self::Str(_) => union.carrying(|payload| payload == Payload::Str),
        }
    }

    /// What it is, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Unit => "a unit",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Str(_) => "a string",
        }
    }
}

impl Function {
    /// The offset behind its code in [`Module::code`].
    #[inline]
    pub const fn end(&self) -> u32 {
        self.start.saturating_add(self.len)
    }

    /// The line of the source text that the code at an offset from the start of the function comes from.
    pub fn line_at(&self, offset: u32) -> Option<u32> {
        let after = self.lines.partition_point(|line| line.offset <= offset);
        Some(self.lines[after.checked_sub(1)?].line)
    }
}

impl Module {
    /// The index of the function to whose code an offset in the code belongs.
    pub fn function_of(&self, offset: u32) -> Option<usize> {
        let after = self.functions.partition_point(|function| function.start <= offset);
        let index = after.checked_sub(1)?;
        (offset < self.functions[index].end()).then_some(index)
    }

    /// The index of the constant that an operand names with the number `raw`. It may be one that
    /// does not exist; `None` for a number before that of the first.
    pub fn constant_index(rule: ConstantRule, raw: i128) -> Option<u64> {
        u64::try_from(raw - i128::from(rule.first)).ok()
    }

    /// The constant that an operand names with the number `raw`, whatever its variant.
    pub fn constant(&self, rule: ConstantRule, raw: i128) -> Option<&Constant> {
        self.constants.get(usize::try_from(Self::constant_index(rule, raw)?).ok()?)
    }
}
