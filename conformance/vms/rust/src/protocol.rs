//! The engine protocol, version 1, from the engine's side.

use std::fmt::Write as _;
use std::io::{self, Read, Write};

/// The longest line that is read.
const LONGEST_LINE: usize = 64 << 20;

/// What an engine says of itself; the lists have commas between.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `name@major`.
    pub machines: &'static str,
    /// Of `decode`, `verify`, `run`.
    pub phases: &'static str,
    /// Of `pc`, `depth`, `stack`, `cells`, `output`, `host`.
    pub observes: &'static str,
    /// Of `hash`, `window`.
    pub traces: &'static str,
    /// `counted` or `ignored`.
    pub fuel: &'static str,
}

/// A program to run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The code.
    pub program: Vec<u8>,
    /// Cells set before the first step, and replies of the host, as they were sent.
    pub input: String,
    /// The most steps.
    pub fuel: u64,
    /// What is to be seen of the steps.
    pub trace: Trace,
}

/// What is to be seen of the steps.
#[derive(Clone, Copy, Debug)]
pub enum Trace {
    /// Nothing.
    None,
    /// A hash, with a checkpoint every so many steps (0 for none), after a step.
    Hash {
        /// Steps from one checkpoint to the next.
        every: u64,
        /// No checkpoint up to this step.
        from: u64,
    },
    /// Rows from a step on.
    Window {
        /// The first step to show.
        from: u64,
    },
}

/// What can be seen of a machine without an operand stack.
pub trait View {
    /// The offset of the next instruction.
    fn pc(&self) -> u64;
    /// The active calls.
    fn depth(&self) -> u64;
    /// The cells that are not zero, as the protocol writes them.
    fn cells(&self) -> String;
    /// The calls of the host, as the protocol writes them.
    fn calls(&self) -> Vec<String>;
}

/// What came of a program.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It ran.
    Ran(Ran),
    /// It is rejected by a phase; a reason of the closed list and its offset, where they are known.
    Reject {
        /// `decode` or `verify`.
        phase: &'static str,
        /// In the engine's words.
        message: String,
    },
    /// The engine does not do this.
    Unsupported(String),
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How it ended.
    pub end: End,
    /// What was printed, if that is known.
    pub output: Vec<u64>,
    /// The calls of the host, as the protocol writes them.
    pub calls: Vec<String>,
    /// The state at the end with the steps done, if the engine shows one.
    pub state: Option<Box<Final>>,
    /// In the engine's words.
    pub message: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The program ended.
    Halt,
    /// It trapped.
    Trap(&'static str),
    /// All fuel was used.
    Fuel,
}

/// The state at the end of a run, written down.
#[derive(Clone, Debug)]
pub struct Final {
    /// The calls of the host until then.
    pub calls: Vec<String>,
    steps: u64,
    pc: u64,
    depth: u64,
    cells: String,
    rows: Vec<String>,
    hash: Option<(u32, Vec<String>)>,
}

/// Watches a run as a request asks.
#[derive(Debug)]
pub struct Recorder {
    trace: Trace,
    steps: u64,
    crc: u32,
    checkpoints: Vec<String>,
    rows: Vec<String>,
}

impl Recorder {
    /// A recorder for a run of which nothing was seen yet.
    pub fn new(trace: Trace) -> Self {
        Self { trace, steps: 0, crc: 0, checkpoints: Vec::new(), rows: Vec::new() }
    }

    /// The steps seen.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes the state before a step. Nothing is printed before the end.
    pub fn step(&mut self, view: &impl View) {
        match self.trace {
            Trace::Hash { every, from } => {
                if every != 0 && self.steps.is_multiple_of(every) && self.steps > from {
                    self.state(view, &[]);
                    self.checkpoints.push(format!("{:08x}", self.crc));
                }
                self.feed(&format!("{} {} 0", view.pc(), view.depth()));
            }
            Trace::Window { from } if self.steps >= from => {
                let (step, pc, depth, cells) = (self.steps, view.pc(), view.depth(), view.cells());
                let called = called(&view.calls());
                self.rows.push(format!(
                    "\"step\":{step},\"pc\":{pc},\"depth\":{depth},\"printed\":\"0:\",\"called\":\"{called}\",\
                     \"stack\":\"\",\"cells\":\"{cells}\""
                ));
            }
            Trace::Window { .. } | Trace::None => {}
        }
        self.steps += 1;
    }

