//! `cargo xtask generate`: schemas and manuals, written from the code and the specs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytestone::case::load as case_load;
use bytestone::corpus;
use bytestone::engine::message;
use bytestone::examples::examples;
use bytestone::export;
use bytestone::known;
use bytestone::manual::Manual;
use bytestone::project;
use bytestone::registry::Registry;
use bytestone::report::claim;
use bytestone_spec::load;
use clap::Args;

use crate::{CommandResult, root};

/// Arguments of `cargo xtask generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// Write nothing; fail when a file is not what would be written
    #[arg(long)]
    check: bool,
}

impl Generate {
    /// Runs the command.
    pub fn run(&self) -> CommandResult {
        let mut stale = Vec::new();
        for (path, text) in files()? {
            let known = std::fs::read_to_string(&path).unwrap_or_default();
            if known == text {
                continue;
            }
            let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
            if self.check {
                stale.push(shown);
            } else {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                std::fs::write(&path, text)?;
                println!("wrote {shown}");
            }
        }
        if stale.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        for path in stale {
            eprintln!("stale: {path}");
        }
        eprintln!("run `cargo xtask generate` and commit what it writes");
        Ok(ExitCode::FAILURE)
    }
}

/// All generated files and their texts.
fn files() -> Result<Vec<(PathBuf, String)>, Box<dyn std::error::Error>> {
    let docs = root().join("docs");
    let mut files = Vec::new();
    for (name, schema) in [
        ("spec-1.json", load::schema()),
        ("cases-1.json", case_load::schema()),
        ("corpus-1.json", &corpus::schema()),
        ("claim-1.json", &claim::schema()),
        ("known-failures-1.json", &known::schema()),
        ("protocol-1.json", &message::schema()),
        ("project-1.json", &project::schema()),
        ("export-1.json", &export::schema()),
    ] {
        let path = docs.join("schema").join(name);
        files.push((path, format!("{schema:#}\n")));
    }
    let machines = Registry::built_in()?;
    let corpus = corpus::read(Path::new(&root().join("conformance/corpus")), &machines)?;
    for isa in machines.machines() {
        let examples = examples(isa, corpus.cases_of(isa.name()));
        let manual = Manual::new(isa, &examples);
        let folder = docs.join("manual");
        files.push((folder.join(format!("{}.html", isa.name())), manual.html()));
        files.push((folder.join(format!("{}.md", isa.name())), manual.markdown()));
    }
    Ok(files)
}
