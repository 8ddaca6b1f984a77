//! The syntax tree of the calculator language, and its text.

use std::fmt;

use crate::source::Span;

/// A program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Its statements; an expression alone is only the last one.
    pub statements: Vec<Statement>,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its place.
    pub span: Span,
    /// What it does.
    pub kind: StatementKind,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum StatementKind {
    /// Gives a variable a value.
    Assign {
        /// The variable.
        variable: Variable,
        /// The value.
        value: Expr,
    },
    /// Prints a value.
    Print(Expr),
    /// Leaves a value as the result of the program.
    Result(Expr),
}

/// A variable: `a` to `z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable(u8);

/// How many variables there are.
pub const VARIABLES: usize = 26;

/// An expression. No tree is higher than [`crate::limits::TREE_HEIGHT`] if it was parsed.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Its place.
    pub span: Span,
    /// What it computes.
    pub kind: ExprKind,
}

/// What an expression computes.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A number.
    Int(i32),
    /// The value of a variable.
    Load(Variable),
    /// The negative of a value.
    Negate(Box<Expr>),
    /// An operation of two values.
    Binary {
        /// Which.
        op: Op,
        /// The left value.
        left: Box<Expr>,
        /// The right value.
        right: Box<Expr>,
    },
}

/// An operation of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sum, wrapped.
    Add,
    /// Difference, wrapped.
    Sub,
    /// Product, wrapped.
    Mul,
    /// Quotient rounded toward zero, wrapped; a zero divisor traps.
    Div,
}

impl Op {
    /// All operations.
    pub const ALL: [Op; 4] = [Self::Add, Self::Sub, Self::Mul, Self::Div];

    /// The sign of the operation.
    pub const fn symbol(self) -> char {
        match self {
            Self::Add => '+',
            Self::Sub => '-',
            Self::Mul => '*',
            Self::Div => '/',
        }
    }
}

impl Variable {
    /// The variable with an index below [`VARIABLES`].
    pub fn from_index(index: u8) -> Option<Self> {
        (usize::from(index) < VARIABLES).then_some(Self(index))
    }

    /// The variable with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.as_bytes() {
            [letter @ b'a'..=b'z'] => Some(Self(letter - b'a')),
            _ => None,
        }
    }

    /// Its index, below [`VARIABLES`].
    pub const fn index(self) -> u8 {
        self.0
    }
}

impl Program {
    /// The variables that occur, each once, in the order of the text.
    pub fn variables(&self) -> impl Iterator<Item = Variable> {
        let mut found = Vec::new();
        for statement in &self.statements {
            match &statement.kind {
                StatementKind::Assign { variable, value } => {
                    note(&mut found, *variable);
                    value.note_variables(&mut found);
                }
                StatementKind::Print(value) | StatementKind::Result(value) => {
                    value.note_variables(&mut found);
                }
            }
        }
        found.into_iter()
    }
}

impl Expr {
    fn note_variables(&self, found: &mut Vec<Variable>) {
        match &self.kind {
            ExprKind::Int(_) => {}
            ExprKind::Load(variable) => note(found, *variable),
            ExprKind::Negate(value) => value.note_variables(found),
            ExprKind::Binary { left, right, .. } => {
                left.note_variables(found);
                right.note_variables(found);
            }
        }
    }
}

fn note(found: &mut Vec<Variable>, variable: Variable) {
    if !found.contains(&variable) {
        found.push(variable);
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", char::from(b'a' + self.0))
    }
}

/// Writes every operation in parentheses, so that the text has the same tree.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Int(value) => write!(f, "{value}"),
            ExprKind::Load(variable) => write!(f, "{variable}"),
            // A minus sign before a number would be the number's own.
            ExprKind::Negate(value) => write!(f, "-({value})"),
            ExprKind::Binary { op, left, right } => {
                write!(f, "({left} {} {right})", op.symbol())
            }
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for statement in &self.statements {
            match &statement.kind {
                StatementKind::Assign { variable, value } => writeln!(f, "{variable} = {value}")?,
                StatementKind::Print(value) => writeln!(f, "print {value}")?,
                StatementKind::Result(value) => writeln!(f, "{value}")?,
            }
        }
        Ok(())
    }
}
