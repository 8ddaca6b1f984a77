//! Tests of the conformance crate.

mod adversaries;
mod cli;
mod corpus;
mod manual;
mod planted;
mod protocol;
mod rounds;
mod tools;
mod tutorial;
