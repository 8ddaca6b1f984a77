//! Machines, runs and properties for the tests of several modules.

use std::sync::atomic::{AtomicU32, Ordering};

use arbitrary::Unstructured;
use bytestone_lang::{Pass, Passes, Source};
use bytestone_spec::Isa;
use bytestone_vm::codec::Codec;
use bytestone_vm::trace::NoTrace;
use bytestone_vm::{Outcome, Reference, State, verify};
use quickcheck::{Gen, QuickCheck, Testable};

/// A built-in machine.
pub fn built_in(name: &str) -> Isa {
    bytestone_spec::load_builtin(name).expect("there is such a machine").expect("it has no faults")
}

/// A source that is within the limits.
pub fn source(text: &str) -> Source {
    Source::new(text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Runs code that the verifier accepts until it ends.
pub fn run(isa: &Isa, code: &[u8]) -> (Outcome, State) {
    let program = Codec::new(isa).decode(code).unwrap_or_else(|error| panic!("{error}"));
    let verified = verify(isa, program).unwrap_or_else(|rejection| panic!("{rejection}"));
    let mut state = State::new(isa);
    let outcome = Reference::new(isa, &verified).run(&mut state, 1 << 30, &mut NoTrace);
    (outcome.expect("a verified program does not get stuck"), state)
}

/// What came of the inputs of a property, by kind.
pub struct Tally<const KINDS: usize>([AtomicU32; KINDS]);

impl<const KINDS: usize> Tally<KINDS> {
    pub const fn new() -> Self {
        Self([const { AtomicU32::new(0) }; KINDS])
    }

    pub fn count(&self, kind: usize) {
        self.0[kind].fetch_add(1, Ordering::Relaxed);
    }

    pub fn counts(&self) -> [u32; KINDS] {
        std::array::from_fn(|kind| self.0[kind].load(Ordering::Relaxed))
    }
}

/// No pass, each alone, all but each, and all.
pub fn selections() -> impl Iterator<Item = Passes> {
    let each = Pass::ALL.into_iter();
    let single = each.clone().map(|pass| Passes::NONE.with(pass));
    let without = each.map(|pass| Passes::ALL.without(pass));
    [Passes::NONE, Passes::ALL].into_iter().chain(single).chain(without)
}

/// What `make` makes of entropy.
pub fn made<T>(entropy: &[u8], make: impl FnOnce(&mut Unstructured<'_>) -> T) -> T {
    make(&mut Unstructured::new(entropy))
}

/// Holds a property to `tests` inputs of up to `size` entries, the same ones in every run.
pub fn check(tests: u64, size: usize, property: impl Testable) {
    let random = Gen::from_size_and_seed(size, 0x00b1_7e57);
    QuickCheck::new().rng(random).tests(tests).quickcheck(property);
}
