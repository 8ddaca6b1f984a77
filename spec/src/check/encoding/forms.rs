//! Several encodings of one instruction, held to one another: they have the same operands, and
//! each can hold what the one before it can.

use super::{Encoded, Form, PendingOperand, mask};
use crate::check::Context;
use crate::diagnostic::Span;
use crate::isa::{Encoding, IntType, Operand, OperandKind, Part};
use crate::limits;

/// The operands that all encodings have, and the encodings.
pub(super) fn merge(forms: Vec<Form>, context: &mut Context<'_>) -> Encoded {
    let before = context.diagnostics.count();
    let mut sound = forms.iter().all(|form| form.sound);
    let Some(first) = forms.first() else { return Encoded::default() };
    let spans = first.operands.iter().map(|operand| operand.site).collect();
    let mut orders = Vec::new();
    for form in &forms {
        match order(first, form, context) {
            Some(order) => orders.push(order),
            None => sound = false,
        }
    }
    let list = first.list.clone();
    let is_special = |part: &Part| matches!(part, Part::Align { .. } | Part::List { .. });
    if forms.len() > 1
        && let Some(form) = forms.iter().find(|form| form.parts.iter().any(is_special))
    {
        let what = "alignment or a list in one of several encodings";
        context.diagnostics.unsupported(form.span, what);
        sound = false;
    }
    for form in &forms {
        let leads = |part: &Part| match part {
            Part::Leb { operand } => {
                matches!(form.operands[usize::from(*operand)].kind, OperandKind::Label(_))
            }
            _ => false,
        };
        if form.parts.iter().any(is_special) && form.parts.iter().any(leads) {
            let what = "a label of variable length beside alignment or a list";
            context.diagnostics.unsupported(form.span, what);
            sound = false;
        }
    }
    if !sound {
        return Encoded { operands: widest(&forms), spans, list, encodings: None };
    }
    let operands = operands(&forms, &orders);
    let mut encodings = Vec::new();
    for (form, order) in forms.into_iter().zip(orders) {
        complete(&form, &order, &operands, encodings.last(), context);
        encodings.push(encoding(form, &order, context));
    }
    if let (Some(last), true) = (encodings.last(), context.diagnostics.count() == before) {
        // What is not stored in the last one is not stored in any.
        for ((operand, raw), span) in operands.iter().zip(&last.raws).zip(&spans) {
            if operand.raw != *raw {
                not_stored(operand, *span, context);
            }
        }
    }
    sound = context.diagnostics.count() == before;
    Encoded { operands, spans, list, encodings: Some(encodings).filter(|_| sound) }
}

/// For each operand of `first`, its number in `form`; `None` if the two do not have the same ones.
fn order(first: &Form, form: &Form, context: &mut Context<'_>) -> Option<Vec<u8>> {
    let before = context.diagnostics.count();
    if !first.sound || !form.sound {
        return None;
    }
    let mut order = Vec::new();
    for operand in &first.operands {
        let Some(at) = form.operands.iter().position(|other| other.name == operand.name) else {
            let message = format!("this encoding does not store the operand `{}`", operand.name);
            context.diagnostics.error(form.span, message);
            continue;
        };
        let other = &form.operands[at];
        if other.kind != operand.kind {
            let message = format!("`{}` means something else in another encoding", operand.name);
            context.diagnostics.error(other.site, message);
        } else if signed(other) != signed(operand) {
            let message = format!("`{}` is signed in one encoding only", operand.name);
            context.diagnostics.error(other.site, message);
        }
        order.push(at as u8);
    }
    for operand in &form.operands {
        if !first.operands.iter().any(|other| other.name == operand.name) {
            let message =
                format!("the first encoding does not store the operand `{}`", operand.name);
            context.diagnostics.error(operand.site, message);
        }
    }
    (context.diagnostics.count() == before).then_some(order)
}

fn signed(operand: &PendingOperand) -> bool {
    operand.raw.is_some_and(|raw| raw.signed)
}

