//! `cargo xtask`: the project's own commands.

mod adapters;
mod bench;
mod conformance;
mod fuzz;
mod generate;
mod instrument;
mod shell;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the corpus on the in-process engines
    Conformance(conformance::Conformance),
    /// Rewrite the expectations of failing cases that are not golden
    Bless(conformance::Bless),
    /// Run every fuzz target for a time and print executions a second and acceptance rates
    Fuzz(fuzz::Fuzz),
    /// Write the seed corpora of the fuzz targets from the case files
    FuzzSeeds,
    /// Write the generated files (schemas, manuals), or check that they are fresh
    Generate(generate::Generate),
    /// Check the rules of the source tree
    Tidy,
    /// Measure speed and print it, as figures and ratios of one run
    Bench(bench::Bench),
    /// Build the adapters of eBPF runtimes, and hold them to the corpus and their known failures
    Adapters,
    /// Everything that continuous integration does
    Ci(shell::Ci),
}

fn main() -> ExitCode {
    if let Some(code) = instrument::run_as_wrapper() {
        return code;
    }
    let result = match Arguments::parse().command {
        Command::Conformance(command) => command.run(),
        Command::Bless(command) => command.run(),
        Command::Fuzz(command) => command.run(),
        Command::FuzzSeeds => fuzz::write_seeds(),
        Command::Generate(command) => command.run(),
        Command::Tidy => tidy::run(),
        Command::Bench(command) => command.run(),
        Command::Adapters => adapters::run(),
        Command::Ci(command) => command.run(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// The result of a command: its exit code, or why it could not do its work.
type CommandResult = Result<ExitCode, Box<dyn std::error::Error>>;

/// The folder of the workspace.
fn root() -> std::path::PathBuf {
    let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}
