//! A seeded round of every fuzz target, with floors for what is accepted.

use bytestone::rounds::{Tally, Target};

/// Bytes that look random and are the same in each run.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| byte()).collect()
}

fn tally(target: Target, rounds: u64) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..rounds {
        let input = noise(seed, seed as usize % 300);
        match target.round(&input) {
            Ok(fate) => tally.add(fate),
            Err(defect) => panic!("{} with seed {seed}: {defect}", target.name()),
        }
    }
    println!("{}: {tally}", target.name());
    tally
}

#[test]
fn decoder() {
    let tally = tally(Target::Decoder, 3000);
    assert!(tally.accepted > 0, "{tally}");
}

#[test]
fn verifier() {
    let tally = tally(Target::Verifier, 3000);
    assert!(tally.accepted * 4 > tally.rounds && tally.accepted < tally.rounds, "{tally}");
}

#[test]
fn assembler() {
    let tally = tally(Target::Assembler, 3000);
    assert!(tally.accepted > 0, "{tally}");
}

#[test]
fn spec() {
    let tally = tally(Target::Spec, 1000);
    assert_eq!(tally.accepted, 0, "noise is no spec: {tally}");
}

/// Built-in specs with one line left out or doubled: most are faulty, some are sound machines.
#[test]
fn spec_of_damaged_files() {
    let mut tally = Tally::default();
    for name in bytestone_spec::builtin::names() {
        let source = bytestone_spec::builtin::source(name).expect("it is listed");
        let lines: Vec<&str> = source.text.lines().collect();
        for at in 0..lines.len() {
            let mut damaged = lines.clone();
            if at % 3 == 0 {
                damaged.insert(at, lines[at]);
            } else {
                damaged.remove(at);
            }
            match Target::Spec.round(damaged.join("\n").as_bytes()) {
                Ok(fate) => tally.add(fate),
                Err(defect) => panic!("{name} with line {}: {defect}", at + 1),
            }
        }
    }
    assert!(tally.accepted > 0 && tally.accepted < tally.rounds, "{tally}");
}

#[test]
fn run() {
    let tally = tally(Target::Run, 3000);
    assert!(tally.accepted * 100 > tally.rounds * 95, "over 95 % are accepted: {tally}");
    assert!(tally.clean * 100 > tally.rounds * 60, "over 60 % end cleanly: {tally}");
}

#[test]
fn compiler() {
    let tally = tally(Target::Compiler, 3000);
    assert!(tally.accepted * 100 > tally.rounds * 90, "over 90 % are compiled: {tally}");
    assert!(tally.clean * 100 > tally.rounds * 80, "over 80 % end cleanly: {tally}");
}
