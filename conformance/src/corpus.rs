//! A corpus: a folder of case files under a manifest (`bytestone: corpus/1`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bytestone_spec::diagnostic::{Diagnostics, Faulty, Source, Style};
use bytestone_spec::shape::Text;
use include_dir::{Dir, include_dir};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::case::{Case, CaseFile, load};
use crate::header;
use crate::registry::read_text;

/// The header of corpus manifests.
pub const HEADER: &str = "corpus/1";
/// The name of the manifest in its folder.
pub const MANIFEST: &str = "corpus.yaml";
/// Folders that are proposed as those of machines.
const FOLDERS: usize = 20;
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
#[derive(Debug, Default, thiserror::Error)]
#[error("{}", self.render(Style::Plain).trim_end())]
pub struct CorpusError {
    /// Files and folders that could not be read.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Files with faults.
    pub faulty: Vec<Faulty>,
    /// Other things, in words: ids given twice, machines without cases.
    pub other: Vec<String>,
}

impl CorpusError {
    /// All of it for people, each fault behind `error:`, with a line end.
    pub fn render(&self, style: Style) -> String {
        let unreadable = self
            .unreadable
            .iter()
            .map(|(path, why)| format!("error: cannot read {}: {why}\n", path.display()));
        let faulty =
            self.faulty.iter().map(|faulty| format!("{}\n", faulty.render(style).trim_end()));
        let other = self.other.iter().map(|what| format!("error: {what}\n"));
        unreadable.chain(faulty).chain(other).collect()
    }

    fn is_empty(&self) -> bool {
        self.unreadable.is_empty() && self.faulty.is_empty() && self.other.is_empty()
    }
}

/// Where the files of a corpus come from.
enum Folder<'f> {
    Disk(&'f Path),
    /// The one that is compiled in.
    BuiltIn,
}

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/corpus");
/// What the paths of the built-in corpus begin with.
const BUILT_IN_NAME: &str = "corpus";

impl Folder<'_> {
    fn path(&self) -> &Path {
        match self {
            Self::Disk(path) => path,
            Self::BuiltIn => Path::new(BUILT_IN_NAME),
        }
    }

    /// The text of a file, by its path in the folder.
    fn read(&self, path: &Path) -> Result<String, String> {
        match self {
            Self::Disk(folder) => read_text(&folder.join(path)).map_err(|error| error.to_string()),
            Self::BuiltIn => {
                let text = BUILT_IN.get_file(path).and_then(|file| file.contents_utf8());
                text.map(str::to_owned).ok_or_else(|| "there is no such file".to_owned())
            }
        }
    }

    /// The manifest that a folder of case files lacks; nothing where there is no folder, or a manifest.
    fn manifest_hint(&self) -> String {
        let Self::Disk(path) = self else { return String::new() };
        if !path.is_dir() || path.join(MANIFEST).exists() {
            return String::new();
        }
        let entries = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
        let folders = entries.filter(|entry| entry.path().is_dir());
        let mut machines: Vec<String> =
            folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        machines.sort();
        machines.truncate(FOLDERS);
        if machines.is_empty() {
            machines.push("MACHINE".to_owned());
        }
        format!(
            "\n  a folder of cases is a corpus by its {MANIFEST}, in which these lines are enough:\n\n    \
             bytestone: {HEADER}\n    name: my-cases\n    version: 0.1.0\n    licence: CC0-1.0\n    \
             machines: [{}]\n\n  the case files of each machine lie in a folder of its name, as in {}",
            machines.join(", "),
            path.join(&machines[0]).display()
        )
    }

    /// The case files of a machine, by their paths in the folder.
    fn case_files(&self, machine: &str) -> Result<Vec<PathBuf>, String> {
        let folder = Path::new(machine);
        let mut paths: Vec<PathBuf> = match self {
            Self::Disk(path) => {
                let names = case_files(&path.join(folder)).map_err(|error| error.to_string())?;
                let inside = names.iter().filter_map(|path| path.file_name());
                inside.map(|name| folder.join(name)).collect()
            }
            Self::BuiltIn => {
                let files = BUILT_IN.get_dir(folder).ok_or("there is no such folder")?.files();
                files.map(|file| file.path().to_owned()).collect()
            }
        };
        paths.sort();
        Ok(paths)
    }
}

/// Reads a case file.
///
/// # Errors
///
/// The file cannot be read, or has faults.
pub fn read_file(path: &Path, machines: &dyn load::Machines) -> Result<CorpusFile, CorpusError> {
    let text = read_text(path).map_err(|error| error.to_string());
    case_file(path.to_owned(), text, machines)
}

fn case_file(
    path: PathBuf,
    text: Result<String, String>,
    machines: &dyn load::Machines,
) -> Result<CorpusFile, CorpusError> {
    let mut error = CorpusError::default();
    match text {
        Err(why) => error.unreadable.push((path, why)),
        Ok(text) => {
            let source = Source { name: path.display().to_string(), text };
            match load::load(source.clone(), machines) {
                Ok(content) => return Ok(CorpusFile { path, source, content }),
                Err(faulty) => error.faulty.push(faulty),
            }
        }
    }
    Err(error)
}

