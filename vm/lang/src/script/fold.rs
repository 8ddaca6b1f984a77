//! Computes what is constant. An operation that would trap is left to do so when it is run.
//!
//! Parts with names or functions are never left out, even where their values are not needed: which
//! variables a function captures can be seen.

use super::ast::{
    BinaryOp, Expr, ExprKind, Function, LogicOp, Program, Stmt, StmtKind, Target, UnaryOp,
};
use super::numbers::{Numbers, fold_ints, int_of};

/// Folds a program whose numbers are those of a machine.
pub(super) fn fold(program: &mut Program, numbers: Numbers) {
    Folder { numbers }.statements(&mut program.body);
}

struct Folder {
    numbers: Numbers,
}

impl Folder {
    fn statements(&self, body: &mut [Stmt]) {
        body.iter_mut().for_each(|stmt| self.statement(stmt));
    }

    fn statement(&self, stmt: &mut Stmt) {
        match &mut stmt.kind {
            StmtKind::Let { value: Some(value), .. }
            | StmtKind::Expr(value)
            | StmtKind::Print(value)
            | StmtKind::Return(Some(value)) => self.expr(value),
            StmtKind::Let { value: None, .. }
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Return(None) => {}
            StmtKind::Assign { target, value } => {
                match target {
                    Target::Variable(_) => {}
                    Target::Property { object, .. } => self.expr(object),
                    Target::Element { object, index } => {
                        self.expr(object);
                        self.expr(index);
                    }
                }
                self.expr(value);
            }
            StmtKind::Block(body) => self.statements(body),
            StmtKind::If { cond, then, otherwise } => {
                self.expr(cond);
                self.statements(then);
                otherwise.iter_mut().for_each(|stmt| self.statement(stmt));
            }
            StmtKind::While { cond, body } => {
                self.expr(cond);
                self.statements(body);
            }
            StmtKind::For { init, cond, step, body } => {
                init.iter_mut().chain(step).for_each(|stmt| self.statement(stmt));
                cond.iter_mut().for_each(|part| self.expr(part));
                self.statements(body);
            }
            StmtKind::Function(_, function) => self.function(function),
        }
    }

    fn function(&self, function: &mut Function) {
        self.statements(&mut function.body);
    }

    fn expr(&self, value: &mut Expr) {
        let folded = match &mut value.kind {
            ExprKind::Unary(op, inner) => {
                self.expr(inner);
                self.unary(*op, inner)
            }
            ExprKind::Binary(op, left, right) => {
                self.expr(left);
                self.expr(right);
                self.binary(*op, left, right)
            }
            ExprKind::Logic(op, left, right) => {
                self.expr(left);
                self.expr(right);
                logic(*op, left, right)
            }
            ExprKind::Call(callee, arguments) => {
                self.expr(callee);
                arguments.iter_mut().for_each(|part| self.expr(part));
                None
            }
            ExprKind::Property(inner, _) => {
                self.expr(inner);
                None
            }
            ExprKind::Length(inner) => {
                self.expr(inner);
                match &inner.kind {
                    ExprKind::Str(text) => Some(ExprKind::Number(text.chars().count() as f64)),
                    _ => None,
                }
            }
            ExprKind::Element(object, index) => {
                self.expr(object);
                self.expr(index);
                None
            }
            ExprKind::Array(values) => {
                values.iter_mut().for_each(|part| self.expr(part));
                None
            }
            ExprKind::Object(entries) => {
                entries.iter_mut().for_each(|(_, value)| self.expr(value));
                None
            }
            ExprKind::Function(inner) => {
                self.function(inner);
                None
            }
            ExprKind::Nil
            | ExprKind::Bool(_)
            | ExprKind::Number(_)
            | ExprKind::Str(_)
            | ExprKind::Variable(_) => None,
        };
        if let Some(kind) = folded {
            value.kind = kind;
        }
    }

    fn unary(&self, op: UnaryOp, value: &Expr) -> Option<ExprKind> {
        match (op, &value.kind) {
            (UnaryOp::Negate, ExprKind::Number(value)) => self.negative(*value),
            (UnaryOp::Negate, _) => None,
            (UnaryOp::Not, _) => truth(value).map(|value| ExprKind::Bool(!value)),
        }
    }

