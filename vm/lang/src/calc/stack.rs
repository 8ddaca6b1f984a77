//! Calculator programs for a stack machine.

use bytestone_spec::isa::{CodeEnd, InsnId, IntType};
use bytestone_vm::codec::Codec;

use super::ast::{Expr, ExprKind, Op, Program, StatementKind};
use crate::listing::{Arg, Listing, Step};
use crate::passes::{Replacement, Rule, Rules};
use crate::source::{Source, Span};

/// The instructions of a machine that has all that programs need.
#[derive(Clone, Copy)]
pub(super) struct Target {
    push: InsnId,
    pop: InsnId,
    load: InsnId,
    store: InsnId,
    print: InsnId,
    /// By [`Op`].
    ops: [InsnId; Op::ALL.len()],
    /// What ends a program, where the end of the code does not.
    halt: Option<InsnId>,
}

impl Target {
    /// `None` if the machine is another one. That mnemonics are there does not tell what they do: a machine that
    /// writes numbers otherwise may well compute otherwise too, and is none of those that were looked at.
    pub(super) fn of(codec: &Codec<'_>) -> Option<Self> {
        codec.isa().machine().stack?;
        let insn = |name| codec.mnemonic(name);
        let number = codec.isa().instruction(insn("PUSH")?).operands.first()?.raw;
        if number != IntType::signed(32) {
            return None;
        }
        let halt = match codec.isa().code_end() {
            CodeEnd::Halt => None,
            CodeEnd::Reject => Some(insn("HALT")?),
        };
        Some(Self {
            push: insn("PUSH")?,
            pop: insn("POP")?,
            load: insn("LOAD")?,
            store: insn("STORE")?,
            print: insn("PRINT")?,
            ops: [insn("ADD")?, insn("SUB")?, insn("MUL")?, insn("DIV")?],
            halt,
        })
    }

    pub(super) fn listing(self, program: &Program, source: &Source) -> Listing {
        let mut writer = Writer { target: self, source, listing: Listing::default() };
        let mut line = 1;
        for statement in &program.statements {
            line = source.line(statement.span.start);
            match &statement.kind {
                StatementKind::Assign { variable, value } => {
                    writer.expr(value);
                    writer.listing.push(self.store, &[variable.index().into()], line);
                }
                StatementKind::Print(value) => {
                    writer.expr(value);
                    writer.listing.push(self.print, &[], line);
                }
                StatementKind::Result(value) => writer.expr(value),
            }
        }
        if let Some(halt) = self.halt {
            writer.listing.push(halt, &[], line);
        }
        writer.listing
    }

    pub(super) fn rules(self) -> Rules<'static> {
        let [add, sub, mul, div] = self.ops;
        let is_push = move |step: &Step, value: i64| {
            step.insn == self.push && step.args() == [Arg::Number(value)]
        };
        // Adding or subtracting 0, multiplying or dividing by 1.
        let neutral = Rule::new(2, move |steps| {
            let (value, op) = (&steps[0], steps[1].insn);
            let is_neutral = match op {
                _ if op == add || op == sub => is_push(value, 0),
                _ if op == mul || op == div => is_push(value, 1),
                _ => false,
            };
            is_neutral.then_some(Replacement::Nothing)
        });
        let unused = Rule::new(2, move |steps| {
            let pushes = steps[0].insn == self.push || steps[0].insn == self.load;
            (pushes && steps[1].insn == self.pop).then_some(Replacement::Nothing)
        });
        let unchanged = Rule::new(2, move |steps| {
            let copies = steps[0].insn == self.load && steps[1].insn == self.store;
            (copies && steps[0].args() == steps[1].args()).then_some(Replacement::Nothing)
        });
        Rules { peephole: vec![neutral, unused, unchanged], ..Rules::default() }
    }
}

struct Writer<'s> {
    target: Target,
    source: &'s Source,
    listing: Listing,
}

impl Writer<'_> {
    fn line(&self, span: Span) -> u32 {
        self.source.line(span.start)
    }

    fn expr(&mut self, expr: &Expr) {
        let (target, line) = (self.target, self.line(expr.span));
        match &expr.kind {
            ExprKind::Int(value) => self.listing.push(target.push, &[(*value).into()], line),
            ExprKind::Load(variable) => {
                self.listing.push(target.load, &[variable.index().into()], line);
            }
            ExprKind::Negate(value) => {
                self.listing.push(target.push, &[0u8.into()], line);
                self.expr(value);
                self.listing.push(target.ops[Op::Sub as usize], &[], line);
            }
            ExprKind::Binary { op, left, right } => {
                self.expr(left);
                self.expr(right);
                self.listing.push(target.ops[*op as usize], &[], line);
            }
        }
    }
}
