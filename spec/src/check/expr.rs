//! Expressions of actions: types, and their operations in order.

use super::body::{Fact, Lowering, Type};
use super::{machine, storage};
use crate::diagnostic::Span;
use crate::isa::{
    BankId, BinaryOp, FloatOp, IndexRule, IntType, Op, OperandKind, Temp, UnaryOp, Union,
};
use crate::lang::ast::{self, Expr, ExprKind};

/// The functions of numbers and of storage, besides the conversions to integer types.
pub(super) const FUNCTIONS: [&str; 8] =
    ["div_trunc", "div_floor", "rem_trunc", "rem_floor", "wrap", "memory", "calls", "swap_bytes"];

/// A value: the temporary that holds it, and its type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typed {
    pub(super) temp: Temp,
    pub(super) ty: Type,
}

impl Lowering<'_, '_> {
    /// The value of an expression. A number without a type of its own takes the type `wanted`.
    pub(super) fn expr(&mut self, expr: &Expr, wanted: Option<Type>) -> Option<Typed> {
        match &expr.kind {
            ExprKind::Int(value) => self.literal(*value, expr.span, wanted),
            ExprKind::Bits(bits) => self.bits(*bits, expr.span, wanted),
            ExprKind::Float(value) => {
                self.emit(Op::Const(Union::float(*value)), Type::Float, expr.span)
            }
            ExprKind::Bool(value) => self.emit(Op::Const(u64::from(*value)), Type::Bool, expr.span),
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::Index(base, index) if self.is_dynamic(base) => {
                self.element(base, index, expr.span)
            }
            ExprKind::Index(base, index) => self.read(base, index, expr.span),
            ExprKind::Call(function, arguments) => {
                self.call(function, arguments, expr.span, wanted)
            }
            ExprKind::Unary(op, inner) => self.unary(*op, inner, expr.span, wanted),
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b, expr.span, wanted),
            ExprKind::If(condition, then, other) => {
                self.select(condition, then, other, expr.span, wanted)
            }
            ExprKind::Match(values, arms) => self.match_value(values, arms, expr.span, wanted),
            ExprKind::Field(base, field) => self.field(base, field, expr.span),
            ExprKind::New(name, fields) => self.new_record(name, fields, expr.span),
            ExprKind::Slice(..) => self.unsupported(expr.span, "bits of a value"),
            ExprKind::Reserved(what) => self.unsupported(expr.span, what),
        }
    }

    pub(super) fn unsupported(&mut self, span: Span, what: &str) -> Option<Typed> {
        self.context.diagnostics.unsupported(span, what);
        None
    }

    /// A value that must be true or false.
    pub(super) fn condition(&mut self, expr: &Expr) -> Option<Temp> {
        let value = self.expr(expr, Some(Type::Bool))?;
        if value.ty != Type::Bool {
            self.context.diagnostics.error_with_help(
                expr.span,
                format!("expected true or false, found {}", value.ty),
                "compare it, as in `c != 0`",
            );
            return None;
        }
        Some(value.temp)
    }

    /// A value that must have a type.
    pub(super) fn expr_of(&mut self, expr: &Expr, ty: Type) -> Option<Temp> {
        let value = self.expr(expr, Some(ty))?;
        if value.ty == ty {
            return Some(value.temp);
        }
        let message = format!("expected {}, found {}", self.named(ty), self.named(value.ty));
        let help = match (ty, value.ty) {
            (Type::Int(ty), Type::Int(found)) if ty.includes(found) => {
                format!("write `{ty}(…)`, which keeps the value")
            }
            (Type::Int(ty), Type::Bool) => {
                format!("write `{ty}(…)`, which makes true 1 and false 0")
            }
            (Type::Int(ty), _) => format!("write `wrap({ty}, …)` to keep the low bits"),
            (Type::Value, found) => match self.variant_carrying(found) {
                Some(name) => format!("write `{name}(…)`, which makes it one"),
                None => return self.mismatch(expr.span, message),
            },
            (_, Type::Value) => "look at what it is: `match x { … }`".to_owned(),
            _ => return self.mismatch(expr.span, message),
        };
        self.context.diagnostics.error_with_help(expr.span, message, help);
        None
    }

    fn mismatch(&mut self, span: Span, message: String) -> Option<Temp> {
        self.context.diagnostics.error(span, message);
        None
    }

    fn literal(&mut self, value: i128, span: Span, wanted: Option<Type>) -> Option<Typed> {
        if wanted == Some(Type::Bool) {
            self.context.diagnostics.error(span, "expected true or false, found a number");
            return None;
        }
        if wanted == Some(Type::Float) {
            let float = Union::float(value as f64);
            return self.emit(Op::Const(float), Type::Float, span);
        }
        let Some(Type::Int(ty)) = wanted else {
            self.context.diagnostics.error_with_help(
                span,
                "the type of this number is not known",
                "give it one, as in `i32(7)` or `let x: i32 = 7`",
            );
            return None;
        };
        match ty.cell(value) {
            Some(cell) => self.emit(Op::Const(cell), Type::Int(ty), span),
            None => {
                let message = format!("{value} is not a value of type {ty}");
                self.context.diagnostics.error(span, message);
                None
            }
        }
    }

    /// A number that gives the bits of a value, so that masks read as masks.
    fn bits(&mut self, bits: u64, span: Span, wanted: Option<Type>) -> Option<Typed> {
        match wanted {
            Some(Type::Int(ty)) if IntType::unsigned(ty.bits).contains(i128::from(bits)) => {
                self.emit(Op::Const(ty.wrap(bits)), Type::Int(ty), span)
            }
            _ => self.literal(i128::from(bits), span, wanted),
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Typed> {
        let Some(binding) = self.scope.iter_mut().rev().find(|binding| binding.name == name) else {
            if let Some(unit) = self.unit_variant(name) {
                return self.emit(Op::Const(unit), Type::Value, span);
            }
            let known: Vec<String> =
                self.scope.iter().map(|binding| binding.name.clone()).collect();
            if self.effect.outputs.iter().any(|output| output.name.text == name) {
                self.context.diagnostics.error_with_help(
                    span,
                    format!("the output `{name}` cannot be read"),
                    "bind the value with `let`, then assign it and use it",
                );
            } else if self.complete {
                self.context.unknown(span, "name", name, known.iter().map(String::as_str));
            }
            return None;
        };
        binding.used = true;
        let value = binding.value?;
        match value.ty {
            Type::Bool
            | Type::Int(_)
            | Type::Value
            | Type::Float
            | Type::Str
            | Type::Array
            | Type::Map
            | Type::Closure
            | Type::Record(_)
            | Type::List
            | Type::Operand(OperandKind::Function) => Some(value),
            Type::Operand(OperandKind::Index(IndexRule { bank, .. })) => {
                let bank =
                    self.cx.machine.banks.get(usize::from(bank.0)).map_or("", |bank| &bank.name);
                self.context.diagnostics.error_with_help(
                    span,
                    format!("`{name}` is the index of a cell"),
                    format!("the cell is `{bank}[{name}]`"),
                );
                None
            }
            Type::Operand(_) => {
                self.context.diagnostics.error_with_help(
                    span,
                    format!("`{name}` is a place in the code"),
                    "it is used by `goto` or `call`",
                );
                None
            }
        }
    }

    fn read(&mut self, base: &Expr, index: &Expr, span: Span) -> Option<Typed> {
        let (IndexRule { bank, pair }, index) = self.cell(base, index)?;
        self.reads(span);
        let of = self.cx.machine.banks.get(usize::from(bank.0))?.of;
        let cell = self.emit(Op::Read { bank, index }, Type::of_cell(of), span)?;
        let Some(pair) = pair else { return Some(cell) };
        let index = self.next_index(index, span)?;
        let low = self.emit(Op::Read { bank, index }, Type::of_cell(of), span)?;
        self.join(cell.temp, low.temp, pair, span)
    }

    /// Reads come before writes.
    pub(super) fn reads(&mut self, span: Span) {
        let Some(write) = self.state.first_write else { return };
        let help = format!(
            "read it into a `let` before {write}; reads see the state before the instruction"
        );
        let span = self.use_of(span);
        self.context.diagnostics.error_with_help(span, "a read after a write", help);
    }

    /// The cells that `bank[operand]` means, and the first index.
    pub(super) fn cell(&mut self, base: &Expr, index: &Expr) -> Option<(IndexRule, Temp)> {
        let ExprKind::Name(bank_name) = &base.kind else {
            self.context.diagnostics.error(base.span, "expected the name of a bank of cells");
            return None;
        };
        let banks = &self.cx.machine.banks;
        let Some(at) = banks.iter().position(|bank| bank.name == *bank_name) else {
            if self.scope.iter().any(|binding| binding.name == *bank_name) {
                let message = format!("`{bank_name}` is no bank of cells, array or map");
                self.context.diagnostics.error(base.span, message);
                return None;
            }
            self.context.unknown(
                base.span,
                "bank of cells",
                bank_name,
                banks.iter().map(|bank| bank.name.as_str()),
            );
            return None;
        };
        let bank = BankId(at as u8);
        if let Some(value) = index.number() {
            if !storage::is_of_program(&banks[at], index.span, self.context) {
                return None;
            }
            if !(0..i128::from(banks[at].count)).contains(&value) {
                let message = format!("`{bank_name}` has the cells 0 to {}", banks[at].count - 1);
                self.context.diagnostics.error(index.span, message);
                return None;
            }
            let wide = Type::Int(IntType::unsigned(64));
            let cell = self.emit(Op::Const(value as u64), wide, index.span)?;
            return Some((IndexRule { bank, pair: None }, cell.temp));
        }
        let ExprKind::Name(name) = &index.kind else {
            self.context.diagnostics.unsupported(index.span, "a computed index");
            return None;
        };
        let Some(binding) = self.scope.iter_mut().rev().find(|binding| binding.name == *name)
        else {
            self.name(name, index.span);
            return None;
        };
        binding.used = true;
        let value = binding.value?;
        match value.ty {
            Type::Operand(OperandKind::Index(rule)) if rule.bank == bank => {
                return Some((rule, value.temp));
            }
            Type::Int(_) | Type::Bool if self.operand_named(name).is_none() => {
                self.context.diagnostics.unsupported(index.span, "a computed index");
            }
            _ => self.context.diagnostics.error_with_help(
                index.span,
                format!("`{name}` is not an index of `{bank_name}`"),
                format!("declare it as one in the encoding: `{name}:u8 as {bank_name}`"),
            ),
        }
        None
    }

    fn call(
        &mut self,
        function: &Expr,
        arguments: &[Expr],
        span: Span,
        wanted: Option<Type>,
    ) -> Option<Typed> {
        let ExprKind::Name(name) = &function.kind else {
            return self.unsupported(span, "a call of a value");
        };
        let divide = match name.as_str() {
            "div_trunc" => Some(BinaryOp::DivTrunc),
            "div_floor" => Some(BinaryOp::DivFloor),
            "rem_trunc" => Some(BinaryOp::RemTrunc),
            "rem_floor" => Some(BinaryOp::RemFloor),
            _ => None,
        };
        match (divide, name.as_str(), arguments) {
            (Some(op), _, [a, b]) => {
                let (left, right) = self.operands(a, b, wanted)?;
                let ty = match (left.ty, op) {
                    (Type::Int(ty), _) => ty,
                    (Type::Float, BinaryOp::RemTrunc) => {
                        let op = Op::Float { op: FloatOp::Rem, a: left.temp, b: right.temp };
                        return self.emit(op, Type::Float, span);
                    }
                    _ => {
                        let message = "a division takes integers (and `rem_trunc` floats)";
                        self.context.diagnostics.error(span, message);
                        return None;
                    }
                };
                self.guarded_divisor(b, right.temp);
                let (a, b) = (left.temp, right);
                self.emit(Op::Binary { op, ty, a, b: b.temp }, Type::Int(ty), span)
            }
            (Some(_), _, _) => self.arity(name, 2, span),
            (None, "wrap", [ty, value]) => self.wrap(ty, value, span),
            (None, "wrap", _) => self.arity(name, 2, span),
            (None, _, [value]) if machine::parse_int_type(name).is_some() => {
                let ty = machine::parse_int_type(name)?;
                self.convert(ty, value, span)
            }
            (None, "memory", [ty, address]) => self.load(ty, address, span),
            (None, "memory", _) => self.arity(name, 2, span),
            (None, "calls", []) => self.active_calls(span),
            (None, "calls", _) => self.arity(name, 0, span),
            (None, "swap_bytes", [value]) => self.swap_bytes(value, span, wanted),
            (None, "swap_bytes", _) => self.arity(name, 1, span),
            (None, "f32" | "one_of" | "unspecified", _) => {
                self.unsupported(span, &format!("the function `{name}`"))
            }
            _ => match self.definition(name) {
                Some(definition) => self.apply(name, definition, arguments, span),
                None => self.dynamic_call(name, arguments, span).unwrap_or_else(|| {
                    self.unknown_function(name, function.span);
                    arguments.iter().for_each(|argument| self.take_for_used(argument));
                    None
                }),
            },
        }
    }

    fn unknown_function(&mut self, name: &str, span: Span) {
        if self.is_defined_later(name) {
            let message = format!("`{name}` is not defined before this");
            let help = "a definition can use those that stand before it";
            return self.context.diagnostics.error_with_help(span, message, help);
        }
        let defined = self.cx.definitions.keys().map(String::as_str);
        let known = FUNCTIONS.into_iter().chain(["i32"]).chain(super::dynamic::FUNCTIONS);
        self.context.unknown(span, "function", name, known.chain(defined));
    }

    pub(super) fn arity(&mut self, name: &str, count: usize, span: Span) -> Option<Typed> {
        let plural = if count == 1 { "" } else { "s" };
        self.context.diagnostics.error(span, format!("`{name}` takes {count} argument{plural}"));
        None
    }

    /// A divisor must be known not to be zero: the action says what happens when it is.
    fn guarded_divisor(&mut self, divisor: &Expr, temp: Temp) {
        if divisor.number() == Some(0) {
            self.context.diagnostics.error(divisor.span, "the divisor is zero");
        } else if divisor.number().is_none() && !self.state.facts.contains(&Fact::NotZero(temp)) {
            let help = match &divisor.kind {
                ExprKind::Name(name) => {
                    format!("say before it what happens then: `trap … if {name} == 0`")
                }
                _ => "bind it with `let` and say what happens when it is zero: `trap … if d == 0`"
                    .to_owned(),
            };
            self.context.diagnostics.error_with_help(divisor.span, "the divisor may be zero", help);
        }
    }

    fn wrap(&mut self, ty: &Expr, value: &Expr, span: Span) -> Option<Typed> {
        let ExprKind::Name(name) = &ty.kind else {
            self.context.diagnostics.error(ty.span, "expected a type, as in `wrap(i32, x)`");
            return None;
        };
        let ty = machine::int_type(name, ty.span, self.context)?;
        let inner = self.expr(value, Some(Type::Int(IntType::unsigned(64))))?;
        match inner.ty {
            // Nothing is lost.
            Type::Int(from) if ty.includes(from) => Some(Typed { ty: Type::Int(ty), ..inner }),
            Type::Int(_) => {
                self.emit(Op::Unary { op: UnaryOp::Wrap, ty, a: inner.temp }, Type::Int(ty), span)
            }
            found => {
                self.context
                    .diagnostics
                    .error(value.span, format!("expected an integer, found {found}"));
                None
            }
        }
    }

    /// `T(x)`, which keeps the value.
    fn convert(&mut self, ty: IntType, value: &Expr, span: Span) -> Option<Typed> {
        let inner = self.expr(value, Some(Type::Int(ty)))?;
        match inner.ty {
            Type::Int(from) if !ty.includes(from) => {
                self.context.diagnostics.error_with_help(
                    span,
                    format!("not every {from} is a value of type {ty}"),
                    format!("write `wrap({ty}, …)` to keep the low bits"),
                );
                None
            }
            // A cell of a type is a cell of every type that includes it.
            Type::Int(_) => Some(Typed { ty: Type::Int(ty), ..inner }),
            Type::Bool if ty.contains(1) => Some(Typed { ty: Type::Int(ty), ..inner }),
            found => {
                self.context.diagnostics.error(span, format!("no {found} is a value of type {ty}"));
                None
            }
        }
    }

    fn unary(
        &mut self,
        op: ast::UnaryOp,
        inner: &Expr,
        span: Span,
        wanted: Option<Type>,
    ) -> Option<Typed> {
        match op {
            ast::UnaryOp::Minus if wanted == Some(Type::Float) || self.is_float(inner) => {
                let a = self.expr_of(inner, Type::Float)?;
                self.emit(Op::Float { op: FloatOp::Neg, a, b: a }, Type::Float, span)
            }
            ast::UnaryOp::Minus => {
                self.context.diagnostics.error_with_help(
                    span,
                    "a negation may not fit",
                    "write `0 -% x`, which wraps",
                );
                None
            }
            ast::UnaryOp::Not => {
                let a = self.condition(inner)?;
                let temp = self.not(a, span)?;
                Some(Typed { temp, ty: Type::Bool })
            }
            ast::UnaryOp::Complement => {
                let value = self.expr(inner, wanted)?;
                match value.ty {
                    Type::Int(ty) => {
                        self.emit(Op::Unary { op: UnaryOp::Not, ty, a: value.temp }, value.ty, span)
                    }
                    found => {
                        let message = format!("expected an integer, found {found}");
                        self.context.diagnostics.error(inner.span, message);
                        None
                    }
                }
            }
        }
    }

    /// Two values of one type; a number without a type takes that of the other.
    fn operands(&mut self, a: &Expr, b: &Expr, wanted: Option<Type>) -> Option<(Typed, Typed)> {
        let literal_first = is_literal(a) && !is_literal(b);
        let (first, second) = if literal_first { (b, a) } else { (a, b) };
        // Both are examined even if one is faulty; a number then has no type to take.
        let first = self.expr(first, wanted);
        let second = match first {
            None if is_literal(second) => None,
            _ => self.expr(second, first.map(|value| value.ty).or(wanted)),
        };
        let (left, right) = if literal_first { (second?, first?) } else { (first?, second?) };
        if left.ty != right.ty {
            let types = [self.named(left.ty), self.named(right.ty)].join(" and ");
            let message = format!("the operands have different types: {types}");
            let span = Span { start: a.span.start, ..b.span };
            self.context.diagnostics.error_with_help(
                span,
                message,
                "convert one of them: `T(x)` keeps the value, `wrap(T, x)` keeps the low bits",
            );
            return None;
        }
        Some((left, right))
    }

    fn binary(
        &mut self,
        op: ast::BinaryOp,
        a: &Expr,
        b: &Expr,
        span: Span,
        wanted: Option<Type>,
    ) -> Option<Typed> {
        use ast::BinaryOp as Source;
        let (op, swapped) = match op {
            Source::WrapAdd => (BinaryOp::Add, false),
            Source::WrapSub => (BinaryOp::Sub, false),
            Source::WrapMul => (BinaryOp::Mul, false),
            Source::And => (BinaryOp::And, false),
            Source::Or => (BinaryOp::Or, false),
            Source::Xor => (BinaryOp::Xor, false),
            Source::Eq => (BinaryOp::Eq, false),
            Source::Ne => (BinaryOp::Ne, false),
            Source::Lt => (BinaryOp::Lt, false),
            Source::Le => (BinaryOp::Le, false),
            Source::Gt => (BinaryOp::Lt, true),
            Source::Ge => (BinaryOp::Le, true),
            Source::Shl => return self.shift(BinaryOp::Shl, a, b, span, wanted),
            Source::Shr => return self.shift(BinaryOp::Shr, a, b, span, wanted),
            Source::LogicalAnd => return self.logical(BinaryOp::And, a, b, span),
            Source::LogicalOr => return self.logical(BinaryOp::Or, a, b, span),
            Source::Add | Source::Sub | Source::Mul | Source::Div | Source::Rem => {
                return self.plain_arithmetic(op, a, b, span, wanted);
            }
        };
        // The type that is wanted of a comparison says nothing about what it compares.
        let wanted = wanted.filter(|_| !op.is_comparison());
        let (left, right) = self.operands(a, b, wanted)?;
        let ty = match left.ty {
            Type::Int(ty) => ty,
            found if op.is_comparison() && !matches!(found, Type::Bool | Type::Operand(_)) => {
                return self.compare(op, swapped, left, right, span);
            }
            // Equality of truth values is that of the cells.
            Type::Bool if matches!(op, BinaryOp::Eq | BinaryOp::Ne) => IntType::unsigned(1),
            found => {
                self.context.diagnostics.error(span, format!("expected integers, found {found}"));
                return None;
            }
        };
        let (a, b) = if swapped { (right.temp, left.temp) } else { (left.temp, right.temp) };
        let result = if op.is_comparison() { Type::Bool } else { Type::Int(ty) };
        self.emit(Op::Binary { op, ty, a, b }, result, span)
    }

    /// `+ - * / %`, which only floats have: of integers they do not say what is meant.
    fn plain_arithmetic(
        &mut self,
        op: ast::BinaryOp,
        a: &Expr,
        b: &Expr,
        span: Span,
        wanted: Option<Type>,
    ) -> Option<Typed> {
        use ast::BinaryOp::{Div, Rem};
        let of_floats = wanted == Some(Type::Float) || self.is_float(a) || self.is_float(b);
        if op != Rem && of_floats {
            return self.float_arithmetic(op, a, b, span);
        }
        let (message, help) = if self.is_value(a) || self.is_value(b) {
            ("arithmetic with a dynamic value", "look at what it is: `match x { … }`")
        } else if matches!(op, Div | Rem) {
            let help = "write `div_trunc`, `div_floor`, `rem_trunc` or `rem_floor`";
            ("a division has several meanings", help)
        } else {
            ("the result may not fit", "write `+%`, `-%` or `*%`, which wrap")
        };
        self.context.diagnostics.error_with_help(span, message, help);
        None
    }

    /// The count may have any integer type; it is taken modulo the width.
    fn shift(
        &mut self,
        op: BinaryOp,
        a: &Expr,
        b: &Expr,
        span: Span,
        wanted: Option<Type>,
    ) -> Option<Typed> {
        let value = self.expr(a, wanted)?;
        let count = self.expr(b, Some(Type::Int(IntType::unsigned(64))))?;
        let (Type::Int(ty), Type::Int(_)) = (value.ty, count.ty) else {
            self.context.diagnostics.error(span, "a shift takes integers");
            return None;
        };
        if !ty.bits.is_power_of_two() {
            self.context.diagnostics.unsupported(span, format!("a shift of a value of type {ty}"));
            return None;
        }
        self.emit(Op::Binary { op, ty, a: value.temp, b: count.temp }, value.ty, span)
    }

    fn logical(&mut self, op: BinaryOp, a: &Expr, b: &Expr, span: Span) -> Option<Typed> {
        let left = self.condition(a);
        // The right side matters only where the left one does not decide.
        let facts = self.state.facts.clone();
        self.learn(a, op == BinaryOp::And);
        self.choices += 1;
        let right = self.condition(b);
        self.choices -= 1;
        self.state.facts = facts;
        let op = Op::Binary { op, ty: IntType::unsigned(1), a: left?, b: right? };
        self.emit(op, Type::Bool, span)
    }

    fn select(
        &mut self,
        condition: &Expr,
        then: &Expr,
        other: &Expr,
        span: Span,
        wanted: Option<Type>,
    ) -> Option<Typed> {
        let cond = self.condition(condition);
        let facts = self.state.facts.clone();
        self.choices += 1;
        self.learn(condition, true);
        let then_value = self.expr(then, wanted);
        self.state.facts = facts.clone();
        self.learn(condition, false);
        let other_value = self.expr(other, wanted.or(then_value.map(|value| value.ty)));
        self.state.facts = facts;
        self.choices -= 1;
        let (then_value, other_value) = (then_value?, other_value?);
        if then_value.ty != other_value.ty {
            let types = [self.named(then_value.ty), self.named(other_value.ty)].join(" and ");
            let message = format!("the values have different types: {types}");
            self.context.diagnostics.error(span, message);
            return None;
        }
        let op = Op::Select { cond: cond?, then: then_value.temp, other: other_value.temp };
        self.emit(op, then_value.ty, span)
    }
}

fn is_literal(expr: &Expr) -> bool {
    expr.number().is_some()
}
