//! What a campaign finds, and the case file that it becomes.

use bytestone_spec::Isa;
use bytestone_spec::yaml::quoted;
use bytestone_vm::asm::{Style, disassemble};
use bytestone_vm::trace::{Notation, RowTrace, StepRow};
use bytestone_vm::value::{Value, file};

use super::{Candidate, FUEL, Programs};
use crate::engine::reference::{Prepared, Unprepared};
use crate::engine::{End, MishapKind};
use crate::execute::hex;
use crate::judge::{call_list, yaml_list};
use crate::verdict::{Aspect, Verdict};

/// A program on which an engine differs from the reference tier.
#[derive(Clone, Debug)]
pub struct Found {
    /// The engine.
    pub engine: String,
    /// The machine.
    pub machine: String,
    /// The seed of the campaign.
    pub seed: u64,
    /// The number of the program that was found.
    pub number: u64,
    /// In which way it differs.
    pub kind: Kind,
    /// The program, cut down.
    pub candidate: Candidate,
    /// What came of it.
    pub verdict: Verdict,
}

/// In which way an engine differs: findings of one kind are taken for one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What differs.
    pub what: What,
    /// The faulty instruction, when there is a first wrong step.
    pub instruction: Option<String>,
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// These aspects.
    Aspects(Vec<Aspect>),
    /// Something happened to the engine.
    Mishap(&'static str),
}

impl Kind {
    /// The kind of a verdict; `None` for one that is no difference.
    pub fn of(isa: &Isa, verdict: &Verdict) -> Option<Self> {
        match verdict {
            Verdict::Fail(failure) => {
                let step = failure.divergence.as_ref().filter(|found| found.step.is_some());
                let instruction = step.map(|found| isa.instruction(found.insn).name.clone());
                // With a first wrong step, what it leads to is of no interest.
                let aspects = match &instruction {
                    Some(_) => Vec::new(),
                    None => failure.differences.iter().map(|it| it.aspect).collect(),
                };
                Some(Self { what: What::Aspects(aspects), instruction })
            }
            Verdict::Error(mishap) if !matches!(mishap.kind, MishapKind::GivenUp(_)) => {
                Some(Self { what: What::Mishap(mishap.kind.name()), instruction: None })
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.instruction, &self.what) {
            (Some(instruction), _) => write!(f, "{instruction} goes wrong"),
            (None, What::Mishap(what)) => f.write_str(what),
            (None, What::Aspects(aspects)) => {
                let names: Vec<&str> = aspects.iter().map(|aspect| aspect.name()).collect();
                write!(f, "{} differs", names.join(", "))
            }
        }
    }
}

/// Rows of a trace in a case file; longer runs have none.
const TRACE_ROWS: usize = 100;

impl Programs<'_> {
    /// A case file with a finding, ready to be put into a corpus.
    ///
    /// # Errors
    ///
    /// The reference tier cannot run the program after all.
    pub fn case_file(&self, found: &Found) -> Result<String, String> {
        let isa = self.isa;
        let mut text = format!(
            "bytestone: cases/1\nisa: {}@{}\ncases:\n- name: found-{}-{}\n",
            isa.name(),
            isa.version().major,
            found.seed,
            found.number
        );
        let about =
            format!("Found by fuzzing {} with seed {}: {}.", found.engine, found.seed, found.kind);
        text.push_str(&format!("  about: {}\n", quoted(&about)));
        if let Ok(program) = self.codec.decode(&found.candidate.code) {
            let features = Vec::from_iter(program.features(isa));
            if !features.is_empty() {
                text.push_str(&format!("  requires: {}\n", yaml_list(&features)));
            }
        }
        let listing = disassemble(&self.codec, &found.candidate.code, Style::Plain)
            .map_err(|error| error.to_string())?;
        text.push_str("  asm: |\n");
        for line in listing.to_string().lines() {
            text.push_str(&format!("    {line}\n"));
        }
        if !found.candidate.code.is_empty() {
            text.push_str(&format!("  bytecode: {}\n", hex(&found.candidate.code)));
        } else {
            text.push_str("  bytecode: \"\"\n");
        }
        self.input_text(&found.candidate, &mut text);
        match Prepared::new(isa, &self.codec, &found.candidate.code) {
            Err(Unprepared::TooLong(error)) => return Err(error.to_string()),
            Err(Unprepared::Rejected(rejection)) => {
                let fault = |fault: &bytestone_vm::Fault| {
                    format!(
                        "{{phase: {}, reason: {}, at: {}}}",
                        fault.reason.phase().name(),
                        fault.reason.name(),
                        fault.at
                    )
                };
                let faults: Vec<String> = rejection.faults.iter().map(fault).collect();
                match &faults[..] {
                    [one] => text.push_str(&format!("  rejects: {one}\n")),
                    many => {
                        text.push_str("  rejects:\n");
                        for fault in many {
                            text.push_str(&format!("  - {fault}\n"));
                        }
                    }
                }
            }
            Ok(prepared) => self.run_text(&prepared, &found.candidate, &mut text)?,
        }
        Ok(text)
    }

