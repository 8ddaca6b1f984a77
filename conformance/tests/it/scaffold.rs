//! `bytestone new`: the project is green at once, and what is said to come next works.

use std::path::Path;
use std::process::Output;

use crate::tools::{self, bytestone};

/// Runs a printed command that needs no engine.
fn follow(folder: &Path, command: &str) {
    let output = typed(folder, command);
    assert!(output.status.success(), "{command}: {output:?}");
}

/// Runs a printed command as a shell would.
fn typed(folder: &Path, command: &str) -> Output {
    let words = shell_words::split(command).expect("it is a command line");
    assert_eq!(words[0], "bytestone", "{command}");
    let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    bytestone(folder, &words)
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The first fenced block of a language in a README, without what it is indented by.
fn block(readme: &str, fence: &str) -> String {
    let (_, rest) = readme.split_once(&format!("   ```{fence}\n")).expect("there is a block");
    let lines = rest.lines().take_while(|line| line.trim() != "```");
    lines.map(|line| format!("{}\n", line.strip_prefix("   ").unwrap_or(line))).collect()
}

/// From a new project to one's own engine, by the README alone.
#[test]
fn the_readme_of_a_project_leads_to_an_engine() {
    tools::need("python3");
    let folder = tempfile::tempdir().expect("a folder");
    let made = bytestone(folder.path(), &["new", "abacus"]);
    assert!(made.status.success(), "{made:?}");
    let project = folder.path().join("abacus");
    let readme = std::fs::read_to_string(project.join("README.md")).expect("it is there");
    let lines = readme.lines().map(str::trim).filter(|line| line.starts_with("bytestone "));
    let runs: Vec<(&str, Output)> = lines.map(|line| (line, typed(&project, line))).collect();
    assert_eq!(runs.len(), 8, "{readme}");
    let (tests, others): (Vec<_>, Vec<_>) =
        runs.iter().partition(|(line, _)| line.contains("test --vm"));
    for (line, run) in others {
        assert!(run.status.success(), "{line}: {run:#?}");
    }
    // The skeleton is held to the cases of the project, and does none of them yet.
    assert_eq!(tests.len(), 1, "{readme}");
    let skipped = |run: &Output| {
        out(run).starts_with("my-vm 0.1.0: abacus at level full\n")
            && out(run).ends_with("\n0 passed, 0 failed, 17 skipped\n")
            && run.status.code() == Some(1)
    };
    assert!(skipped(&tests[0].1), "{:#?}", tests[0].1);
    let file = project.join("bytestone.yaml");
    let text = std::fs::read_to_string(&file).expect("it is there");
    let (before, _) = text.split_once("engines: []").expect("there is no engine");
    std::fs::write(&file, format!("{before}{}", block(&readme, "yaml"))).expect("it is written");
    let run = typed(&project, "bytestone test");
    assert!(skipped(&run), "{run:#?}");
    // What doctor says to come next does not lose what it was given.
    let doctor = runs.iter().find(|(line, _)| line.starts_with("bytestone doctor"));
    let said = out(&doctor.expect("it looks the engine over").1);
    let next =
        said.lines().last().and_then(|line| line.split_once(": ")).expect("there is a next step").1;
    let run = typed(&project, next);
    assert!(out(&run).ends_with("\n0 passed, 0 failed, 17 skipped\n"), "{next}: {run:#?}");
}

#[test]
fn what_new_engine_says_works_in_its_folder() {
    tools::need("python3");
    let folder = tempfile::tempdir().expect("a folder");
    assert!(bytestone(folder.path(), &["new", "abacus"]).status.success());
    let project = folder.path().join("abacus");
    let spec = "spec/abacus.yaml";
    let made = bytestone(&project, &["new-engine", "--lang", "python", "--machine", spec, "a/b"]);
    let said = out(&made);
    let doctor = said.lines().find_map(|line| line.strip_prefix("look it over: "));
    let run = typed(&project.join("a/b"), doctor.expect("it says how"));
    assert_eq!(run.status.code(), Some(0), "{run:#?}");
    assert!(out(&run).contains("– abacus: a program that halts"), "{}", out(&run));
    assert!(out(&run).contains("no program has run"), "{}", out(&run));
    // Without cases nothing is played, and that is said.
    let vm = "bytestone doctor --vm 'python3 a/b/engine.py' --spec spec/abacus.yaml";
    let run = typed(&project, vm);
    assert!(
        out(&run).contains("– abacus: programs") && out(&run).contains("--corpus"),
        "{}",
        out(&run)
    );
}

/// A list of engines in the file is replaced by those of the command line, and the rest of it stays.
#[test]
fn arguments_come_before_what_the_project_says() {
    tools::need("python3");
    let folder = tempfile::tempdir().expect("a folder");
    assert!(bytestone(folder.path(), &["new", "abacus"]).status.success());
    let project = folder.path().join("abacus");
    let spec = "spec/abacus.yaml";
    let made = bytestone(&project, &["new-engine", "--lang", "python", "--machine", spec, "vm"]);
    assert!(made.status.success(), "{made:#?}");
    let engine = project.join("vm/engine.py").display().to_string();
    let vm = shell_words::join(["python3", &engine]);
    let file = project.join("bytestone.yaml").display().to_string();
    for (here, arguments) in [
        (project.as_path(), vec!["test", "--vm", &vm]),
        (folder.path(), vec!["test", "--project", &file, "--vm", &vm]),
    ] {
        let run = bytestone(here, &arguments);
        assert!(out(&run).ends_with("0 passed, 0 failed, 17 skipped\n"), "{run:#?}");
    }
    let run = bytestone(&project.join("cases"), &["test", "--machine", "calculator-eoc"]);
    let err = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(err.contains("--project ../bytestone.yaml"), "{err}");
    assert_eq!(run.status.code(), Some(0), "{run:#?}");
}

#[test]
fn a_new_project_is_green_and_what_it_says_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = bytestone(folder.path(), &["new", "abacus"]);
    assert!(made.status.success(), "{made:?}");
    let text = String::from_utf8_lossy(&made.stdout).into_owned();
    let commands: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(commands[0], "cd abacus", "{text}");
    let project = folder.path().join("abacus");
    for command in &commands[1..] {
        follow(&project, command);
    }
    let run = bytestone(&project, &["test"]);
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(text.ends_with("17 passed, 0 failed, 0 skipped\n"), "{text}");
    // The README says what works, too.
    let readme = std::fs::read_to_string(project.join("README.md")).expect("it is there");
    let lines = readme.lines().map(str::trim).filter(|line| line.starts_with("bytestone "));
    // Those with an engine have a test of their own.
    let lines: Vec<&str> =
        lines.filter(|line| !line.contains("--vm") && !line.contains("new-engine")).collect();
    assert_eq!(lines.len(), 4, "{readme}");
    for line in lines {
        follow(&project, line);
    }
}

