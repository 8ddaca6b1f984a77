//! Machines by name: the built-in ones, and those of a user's spec files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytestone_spec::diagnostic::{Faulty, Source};
use bytestone_spec::limits::FILE_BYTES;
use bytestone_spec::load::Resolver;
use bytestone_spec::shape::similar;
use bytestone_spec::{Isa, builtin, load};

use crate::case::load::Machines;

/// The machines at hand.
#[derive(Debug, Default)]
pub struct Registry {
    machines: Vec<Isa>,
}

/// A machine could not be had.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// There is no built-in machine with this name, and no such file.
    #[error("there is no machine `{name}`{}: neither built in ({}) nor a spec file", did_you_mean(name, known.iter().copied()), known.join(", "))]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The built-in machines.
        known: Vec<&'static str>,
    },
    /// The spec file could not be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The spec file has faults.
    #[error(transparent)]
    Faulty(Box<Faulty>),
}

/// A question about the known name that was probably meant; nothing when none is near.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match similar(name, known) {
        Some(meant) => format!(", did you mean `{meant}`?"),
        None => String::new(),
    }
}

impl From<Faulty> for MachineError {
    fn from(faulty: Faulty) -> Self {
        Self::Faulty(Box::new(faulty))
    }
}

impl Registry {
    /// All built-in machines.
    ///
    /// # Errors
    ///
    /// The faults of a built-in spec; the project's tests see to it that there are none.
    pub fn built_in() -> Result<Self, MachineError> {
        let mut registry = Self::default();
        for name in builtin::names() {
            registry.add(open_machine(name)?);
        }
        Ok(registry)
    }

    /// Adds a machine; one with the same name is replaced.
    pub fn add(&mut self, isa: Isa) {
        self.machines.retain(|known| known.name() != isa.name());
        self.machines.push(isa);
    }

    /// All machines, in the order in which they were added.
    pub fn machines(&self) -> &[Isa] {
        &self.machines
    }
}

impl Machines for Registry {
    fn machine(&self, name: &str) -> Option<&Isa> {
        self.machines.iter().find(|isa| isa.name() == name)
    }

    fn names(&self) -> Vec<&str> {
        self.machines.iter().map(Isa::name).collect()
    }
}

/// Opens a machine: a built-in one by its name, or a spec file by its path.
///
/// What contains a path separator or ends in `.yaml` or `.yml` is a path.
///
/// # Errors
///
/// There is none, the file cannot be read, or it has faults.
pub fn open_machine(name: &str) -> Result<Isa, MachineError> {
    let path = Path::new(name);
    let is_path = path.components().count() > 1
        || path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    if !is_path {
        if let Some(loaded) = builtin::load_builtin(name) {
            return Ok(loaded?);
        }
        return Err(MachineError::Unknown { name: name.to_owned(), known: builtin::names() });
    }
    Ok(load(read_source(path)?, &Files)?)
}

/// Reads a YAML file as a source for diagnostics.
///
/// # Errors
///
/// The file cannot be read or is not UTF-8.
pub fn read_source(path: &Path) -> Result<Source, MachineError> {
    let text = read_text(path)
        .map_err(|error| MachineError::Unreadable { path: path.to_owned(), error })?;
    Ok(Source { name: path.display().to_string(), text })
}

/// Reads a YAML file. Of one that is larger than what is taken, only so much is read as shows that it is: it may have
/// no end.
///
/// # Errors
///
/// It cannot be read, or is not UTF-8.
pub fn read_text(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > FILE_BYTES {
        // The end may be within a character. Nothing is taken from such a text in any case.
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let wrong = |error| std::io::Error::new(std::io::ErrorKind::InvalidData, error);
    String::from_utf8(bytes).map_err(wrong)
}

/// Resolves `name@major` to a built-in spec and anything else to a file beside the one that extends it.
struct Files;

impl Resolver for Files {
    fn resolve(&self, reference: &str, from: &str) -> Result<Source, String> {
        if reference.contains('@') {
            return load::BuiltinOnly.resolve(reference, from);
        }
        let path = Path::new(from).parent().unwrap_or(Path::new("")).join(reference);
        read_source(&path).map_err(|error| error.to_string())
    }
}
