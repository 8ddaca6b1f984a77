//! rbpf as an engine of Bytestone: its interpreter, or its JIT by `--jit`. Both show r0 alone.

#![deny(missing_docs)]

use std::any::Any;
use std::env;
use std::io::Error;
use std::process::ExitCode;

use bytestone_adapter::helpers;
use bytestone_adapter::host;
use bytestone_adapter::input::Input;
use bytestone_adapter::memory::{FRAME, FRAMES, FRAMES_SIZE, MEM, Memory};
use bytestone_adapter::prologue::prologue;
use bytestone_adapter::protocol::{Answer, Description, End, Ran, Run, serve};
use bytestone_adapter::rejection::phase;
use bytestone_adapter::watchdog::Watchdog;
use rbpf::EbpfVmRaw;

/// How programs are run.
#[derive(Clone, Copy)]
enum Mode {
    Interpreter,
    Jit,
}

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
        version: "0.4.1".to_owned(),
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
    if let Err(message) = memory.reset(&input.mem) {
        return Answer::Unsupported(message);
    }
    host::reset(input.replies);
    // A VM that is made with a program checks it.
    if let Err(error) = EbpfVmRaw::new(Some(&run.program)) {
        return refused(&error, &run.program);
    }
    let length = memory.mem_length();
    let program = [start(length as u64), run.program.clone()].concat();
    watchdog.run("rbpf counts no steps", move || match execute(mode, &program, length) {
        Ok(r0) => Answer::Ran(Ran {
            end: End::Halt,
            output: vec![r0],
            calls: host::calls(),
            state: None,
            message: String::new(),
        }),
        Err(answer) => answer,
    })
}

/// rbpf has no way to set registers, and its own stack is that of one function: what the machine begins with is set
/// by instructions before the program.
fn start(length: u64) -> Vec<u8> {
    let mut registers: Vec<(u8, u64)> = (0..=10).map(|register| (register, 0)).collect();
    (registers[1].1, registers[2].1) = (MEM as u64, length);
    registers[10].1 = (FRAMES + FRAMES_SIZE) as u64;
    prologue(&registers)
}

/// The program was checked before the prologue, which writes r10.
fn checked(_: &[u8]) -> Result<(), Error> {
    Ok(())
}

/// Every function has a stack of this size.
fn stack_usage(_: &[u8], _: usize, _: &mut dyn Any) -> u16 {
    FRAME as u16
}

fn gather(a: u64, b: u64, c: u64, d: u64, e: u64) -> u64 {
    helpers::gather(a, b, c, d, e)
}

fn sum(a: u64, b: u64, c: u64, d: u64, e: u64) -> u64 {
    helpers::sum(a, b, c, d, e)
}

fn answer_of_host(a: u64, b: u64, c: u64, d: u64, e: u64) -> u64 {
    host::answer(a, b, c, d, e)
}

fn execute(mode: Mode, program: &[u8], length: usize) -> Result<u64, Answer> {
    let failed = |error: Error| {
        let message = error.to_string();
        Answer::Ran(Ran {
            end: End::Trap(trap(&message)),
            output: Vec::new(),
            calls: host::calls(),
            state: None,
            message,
        })
    };
    // SAFETY: the adapter maps these bytes for good and does not look at them while the program runs.
    let mem = unsafe {
        std::slice::from_raw_parts_mut(std::ptr::with_exposed_provenance_mut(MEM), length)
    };
    let mut vm = EbpfVmRaw::new(None).map_err(failed)?;
    vm.set_verifier(checked).map_err(failed)?;
    vm.set_stack_usage_calculator(stack_usage, Box::new(())).map_err(failed)?;
    vm.register_helper(helpers::GATHER, gather).map_err(failed)?;
    vm.register_helper(helpers::SUM, sum).map_err(failed)?;
    vm.register_helper(host::ANSWER, answer_of_host).map_err(failed)?;
    vm.set_program(program).map_err(failed)?;
    vm.register_allowed_memory(FRAMES as u64..(FRAMES + FRAMES_SIZE) as u64);
    match mode {
        Mode::Interpreter => vm.execute_program(mem).map_err(failed),
        Mode::Jit => {
            vm.jit_compile().map_err(|error| refused(&error, program))?;
            // SAFETY: none can be given: rbpf's native code checks no address. Whatever it does to this process is
            // what is to be seen.
            unsafe { vm.execute_program_jit(mem) }.map_err(failed)
        }
    }
}

/// A program that is rejected, or that rbpf says it does not do.
fn refused(error: &Error, program: &[u8]) -> Answer {
    let message = error.to_string();
    if message.contains("not supported") {
        return Answer::Unsupported(message);
    }
    Answer::Reject { phase: phase(&message, program), message }
}

/// The trap that an error of a run is.
fn trap(message: &str) -> &'static str {
    if message.contains("out of bounds memory") {
        "bad_address"
    } else if message.contains("too many nested calls") {
        "call_depth"
    } else if message.contains("unknown helper function") {
        "unknown_helper"
    } else {
        "unclassified"
    }
}
