//! The command as a user runs it, and the programs of other languages that some tests need.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the command in a folder, without input.
pub fn bytestone(folder: &Path, arguments: &[&str]) -> Output {
    bytestone_with(folder, arguments, b"")
}

/// Runs the command in a folder with an input.
pub fn bytestone_with(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bytestone"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    // A command that reads nothing closes its input early.
    let _ = child.stdin.take().expect("it is piped").write_all(input);
    child.wait_with_output().expect("the command ends")
}

/// Whether a program is on the machine.
pub fn has(program: &str) -> bool {
    let version = if program == "go" { "version" } else { "--version" };
    Command::new(program)
        .arg(version)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Fails the test when a program that it cannot do without is missing.
pub fn need(program: &str) {
    assert!(has(program), "this test needs `{program}`, which is not on this machine: install it");
}
