//! From the text of a script to its tree: expressions.

use std::sync::Arc;

use super::super::ast::{BinaryOp, Expr, ExprKind, LogicOp, UnaryOp};
use super::super::literal;
use super::super::token::Token;
use super::Parser;
use crate::cursor::{Parsed, Stop, Tall};
use crate::error::{SourceErrorKind, excerpt};
use crate::source::Span;

/// An infix operator.
#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOp),
    Logic(LogicOp),
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Tall<Expr>> {
        self.infix(0)
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
            let (first, second) = (Box::new(left.node), Box::new(right.node));
            let kind = match op {
                Infix::Binary(op) => ExprKind::Binary(op, first, second),
                Infix::Logic(op) => ExprKind::Logic(op, first, second),
            };
            left = self.cursor.above(below, span, Expr { span, kind })?;
        }
        Ok(left)
    }

    /// An operand with what stands before and behind it.
    fn prefix(&mut self) -> Parsed<Tall<Expr>> {
        self.cursor.enter()?;
        let op = match self.cursor.peek() {
            Token::Minus => Some(UnaryOp::Negate),
            Token::Not => Some(UnaryOp::Not),
            _ => None,
        };
        let parsed = match op {
            Some(op) => self.unary(op),
            None => self.postfix(),
        };
        self.cursor.leave();
        parsed
    }

    fn unary(&mut self, op: UnaryOp) -> Parsed<Tall<Expr>> {
        let start = self.cursor.here();
        self.cursor.advance();
        let value = self.prefix()?;
        let span = start.to(value.node.span);
        let kind = ExprKind::Unary(op, Box::new(value.node));
        self.cursor.above(value.height, span, Expr { span, kind })
    }

    /// An operand with calls, indexes and properties behind it.
    fn postfix(&mut self) -> Parsed<Tall<Expr>> {
        let mut base = self.operand()?;
        loop {
            let mut below = base.height;
            let object = match self.cursor.peek() {
                Token::OpenParen | Token::OpenBracket | Token::Dot => Box::new(base.node),
                _ => return Ok(base),
            };
            let start = object.span;
            let kind = match self.cursor.peek() {
                Token::OpenParen => {
                    self.cursor.advance();
                    let arguments = self.list(Token::CloseParen)?;
                    below = below.max(arguments.height);
                    ExprKind::Call(object, arguments.node)
                }
                Token::OpenBracket => {
                    self.cursor.advance();
                    let index = self.expression()?;
                    self.cursor.expect(Token::CloseBracket)?;
                    below = below.max(index.height);
                    ExprKind::Element(object, Box::new(index.node))
                }
                _ => {
                    self.cursor.advance();
                    let name = self.cursor.here();
                    if !self.take_word() {
                        return Err(self.cursor.unexpected("the name of a property"));
                    }
                    ExprKind::Property(object, self.interned(name))
                }
            };
            let span = start.to(self.cursor.last());
            base = self.cursor.above(below, span, Expr { span, kind })?;
        }
    }

    /// Takes a name or a keyword.
    fn take_word(&mut self) -> bool {
        let text = self.cursor.text(self.cursor.here());
        let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        if is_word {
            self.cursor.advance();
        }
        is_word
    }

    /// Expressions up to a closing token, which is taken. A comma may follow the last one.
    fn list(&mut self, close: Token) -> Parsed<Tall<Vec<Expr>>> {
        let mut list = Tall { node: Vec::new(), height: 0 };
        while self.cursor.peek() != close {
            let value = self.expression()?;
            if close == Token::CloseParen {
                self.count_argument(list.node.len(), value.node.span)?;
            }
            list.height = list.height.max(value.height);
            list.node.push(value.node);
            if !self.cursor.take(Token::Comma) {
                break;
            }
        }
        if self.cursor.take(close) {
            return Ok(list);
        }
        Err(self.cursor.unexpected(&format!("`,` or {close}")))
    }

    fn operand(&mut self) -> Parsed<Tall<Expr>> {
        let span = self.cursor.here();
        let token = self.cursor.peek();
        let kind = match token {
            Token::Nil => ExprKind::Nil,
            Token::True => ExprKind::Bool(true),
            Token::False => ExprKind::Bool(false),
            Token::Number => ExprKind::Number(self.number(span)),
            Token::Str | Token::OpenStr => ExprKind::Str(self.string(token, span)),
            Token::Name => ExprKind::Variable(self.interned(span)),
            Token::OpenParen => {
                self.cursor.advance();
                let inner = self.expression()?;
                let span = span.to(self.cursor.expect(Token::CloseParen)?);
                return Ok(inner.map(|expr| Expr { span, ..expr }));
            }
            Token::OpenBracket => {
                self.cursor.advance();
                let values = self.list(Token::CloseBracket)?;
                return self.composed(span, values.height, ExprKind::Array(values.node));
            }
            Token::OpenBrace => return self.object(span),
            Token::Len => {
                self.cursor.advance();
                self.cursor.expect(Token::OpenParen)?;
                let value = self.expression()?;
                self.cursor.expect(Token::CloseParen)?;
                let kind = ExprKind::Length(Box::new(value.node));
                return self.composed(span, value.height, kind);
            }
            Token::Function => {
                self.cursor.advance();
                let function = self.function(None)?;
                let kind = ExprKind::Function(Box::new(function.node));
                return self.composed(span, function.height, kind);
            }
            _ => return Err(self.cursor.unexpected("a value")),
        };
        self.cursor.advance();
        Ok(Tall::leaf(Expr { span, kind }))
    }

    /// An expression that ends with the last token, above parts of a height.
    fn composed(&mut self, start: Span, below: u32, kind: ExprKind) -> Parsed<Tall<Expr>> {
        let span = start.to(self.cursor.last());
        self.cursor.above(below, span, Expr { span, kind })
    }

    fn object(&mut self, start: Span) -> Parsed<Tall<Expr>> {
        self.cursor.advance();
        let (mut entries, mut below) = (Vec::new(), 0);
        while self.cursor.peek() != Token::CloseBrace {
            let key = self.key()?;
            self.cursor.expect(Token::Colon)?;
            let value = self.expression()?;
            below = below.max(value.height);
            entries.push((key, value.node));
            if !self.cursor.take(Token::Comma) {
                break;
            }
        }
        if !self.cursor.take(Token::CloseBrace) {
            return Err(self.cursor.unexpected("`,` or `}`"));
        }
        self.composed(start, below, ExprKind::Object(entries))
    }

    fn key(&mut self) -> Parsed<Arc<str>> {
        let (token, here) = (self.cursor.peek(), self.cursor.here());
        match token {
            Token::Str | Token::OpenStr => {
                let key = self.string(token, here);
                self.cursor.advance();
                Ok(key)
            }
            _ if self.take_word() => Ok(self.interned(here)),
            _ => Err::<_, Stop>(self.cursor.unexpected("the name of a property")),
        }
    }

    /// A number. One that is too large is reported, and the parser goes on.
    fn number(&mut self, span: Span) -> f64 {
        let value = self.cursor.text(span).parse::<f64>().unwrap_or(f64::INFINITY);
        if value.is_finite() {
            return value;
        }
        self.cursor.error_with(span, |text| SourceErrorKind::TooGreat { found: excerpt(text) });
        0.0
    }

    /// A string. What is wrong with it is reported, and the parser goes on.
    fn string(&mut self, token: Token, span: Span) -> Arc<str> {
        if token == Token::OpenStr {
            self.cursor.error(span, SourceErrorKind::OpenString);
            return "".into();
        }
        let inner = Span { start: span.start + 1, end: span.end - 1 };
        match literal::read_string(self.cursor.text(inner)) {
            Ok(content) => content.into(),
            Err(bad) => {
                let at = inner.start as usize + bad.at;
                self.cursor.error_with((at..at + bad.len).into(), |text| {
                    SourceErrorKind::BadEscape { found: excerpt(text) }
                });
                "".into()
            }
        }
    }
}

fn infix_op(token: Token) -> Option<(Infix, u8)> {
    let binary = |op, power| Some((Infix::Binary(op), power));
    match token {
        Token::Or => Some((Infix::Logic(LogicOp::Or), 1)),
        Token::And => Some((Infix::Logic(LogicOp::And), 2)),
        Token::Eq => binary(BinaryOp::Eq, 3),
        Token::Ne => binary(BinaryOp::Ne, 3),
        Token::Lt => binary(BinaryOp::Lt, 4),
        Token::Gt => binary(BinaryOp::Gt, 4),
        Token::Le => binary(BinaryOp::Le, 4),
        Token::Ge => binary(BinaryOp::Ge, 4),
        Token::Plus => binary(BinaryOp::Add, 5),
        Token::Minus => binary(BinaryOp::Sub, 5),
        Token::Star => binary(BinaryOp::Mul, 6),
        Token::Slash => binary(BinaryOp::Div, 6),
        Token::Percent => binary(BinaryOp::Mod, 6),
        _ => None,
    }
}
