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

fn interpret(run: &Run, memory: &mut Memory) -> Answer {
    if let Err(message) = reset(run, memory) {
        return Answer::Unsupported(message);
    }
    let (mut vm, skipped) = match load(&run.program) {
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

/// What a run begins with.
fn reset(run: &Run, memory: &mut Memory) -> Result<(), String> {
    let input = Input::parse(&run.input)?;
    host::reset(input.replies);
    memory.reset(&input.mem)
}

fn jit() -> std::io::Result<()> {
    let mut memory = Memory::map()?;
    let watchdog = Watchdog::default();
    let description = description("ubpf-jit", "output,host", "", "ignored");
    serve(
        &description,
        |run| {
            if let Err(message) = reset(run, &mut memory) {
                return Answer::Unsupported(message);
            }
            let (mem, length) = (MEM, memory.mem_length());
            let program = run.program.clone();
            watchdog.run("the code that ubpf's JIT makes counts no steps", move || {
                let mut vm = match load(&program) {
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

/// Loads a program behind instructions that set the registers of which ubpf leaves what the host's stack held. It is
/// the program alone that may be rejected.
fn load(program: &[u8]) -> Result<(Vm<Loaded>, Skipped), Answer> {
    let vm = || Vm::new().ok_or_else(|| Answer::Unsupported("ubpf makes no VM".to_owned()));
    let reject = |message: String| Answer::Reject { phase: phase(&message, program), message };
    vm()?.load(program).map_err(reject)?;
    let unset = [0, 3, 4, 5, 6, 7, 8, 9].map(|register| (register, 0));
    let prologue = prologue(&unset);
    let skipped = Skipped { steps: unset.len() as u64, bytes: prologue.len() as u64 };
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
