//! Reporters: the events of a run for people, for CI services and for programs (`docs/reports.md`).

mod badge;
pub mod claim;
pub mod diff;
pub mod failure;
mod github;
mod html;
mod json;
mod junit;
mod known;
mod markdown;
mod summary;
mod terminal;

pub use badge::Badge;
pub use github::Github;
pub use html::Html;
pub use json::JsonLines;
pub use junit::Junit;
pub use known::KnownWriter;
pub use markdown::Markdown;
pub use terminal::{Progress, Terminal};
