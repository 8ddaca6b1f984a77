//! ubpf as an engine of Bytestone: its interpreter with every step, or its JIT by `--jit` with the result alone.

#![deny(missing_docs)]

mod vm;

use std::env;
use std::process::ExitCode;

use bytestone_adapter::host;
use bytestone_adapter::input::Input;
use bytestone_adapter::memory::{MEM, Memory};
use bytestone_adapter::prologue::prologue;
use bytestone_adapter::protocol::{Answer, Description, End, Ran, Recorder, Run, serve};
use bytestone_adapter::rejection::phase;
use bytestone_adapter::watchdog::Watchdog;

use vm::{Ended, Loaded, Skipped, Vm, Watch};

/// The version of ubpf that libubpf-sys brings.
const VERSION: &str = "1.0.693+e374cd2";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => interpreter(),
        ["--jit"] => jit(),
        _ => {
            eprintln!("usage: bytestone-ubpf [--jit]");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn description(
    name: &str,
    observes: &'static str,
    traces: &'static str,
    fuel: &'static str,
) -> Description {
    Description {
        name: name.to_owned(),
        version: VERSION.to_owned(),
        machines: "ebpf@1",
        phases: "decode,verify,run",
        observes,
        traces,
        fuel,
    }
}

fn interpreter() -> std::io::Result<()> {
    let mut memory = Memory::map()?;
    let description =
        description("ubpf", "pc,depth,stack,cells,output,host", "hash,window", "counted");
    serve(&description, |run| interpret(run, &mut memory), || ())
}

/// Registers and what they hold.
type Registers = Vec<(u8, u64)>;

/// The number of the register that points behind the frame.
const FRAME_POINTER: u8 = 10;

fn interpret(run: &Run, memory: &mut Memory) -> Answer {
    let registers = match reset(run, memory) {
        Ok(registers) => registers,
        Err(message) => return Answer::Unsupported(message),
    };
    let (mut vm, skipped) = match load(&run.program, &registers) {
        Ok(loaded) => loaded,
        Err(answer) => return answer,
    };
    // One step more than asked for is needed to see that another would follow.
    let limit = run.fuel.saturating_add(skipped.steps + 1);
    let Some(limit) = u32::try_from(limit).ok().filter(|limit| i32::try_from(*limit).is_ok())
    else {
        return Answer::Unsupported("more fuel than ubpf can count".to_owned());
    };
    let mut watch = Watch::new(Recorder::new(run.trace), memory, run.fuel, skipped);
    let ended = vm.interpret(&mut watch, limit);
    let message = vm::said();
    let (end, output) = match ended {
        _ if watch.is_spent() => (End::Fuel, Vec::new()),
        Ended::With(r0) => (End::Halt, vec![r0]),
        Ended::Badly => (End::Trap(trap(&message)), Vec::new()),
    };
    let state = watch.finish(&output);
    let calls = state.as_deref().map_or_else(host::calls, |state| state.calls.clone());
    Answer::Ran(Ran { end, output, calls, state, message })
}

/// Makes everything what a run begins with, but for registers, which are returned.
fn reset(run: &Run, memory: &mut Memory) -> Result<Registers, String> {
    let input = Input::parse(&run.input)?;
    if input.registers.iter().any(|(register, _)| *register == FRAME_POINTER) {
        return Err("ubpf does not load instructions that set r10".to_owned());
    }
    host::reset(input.replies);
    memory.reset(&input.mem)?;
    Ok(input.registers)
}

fn jit() -> std::io::Result<()> {
    let mut memory = Memory::map()?;
    let watchdog = Watchdog::default();
    let description = description("ubpf-jit", "output,host", "", "ignored");
    serve(
        &description,
        |run| {
            let registers = match reset(run, &mut memory) {
                Ok(registers) => registers,
                Err(message) => return Answer::Unsupported(message),
            };
            let (mem, length) = (MEM, memory.mem_length());
            let program = run.program.clone();
            watchdog.run("the code that ubpf's JIT makes counts no steps", move || {
                let mut vm = match load(&program, &registers) {
                    Ok((vm, _)) => vm,
                    Err(answer) => return answer,
                };
                match vm.compile() {
                    Err(message) => Answer::Unsupported(message),
                    Ok(code) => {
                        let r0 = code.run(mem, length);
                        Answer::Ran(Ran {
                            end: End::Halt,
                            output: vec![r0],
                            calls: host::calls(),
                            state: None,
                            message: String::new(),
                        })
                    }
                }
            })
        },
        || watchdog.renew(),
    )
}

/// Loads a program behind instructions that set registers: those that are given, and those of which ubpf leaves what the
/// host's stack held. It is the program alone that may be rejected.
fn load(program: &[u8], given: &[(u8, u64)]) -> Result<(Vm<Loaded>, Skipped), Answer> {
    let vm = || Vm::new().ok_or_else(|| Answer::Unsupported("ubpf makes no VM".to_owned()));
    let reject = |message: String| Answer::Reject { phase: phase(&message, program), message };
    vm()?.load(program).map_err(reject)?;
    let unset = [0, 3, 4, 5, 6, 7, 8, 9].map(|register| (register, 0));
    let set = [&unset, given].concat();
    let prologue = prologue(&set);
    let skipped = Skipped { steps: set.len() as u64, bytes: prologue.len() as u64 };
    let vm = vm()?.load(&[prologue, program.to_owned()].concat());
    vm.map(|vm| (vm, skipped)).map_err(Answer::Unsupported)
}

/// The trap that an error of a run is.
fn trap(message: &str) -> &'static str {
    let has = |words: &str| message.contains(words);
    if has("memory") || has("address") || has("integer overflow") {
        "bad_address"
    } else if has("nested functions calls") {
        "call_depth"
    } else {
        "unclassified"
    }
}
