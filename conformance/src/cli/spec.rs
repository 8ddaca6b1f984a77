//! Commands on specs: `check`, `machines`, `manual`, `schema`.

use std::path::PathBuf;
use std::process::ExitCode;

use bytestone::corpus::{self, CorpusFile, MANIFEST};
use bytestone::engine::message;
use bytestone::examples::examples;
use bytestone::manual::Manual;
use bytestone::registry::{Registry, open_machine};
use bytestone::report::claim;
use bytestone::{case, export, known, project};
use bytestone_spec::Isa;
use bytestone_spec::json::to_json;
use bytestone_spec::{builtin, load};
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::output::{Failure, Format, write, write_json};

/// `bytestone check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Spec files, or names of built-in machines
    #[arg(required = true)]
    specs: Vec<String>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Check {
    /// Runs the command. All files are checked, whatever is wrong with one.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let mut code = ExitCode::SUCCESS;
        let mut results = Vec::new();
        for spec in &self.specs {
            match (open_machine(spec).map_err(Failure::from), self.format) {
                (Ok(isa), Format::Text) => {
                    let (name, version, count) =
                        (isa.name(), isa.version(), isa.instructions().len());
                    write(
                        format!("{spec}: {name} {version}, {count} instructions, sound\n")
                            .as_bytes(),
                        None,
                    )?;
                }
                (Ok(isa), Format::Json) => results.push(json!({
                    "spec": spec,
                    "sound": true,
                    "isa": isa.name(),
                    "version": isa.version().to_string(),
                    "instructions": isa.instructions().len(),
                    "faults": [],
                })),
                (Err(Failure::Faulty(faulty)), Format::Json) => {
                    code = ExitCode::FAILURE;
                    results.push(json!({"spec": spec, "sound": false, "faults": faults(&faulty)}));
                }
                (Err(failure), _) => code = failure.report(1),
            }
        }
        if self.format == Format::Json {
            write_json(&Json::Array(results))?;
        }
        Ok(code)
    }
}

fn faults(faulty: &bytestone_spec::diagnostic::Faulty) -> Json {
    faulty
        .diagnostics
        .iter()
        .map(|diagnostic| {
            let source = faulty.sources.get(usize::from(diagnostic.span.source));
            let position =
                |offset: u32| source.map_or((1, 1), |source| source.line_column(offset as usize));
            let ((line, column), (end_line, end_column)) =
                (position(diagnostic.span.start), position(diagnostic.span.end));
            json!({
                "file": source.map(|source| source.name.as_str()),
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
                "message": diagnostic.message,
                "help": diagnostic.help,
            })
        })
        .collect()
}

/// `bytestone machines`.
#[derive(Debug, Args)]
pub struct Machines {
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Machines {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let mut isas = Vec::new();
        for name in builtin::names() {
            isas.push(open_machine(name)?);
        }
        match self.format {
            Format::Text => {
                let width = isas.iter().map(|isa| isa.name().len()).max().unwrap_or(0);
                let lines: Vec<String> = isas
                    .iter()
                    .map(|isa| format!("{:width$}  {}  {}\n", isa.name(), isa.version(), isa.title()))
                    .collect();
                write(lines.concat().as_bytes(), None)?;
            }
            Format::Json => write_json(&Json::Array(
                isas.iter()
                    .map(|isa| json!({"isa": isa.name(), "version": isa.version().to_string(), "title": isa.title()}))
                    .collect(),
            ))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `bytestone isa`.
#[derive(Debug, Args)]
pub struct IsaCommand {
    /// A built-in machine or a spec file
    machine: String,
}

impl IsaCommand {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        write_json(&to_json(&open_machine(&self.machine)?))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `bytestone schema`.
#[derive(Debug, Args)]
pub struct SchemaCommand {
    /// The format
    #[arg(value_enum)]
    format: SchemaOf,
}

/// File formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SchemaOf {
    /// Spec files, `bytestone: spec/1`
    Spec,
    /// Case files, `bytestone: cases/1`
    Cases,
    /// Corpus manifests, `bytestone: corpus/1`
    Corpus,
    /// Claims of conformance, `bytestone: claim/1`
    Claim,
    /// Lists of known failures, `bytestone: known-failures/1`
    KnownFailures,
    /// Messages of the engine protocol
    Protocol,
    /// Project files, `bytestone: project/1`
    Project,
    /// Exported corpora, `bytestone: export/1`
    Export,
}

impl SchemaCommand {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        match self.format {
            SchemaOf::Spec => write_json(load::schema())?,
            SchemaOf::Cases => write_json(case::load::schema())?,
            SchemaOf::Corpus => write_json(&corpus::schema())?,
            SchemaOf::Claim => write_json(&claim::schema())?,
            SchemaOf::KnownFailures => write_json(&known::schema())?,
            SchemaOf::Protocol => write_json(&message::schema())?,
            SchemaOf::Project => write_json(&project::schema())?,
            SchemaOf::Export => write_json(&export::schema())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `bytestone manual`.
#[derive(Debug, Args)]
pub struct ManualCommand {
    /// A built-in machine or a spec file
    machine: String,
    /// A corpus, or a folder with case files for the machine, from which the examples are taken; those of a built-in machine come
    /// with Bytestone
    #[arg(long, value_name = "FOLDER")]
    cases: Option<PathBuf>,
    /// How the manual is written
    #[arg(long, value_enum, default_value_t)]
    format: ManualFormat,
    /// Where the manual goes; standard output when absent
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Forms of a manual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ManualFormat {
    /// One page that needs nothing else
    #[default]
    Html,
    /// Markdown
    Markdown,
}

impl ManualCommand {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let isa = open_machine(&self.machine)?;
        let files = self.case_files(&isa)?;
        let files = files.iter().filter(|file| file.content.machine == isa.name());
        let examples = examples(&isa, files.flat_map(|file| &file.content.cases));
        let manual = Manual::new(&isa, &examples);
        let text = match self.format {
            ManualFormat::Html => manual.html(),
            ManualFormat::Markdown => manual.markdown(),
        };
        write(text.as_bytes(), self.output.as_ref())?;
        Ok(ExitCode::SUCCESS)
    }

    /// The case files from which the examples are taken.
    fn case_files(&self, isa: &Isa) -> Result<Vec<CorpusFile>, Failure> {
        match &self.cases {
            // The folder of a whole corpus: the cases lie in folders of their machines.
            Some(folder) if folder.join(MANIFEST).is_file() => {
                let mut machines = Registry::built_in()?;
                machines.add(isa.clone());
                Ok(corpus::read(folder, &machines)?.files)
            }
            Some(folder) => {
                let paths = corpus::case_files(folder);
                let paths = paths.map_err(|error| Failure::file(folder, &error))?;
                Ok(paths
                    .iter()
                    .map(|path| corpus::read_file(path, isa))
                    .collect::<Result<_, _>>()?)
            }
            None if builtin::names().contains(&self.machine.as_str()) => {
                Ok(corpus::built_in(&Registry::built_in()?)?.files)
            }
            None => Ok(Vec::new()),
        }
    }
}
