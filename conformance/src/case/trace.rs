//! Expected traces: rows as case files write them, and how they match the steps of a run.

use bytestone_vm::Value;

use super::tokens::{split_insn, tokens};
use super::wanted::Wanted;

/// The steps that a case expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedTrace {
    /// Rows and gaps in order.
    pub lines: Vec<TraceLine>,
}

/// A line of an expected trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceLine {
    /// A step.
    Row(TraceRow),
    /// Any number of steps.
    Gap,
}

/// What a row says of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRow {
    /// The offset of the instruction, if given.
    pub offset: Option<u32>,
    /// The stack and all changes, as tokens.
    pub state: Vec<String>,
    /// The instruction as text, if given.
    pub insn: Option<String>,
}

/// A row that could not be read: its line in the trace, from 0, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The line in the text of the trace, counted from 0.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl TraceRow {
    /// Reads a row: `OFFSET [stack] changes ; INSTRUCTION`.
    ///
    /// # Errors
    ///
    /// What is wrong with the row, in words.
    pub fn parse(line: &str) -> Result<Self, String> {
        let (state, insn) = split_insn(line);
        let insn = insn.map(normal);
        let mut state = tokens(state);
        let offset = match state.first() {
            Some(first) if first.bytes().all(|byte| byte.is_ascii_digit()) => {
                let offset = first.parse().map_err(|_| format!("`{first}` is no offset"))?;
                state.remove(0);
                Some(offset)
            }
            _ => None,
        };
        if insn.as_ref().is_some_and(String::is_empty) {
            return Err("expected an instruction after `;`".to_owned());
        }
        Ok(Self { offset, state, insn })
    }

    /// Whether a step, rendered as a row, is what this row expects.
    pub fn matches(&self, step: &TraceRow) -> bool {
        self.offset.is_none_or(|offset| step.offset == Some(offset))
            && self.state.len() == step.state.len()
            && self.state.iter().zip(&step.state).all(|(wanted, found)| token_fits(wanted, found))
            && (self.insn.is_none() || self.insn == step.insn)
    }
}

/// Whether a token of a row is there word by word, or as a value that may be several.
fn token_fits(wanted: &str, found: &str) -> bool {
    if wanted == found {
        return true;
    }
    match open(wanted) {
        Some(Open::Any) => !matches!(found, "[" | "]" | "(" | ")" | "="),
        Some(Open::OneOf(values)) => values.contains(&found),
        Some(Open::Number(wanted)) => {
            found.parse().is_ok_and(|number| wanted.fits(&Value::Int(number)))
        }
        None => false,
    }
}

/// A token that stands for more than one value.
enum Open<'t> {
    Any,
    /// One of these texts.
    OneOf(Vec<&'t str>),
    /// A pattern of numbers.
    Number(Wanted),
}

fn open(token: &str) -> Option<Open<'_>> {
    if token == "?" {
        return Some(Open::Any);
    }
    match token.parse::<Wanted>() {
        Ok(wanted) => return Some(Open::Number(wanted)).filter(|_| token.contains(['?', '|'])),
        Err(_) if !token.contains('|') => return None,
        Err(_) => {}
    }
    let inner = token.strip_prefix('{')?.strip_suffix('}')?;
    let values = alternatives(inner);
    // A map has a `:` after its first name.
    (values.len() > 1 && !values[0].contains(':')).then_some(Open::OneOf(values))
}

