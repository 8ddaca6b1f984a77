//! An engine in a child process that speaks the protocol.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indexmap::IndexMap;

use super::message::{self, Message};
use super::process::{Process, ProcessLimits};
use super::{Description, End, Engine, Mishap, MishapKind, Ran, Reply, Request, Watch};

/// How a child process is started and what it may take.
#[derive(Clone)]
pub struct Launch {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What a process may take.
    pub limits: ProcessLimits,
    /// Its name in reports, if that is not the one that it gives itself.
    pub name: Option<String>,
    /// Names of traps as the engine says them, and as the spec does.
    pub traps: IndexMap<String, String>,
    /// How often the engine is started again in a run.
    pub restarts: u32,
    /// Where every line is written that goes in or out.
    pub log: Option<SharedLog>,
}

/// A log of all lines that several engines may share.
pub type SharedLog = Arc<Mutex<dyn Write + Send>>;

impl Launch {
    /// A command line as people write it, split as a shell would.
    ///
    /// # Errors
    ///
    /// It is empty, or a quote is not closed.
    pub fn new(command: &str) -> Result<Self, String> {
        let command = shell_words::split(command).map_err(|error| format!("{command}: {error}"))?;
        if command.is_empty() {
            return Err("the command is empty".to_owned());
        }
        Ok(Self {
            command,
            limits: ProcessLimits::default(),
            name: None,
            traps: IndexMap::new(),
            restarts: 20,
            log: None,
        })
    }

    /// Starts a process, and says nothing to it.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn process(&self) -> std::io::Result<Process> {
        let mut command = Command::new(Path::new(&self.command[0]));
        command.args(&self.command[1..]);
        Process::start(command, self.limits)
    }
}

impl std::fmt::Debug for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Launch").field("command", &self.command).finish_non_exhaustive()
    }
}

/// A child process that is started again when something happens to it.
#[derive(Debug)]
pub struct ChildEngine {
    launch: Launch,
    description: Description,
    process: Option<Process>,
    next_id: u64,
    restarts: u32,
    /// Mishaps since the last answer.
    in_a_row: u32,
}

/// Requests that are under way at once.
const IN_FLIGHT: usize = 32;
/// Bytes of requests that are under way at once, unless one request alone has more.
const IN_FLIGHT_BYTES: usize = 1 << 20;

impl ChildEngine {
    /// Starts the engine and lets it introduce itself.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not introduce itself as the protocol says.
    pub fn start(launch: Launch) -> Result<Self, Mishap> {
        let mut engine = Self {
            launch,
            description: Description::default(),
            process: None,
            next_id: 1,
            restarts: 0,
            in_a_row: 0,
        };
        let (process, description) = engine.open()?;
        engine.process = Some(process);
        engine.description = description;
        Ok(engine)
    }

    fn open(&self) -> Result<(Process, Description), Mishap> {
        let not_started = |why: String| MishapKind::NotStarted(why);
        let mut process = self
            .launch
            .process()
            .map_err(|error| not_started(format!("{}: {error}", self.launch.command[0])))?;
        match self.introduction(&mut process) {
            Ok(description) => Ok((process, description)),
            Err(kind) => {
                let kind = not_started(format!("in answer to hello, {kind}"));
                Err(Mishap { kind, log: process.log_text() })
            }
        }
    }

    fn introduction(&self, process: &mut Process) -> Result<Description, MishapKind> {
        self.write(process, message::HELLO.as_bytes().to_vec());
        process.begin();
        match self.read(process)? {
            Message::Hello(mut description) => {
                if let Some(name) = &self.launch.name {
                    description.name.clone_from(name);
                }
                Ok(description)
            }
            Message::Error { message, .. } => Err(MishapKind::Refused(message)),
            Message::Row { .. } | Message::Done { .. } => {
                Err(MishapKind::Protocol("it wrote an answer to a request not yet made".to_owned()))
            }
        }
    }

    fn write(&self, process: &Process, bytes: Vec<u8>) {
        self.log(b"> ", &bytes);
        process.write(bytes);
    }

    fn read(&self, process: &mut Process) -> Result<Message, MishapKind> {
        let line = process.line()?;
        self.log(b"< ", &line);
        message::parse(&line).map_err(MishapKind::Protocol)
    }

