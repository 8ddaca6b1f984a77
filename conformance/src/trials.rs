//! A VM written in Rust held to a corpus by `cargo test`: one trial a case.
//!
//! The VM's crate has Bytestone as a dev-dependency and a test without the usual harness:
//!
//! ```toml
//! [[test]]
//! name = "conformance"
//! harness = false
//! ```
//!
//! ```no_run
//! use bytestone::engine::reference::ReferenceEngine;
//! use bytestone::trials::Trials;
//!
//! # static ISAS: std::sync::LazyLock<Vec<bytestone_spec::Isa>> = std::sync::LazyLock::new(Vec::new);
//! fn main() -> std::process::ExitCode {
//!     // In place of the reference tier stands the VM's own type, which implements `Engine`.
//!     Trials::built_in().expect("the corpus reads").run(|| ReferenceEngine::new(ISAS.iter()))
//! }
//! ```

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use bytestone_vm::codec::Codec;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::case::load::Machines;
use crate::corpus::{self, Corpus, CorpusError};
use crate::engine::Engine;
use crate::registry::{MachineError, Registry, open_machine};
use crate::report::failure::failure_text;
use crate::runner::run_case;
use crate::suite::{run_chunk, subject};
use crate::verdict::Verdict;

/// The cases that an engine is held to.
#[derive(Debug)]
pub struct Trials {
    machines: Registry,
    corpus: Corpus,
}

/// Why there are no trials.
#[derive(Debug, thiserror::Error)]
pub enum TrialsError {
    /// A machine could not be had.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The corpus is faulty.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
}

impl Trials {
    /// The machines and the corpus that come with Bytestone.
    ///
    /// # Errors
    ///
    /// None, as the project's own tests see to.
    pub fn built_in() -> Result<Self, TrialsError> {
        let machines = Registry::built_in()?;
        let corpus = corpus::built_in(&machines)?;
        Ok(Self { machines, corpus })
    }

    /// Spec files and the folder of a corpus of one's own.
    ///
    /// # Errors
    ///
    /// A spec or the corpus cannot be read, or is faulty.
    pub fn of(specs: &[&Path], folder: &Path) -> Result<Self, TrialsError> {
        let mut machines = Registry::built_in()?;
        for path in specs {
            machines.add(open_machine(&path.display().to_string())?);
        }
        let corpus = corpus::read(folder, &machines)?;
        Ok(Self { machines, corpus })
    }

    /// Runs the trials as the arguments of the process say, which are those of `cargo test`. Each trial
    /// makes an engine of its own. Cases that need a phase which the engine lacks are ignored; what
    /// the engine then calls unsupported fails.
    pub fn run<E: Engine>(self, make: impl Fn() -> E + Send + Sync + 'static) -> ExitCode {
        let arguments = Arguments::from_args();
        let trials = Arc::new(self).trials(Arc::new(make));
        libtest_mimic::run(&arguments, trials).exit_code()
    }

    fn trials<E: Engine>(
        self: &Arc<Self>,
        make: Arc<impl Fn() -> E + Send + Sync + 'static>,
    ) -> Vec<Trial> {
        let description = make().description().clone();
        let mut trials = Vec::new();
        for (file_at, file) in self.corpus.files.iter().enumerate() {
            let Some(isa) = self.machines.machine(&file.content.machine) else { continue };
            if !description.runs(isa) {
                continue;
            }
            let codec = Codec::new(isa);
            for (case_at, case) in file.content.cases.iter().enumerate() {
                let subject = subject(isa, &codec, case);
                let skipped = subject.is_ok_and(|subject| subject.skip(&description).is_some());
                let (these, make) = (Arc::clone(self), Arc::clone(&make));
                let trial = Trial::test(case.id.clone(), move || {
                    these.trial(file_at, case_at, &mut make())
                });
                trials.push(trial.with_ignored_flag(skipped));
            }
        }
        trials
    }

    fn trial(&self, file: usize, case: usize, engine: &mut impl Engine) -> Result<(), Failed> {
        let file = &self.corpus.files[file];
        let case = &file.content.cases[case];
        let machine = self.machines.machine(&file.content.machine);
        let isa = machine.ok_or("the machine is gone")?;
        let codec = Codec::new(isa);
        let verdict = match run_case(isa, &codec, case) {
            Verdict::Pass => run_chunk(engine, isa, &codec, &[case]).pop(),
            against_the_spec => Some(against_the_spec),
        };
        match verdict {
            Some(Verdict::Pass) => Ok(()),
            Some(Verdict::Fail(failure)) => {
                Err(failure_text(Some(isa), file, case, &failure).into())
            }
            Some(other) => Err(other.reason().unwrap_or_default().into()),
            None => Err("there is no verdict".into()),
        }
    }
}
