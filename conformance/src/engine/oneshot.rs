//! An engine that is a command: it takes the program in a file, runs it, prints and exits.

use std::io::Write;
use std::process::Command;
use std::str::FromStr;

use bytestone_spec::Isa;
use bytestone_spec::isa::Payload;
use bytestone_vm::asm::{Style, disassemble};
use bytestone_vm::codec::Codec;
use bytestone_vm::trace::view::Observed;
use bytestone_vm::value::{Form, Text, file};
use bytestone_vm::{Phase, Reason, Value};
use indexmap::IndexMap;
use regex::Regex;

use super::process::{Process, ProcessLimits};
use super::{
    Description, End, Engine, Fuel, Mishap, MishapKind, NamedCell, Phases, Ran, Rejected, Reply,
    Request, Snapshot, Traces, UNCLASSIFIED,
};
use crate::execute::hex;

/// What stands for the input in a command.
pub const MEMORY: &str = "{memory}";
/// Bytes of memory that an argument can hold in hexadecimal, on every system.
const LONGEST_MEMORY: usize = 10_000;

/// How a command is used as an engine, and what its output means.
#[derive(Clone, Debug)]
pub struct OneShot {
    /// The program and its arguments; `{program}` stands for the file, `{fuel}` for the fuel, `{memory}` for the bytes of
    /// the region of memory that is the input, in hexadecimal with spaces.
    pub command: Vec<String>,
    /// Its version, for reports.
    pub version: String,
    /// The machine that it runs, as `name@major`.
    pub machine: String,
    /// What the file holds.
    pub program: ProgramForm,
    /// The phases that it has.
    pub phases: Phases,
    /// Finds printed values in standard output.
    pub output: Option<Regex>,
    /// How printed numbers are written.
    pub radix: Radix,
    /// What exit codes mean.
    pub exit: IndexMap<i32, Meaning>,
    /// What any other exit code means, if anything.
    pub other_exit: Option<Meaning>,
    /// What lines of standard error mean.
    pub stderr: Vec<Pattern>,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Radix {
    /// With decimal digits, and `-` if negative.
    Decimal,
    /// With hexadecimal digits.
    Hexadecimal,
}

/// How a command gets the program: what the file holds, if it is a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramForm {
    /// The code.
    Bytes,
    /// The code in hexadecimal.
    Hex,
    /// Assembly text as the disassembler writes it.
    Asm,
    /// No file: the code in hexadecimal on standard input, a line with spaces between the bytes.
    Input,
}

/// A line of output that means something.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Finds it. A group `at` holds the offset of a trap or fault.
    pub regex: Regex,
    /// What it means.
    pub outcome: Meaning,
}

/// What an exit code or a line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The program halted.
    Halt,
    /// It trapped; the name of the trap, if that is known.
    Trap(Option<String>),
    /// It was rejected.
    Reject(Phase, Option<Reason>),
    /// The fuel was used.
    Fuel,
    /// The engine does not do this.
    Unsupported,
}

impl FromStr for Meaning {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let phase = |name: &str| match name {
            "decode" => Some(Phase::Decode),
            "verify" => Some(Phase::Verify),
            _ => None,
        };
        let found = match words[..] {
            ["halt"] => Some(Self::Halt),
            ["fuel"] => Some(Self::Fuel),
            ["unsupported"] => Some(Self::Unsupported),
            ["trap", UNCLASSIFIED] => Some(Self::Trap(None)),
            ["trap", name] => Some(Self::Trap(Some(name.to_owned()))),
            ["reject", name] => phase(name).map(|phase| Self::Reject(phase, None)),
            ["reject", name, UNCLASSIFIED] => phase(name).map(|phase| Self::Reject(phase, None)),
            ["reject", name, reason] => phase(name)
                .zip(Reason::from_name(reason))
                .filter(|(phase, reason)| reason.phase() == *phase)
                .map(|(phase, reason)| Self::Reject(phase, Some(reason))),
            _ => None,
        };
        found.ok_or_else(|| {
            "expected `halt`, `trap NAME`, `reject PHASE`, `reject PHASE REASON`, `fuel` or `unsupported`"
                .to_owned()
        })
    }
}

/// A one-shot command as an engine.
#[derive(Debug)]
pub struct OneShotEngine<'a> {
    setup: OneShot,
    codec: Option<Codec<'a>>,
    limits: ProcessLimits,
    description: Description,
    traps: IndexMap<String, String>,
    /// Holds the file of the program that runs.
    folder: tempfile::TempDir,
}

impl<'a> OneShotEngine<'a> {
    /// An engine for one machine; `isa` is needed for programs as assembly text.
    ///
    /// # Errors
    ///
    /// No folder for programs can be made.
    pub fn new(
        name: &str,
        setup: OneShot,
        traps: IndexMap<String, String>,
        isa: Option<&'a Isa>,
        limits: ProcessLimits,
    ) -> std::io::Result<Self> {
        let description = Description {
            name: name.to_owned(),
            version: setup.version.clone(),
            machines: vec![setup.machine.clone()],
            phases: setup.phases,
            observes: Observed { output: setup.output.is_some(), ..Observed::default() },
            traces: Traces::default(),
            fuel: if setup.command.iter().any(|word| word.contains("{fuel}")) {
                Fuel::Counted
            } else {
                Fuel::Ignored
            },
        };
        let folder = tempfile::tempdir()?;
        Ok(Self { setup, codec: isa.map(Codec::new), limits, description, traps, folder })
    }

