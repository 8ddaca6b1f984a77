//! Engines as users set them up: project files, one-shot commands, panels, known failures, fuzzing.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value as Json;

use crate::planted::{c_vm, python_vm};
use crate::tools::{self, bytestone};

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("the file is written");
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A calculator that takes a file, prints a value a line and exits: it knows nothing of Bytestone.
const ONE_SHOT: &str = r#"
import struct, sys
code, pc, stack, variables = open(sys.argv[1], "rb").read(), 0, [], [0] * 26
wrap = lambda v: (v + 2**31) % 2**32 - 2**31
while code[pc]:
    op = code[pc]
    if op == 1: stack.append(struct.unpack_from("<i", code, pc + 1)[0]); pc += 5; continue
    if op == 2: stack.pop()
    if op in (3, 4, 5, 6):
        b, a = stack.pop(), stack.pop()
        if op == 6 and b == 0: sys.exit(f"ZeroDivide at offset {pc}")
        quotient = abs(a) // abs(b) if b else 0
        stack.append(wrap([a + b, a - b, a * b, quotient if (a < 0) == (b < 0) else -quotient][op - 3]))
    if op == 7: stack.append(variables[code[pc + 1]]); pc += 1
    if op == 8: variables[code[pc + 1]] = stack.pop(); pc += 1
    if op == 9: print("out", stack.pop())
    pc += 1
"#;

const ONE_SHOT_PROJECT: &str = r#"
bytestone: project/1
machines: [calculator]
min_cases: 100
engines:
- name: plain-command
  form: one-shot
  version: "7"
  command: python3 calculator.py {program}
  machine: calculator@1
  output: '^out (-?\d+)$'
  exit: {0: halt, 1: unsupported}
  traps: {ZeroDivide: div_by_zero}
  stderr:
  - {match: 'ZeroDivide at offset (?<at>\d+)', outcome: trap ZeroDivide}
"#;

