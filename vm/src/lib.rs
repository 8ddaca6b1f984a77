//! The tools that are derived from an instruction set: codec, assembler, disassembler, verifier and the reference VM.
#![deny(missing_docs)]

pub mod asm;
pub mod codec;
pub mod fault;
pub mod generate;
mod heap;
pub mod host;
pub mod limits;
mod memory;
pub mod module;
pub mod program;
pub mod reference;
mod show;
pub mod soundness;
pub mod state;
pub mod trace;
pub mod value;
pub mod verify;

pub use fault::{Fault, Phase, Reason, Rejection};
pub use program::{Insn, Program};
pub use reference::{Outcome, Reference, Stuck};
pub use state::{InputError, State};
pub use trace::Tracer;
pub use value::Value;
pub use verify::{MaxStack, Verified, Verifier, verify};
