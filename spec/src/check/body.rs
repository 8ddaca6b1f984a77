//! Actions: from statements to the two phases of a body, under the commit rule.

mod control;
pub(super) mod definition;
mod matching;
mod pair;

use std::collections::HashSet;
use std::fmt;

use super::condition::Conditions;
use super::encoding::Encoded;
use super::expr::Typed;
use super::{Context, InstructionContext, StackEffect, cells};
use crate::diagnostic::Span;
use crate::isa::{
    BinaryOp, Body, CellType, Clause, ClauseId, ConstantRule, IndexRule, IntType, Op, Operand,
    OperandKind, Payload, RecordId, Temp, Transfer, TransferKind, TrapId, Write, WriteTo,
};
use crate::lang::ast::{self, Expr, ExprKind, Name, Stmt, StmtKind};
use crate::limits;

/// The type of a name or value in an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int(IntType),
    /// A value of the machine's union.
    Value,
    Float,
    Str,
    Array,
    Map,
    Closure,
    Record(RecordId),
    /// The cells of a list.
    List,
    /// An operand that is no plain number.
    Operand(OperandKind),
}

impl Type {
    /// The type of a cell.
    pub(super) const fn of_cell(of: CellType) -> Self {
        match of {
            CellType::Int(ty) => Self::Int(ty),
            CellType::Value => Self::Value,
        }
    }

    /// The type of a payload; `None` when there is nothing.
    pub(super) const fn of_payload(payload: Payload) -> Option<Self> {
        Some(match payload {
            Payload::Unit => return None,
            Payload::Bool => Self::Bool,
            Payload::Int(ty) => Self::Int(ty),
            Payload::Float => Self::Float,
            Payload::Str => Self::Str,
            Payload::Array => Self::Array,
            Payload::Map => Self::Map,
            Payload::Closure => Self::Closure,
            Payload::Record(record) => Self::Record(record),
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int(ty) => ty.fmt(f),
            Self::Value => f.write_str("a dynamic value"),
            Self::Float => f.write_str("f64"),
            Self::Str => f.write_str("str"),
            Self::Array => f.write_str("array"),
            Self::Map => f.write_str("map"),
            Self::Closure => f.write_str("closure"),
            Self::Record(_) => f.write_str("a record"),
            Self::List => f.write_str("a list of cells"),
            Self::Operand(OperandKind::Index(_)) => f.write_str("an index"),
            Self::Operand(OperandKind::Function) => f.write_str("a function"),
            Self::Operand(_) => f.write_str("a label"),
        }
    }
}

/// A name that an action can read.
pub(super) struct Binding {
    pub(super) name: String,
    /// `None` if it is faulty, which was reported.
    pub(super) value: Option<Typed>,
    pub(super) used: bool,
    span: Span,
    origin: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Input,
    Operand,
    Let,
    Parameter,
}

impl Origin {
    const fn words(self) -> &'static str {
        match self {
            Self::Input => "the input",
            Self::Operand => "the operand",
            Self::Let => "the name",
            Self::Parameter => "the parameter",
        }
    }
}

/// Whether control was already transferred on the path that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    Open,
    Conditional,
    Closed,
    /// The path ends in a trap.
    Trapped,
}

impl Control {
    /// What follows two arms of a condition.
    const fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Trapped, control) | (control, Self::Trapped) => control,
            (Self::Closed, Self::Closed) => Self::Closed,
            (Self::Open, Self::Open) => Self::Open,
            _ => Self::Conditional,
        }
    }
}

/// What is known of a temporary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fact {
    NotZero(Temp),
    NotNegative(Temp),
    /// It is less than the number of elements of the list.
    BelowCount(Temp),
}

/// What is known at a place of an action.
#[derive(Clone)]
pub(super) struct State {
    control: Control,
    /// The value of each output, once assigned on every path so far.
    outputs: Vec<Option<Temp>>,
    /// What is known of temporaries.
    pub(super) facts: HashSet<Fact>,
    /// What the first write is, once there is one.
    pub(super) first_write: Option<&'static str>,
    /// The condition under which the statement at hand takes place.
    pub(super) guard: Option<Temp>,
}

