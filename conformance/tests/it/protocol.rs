//! `docs/protocol.md` held to what is true: to an engine, to the schema, to the requests that are sent, and its
//! snippets to each other.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use bytestone::engine::cell::parse_cells;
use bytestone::engine::message::{self, Message};
use bytestone::engine::reference::ReferenceEngine;
use bytestone::engine::{Engine, Ran, Reply, Request, Watch};
use bytestone_vm::trace::Checkpoints;
use serde_json::Value as Json;

use crate::tools;

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
    std::fs::read_to_string(path).expect("the document is there")
});

/// What a request for the machine with functions of the host contains.
const WITH_HOST: &str = "\"machine\":\"ebpf\"";

/// Requests of the document, each with the lines that answer it.
fn dialogue() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut dialogue: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in TEXT.lines() {
        if let Some(request) = line.strip_prefix("> {") {
            dialogue.push((&line[line.len() - request.len() - 1..], Vec::new()));
        } else if line.starts_with("< {") {
            let answers = &mut dialogue.last_mut().expect("a request comes first").1;
            answers.push(&line[2..]);
        }
    }
    assert!(dialogue.len() >= 8, "the examples are gone: {dialogue:?}");
    dialogue
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn output_of(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command:?}: {:?}", output.status);
    String::from_utf8(output.stdout).expect("it writes text")
}

/// The block of a language after the first place where `after` stands.
fn block(after: &str, fence: &str) -> &'static str {
    let rest = TEXT.split_once(after).unwrap_or_else(|| panic!("`{after}` is gone")).1;
    let rest = rest.split_once(&format!("```{fence}\n")).expect("a block follows").1;
    rest.split_once("```").expect("the block ends").0
}

#[test]
fn an_engine_answers_as_the_examples_do() {
    tools::need("python3");
    let vm = Path::new(env!("CARGO_MANIFEST_DIR")).join("vms/python/vm.py");
    // It does not run the machine with functions of the host.
    let played = || dialogue().into_iter().filter(|(request, _)| !request.contains(WITH_HOST));
    let requests: String = played().map(|(request, _)| format!("{request}\n")).collect();
    let answers = output_of(Command::new("python3").arg(vm), &requests);
    let documented: Vec<&str> = played().flat_map(|(_, answers)| answers).collect();
    assert_eq!(answers.lines().count(), documented.len(), "{answers}");
    for (found, documented) in answers.lines().zip(documented) {
        let (found, documented) = (json(found), json(documented));
        if documented["type"] == "hello" {
            let keys = |value: &Json| -> Vec<String> {
                value.as_object().expect("it is an object").keys().cloned().collect()
            };
            assert_eq!(keys(&found), keys(&documented));
        } else {
            assert_eq!(found, documented);
        }
    }
}

#[test]
fn the_reference_tier_answers_as_the_examples_of_host_functions_do() {
    let isa = bytestone_spec::load_builtin("ebpf").expect("it is built in").expect("it is sound");
    let mut reference = ReferenceEngine::new([&isa]);
    let examples = dialogue().into_iter().filter(|(request, _)| request.contains(WITH_HOST));
    let mut played = 0;
    for (request, answers) in examples {
        let reply = reference.run(&run_of(&json(request))).expect("it runs");
        let Reply::Ran(found) = reply else { panic!("{request}: {reply:?}") };
        let mut rows = Vec::new();
        for answer in answers {
            match message::parse(answer.as_bytes()).expect("it is a message") {
                Message::Row { row, .. } => rows.push(row),
                Message::Done { reply: Reply::Ran(documented), .. } => {
                    assert_eq!(*found, Ran { rows: std::mem::take(&mut rows), ..*documented });
                    played += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(played, 2);
}

#[test]
fn the_examples_fit_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema/protocol-1.json");
    let schema = std::fs::read_to_string(path).expect("the schema is there");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("protocol.json", json(&schema)).expect("a schema");
    let index = compiler.compile("protocol.json", &mut schemas).expect("a schema");
    let is_valid = |text: &str| schemas.validate(&json(text), index).is_ok();
    for (request, answers) in dialogue() {
        // One example is there because no engine knows it.
        let known = !request.contains("dance");
        assert_eq!(is_valid(request), known, "{request}");
        for answer in answers {
            assert!(is_valid(answer), "{answer}");
        }
    }
    assert!(!is_valid(r#"{"type":"done","id":"seven","outcome":"halt"}"#));
}

#[test]
fn requests_are_written_as_the_examples_are() {
    let (mut runs, mut others) = (0, 0);
    for (line, _) in dialogue() {
        let request = json(line);
        let sent = match request["type"].as_str() {
            Some("hello") => message::HELLO.as_bytes().to_vec(),
            Some("bye") => message::BYE.as_bytes().to_vec(),
            Some("run") => run_request(&request),
            _ => continue,
        };
        *(if request["type"] == "run" { &mut runs } else { &mut others }) += 1;
        assert_eq!(String::from_utf8(sent).expect("it is text"), format!("{line}\n"));
    }
    assert_eq!((runs, others), (7, 2));
}

fn run_request(request: &Json) -> Vec<u8> {
    let id = request["id"].as_u64().expect("it is a number");
    let mut line = Vec::new();
    message::push_run(&mut line, id, &run_of(request));
    line
}

/// What a request of the document asks for.
fn run_of(request: &Json) -> Request {
    let text = |key: &str| request[key].as_str().expect("it is a text");
    let number = |key: &str| request[key].as_u64().expect("it is a number");
    let digits = text("program").as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    Request {
        machine: text("machine").to_owned(),
        program: digits.map(|pair| byte(pair).expect("it is hexadecimal")).collect(),
        input: parse_cells(text("input")).expect("these are cells"),
        fuel: number("fuel"),
        watch: match text("trace") {
            "hash" => Watch::Hash(Checkpoints { every: number("every"), from: number("from") }),
            "window" => Watch::Window { from: number("from") },
            _ => Watch::End,
        },
    }
}

/// The CRC-32 of `0 0 0` and a line feed.
const KNOWN: &str = "838ce8a6";

#[test]
fn the_hash_in_python() {
    tools::need("python3");
    let program = block("In Python:", "python");
    assert_eq!(output_of(&mut Command::new("python3"), program).trim(), KNOWN);
    // The lines of the example give the hash of the example.
    let lines = TEXT.split_once("the lines are\n\n").expect("the lines are there").1;
    let lines = lines.lines().take_while(|line| !line.is_empty()).map(|line| &line[4..]);
    let feeds: String = lines.map(|line| format!("feed({line:?})\n")).collect();
    let (begin, _) = program.split_once("feed(\"0 0 0\")").expect("the snippet uses the function");
    let whole = format!("{begin}{feeds}print(f\"{{crc:08x}}\")\n");
    assert_eq!(output_of(&mut Command::new("python3"), &whole).trim(), "d09754c6");
}

#[test]
fn the_hash_in_c() {
    tools::need("cc");
    let folder = tempfile::tempdir().expect("a folder");
    let function = block("In C, without a table", "c");
    let source = folder.path().join("hash.c");
    let program = folder.path().join("hash");
    let text = format!(
        "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n{function}\n\
         int main(void) {{ printf(\"%08x\", (unsigned)feed(feed(0, \"0 0 \", 4), \"0\\n\", 2)); return 0; }}\n"
    );
    std::fs::write(&source, text).expect("it is written");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&program).arg(&source);
    output_of(&mut compiler, "");
    assert_eq!(output_of(&mut Command::new(&program), ""), KNOWN);
}
