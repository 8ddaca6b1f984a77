//! The target `assembler`.
#![no_main]

use bytestone::rounds::Target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bytestone_fuzz::drive(Target::Assembler, data));
