//! Script texts as tokens.

use std::fmt;

use logos::Logos;

use crate::cursor;

/// A token.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r\n]+")]
#[logos(skip(r"//[^\n]*", allow_greedy = true))]
#[logos(skip r"/\*([^*]|\*+[^*/])*\*+/")]
pub(super) enum Token {
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Name,
    #[regex(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")]
    Number,
    #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
    Str,
    /// A string that has no end on its line.
    #[regex(r#""([^"\\\n]|\\[^\n])*"#)]
    OpenStr,
    #[token("let")]
    Let,
    #[token("if")]
    If,
    #[token("else")]
    Else,
    #[token("while")]
    While,
    #[token("for")]
    For,
    #[token("break")]
    Break,
    #[token("continue")]
    Continue,
    #[token("function")]
    Function,
    #[token("return")]
    Return,
    #[token("print")]
    Print,
    #[token("len")]
    Len,
    #[token("true")]
    True,
    #[token("false")]
    False,
    #[token("nil")]
    Nil,
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
    #[token(";")]
    Semicolon,
    #[token(".")]
    Dot,
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
    #[token("%")]
    Percent,
    #[token("==")]
    Eq,
    #[token("!=")]
    Ne,
    #[token("<")]
    Lt,
    #[token(">")]
    Gt,
    #[token("<=")]
    Le,
    #[token(">=")]
    Ge,
    #[token("&&")]
    And,
    #[token("||")]
    Or,
    #[token("!")]
    Not,
    Eof,
}

impl Token {
    /// Whether a statement starts with the token, and nothing else does.
    pub(super) fn starts_statement(self) -> bool {
        use Token::{Break, Continue, For, If, Let, Print, Return, While};
        matches!(self, Let | If | While | For | Break | Continue | Return | Print)
    }

    /// Whether what starts with the token has a head and a body in braces.
    pub(super) fn has_head(self) -> bool {
        matches!(self, Self::If | Self::While | Self::For | Self::Function)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a name",
            Self::Number => "a number",
            Self::Str | Self::OpenStr => "a string",
            Self::OpenParen => "`(`",
            Self::CloseParen => "`)`",
            Self::OpenBracket => "`[`",
            Self::CloseBracket => "`]`",
            Self::OpenBrace => "`{`",
            Self::CloseBrace => "`}`",
            Self::Comma => "`,`",
            Self::Colon => "`:`",
            Self::Semicolon => "`;`",
            Self::Assign => "`=`",
            Self::While => "`while`",
            Self::Eof => "the end of the text",
            _ => "something else",
        })
    }
}

impl cursor::Token for Token {
    const EOF: Self = Self::Eof;

    fn is_invisible(self) -> bool {
        self == Self::Eof
    }
}
