//! Control: labels, transfers, and statements that take place under a condition.

use super::{Control, Fact, Lowering, Reported, State, Type};
use crate::diagnostic::Span;
use crate::isa::{
    BinaryOp, ClauseId, IntType, LabelRole, Op, OperandKind, Temp, Transfer, TransferKind,
};
use crate::lang::ast::{self, Expr, ExprKind, Name, Stmt, UnaryOp};

impl Lowering<'_, '_> {
    fn label(&mut self, name: &Name, role: LabelRole) -> Option<u8> {
        let Some(operand) = self.operand_named(&name.text) else {
            if self.complete {
                let known = self.operands.iter().map(|operand| operand.name.as_str());
                self.context.unknown(name.span, "operand", &name.text, known);
            }
            return None;
        };
        if let Some(binding) = self.scope.iter_mut().find(|binding| binding.name == name.text) {
            binding.used = true;
        }
        match self.operands[usize::from(operand)].kind {
            OperandKind::Label(rule) if rule.role == role => Some(operand),
            _ => {
                let expected = match role {
                    LabelRole::Jump => "a label",
                    LabelRole::Entry => "the entry of a subroutine",
                };
                self.error(name.span, format!("the operand `{}` is not {expected}", name.text));
                None
            }
        }
    }

    pub(super) fn goto(&mut self, label: &Name, condition: Option<&Expr>) {
        let Some(operand) = self.label(label, LabelRole::Jump) else { return };
        if self.is_list(operand) {
            let message = format!("the operand `{}` is a list", label.text);
            let help = format!("name one of its elements: `goto {}[i]`", label.text);
            return self.context.diagnostics.error_with_help(label.span, message, help);
        }
        let Ok(condition) = self.optional(condition) else { return };
        let clause = self.clause(&format!("goto.{}", label.text));
        self.transfer(TransferKind::Jump { operand }, condition, clause, label.span);
    }

    /// `goto targets[i] if …`, whose condition must say that `i` lies in the list.
    pub(super) fn goto_element(&mut self, list: &Name, index: &Expr, condition: Option<&Expr>) {
        let Some(operand) = self.label(list, LabelRole::Jump) else { return };
        let Some(_) = self.count.filter(|_| self.is_list(operand)) else {
            return self.error(list.span, format!("the operand `{}` is no list", list.text));
        };
        let Ok(condition_value) = self.optional(condition) else { return };
        let ExprKind::Name(_) = &index.kind else {
            return self.context.diagnostics.error_with_help(
                index.span,
                "expected a name",
                "bind the index with `let`, and say in the condition that it lies in the list",
            );
        };
        let facts = self.state.facts.clone();
        if let Some(condition) = condition {
            self.learn(condition, true);
        }
        let known = std::mem::replace(&mut self.state.facts, facts);
        let Some(value) = self.expr(index, Some(Type::Int(IntType::signed(64)))) else { return };
        let positive = match value.ty {
            Type::Int(ty) if !ty.signed => true,
            Type::Int(_) => known.contains(&Fact::NotNegative(value.temp)),
            _ => false,
        };
        if !positive || !known.contains(&Fact::BelowCount(value.temp)) {
            return self.context.diagnostics.error_with_help(
                index.span,
                "the index may lie outside of the list",
                "say in the condition that it does not: `goto targets[i] if 0 <= i && i < n`",
            );
        }
        let clause = self.clause(&format!("goto.{}", list.text));
        let kind = TransferKind::JumpList { operand, index: value.temp };
        self.transfer(kind, condition_value, clause, list.span);
    }

    /// Whether an operand is the list, which is the last one.
    fn is_list(&self, operand: u8) -> bool {
        operand == self.body.operands
    }

