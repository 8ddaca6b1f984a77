//! The same sources on several machines: how much code they are, and how many steps they take.

use bytestone_lang::{CompileError, Language, Passes, Source};
use bytestone_spec::Isa;
use bytestone_vm::codec::{Codec, DecodeError};
use bytestone_vm::trace::Tracer;
use bytestone_vm::verify::verify;
use bytestone_vm::{Program, Reference, Rejection, State, Stuck};
use indexmap::IndexMap;
use serde::Serialize;

use crate::corpus::Corpus;
use crate::judge::{list, outcome_text};

/// Steps of a program.
const FUEL: u64 = 100_000_000;

/// A source to compare machines by.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What it is called.
    pub name: String,
    /// The text.
    pub source: Source,
}

/// What a program is on a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// The machine.
    pub machine: String,
    /// Bytes of the code; of a module without what surrounds it.
    pub bytes: u64,
    /// Instructions of the code.
    pub instructions: u64,
    /// Instructions that were executed.
    pub steps: u64,
    /// Those by mnemonic, in the order of the instruction set.
    pub opcodes: IndexMap<String, u64>,
}

/// A program on all machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it is called.
    pub program: String,
    /// What it is on each machine.
    pub machines: Vec<Measure>,
}

/// A program that cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// It is not compiled to a machine.
    #[error("{machine}: {error}")]
    Compile {
        /// The machine.
        machine: String,
        /// Why.
        error: CompileError,
    },
    /// Machines do not do the same.
    #[error("the machines do not do the same: {}", found.join("; "))]
    Disagree {
        /// What each does.
        found: Vec<String>,
    },
    /// What was compiled cannot be run: a bug.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<DecodeError> for CompareError {
    fn from(error: DecodeError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<Rejection> for CompareError {
    fn from(rejection: Rejection) -> Self {
        Self::Internal(rejection.to_string())
    }
}

impl From<Stuck> for CompareError {
    fn from(stuck: Stuck) -> Self {
        Self::Internal(stuck.to_string())
    }
}

/// The sources of the cases for a machine that need no input, each text once.
pub fn subjects(corpus: &Corpus, machine: &str) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    for case in corpus.cases_of(machine).filter(|case| case.input.is_empty()) {
        let Some(text) = case.source.as_ref().map(|source| &source.text) else { continue };
        if subjects.iter().all(|known| known.source.text().trim() != text.trim())
            && let Ok(source) = Source::new(text)
        {
            subjects.push(Subject { name: case.id.clone(), source });
        }
    }
    subjects
}

/// Compiles a source to each machine and runs it there.
///
/// # Errors
///
/// It is not compiled to one of them, or they do not do the same.
pub fn compare(
    subject: &Subject,
    language: Language,
    isas: &[Isa],
    passes: Passes,
) -> Result<Row, CompareError> {
    let (mut machines, mut ends) = (Vec::new(), Vec::new());
    for isa in isas {
        let compiled = language
            .compile(&subject.source, isa, passes)
            .map_err(|error| CompareError::Compile { machine: isa.name().to_owned(), error })?;
        let (measure, end) = measure(isa, &compiled.bytes)?;
        machines.push(measure);
        ends.push(end);
    }
    if ends.windows(2).any(|pair| pair[0] != pair[1]) {
        let found = isas.iter().zip(ends).map(|(isa, end)| format!("{} {end}", isa.name()));
        return Err(CompareError::Disagree { found: found.collect() });
    }
    Ok(Row { program: subject.name.clone(), machines })
}

/// The sums of several programs.
pub fn total(rows: &[Row]) -> Vec<Measure> {
    let mut sums: Vec<Measure> = Vec::new();
    for row in rows {
        sums.resize_with(row.machines.len(), Measure::default);
        for (sum, measure) in sums.iter_mut().zip(&row.machines) {
            sum.machine.clone_from(&measure.machine);
            sum.bytes += measure.bytes;
            sum.instructions += measure.instructions;
            sum.steps += measure.steps;
            for (name, count) in &measure.opcodes {
                *sum.opcodes.entry(name.clone()).or_default() += count;
            }
        }
    }
    sums
}

/// Counts how often each instruction of a program is executed.
struct Counter(Vec<u64>);

impl Tracer for Counter {
    const CHANGES: bool = false;

    fn before(&mut self, at: usize, _: &State) {
        if let Some(count) = self.0.get_mut(at) {
            *count += 1;
        }
    }
}

/// What a program is on a machine, and what it did in words that are those of every machine.
fn measure(isa: &Isa, bytes: &[u8]) -> Result<(Measure, String), CompareError> {
    let verified = verify(isa, Codec::new(isa).decode(bytes)?)?;
    let program = verified.program();
    let mut counter = Counter(vec![0; program.insns().len()]);
    let mut state = State::new(isa);
    let outcome = Reference::new(isa, &verified).run(&mut state, FUEL, &mut counter)?;
    let measure = Measure {
        machine: isa.name().to_owned(),
        bytes: program.code().len() as u64,
        instructions: program.insns().len() as u64,
        steps: state.steps(),
        opcodes: by_opcode(isa, program, &counter.0),
    };
    let end = outcome_text(isa, outcome);
    let end = end.split(" at ").next().unwrap_or_default();
    Ok((measure, format!("{end} {}", list(&state.output().collect::<Vec<_>>()))))
}

fn by_opcode(isa: &Isa, program: &Program, counts: &[u64]) -> IndexMap<String, u64> {
    let mut sums = vec![0; isa.instructions().len()];
    for (insn, count) in program.insns().iter().zip(counts) {
        sums[usize::from(insn.id.0)] += count;
    }
    let named = isa.instructions().iter().map(|insn| insn.name.clone()).zip(sums);
    named.filter(|(_, count)| *count > 0).collect()
}
