//! The `bytestone` command as a user runs it: output, errors and exit codes.

use std::path::Path;

use crate::tools::bytestone_with;

/// What a call of the command gave.
struct Call {
    code: Option<i32>,
    out: String,
    err: String,
}

fn call_in(folder: &Path, arguments: &[&str], input: &[u8]) -> Call {
    let output = bytestone_with(folder, arguments, input);
    Call {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn call(arguments: &[&str]) -> Call {
    call_in(Path::new(env!("CARGO_MANIFEST_DIR")), arguments, b"")
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// x = 10, y = 3, z = x + y * 2, print z.
const FULL_PROGRAM: &str = "01 0A 00 00 00 08 00 01 03 00 00 00 08 01 07 00 07 01 \
     01 02 00 00 00 05 03 08 02 07 02 09 00";

#[test]
fn run_prints_the_trace_and_then_the_output() {
    let result = call(&["run", "calculator", "--hex", FULL_PROGRAM, "--trace"]);
    assert_eq!(result.code, Some(0), "{}", result.err);
    let lines: Vec<&str> = result.out.lines().collect();
    assert_eq!(lines.len(), 14);
    assert_eq!(lines[6], "18  [10 3 2]            ; PUSH 2");
    assert_eq!(lines[11], "29  [] out 16           ; PRINT");
    assert_eq!(lines[13], "16");

    let result = call(&["run", "calculator", "--hex", FULL_PROGRAM, "--format", "json"]);
    let value = json(&result.out);
    assert_eq!((&value["outcome"], &value["steps"]), (&"halt".into(), &13.into()));
    assert_eq!(value["output"], serde_json::json!([16]));
}

#[test]
fn a_machine_without_halt_shows_its_stack() {
    let result = call(&["run", "calculator-eoc", "--hex", "01 03 00 00 00 01 05 00 00 00 05"]);
    assert_eq!((result.code, result.out.as_str()), (Some(0), "[15]\n"));
}

#[test]
fn exit_codes_tell_what_happened() {
    let cases: [(&[&str], i32, &str); 11] = [
        (
            &["run", "calculator", "--hex", "01 01 00 00 00 01 00 00 00 00 06 00"],
            3,
            "trap div_by_zero at 10",
        ),
        (&["run", "stack", "--hex", "0A FD FF", "--fuel", "9"], 4, "fuel after 9 steps"),
        (&["run", "calculator", "--hex", "03 00"], 1, "stack_underflow at 0 in ADD"),
        (&["verify", "calculator", "--hex", "01 01"], 1, "truncated at 0 in PUSH"),
        (&["verify", "calculator", "--hex", "0"], 1, "--hex"),
        (&["verify", "calcualtor", "--hex", "00"], 2, "calculator-eoc"),
        (&["verify", "calculator", "no-such-file"], 2, "no-such-file"),
        (&["check", "no-such-file.yaml"], 2, "no-such-file.yaml"),
        (&["run", "calculator", "--hex", "00", "--set", "local[99]=1"], 2, "local[99]=1"),
        (&["dis", "calculator", "--hex", "FF"], 1, "unknown_opcode at 0"),
        (&["frobnicate"], 2, "frobnicate"),
    ];
    for (arguments, code, message) in cases {
        let result = call(arguments);
        assert_eq!(result.code, Some(code), "{arguments:?}: {}", result.err);
        assert!(result.err.contains(message), "{arguments:?}: {}", result.err);
    }
}

#[test]
fn faults_of_a_text_have_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("it is written");
    };
    write("low.asm", "; too few\nPUSH 1\n\nADD\nHALT\n");
    let result = call_in(folder.path(), &["verify", "stack", "low.asm"], b"");
    assert_eq!(result.code, Some(1));
    assert!(result.err.contains("stack_underflow at 5 in ADD on line 4: pops 2"), "{}", result.err);
    let result = call_in(folder.path(), &["run", "stack", "low.asm", "--format", "json"], b"");
    assert_eq!(json(&result.out)["faults"][0]["line"], 4);
    write("zero.asm", "PUSH 1\nPUSH 0\nDIV\nHALT\n");
    let result = call_in(folder.path(), &["run", "stack", "zero.asm", "--format", "json"], b"");
    assert_eq!(json(&result.out)["trap"], serde_json::json!({"name": "div_by_zero", "at": 10}));
    assert!(result.err.contains("line 3"), "{}", result.err);
}

#[test]
fn a_text_that_is_taken_for_bytes_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, is_noticed) in [
        (&["run", "stack"][..], true),
        (&["run", "stack", "--from", "bytes"], false),
        (&["verify", "stack", "--from", "hex"], false),
    ] {
        let result = call_in(folder.path(), arguments, b"08 06 0E 0F\n");
        assert_eq!(result.err.contains("--from asm and --from hex"), is_noticed, "{}", result.err);
    }
}

