//! `bytestone test`: hold engines to the corpus.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytestone::case::load::Machines;
use bytestone::corpus::{self, Corpus};
use bytestone::engine::child::{ChildEngine, Launch, SharedLog};
use bytestone::engine::reference::ReferenceEngine;
use bytestone::engine::{Engine, Level, message};
use bytestone::known::{Coverage, KnownFailures};
use bytestone::registry::{Registry, open_machine, read_source};
use bytestone::report::claim::ClaimWriter;
use bytestone::report::{
    Badge, Github, Html, JsonLines, Junit, KnownWriter, Markdown, Progress, Terminal,
};
use bytestone::runner::{self, Event, Examiner, Plan, Reporter, Selection, Shard, Tools};
use bytestone::suite::{self, Order, Suite};
use bytestone::verdict::Counts;
use bytestone_vm::codec::Codec;
use clap::{Args, ValueEnum};
use globset::Glob;

use super::output::{self, Failure};

/// Arguments of `bytestone test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --vm the reference tools themselves are held to the corpus.

Exit codes:
  0  every case that applies passed, or failed as is known
  1  a case failed, or the list of known failures is wrong
  2  the run could not begin: wrong arguments, a faulty corpus, an engine that does not start
  5  no case failed, but the engine misbehaved, or cases were not run, or none was")]
pub struct Test {
    /// The command that starts an engine; it is split as a shell would, and may be given several times
    #[arg(long, value_name = "COMMAND")]
    vm: Vec<String>,
    /// Only cases of this machine; may be given several times
    #[arg(long, value_name = "NAME")]
    machine: Vec<String>,
    /// Only cases whose id or name matches, as in `stack/call-*` or `add-*`; may be given several times
    #[arg(long, value_name = "GLOB")]
    case: Vec<Glob>,
    /// Only one part of the cases, as in 2/4
    #[arg(long, value_name = "PART", default_value = "1/1")]
    shard: Shard,
    /// The folder of the corpus; the built-in one when absent
    #[arg(long, value_name = "FOLDER")]
    corpus: Option<PathBuf>,
    /// A spec file of a machine that is not built in; may be given several times
    #[arg(long, value_name = "FILE")]
    spec: Vec<PathBuf>,
    /// Engine processes at once
    #[arg(long, value_name = "N", default_value_t = default_jobs())]
    jobs: usize,
    #[command(flatten)]
    limits: EngineLimits,
    /// Stop after so many failures; what is left counts as not run
    #[arg(long, value_name = "N")]
    max_failures: Option<usize>,
    /// Run the cases a second time, shuffled, to find state that leaks from one program to the next
    #[arg(long)]
    shuffle: bool,
    /// The seed of --shuffle
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The level at which the engine must be held to each machine
    #[arg(long, value_enum, value_name = "LEVEL")]
    level: Option<LevelName>,
    /// How results are written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// A further report in one of the formats of --format, and the file that it goes to, as in
    /// junit=report.xml
    #[arg(long, value_name = "FORMAT=FILE", value_parser = parse_report)]
    report: Vec<(ReportFormat, PathBuf)>,
    /// Cases that are known to fail
    #[arg(long, value_name = "FILE")]
    known_failures: Option<PathBuf>,
    /// Write the cases that fail to this file, as known failures
    #[arg(long, value_name = "FILE", conflicts_with = "known_failures")]
    write_known_failures: Option<PathBuf>,
    /// Write every line that goes to an engine or comes from it to this file
    #[arg(long, value_name = "FILE")]
    log_io: Option<PathBuf>,
    /// List the selected cases and run nothing
    #[arg(long)]
    list: bool,
    /// With --list, the sources that each case rests on
    #[arg(long, requires = "list")]
    refs: bool,
    /// Print the requests that an engine gets for this case, to be piped into one in a debugger
    #[arg(long, value_name = "CASE")]
    emit_request: Option<String>,
}

