//! Values of a machine as the evaluator writes them: without what functions captured.

use std::collections::BTreeMap;

use bytestone_vm::value::{Node, NodeKind, Text, Value, file};

/// The text of a value of a machine in the words of the evaluator; `None` if it is not shown in full.
pub fn shown(value: &Value) -> Option<String> {
    let mut nodes = BTreeMap::new();
    gather(value, &mut nodes);
    let mut times = BTreeMap::new();
    count(value, &nodes, &mut times);
    let mut writer = Writer { nodes, times, numbers: Vec::new(), text: String::new() };
    writer.value(value)?;
    Some(writer.text)
}

type Nodes<'v> = BTreeMap<u32, &'v Node>;

/// Finds the node with each number, also those that only a function holds.
fn gather<'v>(value: &'v Value, nodes: &mut Nodes<'v>) {
    if let Value::Node(node) = value {
        nodes.insert(node.number, node);
    }
    value.parts().for_each(|part| gather(part, nodes));
}

fn number_of(value: &Value) -> Option<u32> {
    match value {
        Value::Node(node) => Some(node.number),
        Value::Back(number) => Some(*number),
        _ => None,
    }
}

/// Counts how often each node is met.
fn count(value: &Value, nodes: &Nodes<'_>, times: &mut BTreeMap<u32, u32>) {
    let Some(number) = number_of(value) else { return };
    let times_met = times.entry(number).or_insert(0);
    *times_met += 1;
    if *times_met > 1 {
        return;
    }
    match nodes.get(&number).map(|node| &node.kind) {
        Some(NodeKind::Array(parts) | NodeKind::Record { fields: parts, .. }) => {
            parts.iter().for_each(|it| count(it, nodes, times));
        }
        Some(NodeKind::Map(entries)) => {
            entries.iter().for_each(|(_, value)| count(value, nodes, times));
        }
        Some(NodeKind::Closure { .. }) | None => {}
    }
}

struct Writer<'v> {
    nodes: Nodes<'v>,
    times: BTreeMap<u32, u32>,
    /// The nodes that have a number, by that.
    numbers: Vec<u32>,
    text: String,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) -> Option<()> {
        let Some(number) = number_of(value) else {
            let is_full = match value {
                Value::Cut | Value::Shallow(_) => false,
                Value::Str(text) => is_full(text),
                _ => true,
            };
            file::push(&mut self.text, value);
            return is_full.then_some(());
        };
        if self.times.get(&number).is_some_and(|&times| times > 1) {
            let known = self.numbers.iter().position(|&it| it == number);
            self.text.push_str(&format!("#{}", known.unwrap_or(self.numbers.len())));
            if known.is_some() {
                return Some(());
            }
            self.numbers.push(number);
        }
        match &self.nodes.get(&number)?.kind {
            NodeKind::Array(elements) => {
                self.text.push('[');
                for (at, element) in elements.iter().enumerate() {
                    self.text.push_str(if at == 0 { "" } else { " " });
                    self.value(element)?;
                }
                self.text.push(']');
            }
            NodeKind::Map(entries) => {
                self.text.push('{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.text.push_str(if at == 0 { "" } else { " " });
                    is_full(key).then_some(())?;
                    file::push_name(&mut self.text, key);
                    self.text.push_str(": ");
                    self.value(value)?;
                }
                self.text.push('}');
            }
            NodeKind::Record { of, fields } => {
                self.text.push_str(&of.name);
                self.text.push('{');
                for (at, (name, value)) in of.fields.iter().zip(fields).enumerate() {
                    self.text.push_str(if at == 0 { "" } else { " " });
                    self.text.push_str(&format!("{name}: "));
                    self.value(value)?;
                }
                self.text.push('}');
            }
            NodeKind::Closure { function, .. } => self.text.push_str(&format!("fn {function}")),
        }
        Some(())
    }
}

fn is_full(text: &Text) -> bool {
    text.full().is_some()
}