/// The type of the numbers that the stored bits of an operand hold; the others follow from them.
fn stored(operand: &PendingOperand) -> IntType {
    let bits = 64 - operand.covered.leading_zeros() as u8;
    IntType { bits: bits.max(1), signed: signed(operand) }
}

/// The type that an operand has in one encoding: as declared, or as wide as what is stored.
fn declared(operand: &PendingOperand) -> IntType {
    operand.raw.unwrap_or_else(|| stored(operand))
}

/// The operands of the first encoding with the widest types that any gives them.
fn operands(forms: &[Form], orders: &[Vec<u8>]) -> Vec<Operand> {
    let Some(first) = forms.first() else { return Vec::new() };
    let operand = |(at, operand): (usize, &PendingOperand)| {
        let types = forms
            .iter()
            .zip(orders)
            .map(|(form, order)| declared(&form.operands[usize::from(order[at])]));
        let raw = types.max_by_key(|ty| ty.bits).unwrap_or_else(|| declared(operand));
        Operand { name: operand.name.clone(), raw, kind: operand.kind }
    };
    first.operands.iter().enumerate().map(operand).collect()
}

/// The operands of faulty encodings, as far as they could be made out.
fn widest(forms: &[Form]) -> Vec<Operand> {
    let operand = |operand: &PendingOperand| Operand {
        name: operand.name.clone(),
        raw: declared(operand),
        kind: operand.kind,
    };
    forms.first().map_or_else(Vec::new, |form| form.operands.iter().map(operand).collect())
}

fn not_stored(operand: &Operand, span: Span, context: &mut Context<'_>) {
    let message =
        format!("not every bit of the operand `{}` ({}) is stored", operand.name, operand.raw);
    context.diagnostics.error(span, message);
}

/// Holds the bits that an encoding stores to the operands, and to what the encoding before it can
/// hold.
fn complete(
    form: &Form,
    order: &[u8],
    operands: &[Operand],
    earlier: Option<&Encoding>,
    context: &mut Context<'_>,
) {
    for (at, (number, operand)) in order.iter().zip(operands).enumerate() {
        let pending = &form.operands[usize::from(*number)];
        let raw = stored(pending);
        if pending.covered != mask(raw.bits) {
            not_stored(operand, pending.span, context);
        }
        let before =
            earlier.and_then(|encoding| encoding.raws.get(at)).filter(|it| !raw.includes(**it));
        if let Some(before) = before {
            context.diagnostics.error_with_help(
                pending.site,
                format!("`{}` is {raw} here and {before} in the encoding before", operand.name),
                "each encoding holds what the one before it holds; the first that fits is used",
            );
        }
    }
}

/// An encoding whose operands have the numbers that they have in the first one.
fn encoding(form: Form, order: &[u8], context: &mut Context<'_>) -> Encoding {
    let raws: Vec<IntType> =
        order.iter().map(|&at| stored(&form.operands[usize::from(at)])).collect();
    let renumber = |at: u8| order.iter().position(|&number| number == at).unwrap_or_default() as u8;
    let mut parts = form.parts;
    for part in &mut parts {
        match part {
            Part::Word(word) => {
                word.fields.iter_mut().for_each(|field| field.operand = renumber(field.operand));
            }
            Part::Leb { operand } | Part::List { operand, .. } => *operand = renumber(*operand),
            Part::Align { .. } => {}
        }
    }
    let (min_len, max_len) = parts.iter().fold((0, 0), |(min, max), part| match part {
        Part::Word(word) => (min + u32::from(word.bytes), max + u32::from(word.bytes)),
        Part::Leb { operand } => {
            let bits = raws.get(usize::from(*operand)).map_or(64, |raw| raw.bits);
            (min + 1, max + u32::from(bits.div_ceil(7)))
        }
        Part::Align { to } => (min, max + u32::from(*to) - 1),
        Part::List { .. } => (min, max),
    });
    if max_len > limits::INSTRUCTION_BYTES {
        let message = format!("an instruction has at most {} bytes", limits::INSTRUCTION_BYTES);
        context.diagnostics.error(form.span, message);
    }
    Encoding { parts, raws, min_len, max_len }
}
