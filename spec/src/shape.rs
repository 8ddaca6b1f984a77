//! The shape of a file: holds a tree to the JSON Schema of a type, and reports every difference.
//!
//! The schema comes from the type itself, so the keys that a reader takes, the keys that the
//! check allows and the keys that an editor completes are one list.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::diagnostic::{Diagnostics, Span};
use crate::yaml::{Entry, Node, Value};

/// A scalar of a YAML file, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub String);

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for Text {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // What YAML takes for a number or a truth value is a text here.
        schemars::json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// What a schema says of a key that must be there, but without which the other keys of its mapping
/// can still be examined. A mapping without any other required key is left out as a whole.
///
/// The type that is read has an `Option` for it, with `#[schemars(required, extend(…))]`.
pub const INDEPENDENT: &str = "x-independent";

/// A tree without the parts that have the wrong shape.
pub struct Shaped {
    /// The tree; `None` when too little of it is left.
    pub root: Option<Node>,
    /// The paths of entries that were left out, so that what refers to them is not reported too.
    pub dropped: HashSet<Vec<String>>,
}

/// Holds a tree to a schema. Each difference goes to `diagnostics`.
pub fn check(root: Node, schema: &Json, diagnostics: &mut Diagnostics) -> Shaped {
    let mut checker = Checker { schema, diagnostics, path: Vec::new(), dropped: HashSet::new() };
    let owner = Span { end: root.span.start, ..root.span };
    let root = checker.node(root, schema, owner);
    Shaped { root, dropped: checker.dropped }
}

struct Checker<'a> {
    schema: &'a Json,
    diagnostics: &'a mut Diagnostics,
    /// The keys that lead to the node at hand.
    path: Vec<String>,
    dropped: HashSet<Vec<String>>,
}

/// The known name that was probably meant by `name`, in whatever case.
pub fn similar<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No one misspells a name that is longer; and the distance takes time.
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let most = |candidate: &str| 1 + candidate.len() / 4;
    known
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= most(candidate))
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= most(candidate) && *distance < name.len())
        .min()
        .map(|(_, candidate)| candidate)
}