/// The corpus that comes with Bytestone.
///
/// # Errors
///
/// `machines` lacks a built-in machine.
pub fn built_in(machines: &dyn load::Machines) -> Result<Corpus, CorpusError> {
    read_folder(&Folder::BuiltIn, machines)
}

/// The files of the corpus that comes with Bytestone: their paths in its folder, and what they hold.
pub fn built_in_files() -> Vec<(&'static Path, &'static [u8])> {
    let mut files: Vec<_> = BUILT_IN
        .files()
        .chain(BUILT_IN.dirs().flat_map(|folder| folder.files()))
        .map(|file| (file.path(), file.contents()))
        .collect();
    files.sort_unstable();
    files
}

/// Reads the corpus in a folder.
///
/// # Errors
///
/// All faults of its manifest and files; nothing of a faulty corpus is run.
pub fn read(folder: &Path, machines: &dyn load::Machines) -> Result<Corpus, CorpusError> {
    read_folder(&Folder::Disk(folder), machines)
}

fn read_folder(folder: &Folder<'_>, machines: &dyn load::Machines) -> Result<Corpus, CorpusError> {
    let mut error = CorpusError::default();
    let manifest_path = folder.path().join(MANIFEST);
    let manifest = match folder.read(Path::new(MANIFEST)) {
        Err(why) => {
            error.unreadable.push((manifest_path, format!("{why}{}", folder.manifest_hint())));
            return Err(error);
        }
        Ok(text) => {
            match read_manifest(Source { name: manifest_path.display().to_string(), text }) {
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
        match folder.case_files(machine) {
            Ok(paths) if !paths.is_empty() => {
                for path in paths {
                    let file = case_file(folder.path().join(&path), folder.read(&path), machines);
                    add(file, machine, &mut files, &mut error);
                }
            }
            Ok(_) => error.other.push(format!(
                "there is no case file for {} in {}",
                machine.0,
                folder.path().display()
            )),
            Err(why) => error.unreadable.push((folder.path().join(&machine.0), why)),
        }
    }
    duplicate_ids(&files, &mut error);
    if !error.is_empty() {
        return Err(error);
    }
    Ok(Corpus { name: manifest.name.0, version: manifest.version.0, files })
}

/// Takes a file into a corpus if it is sound and stands in the folder of its machine.
fn add(
    file: Result<CorpusFile, CorpusError>,
    machine: &str,
    files: &mut Vec<CorpusFile>,
    error: &mut CorpusError,
) {
    match file {
        Ok(file) if file.content.machine != machine => error.other.push(format!(
            "{} holds cases for {}, and stands in the folder of {machine}",
            file.path.display(),
            file.content.machine,
        )),
        Ok(file) => files.push(file),
        Err(of_file) => {
            error.unreadable.extend(of_file.unreadable);
            error.faulty.extend(of_file.faulty);
        }
    }
}

/// Several corpora as one.
///
/// # Errors
///
/// An id is given in two of them.
pub fn join(corpora: Vec<Corpus>) -> Result<Corpus, CorpusError> {
    let names: Vec<&str> = corpora.iter().map(|corpus| corpus.name.as_str()).collect();
    let versions: Vec<&str> = corpora.iter().map(|corpus| corpus.version.as_str()).collect();
    let (name, version) = (names.join(" + "), versions.join(" + "));
    let files: Vec<CorpusFile> = corpora.into_iter().flat_map(|corpus| corpus.files).collect();
    let mut error = CorpusError::default();
    duplicate_ids(&files, &mut error);
    if error.is_empty() { Ok(Corpus { name, version, files }) } else { Err(error) }
}

fn read_manifest(source: Source) -> Result<Manifest, Faulty> {
    let mut diagnostics = Diagnostics::default();
    let manifest = header::read::<Manifest>(&source, HEADER, &schema(), &mut diagnostics);
    diagnostics.finish(vec![source.clone()])?;
    manifest
        .map(|(_, manifest)| manifest)
        .ok_or_else(|| Faulty::single(source, "the manifest was not read"))
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
    /// SHA-256 over all cases as they were read, in hexadecimal: what white space, comments and
    /// the order of files do not change.
    pub fn hash(&self) -> String {
        let mut cases: Vec<&Case> =
            self.files.iter().flat_map(|file| &file.content.cases).collect();
        cases.sort_unstable_by_key(|case| &case.id);
        let mut hasher = Sha256::new();
        for case in cases {
            hasher.update(format!(
                "{:?}\n",
                (
                    (&case.id, &case.asm, &case.bytecode, &case.source, &case.input, case.fuel),
                    (&case.expect, &case.requires, case.strength),
                )
            ));
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The cases for a machine, in order.
    pub fn cases_of<'a>(&'a self, machine: &'a str) -> impl Iterator<Item = &'a Case> {
        let files = self.files.iter().filter(move |file| file.content.machine == machine);
        files.flat_map(|file| &file.content.cases)
    }
}
