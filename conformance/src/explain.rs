//! Everything that there is to say of one case.

use bytestone_spec::Isa;
use bytestone_spec::isa::{InsnId, Note};
use bytestone_spec::shape::similar;
use bytestone_vm::asm::{self, Style};
use bytestone_vm::codec::Codec;
use serde::Serialize;

use crate::case::Case;
use crate::corpus::{Corpus, CorpusFile};
use crate::execute::{Fate, Steps, execute};
use crate::export::document::{CaseEntry, EndEntry, ExpectEntry};
use crate::export::{self, ExportError};
use crate::judge::judge;
use crate::suite;

/// Rows of a trace that are shown.
const ROWS: usize = 100;
/// Ids that are suggested for one that is not there.
const SUGGESTIONS: usize = 3;

/// What there is to say of a case.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The case with its bytes, its expectations and what the reference tier makes of it.
    #[serde(flatten)]
    pub case: CaseEntry,
    /// The file that it stands in.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What its refs name.
    pub rests_on: Vec<Cited>,
    /// The program with offsets and bytes.
    pub listing: String,
    /// The expectations in words.
    pub expected: Vec<String>,
    /// The first steps on the reference tier, as case files write them.
    pub trace: Vec<String>,
    /// How many steps follow those.
    pub more_steps: u64,
    /// Where the reference tier differs from the expectations; nothing in a sound corpus.
    pub differences: Vec<String>,
    /// The instructions of the program, in the order of their first use.
    pub instructions: Vec<InstructionNote>,
}

/// What a ref of a case names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cited {
    /// The ref.
    #[serde(rename = "ref")]
    pub name: String,
    /// Where in the sources a decision or an erratum belongs.
    pub place: Option<String>,
    /// The text of a decision or an erratum, or the title of the source.
    pub text: Option<String>,
}

/// An instruction in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstructionNote {
    /// The mnemonic.
    pub name: String,
    /// What it does.
    pub doc: String,
    /// Where the rule comes from.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
}

/// The case with an id, or with one that it used to have.
///
/// # Errors
///
/// There is none; the message suggests others.
pub fn find<'c>(corpus: &'c Corpus, id: &str) -> Result<(&'c CorpusFile, &'c Case), String> {
    let all = || {
        corpus.files.iter().flat_map(|file| file.content.cases.iter().map(move |case| (file, case)))
    };
    let now = all().find(|(_, case)| case.id == id);
    let before = || all().find(|(_, case)| case.formerly.iter().any(|known| known == id));
    now.or_else(before).ok_or_else(|| {
        let meant = suggestions(corpus, id);
        let meant = match meant.as_slice() {
            [] => "`bytestone test --list` lists them".to_owned(),
            ids => format!("did you mean {}?", ids.join(", ")),
        };
        format!("there is no case `{id}`; {meant}")
    })
}

/// Rows of a table of that name, cases of that name of any machine, and ids that are spelt alike.
pub fn suggestions<'c>(corpus: &'c Corpus, id: &str) -> Vec<&'c str> {
    let cases = corpus.files.iter().flat_map(|file| &file.content.cases);
    let ids: Vec<&str> = cases.map(|case| case.id.as_str()).collect();
    let row = |known: &str| known.strip_prefix(id).is_some_and(|rest| rest.starts_with('/'));
    // A name alone is looked for among names alone.
    let spelt = |known: &'c str| match known.split_once('/') {
        Some((_, name)) if !id.contains('/') => name,
        _ => known,
    };
    let mut found: Vec<&str> =
        ids.iter().copied().filter(|known| row(spelt(known)) || spelt(known) == id).collect();
    found.truncate(SUGGESTIONS);
    while found.len() < SUGGESTIONS {
        let rest = || ids.iter().copied().filter(|known| !found.contains(known));
        let near = similar(id, rest().map(spelt));
        match rest().find(|known| near == Some(spelt(known))) {
            Some(known) => found.push(known),
            None => break,
        }
    }
    found
}

/// What there is to say of a case.
///
/// # Errors
///
/// It has no bytes, or no result on the reference tier.
pub fn explain(isa: &Isa, file: &CorpusFile, case: &Case) -> Result<Explanation, ExportError> {
    let codec = Codec::new(isa);
    let failed = |why: String| ExportError { id: case.id.clone(), why };
    let code = suite::code(&codec, case).map_err(failed)?;
    let list = |style| {
        asm::disassemble(&codec, &code, style)
            .map(|text| text.to_string())
            .map_err(|error| failed(error.to_string()))
    };
    let entry = export::entry(isa, &codec, case)?;
    let observation = execute(isa, &codec, case, Steps::Keep);
    let differences = judge(isa, &case.expect, &observation);
    let mut trace = match observation.fate {
        Fate::Ran(run) => run.trace_text,
        Fate::Rejected(_) | Fate::NotBuilt => Vec::new(),
    };
    trace.truncate(ROWS);
    let steps = entry.computed.run.as_ref().map_or(0, |run| run.steps);
    Ok(Explanation {
        file: file.path.display().to_string(),
        line: file.line(case),
        rests_on: case.refs.iter().map(|name| cited(isa, name)).collect(),
        listing: list(Style::Annotated)?,
        expected: expected(isa, &entry),
        more_steps: steps.saturating_sub(trace.len() as u64),
        trace,
        differences: differences.iter().map(ToString::to_string).collect(),
        instructions: instructions(isa, &codec, &code, &list(Style::Plain)?),
        case: entry,
    })
}

