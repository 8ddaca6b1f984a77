//! Project files (`bytestone: project/1`): which engines are held to which cases, and how.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytestone_spec::diagnostic::{Diagnostics, Faulty, Source, Span};
use bytestone_spec::shape::Text;
use bytestone_spec::yaml::Node;
use indexmap::IndexMap;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::oneshot::{Meaning, OneShot, Pattern, ProgramForm, Radix};
use crate::engine::{Level, Phases, plugin};
use crate::header;

/// The header of project files.
pub const HEADER: &str = "project/1";
/// The name that `bytestone test` looks for.
pub const NAME: &str = "bytestone.yaml";
/// What names the corpus that comes with Bytestone among the corpora.
pub const BUILT_IN: &str = "built-in";

/// The file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectFile {
    /// The format of this file: `project/1`.
    pub bytestone: Text,
    /// Spec files of machines that are not built in.
    #[serde(default)]
    pub specs: Vec<Text>,
    /// Folders of corpora; `built-in` is the one that comes with Bytestone, and all there is when absent.
    #[serde(default)]
    pub corpora: Vec<Text>,
    /// Only these machines.
    #[serde(default)]
    pub machines: Vec<Text>,
    /// The level that every engine must reach: `outcome`, `final`, `pc` or `full`.
    pub level: Option<Text>,
    /// The least number of cases that must be run to a result.
    pub min_cases: Option<Text>,
    /// Seconds in which an engine must answer a request.
    pub timeout: Option<Text>,
    /// The file of known failures.
    pub known_failures: Option<Text>,
    /// The engines.
    #[serde(default)]
    pub engines: Vec<EngineEntry>,
}

/// An engine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineEntry {
    /// Its name in reports.
    pub name: Text,
    /// The command, split as a shell would. A one-shot command has `{program}` where the program's file goes, and
    /// may have `{fuel}`.
    pub command: Text,
    /// `protocol` (when absent): a child process that speaks the engine protocol; `one-shot`: a command
    /// that takes a file and prints; `bpf-conformance-plugin`: a plugin of the bpf_conformance project.
    pub form: Option<Text>,
    /// Names of traps as the engine says them, and as the spec does.
    #[serde(default)]
    pub traps: IndexMap<String, Text>,
    /// Of a one-shot command: its version, for reports.
    pub version: Option<Text>,
    /// Of a one-shot command: the machine that it runs, as `name@major`. For a plugin `ebpf@1` when absent.
    pub machine: Option<Text>,
    /// Of a one-shot command: what the program's file holds: `bytes` (when absent), `hex` or `asm`.
    pub program: Option<Text>,
    /// Of a one-shot command: `decode` and `verify`, as far as it does them.
    #[serde(default)]
    pub phases: Vec<Text>,
    /// Of a one-shot command: a regular expression that finds printed values in its standard output, in the
    /// first group if it has one. Without it the output is not compared.
    pub output: Option<Text>,
    /// Of a one-shot command: exit codes and what they mean: `halt`, `trap NAME`, `reject PHASE`, `reject PHASE REASON`,
    /// `fuel` or `unsupported`. Without it 0 means `halt`.
    #[serde(default)]
    pub exit: IndexMap<String, Text>,
    /// Of a one-shot command: regular expressions for lines of its standard error, tried in order before
    /// the exit code.
    #[serde(default)]
    pub stderr: Vec<PatternEntry>,
}

/// What a line of output means.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternEntry {
    /// The regular expression. A group `at` holds the offset of a trap or fault.
    #[serde(rename = "match")]
    pub matches: Text,
    /// What it means, as for exit codes.
    pub outcome: Text,
}

/// The JSON Schema of project files.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(ProjectFile).to_value()
}

/// A project that was read. Paths are relative to where the command runs.
#[derive(Debug)]
pub struct Project {
    /// Spec files.
    pub specs: Vec<PathBuf>,
    /// Folders of corpora; `None` is the built-in one.
    pub corpora: Vec<Option<PathBuf>>,
    /// Only these machines; all when empty.
    pub machines: Vec<String>,
    /// The level that every engine must reach.
    pub level: Option<Level>,
    /// The least number of cases that must be run to a result.
    pub min_cases: usize,
    /// Time for one answer.
    pub timeout: Option<Duration>,
    /// The file of known failures.
    pub known_failures: Option<PathBuf>,
    /// The engines.
    pub engines: Vec<EngineSetup>,
}

/// How an engine is started.
#[derive(Clone, Debug)]
pub struct EngineSetup {
    /// Its name in reports.
    pub name: String,
    /// The command as it was written.
    pub command: String,
    /// Names of traps as the engine says them, and as the spec does.
    pub traps: IndexMap<String, String>,
    /// How it is spoken to.
    pub form: Form,
}

