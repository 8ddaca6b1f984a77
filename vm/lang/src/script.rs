//! The script language: dynamic values, closures, arrays and objects.
//!
//! ```text
//! function counter(start) {
//!   let count = start;
//!   return function () { count = count + 1; return count; };
//! }
//! let next = counter(5);
//! for (let i = 0; i < 2; i = i + 1) print [i, next()];   // [0 6], [1 7]
//! ```
//!
//! Values are nil, truth values, numbers of 64 bits, strings, arrays, objects and functions. All but nil
//! and false are true. A name means the variable of that name that was declared last in the blocks
//! around, and otherwise a global one. Variables declared in no block are global. There is one of
//! each other variable for each call of its function, also if its declaration is in a loop;
//! a function captures variables, not what they hold. What is not possible traps.
//!
//! A machine may have integers of 32 bits instead, which wrap, and it may lack captured variables,
//! arrays or objects: see [`Numbers`] and [`compile`].

pub mod ast;
mod code;
mod eval;
mod fold;
pub mod generate;
mod literal;
mod numbers;
mod parser;
mod print;
mod shown;
mod subset;
mod token;

use bytestone_spec::isa::Isa;
use bytestone_vm::codec::Codec;
use bytestone_vm::module::Module;

use crate::error::{CompileError, SourceErrors};
use crate::language::Language;
use crate::passes::{Pass, Passes};
use crate::source::Source;
use ast::Program;

pub use eval::{End, Limits, Outcome, Trap, evaluate};
pub use numbers::Numbers;
pub use shown::shown;

/// Parses a source.
///
/// ```
/// use bytestone_lang::{Source, script};
/// let source = Source::new("let x = ;\nif (x { print 1; }\nx + 1 = 2;\nbreak;").unwrap();
/// assert_eq!(script::parse(&source).unwrap_err().to_string(), "\
/// line 1, column 9: expected a value, found `;`
/// line 2, column 7: expected `)`, found `{`
/// line 3, column 1: only variables, properties and elements can be given a value
/// line 4, column 1: `break` stands in no loop");
/// ```
///
/// # Errors
///
/// All errors of the source.
pub fn parse(source: &Source) -> Result<Program, SourceErrors> {
    parser::parse(source)
}

/// Whether scripts can be compiled to a machine.
pub(crate) fn has_target(codec: &Codec<'_>) -> bool {
    code::Target::of(codec).is_some()
}

/// Compiles a source to a machine with dynamic values: with floats or with integers, and with as much of
/// the language as it has instructions for.
///
/// ```
/// use bytestone_lang::{Passes, Source, script};
/// let isa = bytestone_spec::load_builtin("script").unwrap().unwrap();
/// let source = Source::new("function add(a, b) { return a + b; }\nprint add(1, 2);").unwrap();
/// let module = script::compile(&source, &isa, Passes::ALL).unwrap();
/// assert_eq!(&*module.functions[1].name, "add");
/// assert_eq!(module.functions[0].line_at(20), Some(2));
/// ```
///
/// # Errors
///
/// When the source has errors or its code does not fit the machine.
pub fn compile(source: &Source, isa: &Isa, passes: Passes) -> Result<Module, CompileError> {
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
) -> Result<Module, CompileError> {
    let mut program = parse(source)?;
    let Some(target) = code::Target::of(codec) else {
        let isa = codec.isa().name().to_owned();
        return Err(CompileError::NoTarget { isa, language: Language::Script.title() });
    };
    subset::check(&program, &target, source)?;
    if passes.has(Pass::Fold) {
        fold::fold(&mut program, target.numbers);
    }
    code::module(&target, codec, &program, source, passes)
}