/// What an engine process may take.
#[derive(Clone, Copy, Debug, Args)]
pub struct EngineLimits {
    /// Seconds in which an engine must answer a request
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds)]
    timeout: Duration,
    /// MiB of memory that an engine may take
    #[arg(long, value_name = "MIB", default_value_t = 2048)]
    memory: u64,
    /// How often an engine is started again
    #[arg(long, value_name = "N", default_value_t = 20)]
    max_restarts: u32,
}

impl EngineLimits {
    /// How an engine is started by a command line under these limits.
    ///
    /// # Errors
    ///
    /// The command line is none.
    pub fn launch(&self, command: &str, log: Option<SharedLog>) -> Result<Launch, Failure> {
        let mut launch = Launch::new(command)
            .map_err(|message| Failure::Environment(format!("--vm: {message}")))?;
        launch.limits.time = self.timeout;
        launch.limits.memory = self.memory << 20;
        launch.restarts = self.max_restarts;
        launch.log = log;
        Ok(launch)
    }
}

/// The levels as arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LevelName {
    /// How runs end, and what they print
    Outcome,
    /// And the state at the end
    Final,
    /// And the path
    Pc,
    /// And the state before every step
    Full,
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::Outcome => Self::Outcome,
            LevelName::Final => Self::Final,
            LevelName::Pc => Self::Pc,
            LevelName::Full => Self::Full,
        }
    }
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
    /// JUnit XML
    Junit,
    /// Annotations of a GitHub workflow
    Github,
    /// Markdown for a pull request
    Markdown,
    /// One page that needs nothing else
    Html,
    /// The JSON of a shields.io badge
    Badge,
    /// A claim of conformance, `bytestone: claim/1`
    Claim,
}

pub fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "expected a number of seconds above zero".to_owned())
}

fn parse_report(text: &str) -> Result<(ReportFormat, PathBuf), String> {
    let (format, path) = text.split_once('=').ok_or("expected FORMAT=FILE")?;
    Ok((ReportFormat::from_str(format, false)?, PathBuf::from(path)))
}

/// The built-in machines and those of some spec files.
///
/// # Errors
///
/// A file cannot be read or is faulty.
pub fn registry(specs: &[PathBuf]) -> Result<Registry, Failure> {
    let mut machines = Registry::built_in()?;
    for path in specs {
        // A bare file name is a path too.
        let path = if path.components().count() > 1 {
            path.clone()
        } else {
            PathBuf::from(".").join(path)
        };
        machines.add(open_machine(&path.display().to_string())?);
    }
    Ok(machines)
}

/// The corpus in a folder, or the built-in one.
///
/// # Errors
///
/// It is faulty.
pub fn read_corpus(folder: Option<&PathBuf>, machines: &Registry) -> Result<Corpus, Failure> {
    Ok(match folder {
        Some(folder) => corpus::read(folder, machines)?,
        None => corpus::built_in(machines)?,
    })
}

/// A log that several engines write to.
///
/// # Errors
///
/// The file cannot be made.
pub fn open_log(path: Option<&PathBuf>) -> Result<Option<SharedLog>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let file = File::create(path).map_err(|error| Failure::file(path, &error))?;
    let log: SharedLog = Arc::new(Mutex::new(file));
    Ok(Some(log))
}

