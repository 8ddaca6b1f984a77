//! A badge: the JSON of a shields.io endpoint.

use std::io::Write;

use serde_json::json;

use crate::runner::{Event, Reporter};
use crate::verdict::Counts;

/// Writes the JSON of a badge when all is over. Several engines are counted together.
#[derive(Debug)]
pub struct Badge<W> {
    out: W,
    total: Counts,
}

impl<W: Write + Send> Badge<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, total: Counts::default() }
    }
}

/// The message and its colour. What is bad is said and what is good is not, if there is both.
fn message(total: Counts) -> (String, &'static str) {
    let bad = [(total.failed, "failed"), (total.errored, "errored"), (total.not_run, "not run")];
    let bad: Vec<String> = bad
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    match (total.failed, total.executed(), total.known) {
        (1.., ..) => (bad.join(", "), "red"),
        (0, 0, _) => ("nothing was run".to_owned(), "lightgrey"),
        _ if !bad.is_empty() => (bad.join(", "), "orange"),
        (0, _, 0) => (format!("{} passed", total.passed), "brightgreen"),
        (0, _, known) => (format!("{} passed, {known} known to fail", total.passed), "yellow"),
    }
}

impl<W: Write + Send> Reporter for Badge<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Case { verdict, .. } => self.total.add(verdict),
            Event::Closed => {
                let (message, color) = message(self.total);
                let badge = json!({
                    "schemaVersion": 1,
                    "label": "conformance",
                    "message": message,
                    "color": color,
                });
                writeln!(self.out, "{badge:#}")?;
                self.out.flush()?;
            }
            Event::Started { .. } | Event::File { .. } | Event::Finished { .. } => {}
        }
        Ok(())
    }
}
