//! A compiler wrapper that instruments only the crates under test.
//!
//! cargo-fuzz instruments every crate, and libFuzzer looks at every counter after every input. Most of the
//! counters belong to crates that are done once the machines are loaded, and looking at those takes a small
//! target longer than its own work. `cargo xtask fuzz` therefore compiles through this wrapper, which takes
//! the coverage flags away from all other crates.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Names the crates under test, separated by commas; set when this program runs as a wrapper.
const VARIABLE: &str = "BYTESTONE_INSTRUMENT";

/// What makes cargo compile through this program.
pub fn environment(crates: &str) -> std::io::Result<[(&'static str, PathBuf); 2]> {
    Ok([("RUSTC_WRAPPER", std::env::current_exe()?), (VARIABLE, PathBuf::from(crates))])
}

/// Runs the compiler if this program was called as a wrapper: with the compiler and its arguments.
pub fn run_as_wrapper() -> Option<ExitCode> {
    let crates = std::env::var(VARIABLE).ok()?;
    let mut words = std::env::args_os().skip(1);
    let compiler = words.next()?;
    let arguments: Vec<OsString> = words.collect();
    let name =
        arguments.windows(2).find(|pair| pair[0] == "--crate-name").map(|pair| pair[1].as_os_str());
    let under_test = name.is_some_and(|name| crates.split(',').any(|known| name == known));
    let kept = arguments.iter().filter(|argument| under_test || !is_coverage_flag(argument));
    match Command::new(&compiler).args(kept).status() {
        Ok(status) => Some(ExitCode::from(status.code().map_or(1, |code| code as u8))),
        Err(error) => {
            eprintln!("error: {}: {error}", compiler.display());
            Some(ExitCode::FAILURE)
        }
    }
}

fn is_coverage_flag(argument: &OsStr) -> bool {
    let text = argument.to_string_lossy();
    text.contains("sancov-module") || text.contains("-sanitizer-coverage-")
}
