//! Expressions made of entropy, by the kinds of their values.

use super::super::ast::{BinaryOp, Expr, ExprKind, LogicOp, UnaryOp};
use super::{Kind, Maker, Part, binary, expr, number};

impl Maker<'_, '_> {
    /// A value of some kind.
    pub(super) fn any(&mut self, depth: u32) -> Expr {
        let kind = self.kind();
        self.expr(&kind, depth)
    }

    /// A value of a kind; rarely of another, so that something traps.
    pub(super) fn expr(&mut self, kind: &Kind, depth: u32) -> Expr {
        if self.once_in(250) {
            return self.any(depth.saturating_sub(1));
        }
        if self.pick(3) == 0
            && let Some(variable) = self.variable(kind)
        {
            return variable;
        }
        if depth > 0 && self.once_in(12) {
            return self.logic(kind, depth - 1);
        }
        match kind {
            Kind::Number => self.number(depth),
            Kind::Str => self.text(depth),
            Kind::Bool => self.truth(depth),
            Kind::Array => {
                let count = 1 + self.pick(3);
                let values = (0..count).map(|_| self.expr(&Kind::Number, depth.min(1))).collect();
                expr(ExprKind::Array(values))
            }
            Kind::Object => {
                let count = self.pick(3);
                let entries =
                    (0..count).map(|_| (self.key(), self.expr(&Kind::Number, depth.min(1))));
                expr(ExprKind::Object(entries.collect()))
            }
            Kind::Function(arity) => expr(ExprKind::Function(Box::new(self.function(*arity)))),
        }
    }

    fn variable(&mut self, kind: &Kind) -> Option<Expr> {
        let known = self.known(|variable| variable.kind == *kind);
        let chosen = usize::from(self.pick(16)).checked_rem(known.len())?;
        Some(expr(ExprKind::Variable(known[chosen].name.clone())))
    }

    /// A choice by what is true, whose value is mostly of a kind.
    fn logic(&mut self, kind: &Kind, depth: u32) -> Expr {
        let pair = |op, left, right| expr(ExprKind::Logic(op, Box::new(left), Box::new(right)));
        let value = self.expr(kind, depth);
        match self.pick(3) {
            0 => {
                let other = self.expr(kind, depth);
                pair(LogicOp::Or, value, other)
            }
            1 => {
                let cond = self.any(depth);
                pair(LogicOp::And, cond, value)
            }
            _ => {
                let cond = self.expr(&Kind::Bool, depth);
                let other = self.expr(kind, depth);
                pair(LogicOp::Or, pair(LogicOp::And, cond, value), other)
            }
        }
    }

    /// A call of a function that is known, or another number.
    pub(super) fn call_or_number(&mut self, depth: u32) -> Expr {
        let arity = self.pick(3);
        match self.variable(&Kind::Function(arity)) {
            Some(callee) => {
                // Rarely one argument too many.
                let count = arity + u8::from(self.once_in(60));
                let arguments = (0..count).map(|_| self.expr(&Kind::Number, depth.min(1)));
                let arguments = arguments.collect();
                expr(ExprKind::Call(Box::new(callee), arguments))
            }
            None => self.number(depth.min(1)),
        }
    }

    fn number(&mut self, depth: u32) -> Expr {
        let boxed = Box::new;
        if self.part == Part::Static {
            return self.int(depth);
        }
        match self.pick(if depth == 0 { 5 } else { 20 }) {
            0..3 => number(self.pick(4).into()),
            3 => number([0.5, 1e21, 1e-9, 255.0, 1e308, 65536.0][usize::from(self.pick(6))]),
            4 => {
                let value = self.entropy.arbitrary::<u16>().unwrap_or(0);
                number(f64::from(value) / 4.0)
            }
            5..7 => {
                let value = self.expr(&Kind::Number, depth - 1);
                expr(ExprKind::Unary(UnaryOp::Negate, boxed(value)))
            }
            7 => {
                let kind =
                    [Kind::Str, Kind::Array, Kind::Object][usize::from(self.pick(3))].clone();
                expr(ExprKind::Length(boxed(self.expr(&kind, depth - 1))))
            }
            8 => {
                let array = self.expr(&Kind::Array, depth - 1);
                let index = if self.once_in(8) { self.expr(&Kind::Number, 1) } else { number(0.0) };
                expr(ExprKind::Element(boxed(array), boxed(index)))
            }
            9..13 => self.call_or_number(depth - 1),
            choice => {
                let left = self.expr(&Kind::Number, depth - 1);
                let right = self.expr(&Kind::Number, depth - 1);
                binary(BinaryOp::ALL[usize::from(choice) % 5], left, right)
            }
        }
    }

    fn int(&mut self, depth: u32) -> Expr {
        match self.pick(if depth == 0 { 5 } else { 16 }) {
            0..3 => number(self.pick(4).into()),
            3 => number([65535.0, 65536.0, 2147483647.0][usize::from(self.pick(3))]),
            4 => number(self.entropy.arbitrary::<u16>().unwrap_or(0).into()),
            5 => {
                let value = self.expr(&Kind::Number, depth - 1);
                expr(ExprKind::Unary(UnaryOp::Negate, Box::new(value)))
            }
            6..9 => self.call_or_number(depth - 1),
            choice => {
                let left = self.expr(&Kind::Number, depth - 1);
                let right = self.expr(&Kind::Number, depth - 1);
                binary(BinaryOp::ALL[usize::from(choice) % 4], left, right)
            }
        }
    }

    fn text(&mut self, depth: u32) -> Expr {
        const TEXTS: [&str; 6] = ["", "a", "ab", "é🦀", "\"\\\n\u{1}", "b"];
        if depth > 0 && self.once_in(3) {
            let (left, right) =
                (self.expr(&Kind::Str, depth - 1), self.expr(&Kind::Str, depth - 1));
            return binary(BinaryOp::Add, left, right);
        }
        expr(ExprKind::Str(TEXTS[usize::from(self.pick(6))].into()))
    }

    fn truth(&mut self, depth: u32) -> Expr {
        if depth == 0 {
            return match self.pick(3) {
                0 => expr(ExprKind::Nil),
                choice => expr(ExprKind::Bool(choice == 1)),
            };
        }
        match self.pick(4) {
            0 => {
                let value = self.any(depth - 1);
                expr(ExprKind::Unary(UnaryOp::Not, Box::new(value)))
            }
            1 => {
                let op = if self.once_in(2) { BinaryOp::Eq } else { BinaryOp::Ne };
                let left = self.any(depth - 1);
                let right = self.any(depth - 1);
                binary(op, left, right)
            }
            _ => {
                let kind = if self.once_in(4) { Kind::Str } else { Kind::Number };
                let op = BinaryOp::ALL[5 + usize::from(self.pick(6))];
                let (left, right) = (self.expr(&kind, depth - 1), self.expr(&kind, depth - 1));
                binary(op, left, right)
            }
        }
    }
}
