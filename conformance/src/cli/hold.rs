//! What commands that hold engines to cases have in common: the engines, lists of known failures, and how it ends.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytestone::known::{Coverage, KnownFailures};
use bytestone::project::EngineSetup;
use bytestone::registry::{Registry, read_source};
use bytestone::report::KnownWriter;
use bytestone::runner::{self, Event, Plan, REFERENCE, Reporter, Tools};
use bytestone::suite::{Order, Suite};
use bytestone::verdict::Counts;
use clap::Args;

use super::engines::{EngineLimits, default_jobs, open_log, parse_jobs};
use super::output::{Failure, note};

/// How engines are held to cases.
#[derive(Debug, Args)]
pub struct Hold {
    /// Engine processes at once
    #[arg(long, value_name = "N", default_value_t = default_jobs(), value_parser = parse_jobs)]
    jobs: usize,
    #[command(flatten)]
    pub limits: EngineLimits,
    /// Cases that are known to fail
    #[arg(long, value_name = "FILE")]
    pub known_failures: Option<PathBuf>,
    /// Write the cases that fail to this file, as known failures
    #[arg(long, value_name = "FILE", conflicts_with = "known_failures")]
    write_known_failures: Option<PathBuf>,
    /// Write every line that goes to an engine or comes from it to this file
    #[arg(long, value_name = "FILE")]
    log_io: Option<PathBuf>,
}

impl Hold {
    /// Starts all engines, before the first case runs, so that one that does not start is told of at once. An answer may take
    /// `timeout` where the command line does not say how long.
    ///
    /// # Errors
    ///
    /// One does not start.
    pub fn start<'m>(
        &self,
        setups: &[EngineSetup],
        timeout: Option<Duration>,
        machines: &'m Registry,
        order: Order,
    ) -> Result<Vec<Suite<'m>>, Failure> {
        if self.write_known_failures.is_some() && setups.len() > 1 {
            let message =
                "--write-known-failures writes the list of one engine, and there are several"
                    .to_owned();
            return Err(Failure::Environment(message));
        }
        let log = open_log(self.log_io.as_ref())?;
        let limits = EngineLimits { timeout: self.limits.timeout.or(timeout), ..self.limits };
        let start = |setup| {
            let instances = limits.start(setup, machines, self.jobs, log.as_ref())?;
            Ok(Suite::new(instances, order))
        };
        setups.iter().map(start).collect()
    }

    /// What else reports a run: the list of known failures that is written.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
    pub fn reporter(&self) -> Result<Option<Box<dyn Reporter>>, Failure> {
        let Some(path) = &self.write_known_failures else { return Ok(None) };
        Ok(Some(Box::new(KnownWriter::new(create(path)?))))
    }
}

/// A file that a report goes to.
///
/// # Errors
///
/// It cannot be made.
pub fn create(path: &PathBuf) -> Result<Box<dyn Write + Send>, Failure> {
    let file = File::create(path).map_err(|error| Failure::file(path, &error))?;
    Ok(Box::new(BufWriter::new(file)))
}

/// A list of known failures; without a file it is empty.
///
/// # Errors
///
/// It cannot be read, or has faults.
pub fn known_failures(path: Option<&PathBuf>) -> Result<KnownFailures, Failure> {
    let Some(path) = path else { return Ok(KnownFailures::default()) };
    KnownFailures::parse(read_source(path)?).map_err(|faulty| Failure::Faulty(Box::new(faulty)))
}

/// A list of known failures is of one engine: under a name that none has, nothing of it would apply, and nobody would
/// know. `others` are engines that are not run, and yet are known.
///
/// # Errors
///
/// No engine has the name.
pub fn check_engine(
    known: &KnownFailures,
    path: Option<&PathBuf>,
    suites: &[Suite<'_>],
    others: &[String],
) -> Result<(), Failure> {
    let (Some(engine), Some(path)) = (known.engine(), path) else { return Ok(()) };
    let mut names: Vec<&str> =
        suites.iter().map(|suite| suite.description().name.as_str()).collect();
    if names.is_empty() {
        names.push(REFERENCE);
    }
    if names.contains(&engine) || others.iter().any(|other| other == engine) {
        return Ok(());
    }
    Err(Failure::Environment(format!(
        "{}: the list is of the engine `{engine}`, and what is run is called {}; correct the name, or leave `engine` \
         out for a list of every engine",
        path.display(),
        names.join(", ")
    )))
}

/// Holds every engine to the cases, or the tools themselves when there is none.
///
/// # Errors
///
/// A report cannot be written.
pub fn run(
    plan: &mut Plan<'_>,
    machines: &Registry,
    suites: &mut [Suite<'_>],
    reporters: &mut [Box<dyn Reporter>],
) -> Result<Counts, Failure> {
    let mut total = Counts::default();
    if suites.is_empty() {
        total.merge(runner::run(plan, machines, &mut Tools, reporters)?);
    }
    for suite in suites {
        total.merge(runner::run(plan, machines, suite, reporters)?);
    }
    runner::publish(reporters, &Event::Closed)?;
    Ok(total)
}

/// The exit code when no case failed, and yet not all is well.
const MISBEHAVED: u8 = 5;

/// How a run ends: tells what is wrong with the list of known failures in a file, and whether anything was run.
pub fn end(
    total: Counts,
    known: &KnownFailures,
    path: Option<&PathBuf>,
    coverage: Coverage,
) -> ExitCode {
    let today = chrono::Utc::now().format("%Y-%m-%d").to_string();
    let faults = known.faults(&today, coverage);
    for fault in &faults {
        let path = path.map(|path| path.display().to_string()).unwrap_or_default();
        note(&format!("error: {path}: {fault}\n"));
    }
    if total.executed() == 0 {
        note("error: no case was run to a result\n");
    }
    if total.failed > 0 || !faults.is_empty() {
        ExitCode::FAILURE
    } else if total.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(MISBEHAVED)
    }
}
