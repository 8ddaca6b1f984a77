//! Engines: whatever runs programs of a machine, and what it says of them.
//!
//! What an engine says ([`Reply`]) and what happens to it ([`Mishap`]) are two types and never mix.

use std::fmt;

use bytestone_spec::Isa;
use bytestone_spec::isa::CellType;
use bytestone_vm::host::Call;
use bytestone_vm::trace::Checkpoints;
use bytestone_vm::trace::view::{Observed, View};
use bytestone_vm::value::{Form, wire};
use bytestone_vm::{Phase, Reason, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod cell;
pub mod child;
pub mod message;
pub mod mishap;
pub mod oneshot;
pub mod plugin;
pub mod process;
pub mod record;
pub mod reference;
mod system;

pub use cell::{NamedCell, SeenCell};
pub use mishap::{Mishap, MishapKind};

/// Runs programs of one or more machines.
///
/// A VM written in Rust implements this in a few lines and is held to the corpus by
/// [`crate::trials`]; [`record::Recorder`] does what a request asks for.
pub trait Engine {
    /// Who it is and what it can do. Always the same.
    fn description(&self) -> &Description;

    /// Runs a program. Every run starts from nothing.
    ///
    /// # Errors
    ///
    /// Something happened to the engine, so that there is no reply.
    fn run(&mut self, request: &Request) -> Result<Reply, Mishap>;

    /// Whether it gets requests as lines of the protocol, which people can look at and send again.
    fn speaks_protocol(&self) -> bool {
        true
    }

    /// Runs several programs, one after the other. Engines that are not in this process gain from
    /// being asked for many at once.
    fn run_all(&mut self, requests: &[Request]) -> Vec<Result<Reply, Mishap>> {
        requests.iter().map(|request| self.run(request)).collect()
    }
}

/// What an engine says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The machines that it runs, as `name@major`.
    pub machines: Vec<String>,
    /// What it does before a program runs.
    pub phases: Phases,
    /// The parts of the state that it can show.
    pub observes: Observed,
    /// How it shows steps.
    pub traces: Traces,
    /// Whether it ends a run when the fuel is used.
    pub fuel: Fuel,
}

/// Whether an engine ends a run when the fuel is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fuel {
    /// It does.
    #[default]
    Counted,
    /// It runs on.
    Ignored,
}

/// The phases that an engine has besides the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// It rejects bytes that are no row of instructions.
    pub decode: bool,
    /// It rejects programs that break a rule that holds before the first step.
    pub verify: bool,
}

impl Phases {
    /// Whether it has a phase.
    pub fn has(self, phase: Phase) -> bool {
        match phase {
            Phase::Decode => self.decode,
            Phase::Verify => self.verify,
        }
    }
}

/// The ways in which an engine shows steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// By hashes.
    pub hash: bool,
    /// By windows.
    pub window: bool,
}

impl Description {
    /// Whether the engine runs a machine: its name, and the major version of its spec.
    pub fn runs(&self, isa: &Isa) -> bool {
        let name = format!("{}@{}", isa.name(), isa.version().major);
        self.machines.contains(&name)
    }

    /// The level at which it can be held to a machine. A part that the machine lacks counts as
    /// observed.
    pub fn level(&self, isa: &Isa) -> Level {
        let machine = isa.machine();
        let seen = self.observes;
        let stack = seen.stack || machine.stack.is_none();
        let cells = seen.cells || machine.banks.is_empty() && !machine.named_globals;
        let output = seen.output || machine.output.is_none();
        let host = seen.host || machine.externs.is_empty();
        let depth = seen.depth || machine.call_depth.is_none() && machine.frames.is_none();
        let traces = seen.pc && (self.traces.hash || self.traces.window);
        match (traces, stack && cells && output && host) {
            (true, true) if depth => Level::Full,
            (true, _) => Level::Pc,
            (false, true) => Level::Final,
            (false, false) => Level::Outcome,
        }
    }
}

/// What is compared of a run, each with everything before it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// How it ends, and what is printed.
    Outcome,
    /// The state at the end.
    Final,
    /// The instruction of every step.
    Pc,
    /// The state before every step.
    Full,
}

