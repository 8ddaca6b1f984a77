//! Test files of the bpf_conformance project (`*.data`): read as cases for a machine, and written.
//!
//! A file is a program with the bytes that it is given and the number that it must come to. What the machine is, and
//! where the number is found at the end, is not said in the file: that is a [`Target`].

use std::path::{Path, PathBuf};
use std::str::FromStr;

use bytestone_spec::Isa;
use bytestone_spec::diagnostic::{Diagnostics, Faulty, Source, Span};
use bytestone_spec::isa::{BankId, CellType, Region};
use bytestone_vm::Value;
use bytestone_vm::codec::Codec;

use crate::case::load::DEFAULT_FUEL;
use crate::case::wanted::Wanted;
use crate::case::{
    Case, CaseFile, CellWanted, Expect, ExpectedOutcome, ExpectedRun, Place, Strength,
};
use crate::corpus::{Corpus, CorpusFile};
use crate::engine::NamedCell;

pub mod cases;
pub mod data;
pub mod write;

use data::{Data, Language};

/// What test files end with.
pub const EXTENSION: &str = "data";
/// The name of a corpus of test files.
pub const NAME: &str = "bpf_conformance";
/// Files of a folder and those inside it.
const FILES: usize = 10_000;
/// Folders that lie within each other.
const DEEPEST: usize = 16;
/// Bytes of a file.
const LONGEST: u64 = 1 << 20;

/// Where the result of a program is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultPlace {
    /// It is all that is printed.
    Output,
    /// It is in a cell at the end.
    Cell {
        /// The bank.
        bank: String,
        /// The index in the bank.
        index: u32,
    },
}

impl FromStr for ResultPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let cell = |(bank, index): (&str, &str)| {
            Some(Self::Cell { bank: bank.to_owned(), index: index.parse().ok()? })
        };
        match text {
            "output" => Ok(Self::Output),
            _ => text
                .split_once(':')
                .and_then(cell)
                .ok_or_else(|| "expected `output`, or a cell as in `reg:0`".to_owned()),
        }
    }
}

/// What test files are for.
#[derive(Debug)]
pub struct Target<'a> {
    isa: &'a Isa,
    codec: Codec<'a>,
    result: Found,
    label: String,
}

/// Where the result is found, as the machine knows it.
#[derive(Clone, Copy, Debug)]
enum Found {
    Output(CellType),
    Cell(BankId, u32, CellType),
}

impl<'a> Target<'a> {
    /// A machine, where the result is found on it, and the statement that is a label ([`Language::label`]).
    ///
    /// # Errors
    ///
    /// The machine has no such place, in words.
    pub fn new(isa: &'a Isa, result: &ResultPlace, label: &str) -> Result<Self, String> {
        let machine = isa.machine();
        let result = match result {
            ResultPlace::Output => machine.output.map(Found::Output),
            ResultPlace::Cell { bank, index } => isa.find_bank(bank).and_then(|id| {
                let bank = &machine.banks[usize::from(id.0)];
                (*index < bank.count).then_some(Found::Cell(id, *index, bank.of))
            }),
        };
        let result = result.ok_or_else(|| format!("{} has no such result", isa.name()))?;
        Ok(Self { isa, codec: Codec::new(isa), result, label: label.to_owned() })
    }

    /// The machine.
    pub fn isa(&self) -> &'a Isa {
        self.isa
    }

    /// The region of memory that is the input, if there is one.
    fn input(&self) -> Option<&'a Region> {
        self.isa.machine().memory.iter().find(|region| region.input)
    }

    /// The value that 64 bits are on this machine.
    fn value(&self, bits: u64) -> Value {
        let (Found::Output(of) | Found::Cell(_, _, of)) = self.result;
        match of {
            CellType::Int(ty) => Value::Int(ty.value(ty.wrap(bits))),
            CellType::Value => Value::Int(bits.into()),
        }
    }

    /// What must come of a program with a result.
    fn expect(&self, bits: u64) -> Expect {
        let value = Wanted::Exact(self.value(bits));
        let mut run = ExpectedRun {
            outcome: ExpectedOutcome::Halt,
            output: None,
            host: None,
            stack: None,
            cells: Vec::new(),
            trace: None,
            max_stack: None,
        };
        match self.result {
            Found::Output(_) => run.output = Some(vec![value]),
            Found::Cell(bank, index, _) => {
                run.cells.push(CellWanted { place: Place::Cell { bank, index }, value });
            }
        }
        Expect::Runs(Box::new(run))
    }
}

