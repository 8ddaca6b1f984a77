//! Scripts made of entropy, for tests and fuzzing.
//!
//! They are made by the kinds of their values, so that most get far before they trap, if they do. Loops
//! end. Names are few, so that blocks hide those of others and closures capture what is hidden.

mod expr;

use std::sync::Arc;

use arbitrary::Unstructured;
use bytestone_spec::Isa;
use bytestone_vm::codec::Codec;

use super::ast::{BinaryOp, Expr, ExprKind, Function, Name, Program, Stmt, StmtKind, Target};
use super::code::Target as Machine;
use crate::source::Span;

/// A program. Equal entropy makes equal programs, and more of it longer ones; no entropy makes the
/// empty one.
pub fn program(entropy: &mut Unstructured<'_>) -> Program {
    of_part(Part::All, entropy)
}

/// A program without arrays, objects and captured variables, whose numbers are integers. For the rest as
/// [`program`].
pub fn static_program(entropy: &mut Unstructured<'_>) -> Program {
    of_part(Part::Static, entropy)
}

/// What makes programs for a machine: of as much of the language as it has instructions for. `None` if
/// scripts are not compiled to it.
pub fn of_machine(isa: &Isa) -> Option<fn(&mut Unstructured<'_>) -> Program> {
    let target = Machine::of(&Codec::new(isa))?;
    Some(if target.has_all() { program } else { static_program })
}

/// The part of the language that a program uses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    Static,
}

fn of_part(part: Part, entropy: &mut Unstructured<'_>) -> Program {
    let mut maker = Maker {
        part,
        entropy,
        first_scope: 0,
        scopes: vec![Vec::new()],
        functions: 0,
        blocks: 0,
        loops: 0,
        inside: Vec::new(),
    };
    let mut body = Vec::new();
    while !maker.entropy.is_empty() {
        maker.statement(&mut body);
    }
    Program { body, functions: maker.functions }
}

/// The kind of values that something has, if all goes well.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Str,
    Bool,
    /// An array of numbers.
    Array,
    /// An object whose properties are numbers.
    Object,
    /// A function of so many numbers that returns a number.
    Function(u8),
}

/// A variable that is known.
#[derive(Clone, Debug)]
struct Variable {
    name: Arc<str>,
    kind: Kind,
    /// Whether it must not be given another value, since a loop counts with it.
    counts: bool,
}

struct Maker<'e, 'd> {
    part: Part,
    /// The first of the scopes that belong to the function around.
    first_scope: usize,
    entropy: &'e mut Unstructured<'d>,
    scopes: Vec<Vec<Variable>>,
    functions: u32,
    /// How many blocks are around, of loops and functions too.
    blocks: u32,
    /// How many loops of the function are around.
    loops: u32,
    /// Whether a function is around, and whether loops are around that.
    inside: Vec<u32>,
}

/// The names of variables.
const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "x", "y", "z", "i", "f"];
/// The names of properties.
const KEYS: [&str; 4] = ["k", "m", "if", "_1"];
/// The most blocks inside one another.
const BLOCKS: u32 = 4;
/// The most operations above one another.
const DEPTH: u32 = 4;

impl Maker<'_, '_> {
    /// A number below `count`; 0 when nothing is left.
    fn pick(&mut self, count: u8) -> u8 {
        self.entropy.int_in_range(0..=count.saturating_sub(1)).unwrap_or(0)
    }

    /// True once in `count` times, and not when nothing is left.
    fn once_in(&mut self, count: u8) -> bool {
        self.pick(count) + 1 == count
    }

    /// Appends a statement or a few that belong together.
    fn statement(&mut self, body: &mut Vec<Stmt>) {
        let kind = match self.pick(24) {
            0..6 => self.declaration(),
            6..10 => self.assignment(),
            10..15 => StmtKind::Print(self.any(DEPTH)),
            15 => StmtKind::Expr(self.call_or_number(DEPTH)),
            16..18 if self.blocks < BLOCKS => self.conditional(),
            18 if self.blocks < BLOCKS => StmtKind::Block(self.block(4)),
            19 if self.blocks < BLOCKS => self.counting(),
            20 if self.blocks < BLOCKS => return self.counting_down(body),
            21 if self.blocks < BLOCKS => self.function_declaration(),
            22 if self.loops > 0 => {
                let leave = if self.once_in(2) { StmtKind::Break } else { StmtKind::Continue };
                let cond = self.expr(&Kind::Bool, 2);
                StmtKind::If { cond, then: vec![stmt(leave)], otherwise: None }
            }
            23 if !self.inside.is_empty() || self.once_in(8) => {
                let value = self.expr(&Kind::Number, 2);
                let cond = self.expr(&Kind::Bool, 2);
                let then = vec![stmt(StmtKind::Return(Some(value)))];
                StmtKind::If { cond, then, otherwise: None }
            }
            _ => self.declaration(),
        };
        body.push(stmt(kind));
    }

