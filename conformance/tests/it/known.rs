//! Lists of known failures: whom they are for.

use std::path::Path;
use std::process::Output;

use crate::planted::python_vm;
use crate::tools::{self, bytestone};

/// The bug that both engines have.
const BUG: &str = "calculator-div-floors";

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A project with two engines that fail at the same cases, and a list of what `engine` fails at.
fn project(folder: &Path, engine: &str) {
    tools::need("python3");
    let words: Vec<String> = python_vm().into_iter().chain(["--bug".into(), BUG.into()]).collect();
    let command = shell_words::join(words);
    let engines = ["one", "two"].map(|name| format!("- name: {name}\n  command: {command}\n"));
    let text = format!(
        "bytestone: project/1\nmachines: [calculator]\nknown_failures: known.yaml\nengines:\n{}",
        engines.concat()
    );
    std::fs::write(folder.join("bytestone.yaml"), text).expect("it is written");
    let list = format!(
        "bytestone: known-failures/1\n{engine}failures:\n- {{case: 'calculator/div*', reason: rounds down}}\n"
    );
    std::fs::write(folder.join("known.yaml"), list).expect("it is written");
}

fn test(folder: &Path, more: &[&str]) -> Output {
    bytestone(folder, &[&["test", "--case", "calculator/div*"][..], more].concat())
}

#[test]
fn a_list_is_for_the_engine_that_it_names() {
    let folder = tempfile::tempdir().expect("a folder");
    project(folder.path(), "engine: one\n");
    let run = test(folder.path(), &["--engine", "one"]);
    assert_eq!(run.status.code(), Some(0), "{run:#?}");
    let run = test(folder.path(), &["--engine", "two"]);
    assert_eq!(run.status.code(), Some(1), "{run:#?}");
    assert_eq!(test(folder.path(), &[]).status.code(), Some(1), "the other engine fails");
    // What is not run makes no entry stale.
    let run = bytestone(folder.path(), &["test", "--engine", "two"]);
    assert!(!err(&run).contains("stale"), "{run:#?}");
}

#[test]
fn a_list_without_a_name_is_for_every_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    project(folder.path(), "");
    assert_eq!(test(folder.path(), &[]).status.code(), Some(0));
}

#[test]
fn a_list_of_an_unknown_engine_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    project(folder.path(), "engine: other\n");
    let run = test(folder.path(), &[]);
    assert_eq!(run.status.code(), Some(2), "{run:#?}");
    assert!(err(&run).contains("`other`") && err(&run).contains("one, two"), "{}", err(&run));
}

#[test]
fn a_list_is_written_for_one_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    project(folder.path(), "");
    let without =
        std::fs::read_to_string(folder.path().join("bytestone.yaml")).expect("it is there");
    let without = without.replace("known_failures: known.yaml\n", "");
    std::fs::write(folder.path().join("bytestone.yaml"), without).expect("it is written");
    let run = test(folder.path(), &["--write-known-failures", "both.yaml"]);
    assert_eq!(run.status.code(), Some(2), "{run:#?}");
    let run = test(folder.path(), &["--engine", "two", "--write-known-failures", "two.yaml"]);
    assert_eq!(run.status.code(), Some(1), "{run:#?}");
    let list = std::fs::read_to_string(folder.path().join("two.yaml")).expect("it is there");
    assert!(list.contains("engine: two\n") || list.contains("engine: 'two'\n"), "{list}");
}

#[test]
fn a_failure_is_run_alone_by_what_is_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    project(folder.path(), "engine: one\n");
    std::fs::rename(folder.path().join("bytestone.yaml"), folder.path().join("p.yaml"))
        .expect("it is there");
    let arguments = ["test", "--project", "p.yaml", "--engine", "two", "--case", "div*"];
    let run = bytestone(folder.path(), &arguments);
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let commands = text.lines().filter_map(|line| line.trim().split_once(": bytestone "));
    let mut kinds = Vec::new();
    for (kind, command) in commands.take(2) {
        let words = shell_words::split(command).expect("it is a command line");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let again = bytestone(folder.path(), &words);
        let said = String::from_utf8_lossy(&again.stdout).into_owned();
        match kind {
            "run it alone" => assert!(
                again.status.code() == Some(1)
                    && said.starts_with("two ")
                    && said.ends_with("0 passed, 1 failed, 0 skipped\n"),
                "{again:#?}"
            ),
            _ => assert!(said.contains("\"type\":\"run\""), "{again:#?}"),
        }
        kinds.push(kind);
    }
    kinds.sort_unstable();
    assert_eq!(kinds, ["its request", "run it alone"], "{text}");
}
