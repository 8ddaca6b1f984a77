//! Glue between libFuzzer and the fuzz targets, which are library functions.
#![deny(missing_docs)]

use std::sync::Mutex;

use bytestone::rounds::{Defect, Fate, Tally};

/// How often the tally is printed once it is large.
const PRINT_EVERY: u64 = 1 << 16;

/// Runs a round of the target `name` on an input. A defect is a panic, which is what libFuzzer looks for.
///
/// A target passes its round as a function, not by its [`Target`](bytestone::rounds::Target), so that the
/// linker drops what only other rounds use, with the counters that libFuzzer would look at after every input.
///
/// The tally goes to standard error at each power of two and then regularly, as the last word of a run that
/// ends without notice.
pub fn drive(name: &str, round: fn(&[u8]) -> Result<Fate, Defect>, data: &[u8]) {
    static TALLY: Mutex<Tally> = Mutex::new(Tally { rounds: 0, accepted: 0, clean: 0 });
    let fate = match round(data) {
        Ok(fate) => fate,
        Err(defect) => panic!("{defect}"),
    };
    if let Ok(mut tally) = TALLY.lock() {
        tally.add(fate);
        if tally.rounds.is_power_of_two() || tally.rounds % PRINT_EVERY == 0 {
            eprintln!("{name}: {tally}");
        }
    }
}
