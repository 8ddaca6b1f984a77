//! Markdown: a summary for a pull request, with the first failures.

use std::fmt::Write as _;
use std::io::Write;

use bytestone_spec::Isa;

use crate::case::Case;
use crate::corpus::CorpusFile;
use crate::report::failure::{clipped, headline, mishap_text, part_rows, source_line};
use crate::report::summary::{KINDS, Run, Summary, unexpected_text};
use crate::runner::{Event, Reporter};
use crate::verdict::{Counts, Failure, Verdict};

/// Failures that are shown.
const SHOWN: usize = 20;
/// Characters of a value that is shown.
const VALUE: usize = 400;

/// Writes Markdown when all is over: for a comment on a pull request, or the summary of a job.
#[derive(Debug)]
pub struct Markdown<W> {
    out: W,
    /// How to run one case again; the id is put behind it.
    rerun: String,
    summary: Summary,
    /// The first failures, each rendered.
    failures: Vec<String>,
    /// How many there were.
    count: usize,
}

impl<W: Write + Send> Markdown<W> {
    /// Writes to `out`. `rerun` is the command that runs one case, to which its id is added.
    pub fn new(out: W, rerun: impl Into<String>) -> Self {
        Self {
            out,
            rerun: rerun.into(),
            summary: Summary::default(),
            failures: Vec::new(),
            count: 0,
        }
    }

    fn case(&mut self, isa: Option<&Isa>, file: &CorpusFile, case: &Case, verdict: &Verdict) {
        let (title, body) = match verdict {
            Verdict::Fail(failure) => (headline(failure), failure_body(isa, case, failure)),
            Verdict::Unexpected(reason) => {
                ("passes unexpectedly".to_owned(), paragraph(&unexpected_text(reason)))
            }
            Verdict::Error(mishap) => (mishap.kind.name().to_owned(), block(&mishap_text(mishap))),
            Verdict::Pass | Verdict::Known(..) | Verdict::Skip(_) | Verdict::NotRun(_) => return,
        };
        self.count += 1;
        if self.failures.len() >= SHOWN {
            return;
        }
        let engine = match self.summary.runs.last() {
            Some(run) => run.title.as_str(),
            None => "",
        };
        let place = format!("{}:{}", file.path.display(), file.line(case));
        let about = case.about.as_deref().map(paragraph).unwrap_or_default();
        let rerun = block(&format!("{} {}", self.rerun, case.id));
        self.failures.push(format!(
            "<details><summary>{} {}: {}</summary>\n\n{about}{body}{}{rerun}</details>\n",
            code(engine),
            code(&case.id),
            escaped(&title),
            paragraph(&place),
        ));
    }

    fn page(&self) -> String {
        let total = self.summary.total();
        let mut page = format!("## Conformance: {total}\n");
        for run in &self.summary.runs {
            page.push_str(&run_section(run));
        }
        if self.count > 0 {
            page.push_str("\n### Failures\n\n");
            page.push_str(&self.failures.join("\n"));
            let more = self.count - self.failures.len();
            if more > 0 {
                let _ = writeln!(page, "\n{more} more failed or errored.");
            }
        }
        let _ = writeln!(page, "\n<sub>Bytestone {}</sub>", env!("CARGO_PKG_VERSION"));
        page
    }
}

/// Who was held to what, and the counts by machine.
fn run_section(run: &Run) -> String {
    let corpus = &run.corpus;
    let mut text = format!(
        "\n### {}\n\nCorpus {} {}, hash {}\n\n| machine | spec | level |",
        escaped(&run.title),
        code(&corpus.name),
        escaped(&corpus.version),
        code(&clipped(&corpus.hash, 16)),
    );
    for kind in KINDS {
        let _ = write!(text, " {} |", kind.title);
    }
    text.push_str("\n|---|---|---|");
    text.push_str(&"---:|".repeat(KINDS.len()));
    text.push('\n');
    for machine in &run.machines {
        let _ = write!(
            text,
            "| {} | {} | {} |",
            code(&machine.name),
            escaped(machine.spec.as_deref().unwrap_or("unknown")),
            machine.level.map_or("none", |level| level.name()),
        );
        text.push_str(&numbers(&machine.counts));
    }
    if run.machines.len() > 1 {
        text.push_str("| **all** | | |");
        text.push_str(&numbers(&run.total));
    }
    text
}

/// The cells of a row of counts. What is bad is bold.
fn numbers(counts: &Counts) -> String {
    let cells = KINDS.iter().map(|kind| match (kind.of)(counts) {
        count @ 1.. if matches!(kind.key, "fail" | "error" | "not-run") => {
            format!(" **{count}** |")
        }
        count => format!(" {count} |"),
    });
    cells.collect::<String>() + "\n"
}

fn failure_body(isa: Option<&Isa>, case: &Case, failure: &Failure) -> String {
    let mut text = String::new();
    if let (Some(isa), Some(divergence)) = (isa, &failure.divergence) {
        let insn = isa.instruction(divergence.insn);
        if let Some((line, source)) = source_line(isa, case, divergence) {
            text.push_str(&format!("Line {line} of the program: {}\n\n", code(&source)));
        }
        if divergence.step.is_some() {
            let reference =
                insn.reference.as_ref().map_or_else(String::new, |from| format!(" [{from}]"));
            let doc = format!("{}{reference}", insn.doc.trim());
            text.push_str(&format!("{}: {}\n\n", code(&insn.name), escaped(&doc)));
            let clauses: Vec<String> = insn.clauses.iter().map(|clause| code(&clause.id)).collect();
            text.push_str(&format!("Clauses: {}\n\n", clauses.join(", ")));
        }
        text.push_str("| | before | expected | found | |\n|---|---|---|---|---|\n");
        for row in part_rows(isa, divergence) {
            let mark = if row.expected == row.found { "" } else { "**differs**" };
            let [before, expected, found] =
                [&row.before, &row.expected, &row.found].map(|value| value_code(value));
            let _ = writeln!(text, "| {} | {before} | {expected} | {found} | {mark} |", row.part);
        }
        text.push('\n');
    }
    if !failure.differences.is_empty() {
        text.push_str("| differs | expected | found |\n|---|---|---|\n");
        for difference in &failure.differences {
            let [expected, found] =
                [&difference.expected, &difference.found].map(|value| value_code(value));
            let _ = writeln!(text, "| {} | {expected} | {found} |", difference.aspect.name());
        }
        text.push('\n');
    }
    text
}

/// A text without anything that Markdown, HTML or a table takes for more than text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("<br>"),
            '&' | '<' | '>' | '"' | '\'' | '`' | '*' | '_' | '[' | ']' | '\\' | '|' | '~' | '@'
            | '#' | '!' | '$' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<code>{}</code>", escaped(text)) }
}

fn value_code(text: &str) -> String {
    code(&clipped(text, VALUE))
}

fn paragraph(text: &str) -> String {
    format!("{}\n\n", escaped(text.trim()))
}

/// Lines as they are, in a fence that none of them ends.
fn block(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let text: String =
        text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect();
    format!("{fence}text\n{text}\n{fence}\n\n")
}

impl<W: Write + Send> Reporter for Markdown<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        self.summary.event(event);
        match event {
            Event::Case { isa, file, case, verdict } => self.case(*isa, file, case, verdict),
            Event::Closed => {
                self.out.write_all(self.page().as_bytes())?;
                self.out.flush()?;
            }
            Event::Started { .. } | Event::File { .. } | Event::Finished { .. } => {}
        }
        Ok(())
    }
}