    pub(super) fn transfer(
        &mut self,
        kind: TransferKind,
        condition: Option<Temp>,
        clause: ClauseId,
        span: Span,
    ) {
        let guard = match condition {
            Some(condition) => match self.guarded(condition, span) {
                Some(guard) => Some(guard),
                None => return,
            },
            None => self.state.guard,
        };
        self.body.transfers.push(Transfer { guard, kind, clause });
        self.state.control =
            if condition.is_some() { Control::Conditional } else { Control::Closed };
    }

    pub(super) fn call_subroutine(&mut self, target: &Expr, span: Span) {
        if let ExprKind::Call(closure, arguments) = &target.kind {
            return self.invoke(closure, arguments, span);
        }
        let ExprKind::Name(name) = &target.kind else {
            self.partial = true;
            return self.error(target.span, "expected the entry of a subroutine, or `c(args)`");
        };
        let name = Name { text: name.clone(), span: target.span };
        let Some(operand) = self.label(&name, LabelRole::Entry) else { return };
        if self.cx.machine.call_depth.is_none() {
            self.error(span, "the machine has no call stack: give `machine` `calls: {depth: …}`");
        }
        if self.state.guard.is_some() || !self.body.transfers.is_empty() {
            self.context.diagnostics.unsupported(span, "a conditional call");
        }
        let declared = self.effect.callee.as_ref().map(|callee| callee.text.as_str());
        if self.cx.machine.stack.is_some() && declared != Some(name.text.as_str()) {
            let stack = self.cx.span("stack");
            self.context.diagnostics.error_with_help(
                stack,
                "the effect of the called subroutine is missing",
                format!("add `..{}` to the outputs", name.text),
            );
        }
        let clause = self.clause("call");
        self.transfer(TransferKind::Call { operand }, None, clause, span);
    }

    /// `call c(args)`: a closure, in a frame of its own.
    fn invoke(&mut self, closure: &Expr, arguments: &[Expr], span: Span) {
        self.partial = true;
        let closure = self.expr_of(closure, Type::Closure);
        match arguments {
            [] if self.effect.list.is_none() => {}
            [list] => {
                let found = self.expr(list, Some(Type::List));
                if found.is_some_and(|found| found.ty != Type::List) {
                    self.error(list.span, "the arguments of a call are a list of inputs");
                }
            }
            _ => {
                self.error(span, "a call has one argument: a list of inputs, as in `call c(args)`")
            }
        }
        if !self.body.transfers.is_empty() {
            self.context.diagnostics.unsupported(span, "a call behind another transfer");
        }
        let Some(closure) = closure else { return };
        let clause = self.clause("call");
        self.transfer(TransferKind::Invoke { closure }, None, clause, span);
    }

    /// Whether the action calls a closure.
    pub(super) fn invokes(&self) -> bool {
        let calls = |transfer: &Transfer| matches!(transfer.kind, TransferKind::Invoke { .. });
        self.body.transfers.iter().any(calls)
    }

    /// The one output of an instruction that calls is what the callee returns.
    pub(super) fn returned_output(&mut self) {
        let stack = self.cx.span("stack");
        if self.effect.outputs.len() != 1 {
            let message =
                "an instruction that calls a closure has one output, which the callee returns";
            self.error(stack, message);
        }
        if self.state.outputs.iter().any(Option::is_some) {
            self.error(stack, "the output is what the callee returns; the action cannot assign it");
        }
        if self.state.control != Control::Closed {
            self.context
                .diagnostics
                .unsupported(stack, "an action that calls a closure on some of its paths only");
        }
    }

    /// The truth value of a condition, if there is one; `Err` if it is faulty.
    pub(super) fn optional(&mut self, condition: Option<&Expr>) -> Result<Option<Temp>, Reported> {
        match condition.map(|expr| self.condition(expr)) {
            Some(None) => Err(Reported),
            Some(temp) => Ok(temp),
            None => Ok(None),
        }
    }

