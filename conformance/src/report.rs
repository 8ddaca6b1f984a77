//! Reporters: the events of a run as text, JSON lines or JUnit XML.

pub mod failure;
mod json;
mod junit;
mod known;
mod terminal;

pub use json::JsonLines;
pub use junit::Junit;
pub use known::KnownWriter;
pub use terminal::{Progress, Terminal};
