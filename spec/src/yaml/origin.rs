//! Where the text of a scalar stands in the file.
//!
//! YAML strips indentation, folds lines and reads escapes, but it neither drops nor reorders what
//! is not white space. So the n-th visible character of the text is the n-th visible character,
//! or escape, of the file.

use std::ops::Range;

use saphyr_parser::ScalarStyle;

/// The part of the file that holds a scalar's content, without quotes or a block's header.
pub(super) fn content(file: &str, span: Range<usize>, style: ScalarStyle) -> Range<usize> {
    match style {
        ScalarStyle::Plain => span,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            let end = span.end.saturating_sub(1).max(span.start);
            (span.start + 1).min(end)..end
        }
        ScalarStyle::Literal | ScalarStyle::Folded => {
            let header = match &file[span.clone()] {
                block if block.starts_with(['|', '>']) => {
                    block.find('\n').map_or(block.len(), |newline| newline + 1)
                }
                _ => 0,
            };
            span.start + header..span.end
        }
    }
}

/// Bytes that are the same in the text and in the file, or an escape and what it stands for.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// The place in the text, without white space at its end.
    pub(super) text: Range<usize>,
    /// The place in the file.
    pub(super) file: Range<usize>,
}

/// The runs of a scalar's visible characters, in order.
pub(super) fn runs(text: &str, file: &str, content: Range<usize>, style: ScalarStyle) -> Vec<Run> {
    let mut units = Units { file, at: content.start, end: content.end, style };
    let mut runs: Vec<Run> = Vec::new();
    for (start, character) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
        let Some(unit) = units.by_ref().find(|unit| !unit.blank) else { break };
        let end = start + character.len_utf8();
        match runs.last_mut() {
            Some(run) if run.goes_on(start, &unit) => {
                run.text.end = end;
                run.file.end = unit.range.end;
            }
            _ => runs.push(Run { text: start..end, file: unit.range }),
        }
    }
    runs
}

impl Run {
    /// Whether the character at an offset of the text stands as far behind the run's start in the file.
    fn goes_on(&self, start: usize, unit: &Unit) -> bool {
        let verbatim = self.text.len() == self.file.len() && !unit.escape;
        verbatim && start - self.text.start == unit.range.start - self.file.start
    }
}

/// A character of the file, or an escape that stands for one.
struct Unit {
    range: Range<usize>,
    blank: bool,
    escape: bool,
}

struct Units<'a> {
    file: &'a str,
    at: usize,
    end: usize,
    style: ScalarStyle,
}

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let rest = self.file.get(self.at..self.end)?;
        let first = rest.chars().next()?;
        let (len, blank, escape) = match (self.style, first) {
            (ScalarStyle::DoubleQuoted, '\\') => {
                let (len, blank) = escape(rest);
                (len, blank, true)
            }
            (ScalarStyle::SingleQuoted, '\'') => (2, false, true),
            _ => (first.len_utf8(), first.is_whitespace(), false),
        };
        let start = self.at;
        self.at = (start + len).min(self.end);
        Some(Unit { range: start..self.at, blank, escape })
    }
}

/// The length of the escape that a text starts with, and whether it stands for white space.
fn escape(text: &str) -> (usize, bool) {
    let Some(kind) = text.chars().nth(1) else { return (1, true) };
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        // An escaped line end joins two lines.
        ' ' | '\t' | '\n' | '\r' | 't' | 'n' | 'v' | 'f' | 'r' | 'N' | '_' | 'L' | 'P' => {
            return (1 + kind.len_utf8(), true);
        }
        _ => return (1 + kind.len_utf8(), false),
    };
    let value = text.get(2..2 + digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let blank = value.and_then(char::from_u32).is_some_and(char::is_whitespace);
    (2 + digits, blank)
}
