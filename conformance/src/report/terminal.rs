//! For people: a line a file or a progress bar, each failure in full, a summary by machine.

use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};

use crate::case::Case;
use crate::corpus::CorpusFile;
use crate::runner::{Event, Reporter};
use crate::verdict::{Counts, Difference, Verdict};

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
}

impl<W: Write + Send> Terminal<W> {
    /// Writes to `out`. `rerun` is the command that runs one case, to which its id is added.
    pub fn new(out: W, progress: Progress, rerun: impl Into<String>) -> Self {
        Self { out, progress, bar: None, rerun: rerun.into() }
    }

    /// Writes with the bar out of the way.
    fn write(&mut self, text: &str) -> std::io::Result<()> {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.out.write_all(text.as_bytes())),
            None => self.out.write_all(text.as_bytes()),
        }
    }

    fn failure(
        &mut self,
        file: &CorpusFile,
        case: &Case,
        differences: &[Difference],
    ) -> std::io::Result<()> {
        let mut text =
            format!("FAIL {}\n", failure_text(file, case, differences).replace('\n', "\n     "));
        text.push_str(&format!("     run it alone: {} {}\n\n", self.rerun, case.id));
        self.write(&text)
    }
}

/// A failed case: its id, place, purpose and every difference.
pub(crate) fn failure_text(file: &CorpusFile, case: &Case, differences: &[Difference]) -> String {
    let mut text = format!("{} ({}:{})", case.id, file.path.display(), file.line(case));
    if let Some(about) = &case.about {
        text.push_str(&format!("\n{about}"));
    }
    for difference in differences {
        text.push_str(&format!("\n{difference}"));
    }
    text
}

impl<W: Write + Send> Reporter for Terminal<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Started { cases, .. } => {
                if self.progress == Progress::Bar {
                    let style =
                        ProgressStyle::with_template("{bar:40} {pos}/{len} cases {per_sec} {msg}");
                    let bar = ProgressBar::new(*cases as u64);
                    self.bar = Some(
                        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())),
                    );
                }
                Ok(())
            }
            Event::Case { file, case, verdict } => {
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
                match verdict {
                    Verdict::Pass => Ok(()),
                    Verdict::Fail(differences) => self.failure(file, case, differences),
                    Verdict::Skip(reason) => self.write(&format!("SKIP {}: {reason}\n", case.id)),
                }
            }
            Event::File { file, counts } => match &self.bar {
                Some(bar) => {
                    bar.set_message(file.path.display().to_string());
                    Ok(())
                }
                None => self.write(&format!("{}: {counts}\n", file.path.display())),
            },
            Event::Finished { machines, total } => {
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
