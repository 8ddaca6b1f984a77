//! A program made ready to be run: targets and constants in place of their numbers, functions as calls need them.

use std::sync::Arc;

use bytestone_spec::isa::{Body, CodeEnd, ConstantRule, Isa, OperandKind, Union, Write, WriteTo};

use super::Stuck;
use crate::module::{Capture, Constant, Module};
use crate::program::Program;

/// What the steps of a run look at of a program.
#[derive(Clone, Debug)]
pub(super) struct Code<'a> {
    /// For each byte of the code the index of the instruction that starts there.
    starts: Vec<u32>,
    insns: Vec<Prepared<'a>>,
    /// Operand numbers of all instructions, with the target in place of a label's number.
    operands: Vec<u64>,
    end: CodeEnd,
    pub(super) functions: Functions,
    /// The texts among the constants, in the order of their handles.
    pub(super) texts: Vec<Arc<str>>,
}

/// In [`Code::starts`]: no instruction.
const NO_START: u32 = u32::MAX;

/// An instruction that is ready to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prepared<'a> {
    /// What it does.
    pub(super) body: &'a Body,
    /// The offset after it.
    pub(super) next: u32,
    first_operand: u32,
    /// The place after its last operand.
    last_operand: u32,
    /// How many values it prints at most, and calls of the host that it makes.
    pub(super) shows: u32,
    /// How many cells of a list it pops.
    pub(super) list: u32,
    /// Whether it makes something on the heap or lets it grow.
    pub(super) allocates: bool,
}

impl<'a> Prepared<'a> {
    fn new(body: &'a Body, next: u32, [first_operand, last_operand]: [u32; 2], list: u32) -> Self {
        let is_shown = |write: &&Write| matches!(write.to, WriteTo::Output | WriteTo::Host { .. });
        let shows = body.writes.iter().filter(is_shown).count() as u32;
        let allocates = body.allocates();
        Self { body, next, first_operand, last_operand, shows, list, allocates }
    }
}

/// The functions of a module as calls need them.
#[derive(Clone, Debug, Default)]
pub(super) struct Functions {
    list: Vec<Callable>,
}

/// What a call looks at of a function.
#[derive(Clone, Debug)]
pub(super) struct Callable {
    pub(super) start: u32,
    pub(super) arity: u32,
    pub(super) locals: u32,
    captures: Vec<Capture>,
}

impl Functions {
    fn of(module: Option<&Module>) -> Self {
        let functions = module.map_or(&[][..], |module| &module.functions);
        let list = functions.iter().map(|function| Callable {
            start: function.start,
            arity: function.arity,
            locals: function.locals,
            captures: function.captures.clone(),
        });
        Self { list: list.collect() }
    }

    pub(super) fn get(&self, function: u32) -> Option<&Callable> {
        self.list.get(function as usize)
    }

    pub(super) fn arity(&self, function: u32) -> u32 {
        self.get(function).map_or(0, |function| function.arity)
    }

    pub(super) fn captures(&self, function: u32) -> &[Capture] {
        self.get(function).map_or(&[], |function| &function.captures)
    }
}

impl<'a> Code<'a> {
    pub(super) fn of(isa: &'a Isa, program: &Program) -> Self {
        let (constants, texts) = constant_cells(isa.machine().union.as_ref(), program.module());
        let mut starts = vec![NO_START; program.code().len()];
        let mut insns = Vec::with_capacity(program.insns().len());
        let mut operands = Vec::new();
        for (at, insn) in program.insns().iter().enumerate() {
            starts[insn.offset as usize] = at as u32;
            let first_operand = operands.len();
            operands.extend(operand_values(isa, program, &constants, at));
            let body = &isa.instruction(insn.id).body;
            let list = body.list.map_or(0, |count| operands[first_operand + usize::from(count)]);
            let range = [first_operand as u32, operands.len() as u32];
            insns.push(Prepared::new(body, insn.next(), range, list as u32));
        }
        let functions = Functions::of(program.module());
        Self { starts, insns, operands, end: isa.code_end(), functions, texts }
    }

