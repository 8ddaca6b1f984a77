//! `cargo xtask ci`: the steps of continuous integration, one after the other.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::adapters::{self, Outcome};
use crate::{CommandResult, root};

/// Arguments of `cargo xtask ci`.
#[derive(Debug, Args)]
pub struct Ci {
    /// Seconds for each fuzz target
    #[arg(long, default_value_t = 10)]
    fuzz_seconds: u64,
}

/// A step: what it is, the command, and variables set for it.
type Step = (&'static str, Vec<String>, &'static [(&'static str, &'static str)]);

impl Ci {
    /// Runs all steps, and stops at the first that fails.
    pub fn run(&self) -> CommandResult {
        for (name, command, environment) in self.steps() {
            println!("\n==> {name}: {}", command.join(" "));
            let status = Command::new(&command[0])
                .args(&command[1..])
                .envs(environment.iter().copied())
                .current_dir(root())
                .status()
                .map_err(|error| format!("{}: {error}", command[0]))?;
            if !status.success() {
                eprintln!("error: the step `{name}` failed: {status}");
                return Ok(ExitCode::FAILURE);
            }
        }
        println!("\n==> adapters: cargo xtask adapters");
        match adapters::check()? {
            Outcome::Failed(what) => {
                eprintln!("error: the step `adapters` failed: {what}");
                Ok(ExitCode::FAILURE)
            }
            Outcome::Passed(left) => {
                println!("\nall steps passed");
                left.iter().for_each(|line| println!("not run: {line}"));
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    fn steps(&self) -> Vec<Step> {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<String>>();
        vec![
            ("format", words("cargo fmt --all --check"), &[]),
            (
                "clippy",
                words("cargo clippy --workspace --all-targets --locked -- -D warnings"),
                &[],
            ),
            ("tests", words("cargo test --workspace --locked"), &[]),
            (
                "documentation",
                words("cargo doc --workspace --no-deps --locked"),
                &[("RUSTDOCFLAGS", "-D warnings")],
            ),
            // Also those for other systems, which are examined but not built.
            ("packages", words("cargo fetch --locked"), &[]),
            (
                "dependencies and licences",
                words("cargo deny --offline check bans licenses sources"),
                &[],
            ),
            ("generated files", words("cargo xtask generate --check"), &[]),
            ("corpus", words("cargo xtask conformance"), &[]),
            (
                "fuzz targets",
                words(&format!("cargo xtask fuzz --seconds {}", self.fuzz_seconds)),
                &[],
            ),
        ]
    }
}
