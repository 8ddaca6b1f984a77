//! The numbers of a script, which are those of the machine that it is for.

use bytestone_spec::isa::{IntType, Isa, Payload};

use super::ast::{BinaryOp, ExprKind};

/// The numbers of a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// Binary64 of IEEE 754.
    #[default]
    Float,
    /// Integers of 32 bits, which wrap; quotients are rounded toward zero, and a zero divisor
    /// traps.
    Int,
}

impl Numbers {
    /// The numbers of a machine with dynamic values; `None` if it has none of these.
    pub fn of(isa: &Isa) -> Option<Self> {
        let variants = &isa.machine().union.as_ref()?.variants;
        variants.iter().find_map(|variant| match variant.payload {
            Payload::Float => Some(Self::Float),
            Payload::Int(ty) if ty == IntType::signed(32) => Some(Self::Int),
            _ => None,
        })
    }
}

/// The integer that a number is, if it is one.
pub(super) fn int_of(value: f64) -> Option<i32> {
    // `as` gives the nearest integer, and 0 for NaN.
    (f64::from(value as i32) == value && (value != 0.0 || value.is_sign_positive()))
        .then_some(value as i32)
}

/// What an operation of integers gives that cannot trap.
pub(super) fn fold_ints(op: BinaryOp, a: i32, b: i32) -> Option<ExprKind> {
    let number = |value: i32| Some(ExprKind::Number(value.into()));
    match op {
        BinaryOp::Add => number(a.wrapping_add(b)),
        BinaryOp::Sub => number(a.wrapping_sub(b)),
        BinaryOp::Mul => number(a.wrapping_mul(b)),
        BinaryOp::Div if b != 0 => number(a.wrapping_div(b)),
        BinaryOp::Div | BinaryOp::Mod => None,
        BinaryOp::Eq => Some(ExprKind::Bool(a == b)),
        BinaryOp::Ne => Some(ExprKind::Bool(a != b)),
        BinaryOp::Lt => Some(ExprKind::Bool(a < b)),
        BinaryOp::Gt => Some(ExprKind::Bool(a > b)),
        BinaryOp::Le => Some(ExprKind::Bool(a <= b)),
        BinaryOp::Ge => Some(ExprKind::Bool(a >= b)),
    }
}
