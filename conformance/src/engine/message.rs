//! The messages of the protocol (`docs/protocol.md`) as text and as types.

use std::borrow::Cow;
use std::fmt::Write;

use bytestone_vm::host::Call;
use bytestone_vm::trace::Checkpoints;
use bytestone_vm::trace::view::Observed;
use bytestone_vm::{Phase, Reason, Value};
use schemars::JsonSchema;
use serde::Deserialize;

use super::cell::{
    cells_text, parse_call, parse_calls, parse_output, parse_seen, parse_stack, parse_value,
};
use super::{
    Description, End, Fuel, Phases, Ran, Rejected, Reply, Request, Row, Snapshot, Traces,
    UNCLASSIFIED, Watch,
};

/// The version of the protocol.
pub const PROTOCOL: u64 = 1;

/// The request for an introduction.
pub const HELLO: &str = "{\"type\":\"hello\",\"protocol\":1,\"requires\":\"\"}\n";
/// The request to end.
pub const BYE: &str = "{\"type\":\"bye\"}\n";

/// Appends the line of a `run` request.
pub fn push_run(line: &mut Vec<u8>, id: u64, request: &Request) {
    let mut text = String::with_capacity(192 + 2 * request.program.len());
    let (trace, every, from) = match request.watch {
        Watch::End => ("none", 0, 0),
        Watch::Hash(Checkpoints { every, from }) => ("hash", every, from),
        Watch::Window { from } => ("window", 0, from),
    };
    // Writing to a string cannot fail.
    let _ = write!(text, r#"{{"type":"run","id":{id},"machine":"{}","program":""#, request.machine);
    for byte in &request.program {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    let _ = writeln!(
        text,
        r#"","input":"{}","fuel":{},"trace":"{trace}","every":{every},"from":{from}}}"#,
        cells_text(&request.input),
        request.fuel
    );
    line.extend_from_slice(text.as_bytes());
}

/// What an engine wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Its introduction.
    Hello(Description),
    /// A row of a window.
    Row {
        /// The id of the request.
        id: u64,
        /// The row.
        row: Row,
    },
    /// The answer to a `run`; rows came before it.
    Done {
        /// The id of the request.
        id: u64,
        /// The answer.
        reply: Reply,
    },
    /// The engine could not read a request.
    Error {
        /// The id of the request, if the engine found one.
        id: Option<u64>,
        /// What it says.
        message: String,
    },
}

/// Reads a line that an engine wrote.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn parse(line: &[u8]) -> Result<Message, String> {
    let text = std::str::from_utf8(line).map_err(|_| "a line that is not UTF-8".to_owned())?;
    let wire: Wire<'_> = serde_json::from_str(text)
        .map_err(|error| format!("a line that is no message ({error}): {}", excerpt(text)))?;
    message(wire).map_err(|why| format!("{why}: {}", excerpt(text)))
}

/// A text of an engine as it can be shown: control characters, which a terminal would obey, are written out.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_obeyed = |char: char| char.is_control() && !matches!(char, '\n' | '\t');
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_obeyed(char) {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    Cow::Owned(shown)
}

