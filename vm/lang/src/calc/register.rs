//! Calculator programs for a register machine.
//!
//! Each variable that a program uses has a register of its own; the others hold what expressions
//! compute. The machine has no memory, so nothing can be spilled: a program that needs
//! more registers is refused. The operand that needs more of them is computed first (Sethi and
//! Ullman), which nobody can see: all that an expression can do besides is to trap, always in one way.

use bytestone_spec::isa::InsnId;
use bytestone_vm::codec::Codec;

use super::ast::{Expr, ExprKind, Op, Program, StatementKind, VARIABLES, Variable};
use crate::error::{CompileError, SourceError, SourceErrorKind};
use crate::listing::{Arg, Listing};
use crate::passes::{Replacement, Rule, Rules};
use crate::source::{Source, Span};

/// The instructions of a machine that has all that programs need.
#[derive(Clone, Copy)]
pub(super) struct Target {
    load: InsnId,
    load_high: InsnId,
    copy: InsnId,
    negate: InsnId,
    print: InsnId,
    halt: InsnId,
    /// By [`Op`].
    ops: [InsnId; Op::ALL.len()],
    registers: u8,
}

/// The most registers that are used.
const REGISTERS: u8 = 64;

impl Target {
    /// `None` if the machine is another one.
    pub(super) fn of(codec: &Codec<'_>) -> Option<Self> {
        let insn = |name| codec.mnemonic(name);
        let bank = codec.isa().find_bank("reg")?;
        let count = codec.isa().machine().banks.get(usize::from(bank.0))?.count;
        Some(Self {
            load: insn("LOAD")?,
            load_high: insn("LOADH")?,
            copy: insn("MOVE")?,
            negate: insn("NEG")?,
            print: insn("PRINT")?,
            halt: insn("HALT")?,
            ops: [insn("ADD")?, insn("SUB")?, insn("MUL")?, insn("DIV")?],
            registers: count.min(REGISTERS.into()) as u8,
        })
    }

    /// The code, and the registers of the variables.
    pub(super) fn listing(
        self,
        program: &Program,
        source: &Source,
    ) -> Result<(Listing, Vec<(Variable, u8)>), CompileError> {
        let mut writer = Writer::new(self, program, source);
        let mut line = 1;
        for statement in &program.statements {
            line = source.line(statement.span.start);
            match &statement.kind {
                StatementKind::Assign { variable, value } => {
                    let home = writer.home(*variable, statement.span)?;
                    writer.compute(&Weighed::new(value), home)?;
                }
                StatementKind::Print(value) => {
                    let register = writer.operand(&Weighed::new(value))?;
                    writer.listing.push(self.print, &[register.into()], line);
                    writer.release(register);
                }
                StatementKind::Result(value) => {
                    return Err(source.error(value.span, SourceErrorKind::NoResult).into());
                }
            }
        }
        writer.listing.push(self.halt, &[], line);
        let homes = program.variables().zip(0..).collect();
        Ok((writer.listing, homes))
    }

    pub(super) fn rules(self) -> Rules<'static> {
        let to_itself = Rule::new(1, move |steps| {
            let copy = steps[0].insn == self.copy;
            (copy && steps[0].args()[0] == steps[0].args()[1]).then_some(Replacement::Nothing)
        });
        let back = Rule::new(2, move |steps| {
            let copies = steps[0].insn == self.copy && steps[1].insn == self.copy;
            let reversed = steps[0].args().iter().eq(steps[1].args().iter().rev());
            (copies && reversed).then_some(Replacement::One(steps[0]))
        });
        Rules { peephole: vec![to_itself, back], ..Rules::default() }
    }
}

/// An expression with the number of registers that computing it takes.
struct Weighed<'a> {
    expr: &'a Expr,
    needs: u8,
    parts: Vec<Weighed<'a>>,
}

impl<'a> Weighed<'a> {
    fn new(expr: &'a Expr) -> Self {
        let parts: Vec<_> = match &expr.kind {
            ExprKind::Int(_) | ExprKind::Load(_) => Vec::new(),
            ExprKind::Negate(value) => vec![Self::new(value)],
            ExprKind::Binary { left, right, .. } => vec![Self::new(left), Self::new(right)],
        };
        let needs = match (&expr.kind, &parts[..]) {
            (ExprKind::Load(_), _) => 0,
            (_, [left, right]) if left.needs == right.needs => left.needs.saturating_add(1),
            (_, parts) => parts.iter().map(|part| part.needs).max().unwrap_or(0).max(1),
        };
        Self { expr, needs, parts }
    }
}

