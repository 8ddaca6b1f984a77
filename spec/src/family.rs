//! Families: one entry of `instructions` with parameters stands for an instruction for each of their values.
//!
//! `{p}`, `{p.key}` and sums and products such as `{8*n}` in the mnemonic and in every text of the entry are replaced;
//! other braces stay.

use std::collections::HashSet;

use crate::diagnostic::{Diagnostics, Span};
use crate::lang::{bounds, parse_expression};
use crate::limits;
use crate::yaml::{Entry, Node, Scalar, Value};

/// What parameters stand for in one member: names, as `p` and `p.key`, and texts.
type Binding = Vec<(String, String)>;

/// Replaces the families among the instructions by their members.
pub(crate) fn expand(root: &mut Node, diagnostics: &mut Diagnostics) {
    let Value::Map(sections) = &mut root.value else { return };
    let Some(section) = sections.iter_mut().find(|section| section.key == "instructions") else {
        return;
    };
    let Value::Map(entries) = &mut section.value.value else { return };
    let mut members: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut names: HashSet<String> = HashSet::new();
    for entry in entries.drain(..) {
        let expanded = match entry.value.get("for") {
            None => vec![entry],
            Some(parameters) => match bindings(parameters, entry.key_span, diagnostics) {
                // What is left out here is reported with the length of the section.
                Some(_) if members.len() > limits::SECTION => continue,
                Some(bindings) => family(&entry, &bindings, diagnostics),
                None => continue,
            },
        };
        for member in expanded {
            if names.insert(member.key.clone()) {
                members.push(member);
            } else {
                let message = format!("`{}` is defined twice", member.key);
                diagnostics.error(member.key_span, message);
            }
        }
    }
    *entries = members;
}

/// Every combination of the values of all parameters; those of the last one change fastest.
fn bindings(parameters: &Node, owner: Span, diagnostics: &mut Diagnostics) -> Option<Vec<Binding>> {
    let entries = parameters.entries();
    if entries.is_empty() || entries.len() > limits::PARAMETERS {
        let message = format!("a family has 1 to {} parameters", limits::PARAMETERS);
        diagnostics.error(parameters.span, message);
        return None;
    }
    let mut combined: Vec<Binding> = vec![Vec::new()];
    for Entry { key, key_span, value } in entries {
        if !is_name(key) {
            let message = "a parameter's name holds lower-case letters, digits and `_`";
            diagnostics.error(*key_span, message);
            return None;
        }
        let values = values(key, value, diagnostics)?;
        if values.is_empty() || combined.len() * values.len() > limits::SECTION {
            let message = format!("a family has 1 to {} members", limits::SECTION);
            diagnostics.error(owner, message);
            return None;
        }
        let with = |binding: &Binding, value: &Binding| [&binding[..], &value[..]].concat();
        let pairs = combined.iter().flat_map(|binding| values.iter().map(|it| with(binding, it)));
        combined = pairs.collect();
    }
    Some(combined)
}

