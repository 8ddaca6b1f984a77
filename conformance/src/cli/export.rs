//! `bytestone export`: the built-in corpus as files or as JSON.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytestone::bpf_conformance::{self, ResultPlace, Target};
use bytestone::corpus;
use bytestone::export::{self, SPECS};
use bytestone::registry::{Registry, open_machine};
use clap::{Args, ValueEnum};

use super::engines::read_corpora;
use super::output::{Failure, write};

/// The machine of test files when none is given.
const EBPF: &str = "ebpf";

/// Arguments of `bytestone export`.
#[derive(Debug, Args)]
pub struct Export {
    /// How the corpus is written
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
    /// Where it goes: a folder that is not there or empty, or the file of the JSON document
    #[arg(short, long, visible_alias = "out", value_name = "PATH")]
    output: PathBuf,
    /// The machine of test files: a built-in name or a spec file; `ebpf` when absent
    #[arg(long, value_name = "MACHINE")]
    machine: Option<String>,
    /// The folder of the corpus that test files are made of; the built-in one when absent
    #[arg(long, value_name = "FOLDER")]
    corpus: Option<PathBuf>,
    /// Where test files find the result at the end: `output`, or a cell as in `reg:0`;
    /// `output` when absent
    #[arg(long, value_name = "PLACE")]
    result: Option<ResultPlace>,
}

/// Forms of an exported corpus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// Case files and specs in a folder, to be changed and run
    #[default]
    Files,
    /// One document with everything worked out, for programs that know nothing of Bytestone
    Json,
    /// Test files of the bpf_conformance project (`*.data`) for one machine
    BpfConformance,
}

impl Export {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        if self.format != ExportFormat::BpfConformance {
            self.refuse_choice()?;
        }
        match self.format {
            ExportFormat::Files => self.files()?,
            ExportFormat::Json => self.json()?,
            ExportFormat::BpfConformance => self.bpf_conformance()?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The built-in corpus is written whole; what chooses among cases would be without effect.
    fn refuse_choice(&self) -> Result<(), Failure> {
        let given = [
            ("--machine", self.machine.is_some()),
            ("--corpus", self.corpus.is_some()),
            ("--result", self.result.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => Err(Failure::Environment(format!(
                "{option} is for --format bpf-conformance; the other formats write the whole built-in corpus"
            ))),
            None => Ok(()),
        }
    }

    fn files(&self) -> Result<(), Failure> {
        let files = export::built_in_files();
        write_tree(&self.output, &files)?;
        let folder = self.output.display();
        let text = format!(
            "wrote {} files to {folder}, specs to {folder}/{SPECS}\n\nNext:\n  {}\n",
            files.len(),
            shell_words::join(["bytestone", "test", "--corpus", &folder.to_string()]),
        );
        write(text.as_bytes(), None)
    }

    fn json(&self) -> Result<(), Failure> {
        let machines = Registry::built_in()?;
        let corpus = corpus::built_in(&machines)?;
        let document = export::document(&corpus, &machines)
            .map_err(|error| Failure::Input(error.to_string()))?;
        let mut text = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::Environment(error.to_string()))?;
        text.push('\n');
        write(text.as_bytes(), Some(&self.output))
    }
}

impl Export {
    /// Cases that a test file cannot express are named with the reason.
    fn bpf_conformance(&self) -> Result<(), Failure> {
        let mut machines = Registry::built_in()?;
        let isa = open_machine(self.machine.as_deref().unwrap_or(EBPF))?;
        machines.add(isa.clone());
        let result = self.result.as_ref().unwrap_or(&ResultPlace::Output);
        let target = Target::new(&isa, result, "").map_err(Failure::Environment)?;
        let corpus = read_corpora(std::slice::from_ref(&self.corpus), &machines)?;
        let written = bpf_conformance::write::write(&corpus, &target);
        write_tree(&self.output, &written.files)?;
        let mut text = String::new();
        for (id, why) in &written.left {
            text.push_str(&format!("left out {id}: {why}\n"));
        }
        let (files, left) = (written.files.len(), written.left.len());
        let folder = self.output.display();
        text.push_str(&format!("wrote {files} test files to {folder}, left out {left} cases\n"));
        write(text.as_bytes(), None)
    }
}

/// Writes files into a folder that is not there or empty.
///
/// # Errors
///
/// The folder holds something already, or a file cannot be written.
pub fn write_tree(folder: &Path, files: &[(PathBuf, Vec<u8>)]) -> Result<(), Failure> {
    if folder.exists() {
        let mut entries =
            std::fs::read_dir(folder).map_err(|error| Failure::file(folder, &error))?;
        if entries.next().is_some() {
            let message = format!("{}: the folder is not empty", folder.display());
            return Err(Failure::Environment(message));
        }
    }
    for (path, bytes) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Failure::file(parent, &error))?;
        }
        std::fs::write(&path, bytes).map_err(|error| Failure::file(&path, &error))?;
    }
    Ok(())
}
