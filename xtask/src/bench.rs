//! `cargo xtask bench`.

use std::process::{Command, ExitCode};

use clap::{Args, ValueEnum};

use crate::{CommandResult, root};

/// Arguments of `cargo xtask bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// Which figures
    #[arg(value_enum, default_value_t)]
    figures: Figures,
}

/// Sets of figures.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Figures {
    /// Those of the tools
    #[default]
    Figures,
    /// Those of engines; needs a C compiler
    Engines,
}

impl Bench {
    /// Runs the command.
    pub fn run(&self) -> CommandResult {
        let bench = match self.figures {
            Figures::Figures => "figures",
            Figures::Engines => "engines",
        };
        let status = Command::new("cargo")
            .args(["bench", "--quiet", "--package", "bytestone", "--bench", bench])
            .current_dir(root())
            .status()?;
        Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
