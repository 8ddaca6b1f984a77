//! `bytestone diff`: one program on several engines.

use std::path::PathBuf;
use std::process::ExitCode;

use bytestone::engine::Engine;
use bytestone::lockstep::Subject;
use bytestone::panel::{self, Panel};
use bytestone::registry::{Registry, open_machine};
use bytestone::report::failure::failure_lines;
use bytestone::suite;
use bytestone_spec::Isa;
use bytestone_vm::codec::Codec;
use clap::{ArgGroup, Args};
use serde_json::json;

use super::engines::{Commands, EngineLimits, Instances, read_corpora};
use super::input::ProgramInput;
use super::output::{self, Failure, Format};

/// Arguments of `bytestone diff`.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("engines").args(["vm", "bpf_plugin"]).required(true).multiple(true),
    after_help = "\
The reference tier takes part as one engine among the others.

Exit codes:
  0  all engines agree
  1  they do not, or one gave no answer
  2  the command could not do its work: wrong arguments, a faulty spec or program,
     an engine that does not start")]
pub struct Diff {
    /// The machine: a built-in name or a spec file
    machine: String,
    #[command(flatten)]
    vm: Commands,
    /// The program of this case of the built-in corpus, instead of one that is given
    #[arg(long, value_name = "CASE", conflicts_with_all = ["file", "hex"])]
    case: Option<String>,
    #[command(flatten)]
    input: ProgramInput,
    /// The most steps
    #[arg(long, value_name = "STEPS", default_value_t = 1_000_000)]
    fuel: u64,
    #[command(flatten)]
    limits: EngineLimits,
    /// How results are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Diff {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let isa = open_machine(&self.machine)?;
        let mut machines = Registry::built_in()?;
        machines.add(isa.clone());
        let codec = Codec::new(&isa);
        let subject = self.subject(&isa, &codec, &machines)?;
        let mut engines: Vec<(String, Instances<'_>)> = Vec::new();
        for setup in self.vm.setups()? {
            let instances = self.limits.start(&setup, &machines, 1, None)?;
            let said = instances[0].description();
            let mut name = format!("{} {}", said.name, said.version).trim_end().to_owned();
            if engines.iter().any(|(other, _)| *other == name) {
                name = format!("{name} ({})", setup.command);
            }
            engines.push((name, instances));
        }
        let asked = engines.iter_mut().map(|(name, instances)| {
            let engine: &mut (dyn Engine + Send) = instances[0].as_mut();
            (name.as_str(), engine)
        });
        let panel = panel::ask(&subject, asked);
        match self.format {
            Format::Text => output::write(text(&isa, &panel).as_bytes(), None)?,
            Format::Json => output::write_json(&json(&panel))?,
        }
        Ok(if panel.agrees() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn subject<'a>(
        &self,
        isa: &'a Isa,
        codec: &Codec<'_>,
        machines: &Registry,
    ) -> Result<Subject<'a>, Failure> {
        let Some(id) = &self.case else {
            let code = self.input.load(codec)?.code;
            return Subject::new(isa, codec, code, Vec::new(), self.fuel)
                .map_err(|error| Failure::Input(error.to_string()));
        };
        let corpus = read_corpora(&[None::<PathBuf>], machines)?;
        let case = corpus.cases_of(isa.name()).find(|case| case.id == *id);
        let case = case.ok_or_else(|| {
            Failure::Environment(format!("there is no case `{id}` for {}", isa.name()))
        })?;
        suite::subject(isa, codec, case).map_err(Failure::Input)
    }
}

fn text(isa: &Isa, panel: &Panel) -> String {
    let mut text = String::new();
    for group in &panel.groups {
        let word = match (panel.groups.len(), group.engines.len()) {
            (1, _) => "agree ",
            (_, 1) => "alone ",
            _ => "agree ",
        };
        text.push_str(&format!("{word} {}: {}\n", group.engines.join(", "), group.answer));
    }
    for (engine, why) in &panel.silent {
        text.push_str(&format!("silent {engine}: {why}\n"));
    }
    if let Some(odd) = panel.odd_one_out() {
        text.push_str(&format!("\n{odd} stands alone\n"));
    }
    for (engine, failure) in &panel.differing {
        let lines = failure_lines(isa, None, failure).replace('\n', "\n  ");
        text.push_str(&format!("\n{engine} against the reference tier:\n  {lines}\n"));
    }
    text
}

fn json(panel: &Panel) -> serde_json::Value {
    let group = |group: &panel::Group| json!({"engines": group.engines, "answer": group.answer});
    json!({
        "agree": panel.agrees(),
        "groups": panel.groups.iter().map(group).collect::<Vec<_>>(),
        "alone": panel.odd_one_out(),
        "silent": panel.silent.iter().map(|(engine, why)| json!({"engine": engine, "why": why}))
            .collect::<Vec<_>>(),
        "differing": panel.differing.iter().map(|(engine, failure)| json!({
            "engine": engine,
            "step": failure.divergence.as_ref().and_then(|found| found.step),
            "offset": failure.divergence.as_ref().map(|found| found.offset),
            "instruction": failure.divergence.as_ref().map(|found| &found.text),
        })).collect::<Vec<_>>(),
    })
}
