//! Runs a selection of cases and tells what happens as one stream of events.

use bytestone_spec::Isa;
use bytestone_vm::codec::Codec;
use globset::GlobMatcher;
use rayon::prelude::*;

use crate::case::Case;
use crate::case::load::Machines;
use crate::corpus::{Corpus, CorpusFile};
use crate::engine::Level;
use crate::execute::{Steps, execute};
use crate::judge::judge;
use crate::known::KnownFailures;
use crate::verdict::{Counts, Verdict};

/// Which cases of a corpus are run.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Machines; all when empty.
    pub machines: Vec<String>,
    /// Patterns of ids, of which one must match; all when empty.
    pub cases: Vec<GlobMatcher>,
    /// Only a part of them.
    pub shard: Shard,
}

/// One of several parts into which the cases are dealt out in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part, counted from 1.
    pub number: usize,
    /// How many parts there are.
    pub of: usize,
}

impl Default for Shard {
    fn default() -> Self {
        Self { number: 1, of: 1 }
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, of)| {
            Some(Self { number: number.parse().ok()?, of: of.parse().ok()? })
        });
        parts
            .filter(|shard| (1..=shard.of).contains(&shard.number))
            .ok_or_else(|| format!("`{text}` is no part: expected one as in 2/4"))
    }
}

impl Selection {
    /// Whether a case is selected, whatever the shard.
    pub fn takes(&self, machine: &str, case: &Case) -> bool {
        let machine_fits =
            self.machines.is_empty() || self.machines.iter().any(|name| name == machine);
        machine_fits
            && (self.cases.is_empty()
                || self.cases.iter().any(|glob| {
                    glob.is_match(&case.id)
                        || case.id.split_once('/').is_some_and(|(_, name)| glob.is_match(name))
                        || case.formerly.iter().any(|id| glob.is_match(id))
                }))
    }

    /// The selected cases, file by file.
    pub fn of<'c>(&self, corpus: &'c Corpus) -> Vec<(&'c CorpusFile, Vec<&'c Case>)> {
        let mut count = 0;
        let mut in_shard = move |_: &&Case| {
            count += 1;
            (count - 1) % self.shard.of == self.shard.number - 1
        };
        let mut selected = Vec::new();
        for file in &corpus.files {
            let machine = &file.content.machine;
            let taken = file.content.cases.iter().filter(|case| self.takes(machine, case));
            let cases: Vec<&Case> = taken.filter(&mut in_shard).collect();
            if !cases.is_empty() {
                selected.push((file, cases));
            }
        }
        selected
    }
}

/// What is held to the corpus.
pub trait Examiner {
    /// What is told of it at the start.
    fn contender(&self, machines: &[&Isa]) -> Contender;

    /// Runs cases for one machine and judges them, in their order.
    fn examine(&mut self, isa: &Isa, cases: &[&Case]) -> Vec<Verdict>;
}

/// Who is held to the corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contender {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The level at which it is held to each machine that it runs.
    pub levels: Vec<(String, Level)>,
}

/// The name of the tools themselves.
pub const REFERENCE: &str = "reference";

/// The in-process tools held to the corpus: everything that a case gives, in every combination.
#[derive(Clone, Copy, Debug)]
pub struct Tools;

impl Examiner for Tools {
    fn contender(&self, machines: &[&Isa]) -> Contender {
        let level = |isa: &&Isa| (isa.name().to_owned(), Level::Full);
        Contender {
            name: REFERENCE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            levels: machines.iter().map(level).collect(),
        }
    }

    fn examine(&mut self, isa: &Isa, cases: &[&Case]) -> Vec<Verdict> {
        let codec = Codec::new(isa);
        cases.par_iter().map(|case| run_case(isa, &codec, case)).collect()
    }
}

