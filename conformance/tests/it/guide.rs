//! The guide `docs/connect-your-vm.md`, followed word for word.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::tools;

/// A fenced block: what follows the fence, and its text.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = text.split("```").collect();
    assert_eq!(parts.len() % 2, 1, "a block does not end");
    let inside = parts.into_iter().skip(1).step_by(2);
    inside.map(|part| part.split_once('\n').expect("a block has lines")).collect()
}

/// Someone who types what the guide says.
struct Reader {
    folder: PathBuf,
    outputs: Vec<(String, Output)>,
}

impl Reader {
    fn types(&mut self, line: &str) {
        let words = shell_words::split(line).expect("it is a command line");
        match words[0].as_str() {
            "cd" => self.folder.push(&words[1]),
            "bytestone" => {
                let output = Command::new(env!("CARGO_BIN_EXE_bytestone"))
                    .args(&words[1..])
                    .current_dir(&self.folder)
                    .output()
                    .expect("the command starts");
                self.outputs.push((line.to_owned(), output));
            }
            other => panic!("the guide types `{other}`"),
        }
    }
}

#[test]
fn the_guide_works_as_it_stands() {
    tools::need("python3");
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/connect-your-vm.md");
    let guide = std::fs::read_to_string(guide).expect("the guide is there");
    let folder = tempfile::tempdir().expect("a folder");
    let mut reader = Reader { folder: folder.path().to_owned(), outputs: Vec::new() };
    for (fence, text) in blocks(&guide) {
        match fence {
            "sh" => text.lines().for_each(|line| reader.types(line)),
            "python first" | "python whole" => {
                std::fs::write(reader.folder.join("engine.py"), text).expect("it is written");
            }
            "yaml" => {
                let run =
                    text.lines().find_map(|line| line.trim().strip_prefix("- run: bytestone"));
                reader.types(&format!("bytestone{}", run.expect("the workflow runs it")));
            }
            other => panic!("a block of `{other}`"),
        }
    }
    for (line, output) in &reader.outputs {
        assert_eq!(output.status.code(), Some(0), "{line}: {output:#?}");
    }
    let said =
        |number: usize| String::from_utf8_lossy(&reader.outputs[number].1.stdout).into_owned();
    assert_eq!(reader.outputs.len(), 8, "{:#?}", reader.outputs);
    assert!(said(0).contains("bytestone doctor --vm 'python3 engine.py'"), "{}", said(0));
    assert!(said(1).contains("– calculator: a program that halts"), "{}", said(1));
    assert!(said(2).contains("1 passed, 0 failed, 0 skipped"), "{}", said(2));
    assert!(!said(3).contains('✗') && !said(3).contains('–'), "{}", said(3));
    for number in 4..8 {
        let last = said(number);
        let last = last.lines().last().expect("a run ends with its counts");
        let passed = last.split(' ').next().and_then(|count| count.parse::<u32>().ok());
        assert!(passed > Some(200) && last.contains(" 0 failed"), "{last}");
    }
    assert!(reader.folder.join("report.xml").is_file());
}
