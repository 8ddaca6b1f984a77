//! Bytecode instruction sets as data.
#![deny(missing_docs)]

pub mod isa;
pub mod limits;
