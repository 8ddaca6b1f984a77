//! Tests of the tools that are derived from an instruction set.

mod asm;
mod codec;
mod generate;
mod heap;
mod host;
mod machines;
mod module;
mod pairs;
mod random;
mod reference;
mod support;
mod trace;
mod value;
mod verify;