    /// The index of the instruction at `pc`; `None` when the program ran past its last one.
    #[inline]
    pub(super) fn index_at(&self, pc: u32) -> Result<Option<usize>, Stuck> {
        match self.starts.get(pc as usize) {
            Some(&at) if at != NO_START => Ok(Some(at as usize)),
            None if pc as usize == self.starts.len() && self.end == CodeEnd::Halt => Ok(None),
            _ => Err(Stuck::NoInstruction { at: pc.into() }),
        }
    }

    /// The instruction with an index that [`Code::index_at`] gave.
    #[inline]
    pub(super) fn insn(&self, at: usize) -> &Prepared<'a> {
        &self.insns[at]
    }

    /// The operands of an instruction, without its list.
    #[inline]
    pub(super) fn operands(&self, insn: &Prepared<'_>) -> &[u64] {
        let first = insn.first_operand as usize;
        &self.operands[first..first + usize::from(insn.body.operands)]
    }

    /// Where an element of an instruction's list leads.
    #[cold]
    pub(super) fn element(&self, insn: &Prepared<'_>, index: u64, at: u32) -> Result<u64, Stuck> {
        let first = insn.first_operand as usize + usize::from(insn.body.operands);
        let list = self.operands.get(first..insn.last_operand as usize).unwrap_or_default();
        let target = usize::try_from(index).ok().and_then(|index| list.get(index)).copied();
        target.ok_or(Stuck::BadIndex { at, index })
    }
}

/// The operands of an instruction as its body sees them: numbers, and the targets of labels.
fn operand_values<'p>(
    isa: &'p Isa,
    program: &'p Program,
    constants: &'p [u64],
    at: usize,
) -> impl Iterator<Item = u64> + 'p {
    let insn = &program.insns()[at];
    let (described, origin) = (isa.instruction(insn.id), program.origin(at));
    program.operands(at).iter().enumerate().map(move |(index, &cell)| {
        let number = described.operand_of(index);
        let operand = &described.operands[usize::from(number)];
        match operand.kind {
            OperandKind::Immediate | OperandKind::Index(_) | OperandKind::Function => cell,
            OperandKind::Constant(rule) => constant(isa, rule, constants, cell),
            OperandKind::Label(_) => {
                // A target outside the code becomes one that no instruction can have.
                let target = insn.target(isa, number, cell, origin);
                target.and_then(|target| u64::try_from(target).ok()).unwrap_or(u64::MAX)
            }
        }
    })
}

/// A constant as a body sees it: a value, or the payload where only one variant is allowed.
fn constant(isa: &Isa, rule: ConstantRule, constants: &[u64], number: u64) -> u64 {
    let index = number.checked_sub(rule.first.into()).and_then(|index| usize::try_from(index).ok());
    let cell = index.and_then(|index| constants.get(index)).copied().unwrap_or(Union::FRESH);
    match (rule.of, &isa.machine().union) {
        (Some(variant), Some(union)) => union.payload(cell, variant),
        _ => cell,
    }
}

/// The cells of the constants of a module, and the texts among them: handles count these from 0.
fn constant_cells(union: Option<&Union>, module: Option<&Module>) -> (Vec<u64>, Vec<Arc<str>>) {
    let (Some(union), Some(module)) = (union, module) else { return Default::default() };
    let mut texts = Vec::new();
    let cells = module.constants.iter().map(|constant| {
        let payload = match constant {
            Constant::Unit => 0,
            Constant::Bool(value) => u64::from(*value),
            Constant::Int(value) => *value as u64,
            Constant::Float(bits) => *bits,
            Constant::Str(text) => {
                texts.push(Arc::clone(text));
                texts.len() as u64 - 1
            }
        };
        let variant = constant.variant(union);
        variant.map_or(Union::FRESH, |variant| union.make(variant, payload))
    });
    (cells.collect(), texts)
}