/// What came of a folder of test files.
#[derive(Debug)]
pub struct Imported {
    /// The cases, each in its file.
    pub corpus: Corpus,
    /// Files with faults.
    pub faulty: Vec<Faulty>,
    /// Files and folders that could not be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

impl Imported {
    /// How many files did not become cases.
    pub fn not_read(&self) -> usize {
        self.faulty.len() + self.unreadable.len()
    }
}

/// Reads the test files of a folder and of those inside it.
pub fn read(folder: &Path, target: &Target<'_>) -> Imported {
    let mut unreadable = Vec::new();
    let mut paths = Vec::new();
    list(folder, 0, &mut paths, &mut unreadable);
    paths.sort();
    let mut faulty = Vec::new();
    let mut files: Vec<CorpusFile> = Vec::new();
    for path in paths {
        let text = match text(&path) {
            Ok(text) => text,
            Err(why) => {
                unreadable.push((path, why));
                continue;
            }
        };
        let source = Source { name: path.display().to_string(), text };
        let name = name_of(path.strip_prefix(folder).unwrap_or(&path));
        let id = format!("{}/{name}", target.isa.name());
        let twin = files.iter().find(|file| file.content.cases[0].id == id);
        if let Some(twin) = twin {
            let message = format!("its case is `{id}`, as that of {}", twin.path.display());
            faulty.push(Faulty::single(source, message));
            continue;
        }
        match file(path, source, id, target) {
            Ok(file) => files.push(file),
            Err(fault) => faulty.push(fault),
        }
    }
    let corpus = Corpus { name: NAME.to_owned(), version: String::new(), files };
    Imported { corpus, faulty, unreadable }
}

/// The test files of a folder and of those inside it.
fn list(
    folder: &Path,
    depth: usize,
    paths: &mut Vec<PathBuf>,
    unreadable: &mut Vec<(PathBuf, String)>,
) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return unreadable.push((folder.to_owned(), error.to_string())),
    };
    let mut inside: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).take(FILES).collect();
    inside.sort();
    for path in inside {
        if path.is_dir() && depth == DEEPEST {
            unreadable.push((path, format!("more than {DEEPEST} folders within each other")));
        } else if path.is_dir() {
            list(&path, depth + 1, paths, unreadable);
        } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
            if paths.len() == FILES {
                unreadable.push((path, format!("more than {FILES} files")));
            } else {
                paths.push(path);
            }
        }
    }
}

fn text(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > LONGEST {
        return Err(format!("more than {LONGEST} bytes"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

/// The name of the case in a file: lower-case letters, digits and `-`.
fn name_of(path: &Path) -> String {
    let path = path.with_extension("").display().to_string().to_lowercase();
    let name: String =
        path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    name.trim_matches('-').to_owned()
}

fn file(
    path: PathBuf,
    source: Source,
    id: String,
    target: &Target<'_>,
) -> Result<CorpusFile, Faulty> {
    let data = Data::parse(&source, &Language { codec: &target.codec, label: &target.label })?;
    let input = input(&data, &source, target)?;
    let case = Case {
        id,
        about: None,
        refs: Vec::new(),
        formerly: Vec::new(),
        requires: features(&target.codec, &data.program),
        strength: Strength::Must,
        golden: false,
        span: data.result_span,
        asm: None,
        source: None,
        bytecode: Some(data.program),
        input,
        fuel: DEFAULT_FUEL,
        expect: target.expect(data.result),
    };
    let content = CaseFile { machine: target.isa.name().to_owned(), cases: vec![case] };
    Ok(CorpusFile { path, source, content })
}

/// The features that a program uses.
fn features(codec: &Codec<'_>, code: &[u8]) -> Vec<String> {
    // What does not decode fails later on, and is told of there.
    let Ok(program) = codec.decode(code) else { return Vec::new() };
    program.features(codec.isa()).into_iter().map(str::to_owned).collect()
}

/// The bytes that a program is given, for the region of memory that is the input.
fn input(data: &Data, source: &Source, target: &Target<'_>) -> Result<Vec<NamedCell>, Faulty> {
    let Some(span) = data.memory_span else { return Ok(Vec::new()) };
    let length = data.memory.len();
    let wrong = match target.input() {
        None => format!("{} takes no memory", target.isa.name()),
        Some(region) if length > region.size as usize => {
            format!("`{}` has at most {} bytes, and these are {length}", region.name, region.size)
        }
        Some(region) => {
            let value = Value::Bytes(data.memory.clone().into());
            return Ok(vec![NamedCell { bank: region.name.clone(), index: 0, value }]);
        }
    };
    let mut diagnostics = Diagnostics::default();
    diagnostics.error(span, wrong);
    diagnostics.finish(vec![source.clone()])?;
    Ok(Vec::new())
}

/// A place in the only source of a file.
fn span(start: usize, end: usize) -> Span {
    Span { source: 0, start: start as u32, end: end as u32 }
}