/// The beginning of a line, for messages.
pub fn excerpt(text: &str) -> String {
    const SHOWN: usize = 200;
    let text = printable(text);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

fn message(wire: Wire<'_>) -> Result<Message, String> {
    match wire {
        Wire::Hello(hello) => description(&hello).map(Message::Hello),
        Wire::Row(row) => {
            let id = row.id;
            Ok(Message::Row { id, row: Row { step: row.step, state: row.snapshot()? } })
        }
        Wire::Done(done) => Ok(Message::Done { id: done.id, reply: reply(done)? }),
        Wire::Error { id, message } => Ok(Message::Error { id, message: message.into_owned() }),
    }
}

/// What an engine writes.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
#[schemars(rename = "Answer")]
enum Wire<'a> {
    #[serde(borrow)]
    Hello(HelloWire<'a>),
    #[serde(borrow)]
    Row(RowWire<'a>),
    #[serde(borrow)]
    Done(Box<DoneWire<'a>>),
    /// What could not be read.
    Error {
        /// The id of the request, if there was one.
        #[serde(default)]
        id: Option<u64>,
        /// What is wrong, in words.
        message: Cow<'a, str>,
    },
}

/// The introduction of an engine.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Hello")]
struct HelloWire<'a> {
    /// The version of the protocol: 1.
    protocol: u64,
    /// The engine's name.
    name: Cow<'a, str>,
    /// The engine's version.
    version: Cow<'a, str>,
    /// `name@major` with commas between.
    machines: Cow<'a, str>,
    /// Of `decode`, `verify`, `run`, with commas between.
    phases: Cow<'a, str>,
    /// Of `pc`, `depth`, `stack`, `cells`, `output`, `host`, `heap`, with commas between.
    observes: Cow<'a, str>,
    /// Of `hash`, `window`, with commas between.
    traces: Cow<'a, str>,
    /// `counted` (when absent), or `ignored` if the engine cannot end a run when the fuel is used.
    #[serde(default)]
    fuel: Cow<'a, str>,
    /// Capabilities that Bytestone must know.
    #[serde(default)]
    requires: Cow<'a, str>,
}

/// The state before a step.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Row")]
struct RowWire<'a> {
    /// The id of the request.
    id: u64,
    /// The number of the step, counted from 0.
    step: u64,
    /// The offset of the next instruction.
    pc: Option<u32>,
    /// The calls not yet returned from.
    depth: Option<u32>,
    /// How many values were printed and the last of them: `2:13`, or `0:`. In rows only.
    #[serde(borrow)]
    printed: Option<Cow<'a, str>>,
    /// How many calls of the host were made and the last of them: `2:answer(1;2)=7`, or `0:`. In rows only.
    #[serde(borrow)]
    called: Option<Cow<'a, str>>,
    /// The operand stack, bottom first, with commas between.
    #[serde(borrow)]
    stack: Option<Cow<'a, str>>,
    /// The cells that are not zero: `bank:index=value` with commas between.
    #[serde(borrow)]
    cells: Option<Cow<'a, str>>,
}

/// The answer to `run`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Done")]
struct DoneWire<'a> {
    /// The id of the request.
    id: u64,
    /// How the run ended.
    outcome: OutcomeWire,
    /// The name of the trap, or `unclassified`.
    #[serde(borrow)]
    trap: Option<Cow<'a, str>>,
    /// The phase that rejects.
    phase: Option<PhaseWire>,
    /// The reason of the rejection, or `unclassified`.
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    /// The offset of the trap or fault.
    at: Option<u32>,
    /// For people.
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    /// The steps done.
    steps: Option<u64>,
    /// The offset of the next instruction.
    pc: Option<u32>,
    /// The calls not yet returned from.
    depth: Option<u32>,
    /// The operand stack, bottom first, with commas between.
    #[serde(borrow)]
    stack: Option<Cow<'a, str>>,
    /// The cells that are not zero: `bank:index=value` with commas between.
    #[serde(borrow)]
    cells: Option<Cow<'a, str>>,
    /// Everything printed, with commas between.
    #[serde(borrow)]
    output: Option<Cow<'a, str>>,
    /// All calls of the host, with commas between, on machines with functions of the host.
    #[serde(borrow)]
    host: Option<Cow<'a, str>>,
    /// CRC-32 of the rows, eight hexadecimal digits.
    #[serde(borrow)]
    hash: Option<Cow<'a, str>>,
    /// The hashes at the checkpoints, with commas between.
    #[serde(borrow)]
    checkpoints: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Outcome")]
enum OutcomeWire {
    Halt,
    Trap,
    Reject,
    Fuel,
    Unsupported,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Phase")]
enum PhaseWire {
    Decode,
    Verify,
}

/// A request.
#[derive(JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
#[schemars(rename = "Request")]
#[allow(dead_code, reason = "the fields are there for the schema; requests are written as text")]
enum RequestWire {
    /// Asks the engine to introduce itself.
    Hello {
        /// The version of the protocol: 1.
        protocol: u64,
        /// Capabilities that the engine must know, with commas between.
        requires: String,
    },
    /// Asks the engine to run a program.
    Run {
        /// The answer repeats it.
        id: u64,
        /// The name of the machine.
        machine: String,
        /// The code in hexadecimal, lower case.
        program: String,
        /// Cells set before the first step: `bank:index=value` with commas between; replies of the host by function.
        input: String,
        /// The most steps.
        fuel: u64,
        /// What is to be seen of the steps.
        trace: TraceWire,
        /// A checkpoint every so many steps; 0 for none.
        every: u64,
        /// No checkpoint up to this step; the first step of a window.
        from: u64,
    },
    /// Asks the engine to end.
    Bye {},
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Trace")]
#[allow(dead_code, reason = "for the schema")]
enum TraceWire {
    None,
    Hash,
    Window,
}

/// The JSON Schemas of all messages: what Bytestone writes, and what engines write.
pub fn schema() -> serde_json::Value {
    let mut generator = schemars::SchemaGenerator::default();
    let request = generator.subschema_for::<RequestWire>();
    let answer = generator.subschema_for::<Wire<'static>>();
    let definitions = generator.take_definitions(true);
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Message of the Bytestone engine protocol 1",
        "anyOf": [request, answer],
        "$defs": definitions,
    })
}

/// The words of a list with commas between.
fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn description(hello: &HelloWire<'_>) -> Result<Description, String> {
    if hello.protocol != PROTOCOL {
        return Err(format!(
            "the engine speaks protocol {}, and this is protocol {PROTOCOL}",
            hello.protocol
        ));
    }
    if let Some(capability) = words(&hello.requires).next() {
        return Err(format!("the engine requires `{capability}`, which protocol 1 does not have"));
    }
    let mut phases = Phases::default();
    for word in words(&hello.phases) {
        match word {
            "decode" => phases.decode = true,
            "verify" => phases.verify = true,
            // `run` is what every engine does, and later versions may have further phases.
            _ => {}
        }
    }
    let mut observes = Observed::default();
    for word in words(&hello.observes) {
        match word {
            "pc" => observes.pc = true,
            "depth" => observes.depth = true,
            "stack" => observes.stack = true,
            "cells" => observes.cells = true,
            "output" => observes.output = true,
            "host" => observes.host = true,
            "heap" => observes.heap = true,
            _ => {}
        }
    }
    let has = |word| words(&hello.traces).any(|have| have == word);
    let traces = Traces { hash: has("hash"), window: has("window") };
    if (traces.hash || traces.window) && !observes.pc {
        return Err("the engine traces, so it must observe `pc`".to_owned());
    }
    let fuel = match hello.fuel.as_ref() {
        "" | "counted" => Fuel::Counted,
        "ignored" if traces.hash || traces.window => {
            return Err("the engine traces, so it must count fuel".to_owned());
        }
        "ignored" => Fuel::Ignored,
        _ => return Err("`fuel` is neither `counted` nor `ignored`".to_owned()),
    };
    Ok(Description {
        name: hello.name.to_string(),
        version: hello.version.to_string(),
        machines: words(&hello.machines).map(str::to_owned).collect(),
        phases,
        observes,
        traces,
        fuel,
    })
}

impl RowWire<'_> {
    fn snapshot(&self) -> Result<Snapshot, String> {
        Ok(Snapshot {
            pc: self.pc,
            depth: self.depth,
            printed: self.printed.as_deref().map(parse_printed).transpose()?,
            called: self.called.as_deref().map(parse_called).transpose()?,
            stack: self.stack.as_deref().map(parse_stack).transpose()?,
            cells: self.cells.as_deref().map(parse_seen).transpose()?,
        })
    }
}

