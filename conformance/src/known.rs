//! Known failures: a file that says which cases an engine fails, and why (`bytestone: known-failures/1`).

use std::collections::BTreeSet;

use bytestone_spec::diagnostic::{Diagnostics, Faulty, Source};
use bytestone_spec::shape::Text;
use bytestone_spec::yaml::{self, Node};
use globset::{Glob, GlobMatcher};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::case::Case;
use crate::header;
use crate::verdict::{Aspect, Difference, Failure, Verdict};

/// The header of these files.
pub const HEADER: &str = "known-failures/1";

/// The file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownFile {
    /// The format of this file: `known-failures/1`.
    pub bytestone: Text,
    /// The engine that fails, as it is called in reports; the list is for no other. For every engine when absent.
    pub engine: Option<Text>,
    /// What fails.
    pub failures: Vec<EntryFile>,
}

/// An entry.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryFile {
    /// The id of a case, or a pattern as in `stack/call-*`.
    pub case: Text,
    /// Why it fails.
    pub reason: Text,
    /// Where that is tracked.
    pub link: Option<Text>,
    /// The day from which the entry counts as a fault itself: `YYYY-MM-DD`.
    pub expires: Option<Text>,
}

/// The JSON Schema of these files.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(KnownFile).to_value()
}

/// Cases that are known to fail.
#[derive(Debug, Default)]
pub struct KnownFailures {
    /// The engine that they are of; every one when `None`.
    engine: Option<String>,
    /// Whether that engine was run.
    applies: bool,
    entries: Vec<Entry>,
    /// The entries that failed in this run, by place.
    met: BTreeSet<usize>,
    /// The entries of which some case was run, by place.
    seen: BTreeSet<usize>,
}

#[derive(Debug)]
struct Entry {
    pattern: String,
    is_pattern: bool,
    matcher: GlobMatcher,
    reason: String,
    expires: Option<String>,
    line: usize,
}

impl Entry {
    fn read(
        entry: EntryFile,
        node: &Node,
        source: &Source,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let span = node.get("case").map_or(node.span, |case| case.span);
        if let Some(expires) = node.get("expires")
            && !entry.expires.as_ref().is_some_and(|day| is_day(&day.0))
        {
            diagnostics.error(expires.span, "expected a day as in `2031-12-31`");
        }
        let matcher = match Glob::new(&entry.case.0) {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                diagnostics.error(span, error.to_string());
                return None;
            }
        };
        Some(Self {
            matcher,
            is_pattern: entry.case.0.contains(['*', '?', '[', '{']),
            pattern: entry.case.0,
            reason: entry.reason.0,
            expires: entry.expires.map(|expires| expires.0),
            line: source.line_column(span.start as usize).0,
        })
    }
}

impl KnownFailures {
    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// All its faults.
    pub fn parse(source: Source) -> Result<Self, Faulty> {
        let mut diagnostics = Diagnostics::default();
        let (mut engine, mut entries) = (None, Vec::new());
        let read = header::read::<KnownFile>(&source, HEADER, &schema(), &mut diagnostics);
        if let Some((root, file)) = read {
            engine = file.engine.map(|engine| engine.0);
            let nodes = root.get("failures").map_or(&[][..], Node::items);
            for (entry, node) in file.failures.into_iter().zip(nodes) {
                entries.extend(Entry::read(entry, node, &source, &mut diagnostics));
            }
        }
        diagnostics.finish(vec![source])?;
        Ok(Self { engine, entries, ..Self::default() })
    }

    /// The engine that they are of; every one when `None`.
    pub fn engine(&self) -> Option<&str> {
        self.engine.as_deref()
    }

    /// What a verdict on an engine becomes when failures are known.
    pub fn apply(&mut self, engine: &str, case: &Case, verdict: Verdict) -> Verdict {
        if self.engine.as_deref().is_some_and(|of| of != engine) {
            return verdict;
        }
        self.applies = true;
        let matches = |entry: &&Entry| {
            entry.matcher.is_match(&case.id)
                || case.formerly.iter().any(|id| entry.matcher.is_match(id))
        };
        let Some(place) = self.entries.iter().position(|entry| matches(&entry)) else {
            return verdict;
        };
        let entry = &self.entries[place];
        match verdict {
            Verdict::Fail(failure) => {
                self.seen.insert(place);
                self.met.insert(place);
                Verdict::Known(failure, entry.reason.clone())
            }
            Verdict::Error(mishap) if mishap.kind.is_end() => {
                self.seen.insert(place);
                self.met.insert(place);
                let failure = Failure::from(vec![Difference {
                    aspect: Aspect::Outcome,
                    expected: "an answer".to_owned(),
                    found: mishap.to_string(),
                }]);
                Verdict::Known(Box::new(failure), entry.reason.clone())
            }
            Verdict::Pass => {
                self.seen.insert(place);
                // A pattern is met when any of its cases fails.
                if entry.is_pattern {
                    Verdict::Pass
                } else {
                    Verdict::Unexpected(entry.reason.clone())
                }
            }
            other => other,
        }
    }

    /// What is wrong with the entries themselves after a run: those that expired by `today`
    /// (`YYYY-MM-DD`), those that no case of a whole run of their engine met, and patterns whose cases all passed.
    pub fn faults(&self, today: &str, coverage: Coverage) -> Vec<String> {
        let mut faults = Vec::new();
        for (place, entry) in self.entries.iter().enumerate() {
            let name = format!("line {}: {}", entry.line, entry.pattern);
            if let Some(expires) = &entry.expires
                && expires.as_str() <= today
            {
                faults.push(format!("{name}: expired on {expires}"));
            }
            if self.met.contains(&place) {
                continue;
            }
            if !self.seen.contains(&place) && self.applies && coverage == Coverage::Whole {
                faults.push(format!("{name}: stale, no such case was run"));
            } else if self.seen.contains(&place) && entry.is_pattern {
                faults.push(format!("{name}: every case that matches passes"));
            }
        }
        faults
    }
}

/// How much of the corpus a run covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All of it.
    Whole,
    /// Some cases.
    Part,
}

fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits =
        |part: &str, count| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    matches!(parts[..], [year, month, day]
        if digits(year, 4) && digits(month, 2) && digits(day, 2))
}

/// The text of a file that lists cases as known failures.
pub fn write(engine: &str, failures: &[(String, String)]) -> String {
    let mut text = format!("bytestone: {HEADER}\nengine: {}\n", yaml::quoted(engine));
    text.push_str(if failures.is_empty() { "failures: []\n" } else { "failures:\n" });
    for (case, reason) in failures {
        let (case, reason) = (yaml::quoted(case), yaml::quoted(reason));
        text.push_str(&format!("- case: {case}\n  reason: {reason}\n"));
    }
    text
}
