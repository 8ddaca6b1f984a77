//! Instructions whose assembly text has a form of its own.

use std::ops::Range;
use std::ptr;

use bytestone_spec::isa::{InsnId, Instruction, IntType, Isa, OperandKind, PieceKind, Template};

use super::error::{AsmErrorKind, excerpt};
use super::layout::{Forms, Value};
use super::parser::{Parser, Skipped};
use super::token::number;
use crate::codec::Codec;

/// Where the operands of a template stand in a text, by their numbers; `None` for those left out.
type Places = Vec<Option<Range<usize>>>;

impl<'t> Parser<'_, 't> {
    /// Reads the instruction that starts with the word at `span`, which is that of some template.
    pub(super) fn templated(&mut self, span: Range<usize>) -> Result<(), Skipped> {
        self.begin_code(&span);
        let start = span.start;
        let line = self.rest_of_line(start);
        let codec = self.codec;
        let forms = codec.templates(self.word(&span));
        let insn = |id: InsnId| codec.isa().instruction(id);
        let found = forms.iter().find_map(|(id, template)| {
            let mut places: Places = vec![None; insn(*id).operands.len()];
            let place = |operand, at| places[usize::from(operand)] = Some(at);
            let fits = fit(template, codec.isa(), insn(*id), &self.text[..line.end], start, place);
            fits.then_some((*id, places))
        });
        self.skip_rest();
        let Some((id, places)) = found else {
            self.errors.push_with(line.clone(), || {
                let texts = forms.iter().map(|(id, template)| {
                    let insn = codec.isa().instruction(*id);
                    format!("`{}`", written(template, insn))
                });
                let expected = texts.collect::<Vec<_>>().join(" or ");
                let found = excerpt(&self.text[line.clone()]);
                (AsmErrorKind::OperandForm { expected, found }, None)
            });
            return Err(Skipped);
        };
        let first_value = self.layout.value_count();
        let errors_before = self.errors.count();
        for (operand, place) in insn(id).operands.iter().zip(places) {
            let value = match (place, operand.kind) {
                (None, _) => Some(Value::Cell(0)),
                (Some(span), OperandKind::Immediate) => self.bits(span, operand.raw),
                (Some(span), OperandKind::Label(_)) if self.is_distance(&span) => {
                    self.bits(span, operand.raw)
                }
                (Some(span), _) => self.operand(operand, operand.raw, span),
            };
            if let Some(value) = value {
                self.layout.push_value(value);
            }
        }
        if self.errors.count() == errors_before {
            self.check_condition(span.clone(), insn(id), first_value);
        }
        if self.errors.count() == errors_before {
            self.push_insn(span, (id, Forms::all(codec.isa(), id)), first_value);
        }
        Ok(())
    }

    /// What is before the comment on the line, from an offset on.
    fn rest_of_line(&self, start: usize) -> Range<usize> {
        let rest = &self.text[start..];
        let end = rest.find(['\n', ';']).unwrap_or(rest.len());
        start..start + rest[..end].trim_end().len()
    }

    /// Whether a label is given as the number that is stored: `+3`.
    fn is_distance(&self, span: &Range<usize>) -> bool {
        self.word(span).starts_with(['+', '-'])
    }

    /// A number; in hexadecimal or binary it gives the bits of a value.
    fn bits(&mut self, span: Range<usize>, ty: IntType) -> Option<Value> {
        let word = self.word(&span);
        let digits = word.strip_prefix('+').unwrap_or(word);
        let unsigned = IntType::unsigned(ty.bits);
        if digits.starts_with("0x") || digits.starts_with("0b") {
            let bits = number(digits).and_then(|bits| unsigned.cell(bits));
            if let Some(bits) = bits {
                return Some(Value::Cell(ty.wrap(bits)));
            }
        }
        self.number(span, digits, ty).map(Value::Cell)
    }
}

/// Whether a line is read as the instruction that it was written for, in the first of its templates: not if one before
/// it in the file has room for the same text.
pub(super) fn is_read_back(codec: &Codec<'_>, id: InsnId, line: &str) -> bool {
    let isa = codec.isa();
    let Some(own) = isa.instruction(id).templates.first() else { return true };
    let fits = |(id, template): &&(InsnId, &Template)| {
        fit(template, isa, isa.instruction(*id), line, 0, |_, _| {})
    };
    // A template finds the operands where it has put them: nothing that can stand behind one goes on with it.
    let first = codec.templates(own.word()).iter().find(fits);
    first.is_some_and(|(_, template)| ptr::eq(*template, own))
}

/// Whether a text from `start` on has the form of a template; `place` gets the operands, by their numbers, and where they are.
fn fit(
    template: &Template,
    isa: &Isa,
    insn: &Instruction,
    text: &str,
    start: usize,
    mut place: impl FnMut(u8, Range<usize>),
) -> bool {
    let mut at = start;
    for piece in &template.pieces {
        let rest = &text[at..];
        let trimmed = rest.trim_start();
        if piece.space && trimmed.len() == rest.len() {
            return false;
        }
        at += rest.len() - trimmed.len();
        let len = match &piece.kind {
            PieceKind::Word(word) => Some(word.len())
                .filter(|&len| run(trimmed, "") == len && trimmed.starts_with(word.as_str())),
            PieceKind::Mark(mark) => trimmed.starts_with(*mark).then_some(mark.len_utf8()),
            PieceKind::Operand { operand, signed } => {
                let kind = insn.operands[usize::from(*operand)].kind;
                operand_len(trimmed, isa, kind, *signed)
            }
        };
        let Some(len) = len else { return false };
        if let PieceKind::Operand { operand, .. } = piece.kind {
            place(operand, at..at + len);
        }
        at += len;
    }
    text[at..].trim().is_empty()
}

/// How long the operand is at the start of a text, if there is one.
fn operand_len(text: &str, isa: &Isa, kind: OperandKind, signed: bool) -> Option<usize> {
    let sign = usize::from(text.starts_with(['+', '-']));
    if signed && sign == 0 {
        return None;
    }
    let numeral = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let len = match kind {
        OperandKind::Index(rule) => {
            let len = run(text, "");
            let bank = &isa.machine().banks[usize::from(rule.bank.0)];
            let digits = text[..len].strip_prefix(bank.prefix.as_str())?;
            numeral(digits).then_some(len)?
        }
        OperandKind::Label(_) if sign > 0 => sign + run(&text[sign..], ""),
        OperandKind::Label(_) => match text.strip_prefix("@-") {
            Some(offset) => 2 + run(offset, ""),
            None => run(text, "@"),
        },
        _ => {
            let len = run(&text[sign..], "");
            numeral(&text[sign..]).then_some(sign + len)?
        }
    };
    (len > sign).then_some(len)
}

/// How many bytes at the start of a text are letters, digits, `_`, `.` or one of `more`.
fn run(text: &str, more: &str) -> usize {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || more.contains(c);
    text.find(|c| !goes_on(c)).unwrap_or(text.len())
}

/// A template as the spec writes it.
fn written(template: &Template, insn: &Instruction) -> String {
    let mut text = String::new();
    template.write(&mut text, |text, at, _| {
        text.push('{');
        text.push_str(&insn.operands[usize::from(at)].name);
        text.push('}');
    });
    text
}
