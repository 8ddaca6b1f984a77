//! The integration tests of the crate.

mod random;
mod verify;
