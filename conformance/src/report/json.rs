//! One JSON object a line: `started`, `case`, `file` and `finished` events.

use std::io::Write;

use bytestone_spec::Isa;
use indexmap::IndexMap;
use serde::Serialize;

use crate::report::failure::{PartRow, part_rows};
use crate::runner::{Event, Reporter};
use crate::verdict::{Counts, Difference, Verdict};

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
        corpus_hash: String,
        engine: &'a str,
        engine_version: &'a str,
        levels: IndexMap<&'a str, &'static str>,
        cases: usize,
    },
    Case {
        id: &'a str,
        file: String,
        line: usize,
        verdict: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        differences: Vec<JsonDifference>,
        #[serde(skip_serializing_if = "Option::is_none")]
        divergence: Option<JsonDivergence<'a>>,
    },
    File {
        file: String,
        #[serde(flatten)]
        counts: Counts,
    },
    Finished {
        machines: Vec<JsonMachine<'a>>,
        #[serde(flatten)]
        counts: Counts,
    },
}

#[derive(Serialize)]
struct JsonDifference {
    aspect: &'static str,
    expected: String,
    found: String,
}

/// The first wrong step.
#[derive(Serialize)]
struct JsonDivergence<'a> {
    step: Option<u64>,
    offset: u32,
    instruction: &'a str,
    text: &'a str,
    parts: Vec<JsonPart>,
}

#[derive(Serialize)]
struct JsonPart {
    part: &'static str,
    before: String,
    expected: String,
    found: String,
}

#[derive(Serialize)]
struct JsonMachine<'a> {
    machine: &'a str,
    #[serde(flatten)]
    counts: Counts,
}

fn differences(verdict: &Verdict) -> Vec<JsonDifference> {
    let differences = verdict.failure().map_or(&[][..], |failure| &failure.differences);
    let one = |difference: &Difference| JsonDifference {
        aspect: difference.aspect.name(),
        expected: difference.expected.clone(),
        found: difference.found.clone(),
    };
    differences.iter().map(one).collect()
}

fn divergence<'a>(isa: Option<&'a Isa>, verdict: &'a Verdict) -> Option<JsonDivergence<'a>> {
    let (isa, divergence) = (isa?, verdict.failure()?.divergence.as_ref()?);
    let part = |row: PartRow| JsonPart {
        part: row.part,
        before: row.before,
        expected: row.expected,
        found: row.found,
    };
    Some(JsonDivergence {
        step: divergence.step,
        offset: divergence.offset,
        instruction: &isa.instruction(divergence.insn).name,
        text: &divergence.text,
        parts: part_rows(isa, divergence).into_iter().map(part).collect(),
    })
}

impl<W: Write + Send> Reporter for JsonLines<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Started { corpus, contender, cases } => self.line(&Line::Started {
                corpus: &corpus.name,
                version: &corpus.version,
                corpus_hash: corpus.hash(),
                engine: &contender.name,
                engine_version: &contender.version,
                levels: contender
                    .levels
                    .iter()
                    .map(|(machine, level)| (machine.as_str(), level.name()))
                    .collect(),
                cases: *cases,
            }),
            Event::Closed => self.out.flush(),
            Event::Case { isa, file, case, verdict } => self.line(&Line::Case {
                id: &case.id,
                file: file.path.display().to_string(),
                line: file.line(case),
                verdict: verdict.name(),
                reason: verdict.reason(),
                differences: differences(verdict),
                divergence: divergence(*isa, verdict),
            }),
            Event::File { file, counts } => {
                let file = file.path.display().to_string();
                self.line(&Line::File { file, counts: *counts })
            }
            Event::Finished { machines, total } => {
                let machines = machines
                    .iter()
                    .map(|(machine, counts)| JsonMachine { machine, counts: *counts })
                    .collect();
                self.line(&Line::Finished { machines, counts: *total })?;
                self.out.flush()
            }
        }
    }
}
