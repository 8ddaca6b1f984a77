//! The target `assembler`.
#![no_main]

use bytestone::rounds;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bytestone_fuzz::drive(
    "assembler",
    rounds::assembler,
    data
));
