//! `bytestone explain`: everything about one case.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use bytestone::case::load::Machines;
use bytestone::explain::{self, Explanation, end_words, value_words};
use bytestone::export::document::{CellEntry, RunEntry, Strength};
use bytestone_spec::Isa;
use clap::Args;
use serde_json::json;

use super::engines::{read_corpora, registry};
use super::output::{Failure, Format, write, write_json};

/// Arguments of `bytestone explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The id of the case, as in `stack/countdown` or `stack/add-wraps/2`
    case: String,
    /// The folder of the corpus; the built-in one when absent
    #[arg(long, value_name = "FOLDER")]
    corpus: Option<PathBuf>,
    /// A spec file of a machine that is not built in; may be given several times
    #[arg(long, value_name = "FILE")]
    spec: Vec<PathBuf>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Explain {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let machines = registry(&self.spec)?;
        let corpus = read_corpora(std::slice::from_ref(&self.corpus), &machines)?;
        let (file, case) = explain::find(&corpus, &self.case).map_err(Failure::Environment)?;
        let name = &file.content.machine;
        let isa = machines
            .machine(name)
            .ok_or_else(|| Failure::Environment(format!("there is no machine `{name}`")))?;
        let explanation =
            explain::explain(isa, file, case).map_err(|error| Failure::Input(error.to_string()))?;
        let alone = self.alone(&case.id);
        match self.format {
            Format::Text => write(text(isa, &explanation, &alone).as_bytes(), None)?,
            Format::Json => {
                let mut value = serde_json::to_value(&explanation)
                    .map_err(|error| Failure::Environment(error.to_string()))?;
                value["run_alone"] = json!(alone);
                write_json(&value)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The command that runs the case alone on an engine.
    fn alone(&self, id: &str) -> String {
        let mut words = vec!["bytestone".to_owned(), "test".to_owned()];
        for path in &self.spec {
            words.extend(["--spec".to_owned(), path.display().to_string()]);
        }
        if let Some(folder) = &self.corpus {
            words.extend(["--corpus".to_owned(), folder.display().to_string()]);
        }
        words.extend(["--case", id, "--vm", "COMMAND"].map(str::to_owned));
        shell_words::join(words)
    }
}

/// A heading, and lines below it; nothing when there are none.
fn section(text: &mut String, heading: &str, lines: impl IntoIterator<Item = String>) {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_some() {
        let _ = writeln!(text, "\n{heading}");
    }
    for line in lines {
        let _ = writeln!(text, "{}", format!("  {line}").trim_end());
    }
}

fn text(isa: &Isa, explained: &Explanation, alone: &str) -> String {
    let case = &explained.case;
    let mut text = format!("{} ({}:{})\n", case.id, explained.file, explained.line);
    if let Some(about) = &case.about {
        let _ = writeln!(text, "{about}");
    }
    let _ = writeln!(text, "{}", standing(explained));
    let cited = explained.rests_on.iter().map(|cited| {
        let place = cited.place.as_ref().map_or_else(String::new, |place| format!(" [{place}]"));
        let words = cited.text.as_ref().map_or_else(String::new, |text| format!(": {text}"));
        format!("{}{place}{words}", cited.name)
    });
    section(&mut text, "Rests on", cited);
    if let Some(source) = &case.source {
        let passes = match source.passes.as_slice() {
            [] => "no pass".to_owned(),
            passes => format!("the passes {}", passes.join(", ")),
        };
        let heading = format!("Source in {}, compiled with {passes}", source.language);
        section(&mut text, &heading, source.text.lines().map(str::to_owned));
    }
    let bytes = format!("Program, {} bytes", case.bytecode.len() / 2);
    section(&mut text, &bytes, explained.listing.lines().map(str::to_owned));
    section(&mut text, "Input", case.input.iter().map(cell_text));
    section(&mut text, "Expected", explained.expected.iter().cloned());
    let more = match explained.more_steps {
        0 => None,
        more => Some(format!("… {more} more steps")),
    };
    section(&mut text, "Steps on the reference tier", explained.trace.iter().cloned().chain(more));
    let end = format!("The program {}.", end_words(isa, &case.computed.end, case.fuel));
    let run = case.computed.run.iter().flat_map(run_lines);
    section(&mut text, "Result on the reference tier", [end].into_iter().chain(run));
    section(&mut text, "Differences", explained.differences.iter().cloned());
    let width = explained.instructions.iter().map(|insn| insn.name.len()).max().unwrap_or(0);
    let instructions = explained.instructions.iter().map(|insn| {
        let from = insn.reference.as_ref().map_or_else(String::new, |from| format!(" [{from}]"));
        format!("{:width$}  {}{from}", insn.name, insn.doc)
    });
    section(&mut text, "Instructions", instructions);
    section(&mut text, "Alone, on an engine", [alone.to_owned()]);
    text
}

/// What kind of case it is, in a line.
fn standing(explained: &Explanation) -> String {
    let case = &explained.case;
    let strength = match case.strength {
        Strength::Must => "An implementation must pass it",
        Strength::Should => "An implementation should pass it",
    };
    let origin = if case.golden { "; worked out by hand" } else { "" };
    let requires = match case.requires.as_slice() {
        [] => String::new(),
        features => format!("; requires {}", features.join(", ")),
    };
    format!("{strength}{origin}{requires}.")
}

fn cell_text(cell: &CellEntry) -> String {
    format!("{} = {}", cell.place(), cell.value.0)
}

fn run_lines(run: &RunEntry) -> Vec<String> {
    let cells: Vec<String> = run.cells.iter().map(cell_text).collect();
    vec![
        format!("steps   {}", run.steps),
        format!("offset  {}", run.pc),
        format!("output  [{}]", value_words(&run.output)),
        format!("stack   [{}]", value_words(&run.stack)),
        format!(
            "cells   {}",
            if cells.is_empty() { "all zero".to_owned() } else { cells.join(", ") }
        ),
        format!("hash    {}", run.hash),
    ]
}
