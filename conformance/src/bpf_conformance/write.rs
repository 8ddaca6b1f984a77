//! Cases as test files.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use bytestone_vm::Value;

use super::{EXTENSION, Found, Target};
use crate::case::wanted::Wanted;
use crate::case::{Case, Expect, ExpectedOutcome, ExpectedRun, Place};
use crate::corpus::Corpus;
use crate::execute::hex;
use crate::suite;

/// Bytes of memory on a line.
const LINE: usize = 16;

/// What came of a corpus.
#[derive(Debug, Default)]
pub struct Written {
    /// The files: paths, and what they hold.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// Cases that such a file cannot express, and why.
    pub left: Vec<(String, String)>,
}

/// The cases for a machine as test files.
pub fn write(corpus: &Corpus, target: &Target<'_>) -> Written {
    let mut written = Written::default();
    for case in corpus.cases_of(target.isa.name()) {
        match file(case, target) {
            Ok(text) => written.files.push((path(case), text.into_bytes())),
            Err(why) => written.left.push((case.id.clone(), why)),
        }
    }
    written
}

/// The rows of a table lie in a folder of the table's name.
fn path(case: &Case) -> PathBuf {
    let name = case.id.split_once('/').map_or(case.id.as_str(), |(_, name)| name);
    Path::new(name).with_extension(EXTENSION)
}

fn file(case: &Case, target: &Target<'_>) -> Result<String, String> {
    let Expect::Runs(run) = &case.expect else {
        return Err("the program is rejected".to_owned());
    };
    let result = result(run, target)?;
    if suite::subject(target.isa, &target.codec, case)?.calls_host() {
        return Err("the program calls the host".to_owned());
    }
    let code = suite::code(&target.codec, case)?;
    if code.is_empty() || !code.len().is_multiple_of(size_of::<u64>()) {
        return Err("the program does not consist of 64-bit words".to_owned());
    }
    let mut text = format!("# {}\n", case.id);
    for line in case.about.iter().flat_map(|about| about.lines()) {
        let _ = writeln!(text, "# {line}");
    }
    text.push_str("-- raw\n");
    for word in code.chunks_exact(size_of::<u64>()) {
        let word = word.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let _ = writeln!(text, "{word:#018x}");
    }
    memory(case, target, &mut text)?;
    let _ = writeln!(text, "-- result\n{result:#x}");
    Ok(text)
}

/// The bytes that the program is given.
fn memory(case: &Case, target: &Target<'_>, text: &mut String) -> Result<(), String> {
    match case.input.as_slice() {
        [] => {}
        [cell] if target.input().is_some_and(|region| region.name == cell.bank) => {
            let Value::Bytes(bytes) = &cell.value else {
                return Err("what memory holds is no row of bytes".to_owned());
            };
            text.push_str("-- mem\n");
            for line in bytes.chunks(LINE) {
                let _ = writeln!(text, "{}", hex(line).to_lowercase());
            }
        }
        _ => return Err("cells are set before the first step".to_owned()),
    }
    Ok(())
}

/// The one number that a program must come to.
fn result(run: &ExpectedRun, target: &Target<'_>) -> Result<u64, String> {
    if run.outcome != ExpectedOutcome::Halt {
        return Err("the program does not halt".to_owned());
    }
    let found = match target.result {
        Found::Output(_) => match run.output.as_deref() {
            Some([one]) => Some(one),
            Some(_) => return Err("the program does not print one value".to_owned()),
            None => None,
        },
        Found::Cell(bank, index, _) => {
            let place = Place::Cell { bank, index };
            run.cells.iter().find(|cell| cell.place == place).map(|cell| &cell.value)
        }
    };
    match found {
        Some(Wanted::Exact(Value::Int(value))) => Ok(*value as u64),
        Some(_) => Err("the result is not one number".to_owned()),
        None => Err("the case does not say what the result is".to_owned()),
    }
}
