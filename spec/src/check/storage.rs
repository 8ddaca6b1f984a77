//! Storage: the union of dynamic values, cells and banks, frames and the heap.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;

use super::machine::{int_type, limit, parse_int_type};
use super::{Context, pair, record};
use crate::diagnostic::Span;
use crate::file::{BankFile, FrameFile, GlobalsFile, MachineFile, StackFile, TextOrList};
use crate::isa::{
    Bank, CellType, IntType, Owner, Payload, Record, RecordId, StackRules, Union, Variant,
};
use crate::limits;
use crate::shape::Text;

/// The type of cells whose type is faulty.
pub(super) const STAND_IN: CellType = CellType::Int(IntType::signed(32));

/// What actions call the storage that machines may have. A region or a function of the host has another name.
pub(super) const STORAGES: [&str; 5] = ["local", "reg", "global", "upvalue", "stack"];

/// What variants carry, by name; integer types besides.
const PAYLOADS: [(&str, Payload); 7] = [
    ("unit", Payload::Unit),
    ("bool", Payload::Bool),
    ("f64", Payload::Float),
    ("str", Payload::Str),
    ("array", Payload::Array),
    ("map", Payload::Map),
    ("closure", Payload::Closure),
];

/// The union of the machine, if it has one.
pub(super) fn union(
    types: &IndexMap<String, IndexMap<String, Text>>,
    machine: &MachineFile,
    context: &mut Context<'_>,
) -> Option<Union> {
    let mut unions = types.iter().filter(|(_, entries)| !pair::is_pair(entries));
    let (name, variants) = unions.next()?;
    for (other, _) in unions {
        let span = context.key_span(&["types", other]);
        context.diagnostics.unsupported(span, "a second type of dynamic values");
        context.define_faulty(other);
    }
    let span = context.key_span(&["types", name]);
    if !is_name(name) || int_or_word(name) {
        context.diagnostics.error(
            span,
            "a type's name holds lower-case letters, digits and `_`, and is no other type's",
        );
    }
    let records = record::types(machine.heap.as_ref(), name, context);
    let mut checked = Vec::new();
    for (variant, payload) in variants {
        let path = ["types", name, variant];
        if !is_name(variant) {
            let message = "a variant's name holds lower-case letters, digits and `_`";
            context.diagnostics.error(context.key_span(&path), message);
        }
        // Of the others the name is not written.
        if **payload == *"unit" && is_wire_value(variant) {
            let message = format!("`{variant}` is how engines write another value");
            let help = "no unit is called `true` or `false`, or as a float, a string, bytes or a node is written";
            context.diagnostics.error_with_help(context.key_span(&path), message, help);
        }
        if let Some(payload) = payload_of(payload, &records, context.span(&path), context) {
            checked.push(Variant { name: variant.clone(), payload });
        }
    }
    union_rules(&checked, variants.len(), span, context);
    if checked.len() == variants.len() {
        record::unused(&records, &checked, context);
    }
    Some(Union { name: name.clone(), variants: checked, records })
}

fn union_rules(variants: &[Variant], given: usize, span: Span, context: &mut Context<'_>) {
    if given > limits::VARIANTS {
        let message = format!("a type has at most {} variants", limits::VARIANTS);
        context.diagnostics.error(span, message);
    }
    if variants.len() < given {
        return;
    }
    if variants.first().is_none_or(|first| first.payload != Payload::Unit) {
        context.diagnostics.error_with_help(
            span,
            "the first variant is the value of fresh cells and carries nothing",
            "begin with one that is a `unit`, as in `{nil: unit, …}`",
        );
    }
    let mut seen = HashSet::new();
    for variant in variants.iter().filter(|variant| variant.payload != Payload::Unit) {
        let kind = match variant.payload {
            Payload::Int(_) => Payload::Float,
            other => other,
        };
        if !seen.insert(kind) {
            context.diagnostics.unsupported(
                span,
                match kind {
                    Payload::Float => "a type with two variants that are numbers",
                    _ => "a type with two variants that carry the same",
                },
            );
        }
    }
}

fn payload_of(
    text: &str,
    records: &[Arc<Record>],
    span: Span,
    context: &mut Context<'_>,
) -> Option<Payload> {
    if let Some(at) = records.iter().position(|record| record.name == text) {
        return Some(Payload::Record(RecordId(at as u8)));
    }
    if let Some((_, payload)) = PAYLOADS.iter().find(|(name, _)| *name == text) {
        return Some(*payload);
    }
    match parse_int_type(text) {
        Some(ty) if ty.bits <= 32 => Some(Payload::Int(ty)),
        Some(_) => {
            context
                .diagnostics
                .unsupported(span, format!("a variant that carries {text}, wider than 32 bits"));
            None
        }
        None => {
            let known = PAYLOADS.iter().map(|(name, _)| *name).chain(["i32"]);
            let known = known.chain(records.iter().map(|record| record.name.as_str()));
            context.unknown(span, "payload", text, known);
            None
        }
    }
}

