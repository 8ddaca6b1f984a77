//! Tests of the conformance crate.

mod adversaries;
mod bpf_conformance;
mod cli;
mod compare;
mod compile;
mod corpus;
mod doctor;
mod engines;
mod explain;
mod export;
mod findings;
mod guide;
mod host;
mod manual;
mod new_engine;
mod planted;
mod protocol;
mod reports;
mod rounds;
mod scaffold;
mod tools;
mod tutorial;
mod values;