fn parse_printed(text: &str) -> Result<(u64, Option<Value>), String> {
    let wrong = || format!("`{text}` is not how many values were printed and the last of them");
    let (count, last) = text.split_once(':').ok_or_else(wrong)?;
    let last = match last {
        "" => None,
        last => Some(parse_value(last)?),
    };
    Ok((count.parse().map_err(|_| wrong())?, last))
}

fn parse_called(text: &str) -> Result<(u64, Option<Call>), String> {
    let wrong = || format!("`{text}` is not how many calls were made and the last of them");
    let (count, last) = text.split_once(':').ok_or_else(wrong)?;
    let last = match last {
        "" => None,
        last => Some(parse_call(last)?),
    };
    Ok((count.parse().map_err(|_| wrong())?, last))
}

fn reply(done: Box<DoneWire<'_>>) -> Result<Reply, String> {
    let classified =
        |name: Option<Cow<'_, str>>| name.map(Cow::into_owned).filter(|name| name != UNCLASSIFIED);
    let end = match done.outcome {
        OutcomeWire::Halt => End::Halt,
        OutcomeWire::Fuel => End::Fuel,
        OutcomeWire::Trap => End::Trap { trap: classified(done.trap.clone()), at: done.at },
        OutcomeWire::Unsupported => {
            return Ok(Reply::Unsupported(done.message.unwrap_or_default().into_owned()));
        }
        OutcomeWire::Reject => {
            let phase = match done.phase {
                Some(PhaseWire::Decode) => Phase::Decode,
                Some(PhaseWire::Verify) => Phase::Verify,
                None => return Err("a rejection without a `phase`".to_owned()),
            };
            let named = |name: String| {
                Reason::from_name(&name).ok_or_else(|| format!("there is no reason `{name}`"))
            };
            let reason = classified(done.reason).map(named).transpose()?;
            return Ok(Reply::Rejected(Rejected { phase, reason, at: done.at }));
        }
    };
    ran(*done, end).map(|ran| Reply::Ran(Box::new(ran)))
}

fn ran(done: DoneWire<'_>, end: End) -> Result<Ran, String> {
    let output = done.output.as_deref().map(parse_output).transpose()?;
    let host = done.host.as_deref().map(parse_calls).transpose()?;
    Ok(Ran {
        end,
        steps: done.steps,
        state: Snapshot {
            pc: done.pc,
            depth: done.depth,
            printed: output.as_ref().map(|values| (values.len() as u64, values.last().cloned())),
            called: host.as_ref().map(|calls| (calls.len() as u64, calls.last().cloned())),
            stack: done.stack.as_deref().map(parse_stack).transpose()?,
            cells: done.cells.as_deref().map(parse_seen).transpose()?,
        },
        output,
        host,
        hash: done.hash.as_deref().map(parse_hash).transpose()?,
        checkpoints: match done.checkpoints.as_deref() {
            None | Some("") => Vec::new(),
            Some(list) => list.split(',').map(parse_hash).collect::<Result<_, _>>()?,
        },
        rows: Vec::new(),
        message: done.message.map(Cow::into_owned),
    })
}

fn parse_hash(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 16)
        .ok()
        .filter(|_| text.len() == 8)
        .ok_or_else(|| format!("`{text}` is not eight hexadecimal digits"))
}
