//! rbpf on the machine `ebpf`: its interpreter, or its JIT. Both show r0 alone.

#![deny(missing_docs)]

use std::any::Any;
use std::io::Error;

use bytestone_adapter::helpers;
use bytestone_adapter::host;
use bytestone_adapter::input::{Input, REGISTERS};
use bytestone_adapter::memory::{FRAME, FRAMES, FRAMES_SIZE, MEM, Memory};
use bytestone_adapter::prologue::prologue;
use bytestone_adapter::protocol::{Answer, End, Ran};
use bytestone_adapter::rejection::phase;
use rbpf::EbpfVmRaw;

/// The version of rbpf.
pub const VERSION: &str = "0.4.1";

/// How programs are run.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// Instruction by instruction.
    Interpreter,
    /// As native code, which checks no address.
    Jit,
}

/// A program that rbpf accepts, behind instructions that set the registers.
#[derive(Debug)]
pub struct Prepared {
    mode: Mode,
    code: Vec<u8>,
    /// How long the input is.
    length: usize,
}

impl Prepared {
    /// Checks a program, and makes everything what it begins with.
    ///
    /// # Errors
    ///
    /// The answer, if it is not to be run.
    pub fn new(
        mode: Mode,
        program: &[u8],
        input: Input,
        memory: &mut Memory,
    ) -> Result<Self, Answer> {
        memory.reset(&input.mem).map_err(Answer::Unsupported)?;
        host::reset(input.replies);
        // A VM that is made with a program checks it.
        EbpfVmRaw::new(Some(program)).map_err(|error| refused(&error, program))?;
        let length = memory.mem_length();
        let code = [start(length as u64, &input.registers), program.to_vec()].concat();
        Ok(Self { mode, code, length })
    }

    /// Runs it.
    pub fn run(&self) -> Answer {
        match execute(self.mode, &self.code, self.length) {
            Ok(r0) => Answer::Ran(Ran {
                end: End::Halt,
                output: vec![r0],
                calls: host::calls(),
                state: None,
                message: String::new(),
            }),
            Err(answer) => answer,
        }
    }
}

/// rbpf has no way to set registers, and its own stack is that of one function: what the machine begins with is set
/// by instructions before the program.
fn start(length: u64, given: &[(u8, u64)]) -> Vec<u8> {
    let mut registers: Vec<(u8, u64)> = (0..REGISTERS).map(|register| (register, 0)).collect();
    (registers[1].1, registers[2].1) = (MEM as u64, length);
    registers[10].1 = (FRAMES + FRAMES_SIZE) as u64;
    prologue(&[&registers, given].concat())
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
