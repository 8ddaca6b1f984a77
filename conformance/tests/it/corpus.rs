//! The corpus as a whole: what it must have.

use std::collections::BTreeSet;
use std::path::Path;

use bytestone::case::Expect;
use bytestone::case::load::Machines;
use bytestone::corpus::{self, Corpus};
use bytestone::execute::{Fate, Steps, execute};
use bytestone::registry::Registry;
use bytestone_vm::codec::Codec;

fn read() -> (Registry, Corpus) {
    let machines = Registry::built_in().expect("built-in machines are sound");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let corpus = corpus::read(&folder, &machines).unwrap_or_else(|error| panic!("{error}"));
    (machines, corpus)
}

#[test]
fn every_machine_has_its_share_of_cases() {
    let (machines, corpus) = read();
    for isa in machines.machines() {
        let cases: Vec<_> = corpus.cases_of(isa.name()).collect();
        let jumps = isa.instructions().iter().any(|insn| !insn.effect.jumps.is_empty());
        let least = if jumps { 60 } else { 40 };
        assert!(cases.len() >= least, "{}: {} cases", isa.name(), cases.len());
        assert!(cases.iter().any(|case| case.golden), "{} has no golden case", isa.name());
    }
}

/// Every instruction runs in some case, every trap is raised, and every note of the spec is cited.
#[test]
fn every_instruction_trap_and_note_has_a_case() {
    let (machines, corpus) = read();
    let mut missing = Vec::new();
    for isa in machines.machines() {
        let codec = Codec::new(isa);
        let (mut used, mut traps, mut refs) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for case in corpus.cases_of(isa.name()) {
            refs.extend(case.refs.iter().cloned());
            if let Expect::Runs(run) = &case.expect {
                if let bytestone::case::ExpectedOutcome::Trap { trap, .. } = run.outcome {
                    traps.insert(isa.trap(trap).name.clone());
                }
                if let Fate::Ran(run) = execute(isa, &codec, case, Steps::Keep).fate {
                    used.extend(run.instructions.iter().map(|id| &isa.instruction(*id).name));
                }
            }
        }
        let name = isa.name();
        missing.extend(
            isa.instructions()
                .iter()
                .filter(|insn| !used.contains(&insn.name))
                .map(|insn| format!("{name}: {}", insn.name)),
        );
        let declared = isa.traps().iter().skip(bytestone_spec::isa::LIMIT_TRAPS.len());
        missing.extend(
            declared
                .filter(|trap| !traps.contains(&trap.name))
                .map(|trap| format!("{name}: trap {}", trap.name)),
        );
        for (kind, notes) in [("decision", isa.decisions()), ("erratum", isa.errata())] {
            let cited = notes.iter().map(|note| format!("{kind} {}", note.name));
            missing.extend(
                cited
                    .filter(|reference| !refs.contains(reference))
                    .map(|reference| format!("{name}: {reference}")),
            );
        }
        assert!(machines.machine(name).is_some());
    }
    assert!(missing.is_empty(), "without a case:\n{}", missing.join("\n"));
}
