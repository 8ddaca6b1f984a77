//! Tests of the spec language.

mod builtins;
mod faulty;
mod hostile;
mod laws;
mod sound;
mod support;