impl<'a> Checker<'a> {
    fn resolve(&self, schema: &'a Json) -> &'a Json {
        match schema.get("$ref").and_then(Json::as_str) {
            Some(reference) => {
                self.schema.pointer(reference.trim_start_matches('#')).unwrap_or(schema)
            }
            None => schema,
        }
    }

    fn takes(&self, schema: &'a Json, node: &Node) -> bool {
        let schema = self.resolve(schema);
        if let Some(options) = schema.get("anyOf").and_then(Json::as_array) {
            return options.iter().any(|option| self.takes(option, node));
        }
        let kind = match node.value {
            Value::Scalar(_) => "string",
            Value::List(_) => "array",
            Value::Map(_) => "object",
        };
        match schema.get("type") {
            Some(Json::String(name)) => name == kind,
            Some(Json::Array(names)) => names.iter().any(|name| name == kind),
            _ => true,
        }
    }

    /// The node without what is wrong in it, or `None` if nothing of use is left. Missing keys are
    /// reported at `owner`, the key that the node belongs to.
    fn node(&mut self, node: Node, schema: &'a Json, owner: Span) -> Option<Node> {
        let schema = self.resolve(schema);
        if let Some(options) = schema.get("anyOf").and_then(Json::as_array) {
            let option = options.iter().find(|option| self.takes(option, &node));
            return match option {
                Some(option) => self.node(node, option, owner),
                None => self.wrong_kind(&node, options),
            };
        }
        if !self.takes(schema, &node) {
            return self.wrong_kind(&node, std::slice::from_ref(schema));
        }
        let Node { span, value } = node;
        let value = match value {
            Value::Scalar(scalar) => Value::Scalar(scalar),
            Value::List(items) => self.list(items, schema),
            Value::Map(entries) => self.map(entries, schema, owner)?,
        };
        Some(Node { span, value })
    }

    fn list(&mut self, items: Vec<Node>, schema: &'a Json) -> Value {
        let Some(each) = schema.get("items") else { return Value::List(items) };
        let items = items.into_iter().filter_map(|item| {
            let owner = Span { end: item.span.start, ..item.span };
            self.node(item, each, owner)
        });
        Value::List(items.collect())
    }

    fn map(&mut self, entries: Vec<Entry>, schema: &'a Json, owner: Span) -> Option<Value> {
        let properties = schema.get("properties").and_then(Json::as_object);
        let additional = schema.get("additionalProperties");
        let given: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        let mut kept = Vec::new();
        for Entry { key, key_span, value } in entries {
            let known = properties.and_then(|properties| properties.get(&key));
            let each = match (known, additional) {
                (Some(known), _) => known,
                (None, Some(Json::Object(_))) => additional.unwrap_or(schema),
                (None, None | Some(Json::Bool(true))) => {
                    kept.push(Entry { key, key_span, value });
                    continue;
                }
                (None, Some(_)) => {
                    self.unknown_key(&key, key_span, properties);
                    continue;
                }
            };
            self.path.push(key.clone());
            match self.node(value, each, key_span) {
                Some(value) => kept.push(Entry { key, key_span, value }),
                None => {
                    self.dropped.insert(self.path.clone());
                }
            }
            self.path.pop();
        }
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
        let mut whole = true;
        for key in required.filter_map(Json::as_str) {
            let property = properties.and_then(|properties| properties.get(key));
            if !given.contains(key) {
                self.missing_key(key, owner, property);
            }
            whole &= property.is_some_and(|property| property.get(INDEPENDENT).is_some())
                || kept.iter().any(|entry| entry.key == key);
        }
        whole.then_some(Value::Map(kept))
    }

    fn wrong_kind(&mut self, node: &Node, options: &[Json]) -> Option<Node> {
        let mut names = Vec::new();
        for option in options {
            let option = self.resolve(option);
            let kinds = match option.get("type") {
                Some(Json::Array(kinds)) => kinds.clone(),
                Some(kind) => vec![kind.clone()],
                None => Vec::new(),
            };
            for kind in kinds.iter().filter_map(Json::as_str) {
                let name = match kind {
                    "string" => "a text",
                    "array" => "a list",
                    "object" => "a mapping",
                    _ => continue,
                };
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let expected = names.join(" or ");
        self.diagnostics.error(node.span, format!("expected {expected}, found {}", node.kind()));
        None
    }

    fn unknown_key(
        &mut self,
        key: &str,
        span: Span,
        properties: Option<&serde_json::Map<String, Json>>,
    ) {
        let known: Vec<&str> =
            properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let help = match similar(key, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the keys here are: {}", known.join(", ")),
        };
        self.diagnostics.error_with_help(span, format!("unknown key `{key}`"), help);
    }

    fn missing_key(&mut self, key: &str, owner: Span, schema: Option<&'a Json>) {
        let message = format!("the key `{key}` is missing");
        let meaning = schema.and_then(|schema| {
            let described = schema.get("description");
            described.or_else(|| self.resolve(schema).get("description")).and_then(Json::as_str)
        });
        match meaning.and_then(|meaning| meaning.split("\n\n").next()) {
            Some(meaning) => {
                let help = format!("`{key}`: {meaning}");
                self.diagnostics.error_with_help(owner, message, help);
            }
            None => self.diagnostics.error(owner, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn similar_names_ignore_case_and_are_short() {
        let known = ["PUSH", "POP", "PRINT"];
        assert_eq!(similar("push", known), Some("PUSH"));
        assert_eq!(similar("PIRNT", known), Some("PRINT"));
        assert_eq!(similar("HALT", known), None);
        assert_eq!(similar(&"P".repeat(1 << 20), known), None);
    }
}
