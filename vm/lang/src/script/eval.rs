//! What a script means, without any machine: a walk over its tree.
//!
//! A variable is found by its name, along the chain of those declared so far. Nothing here is
//! shared with the code generators, which find variables in advance: where the two differ, one of them is
//! wrong.

mod expr;
mod ops;
mod show;
mod value;

use std::collections::HashMap;
use std::fmt;

use super::ast::{Expr, Function, Name, Program, Stmt, StmtKind, Target};
use super::numbers::Numbers;
use crate::source::Span;
use value::{Closure, Heap, Value};

/// How much a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Statements and expressions.
    pub steps: u64,
    /// Calls that are active at once; one more traps.
    pub calls: u32,
    /// Statements and expressions inside one another, those of active calls among them.
    pub levels: u32,
    /// Things made, elements of arrays and properties, and bytes of strings.
    pub memory: usize,
    /// Bytes of what is printed.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 1 << 20, calls: 199, levels: 2000, memory: 1 << 22, output: 1 << 20 }
    }
}

/// What a script did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was printed, as text.
    pub output: Vec<String>,
    /// How it ended.
    pub end: End,
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With the last statement.
    Halt,
    /// With a value, as text.
    Returned(String),
    /// Because something is not possible.
    Trap {
        /// What.
        trap: Trap,
        /// The expression or statement.
        at: Span,
    },
    /// Because of a limit of the evaluator, which says nothing of the script.
    Limit,
}

/// Why something is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trap {
    /// An operation of values for which there is none.
    TypeError,
    /// A global variable that was given no value.
    UndefinedGlobal,
    /// A call of what is no function.
    NotCallable,
    /// A call with too few or too many arguments.
    ArityMismatch,
    /// An element that an array does not have.
    BadIndex,
    /// A divisor of zero, where numbers are integers.
    DivByZero,
    /// Too many active calls.
    CallDepth,
}

impl Trap {
    /// The name in specs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TypeError => "type_error",
            Self::UndefinedGlobal => "undefined_global",
            Self::NotCallable => "not_callable",
            Self::ArityMismatch => "arity_mismatch",
            Self::BadIndex => "bad_index",
            Self::DivByZero => "div_by_zero",
            Self::CallDepth => "call_depth",
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Runs a script that was parsed, with the numbers of some machine.
///
/// ```
/// use bytestone_lang::{Source, script};
/// use script::{Limits, Numbers};
/// let source = Source::new("let x = 1; print [x, \"y\"]; print x.y;").unwrap();
/// let program = script::parse(&source).unwrap();
/// let outcome = script::evaluate(&program, Numbers::Float, Limits::default());
/// assert_eq!(outcome.output, ["[1 \"y\"]"]);
/// assert!(matches!(outcome.end, script::End::Trap { trap: script::Trap::TypeError, .. }));
/// ```
pub fn evaluate(program: &Program, numbers: Numbers, limits: Limits) -> Outcome {
    let mut machine = Machine {
        numbers,
        heap: Heap::new(limits.memory),
        globals: HashMap::new(),
        output: Vec::new(),
        frame: Frame::of_program(),
        steps: limits.steps,
        levels: limits.levels,
        calls: limits.calls,
        output_left: limits.output,
    };
    let end = match machine.statements(&program.body) {
        Ok(Flow::Return(value)) => match show::show(&machine.heap, &value, machine.output_left) {
            Some(text) => End::Returned(text),
            None => End::Limit,
        },
        Ok(Flow::Next | Flow::Break | Flow::Continue) => End::Halt,
        Err(Stop::Trap(trap, at)) => End::Trap { trap, at },
        Err(Stop::Limit) => End::Limit,
    };
    Outcome { output: machine.output, end }
}

/// Why a run ends early.
enum Stop {
    Trap(Trap, Span),
    Limit,
}

type Run<T> = Result<T, Stop>;

/// How it goes on after a statement.
enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
}

/// The variable that was declared last, among those of the heap.
type Env = u32;

/// No variable.
const NO_VARIABLE: Env = u32::MAX;

/// An active call.
struct Frame {
    env: Env,
    /// How many blocks are around.
    blocks: u32,
    /// The cell of each variable that was declared, by the place of its name: there is one for
    /// each call, however often the declaration is come to.
    cells: HashMap<u32, u32>,
    is_main: bool,
}

impl Frame {
    fn of_program() -> Self {
        Self { is_main: true, ..Self::of_function(NO_VARIABLE) }
    }

    fn of_function(env: Env) -> Self {
        Self { env, blocks: 0, cells: HashMap::new(), is_main: false }
    }
}

struct Machine<'p> {
    numbers: Numbers,
    heap: Heap<'p>,
    globals: HashMap<&'p str, Value>,
    output: Vec<String>,
    frame: Frame,
    steps: u64,
    levels: u32,
    calls: u32,
    output_left: usize,
}

impl<'p> Machine<'p> {
    /// Goes a level deeper; a level more is given back by whoever comes back.
    fn enter(&mut self) -> Run<()> {
        self.steps = self.steps.checked_sub(1).ok_or(Stop::Limit)?;
        self.levels = self.levels.checked_sub(1).ok_or(Stop::Limit)?;
        Ok(())
    }

