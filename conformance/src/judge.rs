//! Holds what came of a case to what it expects. Pure: no input, no output, no state.

mod lists;

use bytestone_spec::Isa;
use bytestone_vm::host::Call;
use bytestone_vm::value::{Value, file};
use bytestone_vm::{Fault, Outcome};

pub use self::lists::{call_list, list, stack_list, two_lists, yaml_item, yaml_list};
use crate::case::host::WantedCall;
use crate::case::trace::{ExpectedTrace, TraceLine, TraceRow};
use crate::case::wanted::{Wanted, all_fit, each_fits, wanted_texts};
use crate::case::{Expect, ExpectedFault, ExpectedOutcome, ExpectedRun, Place};
use crate::execute::{Fate, Observation, Run};
use crate::verdict::{Aspect, Difference, fault_list};

/// The differences between an observation and what a case expects; none when it passes.
pub fn judge(isa: &Isa, expect: &Expect, observation: &Observation) -> Vec<Difference> {
    let mut differences = observation.defects.clone();
    match (expect, &observation.fate) {
        (_, Fate::NotBuilt) => {}
        (Expect::Rejects(expected), Fate::Rejected(found)) => {
            rejection(expected, found, &mut differences)
        }
        (Expect::Rejects(expected), Fate::Ran(run)) => differences.push(Difference {
            aspect: Aspect::Rejection,
            expected: expected_faults(expected),
            found: format!("accepted; {}", outcome_text(isa, run.outcome)),
        }),
        (Expect::Runs(expected), Fate::Rejected(faults)) => differences.push(Difference {
            aspect: Aspect::Rejection,
            expected: format!("accepted; {}", expected_outcome_text(isa, expected.outcome)),
            found: fault_list(faults),
        }),
        (Expect::Runs(expected), Fate::Ran(run)) => {
            compare_run(isa, expected, run, &mut differences)
        }
    }
    differences
}

fn expected_faults(faults: &[ExpectedFault]) -> String {
    let line = |fault: &ExpectedFault| {
        format!("{} {} at {}", fault.phase.name(), fault.reason.name(), fault.at)
    };
    faults.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The faults must be exactly the expected ones; their prose is not compared.
fn rejection(expected: &[ExpectedFault], found: &[Fault], differences: &mut Vec<Difference>) {
    let as_expected = |fault: &Fault| ExpectedFault {
        phase: fault.reason.phase(),
        reason: fault.reason,
        at: fault.at,
    };
    if !found.iter().map(as_expected).eq(expected.iter().copied()) {
        differences.push(Difference {
            aspect: Aspect::Rejection,
            expected: expected_faults(expected),
            found: fault_list(found),
        });
    }
}

/// An outcome in the words of a case file.
pub fn outcome_text(isa: &Isa, outcome: Outcome) -> String {
    match outcome {
        Outcome::Halt => "halt".to_owned(),
        Outcome::Trap { trap, at } => format!("trap {} at {at}", isa.trap(trap).name),
        Outcome::Fuel => "fuel".to_owned(),
        Outcome::OutputLimit => "output limit".to_owned(),
    }
}

fn expected_outcome_text(isa: &Isa, outcome: ExpectedOutcome) -> String {
    outcome_text(isa, reached(outcome))
}

fn reached(outcome: ExpectedOutcome) -> Outcome {
    match outcome {
        ExpectedOutcome::Halt => Outcome::Halt,
        ExpectedOutcome::Trap { trap, at } => Outcome::Trap { trap, at },
        ExpectedOutcome::Fuel => Outcome::Fuel,
    }
}

/// What there is to see in a place at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The place is not observed.
    Hidden,
    /// There is no such cell or variable.
    Absent,
    /// It holds this.
    Holds(Value),
}

fn compare_run(isa: &Isa, expected: &ExpectedRun, run: &Run, differences: &mut Vec<Difference>) {
    let (wanted, found) =
        (expected_outcome_text(isa, expected.outcome), outcome_text(isa, run.outcome));
    if wanted != found {
        differences.push(Difference { aspect: Aspect::Outcome, expected: wanted, found });
    }
    let cell = |place: &Place| run.cell(place).map_or(Sight::Absent, Sight::Holds);
    let seen = Lists { output: Some(&run.output), host: Some(&run.host), stack: Some(&run.stack) };
    differences.extend(end_differences(isa, expected, seen, cell));
    if let Some(depth) = expected.max_stack
        && run.max_stack != Some(depth)
    {
        let found = run.max_stack.map_or_else(|| "unbounded".to_owned(), |depth| depth.to_string());
        let expected = depth.to_string();
        differences.push(Difference { aspect: Aspect::MaxStack, expected, found });
    }
    if let Some(trace) = &expected.trace {
        differences.extend(trace_difference(trace, run));
    }
}

