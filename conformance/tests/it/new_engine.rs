//! Skeletons of engines: each is built, introduces itself, and answers that it does nothing yet.

use std::process::Command;

use serde_json::Value as Json;

use crate::tools::{self, bytestone};

/// What follows a label in the text of `new-engine`.
fn after<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(label)).map(str::trim)
}

fn skeleton(language: &str, tool: &str) {
    if !tools::has(tool) {
        println!("not run: there is no `{tool}` here for the skeleton in {language}");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let arguments =
        ["new-engine", "--lang", language, "--machine", "stack", "--name", "Tiny VM 2", "here"];
    let output = bytestone(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{output:#?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let here = folder.path().join("here");
    if let Some(build) = after(&said, "build it:") {
        let words = shell_words::split(build).expect("it is a command line");
        // Go wants a folder for what it keeps, and a home may be missing.
        let mut build = Command::new(&words[0]);
        build.args(&words[1..]).current_dir(&here).env("GOCACHE", folder.path().join("cache"));
        let output = build.output().expect("the compiler starts");
        assert!(output.status.success(), "{output:#?}");
    }
    let run = after(&said, "run it:").expect("it says how it is run");
    let doctor = ["doctor", "--vm", run, "--timeout", "60", "--format", "json"];
    let output = bytestone(&here, &doctor);
    let found: Json = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(output.status.code(), Some(0), "{found:#}");
    assert_eq!((&found["engine"], &found["well"]), (&"Tiny VM 2".into(), &true.into()));
    let states = found["checks"].as_array().expect("there are checks").iter();
    let open = states.filter(|check| check["state"] == "open").count();
    assert!(open >= 2, "{found:#}");

    let test = ["test", "--vm", run, "--machine", "stack", "--jobs", "1", "--timeout", "60"];
    let output = bytestone(&here, &test);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().unwrap_or_default();
    assert!(last.starts_with("0 passed, 0 failed, ") && last.ends_with(" skipped"), "{output:#?}");
    assert_eq!(output.status.code(), Some(5), "{output:#?}");

    let again = bytestone(folder.path(), &arguments);
    let err = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.code() == Some(2) && err.contains("is there already"), "{again:#?}");
}

macro_rules! skeletons {
    ($($test:ident $language:literal $tool:literal,)+) => {
        $(
            #[test]
            fn $test() {
                skeleton($language, $tool);
            }
        )+
    };
}

skeletons! {
    in_c "c" "cc",
    in_python "python" "python3",
    in_js "js" "node",
    in_go "go" "go",
    in_java "java" "javac",
    in_rust "rust" "rustc",
}

#[test]
fn names_that_would_break_a_string_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = bytestone(folder.path(), &["new-engine", "--lang", "c", "--name", "a\"b"]);
    assert_eq!(output.status.code(), Some(2), "{output:#?}");
    assert!(std::fs::read_dir(folder.path()).expect("it is there").next().is_none());
}

/// `cargo install` gets all that the command has embedded.
#[test]
fn the_package_holds_the_skeletons() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["package", "--list", "--allow-dirty", "--offline", "--package", "bytestone"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{output:#?}");
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    for file in [
        "templates/engine/c/engine.c",
        "templates/engine/python/engine.py",
        "templates/engine/js/engine.js",
        "templates/engine/go/engine.go",
        "templates/engine/java/Engine.java",
        "templates/engine/rust/engine.rs",
        "vms/c/bytestone.h",
        "vms/python/bytestone.py",
        "vms/js/bytestone.js",
    ] {
        assert!(list.lines().any(|line| line == file), "{file} is not in\n{list}");
    }
}
