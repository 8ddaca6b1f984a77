//! Programs, entropy and properties for the tests of several modules.

use std::sync::LazyLock;

use arbitrary::Unstructured;
use bytestone_spec::{Isa, builtin};
use bytestone_vm::asm::assemble;
use bytestone_vm::codec::Codec;
use bytestone_vm::generate::Generator;
use bytestone_vm::{Verified, verify};
use quickcheck::{Gen, QuickCheck, Testable};

use crate::machines::built_in;
use crate::random::Random;

/// All built-in machines.
pub fn builtin_isas() -> &'static [Isa] {
    static ISAS: LazyLock<Vec<Isa>> =
        LazyLock::new(|| builtin::names().into_iter().map(built_in).collect());
    &ISAS
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

/// `len` bytes that look random, the same for equal seeds.
pub fn entropy(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random::new(seed.wrapping_mul(0xd134_2543_de82_ef95));
    (0..len).map(|_| random.below(256) as u8).collect()
}

/// Holds a property to `tests` inputs, the same ones in every run.
pub fn check(tests: u64, property: impl Testable) {
    let random = Gen::from_size_and_seed(100, 0x00b1_7e57);
    QuickCheck::new().rng(random).tests(tests).quickcheck(property);
}