/// A fault was reported.
struct Reported;

/// What an action means.
pub(super) struct Meaning {
    pub(super) body: Body,
    pub(super) clauses: Vec<Clause>,
    /// Whether execution can go on with the next instruction.
    pub(super) falls_through: bool,
    /// Whether it returns, and only while a call is active.
    pub(super) returns_if_called: bool,
}

pub(super) struct Lowering<'a, 'c> {
    pub(super) cx: &'a InstructionContext<'a>,
    pub(super) context: &'a mut Context<'c>,
    operands: &'a [Operand],
    /// The temporary that holds how many elements the list has, which is the last operand.
    count: Option<Temp>,
    pub(super) effect: &'a StackEffect,
    pub(super) scope: Vec<Binding>,
    pub(super) state: State,
    body: Body,
    clauses: Vec<Clause>,
    raised: Vec<String>,
    /// How many faults there were before this action.
    before: usize,
    /// Whether all operands are in scope; with a faulty encoding some are not.
    pub(super) complete: bool,
    /// Whether it was reported that the action has too many values.
    overfull: bool,
    /// Whether some statement could not be understood, so that what it lacks is not known.
    partial: bool,
    /// Whether each return so far takes place only while a call is active; `None` if there is none.
    returns_if_called: Option<bool>,
    /// How many expressions are being read of which only one counts, so that nothing may be made
    /// in them.
    pub(super) choices: usize,
    /// Where the definition is used whose expression is being read, if it is one.
    site: Option<Span>,
}

/// Lowers an action; `None` if faults were reported.
pub(super) fn lower(
    cx: &InstructionContext<'_>,
    encoded: &Encoded,
    conditions: &Conditions,
    effect: &StackEffect,
    action: &[Stmt],
    context: &mut Context<'_>,
) -> Option<Meaning> {
    let mut lowering = Lowering::new(cx, &encoded.operands, effect, context);
    lowering.body.inputs = cells(&effect.inputs).len() as u8;
    lowering.body.operands = (encoded.operands.len() - usize::from(encoded.list.is_some())) as u8;
    lowering.complete = encoded.encodings.is_some();
    lowering.bind(&encoded.spans);
    lowering.bind_count(encoded.list.as_ref(), conditions);
    if cx.file.action.is_none() && effect.outputs.is_empty() && effect.inputs.is_empty() {
        lowering.missing_action();
    }
    lowering.statements(action);
    lowering.finish();
    let falls_through = lowering.falls_through();
    let Lowering { body, clauses, context, returns_if_called, before, .. } = lowering;
    let returns_if_called = returns_if_called == Some(true);
    let sound = context.diagnostics.count() == before;
    sound.then_some(Meaning { body, clauses, falls_through, returns_if_called })
}

/// The id of the next clause for a part of an instruction.
pub(super) fn clause_id(mnemonic: &str, part: &str, clauses: &[Clause]) -> String {
    let base = format!("{mnemonic}.{part}");
    let is_same = |clause: &&Clause| {
        clause.id == base || clause.id.strip_prefix(&base).is_some_and(|it| it.starts_with('#'))
    };
    match clauses.iter().filter(is_same).count() {
        0 => base,
        again => format!("{base}#{}", again + 1),
    }
}

fn is_memory(function: &Expr) -> bool {
    matches!(&function.kind, ExprKind::Name(name) if name == "memory")
}

/// The words that start a statement or an expression and so cannot be names.
const WORDS: [&str; 18] = [
    "branch", "call", "else", "false", "for", "goto", "halt", "host", "if", "let", "match", "new",
    "nop", "out", "return", "trap", "true", "with",
];

