//! `match`: which arms there are, whether they cover every value, and what each does.

use super::{Lowering, Origin, Type};
use crate::check::expr::Typed;
use crate::diagnostic::Span;
use crate::isa::{BinaryOp, IntType, Op, Payload, Temp, VariantId};
use crate::lang::ast::{Arm, Expr, Name, Pattern, Stmt};
use crate::limits;

/// The variant that a value must be of, if any, and the name that its payload gets.
type Test<'a> = (Option<VariantId>, Option<&'a Name>);

impl Lowering<'_, '_> {
    pub(super) fn match_statement(&mut self, values: &[Expr], arms: &[Arm<Vec<Stmt>>], span: Span) {
        let Some((values, tests)) = self.examine(values, arms, span) else {
            self.partial = true;
            return;
        };
        self.statement_arms(&values, arms, &tests, span);
    }

    fn statement_arms(
        &mut self,
        values: &[Typed],
        arms: &[Arm<Vec<Stmt>>],
        tests: &[Vec<Test<'_>>],
        span: Span,
    ) {
        let ([arm, other_arms @ ..], [test, other_tests @ ..]) = (arms, tests) else { return };
        // The last arm covers what is left.
        if other_arms.is_empty() {
            let names = self.scope.len();
            self.bind_payloads(values, test, arm.span);
            self.statements(&arm.then);
            self.report_unused(names);
            self.scope.truncate(names);
            return;
        }
        let Some(cond) = self.tested(values, test, arm.span) else { return };
        self.two_ways(
            cond,
            span,
            |this| {
                this.bind_payloads(values, test, arm.span);
                this.statements(&arm.then);
            },
            |this| this.statement_arms(values, other_arms, other_tests, span),
        );
    }

    /// The value of the arm that matches.
    pub(in crate::check) fn match_value(
        &mut self,
        values: &[Expr],
        arms: &[Arm<Expr>],
        span: Span,
        wanted: Option<Type>,
    ) -> Option<Typed> {
        let (values, tests) = self.examine(values, arms, span)?;
        self.choices += 1;
        let value = self.value_arms(&values, arms, &tests, wanted);
        self.choices -= 1;
        value
    }

    fn value_arms(
        &mut self,
        values: &[Typed],
        arms: &[Arm<Expr>],
        tests: &[Vec<Test<'_>>],
        wanted: Option<Type>,
    ) -> Option<Typed> {
        let ([arm, other_arms @ ..], [test, other_tests @ ..]) = (arms, tests) else { return None };
        let names = self.scope.len();
        let cond = if other_arms.is_empty() { None } else { self.tested(values, test, arm.span) };
        self.bind_payloads(values, test, arm.span);
        let then = self.expr(&arm.then, wanted);
        self.report_unused(names);
        self.scope.truncate(names);
        if other_arms.is_empty() {
            return then;
        }
        let wanted = wanted.or(then.map(|then| then.ty));
        let other = self.value_arms(values, other_arms, other_tests, wanted);
        let (cond, then, other) = (cond?, then?, other?);
        if then.ty != other.ty {
            let types = [self.named(then.ty), self.named(other.ty)].join(" and ");
            let message = format!("the arms have different types: {types}");
            self.error(arm.then.span, message);
            return None;
        }
        self.emit(Op::Select { cond, then: then.temp, other: other.temp }, then.ty, arm.span)
    }

    /// The values that are compared and the tests of each arm; `None` if faults were reported.
    fn examine<'a, T>(
        &mut self,
        values: &[Expr],
        arms: &'a [Arm<T>],
        span: Span,
    ) -> Option<(Vec<Typed>, Vec<Vec<Test<'a>>>)> {
        let found: Vec<Option<Typed>> = values
            .iter()
            .map(|value| Some(Typed { temp: self.expr_of(value, Type::Value)?, ty: Type::Value }))
            .collect();
        let tests: Vec<Option<Vec<Test<'a>>>> =
            arms.iter().map(|arm| self.tests(arm, values.len())).collect();
        let found = found.into_iter().collect::<Option<Vec<_>>>()?;
        let tests = tests.into_iter().collect::<Option<Vec<_>>>()?;
        self.coverage(arms, &tests, values.len(), span)?;
        Some((found, tests))
    }

    fn tests<'a, T>(&mut self, arm: &'a Arm<T>, values: usize) -> Option<Vec<Test<'a>>> {
        if let [Pattern::Any] = arm.patterns.as_slice() {
            return Some(vec![(None, None); values]);
        }
        if arm.patterns.len() != values {
            let message = format!("expected {values} patterns, or `_` for all of them");
            self.error(arm.span, message);
            return None;
        }
        let tests: Vec<Option<Test<'a>>> =
            arm.patterns.iter().map(|pattern| self.test(pattern)).collect();
        tests.into_iter().collect()
    }

    fn test<'a>(&mut self, pattern: &'a Pattern) -> Option<Test<'a>> {
        let Pattern::Variant(name, bound) = pattern else { return Some((None, None)) };
        let variants = self.cx.machine.union.as_ref().map_or(&[][..], |union| &union.variants);
        let Some(at) = variants.iter().position(|variant| variant.name == name.text) else {
            let known = variants.iter().map(|variant| variant.name.as_str()).chain(["_"]);
            self.context.unknown(name.span, "variant", &name.text, known);
            return None;
        };
        if let (Payload::Unit, Some(bound)) = (variants[at].payload, bound) {
            self.error(bound.span, format!("`{}` carries nothing", name.text));
            return None;
        }
        Some((Some(VariantId(at as u8)), bound.as_ref()))
    }

    /// Every combination of variants must be covered, and each arm must cover one that no arm before
    /// it does.
    fn coverage<T>(
        &mut self,
        arms: &[Arm<T>],
        tests: &[Vec<Test<'_>>],
        values: usize,
        span: Span,
    ) -> Option<()> {
        let variants = self.cx.machine.union.as_ref().map_or(&[][..], |union| &union.variants);
        if values > limits::MATCHED {
            self.error(span, format!("at most {} values are matched at once", limits::MATCHED));
            return None;
        }
        let mut reached = vec![false; arms.len()];
        let mut missing = None;
        for combination in 0..variants.len().pow(values as u32) {
            let variant = |place: usize| {
                VariantId((combination / variants.len().pow(place as u32) % variants.len()) as u8)
            };
            let matches = |test: &Vec<Test<'_>>| {
                let mut places = (0..).zip(test);
                places.all(|(place, (of, _))| of.is_none_or(|of| of == variant(place)))
            };
            match tests.iter().position(matches) {
                Some(arm) => reached[arm] = true,
                None if missing.is_none() => {
                    let names: Vec<&str> = (0..values)
                        .map(|place| variants[usize::from(variant(place).0)].name.as_str())
                        .collect();
                    missing = Some(names.join(", "));
                }
                None => {}
            }
        }
        for (arm, reached) in arms.iter().zip(&reached) {
            if !reached {
                self.error(arm.span, "no value comes to this arm");
            }
        }
        if let Some(missing) = missing {
            let message = format!("`{missing}` is not covered");
            let help = "add an arm for it, or `_ => …` for the rest";
            self.context.diagnostics.error_with_help(span, message, help);
            return None;
        }
        reached.iter().all(|reached| *reached).then_some(())
    }

    /// Whether the values pass the tests of an arm.
    fn tested(&mut self, values: &[Typed], test: &[Test<'_>], span: Span) -> Option<Temp> {
        let mut all: Option<Temp> = None;
        for (value, (variant, _)) in values.iter().zip(test) {
            let Some(variant) = *variant else { continue };
            let one = self.emit(Op::Is { a: value.temp, variant }, Type::Bool, span)?.temp;
            all = Some(match all {
                None => one,
                Some(a) => {
                    let op = BinaryOp::And;
                    let op = Op::Binary { op, ty: IntType::unsigned(1), a, b: one };
                    self.emit(op, Type::Bool, span)?.temp
                }
            });
        }
        match all {
            Some(all) => Some(all),
            None => Some(self.emit(Op::Const(1), Type::Bool, span)?.temp),
        }
    }

    /// Brings the payloads of an arm into scope.
    fn bind_payloads(&mut self, values: &[Typed], test: &[Test<'_>], span: Span) {
        for (value, (variant, bound)) in values.iter().zip(test) {
            let (Some(variant), Some(name)) = (*variant, *bound) else { continue };
            let variants = self.cx.machine.union.as_ref().map_or(&[][..], |union| &union.variants);
            let payload = variants.get(usize::from(variant.0)).map(|variant| variant.payload);
            let Some(ty) = payload.and_then(Type::of_payload) else { continue };
            let value = self.emit(Op::Payload { a: value.temp, variant }, ty, span);
            self.declare(name, value, Origin::Let);
        }
    }
}