/// Whether engines write something else so: a truth value, a float, a string, bytes, or what is left of a node.
fn is_wire_value(name: &str) -> bool {
    let Some((letter, digits)) = name.split_at_checked(1) else { return false };
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let decimal = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if matches!(name, "true" | "false") {
        return true;
    }
    match letter {
        "d" => hexadecimal && digits.len() == 16,
        "h" | "s" => hexadecimal,
        "a" | "f" | "o" => decimal,
        _ => false,
    }
}

pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Whether a number can name a cell of a bank: how many the frames and closures of a function have, only the
/// function says, and the verifier holds operands to it. Reports it if not.
pub(super) fn is_of_program(bank: &Bank, span: Span, context: &mut Context<'_>) -> bool {
    if bank.owner == Owner::Program {
        return true;
    }
    let name = &bank.name;
    context.diagnostics.error_with_help(
        span,
        format!("a number cannot name a cell of `{name}`: each function says how many it has"),
        format!("give the index as an operand, which the verifier examines: `x:u8 as {name}`"),
    );
    false
}

/// Whether a name is a type or a word of the language already.
pub(super) fn int_or_word(name: &str) -> bool {
    parse_int_type(name).is_some() || PAYLOADS.iter().any(|(word, _)| *word == name)
}

/// The limit of the heap: needed if something of the union lives there.
pub(super) fn heap(file: &MachineFile, union: Option<&Union>, context: &mut Context<'_>) -> u32 {
    let needed = union.is_some_and(|union| union.carrying(Payload::is_reference).is_some());
    match &file.heap {
        Some(heap) => {
            if !needed {
                let span = context.key_span(&["machine", "heap"]);
                context.diagnostics.error(span, "nothing of this machine lives on a heap");
            }
            limit(&heap.cells, &["machine", "heap", "cells"], limits::HEAP_CELLS, context)
                .unwrap_or(1)
        }
        None if needed && !context.is_dropped(&["machine", "heap"]) => {
            let span = context.key_span(&["machine"]);
            context.diagnostics.error_with_help(
                span,
                "the machine needs a heap",
                "say how many cells may be live, as in `heap: {cells: 65536}`",
            );
            1
        }
        None => 0,
    }
}

/// The types that cells of a machine can have.
#[derive(Clone, Copy)]
pub(super) struct Cells<'u> {
    pub(super) union: Option<&'u Union>,
}

