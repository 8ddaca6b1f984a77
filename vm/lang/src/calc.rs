//! The calculator language: integers of 32 bits, the variables `a` to `z`, and `print`.
//!
//! ```text
//! x = 10          # a comment
//! y = 3; z = x + y * 2
//! print z
//! ```
//!
//! Statements end with their line or with `;`. Arithmetic wraps, quotients are rounded toward
//! zero, a zero divisor traps. Variables are zero at first. An expression alone may be the last
//! statement: its value is the program's result, which stays on the operand stack.

pub mod ast;
mod eval;
mod fold;
pub mod generate;
mod parser;
mod register;
mod stack;

use bytestone_spec::isa::Isa;
use bytestone_vm::codec::Codec;

use crate::emit::{self, Emitted};
use crate::error::{CompileError, SourceErrors};
use crate::language::Language;
use crate::passes::{Pass, Passes};
use crate::source::Source;
use ast::{Program, Variable};

pub use eval::{DivByZero, Outcome, evaluate};

/// A compiled program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// The code, with the lines that it comes from.
    pub emitted: Emitted,
    /// Where variables are kept: for each that the program uses the index of a cell.
    pub variables: Vec<(Variable, u8)>,
}

/// Parses a source.
///
/// ```
/// use bytestone_lang::{Source, calc};
/// let source = Source::new("x = (1 +\nprint 2 $ 3\ny = 4 / x\n").unwrap();
/// let errors = calc::parse(&source).unwrap_err();
/// assert_eq!(errors.to_string(), "\
/// line 1, column 9: expected a value, found the end of the line
/// line 2, column 9: `$` means nothing here
/// line 2, column 11: expected the end of the statement, found `3`");
/// ```
///
/// # Errors
///
/// All errors of the source.
pub fn parse(source: &Source) -> Result<Program, SourceErrors> {
    parser::parse(source)
}

/// Whether programs can be compiled to a machine.
pub(crate) fn has_target(codec: &Codec<'_>) -> bool {
    stack::Target::of(codec).is_some() || register::Target::of(codec).is_some()
}

/// Compiles a source to a stack machine or to a register machine.
///
/// ```
/// use bytestone_lang::{Passes, Source, calc};
/// let isa = bytestone_spec::load_builtin("calculator").unwrap().unwrap();
/// let source = Source::new("x = 2 * 3\nprint x").unwrap();
/// let code = calc::compile(&source, &isa, Passes::ALL).unwrap().emitted.code;
/// assert_eq!(code, [1, 6, 0, 0, 0, 8, 23, 7, 23, 9, 0]);
/// ```
///
/// # Errors
///
/// When the source has errors or its code does not fit the machine.
pub fn compile(source: &Source, isa: &Isa, passes: Passes) -> Result<Compiled, CompileError> {
    compile_with(&Codec::new(isa), source, passes)
}

/// As [`compile`], for those who compile much to one machine.
///
/// # Errors
///
/// As [`compile`].
pub fn compile_with(
    codec: &Codec<'_>,
    source: &Source,
    passes: Passes,
) -> Result<Compiled, CompileError> {
    let isa = codec.isa();
    let mut program = parse(source)?;
    if passes.has(Pass::Fold) {
        fold::fold(&mut program);
    }
    let (mut listing, variables, rules) = if let Some(target) = stack::Target::of(codec) {
        let listing = target.listing(&program, source);
        (listing, program.variables().map(|it| (it, it.index())).collect(), target.rules())
    } else if let Some(target) = register::Target::of(codec) {
        let (listing, homes) = target.listing(&program, source)?;
        (listing, homes, target.rules())
    } else {
        let isa = isa.name().to_owned();
        return Err(CompileError::NoTarget { isa, language: Language::Calc.title() });
    };
    passes.apply(&mut listing, isa, &rules);
    Ok(Compiled { emitted: emit::emit(codec, &listing)?, variables })
}