    fn log(&self, direction: &[u8], lines: &[u8]) {
        let Some(log) = &self.launch.log else { return };
        let Ok(mut log) = log.lock() else { return };
        for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            // A log that cannot be written must not change a result.
            let _ = log
                .write_all(direction)
                .and_then(|()| log.write_all(line))
                .and_then(|()| log.write_all(b"\n"));
        }
    }

    /// A process that has introduced itself: the one at hand, or a new one.
    fn ready(&mut self) -> Result<Process, Mishap> {
        if let Some(process) = self.process.take() {
            return Ok(process);
        }
        if self.restarts >= self.launch.restarts {
            let why = format!("not sent: the engine was started again {} times", self.restarts);
            return Err(MishapKind::GivenUp(why).into());
        }
        self.restarts += 1;
        let wait = Duration::from_millis(10 << self.in_a_row.min(7));
        std::thread::sleep(wait);
        let (process, description) = self.open()?;
        if description != self.description {
            let what = "started again, it describes itself differently".to_owned();
            return Err(MishapKind::Protocol(what).into());
        }
        Ok(process)
    }

    /// Asks for as many answers as the process gives. The first answers stand in `answers`; when
    /// something happened, the last of them is what.
    fn exchange(
        &mut self,
        process: &mut Process,
        requests: &[Request],
        answers: &mut Vec<Result<Reply, Mishap>>,
    ) -> Result<(), ()> {
        let first = self.next_id;
        let (mut sent, mut done, mut under_way) = (0, 0, VecSizes::default());
        while done < requests.len() {
            let mut lines = Vec::new();
            while sent < requests.len() && under_way.has_room() {
                let before = lines.len();
                message::push_run(&mut lines, first + sent as u64, &requests[sent]);
                under_way.push(lines.len() - before);
                sent += 1;
            }
            if !lines.is_empty() {
                self.write(process, lines);
            }
            self.next_id = first + sent as u64;
            let id = first + done as u64;
            match self.answer(process, id, &requests[done]) {
                Ok(answer) => answers.push(answer),
                Err(Trouble::Repeated(kind)) if done > 0 => {
                    let mishap = Mishap { kind, log: process.log_text() };
                    if let Some(last) = answers.last_mut() {
                        *last = Err(mishap);
                    }
                    return Err(());
                }
                Err(Trouble::Repeated(kind) | Trouble::Here(kind)) => {
                    answers.push(Err(Mishap { kind, log: process.log_text() }));
                    return Err(());
                }
            }
            self.in_a_row = 0;
            under_way.pop();
            done += 1;
        }
        self.settle(process, answers)
    }

    /// Makes sure that nothing follows the last answer.
    fn settle(
        &self,
        process: &mut Process,
        answers: &mut [Result<Reply, Mishap>],
    ) -> Result<(), ()> {
        let kind = match self.introduction(process) {
            Ok(description) if description == self.description => return Ok(()),
            Ok(_) => MishapKind::Protocol("it describes itself differently".to_owned()),
            Err(MishapKind::Protocol(_)) => {
                MishapKind::Protocol("it wrote more than one answer".to_owned())
            }
            Err(kind) => kind,
        };
        if let Some(last) = answers.last_mut() {
            *last = Err(Mishap { kind, log: process.log_text() });
        }
        Err(())
    }

    /// Reads the answer to one request.
    fn answer(
        &self,
        process: &mut Process,
        id: u64,
        request: &Request,
    ) -> Result<Result<Reply, Mishap>, Trouble> {
        let mut rows = Vec::new();
        process.begin();
        loop {
            let found = match self.read(process).map_err(Trouble::Here)? {
                Message::Row { id: found, row } if found == id => {
                    expect_row(request, rows.len() as u64, row.step).map_err(protocol)?;
                    rows.push(row);
                    continue;
                }
                Message::Done { id: found, mut reply } if found == id => {
                    if let Reply::Ran(ran) = &mut reply {
                        ran.rows = rows;
                        if let End::Trap { trap: Some(trap), .. } = &mut ran.end
                            && let Some(name) = self.launch.traps.get(trap)
                        {
                            trap.clone_from(name);
                        }
                        complete(ran, request, &self.description).map_err(protocol)?;
                    }
                    return Ok(Ok(reply));
                }
                Message::Error { id: found, message } if found.is_none_or(|found| found == id) => {
                    return Ok(Err(MishapKind::Refused(message).into()));
                }
                Message::Row { id: found, .. } | Message::Done { id: found, .. } => Some(found),
                Message::Error { id: found, .. } => found,
                Message::Hello(_) => None,
            };
            return Err(match found {
                Some(found) if found + 1 == id => Trouble::Repeated(MishapKind::Protocol(
                    "it wrote more than one answer".to_owned(),
                )),
                Some(found) => protocol(format!("it answered request {found} instead of {id}")),
                None => protocol("it introduced itself instead of answering".to_owned()),
            });
        }
    }
}