/// The parts of a text between the `|` that are in no string.
fn alternatives(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '|' if !quoted => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl ExpectedTrace {
    /// Whether more than one value would do somewhere.
    pub fn is_open(&self) -> bool {
        self.lines.iter().any(|line| match line {
            TraceLine::Row(row) => row.state.iter().any(|token| open(token).is_some()),
            TraceLine::Gap => false,
        })
    }

    /// Reads the text of a trace.
    ///
    /// # Errors
    ///
    /// Every row that is wrong; a trace without a row, or with two gaps in a row, is wrong too.
    pub fn parse(text: &str) -> Result<Self, Vec<RowError>> {
        let mut lines = Vec::new();
        let mut errors = Vec::new();
        for (at, line) in text.lines().enumerate() {
            match line.trim() {
                "" => {}
                "..." if lines.last() == Some(&TraceLine::Gap) => {
                    errors.push(RowError { line: at, message: "a second `...`".to_owned() });
                }
                "..." => lines.push(TraceLine::Gap),
                row => match TraceRow::parse(row) {
                    Ok(row) => lines.push(TraceLine::Row(row)),
                    Err(message) => errors.push(RowError { line: at, message }),
                },
            }
        }
        if errors.is_empty() && !lines.iter().any(|line| matches!(line, TraceLine::Row(_))) {
            errors.push(RowError { line: 0, message: "a trace without a row".to_owned() });
        }
        if errors.is_empty() { Ok(Self { lines }) } else { Err(errors) }
    }

    /// Matches the rows of a run; `Err` says what is the first difference.
    ///
    /// A run of rows after a gap is placed at the first step where it fits.
    ///
    /// # Errors
    ///
    /// The step, counted from 0, and the line at which they part.
    pub fn compare(&self, steps: &[TraceRow]) -> Result<(), TraceDifference> {
        let mut at = 0;
        let mut lines = self.lines.as_slice();
        while !lines.is_empty() {
            let gap = lines[0] == TraceLine::Gap;
            let body = if gap { &lines[1..] } else { lines };
            let len = body.iter().position(|line| *line == TraceLine::Gap).unwrap_or(body.len());
            let (rows, rest) = body.split_at(len);
            let start = self.lines.len() - body.len();
            if rows.is_empty() {
                return Ok(()); // A gap at the end takes the rest.
            }
            at = match (gap, rest.is_empty()) {
                // Nothing follows: the rows are the last ones.
                (true, true) => {
                    let from = steps.len().checked_sub(rows.len()).filter(|from| *from >= at);
                    let from = from.ok_or(TraceDifference { line: start, step: steps.len() })?;
                    place(rows, steps, from, start)?
                }
                (true, false) => (at..=steps.len())
                    .find_map(|from| place(rows, steps, from, start).ok())
                    .ok_or(TraceDifference { line: start, step: steps.len() })?,
                (false, _) => place(rows, steps, at, start)?,
            };
            lines = rest;
        }
        let last = self.lines.len();
        if at == steps.len() { Ok(()) } else { Err(TraceDifference { line: last, step: at }) }
    }
}

/// Matches rows to the steps from `from` on; the step after them.
fn place(
    rows: &[TraceLine],
    steps: &[TraceRow],
    from: usize,
    first_line: usize,
) -> Result<usize, TraceDifference> {
    for (index, line) in rows.iter().enumerate() {
        let step = from + index;
        let fits = match (line, steps.get(step)) {
            (TraceLine::Row(row), Some(found)) => row.matches(found),
            _ => false,
        };
        if !fits {
            return Err(TraceDifference { line: first_line + index, step });
        }
    }
    Ok(from + rows.len())
}

/// Where an expected trace and a run part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceDifference {
    /// The line of the expected trace, counted from 0 over rows and gaps; past the last when the run
    /// has more steps.
    pub line: usize,
    /// The step of the run, counted from 0; past the last when the run has fewer steps.
    pub step: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<TraceRow> {
        text.lines().map(|line| TraceRow::parse(line).unwrap()).collect()
    }

    #[test]
    fn rows_are_compared_by_what_they_give() {
        let steps = rows("0 [1] ; PUSH 1\n5 [1 2] ; PUSH 2\n10 [3] ; ADD\n11 [] out 3 ; PRINT");
        let fits = |text: &str| ExpectedTrace::parse(text).unwrap().compare(&steps);
        assert_eq!(fits("0 [1]\n[1 2] ; PUSH  2\n10 [ 3 ] ; ADD\n[] out 3"), Ok(()));
        assert_eq!(fits("0 [1]\n...\n[] out 3"), Ok(()));
        assert_eq!(fits("0 [?]\n[{1|7} 0x?2]\n[3]\n[] out ?"), Ok(()));
        assert_eq!(fits("[{2|3}]\n..."), Err(TraceDifference { line: 0, step: 0 }));
        assert_eq!(fits("...\n10 [3]\n..."), Ok(()));
        assert_eq!(fits("[1]\n[1 3]\n..."), Err(TraceDifference { line: 1, step: 1 }));
        assert_eq!(fits("[1]\n[1 2]"), Err(TraceDifference { line: 2, step: 2 }));
        assert_eq!(fits("...\n[] out 4"), Err(TraceDifference { line: 1, step: 3 }));
        assert_eq!(fits("...\n[4]\n..."), Err(TraceDifference { line: 1, step: 4 }));
        assert_eq!(
            fits("...\n[1]\n[1 2]\n[3]\n[] out 3\n[]"),
            Err(TraceDifference { line: 1, step: 4 })
        );
    }

    #[test]
    fn faulty_rows_are_all_reported() {
        let errors = ExpectedTrace::parse("99999999999 [1]\n...\n...\n[] ;").unwrap_err();
        let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [0, 2, 3]);
        assert!(ExpectedTrace::parse("...").is_err());
    }
}
