//! Texts of the small languages as tokens.

use std::fmt;
use std::ops::Range;

use logos::Logos;

use crate::diagnostic::Diagnostics;
use crate::limits;
use crate::yaml::Scalar;

/// A token.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r]+")]
#[logos(skip(r"#[^\n]*", allow_greedy = true))]
#[allow(missing_docs, reason = "a token is its spelling")]
pub enum Token {
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Name,
    #[regex(r"[0-9][0-9_]*|0x[0-9A-Fa-f][0-9A-Fa-f_]*|0b[01][01_]*")]
    Int,
    #[regex(r"[0-9]+\.[0-9]+([eE][+-]?[0-9]+)?")]
    Float,
    #[regex(r#""([^"\\\n]|\\.)*""#)]
    Str,
    #[regex(r"\n|;")]
    End,
    #[token("(")]
    OpenParen,
    #[token(")")]
    CloseParen,
    #[token("[")]
    OpenBracket,
    #[token("]")]
    CloseBracket,
    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token(".")]
    Dot,
    #[token("..")]
    DotDot,
    #[token("=")]
    Assign,
    #[token("==")]
    Eq,
    #[token("!=")]
    Ne,
    #[token("<")]
    Lt,
    #[token("<=")]
    Le,
    #[token(">")]
    Gt,
    #[token(">=")]
    Ge,
    #[token("<<")]
    Shl,
    #[token(">>")]
    Shr,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("+%")]
    WrapPlus,
    #[token("-%")]
    WrapMinus,
    #[token("*%")]
    WrapStar,
    #[token("&")]
    And,
    #[token("|")]
    Or,
    #[token("^")]
    Caret,
    #[token("~")]
    Tilde,
    #[token("!")]
    Not,
    #[token("&&")]
    AndAnd,
    #[token("||")]
    OrOr,
    #[token("->")]
    Arrow,
    #[token("=>")]
    FatArrow,
    #[token("--")]
    Effect,
    /// The end of the text.
    Eof,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a name",
            Self::Int => "a number",
            Self::Float => "a floating-point number",
            Self::Str => "a string",
            Self::End => "the end of the line",
            Self::Eof => "the end of the text",
            Self::OpenParen => "`(`",
            Self::CloseParen => "`)`",
            Self::OpenBracket => "`[`",
            Self::CloseBracket => "`]`",
            Self::OpenBrace => "`{`",
            Self::CloseBrace => "`}`",
            Self::Comma => "`,`",
            Self::Colon => "`:`",
            Self::Dot => "`.`",
            Self::DotDot => "`..`",
            Self::Assign => "`=`",
            Self::Effect => "`--`",
            Self::Arrow => "`->`",
            Self::FatArrow => "`=>`",
            _ => "an operator",
        })
    }
}

/// The tokens of a text with their places in it, `Eof` last; `None` if a fault was reported.
pub fn tokens(text: &Scalar, diagnostics: &mut Diagnostics) -> Option<Vec<(Token, Range<usize>)>> {
    let source = text.text.as_str();
    if source.len() > limits::TEXT_BYTES {
        let message = format!("this text has more than {} bytes", limits::TEXT_BYTES);
        diagnostics.error(text.whole(), message);
        return None;
    }
    let mut tokens = Vec::new();
    let mut strange: Vec<Range<usize>> = Vec::new();
    for (token, range) in Token::lexer(source).spanned() {
        match token {
            Ok(token) => tokens.push((token, range)),
            Err(()) => match strange.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => strange.push(range),
            },
        }
    }
    for range in &strange {
        let message = format!("`{}` means nothing here", &source[range.clone()]);
        diagnostics.error(text.span(range.clone()), message);
    }
    tokens.push((Token::Eof, source.len()..source.len()));
    strange.is_empty().then_some(tokens)
}
