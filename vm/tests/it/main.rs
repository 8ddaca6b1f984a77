//! Tests of the tools that are derived from an instruction set.

mod asm;
mod codec;
mod machines;
mod random;
mod verify;
