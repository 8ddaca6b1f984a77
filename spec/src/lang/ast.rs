//! Syntax trees of the small languages. Only the loader sees them.
//!
//! The trees cover the whole language; what is not executed yet is refused by the checks, each
//! construct by its name.

use crate::diagnostic::Span;

/// A name with its place.
#[derive(Clone, Debug)]
pub struct Name {
    /// The text.
    pub text: String,
    /// The place.
    pub span: Span,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// The place.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// Kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A decimal number, without a type of its own.
    Int(i128),
    /// A number in hexadecimal or binary, which gives the bits of a value.
    Bits(u64),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A name.
    Name(String),
    /// `base[index]`.
    Index(Box<Expr>, Box<Expr>),
    /// `base[high:low]`.
    Slice(Box<Expr>, u32, u32),
    /// `base.field`.
    Field(Box<Expr>, Name),
    /// `new Name{field = value, …}`.
    New(Name, Vec<(Name, Expr)>),
    /// `function(arguments)`: a function, a conversion to a type, or a call of a value.
    Call(Box<Expr>, Vec<Expr>),
    /// `op a`.
    Unary(UnaryOp, Box<Expr>),
    /// `a op b`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `if c { a } else { b }`.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `match a, b { … }`, with a value for each arm.
    Match(Vec<Expr>, Vec<Arm<Expr>>),
    /// What the language has and is not executed yet, by what it is called in messages.
    Reserved(&'static str),
}

impl Expr {
    /// The value of a number.
    pub fn number(&self) -> Option<i128> {
        match self.kind {
            ExprKind::Int(value) => Some(value),
            ExprKind::Bits(bits) => Some(i128::from(bits)),
            _ => None,
        }
    }

    /// The value of an expression of numbers and of names that have a value; `None` for any other, and where a step
    /// leaves the range of 128 bits.
    pub fn constant(&self, named: &mut impl FnMut(&str) -> Option<i128>) -> Option<i128> {
        match &self.kind {
            ExprKind::Name(name) => named(name),
            ExprKind::Unary(UnaryOp::Minus, inner) => inner.constant(named)?.checked_neg(),
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (a.constant(named)?, b.constant(named)?);
                match op {
                    BinaryOp::Add => a.checked_add(b),
                    BinaryOp::Sub => a.checked_sub(b),
                    BinaryOp::Mul => a.checked_mul(b),
                    BinaryOp::Or => Some(a | b),
                    BinaryOp::And => Some(a & b),
                    BinaryOp::Shl => {
                        let width = u32::try_from(b).ok().filter(|width| *width < 64)?;
                        a.checked_mul(1 << width)
                    }
                    _ => None,
                }
            }
            _ => self.number(),
        }
    }

    /// The expressions that it consists of.
    pub fn parts(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Int(_)
            | ExprKind::Bits(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Name(_)
            | ExprKind::Reserved(_) => Vec::new(),
            ExprKind::Slice(a, ..) | ExprKind::Field(a, _) | ExprKind::Unary(_, a) => vec![a],
            ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) => vec![a, b],
            ExprKind::If(a, b, c) => vec![a, b, c],
            ExprKind::Call(function, arguments) => {
                [&**function].into_iter().chain(arguments).collect()
            }
            ExprKind::New(_, fields) => fields.iter().map(|(_, value)| value).collect(),
            ExprKind::Match(values, arms) => {
                values.iter().chain(arms.iter().map(|arm| &arm.then)).collect()
            }
        }
    }
}

/// An arm of a `match`.
#[derive(Clone, Debug)]
pub struct Arm<T> {
    /// The place of its patterns.
    pub span: Span,
    /// One pattern for each value; a single `_` stands for all.
    pub patterns: Vec<Pattern>,
    /// What happens, or the value.
    pub then: T,
}

