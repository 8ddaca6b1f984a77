//! One JSON object a line: `case`, `file` and `finished` events.

use std::io::Write;

use serde::Serialize;

use crate::runner::{Event, Reporter};
use crate::verdict::{Counts, Verdict};

/// Writes events as JSON lines.
#[derive(Debug)]
pub struct JsonLines<W> {
    out: W,
}

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    fn line(&mut self, line: &Line<'_>) -> std::io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }
}

/// A line. The field `type` tells which.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Started {
        corpus: &'a str,
        version: &'a str,
        cases: usize,
    },
    Case {
        id: &'a str,
        file: String,
        line: usize,
        verdict: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        differences: Vec<JsonDifference<'a>>,
    },
    File {
        file: String,
        #[serde(flatten)]
        counts: JsonCounts,
    },
    Finished {
        machines: Vec<JsonMachine<'a>>,
        #[serde(flatten)]
        counts: JsonCounts,
    },
}

#[derive(Serialize)]
struct JsonDifference<'a> {
    aspect: &'static str,
    expected: &'a str,
    found: &'a str,
}

#[derive(Serialize)]
struct JsonCounts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

#[derive(Serialize)]
struct JsonMachine<'a> {
    machine: &'a str,
    #[serde(flatten)]
    counts: JsonCounts,
}

impl From<Counts> for JsonCounts {
    fn from(counts: Counts) -> Self {
        Self { passed: counts.passed, failed: counts.failed, skipped: counts.skipped }
    }
}

impl<W: Write + Send> Reporter for JsonLines<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Started { corpus, cases } => self.line(&Line::Started {
                corpus: &corpus.name,
                version: &corpus.version,
                cases: *cases,
            }),
            Event::Case { file, case, verdict } => {
                let (name, reason, differences) = match verdict {
                    Verdict::Pass => ("pass", None, &[][..]),
                    Verdict::Fail(differences) => ("fail", None, differences.as_slice()),
                    Verdict::Skip(reason) => ("skip", Some(reason.as_str()), &[][..]),
                };
                let differences = differences.iter().map(|difference| JsonDifference {
                    aspect: difference.aspect.name(),
                    expected: &difference.expected,
                    found: &difference.found,
                });
                self.line(&Line::Case {
                    id: &case.id,
                    file: file.path.display().to_string(),
                    line: file.line(case),
                    verdict: name,
                    reason,
                    differences: differences.collect(),
                })
            }
            Event::File { file, counts } => {
                let file = file.path.display().to_string();
                self.line(&Line::File { file, counts: (*counts).into() })
            }
            Event::Finished { machines, total } => {
                let machines = machines
                    .iter()
                    .map(|(machine, counts)| JsonMachine { machine, counts: (*counts).into() })
                    .collect();
                self.line(&Line::Finished { machines, counts: (*total).into() })?;
                self.out.flush()
            }
        }
    }
}
