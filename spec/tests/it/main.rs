//! Tests of the spec language.

mod builtins;
mod faulty;
