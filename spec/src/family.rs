//! Families: one entry of `instructions` with parameters stands for an instruction for each of their values.
//!
//! `{p}`, `{p.key}` and sums and products such as `{8*n}` in the mnemonic and in every text of the entry are replaced;
//! other braces stay.

use std::collections::HashSet;
use std::ops::Range;
use std::rc::Rc;

use crate::diagnostic::{Diagnostics, Span};
use crate::lang::{bounds, parse_expression};
use crate::limits;
use crate::yaml::{Entry, Node, Scalar, Value};

/// What parameters stand for in one member: names, as `p` and `p.key`, and texts.
type Binding = Vec<(Rc<str>, Rc<str>)>;

/// Replaces the families among the instructions by their members.
pub(crate) fn expand(root: &mut Node, diagnostics: &mut Diagnostics) {
    let Value::Map(sections) = &mut root.value else { return };
    let Some(section) = sections.iter_mut().find(|section| section.key == "instructions") else {
        return;
    };
    let Value::Map(entries) = &mut section.value.value else { return };
    let mut members: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut names: HashSet<String> = HashSet::new();
    let mut families = Families { diagnostics, left: limits::FAMILY_BYTES };
    for entry in entries.drain(..) {
        let expanded = match entry.value.get("for") {
            None => vec![entry],
            // What is left out here is reported with the length of the section.
            Some(_) if members.len() > limits::SECTION => continue,
            Some(parameters) => families.members(&entry, parameters).unwrap_or_default(),
        };
        for member in expanded {
            if names.insert(member.key.clone()) {
                members.push(member);
            } else {
                let message = format!("`{}` is defined twice", member.key);
                families.diagnostics.error(member.key_span, message);
            }
        }
    }
    *entries = members;
}

/// The families of a file.
struct Families<'d> {
    diagnostics: &'d mut Diagnostics,
    /// How many bytes further members may have.
    left: usize,
}

impl Families<'_> {
    /// The members of a family.
    fn members(&mut self, entry: &Entry, parameters: &Node) -> Option<Vec<Entry>> {
        let bindings = self.bindings(parameters, entry.key_span)?;
        let longest = bindings.iter().flatten().map(|(_, text)| text.len()).max().unwrap_or(0);
        self.take(bindings.len().saturating_mul(size(entry, longest)), entry.key_span)?;
        let mut used = vec![false; bindings.first().map_or(0, Vec::len)];
        let mut members = Vec::new();
        for binding in &bindings {
            let mut member = Member { binding, used: &mut used };
            let key = member.text(&entry.key);
            let value = member.node(&entry.value);
            members.push(Entry { key, key_span: entry.key_span, value });
        }
        let names = bindings.first().into_iter().flatten().map(|(name, _)| name);
        for (name, used) in names.zip(used) {
            // The name of a row need not be mentioned if what stands in it is.
            let row = format!("{name}.");
            let is_row = bindings[0].iter().any(|(other, _)| other.starts_with(&row));
            if !used && !is_row {
                let message = format!("the parameter `{name}` is not used");
                self.diagnostics.error(entry.key_span, message);
            }
        }
        Some(members)
    }

    /// Takes bytes from those that are left, before there is anything that fills them.
    fn take(&mut self, bytes: usize, owner: Span) -> Option<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => {
                let message =
                    format!("the families of a file have at most {} bytes", limits::FAMILY_BYTES);
                self.diagnostics.error(owner, message);
                return None;
            }
        }
        Some(())
    }

    /// Every combination of the values of all parameters; those of the last one change fastest.
    fn bindings(&mut self, parameters: &Node, owner: Span) -> Option<Vec<Binding>> {
        let entries = parameters.entries();
        if entries.is_empty() || entries.len() > limits::PARAMETERS {
            let message = format!("a family has 1 to {} parameters", limits::PARAMETERS);
            self.diagnostics.error(parameters.span, message);
            return None;
        }
        let mut combined: Vec<Binding> = vec![Vec::new()];
        for Entry { key, key_span, value } in entries {
            if !is_name(key) {
                let message = "a parameter's name holds lower-case letters, digits and `_`";
                self.diagnostics.error(*key_span, message);
                return None;
            }
            let values = self.values(key, value, owner)?;
            let count = combined.len() * values.len();
            if values.is_empty() || count > limits::SECTION {
                let message = format!("a family has 1 to {} members", limits::SECTION);
                self.diagnostics.error(owner, message);
                return None;
            }
            self.take(count * (combined[0].len() + values[0].len()) * PAIR, owner)?;
            let with = |binding: &Binding, value: &Binding| [&binding[..], &value[..]].concat();
            let pairs =
                combined.iter().flat_map(|binding| values.iter().map(|it| with(binding, it)));
            combined = pairs.collect();
        }
        Some(combined)
    }

    /// What one parameter stands for, value by value.
    fn values(&mut self, name: &str, node: &Node, owner: Span) -> Option<Vec<Binding>> {
        let name: Rc<str> = name.into();
        let one = |text: &str| vec![(name.clone(), Rc::from(text))];
        match &node.value {
            Value::Scalar(scalar) => {
                let numbers = self.numbers(scalar)?;
                self.take(numbers.clone().count() * PAIR, owner)?;
                Some(numbers.map(|number| one(&number.to_string())).collect())
            }
            Value::List(items) => {
                Some(items.iter().filter_map(Node::scalar).map(|item| one(&item.text)).collect())
            }
            Value::Map(rows) => {
                let first = rows.first().map(columns).unwrap_or_default();
                if first.len() > limits::COLUMNS {
                    let message = format!("a row has at most {} keys", limits::COLUMNS);
                    self.diagnostics.error(node.span, message);
                    return None;
                }
                let mut bindings = Vec::new();
                for row in rows {
                    let columns = columns(row);
                    if !columns.iter().map(|it| &it.key).eq(first.iter().map(|it| &it.key)) {
                        let message =
                            format!("the row `{}` has other keys than the first", row.key);
                        self.diagnostics.error(row.key_span, message);
                        return None;
                    }
                    let fields = columns.iter().filter_map(|field| {
                        let text = &field.value.scalar()?.text;
                        Some((format!("{name}.{}", field.key).into(), text.as_str().into()))
                    });
                    bindings.push(one(&row.key).into_iter().chain(fields).collect());
                }
                Some(bindings)
            }
        }
    }

    /// The numbers from the first to the last, as in `1..32`.
    fn numbers(&mut self, scalar: &Scalar) -> Option<std::ops::RangeInclusive<u32>> {
        let Some((first, last)) = bounds(&scalar.text).filter(|(first, last)| first <= last) else {
            let help = "the lower number comes first, and both are counted";
            let message = "expected numbers, as in `1..32`";
            self.diagnostics.error_with_help(scalar.whole(), message, help);
            return None;
        };
        if (last - first) as usize >= limits::SECTION {
            let message = format!("a parameter has at most {} values", limits::SECTION);
            self.diagnostics.error(scalar.whole(), message);
            return None;
        }
        Some(first..=last)
    }
}

