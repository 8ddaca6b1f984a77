//! The syntax tree of the script language.

use std::sync::Arc;

use crate::source::Span;

/// A program. The statements of its body that stand in no block declare global variables.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Its statements.
    pub body: Vec<Stmt>,
    /// How many functions it contains.
    pub functions: u32,
}

/// A name in its place.
#[derive(Clone, Debug)]
pub struct Name {
    /// The name.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// Its place.
    pub span: Span,
    /// What it does.
    pub kind: StmtKind,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum StmtKind {
    /// Declares a variable, which holds nil if no value is given. It is known from behind the
    /// statement to the end of the block, and there is one of it for each call of its function.
    Let {
        /// Its name.
        name: Name,
        /// Its value.
        value: Option<Expr>,
    },
    /// Gives something a value.
    Assign {
        /// What.
        target: Target,
        /// The value.
        value: Expr,
    },
    /// Computes a value that nobody needs.
    Expr(Expr),
    /// Prints a value.
    Print(Expr),
    /// Statements with variables of their own.
    Block(Vec<Stmt>),
    /// One of two blocks.
    If {
        /// What decides.
        cond: Expr,
        /// Done if that is true.
        then: Vec<Stmt>,
        /// Done if not: another `if`, or a block.
        otherwise: Option<Box<Stmt>>,
    },
    /// A loop.
    While {
        /// Whether it goes on.
        cond: Expr,
        /// What is done again and again.
        body: Vec<Stmt>,
    },
    /// A loop with a start and a step.
    For {
        /// Done first; its variable is known in the loop.
        init: Option<Box<Stmt>>,
        /// Whether it goes on; always, if there is none.
        cond: Option<Expr>,
        /// Done between two rounds.
        step: Option<Box<Stmt>>,
        /// What is done again and again.
        body: Vec<Stmt>,
    },
    /// Ends the loop around it.
    Break,
    /// Goes on with the next round of the loop around it.
    Continue,
    /// Ends the function, or the program.
    Return(Option<Expr>),
    /// Declares a variable that holds a function, which knows it.
    Function(Name, Box<Function>),
}

/// What can be given a value.
#[derive(Clone, Debug)]
pub enum Target {
    /// A variable; a global one of that name if no other is known.
    Variable(Name),
    /// A property of an object.
    Property {
        /// The object.
        object: Expr,
        /// The name of the property.
        name: Arc<str>,
    },
    /// An element of an array or a property of an object.
    Element {
        /// The array or object.
        object: Expr,
        /// The number or name.
        index: Expr,
    },
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its number among the functions of the program, from 1, in the order of the text.
    pub id: u32,
    /// Its name, if it is declared.
    pub name: Option<Arc<str>>,
    /// Its parameters.
    pub params: Vec<Name>,
    /// Its statements, in the scope of the parameters.
    pub body: Vec<Stmt>,
    /// Its last character, which is the place where it ends without `return`.
    pub end: Span,
}

/// An expression. No tree is higher than [`crate::limits::TREE_HEIGHT`] if it was parsed.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Its place.
    pub span: Span,
    /// What it computes.
    pub kind: ExprKind,
}

/// What an expression computes. Parts are computed in the order of the text.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// `nil`.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Str(Arc<str>),
    /// The value of a variable; of a global one if no other is known.
    Variable(Arc<str>),
    /// An operation of one value.
    Unary(UnaryOp, Box<Expr>),
    /// An operation of two values.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// One of two values; the second is only computed when it is needed.
    Logic(LogicOp, Box<Expr>, Box<Expr>),
    /// What a function returns.
    Call(Box<Expr>, Vec<Expr>),
    /// A property of an object.
    Property(Box<Expr>, Arc<str>),
    /// An element of an array or a property of an object.
    Element(Box<Expr>, Box<Expr>),
    /// How many elements, properties or characters there are.
    Length(Box<Expr>),
    /// A new array.
    Array(Vec<Expr>),
    /// A new object.
    Object(Vec<(Arc<str>, Expr)>),
    /// A new closure.
    Function(Box<Function>),
}

/// An operation of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// The negative of a number.
    Negate,
    /// Whether a value is nil or false.
    Not,
}

/// An operation of two values that are both computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// Sum of numbers, or one string behind the other.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
    /// Remainder with the sign of the dividend.
    Mod,
    /// Whether two values are equal.
    Eq,
    /// Whether they are not.
    Ne,
    /// Whether a number or string comes before another.
    Lt,
    /// Whether it comes behind.
    Gt,
    /// Whether it comes before or is equal.
    Le,
    /// Whether it comes behind or is equal.
    Ge,
}

/// An operation whose second value may not be needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogicOp {
    /// The first value if that is nil or false, else the second.
    And,
    /// The second value if the first is nil or false, else the first.
    Or,
}

impl UnaryOp {
    /// The sign of the operation.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Negate => "-",
            Self::Not => "!",
        }
    }
}

impl BinaryOp {
    /// All operations.
    pub const ALL: [BinaryOp; 11] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Mod,
        Self::Eq,
        Self::Ne,
        Self::Lt,
        Self::Gt,
        Self::Le,
        Self::Ge,
    ];

    /// The sign of the operation.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Gt => ">",
            Self::Le => "<=",
            Self::Ge => ">=",
        }
    }
}

impl LogicOp {
    /// The sign of the operation.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::And => "&&",
            Self::Or => "||",
        }
    }
}
