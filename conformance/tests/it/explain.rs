//! `bytestone explain` as a user runs it.

use std::process::{Command, Output};

use bytestone::corpus;
use bytestone::explain::{explain, find};
use bytestone::registry::{Registry, open_machine};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bytestone"))
        .arg("explain")
        .args(arguments)
        .output()
        .expect("the command starts")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_case_is_shown_with_all_that_belongs_to_it() {
    let text = out(&run(&["stack/opcode-0c-is-call"]));
    for part in [
        "stack/opcode-0c-is-call (corpus/stack/errata.yaml:",
        "CALL is 0C, as the table of opcodes says.",
        "worked out by hand",
        "erratum opcode-numbers [000 part 4]: The source gives opcode 01",
        ";    0  0c 06 00 00 00",
        "The program halts.",
        "0  [] frame 1 ",
        "RET   Return to the instruction after the call. [000 part 4]",
        "bytestone test --case stack/opcode-0c-is-call --vm COMMAND",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    let json = out(&run(&["stack/opcode-0c-is-call", "--format", "json"]));
    let value: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(value["bytecode"], "0c060000000f0d");
    assert_eq!(value["trace"].as_array().map(Vec::len), Some(3));
    assert_eq!(value["more_steps"], 0);
}

#[test]
fn an_unknown_id_suggests_others() {
    for id in ["stack/opcode-0c-is-cal", "opcode-0c-is-call"] {
        let result = run(&[id]);
        let err = String::from_utf8_lossy(&result.stderr).into_owned();
        assert_eq!(result.status.code(), Some(2));
        assert!(err.contains("did you mean stack/opcode-0c-is-call"), "{err}");
    }
    let err = String::from_utf8_lossy(&run(&["qqqqqqqq"]).stderr).into_owned();
    assert!(err.contains("bytestone test --list"), "{err}");
}

/// Every case of the corpus can be explained; none differs, and no trace is longer than a page or two.
#[test]
fn every_case_can_be_explained() {
    let machines = Registry::built_in().expect("built-in machines are sound");
    let corpus = corpus::built_in(&machines).expect("the corpus is sound");
    for file in &corpus.files {
        let isa = open_machine(&file.content.machine).expect("it is sound");
        for case in &file.content.cases {
            let (_, found) = find(&corpus, &case.id).expect("it is there");
            assert_eq!(found.id, case.id);
            let explained = explain(&isa, file, case).expect("it has a result");
            assert!(explained.differences.is_empty(), "{}", case.id);
            assert!(explained.trace.len() <= 100, "{}", case.id);
            let steps = explained.case.computed.run.map_or(0, |run| run.steps);
            assert_eq!(steps, explained.trace.len() as u64 + explained.more_steps, "{}", case.id);
            assert!(explained.rests_on.iter().all(|cited| cited.text.is_some()), "{}", case.id);
        }
    }
}
