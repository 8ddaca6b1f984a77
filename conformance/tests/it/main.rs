//! Tests of the conformance crate.

mod cli;
mod corpus;
mod explain;
mod export;
mod manual;
mod rounds;
mod scaffold;
mod tutorial;
