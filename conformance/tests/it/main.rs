//! Tests of the conformance crate.

mod cli;
mod corpus;
mod export;
mod manual;
mod rounds;
mod tutorial;
