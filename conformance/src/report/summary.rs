//! What runs come to: who was held to what, and the counts by machine, for reports written at the end.

use std::collections::BTreeSet;

use crate::engine::Level;
use crate::runner::{Contender, Event};
use crate::verdict::{Counts, Verdict};

/// The runs so far, one an engine.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) runs: Vec<Run>,
}

/// What one engine comes to.
#[derive(Debug)]
pub(super) struct Run {
    /// The name and the version, with a number if an engine before has the same.
    pub(super) title: String,
    pub(super) contender: Contender,
    pub(super) corpus: CorpusName,
    pub(super) machines: Vec<MachineRun>,
    pub(super) total: Counts,
}

/// Which corpus it was.
#[derive(Debug)]
pub(super) struct CorpusName {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) hash: String,
    /// Cases of the whole corpus, run or not.
    pub(super) cases: usize,
}

/// What one engine comes to on one machine.
#[derive(Debug)]
pub(super) struct MachineRun {
    pub(super) name: String,
    /// The version of the spec, if there is such a machine.
    pub(super) spec: Option<String>,
    /// `None` if the engine does not run the machine.
    pub(super) level: Option<Level>,
    pub(super) counts: Counts,
    /// Features of the spec that some case requires which passed.
    pub(super) features: BTreeSet<String>,
}

impl Summary {
    /// Takes an event.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { corpus, contender, .. } => self.runs.push(Run {
                title: self.title(contender),
                contender: (*contender).clone(),
                corpus: CorpusName {
                    name: corpus.name.clone(),
                    version: corpus.version.clone(),
                    hash: corpus.hash(),
                    cases: corpus.files.iter().map(|file| file.content.cases.len()).sum(),
                },
                machines: Vec::new(),
                total: Counts::default(),
            }),
            Event::Case { isa, file, case, verdict } => {
                let Some(run) = self.runs.last_mut() else { return };
                run.total.add(verdict);
                let machine = run.machine(&file.content.machine);
                machine.spec = isa.map(|isa| isa.version().to_string());
                machine.counts.add(verdict);
                if matches!(verdict, Verdict::Pass) {
                    machine.features.extend(case.requires.iter().cloned());
                }
            }
            Event::File { .. } | Event::Finished { .. } | Event::Closed => {}
        }
    }

    fn title(&self, contender: &Contender) -> String {
        let same = self.runs.iter().filter(|run| run.contender.name == contender.name);
        let same = same.filter(|run| run.contender.version == contender.version).count();
        match same {
            0 => format!("{} {}", contender.name, contender.version),
            before => format!("{} {} ({})", contender.name, contender.version, before + 1),
        }
    }

    /// The number of the run under way, counted from 0.
    pub(super) fn current(&self) -> usize {
        self.runs.len().saturating_sub(1)
    }

    /// What all runs come to.
    pub(super) fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.runs.iter().for_each(|run| total.merge(run.total));
        total
    }
}

impl Run {
    fn machine(&mut self, name: &str) -> &mut MachineRun {
        let place = self.machines.iter().position(|machine| machine.name == name);
        let place = place.unwrap_or_else(|| {
            let mut levels = self.contender.levels.iter();
            let level = levels.find(|(of, _)| of == name).map(|(_, level)| *level);
            self.machines.push(MachineRun {
                name: name.to_owned(),
                spec: None,
                level,
                counts: Counts::default(),
                features: BTreeSet::new(),
            });
            self.machines.len() - 1
        });
        &mut self.machines[place]
    }
}

/// The kinds of counts, in the order in which reports show them.
pub(super) const KINDS: [Kind; 6] = [
    Kind { key: "pass", title: "passed", of: |counts| counts.passed },
    Kind { key: "fail", title: "failed", of: |counts| counts.failed },
    Kind { key: "error", title: "errored", of: |counts| counts.errored },
    Kind { key: "not-run", title: "not run", of: |counts| counts.not_run },
    Kind { key: "skip", title: "skipped", of: |counts| counts.skipped },
    Kind { key: "known", title: "known", of: |counts| counts.known },
];

/// A kind of counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// For attributes and classes.
    pub(super) key: &'static str,
    /// The head of a column.
    pub(super) title: &'static str,
    pub(super) of: fn(&Counts) -> usize,
}

/// The kind under which a verdict is counted.
pub(super) const fn kind(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail(_) | Verdict::Unexpected(_) => "fail",
        Verdict::Error(_) => "error",
        Verdict::NotRun(_) => "not-run",
        Verdict::Skip(_) => "skip",
        Verdict::Known(..) => "known",
    }
}

/// What is told of an unexpected pass.
pub(super) fn unexpected_text(reason: &str) -> String {
    format!("it passes, but is listed as a known failure ({reason}); take it off the list")
}
