//! Values as text.

use std::collections::HashMap;
use std::fmt::Write;

use super::super::literal;
use super::value::{Heap, Value};

/// What is still to be written.
enum Task<'h> {
    Value(&'h Value),
    Text(&'static str),
    Key(&'h str),
}

/// A place of the heap.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    Array(u32),
    Object(u32),
    Function(u32),
}

/// How a node occurs.
struct Seen {
    often: bool,
    /// The number that it was written with.
    number: Option<usize>,
}

/// The text of a value: arrays and objects with all that is in them. One that occurs more than
/// once has a number, and the second time only that. `None` if the text has more than `most` bytes.
pub(super) fn show(heap: &Heap<'_>, value: &Value, most: usize) -> Option<String> {
    let mut seen = occurrences(heap, value, most)?;
    let mut text = String::new();
    let mut numbers = 0;
    let mut open = vec![Task::Value(value)];
    while let Some(task) = open.pop() {
        if text.len() > most {
            return None;
        }
        let value = match task {
            Task::Value(value) => value,
            Task::Text(part) => {
                text.push_str(part);
                continue;
            }
            Task::Key(key) => {
                write_key(&mut text, key);
                continue;
            }
        };
        if let Some(node) = node_of(value)
            && let Some(seen) = seen.get_mut(&node)
            && seen.often
        {
            let first = seen.number.is_none();
            let number = *seen.number.get_or_insert_with(|| {
                numbers += 1;
                numbers - 1
            });
            // Writing to a string does not fail.
            let _ = write!(text, "#{number}");
            if !first {
                continue;
            }
        }
        write_value(heap, value, &mut text, &mut open);
    }
    Some(text)
}

fn write_value<'h>(
    heap: &'h Heap<'_>,
    value: &'h Value,
    text: &mut String,
    open: &mut Vec<Task<'h>>,
) {
    match value {
        Value::Nil => text.push_str("nil"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => write_number(text, *value),
        Value::Str(content) => {
            let _ = literal::write_string(text, content);
        }
        Value::Function(closure) => {
            let _ = write!(text, "fn {}", heap.closures[*closure as usize].function.id);
        }
        Value::Array(array) => {
            text.push('[');
            open.push(Task::Text("]"));
            for (at, value) in heap.arrays[*array as usize].iter().enumerate().rev() {
                open.push(Task::Value(value));
                open.push(Task::Text(if at == 0 { "" } else { " " }));
            }
        }
        Value::Object(object) => {
            text.push('{');
            open.push(Task::Text("}"));
            for (at, (key, value)) in
                heap.objects[*object as usize].entries.iter().enumerate().rev()
            {
                open.push(Task::Value(value));
                open.push(Task::Key(key));
                open.push(Task::Text(if at == 0 { "" } else { " " }));
            }
        }
    }
}

fn node_of(value: &Value) -> Option<Node> {
    match value {
        Value::Array(array) => Some(Node::Array(*array)),
        Value::Object(object) => Some(Node::Object(*object)),
        Value::Function(closure) => Some(Node::Function(*closure)),
        _ => None,
    }
}

/// The nodes that a value leads to, and which of them more than once; `None` if there are more than
/// `most`.
fn occurrences(heap: &Heap<'_>, value: &Value, most: usize) -> Option<HashMap<Node, Seen>> {
    let mut seen: HashMap<Node, Seen> = HashMap::new();
    let mut open: Vec<&Value> = vec![value];
    let mut visited = 0;
    while let Some(value) = open.pop() {
        visited += 1;
        if visited > most {
            return None;
        }
        let Some(node) = node_of(value) else { continue };
        if let Some(seen) = seen.get_mut(&node) {
            seen.often = true;
            continue;
        }
        seen.insert(node, Seen { often: false, number: None });
        match node {
            Node::Array(array) => open.extend(&heap.arrays[array as usize]),
            Node::Object(object) => {
                open.extend(heap.objects[object as usize].entries.iter().map(|(_, value)| value));
            }
            Node::Function(_) => {}
        }
    }
    Some(seen)
}

/// The shortest decimal that is read back as the same number.
fn write_number(text: &mut String, value: f64) {
    if value.is_nan() {
        text.push_str("nan");
        return;
    }
    let _ = write!(text, "{value:?}");
    if text.ends_with(".0") {
        text.truncate(text.len() - 2);
    }
}

fn write_key(text: &mut String, key: &str) {
    let is_name = key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && key.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
    if is_name {
        text.push_str(key);
    } else {
        let _ = literal::write_string(text, key);
    }
    text.push_str(": ");
}
