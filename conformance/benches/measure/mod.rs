//! How the figures of all benches are measured and printed.
#![allow(dead_code, reason = "no bench needs all of it")]

use std::time::{Duration, Instant};

use bytestone_spec::{Isa, load_builtin};

/// How often each figure is taken.
pub const ROUNDS: usize = 9;

/// The heads of the columns.
pub fn head() {
    println!("{:44} {:>16} {:>16}", "what", "measured", "to reach");
}

/// A figure beside the number to reach.
pub fn line(what: &str, measured: String, goal: &str) {
    println!("{what:44} {measured:>16} {goal:>16}");
}

/// The median duration of a task.
pub fn median(mut task: impl FnMut()) -> Duration {
    median_of((0..ROUNDS).map(|_| {
        let start = Instant::now();
        task();
        start.elapsed()
    }))
}

/// The median of durations, of which there is one at least.
pub fn median_of(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times[times.len() / 2]
}

pub fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

pub fn rate(count: f64, time: Duration) -> String {
    format!("{:.3} M/s", count / time.as_secs_f64() / 1e6)
}

/// A built-in machine.
pub fn machine(name: &str) -> Isa {
    load_builtin(name).expect("the machine is built in").expect("it is sound")
}
