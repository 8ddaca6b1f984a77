//! `bytestone doctor` on engines that are well and on some that are not.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value as Json;

use crate::tools;

fn doctor(file: &str, argument: &str) -> (Option<i32>, Json, Output) {
    tools::need("python3");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file).display().to_string();
    let mut words = vec!["python3".to_owned(), path];
    words.extend(argument.split_whitespace().map(str::to_owned));
    let output = Command::new(env!("CARGO_BIN_EXE_bytestone"))
        .args(["doctor", "--machine", "calculator", "--format", "json"])
        .args(["--vm", &shell_words::join(words)])
        .output()
        .expect("the command starts");
    let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), json, output)
}

fn wrong(found: &Json) -> Vec<&str> {
    let checks = found["checks"].as_array().expect("there are checks").iter();
    let wrong = checks.filter(|check| check["state"] == "wrong");
    wrong.filter_map(|check| check["about"].as_str()).collect()
}

#[test]
fn an_engine_that_is_well() {
    let (code, found, output) = doctor("vms/python/vm.py", "");
    assert_eq!((code, &found["well"]), (Some(0), &true.into()), "{output:#?}");
    let checks = found["checks"].as_array().expect("there are checks");
    assert_eq!(checks.len(), 11, "{found:#}");
    assert!(checks.iter().all(|check| check["state"] == "well"), "{found:#}");
    assert_eq!(found["levels"]["calculator"], "full");
    assert_eq!(found["advice"], Json::Array(Vec::new()));
}

#[test]
fn a_trap_with_the_wrong_state() {
    let (code, found, output) = doctor("vms/python/vm.py", "--bug calculator-div-pops-before-trap");
    assert_eq!(code, Some(1), "{output:#?}");
    let wrong = wrong(&found);
    assert!(wrong.len() == 1 && wrong[0].contains("a program that traps"), "{found:#}");
    assert!(found["advice"][0].as_str().is_some_and(|advice| advice.contains("trap")), "{found:#}");
}

#[test]
fn another_version_of_the_protocol() {
    let (code, found, output) = doctor("tests/adversary/engine.py", "other-protocol");
    assert_eq!((code, wrong(&found)), (Some(1), vec!["hello"]), "{output:#?}");
}

#[test]
fn an_engine_that_cannot_be_started() {
    let output = Command::new(env!("CARGO_BIN_EXE_bytestone"))
        .args(["doctor", "--vm", "no-such-engine"])
        .output()
        .expect("the command starts");
    assert_eq!(output.status.code(), Some(2), "{output:#?}");
}

/// An engine that answers whatever it reads with the same words.
#[test]
fn an_engine_without_manners() {
    tools::need("python3");
    let folder = tempfile::tempdir().expect("a folder");
    let engine = folder.path().join("rude.py");
    let text = "import json, sys\n\
        hello = dict(type='hello', protocol=1, name='rude', version='1', machines='calculator@1',\n\
        \x20   phases='run', observes='output', traces='')\n\
        for line in sys.stdin:\n\
        \x20   if json.loads(line)['type'] == 'hello': print(json.dumps(hello), flush=True)\n\
        \x20   else: print(json.dumps(dict(type='done', id=json.loads(line).get('id', 0), \
        outcome='unsupported')), flush=True)\n";
    std::fs::write(&engine, text).expect("it is written");
    let (code, found, output) = doctor(&engine.display().to_string(), "");
    assert_eq!((code, wrong(&found)), (Some(1), vec!["a bad request"]), "{output:#?}");
    let advice = found["advice"].to_string();
    for words in ["answer `error`", "observe `pc`, `stack`, `cells`", "phase `verify`"] {
        assert!(advice.contains(words), "{words}: {advice}");
    }
    assert_eq!(found["levels"]["calculator"], "outcome");
}
