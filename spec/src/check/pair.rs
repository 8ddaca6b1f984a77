//! Types of values that take two cells.

use indexmap::IndexMap;

use super::Context;
use super::machine::int_type;
use super::storage::{int_or_word, is_name};
use crate::diagnostic::Span;
use crate::isa::{CellType, IntType, Pair};
use crate::shape::Text;

/// Whether an entry of `types` is a type of two cells; else it is a union.
pub(super) fn is_pair(entries: &IndexMap<String, Text>) -> bool {
    entries.contains_key("slots")
}

/// The types of two cells, in the order of the file.
pub(super) fn pairs(
    types: &IndexMap<String, IndexMap<String, Text>>,
    context: &mut Context<'_>,
) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (name, entries) in types.iter().filter(|(_, entries)| is_pair(entries)) {
        match pair(name, entries, context) {
            Some(of) => pairs.push(Pair { name: name.clone(), of }),
            None => context.define_faulty(name),
        }
        if types.values().any(|entries| !is_pair(entries)) {
            let span = context.key_span(&["types", name]);
            let what = "a type of two slots on a machine with dynamic values";
            context.diagnostics.unsupported(span, what);
        }
    }
    pairs
}

fn pair(
    name: &str,
    entries: &IndexMap<String, Text>,
    context: &mut Context<'_>,
) -> Option<IntType> {
    let before = context.diagnostics.count();
    let path = |key| ["types", name, key];
    if !is_name(name) || int_or_word(name) {
        context.diagnostics.error(
            context.key_span(&["types", name]),
            "a type's name holds lower-case letters, digits and `_`, and is no other type's",
        );
    }
    for key in entries.keys().filter(|key| !["slots", "of"].contains(&key.as_str())) {
        let span = context.key_span(&path(key));
        context.unknown(span, "key", key, ["slots", "of"].into_iter());
    }
    let slots = context.span(&path("slots"));
    match entries.get("slots").map(|slots| slots.parse::<u32>()) {
        Some(Ok(2)) => {}
        Some(Ok(count @ 3..)) => {
            context.diagnostics.unsupported(slots, format!("a type of {count} slots"));
        }
        _ => context.diagnostics.error(slots, "the number of slots is 2"),
    }
    let Some(text) = entries.get("of") else {
        context.diagnostics.error_with_help(
            context.key_span(&["types", name]),
            "the key `of` is missing",
            "say what the values are, as in `{slots: 2, of: i64}`",
        );
        return None;
    };
    let span = context.span(&path("of"));
    let of = int_type(text, span, context)?;
    if ![16, 32, 64].contains(&of.bits) {
        context.diagnostics.error_with_help(
            span,
            format!("a value of type {of} cannot be split in two cells"),
            "it has 16, 32 or 64 bits, and each cell holds half of them",
        );
    }
    (context.diagnostics.count() == before).then_some(of)
}

/// Reports a type whose halves are not what the cells of a stack or bank hold.
pub(super) fn halves(
    pair: &Pair,
    cells: CellType,
    of: &str,
    span: Span,
    context: &mut Context<'_>,
) -> Option<IntType> {
    let half = pair.of.bits / 2;
    let found = match cells {
        CellType::Int(cell) if cell.bits == half => return Some(pair.of),
        CellType::Int(cell) => cell.to_string(),
        CellType::Value => "dynamic values".to_owned(),
    };
    let message =
        format!("`{}` takes two cells of {half} bits, and those of {of} are {found}", pair.name);
    context.diagnostics.error(span, message);
    None
}
