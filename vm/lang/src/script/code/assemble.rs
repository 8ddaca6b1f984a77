//! From what was written of functions to a module: constants, limits, bytes.

use bytestone_spec::isa::{Isa, OperandKind, Owner};
use bytestone_vm::codec::Codec;
use bytestone_vm::limits;
use bytestone_vm::module::{FunctionBuilder, Module, ModuleBuilder};

use super::function::Draft;
use crate::emit;
use crate::error::CompileError;
use crate::listing::{Arg, Entry, Listing};

/// The module of functions whose constants are those of `pool`.
pub(super) fn assemble(
    codec: &Codec<'_>,
    mut drafts: Vec<Draft>,
    pool: &ModuleBuilder,
) -> Result<Module, CompileError> {
    let isa = codec.isa();
    let mut module = ModuleBuilder::for_isa(isa);
    for draft in &mut drafts {
        keep_constants(&mut draft.listing, isa, pool, &mut module);
    }
    at_most("functions", drafts.len(), limits::FUNCTIONS)?;
    at_most("constants", module.constants().len(), limits::CONSTANTS)?;
    for draft in drafts {
        module.function(function(codec, draft)?);
    }
    Ok(module.finish()?)
}

/// Takes over the constants that a listing still names, with the numbers that they have in `module`.
fn keep_constants(
    listing: &mut Listing,
    isa: &Isa,
    pool: &ModuleBuilder,
    module: &mut ModuleBuilder,
) {
    for entry in &mut listing.entries {
        let Entry::Step(step) = entry else { continue };
        for (operand, arg) in isa.instruction(step.insn).operands.iter().zip(step.args_mut()) {
            let (OperandKind::Constant(rule), Arg::Number(number)) = (operand.kind, &mut *arg)
            else {
                continue;
            };
            if let Some(constant) = pool.constants().get(*number as usize) {
                let index = module.constant(constant.clone());
                *number = i64::from(index) + i64::from(rule.first);
            }
        }
    }
}

fn function(codec: &Codec<'_>, draft: Draft) -> Result<FunctionBuilder, CompileError> {
    let cells = |owner| {
        let banks = &codec.isa().machine().banks;
        banks.iter().find(|bank| bank.owner == owner).map_or(0, |bank| bank.count)
    };
    let locals = draft.local_names.len();
    at_most("variables of one function", locals, cells(Owner::Frame).min(limits::LOCALS))?;
    let captures = draft.captures.len();
    let most = cells(Owner::Closure).min(limits::CAPTURES);
    at_most("captured variables of one function", captures, most)?;
    let emitted = emit::emit(codec, &draft.listing)?;
    let mut builder = FunctionBuilder::new(draft.name);
    builder.arity = draft.arity;
    builder.locals = locals as u32;
    builder.max_stack = emitted.max_stack;
    builder.captures = draft.captures;
    builder.local_names = draft.local_names.iter().map(|name| Box::from(&**name)).collect();
    let mut rest = &emitted.code[..];
    for entry in emitted.lines.entries() {
        let (before, after) = rest.split_at(entry.offset as usize - builder.code.len());
        builder.code.extend_from_slice(before);
        builder.line(entry.line);
        rest = after;
    }
    builder.code.extend_from_slice(rest);
    Ok(builder)
}

fn at_most(what: &'static str, found: usize, most: u32) -> Result<(), CompileError> {
    let most = most as usize;
    if found > most { Err(CompileError::TooMany { what, found, most }) } else { Ok(()) }
}
