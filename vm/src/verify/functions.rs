//! Functions of a module: where they lie in the code, and what operands may name of the module.

use std::ops::Range;

use bytestone_spec::isa::{ConstantRule, IntType, Isa, OperandKind, Owner};

use super::finding::{Cause, Findings};
use crate::module::{Capture, Function, Module};
use crate::program::Program;

/// The functions of a program in the order of their code. A raw program is one.
pub(super) struct Functions<'a> {
    module: Option<&'a Module>,
    end: u32,
}

impl<'a> Functions<'a> {
    pub fn of(program: &'a Program) -> Self {
        Self { module: program.module(), end: program.code().len() as u32 }
    }

    /// The module, if the program is one.
    pub fn module(&self) -> Option<&'a Module> {
        self.module
    }

    /// Each function that has code, and where it lies.
    pub fn with_code(&self) -> impl Iterator<Item = (Range<u32>, Option<&'a Function>)> {
        let functions = self.module.map_or(&[][..], |module| &module.functions).iter();
        let whole = self.module.is_none().then_some((0..self.end, None));
        let ranges = functions.map(|it| (it.start..it.start + it.len, Some(it)));
        ranges.chain(whole).filter(|(range, _)| !range.is_empty())
    }
}

/// An operand that names a part of the module.
#[derive(Clone, Copy, Debug)]
pub(super) enum Naming {
    /// A constant.
    Constant(ConstantRule),
    /// A function.
    Function,
    /// A variable of the frame.
    Local,
    /// A variable of the closure.
    Upvalue,
}

impl Naming {
    /// What an operand of a kind names, if that is a part of the module.
    pub fn of(isa: &Isa, kind: OperandKind) -> Option<Self> {
        match kind {
            OperandKind::Constant(rule) => Some(Self::Constant(rule)),
            OperandKind::Function => Some(Self::Function),
            OperandKind::Index(rule) => {
                match isa.machine().banks.get(usize::from(rule.bank.0))?.owner {
                    Owner::Program => None,
                    Owner::Frame => Some(Self::Local),
                    Owner::Closure => Some(Self::Upvalue),
                }
            }
            OperandKind::Immediate | OperandKind::Label(_) => None,
        }
    }
}

/// Examines the operands of an instruction of `function` that name parts of the module; the first fault is
/// noted.
pub(super) fn check_names(
    isa: &Isa,
    module: &Module,
    function: &Function,
    names: &[(usize, IntType, Naming)],
    (at, operands): (u32, &[u64]),
    findings: &mut Findings,
) {
    for &(operand, raw, naming) in names {
        let index = raw.value(operands[operand]);
        let cause = match naming {
            Naming::Constant(rule) => constant(isa, module, rule, index),
            Naming::Function => called(module, function, index),
            Naming::Local => outside(index, function.locals as usize, "variable"),
            Naming::Upvalue => outside(index, function.captures.len(), "captured variable"),
        };
        if let Some(cause) = cause {
            return findings.add(at, cause);
        }
    }
}

fn outside(index: i128, count: usize, what: &'static str) -> Option<Cause> {
    let inside = index >= 0 && index < count as i128;
    (!inside).then_some(Cause::Part { index, count, what })
}

fn constant(isa: &Isa, module: &Module, rule: ConstantRule, number: i128) -> Option<Cause> {
    let index = number - i128::from(rule.first);
    if let Some(cause) = outside(index, module.constants.len(), "constant") {
        return Some(cause);
    }
    let constant = module.constants.get(usize::try_from(index).ok()?)?;
    let union = isa.machine().union.as_ref()?;
    let wrong = rule.of.is_some() && constant.variant(union) != rule.of;
    wrong.then_some(Cause::Variant { number })
}

/// A function that becomes a closure: it must be there, and what it captures must be there too.
fn called(module: &Module, function: &Function, index: i128) -> Option<Cause> {
    if let Some(cause) = outside(index, module.functions.len(), "function") {
        return Some(cause);
    }
    let callee = module.functions.get(usize::try_from(index).ok()?)?;
    callee.captures.iter().find_map(|capture| match *capture {
        Capture::Local(index) => {
            outside(index.into(), function.locals as usize, "variable to capture")
        }
        Capture::Upvalue(index) => {
            outside(index.into(), function.captures.len(), "captured variable to capture")
        }
    })
}

/// Holds what each function states of itself to the limits of the machine.
pub(super) fn check_limits(isa: &Isa, program: &Program, findings: &mut Findings) {
    let Some(module) = program.module() else { return };
    let machine = isa.machine();
    let of =
        |owner| machine.banks.iter().find(|bank| bank.owner == owner).map_or(0, |bank| bank.count);
    let depth = machine.stack.map_or(0, |stack| stack.depth);
    for function in &module.functions {
        let stated = [
            (function.locals, of(Owner::Frame), "variables"),
            (function.captures.len() as u32, of(Owner::Closure), "captured variables"),
            (function.max_stack, depth, "cells on the stack"),
        ];
        let ends = (function.len == 0).then_some(Cause::Runs);
        let beyond = stated.into_iter().find(|(stated, most, _)| stated > most);
        let beyond = beyond.map(|(stated, most, what)| Cause::Stated { stated, most, what });
        for cause in ends.into_iter().chain(beyond) {
            let first = program.index_at(function.start).unwrap_or(program.insns().len());
            findings.add(first as u32, cause);
        }
    }
}
