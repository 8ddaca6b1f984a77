//! Faulty specs as data: each `tests/faulty/*.yaml` and, beside it, what a user reads.
//! `BLESS=1` writes the expectations anew.

use std::fs;
use std::path::{Path, PathBuf};

use bytestone_spec::diagnostic::{Source, Style};
use bytestone_spec::load;
use bytestone_spec::load::BuiltinOnly;

/// The files of the folder that end so.
fn files(ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faulty");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    files.sort();
    files
}

fn render(path: &Path) -> Result<String, String> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = fs::read_to_string(path).unwrap();
    match load(Source { name: name.clone(), text }, &BuiltinOnly) {
        Ok(_) => Err(format!("{name} is accepted")),
        Err(faulty) => Ok(faulty.render(Style::Plain)),
    }
}

#[test]
fn every_faulty_spec_is_reported_as_expected() {
    let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    let mut wrong = Vec::new();
    let yaml = files("yaml");
    for path in &yaml {
        let found = match render(path) {
            Ok(found) => found,
            Err(message) => {
                wrong.push(message);
                continue;
            }
        };
        let beside = path.with_extension("txt");
        if bless {
            fs::write(&beside, &found).unwrap();
            continue;
        }
        match fs::read_to_string(&beside) {
            Ok(expected) if expected == found => {}
            Ok(expected) => {
                wrong.push(format!("{}: expected\n{expected}\nfound\n{found}", path.display()))
            }
            Err(_) => wrong.push(format!("{}: no expectation beside it", path.display())),
        }
    }
    assert!(yaml.len() >= 60, "the faulty specs were not found");
    for text in files("txt") {
        if !yaml.contains(&text.with_extension("yaml")) {
            wrong.push(format!("{}: expected of nothing", text.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
