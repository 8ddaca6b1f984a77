//! Runs a case on the in-process tools: everything that it gives, in every combination.

use std::collections::BTreeSet;

use bytestone_spec::Isa;
use bytestone_spec::isa::InsnId;
use bytestone_vm::asm::{self, Style};
use bytestone_vm::codec::{Codec, DecodeError};
use bytestone_vm::host::Call;
use bytestone_vm::module::Module;
use bytestone_vm::soundness::SoundnessTrace;
use bytestone_vm::trace::{NoTrace, Notation, RowTrace};
use bytestone_vm::value::{Text, Value};
use bytestone_vm::verify::{MaxStack, Verified, verify};
use bytestone_vm::{Fault, Outcome, Program, Reference, State};

use crate::case::trace::TraceRow;
use crate::case::{Case, Expect, Place};
use crate::judge::yaml_list;
use crate::verdict::{Aspect, Difference};

/// Steps of a run that are kept when a case has a trace.
pub const TRACE_ROWS: usize = 100_000;

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Contradictions between what the case gives and the tools, or among the tools.
    pub defects: Vec<Difference>,
    /// What became of the program.
    pub fate: Fate,
}

/// What became of a program.
#[derive(Clone, Debug)]
pub enum Fate {
    /// There are no bytes: the text does not assemble.
    NotBuilt,
    /// It was rejected.
    Rejected(Vec<Fault>),
    /// It was run.
    Ran(Box<Run>),
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The bytes of the program.
    pub code: Vec<u8>,
    /// How it ended.
    pub outcome: Outcome,
    /// Everything printed.
    pub output: Vec<Value>,
    /// All calls of the host.
    pub host: Vec<Call>,
    /// The operand stack at the end, bottom first.
    pub stack: Vec<Value>,
    /// The cells of each bank at the end.
    pub banks: Vec<Vec<Value>>,
    /// The global variables by name at the end.
    pub globals: Vec<(Text, Value)>,
    /// The bytes of each region of memory at the end.
    pub memory: Vec<Vec<u8>>,
    /// The instructions that were done, each once, in the order of the spec; none when nobody asked for the steps.
    pub instructions: BTreeSet<InsnId>,
    /// The steps, at most [`TRACE_ROWS`]; none when nobody asked for them.
    pub trace: Vec<TraceRow>,
    /// Whether there were more.
    pub trace_cut: bool,
    /// The trace as case files write it, a line a step.
    pub trace_text: Vec<String>,
    /// The greatest depth that the verifier finds; `None` when recursion leaves it open.
    pub max_stack: Option<u32>,
}

impl Run {
    /// What a place holds at the end, if it is there.
    pub fn cell(&self, place: &Place) -> Option<Value> {
        match place {
            Place::Cell { bank, index } => {
                self.banks.get(usize::from(bank.0))?.get(*index as usize).cloned()
            }
            Place::Global(name) => {
                let (_, value) = self.globals.iter().find(|(known, _)| known == name)?;
                Some(value.clone())
            }
            Place::Memory { region, offset, len } => {
                let bytes = self.memory.get(usize::from(region.0))?;
                let range = *offset as usize..*offset as usize + *len as usize;
                Some(Value::Bytes(bytes.get(range)?.into()))
            }
        }
    }
}

/// Whether the steps of a run are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// They are.
    Keep,
    /// Only how it ends matters.
    Drop,
}

impl Steps {
    /// Kept when the case has a trace.
    pub fn of(case: &Case) -> Self {
        match &case.expect {
            Expect::Runs(run) if run.trace.is_some() => Self::Keep,
            Expect::Runs(_) | Expect::Rejects(_) => Self::Drop,
        }
    }
}

/// Runs a case on the reference tier.
pub fn execute(isa: &Isa, codec: &Codec<'_>, case: &Case, steps: Steps) -> Observation {
    let mut defects = Vec::new();
    let Some(code) = build(codec, case, &mut defects) else {
        return Observation { defects, fate: Fate::NotBuilt };
    };
    round_trip_text(codec, &code, &mut defects);
    let program = match codec.decode(&code) {
        Ok(program) => program,
        Err(error) => return Observation { fate: rejected(error, &mut defects), defects },
    };
    round_trip_code(codec, &program, &mut defects);
    requires(isa, &program, case, &mut defects);
    let fate = match verify(isa, program) {
        Err(rejection) => Fate::Rejected(rejection.faults),
        Ok(verified) => match run(isa, &verified, case, steps, &mut defects) {
            Some(run) => Fate::Ran(Box::new(run)),
            None => Fate::NotBuilt,
        },
    };
    Observation { defects, fate }
}

