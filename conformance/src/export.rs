//! A corpus for others: as files, or as one JSON document that needs nothing of Bytestone.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use bytestone_spec::{Isa, builtin, json};
use bytestone_vm::codec::Codec;
use bytestone_vm::trace::Checkpoints;
use bytestone_vm::trace::view::Observed;

use bytestone_vm::Value;

use crate::case::load::Machines;
use crate::case::trace::TraceLine;
use crate::case::wanted::Wanted;
use crate::case::{self, Case, CellWanted, Expect, ExpectedFault, ExpectedOutcome, ExpectedRun};
use crate::corpus::{self, Corpus};
use crate::engine::reference::{Prepared, Unprepared};
use crate::engine::{End, Ran, Watch};
use crate::judge::row_text;
use crate::suite;

pub mod document;

use document::{
    CaseEntry, CellEntry, Computed, CorpusName, EndEntry, ExpectEntry, Export, FaultEntry, HEADER,
    MachineEntry, Number, RunEntry, SourceEntry, Strength,
};

/// The folder of the specs beside an exported corpus.
pub const SPECS: &str = "spec";

/// The JSON Schema of exports.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Export).to_value()
}

/// A case that cannot be exported.
#[derive(Debug, thiserror::Error)]
#[error("{id}: {why}")]
pub struct ExportError {
    /// The case.
    pub id: String,
    /// Why.
    pub why: String,
}

/// The files of the corpus that comes with Bytestone, and its specs: paths, and what they hold.
pub fn built_in_files() -> Vec<(PathBuf, Vec<u8>)> {
    let cases = corpus::built_in_files().into_iter();
    let mut files: Vec<_> =
        cases.map(|(path, bytes)| (path.to_owned(), bytes.to_owned())).collect();
    let specs = builtin::names().into_iter().filter_map(builtin::source);
    files.extend(
        specs.map(|source| (Path::new(SPECS).join(&source.name), source.text.into_bytes())),
    );
    files
}

/// A corpus as one document.
///
/// # Errors
///
/// A case has no bytes, or no result on the reference tier.
pub fn document(corpus: &Corpus, machines: &dyn Machines) -> Result<Export, ExportError> {
    let mut export = Export {
        bytestone: HEADER,
        corpus: CorpusName {
            name: corpus.name.clone(),
            version: corpus.version.clone(),
            hash: corpus.hash(),
        },
        machines: Vec::new(),
        cases: Vec::new(),
    };
    for file in &corpus.files {
        // Case files are only read for machines that are there.
        let Some(isa) = machines.machine(&file.content.machine) else { continue };
        if export.machines.iter().all(|machine| machine.name != isa.name()) {
            export.machines.push(MachineEntry {
                name: isa.name().to_owned(),
                version: isa.version().to_string(),
                isa: json::to_json(isa),
            });
        }
        let codec = Codec::new(isa);
        for case in &file.content.cases {
            export.cases.push(entry(isa, &codec, case)?);
        }
    }
    Ok(export)
}

/// A case as an entry of a document.
///
/// # Errors
///
/// It has no bytes, or no result on the reference tier.
pub fn entry(isa: &Isa, codec: &Codec<'_>, case: &Case) -> Result<CaseEntry, ExportError> {
    let failed = |why: String| ExportError { id: case.id.clone(), why };
    let code = suite::code(codec, case).map_err(failed)?;
    Ok(CaseEntry {
        id: case.id.clone(),
        machine: isa.name().to_owned(),
        about: case.about.clone(),
        refs: case.refs.clone(),
        golden: case.golden,
        strength: match case.strength {
            case::Strength::Must => Strength::Must,
            case::Strength::Should => Strength::Should,
        },
        requires: case.requires.clone(),
        source: case.source.as_ref().map(|source| SourceEntry {
            language: source.plan.language.name().to_owned(),
            passes: source.plan.passes.iter().map(|pass| pass.name().to_owned()).collect(),
            text: source.text.clone(),
        }),
        asm: case.asm.clone(),
        bytecode: hex(&code),
        input: case.input.iter().map(CellEntry::from).collect(),
        fuel: case.fuel,
        expect: expect(isa, &case.expect),
        computed: computed(isa, codec, &code, case).map_err(failed)?,
    })
}

