//! Test files that were read, as a corpus of case files.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use bytestone_vm::Value;

use super::{Imported, NAME, Target};
use crate::case::{Case, Expect, Place};
use crate::corpus::{self, MANIFEST};
use crate::execute::hex;
use crate::judge::{yaml_item, yaml_list};

/// The files of a corpus: paths, and what they hold.
pub fn files(imported: &Imported, target: &Target<'_>) -> Vec<(PathBuf, Vec<u8>)> {
    let isa = target.isa;
    let (name, major) = (isa.name(), isa.version().major);
    let manifest = format!(
        "bytestone: {}\nname: {NAME}\nversion: 1.0.0\nlicence: NOASSERTION\nmachines: [{name}]\n",
        corpus::HEADER
    );
    let mut text = format!("bytestone: cases/1\nisa: {name}@{major}\ncases:\n");
    for file in &imported.corpus.files {
        for case in &file.content.cases {
            let from = file.path.file_name().unwrap_or_default().to_string_lossy();
            push(case, &from, target, &mut text);
        }
    }
    let cases = Path::new(name).join(format!("{NAME}.yaml"));
    vec![(PathBuf::from(MANIFEST), manifest.into_bytes()), (cases, text.into_bytes())]
}

fn push(case: &Case, from: &str, target: &Target<'_>, text: &mut String) {
    let name = case.id.split_once('/').map_or(case.id.as_str(), |(_, name)| name);
    let code = case.bytecode.as_deref().unwrap_or_default();
    let about = yaml_item(&format!("From {from} of {NAME}."));
    let _ = write!(text, "- name: {name}\n  about: {about}\n  bytecode: {}\n", hex(code));
    if !case.requires.is_empty() {
        let _ = writeln!(text, "  requires: {}", yaml_list(&case.requires));
    }
    for cell in &case.input {
        if let Value::Bytes(bytes) = &cell.value {
            let _ = writeln!(text, "  input: {{{}: {}}}", cell.bank, hex(bytes));
        }
    }
    if let Expect::Runs(run) = &case.expect {
        if let Some(output) = &run.output {
            let output: Vec<String> = output.iter().map(ToString::to_string).collect();
            let _ = writeln!(text, "  output: {}", yaml_list(&output));
        }
        for cell in &run.cells {
            let (bank, _) = cell.place.named(target.isa);
            if let Place::Cell { index, .. } = cell.place {
                let _ = writeln!(text, "  final: {{{bank}: {{{index}: {}}}}}", cell.value);
            }
        }
    }
}
