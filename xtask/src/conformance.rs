//! `cargo xtask conformance` and `cargo xtask bless`.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use bytestone::case::load::Machines;
use bytestone::registry::Registry;
use bytestone::{bless, corpus};
use clap::Args;

use crate::{CommandResult, root};

/// The folder of the corpus, seen from the root.
const CORPUS: &str = "conformance/corpus";

/// Arguments of `cargo xtask conformance`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct Conformance {
    /// What `bytestone test` takes; `--help` lists it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Conformance {
    /// Runs `bytestone test` on the corpus of this checkout, and ends with its exit code.
    pub fn run(&self) -> CommandResult {
        let mut command = Command::new("cargo");
        command.args(["run", "--quiet", "--package", "bytestone", "--bin", "bytestone"]);
        command.args(["--", "test"]).args(&self.arguments);
        if !self.arguments.iter().any(|argument| argument.starts_with("--corpus")) {
            command.args(["--corpus", CORPUS]);
        }
        let status = command.current_dir(root()).status()?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

/// Arguments of `cargo xtask bless`.
#[derive(Debug, Args)]
pub struct Bless {
    /// The folder of the corpus
    #[arg(long, value_name = "FOLDER")]
    corpus: Option<PathBuf>,
}

impl Bless {
    /// Runs the command. Cases that it leaves alone are listed, and make the exit code 1.
    pub fn run(&self) -> CommandResult {
        let machines = Registry::built_in()?;
        let folder = self.corpus.clone().unwrap_or_else(|| root().join(CORPUS));
        let corpus = corpus::read(&folder, &machines)?;
        let mut left = 0;
        for file in &corpus.files {
            let Some(isa) = machines.machine(&file.content.machine) else { continue };
            let blessed = bless::bless(&file.source, &file.content.cases, isa);
            for (id, why) in &blessed.left {
                println!("left alone: {id}: {why}");
            }
            left += blessed.left.len();
            if blessed.changed.is_empty() {
                continue;
            }
            bless::check(&file.source, &blessed.text, &machines)?;
            std::fs::write(&file.path, &blessed.text)?;
            for id in &blessed.changed {
                println!("rewritten: {id}");
            }
        }
        Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