impl Test {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let machines = registry(&self.spec)?;
        self.check_machines(&machines)?;
        let corpus = read_corpus(self.corpus.as_ref(), &machines)?;
        let selection = Selection {
            machines: self.machine.clone(),
            cases: self.case.iter().map(Glob::compile_matcher).collect(),
            shard: self.shard,
        };
        if let Some(id) = &self.emit_request {
            return self.emit(id, &corpus, &machines);
        }
        if self.list {
            return self.list(&corpus, &selection);
        }
        let known = match &self.known_failures {
            Some(path) => KnownFailures::parse(read_source(path)?)
                .map_err(|faulty| Failure::Faulty(Box::new(faulty)))?,
            None => KnownFailures::default(),
        };
        let log = open_log(self.log_io.as_ref())?;
        let mut reporters = self.reporters()?;
        let plan = Plan {
            corpus: &corpus,
            selection: &selection,
            known: &known,
            max_failures: self.max_failures,
        };
        let mut total = Counts::default();
        if self.vm.is_empty() {
            total.merge(runner::run(&plan, &machines, &mut Tools, &mut reporters)?);
        }
        for command in &self.vm {
            let launch = self.limits.launch(command, log.clone())?;
            let mut suite = self.suite(&launch)?;
            self.check_level(&suite, &machines, &corpus, &selection)?;
            total.merge(runner::run(&plan, &machines, &mut suite, &mut reporters)?);
        }
        runner::publish(&mut reporters, &Event::Closed)?;
        Ok(self.exit(total, &known))
    }

    fn check_machines(&self, machines: &Registry) -> Result<(), Failure> {
        for name in &self.machine {
            if machines.machine(name).is_none() {
                let known = machines.names().join(", ");
                let message = format!("there is no machine `{name}`; there are: {known}");
                return Err(Failure::Environment(message));
            }
        }
        Ok(())
    }

    fn suite(&self, launch: &Launch) -> Result<Suite<'static>, Failure> {
        let engines = start(launch, self.jobs)?;
        let order = if self.shuffle { Order::ThenShuffled(self.seed) } else { Order::Given };
        Ok(Suite::new(engines, order))
    }

    /// The engine must reach the level that is asked for, on every machine that it is held to.
    fn check_level(
        &self,
        suite: &Suite<'_>,
        machines: &Registry,
        corpus: &Corpus,
        selection: &Selection,
    ) -> Result<(), Failure> {
        let Some(wanted) = self.level.map(Level::from) else { return Ok(()) };
        let selected = selection.of(corpus);
        let isas: Vec<_> = selected
            .iter()
            .filter_map(|(file, _)| machines.machine(&file.content.machine))
            .collect();
        for (machine, level) in suite.contender(&isas).levels {
            if level < wanted {
                return Err(Failure::Environment(format!(
                    "{} can be held to {machine} at level {} only, and {} is asked for",
                    suite.description().name,
                    level.name(),
                    wanted.name()
                )));
            }
        }
        Ok(())
    }

    fn list(&self, corpus: &Corpus, selection: &Selection) -> Result<ExitCode, Failure> {
        let mut text = String::new();
        for (_, cases) in selection.of(corpus) {
            for case in cases {
                text.push_str(&case.id);
                if self.refs && !case.refs.is_empty() {
                    text.push_str(&format!("\t{}", case.refs.join("; ")));
                }
                text.push('\n');
            }
        }
        output::write(text.as_bytes(), None)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The reporter of standard output, and those of --report and --write-known-failures.
    fn reporters(&self) -> Result<Vec<Box<dyn Reporter>>, Failure> {
        let mut reporters: Vec<Box<dyn Reporter>> = Vec::new();
        let stdout = std::io::stdout();
        reporters.push(match self.format {
            ReportFormat::Text if stdout.is_terminal() && std::io::stderr().is_terminal() => {
                Box::new(Terminal::new(stdout, Progress::Bar, self.rerun()))
            }
            format => self.reporter(format, Box::new(stdout)),
        });
        for (format, path) in &self.report {
            reporters.push(self.reporter(*format, create(path)?));
        }
        if let Some(path) = &self.write_known_failures {
            reporters.push(Box::new(KnownWriter::new(create(path)?)));
        }
        Ok(reporters)
    }

    fn reporter(&self, format: ReportFormat, out: Box<dyn Write + Send>) -> Box<dyn Reporter> {
        match format {
            ReportFormat::Text => Box::new(Terminal::new(out, Progress::Lines, self.rerun())),
            ReportFormat::Json => Box::new(JsonLines::new(out)),
            ReportFormat::Junit => Box::new(Junit::new(out)),
            ReportFormat::Github => Box::new(Github::new(out)),
            ReportFormat::Markdown => Box::new(Markdown::new(out, self.rerun())),
            ReportFormat::Html => Box::new(Html::new(out, self.rerun())),
            ReportFormat::Badge => Box::new(Badge::new(out)),
            ReportFormat::Claim => Box::new(ClaimWriter::new(out)),
        }
    }

    /// The command that runs one case, without its id.
    fn rerun(&self) -> String {
        let mut words = vec!["bytestone".to_owned(), "test".to_owned()];
        for (option, paths) in
            [("--spec", &self.spec), ("--corpus", &self.corpus.iter().cloned().collect())]
        {
            for path in paths {
                words.extend([option.to_owned(), path.display().to_string()]);
            }
        }
        for command in &self.vm {
            words.extend(["--vm".to_owned(), command.clone()]);
        }
        words.push("--case".to_owned());
        shell_words::join(words)
    }

    /// Prints the lines that an engine gets for one case.
    fn emit(&self, id: &str, corpus: &Corpus, machines: &Registry) -> Result<ExitCode, Failure> {
        let mut cases = corpus.files.iter().flat_map(|file| &file.content.cases);
        let case = cases.find(|case| case.id == id).ok_or_else(|| {
            Failure::Environment(format!(
                "there is no case `{id}`; `bytestone test --list` lists them"
            ))
        })?;
        let machine = id.split('/').next().unwrap_or_default();
        let isa = machines
            .machine(machine)
            .ok_or_else(|| Failure::Environment(format!("there is no machine `{machine}`")))?;
        let description = match self.vm.first() {
            Some(command) => self.suite(&self.limits.launch(command, None)?)?.description().clone(),
            None => ReferenceEngine::new([isa]).description().clone(),
        };
        let subject = suite::subject(isa, &Codec::new(isa), case).map_err(Failure::Input)?;
        let mut lines = message::HELLO.as_bytes().to_vec();
        message::push_run(&mut lines, 1, &subject.request(&description));
        lines.extend_from_slice(message::BYE.as_bytes());
        output::write(&lines, None)?;
        Ok(ExitCode::SUCCESS)
    }

    fn exit(&self, total: Counts, known: &KnownFailures) -> ExitCode {
        let whole =
            self.machine.is_empty() && self.case.is_empty() && self.shard == Shard::default();
        let coverage = if whole { Coverage::Whole } else { Coverage::Part };
        let today = chrono::Utc::now().format("%Y-%m-%d").to_string();
        let faults = known.faults(&today, coverage);
        for fault in &faults {
            let path = self
                .known_failures
                .as_ref()
                .map_or_else(String::new, |path| path.display().to_string());
            eprintln!("error: {path}: {fault}");
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

/// The exit code when no case failed, and yet not all is well.
pub const MISBEHAVED: u8 = 5;

/// Starts instances of an engine.
///
/// # Errors
///
/// One does not start.
pub fn start(launch: &Launch, jobs: usize) -> Result<Vec<Box<dyn Engine + Send>>, Failure> {
    let mut engines: Vec<Box<dyn Engine + Send>> = Vec::new();
    for _ in 0..jobs.max(1) {
        let engine = ChildEngine::start(launch.clone()).map_err(|mishap| {
            let log = match mishap.log.trim_end() {
                "" => String::new(),
                log => format!("\nits standard error:\n{log}"),
            };
            Failure::Environment(format!("{}: {mishap}{log}", launch.command.join(" ")))
        })?;
        engines.push(Box::new(engine));
    }
    Ok(engines)
}

fn create(path: &PathBuf) -> Result<Box<dyn Write + Send>, Failure> {
    let file = File::create(path).map_err(|error| Failure::file(path, &error))?;
    Ok(Box::new(BufWriter::new(file)))
}
