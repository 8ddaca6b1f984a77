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

/// A value of any shape: a key that the language reserves and whose value is not read.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Reserved(#[expect(dead_code, reason = "only its presence matters")] serde_yaml::Value);

impl JsonSchema for Reserved {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reserved".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!(true)
    }
}

/// A tree without the parts that have the wrong shape.
pub struct Shaped {
    /// The tree; `None` when too little of it is left.
    pub root: Option<Node>,
    /// The keys of entries that were left out, so that what refers to them is not reported too.
    pub dropped: HashSet<String>,
}

/// Holds a tree to a schema. Each difference goes to `diagnostics`.
pub fn check(root: Node, schema: &Json, diagnostics: &mut Diagnostics) -> Shaped {
    let mut checker = Checker { schema, diagnostics, dropped: HashSet::new() };
    let root = checker.node(root, schema);
    Shaped { root, dropped: checker.dropped }
}

struct Checker<'a> {
    schema: &'a Json,
    diagnostics: &'a mut Diagnostics,
    dropped: HashSet<String>,
}

/// The name of a key that was probably meant.
pub fn similar<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= 1 + candidate.len() / 4 && *distance < name.len()
        })
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

    /// The node without what is wrong in it, or `None` if nothing of use is left.
    fn node(&mut self, node: Node, schema: &'a Json) -> Option<Node> {
        let schema = self.resolve(schema);
        if let Some(options) = schema.get("anyOf").and_then(Json::as_array) {
            let option = options.iter().find(|option| self.takes(option, &node));
            return match option {
                Some(option) => self.node(node, option),
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
            Value::Map(entries) => self.map(entries, schema, span)?,
        };
        Some(Node { span, value })
    }

    fn list(&mut self, items: Vec<Node>, schema: &'a Json) -> Value {
        match schema.get("items") {
            Some(each) => {
                Value::List(items.into_iter().filter_map(|item| self.node(item, each)).collect())
            }
            None => Value::List(items),
        }
    }

    fn map(&mut self, entries: Vec<Entry>, schema: &'a Json, span: Span) -> Option<Value> {
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
            match self.node(value, each) {
                Some(value) => kept.push(Entry { key, key_span, value }),
                None => {
                    self.dropped.insert(key);
                }
            }
        }
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
        let mut whole = true;
        for key in required.filter_map(Json::as_str) {
            if !given.contains(key) {
                self.missing_key(key, span, properties);
            }
            whole &= kept.iter().any(|entry| entry.key == key);
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

    fn missing_key(
        &mut self,
        key: &str,
        span: Span,
        properties: Option<&serde_json::Map<String, Json>>,
    ) {
        let message = format!("the key `{key}` is missing");
        let first_line = Span { end: span.start, ..span };
        let meaning = properties.and_then(|properties| properties.get(key)).and_then(|schema| {
            self.resolve(schema)
                .get("description")
                .or(schema.get("description"))
                .and_then(Json::as_str)
        });
        match meaning {
            Some(meaning) => {
                let meaning = meaning.lines().next().unwrap_or_default();
                self.diagnostics.error_with_help(
                    first_line,
                    message,
                    format!("`{key}`: {meaning}"),
                );
            }
            None => self.diagnostics.error(first_line, message),
        }
    }
}
