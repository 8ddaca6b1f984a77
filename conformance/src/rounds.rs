//! Fuzz targets as library functions: an input, and what must hold of it.
//!
//! Each function takes arbitrary bytes, so that libFuzzer, a seeded round in `cargo test` and a
//! person with a file drive the same code. A [`Defect`] is a bug of this project, never of the input.

use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use arbitrary::Unstructured;
use bytestone_spec::diagnostic::{Source, Style};
use bytestone_spec::isa::Container;
use bytestone_spec::load::BuiltinOnly;
use bytestone_spec::{Isa, builtin, load};
use bytestone_vm::asm::{self, assemble, disassemble};
use bytestone_vm::codec::{Codec, DecodeError};
use bytestone_vm::generate::Generator;
use bytestone_vm::module::Module;
use bytestone_vm::soundness::{self, SoundnessTrace};
use bytestone_vm::trace::{HashTrace, NoTrace, Tracer};
use bytestone_vm::verify::{Verified, Verifier, verify};
use bytestone_vm::{Outcome, Program, Reference, Rejection, State, Stuck};

use crate::execute::hex;

mod compiler;

pub use compiler::compiler;

/// Steps of a generated program. Hardly one that ends takes more.
const FUEL: u64 = 1_000;

/// A fuzz target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Bytes to instructions and back.
    Decoder,
    /// The verifier, on generated, damaged and arbitrary programs.
    Verifier,
    /// Text to bytes to text.
    Assembler,
    /// The spec loader.
    Spec,
    /// Generate, decode, verify, execute, and hold each step to the verifier.
    Run,
    /// Generate a source, and hold what it is compiled to, with any passes, to its evaluator.
    Compiler,
}

impl Target {
    /// All targets.
    pub const ALL: [Self; 6] =
        [Self::Decoder, Self::Verifier, Self::Assembler, Self::Spec, Self::Run, Self::Compiler];

    /// The name of the target.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decoder => "decoder",
            Self::Verifier => "verifier",
            Self::Assembler => "assembler",
            Self::Spec => "spec",
            Self::Run => "run",
            Self::Compiler => "compiler",
        }
    }

    /// Runs the target on an input.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub fn round(self, data: &[u8]) -> Result<Fate, Defect> {
        match self {
            Self::Decoder => decoder(data),
            Self::Verifier => verifier(data),
            Self::Assembler => assembler(data),
            Self::Spec => spec(data),
            Self::Run => run(data),
            Self::Compiler => compiler(data),
        }
    }
}

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It was refused, as it should be.
    Rejected,
    /// It was accepted.
    Accepted,
    /// It was accepted, and ran to a clean end.
    Clean,
}

/// How many inputs came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Inputs.
    pub rounds: u64,
    /// Inputs that were accepted.
    pub accepted: u64,
    /// Inputs that were accepted and ran to a clean end.
    pub clean: u64,
}

impl Tally {
    /// Counts an input.
    pub fn add(&mut self, fate: Fate) {
        self.rounds += 1;
        self.accepted += u64::from(fate >= Fate::Accepted);
        self.clean += u64::from(fate == Fate::Clean);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rounds {} accepted {} clean {}", self.rounds, self.accepted, self.clean)
    }
}

/// Something that must hold and does not: a bug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{machine}: {what}")]
pub struct Defect {
    /// The machine.
    pub machine: String,
    /// What does not hold, with the program.
    pub what: String,
}

/// A machine with the tools that rounds use.
struct Subject {
    isa: &'static Isa,
    codec: Codec<'static>,
    generator: Generator<'static>,
    verifier: Mutex<Verifier<'static>>,
}

/// All built-in machines.
static SUBJECTS: LazyLock<Vec<Subject>> = LazyLock::new(|| {
    static ISAS: LazyLock<Vec<Isa>> = LazyLock::new(|| {
        builtin::names().into_iter().filter_map(|name| builtin::load_builtin(name)?.ok()).collect()
    });
    ISAS.iter()
        .filter_map(|isa| {
            let generator = Generator::new(isa).ok()?;
            let verifier = Mutex::new(Verifier::new(isa));
            Some(Subject { isa, codec: Codec::new(isa), generator, verifier })
        })
        .collect()
});

impl Subject {
    /// The machine that the first byte of an input chooses, and the rest of the input.
    fn choose(data: &[u8]) -> Option<(&'static Self, &[u8])> {
        let (first, rest) = data.split_first()?;
        let subjects = SUBJECTS.as_slice();
        Some((subjects.get(usize::from(*first) % subjects.len().max(1))?, rest))
    }

    fn defect(&self, code: &[u8], what: impl fmt::Display) -> Defect {
        Defect {
            machine: self.isa.name().to_owned(),
            what: format!("{what}\nprogram: {}", hex(code)),
        }
    }

