// Build: rustc --edition 2021 -O engine.rs; run: ./engine

use std::io::{self, BufRead, Write};

const NAME: &str = "@NAME@";
const MACHINES: &str = "@MACHINE@";
const PHASES: &str = "run"; // TODO: decode,verify,run if it rejects bad programs itself
const OBSERVES: &str = "pc,depth,stack,cells,output"; // TODO: what your VM can show; leave the rest out of what is written
const TRACES: &str = "hash,window";

/// Runs `run.program`, starting from the cells of `run.input`. `println!` would get between the answers: use `eprintln!`.
fn execute(run: &mut Run) -> Outcome {
    // TODO: your VM here. Keep `run.state` up to date, its output too:
    //
    //     while run.step() {
    //         match run.program[run.state.pc] {
    //             0x00 => return Outcome::Halt,
    //             ...
    //             return Outcome::Trap("div_by_zero");
    //         }
    //     }
    //     Outcome::Fuel
    let _ = run;
    Outcome::Unsupported("not yet")
}

#[allow(dead_code)]
enum Outcome {
    Halt,
    Fuel,
    Trap(&'static str),
    Reject { phase: &'static str, reason: &'static str, at: usize },
    Unsupported(&'static str),
}

/// What can be seen of the machine; the banks in the order of the manual's table of storage.
#[derive(Default)]
struct State {
    pc: usize,
    depth: usize,
    stack: Vec<i64>,
    banks: Vec<(&'static str, Vec<i64>)>,
    output: Vec<i64>,
}

#[derive(Default)]
#[allow(dead_code)]
struct Run {
    program: Vec<u8>,
    /// As in `local:0=5,local:25=-1`.
    input: String,
    state: State,
    id: String,
    trace: String,
    fuel: u64,
    every: u64,
    from: u64,
    steps: u64,
    crc: u32,
    checkpoints: Vec<String>,
    /// Answers not yet written.
    rows: String,
}

fn list(values: &[i64]) -> String {
    values.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

impl State {
    fn cells(&self) -> String {
        let cells = self.banks.iter().flat_map(|(name, cells)| {
            let set = cells.iter().enumerate().filter(|(_, value)| **value != 0);
            set.map(move |(index, value)| format!("{name}:{index}={value}"))
        });
        cells.collect::<Vec<_>>().join(",")
    }

    fn printed(&self) -> String {
        let last = self.output.last().map(i64::to_string).unwrap_or_default();
        format!("{}:{last}", self.output.len())
    }
}

#[allow(dead_code)]
impl Run {
    /// To be called before every step. Does what the trace asks for; false when the fuel is used.
    fn step(&mut self) -> bool {
        if self.steps == self.fuel {
            return false;
        }
        let s = &self.state;
        if self.trace == "hash" {
            let height = s.stack.len();
            let mut row = format!("{} {} {height}", s.pc, s.depth);
            s.stack.iter().rev().take(4).for_each(|value| row += &format!(" {value}"));
            if self.every != 0 && self.steps % self.every == 0 && self.steps > self.from {
                self.feed_state();
                self.checkpoints.push(format!("{:08x}", self.crc));
            }
            self.feed(&row);
        } else if self.trace == "window" && self.steps >= self.from {
            let (id, step, pc, depth) = (&self.id, self.steps, s.pc, s.depth);
            let (printed, stack, cells) = (s.printed(), list(&s.stack), s.cells());
            self.rows += &format!(
                "{{\"type\":\"row\",\"id\":{id},\"step\":{step},\"pc\":{pc},\"depth\":{depth},\
                 \"printed\":\"{printed}\",\"stack\":\"{stack}\",\"cells\":\"{cells}\"}}\n"
            );
        }
        self.steps += 1;
        true
    }

    fn feed(&mut self, line: &str) {
        let mut crc = !self.crc;
        for byte in line.bytes().chain([b'\n']) {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = crc >> 1 ^ (0xedb88320 & (crc & 1).wrapping_neg());
            }
        }
        self.crc = !crc;
    }

    fn feed_state(&mut self) {
        let s = &self.state;
        let row = format!("S {} {} {} {} {}", s.pc, s.depth, s.printed(), list(&s.stack), s.cells());
        self.feed(&row);
    }

    /// The last line of the answer.
    fn done(&mut self, outcome: Outcome) -> String {
        let told = match outcome {
            Outcome::Halt => "\"halt\"".to_string(),
            Outcome::Fuel => "\"fuel\"".to_string(),
            Outcome::Trap(name) => format!("\"trap\",\"trap\":\"{name}\",\"at\":{}", self.state.pc),
            Outcome::Reject { phase, reason, at } => {
                return self.told(&format!("\"reject\",\"phase\":\"{phase}\",\"reason\":\"{reason}\",\"at\":{at}"));
            }
            Outcome::Unsupported(message) => return self.told(&format!("\"unsupported\",\"message\":\"{message}\"")),
        };
        let s = &self.state;
        let (stack, cells, output) = (list(&s.stack), s.cells(), list(&s.output));
        let place = format!("\"steps\":{},\"pc\":{},\"depth\":{}", self.steps, s.pc, s.depth);
        let mut text = format!("{told},{place},\"stack\":\"{stack}\",\"cells\":\"{cells}\",\"output\":\"{output}\"");
        if self.trace == "hash" {
            self.feed_state();
            text += &format!(",\"hash\":\"{:08x}\",\"checkpoints\":\"{}\"", self.crc, self.checkpoints.join(","));
        }
        self.told(&text)
    }

    fn told(&self, outcome: &str) -> String {
        format!("{}{{\"type\":\"done\",\"id\":{},\"outcome\":{outcome}}}\n", self.rows, self.id)
    }
}

/// The value of a key: requests are flat, without spaces and backslashes.
fn find<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("\"{key}\":"))?;
    match rest.strip_prefix('"') {
        Some(string) => string.split('"').next(),
        None => rest.split([',', '}']).next(),
    }
}

fn number(line: &str, key: &str) -> Result<u64, String> {
    let value = find(line, key).and_then(|value| value.parse().ok());
    value.ok_or_else(|| format!("run without a number {key}"))
}

fn text<'a>(line: &'a str, key: &str) -> Result<&'a str, String> {
    find(line, key).ok_or_else(|| format!("run without {key}"))
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let pairs = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(hex.get(i..i + 2)?, 16).ok());
    pairs.collect::<Option<_>>().ok_or_else(|| "program is not hexadecimal".to_string())
}

