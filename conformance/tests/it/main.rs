//! Tests of the conformance crate.

mod corpus;
mod rounds;
mod tutorial;