    fn negative(&self, value: f64) -> Option<ExprKind> {
        match self.numbers {
            Numbers::Float => Some(ExprKind::Number(-value)),
            // What is no such integer was reported, unless it is one with the other sign.
            Numbers::Int => {
                let value = int_of(value).map(i32::wrapping_neg).or(int_of(-value))?;
                Some(ExprKind::Number(value.into()))
            }
        }
    }

    fn binary(&self, op: BinaryOp, left: &Expr, right: &Expr) -> Option<ExprKind> {
        match (&left.kind, &right.kind) {
            (ExprKind::Number(a), ExprKind::Number(b)) => match self.numbers {
                Numbers::Float => Some(numbers(op, *a, *b)),
                Numbers::Int => fold_ints(op, int_of(*a)?, int_of(*b)?),
            },
            (ExprKind::Str(a), ExprKind::Str(b)) => strings(op, a, b),
            (ExprKind::Nil, ExprKind::Nil) => constant_equality(op, true),
            (ExprKind::Bool(a), ExprKind::Bool(b)) => constant_equality(op, a == b),
            // Constants of two kinds are not equal.
            _ if truth(left).is_some() && truth(right).is_some() => constant_equality(op, false),
            _ => None,
        }
    }
}

/// Whether a constant is true; `None` for what is none.
fn truth(value: &Expr) -> Option<bool> {
    match value.kind {
        ExprKind::Nil | ExprKind::Bool(false) => Some(false),
        ExprKind::Bool(true) | ExprKind::Number(_) | ExprKind::Str(_) => Some(true),
        _ => None,
    }
}

/// The longest string that is made.
const TEXT_BYTES: usize = 1024;

fn numbers(op: BinaryOp, a: f64, b: f64) -> ExprKind {
    match op {
        BinaryOp::Add => ExprKind::Number(a + b),
        BinaryOp::Sub => ExprKind::Number(a - b),
        BinaryOp::Mul => ExprKind::Number(a * b),
        BinaryOp::Div => ExprKind::Number(a / b),
        BinaryOp::Mod => ExprKind::Number(a % b),
        BinaryOp::Eq => ExprKind::Bool(a == b),
        BinaryOp::Ne => ExprKind::Bool(a != b),
        BinaryOp::Lt => ExprKind::Bool(a < b),
        BinaryOp::Gt => ExprKind::Bool(a > b),
        BinaryOp::Le => ExprKind::Bool(a <= b),
        BinaryOp::Ge => ExprKind::Bool(a >= b),
    }
}

fn strings(op: BinaryOp, a: &str, b: &str) -> Option<ExprKind> {
    Some(match op {
        BinaryOp::Add if a.len() + b.len() <= TEXT_BYTES => ExprKind::Str([a, b].concat().into()),
        BinaryOp::Eq => ExprKind::Bool(a == b),
        BinaryOp::Ne => ExprKind::Bool(a != b),
        BinaryOp::Lt => ExprKind::Bool(a < b),
        BinaryOp::Gt => ExprKind::Bool(a > b),
        BinaryOp::Le => ExprKind::Bool(a <= b),
        BinaryOp::Ge => ExprKind::Bool(a >= b),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => {
            return None;
        }
    })
}

fn constant_equality(op: BinaryOp, equal: bool) -> Option<ExprKind> {
    match op {
        BinaryOp::Eq => Some(ExprKind::Bool(equal)),
        BinaryOp::Ne => Some(ExprKind::Bool(!equal)),
        _ => None,
    }
}

fn logic(op: LogicOp, left: &mut Expr, right: &mut Expr) -> Option<ExprKind> {
    let second = truth(left)? == (op == LogicOp::And);
    if second {
        return Some(std::mem::replace(&mut right.kind, ExprKind::Nil));
    }
    truth(right)?;
    Some(std::mem::replace(&mut left.kind, ExprKind::Nil))
}
