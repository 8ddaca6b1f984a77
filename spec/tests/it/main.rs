//! Tests of the spec language.

mod builtins;
mod faulty;
mod hostile;
mod json;
mod laws;
mod schema;
mod sound;
mod support;
