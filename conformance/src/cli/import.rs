//! `bytestone import`: tests of other projects, as cases that are run or written.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use bytestone::bpf_conformance::{self, Imported, ResultPlace, Target, cases};
use bytestone::known::{Coverage, KnownFailures};
use bytestone::registry::{Registry, open_machine, read_source};
use bytestone::report::{KnownWriter, Progress, Terminal};
use bytestone::runner::{self, Event, Plan, Reporter, Selection, Tools};
use bytestone::suite::{Order, Suite};
use bytestone::verdict::Counts;
use clap::{Args, Subcommand};
use globset::Glob;

use super::engines::{Commands, EngineLimits, default_jobs, open_log};
use super::export::write_tree;
use super::output::{self, Failure};
use super::test::MISBEHAVED;

/// Arguments of `bytestone import`.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Test files of the bpf_conformance project (`*.data`)
    BpfConformance(Box<BpfConformance>),
}

/// Arguments of `bytestone import bpf-conformance`.
#[derive(Debug, Args)]
#[command(after_help = "\
A file whose text does not assemble, or that is otherwise not understood, is shown with the place and the reason, and counted \
as not read.

Exit codes:
  0  every file was read and, with --run, every case that applies passed, or failed as is known
  1  a file was not read, a case failed, or the list of known failures is wrong
  2  the command could not do its work: wrong arguments, a file that cannot be written, an engine that does not start
  5  no case failed, but an engine misbehaved, or no case was run")]
pub struct BpfConformance {
    /// The folder of the test files; those in folders inside it are read too
    folder: PathBuf,
    /// The machine: a built-in name or a spec file
    #[arg(long, value_name = "MACHINE", default_value = "ebpf")]
    machine: String,
    /// Where the result is found at the end: `output`, or a cell as in `reg:0`
    #[arg(long, value_name = "PLACE", default_value = "output")]
    result: ResultPlace,
    /// The statement of which the first one has a label of the same name, which the suite's assembler implies
    #[arg(long, value_name = "STATEMENT", default_value = "exit")]
    label: String,
    /// Run them: on the reference tools, or on engines that are given
    #[arg(long, required_unless_present = "out")]
    run: bool,
    /// Write them as a corpus into this folder, which is not there or empty
    #[arg(short, long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    vm: Commands,
    /// Only cases whose id or name matches; may be given several times
    #[arg(long, value_name = "GLOB")]
    case: Vec<Glob>,
    /// Engine processes at once
    #[arg(long, value_name = "N", default_value_t = default_jobs())]
    jobs: usize,
    #[command(flatten)]
    limits: EngineLimits,
    /// Cases that are known to fail
    #[arg(long, value_name = "FILE")]
    known_failures: Option<PathBuf>,
    /// Write the cases that fail to this file, as known failures
    #[arg(long, value_name = "FILE", conflicts_with = "known_failures")]
    write_known_failures: Option<PathBuf>,
    /// Write every line that goes to an engine or comes from it to this file
    #[arg(long, value_name = "FILE")]
    log_io: Option<PathBuf>,
}

impl Import {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        match self {
            Self::BpfConformance(command) => command.run(),
        }
    }
}

impl BpfConformance {
    fn run(&self) -> Result<ExitCode, Failure> {
        let mut machines = Registry::built_in()?;
        let isa = open_machine(&self.machine)?;
        machines.add(isa.clone());
        let target = Target::new(&isa, &self.result, &self.label).map_err(Failure::Environment)?;
        let imported = bpf_conformance::read(&self.folder, &target);
        self.tell(&imported)?;
        if let Some(folder) = &self.out {
            let files = cases::files(&imported, &target);
            write_tree(folder, &files)?;
            let count = imported.corpus.files.len();
            let text = format!("wrote {count} cases to {}\n", folder.display());
            output::write(text.as_bytes(), None)?;
        }
        let code = if self.run { self.hold(&imported, &machines)? } else { ExitCode::SUCCESS };
        let not_read = imported.not_read();
        output::write(format!("{not_read} not read\n").as_bytes(), None)?;
        Ok(if not_read > 0 { ExitCode::FAILURE } else { code })
    }

    /// What was not read, and why.
    fn tell(&self, imported: &Imported) -> Result<(), Failure> {
        let mut text = String::new();
        for (path, why) in &imported.unreadable {
            text.push_str(&format!("error: {}: {why}\n\n", path.display()));
        }
        for faulty in &imported.faulty {
            text.push_str(&format!("{}\n", faulty.render(output::style())));
        }
        Ok(std::io::stderr().lock().write_all(text.as_bytes())?)
    }

    /// Runs the cases, on every engine or on the tools themselves.
    fn hold(&self, imported: &Imported, machines: &Registry) -> Result<ExitCode, Failure> {
        let mut known = match &self.known_failures {
            Some(path) => KnownFailures::parse(read_source(path)?)
                .map_err(|faulty| Failure::Faulty(Box::new(faulty)))?,
            None => KnownFailures::default(),
        };
        let cases = self.case.iter().map(Glob::compile_matcher).collect();
        let selection = Selection { cases, ..Selection::default() };
        let mut plan = Plan {
            corpus: &imported.corpus,
            selection: &selection,
            known: &mut known,
            max_failures: None,
        };
        let log = open_log(self.log_io.as_ref())?;
        let mut suites = Vec::new();
        for setup in self.vm.setups()? {
            let instances = self.limits.start(&setup, machines, self.jobs, log.as_ref())?;
            suites.push(Suite::new(instances, Order::Given));
        }
        let mut reporters = self.reporters()?;
        let mut total = Counts::default();
        if suites.is_empty() {
            total.merge(runner::run(&mut plan, machines, &mut Tools, &mut reporters)?);
        }
        for suite in &mut suites {
            total.merge(runner::run(&mut plan, machines, suite, &mut reporters)?);
        }
        runner::publish(&mut reporters, &Event::Closed)?;
        Ok(self.exit(total, &known))
    }

    fn reporters(&self) -> Result<Vec<Box<dyn Reporter>>, Failure> {
        let terminal = Terminal::new(std::io::stdout(), Progress::Lines, self.rerun());
        let mut reporters: Vec<Box<dyn Reporter>> = vec![Box::new(terminal)];
        if let Some(path) = &self.write_known_failures {
            let file = std::fs::File::create(path).map_err(|error| Failure::file(path, &error))?;
            reporters.push(Box::new(KnownWriter::new(BufWriter::new(file))));
        }
        Ok(reporters)
    }

    /// The command that runs one case, without its id.
    fn rerun(&self) -> String {
        let folder = self.folder.display().to_string();
        let mut words: Vec<String> = [
            "bytestone",
            "import",
            "bpf-conformance",
            &folder,
            "--run",
            "--machine",
            &self.machine,
        ]
        .map(str::to_owned)
        .to_vec();
        words.extend(self.vm.words());
        words.push("--case".to_owned());
        shell_words::join(words)
    }

    fn exit(&self, total: Counts, known: &KnownFailures) -> ExitCode {
        let today = chrono::Utc::now().format("%Y-%m-%d").to_string();
        let coverage = if self.case.is_empty() { Coverage::Whole } else { Coverage::Part };
        let faults = known.faults(&today, coverage);
        for fault in &faults {
            eprintln!("error: known failures: {fault}");
        }
        if total.executed() == 0 {
            eprintln!("error: no case was run to a result");
        }
        if total.failed > 0 || !faults.is_empty() {
            ExitCode::FAILURE
        } else if total.is_clean() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(MISBEHAVED)
        }
    }
}
