//! What commands that run engines have in common: machines, corpora, limits, and how engines are started.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytestone::case::load::Machines;
use bytestone::corpus::{self, Corpus};
use bytestone::engine::child::{ChildEngine, Launch, SharedLog};
use bytestone::engine::oneshot::OneShotEngine;
use bytestone::engine::process::ProcessLimits;
use bytestone::engine::{Engine, plugin};
use bytestone::project::{EngineSetup, Form};
use bytestone::registry::{Registry, did_you_mean, open_machine};
use bytestone_spec::Isa;
use clap::Args;

use super::output::Failure;

/// Instances of one engine.
pub type Instances<'m> = Vec<Box<dyn Engine + Send + 'm>>;

/// What an engine process may take.
#[derive(Clone, Copy, Debug, Args)]
pub struct EngineLimits {
    /// Seconds in which an engine must answer a request; 10 when absent
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub timeout: Option<Duration>,
    /// MiB of memory that an engine may take
    #[arg(long, value_name = "MIB", default_value_t = 2048)]
    pub memory: u64,
    /// How often an engine is started again
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub max_restarts: u32,
}

/// The built-in machines and those of some spec files.
///
/// # Errors
///
/// A file cannot be read or is faulty.
pub fn registry(specs: &[PathBuf]) -> Result<Registry, Failure> {
    let mut machines = Registry::built_in()?;
    for path in specs {
        // A bare file name is a path too.
        let path = if path.components().count() > 1 {
            path.clone()
        } else {
            PathBuf::from(".").join(path)
        };
        machines.add(open_machine(&path.display().to_string())?);
    }
    Ok(machines)
}

/// Corpora in folders, or the built-in one where there is none, as one.
///
/// # Errors
///
/// It is faulty.
pub fn read_corpora(folders: &[Option<PathBuf>], machines: &Registry) -> Result<Corpus, Failure> {
    let read = |folder: &Option<PathBuf>| match folder {
        Some(folder) => corpus::read(folder, machines),
        None => corpus::built_in(machines),
    };
    let corpora = folders.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(corpus::join(corpora)?)
}

/// A log that several engines write to.
///
/// # Errors
///
/// The file cannot be made.
pub fn open_log(path: Option<&PathBuf>) -> Result<Option<SharedLog>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let file = File::create(path).map_err(|error| Failure::file(path, &error))?;
    let log: SharedLog = Arc::new(Mutex::new(file));
    Ok(Some(log))
}

pub fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

pub fn parse_jobs(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|&count| count > 0);
    count.ok_or_else(|| "expected a number above zero".to_owned())
}

/// A machine by its name.
///
/// # Errors
///
/// There is none; the message says which there are.
pub fn find_machine<'m>(name: &str, machines: &'m Registry) -> Result<&'m Isa, Failure> {
    machines.machine(name).ok_or_else(|| {
        let meant = did_you_mean(name, machines.names());
        let known = machines.names().join(", ");
        Failure::Environment(format!("there is no machine `{name}`{meant}; there are: {known}"))
    })
}

pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "expected a number of seconds above zero".to_owned())
}

/// The engines of a command line.
#[derive(Debug, Default, Args)]
pub struct Commands {
    /// The command that starts an engine; it is split as a shell would, and may be given several times
    #[arg(long, value_name = "COMMAND")]
    vm: Vec<String>,
    /// The command of a plugin of bpf_conformance, `{memory}` where the memory goes if not behind the first word; may be
    /// given several times
    #[arg(long, value_name = "COMMAND")]
    bpf_plugin: Vec<String>,
}

impl Commands {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.vm.is_empty() && self.bpf_plugin.is_empty()
    }

    /// How they are set up, those that speak the protocol first.
    ///
    /// # Errors
    ///
    /// A command is none.
    pub fn setups(&self) -> Result<Vec<EngineSetup>, Failure> {
        let setup = |name: &str, command: &String, form: Form| EngineSetup {
            name: name.to_owned(),
            command: command.clone(),
            traps: Default::default(),
            form,
        };
        let mut setups: Vec<_> =
            self.vm.iter().map(|command| setup("", command, Form::Protocol)).collect();
        for command in &self.bpf_plugin {
            let wrong = |why: String| Failure::Environment(format!("`{command}`: {why}"));
            let words = shell_words::split(command).map_err(|error| wrong(error.to_string()))?;
            let plugin = plugin::plugin(&words).map_err(wrong)?;
            setups.push(setup(command, command, Form::OneShot(Box::new(plugin))));
        }
        Ok(setups)
    }

    /// The arguments that say the same.
    pub fn words(&self) -> Vec<String> {
        let of = |option: &str, commands: &[String]| {
            commands.iter().flat_map(|it| [option.to_owned(), it.clone()]).collect::<Vec<_>>()
        };
        [of("--vm", &self.vm), of("--bpf-plugin", &self.bpf_plugin)].concat()
    }
}

impl EngineLimits {
    /// Starts instances of an engine.
    ///
    /// # Errors
    ///
    /// One does not start.
    pub fn start<'m>(
        &self,
        setup: &EngineSetup,
        machines: &'m Registry,
        jobs: usize,
        log: Option<&SharedLog>,
    ) -> Result<Instances<'m>, Failure> {
        let mut instances: Instances<'m> = Vec::new();
        for _ in 0..jobs.max(1) {
            instances.push(match &setup.form {
                Form::Protocol => Box::new(self.child(setup, log.cloned())?),
                Form::OneShot(one_shot) => {
                    let machine = one_shot.machine.split('@').next().unwrap_or_default();
                    let engine = OneShotEngine::new(
                        &setup.name,
                        (**one_shot).clone(),
                        setup.traps.clone(),
                        machines.machine(machine),
                        self.process(),
                    );
                    Box::new(engine?)
                }
            });
        }
        Ok(instances)
    }

    fn child(&self, setup: &EngineSetup, log: Option<SharedLog>) -> Result<ChildEngine, Failure> {
        let mut launch = Launch::new(&setup.command).map_err(Failure::Environment)?;
        launch.limits = self.process();
        launch.restarts = self.max_restarts;
        launch.traps = setup.traps.clone();
        launch.name = (!setup.name.is_empty()).then(|| setup.name.clone());
        launch.log = log;
        ChildEngine::start(launch).map_err(|mishap| {
            let log = match mishap.log.trim_end() {
                "" => String::new(),
                log => format!("\nits standard error:\n{log}"),
            };
            Failure::Environment(format!("{}: {mishap}{log}", setup.command))
        })
    }

    fn process(&self) -> ProcessLimits {
        let default = ProcessLimits::default();
        let time = self.timeout.unwrap_or(default.time);
        ProcessLimits { time, memory: self.memory << 20, ..default }
    }
}
