//! Tests of the spec language.

mod builtins;
mod definitions;
mod extending;
mod faulty;
mod hostile;
mod json;
mod laws;
mod manual;
mod places;
mod schema;
mod sound;
mod support;
