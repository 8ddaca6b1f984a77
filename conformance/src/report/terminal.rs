//! For people: a line a file or a progress bar, each failure in full, a summary by machine.

use std::io::Write;

use bytestone_spec::Isa;
use indicatif::{ProgressBar, ProgressStyle};

use crate::case::Case;
use crate::corpus::CorpusFile;
use crate::engine::message::printable;
use crate::report::failure::{failure_text, mishap_text};
use crate::report::summary::unexpected_text;
use crate::runner::{Contender, Event, Reporter};
use crate::verdict::{Counts, Verdict};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A bar that is gone in the end: for terminals.
    Bar,
    /// A line for each file.
    Lines,
}

/// Writes a run as text. The last line is `N passed, N failed, N skipped`.
#[derive(Debug)]
pub struct Terminal<W> {
    out: W,
    progress: Progress,
    bar: Option<ProgressBar>,
    /// How to run one case again; the id is put behind it.
    rerun: String,
    /// The last case that came to nothing: its verdict, the reason, and how many followed with the same.
    aside: Option<(&'static str, String, usize)>,
}

impl<W: Write + Send> Terminal<W> {
    /// Writes to `out`. `rerun` is the command that runs one case, to which its id is added.
    pub fn new(out: W, progress: Progress, rerun: impl Into<String>) -> Self {
        Self { out, progress, bar: None, rerun: rerun.into(), aside: None }
    }

    /// Says who is held to the corpus, and at which level.
    fn contender(&mut self, contender: &Contender) -> std::io::Result<()> {
        let levels = contender.levels.iter();
        let levels: Vec<String> =
            levels.map(|(machine, level)| format!("{machine} at level {}", level.name())).collect();
        let levels =
            if levels.is_empty() { "none of the machines".to_owned() } else { levels.join(", ") };
        let name = format!("{} {}", contender.name, contender.version);
        self.write(&format!("{}: {levels}\n", name.trim_end()))
    }

    /// Writes with the bar out of the way.
    fn write(&mut self, text: &str) -> std::io::Result<()> {
        // Much of it are words of engines.
        let text = printable(text);
        match &self.bar {
            Some(bar) => bar.suspend(|| self.out.write_all(text.as_bytes())),
            None => self.out.write_all(text.as_bytes()),
        }
    }

    /// Writes a block whose later lines stand below the first word, and how to run the case again.
    fn block(&mut self, word: &str, text: &str, case: &Case) -> std::io::Result<()> {
        let indent = " ".repeat(word.len() + 1);
        let text = text.replace('\n', &format!("\n{indent}"));
        let rerun = format!("{indent}run it alone: {} {}", self.rerun, case.id);
        self.write(&format!("{word} {text}\n{rerun}\n\n"))
    }

    fn case(
        &mut self,
        isa: Option<&Isa>,
        file: &CorpusFile,
        case: &Case,
        verdict: &Verdict,
    ) -> std::io::Result<()> {
        let place = || format!("{} ({}:{})", case.id, file.path.display(), file.line(case));
        match verdict {
            Verdict::Pass => Ok(()),
            Verdict::Known(_, reason) => self.write(&format!("KNOWN {}: {reason}\n", case.id)),
            Verdict::Fail(failure) => {
                let mut text = failure_text(isa, file, case, failure);
                if let (Some(command), Some(_)) =
                    (self.rerun.strip_suffix(" --case"), &failure.request)
                {
                    text.push_str(&format!("\nits request: {command} --emit-request {}", case.id));
                }
                self.block("FAIL", &text, case)
            }
            Verdict::Unexpected(reason) => {
                let text = format!("{}\n{}", place(), unexpected_text(reason));
                self.block("FAIL", &text, case)
            }
            Verdict::Error(mishap) => {
                let text = format!("{}\n{}", place(), mishap_text(mishap));
                self.block("ERROR", &text, case)
            }
            Verdict::Skip(reason) => self.aside("SKIP", reason, case),
            Verdict::NotRun(reason) => self.aside("NOT RUN", reason, case),
        }
    }

    /// Writes one line for a case that came to nothing; many in a row for one reason become one.
    fn aside(&mut self, word: &'static str, reason: &str, case: &Case) -> std::io::Result<()> {
        let same = self.aside.as_ref().is_some_and(|(of, why, _)| *of == word && why == reason);
        if same {
            if let Some((_, _, count)) = &mut self.aside {
                *count += 1;
            }
            return Ok(());
        }
        self.flush_aside()?;
        self.aside = Some((word, reason.to_owned(), 0));
        self.write(&format!("{word} {}: {reason}\n", case.id))
    }

    fn flush_aside(&mut self) -> std::io::Result<()> {
        match self.aside.take() {
            Some((word, _, more @ 1..)) => {
                self.write(&format!("{word} and {more} more for the same reason\n"))
            }
            _ => Ok(()),
        }
    }
}

impl<W: Write + Send> Reporter for Terminal<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Started { cases, contender, .. } => {
                if self.progress == Progress::Bar {
                    let style = ProgressStyle::with_template(
                        "{bar:40} {pos}/{len} cases {per_sec} {eta} {msg}",
                    );
                    let bar = ProgressBar::new(*cases as u64);
                    self.bar = Some(
                        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())),
                    );
                }
                self.contender(contender)
            }
            Event::Case { isa, file, case, verdict } => {
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
                if !matches!(verdict, Verdict::Skip(_) | Verdict::NotRun(_)) {
                    self.flush_aside()?;
                }
                self.case(*isa, file, case, verdict)
            }
            Event::File { file, counts } => match &self.bar {
                Some(bar) => {
                    bar.set_message(file.path.display().to_string());
                    Ok(())
                }
                None => self.write(&format!("{}: {counts}\n", file.path.display())),
            },
            Event::Closed => self.out.flush(),
            Event::Finished { machines, total } => {
                self.flush_aside()?;
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                self.write(&summary(machines, *total))?;
                self.out.flush()
            }
        }
    }
}

/// A line a machine, then the total.
fn summary(machines: &[(String, Counts)], total: Counts) -> String {
    let width = machines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::from("\n");
    for (name, counts) in machines {
        text.push_str(&format!("{name:width$}  {counts}\n"));
    }
    text.push_str(&format!("{total}\n"));
    text
}
