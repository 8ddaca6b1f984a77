//! The line that begins a function: `.func add arity=2 locals=3 captures=[local 0, upvalue 1]`.

use std::ops::Range;

use logos::{Lexer, Logos};

use super::constant::unquote;
use super::error::{AsmErrorKind, ErrorLog, did_you_mean, excerpt};
use super::token::{is_label_name, number};
use crate::module::Capture;

#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r\u{feff}]+")]
#[logos(skip(r";[^\n]*", allow_greedy = true))]
enum Token {
    #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
    Str,
    #[regex(r"[A-Za-z0-9_\-]+")]
    Word,
    #[token("=")]
    Equals,
    #[token("[")]
    Open,
    #[token("]")]
    Close,
    #[token(",")]
    Comma,
}

/// What a function states of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// The name.
    pub name: String,
    /// Whether the name can be that of an operand.
    pub is_bare: bool,
    /// How many arguments.
    pub arity: Option<u32>,
    /// How many local variables.
    pub locals: Option<u32>,
    /// How deep the stack of a frame gets.
    pub stack: Option<u32>,
    /// What is captured.
    pub captures: Option<Vec<Capture>>,
}

/// The keys.
const KEYS: [&str; 4] = ["arity", "locals", "stack", "captures"];

/// The most that a key can say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    /// Local variables.
    pub locals: u32,
    /// Cells of a stack.
    pub stack: u32,
    /// Captured variables.
    pub captures: u32,
}

/// Reads what stands behind `.func`: the text from `start` to the end of the line.
pub(super) fn parse(line: &str, start: usize, most: Most, errors: &mut ErrorLog) -> Option<Header> {
    let mut parser = Parser { lexer: Token::lexer(line), token: None, start, most, errors };
    parser.advance();
    parser.header()
}

struct Parser<'t, 'e> {
    lexer: Lexer<'t, Token>,
    /// The next token, `None` at the end; an error is a character of no token.
    token: Option<Result<Token, ()>>,
    start: usize,
    most: Most,
    errors: &'e mut ErrorLog,
}

impl Parser<'_, '_> {
    fn advance(&mut self) {
        self.token = self.lexer.next();
    }

    fn next_is(&self, token: Token) -> bool {
        self.token == Some(Ok(token))
    }

    fn span(&self) -> Range<usize> {
        let span = self.lexer.span();
        self.start + span.start..self.start + span.end
    }

    /// Reports that something else was `expected`.
    fn unexpected<T>(&mut self, expected: &'static str) -> Option<T> {
        let (span, word) = (self.span(), self.lexer.slice());
        let at_end = self.token.is_none();
        self.errors.push_with(span, || {
            let found = match at_end {
                true => "the end of the line".to_owned(),
                false => format!("`{}`", excerpt(word)),
            };
            (AsmErrorKind::Syntax { expected, found }, None)
        });
        None
    }

    fn header(&mut self) -> Option<Header> {
        let mut header = Header::default();
        let name = self.lexer.slice();
        if self.next_is(Token::Str) {
            let Some(text) = unquote(name) else {
                let found = excerpt(name);
                self.errors.push(self.span(), AsmErrorKind::BadEscape { found });
                return None;
            };
            header.name = text;
        } else if self.next_is(Token::Word) && is_label_name(name) {
            (header.name, header.is_bare) = (name.to_owned(), true);
        } else {
            return self.unexpected(
                "the name of the function (letters, digits and `_`, or any text in quotes)",
            );
        }
        self.advance();
        while self.token.is_some() {
            self.setting(&mut header)?;
        }
        Some(header)
    }

    fn setting(&mut self, header: &mut Header) -> Option<()> {
        if !self.next_is(Token::Word) {
            return self
                .unexpected("`arity=`, `locals=`, `stack=`, `captures=` or the end of the line");
        }
        let (key, span) = (self.lexer.slice(), self.span());
        let again = match key {
            "arity" => header.arity.is_some(),
            "locals" => header.locals.is_some(),
            "stack" => header.stack.is_some(),
            "captures" => header.captures.is_some(),
            _ => {
                self.errors.push_with(span, || {
                    let expected = "`arity=`, `locals=`, `stack=` or `captures=`";
                    let found = format!("`{}`", excerpt(key));
                    (AsmErrorKind::Syntax { expected, found }, did_you_mean(key, KEYS))
                });
                return None;
            }
        };
        if again {
            self.errors.push(span, AsmErrorKind::Again { what: "each setting of a function" });
        }
        self.advance();
        if !self.next_is(Token::Equals) {
            return self.unexpected("`=`");
        }
        self.advance();
        match key {
            "arity" => header.arity = Some(self.number(self.most.locals)?),
            "locals" => header.locals = Some(self.number(self.most.locals)?),
            "stack" => header.stack = Some(self.number(self.most.stack)?),
            _ => header.captures = Some(self.captures()?),
        }
        Some(())
    }

    fn number(&mut self, max: u32) -> Option<u32> {
        let word = self.lexer.slice();
        let Some(value) = number(word).filter(|_| self.next_is(Token::Word)) else {
            return self.unexpected("a number");
        };
        let taken = u32::try_from(value).ok().filter(|&value| value <= max);
        if taken.is_none() {
            self.errors.push_with(self.span(), || {
                let found = excerpt(word);
                (AsmErrorKind::OutOfRange { min: 0, max: max.into(), found }, None)
            });
        }
        self.advance();
        taken
    }

    fn captures(&mut self) -> Option<Vec<Capture>> {
        const FORM: &str = "`local N` or `upvalue N`";
        let span = self.span();
        if !self.next_is(Token::Open) {
            return self.unexpected("`[`");
        }
        self.advance();
        let mut captures = Vec::new();
        while !self.next_is(Token::Close) {
            if !captures.is_empty() {
                if !self.next_is(Token::Comma) {
                    return self.unexpected("`,` or `]`");
                }
                self.advance();
            }
            let make = match (self.token, self.lexer.slice()) {
                (Some(Ok(Token::Word)), "local") => Capture::Local,
                (Some(Ok(Token::Word)), "upvalue") => Capture::Upvalue,
                _ => return self.unexpected(FORM),
            };
            self.advance();
            captures.push(make(self.number(u32::MAX)?));
        }
        self.advance();
        if captures.len() > self.most.captures as usize {
            let (max, found) = (self.most.captures.into(), captures.len().to_string());
            self.errors.push(span, AsmErrorKind::OutOfRange { min: 0, max, found });
            return None;
        }
        Some(captures)
    }
}
