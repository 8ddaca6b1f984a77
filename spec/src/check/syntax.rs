//! Assembly templates: from `mov %{dst}, {v}` to words, marks and operands.

use super::encoding::Encoded;
use super::{Context, InstructionContext};
use crate::diagnostic::Span;
use crate::file::TextOrList;
use crate::isa::{Operand, OperandKind, Piece, PieceKind, Template};
use crate::limits;

/// The forms of assembly text that an instruction has of its own.
pub(super) fn templates(
    cx: &InstructionContext<'_>,
    encoded: &Encoded,
    context: &mut Context<'_>,
) -> Vec<Template> {
    let Some(file) = &cx.file.asm else { return Vec::new() };
    let texts = file.lines();
    if texts.len() > limits::TEMPLATES {
        let message = format!("an instruction has at most {} templates", limits::TEMPLATES);
        context.diagnostics.error(cx.span("asm"), message);
        return Vec::new();
    }
    let unsupported = match &encoded.encodings {
        Some(encodings) if encodings.len() > 1 => Some("a template for several encodings"),
        _ if encoded.list.is_some() => Some("a template for a list"),
        _ if cx.machine.frames.is_some() => Some("templates on machines with functions"),
        _ => None,
    };
    if let Some(what) = unsupported {
        context.diagnostics.unsupported(cx.span("asm"), what);
        return Vec::new();
    }
    let items = cx.items("asm");
    let mut templates = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let span = match file {
            TextOrList::One(_) => cx.span("asm"),
            TextOrList::Many(_) => items.get(at).map_or(cx.span("asm"), |item| item.span),
        };
        let Some(template) = template(text, &encoded.operands, span, context) else { continue };
        if let Some((message, help)) = taken(&template, cx) {
            context.diagnostics.error_with_help(span, message, help);
            continue;
        }
        let is_there = |operand: u8| {
            template.pieces.iter().any(|piece| {
                matches!(piece.kind, PieceKind::Operand { operand: found, .. } if found == operand)
            })
        };
        let missing = (0u8..).zip(&encoded.operands).find(|(number, _)| !is_there(*number));
        if let (0, Some((_, operand))) = (at, missing) {
            context.diagnostics.error_with_help(
                span,
                format!("the operand `{}` is not in the template", operand.name),
                "the first template is the canonical one and has all operands; in the others one that is left out is 0",
            );
        }
        templates.push(template);
    }
    templates
}

fn template(
    text: &str,
    operands: &[Operand],
    span: Span,
    context: &mut Context<'_>,
) -> Option<Template> {
    if text.len() > limits::TEMPLATE_BYTES {
        let message = format!("a template has at most {} bytes", limits::TEMPLATE_BYTES);
        context.diagnostics.error(span, message);
        return None;
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let trimmed = rest.trim_start();
        let space = trimmed.len() < rest.len() && !pieces.is_empty();
        rest = trimmed;
        let kind = match rest.chars().next() {
            None => break,
            Some('{') => {
                let Some(end) = rest.find('}') else {
                    context.diagnostics.error(span, "a `{` that is not closed");
                    return None;
                };
                let kind = placeholder(&rest[1..end], operands, span, context)?;
                rest = &rest[end + 1..];
                kind
            }
            Some(c) if is_word(c) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                let word = rest[..end].to_owned();
                rest = &rest[end..];
                PieceKind::Word(word)
            }
            Some(mark) if mark.is_ascii_punctuation() && !";#\"".contains(mark) => {
                rest = &rest[mark.len_utf8()..];
                PieceKind::Mark(mark)
            }
            Some(_) => {
                let message = format!("`{first}` cannot stand in a template");
                context.diagnostics.error(span, message);
                return None;
            }
        };
        pieces.push(Piece { space, kind });
    }
    let template = Template { pieces };
    if template.word().is_empty() {
        let message = "a template starts with a word, as in `mov %{dst}, {v}`";
        context.diagnostics.error(span, message);
        return None;
    }
    let touching = template.pieces.windows(2).any(|pair| {
        let runs = |kind: &PieceKind| !matches!(kind, PieceKind::Mark(_));
        let signed = matches!(pair[1].kind, PieceKind::Operand { signed: true, .. });
        !pair[1].space && !signed && runs(&pair[0].kind) && runs(&pair[1].kind)
    });
    if touching {
        let message = "words and operands of a template have a mark or space between them";
        context.diagnostics.error(span, message);
        return None;
    }
    Some(template)
}

/// Why the beginning of a template is read as something else, if it is.
fn taken(template: &Template, cx: &InstructionContext<'_>) -> Option<(String, &'static str)> {
    let word = template.word();
    if word.starts_with('.') {
        let message = format!("`{word}` cannot begin a template");
        return Some((message, "a line that starts with `.` is a directive, as in `.byte 0x0A`"));
    }
    // Most marks are part of the word at the start of a line.
    let goes_on = |piece: &&Piece| !piece.space && !is_mark(&piece.kind, ",:[]");
    let mut behind = template.pieces.iter().skip(1).skip_while(goes_on);
    if behind.next().is_some_and(|piece| is_mark(&piece.kind, ":")) {
        let message = "the first word of a template has no `:` behind it";
        return Some((message.to_owned(), "a line that starts with `name:` defines a label"));
    }
    let other = cx.spec.instructions.get(word);
    other.filter(|other| other.asm.is_none()).map(|_| {
        let message = format!("`{word}` is an instruction that has no template");
        (message, "its text could not be told from that of the template; give it a template too")
    })
}

fn is_mark(kind: &PieceKind, marks: &str) -> bool {
    matches!(kind, PieceKind::Mark(mark) if marks.contains(*mark))
}

/// What stands between braces: an operand, with `:+` behind it if its sign is always written.
fn placeholder(
    inner: &str,
    operands: &[Operand],
    span: Span,
    context: &mut Context<'_>,
) -> Option<PieceKind> {
    let (name, signed) = match inner.strip_suffix(":+") {
        Some(name) => (name, true),
        None => (inner, false),
    };
    let Some(operand) = operands.iter().position(|operand| operand.name == name) else {
        let known = operands.iter().map(|operand| operand.name.as_str());
        context.unknown(span, "operand", name, known);
        return None;
    };
    if signed && !matches!(operands[operand].kind, OperandKind::Immediate) {
        context.diagnostics.error(span, format!("`{name}` is no number that has a sign"));
        return None;
    }
    Some(PieceKind::Operand { operand: operand as u8, signed })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}
