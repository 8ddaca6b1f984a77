//! `cargo xtask tidy`: rules of the source tree that no compiler checks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytestone::registry::Registry;

use crate::{CommandResult, root};

/// Lines of a source file.
const FILE_LINES: usize = 800;
/// Folders whose code knows no instruction set.
const IGNORANT: [&str; 3] = ["spec/src", "vm/src", "conformance/src"];

/// Prints every breach.
pub fn run() -> CommandResult {
    let breaches = breaches()?;
    for breach in &breaches {
        eprintln!("{breach}");
    }
    Ok(if breaches.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every breach of a rule, as `file:line: what`.
fn breaches() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut files = Vec::new();
    for crate_folder in ["spec", "vm", "conformance", "fuzz", "xtask"] {
        rust_files(&root().join(crate_folder), &mut files)?;
    }
    files.sort();
    let mnemonics = mnemonics()?;
    let mut breaches = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path)?;
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        let lines = text.lines().count();
        if lines > FILE_LINES {
            breaches.push(format!("{shown}:1: {lines} lines, more than {FILE_LINES}"));
        }
        if !text.starts_with("//!") {
            breaches.push(format!(
                "{shown}:1: the file does not start with a `//!` line that says its job"
            ));
        }
        if IGNORANT.iter().any(|folder| shown.starts_with(folder)) {
            breaches.extend(known_mnemonics(&shown, &text, &mnemonics));
        }
    }
    Ok(breaches)
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != "corpus" && name != "vms" && name != "templates" {
                rust_files(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Words of reports that are mnemonics too.
const WORDS: [&str; 1] = ["NOT"];

/// The mnemonics of all built-in machines; not those in lower case too, which are words of the field as well, and
/// names of types.
fn mnemonics() -> Result<BTreeSet<String>, Box<dyn std::error::Error>> {
    let registry = Registry::built_in()?;
    let machines = registry.machines().iter();
    let names = machines.flat_map(|isa| isa.instructions().iter().map(|insn| insn.name.clone()));
    Ok(names.filter(|name| !name.contains(|c: char| c.is_ascii_lowercase())).collect())
}

/// Mnemonics in code: as words, outside of comments and tests.
fn known_mnemonics(shown: &str, text: &str, mnemonics: &BTreeSet<String>) -> Vec<String> {
    let mut breaches = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.contains("#[cfg(test)]") {
            break;
        }
        let code = line.split("//").next().unwrap_or("");
        let words = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let known = |word: &&str| mnemonics.contains(*word) && !WORDS.contains(word);
        for word in words.filter(known) {
            breaches.push(format!("{shown}:{}: the code knows the mnemonic {word}", index + 1));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        let breaches = super::breaches().unwrap();
        assert!(breaches.is_empty(), "{}", breaches.join("\n"));
    }
}
