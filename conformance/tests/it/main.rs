//! Tests of the conformance crate.

mod corpus;
mod manual;
mod rounds;
mod tutorial;
