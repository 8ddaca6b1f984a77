//! Plugins of the bpf_conformance project as engines.
//!
//! A plugin reads the program in hexadecimal from standard input and the bytes of its memory from its first argument, and
//! prints the result in hexadecimal. It ends with another exit code than 0 if the program is rejected or goes wrong, and does not
//! say which.

use indexmap::IndexMap;
use regex::Regex;

use super::Phases;
use super::oneshot::{MEMORY, Meaning, OneShot, ProgramForm, Radix};

/// The machine that plugins run, if nobody says otherwise.
pub const MACHINE: &str = "ebpf@1";
/// A line that is a number.
const RESULT: &str = r"^\s*(?:0[xX])?([0-9a-fA-F]+)\s*$";

/// A plugin: the words of its command, without the memory. Its own options follow.
///
/// # Errors
///
/// There are no words.
pub fn plugin(words: &[String]) -> Result<OneShot, String> {
    let mut command = words.to_vec();
    // Where the plugin itself is run by another program, the place of its first argument is said.
    if !command.iter().any(|word| word.contains(MEMORY)) {
        let after = command.len().min(1);
        command.insert(after, MEMORY.to_owned());
    }
    if words.is_empty() {
        return Err("expected the command of a plugin".to_owned());
    }
    Ok(OneShot {
        command,
        version: String::new(),
        machine: MACHINE.to_owned(),
        program: ProgramForm::Input,
        phases: Phases::default(),
        output: Some(Regex::new(RESULT).map_err(|error| error.to_string())?),
        radix: Radix::Hexadecimal,
        exit: IndexMap::from([(0, Meaning::Halt)]),
        other_exit: Some(Meaning::Trap(None)),
        stderr: Vec::new(),
    })
}
