//! The target `run`.
#![no_main]

use bytestone::rounds;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bytestone_fuzz::drive("run", rounds::run, data));
