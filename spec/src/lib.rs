//! Bytecode instruction sets as data: the spec language, its checks, and the checked [`Isa`].
//!
//! A spec file (`bytestone: spec/1`, YAML) says everything about a machine: how instructions are
//! written in bytes, what they do to the stack, what they mean, how they fail. [`load::load`]
//! turns one into an [`isa::Isa`] or into all its faults, each with its place. This crate
//! does no input or output and never handles program bytes.
#![deny(missing_docs)]

pub mod builtin;
mod check;
pub mod diagnostic;
mod family;
pub mod file;
pub mod isa;
pub mod json;
mod lang;
pub mod limits;
pub mod load;
pub mod shape;
pub mod yaml;

pub use builtin::load_builtin;
pub use isa::Isa;
pub use load::load;
