//! A failed case as text that is understood in ten seconds: where, which step, what before, what after.

use std::fmt::Write;

use bytestone_spec::Isa;
use bytestone_vm::asm;
use bytestone_vm::codec::Codec;
use bytestone_vm::trace::view::Key;

use crate::case::Case;
use crate::corpus::CorpusFile;
use crate::engine::{Mishap, SeenCell, Snapshot};
use crate::judge::stack_list;
use crate::lockstep::{After, Divergence, seen_cell_text};
use crate::verdict::Failure;

/// The id of a case, its place and its purpose, the first wrong step, and every difference.
pub fn failure_text(
    isa: Option<&Isa>,
    file: &CorpusFile,
    case: &Case,
    failure: &Failure,
) -> String {
    let mut text = format!("{} ({}:{})", case.id, file.path.display(), file.line(case));
    if let Some(about) = &case.about {
        text.push_str(&format!("\n{about}"));
    }
    match isa {
        Some(isa) => {
            let divergence = failure.divergence.as_ref();
            let source = divergence.and_then(|found| source_line(isa, case, found));
            text.push('\n');
            text.push_str(&failure_lines(isa, source, failure));
        }
        None => {
            for difference in &failure.differences {
                text.push_str(&format!("\n{difference}"));
            }
        }
    }
    text
}

/// What is wrong in one line: the first wrong step, or else the aspects that differ.
pub fn headline(failure: &Failure) -> String {
    match &failure.divergence {
        Some(divergence) => wrong_step(divergence),
        None => {
            let mut aspects: Vec<&str> =
                failure.differences.iter().map(|difference| difference.aspect.name()).collect();
            aspects.dedup();
            format!("not as expected: {}", aspects.join(", "))
        }
    }
}

fn wrong_step(divergence: &Divergence) -> String {
    match divergence.step {
        Some(step) => {
            format!("step {step} is wrong: {} at offset {}", divergence.text, divergence.offset)
        }
        None => "the state before the first step is wrong".to_owned(),
    }
}

/// Lines of an engine's standard error that are shown.
const LOG_LINES: usize = 10;

/// What happened to an engine, and the end of what it wrote to its standard error.
pub fn mishap_text(mishap: &Mishap) -> String {
    let mut text = mishap.to_string();
    if !mishap.log.is_empty() {
        let log: Vec<&str> = mishap.log.lines().collect();
        let shown = &log[log.len().saturating_sub(LOG_LINES)..];
        text.push_str("\nthe end of its standard error:\n| ");
        text.push_str(&shown.join("\n| "));
    }
    text
}

/// A text that may be long, cut off after so many characters.
pub fn clipped(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first wrong step, and every difference. `source` is the line that holds the step's instruction, with its
/// number.
pub fn failure_lines(isa: &Isa, source: Option<(u32, String)>, failure: &Failure) -> String {
    let divergence = failure.divergence.as_ref();
    let mut blocks: Vec<String> =
        divergence.map(|found| divergence_text(isa, found, source)).into_iter().collect();
    blocks.extend(failure.differences.iter().map(ToString::to_string));
    blocks.join("\n")
}

/// The line of a case's assembly text that holds the instruction of a divergence, or else the line of its source that the
/// instruction comes from, with its number.
pub fn source_line(isa: &Isa, case: &Case, divergence: &Divergence) -> Option<(u32, String)> {
    let (text, line) = match (&case.asm, &case.source) {
        (Some(text), _) => {
            let assembled = asm::assemble(&Codec::new(isa), text).ok()?;
            (text, assembled.statement_at(divergence.offset)?.line)
        }
        (None, Some(source)) => (&source.text, source.compiled.line_at(divergence.offset)?),
        (None, None) => return None,
    };
    Some((line, text.lines().nth((line as usize).checked_sub(1)?)?.trim().to_owned()))
}

/// A row of a table: a part of the state, before, as expected, as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRow {
    /// The name of the part.
    pub part: &'static str,
    /// Before the step.
    pub before: String,
    /// What the step must make of it.
    pub expected: String,
    /// What the engine makes of it.
    pub found: String,
}

