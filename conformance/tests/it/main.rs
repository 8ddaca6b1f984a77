//! Tests of the conformance crate.

mod adversaries;
mod cli;
mod corpus;
mod doctor;
mod guide;
mod manual;
mod new_engine;
mod planted;
mod protocol;
mod rounds;
mod tools;
mod tutorial;
