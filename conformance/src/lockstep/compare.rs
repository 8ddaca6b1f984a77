//! Differences between what the reference tier says and what an engine says. Pure.

use bytestone_spec::Isa;
use bytestone_spec::isa::InsnId;
use bytestone_vm::host::Call;
use bytestone_vm::program::Program;
use bytestone_vm::trace::view::{GROUP, Key};
use bytestone_vm::value::{Form, file};
use bytestone_vm::{Fault, Value};

use super::rejection_fits;
use crate::case::key_text;
use crate::engine::{End, Mishap, Ran, Rejected, SeenCell};
use crate::judge::two_lists;
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
        let texts = |values: &[Value]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (expected, found) = two_lists(&texts(expected), &texts(found), None);
        differ(Aspect::Output, expected, found);
    }
    if let (Some(expected), Some(found)) = (&expected.host, &found.host)
        && expected != found
    {
        let texts = |calls: &[Call]| calls.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (expected, found) = two_lists(&texts(expected), &texts(found), None);
        differ(Aspect::Host, expected, found);
    }
    if let (Some(expected), Some(found)) = (&expected.state.stack, &found.state.stack)
        && expected != found
    {
        let (expected, found) = two_lists(&file::texts(expected), &file::texts(found), None);
        differ(Aspect::Stack, expected, found);
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

/// The cells that two lists of cells do not agree on, as traces write them. What is not listed is fresh, and of
/// global variables not there.
pub fn differing_cells(isa: &Isa, expected: &[SeenCell], found: &[SeenCell]) -> (String, String) {
    let value = |cells: &[SeenCell], cell: &SeenCell| shown(isa, cells, &cell.bank, &cell.key);
    let mut texts = (Vec::new(), Vec::new());
    let listed = |cell: &&SeenCell| expected.iter().any(|other| other.is(&cell.bank, &cell.key));
    let only_found = found.iter().filter(|cell| !listed(cell));
    for cell in expected.iter().chain(only_found) {
        let (there, here) = (value(expected, cell), value(found, cell));
        if there != here {
            texts.0.push(cell_text(isa, &cell.bank, &cell.key, there.as_ref()));
            texts.1.push(cell_text(isa, &cell.bank, &cell.key, here.as_ref()));
        }
    }
    if texts.0.is_empty() {
        // The same variables in another order.
        let names = |cells: &[SeenCell]| {
            cells.iter().map(|cell| key_text(&cell.bank, &cell.key)).collect::<Vec<_>>().join(", ")
        };
        return (names(expected), names(found));
    }
    (texts.0.join(", "), texts.1.join(", "))
}

/// The value of a cell by a list of the cells that are not fresh; nothing for a global variable that is not there.
fn shown(isa: &Isa, cells: &[SeenCell], bank: &str, key: &Key) -> Option<Value> {
    if let Some(cell) = cells.iter().find(|cell| cell.is(bank, key)) {
        return Some(cell.value.clone());
    }
    match key {
        Key::Name(_) => None,
        Key::Index(index) => {
            if let Some(region) = isa.find_region(bank) {
                let size = isa.machine().memory[usize::from(region.0)].size;
                let left = size.saturating_sub(*index) as usize;
                return Some(Value::Bytes(vec![0; left.min(GROUP)].into()));
            }
            let bank = isa.machine().banks.iter().find(|known| known.name == bank);
            Some(bank.map_or(Value::Int(0), |bank| Form::new(isa, bank.of).fresh()))
        }
    }
}

/// A cell with what it holds by a list of the cells that are not fresh.
pub fn seen_cell_text(isa: &Isa, cells: &[SeenCell], bank: &str, key: &Key) -> String {
    cell_text(isa, bank, key, shown(isa, cells, bank, key).as_ref())
}

/// A cell as traces write it: `local[2] = 16`, or `R3 = 7`.
pub fn cell_text(isa: &Isa, bank: &str, key: &Key, value: Option<&Value>) -> String {
    let prefix = isa.machine().banks.iter().find(|known| known.name == bank);
    let prefix = prefix.map(|bank| bank.prefix.as_str()).filter(|prefix| !prefix.is_empty());
    let name = match (prefix, key) {
        (Some(prefix), Key::Index(index)) => format!("{prefix}{index}"),
        _ => key_text(bank, key),
    };
    value.map_or_else(|| format!("no {name}"), |value| format!("{name} = {value}"))
}
