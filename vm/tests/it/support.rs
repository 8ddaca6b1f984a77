//! Machines, programs and entropy for the tests of several modules.

use std::sync::LazyLock;

use arbitrary::Unstructured;
use bytestone_spec::diagnostic::Source;
use bytestone_spec::load::{BuiltinOnly, load};
use bytestone_spec::{Isa, builtin, load_builtin};
use bytestone_vm::asm::assemble;
use bytestone_vm::codec::Codec;
use bytestone_vm::generate::Generator;
use bytestone_vm::{Verified, verify};
use quickcheck::{Gen, QuickCheck, Testable};

/// All built-in machines.
pub fn builtin_isas() -> &'static [Isa] {
    static ISAS: LazyLock<Vec<Isa>> =
        LazyLock::new(|| builtin::names().into_iter().map(builtin_isa).collect());
    &ISAS
}

/// A built-in machine.
pub fn builtin_isa(name: &str) -> Isa {
    load_builtin(name).expect("it is built in").unwrap_or_else(|faults| panic!("{faults}"))
}

/// The machine that a spec file describes.
pub fn isa(text: &str) -> Isa {
    let source = Source { name: "test.yaml".into(), text: text.into() };
    load(source, &BuiltinOnly).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The verified program of an assembly text.
pub fn assembled(isa: &Isa, text: &str) -> Verified {
    let codec = Codec::new(isa);
    let code = assemble(&codec, text).unwrap_or_else(|errors| panic!("{errors}")).bytes;
    verified(isa, &code)
}

/// A generated program.
pub fn generated(isa: &Isa, seed: u64) -> Verified {
    let generator = Generator::new(isa).expect("its programs can end");
    let bytes = entropy(seed, (seed % 512) as usize);
    verified(isa, &generator.program(&mut Unstructured::new(&bytes)))
}

fn verified(isa: &Isa, code: &[u8]) -> Verified {
    let program = Codec::new(isa).decode(code).unwrap_or_else(|error| panic!("{error}"));
    verify(isa, program).unwrap_or_else(|rejection| panic!("{rejection}"))
}

/// `len` bytes that look random, the same for equal seeds (SplitMix64).
pub fn entropy(seed: u64, len: usize) -> Vec<u8> {
    let words = (1..).map(|count: u64| {
        let start = seed.wrapping_mul(0xd134_2543_de82_ef95);
        let mut word = start.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    });
    words.flat_map(u64::to_le_bytes).take(len).collect()
}

/// Holds a property to `tests` inputs, the same ones in every run.
pub fn check(tests: u64, property: impl Testable) {
    let random = Gen::from_size_and_seed(100, 0x00b1_7e57);
    QuickCheck::new().rng(random).tests(tests).quickcheck(property);
}
