//! Commands on programs: `asm`, `dis`, `verify`, `run`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use bytestone::case::key_text;
use bytestone::case::load::parse_hex;
use bytestone::engine::NamedCell;
use bytestone::execute::hex;
use bytestone::judge::outcome_text;
use bytestone::registry::open_machine;
use bytestone_spec::Isa;
use bytestone_spec::isa::CodeEnd;
use bytestone_vm::asm::{self, Style};
use bytestone_vm::codec::{Codec, DecodeError};
use bytestone_vm::trace::view::{GLOBAL, Key};
use bytestone_vm::trace::{Change, NoTrace, Notation, RowTrace, StepRow};
use bytestone_vm::value::{Value, file};
use bytestone_vm::verify::{MaxStack, Verified, verify};
use bytestone_vm::{Outcome, Reference, Rejection, State};
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::input::{LoadedProgram, ProgramInput, assemble_text, input_name, read};
use super::output::{Failure, Format, note, write, write_json};
use super::source::{Lines, Place};

/// `bytestone asm`.
#[derive(Debug, Args)]
pub struct Assemble {
    /// A built-in machine or a spec file
    machine: String,
    /// The assembly text; standard input when absent or `-`
    file: Option<PathBuf>,
    /// Where the bytes go; standard output when absent
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How the bytes are written
    #[arg(long, value_enum, default_value_t = Code::Hex)]
    to: Code,
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Code {
    /// Hexadecimal on a line
    Hex,
    /// As they are
    Bytes,
    /// JSON with the offset, line and column of each statement
    Json,
}

impl Assemble {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let isa = open_machine(&self.machine)?;
        let codec = Codec::new(&isa);
        let name = input_name(self.file.as_deref());
        let assembled = assemble_text(&codec, &name, &read(self.file.as_deref())?)?;
        let bytes = match self.to {
            Code::Bytes => assembled.bytes,
            Code::Hex => format!("{}\n", hex(&assembled.bytes)).into_bytes(),
            Code::Json => {
                let statement = |statement: &asm::Statement| json!({"offset": statement.offset, "line": statement.line, "column": statement.column});
                let statements: Vec<Json> = assembled.statements.iter().map(statement).collect();
                let json = json!({"machine": isa.name(), "bytecode": hex(&assembled.bytes), "statements": statements});
                format!("{json:#}\n").into_bytes()
            }
        };
        write(&bytes, self.output.as_ref())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `bytestone dis`.
#[derive(Debug, Args)]
pub struct Disassemble {
    /// A built-in machine or a spec file
    machine: String,
    #[command(flatten)]
    program: ProgramInput,
    /// Only statements and labels, without offsets and bytes
    #[arg(long)]
    plain: bool,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Disassemble {
    /// Runs the command. Bytes that are no program are shown as `.byte` lines; the faults go to
    /// standard error and the exit code says so.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let isa = open_machine(&self.machine)?;
        let codec = Codec::new(&isa);
        let loaded = self.program.load(&codec)?;
        let style = if self.plain { Style::Plain } else { Style::Annotated };
        let disassembly = asm::disassemble(&codec, &loaded.code, style)
            .map_err(|error| Failure::Input(error.to_string()))?;
        match self.format {
            Format::Text => write(disassembly.to_string().as_bytes(), None)?,
            Format::Json => write_json(&json!({
                "machine": isa.name(),
                "text": disassembly.to_string(),
                "faults": disassembly.faults().map_or_else(|| json!([]), |rejection| faults_json(&isa, rejection, &loaded)),
            }))?,
        }
        match (disassembly.faults(), self.format) {
            (None, _) => Ok(ExitCode::SUCCESS),
            (Some(_), Format::Json) => Ok(ExitCode::FAILURE),
            (Some(rejection), Format::Text) => {
                Err(Failure::Input(rejection_text(&isa, rejection, &loaded)))
            }
        }
    }
}

/// `bytestone verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// A built-in machine or a spec file
    machine: String,
    #[command(flatten)]
    program: ProgramInput,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Verify {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let isa = open_machine(&self.machine)?;
        let codec = Codec::new(&isa);
        let loaded = self.program.load(&codec)?;
        match (accept(&isa, &codec, &loaded)?, self.format) {
            (Ok(verified), Format::Text) => {
                let depth = match verified.max_stack() {
                    _ if isa.machine().stack.is_none() => String::new(),
                    MaxStack::Bounded(depth) => format!(", stack depth at most {depth}"),
                    MaxStack::Unbounded => ", stack depth open because of recursion".to_owned(),
                };
                let count = verified.program().insns().len();
                write(
                    format!("accepted: {count} instructions, {} bytes{depth}\n", loaded.code.len())
                        .as_bytes(),
                    None,
                )?;
                Ok(ExitCode::SUCCESS)
            }
            (Ok(verified), Format::Json) => {
                let depth = match verified.max_stack() {
                    MaxStack::Bounded(depth) => json!(depth),
                    MaxStack::Unbounded => Json::Null,
                };
                write_json(&json!({
                    "machine": isa.name(),
                    "accepted": true,
                    "instructions": verified.program().insns().len(),
                    "max_stack": depth,
                }))?;
                Ok(ExitCode::SUCCESS)
            }
            (Err(rejection), Format::Text) => {
                Err(Failure::Input(rejection_text(&isa, &rejection, &loaded)))
            }
            (Err(rejection), Format::Json) => {
                write_json(&json!({
                    "machine": isa.name(),
                    "accepted": false,
                    "faults": faults_json(&isa, &rejection, &loaded),
                }))?;
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

/// `bytestone run`.
#[derive(Debug, Args)]
pub struct Run {
    /// A built-in machine or a spec file
    machine: String,
    #[command(flatten)]
    program: ProgramInput,
    /// Print each step: offset, stack, changes and instruction
    #[arg(long)]
    trace: bool,
    /// The source that the module was compiled from: the line that traps is shown, and with `--trace` each line
    /// above its steps
    #[arg(long, value_name = "FILE")]
    source: Option<PathBuf>,
    /// The most steps
    #[arg(long, default_value_t = 10_000_000, value_name = "STEPS")]
    fuel: u64,
    /// Set a cell before the first step, as in `local[3]=10`; may be given several times
    #[arg(long = "set", value_name = "BANK[INDEX]=VALUE")]
    cells: Vec<String>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Run {
    /// Runs the command. In text form, printed values come one a line, and after a trace once more
    /// at the end, so that the last lines are what the program printed.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let isa = open_machine(&self.machine)?;
        let codec = Codec::new(&isa);
        let loaded = self.program.load(&codec)?;
        let verified = match accept(&isa, &codec, &loaded)? {
            Ok(verified) => verified,
            Err(rejection) if self.format == Format::Json => {
                write_json(&json!({
                    "machine": isa.name(),
                    "outcome": "reject",
                    "faults": faults_json(&isa, &rejection, &loaded),
                }))?;
                return Ok(ExitCode::FAILURE);
            }
            Err(rejection) => {
                return Err(Failure::Input(rejection_text(&isa, &rejection, &loaded)));
            }
        };
        let mut state = State::new(&isa);
        for cell in &self.cells {
            set_cell(&isa, &mut state, cell)?;
        }
        let source = self.source(&verified)?;
        let (outcome, rows) = self.execute(&isa, &verified, &mut state, source.as_ref())?;
        match self.format {
            Format::Text => self.print(&isa, &state, outcome)?,
            Format::Json => {
                write_json(&run_json(&isa, &state, outcome, self.trace.then_some(rows)))?
            }
        }
        if let Outcome::Trap { at, .. } = outcome
            && let Some(line) = loaded.line_of(at)
        {
            note(&format!("the instruction is on line {line} of the text\n"));
        }
        if let Outcome::Trap { at, .. } = outcome
            && let Some(place) = Place::of(verified.program(), at)
        {
            let words = source.as_ref().map(|source| source.get(place.line)).unwrap_or_default();
            let words = if words.is_empty() { String::new() } else { format!(": {words}") };
            let function = place.function();
            note(&format!(
                "it comes from line {} of the source, in `{function}`{words}\n",
                place.line
            ));
        }
        Ok(ExitCode::from(match outcome {
            Outcome::Halt => 0,
            Outcome::Trap { .. } => 3,
            Outcome::Fuel | Outcome::OutputLimit => 4,
        }))
    }

    /// The lines of the source, for a program that says which of them its code comes from.
    fn source(&self, verified: &Verified) -> Result<Option<Lines>, Failure> {
        let Some(path) = &self.source else { return Ok(None) };
        let module = verified.program().module();
        if module.is_none_or(|module| module.functions.iter().all(|it| it.lines.is_empty())) {
            let message = "--source: the program does not say from which lines its code comes";
            return Err(Failure::Environment(message.to_owned()));
        }
        Lines::read(path).map(Some)
    }

    /// Runs the program. In text form the trace is written as it comes; for JSON it is kept.
    fn execute(
        &self,
        isa: &Isa,
        verified: &Verified,
        state: &mut State,
        source: Option<&Lines>,
    ) -> Result<(Outcome, Vec<Json>), Failure> {
        let reference = Reference::new(isa, verified);
        let mut rows = Vec::new();
        let result = if self.trace {
            let notation = Notation::new(isa, verified.program());
            let format = self.format;
            let (mut written, mut last) = (Ok(()), None);
            let visit = |row: &StepRow| match format {
                Format::Json => {
                    let mut step = step_json(isa, &notation, row);
                    if let Some(place) = Place::of(verified.program(), row.offset) {
                        step["function"] = json!(place.function());
                        step["line"] = json!(place.line);
                    }
                    rows.push(step);
                }
                Format::Text if written.is_ok() => {
                    let mut text = String::new();
                    if let Some(source) = source {
                        let place = Place::of(verified.program(), row.offset);
                        push_place(&mut text, source, (last, place));
                        last = place;
                    }
                    text += &notation.row(row);
                    written = write((text + "\n").as_bytes(), None);
                }
                Format::Text => {}
            };
            let result = reference.run(state, self.fuel, &mut RowTrace::new(visit));
            written?;
            result
        } else {
            reference.run(state, self.fuel, &mut NoTrace)
        };
        match result {
            Ok(outcome) => Ok((outcome, rows)),
            // Impossible for a verified program: a bug of ours, said as plainly as that.
            Err(stuck) => Err(Failure::Environment(format!(
                "internal error: a verified program got stuck: {stuck}"
            ))),
        }
    }

    fn print(&self, isa: &Isa, state: &State, outcome: Outcome) -> Result<(), Failure> {
        let mut text = String::new();
        for value in state.output() {
            text.push_str(&format!("{value}\n"));
        }
        write(text.as_bytes(), None)?;
        if outcome != Outcome::Halt {
            let steps = state.steps();
            note(&format!("{} after {steps} steps\n", outcome_text(isa, outcome)));
            return Ok(());
        }
        let values = file::texts(&state.stack().collect::<Vec<_>>());
        let is_result =
            isa.machine().output.is_none() || isa.code_end() == CodeEnd::Halt && !values.is_empty();
        if is_result {
            write(format!("[{}]\n", values.join(" ")).as_bytes(), None)?;
        }
        Ok(())
    }
}

/// Appends the line of the source that a step comes from, if the step before it came from another.
fn push_place(text: &mut String, source: &Lines, (last, here): (Option<Place>, Option<Place>)) {
    if let Some(place) = here.filter(|_| here != last) {
        let (function, line) = (place.function(), place.line);
        text.push_str(&format!("; {function}, line {line}: {}\n", source.get(line)));
    }
}

/// Decodes and verifies; the outer error is for programs that are not even looked at.
fn accept(
    isa: &Isa,
    codec: &Codec<'_>,
    loaded: &LoadedProgram,
) -> Result<Result<Verified, Rejection>, Failure> {
    match codec.decode(&loaded.code) {
        Ok(program) => Ok(verify(isa, program)),
        Err(DecodeError::Rejected(rejection)) => Ok(Err(rejection)),
        Err(DecodeError::TooLong(error)) => Err(Failure::Input(error.to_string())),
    }
}

fn rejection_text(isa: &Isa, rejection: &Rejection, loaded: &LoadedProgram) -> String {
    let mut lines = vec!["the program is rejected:".to_owned()];
    for fault in &rejection.faults {
        let insn = fault
            .insn
            .map_or_else(String::new, |insn| format!(" in {}", isa.instruction(insn).name));
        let line =
            loaded.line_of(fault.at).map_or_else(String::new, |line| format!(" on line {line}"));
        let (reason, at) = (fault.reason.name(), fault.at);
        lines.push(format!("  {reason} at {at}{insn}{line}: {}", fault.detail));
    }
    if rejection.omitted > 0 {
        lines.push(format!("  and {} more", rejection.omitted));
    }
    if loaded.may_be_text {
        lines.push(
            "help: the input looks like text, and was taken for the bytes of a program; \
             --from asm and --from hex read it otherwise"
                .to_owned(),
        );
    }
    lines.join("\n")
}

fn faults_json(isa: &Isa, rejection: &Rejection, loaded: &LoadedProgram) -> Json {
    rejection
        .faults
        .iter()
        .map(|fault| {
            json!({
                "phase": fault.reason.phase().name(),
                "reason": fault.reason.name(),
                "at": fault.at,
                "line": loaded.line_of(fault.at),
                "instruction": fault.insn.map(|insn| isa.instruction(insn).name.as_str()),
                "detail": fault.detail,
            })
        })
        .collect()
}

/// A value as JSON; what a reader of JSON may not hold exactly, and what is no integer, is a text.
fn value_json(value: Value) -> Json {
    json_of(&value, value.to_string())
}

/// The values of a stack as JSON, in which nodes have names together.
fn stack_json(values: &[Value]) -> Json {
    values.iter().zip(file::texts(values)).map(|(value, text)| json_of(value, text)).collect()
}

fn json_of(value: &Value, text: String) -> Json {
    const EXACT: i128 = 1 << 53;
    match value {
        Value::Int(number) if number.abs() <= EXACT => json!(*number as i64),
        _ => json!(text),
    }
}

/// The trap in which a run ended, if it did.
fn trap_json(isa: &Isa, outcome: Outcome) -> Json {
    match outcome {
        Outcome::Trap { trap, at } => json!({"name": isa.trap(trap).name, "at": at}),
        Outcome::Halt | Outcome::Fuel | Outcome::OutputLimit => Json::Null,
    }
}

fn run_json(isa: &Isa, state: &State, outcome: Outcome, trace: Option<Vec<Json>>) -> Json {
    let banks: serde_json::Map<String, Json> = isa
        .machine()
        .banks
        .iter()
        .zip(isa.banks())
        .map(|(bank, id)| (bank.name.clone(), state.bank(id).map(value_json).collect()))
        .collect();
    let mut json = json!({
        "machine": isa.name(),
        "outcome": outcome_text(isa, outcome),
        "trap": trap_json(isa, outcome),
        "steps": state.steps(),
        "output": state.output().map(value_json).collect::<Vec<Json>>(),
        "stack": stack_json(&state.stack().collect::<Vec<_>>()),
        "banks": banks,
    });
    if isa.machine().named_globals
        && let Some(object) = json.as_object_mut()
    {
        let entry = |(name, value): (&Arc<str>, Value)| (name.to_string(), value_json(value));
        let globals: serde_json::Map<String, Json> = state.globals().map(entry).collect();
        object.insert("globals".to_owned(), globals.into());
    }
    if let (Some(calls), Some(object)) = (state.host_calls(), json.as_object_mut()) {
        let calls: Vec<String> = calls.iter().map(ToString::to_string).collect();
        object.insert("host".to_owned(), json!(calls));
    }
    if let (Some(trace), Some(object)) = (trace, json.as_object_mut()) {
        object.insert("trace".to_owned(), trace.into());
    }
    json
}

fn step_json(isa: &Isa, notation: &Notation<'_>, row: &StepRow) -> Json {
    let change = |change: &Change| match change.clone() {
        Change::Cell { bank, index, value } => {
            let bank = &isa.machine().banks[usize::from(bank.0)].name;
            json!({"cell": format!("{bank}[{index}]"), "value": value_json(value)})
        }
        Change::Global { name, value } => {
            let cell = key_text(GLOBAL, &Key::Name(name));
            json!({"cell": cell, "value": value_json(value)})
        }
        Change::Element { index, value } => {
            json!({"element": index, "value": value_json(value)})
        }
        Change::Entry { key, value } => {
            json!({"entry": file::text_of(&key), "value": value_json(value)})
        }
        Change::Field { field, value } => {
            let union = isa.machine().union.as_ref();
            let name = union.map(|union| union.field_name(field));
            json!({"field": name, "value": value_json(value)})
        }
        Change::Memory { region, offset, value } => {
            let region = &isa.machine().memory[usize::from(region.0)].name;
            json!({"memory": format!("{region}[{offset}]"), "value": value_json(value)})
        }
        Change::Host(call) => json!({"host": call.to_string()}),
        Change::Out(value) => json!({"out": value_json(value)}),
        Change::Frame(frame) => json!({"frame": frame}),
        Change::Trap(trap) => json!({"trap": isa.trap(trap).name}),
    };
    json!({
        "offset": row.offset,
        "instruction": notation.instruction(row.at),
        "stack": stack_json(&row.stack),
        "changes": row.changes.iter().map(change).collect::<Vec<Json>>(),
    })
}

/// Sets a cell from `bank[index]=value`, the bytes of memory from `region=01 0a ff`, or what a function of the host replies
/// to one of its calls from `function[call]=value`.
fn set_cell(isa: &Isa, state: &mut State, text: &str) -> Result<(), Failure> {
    let wrong = |why: String| Failure::Environment(format!("--set {text}: {why}"));
    let parsed =
        text.split_once('=').and_then(|(cell, value)| match cell.trim().strip_suffix(']') {
            Some(cell) => {
                let (bank, index) = cell.split_once('[')?;
                Some((bank, index.parse().ok()?, Value::Int(value.trim().parse().ok()?)))
            }
            None => Some((cell.trim(), 0, Value::Bytes(parse_hex(value).ok()?.into()))),
        });
    let Some((bank, index, value)) = parsed else {
        let region = isa.machine().memory.iter().find(|region| region.input);
        let memory = region.map_or_else(String::new, |region| {
            format!(", or REGION=BYTES, as in {}=010aff", region.name)
        });
        return Err(wrong(format!("expected BANK[INDEX]=VALUE, as in local[3]=10{memory}")));
    };
    let is_cell = isa.find_bank(bank).is_some() || isa.find_region(bank).is_some();
    if !is_cell && isa.find_extern(bank).is_none() {
        let banks = isa.machine().banks.iter().map(|bank| bank.name.as_str());
        let regions = isa.machine().memory.iter().map(|region| region.name.as_str());
        let functions = isa.machine().externs.iter().map(|function| function.name.as_str());
        let known: Vec<&str> = banks.chain(regions).chain(functions).collect();
        return Err(wrong(format!("the machine has {}", known.join(", "))));
    }
    NamedCell { bank: bank.to_owned(), index, value }.set(isa, state).map_err(wrong)
}
