//! The JSON Schema of spec files.

use bytestone_spec::load::schema;
use bytestone_spec::{builtin, shape};
use serde_json::{Map, Value};

/// All mappings with named keys, by the name of their type.
fn types() -> Vec<(String, &'static Map<String, Value>)> {
    let definitions = schema()["$defs"].as_object().unwrap();
    let named = definitions.iter().map(|(name, schema)| (name.clone(), schema));
    std::iter::once(("the file".to_owned(), schema()))
        .chain(named)
        .filter_map(|(name, schema)| Some((name, schema["properties"].as_object()?)))
        .collect()
}

#[test]
fn every_key_is_described() {
    assert!(types().len() > 8);
    for (name, properties) in types() {
        for (key, property) in properties {
            let description = property["description"].as_str().unwrap_or_default();
            assert!(description.len() > 10, "{name}: {key}");
        }
    }
    assert_eq!(schema()["title"], "Bytestone spec");
    assert!(schema()["description"].as_str().is_some());
    assert_eq!(schema().get("$id"), None);
}

#[test]
fn no_mapping_takes_unknown_keys() {
    for (name, _) in types() {
        let of = match name.as_str() {
            "the file" => schema(),
            name => &schema()["$defs"][name],
        };
        assert_eq!(of["additionalProperties"], false, "{name}");
    }
}

#[test]
fn texts_may_look_like_numbers_and_truth_values() {
    let version = &schema()["properties"]["version"]["type"];
    assert_eq!(version, &serde_json::json!(["string", "number", "boolean"]));
}

#[test]
fn a_whole_file_has_required_keys() {
    let options = schema()["anyOf"].as_array().unwrap();
    let required = options[0]["required"].as_array().unwrap();
    for key in ["bytestone", "isa", "version", "title", "machine", "code", "instructions"] {
        assert!(required.iter().any(|known| known == key), "{key}");
    }
}

/// Whether an editor would accept a value. Panics at a keyword that it does not know, so that none
/// is passed over.
fn accepts(schema_at: &Value, value: &Value) -> bool {
    let Some(keywords) = schema_at.as_object() else { return schema_at == true };
    keywords.iter().all(|(keyword, rule)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" | "default" | shape::INDEPENDENT => true,
        "$ref" => {
            let target = rule.as_str().unwrap().trim_start_matches('#');
            accepts(schema().pointer(target).unwrap(), value)
        }
        "anyOf" => rule.as_array().unwrap().iter().any(|option| accepts(option, value)),
        "type" => match rule {
            Value::Array(kinds) => kinds.iter().any(|kind| kind == kind_of(value)),
            kind => kind == kind_of(value),
        },
        "required" => {
            rule.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some())
        }
        "items" => value.as_array().into_iter().flatten().all(|item| accepts(rule, item)),
        "properties" => value
            .as_object()
            .into_iter()
            .flatten()
            .all(|(key, value)| rule.get(key).is_none_or(|property| accepts(property, value))),
        "additionalProperties" => {
            let known = keywords.get("properties");
            value.as_object().into_iter().flatten().all(|(key, value)| {
                known.is_some_and(|known| known.get(key).is_some()) || accepts(rule, value)
            })
        }
        other => panic!("the keyword `{other}` is not known"),
    })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A file as editors read it: with numbers and truth values.
fn as_editors_read(text: &str) -> Value {
    serde_json::to_value(serde_yaml::from_str::<serde_yaml::Value>(text).unwrap()).unwrap()
}

#[test]
fn the_built_in_specs_are_accepted() {
    for name in builtin::names() {
        let source = builtin::source(name).unwrap();
        assert!(accepts(schema(), &as_editors_read(&source.text)), "{name}");
    }
}

#[test]
fn faulty_shapes_are_refused() {
    let text = builtin::source("calculator").unwrap().text;
    let edits = [
        ("isa:", "isaa:"),
        ("version: 1.0.0", "version: [1]"),
        ("depth: 256", "depht: 256"),
        ("code: {decode: sweep, end: reject}", "code: sweep"),
        ("traps: [div_by_zero]", "traps: div_by_zero"),
        ("doc: Stop execution.", "doc: {a: b}"),
        ("bytestone: spec/1\n", ""),
    ];
    for (from, to) in edits {
        assert!(text.contains(from));
        assert!(!accepts(schema(), &as_editors_read(&text.replacen(from, to, 1))), "{to}");
    }
}
