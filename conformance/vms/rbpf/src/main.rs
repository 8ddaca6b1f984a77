//! rbpf as an engine of Bytestone: its interpreter, or its JIT by `--jit`. Both show r0 alone.

#![deny(missing_docs)]

use std::env;
use std::process::ExitCode;

use bytestone_adapter::input::Input;
use bytestone_adapter::memory::Memory;
use bytestone_adapter::protocol::{Answer, Description, Run, serve};
use bytestone_adapter::watchdog::Watchdog;
use bytestone_rbpf::{Mode, Prepared, VERSION};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mode = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Mode::Interpreter,
        ["--jit"] => Mode::Jit,
        _ => {
            eprintln!("usage: bytestone-rbpf [--jit]");
            return ExitCode::from(2);
        }
    };
    match engine(mode) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn engine(mode: Mode) -> std::io::Result<()> {
    let name = match mode {
        Mode::Interpreter => "rbpf",
        Mode::Jit => "rbpf-jit",
    };
    let description = Description {
        name: name.to_owned(),
        version: VERSION.to_owned(),
        machines: "ebpf@1",
        phases: "decode,verify,run",
        observes: "output,host",
        traces: "",
        fuel: "ignored",
    };
    let mut memory = Memory::map()?;
    let watchdog = Watchdog::default();
    serve(&description, |run| answer(mode, run, &mut memory, &watchdog), || watchdog.renew())
}

fn answer(mode: Mode, run: &Run, memory: &mut Memory, watchdog: &Watchdog) -> Answer {
    let input = match Input::parse(&run.input) {
        Ok(input) => input,
        Err(message) => return Answer::Unsupported(message),
    };
    match Prepared::new(mode, &run.program, input, memory) {
        Ok(prepared) => watchdog.run("rbpf counts no steps", move || prepared.run()),
        Err(answer) => answer,
    }
}