    fn decode(&self, code: &[u8]) -> Result<Result<Program, Rejection>, Defect> {
        match self.codec.decode(code) {
            Ok(program) => Ok(Ok(program)),
            Err(DecodeError::Rejected(rejection)) => {
                self.check_faults(code, &rejection)?;
                Ok(Err(rejection))
            }
            Err(DecodeError::TooLong(error)) => Err(self.defect(&[], error)),
        }
    }

    /// Faults are there, lie in the code, are ordered and belong to one phase.
    fn check_faults(&self, code: &[u8], rejection: &Rejection) -> Result<(), Defect> {
        let faults = &rejection.faults;
        // A field that is missing from the end of a module lies at its end.
        let end = match self.isa.container() {
            Container::Raw => code.len().max(1),
            Container::Module => code.len() + 1,
        };
        let inside = faults.iter().all(|fault| (fault.at as usize) < end);
        let ordered = faults.is_sorted_by_key(|fault| (fault.at, fault.reason));
        let phase = rejection.phase();
        let one_phase = faults.iter().all(|fault| fault.reason.phase() == phase);
        if faults.is_empty() || !inside || !ordered || !one_phase {
            return Err(self.defect(code, format!("a rejection with wrong faults: {rejection:?}")));
        }
        Ok(())
    }

    /// Runs a program and holds each step to the verifier.
    fn run(&self, code: &[u8], verified: &Verified) -> Result<Fate, Defect> {
        match soundness::check(self.isa, verified, FUEL) {
            Ok(outcome) => Ok(fate(outcome)),
            Err(unsound) => Err(self.defect(code, unsound)),
        }
    }

    /// Decodes and verifies.
    fn accept(&self, code: &[u8]) -> Result<Option<Verified>, Defect> {
        let Ok(program) = self.decode(code)? else { return Ok(None) };
        // What a panic left behind is memory that is not used any more.
        let mut verifier = self.verifier.lock().unwrap_or_else(PoisonError::into_inner);
        match verifier.verify(program) {
            Ok(verified) => Ok(Some(verified)),
            Err(rejection) => {
                self.check_faults(code, &rejection)?;
                Ok(None)
            }
        }
    }
}

/// What became of a program that ran to an outcome.
fn fate(outcome: Outcome) -> Fate {
    if outcome == Outcome::Halt { Fate::Clean } else { Fate::Accepted }
}

/// The place in [`Target::Decoder`] inputs, and others that start with a machine, of a built-in machine.
pub fn machine_byte(name: &str) -> Option<u8> {
    let at = SUBJECTS.iter().position(|subject| subject.isa.name() == name)?;
    u8::try_from(at).ok()
}

/// A machine, then bytes: what decodes encodes to the same bytes.
///
/// # Errors
///
/// What does not hold.
pub fn decoder(data: &[u8]) -> Result<Fate, Defect> {
    let Some((subject, code)) = Subject::choose(data) else { return Ok(Fate::Rejected) };
    let Ok(program) = subject.decode(code)? else { return Ok(Fate::Rejected) };
    let mut encoded = Vec::with_capacity(code.len());
    for (at, insn) in program.insns().iter().enumerate() {
        subject.codec.encode_as((insn.id, insn.form), program.operands(at), &mut encoded).map_err(
            |error| subject.defect(code, format!("a decoded instruction does not encode: {error}")),
        )?;
    }
    if encoded != program.code() {
        return Err(subject.defect(code, format!("it encodes to {}", hex(&encoded))));
    }
    match program.module().map(Module::write) {
        None => Ok(Fate::Accepted),
        Some(Ok(bytes)) if bytes == code => Ok(Fate::Accepted),
        Some(Ok(bytes)) => Err(subject.defect(code, format!("it is written as {}", hex(&bytes)))),
        Some(Err(error)) => Err(subject.defect(code, error)),
    }
}

/// A machine, then bytes or entropy: the verifier takes any program, says the same of it each time, and
/// what it accepts runs as it promised.
///
/// # Errors
///
/// What does not hold.
pub fn verifier(data: &[u8]) -> Result<Fate, Defect> {
    let Some((subject, rest)) = Subject::choose(data) else { return Ok(Fate::Rejected) };
    let mut entropy = Unstructured::new(rest);
    let code = match entropy.arbitrary::<u8>().unwrap_or(0) % 4 {
        0 => subject.generator.program(&mut entropy),
        1 => entropy.take_rest().to_vec(),
        _ => subject.generator.near_valid(&mut entropy),
    };
    let verified = subject.accept(&code)?;
    let again = subject.accept(&code)?;
    let depth = |verified: &Option<Verified>| verified.as_ref().map(Verified::max_stack);
    if depth(&verified) != depth(&again) {
        return Err(subject.defect(&code, "the verifier says two things"));
    }
    let Some(verified) = verified else { return Ok(Fate::Rejected) };
    subject.run(&code, &verified)
}

