//! The text of a program, and places in it.

use std::ops::Range;

use crate::error::{SourceError, SourceErrorKind, SourceErrors};
use crate::limits;

/// A place in a source, in bytes. Sources are shorter than 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Span {
    /// The place from the start of this one to the end of `last`.
    pub fn to(self, last: Span) -> Span {
        Span { start: self.start, end: last.end.max(self.end) }
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start as u32, end: range.end as u32 }
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.start as usize..span.end as usize
    }
}

/// A text that is within the limits.
#[derive(Clone, Debug)]
pub struct Source {
    text: String,
    /// Where the lines after the first one start.
    line_starts: Vec<u32>,
}

impl Source {
    /// Takes a text.
    ///
    /// ```
    /// use bytestone_lang::Source;
    /// let source = Source::new("x = 1\nprint x").unwrap();
    /// assert_eq!(source.locate(12), (2, 7));
    /// assert!(Source::new(b"x = \xff").unwrap_err().to_string().contains("UTF-8"));
    /// ```
    ///
    /// # Errors
    ///
    /// When it is over [`limits::SOURCE_BYTES`] or not UTF-8.
    pub fn new(text: impl AsRef<[u8]>) -> Result<Self, SourceErrors> {
        let bytes = text.as_ref();
        if bytes.len() > limits::SOURCE_BYTES {
            let kind = SourceErrorKind::TooLong { bytes: bytes.len() };
            return Err(SourceErrors::one(SourceError::at_start(kind)));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::with_lines(text)),
            Err(error) => {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                let bad = error.error_len().unwrap_or(rest.len());
                let before = Self::with_lines(std::str::from_utf8(valid).unwrap_or_default());
                let span = valid.len()..valid.len() + bad;
                let error = before.error(span.into(), SourceErrorKind::NotUtf8);
                Err(SourceErrors::one(error))
            }
        }
    }

    fn with_lines(text: &str) -> Self {
        let ends = text.bytes().zip(1u32..).filter(|(byte, _)| *byte == b'\n');
        Self { text: text.to_owned(), line_starts: ends.map(|(_, next)| next).collect() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of a byte, from 1.
    pub fn line(&self, at: u32) -> u32 {
        self.line_starts.partition_point(|&start| start <= at) as u32 + 1
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn locate(&self, at: u32) -> (u32, u32) {
        let line = self.line(at);
        let start = match line.checked_sub(2) {
            None => 0,
            Some(before) => self.line_starts.get(before as usize).copied().unwrap_or(0),
        };
        let passed = self.text.get(start as usize..at as usize).unwrap_or_default();
        (line, passed.chars().count() as u32 + 1)
    }

    /// The bytes of a line, counted from 1, without the space around it; none where there is no such line.
    pub fn line_range(&self, line: u32) -> Range<usize> {
        let start = |line: u32| match line.checked_sub(2) {
            None => Some(0),
            Some(before) => self.line_starts.get(before as usize).map(|&start| start as usize),
        };
        let end = self.text.len();
        let (from, to) = (start(line).unwrap_or(end), start(line + 1).unwrap_or(end));
        let text = &self.text[from..to];
        let from = from + text.len() - text.trim_start().len();
        from..from + text.trim().len()
    }

    /// An error at a place.
    pub(crate) fn error(&self, span: Span, kind: SourceErrorKind) -> SourceError {
        let (line, column) = self.locate(span.start);
        SourceError { kind, span: span.into(), line, column }
    }
}
