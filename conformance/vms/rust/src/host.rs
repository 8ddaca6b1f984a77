//! The host of the machine `ebpf`: what helper 3 replies, and how it was called.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of [`answer`].
pub const ANSWER: u32 = 3;

/// The replies that are left, in order, and the calls that were made.
struct Script {
    replies: VecDeque<u64>,
    calls: Vec<String>,
}

/// Helpers are called without a context.
static SCRIPT: Mutex<Script> = Mutex::new(Script { replies: VecDeque::new(), calls: Vec::new() });

fn script() -> MutexGuard<'static, Script> {
    SCRIPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins a run with these replies.
pub fn reset(replies: Vec<u64>) {
    *script() = Script { replies: replies.into(), calls: Vec::new() };
}

/// The calls of the present run, as the protocol writes them.
pub fn calls() -> Vec<String> {
    script().calls.clone()
}

/// The next reply, or 0 when there are no more.
pub extern "C" fn answer(a: u64, b: u64, c: u64, d: u64, e: u64) -> u64 {
    let mut script = script();
    let reply = script.replies.pop_front().unwrap_or(0);
    script.calls.push(format!("answer({a};{b};{c};{d};{e})={reply}"));
    reply
}
