//! `bytestone new-engine`: the skeleton of an engine in one of several languages.

use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use bytestone::project;
use bytestone::registry::open_machine;
use bytestone_spec::builtin;
use clap::{Args, ValueEnum};

use super::output::{self, Failure};
use super::setting::Setting;

/// Arguments of `bytestone new-engine`.
#[derive(Debug, Args)]
pub struct NewEngine {
    /// The language that it is written in
    #[arg(long, value_enum)]
    lang: Language,
    /// The machine that it runs: a built-in name or a spec file
    #[arg(long, value_name = "MACHINE", default_value = "calculator")]
    machine: String,
    /// The name that it gives itself
    #[arg(long, value_name = "NAME", default_value = "my-vm", value_parser = parse_name)]
    name: String,
    /// Where the files go
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
}

/// Languages that there is a skeleton in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    /// C11, over one header
    C,
    /// Python 3.9 or newer
    Python,
    /// Node 18 or newer
    Js,
    /// Go, standard library only
    Go,
    /// Java 17 or newer
    Java,
    /// Rust, standard library only
    Rust,
}

/// What a skeleton consists of.
struct Skeleton {
    /// Names and texts of the files.
    files: &'static [(&'static str, &'static str)],
    build: Option<&'static str>,
    run: &'static str,
}

macro_rules! file {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path))
    };
}

impl Language {
    const fn skeleton(self) -> Skeleton {
        match self {
            Self::C => Skeleton {
                files: &[
                    ("engine.c", file!("templates/engine/c/engine.c")),
                    ("bytestone.h", file!("vms/c/bytestone.h")),
                ],
                build: Some("cc -std=c11 -O2 -o engine engine.c"),
                run: "./engine",
            },
            Self::Python => Skeleton {
                files: &[
                    ("engine.py", file!("templates/engine/python/engine.py")),
                    ("bytestone.py", file!("vms/python/bytestone.py")),
                ],
                build: None,
                run: "python3 engine.py",
            },
            Self::Js => Skeleton {
                files: &[
                    ("engine.js", file!("templates/engine/js/engine.js")),
                    ("bytestone.js", file!("vms/js/bytestone.js")),
                ],
                build: None,
                run: "node engine.js",
            },
            Self::Go => Skeleton {
                files: &[("engine.go", file!("templates/engine/go/engine.go"))],
                build: Some("go build engine.go"),
                run: "./engine",
            },
            Self::Java => Skeleton {
                files: &[("Engine.java", file!("templates/engine/java/Engine.java"))],
                build: Some("javac Engine.java"),
                run: "java Engine",
            },
            Self::Rust => Skeleton {
                files: &[("engine.rs", file!("templates/engine/rust/engine.rs"))],
                build: Some("rustc --edition 2021 -O engine.rs"),
                run: "./engine",
            },
        }
    }
}

/// Names go into string literals of all these languages.
fn parse_name(name: &str) -> Result<String, String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_. ".contains(char);
    if name.is_empty() || !name.chars().all(plain) {
        return Err("expected letters, digits, `-`, `_`, `.` and spaces".to_owned());
    }
    Ok(name.to_owned())
}

impl NewEngine {
    /// Runs the command. A file that is there already is never written over.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let isa = open_machine(&self.machine)?;
        let machine = format!("{}@{}", isa.name(), isa.version().major);
        let skeleton = self.lang.skeleton();
        let paths = skeleton.files.iter().map(|(name, text)| (self.folder.join(name), text));
        let paths: Vec<_> = paths.collect();
        if let Some((path, _)) = paths.iter().find(|(path, _)| path.exists()) {
            let message = format!("{} is there already, and is left as it is", path.display());
            return Err(Failure::Environment(message));
        }
        std::fs::create_dir_all(&self.folder)
            .map_err(|error| Failure::file(&self.folder, &error))?;
        for (path, text) in &paths {
            let text = text.replace("@NAME@", &self.name).replace("@MACHINE@", &machine);
            std::fs::write(path, text).map_err(|error| Failure::file(path, &error))?;
        }
        let written: Vec<String> =
            paths.iter().map(|(path, _)| path.display().to_string()).collect();
        output::write(self.what_next(&skeleton, isa.name(), &written).as_bytes(), None)?;
        Ok(ExitCode::SUCCESS)
    }

    fn what_next(&self, skeleton: &Skeleton, isa: &str, written: &[String]) -> String {
        let mut text = format!("wrote {}\n\n", written.join(" and "));
        if self.folder != Path::new(".") {
            let folder = self.folder.display().to_string();
            text.push_str(&format!("go there:     {}\n", shell_words::join(["cd", &folder])));
        }
        if let Some(build) = skeleton.build {
            text.push_str(&format!("build it:     {build}\n"));
        }
        let mut doctor: Vec<String> =
            ["bytestone", "doctor", "--vm", skeleton.run, "--machine", isa]
                .map(str::to_owned)
                .to_vec();
        if !builtin::names().contains(&self.machine.as_str()) {
            doctor.extend(["--spec".to_owned(), self.there(Path::new(&self.machine))]);
            if let Some(corpus) = corpus_here() {
                doctor.extend(["--corpus".to_owned(), self.there(&corpus)]);
            }
        }
        let doctor = shell_words::join(doctor);
        text.push_str(&format!("run it:       {}\n", skeleton.run));
        text.push_str(&format!("look it over: {doctor}\n"));
        text
    }

    /// A path of this folder as it is written in the folder of the engine.
    fn there(&self, path: &Path) -> String {
        let is_plain = |part: &Component<'_>| matches!(part, Component::Normal(_));
        let parts: Vec<_> =
            self.folder.components().filter(|part| *part != Component::CurDir).collect();
        let way = if path.is_absolute() {
            path.to_owned()
        } else if parts.iter().all(is_plain) {
            let mut back: PathBuf = parts.iter().map(|_| "..").collect();
            back.extend(path.components().filter(|part| *part != Component::CurDir));
            back
        } else {
            std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
        };
        way.display().to_string()
    }
}

/// The first folder of cases of the project that is here.
fn corpus_here() -> Option<PathBuf> {
    let project = Setting::of_project(Path::new(project::NAME)).ok()?;
    project.corpora.into_iter().flatten().next()
}