    fn file(&self, request: &Request) -> Result<Vec<u8>, String> {
        match self.setup.program {
            ProgramForm::Bytes => Ok(request.program.clone()),
            ProgramForm::Hex => Ok(hex(&request.program).into_bytes()),
            ProgramForm::Input => Ok(hex(&request.program).to_lowercase().into_bytes()),
            ProgramForm::Asm => {
                let codec = self.codec.as_ref().ok_or("the machine is not known")?;
                let text = disassemble(codec, &request.program, Style::Plain);
                Ok(text.map_err(|error| error.to_string())?.to_string().into_bytes())
            }
        }
    }

    fn command(&self, request: &Request, bytes: &[u8]) -> std::io::Result<Command> {
        let path = self.folder.path().join("program");
        if self.setup.program != ProgramForm::Input {
            std::fs::File::create(&path)?.write_all(bytes)?;
        }
        let path = path.display().to_string();
        let fuel = request.fuel.to_string();
        let memory = match request.input.first().map(|cell| &cell.value) {
            Some(Value::Bytes(bytes)) => hex(bytes).to_lowercase(),
            _ => String::new(),
        };
        let fill = |word: &String| {
            word.replace("{program}", &path).replace("{fuel}", &fuel).replace(MEMORY, &memory)
        };
        let mut words = self.setup.command.iter().map(fill);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        Ok(command)
    }

    /// Why it cannot be given the input of a request, if so.
    fn refusal(&self, request: &Request) -> Option<String> {
        let takes_memory = self.setup.command.iter().any(|word| word.contains(MEMORY));
        match request.input.as_slice() {
            [] => None,
            [NamedCell { value: Value::Bytes(bytes), .. }] if takes_memory => {
                let is_long = bytes.len() > LONGEST_MEMORY;
                is_long
                    .then(|| format!("more than {LONGEST_MEMORY} bytes of memory as an argument"))
            }
            _ => Some("cells set before the first step".to_owned()),
        }
    }

    /// What the output of a run means.
    fn reply(&self, output: &[u8], log: &str, code: Option<i32>) -> Result<Reply, MishapKind> {
        let said = self.setup.stderr.iter().find_map(|pattern| {
            let captures = pattern.regex.captures(log)?;
            let at = captures.name("at").and_then(|at| at.as_str().parse().ok());
            Some((pattern.outcome.clone(), at))
        });
        let meant = || {
            let listed = self.setup.exit.get(&code?).or(self.setup.other_exit.as_ref());
            Some((listed?.clone(), None))
        };
        let (meaning, at) = said.or_else(meant).ok_or(MishapKind::Exited(code))?;
        let end = match meaning {
            Meaning::Halt => End::Halt,
            Meaning::Fuel => End::Fuel,
            Meaning::Trap(name) => {
                let known = name.map(|name| self.traps.get(&name).cloned().unwrap_or(name));
                End::Trap { trap: known, at }
            }
            Meaning::Unsupported => return Ok(Reply::Unsupported(String::new())),
            Meaning::Reject(phase, reason) => {
                return Ok(Reply::Rejected(Rejected { phase, reason, at }));
            }
        };
        let output = match &self.setup.output {
            Some(regex) => Some(self.values(regex, output)?),
            None => None,
        };
        Ok(Reply::Ran(Box::new(Ran {
            end,
            steps: None,
            state: Snapshot::default(),
            output,
            host: None,
            hash: None,
            checkpoints: Vec::new(),
            rows: Vec::new(),
            message: None,
        })))
    }

    /// The printed values that a regular expression finds.
    fn values(&self, regex: &Regex, output: &[u8]) -> Result<Vec<Value>, MishapKind> {
        let text = String::from_utf8_lossy(output);
        let found = |found: regex::Captures<'_>| {
            let value = found.get(1).or_else(|| found.get(0)).map_or("", |found| found.as_str());
            self.value(value)
        };
        text.lines().flat_map(|line| regex.captures_iter(line)).map(found).collect()
    }

    /// A printed value: a number, or on machines with dynamic values what case files write; any other text is a
    /// string there, if there are strings.
    fn value(&self, text: &str) -> Result<Value, MishapKind> {
        let isa = self.codec.as_ref().map(Codec::isa);
        let form = isa.and_then(|isa| Some(Form::new(isa, isa.machine().output?)));
        let Some(Form::Union(union)) = form else {
            let number = match self.setup.radix {
                Radix::Decimal => text.trim().parse(),
                Radix::Hexadecimal => i128::from_str_radix(text.trim(), 16),
            };
            return number.map(Value::Int).map_err(|_| {
                MishapKind::Protocol(format!("its output has `{text}` for a number"))
            });
        };
        file::parse(text, Form::Union(union)).or_else(|error| {
            match union.carrying(|payload| payload == Payload::Str) {
                Some(_) => Ok(Value::Str(Text::from(text))),
                None => Err(MishapKind::Protocol(format!(
                    "its output has `{text}` for a value: {error}"
                ))),
            }
        })
    }
}

impl Engine for OneShotEngine<'_> {
    fn description(&self) -> &Description {
        &self.description
    }

    fn speaks_protocol(&self) -> bool {
        false
    }

    fn run(&mut self, request: &Request) -> Result<Reply, Mishap> {
        if let Some(why) = self.refusal(request) {
            return Ok(Reply::Unsupported(why));
        }
        let not_started = |error: std::io::Error| {
            MishapKind::NotStarted(format!("{}: {error}", self.setup.command[0]))
        };
        let bytes = self.file(request).map_err(MishapKind::NotStarted)?;
        let command = self.command(request, &bytes).map_err(not_started)?;
        let mut process = Process::start(command, self.limits).map_err(not_started)?;
        if self.setup.program == ProgramForm::Input {
            process.write([bytes.as_slice(), b"\n"].concat());
        }
        let (output, code) =
            process.to_end().map_err(|kind| Mishap { kind, log: process.log_text() })?;
        let log = process.log_text();
        self.reply(&output, &log, code).map_err(|kind| Mishap { kind, log })
    }
}
