//! Strings as onlookers see them: in full, or what tells a long one from others.

use std::fmt;
use std::sync::Arc;

/// A string, as onlookers see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Text {
    /// One of at most [`Text::FULL`] bytes.
    Full(Arc<str>),
    /// A longer one.
    Long(Digest),
}

/// What tells a string from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    /// How many bytes it has.
    pub bytes: u32,
    /// The CRC-32 of the bytes.
    pub crc: u32,
}

impl Text {
    /// The most bytes of a string that is shown in full.
    pub const FULL: usize = 256;

    /// The string, if it is shown in full.
    pub fn full(&self) -> Option<&str> {
        match self {
            Self::Full(text) => Some(text),
            Self::Long(_) => None,
        }
    }
}

impl Digest {
    /// That of a string.
    pub fn of(text: &str) -> Self {
        Self {
            bytes: u32::try_from(text.len()).unwrap_or(u32::MAX),
            crc: crc32fast::hash(text.as_bytes()),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        if text.len() <= Self::FULL {
            Self::Full(text.into())
        } else {
            Self::Long(Digest::of(text))
        }
    }
}

impl From<&Arc<str>> for Text {
    fn from(text: &Arc<str>) -> Self {
        if text.len() <= Self::FULL {
            Self::Full(Arc::clone(text))
        } else {
            Self::Long(Digest::of(text))
        }
    }
}

/// As on the wire: the length in bytes, `~` and the CRC-32.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{:08x}", self.bytes, self.crc)
    }
}
