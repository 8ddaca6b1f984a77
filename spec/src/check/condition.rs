//! What must hold of the operands of an instruction, and how many elements its list has: sums of
//! multiples of operands, compared.

use super::encoding::Encoded;
use super::{Context, InstructionContext};
use crate::diagnostic::Span;
use crate::isa::{Linear, Operand, OperandKind};
use crate::lang::ast::{BinaryOp, Condition, Expr, ExprKind, Name, UnaryOp};
use crate::lang::parse_conditions;

/// The greatest factor of an operand.
const FACTOR: u128 = 1 << 32;
/// The greatest number beside them.
const CONSTANT: u128 = i64::MAX as u128;

/// What `where` says.
#[derive(Default)]
pub(super) struct Conditions {
    /// How many elements the list has.
    pub(super) count: Option<Linear>,
    /// None of these is negative.
    pub(super) conditions: Vec<Linear>,
    /// The operands that it mentions.
    pub(super) mentioned: Vec<u8>,
}

/// Checks the condition of an instruction; `None` if it is faulty.
pub(super) fn conditions(
    cx: &InstructionContext<'_>,
    encoded: &Encoded,
    context: &mut Context<'_>,
) -> Option<Conditions> {
    let before = context.diagnostics.count();
    let parsed = match cx.scalar("where") {
        Some(scalar) => parse_conditions(scalar, context.diagnostics)?,
        None => Vec::new(),
    };
    let operands = encoded.operands.as_slice();
    let list = encoded.list.as_ref();
    let scalars = operands.len() - usize::from(list.is_some());
    let complete = encoded.encodings.is_some();
    let mut reader =
        Reader { operands: &operands[..scalars], complete, counts: Vec::new(), context };
    let mut conditions = Vec::new();
    for condition in &parsed {
        match condition {
            Condition::Count(name, value) => reader.count(name, value, list),
            Condition::Holds(expr) => reader.holds(expr, &mut conditions),
        }
    }
    let count = reader.counts.pop().map(|(_, count)| count);
    if let (Some(name), None) = (list, &count)
        && context.diagnostics.count() == before
    {
        context.diagnostics.error_with_help(
            name.span,
            format!("`{}` is not known", name.text),
            format!(
                "say how many elements the list has: `where: {} = i64(high) - i64(low) + 1`",
                name.text
            ),
        );
    }
    if context.diagnostics.count() != before {
        return None;
    }
    let terms = conditions.iter().chain(&count).flat_map(|sum: &Linear| &sum.terms);
    let mentioned = terms.map(|(operand, _)| *operand).collect();
    Some(Conditions { count, conditions, mentioned })
}

struct Reader<'a, 'c> {
    /// Those that are no list.
    operands: &'a [Operand],
    /// Whether all operands could be made out.
    complete: bool,
    /// What was said of the number of elements.
    counts: Vec<(String, Linear)>,
    context: &'a mut Context<'c>,
}

impl Reader<'_, '_> {
    fn count(&mut self, name: &Name, value: &Expr, list: Option<&Name>) {
        if !self.counts.is_empty() {
            let message = "how many elements the list has is said twice";
            return self.context.diagnostics.error(name.span, message);
        }
        match list {
            Some(list) if list.text == name.text => {}
            Some(list) => {
                let message = format!("the list has `{}` elements, not `{}`", list.text, name.text);
                return self.context.diagnostics.error(name.span, message);
            }
            None if !self.complete => {}
            None => {
                return self.context.diagnostics.error_with_help(
                    name.span,
                    format!("the encoding has no list of `{}` elements", name.text),
                    format!("as in `targets:rel32[{}]`", name.text),
                );
            }
        }
        let Some(count) = self.linear(value) else { return };
        // Actions know it as a number of 64 bits.
        let most: i128 = count
            .terms
            .iter()
            .map(|&(at, factor)| {
                let raw = self.operands[usize::from(at)].raw;
                i128::from(factor.unsigned_abs()) * raw.max().max(-raw.min())
            })
            .sum();
        if most + count.constant.abs() > i128::from(i64::MAX) {
            self.context.diagnostics.error(value.span, "the number may not fit 64 bits");
            return;
        }
        self.counts.push((name.text.clone(), count));
    }

