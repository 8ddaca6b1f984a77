//! Expressions of dynamic values: floats, texts, arrays, maps, closures, and what is made on the heap.

use super::body::{Lowering, Type};
use super::expr::Typed;
use crate::diagnostic::Span;
use crate::isa::{
    BinaryOp, Conversion, FloatOp, IntType, New, Op, OperandKind, Payload, Question, Temp, Union,
    VariantId, WriteTo,
};
use crate::lang::ast::{self, Expr, ExprKind};

/// The functions of dynamic values.
pub(super) const FUNCTIONS: [&str; 9] =
    ["f64", "trunc", "len", "has", "concat", "arity", "new_array", "new_map", "closure"];

const U32: IntType = IntType::unsigned(32);

impl Lowering<'_, '_> {
    pub(super) fn union(&self) -> Option<&Union> {
        self.cx.machine.union.as_ref()
    }

    /// The cell of a unit variant.
    pub(super) fn unit_variant(&self, name: &str) -> Option<u64> {
        let union = self.union()?;
        let at = union.variants.iter().position(|variant| variant.name == name)?;
        let is_unit = union.variants[at].payload == Payload::Unit;
        is_unit.then(|| union.make(VariantId(at as u8), 0))
    }

    /// The name of the variant that carries values of a type.
    pub(super) fn variant_carrying(&self, ty: Type) -> Option<&str> {
        let mut variants = self.union()?.variants.iter();
        let carrying = variants.find(|variant| Type::of_payload(variant.payload) == Some(ty));
        carrying.map(|variant| variant.name.as_str())
    }

    /// Whether `base[…]` is an element of a value or a global by name, and no cell of a bank.
    pub(super) fn is_dynamic(&self, base: &Expr) -> bool {
        let ExprKind::Name(name) = &base.kind else { return true };
        let named_globals = self.cx.machine.named_globals && name == "global";
        named_globals || matches!(self.type_of_name(name), Some(Type::Array | Type::Map))
    }

    fn type_of_name(&self, name: &str) -> Option<Type> {
        let binding = self.scope.iter().rev().find(|binding| binding.name == name)?;
        binding.value.map(|value| value.ty)
    }

