//! Scripts for a machine with dynamic values: statements.

mod assemble;
mod expr;
mod function;
mod target;

use bytestone_spec::isa::{InsnId, Isa};
use bytestone_vm::codec::Codec;
use bytestone_vm::module::{Constant, Module, ModuleBuilder};

use super::ast::{Expr, Function, Name, Program, Stmt, StmtKind, Target as Assigned};
use crate::error::{CompileError, ErrorLog};
use crate::listing::{Arg, Label, Listing};
use crate::passes::{Pass, Passes};
use crate::source::{Source, Span};
use expr::Truth;
use function::{Draft, Place};
pub(super) use target::Target;

/// The module of a program that was parsed.
pub(super) fn module(
    target: &Target,
    codec: &Codec<'_>,
    program: &Program,
    source: &Source,
    passes: Passes,
) -> Result<Module, CompileError> {
    let pool = ModuleBuilder::for_isa(codec.isa());
    let mut writer = Writer {
        target,
        isa: codec.isa(),
        source,
        passes,
        pool,
        open: vec![Draft::main()],
        done: Vec::new(),
        errors: ErrorLog::default(),
    };
    writer.done.resize_with(program.functions as usize + 1, || None);
    writer.statements(&program.body);
    let end = source.line(source.text().len() as u32);
    let line = program.body.last().map_or(end, |last| writer.line(last.span));
    match target.halt {
        Some(halt) => writer.push(halt, &[], line),
        None => {
            writer.constant(Constant::Unit, line);
            writer.push(target.give_back, &[], line);
        }
    }
    writer.close(0);
    writer.errors.finish()?;
    assemble::assemble(codec, writer.done.into_iter().flatten().collect(), &writer.pool)
}

struct Writer<'s> {
    target: &'s Target,
    isa: &'s Isa,
    source: &'s Source,
    passes: Passes,
    /// The constants that are named so far.
    pool: ModuleBuilder,
    /// The functions around, the innermost last.
    open: Vec<Draft>,
    /// Those that are complete, by their numbers.
    done: Vec<Option<Draft>>,
    errors: ErrorLog,
}

