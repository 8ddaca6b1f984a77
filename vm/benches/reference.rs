//! Steps per second of the reference tier on a loop program, by kind of trace.

use bytestone_spec::{Isa, load_builtin};
use bytestone_vm::codec::Codec;
use bytestone_vm::trace::{HashTrace, NoTrace, Notation, TextTrace};
use bytestone_vm::{Outcome, Reference, State, Tracer, Verified, verify};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// Steps of one run; each trace stays below its limit.
const STEPS: u64 = 200_000;

const CODE: &[u8] = &[
    0x01, 0xff, 0xff, 0xff, 0x7f, 0x09, 0, // PUSH 2147483647; STORE 0
    0x08, 0, 0x01, 1, 0, 0, 0, 0x04, 0x09, 0, // LOAD 0; PUSH 1; SUB; STORE 0
    0x08, 0, 0x0b, 3, 0, 0x0a, 0xee, 0xff, // LOAD 0; JUMPZ end; JUMP loop
    0x0f, // end: HALT
];

struct Fixture {
    isa: Isa,
    verified: Verified,
}

impl Fixture {
    fn new() -> Self {
        let isa = load_builtin("stack").expect("is built in").expect("has no faults");
        let program = Codec::new(&isa).decode(CODE).expect("is a program");
        let verified = verify(&isa, program).expect("is accepted");
        Self { isa, verified }
    }

    fn run<T: Tracer>(&self, bencher: Bencher<'_, '_>, tracer: impl Fn() -> T) {
        let reference = Reference::new(&self.isa, &self.verified);
        bencher
            .counter(ItemsCount::new(STEPS))
            .with_inputs(|| (State::new(&self.isa), tracer()))
            .bench_local_refs(|(state, tracer)| {
                let outcome = reference.run(state, STEPS, tracer);
                assert_eq!(outcome, Ok(Outcome::Fuel));
            });
    }
}

#[divan::bench]
fn untraced(bencher: Bencher<'_, '_>) {
    Fixture::new().run(bencher, || NoTrace);
}

#[divan::bench]
fn hash(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new();
    fixture.run(bencher, || HashTrace::new(&fixture.isa));
}

#[divan::bench]
fn text(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new();
    let notation = Notation::new(&fixture.isa, fixture.verified.program());
    fixture.run(bencher, || TextTrace::new(&notation));
}