/// What a parameter and a text that it stands for take.
const PAIR: usize = size_of::<(Rc<str>, Rc<str>)>();

/// What stands in a row, in an order that is the same for all rows.
fn columns(row: &Entry) -> Vec<&Entry> {
    let mut columns: Vec<&Entry> = row.value.entries().iter().collect();
    columns.sort_by_key(|column| &column.key);
    columns
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
}

/// How many bytes a member takes at most, if each parameter stands for a text of at most `longest`.
fn size(entry: &Entry, longest: usize) -> usize {
    let key = entry.key.len() + braces(&entry.key).count().saturating_mul(longest);
    size_of::<Entry>() + key + size_inside(&entry.value, longest)
}

fn size_inside(node: &Node, longest: usize) -> usize {
    match &node.value {
        Value::Scalar(scalar) => scalar.replaced_bytes(braces(&scalar.text).count(), longest),
        Value::List(items) => {
            items.iter().map(|item| size_of::<Node>() + size_inside(item, longest)).sum()
        }
        Value::Map(entries) => entries.iter().map(|entry| size(entry, longest)).sum(),
    }
}

/// The places of a text that stand between braces, without braces in them.
fn braces(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut open = None;
    text.match_indices(['{', '}']).filter_map(move |(at, brace)| match brace {
        "{" => {
            open = Some(at);
            None
        }
        _ => Some(open.take()? + 1..at),
    })
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
    fn places(&mut self, text: &str) -> Vec<(Range<usize>, String)> {
        let place = |inner: Range<usize>| {
            let value = self.value(&text[inner.clone()])?;
            Some((inner.start - 1..inner.end + 1, value))
        };
        braces(text).filter_map(place).collect()
    }

    /// What stands for what is between braces: a name, or an expression of numbers and names of numbers.
    fn value(&mut self, inner: &str) -> Option<String> {
        if let Some(place) = self.binding.iter().position(|(name, _)| **name == *inner) {
            self.used[place] = true;
            return Some(self.binding[place].1.to_string());
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
        let place = self.binding.iter().position(|(other, _)| **other == *name)?;
        let number = self.binding[place].1.parse::<u32>().ok()?;
        self.used[place] = true;
        Some(number.into())
    }
}
