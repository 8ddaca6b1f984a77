//! Computes what is constant. A division by a constant zero is left to trap when it is run.

use super::ast::{Expr, ExprKind, Op, Program, StatementKind};

pub(super) fn fold(program: &mut Program) {
    for statement in &mut program.statements {
        match &mut statement.kind {
            StatementKind::Assign { value, .. }
            | StatementKind::Print(value)
            | StatementKind::Result(value) => fold_expr(value),
        }
    }
}

fn fold_expr(expr: &mut Expr) {
    let constant = match &mut expr.kind {
        ExprKind::Int(_) | ExprKind::Load(_) => return,
        ExprKind::Negate(value) => {
            fold_expr(value);
            int(value).map(i32::wrapping_neg)
        }
        ExprKind::Binary { op, left, right } => {
            fold_expr(left);
            fold_expr(right);
            int(left).zip(int(right)).and_then(|(left, right)| match op {
                Op::Add => Some(left.wrapping_add(right)),
                Op::Sub => Some(left.wrapping_sub(right)),
                Op::Mul => Some(left.wrapping_mul(right)),
                Op::Div => (right != 0).then(|| left.wrapping_div(right)),
            })
        }
    };
    if let Some(value) = constant {
        expr.kind = ExprKind::Int(value);
    }
}

fn int(expr: &Expr) -> Option<i32> {
    match expr.kind {
        ExprKind::Int(value) => Some(value),
        _ => None,
    }
}
