//! `bytestone import`: tests of other projects, as cases that are run or written.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use bytestone::bpf_conformance::{self, Imported, ResultPlace, Target, cases};
use bytestone::known::Coverage;
use bytestone::registry::{Registry, open_machine};
use bytestone::report::{Progress, Terminal};
use bytestone::runner::{Plan, Reporter, Selection};
use bytestone::suite::Order;
use clap::{Args, Subcommand};
use globset::Glob;

use super::engines::Commands;
use super::export::write_tree;
use super::hold::{self, Hold};
use super::output::{self, Failure};

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
  2  the command could not do its work: wrong arguments, a faulty spec, a file that cannot be written, an engine that does not start
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
    #[command(flatten)]
    hold: Hold,
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
        let path = self.hold.known_failures.as_ref();
        let mut known = hold::known_failures(path)?;
        let cases = self.case.iter().map(Glob::compile_matcher).collect();
        let selection = Selection { cases, ..Selection::default() };
        let mut plan = Plan {
            corpus: &imported.corpus,
            selection: &selection,
            known: &mut known,
            max_failures: None,
        };
        let setups = self.vm.setups()?;
        let mut suites = self.hold.start(&setups, None, machines, Order::Given)?;
        hold::check_engine(plan.known, path, &suites, &[])?;
        let terminal = Terminal::new(output::Out::new(), Progress::Lines, self.rerun());
        let mut reporters: Vec<Box<dyn Reporter>> = vec![Box::new(terminal)];
        reporters.extend(self.hold.reporter()?);
        let total = hold::run(&mut plan, machines, &mut suites, &mut reporters)?;
        let coverage = if self.case.is_empty() { Coverage::Whole } else { Coverage::Part };
        Ok(hold::end(total, &known, path, coverage))
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
}
