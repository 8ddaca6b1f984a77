//! Tests of the conformance crate.

mod corpus;
