//! Loading: from the text of a spec file to a checked instruction set.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::json;

use crate::builtin;
use crate::check::{self, Context};
use crate::diagnostic::{Diagnostics, Faulty, Source, Span};
use crate::family;
use crate::file::SpecFile;
use crate::isa::Isa;
use crate::limits;
use crate::shape;
use crate::yaml::{self, Node, Value};

/// Where the specs that others extend come from.
///
/// `name@major` asks for a spec by name, anything else for a file beside the one that extends it. The
/// core does no input or output: who loads files says how they are read.
pub trait Resolver {
    /// The source that `reference` names, or why there is none. `from` is the name of the source
    /// that holds the reference.
    fn resolve(&self, reference: &str, from: &str) -> Result<Source, String>;
}

/// Resolves `name@major` to the built-in specs and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltinOnly;

impl Resolver for BuiltinOnly {
    fn resolve(&self, reference: &str, _from: &str) -> Result<Source, String> {
        crate::builtin::resolve(reference)
    }
}

/// The JSON Schema of spec files, for editors.
///
/// What YAML takes for a number or a truth value is a text here, and the schema allows all three. A
/// file that extends another one may leave out any key.
pub fn schema() -> &'static serde_json::Value {
    static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(|| {
        let mut schema = whole().clone();
        let required = schema.as_object_mut().and_then(|schema| schema.remove("required"));
        schema["anyOf"] = json!([{ "required": required }, { "required": ["extends"] }]);
        schema
    });
    &SCHEMA
}

/// The JSON Schema of a file after everything that it extends was merged into it.
fn whole() -> &'static serde_json::Value {
    static SCHEMA: LazyLock<serde_json::Value> =
        LazyLock::new(|| schemars::schema_for!(SpecFile).to_value());
    &SCHEMA
}

/// Loads and checks a spec.
///
/// # Errors
///
/// All faults of the file, each with its place.
///
/// ```
/// use bytestone_spec::{diagnostic::Source, load, load::BuiltinOnly};
/// let text = "
/// bytestone: spec/1
/// isa: tiny
/// version: 1.0.0
/// title: A tiny machine
/// machine: {stack: {of: i32, depth: 8}, output: i32}
/// code: {decode: sweep, end: halt}
/// instructions:
///   PUSH:  {enc: '0x01 v:i32', stack: '-- v', doc: Push.}
///   PRINT: {enc: '0x02', stack: 'v --', do: out v, doc: Print.}
/// ";
/// let source = Source { name: "tiny.yaml".into(), text: text.into() };
/// let isa = load::load(source, &BuiltinOnly).unwrap();
/// assert_eq!(isa.instructions().len(), 2);
/// ```
pub fn load(source: Source, resolver: &dyn Resolver) -> Result<Isa, Faulty> {
    let mut diagnostics = Diagnostics::default();
    let mut sources = vec![source];
    let isa = load_into(&mut sources, resolver, &mut diagnostics);
    diagnostics.finish(sources)?;
    isa.ok_or_else(|| {
        Faulty::single(Source { name: String::new(), text: String::new() }, "the spec was not read")
    })
}

fn load_into(
    sources: &mut Vec<Source>,
    resolver: &dyn Resolver,
    diagnostics: &mut Diagnostics,
) -> Option<Isa> {
    let mut root = yaml::parse(&sources[0], 0, diagnostics)?;
    while let Some((reference, span)) = take_extends(&mut root, diagnostics) {
        if sources.len() > limits::EXTENDS {
            let message = format!("more than {} specs extend one another", limits::EXTENDS);
            diagnostics.error(span, message);
            return None;
        }
        let from = sources[usize::from(span.source)].name.clone();
        match resolver.resolve(&reference, &from) {
            Ok(source) => sources.push(source),
            Err(message) => {
                match builtin::source(&reference) {
                    Some(_) => {
                        let help =
                            format!("a built-in spec has its major version: `{reference}@1`");
                        diagnostics.error_with_help(span, message, help);
                    }
                    None => diagnostics.error(span, message),
                }
                return None;
            }
        }
        let id = sources.len() - 1;
        let mut base = yaml::parse(&sources[id], id as u8, diagnostics)?;
        if !matches!(base.value, Value::Map(_)) {
            diagnostics.error(base.span, "expected a mapping: another spec extends this one");
            return None;
        }
        check_major(&reference, &base, span, diagnostics);
        merge(&mut base, root, 0);
        root = base;
    }
    refuse_definitions(&mut root, diagnostics);
    let shaped = shape::check(root, whole(), diagnostics);
    let mut root = shaped.root?;
    family::expand(&mut root, diagnostics);
    let file: SpecFile = match root.typed() {
        Ok(file) => file,
        Err(error) => {
            diagnostics.error(root.span, error.to_string());
            return None;
        }
    };
    let mut context = Context::new(&root, &shaped.dropped, diagnostics);
    check::check(&file, &mut context)
}

/// Takes the `extends` entry out of a tree.
fn take_extends(root: &mut Node, diagnostics: &mut Diagnostics) -> Option<(String, Span)> {
    let Value::Map(entries) = &mut root.value else { return None };
    let at = entries.iter().position(|entry| entry.key == "extends")?;
    let entry = entries.remove(at);
    match entry.value.scalar() {
        Some(scalar) => Some((scalar.text.clone(), entry.value.span)),
        None => {
            diagnostics.error(entry.value.span, "expected a text: `name@major` or a path");
            None
        }
    }
}

/// Takes out entries such as `def sx(o: i16) -> u64: …`.
fn refuse_definitions(root: &mut Node, diagnostics: &mut Diagnostics) {
    let Value::Map(entries) = &mut root.value else { return };
    entries.retain(|entry| {
        let definition = entry.key.starts_with("def ");
        if definition {
            let help = "pure functions stand under `defs`, by their signatures";
            let message = "a definition beside the keys of the file";
            diagnostics.error_with_help(entry.key_span, message, help);
        }
        !definition
    });
}

fn check_major(reference: &str, base: &Node, span: Span, diagnostics: &mut Diagnostics) {
    let Some((_, major)) = reference.split_once('@') else { return };
    let version = base.get("version").and_then(Node::scalar).map_or("", |version| &version.text);
    if version.split('.').next() != Some(major) {
        diagnostics
            .error(span, format!("`{reference}` is asked for, and there is version {version}"));
    }
}

/// Puts `over` on top of `base`. Mappings at the top and those right below it are merged by key;
/// an entry further down replaces that of the base.
fn merge(base: &mut Node, over: Node, depth: usize) {
    const MERGED: usize = 2;
    base.span = over.span;
    match (&mut base.value, over.value) {
        (Value::Map(entries), Value::Map(over)) if depth < MERGED => {
            let places: HashMap<String, usize> =
                entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
            for entry in over {
                match places.get(&entry.key) {
                    Some(&at) => {
                        let known = &mut entries[at];
                        known.key_span = entry.key_span;
                        merge(&mut known.value, entry.value, depth + 1);
                    }
                    None => entries.push(entry),
                }
            }
        }
        (base, value) => *base = value,
    }
}
