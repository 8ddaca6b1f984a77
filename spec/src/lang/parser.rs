//! A cursor over tokens, and expressions by precedence climbing.
//!
//! Written by hand rather than with a parser library: nesting has a hard limit, one statement's
//! fault does not hide the next one's, and each fault names what was expected in the words of this
//! language.

use std::ops::Range;

use super::ast::{Arm, BinaryOp, Expr, ExprKind, Name, Pattern, TypeRef, UnaryOp};
use super::lexer::{Token, tokens};
use crate::diagnostic::{Diagnostics, Span};
use crate::limits;
use crate::yaml::Scalar;

/// The text cannot be parsed further; the fault was reported.
#[derive(Debug)]
pub(super) struct Stop;

pub(super) type Parsed<T> = Result<T, Stop>;

pub(super) struct Parser<'a> {
    text: &'a Scalar,
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    depth: usize,
    operators: usize,
    pub(super) diagnostics: &'a mut Diagnostics,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a Scalar, diagnostics: &'a mut Diagnostics) -> Option<Self> {
        let tokens = tokens(text, diagnostics)?;
        Some(Self { text, tokens, at: 0, depth: 0, operators: 0, diagnostics })
    }

    pub(super) fn peek(&self) -> Token {
        self.tokens.get(self.at).map_or(Token::Eof, |(token, _)| *token)
    }

    pub(super) fn peek_second(&self) -> Token {
        self.tokens.get(self.at + 1).map_or(Token::Eof, |(token, _)| *token)
    }

    fn range(&self, at: usize) -> Range<usize> {
        self.tokens
            .get(at)
            .map_or(self.text.text.len()..self.text.text.len(), |(_, range)| range.clone())
    }

    /// The place of the next token. The end of a line is a place between two characters.
    pub(super) fn here(&self) -> Span {
        let range = self.range(self.at);
        match self.peek() {
            Token::End if self.word() == "\n" => self.text.span(range.start..range.start),
            _ => self.text.span(range),
        }
    }

    /// The text of the next token.
    pub(super) fn word(&self) -> &'a str {
        &self.text.text[self.range(self.at)]
    }

    pub(super) fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len());
    }

    /// The place from an earlier token to the last one taken.
    pub(super) fn span_from(&self, start: Span) -> Span {
        let last = self.text.span(self.range(self.at.saturating_sub(1)));
        Span { end: last.end.max(start.end), ..start }
    }

    pub(super) fn take(&mut self, token: Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, token: Token) -> Parsed<()> {
        if self.take(token) { Ok(()) } else { Err(self.unexpected(&token.to_string())) }
    }

    /// Takes the next token if it is the word `keyword`.
    pub(super) fn take_word(&mut self, keyword: &str) -> bool {
        let found = self.peek() == Token::Name && self.word() == keyword;
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn name(&mut self) -> Parsed<Name> {
        if self.peek() != Token::Name {
            return Err(self.unexpected("a name"));
        }
        let name = Name { text: self.word().to_owned(), span: self.here() };
        self.advance();
        Ok(name)
    }

    /// Reports that something else was expected at the next token.
    pub(super) fn unexpected(&mut self, expected: &str) -> Stop {
        let found = match self.peek() {
            token @ (Token::Eof | Token::End) => token.to_string(),
            _ => format!("`{}`", self.word()),
        };
        self.diagnostics.error(self.here(), format!("expected {expected}, found {found}"));
        Stop
    }

    /// Parses with the nesting one deeper.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == limits::NESTING {
            let message = format!("nested deeper than {} levels", limits::NESTING);
            self.diagnostics.error(self.here(), message);
            return Err(Stop);
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    pub(super) fn skip_line_ends(&mut self) {
        while self.take(Token::End) {}
    }

    /// Takes the next token that is no line end if it is the word `keyword`.
    pub(super) fn take_word_behind_line_ends(&mut self, keyword: &str) -> bool {
        let start = self.at;
        self.skip_line_ends();
        let found = self.take_word(keyword);
        if !found {
            self.at = start;
        }
        found
    }

    /// Skips to the end of the statement in which a fault was found.
    pub(super) fn skip_statement(&mut self) {
        while !matches!(self.peek(), Token::End | Token::CloseBrace | Token::Eof) {
            self.advance();
        }
    }

    /// A number that fits `u64`: wide enough for every cell.
    pub(super) fn int(&mut self) -> Parsed<ExprKind> {
        if self.peek() != Token::Int {
            return Err(self.unexpected("a number"));
        }
        let digits: String = self.word().chars().filter(|c| *c != '_').collect();
        let parsed = match (digits.strip_prefix("0x"), digits.strip_prefix("0b")) {
            (Some(hex), _) => u64::from_str_radix(hex, 16).map(ExprKind::Bits),
            (_, Some(binary)) => u64::from_str_radix(binary, 2).map(ExprKind::Bits),
            _ => digits.parse::<u64>().map(|value| ExprKind::Int(i128::from(value))),
        };
        match parsed {
            Ok(kind) => {
                self.advance();
                Ok(kind)
            }
            Err(_) => {
                self.diagnostics.unsupported(self.here(), "a number wider than 64 bits");
                Err(Stop)
            }
        }
    }

    pub(super) fn type_ref(&mut self) -> Parsed<TypeRef> {
        let mut name = self.name()?;
        let (mut reserved, mut count) = (None, None);
        if self.take(Token::OpenParen) {
            self.expression()?;
            self.expect(Token::CloseParen)?;
            reserved = Some("a computed width");
            // The rest of `u(8*n)be`.
            if self.peek() == Token::Name && matches!(self.word(), "be" | "le") {
                self.advance();
            }
        }
        if self.take(Token::OpenBracket) {
            if !self.take(Token::CloseBracket) {
                let length = self.expression()?;
                self.expect(Token::CloseBracket)?;
                if let (ExprKind::Name(text), None) = (length.kind, reserved) {
                    count = Some(Name { text, span: length.span });
                }
            }
            reserved = Some("a list");
        }
        if reserved.is_some() {
            name.span = self.span_from(name.span);
        }
        Ok(TypeRef { name, reserved, count })
    }

    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.nested(|parser| parser.binary(0))
    }

    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        let mut left = self.prefix()?;
        while let Some((op, precedence)) = infix(self.peek()) {
            if precedence < least {
                break;
            }
            self.count_operator()?;
            self.advance();
            let right = self.nested(|parser| parser.binary(precedence + 1))?;
            let span = self.span_from(left.span);
            left = Expr { span, kind: ExprKind::Binary(op, Box::new(left), Box::new(right)) };
        }
        Ok(left)
    }

    /// A chain of operators nests the tree without nesting the text.
    fn count_operator(&mut self) -> Parsed<()> {
        self.operators += 1;
        if self.operators > limits::OPERATORS {
            let message = format!("more than {} operators in one text", limits::OPERATORS);
            self.diagnostics.error(self.here(), message);
            return Err(Stop);
        }
        Ok(())
    }

    fn prefix(&mut self) -> Parsed<Expr> {
        let op = match self.peek() {
            Token::Minus => UnaryOp::Minus,
            Token::Tilde => UnaryOp::Complement,
            Token::Not => UnaryOp::Not,
            _ => return self.postfix(),
        };
        let start = self.here();
        self.advance();
        let operand = self.nested(Self::prefix)?;
        let kind = match (op, operand.kind) {
            (UnaryOp::Minus, ExprKind::Int(value)) => ExprKind::Int(-value),
            (UnaryOp::Minus, ExprKind::Float(value)) => ExprKind::Float(-value),
            (UnaryOp::Minus, ExprKind::Bits(bits)) => ExprKind::Int(-i128::from(bits)),
            (op, kind) => ExprKind::Unary(op, Box::new(Expr { span: operand.span, kind })),
        };
        Ok(Expr { span: self.span_from(start), kind })
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let mut base = self.primary()?;
        // Each suffix nests the tree by one, as brackets do.
        for _ in 0..limits::NESTING {
            let start = base.span;
            let kind = match self.peek() {
                Token::OpenBracket => self.suffix_in_brackets(base)?,
                Token::OpenParen => {
                    self.advance();
                    let arguments = self.arguments(Token::CloseParen)?;
                    ExprKind::Call(Box::new(base), arguments)
                }
                Token::Dot => {
                    self.advance();
                    ExprKind::Field(Box::new(base), self.name()?)
                }
                _ => return Ok(base),
            };
            base = Expr { span: self.span_from(start), kind };
        }
        self.diagnostics.error(base.span, format!("nested deeper than {} levels", limits::NESTING));
        Err(Stop)
    }

    fn suffix_in_brackets(&mut self, base: Expr) -> Parsed<ExprKind> {
        self.advance();
        let index = self.expression()?;
        if !self.take(Token::Colon) {
            self.expect(Token::CloseBracket)?;
            return Ok(ExprKind::Index(Box::new(base), Box::new(index)));
        }
        let low = self.expression()?;
        self.expect(Token::CloseBracket)?;
        let bit = |expr: &Expr| u32::try_from(expr.number()?).ok().filter(|bit| *bit < 64);
        match (bit(&index), bit(&low)) {
            (Some(high), Some(low)) => Ok(ExprKind::Slice(Box::new(base), high, low)),
            _ => {
                let span = self.span_from(index.span);
                self.diagnostics.error(span, "bits are written [high:low], from 63 to 0");
                Err(Stop)
            }
        }
    }

    /// Expressions separated by commas, up to a closing token.
    pub(super) fn arguments(&mut self, close: Token) -> Parsed<Vec<Expr>> {
        let mut arguments = Vec::new();
        while !self.take(close) {
            arguments.push(self.expression()?);
            if !self.take(Token::Comma) {
                self.expect(close)?;
                break;
            }
        }
        Ok(arguments)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let span = self.here();
        let kind = match self.peek() {
            Token::Int => self.int()?,
            Token::Float => {
                // The token has the form of a number.
                let value = self.word().parse().unwrap_or(f64::NAN);
                self.advance();
                ExprKind::Float(value)
            }
            Token::Str => {
                self.advance();
                ExprKind::Reserved("a string")
            }
            Token::OpenBracket => {
                self.advance();
                self.arguments(Token::CloseBracket)?;
                return Ok(self.reserved_from(span, "a list"));
            }
            Token::OpenParen => {
                self.advance();
                let inner = self.expression()?;
                self.expect(Token::CloseParen)?;
                return Ok(Expr { span: self.span_from(span), kind: inner.kind });
            }
            Token::Name => match self.word() {
                "true" | "false" => {
                    let value = self.word() == "true";
                    self.advance();
                    ExprKind::Bool(value)
                }
                "if" => return self.conditional(),
                "match" => return self.nested(Self::match_value),
                "new" => return self.new_record(),
                "host" => return Err(self.host_in_expression()),
                _ => ExprKind::Name(self.name()?.text),
            },
            _ => return Err(self.unexpected("an expression")),
        };
        Ok(Expr { span, kind })
    }

    fn host_in_expression(&mut self) -> Stop {
        self.diagnostics.error_with_help(
            self.here(),
            "a call of the host is a statement, no part of an expression",
            "give its reply a name: `let x = host f(a)`",
        );
        Stop
    }

    fn conditional(&mut self) -> Parsed<Expr> {
        let start = self.here();
        self.advance();
        let condition = self.expression()?;
        let then = self.braced()?;
        if !self.take_word("else") {
            return Err(self.unexpected("`else` and another value"));
        }
        let other = if self.peek() == Token::Name && self.word() == "if" {
            self.nested(Self::conditional)?
        } else {
            self.braced()?
        };
        let kind = ExprKind::If(Box::new(condition), Box::new(then), Box::new(other));
        Ok(Expr { span: self.span_from(start), kind })
    }

    fn match_value(&mut self) -> Parsed<Expr> {
        let start = self.here();
        self.advance();
        let (values, arms) = self.match_arms(Self::expression)?;
        Ok(Expr { span: self.span_from(start), kind: ExprKind::Match(values, arms) })
    }

    /// `a, b { pattern, pattern => … }`, one arm a line or separated by `;`.
    pub(super) fn match_arms<T>(
        &mut self,
        mut then: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<(Vec<Expr>, Vec<Arm<T>>)> {
        let mut values = vec![self.expression()?];
        while self.take(Token::Comma) {
            values.push(self.expression()?);
        }
        self.expect(Token::OpenBrace)?;
        let mut arms = Vec::new();
        loop {
            self.skip_line_ends();
            if self.take(Token::CloseBrace) {
                return Ok((values, arms));
            }
            if arms.len() == limits::ARMS {
                let message = format!("more than {} arms", limits::ARMS);
                self.diagnostics.error(self.here(), message);
                return Err(Stop);
            }
            let start = self.here();
            let mut patterns = vec![self.pattern()?];
            while self.take(Token::Comma) {
                patterns.push(self.pattern()?);
            }
            let span = self.span_from(start);
            self.expect(Token::FatArrow)?;
            arms.push(Arm { span, patterns, then: then(self)? });
            if !matches!(self.peek(), Token::End | Token::CloseBrace) {
                return Err(self.unexpected("the end of the arm"));
            }
        }
    }

    /// `_`, `variant` or `variant name`.
    fn pattern(&mut self) -> Parsed<Pattern> {
        let name = self.name()?;
        if name.text == "_" {
            return Ok(Pattern::Any);
        }
        let bound = if self.peek() == Token::Name { Some(self.name()?) } else { None };
        Ok(Pattern::Variant(name, bound))
    }

    fn braced(&mut self) -> Parsed<Expr> {
        self.expect(Token::OpenBrace)?;
        let value = self.expression()?;
        self.expect(Token::CloseBrace)?;
        Ok(value)
    }

    /// `new Name{field = value, …}`, on one line or several.
    fn new_record(&mut self) -> Parsed<Expr> {
        let start = self.here();
        self.advance();
        let name = self.name()?;
        self.expect(Token::OpenBrace)?;
        let mut fields = Vec::new();
        loop {
            self.skip_line_ends();
            if self.take(Token::CloseBrace) {
                break;
            }
            let field = self.name()?;
            self.expect(Token::Assign)?;
            fields.push((field, self.expression()?));
            self.skip_line_ends();
            if !self.take(Token::Comma) {
                self.expect(Token::CloseBrace)?;
                break;
            }
        }
        Ok(Expr { span: self.span_from(start), kind: ExprKind::New(name, fields) })
    }

    fn reserved_from(&self, start: Span, what: &'static str) -> Expr {
        Expr { span: self.span_from(start), kind: ExprKind::Reserved(what) }
    }
}

