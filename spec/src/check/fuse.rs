//! Fused instructions: the meaning of several instructions in a row as that of one step.

use indexmap::IndexMap;

use super::body::Meaning;
use super::encoding::Encoded;
use super::storage::is_of_program;
use super::{Context, InstructionContext, StackEffect, cells};
use crate::diagnostic::Span;
use crate::isa::{
    BinaryOp, Body, Clause, ClauseId, Instruction, IntType, Op, Operand, OperandKind, Temp,
    Transfer, TransferKind, TrapId, Write, WriteTo,
};
use crate::limits;

/// Instructions by mnemonic.
pub(super) type Simple<'a> = IndexMap<&'a str, &'a Instruction>;

/// The meaning of a fused instruction; `None` if faults were reported, here or in a part.
pub(super) fn fuse(
    cx: &InstructionContext<'_>,
    encoded: &Encoded,
    effect: &StackEffect,
    simple: &Simple<'_>,
    context: &mut Context<'_>,
) -> Option<Meaning> {
    let before = context.diagnostics.count();
    if cx.file.action.is_some() {
        let message = "a fused instruction has no `do`: its parts say what it means";
        context.diagnostics.error(cx.key_span("do"), message);
    }
    if encoded.list.is_some() || effect.list.is_some() {
        context.diagnostics.unsupported(cx.span("enc"), "a fused instruction with a list");
    }
    encoded.encodings.as_ref()?;
    let mut composer = Composer::new(cx, encoded, effect, context);
    let texts = cx.file.fuse.as_deref().unwrap_or_default();
    if texts.len() < 2 {
        let message = "a fused instruction has two parts or more";
        composer.context.diagnostics.error(cx.span("fuse"), message);
        return None;
    }
    for (at, (text, item)) in texts.iter().zip(cx.items("fuse")).enumerate() {
        let part = composer.part(text, item.span, simple)?;
        composer.add(&part, at + 1 == texts.len())?;
    }
    let meaning = composer.finish(encoded, texts.last(), simple);
    (context.diagnostics.count() == before).then_some(meaning)?
}

/// An instruction of the row with its operands.
struct Part<'a> {
    insn: &'a Instruction,
    /// The temporaries that hold its operands.
    arguments: Vec<Temp>,
    span: Span,
}

struct Composer<'a, 'c> {
    cx: &'a InstructionContext<'a>,
    context: &'a mut Context<'c>,
    effect: &'a StackEffect,
    operands: &'a [Operand],
    /// The operands that a part has.
    used: Vec<bool>,
    body: Body,
    clauses: Vec<Clause>,
    /// The temporaries that hold what is on the stack between two parts, bottom first.
    stack: Vec<Temp>,
    /// The fewest of them that there were.
    lowest: usize,
    raised: Vec<TrapId>,
}

impl<'a, 'c> Composer<'a, 'c> {
    fn new(
        cx: &'a InstructionContext<'a>,
        encoded: &'a Encoded,
        effect: &'a StackEffect,
        context: &'a mut Context<'c>,
    ) -> Self {
        let inputs = cells(&effect.inputs).len();
        Self {
            cx,
            context,
            effect,
            operands: &encoded.operands,
            used: vec![false; encoded.operands.len()],
            body: Body {
                inputs: inputs as u8,
                operands: encoded.operands.len() as u8,
                ..Body::default()
            },
            clauses: Vec::new(),
            stack: (0..inputs as u8).collect(),
            lowest: inputs,
            raised: Vec::new(),
        }
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.context.diagnostics.error(span, message);
    }

