//! The target `compiler`.
#![no_main]

use bytestone::rounds;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bytestone_fuzz::drive(
    "compiler",
    rounds::compiler,
    data
));
