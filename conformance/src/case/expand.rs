//! Tables: the `{names}` in a program, and the values that a row gives them.

use indexmap::IndexMap;

/// The names in braces in a text, in order of appearance, each once.
pub fn placeholders(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (_, name) in spans(text) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The text with each name in braces replaced by its value.
pub fn fill(text: &str, values: &IndexMap<&str, &str>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = 0;
    for (start, name) in spans(text) {
        filled.push_str(&text[rest..start]);
        rest = start + name.len() + 2;
        match values.get(name) {
            Some(value) => filled.push_str(value),
            None => filled.push_str(&text[start..rest]),
        }
    }
    filled.push_str(&text[rest..]);
    filled
}

/// Offsets and names of all `{name}` in a text.
fn spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('{').filter_map(|(start, _)| {
        let inner = &text[start + 1..];
        let name = &inner[..inner.find('}')?];
        let is_name = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        is_name.then_some((start, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_names_and_keeps_other_braces() {
        let text = "PUSH {a}\nPUSH {b} ; {a} { } {}";
        assert_eq!(placeholders(text), ["a", "b"]);
        let values = IndexMap::from([("a", "1"), ("b", "-2")]);
        assert_eq!(fill(text, &values), "PUSH 1\nPUSH -2 ; 1 { } {}");
    }
}