#[test]
fn a_project_has_all_its_files_and_no_placeholder() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = bytestone(folder.path(), &["new", "m-1", "some/where"]);
    assert!(made.status.success(), "{made:?}");
    for file in [
        ".github/workflows/conformance.yml",
        ".gitignore",
        "README.md",
        "bytestone.yaml",
        "cases/corpus.yaml",
        "cases/m-1/basics.yaml",
        "cases/m-1/edges.yaml",
        "cases/m-1/rejects.yaml",
        "spec/m-1.yaml",
    ] {
        let text = std::fs::read_to_string(folder.path().join("some/where").join(file));
        let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
        for placeholder in ["template-machine", "BYTESTONE_VERSION"] {
            assert!(!text.contains(placeholder), "{file}: {placeholder}");
        }
    }
}

#[test]
fn a_project_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("full")).expect("a folder");
    std::fs::write(folder.path().join("full/file"), "mine").expect("a file");
    let cases: [(&[&str], &str); 6] = [
        (&["new", "Abacus"], "lower-case letter"),
        (&["new", "1up"], "lower-case letter"),
        (&["new", "../up"], "is no name"),
        (&["new", "a\nb"], "is no name"),
        (&["new", "stack"], "built-in machine"),
        (&["new", "full"], "not empty"),
    ];
    for (arguments, message) in cases {
        let result = bytestone(folder.path(), arguments);
        let err = String::from_utf8_lossy(&result.stderr).into_owned();
        assert_eq!(result.status.code(), Some(2), "{arguments:?}: {err}");
        assert!(err.contains(message), "{arguments:?}: {err}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("it is there").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