struct Writer<'s> {
    target: Target,
    source: &'s Source,
    listing: Listing,
    /// The register of each variable that occurs.
    homes: [Option<u8>; VARIABLES],
    variables: usize,
    /// The registers that hold nothing, as bits.
    free: u64,
}

impl<'s> Writer<'s> {
    fn new(target: Target, program: &Program, source: &'s Source) -> Self {
        let mut homes = [None; VARIABLES];
        let mut variables = 0;
        let mut free = u64::MAX.checked_shr(64 - u32::from(target.registers)).unwrap_or(0);
        for (variable, register) in program.variables().zip(0..) {
            variables += 1;
            if register < target.registers {
                homes[usize::from(variable.index())] = Some(register);
                free &= !(1 << register);
            }
        }
        Self { target, source, listing: Listing::default(), homes, variables, free }
    }

    /// The register of a variable.
    fn home(&self, variable: Variable, span: Span) -> Result<u8, SourceError> {
        self.homes[usize::from(variable.index())].ok_or_else(|| self.out_of_registers(span))
    }

    fn out_of_registers(&self, span: Span) -> SourceError {
        let (variables, registers) = (self.variables, self.target.registers.into());
        self.source.error(span, SourceErrorKind::OutOfRegisters { variables, registers })
    }

    /// A register that holds nothing.
    fn claim(&mut self, span: Span) -> Result<u8, SourceError> {
        let register = self.free.trailing_zeros();
        if register == u64::BITS {
            return Err(self.out_of_registers(span));
        }
        self.free &= !(1 << register);
        Ok(register as u8)
    }

    /// Gives back a register, unless it is that of a variable.
    fn release(&mut self, register: u8) {
        if usize::from(register) >= self.variables {
            self.free |= 1 << register;
        }
    }

    /// The register that holds a value: that of the variable, or one that must be released.
    fn operand(&mut self, weighed: &Weighed<'_>) -> Result<u8, SourceError> {
        if let ExprKind::Load(variable) = weighed.expr.kind {
            return self.home(variable, weighed.expr.span);
        }
        let operands = self.operands(weighed)?;
        operands.iter().for_each(|&register| self.release(register));
        let into = self.claim(weighed.expr.span)?;
        self.operation(weighed.expr, &operands, into);
        Ok(into)
    }

    /// Computes a value into the register of a variable, which the value may use.
    fn compute(&mut self, weighed: &Weighed<'_>, into: u8) -> Result<(), SourceError> {
        let operands = self.operands(weighed)?;
        operands.iter().for_each(|&register| self.release(register));
        self.operation(weighed.expr, &operands, into);
        Ok(())
    }

    /// The registers of the operands of an operation, the left one first.
    fn operands(&mut self, weighed: &Weighed<'_>) -> Result<Vec<u8>, SourceError> {
        if let ExprKind::Load(variable) = weighed.expr.kind {
            return Ok(vec![self.home(variable, weighed.expr.span)?]);
        }
        match &weighed.parts[..] {
            [left, right] if left.needs < right.needs => {
                let right = self.operand(right)?;
                Ok(vec![self.operand(left)?, right])
            }
            parts => parts.iter().map(|part| self.operand(part)).collect(),
        }
    }

    /// Appends the instructions of one operation, whose operands are in registers.
    fn operation(&mut self, expr: &Expr, operands: &[u8], into: u8) {
        let (target, line) = (self.target, self.source.line(expr.span.start));
        let args: Vec<Arg> = [into].iter().chain(operands).map(|&it| it.into()).collect();
        match &expr.kind {
            ExprKind::Int(value) => {
                // The low half with its sign, and the high half where that is not all.
                let low = *value as i16;
                self.listing.push(target.load, &[into.into(), i32::from(low).into()], line);
                if i32::from(low) != *value {
                    let high = (*value as u32) >> 16;
                    self.listing.push(target.load_high, &[into.into(), high.into()], line);
                }
            }
            ExprKind::Load(_) => self.listing.push(target.copy, &args, line),
            ExprKind::Negate(_) => self.listing.push(target.negate, &args, line),
            ExprKind::Binary { op, .. } => {
                self.listing.push(target.ops[*op as usize], &args, line);
            }
        }
    }
}
