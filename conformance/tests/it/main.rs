//! Tests of the conformance crate.

mod adversaries;
mod bpf_conformance;
mod campaigns;
mod cli;
mod compare;
mod compile;
mod corpus;
mod doctor;
mod engines;
mod explain;
mod export;
mod faults;
mod findings;
mod guide;
mod host;
mod known;
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
