//! A cursor over the tokens of a source, for parsers by recursive descent.
//!
//! Parsers are written by hand on it: they are linear on any input, nesting has a hard limit, a fault
//! in one statement does not hide the next, and messages speak the language's words.

use std::fmt;

use logos::Logos;

use crate::error::{ErrorLog, SourceErrorKind, SourceErrors, excerpt};
use crate::limits;
use crate::source::{Source, Span};

/// The text cannot be parsed further; the error was reported.
#[derive(Debug)]
pub(crate) struct Stop;

pub(crate) type Parsed<T> = Result<T, Stop>;

/// A token of a language.
pub(crate) trait Token: Copy + PartialEq + fmt::Display {
    /// The end of the text.
    const EOF: Self;

    /// Whether messages name the token by its kind, since its text says nothing.
    fn is_invisible(self) -> bool;
}

/// A part of a tree with its height.
pub(crate) struct Tall<T> {
    pub(crate) node: T,
    pub(crate) height: u32,
}

impl<T> Tall<T> {
    /// A part that has no parts.
    pub(crate) fn leaf(node: T) -> Self {
        Self { node, height: 1 }
    }

    /// The part with something else made of it, as high as it was.
    pub(crate) fn map<U>(self, make: impl FnOnce(T) -> U) -> Tall<U> {
        Tall { node: make(self.node), height: self.height }
    }
}

pub(crate) struct Cursor<'s, T> {
    source: &'s Source,
    tokens: Vec<(T, Span)>,
    at: usize,
    nesting: u32,
    /// Whether it was reported that the text ends too early.
    ended: bool,
    errors: ErrorLog,
}

impl<'s, T: Token> Cursor<'s, T> {
    /// Splits a source into tokens. What is no token is reported and left out.
    pub(crate) fn new(source: &'s Source) -> Self
    where
        T: Logos<'s, Source = str, Error = (), Extras = ()>,
    {
        let mut tokens = Vec::with_capacity(source.text().len() / 4 + 1);
        let mut strange: Vec<Span> = Vec::new();
        for (token, range) in T::lexer(source.text()).spanned() {
            let span = Span::from(range);
            match (token, strange.last_mut()) {
                (Ok(token), _) => tokens.push((token, span)),
                (Err(()), Some(last)) if last.end == span.start => last.end = span.end,
                (Err(()), _) => strange.push(span),
            }
        }
        let end = source.text().len();
        tokens.push((T::EOF, (end..end).into()));
        let errors = ErrorLog::default();
        let mut cursor = Self { source, tokens, at: 0, nesting: 0, ended: false, errors };
        for span in strange {
            cursor.error_with(span, |text| SourceErrorKind::Strange { found: excerpt(text) });
        }
        cursor
    }

    /// The next token.
    pub(crate) fn peek(&self) -> T {
        self.tokens.get(self.at).map_or(T::EOF, |&(token, _)| token)
    }

    /// The token after the next one.
    pub(crate) fn peek_second(&self) -> T {
        self.tokens.get(self.at + 1).map_or(T::EOF, |&(token, _)| token)
    }

    /// The place of the next token.
    pub(crate) fn here(&self) -> Span {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(Span::default(), |&(_, span)| span)
    }

    /// The place of the last token taken.
    pub(crate) fn last(&self) -> Span {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.map_or(Span::default(), |&(_, span)| span)
    }

    /// The text of a place.
    pub(crate) fn text(&self, span: Span) -> &'s str {
        self.source.text().get(std::ops::Range::from(span)).unwrap_or_default()
    }

    /// Takes the next token; the end of the text stays.
    pub(crate) fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len().saturating_sub(1));
    }

    /// How many tokens were taken.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// The tokens that were taken since there were `from` of them.
    pub(crate) fn taken(&self, from: usize) -> impl Iterator<Item = T> {
        self.tokens.get(from..self.at).unwrap_or_default().iter().map(|&(token, _)| token)
    }

    /// Takes the next token if it is `token`.
    pub(crate) fn take(&mut self, token: T) -> bool {
        let found = self.peek() == token;
        if found {
            self.advance();
        }
        found
    }

    /// Takes `token`, which must come next, and gives its place.
    pub(crate) fn expect(&mut self, token: T) -> Parsed<Span> {
        let here = self.here();
        if self.take(token) { Ok(here) } else { Err(self.unexpected(&token.to_string())) }
    }

    /// Reports that something else was expected at the next token.
    pub(crate) fn unexpected(&mut self, expected: &str) -> Stop {
        let (token, here) = (self.peek(), self.here());
        // What is open at the end of the text is one error, not one for each block.
        if token == T::EOF && std::mem::replace(&mut self.ended, true) {
            return Stop;
        }
        self.error_with(here, |text| SourceErrorKind::Syntax {
            expected: expected.to_owned(),
            found: if token.is_invisible() {
                token.to_string()
            } else {
                format!("`{}`", excerpt(text))
            },
        });
        Stop
    }

    /// Reports an error.
    pub(crate) fn error(&mut self, span: Span, kind: SourceErrorKind) {
        self.error_with(span, |_| kind);
    }

    /// Reports an error, which is made of the text at its place if it is kept.
    pub(crate) fn error_with(&mut self, span: Span, kind: impl FnOnce(&str) -> SourceErrorKind) {
        let (source, text) = (self.source, self.text(span));
        self.errors.push_with(|| source.error(span, kind(text)));
    }

    /// Goes a level deeper; [`Self::leave`] comes back.
    pub(crate) fn enter(&mut self) -> Parsed<()> {
        if self.nesting == limits::TREE_HEIGHT {
            return Err(self.too_deep(self.here()));
        }
        self.nesting += 1;
        Ok(())
    }

    /// Comes back from a level.
    pub(crate) fn leave(&mut self) {
        self.nesting = self.nesting.saturating_sub(1);
    }

    /// A node above parts of which the highest has height `below`.
    pub(crate) fn above<R>(&mut self, below: u32, span: Span, node: R) -> Parsed<Tall<R>> {
        if below >= limits::TREE_HEIGHT {
            return Err(self.too_deep(span));
        }
        Ok(Tall { node, height: below + 1 })
    }

    /// Reports that something is nested too deep, and ends the reading: what closes all that is
    /// open would only look wrong.
    fn too_deep(&mut self, span: Span) -> Stop {
        self.error(span, SourceErrorKind::TooDeep);
        self.at = self.tokens.len().saturating_sub(1);
        self.ended = true;
        Stop
    }

    /// The errors, if there are any.
    pub(crate) fn finish(self) -> Result<(), SourceErrors> {
        self.errors.finish()
    }
}
