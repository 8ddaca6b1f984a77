//! Test files of bpf_conformance: read, run, written, and told of where they make no sense.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::planted::python_vm;
use crate::tools::{self, bytestone};

/// The folder of the suite, for the test that reads it.
const SUITE: &str = "BYTESTONE_BPF_CONFORMANCE";

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A machine whose instructions are words of 64 bits.
const TOY: &str = r#"
bytestone: spec/1
isa: toy
version: 1.0.0
title: Toy
about: Words of 64 bits.
sources: {"0": "Nowhere"}
machine:
  stack: {of: u64, depth: 8}
  locals: {of: u64, count: 2}
  output: u64
code: {decode: sweep, end: reject}
container: raw
instructions:
  halt: {enc: "0x00 0 0 0 0 0 0 0", stack: "--", do: halt, doc: Stop., ref: 0 part 1}
  push: {enc: "0x01 0 0 0 v:u32", stack: "-- r", do: r = u64(v), doc: Push., ref: 0 part 1}
  add: {enc: "0x02 0 0 0 0 0 0 0", stack: "a b -- r", do: r = a +% b, doc: Add., ref: 0 part 1}
  neg: {enc: "0x03 0 0 0 0 0 0 0", stack: "a -- r", do: r = 0 -% a, doc: Negate., ref: 0 part 1}
  print: {enc: "0x04 0 0 0 0 0 0 0", stack: "a --", do: out a, doc: Print., ref: 0 part 1}
  keep: {enc: "0x05 0 0 0 0 0 0 0", stack: "a --", do: "local[1] = a", doc: Keep., ref: 0 part 1}
"#;

const SUM: &str = "# A sum.
-- c
int f() { return 42; }
-- asm
push 40   # forty
push 2

add
print
halt
-- raw
0x0000002800000001
0x0000000200000001
2 4
0x0
-- result
0x2a # forty-two
";

const MINUS: &str =
    "-- raw\r\n0x100000001 3 4 0\r\n-- no register offset\r\ncall\r\n-- result\r\n-1\r\n";

/// A folder with the toy machine and test files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("toy.yaml"), TOY).expect("the file is written");
    for (name, text) in files {
        let path = folder.path().join("tests").join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("the file is written");
    }
    folder
}

fn import(folder: &Path, more: &[&str]) -> Output {
    let arguments = ["import", "bpf-conformance", "tests", "--machine", "./toy.yaml"];
    bytestone(folder, &[&arguments, more].concat())
}