/// Bytes as the engine protocol writes them.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn wanted_cell(isa: &Isa, cell: &CellWanted) -> CellEntry {
    let (bank, key) = cell.place.named(isa);
    CellEntry::new(bank, &key, cell.value.clone())
}

fn wanted(values: &[Wanted]) -> Vec<Number> {
    values.iter().cloned().map(Number).collect()
}

fn numbers(values: &[Value]) -> Vec<Number> {
    values.iter().map(|value| Number(Wanted::Exact(value.clone()))).collect()
}

fn expect(isa: &Isa, expect: &Expect) -> ExpectEntry {
    match expect {
        Expect::Rejects(faults) => {
            let entry = |fault: &ExpectedFault| FaultEntry {
                phase: fault.phase,
                reason: fault.reason,
                at: fault.at,
            };
            ExpectEntry {
                end: EndEntry::Reject { faults: faults.iter().map(entry).collect() },
                output: None,
                host: None,
                stack: None,
                cells: Vec::new(),
                trace: None,
                max_stack: None,
            }
        }
        Expect::Runs(run) => expected_run(isa, run),
    }
}

fn expected_run(isa: &Isa, run: &ExpectedRun) -> ExpectEntry {
    let line = |line: &TraceLine| match line {
        TraceLine::Row(row) => row_text(row),
        TraceLine::Gap => "...".to_owned(),
    };
    ExpectEntry {
        end: match run.outcome {
            ExpectedOutcome::Halt => EndEntry::Halt,
            ExpectedOutcome::Trap { trap, at } => {
                EndEntry::Trap { trap: isa.trap(trap).name.clone(), at }
            }
            ExpectedOutcome::Fuel => EndEntry::Fuel,
        },
        output: run.output.as_deref().map(wanted),
        host: run.host.as_ref().map(|calls| calls.iter().map(ToString::to_string).collect()),
        stack: run.stack.as_deref().map(wanted),
        cells: run.cells.iter().map(|cell| wanted_cell(isa, cell)).collect(),
        trace: run.trace.as_ref().map(|trace| trace.lines.iter().map(line).collect()),
        max_stack: run.max_stack,
    }
}

fn computed(isa: &Isa, codec: &Codec<'_>, code: &[u8], case: &Case) -> Result<Computed, String> {
    let prepared = match Prepared::new(isa, codec, code) {
        Ok(prepared) => prepared,
        Err(Unprepared::Rejected(rejection)) => {
            let faults = rejection.faults.iter().map(|fault| FaultEntry {
                phase: fault.reason.phase(),
                reason: fault.reason,
                at: fault.at,
            });
            return Ok(Computed { end: EndEntry::Reject { faults: faults.collect() }, run: None });
        }
        Err(error @ Unprepared::TooLong(_)) => return Err(error.to_string()),
    };
    let ran = prepared
        .run(&case.input, case.fuel, Watch::Hash(Checkpoints::default()), Observed::ALL)
        .map_err(|error| error.to_string())?;
    Ok(Computed { end: end(&ran.end), run: Some(run(ran)) })
}

fn end(end: &End) -> EndEntry {
    match end {
        End::Halt => EndEntry::Halt,
        End::Trap { trap, at } => {
            EndEntry::Trap { trap: trap.clone().unwrap_or_default(), at: at.unwrap_or_default() }
        }
        End::Fuel => EndEntry::Fuel,
    }
}

/// The reference tier observes everything, so every part is there.
fn run(ran: Ran) -> RunEntry {
    RunEntry {
        steps: ran.steps.unwrap_or_default(),
        pc: ran.state.pc.unwrap_or_default(),
        depth: ran.state.depth.unwrap_or_default(),
        output: numbers(&ran.output.unwrap_or_default()),
        host: ran.host.map(|calls| calls.iter().map(ToString::to_string).collect()),
        stack: numbers(&ran.state.stack.unwrap_or_default()),
        cells: ran.state.cells.unwrap_or_default().iter().map(CellEntry::from).collect(),
        hash: format!("{:08x}", ran.hash.unwrap_or_default()),
    }
}
