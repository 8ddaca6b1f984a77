//! The examples of the reference, `docs/spec-language.md`.

use std::fs;
use std::path::Path;

use crate::support::{HEADER, MACHINE, load_text};

/// The fenced blocks of YAML in the reference, with what an example leaves out.
fn examples() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec-language.md");
    let text = fs::read_to_string(path).unwrap();
    let blocks = text.split("\n```yaml\n").skip(1);
    blocks
        .map(|block| {
            let example = block.split("\n```").next().unwrap();
            match (example.contains("bytestone:"), example.contains("machine:")) {
                (true, _) => example.to_owned(),
                (false, true) => {
                    format!("{HEADER}code: {{decode: sweep, end: reject}}\n{example}\n")
                }
                (false, false) => format!("{HEADER}{MACHINE}{example}\n"),
            }
        })
        .collect()
}

#[test]
fn the_examples_of_the_reference_are_sound() {
    assert!(examples().len() >= 6);
    for example in examples() {
        if let Err(faulty) = load_text(&example) {
            panic!("{faulty}");
        }
    }
}
