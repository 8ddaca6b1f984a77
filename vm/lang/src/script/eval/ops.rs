//! Operations of values.

use super::super::ast::{BinaryOp, UnaryOp};
use super::super::numbers::Numbers;
use super::Trap;
use super::value::Value;

pub(super) fn unary(op: UnaryOp, value: &Value, of: Numbers) -> Result<Value, Trap> {
    match (op, value) {
        (UnaryOp::Not, value) => Ok(Value::Bool(!value.is_true())),
        (UnaryOp::Negate, Value::Number(value)) => Ok(Value::Number(match of {
            Numbers::Float => -value,
            Numbers::Int => (*value as i32).wrapping_neg().into(),
        })),
        (UnaryOp::Negate, _) => Err(Trap::TypeError),
    }
}

pub(super) fn binary(
    op: BinaryOp,
    left: &Value,
    right: &Value,
    of: Numbers,
) -> Result<Value, Trap> {
    match (op, left, right) {
        (BinaryOp::Eq, ..) => Ok(Value::Bool(left.equals(right))),
        (BinaryOp::Ne, ..) => Ok(Value::Bool(!left.equals(right))),
        (_, Value::Number(a), Value::Number(b)) => match of {
            Numbers::Float => Ok(numbers(op, *a, *b)),
            // They are whole and small, so that nothing is lost.
            Numbers::Int => ints(op, *a as i32, *b as i32),
        },
        (BinaryOp::Add, Value::Str(a), Value::Str(b)) => {
            Ok(Value::Str([&**a, &**b].concat().into()))
        }
        (BinaryOp::Lt, Value::Str(a), Value::Str(b)) => Ok(Value::Bool(a < b)),
        (BinaryOp::Gt, Value::Str(a), Value::Str(b)) => Ok(Value::Bool(a > b)),
        (BinaryOp::Le, Value::Str(a), Value::Str(b)) => Ok(Value::Bool(a <= b)),
        (BinaryOp::Ge, Value::Str(a), Value::Str(b)) => Ok(Value::Bool(a >= b)),
        _ => Err(Trap::TypeError),
    }
}

fn numbers(op: BinaryOp, a: f64, b: f64) -> Value {
    match op {
        BinaryOp::Add => Value::Number(a + b),
        BinaryOp::Sub => Value::Number(a - b),
        BinaryOp::Mul => Value::Number(a * b),
        BinaryOp::Div => Value::Number(a / b),
        BinaryOp::Mod => Value::Number(a % b),
        BinaryOp::Eq => Value::Bool(a == b),
        BinaryOp::Ne => Value::Bool(a != b),
        BinaryOp::Lt => Value::Bool(a < b),
        BinaryOp::Gt => Value::Bool(a > b),
        BinaryOp::Le => Value::Bool(a <= b),
        BinaryOp::Ge => Value::Bool(a >= b),
    }
}

fn ints(op: BinaryOp, a: i32, b: i32) -> Result<Value, Trap> {
    let result = match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Sub => a.wrapping_sub(b),
        BinaryOp::Mul => a.wrapping_mul(b),
        BinaryOp::Div | BinaryOp::Mod if b == 0 => return Err(Trap::DivByZero),
        BinaryOp::Div => a.wrapping_div(b),
        BinaryOp::Mod => a.wrapping_rem(b),
        _ => return Ok(numbers(op, a.into(), b.into())),
    };
    Ok(Value::Number(result.into()))
}

/// The place that a number names, if it is whole and not negative.
pub(super) fn place(index: f64) -> Option<usize> {
    // Above 2^53 every number is whole, but no array is so long.
    (index >= 0.0 && index.fract() == 0.0 && index < (1u64 << 53) as f64).then_some(index as usize)
}
