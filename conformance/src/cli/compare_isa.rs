//! `bytestone compare-isa`: the same sources on several machines.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use bytestone::compare::{self, CompareError, Measure, Row, Subject};
use bytestone::registry::{Registry, open_machine};
use bytestone::{compile, corpus};
use bytestone_lang::{Language, Passes, Source};
use bytestone_spec::Isa;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;

use super::compile::compile_file;
use super::input::{input_name, read};
use super::output::{Failure, Format, note, write, write_json};

/// Arguments of `bytestone compare-isa`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bytestone compare-isa                                    the sources of the built-in cases
  bytestone compare-isa sum.calc --machines calculator,stack,register
  bytestone compare-isa --machines script --passes none queue.script

A step is one instruction executed: one dispatch of an interpreter. All machines must print the same.")]
pub struct CompareIsa {
    /// Sources; those of the built-in cases when there is none
    files: Vec<PathBuf>,
    /// Built-in machines or spec files, of one language
    #[arg(
        long,
        value_name = "MACHINES",
        value_delimiter = ',',
        default_value = "calculator,register"
    )]
    machines: Vec<String>,
    /// The optimisations: `all`, `none`, or some with commas between them
    #[arg(long, value_name = "PASSES", default_value = "all")]
    passes: Passes,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl CompareIsa {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let isas: Vec<Isa> =
            self.machines.iter().map(|name| open_machine(name)).collect::<Result<_, _>>()?;
        let language = language(&isas)?;
        let rows = if self.files.is_empty() {
            self.built_in(language, &isas)?
        } else {
            self.given(language, &isas)?
        };
        match self.format {
            Format::Text => write(text(&rows).as_bytes(), None)?,
            Format::Json => write_json(&json!({
                "language": language.name(),
                "passes": self.passes.iter().map(|pass| pass.name()).collect::<Vec<_>>(),
                "programs": rows,
                "total": compare::total(&rows),
            }))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The built-in sources; those that one of the machines has not enough for are left out, and named.
    fn built_in(&self, language: Language, isas: &[Isa]) -> Result<Vec<Row>, Failure> {
        let corpus = corpus::built_in(&Registry::built_in()?)?;
        let mut rows = Vec::new();
        for subject in compare::subjects(&corpus, language.home()) {
            match compare::compare(&subject, language, isas, self.passes) {
                Ok(row) => rows.push(row),
                Err(error @ CompareError::Compile { .. }) => {
                    note(&format!("left out: {}: {error}\n", subject.name));
                }
                Err(error) => return Err(Failure::Input(format!("{}: {error}", subject.name))),
            }
        }
        Ok(rows)
    }

    fn given(&self, language: Language, isas: &[Isa]) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        for file in &self.files {
            let name = input_name(Some(file));
            let source = Source::new(read(Some(file))?)
                .map_err(|errors| Failure::Input(format!("{name}: {errors}")))?;
            let plan = compile::Plan { language, passes: self.passes };
            for isa in isas {
                compile_file(&name, &source, isa, plan)?;
            }
            let subject = Subject { name, source };
            let row = compare::compare(&subject, language, isas, self.passes)
                .map_err(|error| Failure::Input(format!("{}: {error}", subject.name)))?;
            rows.push(row);
        }
        Ok(rows)
    }
}

/// The language of all machines.
fn language(isas: &[Isa]) -> Result<Language, Failure> {
    let mut known = None;
    for isa in isas {
        let language = Language::of_machine(isa).ok_or_else(|| {
            let message = format!("no language is compiled to the machine `{}`", isa.name());
            Failure::Environment(message)
        })?;
        if *known.get_or_insert(language) != language {
            let message = "--machines: the machines are not of one language".to_owned();
            return Err(Failure::Environment(message));
        }
    }
    known.ok_or_else(|| Failure::Environment("--machines: expected machines".to_owned()))
}

fn table(header: &[&str], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(numbers.start).take(numbers.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn text(rows: &[Row]) -> String {
    let total = compare::total(rows);
    let mut programs = table(&["program", "machine", "bytes", "instructions", "steps"], 2..5);
    let counted = rows.iter().map(|row| (row.program.as_str(), &row.machines));
    let sums = format!("all {} programs", rows.len());
    for (program, machines) in counted.chain([(sums.as_str(), &total)]) {
        for (at, measure) in machines.iter().enumerate() {
            programs.add_row([
                if at == 0 { program.to_owned() } else { String::new() },
                measure.machine.clone(),
                measure.bytes.to_string(),
                measure.instructions.to_string(),
                measure.steps.to_string(),
            ]);
        }
    }
    let mut text = format!("{programs}\n\nSteps by instruction\n\n{}\n", opcodes(&total));
    if let [first, others @ ..] = total.as_slice() {
        for other in others {
            let share =
                |of: fn(&Measure) -> u64| 100.0 * of(other) as f64 / of(first).max(1) as f64;
            let _ = write!(
                text,
                "\n{} has {:.0} % of the bytes, {:.0} % of the instructions and {:.0} % of the steps of {}.",
                other.machine,
                share(|it| it.bytes),
                share(|it| it.instructions),
                share(|it| it.steps),
                first.machine,
            );
        }
        text.push_str(if others.is_empty() { "" } else { "\n" });
    }
    text
}

/// The steps of all programs by mnemonic, those with the most steps first.
fn opcodes(total: &[Measure]) -> Table {
    let mut header = vec!["instruction"];
    header.extend(total.iter().map(|measure| measure.machine.as_str()));
    let mut table = table(&header, 1..header.len());
    let count = |name: &str, measure: &Measure| measure.opcodes.get(name).copied().unwrap_or(0);
    let mut names: Vec<&str> = Vec::new();
    for name in total.iter().flat_map(|measure| measure.opcodes.keys()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let most = |name: &str| total.iter().map(|measure| count(name, measure)).max();
    names.sort_by_key(|name| std::cmp::Reverse(most(name)));
    for name in names {
        let cell = |measure: &Measure| match count(name, measure) {
            0 => "-".to_owned(),
            count => count.to_string(),
        };
        table.add_row([name.to_owned()].into_iter().chain(total.iter().map(cell)));
    }
    table
}