#[test]
fn a_command_that_takes_a_file_is_an_engine() {
    tools::need("python3");
    let folder = folder();
    write(folder.path(), "calculator.py", ONE_SHOT);
    write(folder.path(), "bytestone.yaml", ONE_SHOT_PROJECT);
    let run = bytestone(folder.path(), &["test"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    assert!(out(&run).contains("plain-command 7: calculator at level outcome"), "{}", out(&run));
    // The same with a fault: the values come out in the wrong type.
    write(folder.path(), "calculator.py", &ONE_SHOT.replace("(v + 2**31) % 2**32 - 2**31", "v"));
    let run = bytestone(folder.path(), &["test", "--case", "add-*"]);
    assert_eq!(run.status.code(), Some(1), "{}{}", out(&run), err(&run));
    // No request goes to such a command.
    assert!(!out(&run).contains("its request"), "{}", out(&run));
}

#[test]
fn a_faulty_project_has_all_its_faults_told() {
    let folder = folder();
    let text = ONE_SHOT_PROJECT
        .replace("command: python3 calculator.py {program}", "command: python3 calculator.py")
        .replace("0: halt", "0: stop")
        .replace("min_cases: 100", "min_cases: many\nlevel: complete");
    write(folder.path(), "bytestone.yaml", &text);
    let run = bytestone(folder.path(), &["test"]);
    assert_eq!(run.status.code(), Some(2), "{}", err(&run));
    for part in ["{program}", "expected a number", "`outcome`, `final`, `pc` or `full`", "`halt`"] {
        assert!(err(&run).contains(part), "{part}: {}", err(&run));
    }
}

#[test]
fn a_level_that_is_not_reached_and_too_few_cases_are_told() {
    tools::need("python3");
    let folder = folder();
    write(folder.path(), "calculator.py", ONE_SHOT);
    let with_level = format!("{ONE_SHOT_PROJECT}level: final\n");
    write(folder.path(), "bytestone.yaml", &with_level);
    let run = bytestone(folder.path(), &["test"]);
    assert_eq!(run.status.code(), Some(2), "{}", err(&run));
    assert!(err(&run).contains("level outcome only"), "{}", err(&run));
    let command = shell_words::join(python_vm());
    let many = format!(
        "bytestone: project/1\nmachines: [calculator-eoc]\nmin_cases: 1000\nengines:\n- name: p\n  command: {command}\n"
    );
    write(folder.path(), "bytestone.yaml", &many);
    let run = bytestone(folder.path(), &["test"]);
    assert_eq!(run.status.code(), Some(1), "{}", out(&run));
    assert!(err(&run).contains("asks for 1000"), "{}", err(&run));
}

/// The VM in Python, which ends at programs that multiply.
const ENDS: &str = r#"
import os
import sys

sys.path.insert(0, sys.argv[1])
import bytestone
import vm

engine = vm.build()


def run(request, recorder):
    if b"\x05" in request.program:
        os._exit(3)
    return engine.run(request, recorder)


bytestone.serve(engine._replace(run=run))
"#;

#[test]
fn a_case_at_which_an_engine_ends_can_be_known() {
    let folder = folder();
    write(folder.path(), "ends.py", ENDS);
    let script = folder.path().join("ends.py").display().to_string();
    let kit = Path::new(&python_vm()[1]).parent().expect("a folder").display().to_string();
    let vm = shell_words::join(["python3".to_owned(), script, kit]);
    let test = |more: &[&str]| {
        let arguments = ["test", "--vm", &vm, "--case", "calculator/{halt,mul}"];
        bytestone(folder.path(), &[&arguments[..], more].concat())
    };
    let run = test(&["--write-known-failures", "known.yaml"]);
    assert_eq!(run.status.code(), Some(5), "{}{}", out(&run), err(&run));
    let run = test(&["--known-failures", "known.yaml"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    assert!(out(&run).contains("1 known"), "{}", out(&run));
}

#[test]
fn known_failures_are_written_read_and_go_stale() {
    let folder = folder();
    let vm = |bug: &str| shell_words::join(c_vm().into_iter().chain(["--bug".into(), bug.into()]));
    let (buggy, good) = (vm("calculator_div_floors"), shell_words::join(c_vm()));
    let test = |vm: &str, more: &[&str]| {
        let arguments = ["test", "--machine", "calculator", "--vm", vm];
        bytestone(folder.path(), &[&arguments[..], more].concat())
    };
    let run = test(&buggy, &["--write-known-failures", "known.yaml"]);
    assert_eq!(run.status.code(), Some(1), "{}", err(&run));
    let run = test(&buggy, &["--known-failures", "known.yaml"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    assert!(out(&run).contains("known to fail"), "{}", out(&run));
    let run = test(&good, &["--known-failures", "known.yaml"]);
    assert_eq!(run.status.code(), Some(1), "an unexpected pass fails the run");
    assert!(out(&run).contains("listed as a known failure"), "{}", out(&run));
    let known = std::fs::read_to_string(folder.path().join("known.yaml")).expect("it is there");
    write(folder.path(), "known.yaml", &format!("{known}  expires: 2001-01-01\n"));
    let run = test(&buggy, &["--known-failures", "known.yaml"]);
    assert_eq!(run.status.code(), Some(1), "an expired entry fails the run");
    assert!(err(&run).contains("expired on 2001-01-01"), "{}", err(&run));
    let stale = "- case: calculator/no-such-case\n  reason: gone\n";
    write(folder.path(), "known.yaml", &format!("{known}{stale}"));
    let run = bytestone(folder.path(), &["test", "--vm", &buggy, "--known-failures", "known.yaml"]);
    assert_eq!(run.status.code(), Some(1), "a stale entry fails the run");
    assert!(err(&run).contains("stale"), "{}", err(&run));
}

#[test]
fn a_panel_names_the_odd_one_out() {
    let folder = folder();
    let buggy: Vec<String> =
        c_vm().into_iter().chain(["--bug".into(), "stack_div_unsigned".into()]).collect();
    let (c, python, buggy) =
        (shell_words::join(c_vm()), shell_words::join(python_vm()), shell_words::join(buggy));
    let hex = "01 F9 FF FF FF 01 02 00 00 00 06 0E 0F";
    let engines = ["--vm", &c, "--vm", &python];
    let ask = |more: &[&str]| {
        let program = ["diff", "stack", "--format", "json", "--hex", hex];
        let run = bytestone(folder.path(), &[&program, &engines[..], more].concat());
        let json: Json = serde_json::from_str(&out(&run)).expect("it is JSON");
        (run.status.code(), json)
    };
    let (code, answer) = ask(&[]);
    assert_eq!((code, &answer["agree"]), (Some(0), &Json::from(true)), "{answer}");
    let (code, answer) = ask(&["--vm", &buggy]);
    assert_eq!(code, Some(1), "{answer}");
    assert!(answer["alone"].as_str().is_some_and(|name| name.contains("stack_div_unsigned")));
    assert_eq!(answer["differing"][0]["instruction"], "DIV", "{answer}");
    assert_eq!(answer["differing"][0]["step"], 2, "{answer}");
}

/// What `bytestone fuzz` finds, without the paths.
fn fuzz(folder: &Path, vm: &str, machine: &str, more: &[&str]) -> (Option<i32>, Vec<Json>) {
    let arguments = ["fuzz", "--vm", vm, "--machine", machine, "--format", "json", "--jobs", "1"];
    let run = bytestone(folder, &[&arguments[..], more].concat());
    let lines = out(&run).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (run.status.code(), lines)
}

#[test]
fn fuzzing_finds_the_same_again_and_writes_cases_that_hold() {
    let folder = folder();
    let vm = shell_words::join(c_vm());
    let (code, lines) = fuzz(folder.path(), &vm, "stack", &["--cases", "2000"]);
    assert_eq!(code, Some(0), "{lines:?}");
    let finished = lines.last().expect("a summary");
    assert_eq!(finished["programs"], 2000);
    assert!(finished["accepted"].as_u64() > Some(1600), "{finished}");
    assert!(finished["clean"].as_u64() > Some(1200), "{finished}");
    let buggy = format!("{vm} --bug stack_neg_complements");
    let find = || fuzz(folder.path(), &buggy, "stack", &["--cases", "2000", "-o", "found"]);
    let (code, lines) = find();
    assert_eq!(code, Some(1), "{lines:?}");
    assert_eq!(lines[0]["instruction"], "NEG", "{lines:?}");
    assert_eq!(find(), (code, lines.clone()), "the same seed finds the same");
    // The finding is a case: alone in a corpus it holds on the tools, and fails on the engine.
    let corpus = folder.path().join("corpus/stack");
    std::fs::create_dir_all(&corpus).expect("a folder");
    let file = lines[0]["file"].as_str().expect("a path");
    std::fs::copy(folder.path().join(file), corpus.join("found.yaml")).expect("it is there");
    let manifest =
        "bytestone: corpus/1\nname: found\nversion: 1.0.0\nlicence: MIT\nmachines: [stack]\n";
    write(folder.path(), "corpus/corpus.yaml", manifest);
    for (engine, expected) in [(None, 0), (Some(&vm), 0), (Some(&buggy), 1)] {
        let mut arguments = vec!["test", "--corpus", "corpus"];
        if let Some(engine) = engine {
            arguments.extend(["--vm", engine]);
        }
        let run = bytestone(folder.path(), &arguments);
        assert_eq!(run.status.code(), Some(expected), "{engine:?}: {}{}", out(&run), err(&run));
    }
}

#[test]
fn expectations_may_be_open() {
    let folder = folder();
    let corpus = folder.path().join("corpus/stack");
    std::fs::create_dir_all(&corpus).expect("a folder");
    let manifest =
        "bytestone: corpus/1\nname: open\nversion: 1.0.0\nlicence: MIT\nmachines: [stack]\n";
    write(folder.path(), "corpus/corpus.yaml", manifest);
    let case = |output: &str, local: &str| {
        format!(
            "bytestone: cases/1\nisa: stack@1\ncases:\n- name: open\n  asm: |\n    PUSH -7\n    PUSH 2\n    DIV\n    \
             PRINT\n    PUSH 255\n    STORE 3\n    HALT\n  output: [{output}]\n  final:\n    local: {{3: \"{local}\"}}\n  \
             trace: |\n    [?]\n    [? {{2|3}}]\n    ...\n"
        )
    };
    let floors: Vec<String> =
        c_vm().into_iter().chain(["--bug".into(), "stack_div_unsigned".into()]).collect();
    let floors = shell_words::join(floors);
    // What must come of it: on the tools, on a good engine, and on one that prints 2147483644.
    for (output, local, codes) in [
        ("\"?\"", "0xf?", [0, 0, 0]),
        ("\"{-3|-4}\"", "255", [0, 0, 1]),
        ("\"{-3|2147483644}\"", "0x??", [0, 0, 0]),
        ("\"{1|2}\"", "?", [1, 1, 1]),
        ("\"?\"", "0x0?", [1, 1, 1]),
    ] {
        write(folder.path(), "corpus/stack/open.yaml", &case(output, local));
        let good = shell_words::join(c_vm());
        for (engine, code) in [None, Some(&good), Some(&floors)].into_iter().zip(codes) {
            let vm = engine.map_or(vec![], |engine| vec!["--vm", engine]);
            let run =
                bytestone(folder.path(), &[&["test", "--corpus", "corpus"], &vm[..]].concat());
            assert_eq!(
                run.status.code(),
                Some(code),
                "{output} {engine:?}: {}{}",
                out(&run),
                err(&run)
            );
        }
    }
    write(folder.path(), "corpus/stack/open.yaml", &case("\"{1}\"", "0xzz?"));
    let run = bytestone(folder.path(), &["test", "--corpus", "corpus"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(
        err(&run).contains("`{1}` is no value") && err(&run).contains("`0xzz?`"),
        "{}",
        err(&run)
    );
}

#[test]
fn results_do_not_depend_on_how_many_run_at_once() {
    let folder = folder();
    let vm =
        shell_words::join(c_vm().into_iter().chain(["--bug".into(), "stack_div_unsigned".into()]));
    let report = |jobs: &str| {
        let arguments =
            ["test", "--machine", "stack", "--format", "json", "--jobs", jobs, "--vm", &vm];
        out(&bytestone(folder.path(), &arguments))
    };
    assert_eq!(report("1"), report("3"));
}

#[test]
fn cases_are_listed_with_what_they_rest_on() {
    let folder = folder();
    let list = |arguments: &[&str]| {
        let chosen = ["test", "--list", "--case", "calculator/precedence"];
        let run = bytestone(folder.path(), &[&chosen, arguments].concat());
        assert_eq!(run.status.code(), Some(0), "{}", err(&run));
        out(&run)
    };
    assert_eq!(list(&[]), "calculator/precedence\n");
    assert_eq!(list(&["--refs"]), "calculator/precedence\t000 part 9\n");
    assert_eq!(list(&["--format", "json"]), "{\"id\":\"calculator/precedence\"}\n");
    assert_eq!(
        list(&["--refs", "--format", "json"]),
        "{\"id\":\"calculator/precedence\",\"refs\":[\"000 part 9\"]}\n"
    );
    let run = bytestone(folder.path(), &["test", "--list", "--format", "junit"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(err(&run).contains("--list is written as text or as json"), "{}", err(&run));
}

#[test]
fn shards_deal_out_every_case_once() {
    let folder = folder();
    let list = |shard: &str| {
        let run = bytestone(folder.path(), &["test", "--list", "--shard", shard]);
        out(&run).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut dealt = [list("1/3"), list("2/3"), list("3/3")].concat();
    let mut all = list("1/1");
    dealt.sort();
    all.sort();
    assert_eq!(dealt, all);
    assert_eq!(
        bytestone(folder.path(), &["test", "--list", "--shard", "4/3"]).status.code(),
        Some(2)
    );
}

#[test]
fn watching_runs_again_when_a_case_changes() {
    let folder = folder();
    let made = bytestone(folder.path(), &["new", "tiny"]);
    assert!(made.status.success(), "{}", err(&made));
    let project = folder.path().join("tiny");
    let log = folder.path().join("log");
    let file = std::fs::File::create(&log).expect("the file is made");
    let mut watching = Command::new(env!("CARGO_BIN_EXE_bytestone"))
        .args(["test", "--watch"])
        .current_dir(&project)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(file)
        .spawn()
        .expect("the command starts");
    let runs = || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.matches("watching for changes").count()
    };
    let case = project.join("cases/tiny/basics.yaml");
    let text = std::fs::read_to_string(&case).expect("there are cases");
    let begun = std::time::Instant::now();
    // The file is touched again and again: the first time may come before the watch has begun.
    while runs() < 2 && begun.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(200));
        if runs() == 1 {
            std::fs::write(&case, format!("{text}# {:?}\n", begun.elapsed()))
                .expect("it is written");
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
    }
    let runs = runs();
    watching.kill().and_then(|()| watching.wait().map(drop)).expect("it ends");
    assert!(runs >= 2, "{runs} runs");
}

#[test]
fn what_the_readme_says_of_vms_works() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README is there");
    let section =
        readme.split("\n## ").find(|part| part.starts_with("Hold a VM")).expect("a section");
    let commands: Vec<&str> =
        section.lines().filter_map(|line| line.strip_prefix("bytestone ")).collect();
    assert_eq!(commands.len(), 2);
    for (command, code) in commands.into_iter().zip([0, 1]) {
        let words = shell_words::split(command).expect("a command");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let run = bytestone(&root, &words);
        assert_eq!(run.status.code(), Some(code), "{command}: {}{}", out(&run), err(&run));
    }
}

#[test]
fn one_request_can_be_taken_out_and_played() {
    let folder = folder();
    let case = "calculator/divide-by-zero/1";
    let run = bytestone(folder.path(), &["test", "--emit-request", case]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    write(folder.path(), "requests", &out(&run));
    let file = std::fs::File::open(folder.path().join("requests")).expect("it is there");
    let words = c_vm();
    let answer =
        Command::new(&words[0]).args(&words[1..]).stdin(file).output().expect("the engine starts");
    let answers = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(answers.contains("\"trap\":\"div_by_zero\""), "{answers}");
}

#[test]
fn state_that_leaks_shows_when_cases_are_shuffled() {
    let folder = folder();
    let vm =
        shell_words::join(c_vm().into_iter().chain(["--bug".into(), "stack_values_kept".into()]));
    let arguments = ["test", "--machine", "stack", "--jobs", "1", "--shuffle", "--vm", &vm];
    let run = bytestone(folder.path(), &arguments);
    assert_eq!(run.status.code(), Some(1), "{}", out(&run));
    let log = ["test", "--machine", "stack", "--case", "jump-*", "--log-io", "io.log", "--vm"];
    let run = bytestone(folder.path(), &[&log[..], &[&shell_words::join(c_vm())]].concat());
    assert_eq!(run.status.code(), Some(0), "{}", out(&run));
    let log = std::fs::read_to_string(folder.path().join("io.log")).expect("the log is there");
    assert!(log.starts_with("> {\"type\":\"hello\""), "{log}");
    assert!(log.contains("\n< {\"type\":\"done\""), "{log}");
}

/// A plugin of bpf_conformance for the calculator: the program on standard input, the memory as an argument, the last
/// printed value in hexadecimal.
const PLUGIN: &str = r#"
import struct, sys
memory, options = sys.argv[1], sys.argv[2:]
assert memory == "" and options == ["--wrap"], sys.argv
text = sys.stdin.read()
assert text.endswith("\n") and text.count("\n") == 1, text
code, pc, stack, last = bytes.fromhex(text), 0, [], None
while code[pc]:
    op = code[pc]
    if op == 1: stack.append(struct.unpack_from("<i", code, pc + 1)[0]); pc += 5; continue
    if op == 3: stack.append((stack.pop() + stack.pop()) % 2**64)
    elif op == 9: last = stack.pop()
    else: print("Failed to execute"); sys.exit(1)
    pc += 1
print(f"{last:x}")
"#;

const PLUGIN_PROJECT: &str = r#"
bytestone: project/1
corpora: [cases]
engines:
- name: plugin
  form: bpf-conformance-plugin
  command: python3 plugin.py {memory} --wrap
  machine: calculator@1
"#;

const PLUGIN_CASES: &str = "bytestone: cases/1
isa: calculator@1
cases:
- name: sum
  asm: |
    PUSH 30
    PUSH 12
    ADD
    PRINT
    HALT
  output: [42]
- name: by-zero
  asm: |
    PUSH 1
    PUSH 0
    DIV
    HALT
  outcome: trap div_by_zero at 10
- name: cut-off
  bytecode: 01 00
  rejects: {phase: decode, reason: truncated, at: 0}
";

#[test]
fn a_plugin_of_bpf_conformance_is_an_engine() {
    tools::need("python3");
    let folder = folder();
    let cases = folder.path().join("cases/calculator");
    std::fs::create_dir_all(&cases).expect("a folder");
    let manifest =
        "bytestone: corpus/1\nname: c\nversion: 1.0.0\nlicence: MIT\nmachines: [calculator]\n";
    write(folder.path(), "cases/corpus.yaml", manifest);
    write(&cases, "plugin.yaml", PLUGIN_CASES);
    write(folder.path(), "plugin.py", PLUGIN);
    write(folder.path(), "bytestone.yaml", PLUGIN_PROJECT);
    let run = bytestone(folder.path(), &["test"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    // The trap is one of unknown name, and programs that must be rejected are none of its business.
    assert!(out(&run).contains("2 passed"), "{}", out(&run));
    assert!(out(&run).contains("1 skipped"), "{}", out(&run));
    // A wrong value fails; one that is no number is none.
    for wrong in ["print(f\"{last + 1:x}\")", "print('none')"] {
        write(folder.path(), "plugin.py", &PLUGIN.replace("print(f\"{last:x}\")", wrong));
        let run = bytestone(folder.path(), &["test", "--case", "sum"]);
        assert_eq!(run.status.code(), Some(1), "{wrong}: {}{}", out(&run), err(&run));
    }
    // What belongs to other forms is told.
    let faulty = format!("{PLUGIN_PROJECT}  output: (.*)\n");
    write(folder.path(), "bytestone.yaml", &faulty);
    let run = bytestone(folder.path(), &["test"]);
    assert!(err(&run).contains("a plugin of bpf_conformance has its own way"), "{}", err(&run));
}

/// An engine that counts no steps, and would run this program for ever.
const ENDLESS: &str = r#"
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    hello = dict(type="hello", protocol=1, name="endless", version="1", machines="stack@1",
                 phases="run", observes="", traces=TRACES, fuel="ignored")
    done = dict(type="done", id=request.get("id"), outcome="halt")
    print(json.dumps(hello if request["type"] == "hello" else done), flush=True)
"#;

#[test]
fn an_engine_that_counts_no_fuel_gets_no_program_that_ends_by_it() {
    tools::need("python3");
    let folder = folder();
    let cases = folder.path().join("cases/stack");
    std::fs::create_dir_all(&cases).expect("a folder");
    let manifest =
        "bytestone: corpus/1\nname: c\nversion: 1.0.0\nlicence: MIT\nmachines: [stack]\n";
    write(folder.path(), "cases/corpus.yaml", manifest);
    let text = "bytestone: cases/1\nisa: stack@1\ncases:\n\
        - {name: ends, asm: HALT, outcome: halt}\n\
        - {name: never, asm: 'l: JUMP l', limits: {fuel: 9}, outcome: fuel}\n";
    write(&cases, "loop.yaml", text);
    write(folder.path(), "engine.py", &ENDLESS.replace("TRACES", "''"));
    let arguments = ["test", "--corpus", "cases", "--vm", "python3 engine.py"];
    let run = bytestone(folder.path(), &arguments);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    assert!(out(&run).contains("stack/never: the engine takes no fuel"), "{}", out(&run));
    // Windows end by fuel.
    write(
        folder.path(),
        "engine.py",
        &ENDLESS.replace("TRACES", "'window'").replace("observes=\"", "observes=\"pc"),
    );
    let run = bytestone(folder.path(), &arguments);
    assert_eq!(run.status.code(), Some(2), "{}{}", out(&run), err(&run));
    assert!(err(&run).contains("must count fuel"), "{}", err(&run));
}
