//! Looks an engine over: a short dialogue, what is well in it and what is not, and what to do next.

use std::sync::{Arc, Mutex};

use bytestone_spec::Isa;
use bytestone_vm::Phase;
use bytestone_vm::codec::Codec;
use bytestone_vm::trace::Checkpoints;

use crate::case::{Case, Expect, ExpectedOutcome};
use crate::corpus::Corpus;
use crate::engine::child::{ChildEngine, Launch};
use crate::engine::message::{self, BYE, HELLO, Message};
use crate::engine::process::Process;
use crate::engine::{Description, Engine, Level, Mishap, MishapKind, Reply, Request, Watch};
use crate::lockstep::{Finding, Subject};
use crate::suite;

/// What was found out about an engine.
#[derive(Debug)]
pub struct Diagnosis {
    /// What it says of itself, if it introduced itself.
    pub description: Option<Description>,
    /// What was tried, in order.
    pub checks: Vec<Check>,
    /// The level at which it can be held to each machine.
    pub levels: Vec<(String, Level)>,
    /// What to do next, the most urgent first.
    pub advice: Vec<String>,
    /// The end of what it wrote to its standard error.
    pub log: String,
}

/// Something that was tried.
#[derive(Debug)]
pub struct Check {
    /// What.
    pub about: String,
    /// The lines that went to the engine (`> `) and came from it (`< `).
    pub lines: Vec<String>,
    /// What must come of it.
    pub expected: String,
    /// What came of it.
    pub state: State,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// What was expected.
    Well,
    /// Something else.
    Wrong(String),
    /// The engine says that it does not do this yet.
    Open(String),
}

impl Diagnosis {
    /// Whether nothing is wrong.
    pub fn is_well(&self) -> bool {
        self.checks.iter().all(|check| !matches!(check.state, State::Wrong(_)))
    }

    /// Whether a program of a machine ran as it must.
    pub fn has_run(&self, machine: &str) -> bool {
        let of_machine = |check: &&Check| {
            check.about.strip_prefix(machine).is_some_and(|rest| rest.starts_with(": "))
        };
        self.checks.iter().filter(of_machine).any(|check| check.state == State::Well)
    }

    fn push(&mut self, check: Check, advice: &str) {
        if check.state != State::Well && !self.advice.iter().any(|known| known == advice) {
            self.advice.push(advice.to_owned());
        }
        self.checks.push(check);
    }
}

/// Plays the dialogue. Programs are those of cases of the corpus, for the machines that the engine runs.
///
/// # Errors
///
/// The engine's process cannot be started.
pub fn examine(launch: &Launch, machines: &[&Isa], corpus: &Corpus) -> Result<Diagnosis, Mishap> {
    let mut talk = Talk::start(launch)?;
    let mut diagnosis = Diagnosis {
        description: None,
        checks: Vec::new(),
        levels: Vec::new(),
        advice: Vec::new(),
        log: String::new(),
    };
    let (hello, description) = talk.hello();
    diagnosis.push(hello, "answer `hello` as docs/protocol.md says, and flush after every answer");
    let Some(description) = description else {
        diagnosis.log = talk.process.log_text();
        return Ok(diagnosis);
    };
    talk.manners(&mut diagnosis);
    let runs: Vec<&Isa> = machines.iter().copied().filter(|isa| description.runs(isa)).collect();
    if runs.is_empty() {
        let names: Vec<String> = machines.iter().map(|isa| full_name(isa)).collect();
        let said = format!("it runs {}", description.machines.join(", "));
        let check = Check {
            about: "a machine that is known here".to_owned(),
            lines: Vec::new(),
            expected: format!("one of {}", names.join(", ")),
            state: State::Wrong(said),
        };
        diagnosis.push(check, "name a machine in `machines` that this corpus has cases for");
    }
    for isa in &runs {
        programs(launch, isa, corpus, &mut diagnosis)?;
        let level = description.level(isa);
        diagnosis.levels.push((isa.name().to_owned(), level));
        diagnosis.advice.extend(to_rise(&description, isa));
    }
    diagnosis.advice.extend(phases_to_add(&description));
    diagnosis.description = Some(description);
    Ok(diagnosis)
}