impl Writer<'_> {
    fn line(&self, span: Span) -> u32 {
        self.source.line(span.start)
    }

    /// The function that is being written. There is always one.
    fn draft(&mut self) -> &mut Draft {
        let last = self.open.len() - 1;
        &mut self.open[last]
    }

    fn listing(&mut self) -> &mut Listing {
        &mut self.draft().listing
    }

    fn push(&mut self, insn: InsnId, args: &[Arg], line: u32) {
        self.listing().push(insn, args, line);
    }

    fn constant(&mut self, constant: Constant, line: u32) {
        let number = self.pool.constant(constant);
        self.push(self.target.push, &[number.into()], line);
    }

    fn label(&mut self) -> Label {
        self.listing().label()
    }

    fn bind(&mut self, label: Label) {
        self.listing().bind(label);
    }

    fn statements(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.statement(stmt);
        }
    }

    fn block(&mut self, body: &[Stmt]) {
        self.draft().open_scope();
        self.statements(body);
        self.draft().close_scope();
    }

    fn statement(&mut self, stmt: &Stmt) {
        let line = self.line(stmt.span);
        match &stmt.kind {
            StmtKind::Let { name, value } => {
                match value {
                    Some(value) => self.expr(value),
                    None => self.constant(Constant::Unit, line),
                }
                let place = self.declare(name);
                self.store(place, line);
            }
            StmtKind::Assign { target, value } => self.assign(target, value, line),
            StmtKind::Expr(value) => {
                self.expr(value);
                self.push(self.target.pop, &[], line);
            }
            StmtKind::Print(value) => {
                self.expr(value);
                self.push(self.target.print, &[], line);
            }
            StmtKind::Block(body) => self.block(body),
            StmtKind::If { cond, then, otherwise } => {
                self.conditional(cond, then, otherwise.as_deref(), line);
            }
            StmtKind::While { cond, body } => self.repeat(Some(cond), None, body, line),
            StmtKind::For { init, cond, step, body } => {
                self.draft().open_scope();
                if let Some(init) = init {
                    self.statement(init);
                }
                self.repeat(cond.as_ref(), step.as_deref(), body, line);
                self.draft().close_scope();
            }
            // The parser lets these stand in loops only.
            StmtKind::Break => {
                if let Some(around) = self.draft().loops.last().copied() {
                    self.push(self.target.jump, &[around.end.into()], line);
                }
            }
            StmtKind::Continue => {
                if let Some(around) = self.draft().loops.last().copied() {
                    let jump =
                        if around.next_is_back { self.target.back } else { self.target.jump };
                    self.push(jump, &[around.next.into()], line);
                }
            }
            StmtKind::Return(value) => {
                match value {
                    Some(value) => self.expr(value),
                    None => self.constant(Constant::Unit, line),
                }
                self.push(self.target.give_back, &[], line);
            }
            StmtKind::Function(name, function) => {
                // The function knows its own name.
                let place = self.declare(name);
                self.function(function, line);
                self.store(place, line);
            }
        }
    }

    fn conditional(&mut self, cond: &Expr, then: &[Stmt], otherwise: Option<&Stmt>, line: u32) {
        let (other, end) = (self.label(), self.label());
        self.branch(cond, Truth::False, other);
        self.block(then);
        if let Some(otherwise) = otherwise {
            self.push(self.target.jump, &[end.into()], line);
            self.bind(other);
            self.statement(otherwise);
        } else {
            self.bind(other);
        }
        self.bind(end);
    }

    fn repeat(&mut self, cond: Option<&Expr>, step: Option<&Stmt>, body: &[Stmt], line: u32) {
        let (top, next, end) = (self.label(), self.label(), self.label());
        self.bind(top);
        if let Some(cond) = cond {
            self.branch(cond, Truth::False, end);
        }
        let around = match step {
            Some(_) => function::Loop { next, next_is_back: false, end },
            None => function::Loop { next: top, next_is_back: true, end },
        };
        self.draft().loops.push(around);
        self.block(body);
        self.draft().loops.pop();
        self.bind(next);
        if let Some(step) = step {
            self.statement(step);
        }
        self.push(self.target.back, &[top.into()], line);
        self.bind(end);
    }

    fn assign(&mut self, target: &Assigned, value: &Expr, line: u32) {
        match target {
            Assigned::Variable(name) => {
                self.expr(value);
                let place = self.find(&name.text, name.span);
                self.store(place, line);
            }
            Assigned::Property { object, name } => {
                self.expr(object);
                self.expr(value);
                let name = self.pool.constant(Constant::Str(name.clone()));
                self.push_if(self.target.set_property, &[name.into()], line);
            }
            Assigned::Element { object, index } => {
                self.expr(object);
                self.expr(index);
                self.expr(value);
                self.push_if(self.target.set_element, &[], line);
            }
        }
    }

    /// The place of a new variable.
    fn declare(&mut self, name: &Name) -> Place {
        if self.open.len() == 1 && self.draft().is_outside_blocks() {
            return self.global(&name.text);
        }
        Place::Local(self.draft().declare(&name.text))
    }

    fn store(&mut self, place: Place, line: u32) {
        let (insn, number) = match place {
            Place::Local(slot) => (Some(self.target.store_local), slot),
            Place::Upvalue(number) => (self.target.store_upvalue, number),
            Place::Global(name) => (Some(self.target.store_global), name),
        };
        self.push_if(insn, &[number.into()], line);
    }

    /// Writes a function, and makes a closure of it.
    fn function(&mut self, function: &Function, line: u32) {
        self.open.push(Draft::new(function));
        self.statements(&function.body);
        let end = self.line(function.end);
        self.constant(Constant::Unit, end);
        self.push(self.target.give_back, &[], end);
        self.close(function.id);
        self.push(self.target.closure, &[function.id.into()], line);
    }

    /// Completes the innermost function, which has a number. It is small, and still at hand: this is the
    /// best time for the passes.
    fn close(&mut self, number: u32) {
        let Some(mut draft) = self.open.pop() else { return };
        let rules = self.target.rules(self.pool.constants());
        self.passes.apply(&mut draft.listing, self.isa, &rules);
        if let Some(place) = self.done.get_mut(number as usize) {
            *place = Some(draft);
        }
    }

    /// Whether conditions jump where they decide.
    fn jumps_straight(&self) -> bool {
        self.passes.has(Pass::Thread)
    }
}