    fn statements(&mut self, body: &'p [Stmt]) -> Run<Flow> {
        for stmt in body {
            match self.statement(stmt)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    /// Statements whose variables end with them.
    fn block(&mut self, body: &'p [Stmt]) -> Run<Flow> {
        let env = self.frame.env;
        self.frame.blocks += 1;
        // After a trap nothing goes on, and the frame may be another.
        let flow = self.statements(body)?;
        self.frame.blocks -= 1;
        self.frame.env = env;
        Ok(flow)
    }

    fn statement(&mut self, stmt: &'p Stmt) -> Run<Flow> {
        self.enter()?;
        let flow = match &stmt.kind {
            StmtKind::Let { name, value } => {
                let value = match value {
                    Some(value) => self.expr(value)?,
                    None => Value::Nil,
                };
                self.declare(name, value)?;
                Flow::Next
            }
            StmtKind::Assign { target, value } => self.assign(target, value, stmt.span)?,
            StmtKind::Expr(value) => {
                self.expr(value)?;
                Flow::Next
            }
            StmtKind::Print(value) => {
                let value = self.expr(value)?;
                self.print(&value)?
            }
            StmtKind::Block(body) => self.block(body)?,
            StmtKind::If { cond, then, otherwise } => {
                if self.expr(cond)?.is_true() {
                    self.block(then)?
                } else {
                    otherwise.as_ref().map_or(Ok(Flow::Next), |stmt| self.statement(stmt))?
                }
            }
            StmtKind::While { cond, body } => self.repeat(Some(cond), None, body)?,
            StmtKind::For { init, cond, step, body } => {
                let env = self.frame.env;
                self.frame.blocks += 1;
                if let Some(init) = init {
                    self.statement(init)?;
                }
                let flow = self.repeat(cond.as_ref(), step.as_deref(), body)?;
                self.frame.blocks -= 1;
                self.frame.env = env;
                flow
            }
            StmtKind::Break => Flow::Break,
            StmtKind::Continue => Flow::Continue,
            StmtKind::Return(None) => Flow::Return(Value::Nil),
            StmtKind::Return(Some(value)) => Flow::Return(self.expr(value)?),
            StmtKind::Function(name, function) => self.declare_function(name, function)?,
        };
        self.levels += 1;
        Ok(flow)
    }

    fn repeat(
        &mut self,
        cond: Option<&'p Expr>,
        step: Option<&'p Stmt>,
        body: &'p [Stmt],
    ) -> Run<Flow> {
        loop {
            if let Some(cond) = cond
                && !self.expr(cond)?.is_true()
            {
                return Ok(Flow::Next);
            }
            self.steps = self.steps.checked_sub(1).ok_or(Stop::Limit)?;
            match self.block(body)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Next),
                flow @ Flow::Return(_) => return Ok(flow),
            }
            if let Some(step) = step {
                self.statement(step)?;
            }
        }
    }

    fn print(&mut self, value: &Value) -> Run<Flow> {
        let text = show::show(&self.heap, value, self.output_left).ok_or(Stop::Limit)?;
        self.output_left = self.output_left.checked_sub(text.len() + 1).ok_or(Stop::Limit)?;
        self.output.push(text);
        Ok(Flow::Next)
    }

    /// Declares a variable with a value.
    fn declare(&mut self, name: &'p Name, value: Value) -> Run<()> {
        if self.frame.is_main && self.frame.blocks == 0 {
            self.globals.insert(&name.text, value);
            return Ok(());
        }
        let cell = self.local(name)?;
        *self.heap.cell_mut(cell) = value;
        Ok(())
    }

    /// Makes a local variable known, and gives its cell.
    fn local(&mut self, name: &'p Name) -> Run<u32> {
        let cell = match self.frame.cells.get(&name.span.start) {
            Some(&cell) => cell,
            None => {
                let cell = self.heap.new_cell().ok_or(Stop::Limit)?;
                self.frame.cells.insert(name.span.start, cell);
                cell
            }
        };
        self.frame.env =
            self.heap.new_variable(&name.text, cell, self.frame.env).ok_or(Stop::Limit)?;
        Ok(cell)
    }

    fn declare_function(&mut self, name: &'p Name, function: &'p Function) -> Run<Flow> {
        if self.frame.is_main && self.frame.blocks == 0 {
            let closure = self.closure(function)?;
            self.globals.insert(&name.text, closure);
        } else {
            // The function knows its own name.
            let cell = self.local(name)?;
            let closure = self.closure(function)?;
            *self.heap.cell_mut(cell) = closure;
        }
        Ok(Flow::Next)
    }

    fn closure(&mut self, function: &'p Function) -> Run<Value> {
        let closure = Closure { function, env: self.frame.env };
        self.heap.new_closure(closure).ok_or(Stop::Limit)
    }

    fn assign(&mut self, target: &'p Target, value: &'p Expr, at: Span) -> Run<Flow> {
        match target {
            Target::Variable(name) => {
                let value = self.expr(value)?;
                match self.heap.find(&name.text, self.frame.env) {
                    Some(cell) => *self.heap.cell_mut(cell) = value,
                    None => {
                        self.globals.insert(&name.text, value);
                    }
                }
            }
            Target::Property { object, name } => {
                let object = self.expr(object)?;
                let value = self.expr(value)?;
                self.set_property(&object, name.clone(), value, at)?;
            }
            Target::Element { object, index } => {
                let object = self.expr(object)?;
                let index = self.expr(index)?;
                let value = self.expr(value)?;
                self.set_element(&object, &index, value, at)?;
            }
        }
        Ok(Flow::Next)
    }
}
