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

/// Offsets in the text and in the file, for each run of bytes that is the same in both, and the
/// end of the last one in the file.
pub(super) fn runs(
    text: &str,
    file: &str,
    content: Range<usize>,
    style: ScalarStyle,
) -> (Vec<(u32, u32)>, u32) {
    let mut units = Units { file, at: content.start, end: content.end, style };
    let mut runs: Vec<(u32, u32)> = vec![(0, content.start as u32)];
    let mut end = content.start;
    let visible = text.char_indices().filter(|(_, character)| !character.is_whitespace());
    for (offset, character) in visible {
        let Some(unit) = units.by_ref().find(|unit| !unit.blank) else { break };
        extend(&mut runs, offset, unit.range.start);
        if unit.range.len() != character.len_utf8() {
            extend(&mut runs, offset + character.len_utf8(), unit.range.end);
        }
        end = unit.range.end;
    }
    extend(&mut runs, text.trim_end().len(), end);
    (runs, end as u32)
}

/// Adds a run unless the last one leads to the same place.
fn extend(runs: &mut Vec<(u32, u32)>, text: usize, file: usize) {
    let (text, file) = (text as u32, file as u32);
    match runs.last_mut() {
        Some(last) if last.0 == text => last.1 = file,
        Some(last) if last.1 + (text - last.0) == file => {}
        _ => runs.push((text, file)),
    }
}

/// A character of the file, or an escape that stands for one.
struct Unit {
    range: Range<usize>,
    blank: bool,
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
        let (len, blank) = match (self.style, first) {
            (ScalarStyle::DoubleQuoted, '\\') => escape(rest),
            (ScalarStyle::SingleQuoted, '\'') => (2, false),
            _ => (first.len_utf8(), first.is_whitespace()),
        };
        let start = self.at;
        self.at = (start + len).min(self.end);
        Some(Unit { range: start..self.at, blank })
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