    /// Reads a part: a mnemonic, and operands between commas.
    fn part<'s>(&mut self, text: &str, span: Span, simple: &Simple<'s>) -> Option<Part<'s>> {
        let text = text.trim();
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let Some(&insn) = simple.get(name) else {
            match self.cx.spec.instructions.get(name) {
                Some(file) if file.fuse.is_some() => {
                    self.error(span, format!("`{name}` is itself fused"));
                }
                Some(_) => {} // Its faults were reported.
                None => {
                    let known = simple.keys().copied();
                    self.context.unknown(span, "instruction", name, known);
                }
            }
            return None;
        };
        if insn.count.is_some() || !insn.conditions.is_empty() {
            self.context.diagnostics.unsupported(span, "a part with a condition or a list");
            return None;
        }
        let words: Vec<&str> = match rest.trim() {
            "" => Vec::new(),
            rest => rest.split(',').map(str::trim).collect(),
        };
        if words.len() != insn.operands.len() {
            let message =
                format!("`{name}` takes {} operands, not {}", insn.operands.len(), words.len());
            self.error(span, message);
            return None;
        }
        let mut arguments = Vec::new();
        for (word, operand) in words.iter().zip(&insn.operands) {
            arguments.push(self.argument(word, operand, span)?);
        }
        Some(Part { insn, arguments, span })
    }

    /// The temporary of an operand of the fused instruction, or of a number.
    fn argument(&mut self, word: &str, wanted: &Operand, span: Span) -> Option<Temp> {
        if let Ok(number) = word.parse::<i128>() {
            return self.number(number, wanted, span);
        }
        let Some(at) = self.operands.iter().position(|operand| operand.name == word) else {
            let known = self.operands.iter().map(|operand| operand.name.as_str());
            self.context.unknown(span, "operand", word, known);
            return None;
        };
        self.used[at] = true;
        let given = &self.operands[at];
        let same = match (given.kind, wanted.kind) {
            // Where a label leads is a matter of the instruction that has it.
            (OperandKind::Label(given), OperandKind::Label(wanted)) => given.role == wanted.role,
            (given, wanted) => given == wanted,
        };
        if !same {
            let message = format!("`{word}` is not what `{}` must be", wanted.name);
            self.error(span, message);
            return None;
        }
        if wanted.kind == OperandKind::Immediate && !wanted.raw.includes(given.raw) {
            let message =
                format!("`{word}` is {}, which {} does not include", given.raw, wanted.raw);
            self.error(span, message);
            return None;
        }
        Some(self.body.inputs + at as u8)
    }

    fn number(&mut self, number: i128, wanted: &Operand, span: Span) -> Option<Temp> {
        let machine = self.cx.machine;
        let fits = match wanted.kind {
            OperandKind::Immediate => true,
            OperandKind::Index(rule) => {
                let bank = machine.banks.get(usize::from(rule.bank.0))?;
                if !is_of_program(bank, span, self.context) {
                    return None;
                }
                (0..i128::from(machine.indexes(rule))).contains(&number)
            }
            OperandKind::Label(_) | OperandKind::Constant(_) | OperandKind::Function => false,
        };
        match wanted.raw.cell(number).filter(|_| fits) {
            Some(cell) => self.emit(Op::Const(cell), span),
            None => {
                self.error(span, format!("{number} is not what `{}` can be", wanted.name));
                None
            }
        }
    }

    fn emit(&mut self, op: Op, span: Span) -> Option<Temp> {
        let temp = usize::from(self.body.inputs + self.body.operands) + self.body.ops.len();
        if temp >= limits::TEMPS {
            self.error(span, format!("an action has at most {} values", limits::TEMPS));
            return None;
        }
        self.body.ops.push(op);
        Some(temp as Temp)
    }

    fn clause(&mut self, part: &str) -> ClauseId {
        let id = super::body::clause_id(self.cx.name, part, &self.clauses);
        self.clauses.push(Clause { id });
        ClauseId((self.clauses.len() - 1) as u16)
    }

    /// The clause of the fused instruction for one of a part.
    fn clause_of(&mut self, insn: &Instruction, clause: ClauseId) -> ClauseId {
        let id = insn.clauses.get(usize::from(clause.0)).map_or("", |clause| &clause.id);
        let part = id.strip_prefix(&insn.name).unwrap_or(id).trim_start_matches('.');
        self.clause(part.split('#').next().unwrap_or(part))
    }

    /// Refuses a part that pops a list, asks about values or has to do with the heap or functions.
    fn unsupported_part<T>(&mut self, part: &Part<'_>) -> Option<T> {
        let what =
            "a part that asks about values, pops a list, or has to do with the heap or functions";
        self.context.diagnostics.unsupported(part.span, what);
        None
    }

    /// Puts a part behind those that there are.
    fn add(&mut self, part: &Part<'_>, is_last: bool) -> Option<()> {
        let insn = part.insn;
        if insn.body.list.is_some() {
            return self.unsupported_part(part);
        }
        if !is_last && (!insn.body.transfers.is_empty() || !insn.effect.falls_through) {
            let message = "only the last part can transfer control";
            self.error(part.span, message);
            return None;
        }
        let Some(height) = self.stack.len().checked_sub(usize::from(insn.body.inputs)) else {
            self.context.diagnostics.error_with_help(
                part.span,
                format!("`{}` pops more than is there", insn.name),
                "the effect of the fused instruction pops what its parts do",
            );
            return None;
        };
        self.lowest = self.lowest.min(height);
        // By temporary of the part.
        let mut temps = self.stack.split_off(height);
        temps.extend(&part.arguments);
        for op in &insn.body.ops {
            let temp = self.op(op, &temps, part)?;
            temps.push(temp);
        }
        let temp = |of: Temp| temps.get(usize::from(of)).copied().unwrap_or(0);
        self.stack.extend(insn.body.outputs.iter().map(|&output| temp(output)));
        for write in &insn.body.writes {
            let to = match write.to {
                WriteTo::Bank { bank, index } => WriteTo::Bank { bank, index: temp(index) },
                WriteTo::Output => WriteTo::Output,
                WriteTo::Element { .. }
                | WriteTo::Entry { .. }
                | WriteTo::Field { .. }
                | WriteTo::Global { .. }
                | WriteTo::Memory { .. }
                | WriteTo::Host { .. } => {
                    return self.unsupported_part(part);
                }
            };
            let (guard, value) = (write.guard.map(temp), temp(write.value));
            let clause = self.clause_of(insn, write.clause);
            self.body.writes.push(Write { guard, value, to, clause });
        }
        for transfer in &insn.body.transfers {
            let clause = self.clause_of(insn, transfer.clause);
            let operand = |at: u8| part.arguments[usize::from(at)] - self.body.inputs;
            let kind = match transfer.kind {
                TransferKind::Jump { operand: at } => TransferKind::Jump { operand: operand(at) },
                TransferKind::Call { operand: at } => TransferKind::Call { operand: operand(at) },
                TransferKind::JumpList { .. }
                | TransferKind::Invoke { .. }
                | TransferKind::Leave { .. } => return self.unsupported_part(part),
                kind @ (TransferKind::Return | TransferKind::Halt) => kind,
            };
            self.body.transfers.push(Transfer { guard: transfer.guard.map(temp), kind, clause });
        }
        Some(())
    }

    /// Adds an operation of a part, whose temporaries so far are those in `temps`.
    fn op(&mut self, op: &Op, temps: &[Temp], part: &Part<'_>) -> Option<Temp> {
        let temp = |of: Temp| temps.get(usize::from(of)).copied().unwrap_or(0);
        let op = match *op {
            Op::Const(cell) => Op::Const(cell),
            Op::Read { bank, index } => {
                let read = Op::Read { bank, index: temp(index) };
                let mut value = self.emit(read, part.span)?;
                for at in 0..self.body.writes.len() {
                    value = self.forward(at, bank, temp(index), value, part.span)?;
                }
                return Some(value);
            }
            Op::Unary { op, ty, a } => Op::Unary { op, ty, a: temp(a) },
            Op::Binary { op, ty, a, b } => Op::Binary { op, ty, a: temp(a), b: temp(b) },
            Op::Select { cond, then, other } => {
                Op::Select { cond: temp(cond), then: temp(then), other: temp(other) }
            }
            Op::Is { a, variant } => Op::Is { a: temp(a), variant },
            Op::Payload { a, variant } => Op::Payload { a: temp(a), variant },
            Op::Make { a, variant } => Op::Make { a: temp(a), variant },
            Op::Float { op, a, b } => Op::Float { op, a: temp(a), b: temp(b) },
            Op::Convert { way, ty, a } => Op::Convert { way, ty, a: temp(a) },
            Op::Ask { .. }
            | Op::New { .. }
            | Op::Depth
            | Op::Reply { .. }
            | Op::Load { .. }
            | Op::Reach { .. } => return self.unsupported_part(part),
            Op::TrapIf { cond, trap, clause } => {
                if !self.body.writes.is_empty() {
                    self.context.diagnostics.error_with_help(
                        part.span,
                        format!("`{}` can trap after an earlier part has written", part.insn.name),
                        "an instruction that traps has written nothing",
                    );
                    return None;
                }
                self.raised.push(trap);
                let clause = self.clause_of(part.insn, clause);
                Op::TrapIf { cond: temp(cond), trap, clause }
            }
        };
        self.emit(op, part.span)
    }

    /// What a read of a cell sees behind write number `at`, if it sees `value` before it: reads of the
    /// whole see the state before it, those of a part what earlier parts wrote.
    fn forward(
        &mut self,
        at: usize,
        read: crate::isa::BankId,
        index: Temp,
        value: Temp,
        span: Span,
    ) -> Option<Temp> {
        let write = self.body.writes[at];
        let WriteTo::Bank { bank, index: written } = write.to else { return Some(value) };
        if bank != read {
            return Some(value);
        }
        if index == written && write.guard.is_none() {
            return Some(write.value);
        }
        let wide = IntType::unsigned(64);
        let same = Op::Binary { op: BinaryOp::Eq, ty: wide, a: index, b: written };
        let mut cond = self.emit(same, span)?;
        if let Some(guard) = write.guard {
            let ty = IntType::unsigned(1);
            cond = self.emit(Op::Binary { op: BinaryOp::And, ty, a: cond, b: guard }, span)?;
        }
        self.emit(Op::Select { cond, then: write.value, other: value }, span)
    }

    fn finish(
        mut self,
        encoded: &Encoded,
        last: Option<&crate::shape::Text>,
        simple: &Simple<'_>,
    ) -> Option<Meaning> {
        let stack = self.cx.span("stack");
        if self.lowest > 0 {
            self.error(stack, "the effect pops more than the parts do");
        }
        let (left, outputs) = (self.stack.len(), cells(&self.effect.outputs).len());
        if left != outputs {
            self.error(stack, format!("the parts leave {left} cells, the effect {outputs}"));
        }
        for output in &self.effect.outputs {
            self.clause(&output.name.text);
        }
        for (at, used) in self.used.clone().into_iter().enumerate() {
            if !used {
                let message = format!("no part has the operand `{}`", self.operands[at].name);
                self.error(encoded.spans.get(at).copied().unwrap_or(stack), message);
            }
        }
        self.callee();
        self.traps();
        let name = last.and_then(|text| text.split_whitespace().next()).unwrap_or_default();
        let last = simple.get(name).map(|insn| &insn.effect);
        let falls_through = last.is_some_and(|effect| effect.falls_through);
        let returns_if_called = last.is_some_and(|effect| effect.returns_if_called);
        self.body.outputs = self.stack;
        Some(Meaning { body: self.body, clauses: self.clauses, falls_through, returns_if_called })
    }

    /// A call must be that of the declared effect.
    fn callee(&mut self) {
        let called = self.body.transfers.iter().find_map(|transfer| match transfer.kind {
            TransferKind::Call { operand } => self.operands.get(usize::from(operand)),
            _ => None,
        });
        let called = called.map(|operand| operand.name.as_str());
        let declared = self.effect.callee.as_ref().map(|callee| callee.text.as_str());
        if called != declared && self.cx.machine.stack.is_some() {
            let message = match called {
                Some(name) => format!("the parts call `{name}`: add `..{name}` to the outputs"),
                None => "no part calls a subroutine".to_owned(),
            };
            self.context.diagnostics.error(self.cx.span("stack"), message);
        }
    }

    /// The declared traps are those that the parts raise.
    fn traps(&mut self) {
        let name = |trap: &TrapId| self.cx.traps.get(usize::from(trap.0)).map(|trap| &trap.name);
        let raised: Vec<String> = self.raised.iter().filter_map(name).cloned().collect();
        let declared = &self.cx.file.traps;
        for (at, trap) in raised.iter().enumerate() {
            if !declared.iter().any(|text| text.0 == *trap) && !raised[..at].contains(trap) {
                self.context.diagnostics.error_with_help(
                    self.cx.span("fuse"),
                    format!("`{trap}` is raised but not declared"),
                    format!("add it to the instruction: `traps: [{trap}]`"),
                );
            }
        }
        for (trap, item) in declared.iter().zip(self.cx.items("traps")) {
            if !raised.contains(&trap.0) {
                let message = format!("`{}` is declared but not raised", trap.0);
                self.context.diagnostics.error(item.span, message);
            }
        }
    }
}