#[test]
fn test_files_are_run_and_written_as_cases() {
    let files = [("add_2.data", SUM), ("deep/minus.data", MINUS), ("notes.txt", "nothing")];
    let folder = folder(&files);
    let run = import(folder.path(), &["--run", "--out", "cases"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    for part in ["wrote 2 cases", "2 passed, 0 failed", "0 not read"] {
        assert!(out(&run).contains(part), "{part}: {}", out(&run));
    }
    let arguments = ["test", "--corpus", "cases", "--spec", "toy.yaml", "--list"];
    assert_eq!(out(&bytestone(folder.path(), &arguments)), "toy/add-2\ntoy/deep-minus\n");
    let run = bytestone(folder.path(), &arguments[..5]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    // Neither to run nor to write is nothing to do.
    assert_eq!(import(folder.path(), &[]).status.code(), Some(2));
}

#[test]
fn the_first_statement_of_a_name_may_be_a_label() {
    let text = "-- asm\nif halt\npush 1\nprint\n halt\nhalt\n-- result\n0\n";
    let toy = TOY.to_owned()
        + r#"  if: {enc: "0x06 0 0 0 to:rel", stack: "--", do: goto to, doc: Go., ref: 0 part 1}
operands:
  rel: {raw: i32, is: label, value: next + raw}
"#;
    let folder = folder(&[("label.data", text)]);
    fs::write(folder.path().join("toy.yaml"), toy).expect("the file is written");
    let named = |label: &str| import(folder.path(), &["--out", label, "--label", label]);
    let run = named("halt");
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    let cases = fs::read_to_string(folder.path().join("halt/toy/bpf_conformance.yaml"));
    // Over two instructions of eight bytes.
    assert!(cases.expect("it is there").contains("06 00 00 00 10 00 00 00"));
    let run = named("exit");
    assert_eq!(run.status.code(), Some(1), "{}", err(&run));
    assert!(err(&run).contains("label.data:2:4"), "{}", err(&run));
}

#[test]
fn a_wrong_result_fails_and_shows_where_it_stands() {
    let folder = folder(&[("sum.data", &SUM.replace("0x2a", "43")), ("minus.data", MINUS)]);
    let run = import(folder.path(), &["--run"]);
    assert_eq!(run.status.code(), Some(1), "{}{}", out(&run), err(&run));
    for part in ["toy/sum", "sum.data:17", "1 passed, 1 failed"] {
        assert!(out(&run).contains(part), "{part}: {}", out(&run));
    }
    // A failure that is known does not count.
    let written = import(folder.path(), &["--run", "--write-known-failures", "known.yaml"]);
    assert_eq!(written.status.code(), Some(1), "{}", err(&written));
    let run = import(folder.path(), &["--run", "--known-failures", "known.yaml"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
}

#[test]
fn the_result_may_be_in_a_cell() {
    let text = "-- asm\npush 7\nkeep\nhalt\n-- result\n7\n";
    let folder = folder(&[("kept.data", text)]);
    let run = import(folder.path(), &["--run", "--result", "local:1", "--out", "cases"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    let run = bytestone(folder.path(), &["test", "--corpus", "cases", "--spec", "toy.yaml"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    let run = import(folder.path(), &["--run", "--result", "local:2"]);
    assert_eq!(run.status.code(), Some(2), "{}", err(&run));
}

#[test]
fn what_cannot_be_read_is_told_with_file_line_and_reason() {
    let faults = [
        ("a.data", "-- asm\nhalt\n\nhold\n-- result\n0\n", 4, "hold"),
        ("b.data", "-- asm\nhalt\n-- raw\n1\n-- result\n0\n", 3, "other bytes from offset 0 on"),
        ("c.data", "-- asm\nhalt\n-- result\n# nothing\n", 3, "the result is empty"),
        ("d.data", "-- asm\nhalt\n", 1, "there is no `-- result`"),
        ("e.data", "-- asm\nhalt\n-- error\nFailed\n", 3, "in the words of one runtime"),
        ("f.data", "-- asm\nhalt\n-- mem\n0g\n-- result\n0\n", 4, "a byte in hexadecimal"),
        ("g.data", "-- asm\nhalt\n-- mem\n00\n-- result\n0\n", 3, "toy takes no memory"),
        ("h.data", "-- pyelf\nx\n-- result\n0\n", 1, "unknown section `pyelf`"),
        ("i.data", "halt\n-- asm\nhalt\n-- result\n0\n", 1, "expected a section"),
        ("j.data", "-- asm\nhalt\n-- result\n0x1_0\n", 4, "a number of 64 bits"),
        ("k.data", "-- raw\n# none\n-- result\n0\n", 1, "there is no program"),
        ("l.data", "-- raw\n0\n-- result\n0\n-- result\n1\n", 5, "a section of this name"),
        ("m.data", "-- raw\n0\n-- result\n0 1\n", 4, "there is a result already"),
        ("n.data", "-- raw\n-- result\n0x10000000000000000\n", 3, "a number of 64 bits"),
        ("x.data", "-- raw\n0\n-- result\n1\n", 1, "its case is `toy/x`, as that of"),
    ];
    let files: Vec<_> = faults.iter().map(|(name, text, ..)| (*name, *text)).collect();
    // The file whose name comes first keeps the name of the case.
    let good = ("X-.data", "-- raw\n0x700000001 4 0\n-- result\n7\n");
    let folder = folder(&[&files[..], &[good]].concat());
    fs::write(folder.path().join("tests/y.data"), [0xff]).expect("the file is written");
    let run = import(folder.path(), &["--run"]);
    assert_eq!(run.status.code(), Some(1), "{}", out(&run));
    let text = err(&run);
    for (name, _, line, why) in faults {
        assert!(text.contains(&format!("tests/{name}:{line}:")), "{name}:{line}: {text}");
        assert!(text.contains(why), "{why}: {text}");
    }
    assert!(text.contains("y.data: "), "{text}");
    assert!(out(&run).contains("1 passed, 0 failed"), "{}", out(&run));
    let run = import(&folder.path().join("tests"), &["--run"]);
    assert_eq!(run.status.code(), Some(2), "there is no such machine: {}", err(&run));
}

#[test]
fn test_files_are_run_on_engines() {
    tools::need("python3");
    let text = "-- asm\nPUSH 40\nPUSH 2\nADD\nPRINT\nHALT\n-- result\n42\n";
    let folder = folder(&[("sum.data", text)]);
    let vm = shell_words::join(python_vm());
    let arguments =
        ["import", "bpf-conformance", "tests", "--machine", "calculator", "--run", "--vm", &vm];
    let run = bytestone(folder.path(), &arguments);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    assert!(out(&run).contains("1 passed"), "{}", out(&run));
}

#[test]
fn exported_cases_come_back_the_same() {
    let cases = "bytestone: cases/1
isa: toy@1
cases:
- name: add
  about: |
    A sum.
    Of two.
  asm: \"push {a}\\npush 2\\nadd\\nprint\\nhalt\"
  rows:
  - {a: 40, output: [42]}
  - {a: 1, output: [3]}
- name: minus
  asm: \"push 1\\nneg\\nprint\\nhalt\"
  output: [18446744073709551615]
- name: two
  asm: \"push 1\\nprint\\npush 1\\nprint\\nhalt\"
  output: [1, 1]
- name: none
  asm: halt
  final: {stack: []}
- name: cut
  bytecode: \"01\"
  rejects: {phase: decode, reason: truncated, at: 0}
";
    let folder = folder(&[]);
    let manifest = "bytestone: corpus/1\nname: c\nversion: 1.0.0\nlicence: MIT\nmachines: [toy]\n";
    fs::create_dir_all(folder.path().join("cases/toy")).expect("a folder");
    fs::write(folder.path().join("cases/corpus.yaml"), manifest).expect("the file is written");
    fs::write(folder.path().join("cases/toy/toy.yaml"), cases).expect("the file is written");
    let export = |corpus: &str, to: &str| {
        let format = ["export", "--format", "bpf-conformance", "--machine", "./toy.yaml"];
        bytestone(folder.path(), &[&format[..], &["--corpus", corpus, "--out", to]].concat())
    };
    let run = export("cases", "tests");
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    for part in [
        "left out toy/two: the program does not print one value",
        "left out toy/none: the case does not say what the result is",
        "left out toy/cut: the program is rejected",
        "wrote 3 test files to tests, left out 3 cases",
    ] {
        assert!(out(&run).contains(part), "{part}: {}", out(&run));
    }
    let run = import(folder.path(), &["--run", "--out", "again"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    // What was imported is exported as it was, but for names and what is said of it.
    let run = export("again", "tests-again");
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let sections = |path: &str| {
        let text = fs::read_to_string(folder.path().join(path)).expect("the file is there");
        text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
    };
    for (name, again) in [("add/1", "add-1"), ("add/2", "add-2"), ("minus", "minus")] {
        let before = sections(&format!("tests/{name}.data"));
        assert_eq!(sections(&format!("tests-again/{again}.data")), before);
    }
}

/// A program of eBPF that reads its memory.
const SECOND: &str = "-- asm
ldxb %r0, [%r1+1]
jne %r0, 0x2c, exit
sub %r0, 2
exit
-- mem
0b
2c
-- result
0x2a
";

/// A plugin that knows one program only.
const PLUGIN: &str = r#"
import sys
assert sys.argv[1:] == ["0b 2c", "--jit"], sys.argv
code = bytes.fromhex(sys.stdin.readline())
assert code[:8].hex() == "7110010000000000" and len(code) == 32, code
print("0x2a")
"#;

#[test]
fn memory_is_given_to_programs_and_plugins() {
    tools::need("python3");
    let folder = folder(&[("second.data", SECOND)]);
    fs::write(folder.path().join("plugin.py"), PLUGIN).expect("the file is written");
    let import = |more: &[&str]| {
        let arguments = ["import", "bpf-conformance", "tests"];
        bytestone(folder.path(), &[&arguments, more].concat())
    };
    let plugin = "python3 plugin.py {memory} --jit";
    for more in [&["--run", "--out", "cases"][..], &["--run", "--bpf-plugin", plugin]] {
        let run = import(more);
        assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
        assert!(out(&run).contains("1 passed, 0 failed, 0 skipped"), "{}", out(&run));
    }
    let run = bytestone(folder.path(), &["test", "--corpus", "cases"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    let format = ["export", "--format", "bpf-conformance", "--corpus", "cases", "--out", "again"];
    let run = bytestone(folder.path(), &format);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    let text = fs::read_to_string(folder.path().join("again/second.data")).expect("it is there");
    assert!(text.contains("-- mem\n0b 2c\n-- result\n0x2a\n"), "{text}");
    // More than the machine takes.
    let long = SECOND.replace("2c\n", &"2c ".repeat(70_000)).replace("-- res", "\n-- res");
    fs::write(folder.path().join("tests/second.data"), long).expect("the file is written");
    let run = import(&["--run"]);
    assert_eq!(run.status.code(), Some(1), "{}", err(&run));
    assert!(err(&run).contains("second.data:6:1"), "{}", err(&run));
    assert!(err(&run).contains("at most 65536 bytes, and these are 70001"), "{}", err(&run));
}

#[test]
fn the_suite_itself_is_read_where_it_is_there() {
    let Ok(suite) = std::env::var(SUITE) else {
        eprintln!("not run: {SUITE} does not name the folder with the tests of bpf_conformance");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let run = bytestone(folder.path(), &["import", "bpf-conformance", &suite, "--run"]);
    // Calls of addresses and of helpers are not part of the machine, and these files are told of.
    assert!(run.status.code().is_some_and(|code| code < 2), "{}", err(&run));
    assert!(out(&run).contains(" passed, 0 failed, 0 skipped"), "{}{}", out(&run), err(&run));
    let faults = err(&run).matches("error: ").count();
    assert_eq!(faults, err(&run).matches("found `call").count(), "{}", err(&run));
}
