//! Differences between what the reference tier says and what an engine says. Pure.

use bytestone_spec::Isa;
use bytestone_spec::isa::InsnId;
use bytestone_vm::Fault;
use bytestone_vm::program::Program;

use super::rejection_fits;
use crate::engine::{End, Mishap, NamedCell, Ran, Rejected};
use crate::judge::list;
use crate::verdict::{Aspect, Difference, fault_list};

/// A rejection that is not one of those expected.
pub fn rejection(isa: &Isa, faults: &[Fault], found: Rejected) -> Option<Difference> {
    (!rejection_fits(faults, found)).then(|| Difference {
        aspect: Aspect::Rejection,
        expected: named_faults(isa, faults),
        found: found.to_string(),
    })
}

/// A program that had to be rejected was run.
pub fn accepted(isa: &Isa, faults: &[Fault], ran: &Ran) -> Difference {
    Difference {
        aspect: Aspect::Rejection,
        expected: named_faults(isa, faults),
        found: format!("accepted; {}", ran.end),
    }
}

/// A program that had to be run was rejected.
pub fn rejected(isa: &Isa, program: &Program, ran: &Ran, found: Rejected) -> Difference {
    let insn = found.at.and_then(|at| program.insns().iter().find(|insn| insn.offset == at));
    Difference {
        aspect: Aspect::Rejection,
        expected: format!("accepted; {}", ran.end),
        found: format!("{found}{}", in_instruction(isa, insn.map(|insn| insn.id))),
    }
}

/// One line for each fault, with the instruction that it is in.
fn named_faults(isa: &Isa, faults: &[Fault]) -> String {
    let texts = fault_list(faults);
    let named = texts
        .lines()
        .zip(faults)
        .map(|(line, fault)| format!("{line}{}", in_instruction(isa, fault.insn)));
    named.collect::<Vec<_>>().join("\n")
}

fn in_instruction(isa: &Isa, insn: Option<InsnId>) -> String {
    insn.map_or_else(String::new, |insn| format!(" in {}", isa.instruction(insn).name))
}

pub fn hash(expected: &Ran, found: &Ran) -> Difference {
    let text =
        |hash: Option<u32>| hash.map_or_else(|| "none".to_owned(), |hash| format!("{hash:08x}"));
    Difference {
        aspect: Aspect::Hash,
        expected: format!("{}, as the rows of the engine give it", text(expected.hash)),
        found: format!("{}: its rows are right, its hash is not", text(found.hash)),
    }
}

pub fn changed() -> Difference {
    Difference {
        aspect: Aspect::Determinism,
        expected: "the same answer when it is asked again".to_owned(),
        found: "another answer".to_owned(),
    }
}

pub fn mishap(mishap: &Mishap) -> Difference {
    Difference {
        aspect: Aspect::Trace,
        expected: "an answer when it is asked for the first wrong step".to_owned(),
        found: mishap.to_string(),
    }
}

/// Whether an end fits, as far as the engine tells ends apart.
pub fn end_fits(expected: &End, found: &End) -> bool {
    match (expected, found) {
        (End::Trap { trap: expected, at: there }, End::Trap { trap, at }) => {
            (trap.is_none() || trap == expected) && (at.is_none() || at == there)
        }
        _ => expected == found,
    }
}

/// How the ends of two runs differ.
pub fn ran(isa: &Isa, expected: &Ran, found: &Ran) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut differ = |aspect, expected: String, found: String| {
        differences.push(Difference { aspect, expected, found });
    };
    if !end_fits(&expected.end, &found.end) {
        let message = found.message.as_ref().map_or_else(String::new, |text| format!(" ({text})"));
        differ(Aspect::Outcome, expected.end.to_string(), format!("{}{message}", found.end));
    }
    if let (Some(expected), Some(found)) = (&expected.output, &found.output)
        && expected != found
    {
        differ(Aspect::Output, list(expected), list(found));
    }
    if let (Some(expected), Some(found)) = (&expected.state.stack, &found.state.stack)
        && expected != found
    {
        differ(Aspect::Stack, list(expected), list(found));
    }
    if let (Some(expected), Some(found)) = (&expected.state.cells, &found.state.cells)
        && expected != found
    {
        let (expected, found) = differing_cells(isa, expected, found);
        differ(Aspect::Cell, expected, found);
    }
    if let (Some(expected), Some(found)) = (expected.steps, found.steps)
        && expected != found
    {
        differ(Aspect::Steps, expected.to_string(), found.to_string());
    }
    let position = |ran: &Ran| (ran.state.pc, ran.state.depth);
    let (there, here) = (position(expected), position(found));
    if there != here {
        let text = |(pc, depth): (Option<u32>, Option<u32>)| {
            let pc = pc.map_or_else(String::new, |pc| format!("offset {pc}"));
            let depth = depth.map_or_else(String::new, |depth| format!(", {depth} active calls"));
            format!("{pc}{depth}")
        };
        differ(Aspect::Position, text(there), text(here));
    }
    differences
}

/// The cells that two lists of cells do not agree on, as traces write them. What is not listed is zero.
pub fn differing_cells(isa: &Isa, expected: &[NamedCell], found: &[NamedCell]) -> (String, String) {
    let value = |cells: &[NamedCell], cell: &NamedCell| {
        let same = |other: &&NamedCell| other.bank == cell.bank && other.index == cell.index;
        cells.iter().find(same).map_or(0, |cell| cell.value)
    };
    let mut texts = (Vec::new(), Vec::new());
    let only_found = found.iter().filter(|cell| value(expected, cell) == 0);
    for cell in expected.iter().chain(only_found) {
        let (there, here) = (value(expected, cell), value(found, cell));
        if there != here {
            texts.0.push(cell_text(isa, &NamedCell { value: there, ..cell.clone() }));
            texts.1.push(cell_text(isa, &NamedCell { value: here, ..cell.clone() }));
        }
    }
    (texts.0.join(", "), texts.1.join(", "))
}

/// A cell as traces write it: `local[2] = 16`, or `R3 = 7`.
pub fn cell_text(isa: &Isa, cell: &NamedCell) -> String {
    let bank = isa.machine().banks.iter().find(|bank| bank.name == cell.bank);
    match bank {
        Some(bank) if !bank.prefix.is_empty() => {
            format!("{}{} = {}", bank.prefix, cell.index, cell.value)
        }
        _ => format!("{}[{}] = {}", cell.bank, cell.index, cell.value),
    }
}