impl Level {
    /// All levels, the weakest first.
    pub const ALL: [Self; 4] = [Self::Outcome, Self::Final, Self::Pc, Self::Full];

    /// The name in reports and project files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Final => "final",
            Self::Pc => "pc",
            Self::Full => "full",
        }
    }
}

/// What an engine is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The machine, by its name.
    pub machine: String,
    /// The code.
    pub program: Vec<u8>,
    /// Cells set before the first step, and replies of the host.
    pub input: Vec<NamedCell>,
    /// The most steps to do; one that halts or traps counts.
    pub fuel: u64,
    /// What is to be seen of the steps.
    pub watch: Watch,
}

/// What is to be seen of the steps of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Only how it ends.
    End,
    /// A hash, with checkpoints.
    Hash(Checkpoints),
    /// The state before each step from this one, counted from 0.
    Window {
        /// The first step to show.
        from: u64,
    },
}

/// What an engine says of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was run.
    Ran(Box<Ran>),
    /// It is rejected.
    Rejected(Rejected),
    /// The engine does not do this machine, instruction or feature; and what it says of that.
    Unsupported(String),
}

/// What an engine says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub end: End,
    /// The steps done, if the engine counts them.
    pub steps: Option<u64>,
    /// The state at the end.
    pub state: Snapshot,
    /// Everything printed.
    pub output: Option<Vec<Value>>,
    /// All calls of the host; `None` too on machines without functions of the host.
    pub host: Option<Vec<Call>>,
    /// The hash, if it was asked for.
    pub hash: Option<u32>,
    /// The hashes at the checkpoints.
    pub checkpoints: Vec<u32>,
    /// The rows of the window, if one was asked for.
    pub rows: Vec<Row>,
    /// What the engine says besides, for people.
    pub message: Option<String>,
}

/// How a run ended, in an engine's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It halted.
    Halt,
    /// It trapped.
    Trap {
        /// The name of the trap; `None` when the engine does not tell traps apart.
        trap: Option<String>,
        /// The offset of the instruction, if the engine tells.
        at: Option<u32>,
    },
    /// All fuel was used and another step would follow.
    Fuel,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halt => f.write_str("halt"),
            Self::Trap { trap, at } => {
                write!(f, "trap {}", trap.as_deref().unwrap_or(UNCLASSIFIED))?;
                at.map_or(Ok(()), |at| write!(f, " at {at}"))
            }
            Self::Fuel => f.write_str("fuel"),
        }
    }
}

/// The name of traps and reasons that an engine does not tell apart.
pub const UNCLASSIFIED: &str = "unclassified";

/// A program was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The phase.
    pub phase: Phase,
    /// Why; `None` when the engine does not tell reasons apart.
    pub reason: Option<Reason>,
    /// Where, if the engine tells.
    pub at: Option<u32>,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason.map_or(UNCLASSIFIED, Reason::name);
        write!(f, "rejected: {} {reason}", self.phase.name())?;
        self.at.map_or(Ok(()), |at| write!(f, " at {at}"))
    }
}

/// The state before a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number of the step, counted from 0.
    pub step: u64,
    /// The state.
    pub state: Snapshot,
}

/// The observed parts of a state; `None` is not observed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The offset of the next instruction.
    pub pc: Option<u32>,
    /// The number of active calls.
    pub depth: Option<u32>,
    /// How many values were printed, and the last of them.
    pub printed: Option<(u64, Option<Value>)>,
    /// How many calls of the host were made, and the last of them; `None` too on machines without functions of the
    /// host.
    pub called: Option<(u64, Option<Call>)>,
    /// The operand stack, bottom first.
    pub stack: Option<Vec<Value>>,
    /// The cells that are not fresh.
    pub cells: Option<Vec<SeenCell>>,
}

impl Snapshot {
    /// Drops what is not observed.
    pub fn keep(&mut self, observed: Observed) {
        self.pc = self.pc.filter(|_| observed.pc);
        self.depth = self.depth.filter(|_| observed.depth);
        self.printed = self.printed.take().filter(|_| observed.output);
        self.called = self.called.take().filter(|_| observed.host);
        self.stack = self.stack.take().filter(|_| observed.stack);
        self.cells = self.cells.take().filter(|_| observed.cells);
    }

