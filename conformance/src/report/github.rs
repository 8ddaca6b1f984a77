//! Annotations of GitHub workflows: failures at the lines of their cases.

use std::io::Write;

use indexmap::IndexMap;

use crate::case::Case;
use crate::corpus::CorpusFile;
use crate::report::failure::{clipped, failure_text, headline, mishap_text};
use crate::report::summary::unexpected_text;
use crate::runner::{Event, Reporter};
use crate::verdict::{Counts, Verdict};

/// Annotations of cases. GitHub shows few of a job, and logs should stay readable.
const ANNOTATIONS: usize = 50;
/// Characters of a message.
const MESSAGE: usize = 4000;

/// Writes workflow commands: an error for each case that failed, notices for known failures and for the
/// summary.
#[derive(Debug)]
pub struct Github<W> {
    out: W,
    engine: String,
    errors: usize,
    /// Notices of known failures, kept to the end so that they take no place from errors.
    notices: Vec<Annotation>,
    known: usize,
    /// Cases that were not run, by engine and reason.
    not_run: IndexMap<(String, String), usize>,
}

#[derive(Debug)]
struct Annotation {
    command: &'static str,
    file: String,
    line: usize,
    title: String,
    message: String,
}

impl<W: Write + Send> Github<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            engine: String::new(),
            errors: 0,
            notices: Vec::new(),
            known: 0,
            not_run: IndexMap::new(),
        }
    }

    fn annotation(
        &self,
        command: &'static str,
        (file, case): (&CorpusFile, &Case),
        title: &str,
        message: &str,
    ) -> Annotation {
        Annotation {
            command,
            file: file.path.display().to_string(),
            line: file.line(case),
            title: format!("{}: {}: {title}", self.engine, case.id),
            message: clipped(message, MESSAGE),
        }
    }

    fn error(&mut self, at: (&CorpusFile, &Case), title: &str, text: &str) -> std::io::Result<()> {
        self.errors += 1;
        if self.errors > ANNOTATIONS {
            return Ok(());
        }
        let annotation = self.annotation("error", at, title, text);
        self.write(&annotation)
    }

    fn write(&mut self, annotation: &Annotation) -> std::io::Result<()> {
        let Annotation { command, file, line, title, message } = annotation;
        writeln!(
            self.out,
            "::{command} file={},line={line},title={}::{}",
            property(file),
            property(title),
            data(message)
        )
    }

    /// The summary of one engine.
    fn finished(&mut self, machines: &[(String, Counts)], total: Counts) -> std::io::Result<()> {
        let mut text = total.to_string();
        for (machine, counts) in machines {
            text.push_str(&format!("\n{machine}: {counts}"));
        }
        let title = property(&format!("{}: conformance", self.engine));
        writeln!(self.out, "::notice title={title}::{}", data(&text))
    }

    fn closed(&mut self) -> std::io::Result<()> {
        let left = ANNOTATIONS.saturating_sub(self.errors);
        for annotation in std::mem::take(&mut self.notices).iter().take(left) {
            self.write(annotation)?;
        }
        for ((engine, reason), count) in std::mem::take(&mut self.not_run) {
            let title = property(&format!("{engine}: cases were not run"));
            let text = data(&format!("{count} not run: {reason}"));
            writeln!(self.out, "::warning title={title}::{text}")?;
        }
        let more_errors = self.errors.saturating_sub(ANNOTATIONS);
        let more_known = self.known.saturating_sub(left);
        if more_errors + more_known > 0 {
            writeln!(
                self.out,
                "::notice title=not all are shown::{more_errors} more that failed or errored, \
                 {more_known} more known failures"
            )?;
        }
        self.out.flush()
    }
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

impl<W: Write + Send> Reporter for Github<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Started { contender, .. } => {
                self.engine.clone_from(&contender.name);
                Ok(())
            }
            Event::Case { isa, file, case, verdict } => match verdict {
                Verdict::Pass | Verdict::Skip(_) => Ok(()),
                Verdict::Fail(failure) => {
                    let text = failure_text(*isa, file, case, failure);
                    self.error((file, case), &headline(failure), &text)
                }
                Verdict::Unexpected(reason) => {
                    self.error((file, case), "passes unexpectedly", &unexpected_text(reason))
                }
                Verdict::Error(mishap) => {
                    self.error((file, case), mishap.kind.name(), &mishap_text(mishap))
                }
                Verdict::Known(_, reason) => {
                    self.known += 1;
                    if self.notices.len() < ANNOTATIONS {
                        let notice =
                            self.annotation("notice", (file, case), "known failure", reason);
                        self.notices.push(notice);
                    }
                    Ok(())
                }
                Verdict::NotRun(reason) => {
                    let key = (self.engine.clone(), reason.clone());
                    *self.not_run.entry(key).or_default() += 1;
                    Ok(())
                }
            },
            Event::File { .. } => Ok(()),
            Event::Finished { machines, total } => self.finished(machines, *total),
            Event::Closed => self.closed(),
        }
    }
}