fn full_name(isa: &Isa) -> String {
    format!("{}@{}", isa.name(), isa.version().major)
}

/// A dialogue line by line, without the patience of an engine that is held to a corpus.
struct Talk {
    process: Process,
    lines: Vec<String>,
}

impl Talk {
    fn start(launch: &Launch) -> Result<Self, Mishap> {
        let process = launch
            .process()
            .map_err(|error| MishapKind::NotStarted(format!("{}: {error}", launch.command[0])))?;
        Ok(Self { process, lines: Vec::new() })
    }

    fn ask(&mut self, line: &str) -> Result<Message, MishapKind> {
        self.lines.push(format!("> {}", line.trim_end()));
        self.process.write(format!("{}\n", line.trim_end()).into_bytes());
        self.process.begin();
        let answer = self.process.line()?;
        self.lines.push(format!("< {}", String::from_utf8_lossy(&answer)));
        message::parse(&answer).map_err(MishapKind::Protocol)
    }

    fn check(&mut self, about: &str, expected: &str, state: State) -> Check {
        Check {
            about: about.to_owned(),
            lines: std::mem::take(&mut self.lines),
            expected: expected.to_owned(),
            state,
        }
    }

    fn hello(&mut self) -> (Check, Option<Description>) {
        let (state, description) = match self.ask(HELLO) {
            Ok(Message::Hello(description)) => (State::Well, Some(description)),
            Ok(_) => (State::Wrong("another answer".to_owned()), None),
            Err(kind) => (State::Wrong(kind.to_string()), None),
        };
        let expected = "an answer of the type `hello`, with all keys";
        (self.check("hello", expected, state), description)
    }

    /// What an engine does with what it does not know, and how it ends.
    fn manners(mut self, diagnosis: &mut Diagnosis) {
        let unknown = HELLO.trim_end().replace('}', r#","mood":"curious"}"#);
        let state = match self.ask(&unknown) {
            Ok(Message::Hello(_)) => State::Well,
            Ok(_) => State::Wrong("another answer".to_owned()),
            Err(kind) => State::Wrong(kind.to_string()),
        };
        let check = self.check("an unknown key", "it is ignored", state);
        diagnosis.push(check, "ignore keys that you do not know");
        for bad in [r#"{"type":"dance","id":12}"#, "this is no request"] {
            let state = match self.ask(bad) {
                Ok(Message::Error { .. }) => match self.ask(HELLO) {
                    Ok(Message::Hello(_)) => State::Well,
                    Ok(_) => State::Wrong("no answer to the next request".to_owned()),
                    Err(kind) => State::Wrong(format!("after the answer, {kind}")),
                },
                Ok(_) => State::Wrong("another answer".to_owned()),
                Err(kind) => State::Wrong(kind.to_string()),
            };
            let well = state == State::Well;
            let check = self.check("a bad request", "`error`, and the engine goes on", state);
            diagnosis.push(check, "answer `error` to requests that you cannot read, and go on");
            if !well {
                // What follows would only show the same fault again.
                diagnosis.log = self.process.log_text();
                return;
            }
        }
        self.lines.push(format!("> {}", BYE.trim_end()));
        let state = if self.process.finish(BYE) {
            State::Well
        } else {
            State::Wrong("it did not end, or not with code 0".to_owned())
        };
        let lines = std::mem::take(&mut self.lines);
        let expected = "the engine ends with exit code 0".to_owned();
        let check = Check { about: "bye".to_owned(), lines, expected, state };
        diagnosis.push(check, "end with exit code 0 on `bye` and when the input ends");
    }
}

/// What programs are there to show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Halt,
    Trap,
    Hash,
    Window,
    Rejected(Phase),
}