fn hello(line: &str) -> Result<String, String> {
    match (find(line, "protocol"), find(line, "requires")) {
        (Some("1"), None | Some("")) => Ok(format!(
            "{{\"type\":\"hello\",\"protocol\":1,\"name\":\"{NAME}\",\"version\":\"0.1.0\",\"machines\":\"{MACHINES}\",\
             \"phases\":\"{PHASES}\",\"observes\":\"{OBSERVES}\",\"traces\":\"{TRACES}\"}}\n"
        )),
        (Some("1"), Some(capability)) => Err(format!("unknown capability: {capability}")),
        _ => Err("this engine speaks protocol 1 only".to_string()),
    }
}

fn run(line: &str) -> Result<String, String> {
    text(line, "machine")?;
    let trace = text(line, "trace")?.to_string();
    if !["none", "hash", "window"].contains(&trace.as_str()) {
        return Err("unknown trace".to_string());
    }
    let mut run = Run {
        program: bytes(text(line, "program")?)?,
        input: text(line, "input")?.to_string(),
        id: number(line, "id")?.to_string(),
        fuel: number(line, "fuel")?,
        every: number(line, "every")?,
        from: number(line, "from")?,
        trace,
        ..Run::default()
    };
    let outcome = execute(&mut run);
    Ok(run.done(outcome))
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        let answer = match find(&line, "type") {
            Some("bye") => break,
            Some("hello") => hello(&line),
            Some("run") => run(&line),
            Some(_) => Err("unknown request".to_string()),
            None => Err("unreadable request".to_string()),
        };
        let answer = answer.unwrap_or_else(|message| {
            let id = number(&line, "id").map(|id| format!(",\"id\":{id}")).unwrap_or_default();
            let message: String = message.chars().filter(|c| c.is_ascii_graphic() && !"\"\\".contains(*c) || *c == ' ').collect();
            format!("{{\"type\":\"error\"{id},\"message\":\"{message}\"}}\n")
        });
        out.write_all(answer.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}
