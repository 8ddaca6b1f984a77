//! The target `spec`.
#![no_main]

use bytestone::rounds;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bytestone_fuzz::drive("spec", rounds::spec, data));
