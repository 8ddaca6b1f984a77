//! Constants as assembly text: numbers, texts in quotes, and words.

use std::fmt::Write;
use std::sync::Arc;

use bytestone_spec::isa::{IntType, Payload, Union};

use super::token::number;
use crate::module::Constant;
use crate::value::file::{float_text, parse_float};

/// Why a word is no constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoConstant {
    /// It has none of the forms of the machine's constants.
    Form,
    /// It is an integer outside of the type.
    OutOfRange(IntType),
    /// It has an escape that JSON does not have.
    Escape,
}

/// The constant of a union that a word or a text in quotes writes.
pub(super) fn parse(word: &str, union: &Union) -> Result<Constant, NoConstant> {
    let has = |payload| union.carrying(|have| have == payload).is_some();
    if word.starts_with('"') && word.len() > 1 && word.ends_with('"') && has(Payload::Str) {
        let text = unquote(word).ok_or(NoConstant::Escape)?;
        return Ok(Constant::Str(Arc::from(text)));
    }
    if has(Payload::Bool) && matches!(word, "true" | "false") {
        return Ok(Constant::Bool(word == "true"));
    }
    if union.variants.first().is_some_and(|unit| unit.name == word) {
        return Ok(Constant::Unit);
    }
    if has(Payload::Float) {
        return parse_float(word).map(Constant::Float).ok_or(NoConstant::Form);
    }
    let int = union.variants.iter().find_map(|variant| match variant.payload {
        Payload::Int(ty) => Some(ty),
        _ => None,
    });
    let (ty, value) = int.zip(number(word)).ok_or(NoConstant::Form)?;
    match i64::try_from(value) {
        Ok(small) if ty.contains(value) => Ok(Constant::Int(small)),
        _ => Err(NoConstant::OutOfRange(ty)),
    }
}

/// What [`parse`] takes, in words.
pub(super) fn expected(union: &Union) -> String {
    let has = |suits: fn(Payload) -> bool| union.carrying(suits).is_some();
    let mut forms = Vec::new();
    if has(|payload| matches!(payload, Payload::Int(_) | Payload::Float)) {
        forms.push("a number".to_owned());
    }
    if has(|payload| payload == Payload::Str) {
        forms.push("a string in quotes".to_owned());
    }
    if has(|payload| payload == Payload::Bool) {
        forms.extend(["`true`".to_owned(), "`false`".to_owned()]);
    }
    forms.extend(union.variants.first().map(|unit| format!("`{}`", unit.name)));
    match forms.split_last() {
        None => "a constant".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// Appends a constant.
pub(super) fn push(out: &mut String, constant: &Constant, union: Option<&Union>) {
    match constant {
        Constant::Unit => {
            let unit = union.and_then(|union| union.variants.first());
            out.push_str(unit.map_or("unit", |unit| &unit.name));
        }
        Constant::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Constant::Int(value) => out.push_str(itoa::Buffer::new().format(*value)),
        Constant::Float(bits) => out.push_str(&float_text(*bits)),
        Constant::Str(text) => push_quoted(out, text),
    }
}

/// Appends a text in quotes, with the escapes of JSON.
pub(super) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a text does not fail. Control characters take one unit.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The text that stands in quotes; `None` if it has an escape that JSON does not have.
pub(super) fn unquote(word: &str) -> Option<String> {
    let inside = word.get(1..word.len().checked_sub(1)?)?;
    let mut text = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        text.push(match chars.next()? {
            c @ ('"' | '\\' | '/') => c,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => unicode(&mut chars)?,
            _ => return None,
        });
    }
    Some(text)
}

/// The character behind `\u`, which may be two units.
fn unicode(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let first = unit(chars)?;
    let second = match first {
        0xd800..0xdc00 => {
            (chars.next()? == '\\' && chars.next()? == 'u').then_some(())?;
            Some(unit(chars)?)
        }
        _ => None,
    };
    let mut decoded = char::decode_utf16([first].into_iter().chain(second));
    let c = decoded.next()?.ok()?;
    decoded.next().is_none().then_some(c)
}

fn unit(chars: &mut std::str::Chars<'_>) -> Option<u16> {
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit << 4 | chars.next()?.to_digit(16)? as u16;
    }
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_from_their_quotes() {
        for text in ["", "a b", "\"\\\n\r\t\0\u{7f}\u{85}", "é\u{1f600}\u{feff};,:"] {
            let mut quoted = String::new();
            push_quoted(&mut quoted, text);
            assert_eq!(unquote(&quoted).as_deref(), Some(text), "{quoted}");
            assert!(!quoted.contains('\n'));
        }
        assert_eq!(unquote(r#""\u0041\ud83d\ude00\b\/""#).as_deref(), Some("A\u{1f600}\u{8}/"));
        for wrong in
            [r#""\x""#, r#""\u12""#, r#""\ud83d""#, r#""\ud83dx""#, r#""\udc00""#, "\"\\\""]
        {
            assert_eq!(unquote(wrong), None, "{wrong}");
        }
    }
}
