//! `bytestone new`: a project for a machine of one's own.

use std::path::PathBuf;
use std::process::ExitCode;

use bytestone::scaffold;
use clap::Args;

use super::export::write_tree;
use super::output::{Failure, write};

/// Arguments of `bytestone new`.
#[derive(Debug, Args)]
pub struct New {
    /// The name of the machine: a lower-case letter, then lower-case letters, digits and `-`
    name: String,
    /// The folder of the project; one of the machine's name when absent
    folder: Option<PathBuf>,
}

impl New {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let name = &self.name;
        let files = scaffold::files(name).map_err(Failure::Environment)?;
        let folder = self.folder.clone().unwrap_or_else(|| PathBuf::from(name));
        write_tree(&folder, &files)?;
        let mut text = format!("wrote {} files to {}\n\nNext:\n", files.len(), folder.display());
        let go = shell_words::join(["cd", &folder.display().to_string()]);
        for command in [
            go,
            format!("bytestone check spec/{name}.yaml"),
            "bytestone test".to_owned(),
            format!("bytestone explain {name}/countdown --spec spec/{name}.yaml --corpus cases"),
            format!("bytestone manual spec/{name}.yaml --cases cases -o {name}.html"),
            format!("bytestone new-engine --lang python --machine spec/{name}.yaml vm"),
        ] {
            text.push_str(&format!("  {command}\n"));
        }
        text.push_str("\nREADME.md says more.\n");
        write(text.as_bytes(), None)?;
        Ok(ExitCode::SUCCESS)
    }
}
