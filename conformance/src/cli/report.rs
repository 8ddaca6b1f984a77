//! `bytestone report`: what reports say of each other.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytestone::report::claim::{self, Claim};
use bytestone::report::diff::diff;
use clap::{Args, Subcommand};

use super::output::{Failure, Format, write, write_json};

/// `bytestone report`.
#[derive(Debug, Subcommand)]
pub enum Report {
    /// Compare two claims: what got worse, and what got better
    Diff(DiffCommand),
}

impl Report {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        match self {
            Self::Diff(command) => command.run(),
        }
    }
}

/// `bytestone report diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
A claim is what `bytestone test --report claim=FILE` writes.

Exit codes:
  0  no regression
  1  a regression: a case fails or errs that did not, or no longer passes; fewer cases pass on a
     machine; a level is lower; an engine is gone
  2  a claim cannot be read")]
pub struct DiffCommand {
    /// The claim from before
    before: PathBuf,
    /// The claim from after
    after: PathBuf,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl DiffCommand {
    fn run(&self) -> Result<ExitCode, Failure> {
        let diff = diff(&read(&self.before)?, &read(&self.after)?);
        match self.format {
            Format::Text => write(diff.to_string().as_bytes(), None)?,
            Format::Json => {
                let value = serde_json::to_value(&diff);
                write_json(&value.map_err(|error| Failure::Environment(error.to_string()))?)?;
            }
        }
        Ok(if diff.regression { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn read(path: &Path) -> Result<Claim, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    claim::parse(&text)
        .map_err(|message| Failure::Environment(format!("{}: {message}", path.display())))
}