impl Cells<'_> {
    /// A type by its name.
    pub(super) fn named(
        self,
        name: &str,
        span: Span,
        context: &mut Context<'_>,
    ) -> Option<CellType> {
        match self.union {
            Some(union) if union.name == name => Some(CellType::Value),
            _ => int_type(name, span, context).map(CellType::Int),
        }
    }

    fn of(self, of: &TextOrList, path: &[&str], context: &mut Context<'_>) -> Option<CellType> {
        match of {
            TextOrList::One(text) => self.named(text, context.span(path), context),
            TextOrList::Many(_) => {
                context.diagnostics.unsupported(context.span(path), "cells of several types");
                None
            }
        }
    }

    pub(super) fn stack_rules(
        self,
        file: &StackFile,
        has_frames: bool,
        context: &mut Context<'_>,
    ) -> StackRules {
        let span = context.span(&["machine", "stack", "per"]);
        match file.per.as_ref().map(|per| per.0.as_str()) {
            None | Some("program") if !has_frames => {}
            Some("frame") if has_frames => {}
            Some("frame") => context.diagnostics.error_with_help(
                span,
                "a stack for each frame, on a machine without frames",
                "give `machine` `frame: {depth: …}`",
            ),
            None | Some("program") => context
                .diagnostics
                .unsupported(span, "a stack that frames share (write `per: frame`)"),
            Some(per) => {
                context.unknown(span, "owner of a stack", per, ["program", "frame"].into_iter());
            }
        }
        let of = self.of(&file.of, &["machine", "stack", "of"], context);
        let depth =
            limit(&file.depth, &["machine", "stack", "depth"], limits::STACK_DEPTH, context);
        StackRules { of: of.unwrap_or(STAND_IN), depth: depth.unwrap_or(1) }
    }

    pub(super) fn bank(
        self,
        key: &str,
        name: &str,
        file: Option<&BankFile>,
        context: &mut Context<'_>,
    ) -> Option<Bank> {
        let stand_in = Bank {
            name: name.to_owned(),
            prefix: String::new(),
            of: STAND_IN,
            count: 1,
            owner: Owner::Program,
            start: Vec::new(),
        };
        let Some(file) = file else {
            return context.is_dropped(&["machine", key]).then_some(stand_in);
        };
        let of = self.of(&file.of, &["machine", key, "of"], context);
        let count = limit(&file.count, &["machine", key, "count"], limits::BANK_CELLS, context);
        let prefix = prefix(key, file.prefix.as_ref(), context);
        Some(Bank { prefix, of: of.unwrap_or(STAND_IN), count: count.unwrap_or(1), ..stand_in })
    }

    /// Adds the bank of globals, if they have numbers. Returns whether they have names.
    pub(super) fn globals(
        self,
        file: &GlobalsFile,
        banks: &mut Vec<Bank>,
        context: &mut Context<'_>,
    ) -> bool {
        let of = self.of(&file.of, &["machine", "globals", "of"], context);
        let named = match file.by.as_ref().map(|by| by.0.as_str()) {
            None | Some("number") => false,
            Some("name") => true,
            Some(other) => {
                let span = context.span(&["machine", "globals", "by"]);
                context.unknown(span, "way to name globals", other, ["number", "name"].into_iter());
                true
            }
        };
        let key = context.key_span(&["machine", "globals"]);
        if named {
            if of.is_some_and(|of| of != CellType::Value) {
                context.diagnostics.unsupported(key, "globals by name that are not dynamic values");
            }
            for (given, what) in
                [(file.count.is_some(), "count"), (file.prefix.is_some(), "prefix")]
            {
                if given {
                    let span = context.key_span(&["machine", "globals", what]);
                    context.diagnostics.error(span, format!("globals by name have no `{what}`"));
                }
            }
            return true;
        }
        let count = match &file.count {
            Some(count) => {
                limit(count, &["machine", "globals", "count"], limits::BANK_CELLS, context)
            }
            None => {
                context.diagnostics.error(key, "the key `count` is missing");
                None
            }
        };
        banks.push(Bank {
            name: "global".to_owned(),
            prefix: prefix("globals", file.prefix.as_ref(), context),
            of: of.unwrap_or(STAND_IN),
            count: count.unwrap_or(1),
            owner: Owner::Program,
            start: Vec::new(),
        });
        false
    }

    /// Adds the banks of frames. Returns how many frames there may be.
    pub(super) fn frames(
        self,
        frame: &FrameFile,
        file: &MachineFile,
        banks: &mut Vec<Bank>,
        context: &mut Context<'_>,
    ) -> u32 {
        let taken = [("locals", file.locals.is_some()), ("calls", file.calls.is_some())];
        for (key, given) in taken {
            if given {
                let span = context.key_span(&["machine", key]);
                let message = format!("`{key}` beside `frame`");
                context.diagnostics.unsupported(span, message);
            }
        }
        let owned = [
            ("locals", "local", &frame.locals, Owner::Frame),
            ("captures", "upvalue", &frame.captures, Owner::Closure),
        ];
        for (key, name, of, owner) in owned {
            let Some(of) = of else { continue };
            let path = ["machine", "frame", key];
            let found = self.of(of, &path, context);
            if found.is_some_and(|of| of != CellType::Value) {
                let message = "variables of frames that are not dynamic values";
                context.diagnostics.unsupported(context.span(&path), message);
            }
            banks.push(Bank {
                name: name.to_owned(),
                prefix: String::new(),
                of: CellType::Value,
                count: limits::FRAME_CELLS,
                owner,
                start: Vec::new(),
            });
        }
        limit(&frame.depth, &["machine", "frame", "depth"], limits::FRAMES, context).unwrap_or(1)
    }
}

/// Reports operand stacks of frames that hold too much together.
pub(super) fn stacks_of_frames(
    stack: Option<StackRules>,
    frames: Option<u32>,
    context: &mut Context<'_>,
) {
    let (Some(stack), Some(frames)) = (stack, frames) else { return };
    if u64::from(stack.depth) * u64::from(frames) > limits::CALL_CELLS {
        context.diagnostics.error_with_help(
            context.span(&["machine", "frame", "depth"]),
            format!("the stacks of all frames hold at most {} cells", limits::CALL_CELLS),
            "give `frame` or `stack` a smaller `depth`",
        );
    }
}

fn prefix(key: &str, prefix: Option<&Text>, context: &mut Context<'_>) -> String {
    let prefix = prefix.map_or_else(String::new, |prefix| prefix.0.clone());
    if !prefix.chars().all(|c| c.is_ascii_alphabetic()) {
        let span = context.span(&["machine", key, "prefix"]);
        context.diagnostics.error(span, "a prefix holds letters only");
    }
    prefix
}