/// The operator of a token and how strongly it binds. Comparisons bind more weakly than bits.
fn infix(token: Token) -> Option<(BinaryOp, u8)> {
    Some(match token {
        Token::OrOr => (BinaryOp::LogicalOr, 1),
        Token::AndAnd => (BinaryOp::LogicalAnd, 2),
        Token::Eq => (BinaryOp::Eq, 3),
        Token::Ne => (BinaryOp::Ne, 3),
        Token::Lt => (BinaryOp::Lt, 3),
        Token::Le => (BinaryOp::Le, 3),
        Token::Gt => (BinaryOp::Gt, 3),
        Token::Ge => (BinaryOp::Ge, 3),
        Token::Or => (BinaryOp::Or, 4),
        Token::Caret => (BinaryOp::Xor, 5),
        Token::And => (BinaryOp::And, 6),
        Token::Shl => (BinaryOp::Shl, 7),
        Token::Shr => (BinaryOp::Shr, 7),
        Token::Plus => (BinaryOp::Add, 8),
        Token::Minus => (BinaryOp::Sub, 8),
        Token::WrapPlus => (BinaryOp::WrapAdd, 8),
        Token::WrapMinus => (BinaryOp::WrapSub, 8),
        Token::Star => (BinaryOp::Mul, 9),
        Token::Slash => (BinaryOp::Div, 9),
        Token::Percent => (BinaryOp::Rem, 9),
        Token::WrapStar => (BinaryOp::WrapMul, 9),
        _ => return None,
    })
}

/// Parses an expression that is the whole text.
pub fn parse_expression(text: &Scalar, diagnostics: &mut Diagnostics) -> Option<Expr> {
    let mut parser = Parser::new(text, diagnostics)?;
    let expression = parser.expression().ok()?;
    parser.skip_line_ends();
    parser.expect(Token::Eof).ok()?;
    Some(expression)
}
