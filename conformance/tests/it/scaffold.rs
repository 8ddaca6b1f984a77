//! `bytestone new`: the project is green at once, and what is said to come next works.

use std::path::Path;

use crate::tools::bytestone;

/// Runs a printed command that needs no engine.
fn follow(folder: &Path, command: &str) {
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[0], "bytestone", "{command}");
    let output = bytestone(folder, &words[1..]);
    assert!(output.status.success(), "{command}: {output:?}");
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
    let lines: Vec<&str> = lines.filter(|line| !line.contains("--vm")).collect();
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
