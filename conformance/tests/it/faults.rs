//! Faulty files: what is said of them, and the exit codes; readers that leave early.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::tools::bytestone;

const MANIFEST: &str =
    "bytestone: corpus/1\nname: c\nversion: 1.0.0\nlicence: CC0-1.0\nmachines: [calculator]\n";
const CASES: &str = "bytestone: cases/1\nisa: calculator@1\ncases:\n\
                     - {name: seven, asm: \"PUSH 7\\nPRINT\\nHALT\", output: [7]}\n";

const GONE: &str = "bytestone: project/1\nmachines: [calculator]\nengines:\n\
                    - {name: gone, form: one-shot, machine: calculator@1, command: 'no-such-command {program}'}\n";

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("it is written");
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_run_that_a_faulty_file_keeps_from_beginning_ends_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for corpus in ["sound", "faulty", "unknown", "bare"] {
        write(folder, &format!("{corpus}/corpus.yaml"), MANIFEST);
        write(folder, &format!("{corpus}/calculator/a.yaml"), CASES);
    }
    write(folder, "faulty/calculator/a.yaml", &CASES.replace("output", "ouput"));
    write(folder, "unknown/corpus.yaml", &MANIFEST.replace("calculator", "calcualtor"));
    std::fs::remove_file(folder.join("bare/corpus.yaml")).expect("it was there");
    write(folder, "project.yaml", "bytestone: project/1\nengine: []\n");
    write(folder, "empty.yaml", "");
    write(folder, "known.yaml", "bytestone: known-failures/1\nfailures: 1\n");
    write(folder, "spec.yaml", "bytestone: spec/1\n");
    let run = bytestone(folder, &["test", "--corpus", "sound"]);
    assert_eq!(run.status.code(), Some(0), "{run:#?}");
    let faulty: [&[&str]; 12] = [
        &["test", "--corpus", "faulty"],
        &["test", "--corpus", "unknown"],
        &["test", "--corpus", "bare"],
        &["test", "--corpus", "nowhere"],
        &["test", "--project", "project.yaml"],
        &["test", "--project", "empty.yaml"],
        &["test", "--corpus", "sound", "--known-failures", "known.yaml"],
        &["test", "--spec", "spec.yaml"],
        &["fuzz", "--vm", "true", "--spec", "spec.yaml"],
        &["doctor", "--vm", "true", "--corpus", "faulty"],
        &["diff", "--vm", "true", "./spec.yaml", "--hex", "00"],
        &["import", "bpf-conformance", ".", "--machine", "./spec.yaml"],
    ];
    for arguments in faulty {
        let run = bytestone(folder, arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}: {}", err(&run));
        assert!(err(&run).starts_with("error: "), "{arguments:?}: {}", err(&run));
        assert!(!err(&run).contains("error: error:"), "{arguments:?}: {}", err(&run));
    }
    // A file that is checked is at fault itself.
    assert_eq!(bytestone(folder, &["check", "spec.yaml"]).status.code(), Some(1));
}

#[test]
fn what_a_folder_needs_to_be_a_corpus_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "cc/calculator/a.yaml", CASES);
    let run = bytestone(folder.path(), &["test", "--corpus", "cc"]);
    let lines: Vec<String> =
        err(&run).lines().filter_map(|line| line.strip_prefix("    ")).map(str::to_owned).collect();
    assert_eq!(lines.len(), 5, "{}", err(&run));
    write(folder.path(), "cc/corpus.yaml", &lines.join("\n"));
    let run = bytestone(folder.path(), &["test", "--corpus", "cc"]);
    assert_eq!(run.status.code(), Some(0), "{run:#?}");
    // The same folder, and that of one machine, give a manual its examples.
    for cases in ["cc", "cc/calculator"] {
        let manual = ["manual", "calculator", "--format", "markdown", "--cases", cases];
        let run = bytestone(folder.path(), &manual);
        assert_eq!(run.status.code(), Some(0), "{run:#?}");
        assert!(String::from_utf8_lossy(&run.stdout).contains("PUSH 7"), "{run:#?}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    for format in ["text", "json"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bytestone"))
            .args(["test", "--machine", "calculator", "--machine", "stack", "--format", format])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("it is piped"))
            .read_line(&mut first)
            .expect("a line");
        let run = child.wait_with_output().expect("it ends");
        assert_eq!((run.status.code(), err(&run).as_str()), (Some(0), ""), "{format}: {run:#?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_without_an_end_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero.yaml")).expect("a link");
    let run = bytestone(folder.path(), &["check", "zero.yaml"]);
    assert_eq!(run.status.code(), Some(1), "{}", err(&run).len());
    assert!(err(&run).contains("larger than"));
}

/// Calls that were mistyped, and what the answer must say.
#[test]
fn what_was_meant_is_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write(folder, "bytestone.yaml", GONE);
    let calls: [(&[&str], &str); 8] = [
        (&["test", "--corpus", "sound", "--case", "sevn"], "did you mean calculator/seven?"),
        (&["test", "--corpus", "sound", "--case", "nomatch"], "has cases for calculator"),
        (&["test", "--corpus", "sound", "--machine", "calcualtor"], "did you mean `calculator`?"),
        (&["verify", "calcualtor", "--hex", "00"], "did you mean `calculator`?"),
        (&["fuzz", "--vm", "true", "--machine", "calcualtor"], "did you mean `calculator`?"),
        (&["test", "--corpus", "sound", "--jobs", "0"], "above zero"),
        (&["fuzz", "--vm", "true", "--jobs", "0"], "above zero"),
        (&["export", "-o", "x", "--machine", "stack"], "--format bpf-conformance"),
    ];
    write(folder, "sound/corpus.yaml", MANIFEST);
    write(folder, "sound/calculator/a.yaml", CASES);
    for (arguments, message) in calls {
        let run = bytestone(folder, arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}: {}", err(&run));
        assert!(err(&run).contains(message), "{arguments:?}: {}", err(&run));
    }
    let run = bytestone(folder, &["export", "-o", "x", "--format", "json", "--corpus", "sound"]);
    assert!(run.status.code() == Some(2) && !folder.join("x").exists(), "{run:#?}");
    // A command that is not there is named.
    let run = bytestone(folder, &["test"]);
    assert!(String::from_utf8_lossy(&run.stdout).contains("no-such-command"), "{run:#?}");
}

/// What an engine says may not move the cursor, or worse.
#[test]
fn control_characters_of_an_engine_are_written_out() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "engine.py", "print('\\x1b[31mhello', flush=True)\ninput()\n");
    for command in ["test", "doctor"] {
        let run = bytestone(folder.path(), &[command, "--vm", "python3 engine.py"]);
        let said = [run.stdout.clone(), run.stderr.clone()].concat();
        assert!(!said.contains(&0x1b), "{command}: {run:#?}");
        assert!(String::from_utf8_lossy(&said).contains("u{1b}[31mhello"), "{command}: {run:#?}");
    }
}
