//! Words, numbers and punctuation of assembly text.

use logos::Logos;

/// A token. Every text is a row of tokens.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r\u{feff}]+")]
#[logos(skip(r";[^\n]*", allow_greedy = true))]
pub(super) enum Token {
    #[token("\n")]
    LineEnd,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token("[")]
    Open,
    #[token("]")]
    Close,
    /// A text in quotes; what has no quotes at its end is a word.
    #[regex(r#""([^"\\\n]|\\[^\n])*""#, priority = 10)]
    Str,
    #[regex(r"[^ \t\r\u{feff}\n,:;\[\]]+", priority = 2)]
    Word,
}

/// The number that a word writes: decimal, `0x` or `0b`, with an optional `-`. Numbers that are
/// too great for an `i128`, and so for every operand, come out as its greatest or least.
pub(super) fn number(word: &str) -> Option<i128> {
    let (sign, magnitude) = match word.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, word),
    };
    let (radix, digits) = match magnitude.get(..2) {
        Some("0x" | "0X") => (16, &magnitude[2..]),
        Some("0b" | "0B") => (2, &magnitude[2..]),
        _ => (10, magnitude),
    };
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0i128, |value, digit| {
        let digit = i128::from(digit.to_digit(radix)?);
        Some(value.saturating_mul(radix.into()).saturating_add(sign * digit))
    })
}

/// Whether a word can be the name of a label.
pub(super) fn is_label_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_tokens() {
        for text in [
            "a: PUSH -1, @3 ; x:,\n\r\n\0é\u{85}",
            ";",
            ":::,,,",
            "\u{feff}x",
            "a;b\nc",
            "\"",
            "\"a\\",
            "\"\\\"x",
        ] {
            assert!(Token::lexer(text).all(|token| token.is_ok()), "{text:?}");
        }
        let tokens: Vec<_> = Token::lexer("L: A 1,B;c\n").map(Result::unwrap).collect();
        use Token::{Colon, Comma, LineEnd, Word};
        assert_eq!(tokens, [Word, Colon, Word, Word, Comma, Word, LineEnd]);
        let tokens: Vec<_> = Token::lexer(r#"A "x y;\"",""b "c"#).map(Result::unwrap).collect();
        assert_eq!(tokens, [Word, Token::Str, Comma, Word, Word]);
    }

    #[test]
    fn numbers() {
        for (word, value) in [
            ("0", Some(0)),
            ("-12", Some(-12)),
            ("007", Some(7)),
            ("0xfF", Some(255)),
            ("-0b101", Some(-5)),
            ("18446744073709551615", Some(u64::MAX.into())),
            ("", None),
            ("-", None),
            ("--1", None),
            ("+1", None),
            ("0x", None),
            ("0b2", None),
            ("1_000", None),
            ("12a", None),
            ("١", None),
        ] {
            assert_eq!(number(word), value, "{word:?}");
        }
        assert_eq!(number(&"9".repeat(1000)), Some(i128::MAX));
        assert_eq!(number(&format!("-{}", "9".repeat(1000))), Some(i128::MIN));
    }
}
