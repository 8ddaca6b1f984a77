//! What of the language a machine has no instructions for.

use super::ast::UnaryOp;
use super::ast::{BinaryOp, Expr, ExprKind, Function, Program, Stmt, StmtKind, Target as Assigned};
use super::code::Target;
use super::numbers::{Numbers, int_of};
use crate::error::{ErrorLog, SourceErrorKind, SourceErrors, excerpt};
use crate::source::{Source, Span};

/// Reports all that the machine cannot do, whether it is ever done or not.
pub(super) fn check(
    program: &Program,
    target: &Target,
    source: &Source,
) -> Result<(), SourceErrors> {
    let mut checker = Checker { target, source, errors: ErrorLog::default() };
    checker.statements(&program.body);
    checker.errors.finish()
}

struct Checker<'s> {
    target: &'s Target,
    source: &'s Source,
    errors: ErrorLog,
}

impl Checker<'_> {
    fn missing(&mut self, what: &'static str, span: Span) {
        let source = self.source;
        self.errors.push_with(|| source.error(span, SourceErrorKind::NotOnMachine { what }));
    }

    fn statements(&mut self, body: &[Stmt]) {
        body.iter().for_each(|stmt| self.statement(stmt));
    }

    fn statement(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Let { value, .. } | StmtKind::Return(value) => {
                value.iter().for_each(|value| self.expr(value));
            }
            StmtKind::Expr(value) | StmtKind::Print(value) => self.expr(value),
            StmtKind::Break | StmtKind::Continue => {}
            StmtKind::Assign { target, value } => {
                self.assigned(target, stmt.span);
                self.expr(value);
            }
            StmtKind::Block(body) => self.statements(body),
            StmtKind::If { cond, then, otherwise } => {
                self.expr(cond);
                self.statements(then);
                otherwise.iter().for_each(|stmt| self.statement(stmt));
            }
            StmtKind::While { cond, body } => {
                self.expr(cond);
                self.statements(body);
            }
            StmtKind::For { init, cond, step, body } => {
                init.iter().chain(step).for_each(|stmt| self.statement(stmt));
                cond.iter().for_each(|cond| self.expr(cond));
                self.statements(body);
            }
            StmtKind::Function(_, function) => self.function(function),
        }
    }

    fn function(&mut self, function: &Function) {
        self.statements(&function.body);
    }

    fn assigned(&mut self, target: &Assigned, span: Span) {
        match target {
            Assigned::Variable(_) => {}
            Assigned::Property { object, .. } => {
                if self.target.set_property.is_none() {
                    self.missing("objects", span);
                }
                self.expr(object);
            }
            Assigned::Element { object, index } => {
                if self.target.set_element.is_none() {
                    self.missing("arrays", span);
                }
                self.expr(object);
                self.expr(index);
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        let target = self.target;
        let missing = match &expr.kind {
            ExprKind::Object(_) if target.new_object.is_none() => Some("objects"),
            ExprKind::Property(..) if target.get_property.is_none() => Some("objects"),
            ExprKind::Array(_) if target.new_array.is_none() => Some("arrays"),
            ExprKind::Element(..) if target.get_element.is_none() => Some("arrays"),
            ExprKind::Length(_) if target.length.is_none() => Some("`len`"),
            ExprKind::Binary(op, ..) if !target.has(*op) => Some("operator `%`"),
            _ => None,
        };
        if let Some(what) = missing {
            self.missing(what, expr.span);
        }
        match &expr.kind {
            ExprKind::Number(value) => self.number(*value, expr.span),
            ExprKind::Unary(UnaryOp::Negate, value) => match value.kind {
                ExprKind::Number(number) => self.number(-number, value.span),
                _ => self.expr(value),
            },
            ExprKind::Unary(_, part) | ExprKind::Property(part, _) | ExprKind::Length(part) => {
                self.expr(part);
            }
            ExprKind::Binary(_, left, right)
            | ExprKind::Logic(_, left, right)
            | ExprKind::Element(left, right) => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Call(callee, arguments) => {
                self.expr(callee);
                arguments.iter().for_each(|argument| self.expr(argument));
            }
            ExprKind::Array(values) => values.iter().for_each(|value| self.expr(value)),
            ExprKind::Object(entries) => entries.iter().for_each(|(_, value)| self.expr(value)),
            ExprKind::Function(function) => self.function(function),
            ExprKind::Nil | ExprKind::Bool(_) | ExprKind::Str(_) | ExprKind::Variable(_) => {}
        }
    }

    /// A number with the sign that stands before it.
    fn number(&mut self, value: f64, span: Span) {
        // A zero with a sign is the same integer.
        if self.target.numbers == Numbers::Int && int_of(value + 0.0).is_none() {
            let source = self.source;
            self.errors.push_with(|| {
                let text = source.text().get(std::ops::Range::from(span)).unwrap_or_default();
                source.error(span, SourceErrorKind::NoInteger { found: excerpt(text) })
            });
        }
    }
}

impl Target {
    /// Whether there is an operation, if need be as another one and its opposite.
    fn has(&self, op: BinaryOp) -> bool {
        self.operation(op).is_some()
    }
}
