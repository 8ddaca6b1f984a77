//! `cargo xtask bench`.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::{CommandResult, root};

/// Arguments of `cargo xtask bench`.
#[derive(Debug, Args)]
pub struct Bench {}

impl Bench {
    /// Runs the command.
    pub fn run(&self) -> CommandResult {
        let status = Command::new("cargo")
            .args(["bench", "--quiet", "--package", "bytestone", "--bench", "figures"])
            .current_dir(root())
            .status()?;
        Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