    /// The observed parts of a state.
    pub fn of(view: &impl View, observed: Observed) -> Self {
        Self {
            pc: observed.pc.then(|| view.pc()),
            depth: observed.depth.then(|| view.depth()),
            printed: observed.output.then(|| {
                let mut output = view.output();
                (output.len() as u64, output.next_back())
            }),
            called: view
                .host_calls()
                .filter(|_| observed.host)
                .map(|calls| (calls.len() as u64, calls.last().cloned())),
            stack: observed.stack.then(|| view.stack().collect()),
            cells: observed.cells.then(|| view.cells().map(SeenCell::from).collect()),
        }
    }
}

impl Ran {
    /// Whether all values that an engine shows are values of the machine. A number may be any; the comparison says
    /// what is wrong with it.
    ///
    /// # Errors
    ///
    /// What is none, in words.
    pub fn check(&self, isa: &Isa, observed: Observed) -> Result<(), String> {
        self.check_calls(isa, observed)?;
        let machine = isa.machine();
        let fits = |of: CellType, value: &Value| match Form::new(isa, of) {
            Form::Int(_) => value.int().is_some(),
            form => form.admits(value),
        };
        let is_memory = |cell: &SeenCell| isa.find_region(&cell.bank).is_some();
        let stack = machine.stack.map(|stack| stack.of);
        let bank = |name: &str| machine.banks.iter().find(|bank| bank.name == name);
        let of_bank = |name: &str| bank(name).map_or(CellType::Value, |bank| bank.of);
        let states = self.rows.iter().map(|row| &row.state).chain([&self.state]);
        for state in states {
            let stacks = state.stack.iter().flatten().map(|value| (stack, value));
            let printed = state.printed.iter().filter_map(|(_, last)| last.as_ref());
            let printed = printed.map(|value| (machine.output, value));
            let cells = state.cells.iter().flatten();
            let is_bytes = |cell: &&SeenCell| matches!(cell.value, Value::Bytes(_));
            if let Some(cell) = cells.clone().find(|cell| is_memory(cell) != is_bytes(cell)) {
                return Err(format!("`{}` is no value of {}", wire::text(&cell.value), cell.bank));
            }
            let cells = cells.filter(|cell| !is_memory(cell));
            let cells = cells.map(|cell| (Some(of_bank(&cell.bank)), &cell.value));
            let all = stacks.chain(printed).chain(cells);
            let wrong =
                |(of, value): &(Option<CellType>, &Value)| !of.is_none_or(|of| fits(of, value));
            if let Some((_, value)) = all.into_iter().find(wrong) {
                return Err(format!("`{}` is no value of {}", wire::text(value), isa.name()));
            }
        }
        let output = self.output.iter().flatten();
        match output.into_iter().find(|value| !machine.output.is_none_or(|of| fits(of, value))) {
            Some(value) => Err(format!("`{}` is no value of {}", wire::text(value), isa.name())),
            None => Ok(()),
        }
    }

    /// Whether calls of the host are shown where the machine has functions of the host, and are calls of them.
    fn check_calls(&self, isa: &Isa, observed: Observed) -> Result<(), String> {
        let machine = isa.machine();
        let rows = self.rows.iter().map(|row| &row.state.called);
        let called = || rows.clone().chain([&self.state.called]);
        if observed.host && called().any(|called| called.is_some() == machine.externs.is_empty()) {
            return Err(match machine.externs.is_empty() {
                true => format!("{} has no functions of the host", isa.name()),
                false => "its answer does not show the calls of the host".to_owned(),
            });
        }
        let last = called().flatten().filter_map(|(_, last)| last.as_ref());
        let mut calls = self.host.iter().flatten().chain(last);
        match calls.find(|call| !call.is_known(machine)) {
            Some(call) => Err(format!("`{call}` is no call of the host of {}", isa.name())),
            None => Ok(()),
        }
    }
}
