//! What engines written in Rust share: the engine protocol, and the memory, helpers and host of the machine `ebpf`.
//!
//! A crate of its own, outside the workspace: nothing of it is built unless an engine is.

#![deny(missing_docs)]

pub mod helpers;
pub mod host;
pub mod input;
pub mod memory;
pub mod prologue;
pub mod protocol;
pub mod rejection;
pub mod watchdog;