/// What a value of the union is compared with.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// `_`, any value.
    Any,
    /// `variant name` or `variant`.
    Variant(Name, Option<Name>),
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`.
    Minus,
    /// `~`.
    Complement,
    /// `!`.
    Not,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "an operator is its spelling")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    WrapAdd,
    WrapSub,
    WrapMul,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    LogicalAnd,
    LogicalOr,
}

/// A type as written: `i32`, `u16be`, `u(8*n)be`, `val[n]`.
#[derive(Clone, Debug)]
pub struct TypeRef {
    /// Its name.
    pub name: Name,
    /// What is written besides the name, by what it is called in messages: a computed width
    /// (`u(8*n)be`) or a list (`val[n]`).
    pub reserved: Option<&'static str>,
    /// The operand that says how many elements a list has: `n` in `val[n]` and `rel32[n]`.
    pub count: Option<Name>,
}

/// A statement of an action.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// The place.
    pub span: Span,
    /// What it is.
    pub kind: StmtKind,
}

/// Kinds of statements.
#[derive(Clone, Debug)]
pub enum StmtKind {
    /// `let name: type = value`.
    Let(Name, Option<TypeRef>, Expr),
    /// `place = value`.
    Assign(Expr, Expr),
    /// `trap name if condition`.
    Trap(Name, Option<Expr>),
    /// `goto label if condition`, or `goto labels[index] if condition`.
    Goto(Name, Option<Expr>, Option<Expr>),
    /// `call target(arguments)`.
    Call(Expr),
    /// `return values if condition`.
    Return(Vec<Expr>, Option<Expr>),
    /// `halt if condition`.
    Halt(Option<Expr>),
    /// `nop`.
    Nop,
    /// `out value`.
    Out(Expr),
    /// `host function(arguments)`, or `let name = host function(arguments)`.
    Host(Option<Name>, Name, Vec<Expr>),
    /// `if c { … } else { … }`.
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// `match a, b { … }`.
    Match(Vec<Expr>, Vec<Arm<Vec<Stmt>>>),
    /// What the language has and is not executed yet, by what it is called in messages.
    Reserved(&'static str),
}

/// The signature of a definition.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Its name.
    pub name: Name,
    /// Its parameters with the names of their types.
    pub parameters: Vec<(Name, Name)>,
    /// The name of the type of its value.
    pub result: Name,
}

/// A part of what must hold of the operands of an instruction.
#[derive(Clone, Debug)]
pub enum Condition {
    /// `n = value`, how many elements a list has.
    Count(Name, Expr),
    /// What holds.
    Holds(Expr),
}

/// A part of an encoding.
#[derive(Clone, Debug)]
pub struct PatternItem {
    /// The place.
    pub span: Span,
    /// What it is.
    pub kind: PatternKind,
}

/// Kinds of parts of an encoding.
#[derive(Clone, Debug)]
pub enum PatternKind {
    /// A fixed byte.
    Fixed(Expr),
    /// `name:type`, with `as kind`.
    Operand(OperandDecl),
    /// `name`, a parameter of a format, or `name[high:low]`, with `:type`.
    Bare(Expr, Option<TypeRef>),
    /// `align(n)`.
    Align(Vec<Expr>),
    /// `word(field=value, …)` or `format(arguments)`.
    Apply(Name, Vec<PatternArg>),
}

/// A declared operand.
#[derive(Clone, Debug)]
pub struct OperandDecl {
    /// Its name.
    pub name: Name,
    /// Its type, or the name of its kind.
    pub ty: TypeRef,
    /// `as kind`.
    pub kind: Option<Name>,
}

/// An argument of a word or a format.
#[derive(Clone, Debug)]
pub enum PatternArg {
    /// `field=value`, the value a constant, a parameter or bits of an operand.
    Set(Name, Expr, Option<TypeRef>),
    /// `field:type`, an operand named like its field.
    Typed(Name, TypeRef),
    /// An argument of a format.
    Plain(Expr),
}

/// A stack effect.
#[derive(Clone, Debug)]
pub struct EffectDecl {
    /// What is popped, bottom first.
    pub inputs: Vec<EffectItem>,
    /// What is pushed, bottom first.
    pub outputs: Vec<EffectItem>,
}

/// A part of a stack effect.
#[derive(Clone, Debug)]
pub enum EffectItem {
    /// A cell.
    Cell(Name),
    /// A value with a type: its name, and the name of its type.
    Typed(Name, Name),
    /// Several cells: `xs:val[n]`, their name, their type, and the operand that says how many.
    List(Name, Name, Name),
    /// `..f`, what a subroutine does.
    Callee(Name),
}
