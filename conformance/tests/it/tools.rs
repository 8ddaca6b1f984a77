//! The command as a user runs it, and the programs of other languages that some tests need.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the command in a folder, without input.
pub fn bytestone(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bytestone"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the command starts")
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