    /// Adds what is not negative if a comparison holds.
    fn holds(&mut self, expr: &Expr, conditions: &mut Vec<Linear>) {
        let ExprKind::Binary(op, a, b) = &expr.kind else { return self.no_comparison(expr.span) };
        let (less, more, strict, both) = match op {
            BinaryOp::LogicalAnd => {
                self.holds(a, conditions);
                return self.holds(b, conditions);
            }
            BinaryOp::Le => (a, b, 0, false),
            BinaryOp::Lt => (a, b, 1, false),
            BinaryOp::Ge => (b, a, 0, false),
            BinaryOp::Gt => (b, a, 1, false),
            BinaryOp::Eq => (a, b, 0, true),
            _ => return self.no_comparison(expr.span),
        };
        let (less, more) = (self.linear(less), self.linear(more));
        let (Some(less), Some(more)) = (less, more) else { return };
        let difference = |a: &Linear, b: &Linear| sum(a, &scaled(b, -1)?);
        let forth = difference(&more, &less);
        let back = if both { difference(&less, &more).map(Some) } else { Some(None) };
        let (Some(mut forth), Some(back)) = (forth, back) else {
            return self.too_great(expr.span);
        };
        forth.constant -= strict;
        conditions.push(forth);
        conditions.extend(back);
    }

    fn no_comparison(&mut self, span: Span) {
        self.context.diagnostics.error_with_help(
            span,
            "a condition compares sums of operands",
            "as in `1 <= n`, `low <= high`, `a + 2 * b < 100`",
        );
    }

    fn too_great(&mut self, span: Span) {
        self.context.diagnostics.error(span, "factors of operands stay within 32 bits");
    }

    fn linear(&mut self, expr: &Expr) -> Option<Linear> {
        let combined = match &expr.kind {
            ExprKind::Int(_) | ExprKind::Bits(_) => {
                return Some(Linear { terms: Vec::new(), constant: expr.number()? });
            }
            ExprKind::Name(name) => return self.name(name, expr.span),
            // Sums are computed without bounds: a conversion changes nothing.
            ExprKind::Call(function, arguments) => match (&function.kind, arguments.as_slice()) {
                (ExprKind::Name(ty), [inner])
                    if super::machine::parse_int_type(ty).is_some_and(|ty| ty.bits == 64) =>
                {
                    return self.linear(inner);
                }
                _ => None,
            },
            ExprKind::Unary(UnaryOp::Minus, inner) => {
                let inner = self.linear(inner)?;
                Some(scaled(&inner, -1))
            }
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (self.linear(a), self.linear(b));
                let (a, b) = (a?, b?);
                match op {
                    BinaryOp::Add => Some(sum(&a, &b)),
                    BinaryOp::Sub => Some(scaled(&b, -1).and_then(|b| sum(&a, &b))),
                    BinaryOp::Mul if a.terms.is_empty() => Some(scaled(&b, a.constant)),
                    BinaryOp::Mul if b.terms.is_empty() => Some(scaled(&a, b.constant)),
                    _ => None,
                }
            }
            _ => None,
        };
        match combined {
            Some(Some(sum)) => Some(sum),
            Some(None) => {
                self.too_great(expr.span);
                None
            }
            None => {
                self.context.diagnostics.error_with_help(
                    expr.span,
                    "expected a sum of multiples of operands",
                    "as in `i64(high) - i64(low) + 1`",
                );
                None
            }
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Linear> {
        if let Some((_, count)) = self.counts.iter().find(|(known, _)| known == name) {
            return Some(count.clone());
        }
        let Some(at) = self.operands.iter().position(|operand| operand.name == name) else {
            if self.complete {
                let known = self.operands.iter().map(|operand| operand.name.as_str());
                self.context.unknown(span, "operand", name, known);
            }
            return None;
        };
        if !matches!(self.operands[at].kind, OperandKind::Immediate | OperandKind::Index(_)) {
            let message = format!("the operand `{name}` is neither a plain number nor an index");
            self.context.diagnostics.error(span, message);
            return None;
        }
        Some(Linear { terms: vec![(at as u8, 1)], constant: 0 })
    }
}

fn sum(a: &Linear, b: &Linear) -> Option<Linear> {
    let mut total = a.clone();
    total.constant = bounded(a.constant.checked_add(b.constant)?, CONSTANT)?;
    for &(operand, factor) in &b.terms {
        match total.terms.iter_mut().find(|(known, _)| *known == operand) {
            Some((_, known)) => {
                *known = bounded(i128::from(*known) + i128::from(factor), FACTOR)? as i64;
            }
            None => total.terms.push((operand, factor)),
        }
    }
    total.terms.retain(|(_, factor)| *factor != 0);
    Some(total)
}

fn scaled(a: &Linear, by: i128) -> Option<Linear> {
    let constant = bounded(a.constant.checked_mul(by)?, CONSTANT)?;
    let terms = a.terms.iter().map(|&(operand, factor)| {
        Some((operand, bounded(i128::from(factor).checked_mul(by)?, FACTOR)? as i64))
    });
    let mut terms = terms.collect::<Option<Vec<_>>>()?;
    terms.retain(|(_, factor)| *factor != 0);
    Some(Linear { terms, constant })
}

fn bounded(value: i128, most: u128) -> Option<i128> {
    (value.unsigned_abs() <= most).then_some(value)
}
