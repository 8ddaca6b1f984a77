//! Scripts for a machine with dynamic values: expressions.

use std::sync::Arc;

use bytestone_spec::isa::InsnId;
use bytestone_vm::module::Constant;

use super::super::ast::{Expr, ExprKind, LogicOp, UnaryOp};
use super::super::numbers::{Numbers, int_of};
use super::Writer;
use super::function::Place;
use super::target::Sense;
use crate::listing::{Arg, Label};
use crate::source::Span;

/// When a condition jumps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
}

impl Truth {
    fn other(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
        }
    }
}

/// How many elements of an array are on the operand stack at once; the others are appended one by one.
const ELEMENTS: usize = 32;

impl Writer<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) {
        let (target, line) = (self.target, self.line(expr.span));
        match &expr.kind {
            ExprKind::Nil => self.constant(Constant::Unit, line),
            ExprKind::Bool(value) => self.constant(Constant::Bool(*value), line),
            ExprKind::Number(value) => self.number(*value, line),
            ExprKind::Str(text) => self.constant(Constant::Str(text.clone()), line),
            ExprKind::Variable(name) => self.load(name, expr.span, line),
            // The least integer is no integer without its sign.
            ExprKind::Unary(UnaryOp::Negate, value)
                if target.numbers == Numbers::Int
                    && matches!(value.kind, ExprKind::Number(it) if int_of(it).is_none()) =>
            {
                self.constant(Constant::Int(i32::MIN.into()), line);
            }
            ExprKind::Unary(op, value) => {
                self.expr(value);
                let insn = match op {
                    UnaryOp::Negate => target.negate,
                    UnaryOp::Not => target.not,
                };
                self.push(insn, &[], line);
            }
            ExprKind::Binary(op, left, right) => {
                self.expr(left);
                self.expr(right);
                let Some((insn, sense)) = target.operation(*op) else { return };
                self.push(insn, &[], line);
                if sense == Sense::Opposite {
                    self.push(target.not, &[], line);
                }
            }
            ExprKind::Logic(op, left, right) => self.logic(*op, left, right, line),
            ExprKind::Call(callee, arguments) => {
                self.expr(callee);
                arguments.iter().for_each(|argument| self.expr(argument));
                self.push(target.call, &[(arguments.len() as u32).into()], line);
            }
            ExprKind::Property(object, name) => {
                self.expr(object);
                let name = self.pool.constant(Constant::Str(name.clone()));
                self.push_if(target.get_property, &[name.into()], line);
            }
            ExprKind::Element(object, index) => {
                self.expr(object);
                self.expr(index);
                self.push_if(target.get_element, &[], line);
            }
            ExprKind::Length(value) => {
                self.expr(value);
                self.push_if(target.length, &[], line);
            }
            ExprKind::Array(values) => self.array(values, line),
            ExprKind::Object(entries) => self.object(entries, line),
            ExprKind::Function(function) => self.function(function, line),
        }
    }

    fn load(&mut self, name: &Arc<str>, span: Span, line: u32) {
        let (insn, number) = match self.find(name, span) {
            Place::Local(slot) => (Some(self.target.load_local), slot),
            Place::Upvalue(number) => (self.target.load_upvalue, number),
            Place::Global(name) => (Some(self.target.load_global), name),
        };
        self.push_if(insn, &[number.into()], line);
    }

    /// What the check of the machine's means let through is there.
    pub(super) fn push_if(&mut self, insn: Option<InsnId>, args: &[Arg], line: u32) {
        if let Some(insn) = insn {
            self.push(insn, args, line);
        }
    }

    fn number(&mut self, value: f64, line: u32) {
        let constant = match self.target.numbers {
            Numbers::Float => Constant::float(value),
            Numbers::Int => Constant::Int(int_of(value).unwrap_or(0).into()),
        };
        self.constant(constant, line);
    }

    /// A value whose second part is only computed when it is needed.
    fn logic(&mut self, op: LogicOp, left: &Expr, right: &Expr, line: u32) {
        let end = self.label();
        let decides = match op {
            LogicOp::And => Truth::False,
            LogicOp::Or => Truth::True,
        };
        self.expr(left);
        if let Some(dup) = self.target.dup {
            self.push(dup, &[], line);
            self.jump_if(decides, end, line);
            self.push(self.target.pop, &[], line);
            self.expr(right);
            self.bind(end);
            return;
        }
        // The value waits in a variable. One is enough for a function: what the second part puts
        // there comes when the first is not needed any more.
        let slot = self.draft().scratch();
        self.push(self.target.store_local, &[slot.into()], line);
        self.push(self.target.load_local, &[slot.into()], line);
        self.jump_if(decides, end, line);
        self.expr(right);
        self.push(self.target.store_local, &[slot.into()], line);
        self.bind(end);
        self.push(self.target.load_local, &[slot.into()], line);
    }

    /// Pops a value, and jumps if it is as `when` says.
    fn jump_if(&mut self, when: Truth, to: Label, line: u32) {
        match (when, self.target.jump_if_true) {
            (Truth::False, _) => self.push(self.target.jump_if_false, &[to.into()], line),
            (Truth::True, Some(jump)) => self.push(jump, &[to.into()], line),
            (Truth::True, None) => {
                self.push(self.target.not, &[], line);
                self.push(self.target.jump_if_false, &[to.into()], line);
            }
        }
    }

    fn array(&mut self, values: &[Expr], line: u32) {
        let (first, others) = values.split_at(values.len().min(ELEMENTS));
        first.iter().for_each(|value| self.expr(value));
        self.push_if(self.target.new_array, &[(first.len() as u32).into()], line);
        for (index, value) in (first.len()..).zip(others) {
            self.push_if(self.target.dup, &[], line);
            self.number(index as f64, line);
            self.expr(value);
            self.push_if(self.target.set_element, &[], line);
        }
    }

    fn object(&mut self, entries: &[(Arc<str>, Expr)], line: u32) {
        self.push_if(self.target.new_object, &[], line);
        for (name, value) in entries {
            self.push_if(self.target.dup, &[], line);
            self.expr(value);
            let name = self.pool.constant(Constant::Str(name.clone()));
            self.push_if(self.target.set_property, &[name.into()], line);
        }
    }

    /// Jumps forward if a condition is as `when` says, and leaves nothing on the stack.
    pub(super) fn branch(&mut self, cond: &Expr, when: Truth, to: Label) {
        let line = self.line(cond.span);
        match &cond.kind {
            ExprKind::Unary(UnaryOp::Not, value) if self.jumps_straight() => {
                self.branch(value, when.other(), to);
            }
            ExprKind::Logic(op, left, right) if self.jumps_straight() => {
                // The value of the first part that makes the whole certain.
                let decides = match op {
                    LogicOp::And => Truth::False,
                    LogicOp::Or => Truth::True,
                };
                if decides == when {
                    self.branch(left, when, to);
                    self.branch(right, when, to);
                } else {
                    let past = self.label();
                    self.branch(left, decides, past);
                    self.branch(right, when, to);
                    self.bind(past);
                }
            }
            _ => {
                self.expr(cond);
                self.jump_if(when, to, line);
            }
        }
    }
}
