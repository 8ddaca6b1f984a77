//! `bytestone test`: hold engines to the corpus.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use bytestone::case::Case;
use bytestone::case::load::Machines;
use bytestone::corpus::Corpus;
use bytestone::engine::reference::ReferenceEngine;
use bytestone::engine::{Engine, Level, message};
use bytestone::explain;
use bytestone::known::{Coverage, KnownFailures};
use bytestone::project::{self, EngineSetup, Form};
use bytestone::registry::Registry;
use bytestone::report::claim::ClaimWriter;
use bytestone::report::{Badge, Github, Html, JsonLines, Junit, Markdown, Progress, Terminal};
use bytestone::runner::{Examiner, Plan, Reporter, Selection, Shard};
use bytestone::suite::{self, Order, Suite};
use bytestone::verdict::Counts;
use bytestone_vm::codec::Codec;
use clap::{Args, ValueEnum};
use globset::Glob;
use serde_json::json;

use super::engines::{Commands, find_machine, read_corpora, registry};
use super::hold::{self, Hold, create};
use super::output::{self, Failure, Out};
use super::setting::{self, Setting};
use super::watch;

/// Arguments of `bytestone test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --vm the reference tools themselves are held to the corpus.

Exit codes:
  0  every case that applies passed, or failed as is known
  1  a case failed, or an entry of the list of known failures is out of date
  2  the run could not begin: wrong arguments, a faulty spec, corpus, project or list of known failures,
     an engine that does not start
  5  no case failed, but the engine misbehaved, or cases were not run, or none was")]
pub struct Test {
    #[command(flatten)]
    vm: Commands,
    /// The project file; `bytestone.yaml` when there is one here, and no --corpus or --spec. Other arguments come
    /// before what it says: --vm takes the place of its engines
    #[arg(long, value_name = "FILE")]
    project: Option<PathBuf>,
    /// Only this engine of the project; may be given several times
    #[arg(long, value_name = "NAME", conflicts_with = "Commands")]
    engine: Vec<String>,
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
    #[command(flatten)]
    hold: Hold,
    /// List the selected cases and run nothing; with --format json an object a line
    #[arg(long)]
    list: bool,
    /// Run again whenever the project, the specs, the cases or the engine change, until interrupted
    #[arg(long)]
    watch: bool,
    /// With --list, the sources that each case rests on, behind a tab and with `; ` between them
    #[arg(long, requires = "list")]
    refs: bool,
    /// Print the requests that an engine gets for this case, to be piped into one in a debugger
    #[arg(long, value_name = "CASE")]
    emit_request: Option<String>,
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

fn parse_report(text: &str) -> Result<(ReportFormat, PathBuf), String> {
    let (format, path) = text.split_once('=').ok_or("expected FORMAT=FILE")?;
    Ok((ReportFormat::from_str(format, false)?, PathBuf::from(path)))
}

impl Test {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        if !self.watch {
            return self.once(&self.setting()?);
        }
        loop {
            let paths = match self.setting() {
                Ok(setting) => {
                    if let Err(failure) = self.once(&setting) {
                        failure.tell();
                    }
                    setting.paths()
                }
                // Without a setting only the project file itself can be watched.
                Err(failure) => {
                    failure.tell();
                    vec![self.project.clone().unwrap_or_else(|| PathBuf::from(project::NAME))]
                }
            };
            output::note("watching for changes; Ctrl-C ends\n");
            watch::wait_for_change(&paths)?;
        }
    }

