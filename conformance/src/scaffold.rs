//! A new project: a spec, cases and the files around them, from the template that is compiled in.

use std::path::{Path, PathBuf};

use bytestone_spec::diagnostic::Source;
use bytestone_spec::{builtin, load};
use include_dir::{Dir, include_dir};

static TEMPLATE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/project");

/// What the machine of the template is called, in texts and in paths.
const PLACEHOLDER: &str = "template-machine";
/// What stands for the version of Bytestone.
const VERSION: &str = "BYTESTONE_VERSION";

/// The files of a new project for a machine: paths, and what they hold.
///
/// ```
/// let files = bytestone::scaffold::files("abacus").unwrap();
/// assert!(files.iter().any(|(path, _)| path.ends_with("spec/abacus.yaml")));
/// assert!(bytestone::scaffold::files("Abacus").is_err());
/// ```
///
/// # Errors
///
/// What is wrong with the name, in words.
pub fn files(name: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
    if builtin::names().contains(&name) {
        return Err(format!("there is a built-in machine `{name}`; take another name"));
    }
    let mut files = Vec::new();
    collect(&TEMPLATE, name, &mut files);
    files.sort();
    // The loader knows what a name may be, so it is asked.
    let path = Path::new("spec").join(format!("{name}.yaml"));
    let spec = files.iter().find(|(known, _)| *known == path);
    let text = spec.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
    let source = Source { name: name.to_owned(), text: text.unwrap_or_default() };
    match load(source, &load::BuiltinOnly) {
        Ok(isa) if isa.name() == name => Ok(files),
        Ok(isa) => Err(format!("`{name}` is no name: it reads as `{}`", isa.name())),
        Err(faulty) => {
            let why = faulty.diagnostics.first().map(|fault| fault.message.clone());
            Err(format!("`{name}` is no name: {}", why.unwrap_or_default()))
        }
    }
}

fn collect(folder: &Dir<'_>, name: &str, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for file in folder.files() {
        let path = file.path().to_string_lossy().replace(PLACEHOLDER, name);
        let text = String::from_utf8_lossy(file.contents());
        let text = text.replace(PLACEHOLDER, name).replace(VERSION, env!("CARGO_PKG_VERSION"));
        files.push((PathBuf::from(path), text.into_bytes()));
    }
    for folder in folder.dirs() {
        collect(folder, name, files);
    }
}
