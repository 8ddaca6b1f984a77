//! From the text of a calculator program to its tree.

use std::fmt;

use logos::Logos;

use super::ast::{Expr, ExprKind, Op, Program, Statement, StatementKind, Variable};
use crate::cursor::{self, Cursor, Parsed, Tall};
use crate::error::{SourceErrorKind, SourceErrors, excerpt};
use crate::source::{Source, Span};

/// A token.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r]+")]
#[logos(skip(r"#[^\n]*", allow_greedy = true))]
enum Token {
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Name,
    #[token("print")]
    Print,
    #[regex(r"[0-9]+")]
    Int,
    #[regex(r"\n|;")]
    End,
    #[token("(")]
    Open,
    #[token(")")]
    Close,
    #[token("=")]
    Assign,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    Eof,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a variable",
            Self::Print => "`print`",
            Self::Int => "a number",
            Self::End => "the end of the line",
            Self::Open => "`(`",
            Self::Close => "`)`",
            Self::Assign => "`=`",
            Self::Plus => "`+`",
            Self::Minus => "`-`",
            Self::Star => "`*`",
            Self::Slash => "`/`",
            Self::Eof => "the end of the text",
        })
    }
}

impl cursor::Token for Token {
    const EOF: Self = Self::Eof;

    fn is_invisible(self) -> bool {
        matches!(self, Self::End | Self::Eof)
    }
}

pub(super) fn parse(source: &Source) -> Result<Program, SourceErrors> {
    let mut parser = Parser { cursor: Cursor::new(source) };
    let mut statements: Vec<Statement> = Vec::new();
    while parser.skip_ends() {
        if let Some(Statement { span, kind: StatementKind::Result(_) }) = statements.last() {
            parser.cursor.error(*span, SourceErrorKind::ResultNotLast);
        }
        match parser.statement() {
            Ok(statement) => statements.push(statement),
            Err(_) => parser.skip_statement(),
        }
    }
    parser.cursor.finish()?;
    Ok(Program { statements })
}

struct Parser<'s> {
    cursor: Cursor<'s, Token>,
}

impl Parser<'_> {
    /// Whether there is something behind the ends of statements, which are taken.
    fn skip_ends(&mut self) -> bool {
        while self.cursor.take(Token::End) {}
        self.cursor.peek() != Token::Eof
    }

    fn skip_statement(&mut self) {
        while !self.at_end() {
            self.cursor.advance();
        }
    }

    fn at_end(&self) -> bool {
        matches!(self.cursor.peek(), Token::End | Token::Eof)
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let start = self.cursor.here();
        let kind = if self.cursor.take(Token::Print) {
            StatementKind::Print(self.expression()?)
        } else if self.cursor.peek_second() == Token::Assign && self.cursor.peek() == Token::Name {
            let variable = self.variable();
            self.cursor.advance();
            StatementKind::Assign { variable, value: self.expression()? }
        } else {
            StatementKind::Result(self.expression()?)
        };
        if !self.at_end() {
            return Err(self.cursor.unexpected("the end of the statement"));
        }
        Ok(Statement { span: start.to(self.cursor.last()), kind })
    }

    /// The name that comes next. A wrong one is reported, and the parser goes on.
    fn variable(&mut self) -> Variable {
        let here = self.cursor.here();
        self.cursor.advance();
        Variable::from_name(self.cursor.text(here)).unwrap_or_else(|| {
            self.cursor
                .error_with(here, |text| SourceErrorKind::VariableName { found: excerpt(text) });
            Variable::default()
        })
    }

    fn expression(&mut self) -> Parsed<Expr> {
        Ok(self.infix(0)?.node)
    }

    /// Operations that bind tighter than `floor`.
    fn infix(&mut self, floor: u8) -> Parsed<Tall<Expr>> {
        let mut left = self.prefix()?;
        while let Some((op, power)) = infix_op(self.cursor.peek())
            && power > floor
        {
            self.cursor.advance();
            let right = self.infix(power)?;
            let span = left.node.span.to(right.node.span);
            let below = left.height.max(right.height);
            let (left_node, right_node) = (Box::new(left.node), Box::new(right.node));
            let kind = ExprKind::Binary { op, left: left_node, right: right_node };
            left = self.cursor.above(below, span, Expr { span, kind })?;
        }
        Ok(left)
    }

    fn prefix(&mut self) -> Parsed<Tall<Expr>> {
        self.cursor.enter()?;
        let parsed = self.operand();
        self.cursor.leave();
        parsed
    }

    fn operand(&mut self) -> Parsed<Tall<Expr>> {
        let start = self.cursor.here();
        match self.cursor.peek() {
            Token::Minus if self.cursor.peek_second() == Token::Int => {
                self.cursor.advance();
                self.cursor.advance();
                let span = start.to(self.cursor.last());
                let digits = self.cursor.text(self.cursor.last());
                let value = digits.parse::<i64>().map(|value| -value);
                Ok(self.int(span, value.ok()))
            }
            Token::Int => {
                self.cursor.advance();
                let value = self.cursor.text(start).parse::<i64>();
                Ok(self.int(start, value.ok()))
            }
            Token::Minus => {
                self.cursor.advance();
                let value = self.prefix()?;
                let span = start.to(value.node.span);
                let kind = ExprKind::Negate(Box::new(value.node));
                self.cursor.above(value.height, span, Expr { span, kind })
            }
            Token::Name => {
                let variable = self.variable();
                Ok(Tall::leaf(Expr { span: start, kind: ExprKind::Load(variable) }))
            }
            Token::Open => {
                self.cursor.advance();
                let inner = self.infix(0)?;
                let span = start.to(self.cursor.expect(Token::Close)?);
                Ok(inner.map(|expr| Expr { span, ..expr }))
            }
            _ => Err(self.cursor.unexpected("a value")),
        }
    }

    /// A number with its sign. One that is out of range is reported, and the parser goes on.
    fn int(&mut self, span: Span, value: Option<i64>) -> Tall<Expr> {
        let value = value.and_then(|value| i32::try_from(value).ok()).unwrap_or_else(|| {
            self.cursor.error_with(span, |text| SourceErrorKind::OutOfRange {
                min: i32::MIN.into(),
                max: i32::MAX.into(),
                found: excerpt(text),
            });
            0
        });
        Tall::leaf(Expr { span, kind: ExprKind::Int(value) })
    }
}

fn infix_op(token: Token) -> Option<(Op, u8)> {
    Some(match token {
        Token::Plus => (Op::Add, 1),
        Token::Minus => (Op::Sub, 1),
        Token::Star => (Op::Mul, 2),
        Token::Slash => (Op::Div, 2),
        _ => return None,
    })
}