fn rejected(error: DecodeError, defects: &mut Vec<Difference>) -> Fate {
    match error {
        DecodeError::Rejected(rejection) => Fate::Rejected(rejection.faults),
        DecodeError::TooLong(error) => {
            defects.push(Difference {
                aspect: Aspect::Bytecode,
                expected: "a program within the limits".to_owned(),
                found: error.to_string(),
            });
            Fate::NotBuilt
        }
    }
}

/// The bytes of a case; where it gives its program in several forms, they must lead to the same bytes.
fn build(codec: &Codec<'_>, case: &Case, defects: &mut Vec<Difference>) -> Option<Vec<u8>> {
    let given = written(codec, case, defects);
    let Some(source) = &case.source else { return given };
    let compiled = &source.compiled.bytes;
    if let Some(code) = given.as_ref().filter(|code| *code != compiled) {
        let (expected, found) = (text_or_hex(codec, code), text_or_hex(codec, compiled));
        defects.push(if expected == found {
            Difference { aspect: Aspect::Compilation, expected: hex(code), found: hex(compiled) }
        } else {
            Difference { aspect: Aspect::Compilation, expected, found }
        });
    }
    given.or_else(|| Some(compiled.clone()))
}

/// A program as people read it.
fn text_or_hex(codec: &Codec<'_>, code: &[u8]) -> String {
    asm::disassemble(codec, code, Style::Plain)
        .map_or_else(|_| hex(code), |text| text.to_string().trim_end().to_owned())
}

/// The bytes that a case writes down; with text and bytes, the text must assemble to the bytes.
fn written(codec: &Codec<'_>, case: &Case, defects: &mut Vec<Difference>) -> Option<Vec<u8>> {
    let Some(text) = &case.asm else { return case.bytecode.clone() };
    match asm::assemble(codec, text) {
        Ok(assembled) => {
            if let Some(bytecode) = &case.bytecode
                && assembled.bytes != *bytecode
            {
                defects.push(Difference {
                    aspect: Aspect::Bytecode,
                    expected: hex(bytecode),
                    found: hex(&assembled.bytes),
                });
            }
            Some(case.bytecode.clone().unwrap_or(assembled.bytes))
        }
        Err(errors) => {
            defects.push(Difference {
                aspect: Aspect::Assembly,
                expected: "a text that assembles".to_owned(),
                found: errors.to_string(),
            });
            case.bytecode.clone()
        }
    }
}

/// Bytes as case files write them.
pub fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(" ")
}

/// Disassembled text must assemble to the same bytes, whatever they are.
fn round_trip_text(codec: &Codec<'_>, code: &[u8], defects: &mut Vec<Difference>) {
    let found = match asm::disassemble(codec, code, Style::Plain) {
        Ok(disassembly) => match asm::assemble(codec, disassembly.to_string()) {
            Ok(assembled) if assembled.bytes == code => return,
            Ok(assembled) => hex(&assembled.bytes),
            Err(errors) => errors.to_string(),
        },
        Err(error) => error.to_string(),
    };
    defects.push(Difference { aspect: Aspect::Disassembly, expected: hex(code), found });
}

/// Decoded instructions must encode to the bytes that they were decoded from.
fn round_trip_code(codec: &Codec<'_>, program: &Program, defects: &mut Vec<Difference>) {
    let mut encoded = Vec::new();
    for (at, insn) in program.insns().iter().enumerate() {
        if let Err(error) =
            codec.encode_as((insn.id, insn.form), program.operands(at), &mut encoded)
        {
            let expected = format!("the instruction at {} encodes", insn.offset);
            defects.push(Difference {
                aspect: Aspect::Reencoding,
                expected,
                found: error.to_string(),
            });
            return;
        }
    }
    if encoded != program.code() {
        defects.push(Difference {
            aspect: Aspect::Reencoding,
            expected: hex(program.code()),
            found: hex(&encoded),
        });
    }
    round_trip_module(program, defects);
}

