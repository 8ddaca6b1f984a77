//! Arguments, output and exit codes of the `bytestone` command.

mod compare_isa;
mod compile;
mod diff;
mod doctor;
mod engines;
mod explain;
mod export;
mod fuzz;
mod hold;
mod import;
mod input;
mod new;
mod new_engine;
mod output;
mod program;
mod report;
mod setting;
mod source;
mod spec;
mod test;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Instruction sets as data: check a spec, and assemble, disassemble, verify, run and document what it
/// describes.
#[derive(Debug, Parser)]
#[command(name = "bytestone", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
A MACHINE is the name of a built-in machine (see `bytestone machines`) or the path of a spec file.

Exit codes:
  0  done; the spec is sound, the program was accepted, the program halted
  1  what was given is at fault: a faulty spec, a text that does not assemble, a rejected program
  2  the command could not do its work: wrong arguments, a file that cannot be read or written
  3  the program trapped
  4  the program was stopped by a limit: fuel or output";

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a spec file: every fault in one run, each with its place and what to do about it
    Check(spec::Check),
    /// List the built-in machines
    Machines(spec::Machines),
    /// Print a checked instruction set as JSON, for other tools
    Isa(spec::IsaCommand),
    /// Print the manual of a machine as an HTML page or as Markdown
    Manual(spec::ManualCommand),
    /// Print the JSON Schema of a file format, for editors
    Schema(spec::SchemaCommand),
    /// Assemble a text into bytes
    Asm(program::Assemble),
    /// Compile a source of the calculator language or of the script language
    Compile(compile::Compile),
    /// Compare machines by the same sources: code bytes, instructions, and steps
    CompareIsa(compare_isa::CompareIsa),
    /// Disassemble bytes into text that assembles to the same bytes
    Dis(program::Disassemble),
    /// Decode and verify a program: accept it, or name every fault
    Verify(program::Verify),
    /// Verify and run a program
    Run(program::Run),
    /// Show everything about a case: its program, expectations, steps, and the rules behind it
    Explain(explain::Explain),
    /// Write the built-in corpus as files, as one JSON document, or as tests of another project
    Export(export::Export),
    /// Run tests of other projects, or write them as cases
    #[command(subcommand)]
    Import(import::Import),
    /// Make a project for a machine of your own: a spec, cases, and a workflow that runs them
    New(new::New),
    /// Hold an engine to the corpus, step by step
    Test(Box<test::Test>),
    /// Look an engine over: a short dialogue, and what to do next
    Doctor(doctor::Doctor),
    /// Write the skeleton of an engine
    NewEngine(new_engine::NewEngine),
    /// Run one program on several engines: who agrees, and who stands alone
    Diff(diff::Diff),
    /// Run generated programs on an engine and on the reference tier, and cut down what differs
    Fuzz(fuzz::Fuzz),
    /// Compare the claims of two runs
    #[command(subcommand)]
    Report(report::Report),
}

impl Command {
    /// The exit code when what was given is at fault. Where engines are held to something, 1 tells of an engine.
    const fn fault(&self) -> u8 {
        match self {
            Self::Test(_) | Self::Fuzz(_) | Self::Diff(_) | Self::Doctor(_) | Self::Import(_) => {
                output::COULD_NOT_RUN
            }
            _ => 1,
        }
    }
}

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Command::Check(command) => command.run(),
        Command::Machines(command) => command.run(),
        Command::Isa(command) => command.run(),
        Command::Manual(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Asm(command) => command.run(),
        Command::Compile(command) => command.run(),
        Command::CompareIsa(command) => command.run(),
        Command::Dis(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::New(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::NewEngine(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Fuzz(command) => command.run(),
        Command::Report(command) => command.run(),
    };
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(arguments.command.fault()),
    }
}
