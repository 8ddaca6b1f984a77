//! The corpus of cases, the runner that holds engines to it, and its reports.
#![deny(missing_docs)]

pub mod case;
