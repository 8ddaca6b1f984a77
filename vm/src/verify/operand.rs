//! Operands: indexes that lie outside of their banks, and names of parts that the module does not have.

use bytestone_spec::isa::{ConstantRule, IntType, Isa, OperandKind, Owner};

use super::Subject;
use super::finding::{Cause, Findings};
use super::functions::{Code, with_code};
use super::shape::Shape;
use crate::module::{Capture, Function, Module};
use crate::program::Program;

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

/// Examines the operands of all instructions, except labels; one fault of each kind an instruction.
pub(super) fn check_operands(subject: Subject, findings: &mut Findings) {
    let Subject { isa, program, shapes, .. } = subject;
    if shapes.list.iter().all(|shape| shape.indexes.is_empty() && shape.names.is_empty()) {
        return;
    }
    for Code { insns, function, .. } in with_code(program) {
        for at in insns {
            let shape = shapes.of_insn(&program.insns()[at]);
            check_indexes(program, at, shape, findings);
            if let Some(owner) = function.filter(|_| !shape.names.is_empty()) {
                let named = (at as u32, program.operands(at));
                check_names(isa, owner, &shape.names, named, findings);
            }
        }
    }
}

fn check_indexes(program: &Program, at: usize, shape: &Shape, findings: &mut Findings) {
    for &(operand, raw, count) in &shape.indexes {
        let index = raw.value(program.operands(at)[operand]);
        if index < 0 || index >= i128::from(count) {
            findings.add(at as u32, Cause::Index { index, count });
            return;
        }
    }
}

/// Examines the operands of an instruction of `function` that name parts of its module; the first fault is
/// noted.
fn check_names(
    isa: &Isa,
    (module, function): (&Module, &Function),
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