    /// A name that the innermost block has not declared.
    fn fresh_name(&mut self) -> Arc<str> {
        let first = usize::from(self.pick(NAMES.len() as u8));
        let declared = self.scopes.last().map_or(&[][..], Vec::as_slice);
        let names = (0..NAMES.len()).map(|at| NAMES[(first + at) % NAMES.len()]);
        let fresh = names.into_iter().find(|name| declared.iter().all(|it| &*it.name != *name));
        match fresh {
            Some(name) => name.into(),
            None => format!("v{}", declared.len()).into(),
        }
    }

    fn declare(&mut self, name: &Arc<str>, kind: Kind, counts: bool) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(Variable { name: name.clone(), kind, counts });
        }
    }

    fn declaration(&mut self) -> StmtKind {
        let kind = self.kind();
        let value = self.expr(&kind, DEPTH);
        let name = self.fresh_name();
        self.declare(&name, kind, false);
        StmtKind::Let { name: named(name), value: Some(value) }
    }

    fn kind(&mut self) -> Kind {
        match self.pick(12) {
            7..10 if self.part == Part::Static => Kind::Str,
            0..4 => Kind::Number,
            4..6 => Kind::Str,
            6 => Kind::Bool,
            7..9 => Kind::Array,
            9 => Kind::Object,
            _ => Kind::Function(self.pick(3)),
        }
    }

    fn assignment(&mut self) -> StmtKind {
        match self.pick(4) {
            0..2 if self.part == Part::Static => StmtKind::Print(self.any(DEPTH)),
            0 => {
                let object = self.expr(&Kind::Array, 1);
                let index = ExprKind::Number(self.pick(3).into());
                let value = self.expr(&Kind::Number, DEPTH);
                let target = Target::Element { object, index: expr(index) };
                StmtKind::Assign { target, value }
            }
            1 => {
                let object = self.expr(&Kind::Object, 1);
                let value = self.expr(&Kind::Number, DEPTH);
                StmtKind::Assign { target: Target::Property { object, name: self.key() }, value }
            }
            _ => {
                let chosen = self.pick(32);
                let known = self.known(|variable| !variable.counts);
                match known.get(usize::from(chosen) % known.len().max(1)).cloned() {
                    Some(variable) => {
                        let value = self.expr(&variable.kind, DEPTH);
                        StmtKind::Assign { target: Target::Variable(named(variable.name)), value }
                    }
                    None => StmtKind::Print(self.any(DEPTH)),
                }
            }
        }
    }

    fn key(&mut self) -> Arc<str> {
        KEYS[usize::from(self.pick(KEYS.len() as u8))].into()
    }

    /// The variables that are known here and that `suits` takes, the latest first.
    fn known(&self, suits: impl Fn(&Variable) -> bool) -> Vec<Variable> {
        let mut seen: Vec<&str> = Vec::new();
        let mut known = Vec::new();
        for (at, scope) in self.scopes.iter().enumerate().rev() {
            // The others would be captured, unless they are global.
            let reached = self.part == Part::All || at == 0 || at >= self.first_scope;
            for variable in scope.iter().rev() {
                if !seen.contains(&&*variable.name) {
                    seen.push(&variable.name);
                    if reached && suits(variable) {
                        known.push(variable.clone());
                    }
                }
            }
        }
        known
    }

    /// Statements in a block of their own.
    fn block(&mut self, most: u8) -> Vec<Stmt> {
        self.scopes.push(Vec::new());
        self.blocks += 1;
        let mut body = Vec::new();
        for _ in 0..=self.pick(most) {
            self.statement(&mut body);
        }
        self.blocks -= 1;
        self.scopes.pop();
        body
    }

    fn conditional(&mut self) -> StmtKind {
        let cond = self.expr(&Kind::Bool, DEPTH);
        let then = self.block(3);
        let otherwise = match self.pick(3) {
            0 => None,
            1 => Some(Box::new(stmt(StmtKind::Block(self.block(3))))),
            _ => Some(Box::new(stmt(self.conditional_in_else()))),
        };
        StmtKind::If { cond, then, otherwise }
    }

    fn conditional_in_else(&mut self) -> StmtKind {
        let cond = self.expr(&Kind::Bool, 2);
        StmtKind::If { cond, then: self.block(2), otherwise: None }
    }

    fn loop_body(&mut self) -> Vec<Stmt> {
        self.loops += 1;
        let body = self.block(4);
        self.loops -= 1;
        body
    }

    /// `for (let i = 0; i < n; i = i + 1) …`
    fn counting(&mut self) -> StmtKind {
        self.scopes.push(Vec::new());
        let name = self.fresh_name();
        self.declare(&name, Kind::Number, true);
        let rounds = f64::from(self.pick(4));
        let body = self.loop_body();
        self.scopes.pop();
        let load = || expr(ExprKind::Variable(name.clone()));
        let init = StmtKind::Let { name: named(name.clone()), value: Some(number(0.0)) };
        let step = binary(BinaryOp::Add, load(), number(1.0));
        StmtKind::For {
            init: Some(Box::new(stmt(init))),
            cond: Some(binary(BinaryOp::Lt, load(), number(rounds))),
            step: Some(Box::new(stmt(StmtKind::Assign {
                target: Target::Variable(named(name.clone())),
                value: step,
            }))),
            body,
        }
    }

    /// `let n = 3; while (n > 0) { n = n - 1; … }`
    fn counting_down(&mut self, body: &mut Vec<Stmt>) {
        let name = self.fresh_name();
        let rounds = f64::from(self.pick(4));
        body.push(stmt(StmtKind::Let { name: named(name.clone()), value: Some(number(rounds)) }));
        self.declare(&name, Kind::Number, true);
        let load = || expr(ExprKind::Variable(name.clone()));
        let less = StmtKind::Assign {
            target: Target::Variable(named(name.clone())),
            value: binary(BinaryOp::Sub, load(), number(1.0)),
        };
        let mut repeated = vec![stmt(less)];
        repeated.extend(self.loop_body());
        let cond = binary(BinaryOp::Gt, load(), number(0.0));
        body.push(stmt(StmtKind::While { cond, body: repeated }));
    }

    fn function_declaration(&mut self) -> StmtKind {
        let arity = self.pick(3);
        let name = self.fresh_name();
        // Now and then a function may call itself, mostly too often.
        // In a block it must know that its name is not that of a global one.
        let hides = self.part == Part::Static && self.scopes.len() > 1;
        let recursive = self.once_in(4) || hides;
        if recursive {
            self.declare(&name, Kind::Function(arity), false);
        }
        let mut function = self.function(arity);
        function.name = Some(name.clone());
        if !recursive {
            self.declare(&name, Kind::Function(arity), false);
        }
        StmtKind::Function(named(name), Box::new(function))
    }

    /// A function that returns a number.
    fn function(&mut self, arity: u8) -> Function {
        self.functions += 1;
        let id = self.functions;
        let first_scope = std::mem::replace(&mut self.first_scope, self.scopes.len());
        self.scopes.push(Vec::new());
        let params: Vec<Name> = (0..arity)
            .map(|_| {
                let name = self.fresh_name();
                self.declare(&name, Kind::Number, false);
                named(name)
            })
            .collect();
        let loops = std::mem::take(&mut self.loops);
        self.inside.push(loops);
        self.blocks += 1;
        let mut body = Vec::new();
        if self.blocks <= BLOCKS {
            for _ in 0..self.pick(4) {
                self.statement(&mut body);
            }
        }
        let value = self.expr(&Kind::Number, 2);
        body.push(stmt(StmtKind::Return(Some(value))));
        self.blocks -= 1;
        self.loops = self.inside.pop().unwrap_or(0);
        self.scopes.pop();
        self.first_scope = first_scope;
        Function { id, name: None, params, body, end: Span::default() }
    }
}

fn named(text: Arc<str>) -> Name {
    Name { text, span: Span::default() }
}

fn stmt(kind: StmtKind) -> Stmt {
    Stmt { span: Span::default(), kind }
}

fn expr(kind: ExprKind) -> Expr {
    Expr { span: Span::default(), kind }
}

fn number(value: f64) -> Expr {
    expr(ExprKind::Number(value))
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    expr(ExprKind::Binary(op, Box::new(left), Box::new(right)))
}