impl<'a, 'c> Lowering<'a, 'c> {
    /// Before anything is lowered, with nothing in scope.
    fn new(
        cx: &'a InstructionContext<'a>,
        operands: &'a [Operand],
        effect: &'a StackEffect,
        context: &'a mut Context<'c>,
    ) -> Self {
        Self {
            cx,
            before: context.diagnostics.count(),
            context,
            operands,
            count: None,
            effect,
            scope: Vec::new(),
            state: State {
                control: Control::Open,
                outputs: vec![None; effect.outputs.len()],
                facts: HashSet::new(),
                first_write: None,
                guard: None,
            },
            body: Body::default(),
            clauses: Vec::new(),
            raised: Vec::new(),
            complete: true,
            overfull: false,
            partial: false,
            returns_if_called: None,
            choices: 0,
            site: None,
        }
    }
}

impl Lowering<'_, '_> {
    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.context.diagnostics.error(span, message);
    }

    fn missing_action(&mut self) {
        if !self.context.is_dropped(&["instructions", self.cx.name, "do"]) {
            self.context.diagnostics.error_with_help(
                self.cx.mnemonic_span(),
                "the key `do` is missing",
                "say what the instruction means; `do: nop` if it does nothing",
            );
        }
    }

    /// The type of the cells of the stack.
    fn stack_type(&self) -> Type {
        let of = self.cx.machine.stack.map(|stack| stack.of);
        of.map_or(Type::Int(IntType::unsigned(64)), Type::of_cell)
    }

    /// Brings inputs and operands into scope.
    fn bind(&mut self, operand_spans: &[Span]) {
        let effect = self.effect;
        for output in &effect.outputs {
            self.refuse_word(&output.name);
        }
        let mut temp: Temp = 0;
        for input in &effect.inputs {
            let value = match input.pair {
                None => Some(Typed { temp, ty: self.stack_type() }),
                Some(pair) => self.join(temp, temp + 1, pair, input.name.span),
            };
            self.declare(&input.name, value, Origin::Input);
            temp += 1 + Temp::from(input.pair.is_some());
        }
        for (operand, span) in self.operands.iter().zip(operand_spans) {
            let ty = match operand.kind {
                OperandKind::Immediate => Type::Int(operand.raw),
                OperandKind::Constant(rule) => self.constant_type(rule),
                kind => Type::Operand(kind),
            };
            let name = Name { text: operand.name.clone(), span: *span };
            self.declare(&name, Some(Typed { temp, ty }), Origin::Operand);
            temp += 1;
        }
        if let Some(list) = &effect.list {
            self.bind_list(&list.name, &list.count);
        }
    }

    /// The type of a constant as actions see it.
    fn constant_type(&self, rule: ConstantRule) -> Type {
        let variants = self.cx.machine.union.as_ref().map(|union| &union.variants);
        let of = rule.of.and_then(|of| variants?.get(usize::from(of.0)));
        of.and_then(|variant| Type::of_payload(variant.payload)).unwrap_or(Type::Value)
    }

    /// Brings the list that an instruction pops into scope. It is no temporary.
    fn bind_list(&mut self, name: &Name, count: &Name) {
        let Some(operand) = self.operand_named(&count.text) else {
            if self.complete {
                let known = self.operands.iter().map(|operand| operand.name.as_str());
                self.context.unknown(count.span, "operand", &count.text, known);
            }
            return;
        };
        let Operand { raw, kind, .. } = self.operands[usize::from(operand)];
        if kind != OperandKind::Immediate || raw.signed || raw.bits > 32 {
            let message = "the length of a list is an unsigned number of at most 32 bits";
            self.error(count.span, message);
        }
        self.body.list = Some(operand);
        if let Some(binding) = self.scope.iter_mut().find(|binding| binding.name == count.text) {
            binding.used = true;
        }
        self.declare(name, Some(Typed { temp: 0, ty: Type::List }), Origin::Input);
    }

    /// Brings the number of elements of the list into scope.
    fn bind_count(&mut self, list: Option<&Name>, conditions: &Conditions) {
        for &operand in &conditions.mentioned {
            let at = self.effect.inputs.len() + usize::from(operand);
            if let Some(binding) = self.scope.get_mut(at) {
                binding.used = true;
            }
        }
        let (Some(name), Some(count)) = (list, &conditions.count) else { return };
        let ty = IntType::signed(64);
        let constant = Op::Const(count.constant as u64);
        let mut total = self.emit(constant, Type::Int(ty), name.span);
        for &(operand, factor) in &count.terms {
            let a = self.body.inputs + operand;
            let factor = self.emit(Op::Const(factor as u64), Type::Int(ty), name.span);
            let Some(b) = factor.map(|factor| factor.temp) else { return };
            let product = Op::Binary { op: BinaryOp::Mul, ty, a, b };
            let (Some(a), Some(b)) = (total, self.emit(product, Type::Int(ty), name.span)) else {
                return;
            };
            let sum = Op::Binary { op: BinaryOp::Add, ty, a: a.temp, b: b.temp };
            total = self.emit(sum, Type::Int(ty), name.span);
        }
        self.count = total.map(|total| total.temp);
        self.declare(name, total, Origin::Let);
        if let Some(count) = self.scope.last_mut() {
            count.used = true;
        }
    }

    /// The next name of an input, an operand or a value.
    fn declare(&mut self, name: &Name, value: Option<Typed>, origin: Origin) {
        self.refuse_word(name);
        let mut text = name.text.as_str();
        if text != "_" && self.scope.iter().any(|binding| binding.name == text) {
            self.error(name.span, format!("the name `{text}` is given twice"));
            text = "_"; // The name means the first one.
        }
        let (name, span) = (text.to_owned(), name.span);
        self.scope.push(Binding { name, value, used: false, span, origin });
    }

    fn refuse_word(&mut self, name: &Name) {
        if WORDS.contains(&name.text.as_str()) {
            self.error(name.span, format!("`{}` is a word of the language, not a name", name.text));
        }
    }

    /// The operand with a name, by its number.
    pub(super) fn operand_named(&self, name: &str) -> Option<u8> {
        self.operands.iter().position(|operand| operand.name == name).map(|at| at as u8)
    }

    /// Adds an operation of phase one.
    pub(super) fn emit(&mut self, op: Op, ty: Type, span: Span) -> Option<Typed> {
        let temp = usize::from(self.body.inputs + self.body.operands) + self.body.ops.len();
        if temp >= limits::TEMPS {
            if !std::mem::replace(&mut self.overfull, true) {
                let message = format!("an action has at most {} values", limits::TEMPS);
                self.error(self.use_of(span), message);
            }
            return None;
        }
        self.body.ops.push(op);
        Some(Typed { temp: temp as Temp, ty })
    }

    pub(super) fn clause(&mut self, part: &str) -> ClauseId {
        let id = clause_id(self.cx.name, part, &self.clauses);
        self.clauses.push(Clause { id });
        ClauseId((self.clauses.len() - 1) as u16)
    }

    fn statements(&mut self, statements: &[Stmt]) {
        for statement in statements {
            match self.state.control {
                Control::Open | Control::Conditional => {}
                Control::Closed => {
                    return self.error(statement.span, "nothing can follow a transfer of control");
                }
                Control::Trapped => {
                    return self
                        .error(statement.span, "nothing can follow a trap without a condition");
                }
            }
            let transfers = matches!(
                statement.kind,
                StmtKind::Goto(..)
                    | StmtKind::Call(_)
                    | StmtKind::Return(..)
                    | StmtKind::Halt(_)
                    | StmtKind::If(..)
                    | StmtKind::Match(..)
            );
            if self.state.control == Control::Conditional && !transfers {
                self.context.diagnostics.error_with_help(
                    statement.span,
                    "a statement behind a conditional transfer of control",
                    "transfers come last; use `if … { } else { }` for what happens on one path only",
                );
            }
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        let span = statement.span;
        match &statement.kind {
            StmtKind::Let(name, ty, value) => self.binding(name, ty.as_ref(), value),
            StmtKind::Assign(place, value) => self.assign(place, value, span),
            StmtKind::Trap(name, condition) => self.trap(name, condition.as_ref(), span),
            StmtKind::Goto(label, None, condition) => self.goto(label, condition.as_ref()),
            StmtKind::Goto(list, Some(index), condition) => {
                self.goto_element(list, index, condition.as_ref());
            }
            StmtKind::Call(target) => self.call_subroutine(target, span),
            StmtKind::Return(values, condition) => {
                self.return_(values, condition.as_ref(), span);
            }
            StmtKind::Halt(condition) => {
                let Ok(condition) = self.optional(condition.as_ref()) else { return };
                let clause = self.clause("halt");
                self.transfer(TransferKind::Halt, condition, clause, span);
            }
            StmtKind::Nop => {}
            StmtKind::Out(value) => self.out(value, span),
            StmtKind::Host(reply, function, arguments) => {
                self.host_call(reply.as_ref(), function, arguments, span);
            }
            StmtKind::If(condition, then, other) => self.conditional(condition, then, other, span),
            StmtKind::Match(values, arms) => self.match_statement(values, arms, span),
            StmtKind::Reserved(what) => {
                self.partial = true;
                self.context.diagnostics.unsupported(span, what);
            }
        }
    }

    fn binding(&mut self, name: &Name, ty: Option<&ast::TypeRef>, value: &Expr) {
        let wanted = match ty {
            None => None,
            Some(ast::TypeRef { name, reserved: Some(what), .. }) => {
                self.partial = true;
                return self.context.diagnostics.unsupported(name.span, what);
            }
            Some(ty) if ty.name.text == "bool" => Some(Type::Bool),
            Some(ty) if ty.name.text == "f64" => Some(Type::Float),
            Some(ty) => match super::machine::int_type(&ty.name.text, ty.name.span, self.context) {
                Some(ty) => Some(Type::Int(ty)),
                None => {
                    self.partial = true;
                    return;
                }
            },
        };
        let value = match wanted {
            Some(Type::Bool) => self.condition(value).map(|temp| Typed { temp, ty: Type::Bool }),
            Some(ty) => self.expr_of(value, ty).map(|temp| Typed { temp, ty }),
            None => self.expr(value, None),
        };
        self.bind_name(name, value);
    }

    /// Gives a value a name until the end of the block; `None` is one that is faulty.
    pub(super) fn bind_name(&mut self, name: &Name, value: Option<Typed>) {
        if self.effect.outputs.iter().any(|output| output.name.text == name.text) {
            self.partial = true;
            self.error(
                name.span,
                format!("`{0}` is an output: `{0} = …`, without `let`", name.text),
            );
        } else {
            self.declare(name, value, Origin::Let);
        }
    }

    fn assign(&mut self, place: &Expr, value: &Expr, span: Span) {
        match &place.kind {
            ExprKind::Name(name) => self.assign_output(name, value, place.span),
            ExprKind::Index(base, index) if self.is_dynamic(base) => {
                self.assign_element(base, index, value);
            }
            ExprKind::Index(base, index) => self.assign_cell(base, index, value),
            ExprKind::Call(function, arguments) if is_memory(function) => {
                self.store(arguments, value, place.span);
            }
            ExprKind::Field(base, field) => self.assign_field(base, field, value),
            ExprKind::Reserved(what) => self.context.diagnostics.unsupported(span, what),
            _ => self.error(place.span, "expected the name of an output or a cell"),
        }
    }

    fn assign_cell(&mut self, base: &Expr, index: &Expr, value: &Expr) {
        let span = index.span;
        let Some((IndexRule { bank, pair }, index)) = self.cell(base, index) else { return };
        let found = self.cx.machine.banks.get(usize::from(bank.0));
        let Some((of, name)) = found.map(|bank| (bank.of, bank.name.clone())) else { return };
        let wanted = pair.map_or(Type::of_cell(of), Type::Int);
        let Some(value) = self.expr_of(value, wanted) else { return };
        let clause = self.clause(&name);
        let words = "the first write to a cell";
        let Some(pair) = pair else {
            return self.write(WriteTo::Bank { bank, index }, value, clause, words);
        };
        let next = self.next_index(index, span);
        let (Some(next), Some(halves)) = (next, self.split(value, pair, of, span)) else { return };
        for (index, half) in [index, next].into_iter().zip(halves) {
            self.write(WriteTo::Bank { bank, index }, half, clause, words);
        }
    }

    fn assign_output(&mut self, name: &str, value: &Expr, span: Span) {
        let Some(at) = self.effect.outputs.iter().position(|output| output.name.text == *name)
        else {
            let known: Vec<&str> =
                self.effect.outputs.iter().map(|output| output.name.text.as_str()).collect();
            let help = if known.is_empty() {
                "the stack effect has no output; use `let` for a value with a name".to_owned()
            } else {
                format!("the outputs are: {}; use `let` for other values", known.join(", "))
            };
            self.partial = true;
            self.context.diagnostics.error_with_help(span, format!("`{name}` is no output"), help);
            return;
        };
        let of = self.value_type(&self.effect.outputs[at]);
        let value = self.expr_of(value, of);
        self.clause(name);
        if self.state.outputs.get(at).is_some_and(Option::is_some) {
            self.error(span, format!("the output `{name}` is assigned twice"));
        }
        for (output, slot) in self.effect.outputs.iter().zip(&mut self.state.outputs) {
            if output.name.text == name {
                // A faulty value still counts as assigned.
                *slot = Some(value.unwrap_or(0));
            }
        }
    }

    pub(super) fn write(
        &mut self,
        to: WriteTo,
        value: Temp,
        clause: ClauseId,
        words: &'static str,
    ) {
        self.state.first_write.get_or_insert(words);
        self.body.writes.push(Write { guard: self.state.guard, value, to, clause });
    }

    fn out(&mut self, value: &Expr, span: Span) {
        let Some(of) = self.cx.machine.output else {
            self.context.diagnostics.error_with_help(
                span,
                "the machine prints nothing",
                "give `machine` an `output`, the type of printed values",
            );
            return;
        };
        let Some(value) = self.expr_of(value, Type::of_cell(of)) else { return };
        let clause = self.clause("out");
        self.write(WriteTo::Output, value, clause, "`out`");
    }

    fn trap(&mut self, name: &Name, condition: Option<&Expr>, span: Span) {
        if let Some(write) = self.state.first_write {
            self.context.diagnostics.error_with_help(
                span,
                "a trap after a write",
                format!("move it before {write}: an instruction that traps has written nothing"),
            );
        }
        let always = condition.is_none();
        let condition = match condition {
            Some(expr) => {
                let condition = self.condition(expr);
                self.learn(expr, false);
                condition
            }
            None => self.emit(Op::Const(1), Type::Bool, span).map(|value| value.temp),
        };
        self.raised.push(name.text.clone());
        let Some(at) = self.cx.traps.iter().position(|trap| trap.name == name.text) else {
            let declared = &self.cx.traps[crate::isa::LIMIT_TRAPS.len()..];
            if declared.is_empty() {
                let help =
                    format!("say under `traps` what it means: `traps: {{{}: …}}`", name.text);
                let message = format!("unknown trap `{}`", name.text);
                self.context.diagnostics.error_with_help(name.span, message, help);
            } else {
                let known = declared.iter().map(|trap| trap.name.as_str());
                self.context.unknown(name.span, "trap", &name.text, known);
            }
            return;
        };
        if at < crate::isa::LIMIT_TRAPS.len() {
            self.error(name.span, format!("`{}` is raised by the limit itself", name.text));
            return;
        }
        if !self.cx.file.traps.iter().any(|declared| *declared.0 == *name.text) {
            self.context.diagnostics.error_with_help(
                name.span,
                format!("`{}` is raised but not declared", name.text),
                format!("add it to the instruction: `traps: [{}]`", name.text),
            );
        }
        if always {
            self.state.control = Control::Trapped;
        }
        let Some(cond) = condition.and_then(|condition| self.guarded(condition, span)) else {
            return;
        };
        let clause = self.clause(&format!("trap.{}", name.text));
        self.emit(Op::TrapIf { cond, trap: TrapId(at as u16), clause }, Type::Bool, span);
    }

    /// The condition that also holds the guard of the statement at hand.
    fn guarded(&mut self, condition: Temp, span: Span) -> Option<Temp> {
        let Some(guard) = self.state.guard else { return Some(condition) };
        let op = Op::Binary { op: BinaryOp::And, ty: IntType::unsigned(1), a: guard, b: condition };
        self.emit(op, Type::Bool, span).map(|value| value.temp)
    }

    /// Reports names that nothing reads. After another fault that may be its consequence.
    fn report_unused(&mut self, from: usize) {
        if self.context.diagnostics.count() != self.before {
            return;
        }
        let unused: Vec<(Span, String)> = self.scope[from..]
            .iter()
            .filter(|binding| !binding.used && !binding.name.starts_with('_'))
            .map(|binding| {
                (binding.span, format!("{} `{}` is not used", binding.origin.words(), binding.name))
            })
            .collect();
        for (span, message) in unused {
            self.context.diagnostics.error_with_help(
                span,
                message,
                "a name that starts with `_` says that this is meant",
            );
        }
    }

    fn finish(&mut self) {
        if self.state.control != Control::Trapped {
            self.pass_through();
        }
        self.report_unused(0);
        let declared: Vec<String> = self.cx.file.traps.iter().map(|trap| trap.0.clone()).collect();
        let items = self.cx.items("traps");
        for (at, (trap, item)) in declared.iter().zip(items).enumerate() {
            if !self.raised.contains(trap) {
                self.error(item.span, format!("`{trap}` is declared but not raised"));
            } else if declared[..at].contains(trap) {
                self.error(item.span, format!("`{trap}` is declared twice"));
            }
        }
        if let Some(callee) = &self.effect.callee
            && self.context.diagnostics.count() == self.before
            && !self
                .body
                .transfers
                .iter()
                .any(|transfer| matches!(transfer.kind, TransferKind::Call { .. }))
        {
            self.error(callee.span, format!("the action does not call `{}`", callee.text));
        }
        if !self.invokes() {
            self.body.outputs = self.output_cells();
        }
    }

    fn falls_through(&self) -> bool {
        let calls = |transfer: &Transfer| {
            matches!(transfer.kind, TransferKind::Call { .. } | TransferKind::Invoke { .. })
        };
        match self.state.control {
            Control::Open | Control::Conditional => true,
            // A call comes back to the next instruction.
            Control::Closed => self.body.transfers.iter().any(calls),
            Control::Trapped => false,
        }
    }

    /// An output that the action does not assign is the input or operand of the same name.
    fn pass_through(&mut self) {
        if self.invokes() {
            return self.returned_output();
        }
        for at in 0..self.state.outputs.len() {
            if self.state.outputs[at].is_some() {
                continue;
            }
            let of = self.value_type(&self.effect.outputs[at]);
            let output = &self.effect.outputs[at].name;
            let found = self.scope.iter_mut().find(|binding| binding.name == output.text);
            match found {
                Some(Binding { value: Some(value), used, .. }) if value.ty == of => {
                    *used = true;
                    self.state.outputs[at] = Some(value.temp);
                    self.clause(&output.text.clone());
                }
                Some(Binding { value: Some(value), .. }) => {
                    let message = format!("expected {of}, found {}", value.ty);
                    let conversion = match (of, value.ty) {
                        (Type::Int(of), Type::Int(found)) if !of.includes(found) => {
                            format!("wrap({of}, {})", output.text)
                        }
                        (Type::Int(of), _) => format!("{of}({})", output.text),
                        _ => "…".to_owned(),
                    };
                    let help =
                        format!("give the output another name and assign it: `r = {conversion}`");
                    self.context.diagnostics.error_with_help(output.span, message, help);
                }
                Some(Binding { value: None, .. }) => {}
                None if !self.complete || self.partial => {}
                None => self.context.diagnostics.error_with_help(
                    output.span,
                    format!("the output `{}` is not assigned", output.text),
                    "assign it in `do` on each path, once",
                ),
            }
        }
    }
}
