//! `cargo xtask conformance` and `cargo xtask bless`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use bytestone::bless;
use bytestone::case::load::Machines;
use bytestone::corpus::{self, Corpus};
use bytestone::known::KnownFailures;
use bytestone::registry::Registry;
use bytestone::report::{JsonLines, Junit, Progress, Terminal};
use bytestone::runner::{self, Event, Plan, Reporter, Selection, Shard, Tools};
use clap::{Args, ValueEnum};
use globset::Glob;

use crate::{CommandResult, root};

/// Arguments of `cargo xtask conformance`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 when every case that was run passed, 1 when one failed or none was run, 2 when the corpus could not \
be read.")]
pub struct Conformance {
    /// Only cases of this machine; may be given several times
    #[arg(long, value_name = "NAME")]
    machine: Vec<String>,
    /// Only cases whose id or name matches, as in `stack/call-*` or `add-*`; may be given several times
    #[arg(long, value_name = "GLOB")]
    case: Vec<Glob>,
    /// List the selected cases and run nothing
    #[arg(long)]
    list: bool,
    /// How results are written
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Where the report goes; standard output when absent
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The folder of the corpus
    #[arg(long, value_name = "FOLDER")]
    corpus: Option<PathBuf>,
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For people; the last line is `N passed, N failed, N skipped`
    #[default]
    Text,
    /// One JSON object a line
    Json,
    /// JUnit XML
    Junit,
}

fn read_corpus(
    folder: Option<&PathBuf>,
    machines: &Registry,
) -> Result<Corpus, corpus::CorpusError> {
    // Paths are shown relative to where the command was started, which is mostly the root.
    let folder = folder.cloned().unwrap_or_else(|| {
        let relative = PathBuf::from("conformance/corpus");
        if relative.is_dir() { relative } else { root().join("conformance/corpus") }
    });
    corpus::read(&folder, machines)
}

impl Conformance {
    /// Runs the command.
    pub fn run(&self) -> CommandResult {
        let machines = Registry::built_in()?;
        for name in &self.machine {
            if machines.machine(name).is_none() {
                let known = machines.names().join(", ");
                return Err(format!("there is no machine `{name}`; there are: {known}").into());
            }
        }
        let corpus = read_corpus(self.corpus.as_ref(), &machines)?;
        let selection = Selection {
            machines: self.machine.clone(),
            cases: self.case.iter().map(Glob::compile_matcher).collect(),
            shard: Shard::default(),
        };
        if self.list {
            return list(&corpus, &selection);
        }
        let out: Box<dyn Write + Send> = match &self.output {
            Some(path) => Box::new(std::io::BufWriter::new(std::fs::File::create(path)?)),
            None => Box::new(std::io::stdout()),
        };
        let mut reporters: Vec<Box<dyn Reporter>> = vec![match self.format {
            ReportFormat::Text => {
                let bar = self.output.is_none()
                    && std::io::stdout().is_terminal()
                    && std::io::stderr().is_terminal();
                let progress = if bar { Progress::Bar } else { Progress::Lines };
                Box::new(Terminal::new(out, progress, "cargo xtask conformance --case"))
            }
            ReportFormat::Json => Box::new(JsonLines::new(std::io::BufWriter::new(out))),
            ReportFormat::Junit => Box::new(Junit::new(out)),
        }];
        let known = KnownFailures::default();
        let plan =
            Plan { corpus: &corpus, selection: &selection, known: &known, max_failures: None };
        let total = runner::run(&plan, &machines, &mut Tools, &mut reporters)?;
        runner::publish(&mut reporters, &Event::Closed)?;
        if total.executed() == 0 {
            eprintln!("error: no case was run");
            return Ok(ExitCode::FAILURE);
        }
        Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn list(corpus: &Corpus, selection: &Selection) -> CommandResult {
    let mut out = std::io::stdout().lock();
    for file in &corpus.files {
        for case in &file.content.cases {
            if selection.takes(&file.content.machine, case) {
                writeln!(out, "{}", case.id)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
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
        let corpus = read_corpus(self.corpus.as_ref(), &machines)?;
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
