//! What the manual says of dynamic values, functions, the heap and modules.

use std::collections::HashSet;

use bytestone_spec::Isa;
use bytestone_spec::isa::{
    Bank, CellType, Container, Instruction, Owner, Payload, RecordId, TransferKind, TrapId, Union,
};

use super::facts::{StorageRow, count};
use super::operands::cells;

/// The name of a type in the spec.
pub(super) fn type_name(isa: &Isa, of: CellType) -> String {
    match (of, &isa.machine().union) {
        (CellType::Int(of), _) => of.to_string(),
        (CellType::Value, Some(union)) => union.name.clone(),
        (CellType::Value, None) => "value".to_owned(),
    }
}

/// What fresh cells of a type hold.
pub(super) fn fresh(isa: &Isa, of: CellType) -> String {
    match (of, &isa.machine().union) {
        (CellType::Value, Some(union)) => {
            let first = union.variants.first().map_or("", |variant| &variant.name);
            format!("all `{first}`")
        }
        _ => "all zero".to_owned(),
    }
}

/// The row of a bank in the table of storage.
pub(super) fn bank_row(isa: &Isa, bank: &Bank) -> StorageRow {
    let fresh = fresh(isa, bank.of);
    let size = |words: &str| {
        (format!("{words}, at most {}", bank.count), format!("`{}[0]` onwards", bank.name))
    };
    let ((size, written), start) = match bank.owner {
        Owner::Program => {
            let others: Vec<String> =
                bank.start.iter().map(|(index, _)| format!("{}{index}", bank.prefix)).collect();
            let start = match others.is_empty() {
                true => fresh,
                false => format!("{fresh} but {}", others.join(", ")),
            };
            ((count(bank.count, "cell"), cells(bank)), start)
        }
        Owner::Frame => {
            (size("as many as the function says"), format!("the arguments, then {fresh}"))
        }
        Owner::Closure => (size("as many as the function captures"), "as captured".to_owned()),
    };
    let part = format!("Bank `{}`", bank.name);
    [part, format!("`{}`", type_name(isa, bank.of)), size, written, start]
}

/// The rows of frames, global variables and the heap.
pub(super) fn rows(isa: &Isa) -> Vec<StorageRow> {
    let machine = isa.machine();
    let mut rows: Vec<StorageRow> = Vec::new();
    let row = |cells: [&str; 5]| cells.map(str::to_owned);
    if let Some(most) = machine.frames {
        let size = count(most, "frame");
        rows.push(row(["Frames", "call of a function", &size, "`frame N`", "the first function"]));
    }
    if machine.named_globals {
        let of = format!("`{}`", type_name(isa, CellType::Value));
        rows.push(row(["Global variables", &of, "unbounded", "`global.NAME = VALUE`", "none"]));
    }
    if machine.heap > 0 {
        let written = heap_changes(isa).join(", ");
        rows.push(row(["Heap", "objects", &count(machine.heap, "cell"), &written, "empty"]));
    }
    rows
}

/// How changes of the heap are written.
fn heap_changes(isa: &Isa) -> Vec<String> {
    let Some(union) = &isa.machine().union else { return Vec::new() };
    let change = |variant: &bytestone_spec::isa::Variant| match variant.payload {
        Payload::Array => Some(format!("`{}[INDEX] = VALUE`", variant.name)),
        Payload::Map => Some(format!("`{}.KEY = VALUE`", variant.name)),
        Payload::Record(id) => union.record(id).map(|of| format!("`{}.FIELD = VALUE`", of.name)),
        _ => None,
    };
    union.variants.iter().filter_map(change).collect()
}

/// Values, frames, global variables and the heap in sentences.
pub(super) fn words(isa: &Isa) -> Vec<String> {
    let machine = isa.machine();
    let mut words: Vec<String> =
        machine.union.iter().map(|union| union_words(union, captures(isa))).collect();
    match machine.frames {
        None => {}
        Some(_) if !isa.instructions().iter().any(calls) => words.push(
            "The first function runs in a frame of its own, and no instruction calls another."
                .to_owned(),
        ),
        Some(most) => words.push(format!(
            "Each call of a function has a frame with an operand stack and variables of its own, at most {most} at once with that of the first function, which is not counted in `frame N`."
        )),
    }
    if captures(isa) {
        words.push("A variable that a closure captures is shared: by the frame that has it, and by every closure that captured it, also after the frame has ended.".to_owned());
    }
    if machine.named_globals {
        words.push("Global variables have names; one comes to be when it is first set.".to_owned());
    }
    if machine.heap > 0 {
        words.push(format!(
            "The heap holds at most {}: {}. Only what can be reached counts, and constants count nothing.",
            count(machine.heap, "cell"),
            sizes(isa).join(", ")
        ));
    }
    words
}

