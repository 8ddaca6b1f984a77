//! Tests of the languages and their compilers.

mod calc;
mod emit;
mod script;
mod support;
