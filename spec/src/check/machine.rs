//! The parts of a spec around its instructions: header, storage, code rules, traps and notes.

use indexmap::IndexMap;

use super::Context;
use super::storage::{self, Cells, STAND_IN};
use super::{host, memory, pair};
use crate::diagnostic::Span;
use crate::file::{CodeFile, HEADER, LimitFile, NoteFile, SpecFile, TrapFile};
use crate::isa::{
    CodeEnd, Container, IntType, LIMIT_TRAPS, Machine, Note, StackRules, Trap, Version,
};
use crate::limits;
use crate::shape::Text;

/// Name and version of a spec.
pub(super) struct Header {
    pub(super) name: String,
    pub(super) version: Version,
}

pub(super) fn header(file: &SpecFile, context: &mut Context<'_>) -> Option<Header> {
    if let Some(header) = file.bytestone.as_ref().filter(|header| header.0 != HEADER) {
        let message = format!("this is `{}`; this version reads `{HEADER}`", header.0);
        context.diagnostics.error(context.span(&["bytestone"]), message);
    }
    if file.isa.as_ref().is_some_and(|name| !is_plain_name(name)) {
        context.diagnostics.error(
            context.span(&["isa"]),
            "a machine's name starts with a lower-case letter and holds at most 100 lower-case letters, digits and `-`",
        );
    }
    let version = version(file.version.as_ref()?, context.span(&["version"]), context)?;
    Some(Header { name: file.isa.as_ref()?.0.clone(), version })
}

/// Whether a text can name a machine or a note.
fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && name.len() <= 100
}

pub(super) fn version(text: &str, span: Span, context: &mut Context<'_>) -> Option<Version> {
    let mut parts = text.split('.').map(|part| part.parse::<u32>().ok());
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Some(major)), Some(Some(minor)), patch, None) if patch != Some(None) => {
            Some(Version { major, minor, patch: patch.flatten().unwrap_or(0) })
        }
        _ => {
            context.diagnostics.error(span, "a version is written as in `1.0.0`");
            None
        }
    }
}

/// What a program is.
pub(super) fn container(file: &SpecFile, context: &mut Context<'_>) -> Container {
    let span = context.span(&["container"]);
    let container = match file.container.as_ref().map(|container| container.0.as_str()) {
        None | Some("raw") => Container::Raw,
        Some("module") => Container::Module,
        Some(other) => {
            context.unknown(span, "container", other, ["raw", "module"].into_iter());
            return Container::Raw;
        }
    };
    match (container, &file.machine.frame) {
        (Container::Module, None) if !context.is_dropped(&["machine", "frame"]) => {
            context.diagnostics.error_with_help(
                span,
                "a module holds functions, and the machine has no frames",
                "give `machine` `frame: {depth: …}`",
            );
        }
        (Container::Raw, Some(_)) => context.diagnostics.error_with_help(
            context.key_span(&["machine", "frame"]),
            "functions need a module",
            "write `container: module`",
        ),
        _ => {}
    }
    container
}

/// The storage of the machine. A faulty part is there all the same, with a stand-in, so that the
/// instructions that use it are not reported too.
pub(super) fn machine(file: &SpecFile, context: &mut Context<'_>) -> Machine {
    let union = storage::union(&file.types, &file.machine, context);
    let pairs = pair::pairs(&file.types, context);
    let externs = host::externs(file, context);
    let file = &file.machine;
    let cells = Cells { union: union.as_ref() };
    let stack = match &file.stack {
        Some(stack) => Some(cells.stack_rules(stack, file.frame.is_some(), context)),
        None => context
            .is_dropped(&["machine", "stack"])
            .then_some(StackRules { of: STAND_IN, depth: 1 }),
    };
    let memory = memory::regions(&file.memory, context);
    let mut banks = Vec::new();
    banks.extend(cells.bank("locals", "local", file.locals.as_ref(), context));
    banks.extend(cells.bank("registers", "reg", file.registers.as_ref(), context));
    let named_globals = match &file.globals {
        Some(globals) => cells.globals(globals, &mut banks, context),
        None => {
            banks.extend(cells.bank("globals", "global", None, context));
            false
        }
    };
    let call_depth = match &file.calls {
        Some(calls) => Some(
            limit(&calls.depth, &["machine", "calls", "depth"], limits::CALL_DEPTH, context)
                .unwrap_or(1),
        ),
        None => context.is_dropped(&["machine", "calls"]).then_some(1),
    };
    let frames = file.frame.as_ref().map(|frame| cells.frames(frame, file, &mut banks, context));
    storage::stacks_of_frames(stack, frames, context);
    let output = match &file.output {
        Some(output) => Some(
            cells.named(output, context.span(&["machine", "output"]), context).unwrap_or(STAND_IN),
        ),
        None => context.is_dropped(&["machine", "output"]).then_some(STAND_IN),
    };
    let heap = storage::heap(file, union.as_ref(), context);
    memory::start(file, &memory, &mut banks, context);
    let saved = memory::saved(file.calls.as_ref(), call_depth, &banks, context);
    Machine {
        stack,
        banks,
        call_depth,
        output,
        pairs,
        union,
        frames,
        named_globals,
        heap,
        memory,
        saved,
        externs,
    }
}

