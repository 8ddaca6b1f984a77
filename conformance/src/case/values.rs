//! The values of a case file: what stacks, outputs and cells must hold, and cells that are set.

use bytestone_spec::Isa;
use bytestone_spec::diagnostic::{Diagnostics, Span};
use bytestone_spec::isa::{BankId, CellType, Extern, IntType, RegionId};
use bytestone_spec::shape::Text;
use bytestone_vm::limits;
use bytestone_vm::trace::view::GLOBAL;
use bytestone_vm::value::{self, Form, Value, ValueError, file};
use indexmap::IndexMap;

use super::file::InputEntry;
use super::load::parse_hex;
use super::wanted::Wanted;
use super::{CellWanted, Place};
use crate::engine::NamedCell;

/// What printed values may be, each a list of its own.
pub(super) fn each(
    texts: &[Text],
    form: Form<'_>,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Vec<Wanted> {
    texts.iter().filter_map(|text| wanted(text, form, span, diagnostics)).collect()
}

/// What the values of a stack may be, in which nodes are named together.
pub(super) fn list(
    texts: &[Text],
    form: Form<'_>,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Vec<Wanted> {
    let Form::Union(_) = form else { return each(texts, form, span, diagnostics) };
    let mut reader = file::Reader::new("", form);
    let mut read = |text| note(text, Wanted::read(&mut reader, text), span, diagnostics);
    texts.iter().filter_map(|text| read(&text.0)).collect()
}

