//! Functions of a module: where they lie in the code, and the limits that they state.

use std::ops::Range;

use bytestone_spec::isa::{Isa, Owner};

use super::finding::{Cause, Findings};
use crate::module::{Function, Module};
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
