//! Functions of a module: where they lie in the code, and the limits that they state.

use std::ops::Range;

use bytestone_spec::isa::{Isa, Owner};

use super::finding::{Cause, Findings};
use crate::module::{Function, Module};
use crate::program::Program;

/// The code of a function, of which there is some. A raw program is one function.
pub(super) struct Code<'a> {
    /// Where it lies.
    pub offsets: Range<u32>,
    /// The indexes of its instructions.
    pub insns: Range<usize>,
    /// The module and the function, if the program is a module.
    pub function: Option<(&'a Module, &'a Function)>,
}

/// The code of each function that has any, in order.
pub(super) fn with_code(program: &Program) -> impl Iterator<Item = Code<'_>> {
    let raw = program.module().is_none().then(|| Code {
        offsets: 0..program.code().len() as u32,
        insns: 0..program.insns().len(),
        function: None,
    });
    let functions = program.module().into_iter().flat_map(move |module| {
        module.functions.iter().enumerate().filter_map(move |(number, function)| {
            Some(Code {
                offsets: function.start..function.end(),
                insns: program.insns_of(number)?,
                function: Some((module, function)),
            })
        })
    });
    functions.chain(raw).filter(|code| !code.insns.is_empty())
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
