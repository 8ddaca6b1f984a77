//! Reporters: the events of a run as text, JSON lines or JUnit XML.

mod json;
mod junit;
mod terminal;

pub use json::JsonLines;
pub use junit::Junit;
pub use terminal::{Progress, Terminal};
