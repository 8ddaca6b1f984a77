//! Runs a selection of cases and tells what happens as one stream of events.

use bytestone_spec::Isa;
use bytestone_vm::codec::Codec;
use globset::GlobMatcher;
use rayon::prelude::*;

use crate::case::Case;
use crate::case::load::Machines;
use crate::corpus::{Corpus, CorpusFile};
use crate::execute::{Steps, execute};
use crate::judge::judge;
use crate::verdict::{Counts, Verdict};

/// Which cases of a corpus are run.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Machines; all when empty.
    pub machines: Vec<String>,
    /// Patterns of ids, of which one must match; all when empty.
    pub cases: Vec<GlobMatcher>,
}

impl Selection {
    /// Whether a case is selected.
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
}

/// What happens in a run, in a fixed order whatever the number of threads.
#[derive(Debug)]
pub enum Event<'a> {
    /// The run begins.
    Started {
        /// The corpus.
        corpus: &'a Corpus,
        /// How many cases will be run.
        cases: usize,
    },
    /// A case was judged.
    Case {
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

/// Runs a case and judges it.
pub fn run_case(isa: &Isa, codec: &Codec<'_>, case: &Case) -> Verdict {
    let observation = execute(isa, codec, case, Steps::of(case));
    let differences = judge(isa, &case.expect, &observation);
    if differences.is_empty() { Verdict::Pass } else { Verdict::Fail(differences) }
}

/// Runs the selected cases of a corpus and reports to all reporters. Returns the counts.
///
/// # Errors
///
/// A reporter could not write its output.
pub fn run(
    corpus: &Corpus,
    machines: &(dyn Machines + Sync),
    selection: &Selection,
    reporters: &mut [Box<dyn Reporter>],
) -> std::io::Result<Counts> {
    let selected: Vec<(&CorpusFile, Vec<&Case>)> = corpus
        .files
        .iter()
        .map(|file| {
            let machine = &file.content.machine;
            (
                file,
                file.content.cases.iter().filter(|case| selection.takes(machine, case)).collect(),
            )
        })
        .filter(|(_, cases): &(_, Vec<&Case>)| !cases.is_empty())
        .collect();
    let cases = selected.iter().map(|(_, cases)| cases.len()).sum();
    let mut publish =
        |event: &Event<'_>| reporters.iter_mut().try_for_each(|reporter| reporter.event(event));
    publish(&Event::Started { corpus, cases })?;
    let mut by_machine: Vec<(String, Counts)> = Vec::new();
    let mut total = Counts::default();
    for (file, cases) in selected {
        let machine = &file.content.machine;
        let verdicts = match machines.machine(machine) {
            Some(isa) => run_cases(isa, &cases),
            None => vec![Verdict::Skip(format!("there is no machine {machine}")); cases.len()],
        };
        let mut counts = Counts::default();
        for (case, verdict) in cases.iter().zip(&verdicts) {
            counts.add(verdict);
            publish(&Event::Case { file, case, verdict })?;
        }
        publish(&Event::File { file, counts })?;
        total.merge(counts);
        match by_machine.iter_mut().find(|(name, _)| name == machine) {
            Some((_, of_machine)) => of_machine.merge(counts),
            None => by_machine.push((machine.clone(), counts)),
        }
    }
    publish(&Event::Finished { machines: &by_machine, total })?;
    Ok(total)
}

fn run_cases(isa: &Isa, cases: &[&Case]) -> Vec<Verdict> {
    let codec = Codec::new(isa);
    cases.par_iter().map(|case| run_case(isa, &codec, case)).collect()
}