    /// What the arguments and the project file say together; arguments come first.
    fn setting(&self) -> Result<Setting, Failure> {
        let given = self.corpus.is_some() || !self.spec.is_empty();
        let path = match &self.project {
            Some(path) => Some(path.clone()),
            None => Some(PathBuf::from(project::NAME)).filter(|path| !given && path.is_file()),
        };
        let mut setting = match &path {
            Some(path) => Setting::of_project(path)?,
            None => {
                if let Some(above) = setting::project_above().filter(|_| !given) {
                    let (name, above) = (project::NAME, above.display());
                    output::note(&format!(
                        "note: there is no {name} here; --project {above} takes the one above\n"
                    ));
                }
                Setting::default()
            }
        };
        if !self.engine.is_empty() {
            setting.choose(&self.engine)?;
        }
        setting.specs.extend(self.spec.iter().cloned());
        if let Some(folder) = &self.corpus {
            setting.corpora = vec![Some(folder.clone())];
        }
        if !self.machine.is_empty() {
            setting.machines.clone_from(&self.machine);
        }
        if !self.vm.is_empty() {
            setting.engines = self.vm.setups()?;
        }
        setting.level = self.level.map(Level::from).or(setting.level);
        setting.known_failures = self.hold.known_failures.clone().or(setting.known_failures);
        Ok(setting)
    }

    fn once(&self, setting: &Setting) -> Result<ExitCode, Failure> {
        let machines = registry(&setting.specs)?;
        setting.machines.iter().try_for_each(|name| find_machine(name, &machines).map(|_| ()))?;
        let corpus = read_corpora(&setting.corpora, &machines)?;
        let selection = Selection {
            machines: setting.machines.clone(),
            cases: self.case.iter().map(Glob::compile_matcher).collect(),
            shard: self.shard,
        };
        if let Some(id) = &self.emit_request {
            return self.emit(id, &corpus, &machines, setting);
        }
        if self.list {
            return self.list(&corpus, &selection);
        }
        self.check_selected(&corpus, &selection)?;
        let mut known = hold::known_failures(setting.known_failures.as_ref())?;
        let mut plan = Plan {
            corpus: &corpus,
            selection: &selection,
            known: &mut known,
            max_failures: self.max_failures,
        };
        let total = self.engage(setting, &mut plan, &machines)?;
        Ok(self.exit(total, &known, setting))
    }

    /// Patterns and machines that select nothing are mistyped, or those of another corpus.
    fn check_selected(&self, corpus: &Corpus, selection: &Selection) -> Result<(), Failure> {
        let whole = Selection { shard: Shard::default(), ..selection.clone() };
        if !whole.of(corpus).is_empty() {
            return Ok(());
        }
        let mut machines: Vec<&str> =
            corpus.files.iter().map(|file| file.content.machine.as_str()).collect();
        machines.dedup();
        let machines = machines.join(", ");
        let message = match self.case.first() {
            None => format!("no case is selected: the corpus has cases for {machines}"),
            Some(glob) => match explain::suggestions(corpus, glob.glob()).as_slice() {
                [] => format!("no case matches `{glob}`; the corpus has cases for {machines}"),
                near => format!("no case matches `{glob}`; did you mean {}?", near.join(", ")),
            },
        };
        Err(Failure::Environment(message))
    }

    /// Holds every engine to the cases, or the tools themselves when there is none.
    fn engage(
        &self,
        setting: &Setting,
        plan: &mut Plan<'_>,
        machines: &Registry,
    ) -> Result<Counts, Failure> {
        let order = if self.shuffle { Order::ThenShuffled(self.seed) } else { Order::Given };
        let mut suites = self.hold.start(&setting.engines, setting.timeout, machines, order)?;
        let list = setting.known_failures.as_ref();
        hold::check_engine(plan.known, list, &suites, &setting.known_engines)?;
        if let Some(wanted) = setting.level {
            for suite in &suites {
                check_level(wanted, suite, machines, plan)?;
            }
        }
        hold::run(plan, machines, &mut suites, &mut self.reporters()?)
    }