/// What cells of a bank, or globals by name, must hold at the end.
pub(super) fn wanted_cells(
    isa: &Isa,
    bank: &str,
    cells: &IndexMap<String, Text>,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Vec<CellWanted> {
    let mut read = Vec::new();
    if bank == GLOBAL && isa.machine().named_globals {
        let form = Form::new(isa, CellType::Value);
        for (name, text) in cells {
            let value = wanted(text, form, span, diagnostics);
            let place = Place::Global(value::Text::from(name.as_str()));
            read.extend(value.map(|value| CellWanted { place, value }));
        }
        return read;
    }
    if let Some(region) = isa.find_region(bank) {
        for (offset, text) in cells {
            read.extend(wanted_bytes(isa, region, offset, text, span, diagnostics));
        }
        return read;
    }
    let Some(id) = find_bank(isa, bank, span, diagnostics) else { return read };
    let form = Form::new(isa, isa.machine().banks[usize::from(id.0)].of);
    for (index, text) in cells {
        let Some(index) = find_cell(isa, id, index, span, diagnostics) else { continue };
        let value = wanted(text, form, span, diagnostics);
        let place = Place::Cell { bank: id, index };
        read.extend(value.map(|value| CellWanted { place, value }));
    }
    read
}

/// What bytes of memory must be at the end.
fn wanted_bytes(
    isa: &Isa,
    region: RegionId,
    offset: &str,
    text: &str,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Option<CellWanted> {
    let rules = &isa.machine().memory[usize::from(region.0)];
    let Some(offset) = offset.parse().ok().filter(|offset| *offset < rules.size) else {
        let last = rules.size - 1;
        diagnostics.error(span, format!("`{}` has the offsets 0 to {last}", rules.name));
        return None;
    };
    let value = wanted(text, Form::Bytes, span, diagnostics)?;
    let Wanted::Exact(Value::Bytes(bytes)) = &value else {
        diagnostics.unsupported(span, "bytes of memory that are open");
        return None;
    };
    let len = bytes.len() as u32;
    if offset + len > rules.size {
        let message = format!("`{}` has {} bytes", rules.name, rules.size);
        diagnostics.error(span, message);
        return None;
    }
    Some(CellWanted { place: Place::Memory { region, offset, len }, value })
}

/// Cells of a bank, bytes of memory, or replies of the host, that are set before the first step.
pub(super) fn input(
    isa: &Isa,
    bank: &str,
    input: &InputEntry,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Vec<NamedCell> {
    let mut read = Vec::new();
    if let Some(function) = isa.find_extern(bank) {
        return replies(isa.external(function), input, span, diagnostics);
    }
    let cells = match (input, isa.find_region(bank)) {
        (InputEntry::Bytes(hex), Some(region)) => {
            let rules = &isa.machine().memory[usize::from(region.0)];
            match parse_hex(hex) {
                _ if !rules.input => {
                    let message = format!("programs are not given the bytes of `{bank}`");
                    diagnostics.error(span, message);
                }
                Ok(bytes) if bytes.len() > rules.size as usize => {
                    let message = format!("`{bank}` has at most {} bytes", rules.size);
                    diagnostics.error(span, message);
                }
                Ok(bytes) => read.push(NamedCell {
                    bank: bank.to_owned(),
                    index: 0,
                    value: Value::Bytes(bytes.into()),
                }),
                Err(message) => diagnostics.error(span, message),
            }
            return read;
        }
        (InputEntry::Cells(_) | InputEntry::Replies(_), Some(_)) => {
            let help = format!("as in `{bank}: 01 0a ff`");
            diagnostics.error_with_help(span, "expected bytes in hexadecimal", help);
            return read;
        }
        (InputEntry::Bytes(_) | InputEntry::Replies(_), None) => {
            // Of a name that is not known, it is not known either what it takes.
            if find_bank(isa, bank, span, diagnostics).is_some() {
                let help = format!("as in `{bank}: {{0: 5, 3: -1}}`");
                diagnostics.error_with_help(span, "expected cells by index", help);
            }
            return read;
        }
        (InputEntry::Cells(cells), None) => cells,
    };
    if bank == GLOBAL && isa.machine().named_globals {
        diagnostics.unsupported(span, "setting global variables before the first step");
        return read;
    }
    let Some(id) = find_bank(isa, bank, span, diagnostics) else { return read };
    let CellType::Int(of) = isa.machine().banks[usize::from(id.0)].of else {
        diagnostics.unsupported(span, "setting cells that hold dynamic values");
        return read;
    };
    for (index, text) in cells {
        let Some(index) = find_cell(isa, id, index, span, diagnostics) else { continue };
        let value = number(text, of, span, diagnostics);
        let cell = |value| NamedCell { bank: bank.to_owned(), index, value: Value::Int(value) };
        read.extend(value.map(cell));
    }
    read
}

/// What a function of the host replies, to one call after the other.
fn replies(
    function: &Extern,
    input: &InputEntry,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Vec<NamedCell> {
    let name = &function.name;
    let InputEntry::Replies(texts) = input else {
        let help = format!("as in `{name}: [7, 8]`");
        diagnostics.error_with_help(span, "expected replies in order", help);
        return Vec::new();
    };
    let Some(of) = function.result else {
        diagnostics.error(span, format!("`{name}` replies nothing"));
        return Vec::new();
    };
    if texts.len() > limits::REPLIES {
        let message = format!("`{name}` is given at most {} replies", limits::REPLIES);
        diagnostics.error(span, message);
        return Vec::new();
    }
    let replies = (0..).zip(texts).filter_map(|(index, text)| {
        let value = Value::Int(number(text, of, span, diagnostics)?);
        Some(NamedCell { bank: name.clone(), index, value })
    });
    replies.collect()
}

fn find_bank(isa: &Isa, name: &str, span: Span, diagnostics: &mut Diagnostics) -> Option<BankId> {
    let found = isa.find_bank(name);
    if found.is_none() {
        let banks = isa.machine().banks.iter().map(|bank| bank.name.as_str());
        let globals = isa.machine().named_globals.then_some(GLOBAL);
        let regions = isa.machine().memory.iter().map(|region| region.name.as_str());
        let functions = isa.machine().externs.iter().map(|function| function.name.as_str());
        let known: Vec<&str> = banks.chain(regions).chain(functions).chain(globals).collect();
        let help = format!("the machine has: {}", known.join(", "));
        diagnostics.error_with_help(span, format!("unknown bank of cells `{name}`"), help);
    }
    found
}

fn find_cell(
    isa: &Isa,
    id: BankId,
    index: &str,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Option<u32> {
    let bank = &isa.machine().banks[usize::from(id.0)];
    let found = index.parse().ok().filter(|index| *index < bank.count);
    if found.is_none() {
        let message =
            format!("`{}` has the cells 0 to {}", bank.name, bank.count.saturating_sub(1));
        diagnostics.error(span, message);
    }
    found
}

/// What a value may be that is a list of its own.
fn wanted(text: &str, form: Form<'_>, span: Span, diagnostics: &mut Diagnostics) -> Option<Wanted> {
    match form {
        Form::Int(of) => wanted_number(text, of, span, diagnostics),
        Form::Union(_) | Form::Bytes => {
            let read = Wanted::read(&mut file::Reader::new("", form), text);
            note(text, read, span, diagnostics)
        }
    }
}

/// Takes what was read, or says what is wrong.
fn note(
    text: &str,
    read: Result<Wanted, ValueError>,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Option<Wanted> {
    /// Characters of a value that are shown.
    const SHOWN: usize = 40;
    read.map_err(|error| {
        let rest: String = text.get(error.at..).unwrap_or("").chars().take(SHOWN).collect();
        let place =
            if error.at == 0 || rest.is_empty() { String::new() } else { format!(", at `{rest}`") };
        let message = format!("`{text}` is not read as a value{place}");
        diagnostics.error_with_help(span, message, error.to_string());
    })
    .ok()
}

/// A number of a type, in decimal or `0x`.
fn number(text: &str, of: IntType, span: Span, diagnostics: &mut Diagnostics) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse::<u64>().ok(),
    };
    match magnitude.map(|magnitude| sign * i128::from(magnitude)) {
        Some(value) if of.contains(value) => Some(value),
        Some(_) => {
            diagnostics.error(span, format!("{text} is not a value of type {of}"));
            None
        }
        None => {
            diagnostics.error(span, format!("`{text}` is no number"));
            None
        }
    }
}

/// What a number of a type may be.
pub(super) fn wanted_number(
    text: &str,
    of: IntType,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Option<Wanted> {
    if !text.contains(['?', '{']) {
        return number(text, of, span, diagnostics).map(|it| Wanted::Exact(Value::Int(it)));
    }
    let wanted: Wanted = match text.parse() {
        Ok(wanted) => wanted,
        Err(message) => {
            diagnostics.error(span, message);
            return None;
        }
    };
    if let Wanted::OneOf(values) = &wanted
        && let Some(value) = values.iter().find(|value| !Form::Int(of).admits(value))
    {
        diagnostics.error(span, format!("{value} is not a value of type {of}"));
        return None;
    }
    Some(wanted)
}
