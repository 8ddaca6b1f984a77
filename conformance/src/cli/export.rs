//! `bytestone export`: the built-in corpus as files or as JSON.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytestone::corpus;
use bytestone::export::{self, SPECS};
use bytestone::registry::Registry;
use clap::{Args, ValueEnum};

use super::output::{Failure, write};

/// Arguments of `bytestone export`.
#[derive(Debug, Args)]
pub struct Export {
    /// How the corpus is written
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
    /// Where it goes: a folder that is not there or empty, or the file of the JSON document
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
}

/// Forms of an exported corpus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// Case files and specs in a folder, to be changed and run
    #[default]
    Files,
    /// One document with everything worked out, for programs that know nothing of Bytestone
    Json,
}

impl Export {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        match self.format {
            ExportFormat::Files => self.files()?,
            ExportFormat::Json => self.json()?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn files(&self) -> Result<(), Failure> {
        let files = export::built_in_files();
        write_tree(&self.output, &files)?;
        let folder = self.output.display();
        let text = format!(
            "wrote {} files to {folder}, specs to {folder}/{SPECS}\n\nNext:\n  {}\n",
            files.len(),
            shell_words::join(["bytestone", "test", "--corpus", &folder.to_string()]),
        );
        write(text.as_bytes(), None)
    }

    fn json(&self) -> Result<(), Failure> {
        let machines = Registry::built_in()?;
        let corpus = corpus::built_in(&machines)?;
        let document = export::document(&corpus, &machines)
            .map_err(|error| Failure::Input(error.to_string()))?;
        let mut text = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::Environment(error.to_string()))?;
        text.push('\n');
        write(text.as_bytes(), Some(&self.output))
    }
}

/// Writes files into a folder that is not there or empty.
///
/// # Errors
///
/// The folder holds something already, or a file cannot be written.
pub fn write_tree(folder: &Path, files: &[(PathBuf, Vec<u8>)]) -> Result<(), Failure> {
    if folder.exists() {
        let mut entries =
            std::fs::read_dir(folder).map_err(|error| Failure::file(folder, &error))?;
        if entries.next().is_some() {
            let message = format!("{}: the folder is not empty", folder.display());
            return Err(Failure::Environment(message));
        }
    }
    for (path, bytes) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Failure::file(parent, &error))?;
        }
        std::fs::write(&path, bytes).map_err(|error| Failure::file(&path, &error))?;
    }
    Ok(())
}
