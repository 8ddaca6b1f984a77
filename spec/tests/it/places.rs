//! Where the texts of a file stand: the places of scalars, character by character.

use std::fs;
use std::path::Path;

use bytestone_spec::builtin;
use bytestone_spec::diagnostic::{Diagnostics, Source};
use bytestone_spec::yaml::{self, Node, Scalar, Value};
use quickcheck::quickcheck;

fn scalars<'a>(node: &'a Node, found: &mut Vec<&'a Scalar>) {
    match &node.value {
        Value::Scalar(scalar) => found.push(scalar),
        Value::List(items) => items.iter().for_each(|item| scalars(item, found)),
        Value::Map(entries) => entries.iter().for_each(|entry| scalars(&entry.value, found)),
    }
}

/// How many characters of scalars are found where they stand; fails at the first that is not.
fn checked(name: &str, text: &str) -> usize {
    let source = Source { name: name.to_owned(), text: text.to_owned() };
    let mut diagnostics = Diagnostics::default();
    let root = yaml::parse(&source, 0, &mut diagnostics).filter(|_| diagnostics.is_empty());
    let Some(root) = root else { return 0 };
    let mut found = Vec::new();
    scalars(&root, &mut found);
    let mut count = 0;
    for scalar in found {
        let visible = scalar.text.char_indices().filter(|(_, c)| !c.is_whitespace());
        for (at, character) in visible {
            let span = scalar.span(at..at + character.len_utf8());
            let shown = &text[span.start as usize..span.end as usize];
            let escaped = shown.starts_with('\\') || shown == "''";
            assert!(
                escaped || shown == character.to_string(),
                "{name}: {:?} at {at}: {shown:?}",
                scalar.text
            );
            let whole = scalar.whole();
            assert!(
                whole.start <= span.start && span.end <= whole.end,
                "{name}: {:?}",
                scalar.text
            );
            count += 1;
        }
    }
    count
}

#[test]
fn each_character_of_each_spec_is_found() {
    let mut texts: Vec<(String, String)> = builtin::names()
        .into_iter()
        .map(|name| (name.to_owned(), builtin::source(name).unwrap().text))
        .collect();
    let faulty = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faulty");
    for entry in fs::read_dir(faulty).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            texts.push((path.display().to_string(), fs::read_to_string(path).unwrap()));
        }
    }
    let mut count = 0;
    for (name, text) in &texts {
        let unix = text.replace("\r\n", "\n");
        count += checked(name, &unix);
        assert_eq!(checked(name, &unix), checked(name, &unix.replace('\n', "\r\n")), "{name}");
    }
    assert!(count > 30_000, "{count}");
}

#[test]
fn styles_of_scalars_are_found() {
    let texts = [
        "a: plain text",
        "a: plain\n  over ß\n\n  lines # comment",
        "a: 'single ''quoted'' text'",
        "a: 'single\n\n  over ''lines'''",
        r#"a: "double \"quoted\" \\ \t \x41 \u00e9 \U0001F600 \/ text""#,
        "a: \"double\n  over \\\n   lines\\n  end\"",
        "a: |\n  literal\n    text\n\n  end\n",
        "a: |-\n\n  literal\n",
        "a: |+2\n    indented\n  text\n\n\n",
        "a: >\n  folded\n  text\n\n  end\n   more\n  x",
        "a: >-   # comment\n  folded\n",
        "a: [plain, 'single', \"double\", {b: c, d: [e]}]",
        "- |\n literal\n- >\n folded\n- x",
        "ß: größer\nä: |\n  größer ß\n  ß",
    ];
    for text in texts {
        assert!(checked(text, text) > 3, "{text}");
        assert!(checked(text, &text.replace('\n', "\r\n")) > 3, "{text}");
    }
}

/// The value of the only key of a file.
fn value(text: &str) -> Option<String> {
    let source = Source { name: "x".to_owned(), text: text.to_owned() };
    let root = yaml::parse(&source, 0, &mut Diagnostics::default())?;
    Some(root.get("a")?.scalar()?.text.clone())
}

quickcheck! {
    fn a_quoted_text_is_read_as_it_was(text: String) -> bool {
        let read = value(&format!("a: {}\n", yaml::quoted(&text)));
        assert_eq!(read.as_ref(), Some(&text), "{}", yaml::quoted(&text));
        true
    }
}

#[test]
fn texts_that_look_like_something_else_are_quoted() {
    for text in [
        "", " ", "1", "0x06", "true", "null", "~", "a: b", "- a", "#", "a #b", "'", "\"", "a\nb",
        "!x", "&a", "*a", "[", "{", "|", ">", "%", "@", "`", "--- ", "?", "é",
    ] {
        assert_eq!(value(&format!("a: {}\n", yaml::quoted(text))).as_deref(), Some(text));
    }
}
