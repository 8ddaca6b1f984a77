//! The integration tests of the crate, in one binary.

mod generate;
mod reference;
mod support;

mod trace;
