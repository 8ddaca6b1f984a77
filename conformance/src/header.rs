//! Files of the project that start with `bytestone: KIND/VERSION`: tree, schema, typed value, header.

use bytestone_spec::diagnostic::{Diagnostics, Source};
use bytestone_spec::shape;
use bytestone_spec::yaml::{self, Node};
use serde::de::DeserializeOwned;

/// Reads a file whose schema is `schema` and whose header must be `header`. All faults go to
/// `diagnostics`; without a value there is at least one.
pub fn read<T: DeserializeOwned>(
    source: &Source,
    header: &str,
    schema: &serde_json::Value,
    diagnostics: &mut Diagnostics,
) -> Option<(Node, T)> {
    let root = yaml::parse(source, 0, diagnostics)?;
    let root = shape::check(root, schema, diagnostics).root?;
    let value = match root.typed::<T>() {
        Ok(value) => value,
        Err(error) => {
            diagnostics.error(root.span, error.to_string());
            return None;
        }
    };
    let node = root.get("bytestone");
    let found = node.and_then(Node::scalar).map_or("", |scalar| scalar.text.as_str());
    if found != header {
        let message = format!("this is `{found}`; this version reads `{header}`");
        diagnostics.error(node.map_or(root.span, |node| node.span), message);
    }
    Some((root, value))
}
