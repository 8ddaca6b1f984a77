//! Parameters of formats: numbers, and operands that a format stores.

use std::collections::HashMap;

use crate::lang::ast::{Expr, Name, TypeRef};

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
    expr.constant(&mut |name| match parameters.get(name)? {
        Argument::Number(value) => Some(*value),
        Argument::Operand(..) => None,
    })
}
