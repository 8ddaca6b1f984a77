//! The notation of case files and traces, for people: `[1 "two" {three: 3}]`.
//!
//! A node that is met again in its list of values is written with a number, `#0[1 #0]`; the others have none.

use std::collections::BTreeSet;
use std::fmt::Write;

use bytestone_spec::isa::Union;

use super::{Node, NodeKind, Text, Value, wire};

mod read;

pub use read::{Reader, parse, parse_list};

/// Appends a value, as a list of its own.
pub fn push(text: &mut String, value: &Value) {
    push_list(text, [value], " ");
}

/// Appends values with `between` them.
pub fn push_list<'v>(
    text: &mut String,
    values: impl IntoIterator<Item = &'v Value, IntoIter: Clone>,
    between: &str,
) {
    let values = values.into_iter();
    let again = met_again(values.clone());
    for (place, value) in values.enumerate() {
        if place > 0 {
            text.push_str(between);
        }
        push_value(text, value, &again);
    }
}

/// The texts of values that are a list together.
pub fn texts<'v>(values: impl IntoIterator<Item = &'v Value, IntoIter: Clone>) -> Vec<String> {
    let values = values.into_iter();
    let again = met_again(values.clone());
    let text = |value| {
        let mut text = String::new();
        push_value(&mut text, value, &again);
        text
    };
    values.map(text).collect()
}

/// The numbers of the nodes that are met again, in order.
fn met_again<'v>(values: impl Iterator<Item = &'v Value>) -> Vec<u32> {
    let mut again = BTreeSet::new();
    values.for_each(|value| find_again(value, &mut again));
    again.into_iter().collect()
}

/// Gathers the numbers of nodes that are met again.
fn find_again(value: &Value, again: &mut BTreeSet<u32>) {
    if let Value::Back(number) = value {
        again.insert(*number);
    }
    value.parts().for_each(|part| find_again(part, again));
}

fn push_value(text: &mut String, value: &Value, again: &[u32]) {
    match value {
        Value::Int(number) => push_int(text, *number),
        Value::Unit(name) => text.push_str(name),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Float(bits) => push_float(text, *bits),
        Value::Str(string) => push_string(text, string),
        Value::Bytes(bytes) => push_bytes(text, bytes),
        Value::Back(number) => push_number_of(text, *number, again),
        Value::Node(node) => {
            push_number_of(text, node.number, again);
            push_node(text, node, again);
        }
        Value::Shallow(_) => text.push_str(&wire::text(value)),
        Value::Cut => text.push_str(wire::CUT),
    }
}

/// Bytes as two hexadecimal digits each, with spaces between.
fn push_bytes(text: &mut String, bytes: &[u8]) {
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 {
            text.push(' ');
        }
        text.extend(wire::hex(*byte).map(char::from));
    }
}

/// The number of a node that is met again; nothing for others.
fn push_number_of(text: &mut String, number: u32, again: &[u32]) {
    if let Ok(rank) = again.binary_search(&number) {
        text.push('#');
        push_int(text, rank as i128);
    }
}

fn push_node(text: &mut String, node: &Node, again: &[u32]) {
    match &node.kind {
        NodeKind::Array(elements) => {
            text.push('[');
            push_parts(text, elements, again);
            text.push(']');
        }
        NodeKind::Map(entries) => {
            text.push('{');
            for (place, (key, value)) in entries.iter().enumerate() {
                if place > 0 {
                    text.push(' ');
                }
                push_name(text, key);
                text.push_str(": ");
                push_value(text, value, again);
            }
            text.push('}');
        }
        NodeKind::Record { of, fields } => {
            text.push_str(&of.name);
            text.push('{');
            for (place, (name, value)) in of.fields.iter().zip(fields).enumerate() {
                if place > 0 {
                    text.push(' ');
                }
                text.push_str(name);
                text.push_str(": ");
                push_value(text, value, again);
            }
            text.push('}');
        }
        NodeKind::Closure { function, captures } => {
            text.push_str("fn ");
            push_int(text, (*function).into());
            if !captures.is_empty() {
                text.push('(');
                push_parts(text, captures, again);
                text.push(')');
            }
        }
    }
}

fn push_parts(text: &mut String, values: &[Value], again: &[u32]) {
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            text.push(' ');
        }
        push_value(text, value, again);
    }
}

/// Appends a key of a map or the name of a global: as it is if it is a name, else in quotes.
pub fn push_name(text: &mut String, name: &Text) {
    match name.full() {
        Some(bare) if is_name(bare) => text.push_str(bare),
        _ => push_string(text, name),
    }
}

/// Appends a string in quotes, with the escapes of JSON; of a long one, what tells it from others.
pub fn push_string(text: &mut String, string: &Text) {
    let string = match string {
        Text::Full(string) => string,
        Text::Long(digest) => {
            text.push('~');
            text.push_str(&digest.to_string());
            return;
        }
    };
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c.is_control() => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

/// Appends a number in decimal. Cells have at most 64 bits, for which itoa is much faster.
#[inline]
pub(crate) fn push_int(text: &mut String, number: i128) {
    let mut buffer = itoa::Buffer::new();
    text.push_str(match i64::try_from(number) {
        Ok(number) => buffer.format(number),
        Err(_) => buffer.format(number),
    });
}

/// A string or key as a text of its own.
pub fn text_of(name: &Text) -> String {
    let mut text = String::new();
    push_string(&mut text, name);
    text
}

/// The shortest decimal that reads back as the number with these bits: `5`, `0.1`, `-0`, `1e21`, `inf`, `nan`.
///
/// ```
/// use bytestone_vm::value::file::float_text;
/// assert_eq!(float_text(5f64.to_bits()), "5");
/// assert_eq!(float_text((-0.0f64).to_bits()), "-0");
/// assert_eq!(float_text(1e21f64.to_bits()), "1e21");
/// assert_eq!(float_text(f64::NEG_INFINITY.to_bits()), "-inf");
/// ```
pub fn float_text(bits: u64) -> String {
    let mut text = String::new();
    push_float(&mut text, bits);
    text
}

/// Appends a float. Most are whole numbers, which need no search for the fewest digits that tell them from others.
fn push_float(text: &mut String, bits: u64) {
    const EXACT: f64 = (1u64 << f64::MANTISSA_DIGITS) as f64;
    let number = f64::from_bits(bits);
    let is_negative_zero = number == 0.0 && number.is_sign_negative();
    if number.trunc() == number && number.abs() < EXACT && !is_negative_zero {
        push_int(text, (number as i64).into());
    } else if number.is_nan() {
        text.push_str("nan");
    } else {
        let start = text.len();
        // Writing to a string cannot fail.
        let _ = write!(text, "{number:?}");
        if text[start..].ends_with(".0") {
            text.truncate(text.len() - ".0".len());
        }
    }
}

/// The bits of a decimal number, of `inf`, `-inf` or `nan`; `None` for any other text.
pub fn parse_float(text: &str) -> Option<u64> {
    match text {
        "inf" => return Some(f64::INFINITY.to_bits()),
        "-inf" => return Some(f64::NEG_INFINITY.to_bits()),
        "nan" => return Some(Union::NAN),
        _ => {}
    }
    // What the standard library takes besides are words and a `+`.
    let plain = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'e' | b'E' | b'+'));
    let starts = text.strip_prefix('-').unwrap_or(text).starts_with(|c: char| c.is_ascii_digit());
    text.parse().ok().filter(|_| plain && starts).map(Union::float)
}

/// Whether a text is a name that stands without quotes.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(is_word)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