    pub(super) fn return_(&mut self, values: &[Expr], condition: Option<&Expr>, span: Span) {
        match (values, self.cx.machine.frames) {
            ([], None) => {}
            ([value], Some(_)) => return self.leave(value, condition, span),
            (_, Some(_)) => return self.error(span, "a function returns one value"),
            (_, None) => {
                let message = "a subroutine returns what it leaves on the stack";
                return self.error(span, message);
            }
        }
        if self.cx.machine.call_depth.is_none() {
            self.error(span, "the machine has no call stack: give `machine` `calls: {depth: …}`");
        }
        let Ok(value) = self.optional(condition) else { return };
        let facts = self.state.facts.clone();
        if let Some(condition) = condition {
            self.learn(condition, true);
        }
        let called = self.is_called();
        self.state.facts = facts;
        self.returns_if_called = Some(called && self.returns_if_called != Some(false));
        let clause = self.clause("return");
        self.transfer(TransferKind::Return, value, clause, span);
    }

    /// Whether it is known that a call is active.
    fn is_called(&self) -> bool {
        let first = self.body.inputs + self.body.operands;
        let is_depth = |temp: Temp| {
            let op = temp.checked_sub(first).and_then(|at| self.body.ops.get(usize::from(at)));
            op == Some(&Op::Depth)
        };
        let mut facts = self.state.facts.iter();
        facts.any(|fact| matches!(fact, Fact::NotZero(temp) if is_depth(*temp)))
    }

    /// `return v`, from the frame of a function.
    fn leave(&mut self, value: &Expr, condition: Option<&Expr>, span: Span) {
        let value = self.expr_of(value, Type::Value);
        let Ok(condition) = self.optional(condition) else { return };
        let Some(value) = value else { return };
        let clause = self.clause("return");
        self.transfer(TransferKind::Leave { value }, condition, clause, span);
    }

    pub(super) fn conditional(
        &mut self,
        condition: &Expr,
        then: &[Stmt],
        other: &[Stmt],
        span: Span,
    ) {
        // The arms are examined even if the condition is faulty.
        let cond = self.condition(condition).unwrap_or(0);
        self.two_ways(
            cond,
            span,
            |this| {
                this.learn(condition, true);
                this.statements(then);
            },
            |this| {
                this.learn(condition, false);
                this.statements(other);
            },
        );
    }

    /// What happens if a truth value holds, and if it does not.
    pub(super) fn two_ways(
        &mut self,
        cond: Temp,
        span: Span,
        then: impl FnOnce(&mut Self),
        other: impl FnOnce(&mut Self),
    ) {
        let Some(negated) = self.not(cond, span) else { return };
        let before = self.state.clone();
        let Some(then) = self.arm(then, cond, span) else { return };
        self.state = before.clone();
        let Some(other) = self.arm(other, negated, span) else { return };
        self.state = State {
            control: then.control.join(other.control),
            outputs: self.join_outputs(cond, &then, &other, span),
            facts: match (then.control, other.control) {
                (_, Control::Trapped) => then.facts,
                (Control::Trapped, _) => other.facts,
                _ => before.facts,
            },
            first_write: then.first_write.or(other.first_write),
            guard: before.guard,
        };
        if self.state.control == Control::Closed
            && self.state.guard.is_none()
            && let Some(last) = self.body.transfers.last_mut()
        {
            // Where the guards before it fail, this one holds.
            last.guard = None;
        }
    }

    /// The state after what happens in an arm, which takes place if `holds` does.
    fn arm(&mut self, happens: impl FnOnce(&mut Self), holds: Temp, span: Span) -> Option<State> {
        let names = self.scope.len();
        self.state.guard = Some(self.guarded(holds, span)?);
        happens(self);
        self.report_unused(names);
        self.scope.truncate(names);
        Some(self.state.clone())
    }

    /// The negation of a truth value.
    pub(in crate::check) fn not(&mut self, a: Temp, span: Span) -> Option<Temp> {
        let one = self.emit(Op::Const(1), Type::Bool, span)?.temp;
        let op = Op::Binary { op: BinaryOp::Xor, ty: IntType::unsigned(1), a, b: one };
        self.emit(op, Type::Bool, span).map(|value| value.temp)
    }

