//! Programs per second, generated, decoded, verified and run, by machine.

use arbitrary::Unstructured;
use bytestone_spec::{Isa, builtin, load_builtin};
use bytestone_vm::codec::Codec;
use bytestone_vm::generate::Generator;
use bytestone_vm::trace::NoTrace;
use bytestone_vm::{Outcome, Reference, State, verify};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// Programs of one round.
const PROGRAMS: u64 = 1_000;
/// Steps of a program at most.
const FUEL: u64 = 1_000;
/// Bytes of entropy of the greatest programs.
const ENTROPY: u64 = 512;

/// Bytes that look random (SplitMix64).
fn entropy(seed: u64) -> Vec<u8> {
    let words = (1..).map(|count: u64| {
        let start = seed.wrapping_mul(0xd134_2543_de82_ef95);
        let mut word = start.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    });
    words.flat_map(u64::to_le_bytes).take((seed % ENTROPY) as usize).collect()
}

fn run(isa: &Isa, codec: &Codec<'_>, code: &[u8]) -> Outcome {
    let program = codec.decode(code).expect("is a program");
    let verified = verify(isa, program).expect("is accepted");
    let run = Reference::new(isa, &verified).run(&mut State::new(isa), FUEL, &mut NoTrace);
    run.expect("does not get stuck")
}

#[divan::bench(args = builtin::names())]
fn programs(bencher: Bencher<'_, '_>, name: &str) {
    let isa = load_builtin(name).expect("is built in").expect("has no faults");
    let (codec, generator) = (Codec::new(&isa), Generator::new(&isa).expect("programs can end"));
    let entropies: Vec<Vec<u8>> = (0..PROGRAMS).map(entropy).collect();
    bencher.counter(ItemsCount::new(PROGRAMS)).bench_local(|| {
        let programs = entropies.iter().map(|it| generator.program(&mut Unstructured::new(it)));
        programs.filter(|code| run(&isa, &codec, code) == Outcome::Halt).count()
    });
}
