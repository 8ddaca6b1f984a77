//! Small languages, compiled to the machines that they were made for.
//!
//! Each language has a parser that reports every error of a source, an evaluator that walks the
//! syntax tree and knows no machine, and code generators. What a program does is the same
//! evaluated, compiled, and compiled with any of the optimisation [`passes`]; tests and fuzzing
//! hold them to it.
//!
//! This crate is the one place where Rust code knows mnemonics: a compiler has to. It holds
//! them against the instruction set that it is given.
#![deny(missing_docs)]

pub mod calc;
mod cursor;
pub mod emit;
pub mod error;
mod language;
pub mod limits;
pub mod listing;
pub mod passes;
pub mod script;
pub mod source;

pub use error::{CompileError, SourceError, SourceErrorKind, SourceErrors};
pub use language::{Compiled, Language};
pub use passes::{Pass, Passes, UnknownPass};
pub use source::Source;