    fn input_text(&self, candidate: &Candidate, text: &mut String) {
        if candidate.input.is_empty() {
            return;
        }
        text.push_str("  input:\n");
        for bank in &self.isa.machine().banks {
            let cells: Vec<String> = candidate
                .input
                .iter()
                .filter(|cell| cell.bank == bank.name)
                .map(|cell| format!("{}: {}", cell.index, cell.value))
                .collect();
            if !cells.is_empty() {
                text.push_str(&format!("    {}: {{{}}}\n", bank.name, cells.join(", ")));
            }
        }
        for cell in candidate.input.iter().filter(|it| matches!(it.value, Value::Bytes(_))) {
            text.push_str(&format!("    {}: \"{}\"\n", cell.bank, cell.value));
        }
        for function in &self.isa.machine().externs {
            let replies = || candidate.input.iter().filter(|cell| cell.bank == function.name);
            let Some(last) = replies().map(|cell| cell.index).max() else { continue };
            let reply = |index| replies().rev().find(|cell| cell.index == index);
            let text_of =
                |index| reply(index).map_or_else(|| "0".to_owned(), |it| it.value.to_string());
            let list: Vec<String> = (0..=last).map(text_of).collect();
            text.push_str(&format!("    {}: [{}]\n", function.name, list.join(", ")));
        }
    }

    fn run_text(
        &self,
        prepared: &Prepared<'_>,
        candidate: &Candidate,
        text: &mut String,
    ) -> Result<(), String> {
        let mut state = prepared.start(&candidate.input).map_err(|error| error.to_string())?;
        let notation = Notation::new(self.isa, prepared.verified().program());
        let mut rows = Vec::new();
        let mut tracer = RowTrace::new(|row: &StepRow| {
            if rows.len() <= TRACE_ROWS {
                rows.push(notation.row(row));
            }
        });
        let end = prepared
            .trace(&mut state, candidate.fuel, &mut tracer)
            .map_err(|error| error.to_string())?;
        if end == End::Fuel || candidate.fuel < FUEL {
            text.push_str(&format!("  limits: {{fuel: {}}}\n", candidate.fuel));
        }
        text.push_str(&format!("  outcome: {end}\n"));
        if self.isa.machine().output.is_some() {
            let output: Vec<String> = state.output().map(|value| value.to_string()).collect();
            text.push_str(&format!("  output: {}\n", yaml_list(&output)));
        }
        if let Some(calls) = state.host_calls() {
            text.push_str(&format!("  host: {}\n", call_list(calls)));
        }
        if self.isa.machine().stack.is_some() {
            let stack: Vec<Value> = state.stack().collect();
            let stack = yaml_list(&file::texts(&stack));
            text.push_str(&format!("  final:\n    stack: {stack}\n"));
        }
        if (1..=TRACE_ROWS).contains(&rows.len()) {
            text.push_str("  trace: |\n");
            for row in rows {
                text.push_str(&format!("    {row}\n"));
            }
        }
        Ok(())
    }
}
