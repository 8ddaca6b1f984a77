//! The corpus of cases, the runner that holds engines to it, and its reports.
#![deny(missing_docs)]

pub mod bless;
pub mod bpf_conformance;
pub mod campaign;
pub mod case;
pub mod compare;
pub mod compile;
pub mod corpus;
pub mod doctor;
pub mod engine;
pub mod examples;
pub mod execute;
pub mod explain;
pub mod export;
mod header;
pub mod judge;
pub mod known;
pub mod lockstep;
pub mod manual;
pub mod panel;
pub mod project;
pub mod registry;
pub mod report;
pub mod rounds;
pub mod runner;
pub mod scaffold;
pub mod suite;
pub mod trials;
pub mod verdict;