/// What went wrong while an answer was read, and whose answer it was.
enum Trouble {
    /// It was about the request that was waited for.
    Here(MishapKind),
    /// It was about the one before.
    Repeated(MishapKind),
}

fn protocol(what: String) -> Trouble {
    Trouble::Here(MishapKind::Protocol(what))
}

/// The sizes of requests under way.
#[derive(Default)]
struct VecSizes {
    sizes: std::collections::VecDeque<usize>,
    total: usize,
}

impl VecSizes {
    fn has_room(&self) -> bool {
        self.sizes.is_empty() || (self.sizes.len() < IN_FLIGHT && self.total < IN_FLIGHT_BYTES)
    }

    fn push(&mut self, size: usize) {
        self.total += size;
        self.sizes.push_back(size);
    }

    fn pop(&mut self) {
        self.total -= self.sizes.pop_front().unwrap_or(0);
    }
}

/// A row must have been asked for, and be the next.
fn expect_row(request: &Request, rows: u64, step: u64) -> Result<(), String> {
    let Watch::Window { from } = request.watch else {
        return Err("it wrote a row that was not asked for".to_owned());
    };
    if from + rows >= request.fuel {
        return Err("it wrote more rows than the fuel allows".to_owned());
    }
    if step != from + rows {
        return Err(format!("it wrote the row of step {step} instead of {}", from + rows));
    }
    Ok(())
}

/// An answer must have all that was asked for and that the engine said it observes; the rest is
/// dropped.
fn complete(ran: &mut Ran, request: &Request, said: &Description) -> Result<(), String> {
    for state in ran.rows.iter_mut().map(|row| &mut row.state).chain([&mut ran.state]) {
        state.keep(said.observes);
    }
    if !said.observes.output {
        ran.output = None;
    }
    if !said.observes.host {
        ran.host = None;
    }
    let state = &ran.state;
    let parts = [
        ("pc", said.observes.pc, state.pc.is_some()),
        ("depth", said.observes.depth, state.depth.is_some()),
        ("stack", said.observes.stack, state.stack.is_some()),
        ("cells", said.observes.cells, state.cells.is_some()),
        ("output", said.observes.output, ran.output.is_some()),
        ("hash", matches!(request.watch, Watch::Hash(_)), ran.hash.is_some()),
        ("steps", request.watch != Watch::End, ran.steps.is_some()),
    ];
    match parts.into_iter().find(|&(_, wanted, there)| wanted && !there) {
        Some((part, ..)) => Err(format!("its answer has no `{part}`")),
        None => Ok(()),
    }
}

impl Engine for ChildEngine {
    fn description(&self) -> &Description {
        &self.description
    }

    fn run(&mut self, request: &Request) -> Result<Reply, Mishap> {
        let mut answers = self.run_all(std::slice::from_ref(request));
        answers
            .pop()
            .unwrap_or_else(|| Err(MishapKind::Protocol("there was no answer".to_owned()).into()))
    }

    fn run_all(&mut self, requests: &[Request]) -> Vec<Result<Reply, Mishap>> {
        let mut answers = Vec::with_capacity(requests.len());
        while answers.len() < requests.len() {
            let mut process = match self.ready() {
                Ok(process) => process,
                Err(mishap) => {
                    self.in_a_row += 1;
                    answers.push(Err(mishap));
                    continue;
                }
            };
            let rest = &requests[answers.len()..];
            match self.exchange(&mut process, rest, &mut answers) {
                Ok(()) => self.process = Some(process),
                Err(()) => self.in_a_row += 1,
            }
        }
        answers
    }
}

impl Drop for ChildEngine {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            self.log(b"> ", message::BYE.as_bytes());
            process.finish(message::BYE);
        }
    }
}
