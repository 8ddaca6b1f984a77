//! A corpus: a folder of case files under a manifest (`bytestone: corpus/1`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bytestone_spec::diagnostic::{Diagnostics, Faulty, Source};
use bytestone_spec::shape::{self, Text};
use bytestone_spec::yaml;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::case::{Case, CaseFile, load};

/// The header of corpus manifests.
pub const HEADER: &str = "corpus/1";
/// The name of the manifest in its folder.
pub const MANIFEST: &str = "corpus.yaml";
/// Files of a corpus.
const FILES: usize = 10_000;

/// The manifest of a corpus.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format of this file: `corpus/1`.
    pub bytestone: Text,
    /// The name of the corpus.
    pub name: Text,
    /// Its version.
    pub version: Text,
    /// Its licence, as an SPDX expression.
    pub licence: Text,
    /// The machines that it has cases for; each has a folder of its name.
    pub machines: Vec<Text>,
}

/// The JSON Schema of manifests.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Manifest).to_value()
}

/// A corpus that was read.
#[derive(Debug)]
pub struct Corpus {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its files, by machine in the order of the manifest, then by path.
    pub files: Vec<CorpusFile>,
}

/// A case file of a corpus.
#[derive(Debug)]
pub struct CorpusFile {
    /// Its path, as it was opened.
    pub path: PathBuf,
    /// Its text, for places.
    pub source: Source,
    /// Its cases.
    pub content: CaseFile,
}

impl CorpusFile {
    /// The line on which a case stands, counted from 1.
    pub fn line(&self, case: &Case) -> usize {
        self.source.line_column(case.span.start as usize).0
    }
}

/// Why a corpus could not be read: all faults of all its files.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.render())]
pub struct CorpusError {
    /// Files and folders that could not be read.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Files with faults.
    pub faulty: Vec<Faulty>,
    /// Other things, in words: ids given twice, machines without cases.
    pub other: Vec<String>,
}

impl CorpusError {
    fn render(&self) -> String {
        let mut lines: Vec<String> = self
            .unreadable
            .iter()
            .map(|(path, why)| format!("cannot read {}: {why}", path.display()))
            .collect();
        lines.extend(self.faulty.iter().map(ToString::to_string));
        lines.extend(self.other.iter().cloned());
        lines.join("\n")
    }

    fn is_empty(&self) -> bool {
        self.unreadable.is_empty() && self.faulty.is_empty() && self.other.is_empty()
    }
}

/// Reads a case file.
///
/// # Errors
///
/// The file cannot be read, or has faults.
pub fn read_file(path: &Path, machines: &dyn load::Machines) -> Result<CorpusFile, CorpusError> {
    let mut error = CorpusError { unreadable: Vec::new(), faulty: Vec::new(), other: Vec::new() };
    match std::fs::read_to_string(path) {
        Err(why) => error.unreadable.push((path.to_owned(), why.to_string())),
        Ok(text) => {
            let source = Source { name: path.display().to_string(), text };
            match load::load(source.clone(), machines) {
                Ok(content) => return Ok(CorpusFile { path: path.to_owned(), source, content }),
                Err(faulty) => error.faulty.push(faulty),
            }
        }
    }
    Err(error)
}

/// Reads the corpus in a folder.
///
/// # Errors
///
/// All faults of its manifest and files; nothing of a faulty corpus is run.
pub fn read(folder: &Path, machines: &dyn load::Machines) -> Result<Corpus, CorpusError> {
    let mut error = CorpusError { unreadable: Vec::new(), faulty: Vec::new(), other: Vec::new() };
    let manifest = match std::fs::read_to_string(folder.join(MANIFEST)) {
        Err(why) => {
            error.unreadable.push((folder.join(MANIFEST), why.to_string()));
            return Err(error);
        }
        Ok(text) => {
            let name = folder.join(MANIFEST).display().to_string();
            match read_manifest(Source { name, text }) {
                Ok(manifest) => manifest,
                Err(faulty) => {
                    error.faulty.push(faulty);
                    return Err(error);
                }
            }
        }
    };
    let mut files = Vec::new();
    for machine in &manifest.machines {
        let paths = match case_files(&folder.join(&machine.0)) {
            Ok(paths) if !paths.is_empty() => paths,
            Ok(_) => {
                error.other.push(format!(
                    "there is no case file for {} in {}",
                    machine.0,
                    folder.display()
                ));
                continue;
            }
            Err(why) => {
                error.unreadable.push((folder.join(&machine.0), why.to_string()));
                continue;
            }
        };
        for path in paths {
            match read_file(&path, machines) {
                Ok(file) if file.content.machine != *machine.0 => error.other.push(format!(
                    "{} holds cases for {}, and stands in the folder of {}",
                    path.display(),
                    file.content.machine,
                    machine.0
                )),
                Ok(file) => files.push(file),
                Err(of_file) => {
                    error.unreadable.extend(of_file.unreadable);
                    error.faulty.extend(of_file.faulty);
                }
            }
        }
    }
    duplicate_ids(&files, &mut error);
    if !error.is_empty() {
        return Err(error);
    }
    Ok(Corpus { name: manifest.name.0, version: manifest.version.0, files })
}

fn read_manifest(source: Source) -> Result<Manifest, Faulty> {
    let mut diagnostics = Diagnostics::default();
    let manifest = yaml::parse(&source, 0, &mut diagnostics).and_then(|root| {
        let root = shape::check(root, &schema(), &mut diagnostics).root?;
        match root.typed::<Manifest>() {
            Ok(manifest) => {
                if *manifest.bytestone != *HEADER {
                    let message = format!(
                        "this is `{}`; this version reads `{HEADER}`",
                        manifest.bytestone.0
                    );
                    diagnostics
                        .error(root.get("bytestone").map_or(root.span, |node| node.span), message);
                }
                Some(manifest)
            }
            Err(error) => {
                diagnostics.error(root.span, error.to_string());
                None
            }
        }
    });
    diagnostics.finish(vec![source.clone()])?;
    manifest.ok_or_else(|| Faulty::single(source, "the manifest was not read"))
}

/// The YAML files of a folder, sorted by name.
///
/// # Errors
///
/// The folder cannot be read.
pub fn case_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .take(FILES)
        .collect();
    paths.sort();
    Ok(paths)
}

/// An id names one case, whatever its file; an id of the past names one case too.
fn duplicate_ids(files: &[CorpusFile], error: &mut CorpusError) {
    let mut places: HashMap<&str, (&Path, usize)> = HashMap::new();
    for file in files {
        for case in &file.content.cases {
            let here = (file.path.as_path(), file.line(case));
            // Every row of a table carries the old ids of its case.
            let formerly = case.formerly.iter().filter(|_| !is_later_row(&case.id));
            for id in formerly.chain([&case.id]) {
                if let Some((path, line)) = places.insert(id, here) {
                    error.other.push(format!(
                        "{}:{}: the id {id} is also that of the case at {}:{line}",
                        here.0.display(),
                        here.1,
                        path.display()
                    ));
                }
            }
        }
    }
}

fn is_later_row(id: &str) -> bool {
    matches!(id.splitn(3, '/').nth(2), Some(row) if row != "1")
}

impl Corpus {
    /// The cases for a machine, in order.
    pub fn cases_of<'a>(&'a self, machine: &'a str) -> impl Iterator<Item = &'a Case> {
        let files = self.files.iter().filter(move |file| file.content.machine == machine);
        files.flat_map(|file| &file.content.cases)
    }
}