    /// Takes the state after the last step, and all that was printed.
    pub fn finish(mut self, view: &impl View, output: &[u64]) -> Final {
        let hash = matches!(self.trace, Trace::Hash { .. }).then(|| {
            self.state(view, output);
            (self.crc, std::mem::take(&mut self.checkpoints))
        });
        let (steps, rows, calls) = (self.steps, self.rows, view.calls());
        Final { calls, steps, pc: view.pc(), depth: view.depth(), cells: view.cells(), rows, hash }
    }

    fn state(&mut self, view: &impl View, output: &[u64]) {
        let last = output.last().map(u64::to_string).unwrap_or_default();
        let (pc, depth, count, cells) = (view.pc(), view.depth(), output.len(), view.cells());
        let called = called(&view.calls());
        self.feed(&format!("S {pc} {depth} {count}:{last} {called}  {cells}"));
    }

    fn feed(&mut self, line: &str) {
        let mut crc = !self.crc;
        for byte in line.bytes().chain([b'\n']) {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            }
        }
        self.crc = !crc;
    }
}

/// How many calls there were, and the last of them.
fn called(calls: &[String]) -> String {
    format!("{}:{}", calls.len(), calls.last().map_or("", String::as_str))
}

/// Answers requests until there are no more. Standard input is read byte by byte, so that no
/// request is lost when the process becomes another one ([`std::os::unix::process::CommandExt::exec`]).
///
/// # Errors
///
/// Standard input or output is gone.
pub fn serve(
    description: &Description,
    mut execute: impl FnMut(&Run) -> Answer,
    mut after: impl FnMut(),
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    while let Some(line) = next_line()? {
        let line = String::from_utf8_lossy(&line).into_owned();
        let answer = match find(&line, "type") {
            Some("bye") => break,
            Some("hello") => hello(&line, description),
            Some("run") => parse(&line).map(|(id, run)| done(description, id, &execute(&run))),
            Some(_) => Err("unknown request".to_owned()),
            None => Err("unreadable request".to_owned()),
        };
        let answer = answer.unwrap_or_else(|message| {
            let id = number(&line, "id").map(|id| format!(",\"id\":{id}")).unwrap_or_default();
            format!("{{\"type\":\"error\"{id},\"message\":\"{}\"}}\n", plain(&message))
        });
        out.write_all(answer.as_bytes())?;
        out.flush()?;
        after();
    }
    Ok(())
}

/// A line of standard input without its end; none when there are no more.
fn next_line() -> io::Result<Option<Vec<u8>>> {
    let mut input =
        std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned().map(std::fs::File::from)?;
    let (mut line, mut byte) = (Vec::new(), [0]);
    while input.read(&mut byte)? == 1 {
        match byte[0] {
            b'\n' => return Ok(Some(line)),
            _ if line.len() == LONGEST_LINE => return Err(io::Error::other("line too long")),
            other => line.push(other),
        }
    }
    Ok((!line.is_empty()).then_some(line))
}

/// Text that may stand in a string of JSON as it is.
fn plain(text: &str) -> String {
    let fits = |c: &char| (c.is_ascii_graphic() || *c == ' ') && !"\"\\".contains(*c);
    text.chars().map(|c| if c == '\n' { ' ' } else { c }).filter(fits).collect()
}

/// The value of a key: requests are flat, without spaces and backslashes.
fn find<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("\"{key}\":"))?;
    match rest.strip_prefix('"') {
        Some(string) => string.split('"').next(),
        None => rest.split([',', '}']).next(),
    }
}

fn text<'a>(line: &'a str, key: &str) -> Result<&'a str, String> {
    find(line, key).ok_or_else(|| format!("run without {key}"))
}

