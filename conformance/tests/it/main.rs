//! Tests of the conformance crate.

mod adversaries;
mod cli;
mod corpus;
mod manual;
mod planted;
mod reports;
mod rounds;
mod tools;
mod tutorial;
