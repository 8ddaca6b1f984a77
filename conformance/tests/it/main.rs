//! Tests of the conformance crate.

mod cli;
mod corpus;
mod explain;
mod export;
mod manual;
mod project;
mod rounds;
mod tutorial;
