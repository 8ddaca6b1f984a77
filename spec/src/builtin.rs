//! The instruction sets that come with Bytestone: the files in `spec/isa`.

use include_dir::{Dir, include_dir};

use crate::diagnostic::{Faulty, Source};
use crate::isa::Isa;
use crate::load::{BuiltinOnly, load};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/isa");

/// The names of the built-in machines, sorted.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = FILES
        .files()
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "yaml"))
        .filter_map(|file| file.path().file_stem()?.to_str())
        .collect();
    names.sort_unstable();
    names
}

/// The spec file of a built-in machine.
pub fn source(name: &str) -> Option<Source> {
    let file = FILES.get_file(format!("{name}.yaml"))?;
    Some(Source { name: format!("{name}.yaml"), text: file.contents_utf8()?.to_owned() })
}

/// Loads a built-in machine; `None` if there is none with this name.
///
/// # Errors
///
/// The faults of the file; the project's tests see to it that there are none.
///
/// ```
/// let isa = bytestone_spec::builtin::load_builtin("calculator").unwrap().unwrap();
/// assert_eq!(isa.instructions().len(), 10);
/// ```
pub fn load_builtin(name: &str) -> Option<Result<Isa, Faulty>> {
    source(name).map(|source| load(source, &BuiltinOnly))
}

/// The source of `name@major`.
pub(crate) fn resolve(reference: &str) -> Result<Source, String> {
    let known = || format!("the built-in specs are: {}", names().join(", "));
    let Some((name, _)) = reference.split_once('@') else {
        return Err(format!("`{reference}` is not of the form `name@major`; {}", known()));
    };
    source(name).ok_or_else(|| format!("there is no built-in spec `{name}`; {}", known()))
}
