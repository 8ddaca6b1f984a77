//! `cargo xtask adapters`: builds the adapters of eBPF runtimes, which are no part of the workspace, and holds them to the corpus.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::{CommandResult, root};

/// The folder of the adapters, seen from the root.
const FOLDER: &str = "conformance/vms";
/// Where they are built, seen from the root.
const TARGET: &str = "target/adapters";
/// Where libraries are, if `llvm-config` does not say.
const LIBRARIES: [&str; 4] =
    ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/lib/x86_64-linux-gnu"];
/// Native code that checks no address crashes often; each case of that is in a list.
const RESTARTS: &str = "500";

/// An adapter and the ways to run it: an argument, and its list of known failures.
struct Adapter {
    name: &'static str,
    modes: [(&'static str, &'static str); 2],
    /// Whether it is built with cmake and libclang.
    is_in_c: bool,
}

const ADAPTERS: [Adapter; 2] = [
    Adapter { name: "rbpf", modes: MODES, is_in_c: false },
    Adapter { name: "ubpf", modes: MODES, is_in_c: true },
];
const MODES: [(&str, &str); 2] =
    [("", "known-failures-corpus.yaml"), (" --jit", "known-failures-corpus-jit.yaml")];

/// What came of the adapters.
pub enum Outcome {
    /// Every one did what its list says; those that were not run are named with the reason.
    Passed(Vec<String>),
    /// One did not, or was not built.
    Failed(String),
}

/// Runs the command.
pub fn run() -> CommandResult {
    match check()? {
        Outcome::Passed(left) => {
            left.iter().for_each(|line| println!("not run: {line}"));
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Failed(what) => {
            eprintln!("error: {what}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Builds and runs every adapter that this machine has the tools for.
pub fn check() -> std::io::Result<Outcome> {
    let mut left = Vec::new();
    for adapter in &ADAPTERS {
        let name = adapter.name;
        if let Some(why) = adapter.hindrance()? {
            left.push(format!("adapter {name}: {why}"));
            continue;
        }
        let build = |command, what| {
            cargo(command).args(["--release", "--locked", what]).args(adapter.place()).status()
        };
        // What is no adapter, such as a fuzzer in one process, is only compiled.
        let has_examples = root().join(FOLDER).join(name).join("examples").is_dir();
        let builds = build("build", "--bins")?.success()
            && (!has_examples || build("check", "--examples")?.success());
        if !builds {
            return Ok(Outcome::Failed(format!("the adapter {name} does not build")));
        }
        for (argument, list) in adapter.modes {
            println!("{name}{argument}:");
            if !adapter.test(argument, list)? {
                return Ok(Outcome::Failed(format!(
                    "{name}{argument} does otherwise than {FOLDER}/{name}/{list} says"
                )));
            }
        }
    }
    Ok(Outcome::Passed(left))
}

impl Adapter {
    /// Why it cannot be built here, if that is so.
    fn hindrance(&self) -> std::io::Result<Option<String>> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Ok(Some("it is made for Linux on x86-64".to_owned()));
        }
        if self.is_in_c && !runs("cmake") {
            return Ok(Some("cmake is not there".to_owned()));
        }
        if self.is_in_c && !has_libclang() {
            return Ok(Some("libclang is not there".to_owned()));
        }
        let fetched = cargo("fetch")
            .args(["--quiet", "--locked", "--manifest-path"])
            .arg(self.manifest())
            .stderr(Stdio::null())
            .status()?;
        Ok((!fetched.success()).then(|| "its crates cannot be fetched".to_owned()))
    }

    fn manifest(&self) -> PathBuf {
        root().join(FOLDER).join(self.name).join("Cargo.toml")
    }

    /// What it is, and where it goes.
    fn place(&self) -> [PathBuf; 4] {
        let [manifest, target] = ["--manifest-path", "--target-dir"].map(PathBuf::from);
        [manifest, self.manifest(), target, root().join(TARGET)]
    }

    /// Whether it does what is expected, but for what its list names.
    fn test(&self, argument: &str, list: &str) -> std::io::Result<bool> {
        let name = self.name;
        let output = cargo("run")
            .args(["--quiet", "--locked", "--package", "bytestone", "--bin", "bytestone", "--"])
            .args(["test", "--machine", "ebpf", "--corpus", "conformance/corpus"])
            .args(["--max-restarts", RESTARTS])
            .args(["--vm", &format!("{TARGET}/release/bytestone-{name}{argument}")])
            .args(["--known-failures", &format!("{FOLDER}/{name}/{list}")])
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            println!("{}", text.lines().last().unwrap_or_default());
        } else {
            text.lines()
                .filter(|line| !line.starts_with("KNOWN "))
                .for_each(|line| println!("{line}"));
        }
        Ok(output.status.success())
    }
}

fn cargo(command: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.arg(command).current_dir(root());
    cargo
}

fn runs(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether there is a libclang in the places where bindgen looks.
fn has_libclang() -> bool {
    let said = Command::new("llvm-config").arg("--libdir").output();
    let mut folders: Vec<PathBuf> = LIBRARIES.map(PathBuf::from).to_vec();
    folders.extend(std::env::var_os("LIBCLANG_PATH").map(PathBuf::from));
    folders.extend(said.ok().map(|out| String::from_utf8_lossy(&out.stdout).trim().into()));
    folders.extend(entries(Path::new("/usr/lib"), "llvm").map(|folder| folder.join("lib")));
    folders.iter().any(|folder| entries(folder, "libclang").any(|file| is_shared_libclang(&file)))
}

fn is_shared_libclang(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.contains(".so") && (name.starts_with("libclang.") || name.starts_with("libclang-"))
}

/// What is in a folder under names that begin so.
fn entries(folder: &Path, begin: &str) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(move |entry| entry.file_name().to_string_lossy().starts_with(begin))
        .map(|entry| entry.path())
}
