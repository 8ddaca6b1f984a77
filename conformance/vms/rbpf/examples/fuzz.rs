//! Fuzzes rbpf's interpreter in this process, without the protocol: `cargo run --release --example fuzz -- 100000`.
//!
//! It is also the pattern for any VM in Rust: a type that implements `Engine`, and a campaign.

use std::panic;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use bytestone::campaign::{self, Contestant, Extent, Programs};
use bytestone::engine::{
    Description, End, Engine, Fuel, Mishap, MishapKind, NamedCell, Phases, Ran, Rejected, Reply,
    Request, Snapshot,
};
use bytestone_adapter::input::Input;
use bytestone_adapter::memory::Memory;
use bytestone_adapter::protocol::{self, Answer};
use bytestone_rbpf::{Mode, Prepared, VERSION};
use bytestone_vm::host::Call;
use bytestone_vm::trace::view::Observed;
use bytestone_vm::{Phase, Value};

/// Programs, when no number is given.
const PROGRAMS: u64 = 20_000;
/// How long a program may run.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let number = |at: usize, other: u64| {
        std::env::args().nth(at).map_or(Ok(other), |text| text.parse::<u64>())
    };
    let (count, seed) = (number(1, PROGRAMS)?, number(2, 1)?);
    let isa = bytestone_spec::load_builtin("ebpf").ok_or("there is no machine ebpf")??;
    let programs = Programs::new(&isa, seed)?;
    let mut contestants =
        [Contestant { name: "rbpf".to_owned(), instances: vec![Box::new(Rbpf::new()?)] }];
    let extent = Extent { programs: count, time: None, findings: 20 };
    let begun = Instant::now();
    let outcome = campaign::run(&programs, &mut contestants, extent, |_, _| ());
    let progress = outcome.progress;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{} programs, {:.0} programs/s, {} halt, {} not supported, {} differ",
        progress.programs,
        progress.programs as f64 / seconds,
        progress.clean,
        progress.unsupported,
        progress.differing
    );
    for found in &outcome.found {
        println!("\n# {}\n{}", found.kind, programs.case_file(found)?);
    }
    Ok(if outcome.found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// rbpf's interpreter.
struct Rbpf {
    description: Description,
    memory: Memory,
    worker: Worker,
}

impl Rbpf {
    fn new() -> std::io::Result<Self> {
        let description = Description {
            name: "rbpf".to_owned(),
            version: VERSION.to_owned(),
            machines: vec!["ebpf@1".to_owned()],
            phases: Phases { decode: true, verify: true },
            observes: Observed { output: true, host: true, ..Observed::default() },
            fuel: Fuel::Ignored,
            ..Description::default()
        };
        let memory = Memory::map()?;
        // Of memory that is registered rbpf checks the first byte of an access only.
        memory.pad()?;
        Ok(Self { description, memory, worker: Worker::start() })
    }
}

impl Engine for Rbpf {
    fn description(&self) -> &Description {
        &self.description
    }

    fn run(&mut self, request: &Request) -> Result<Reply, Mishap> {
        let input = match input(&request.input) {
            Ok(input) => input,
            Err(message) => return Ok(Reply::Unsupported(message)),
        };
        let prepared = Prepared::new(Mode::Interpreter, &request.program, input, &mut self.memory);
        let answer = match prepared {
            Ok(prepared) => self.worker.run(prepared)?,
            Err(answer) => answer,
        };
        Ok(reply(answer))
    }
}

/// The input of a request.
fn input(cells: &[NamedCell]) -> Result<Input, String> {
    let mut input = Input::default();
    for cell in cells {
        match (cell.bank.as_str(), &cell.value) {
            ("mem", Value::Bytes(bytes)) => input.mem = bytes.to_vec(),
            ("reg", Value::Int(value)) => input.registers.push((cell.index as u8, *value as u64)),
            ("answer", Value::Int(value)) => input.replies.push(*value as u64),
            (other, _) => return Err(format!("input of {other}")),
        }
    }
    Ok(input)
}

/// An answer as Bytestone takes it.
fn reply(answer: Answer) -> Reply {
    let ran = match answer {
        Answer::Unsupported(message) => return Reply::Unsupported(message),
        Answer::Reject { phase, .. } => {
            let phase = if phase == "decode" { Phase::Decode } else { Phase::Verify };
            return Reply::Rejected(Rejected { phase, reason: None, at: None });
        }
        Answer::Ran(ran) => ran,
    };
    let end = match ran.end {
        protocol::End::Halt => End::Halt,
        protocol::End::Trap(trap) => End::Trap { trap: Some(trap.to_owned()), at: None },
        protocol::End::Fuel => End::Fuel,
    };
    let output: Vec<Value> = ran.output.iter().map(|value| Value::Int((*value).into())).collect();
    let calls: Option<Vec<Call>> = ran.calls.iter().map(|call| Call::from_wire(call)).collect();
    let state = Snapshot {
        printed: Some((output.len() as u64, output.last().cloned())),
        called: calls.as_ref().map(|calls| (calls.len() as u64, calls.last().cloned())),
        ..Snapshot::default()
    };
    Reply::Ran(Box::new(Ran {
        end,
        steps: None,
        state,
        output: Some(output),
        host: calls,
        hash: None,
        checkpoints: Vec::new(),
        rows: Vec::new(),
        message: Some(ran.message),
    }))
}

/// Runs programs in a thread of its own. rbpf counts no steps and cannot be stopped, so a program without an end is given
/// up, and with it what would come behind it.
struct Worker {
    programs: Sender<Prepared>,
    answers: Receiver<thread::Result<Answer>>,
    is_stuck: bool,
}

impl Worker {
    fn start() -> Self {
        let (programs, given) = mpsc::channel::<Prepared>();
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            for program in given {
                if sender.send(panic::catch_unwind(|| program.run())).is_err() {
                    break;
                }
            }
        });
        Self { programs, answers, is_stuck: false }
    }

    fn run(&mut self, program: Prepared) -> Result<Answer, MishapKind> {
        let given_up = || MishapKind::GivenUp("a program before it still runs".to_owned());
        if self.is_stuck || self.programs.send(program).is_err() {
            return Err(given_up());
        }
        match self.answers.recv_timeout(PATIENCE) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(MishapKind::Panicked("rbpf panicked".to_owned())),
            Err(_) => {
                self.is_stuck = true;
                Err(MishapKind::TimedOut(PATIENCE))
            }
        }
    }
}
