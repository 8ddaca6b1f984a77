//! The tutorial of the README, followed word for word.

use std::path::Path;
use std::process::{Command, Output};

/// The fenced block of a language that follows a sentence.
fn block<'a>(text: &'a str, after: &str, fence: &str) -> &'a str {
    let rest = &text[text.find(after).unwrap_or_else(|| panic!("`{after}` is gone"))..];
    let rest =
        &rest[rest.find(&format!("```{fence}\n")).expect("there is a block") + fence.len() + 4..];
    &rest[..rest.find("```").expect("the block ends")]
}

/// Runs a line of the tutorial that starts with `bytestone`.
fn run(line: &str, folder: &Path) -> Output {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    assert_eq!(words[0], "bytestone");
    Command::new(env!("CARGO_BIN_EXE_bytestone"))
        .args(&words[1..])
        .current_dir(folder)
        .output()
        .expect("the command starts")
}

#[test]
fn the_tutorial_works_as_it_stands() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README is there");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(
        folder.path().join("abacus.yaml"),
        block(&readme, "Write this as `abacus.yaml`", "yaml"),
    )
    .unwrap();
    std::fs::write(
        folder.path().join("factorial.asm"),
        block(&readme, "Write a program, `factorial.asm`", ""),
    )
    .unwrap();
    let first = block(&readme, "Check it, and look at its manual", "sh");
    let second = block(&readme, "Assemble it, look at the bytes", "sh");
    let outputs: Vec<Output> =
        first.lines().chain(second.lines()).map(|line| run(line, folder.path())).collect();
    let codes: Vec<Option<i32>> = outputs.iter().map(|output| output.status.code()).collect();
    assert_eq!(
        codes,
        [Some(0), Some(0), Some(0), Some(0), Some(0), Some(0), Some(3)],
        "{outputs:#?}"
    );
    let text = |at: usize| String::from_utf8_lossy(&outputs[at].stdout).into_owned();
    assert!(text(0).contains("9 instructions, sound"), "{}", text(0));
    let manual =
        std::fs::read_to_string(folder.path().join("abacus.html")).expect("the manual was written");
    assert!(manual.contains("Exchange the two top values."));
    assert!(text(3).contains("LOOP"), "{}", text(3));
    assert!(text(5).lines().any(|line| line == "3628800"), "{}", text(5));
    assert!(text(6).contains("trap not_positive"), "{}", text(6));
}