#[test]
fn asm_and_dis_are_inverse() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "again: PUSH 7\nJUMPZ again\nHALT\n";
    let assembled = call_in(folder.path(), &["asm", "stack"], text.as_bytes());
    assert_eq!(assembled.out, "01 07 00 00 00 0B F8 FF 0F\n", "{}", assembled.err);
    let bytes = folder.path().join("loop.bin");
    let written = call_in(
        folder.path(),
        &["asm", "stack", "-", "--to", "bytes", "-o", "loop.bin"],
        text.as_bytes(),
    );
    assert_eq!(written.code, Some(0), "{}", written.err);
    assert_eq!(std::fs::read(&bytes).expect("it was written").len(), 9);
    let plain = call_in(folder.path(), &["dis", "stack", "loop.bin", "--plain"], b"");
    assert_eq!(plain.out, "L0:\nPUSH 7\nJUMPZ L0\nHALT\n");
    let again = call_in(folder.path(), &["asm", "stack"], plain.out.as_bytes());
    assert_eq!(again.out, assembled.out);
}

#[test]
fn all_errors_of_a_text_have_places() {
    let result = call_in(Path::new("."), &["asm", "stack"], b"PSUH 1\nPUSH x\nJUMP nowhere\n");
    assert_eq!(result.code, Some(1));
    for place in ["<stdin>:1:1", "<stdin>:2:6", "<stdin>:3:6"] {
        assert!(result.err.contains(place), "{place} in {}", result.err);
    }
}

#[test]
fn check_names_every_fault() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = "bytestone: spec/1\nisa: tiny\nversion: 1.0.0\ntitle: Tiny\n\
                machine: {stack: {of: i32, depth: 8}}\ncode: {decode: sweep, end: halt}\n\
                instructions:\n  ADD: {enc: '0x01', stack: a b -- r, do: r = a + b, doc: Add.}\n\
                \x20 DUP: {enc: '0x01', stack: a -- a a, doc: Copy.}\n";
    std::fs::write(folder.path().join("tiny.yaml"), spec).expect("it is written");
    let text = call_in(folder.path(), &["check", "tiny.yaml"], b"");
    assert_eq!(text.code, Some(1));
    assert!(
        text.err.contains("tiny.yaml:8:") && text.err.contains("the result may not fit"),
        "{}",
        text.err
    );
    let result =
        call_in(folder.path(), &["check", "tiny.yaml", "calculator", "--format", "json"], b"");
    let value = json(&result.out);
    assert_eq!(result.code, Some(1));
    assert_eq!((&value[0]["sound"], &value[1]["sound"]), (&false.into(), &true.into()));
    assert_eq!(value[0]["faults"][0]["line"], 8);
}

#[test]
fn schemas_and_lists_are_there() {
    for format in ["spec", "cases", "corpus", "known-failures"] {
        assert!(json(&call(&["schema", format]).out)["properties"]["bytestone"].is_object());
    }
    assert_eq!(json(&call(&["isa", "loop"]).out)["instructions"].as_array().map(Vec::len), Some(9));
    let names = call(&["machines"]).out;
    assert!(names.lines().count() >= 6 && names.contains("register-lua"), "{names}");
}