/// What one parameter stands for, value by value.
fn values(name: &str, node: &Node, diagnostics: &mut Diagnostics) -> Option<Vec<Binding>> {
    let one = |text: &str| vec![(name.to_owned(), text.to_owned())];
    match &node.value {
        Value::Scalar(scalar) => {
            let range = bounds(&scalar.text).filter(|(first, last)| first <= last);
            let range = range.map(|(first, last)| first..=last);
            if range.clone().is_some_and(|range| range.count() > limits::SECTION) {
                let message = format!("a parameter has at most {} values", limits::SECTION);
                diagnostics.error(node.span, message);
                return None;
            }
            if range.is_none() {
                let help = "the lower number comes first, and both are counted";
                diagnostics.error_with_help(node.span, "expected numbers, as in `1..32`", help);
            }
            Some(range?.map(|number| one(&number.to_string())).collect())
        }
        Value::List(items) => {
            Some(items.iter().filter_map(Node::scalar).map(|item| one(&item.text)).collect())
        }
        Value::Map(rows) => {
            let keys = |row: &Entry| -> Vec<String> {
                let mut keys: Vec<String> =
                    row.value.entries().iter().map(|it| it.key.clone()).collect();
                keys.sort();
                keys
            };
            let first = rows.first().map(keys).unwrap_or_default();
            let mut bindings = Vec::new();
            for row in rows {
                if keys(row) != first {
                    let message = format!("the row `{}` has other keys than the first", row.key);
                    diagnostics.error(row.key_span, message);
                    return None;
                }
                let fields = row.value.entries().iter();
                let fields = fields.filter_map(|field| {
                    let text = field.value.scalar()?.text.clone();
                    Some((format!("{name}.{}", field.key), text))
                });
                bindings.push(one(&row.key).into_iter().chain(fields).collect());
            }
            Some(bindings)
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
}

/// How many bytes a member has at most, if each parameter stands for a text of at most `longest`.
fn size(node: &Node, longest: usize) -> usize {
    match &node.value {
        Value::Scalar(scalar) => {
            scalar.text.len() + scalar.text.matches('{').count().saturating_mul(longest)
        }
        Value::List(items) => items.iter().map(|item| size(item, longest)).sum(),
        Value::Map(entries) => {
            entries.iter().map(|entry| entry.key.len() + size(&entry.value, longest)).sum()
        }
    }
}

/// The members of a family.
fn family(entry: &Entry, bindings: &[Binding], diagnostics: &mut Diagnostics) -> Vec<Entry> {
    let longest = bindings.iter().flatten().map(|(_, text)| text.len()).max().unwrap_or(0);
    if bindings.len().saturating_mul(size(&entry.value, longest)) > limits::FAMILY_BYTES {
        let message = format!("a family with more than {} bytes", limits::FAMILY_BYTES);
        diagnostics.error(entry.key_span, message);
        return Vec::new();
    }
    let mut used = vec![false; bindings.first().map_or(0, Vec::len)];
    let mut members = Vec::new();
    for binding in bindings {
        let mut member = Member { binding, used: &mut used };
        let key = member.text(&entry.key);
        let value = member.node(&entry.value);
        members.push(Entry { key, key_span: entry.key_span, value });
    }
    let names = bindings.first().into_iter().flatten().map(|(name, _)| name);
    for (name, used) in names.zip(used) {
        // The name of a row need not be mentioned if what stands in it is.
        let is_row = bindings[0].iter().any(|(other, _)| other.starts_with(&format!("{name}.")));
        if !used && !is_row {
            diagnostics.error(entry.key_span, format!("the parameter `{name}` is not used"));
        }
    }
    members
}

/// One member of a family.
struct Member<'a> {
    binding: &'a Binding,
    /// Which names of the binding were mentioned.
    used: &'a mut [bool],
}

impl Member<'_> {
    fn node(&mut self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Scalar(scalar) => Value::Scalar(self.scalar(scalar)),
            Value::List(items) => Value::List(items.iter().map(|item| self.node(item)).collect()),
            Value::Map(entries) => {
                let entries = entries.iter().filter(|entry| entry.key != "for");
                let entries = entries.map(|entry| Entry {
                    key: entry.key.clone(),
                    key_span: entry.key_span,
                    value: self.node(&entry.value),
                });
                Value::Map(entries.collect())
            }
        };
        Node { span: node.span, value }
    }

    fn scalar(&mut self, scalar: &Scalar) -> Scalar {
        let replaced = self.places(&scalar.text);
        if replaced.is_empty() { scalar.clone() } else { scalar.replaced(&replaced) }
    }

    fn text(&mut self, text: &str) -> String {
        let mut result = String::new();
        let mut at = 0;
        for (range, with) in self.places(text) {
            result.push_str(&text[at..range.start]);
            result.push_str(&with);
            at = range.end;
        }
        result + &text[at..]
    }

    /// The places of a text that are replaced, and by what.
    fn places(&mut self, text: &str) -> Vec<(std::ops::Range<usize>, String)> {
        let mut places = Vec::new();
        let mut at = 0;
        while let Some(open) = text[at..].find('{').map(|found| at + found) {
            let Some(close) = text[open..].find('}').map(|found| open + found) else { break };
            let inner = &text[open + 1..close];
            match self.value(inner) {
                Some(value) => {
                    places.push((open..close + 1, value));
                    at = close + 1;
                }
                None => at = open + 1,
            }
        }
        places
    }

    /// What stands for what is between braces: a name, or an expression of numbers and names of numbers.
    fn value(&mut self, inner: &str) -> Option<String> {
        if let Some(place) = self.binding.iter().position(|(name, _)| name == inner) {
            self.used[place] = true;
            return Some(self.binding[place].1.clone());
        }
        // A block of an action begins with space, or is no expression of numbers and parameters.
        if inner.starts_with(char::is_whitespace) {
            return None;
        }
        let text = Scalar::plain(inner, Span::default());
        let expression = parse_expression(&text, &mut Diagnostics::default())?;
        let sum = expression.constant(&mut |name| self.number(name))?;
        Some(sum.to_string())
    }

    fn number(&mut self, name: &str) -> Option<i128> {
        let place = self.binding.iter().position(|(other, _)| other == name)?;
        let number = self.binding[place].1.parse::<u32>().ok()?;
        self.used[place] = true;
        Some(number.into())
    }
}
