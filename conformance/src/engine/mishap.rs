//! What can happen to an engine. None of it is an answer.

use std::fmt;
use std::time::Duration;

/// Something happened to an engine, so that a request has no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mishap {
    /// What happened.
    pub kind: MishapKind,
    /// The end of what the engine wrote to its standard error.
    pub log: String,
}

/// What happened to an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MishapKind {
    /// It could not be started, or did not introduce itself.
    NotStarted(String),
    /// It ended by itself, with this exit code if there is one.
    Exited(Option<i32>),
    /// A signal ended it.
    Crashed(String),
    /// It did not answer in time.
    TimedOut(Duration),
    /// It wrote what is no answer.
    Protocol(String),
    /// It wrote more than any answer can hold.
    Flooded(String),
    /// It took more memory than it may, in bytes.
    Memory(u64),
    /// It answered that it cannot read the request.
    Refused(String),
    /// Code in this process panicked.
    Panicked(String),
    /// It was started too often already: the request was not sent.
    GivenUp(String),
}

impl MishapKind {
    /// Whether the engine ended at a request, which it may well do each time.
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Exited(_) | Self::Crashed(_))
    }

    /// The name in reports that programs read.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotStarted(_) => "not started",
            Self::Exited(_) => "exited",
            Self::Crashed(_) => "crashed",
            Self::TimedOut(_) => "timed out",
            Self::Protocol(_) => "protocol error",
            Self::Flooded(_) => "flooded",
            Self::Memory(_) => "out of memory",
            Self::Refused(_) => "refused",
            Self::Panicked(_) => "panicked",
            Self::GivenUp(_) => "given up",
        }
    }
}

impl fmt::Display for MishapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(why) => write!(f, "the engine could not be started: {why}"),
            Self::Exited(Some(code)) => write!(f, "the engine exited with code {code}"),
            Self::Exited(None) => f.write_str("the engine exited"),
            Self::Crashed(signal) => write!(f, "the engine crashed: {signal}"),
            Self::TimedOut(after) => {
                write!(f, "the engine did not answer within {} s", after.as_secs_f64())
            }
            Self::Protocol(what) => write!(f, "the engine broke the protocol: {what}"),
            Self::Flooded(what) => write!(f, "the engine wrote without end: {what}"),
            Self::Memory(bytes) => {
                write!(f, "the engine took {} MiB of memory, more than it may", bytes >> 20)
            }
            Self::Refused(message) => write!(f, "the engine refused the request: {message}"),
            Self::Panicked(message) => write!(f, "the engine panicked: {message}"),
            Self::GivenUp(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl From<MishapKind> for Mishap {
    fn from(kind: MishapKind) -> Self {
        Self { kind, log: String::new() }
    }
}