/// What happens in a run, in a fixed order whatever the number of threads.
#[derive(Debug)]
pub enum Event<'a> {
    /// A run begins.
    Started {
        /// The corpus.
        corpus: &'a Corpus,
        /// Who is held to it.
        contender: &'a Contender,
        /// How many cases will be run.
        cases: usize,
    },
    /// A case was judged.
    Case {
        /// Its machine, if that is known.
        isa: Option<&'a Isa>,
        /// Its file.
        file: &'a CorpusFile,
        /// The case.
        case: &'a Case,
        /// What came of it.
        verdict: &'a Verdict,
    },
    /// All selected cases of a file were judged.
    File {
        /// The file.
        file: &'a CorpusFile,
        /// What came of them.
        counts: Counts,
    },
    /// The run is over.
    Finished {
        /// What came of the cases, by machine in the order of the corpus.
        machines: &'a [(String, Counts)],
        /// What came of all.
        total: Counts,
    },
    /// All runs are over, and nothing follows.
    Closed,
}

/// Takes the events of a run.
pub trait Reporter: Send {
    /// Takes an event. Reporters only look: nothing that they do changes a verdict.
    ///
    /// # Errors
    ///
    /// Output failed.
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()>;
}

/// Runs a case on the in-process tools and judges it.
pub fn run_case(isa: &Isa, codec: &Codec<'_>, case: &Case) -> Verdict {
    let observation = execute(isa, codec, case, Steps::of(case));
    let differences = judge(isa, &case.expect, &observation);
    if differences.is_empty() { Verdict::Pass } else { Verdict::Fail(Box::new(differences.into())) }
}

/// What is run, against what, and for how long.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The cases.
    pub corpus: &'a Corpus,
    /// Which of them.
    pub selection: &'a Selection,
    /// Cases that are known to fail.
    pub known: &'a mut KnownFailures,
    /// The number of failures after which nothing more is run.
    pub max_failures: Option<usize>,
}

/// Tells all reporters.
///
/// # Errors
///
/// One of them could not write its output.
pub fn publish(reporters: &mut [Box<dyn Reporter>], event: &Event<'_>) -> std::io::Result<()> {
    reporters.iter_mut().try_for_each(|reporter| reporter.event(event))
}

/// Runs the selected cases of a corpus and reports to all reporters. Returns the counts.
///
/// # Errors
///
/// A reporter could not write its output.
pub fn run(
    plan: &mut Plan<'_>,
    machines: &dyn Machines,
    examiner: &mut dyn Examiner,
    reporters: &mut [Box<dyn Reporter>],
) -> std::io::Result<Counts> {
    let selected = plan.selection.of(plan.corpus);
    let isas = isas(&selected, machines);
    let cases = selected.iter().map(|(_, cases)| cases.len()).sum();
    let contender = examiner.contender(&isas);
    let started = Event::Started { corpus: plan.corpus, contender: &contender, cases };
    publish(reporters, &started)?;
    let mut by_machine: Vec<(String, Counts)> = Vec::new();
    let mut total = Counts::default();
    for (file, cases) in selected {
        let machine = &file.content.machine;
        let isa = machines.machine(machine);
        let enough = plan.max_failures.is_some_and(|max| total.failed + total.errored >= max);
        let verdicts = match isa {
            _ if enough => {
                let why = "the largest number of failures was reached";
                vec![Verdict::NotRun(why.to_owned()); cases.len()]
            }
            Some(isa) => examiner.examine(isa, &cases),
            None => vec![Verdict::Skip(format!("there is no machine {machine}")); cases.len()],
        };
        let mut counts = Counts::default();
        for (case, verdict) in cases.iter().zip(verdicts) {
            let verdict = plan.known.apply(&contender.name, case, verdict);
            counts.add(&verdict);
            publish(reporters, &Event::Case { isa, file, case, verdict: &verdict })?;
        }
        publish(reporters, &Event::File { file, counts })?;
        total.merge(counts);
        match by_machine.iter_mut().find(|(name, _)| name == machine) {
            Some((_, of_machine)) => of_machine.merge(counts),
            None => by_machine.push((machine.clone(), counts)),
        }
    }
    publish(reporters, &Event::Finished { machines: &by_machine, total })?;
    Ok(total)
}

/// The machines of the selected cases, each once.
fn isas<'m>(selected: &[(&CorpusFile, Vec<&Case>)], machines: &'m dyn Machines) -> Vec<&'m Isa> {
    let mut isas: Vec<&Isa> = Vec::new();
    for (file, _) in selected {
        let Some(isa) = machines.machine(&file.content.machine) else { continue };
        if !isas.iter().any(|known| known.name() == isa.name()) {
            isas.push(isa);
        }
    }
    isas
}
