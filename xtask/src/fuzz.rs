//! `cargo xtask fuzz` and `cargo xtask fuzz-seeds`.

use std::path::Path;
use std::process::{Command, ExitCode};

use bytestone::corpus::{self, Corpus};
use bytestone::registry::Registry;
use bytestone::rounds::{Target, machine_byte};
use bytestone_spec::builtin;
use clap::{Args, ValueEnum};

use crate::{CommandResult, instrument, root};

/// Arguments of `cargo xtask fuzz`.
#[derive(Debug, Args)]
pub struct Fuzz {
    /// Seconds for each target
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Only this target; may be given several times
    #[arg(long, value_parser = target)]
    target: Vec<Target>,
    /// How the targets are compiled
    #[arg(long, value_enum, default_value_t = Sanitizer::None)]
    sanitizer: Sanitizer,
}

/// Sanitizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sanitizer {
    /// None: fast
    None,
    /// Memory errors, which safe code cannot have
    Address,
}

fn target(name: &str) -> Result<Target, String> {
    Target::ALL.into_iter().find(|target| target.name() == name).ok_or_else(|| {
        let known: Vec<&str> = Target::ALL.iter().map(|target| target.name()).collect();
        format!("the targets are: {}", known.join(", "))
    })
}

impl Fuzz {
    /// Runs the command.
    pub fn run(&self) -> CommandResult {
        write_seeds()?;
        let targets =
            if self.target.is_empty() { Target::ALL.to_vec() } else { self.target.clone() };
        let mut lines = Vec::new();
        let mut sound = true;
        for target in targets {
            println!("fuzzing {} for {} s", target.name(), self.seconds);
            let (ok, log) = self.fuzz(target)?;
            if !ok {
                sound = false;
                eprintln!("{log}");
                eprintln!("error: the target `{}` failed", target.name());
            }
            lines.push(summary(target, &log));
        }
        println!(
            "\n{:10} {:>12} {:>12} {:>10} {:>10}",
            "target", "executions", "per second", "accepted", "clean"
        );
        for line in lines {
            println!("{line}");
        }
        Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Runs a target; whether it found nothing, and what it printed.
    fn fuzz(&self, target: Target) -> Result<(bool, String), Box<dyn std::error::Error>> {
        let sanitizer = match self.sanitizer {
            Sanitizer::None => "none",
            Sanitizer::Address => "address",
        };
        let Setup { crates, folder, max_len } = Setup::of(target);
        let output = Command::new("cargo")
            .envs(instrument::environment(crates)?)
            .args(["fuzz", "run", "--release", "--no-trace-compares", "--sanitizer", sanitizer])
            .args(["--target-dir", folder, target.name(), "--"])
            .arg(format!("-max_total_time={}", self.seconds))
            .arg(format!("-max_len={max_len}"))
            // How often a program loops makes inputs look new that are not: without counts all targets reach more
            // code in the same time.
            .args(["-use_counters=0", "-print_final_stats=1", "-verbosity=0"])
            .current_dir(root())
            .output()
            .map_err(|error| {
                format!("cargo fuzz: {error}; install it with `cargo install cargo-fuzz`")
            })?;
        Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

/// How a target is compiled and fed.
struct Setup {
    /// The crates whose coverage guides it.
    crates: &'static str,
    /// Where what is compiled so goes.
    folder: &'static str,
    /// Bytes of an input: machines have few instructions, and short programs meet all of them.
    max_len: u32,
}

impl Setup {
    fn of(target: Target) -> Self {
        match target {
            Target::Spec => {
                Self { crates: "bytestone_spec,spec", folder: "target/fuzz-spec", max_len: 16_384 }
            }
            Target::Compiler => {
                Self { crates: "bytestone_lang,compiler", folder: "target/fuzz-lang", max_len: 128 }
            }
            Target::Decoder | Target::Verifier | Target::Assembler | Target::Run => Self {
                crates: "bytestone_vm,decoder,verifier,assembler,run",
                folder: "target/fuzz-vm",
                max_len: 128,
            },
        }
    }
}

/// A line of the table, from what libFuzzer and the tally printed.
fn summary(target: Target, log: &str) -> String {
    let stat = |name: &str| -> Option<f64> {
        log.lines().rev().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    let prefix = format!("{}: rounds ", target.name());
    let tally = log.lines().rev().find_map(|line| {
        let numbers: Vec<f64> =
            line.strip_prefix(&prefix)?.split(' ').filter_map(|word| word.parse().ok()).collect();
        <[f64; 3]>::try_from(numbers).ok()
    });
    let count =
        |value: Option<f64>| value.map_or_else(|| "?".to_owned(), |value| format!("{value:.0}"));
    let share = |part: Option<f64>, whole: Option<f64>| match (part, whole) {
        (Some(part), Some(whole)) if whole > 0.0 => format!("{:.1} %", 100.0 * part / whole),
        _ => "?".to_owned(),
    };
    format!(
        "{:10} {:>12} {:>12} {:>10} {:>10}",
        target.name(),
        count(stat("stat::number_of_executed_units:")),
        count(stat("stat::average_exec_per_sec:")),
        share(tally.map(|tally| tally[1]), tally.map(|tally| tally[0])),
        share(tally.map(|tally| tally[2]), tally.map(|tally| tally[0])),
    )
}

/// Writes seeds from the case files and specs to `fuzz/corpus`. Inputs of the target `compiler` are entropy alone, of which
/// that of a program is no better than any other.
pub fn write_seeds() -> CommandResult {
    let machines = Registry::built_in()?;
    let corpus = corpus::read(&root().join("conformance/corpus"), &machines)?;
    let folder = root().join("fuzz/corpus");
    let mut written = program_seeds(&corpus, &folder)?;
    for name in builtin::names() {
        if let Some(source) = builtin::source(name) {
            written += write_seed(&folder, Target::Spec, name, source.text.as_bytes())?;
        }
    }
    println!("wrote {written} seeds to fuzz/corpus");
    Ok(ExitCode::SUCCESS)
}

fn program_seeds(corpus: &Corpus, folder: &Path) -> std::io::Result<usize> {
    let mut written = 0;
    for file in &corpus.files {
        let Some(machine) = machine_byte(&file.content.machine) else { continue };
        for case in &file.content.cases {
            let name = case.id.replace('/', "-");
            if let Some(code) = &case.bytecode {
                written += write_seed(
                    folder,
                    Target::Decoder,
                    &name,
                    &[&[machine], code.as_slice()].concat(),
                )?;
                // 1 asks the verifier's target and the assembler's for these very bytes.
                let exact = [&[machine, 1], code.as_slice()].concat();
                written += write_seed(folder, Target::Verifier, &name, &exact)?;
                written += write_seed(folder, Target::Assembler, &name, &exact)?;
                // There they are entropy.
                written += write_seed(
                    folder,
                    Target::Run,
                    &name,
                    &[&[machine], code.as_slice()].concat(),
                )?;
            }
            if let Some(text) = &case.asm {
                let seed = [&[machine, 0], text.as_bytes()].concat();
                written += write_seed(folder, Target::Assembler, &format!("{name}-text"), &seed)?;
            }
        }
    }
    Ok(written)
}

fn write_seed(folder: &Path, target: Target, name: &str, seed: &[u8]) -> std::io::Result<usize> {
    let folder = folder.join(target.name());
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(name), seed)?;
    Ok(1)
}