fn cited(isa: &Isa, name: &str) -> Cited {
    let note = |notes: &[Note], wanted: &str| {
        let note = notes.iter().find(|note| note.name == wanted)?;
        Some((note.reference.clone(), note.text.clone()))
    };
    let found = match name.split_once(' ') {
        Some(("decision", wanted)) => note(isa.decisions(), wanted),
        Some(("erratum", wanted)) => note(isa.errata(), wanted),
        _ => {
            let is_of = |source: &str| {
                name.strip_prefix(source)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            };
            let known = isa.sources().iter().find(|(known, _)| is_of(known));
            known.map(|(_, title)| (None, title.clone()))
        }
    };
    let (place, text) = found.map_or((None, None), |(place, text)| (place, Some(text)));
    Cited { name: name.to_owned(), place, text }
}

/// The instructions of code; where it does not decode, those that its plain listing shows by their mnemonics.
fn instructions(isa: &Isa, codec: &Codec<'_>, code: &[u8], listing: &str) -> Vec<InstructionNote> {
    let mut notes: Vec<InstructionNote> = Vec::new();
    let ids: Vec<InsnId> = match codec.decode(code) {
        Ok(program) => program.insns().iter().map(|insn| insn.id).collect(),
        Err(_) => {
            let mnemonics = listing.lines().filter_map(|line| line.split_whitespace().next());
            mnemonics.filter_map(|name| isa.find_instruction(name)).collect()
        }
    };
    for id in ids {
        let insn = isa.instruction(id);
        if notes.iter().all(|note| note.name != insn.name) {
            notes.push(InstructionNote {
                name: insn.name.clone(),
                doc: insn.doc.trim().to_owned(),
                reference: insn.reference.clone(),
            });
        }
    }
    notes
}

/// How a program ends, in words: what follows "The program".
pub fn end_words(isa: &Isa, end: &EndEntry, fuel: u64) -> String {
    match end {
        EndEntry::Halt => "halts".to_owned(),
        EndEntry::Trap { trap, at } => {
            let known = isa.find_trap(trap).map(|id| isa.trap(id).doc.trim());
            let doc =
                known.map_or_else(String::new, |doc| format!(": {}", doc.trim_end_matches('.')));
            format!("traps {trap} at {at}{doc}")
        }
        EndEntry::Fuel => format!("is stopped by the limit of {fuel} steps"),
        EndEntry::Reject { faults } => {
            let fault = |fault: &export::document::FaultEntry| {
                format!("{} {} at {}", fault.phase.name(), fault.reason.name(), fault.at)
            };
            let faults: Vec<String> = faults.iter().map(fault).collect();
            format!("is not accepted: {}", faults.join(", "))
        }
    }
}

fn expected(isa: &Isa, entry: &CaseEntry) -> Vec<String> {
    let ExpectEntry { end, output, host, stack, cells, trace, max_stack } = &entry.expect;
    let mut lines = vec![format!("The program {}.", end_words(isa, end, entry.fuel))];
    match output.as_deref() {
        Some([]) => lines.push("It prints nothing.".to_owned()),
        Some(values) => lines.push(format!("It prints {}.", value_words(values))),
        None => {}
    }
    match host.as_deref() {
        Some([]) => lines.push("It does not call the host.".to_owned()),
        Some(calls) => lines.push(format!("It calls the host: {}.", calls.join(", "))),
        None => {}
    }
    match stack.as_deref() {
        Some([]) => lines.push("At the end the stack is empty.".to_owned()),
        Some(values) => {
            lines.push(format!("At the end the stack holds {}, bottom first.", value_words(values)))
        }
        None => {}
    }
    for cell in cells {
        lines.push(format!("At the end {} is {}.", cell.place(), cell.value.0));
    }
    if let Some(trace) = trace {
        let rows = trace.iter().filter(|line| *line != "...").count();
        let gaps = if rows < trace.len() { ", with others between them" } else { ", and no other" };
        lines.push(format!("Its steps are {rows} given ones{gaps}."));
    }
    if let Some(depth) = max_stack {
        lines.push(format!("The verifier finds a stack depth of at most {depth}."));
    }
    lines
}

/// Values with commas between.
pub fn value_words(values: &[export::document::Number]) -> String {
    values.iter().map(|value| value.0.to_string()).collect::<Vec<_>>().join(", ")
}
