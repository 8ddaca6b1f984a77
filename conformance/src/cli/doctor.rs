//! `bytestone doctor`: looks an engine over.

use std::path::PathBuf;
use std::process::ExitCode;

use bytestone::doctor::{self, Check, Diagnosis, State};
use bytestone::engine::child::Launch;
use bytestone::engine::message::printable;
use bytestone_spec::Isa;
use clap::Args;
use serde_json::{Value as Json, json};

use super::engines::{find_machine, parse_seconds, read_corpora, registry};
use super::output::{self, Failure, Format};

/// Arguments of `bytestone doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  nothing is wrong
  1  something is
  2  the command could not do its work: wrong arguments, a faulty spec or corpus,
     an engine that cannot be started")]
pub struct Doctor {
    /// The command that starts the engine; it is split as a shell would
    #[arg(long, value_name = "COMMAND")]
    vm: String,
    /// Only this machine; may be given several times
    #[arg(long, value_name = "NAME")]
    machine: Vec<String>,
    /// The folder of the corpus that programs are taken from; the built-in one when absent
    #[arg(long, value_name = "FOLDER")]
    corpus: Option<PathBuf>,
    /// A spec file of a machine that is not built in; may be given several times
    #[arg(long, value_name = "FILE")]
    spec: Vec<PathBuf>,
    /// Seconds in which the engine must answer a request
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds)]
    timeout: std::time::Duration,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Doctor {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let machines = registry(&self.spec)?;
        let corpus = read_corpora(std::slice::from_ref(&self.corpus), &machines)?;
        let mut isas: Vec<&Isa> = machines.machines().iter().collect();
        if !self.machine.is_empty() {
            isas.retain(|isa| self.machine.iter().any(|name| name == isa.name()));
            self.machine.iter().try_for_each(|name| find_machine(name, &machines).map(|_| ()))?;
        }
        let mut launch = Launch::new(&self.vm).map_err(Failure::Environment)?;
        launch.limits.time = self.timeout;
        let diagnosis = doctor::examine(&launch, &isas, &corpus)
            .map_err(|mishap| Failure::Environment(format!("{}: {mishap}", self.vm)))?;
        match self.format {
            Format::Text => output::write(printable(&self.text(&diagnosis)).as_bytes(), None)?,
            Format::Json => output::write_json(&json(&diagnosis))?,
        }
        Ok(if diagnosis.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The command that holds the engine to the whole corpus.
    fn whole(&self) -> Vec<String> {
        let mut words = vec!["bytestone".to_owned(), "test".to_owned()];
        for (option, paths) in
            [("--spec", self.spec.as_slice()), ("--corpus", self.corpus.as_slice())]
        {
            for path in paths {
                words.extend([option.to_owned(), path.display().to_string()]);
            }
        }
        for name in &self.machine {
            words.extend(["--machine".to_owned(), name.clone()]);
        }
        words.extend(["--vm".to_owned(), self.vm.clone()]);
        words
    }

    fn text(&self, diagnosis: &Diagnosis) -> String {
        let mut text = String::new();
        for check in &diagnosis.checks {
            let (mark, found) = match &check.state {
                State::Well => ("✓", ""),
                State::Wrong(found) => ("✗", found.as_str()),
                State::Open(found) => ("–", found.as_str()),
            };
            text.push_str(&format!("{mark} {}: {}\n", check.about, check.expected));
            for line in &check.lines {
                text.push_str(&format!("    {}\n", shortened(line)));
            }
            if !found.is_empty() {
                text.push_str(&format!("  {found}\n"));
            }
        }
        if !diagnosis.is_well() && !diagnosis.log.trim().is_empty() {
            text.push_str(&format!("\nits standard error:\n{}\n", diagnosis.log.trim_end()));
        }
        text.push('\n');
        if let Some(said) = &diagnosis.description {
            text.push_str(&format!("{} {}\n", said.name, said.version));
        }
        for (machine, level) in &diagnosis.levels {
            let shown = if diagnosis.has_run(machine) {
                ""
            } else {
                ", as it says; no program has run as it must yet"
            };
            text.push_str(&format!("{machine}: level {}{shown}\n", level.name()));
        }
        let whole = shell_words::join(self.whole());
        // A run over the corpus is of use once the dialogue goes well.
        let whole = diagnosis.is_well().then_some(whole.as_str());
        let next = diagnosis.advice.iter().map(String::as_str).chain(whole);
        for (number, advice) in next.enumerate() {
            text.push_str(if number == 0 { "next: " } else { "then: " });
            text.push_str(&format!("{advice}\n"));
        }
        text
    }
}

/// A line that fits a terminal.
fn shortened(line: &str) -> String {
    const SHOWN: usize = 110;
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn json(diagnosis: &Diagnosis) -> Json {
    let check = |check: &Check| {
        let (state, found) = match &check.state {
            State::Well => ("well", None),
            State::Wrong(found) => ("wrong", Some(found)),
            State::Open(found) => ("open", Some(found)),
        };
        json!({
            "about": check.about,
            "expected": check.expected,
            "state": state,
            "found": found,
            "lines": check.lines,
        })
    };
    let levels =
        diagnosis.levels.iter().map(|(machine, level)| (machine.clone(), level.name().into()));
    json!({
        "well": diagnosis.is_well(),
        "engine": diagnosis.description.as_ref().map(|said| &said.name),
        "version": diagnosis.description.as_ref().map(|said| &said.version),
        "checks": diagnosis.checks.iter().map(check).collect::<Vec<_>>(),
        "levels": levels.collect::<serde_json::Map<_, _>>(),
        "advice": diagnosis.advice,
    })
}