pub(super) fn limit(
    file: &LimitFile,
    path: &[&str],
    most: u32,
    context: &mut Context<'_>,
) -> Option<u32> {
    let span = context.span(path);
    match file {
        LimitFile::AtLeast(at_least) => {
            let what = format!(
                "a limit that implementations may exceed (at least {})",
                at_least.at_least.0
            );
            context.diagnostics.unsupported(span, what);
            None
        }
        LimitFile::Exact(text) => match text.parse::<u32>() {
            Ok(value) if (1..=most).contains(&value) => Some(value),
            _ => {
                context.diagnostics.error(span, format!("expected a number from 1 to {most}"));
                None
            }
        },
    }
}

/// An integer type by its name.
pub(super) fn parse_int_type(name: &str) -> Option<IntType> {
    let signed = match name.as_bytes().first()? {
        b'i' => true,
        b'u' => false,
        _ => return None,
    };
    let digits = &name[1..];
    if digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let bits: u8 = digits.parse().ok().filter(|bits| (1..=64).contains(bits))?;
    Some(IntType { bits, signed })
}

/// An integer type, or a fault that says what the text is instead.
pub(super) fn int_type(name: &str, span: Span, context: &mut Context<'_>) -> Option<IntType> {
    if let Some(ty) = parse_int_type(name) {
        return Some(ty);
    }
    let wide = name.strip_prefix(['i', 'u']).and_then(|bits| bits.parse::<u32>().ok());
    match (name, wide) {
        (_, Some(65..=256)) => {
            context.diagnostics.unsupported(span, format!("{name}, wider than 64 bits"))
        }
        ("f32" | "f64" | "bytes" | "str" | "val", _) => {
            context.diagnostics.unsupported(span, format!("the type {name}"));
        }
        _ => context.diagnostics.error_with_help(
            span,
            format!("unknown type `{name}`"),
            "integer types are i1 to i64 and u1 to u64",
        ),
    }
    None
}

pub(super) fn code(
    file: Option<&CodeFile>,
    container: Container,
    context: &mut Context<'_>,
) -> CodeEnd {
    if let Some(decode) = file.and_then(|code| code.decode.as_ref()) {
        let span = context.span(&["code", "decode"]);
        match decode.0.as_str() {
            "sweep" => {}
            "flow" => context.diagnostics.unsupported(span, "decoding along control flow"),
            _ => context.unknown(span, "way of decoding", decode, ["sweep"].into_iter()),
        }
    }
    match file.and_then(|code| code.end.as_ref()) {
        Some(end) if end.0 == "halt" => {
            if container == Container::Module {
                let span = context.span(&["code", "end"]);
                context.diagnostics.unsupported(span, "a function whose code may run past its end");
            }
            CodeEnd::Halt
        }
        Some(end) if end.0 != "reject" => {
            let span = context.span(&["code", "end"]);
            context.unknown(span, "end of the code", end, ["reject", "halt"].into_iter());
            CodeEnd::Reject
        }
        _ => CodeEnd::Reject,
    }
}

pub(super) fn traps(file: &SpecFile, context: &mut Context<'_>) -> Vec<Trap> {
    let limit_docs = [
        "The operand stack would exceed its depth.",
        "The call stack is full.",
        "The heap would hold more live cells than the machine allows.",
        "A load or store is not within a region of memory.",
    ];
    let mut traps: Vec<Trap> = LIMIT_TRAPS
        .into_iter()
        .zip(limit_docs)
        .map(|(name, doc)| Trap { name: name.to_owned(), doc: doc.to_owned(), reference: None })
        .collect();
    for (name, trap) in &file.traps {
        let span = context.key_span(&["traps", name]);
        if LIMIT_TRAPS.contains(&name.as_str()) {
            context.diagnostics.error_with_help(
                span,
                format!("`{name}` is the trap of a limit"),
                "limits trap by themselves; they are not declared",
            );
            context.define_faulty(name);
        } else if !is_identifier(name) {
            context
                .diagnostics
                .error(span, "a trap's name holds lower-case letters, digits and `_`");
            context.define_faulty(name);
        }
        let (doc, reference) = match trap {
            TrapFile::Doc(doc) => (Some(doc), None),
            TrapFile::Full(full) => (full.doc.as_ref(), full.reference.as_ref()),
        };
        if doc.is_some_and(|doc| doc.trim().is_empty()) {
            context
                .diagnostics
                .error(span, format!("the trap `{name}` does not say what it means"));
            context.define_faulty(name);
        }
        let text = |text: &Text| text.trim().to_owned();
        traps.push(Trap {
            name: name.clone(),
            doc: doc.map(text).unwrap_or_default(),
            reference: reference.map(text),
        });
    }
    traps
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

pub(super) fn notes(
    section: &str,
    notes: &IndexMap<String, NoteFile>,
    context: &mut Context<'_>,
) -> Vec<Note> {
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.trim().to_owned());
    let mut checked = Vec::new();
    for (name, note) in notes {
        let span = context.key_span(&[section, name]);
        if !is_plain_name(name) {
            context.diagnostics.error(
                span,
                "a note's name starts with a lower-case letter and holds at most 100 lower-case letters, digits and `-`",
            );
        }
        if note.text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            context.diagnostics.error(span, format!("the note `{name}` says nothing"));
        }
        checked.push(Note {
            name: name.clone(),
            reference: text(&note.reference),
            text: text(&note.text).unwrap_or_default(),
        });
    }
    checked
}