impl Shown {
    fn about(self) -> String {
        match self {
            Self::Halt => "a program that halts".to_owned(),
            Self::Trap => "a program that traps".to_owned(),
            Self::Hash => "the hash of a run".to_owned(),
            Self::Window => "the window of a run".to_owned(),
            Self::Rejected(phase) => format!("a program that is rejected in {}", phase.name()),
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Halt => "make a program run and halt, with the state after its last step",
            Self::Trap => {
                "answer `trap` with the trap's name, and the state before the instruction"
            }
            Self::Hash => "write the light rows and the state rows as docs/protocol.md shows them",
            Self::Window => "write a row for each step from `from` on, before `done`",
            Self::Rejected(_) => "answer `reject` with phase, reason and offset of the first fault",
        }
    }

    fn fits(self, expect: &Expect) -> bool {
        match (self, expect) {
            (Self::Rejected(phase), Expect::Rejects(faults)) => {
                faults.first().is_some_and(|fault| fault.phase == phase)
            }
            (Self::Rejected(_), _) | (_, Expect::Rejects(_)) => false,
            (Self::Trap, Expect::Runs(run)) => matches!(run.outcome, ExpectedOutcome::Trap { .. }),
            (_, Expect::Runs(run)) => run.outcome == ExpectedOutcome::Halt,
        }
    }
}

/// Programs this short show what happens, and can be read.
const STEPS: std::ops::RangeInclusive<u64> = 2..=12;

/// The first short case that shows something.
fn choose<'a>(
    isa: &'a Isa,
    codec: &Codec<'_>,
    corpus: &Corpus,
    shown: Shown,
) -> Option<(String, Subject<'a>)> {
    let plain = |case: &&Case| case.requires.is_empty() && shown.fits(&case.expect);
    corpus.cases_of(isa.name()).filter(plain).find_map(|case| {
        let subject = suite::subject(isa, codec, case).ok()?;
        let short = subject.runs().is_none_or(|(_, steps)| STEPS.contains(&steps));
        short.then(|| (case.id.clone(), subject))
    })
}

/// Runs some programs of a machine.
fn programs(
    launch: &Launch,
    isa: &Isa,
    corpus: &Corpus,
    diagnosis: &mut Diagnosis,
) -> Result<(), Mishap> {
    let lines = Arc::new(Mutex::new(Vec::<u8>::new()));
    let mut launch = launch.clone();
    launch.log = Some(lines.clone());
    let mut engine = ChildEngine::start(launch)?;
    let said = engine.description().clone();
    let mut wanted = vec![Shown::Halt, Shown::Trap];
    wanted.extend(said.traces.hash.then_some(Shown::Hash));
    wanted.extend(said.traces.window.then_some(Shown::Window));
    let phases = [Phase::Decode, Phase::Verify].into_iter().filter(|phase| said.phases.has(*phase));
    wanted.extend(phases.map(Shown::Rejected));
    let codec = Codec::new(isa);
    let before = diagnosis.checks.len();
    for shown in wanted {
        let Some((id, subject)) = choose(isa, &codec, corpus, shown) else { continue };
        let mut request = subject.request(&said);
        request.watch = match shown {
            Shown::Hash => Watch::Hash(Checkpoints { every: 2, from: 0 }),
            Shown::Window => Watch::Window { from: 1 },
            Shown::Halt | Shown::Trap | Shown::Rejected(_) => Watch::End,
        };
        take(&lines);
        let reply = engine.run(&request);
        let dialogue = take(&lines);
        let (expected, state) = judged(&mut engine, &subject, &request, reply, shown);
        let about = format!("{}: {} ({id})", isa.name(), shown.about());
        diagnosis.push(Check { about, lines: dialogue, expected, state }, shown.advice());
    }
    if diagnosis.checks.len() == before {
        let check = Check {
            about: format!("{}: programs", isa.name()),
            lines: Vec::new(),
            expected: "they run as they must".to_owned(),
            state: State::Open("none was run: the corpus has no short case for it".to_owned()),
        };
        let advice = format!("give --corpus FOLDER, with cases for {}", isa.name());
        diagnosis.push(check, &advice);
    }
    Ok(())
}

