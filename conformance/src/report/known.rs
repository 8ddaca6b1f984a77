//! A file of known failures from the cases that fail.

use std::io::Write;

use crate::known;
use crate::runner::{Event, Reporter};
use crate::verdict::Verdict;

/// Writes the failing cases when all is over. The reasons are the aspects that differ; people should replace
/// them.
#[derive(Debug)]
pub struct KnownWriter<W> {
    out: W,
    engine: String,
    failures: Vec<(String, String)>,
}

impl<W: Write + Send> KnownWriter<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, engine: String::new(), failures: Vec::new() }
    }
}

impl<W: Write + Send> Reporter for KnownWriter<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Started { contender, .. } => self.engine.clone_from(&contender.name),
            Event::Case { case, verdict: Verdict::Fail(failure), .. } => {
                let step = failure.divergence.as_ref().map(|at| format!("{}: ", at.text));
                let aspects: Vec<&str> =
                    failure.differences.iter().map(|difference| difference.aspect.name()).collect();
                let reason = format!(
                    "{}{} differs",
                    step.unwrap_or_default(),
                    match &aspects[..] {
                        [] => "the state".to_owned(),
                        aspects => aspects.join(", "),
                    }
                );
                self.failures.push((case.id.clone(), reason));
            }
            Event::Case { case, verdict: Verdict::Error(mishap), .. } if mishap.kind.is_end() => {
                self.failures.push((case.id.clone(), mishap.to_string()));
            }
            Event::Closed => {
                self.out.write_all(known::write(&self.engine, &self.failures).as_bytes())?;
                self.out.flush()?;
            }
            Event::Case { .. } | Event::File { .. } | Event::Finished { .. } => {}
        }
        Ok(())
    }
}
