//! Tests of the conformance crate.

mod cli;
mod corpus;
mod manual;
mod reports;
mod rounds;
mod tutorial;
