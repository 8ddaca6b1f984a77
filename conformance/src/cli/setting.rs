//! What is tested, put together from a project file and from arguments.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytestone::engine::Level;
use bytestone::project::{EngineSetup, NAME, Project};
use bytestone::registry::read_source;

use super::output::Failure;

/// What is tested, and how.
#[derive(Debug)]
pub struct Setting {
    /// The project file, if there is one.
    pub project: Option<PathBuf>,
    /// Spec files of machines that are not built in.
    pub specs: Vec<PathBuf>,
    /// Folders of corpora; `None` is the built-in one.
    pub corpora: Vec<Option<PathBuf>>,
    /// Only these machines; all when empty.
    pub machines: Vec<String>,
    /// The engines; the tools themselves when empty.
    pub engines: Vec<EngineSetup>,
    /// The level that every engine must reach.
    pub level: Option<Level>,
    /// The least number of cases that must be run to a result.
    pub min_cases: usize,
    /// Time for one answer.
    pub timeout: Option<Duration>,
    /// The file of known failures.
    pub known_failures: Option<PathBuf>,
    /// The names of all engines of the project, run or not.
    pub known_engines: Vec<String>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            project: None,
            specs: Vec::new(),
            corpora: vec![None],
            machines: Vec::new(),
            engines: Vec::new(),
            level: None,
            min_cases: 0,
            timeout: None,
            known_failures: None,
            known_engines: Vec::new(),
        }
    }
}

impl Setting {
    /// What a project file says.
    ///
    /// # Errors
    ///
    /// It cannot be read, or has faults.
    pub fn of_project(path: &Path) -> Result<Self, Failure> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let project = Project::parse(read_source(path)?, folder)
            .map_err(|faulty| Failure::Faulty(Box::new(faulty)))?;
        Ok(Self {
            project: Some(path.to_owned()),
            specs: project.specs,
            corpora: project.corpora,
            machines: project.machines,
            known_engines: project.engines.iter().map(|engine| engine.name.clone()).collect(),
            engines: project.engines,
            level: project.level,
            min_cases: project.min_cases,
            timeout: project.timeout,
            known_failures: project.known_failures,
        })
    }

    /// Keeps the engines with some names.
    ///
    /// # Errors
    ///
    /// There is none with one of the names.
    pub fn choose(&mut self, names: &[String]) -> Result<(), Failure> {
        for name in names {
            if !self.engines.iter().any(|engine| engine.name == *name) {
                let known: Vec<&str> =
                    self.engines.iter().map(|engine| engine.name.as_str()).collect();
                return Err(Failure::Environment(format!(
                    "the project has no engine `{name}`; it has: {}",
                    known.join(", ")
                )));
            }
        }
        self.engines.retain(|engine| names.contains(&engine.name));
        Ok(())
    }

    /// The files and folders that a result depends on.
    pub fn paths(&self) -> Vec<PathBuf> {
        let words = self.engines.iter().flat_map(|engine| {
            shell_words::split(&engine.command).unwrap_or_default().into_iter().map(PathBuf::from)
        });
        let mut paths: Vec<PathBuf> = self
            .project
            .iter()
            .chain(&self.specs)
            .chain(self.corpora.iter().flatten())
            .chain(&self.known_failures)
            .cloned()
            .chain(words)
            .filter(|path| path.exists())
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

/// The project file of a folder above, by the way there.
pub fn project_above() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let mut way = PathBuf::new();
    for folder in here.ancestors().skip(1) {
        way.push("..");
        if folder.join(NAME).is_file() {
            return Some(way.join(NAME));
        }
    }
    None
}
