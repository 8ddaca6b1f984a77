//! The claim of conformance: what an engine was held to and came to, as a JSON file (`claim/1`).

use std::io::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::Level;
use crate::report::summary::{Run, Summary};
use crate::runner::{Event, Reporter};
use crate::verdict::{Counts, Verdict};

/// The header of claims.
pub const HEADER: &str = "claim/1";

/// A claim: what engines were held to, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// The format of this file: `claim/1`.
    pub bytestone: String,
    /// The version of Bytestone that wrote it.
    pub tool: String,
    /// The corpus.
    pub corpus: ClaimCorpus,
    /// The engines, in the order in which they were run.
    pub engines: Vec<ClaimEngine>,
}

/// Which corpus engines were held to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimCorpus {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 over its cases, in hexadecimal.
    pub hash: String,
    /// How many cases it has, whether they were selected or not.
    pub cases: usize,
}

/// What one engine comes to. A case that was selected and is in no list passed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimEngine {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it comes to by machine, in the order of the corpus.
    pub machines: Vec<ClaimMachine>,
    /// What it comes to on all machines.
    pub counts: Counts,
    /// How many cases failed that are known to fail.
    pub known_failures: usize,
    /// Ids of cases that failed, sorted.
    #[serde(default)]
    pub failed: Vec<String>,
    /// Ids of cases that passed although they are listed as known failures; they count as failed.
    #[serde(default)]
    pub unexpected: Vec<String>,
    /// Ids of cases in which something happened to the engine, sorted.
    #[serde(default)]
    pub errored: Vec<String>,
    /// Ids of cases that were not run, sorted.
    #[serde(default)]
    pub not_run: Vec<String>,
    /// Ids of cases that do not apply, sorted.
    #[serde(default)]
    pub skipped: Vec<String>,
    /// Ids of cases that failed and are known to, sorted.
    #[serde(default)]
    pub known: Vec<String>,
}

/// What one engine comes to on one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimMachine {
    /// The name of the machine.
    pub machine: String,
    /// The version of its spec; null if there is no such machine.
    pub spec: Option<String>,
    /// The level at which the engine was held to it; null if the engine does not run it.
    pub level: Option<Level>,
    /// Features of the spec that cases require which passed, sorted.
    pub features: Vec<String>,
    /// What came of its cases.
    pub counts: Counts,
}

/// The JSON Schema of claims.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Claim).to_value()
}

/// Reads a claim.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn parse(text: &str) -> Result<Claim, String> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    // The header comes first: a later version may have other keys.
    match value.get("bytestone").and_then(serde_json::Value::as_str) {
        Some(HEADER) => {}
        Some(other) => return Err(format!("it is `{other}`, and this reads `{HEADER}`")),
        None => {
            return Err(format!("it is no claim: the key `bytestone` with `{HEADER}` is missing"));
        }
    }
    serde_json::from_value(value).map_err(|error| format!("it is no sound claim: {error}"))
}

/// Writes a claim when all is over.
#[derive(Debug)]
pub struct ClaimWriter<W> {
    out: W,
    summary: Summary,
    engines: Vec<ClaimEngine>,
}

impl<W: Write + Send> ClaimWriter<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, summary: Summary::default(), engines: Vec::new() }
    }

    fn claim(&mut self) -> Claim {
        let runs = &self.summary.runs;
        let corpus = runs.first().map(|run| ClaimCorpus {
            name: run.corpus.name.clone(),
            version: run.corpus.version.clone(),
            hash: run.corpus.hash.clone(),
            cases: run.corpus.cases,
        });
        for (engine, run) in self.engines.iter_mut().zip(runs) {
            engine.finish(run);
        }
        Claim {
            bytestone: HEADER.to_owned(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            corpus: corpus.unwrap_or_default(),
            engines: std::mem::take(&mut self.engines),
        }
    }
}

impl ClaimEngine {
    fn list(&mut self, verdict: &Verdict) -> Option<&mut Vec<String>> {
        match verdict {
            Verdict::Pass => None,
            Verdict::Fail(_) => Some(&mut self.failed),
            Verdict::Unexpected(_) => Some(&mut self.unexpected),
            Verdict::Error(_) => Some(&mut self.errored),
            Verdict::NotRun(_) => Some(&mut self.not_run),
            Verdict::Skip(_) => Some(&mut self.skipped),
            Verdict::Known(..) => Some(&mut self.known),
        }
    }

    fn finish(&mut self, run: &Run) {
        self.name.clone_from(&run.contender.name);
        self.version.clone_from(&run.contender.version);
        self.counts = run.total;
        self.known_failures = run.total.known;
        for list in [
            &mut self.failed,
            &mut self.unexpected,
            &mut self.errored,
            &mut self.not_run,
            &mut self.skipped,
            &mut self.known,
        ] {
            list.sort_unstable();
        }
        let machines = run.machines.iter().map(|machine| ClaimMachine {
            machine: machine.name.clone(),
            spec: machine.spec.clone(),
            level: machine.level,
            features: machine.features.iter().cloned().collect(),
            counts: machine.counts,
        });
        self.machines = machines.collect();
    }
}

impl<W: Write + Send> Reporter for ClaimWriter<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        self.summary.event(event);
        match event {
            Event::Started { .. } => self.engines.push(ClaimEngine::default()),
            Event::Case { case, verdict, .. } => {
                let list = self.engines.last_mut().and_then(|engine| engine.list(verdict));
                if let Some(list) = list {
                    list.push(case.id.clone());
                }
            }
            Event::Closed => {
                let claim = self.claim();
                serde_json::to_writer_pretty(&mut self.out, &claim)?;
                self.out.write_all(b"\n")?;
                self.out.flush()?;
            }
            Event::File { .. } | Event::Finished { .. } => {}
        }
        Ok(())
    }
}
