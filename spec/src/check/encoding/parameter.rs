//! Parameters of formats: numbers, and operands that a format stores.

use std::collections::HashMap;

use crate::lang::ast::{BinaryOp, Expr, ExprKind, Name, TypeRef, UnaryOp};

/// What a parameter of a format stands for.
#[derive(Clone)]
pub(super) enum Argument {
    Number(i128),
    /// An operand, with its type or kind.
    Operand(Name, TypeRef),
}

/// Parameters by name.
pub(super) type Parameters = HashMap<String, Argument>;

/// The value of an expression of numbers and parameters.
pub(super) fn constant(expr: &Expr, parameters: &Parameters) -> Option<i128> {
    match &expr.kind {
        ExprKind::Int(_) | ExprKind::Bits(_) => expr.number(),
        ExprKind::Name(name) => match parameters.get(name)? {
            Argument::Number(value) => Some(*value),
            Argument::Operand(..) => None,
        },
        ExprKind::Unary(UnaryOp::Minus, inner) => constant(inner, parameters)?.checked_neg(),
        ExprKind::Binary(op, a, b) => {
            let (a, b) = (constant(a, parameters)?, constant(b, parameters)?);
            match op {
                BinaryOp::Add => a.checked_add(b),
                BinaryOp::Sub => a.checked_sub(b),
                BinaryOp::Mul => a.checked_mul(b),
                BinaryOp::Or => Some(a | b),
                BinaryOp::And => Some(a & b),
                BinaryOp::Shl => {
                    u32::try_from(b).ok().filter(|b| *b < 64).and_then(|b| a.checked_mul(1 << b))
                }
                _ => None,
            }
        }
        _ => None,
    }
}