/// How an engine is spoken to.
#[derive(Clone, Debug)]
pub enum Form {
    /// By the engine protocol.
    Protocol,
    /// It takes a file and prints.
    OneShot(Box<OneShot>),
}

impl Project {
    /// Reads the text of a project file that lies in `folder`.
    ///
    /// # Errors
    ///
    /// All its faults.
    pub fn parse(source: Source, folder: &Path) -> Result<Self, Faulty> {
        let mut diagnostics = Diagnostics::default();
        let read = header::read::<ProjectFile>(&source, HEADER, &schema(), &mut diagnostics);
        let project = read.map(|(root, file)| {
            Reader { diagnostics: &mut diagnostics, root: &root }.project(file, folder)
        });
        diagnostics.finish(vec![source.clone()])?;
        project.ok_or_else(|| Faulty::single(source, "the project was not read"))
    }
}

struct Reader<'r> {
    diagnostics: &'r mut Diagnostics,
    root: &'r Node,
}

impl Reader<'_> {
    fn project(&mut self, file: ProjectFile, folder: &Path) -> Project {
        let path = |text: &Text| folder.join(&text.0);
        let mut corpora: Vec<Option<PathBuf>> = file
            .corpora
            .iter()
            .map(|corpus| (corpus.0 != BUILT_IN).then(|| path(corpus)))
            .collect();
        if corpora.is_empty() {
            corpora.push(None);
        }
        let level = file.level.as_ref().and_then(|level| {
            let found = Level::ALL.into_iter().find(|known| known.name() == level.0);
            if found.is_none() {
                self.fault(&["level"], "expected `outcome`, `final`, `pc` or `full`");
            }
            found
        });
        Project {
            specs: file.specs.iter().map(path).collect(),
            corpora,
            machines: file.machines.iter().map(|machine| machine.0.clone()).collect(),
            level,
            min_cases: self.number("min_cases", file.min_cases.as_ref()).unwrap_or(0),
            timeout: self.seconds(file.timeout.as_ref()),
            known_failures: file.known_failures.as_ref().map(path),
            engines: self.engines(file.engines),
        }
    }

    fn fault(&mut self, keys: &[&str], message: &str) {
        let span = self.span(keys);
        self.diagnostics.error(span, message);
    }

    /// The place of a value: keys of mappings, and numbers of items.
    fn span(&self, keys: &[&str]) -> Span {
        let mut node = self.root;
        for key in keys {
            let next = match key.parse::<usize>() {
                Ok(item) if !node.items().is_empty() => node.items().get(item),
                _ => node.get(key),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node.span
    }

    fn number(&mut self, key: &str, text: Option<&Text>) -> Option<usize> {
        let number = text?.0.parse().ok();
        if number.is_none() {
            self.fault(&[key], "expected a number");
        }
        number
    }

    fn seconds(&mut self, text: Option<&Text>) -> Option<Duration> {
        let seconds = text?.0.parse::<f64>().ok();
        let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        if time.is_none_or(|time| time.is_zero()) {
            self.fault(&["timeout"], "expected a number of seconds above zero");
        }
        time
    }

    fn engines(&mut self, entries: Vec<EngineEntry>) -> Vec<EngineSetup> {
        let mut engines: Vec<EngineSetup> = Vec::new();
        for (place, entry) in entries.into_iter().enumerate() {
            let place = place.to_string();
            if engines.iter().any(|other| other.name == entry.name.0) {
                self.fault(
                    &["engines", &place, "name"],
                    "there is an engine with this name already",
                );
            }
            let form = match entry.form.as_deref().unwrap_or("protocol") {
                "protocol" => Some(Form::Protocol),
                "one-shot" => self.one_shot(&place, &entry).map(|it| Form::OneShot(Box::new(it))),
                "bpf-conformance-plugin" => {
                    self.plugin(&place, &entry).map(|it| Form::OneShot(Box::new(it)))
                }
                _ => {
                    let message = "expected `protocol`, `one-shot` or `bpf-conformance-plugin`";
                    self.fault(&["engines", &place, "form"], message);
                    None
                }
            };
            let traps = entry.traps.iter().map(|(from, to)| (from.clone(), to.0.clone()));
            engines.extend(form.map(|form| EngineSetup {
                name: entry.name.0.clone(),
                command: entry.command.0.clone(),
                traps: traps.collect(),
                form,
            }));
        }
        engines
    }

    fn one_shot(&mut self, place: &str, entry: &EngineEntry) -> Option<OneShot> {
        let command = match shell_words::split(&entry.command) {
            Ok(words) if words.iter().any(|word| word.contains("{program}")) => Some(words),
            _ => {
                let message = "expected a command with `{program}` where the program's file goes";
                self.fault(&["engines", place, "command"], message);
                None
            }
        };
        let Some(machine) = &entry.machine else {
            self.fault(&["engines", place], "a one-shot command needs `machine: name@major`");
            return None;
        };
        let program = match entry.program.as_deref().unwrap_or("bytes") {
            "bytes" => ProgramForm::Bytes,
            "hex" => ProgramForm::Hex,
            "asm" => ProgramForm::Asm,
            _ => {
                let message = "expected `bytes`, `hex` or `asm`";
                self.fault(&["engines", place, "program"], message);
                ProgramForm::Bytes
            }
        };
        let output =
            entry.output.as_ref().and_then(|text| self.regex(&["engines", place, "output"], text));
        let mut exit = self.exit(place, entry);
        if exit.is_empty() {
            exit.insert(0, Meaning::Halt);
        }
        Some(OneShot {
            command: command?,
            version: entry.version.as_ref().map_or_else(String::new, |version| version.0.clone()),
            machine: machine.0.clone(),
            program,
            phases: self.phases(place, entry),
            output,
            radix: Radix::Decimal,
            exit,
            other_exit: None,
            stderr: self.stderr(place, entry),
        })
    }

    fn plugin(&mut self, place: &str, entry: &EngineEntry) -> Option<OneShot> {
        for (key, given) in [("program", &entry.program), ("output", &entry.output)] {
            if given.is_some() {
                self.fault(&["engines", place, key], "a plugin of bpf_conformance has its own way");
            }
        }
        let words = shell_words::split(&entry.command).map_err(|error| error.to_string());
        let mut plugin = match words.and_then(|words| plugin::plugin(&words)) {
            Ok(plugin) => plugin,
            Err(message) => {
                self.fault(&["engines", place, "command"], &message);
                return None;
            }
        };
        plugin.version = entry.version.as_ref().map_or_else(String::new, |it| it.0.clone());
        if let Some(machine) = &entry.machine {
            plugin.machine.clone_from(&machine.0);
        }
        plugin.exit.extend(self.exit(place, entry));
        plugin.phases = self.phases(place, entry);
        plugin.stderr = self.stderr(place, entry);
        Some(plugin)
    }

    fn exit(&mut self, place: &str, entry: &EngineEntry) -> IndexMap<i32, Meaning> {
        let mut exit = IndexMap::new();
        for (code, outcome) in &entry.exit {
            let keys = ["engines", place, "exit", code.as_str()];
            match code.parse::<i32>() {
                Ok(number) => exit.extend(self.outcome(&keys, outcome).map(|it| (number, it))),
                Err(_) => self.fault(&keys, "expected a number as the exit code"),
            }
        }
        exit
    }

    fn stderr(&mut self, place: &str, entry: &EngineEntry) -> Vec<Pattern> {
        let mut stderr = Vec::new();
        for (number, pattern) in entry.stderr.iter().enumerate() {
            let number = number.to_string();
            let regex =
                self.regex(&["engines", place, "stderr", &number, "match"], &pattern.matches);
            let keys = ["engines", place, "stderr", &number, "outcome"];
            let outcome = self.outcome(&keys, &pattern.outcome);
            stderr.extend(regex.zip(outcome).map(|(regex, outcome)| Pattern { regex, outcome }));
        }
        stderr
    }

    fn phases(&mut self, place: &str, entry: &EngineEntry) -> Phases {
        for (number, phase) in entry.phases.iter().enumerate() {
            if !["decode", "verify", "run"].contains(&phase.0.as_str()) {
                let number = number.to_string();
                self.fault(&["engines", place, "phases", &number], "expected `decode` or `verify`");
            }
        }
        let has = |name: &str| entry.phases.iter().any(|phase| phase.0 == name);
        Phases { decode: has("decode"), verify: has("verify") }
    }

    fn regex(&mut self, keys: &[&str], text: &Text) -> Option<Regex> {
        match Regex::new(text) {
            Ok(regex) => Some(regex),
            Err(error) => {
                self.fault(keys, &format!("no regular expression: {error}"));
                None
            }
        }
    }

    fn outcome(&mut self, keys: &[&str], text: &Text) -> Option<Meaning> {
        match text.parse() {
            Ok(outcome) => Some(outcome),
            Err(message) => {
                self.fault(keys, &message);
                None
            }
        }
    }
}
