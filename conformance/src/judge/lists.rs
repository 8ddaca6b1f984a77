//! Lists of values as text.

use bytestone_vm::host::Call;
use bytestone_vm::value::{Value, file};

/// Printed values, each a list of its own, in the notation of case files.
pub fn list(values: &[Value]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(", "))
}

/// Calls of the host in the notation of case files.
pub fn call_list(calls: &[Call]) -> String {
    let texts: Vec<String> = calls.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(", "))
}

/// The values of a stack in the notation of case files.
pub fn stack_list(values: &[Value]) -> String {
    format!("[{}]", file::texts(values).join(", "))
}

/// The texts of values as an item of YAML each.
pub fn yaml_list(texts: &[impl AsRef<str>]) -> String {
    let items: Vec<String> = texts.iter().map(|text| yaml_item(text.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

/// The text of a value as an item of YAML: as it is, or in quotes if it means something else there.
pub fn yaml_item(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '_');
    if text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
        && text.chars().all(is_plain)
    {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// The texts of two lists that differ. Of long ones there is what surrounds the first difference: `first`, or
/// where the texts differ.
///
/// ```
/// let texts = |numbers: std::ops::Range<u32>| numbers.map(|it| it.to_string()).collect::<Vec<_>>();
/// let (expected, found) = bytestone::judge::two_lists(&texts(0..3), &texts(0..1002), None);
/// assert_eq!(expected, "[0, 1, 2]");
/// assert_eq!(found, "[0, 1, 2, 3, 4, 5, 6, 7, … (1002 values)]");
/// ```
pub fn two_lists(expected: &[String], found: &[String], first: Option<usize>) -> (String, String) {
    let differs = || expected.iter().zip(found).position(|(expected, found)| expected != found);
    let first = first.or_else(differs).unwrap_or(expected.len().min(found.len()));
    (cut(expected, first), cut(found, first))
}

/// The texts of a list; of a long one those around a place.
fn cut(texts: &[String], place: usize) -> String {
    /// Lists up to this length are shown as they are.
    const WHOLE: usize = 40;
    /// Values that are shown before the place, and from it on.
    const BEFORE: usize = 5;
    const BEHIND: usize = 5;
    if texts.len() <= WHOLE {
        return format!("[{}]", texts.join(", "));
    }
    // What would stand for one or two values is longer than they are.
    let start = if place <= BEFORE + 2 { 0 } else { place - BEFORE }.min(texts.len());
    let end = (place + BEHIND).min(texts.len());
    let mut shown = match start {
        0 => "[".to_owned(),
        start => format!("[… {start} alike, "),
    };
    shown.push_str(&texts[start..end].join(", "));
    shown.push_str(&match end {
        end if end < texts.len() => format!(", … ({} values)]", texts.len()),
        _ => format!("] ({} values)", texts.len()),
    });
    shown
}
