//! Numbers and strings as they are written in sources.

use std::fmt::{self, Write};

/// Why a string is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadEscape {
    /// Where in the text it is, in bytes.
    pub(super) at: usize,
    pub(super) len: usize,
}

/// The content of a string, given what stands between its quotation marks. Escapes are those of
/// JSON.
pub(super) fn read_string(text: &str) -> Result<String, BadEscape> {
    let mut content = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        content.push_str(&text[at..at + found]);
        let escape = &text[at + found..];
        let (char, len) = read_escape(escape).ok_or(BadEscape {
            at: at + found,
            len: escape.chars().take(2).map(char::len_utf8).sum(),
        })?;
        content.push(char);
        at += found + len;
    }
    content.push_str(&text[at..]);
    Ok(content)
}

/// The character that an escape stands for, and its length in bytes.
fn read_escape(text: &str) -> Option<(char, usize)> {
    let plain = match text.as_bytes().get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return read_unicode(text),
        _ => return None,
    };
    Some((plain, 2))
}

/// `\u` and four hexadecimal digits, or two of them where the character needs a pair.
fn read_unicode(text: &str) -> Option<(char, usize)> {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        // `from_str_radix` takes a sign too.
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(text)?;
    if let Some(char) = char::from_u32(first.into()) {
        return Some((char, 6));
    }
    let second = unit(text.get(6..)?)?;
    let char = char::decode_utf16([first, second]).next()?.ok()?;
    Some((char, 12))
}

/// Writes a string with its quotation marks.
pub(super) fn write_string(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for char in text.chars() {
        match char {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            char if char < ' ' || char == '\u{7f}' => write!(out, "\\u{:04x}", char as u32)?,
            char => out.write_char(char)?,
        }
    }
    out.write_char('"')
}

/// Writes a number so that it is read back as the same one. Sources have no numbers but those from 0 on.
pub(super) fn write_number(out: &mut impl Write, value: f64) -> fmt::Result {
    match value {
        _ if value.is_nan() => out.write_str("(0 / 0)"),
        _ if value == f64::INFINITY => out.write_str("(1 / 0)"),
        _ if value.is_sign_negative() => {
            out.write_str("(-")?;
            write_number(out, -value)?;
            out.write_char(')')
        }
        // The shorter form of the two that Rust reads back.
        _ if value != 0.0 && !(1e-5..1e17).contains(&value) => write!(out, "{value:e}"),
        _ => write!(out, "{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_as_they_were_written() {
        for text in ["", "plain", "\"\\\n\r\t\0\u{7f}é🦀/"] {
            let mut written = String::new();
            write_string(&mut written, text).unwrap();
            assert_eq!(read_string(&written[1..written.len() - 1]).unwrap(), text);
        }
        assert_eq!(read_string(r"\u00e9\ud83e\udd80\/").unwrap(), "é🦀/");
        for (text, at, len) in
            [(r"ab\x", 2, 2), (r"\u12", 0, 2), (r"\ud83e", 0, 2), (r"\u+123", 0, 2), (r"\é", 0, 3)]
        {
            assert_eq!(read_string(text), Err(BadEscape { at, len }), "{text}");
        }
    }

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for value in [0.0, 5.0, 0.1, 1e21, 1e300, 5e-324, 123456.75, 1.0 / 3.0] {
            let mut written = String::new();
            write_number(&mut written, value).unwrap();
            assert_eq!(written.parse(), Ok(value));
        }
    }
}
