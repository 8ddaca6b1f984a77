//! `bytestone compare-isa`: its tables, and what cannot be compared.

use std::path::Path;
use std::process::Output;

use crate::manual::assert_golden;
use crate::tools::bytestone;

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("it is written");
    }
    folder
}

/// Two small programs, the figures counted by hand.
#[test]
fn programs_are_measured_on_each_machine() {
    let folder = folder(&[
        ("sum.calc", "x = 10; y = 3\nz = x + y * 2\nprint z\n"),
        ("one.calc", "print 1\n"),
    ]);
    let result = bytestone(folder.path(), &["compare-isa", "sum.calc", "one.calc"]);
    assert_eq!(result.status.code(), Some(0), "{}", err(&result));
    assert_golden("compare-isa.txt", out(&result));

    let arguments = ["compare-isa", "one.calc", "--format", "json", "--passes", "fold,peephole"];
    let result = bytestone(folder.path(), &arguments);
    let json: serde_json::Value = serde_json::from_str(&out(&result)).expect("it is JSON");
    let machines = serde_json::json!([
        {"machine": "calculator", "bytes": 7, "instructions": 3, "steps": 3,
         "opcodes": {"HALT": 1, "PUSH": 1, "PRINT": 1}},
        {"machine": "register", "bytes": 12, "instructions": 3, "steps": 3,
         "opcodes": {"HALT": 1, "LOAD": 1, "PRINT": 1}},
    ]);
    assert_eq!(
        json["programs"],
        serde_json::json!([{"program": "one.calc", "machines": machines}])
    );
    assert_eq!(
        (&json["total"], &json["passes"]),
        (&machines, &serde_json::json!(["fold", "peephole"]))
    );
}

/// On the built-in sources a register machine takes fewer and longer instructions.
#[test]
fn the_built_in_sources_are_compared_on_any_machines_of_a_language() {
    let total = |machines: &str| {
        let arguments = ["compare-isa", "--format", "json", "--machines", machines];
        let result = bytestone(Path::new("."), &arguments);
        assert_eq!(result.status.code(), Some(0), "{}", err(&result));
        let json: serde_json::Value = serde_json::from_str(&out(&result)).expect("it is JSON");
        assert!(json["programs"].as_array().is_some_and(|programs| programs.len() >= 10), "{json}");
        json["total"].clone()
    };
    let total_of = total("calculator,stack,register");
    let steps = |at: usize| total_of[at]["steps"].as_u64().expect("a number");
    assert_eq!(steps(0), steps(1));
    assert!(steps(2) * 10 < steps(0) * 9, "{total_of}");
    total("script");
}

#[test]
fn what_cannot_be_compared_is_told() {
    let folder = folder(&[
        ("wrong.calc", "print 1 +"),
        ("result.calc", "1 + 2"),
        ("long.script", "print 2147483647 + 1;"),
    ]);
    let cases: [(&[&str], i32, &str); 5] = [
        (&["wrong.calc"], 1, "--> wrong.calc:1:10"),
        (&["result.calc"], 1, "the machine has no operand stack that could hold a result"),
        (&["--machines", "calculator,script"], 2, "the machines are not of one language"),
        (&["--machines", "loop"], 2, "no language is compiled to the machine `loop`"),
        (
            &["long.script", "--machines", "script,lecture"],
            1,
            "do not do the same: script halt [2147483648]; lecture halt [-2147483648]",
        ),
    ];
    for (arguments, code, message) in cases {
        let result = bytestone(folder.path(), &[&["compare-isa"], arguments].concat());
        assert_eq!(result.status.code(), Some(code), "{arguments:?}: {}", err(&result));
        assert!(err(&result).contains(message), "{arguments:?}: {}", err(&result));
    }
}
