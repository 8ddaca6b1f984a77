//! Where output goes: results to standard output, errors to standard error, codes to scripts.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytestone::corpus::CorpusError;
use bytestone::engine::message::printable;
use bytestone::registry::MachineError;
use bytestone_spec::diagnostic::{Faulty, Style};
use clap::ValueEnum;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// JSON, for programs.
    Json,
}

/// The exit code when a command could not do its work.
pub const COULD_NOT_RUN: u8 = 2;

/// Why a command ended without doing its work, or with what was given at fault.
#[derive(Debug)]
pub enum Failure {
    /// A spec or case file has faults.
    Faulty(Box<Faulty>),
    /// A corpus has faults.
    Corpus(Box<CorpusError>),
    /// What was given is at fault; the message says how.
    Input(String),
    /// The command could not do its work.
    Environment(String),
}

impl Failure {
    /// A file could not be read or written.
    pub fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::Environment(format!("{}: {error}", path.display()))
    }

    /// Writes the failure to standard error.
    pub fn tell(&self) {
        note(&match self {
            Self::Faulty(faulty) => faulty.render(style()),
            Self::Corpus(error) => error.render(style()),
            Self::Input(message) | Self::Environment(message) => {
                format!("error: {}\n", printable(message))
            }
        });
    }

    /// Writes the failure to standard error; the exit code that goes with it, which is `fault` when what was given is
    /// at fault.
    pub fn report(self, fault: u8) -> ExitCode {
        self.tell();
        ExitCode::from(match self {
            Self::Faulty(_) | Self::Corpus(_) | Self::Input(_) => fault,
            Self::Environment(_) => COULD_NOT_RUN,
        })
    }
}

/// Writes a text to standard error. Nothing is left to do when that cannot be written.
pub fn note(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Standard output, whose reader may leave when it has had enough: what comes then is lost, and the run goes on, for its
/// exit code and its other reports.
#[derive(Debug)]
pub struct Out(std::io::Stdout);

impl Out {
    /// Standard output.
    pub fn new() -> Self {
        Self(std::io::stdout())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            result => result,
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

/// Colour on terminals, unless `NO_COLOR` is set.
pub fn style() -> Style {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if std::io::stderr().is_terminal() && !refused { Style::Colour } else { Style::Plain }
}

impl From<MachineError> for Failure {
    fn from(error: MachineError) -> Self {
        match error {
            MachineError::Faulty(faulty) => Self::Faulty(faulty),
            MachineError::Unknown { .. } | MachineError::Unreadable { .. } => {
                Self::Environment(error.to_string())
            }
        }
    }
}

impl From<CorpusError> for Failure {
    fn from(error: CorpusError) -> Self {
        Self::Corpus(Box::new(error))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Environment(error.to_string())
    }
}

/// Writes a result to standard output, or to a file when one is named.
///
/// # Errors
///
/// The output cannot be written. A reader that has had enough (a closed pipe) is no error.
pub fn write(bytes: &[u8], file: Option<&PathBuf>) -> Result<(), Failure> {
    if let Some(path) = file {
        return std::fs::write(path, bytes).map_err(|error| Failure::file(path, &error));
    }
    let mut out = Out::new();
    Ok(out.write_all(bytes).and_then(|()| out.flush())?)
}

/// Writes a JSON value and a line end to standard output.
pub fn write_json(value: &serde_json::Value) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::Environment(error.to_string()))?;
    text.push('\n');
    write(text.as_bytes(), None)
}

/// Writes a JSON value as one line to standard output.
pub fn write_json_line(value: &serde_json::Value) -> Result<(), Failure> {
    write(format!("{value}\n").as_bytes(), None)
}
