//! `bytestone fuzz`: generated programs on engines and on the reference tier.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytestone::campaign::{self, Contestant, Extent, Found, Outcome, Programs, Progress};
use bytestone::engine::Description;
use bytestone::engine::message::printable;
use bytestone::project::EngineSetup;
use bytestone::registry::Registry;
use bytestone::report::failure::failure_lines;
use bytestone::verdict::Verdict;
use bytestone_spec::Isa;
use clap::{ArgGroup, Args};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::engines::{
    Commands, EngineLimits, default_jobs, find_machine, parse_jobs, parse_seconds, registry,
};
use super::output::{self, Failure, Format};

/// Arguments of `bytestone fuzz`.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("engines").args(["vm", "bpf_plugin"]).required(true).multiple(true),
    after_help = "\
Programs are single instructions over boundary values, programs that are valid by construction, and damaged ones. \
Equal seeds make equal programs, and find the same. A program on which an engine differs is cut down and written \
as a case file, ready to be put into a corpus.

Exit codes:
  0  no engine differs
  1  an engine differs or misbehaves; the case files are written
  2  the run could not begin: wrong arguments, a faulty spec, an engine that does not start")]
pub struct Fuzz {
    #[command(flatten)]
    vm: Commands,
    /// Only this machine; may be given several times. All that an engine runs when absent
    #[arg(long, value_name = "NAME")]
    machine: Vec<String>,
    /// A spec file of a machine that is not built in; may be given several times
    #[arg(long, value_name = "FILE")]
    spec: Vec<PathBuf>,
    /// The seed of the programs
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Programs for each machine
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    cases: u64,
    /// Stop a machine after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    seconds: Option<Duration>,
    /// Engine processes at once
    #[arg(long, value_name = "N", default_value_t = default_jobs(), value_parser = parse_jobs)]
    jobs: usize,
    #[command(flatten)]
    limits: EngineLimits,
    /// Stop a machine after so many different findings
    #[arg(long, value_name = "N", default_value_t = 10)]
    max_failures: usize,
    /// The folder for case files
    #[arg(short, long, value_name = "FOLDER", default_value = "fuzz-findings")]
    output: PathBuf,
    /// How results are written: `json` is one JSON object a line, one for each finding and one for each machine
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Fuzz {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let machines = registry(&self.spec)?;
        let mut differs = false;
        let mut ran = false;
        let chosen = self.machines(&machines)?;
        let mut setups: Vec<(EngineSetup, Description)> = Vec::new();
        for setup in self.vm.setups()? {
            let said = self.limits.start(&setup, &machines, 1, None)?[0].description().clone();
            setups.push((setup, said));
        }
        for isa in chosen {
            let mut contestants = self.contestants(isa, &machines, &setups)?;
            if contestants.is_empty() {
                continue;
            }
            ran = true;
            let programs = Programs::new(isa, self.seed)
                .map_err(|error| Failure::Input(format!("{}: {error}", isa.name())))?;
            let outcome = self.campaign(isa, &programs, &mut contestants)?;
            differs |= !outcome.found.is_empty();
        }
        if !ran {
            let message = "the engines run none of the machines".to_owned();
            return Err(Failure::Environment(message));
        }
        Ok(if differs { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn machines<'m>(&self, machines: &'m Registry) -> Result<Vec<&'m Isa>, Failure> {
        if self.machine.is_empty() {
            return Ok(machines.machines().iter().collect());
        }
        self.machine.iter().map(|name| find_machine(name, machines)).collect()
    }

    /// The engines that run a machine.
    fn contestants<'m>(
        &self,
        isa: &Isa,
        machines: &'m Registry,
        setups: &[(EngineSetup, Description)],
    ) -> Result<Vec<Contestant<'m>>, Failure> {
        let mut contestants: Vec<Contestant<'m>> = Vec::new();
        for (setup, description) in setups.iter().filter(|(_, said)| said.runs(isa)) {
            let instances = self.limits.start(setup, machines, self.jobs, None)?;
            let mut name = description.name.clone();
            if contestants.iter().any(|other| other.name == name) {
                name = format!("{name} ({})", contestants.len() + 1);
            }
            contestants.push(Contestant { name, instances });
        }
        Ok(contestants)
    }

    fn campaign(
        &self,
        isa: &Isa,
        programs: &Programs<'_>,
        contestants: &mut [Contestant<'_>],
    ) -> Result<Outcome, Failure> {
        let extent =
            Extent { programs: self.cases, time: self.seconds, findings: self.max_failures };
        let bar = self.bar(isa);
        let begun = Instant::now();
        let mut shown = 0;
        let mut failed = Ok(());
        let outcome = campaign::run(programs, contestants, extent, |progress, found| {
            bar.set_position(progress.programs);
            bar.set_message(rates(progress, begun.elapsed()));
            for found in &found[shown..] {
                if failed.is_ok() {
                    failed = bar.suspend(|| self.show(isa, programs, found));
                }
            }
            shown = found.len();
        });
        bar.finish_and_clear();
        failed?;
        self.summary(isa, &outcome, begun.elapsed())?;
        Ok(outcome)
    }

    fn bar(&self, isa: &Isa) -> ProgressBar {
        if self.format == Format::Json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let template = format!("{}  {{bar:30}} {{pos}}/{{len}} {{eta}}  {{msg}}", isa.name());
        let style = ProgressStyle::with_template(&template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(self.cases).with_style(style)
    }

    /// Writes the case file of a finding and shows it.
    fn show(&self, isa: &Isa, programs: &Programs<'_>, found: &Found) -> Result<(), Failure> {
        let text = programs.case_file(found).map_err(Failure::Input)?;
        std::fs::create_dir_all(&self.output)
            .map_err(|error| Failure::file(&self.output, &error))?;
        let engine: String = found
            .engine
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let name = format!("{}-{engine}-{}-{}.yaml", found.machine, found.seed, found.number);
        let path = self.output.join(name);
        std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
        match self.format {
            Format::Json => output::write_json_line(&json!({
                "type": "finding",
                "machine": found.machine,
                "engine": found.engine,
                "seed": found.seed,
                "number": found.number,
                "kind": found.kind.to_string(),
                "instruction": found.kind.instruction,
                "file": path.display().to_string(),
            })),
            Format::Text => {
                let mut text =
                    format!("FOUND {} on {}: {}\n", found.engine, found.machine, found.kind);
                text.push_str(&format!("      program {} of seed {}\n", found.number, found.seed));
                text.push_str(&format!("      as a case: {}\n", path.display()));
                let detail = match &found.verdict {
                    Verdict::Fail(failure) => failure_lines(isa, None, failure),
                    other => other.reason().unwrap_or_default(),
                };
                text.push_str(&format!("      {}\n\n", detail.replace('\n', "\n      ")));
                output::write(printable(&text).as_bytes(), None)
            }
        }
    }

    fn summary(&self, isa: &Isa, outcome: &Outcome, time: Duration) -> Result<(), Failure> {
        let progress = outcome.progress;
        match self.format {
            Format::Json => output::write_json_line(&json!({
                "type": "finished",
                "machine": isa.name(),
                "programs": progress.programs,
                "accepted": progress.accepted,
                "clean": progress.clean,
                "differing": progress.differing,
                "unsupported": progress.unsupported,
                "not_run": progress.not_run,
                "findings": outcome.found.len(),
            })),
            Format::Text => {
                let not_run = match progress.not_run {
                    0 => String::new(),
                    count => format!(", {count} not run"),
                };
                let text = format!(
                    "{}: {} programs, {}, {} differ{not_run}, {} kinds of difference\n",
                    isa.name(),
                    progress.programs,
                    rates(progress, time),
                    progress.differing,
                    outcome.found.len()
                );
                output::write(text.as_bytes(), None)
            }
        }
    }
}

fn rates(progress: Progress, time: Duration) -> String {
    let share = |count: u64| 100.0 * count as f64 / progress.programs.max(1) as f64;
    format!(
        "{:.0} programs/s, {:.0} % accepted, {:.0} % to a clean end",
        progress.programs as f64 / time.as_secs_f64().max(1e-9),
        share(progress.accepted),
        share(progress.clean)
    )
}