fn number(line: &str, key: &str) -> Result<u64, String> {
    let value = find(line, key).and_then(|value| value.parse().ok());
    value.ok_or_else(|| format!("run without a number {key}"))
}

/// Bytes in hexadecimal without spaces.
pub fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pair = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(pair).collect()
}

fn hello(line: &str, it: &Description) -> Result<String, String> {
    match (find(line, "protocol"), find(line, "requires")) {
        (Some("1"), None | Some("")) => Ok(format!(
            "{{\"type\":\"hello\",\"protocol\":1,\"name\":\"{}\",\"version\":\"{}\",\"machines\":\"{}\",\
             \"phases\":\"{}\",\"observes\":\"{}\",\"traces\":\"{}\",\"fuel\":\"{}\"}}\n",
            it.name, it.version, it.machines, it.phases, it.observes, it.traces, it.fuel,
        )),
        (Some("1"), Some(capability)) => Err(format!("unknown capability: {capability}")),
        _ => Err("this engine speaks protocol 1 only".to_owned()),
    }
}

fn parse(line: &str) -> Result<(u64, Run), String> {
    let (every, from) = (number(line, "every")?, number(line, "from")?);
    let trace = match text(line, "trace")? {
        "none" => Trace::None,
        "hash" => Trace::Hash { every, from },
        "window" => Trace::Window { from },
        _ => return Err("unknown trace".to_owned()),
    };
    text(line, "machine")?;
    let program = bytes(text(line, "program")?).ok_or("program is not hexadecimal")?;
    let input = text(line, "input")?.to_owned();
    Ok((number(line, "id")?, Run { program, input, fuel: number(line, "fuel")?, trace }))
}

fn done(it: &Description, id: u64, answer: &Answer) -> String {
    let begin = format!("{{\"type\":\"done\",\"id\":{id},\"outcome\":");
    let mut text = String::new();
    let rows =
        |ran: &Ran| ran.state.iter().flat_map(|state| state.rows.clone()).collect::<Vec<_>>();
    if let Answer::Ran(ran) = answer {
        for row in rows(ran) {
            let _ = writeln!(text, "{{\"type\":\"row\",\"id\":{id},{row}}}");
        }
    }
    text += &begin;
    let message = match answer {
        Answer::Ran(ran) => {
            text += &ended(it, ran);
            &ran.message
        }
        Answer::Reject { phase, message } => {
            let _ = write!(text, "\"reject\",\"phase\":\"{phase}\"");
            message
        }
        Answer::Unsupported(message) => {
            text += "\"unsupported\"";
            message
        }
    };
    if !message.is_empty() {
        let _ = write!(text, ",\"message\":\"{}\"", plain(message));
    }
    text + "}\n"
}

fn ended(it: &Description, ran: &Ran) -> String {
    let mut text = match (ran.end, &ran.state) {
        (End::Halt, _) => "\"halt\"".to_owned(),
        (End::Fuel, _) => "\"fuel\"".to_owned(),
        (End::Trap(name), Some(state)) => {
            format!("\"trap\",\"trap\":\"{name}\",\"at\":{}", state.pc)
        }
        (End::Trap(name), None) => format!("\"trap\",\"trap\":\"{name}\""),
    };
    if let Some(Final { steps, pc, depth, cells, hash, .. }) = ran.state.as_deref() {
        let _ = write!(text, ",\"steps\":{steps},\"pc\":{pc},\"depth\":{depth},\"stack\":\"\"");
        let _ = write!(text, ",\"cells\":\"{cells}\"");
        if let Some((hash, checkpoints)) = hash {
            let _ = write!(
                text,
                ",\"hash\":\"{hash:08x}\",\"checkpoints\":\"{}\"",
                checkpoints.join(",")
            );
        }
    }
    let observes = |wanted| it.observes.split(',').any(|part| part == wanted);
    if observes("host") {
        let _ = write!(text, ",\"host\":\"{}\"", ran.calls.join(","));
    }
    if observes("output") {
        let output: Vec<String> = ran.output.iter().map(u64::to_string).collect();
        let _ = write!(text, ",\"output\":\"{}\"", output.join(","));
    }
    text
}
