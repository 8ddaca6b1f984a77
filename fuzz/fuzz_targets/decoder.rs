//! The target `decoder`.
#![no_main]

use bytestone::rounds;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bytestone_fuzz::drive("decoder", rounds::decoder, data));