    fn join_outputs(
        &mut self,
        cond: Temp,
        then: &State,
        other: &State,
        span: Span,
    ) -> Vec<Option<Temp>> {
        if then.control == Control::Trapped {
            return other.outputs.clone();
        }
        if other.control == Control::Trapped {
            return then.outputs.clone();
        }
        let mut joined = Vec::new();
        for (at, pair) in then.outputs.iter().zip(&other.outputs).enumerate() {
            joined.push(match pair {
                (None, None) => None,
                (Some(then), Some(other)) if then == other => Some(*then),
                (Some(then), Some(other)) => {
                    let op = Op::Select { cond, then: *then, other: *other };
                    let ty = self.value_type(&self.effect.outputs[at]);
                    Some(self.emit(op, ty, span).map_or(0, |value| value.temp))
                }
                (Some(_), None) | (None, Some(_)) => {
                    let name = self.effect.outputs[at].name.text.clone();
                    self.error(span, format!("the output `{name}` is assigned on one path only"));
                    Some(0)
                }
            });
        }
        joined
    }

    /// The temporary of a name.
    fn temp_of(&self, name: &str) -> Option<Temp> {
        let binding = self.scope.iter().rev().find(|binding| binding.name == name)?;
        binding.value.map(|value| value.temp)
    }

    /// What `a < b`, or `a <= b`, says about values that are not negative or index the list.
    fn learn_order(&mut self, a: &Expr, b: &Expr, strict: bool) {
        if let ExprKind::Name(name) = &b.kind
            && matches!(a.kind, ExprKind::Int(least) if least + i128::from(strict) >= 0)
        {
            let temp = self.temp_of(name);
            self.state.facts.extend(temp.map(Fact::NotNegative));
        }
        if let (ExprKind::Name(name), ExprKind::Name(count)) = (&a.kind, &b.kind)
            && strict
            && self.count.is_some()
            && self.temp_of(count) == self.count
        {
            let temp = self.temp_of(name);
            self.state.facts.extend(temp.map(Fact::BelowCount));
        }
    }

    /// What a condition says about values.
    pub(in crate::check) fn learn(&mut self, condition: &Expr, truth: bool) {
        use ast::BinaryOp as Source;
        match (&condition.kind, truth) {
            (ExprKind::Binary(Source::Eq, a, b), false)
            | (ExprKind::Binary(Source::Ne, a, b), true) => {
                let name = match (&a.kind, &b.kind) {
                    (ExprKind::Name(name), _) if b.number() == Some(0) => name,
                    (_, ExprKind::Name(name)) if a.number() == Some(0) => name,
                    _ => return,
                };
                let temp = self.temp_of(name);
                self.state.facts.extend(temp.map(Fact::NotZero));
            }
            (ExprKind::Binary(Source::Le, a, b), true)
            | (ExprKind::Binary(Source::Ge, b, a), true)
            | (ExprKind::Binary(Source::Gt, a, b), false)
            | (ExprKind::Binary(Source::Lt, b, a), false) => self.learn_order(a, b, false),
            (ExprKind::Binary(Source::Lt, a, b), true)
            | (ExprKind::Binary(Source::Gt, b, a), true)
            | (ExprKind::Binary(Source::Ge, a, b), false)
            | (ExprKind::Binary(Source::Le, b, a), false) => self.learn_order(a, b, true),
            (ExprKind::Binary(Source::LogicalAnd, a, b), true)
            | (ExprKind::Binary(Source::LogicalOr, a, b), false) => {
                self.learn(a, truth);
                self.learn(b, truth);
            }
            (ExprKind::Unary(UnaryOp::Not, inner), _) => self.learn(inner, !truth),
            _ => {}
        }
    }
}
