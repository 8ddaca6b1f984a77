//! Tests of the conformance crate.

mod adversaries;
mod cli;
mod corpus;
mod explain;
mod export;
mod manual;
mod planted;
mod reports;
mod rounds;
mod scaffold;
mod tools;
mod tutorial;