    /// Whether an expression is the name of a dynamic value.
    pub(super) fn is_value(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Name(name) if self.type_of_name(name) == Some(Type::Value))
    }

    /// Whether an expression is a float by its form: literals take their type from it.
    pub(super) fn is_float(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Float(_) => true,
            ExprKind::Name(name) => self.type_of_name(name) == Some(Type::Float),
            ExprKind::Call(function, _) => {
                let ExprKind::Name(name) = &function.kind else { return false };
                let defined = self.definition(name).map(|definition| definition.result);
                name == "f64" || defined == Some(Type::Float)
            }
            ExprKind::Unary(_, inner) => self.is_float(inner),
            ExprKind::Binary(op, a, b) => {
                use ast::BinaryOp as Source;
                matches!(op, Source::Add | Source::Sub | Source::Mul | Source::Div)
                    && (self.is_float(a) || self.is_float(b))
            }
            _ => false,
        }
    }

    pub(super) fn float_arithmetic(
        &mut self,
        op: ast::BinaryOp,
        a: &Expr,
        b: &Expr,
        span: Span,
    ) -> Option<Typed> {
        let op = match op {
            ast::BinaryOp::Add => FloatOp::Add,
            ast::BinaryOp::Sub => FloatOp::Sub,
            ast::BinaryOp::Mul => FloatOp::Mul,
            _ => FloatOp::Div,
        };
        let a = self.expr_of(a, Type::Float);
        let b = self.expr_of(b, Type::Float);
        self.emit(Op::Float { op, a: a?, b: b? }, Type::Float, span)
    }

    /// A comparison of two values of one type that is no integer.
    pub(super) fn compare(
        &mut self,
        op: BinaryOp,
        swapped: bool,
        left: Typed,
        right: Typed,
        span: Span,
    ) -> Option<Typed> {
        let (a, b) = if swapped { (right.temp, left.temp) } else { (left.temp, right.temp) };
        let ask = |question| Op::Ask { question, a, b };
        let float = |op| Op::Float { op, a, b };
        let compared = match (left.ty, op) {
            (Type::Float, BinaryOp::Eq | BinaryOp::Ne) => float(FloatOp::Eq),
            (Type::Float, BinaryOp::Lt) => float(FloatOp::Lt),
            (Type::Float, BinaryOp::Le) => float(FloatOp::Le),
            (Type::Str, BinaryOp::Eq | BinaryOp::Ne) => ask(Question::StrEq),
            (Type::Str, BinaryOp::Lt) => ask(Question::StrLt),
            (Type::Str, BinaryOp::Le) => ask(Question::StrLe),
            (Type::Value, BinaryOp::Eq | BinaryOp::Ne) => ask(Question::Equal),
            (found, _) => {
                let message = format!("{found} has no order");
                self.context.diagnostics.error(span, message);
                return None;
            }
        };
        let result = self.emit(compared, Type::Bool, span)?;
        if op != BinaryOp::Ne {
            return Some(result);
        }
        let temp = self.not(result.temp, span)?;
        Some(Typed { temp, ty: Type::Bool })
    }

    /// A function of dynamic values or a variant; `None` if there is none of that name.
    pub(super) fn dynamic_call(
        &mut self,
        name: &str,
        arguments: &[Expr],
        span: Span,
    ) -> Option<Option<Typed>> {
        let union = self.union();
        let variant = union
            .and_then(|union| union.variants.iter().position(|variant| variant.name == name))
            .map(|at| VariantId(at as u8));
        if let Some(variant) = variant {
            return Some(self.make(name, variant, arguments, span));
        }
        Some(match (name, arguments) {
            ("f64", [value]) => self.float_of(value, span),
            ("trunc", [ty, value]) => self.truncate(ty, value, span),
            ("len", [value]) => self.length(value, span),
            ("has", [map, key]) => self.has(map, key, span),
            ("concat", [a, b]) => {
                let a = self.expr_of(a, Type::Str);
                let b = self.expr_of(b, Type::Str);
                a.zip(b).and_then(|(a, b)| self.new_cell(New::Concat(a, b), Type::Str, span))
            }
            ("arity", [closure]) => {
                let a = self.expr_of(closure, Type::Closure);
                a.and_then(|a| self.ask(Question::Arity, a, a, Type::Int(U32), span))
            }
            ("new_array", [list]) => self.new_array(list, span),
            ("new_map", []) => self.new_cell(New::Map, Type::Map, span),
            ("closure", [function]) => self.new_closure(function, span),
            ("trunc" | "has" | "concat", _) => self.arity(name, 2, span),
            ("f64" | "len" | "arity" | "new_array" | "closure", _) => self.arity(name, 1, span),
            ("new_map", _) => self.arity(name, 0, span),
            _ => return None,
        })
    }

    pub(super) fn ask(
        &mut self,
        question: Question,
        a: Temp,
        b: Temp,
        ty: Type,
        span: Span,
    ) -> Option<Typed> {
        self.reads(span);
        self.emit(Op::Ask { question, a, b }, ty, span)
    }

    /// `variant(payload)`.
    fn make(
        &mut self,
        name: &str,
        variant: VariantId,
        arguments: &[Expr],
        span: Span,
    ) -> Option<Typed> {
        let payload = self.union()?.variants.get(usize::from(variant.0))?.payload;
        let Some(ty) = Type::of_payload(payload) else {
            let message = format!("`{name}` carries nothing");
            let help = format!("write `{name}` alone");
            self.context.diagnostics.error_with_help(span, message, help);
            return None;
        };
        let [value] = arguments else { return self.arity(name, 1, span) };
        let a = self.expr_of(value, ty)?;
        self.emit(Op::Make { a, variant }, Type::Value, span)
    }

    /// `f64(x)`: the value of an integer, which must have at most 53 bits.
    fn float_of(&mut self, value: &Expr, span: Span) -> Option<Typed> {
        let inner = self.expr(value, Some(Type::Float))?;
        match inner.ty {
            Type::Float => Some(inner),
            Type::Int(ty) if ty.bits <= 53 => {
                let op = Op::Convert { way: Conversion::ToFloat, ty, a: inner.temp };
                self.emit(op, Type::Float, span)
            }
            found => {
                let message = format!("not every {found} is a value of type f64");
                self.context.diagnostics.error(span, message);
                None
            }
        }
    }

    /// `trunc(T, x)`: a float rounded toward zero, as near as the type comes; 0 for NaN.
    fn truncate(&mut self, ty: &Expr, value: &Expr, span: Span) -> Option<Typed> {
        let ExprKind::Name(name) = &ty.kind else {
            self.context.diagnostics.error(ty.span, "expected a type, as in `trunc(u32, x)`");
            return None;
        };
        let ty = super::machine::int_type(name, ty.span, self.context)?;
        let a = self.expr_of(value, Type::Float)?;
        let op = Op::Convert { way: Conversion::Truncate, ty, a };
        self.emit(op, Type::Int(ty), span)
    }

    fn length(&mut self, value: &Expr, span: Span) -> Option<Typed> {
        let inner = self.expr(value, None)?;
        let question = match inner.ty {
            Type::Str => Question::StrLen,
            Type::Array => Question::ArrayLen,
            Type::Map => Question::MapLen,
            found => {
                let message = format!("expected str, array or map, found {found}");
                self.context.diagnostics.error(value.span, message);
                return None;
            }
        };
        self.ask(question, inner.temp, inner.temp, Type::Int(U32), span)
    }

    /// Whether `base` is the globals by name.
    fn is_globals(&self, base: &Expr) -> bool {
        self.cx.machine.named_globals
            && matches!(&base.kind, ExprKind::Name(name) if name == "global")
    }

    fn has(&mut self, map: &Expr, key: &Expr, span: Span) -> Option<Typed> {
        if self.is_globals(map) {
            let a = self.expr_of(key, Type::Str)?;
            return self.ask(Question::HasGlobal, a, a, Type::Bool, span);
        }
        let a = self.expr_of(map, Type::Map);
        let b = self.expr_of(key, Type::Str);
        self.ask(Question::Has, a?, b?, Type::Bool, span)
    }

    /// `base[index]` of an array, a map or the globals by name.
    pub(super) fn element(&mut self, base: &Expr, index: &Expr, span: Span) -> Option<Typed> {
        if self.is_globals(base) {
            let a = self.expr_of(index, Type::Str)?;
            return self.ask(Question::Global, a, a, Type::Value, span);
        }
        let of = self.expr(base, None)?;
        let (question, wanted) = match of.ty {
            Type::Array => (Question::Element, Type::Int(U32)),
            Type::Map => (Question::Entry, Type::Str),
            found => {
                let message = format!("expected array or map, found {found}");
                self.context.diagnostics.error(base.span, message);
                return None;
            }
        };
        let b = self.expr_of(index, wanted)?;
        self.ask(question, of.temp, b, Type::Value, span)
    }

    /// `base[index] = value` of an array, a map or the globals by name.
    pub(super) fn assign_element(&mut self, base: &Expr, index: &Expr, value: &Expr) {
        let to = if self.is_globals(base) {
            self.expr_of(index, Type::Str).map(|name| (WriteTo::Global { name }, "global"))
        } else {
            let Some(of) = self.expr(base, None) else { return };
            match of.ty {
                Type::Array => self
                    .expr_of(index, Type::Int(U32))
                    .map(|index| (WriteTo::Element { array: of.temp, index }, "element")),
                Type::Map => self
                    .expr_of(index, Type::Str)
                    .map(|key| (WriteTo::Entry { map: of.temp, key }, "entry")),
                found => {
                    let message = format!("expected array or map, found {found}");
                    return self.context.diagnostics.error(base.span, message);
                }
            }
        };
        let value = self.expr_of(value, Type::Value);
        let (Some((to, clause)), Some(value)) = (to, value) else { return };
        let clause = self.clause(clause);
        self.write(to, value, clause, "the first write to the heap");
    }

    fn new_array(&mut self, list: &Expr, span: Span) -> Option<Typed> {
        let found = self.expr(list, Some(Type::List))?;
        if found.ty != Type::List {
            let message = format!("expected a list of inputs, found {}", found.ty);
            self.context.diagnostics.error(list.span, message);
            return None;
        }
        self.new_cell(New::Array, Type::Array, span)
    }

    fn new_closure(&mut self, function: &Expr, span: Span) -> Option<Typed> {
        let found = self.expr(function, None)?;
        if found.ty != Type::Operand(OperandKind::Function) {
            let message = format!("expected an operand that is a function, found {}", found.ty);
            self.context.diagnostics.error(function.span, message);
            return None;
        }
        self.new_cell(New::Closure(found.temp), Type::Closure, span)
    }

    /// A new cell of the heap, which comes to be if the statement at hand takes place.
    pub(super) fn new_cell(&mut self, what: New, ty: Type, span: Span) -> Option<Typed> {
        if self.choices > 0 {
            self.context.diagnostics.error_with_help(
                span,
                "something new in an expression that may not count",
                "make it in a statement: `if … { … }` or an arm of `match`",
            );
        }
        self.emit(Op::New { guard: self.state.guard, what }, ty, span)
    }
}