/// A machine, then bytes or text: both directions lead back to the same bytes.
///
/// # Errors
///
/// What does not hold.
pub fn assembler(data: &[u8]) -> Result<Fate, Defect> {
    let Some((subject, rest)) = Subject::choose(data) else { return Ok(Fate::Rejected) };
    let Some((form, rest)) = rest.split_first() else { return Ok(Fate::Rejected) };
    let code = match form % 2 {
        0 => match assemble(&subject.codec, rest) {
            Ok(assembled) => assembled.bytes,
            Err(errors) => {
                let lines = rest.split(|byte| *byte == b'\n').count() as u32;
                let placed = errors.errors.iter().all(|error| (1..=lines).contains(&error.line));
                if errors.errors.is_empty() || !placed {
                    return Err(subject.defect(rest, format!("errors without a place: {errors:?}")));
                }
                return Ok(Fate::Rejected);
            }
        },
        _ => rest.to_vec(),
    };
    let disassembly = disassemble(&subject.codec, &code, asm::Style::Annotated)
        .map_err(|error| subject.defect(&code, error))?;
    let text = disassembly.to_string();
    match assemble(&subject.codec, &text) {
        Ok(assembled) if assembled.bytes == code => Ok(Fate::Accepted),
        Ok(assembled) => Err(subject
            .defect(&code, format!("its text assembles to {}:\n{text}", hex(&assembled.bytes)))),
        Err(errors) => {
            Err(subject.defect(&code, format!("its text does not assemble: {errors}\n{text}")))
        }
    }
}

/// A text: the loader takes it or names faults with places, and a machine that it takes can be used.
///
/// # Errors
///
/// What does not hold.
pub fn spec(data: &[u8]) -> Result<Fate, Defect> {
    let text = String::from_utf8_lossy(data).into_owned();
    let defect = |what: String| Defect { machine: "spec".to_owned(), what };
    let isa = match load(Source { name: "input.yaml".to_owned(), text }, &BuiltinOnly) {
        Ok(isa) => isa,
        Err(faulty) => {
            if faulty.diagnostics.is_empty() {
                return Err(defect("refused without a reason".to_owned()));
            }
            for diagnostic in &faulty.diagnostics {
                let source = faulty.sources.get(usize::from(diagnostic.span.source));
                let placed =
                    source.is_some_and(|source| diagnostic.span.end as usize <= source.text.len());
                if !placed || diagnostic.span.start > diagnostic.span.end {
                    return Err(defect(format!("a fault without a place: {diagnostic:?}")));
                }
            }
            let _ = faulty.render(Style::Plain);
            return Ok(Fate::Rejected);
        }
    };
    let Ok(generator) = Generator::new(&isa) else { return Ok(Fate::Accepted) };
    let codec = Codec::new(&isa);
    let code = generator.program(&mut Unstructured::new(data));
    let program =
        codec.decode(&code).map_err(|error| defect(format!("a generated program: {error}")))?;
    let Ok(verified) = verify(&isa, program) else { return Ok(Fate::Accepted) };
    match soundness::check(&isa, &verified, FUEL) {
        Ok(outcome) => Ok(fate(outcome)),
        Err(unsound) => Err(defect(format!("{unsound}\nprogram: {}", hex(&code)))),
    }
}

/// A machine, then entropy: a generated program runs as the verifier promised, twice in the same way.
///
/// # Errors
///
/// What does not hold.
pub fn run(data: &[u8]) -> Result<Fate, Defect> {
    let Some((subject, rest)) = Subject::choose(data) else { return Ok(Fate::Rejected) };
    let code = subject.generator.program(&mut Unstructured::new(rest));
    let Some(verified) = subject.accept(&code)? else { return Ok(Fate::Rejected) };
    let reference = Reference::new(subject.isa, &verified);
    let mut soundness = SoundnessTrace::new(subject.isa, &verified);
    let first = run_hashed(subject.isa, &reference, &mut soundness);
    soundness.finish().map_err(|violation| subject.defect(&code, violation))?;
    if run_hashed(subject.isa, &reference, &mut NoTrace) != first {
        return Err(subject.defect(&code, "two runs differ"));
    }
    let (outcome, ..) = first.map_err(|stuck| subject.defect(&code, stuck))?;
    Ok(fate(outcome))
}

/// Runs a program while another tracer looks on too. Returns the hash of the trace and the last state, which holds what no
/// trace shows, with the outcome.
fn run_hashed(
    isa: &Isa,
    reference: &Reference,
    other: &mut impl Tracer,
) -> Result<(Outcome, u32, State), Stuck> {
    let (mut state, mut hash) = (State::new(isa), HashTrace::new(isa));
    let outcome = reference.run(&mut state, FUEL, &mut (other, &mut hash))?;
    let (hash, _) = hash.finish(&state);
    Ok((outcome, hash, state))
}
