//! Tests of the conformance crate.

mod cli;
mod corpus;
mod manual;
mod rounds;
mod tutorial;