/// The lists at the end of a run; what is `None` was not observed.
#[derive(Clone, Copy, Debug)]
pub struct Lists<'a> {
    /// Everything printed.
    pub output: Option<&'a [Value]>,
    /// All calls of the host.
    pub host: Option<&'a [Call]>,
    /// The operand stack, bottom first.
    pub stack: Option<&'a [Value]>,
}

/// Where output, calls of the host, stack and cells at the end are not what is expected.
pub fn end_differences(
    isa: &Isa,
    expected: &ExpectedRun,
    seen: Lists<'_>,
    cell: impl Fn(&Place) -> Sight,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    if let (Some(wanted), Some(found)) = (&expected.output, seen.output)
        && !each_fits(wanted, found)
    {
        let texts = (texts(wanted), texts(found));
        differences.push(list_difference(Aspect::Output, wanted, found, texts));
    }
    if let (Some(wanted), Some(found)) = (&expected.host, seen.host) {
        let fits = |(wanted, found): (&WantedCall, &Call)| wanted.fits(found);
        let first = wanted.iter().zip(found).position(|pair| !fits(pair));
        if first.is_some() || wanted.len() != found.len() {
            let (expected, found) = two_lists(&texts(wanted), &texts(found), first);
            differences.push(Difference { aspect: Aspect::Host, expected, found });
        }
    }
    if let (Some(wanted), Some(found)) = (&expected.stack, seen.stack)
        && !all_fit(wanted, found)
    {
        let texts = (wanted_texts(wanted), file::texts(found));
        differences.push(list_difference(Aspect::Stack, wanted, found, texts));
    }
    for wanted in &expected.cells {
        let name = wanted.place.text(isa);
        let found = match cell(&wanted.place) {
            Sight::Hidden => continue,
            Sight::Holds(found) if wanted.value.fits(&found) => continue,
            Sight::Holds(found) => format!("{name} = {found}"),
            Sight::Absent => format!("no {name}"),
        };
        let expected = format!("{name} = {}", wanted.value);
        differences.push(Difference { aspect: Aspect::Cell, expected, found });
    }
    differences
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(T::to_string).collect()
}

/// Two lists that differ, as their texts.
fn list_difference(
    aspect: Aspect,
    wanted: &[Wanted],
    found: &[Value],
    (wanted_texts, found_texts): (Vec<String>, Vec<String>),
) -> Difference {
    let first = wanted.iter().zip(found).position(|(wanted, found)| !wanted.fits(found));
    let (expected, found) = two_lists(&wanted_texts, &found_texts, first);
    Difference { aspect, expected, found }
}

fn trace_difference(expected: &ExpectedTrace, run: &Run) -> Option<Difference> {
    let part = expected.compare(&run.trace).err()?;
    let wanted = match expected.lines.get(part.line) {
        Some(TraceLine::Row(row)) => row_text(row),
        Some(TraceLine::Gap) => "...".to_owned(),
        None => "the end of the trace".to_owned(),
    };
    let found = match run.trace.get(part.step) {
        Some(row) => row_text(row),
        None if run.trace_cut => format!("more than {} steps", run.trace.len()),
        None => "the end of the run".to_owned(),
    };
    Some(Difference {
        aspect: Aspect::Trace,
        expected: format!("line {}: {wanted}", part.line + 1),
        found: format!("step {}: {found}", part.step),
    })
}

/// A row in one line.
pub fn row_text(row: &TraceRow) -> String {
    let mut text = row.offset.map_or_else(String::new, |offset| format!("{offset} "));
    for (at, word) in row.state.iter().enumerate() {
        let before = at.checked_sub(1).map_or("[", |before| &row.state[before]);
        if !matches!(before, "[" | "(") && !matches!(word.as_str(), "]" | "(" | ")") {
            text.push(' ');
        }
        text.push_str(word);
    }
    if let Some(insn) = &row.insn {
        text.push_str(" ; ");
        text.push_str(insn);
    }
    text
}