/// How many cells what lives on the heap counts.
fn sizes(isa: &Isa) -> Vec<&'static str> {
    let variants = isa.machine().union.iter().flat_map(|union| &union.variants);
    let mut sizes: Vec<&str> = variants
        .filter_map(|variant| match variant.payload {
            Payload::Str => Some("a string that was made counts 1 and 1 for every 8 bytes begun"),
            Payload::Array => Some("an array 1 and 1 for each element"),
            Payload::Map => {
                Some("a map 1 and, for each entry, 2 and 1 for every 8 whole bytes of its key")
            }
            Payload::Record(_) => Some("a record 1 and 1 for each field"),
            Payload::Closure if captures(isa) => {
                Some("a closure 1 and 1 for each captured variable")
            }
            Payload::Closure => Some("a function that was made 1"),
            _ => None,
        })
        .collect();
    let mut seen = HashSet::new();
    sizes.retain(|size| seen.insert(*size)); // All types of records count the same way.
    sizes.extend(captures(isa).then_some("a captured variable 1"));
    sizes
}

/// Whether functions of the machine can capture variables.
pub(super) fn captures(isa: &Isa) -> bool {
    isa.machine().banks.iter().any(|bank| bank.owner == Owner::Closure)
}

fn union_words(union: &Union, captures: bool) -> String {
    let variant = |variant: &bytestone_spec::isa::Variant| {
        let carries = match variant.payload {
            Payload::Unit => return format!("`{}`", variant.name),
            Payload::Bool => "true or false".to_owned(),
            Payload::Int(of) => format!("a number of type `{of}`"),
            Payload::Float => "a binary64 number of IEEE 754".to_owned(),
            Payload::Str => "a string of Unicode characters".to_owned(),
            Payload::Array => "an array".to_owned(),
            Payload::Map => "a map from strings to values in the order of insertion".to_owned(),
            Payload::Record(id) => record_words(union, id),
            Payload::Closure if captures => "a function with what it captured".to_owned(),
            Payload::Closure => "a function".to_owned(),
        };
        format!("`{}`, {carries}", variant.name)
    };
    let variants: Vec<String> = union.variants.iter().map(variant).collect();
    format!("A value of type `{}` is one of: {}.", union.name, variants.join("; "))
}

fn record_words(union: &Union, id: RecordId) -> String {
    let Some(record) = union.record(id) else { return String::new() };
    let fields: Vec<String> = record.fields.iter().map(|field| format!("`{field}`")).collect();
    format!("a record `{}` with the fields {}", record.name, fields.join(", "))
}

/// What a program is, if it is a module.
pub(super) fn module_words(isa: &Isa) -> Option<&'static str> {
    (isa.container() == Container::Module).then_some(
        "A program is a module: constants, and functions whose code lies one after the other. Offsets are counted from the start of the first function, with which execution starts; it takes no arguments.",
    )
}

/// Whether an instruction calls a function.
pub(super) fn invokes(insn: &Instruction) -> bool {
    let invokes = |kind: TransferKind| matches!(kind, TransferKind::Invoke { .. });
    insn.body.transfers.iter().any(|transfer| invokes(transfer.kind))
}

/// Whether an instruction can return from a function.
pub(super) fn leaves(insn: &Instruction) -> bool {
    let leaves = |kind: TransferKind| matches!(kind, TransferKind::Leave { .. });
    insn.body.transfers.iter().any(|transfer| leaves(transfer.kind))
}

/// Whether an instruction can call a subroutine or a function.
pub(super) fn calls(insn: &Instruction) -> bool {
    insn.effect.call.is_some() || invokes(insn)
}

/// Whether a machine can meet the trap of a limit, if the trap is one: where nothing calls, no call is one too many.
pub(super) fn limit_applies(isa: &Isa, id: TrapId) -> Option<bool> {
    match id {
        TrapId::STACK_OVERFLOW => Some(isa.machine().stack.is_some()),
        TrapId::CALL_DEPTH => Some(isa.instructions().iter().any(calls)),
        TrapId::OUT_OF_MEMORY => Some(isa.instructions().iter().any(|insn| insn.body.allocates())),
        TrapId::BAD_ADDRESS => Some(!isa.machine().memory.is_empty()),
        _ => None,
    }
}

/// Where control goes after an instruction that calls a function or returns from one.
pub(super) fn flow(insn: &Instruction) -> Option<&'static str> {
    if invokes(insn) {
        return Some(
            "Execution goes on in the function that is called, and with the next instruction when that returns.",
        );
    }
    leaves(insn).then_some(
        "Execution goes on after the call of the function; in the frame of the first function, the program ends with the value as all that is on the stack.",
    )
}
