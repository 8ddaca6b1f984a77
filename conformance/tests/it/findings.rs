//! What fuzzing finds, as case files.

use bytestone::campaign::{Found, Kind, Programs, What};
use bytestone::case::load;
use bytestone::registry::Registry;
use bytestone::runner::run_case;
use bytestone::verdict::Verdict;
use bytestone_spec::diagnostic::Source;
use bytestone_vm::codec::Codec;

/// Programs of each machine.
const PROGRAMS: u64 = 300;

/// Whatever program is found, the case file that is written for it can be read and holds: so it goes into a corpus as it is.
#[test]
fn a_finding_of_any_machine_is_a_case_that_holds() {
    let machines = Registry::built_in().expect("built-in machines are sound");
    for isa in machines.machines() {
        let codec = Codec::new(isa);
        let programs = Programs::new(isa, 7).expect("programs can end");
        let mut held = 0;
        for number in 0..PROGRAMS {
            let found = Found {
                engine: "some engine".to_owned(),
                machine: isa.name().to_owned(),
                seed: 7,
                number,
                kind: Kind { what: What::Mishap("crashed"), instruction: None },
                candidate: programs.candidate(number),
                verdict: Verdict::Pass,
            };
            let text = programs.case_file(&found).unwrap_or_else(|error| panic!("{error}"));
            let source = Source { name: "found.yaml".to_owned(), text: text.clone() };
            let file =
                load::load(source, &machines).unwrap_or_else(|faulty| panic!("{faulty}\n{text}"));
            for case in &file.cases {
                let verdict = run_case(isa, &codec, case);
                assert!(matches!(verdict, Verdict::Pass), "{verdict:?}\n{text}");
                held += 1;
            }
        }
        assert_eq!(held, PROGRAMS, "{}", isa.name());
    }
}