/// The parts of the state around a wrong step.
pub fn part_rows(isa: &Isa, divergence: &Divergence) -> Vec<PartRow> {
    let before = &divergence.before;
    let (expected, found) = (&divergence.expected.state, &divergence.found.state);
    let mut rows = Vec::new();
    let mut row = |part, text: &dyn Fn(&Snapshot) -> Option<String>| {
        if let (Some(expected), Some(found)) = (text(expected), text(found)) {
            let before = text(before).unwrap_or_default();
            rows.push(PartRow { part, before, expected, found });
        }
    };
    row("offset", &|state| state.pc.map(|pc| pc.to_string()));
    if isa.machine().call_depth.is_some() || isa.machine().frames.is_some() {
        row("calls", &|state| state.depth.map(|depth| depth.to_string()));
    }
    if isa.machine().stack.is_some() {
        row("stack", &|state| state.stack.as_deref().map(stack_list));
    }
    row("output", &|state| {
        let (count, last) = state.printed.as_ref()?;
        Some(
            last.as_ref()
                .map_or_else(|| "none".to_owned(), |last| format!("{last} (value {count})")),
        )
    });
    row("host", &|state| {
        let (count, last) = state.called.as_ref()?;
        Some(
            last.as_ref()
                .map_or_else(|| "none".to_owned(), |last| format!("{last} (call {count})")),
        )
    });
    cell_rows(isa, divergence, &mut rows);
    let end = |after: &After| {
        after.end.as_ref().map_or_else(|| "goes on".to_owned(), ToString::to_string)
    };
    let (expected, found) = (end(&divergence.expected), end(&divergence.found));
    rows.push(PartRow { part: "then", before: String::new(), expected, found });
    rows
}

/// Cells that the step must change or that it changes.
fn cell_rows(isa: &Isa, divergence: &Divergence, rows: &mut Vec<PartRow>) {
    let none = Vec::new();
    let cells = |state: &Snapshot| state.cells.clone().unwrap_or_else(|| none.clone());
    let before = cells(&divergence.before);
    let expected = cells(&divergence.expected.state);
    let found = cells(&divergence.found.state);
    let mut changed: Vec<(&str, &Key)> = Vec::new();
    for (one, other) in [(&before, &expected), (&before, &found), (&expected, &found)] {
        for cell in one.iter().filter(|cell| !other.contains(cell)) {
            changed.push((&cell.bank, &cell.key));
        }
        for cell in other.iter().filter(|cell| !one.contains(cell)) {
            changed.push((&cell.bank, &cell.key));
        }
    }
    changed.sort_unstable();
    changed.dedup();
    for (bank, key) in changed {
        let text = |cells: &[SeenCell]| seen_cell_text(isa, cells, bank, key);
        rows.push(PartRow {
            part: "cell",
            before: text(&before),
            expected: text(&expected),
            found: text(&found),
        });
    }
}

fn divergence_text(isa: &Isa, divergence: &Divergence, source: Option<(u32, String)>) -> String {
    let insn = isa.instruction(divergence.insn);
    let mut text = wrong_step(divergence);
    if let Some((line, source)) = source {
        let _ = write!(text, "\nline {line} of the program: {source}");
    }
    if divergence.step.is_some() {
        let reference =
            insn.reference.as_ref().map_or_else(String::new, |from| format!(" [{from}]"));
        let clauses: Vec<&str> = insn.clauses.iter().map(|clause| clause.id.as_str()).collect();
        let _ = write!(text, "\n{}: {}{reference}", insn.name, insn.doc.trim());
        let _ = write!(text, "\nclauses: {}", clauses.join(", "));
    }
    text.push_str(&table(&part_rows(isa, divergence)));
    text
}

/// Side by side, with the differing parts marked.
fn table(rows: &[PartRow]) -> String {
    let heads = PartRow {
        part: "",
        before: "before".to_owned(),
        expected: "expected".to_owned(),
        found: "found".to_owned(),
    };
    let width = |text: fn(&PartRow) -> &str| {
        rows.iter().chain([&heads]).map(|row| text(row).chars().count()).max().unwrap_or(0).min(60)
    };
    let widths = (
        width(|row| row.part),
        width(|row| &row.before),
        width(|row| &row.expected),
        width(|row| &row.found),
    );
    let mut text = String::new();
    for row in [&heads].into_iter().chain(rows) {
        let mark = if row.part.is_empty() || row.expected == row.found { "" } else { "  <--" };
        let line = format!(
            "  {:a$}  {:b$}  {:c$}  {:d$}{mark}",
            row.part,
            row.before,
            row.expected,
            row.found,
            a = widths.0,
            b = widths.1,
            c = widths.2,
            d = widths.3,
        );
        text.push('\n');
        text.push_str(line.trim_end());
    }
    text
}