    /// Lists the selected cases: a line each, or a JSON object a line.
    fn list(&self, corpus: &Corpus, selection: &Selection) -> Result<ExitCode, Failure> {
        let line = |case: &Case| match self.format {
            ReportFormat::Text if self.refs && !case.refs.is_empty() => {
                Ok(format!("{}\t{}\n", case.id, case.refs.join("; ")))
            }
            ReportFormat::Text => Ok(format!("{}\n", case.id)),
            ReportFormat::Json if self.refs => {
                Ok(format!("{}\n", json!({"id": case.id, "refs": case.refs})))
            }
            ReportFormat::Json => Ok(format!("{}\n", json!({"id": case.id}))),
            _ => Err(Failure::Environment("--list is written as text or as json".to_owned())),
        };
        let cases = selection.of(corpus).into_iter().flat_map(|(_, cases)| cases);
        let text: String = cases.map(line).collect::<Result<_, Failure>>()?;
        output::write(text.as_bytes(), None)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The reporter of standard output, and those of --report and --write-known-failures.
    fn reporters(&self) -> Result<Vec<Box<dyn Reporter>>, Failure> {
        let mut reporters: Vec<Box<dyn Reporter>> = Vec::new();
        let is_terminal = std::io::stdout().is_terminal();
        reporters.push(match self.format {
            ReportFormat::Text if is_terminal && std::io::stderr().is_terminal() => {
                Box::new(Terminal::new(Out::new(), Progress::Bar, self.rerun()))
            }
            format => self.reporter(format, Box::new(Out::new())),
        });
        for (format, path) in &self.report {
            reporters.push(self.reporter(*format, create(path)?));
        }
        reporters.extend(self.hold.reporter()?);
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
        let paths = [
            ("--project", self.project.as_slice()),
            ("--spec", &self.spec),
            ("--corpus", self.corpus.as_slice()),
            ("--known-failures", self.hold.known_failures.as_slice()),
        ];
        for (option, paths) in paths {
            for path in paths {
                words.extend([option.to_owned(), path.display().to_string()]);
            }
        }
        for name in &self.engine {
            words.extend(["--engine".to_owned(), name.clone()]);
        }
        words.extend(self.vm.words());
        words.push("--case".to_owned());
        shell_words::join(words)
    }

    /// Prints the lines that an engine gets for one case.
    fn emit(
        &self,
        id: &str,
        corpus: &Corpus,
        machines: &Registry,
        setting: &Setting,
    ) -> Result<ExitCode, Failure> {
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
        let description = match setting.engines.first() {
            Some(EngineSetup { name, form: Form::OneShot(_), .. }) => {
                let message = format!("`{name}` takes a file and prints: it gets no requests");
                return Err(Failure::Environment(message));
            }
            Some(setup) => {
                self.hold.limits.start(setup, machines, 1, None)?[0].description().clone()
            }
            None => ReferenceEngine::new([isa]).description().clone(),
        };
        let subject = suite::subject(isa, &Codec::new(isa), case).map_err(Failure::Input)?;
        let mut lines = message::HELLO.as_bytes().to_vec();
        message::push_run(&mut lines, 1, &subject.request(&description));
        lines.extend_from_slice(message::BYE.as_bytes());
        output::write(&lines, None)?;
        Ok(ExitCode::SUCCESS)
    }

    fn exit(&self, total: Counts, known: &KnownFailures, setting: &Setting) -> ExitCode {
        let whole =
            self.machine.is_empty() && self.case.is_empty() && self.shard == Shard::default();
        let coverage = if whole { Coverage::Whole } else { Coverage::Part };
        let code = hold::end(total, known, setting.known_failures.as_ref(), coverage);
        if whole && total.executed() < setting.min_cases {
            output::note(&format!(
                "error: {} cases were run to a result, and the project asks for {}\n",
                total.executed(),
                setting.min_cases
            ));
            return ExitCode::FAILURE;
        }
        code
    }
}

/// The engine must reach the level that is asked for, on every machine that it is held to.
fn check_level(
    wanted: Level,
    suite: &Suite<'_>,
    machines: &Registry,
    plan: &Plan<'_>,
) -> Result<(), Failure> {
    let selected = plan.selection.of(plan.corpus);
    let isas: Vec<_> =
        selected.iter().filter_map(|(file, _)| machines.machine(&file.content.machine)).collect();
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
