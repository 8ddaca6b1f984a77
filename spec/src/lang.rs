//! The small languages inside a spec file: encodings, stack effects and actions, on one lexer.

pub mod ast;
pub mod lexer;
mod parser;

mod action;
mod definition;
mod effect;
mod pattern;

pub use action::parse_action;
pub use definition::parse_definition;
pub use effect::parse_effect;
pub use parser::parse_expression;
pub use pattern::{parse_conditions, parse_pattern, parse_signature};

/// The two numbers of a range that counts both, as in `6..9` or `7..0`.
pub fn bounds(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once("..")?;
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
}