/// The lines of a log, without the introductions that end every exchange.
fn take(log: &Mutex<Vec<u8>>) -> Vec<String> {
    let bytes = match log.lock() {
        Ok(mut bytes) => std::mem::take(&mut *bytes),
        Err(_) => Vec::new(),
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines = text.lines().filter(|line| {
        *line != format!("> {}", HELLO.trim_end())
            && !matches!(message::parse(&line.as_bytes()[2..]), Ok(Message::Hello(_)))
    });
    lines.map(str::to_owned).collect()
}

fn judged(
    engine: &mut ChildEngine,
    subject: &Subject<'_>,
    request: &Request,
    reply: Result<Reply, Mishap>,
    shown: Shown,
) -> (String, State) {
    let observes = engine.description().observes;
    let run = subject.runs().and_then(|(prepared, _)| {
        prepared.run(&request.input, request.fuel, request.watch, observes).ok()
    });
    let expected = match (&run, subject.faults()) {
        (Some(run), _) => format!("{} after {} steps", run.end, run.steps.unwrap_or(0)),
        (None, Some([first, ..])) => {
            format!(
                "rejected: {} {} at {}",
                first.reason.phase().name(),
                first.reason.name(),
                first.at
            )
        }
        (None, _) => String::new(),
    };
    let reply = match reply {
        Ok(reply) => reply,
        Err(mishap) => return (expected, State::Wrong(mishap.to_string())),
    };
    if let (Shown::Window, Some(run), Reply::Ran(found)) = (shown, &run, &reply) {
        let wrong =
            run.rows.iter().zip(&found.rows).position(|(expected, found)| expected != found);
        if let Some(place) = wrong.or((run.rows.len() != found.rows.len()).then_some(0)) {
            let (wanted, rows) = (run.rows.len(), found.rows.len());
            let why = format!("row {} of {rows} is wrong; {wanted} rows are expected", place + 1);
            return (expected, State::Wrong(why));
        }
    }
    let state = match subject.judge(engine, request, &reply) {
        Ok(Finding::Agrees) => State::Well,
        Ok(Finding::NoValues(why)) => State::Wrong(why),
        Ok(Finding::Unsupported(message)) => State::Open(format!("unsupported: {message}")),
        Ok(Finding::Differs(failure)) => {
            let mut words: Vec<String> = Vec::new();
            for found in &failure.differences {
                let (aspect, wanted) = (found.aspect.name(), &found.expected);
                words.push(format!("{aspect}: expected {wanted}, found {}", found.found));
            }
            if let Some(first) = &failure.divergence {
                words.push(format!("first wrong at {} in {}", first.offset, first.text));
            }
            State::Wrong(words.join("; "))
        }
        Err(error) => State::Wrong(error.to_string()),
    };
    (expected, state)
}

/// What the engine must show to be held to a machine at the highest level.
fn to_rise(said: &Description, isa: &Isa) -> Option<String> {
    if said.level(isa) == Level::Full {
        return None;
    }
    let machine = isa.machine();
    let seen = said.observes;
    let parts = [
        ("pc", seen.pc),
        ("depth", seen.depth || machine.call_depth.is_none()),
        ("stack", seen.stack || machine.stack.is_none()),
        ("cells", seen.cells || machine.banks.is_empty()),
        ("output", seen.output || machine.output.is_none()),
    ];
    let missing = parts.iter().filter(|(_, seen)| !seen).map(|(part, _)| format!("`{part}`"));
    let missing: Vec<String> = missing.collect();
    let mut steps = Vec::new();
    if !missing.is_empty() {
        steps.push(format!("observe {}", missing.join(", ")));
    }
    if !said.traces.hash && !said.traces.window {
        steps.push("trace by `hash` (and `window`, to see the first wrong step)".to_owned());
    }
    let steps = steps.join(" and ");
    Some(format!("{steps} to reach level full on {}", isa.name()))
}

/// The phases that an engine lacks, which only costs the cases that are rejected there.
fn phases_to_add(said: &Description) -> Vec<String> {
    let missing =
        [Phase::Decode, Phase::Verify].into_iter().filter(|phase| !said.phases.has(*phase));
    let advice = missing.map(|phase| {
        let name = phase.name();
        format!("reject bad programs in a phase `{name}`; without it, cases about that are skipped")
    });
    advice.collect()
}