/// A module must be written as the bytes that it was read from.
fn round_trip_module(program: &Program, defects: &mut Vec<Difference>) {
    let found = match program.module().map(Module::write) {
        None => return,
        Some(Ok(bytes)) if bytes == program.bytes() => return,
        Some(Ok(bytes)) => hex(&bytes),
        Some(Err(error)) => error.to_string(),
    };
    let expected = hex(program.bytes());
    defects.push(Difference { aspect: Aspect::Reencoding, expected, found });
}

/// The features that a program uses are those that its case declares.
fn requires(isa: &Isa, program: &Program, case: &Case, defects: &mut Vec<Difference>) {
    let used = program.features(isa);
    let declared: BTreeSet<&str> = case.requires.iter().map(String::as_str).collect();
    if used != declared {
        let list = |names| yaml_list(&Vec::from_iter::<BTreeSet<&str>>(names));
        let (expected, found) = (list(declared), list(used));
        defects.push(Difference { aspect: Aspect::Requires, expected, found });
    }
}

fn run(
    isa: &Isa,
    verified: &Verified,
    case: &Case,
    steps: Steps,
    defects: &mut Vec<Difference>,
) -> Option<Run> {
    let mut start = State::new(isa);
    for cell in &case.input {
        if let Err(found) = cell.set(isa, &mut start) {
            let expected = "cells of the machine".to_owned();
            defects.push(Difference { aspect: Aspect::Input, expected, found });
        }
    }
    let reference = Reference::new(isa, verified);
    let notation = Notation::new(isa, verified.program());
    let mut trace_text = Vec::new();
    let mut trace_cut = false;
    let mut instructions = BTreeSet::new();
    let mut rows = RowTrace::new(|row| {
        if steps == Steps::Keep {
            instructions.insert(verified.program().insns()[row.at].id);
            match trace_text.len() < TRACE_ROWS {
                true => trace_text.push(notation.row(row)),
                false => trace_cut = true,
            }
        }
    });
    let mut soundness = SoundnessTrace::new(isa, verified);
    let mut state = start.clone();
    let watched = match steps {
        Steps::Keep => reference.run(&mut state, case.fuel, &mut (&mut soundness, &mut rows)),
        Steps::Drop => reference.run(&mut state, case.fuel, &mut soundness),
    };
    let outcome = match watched {
        Ok(outcome) => outcome,
        Err(stuck) => {
            defects.push(soundness_defect(&stuck.to_string()));
            return None;
        }
    };
    if let Err(violation) = soundness.finish() {
        defects.push(soundness_defect(&violation.to_string()));
    }
    // A run that nobody watches ends in the same way.
    let mut again = start;
    let unwatched = reference.run(&mut again, case.fuel, &mut NoTrace);
    if unwatched != Ok(outcome) || again != state {
        defects.push(Difference {
            aspect: Aspect::Determinism,
            expected: format!("{outcome:?} and the same state"),
            found: format!("{unwatched:?}"),
        });
    }
    let trace = trace_text.iter().filter_map(|line| TraceRow::parse(line).ok()).collect();
    Some(Run {
        code: verified.program().bytes().to_vec(),
        outcome,
        output: state.output().collect(),
        host: state.host_calls().unwrap_or_default().to_vec(),
        stack: state.stack().collect(),
        banks: isa.banks().map(|bank| state.bank(bank).collect()).collect(),
        globals: state.globals().map(|(name, value)| (name.into(), value)).collect(),
        instructions,
        memory: isa.regions().map(|region| state.memory(region).to_vec()).collect(),
        trace,
        trace_cut,
        trace_text,
        max_stack: match verified.max_stack() {
            MaxStack::Bounded(depth) => Some(depth),
            MaxStack::Unbounded => None,
        },
    })
}

fn soundness_defect(found: &str) -> Difference {
    Difference {
        aspect: Aspect::Soundness,
        expected: "every step keeps what the verifier promised".to_owned(),
        found: found.to_owned(),
    }
}
