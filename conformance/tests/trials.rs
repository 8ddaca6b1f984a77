//! A VM written in Rust by hand, held to the corpus as its author would do it.

use std::process::ExitCode;

use bytestone::engine::record::Recorder;
use bytestone::engine::{Description, End, Engine, Fuel, Mishap, Phases, Reply, Request, Traces};
use bytestone::trials::Trials;
use bytestone_vm::Value;
use bytestone_vm::trace::view::{Key, Observed, View};

fn main() -> ExitCode {
    Trials::built_in().expect("the built-in corpus reads").run(Calculator::new)
}

/// A calculator VM: it runs programs and leaves it to others to reject them.
struct Calculator {
    description: Description,
}

#[derive(Default)]
struct State {
    pc: usize,
    stack: Vec<i32>,
    variables: [i32; 26],
    output: Vec<i32>,
}

impl View for State {
    fn pc(&self) -> u32 {
        self.pc as u32
    }

    fn stack(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
        self.stack.iter().map(|&value| value.into())
    }

    fn cells(&self) -> impl Iterator<Item = (&str, Key, Value)> {
        let all = (0..).zip(self.variables).filter(|&(_, value)| value != 0);
        all.map(|(index, value)| ("local", Key::Index(index), value.into()))
    }

    fn output(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
        self.output.iter().map(|&value| value.into())
    }
}

impl Calculator {
    fn new() -> Self {
        Self {
            description: Description {
                name: "calculator-in-rust".to_owned(),
                version: "1".to_owned(),
                machines: vec!["calculator@1".to_owned()],
                phases: Phases::default(),
                observes: Observed::ALL,
                traces: Traces { hash: true, window: true },
                fuel: Fuel::Counted,
            },
        }
    }
}

impl State {
    /// Does one instruction; `Some` when it ends the program.
    fn step(&mut self, code: &[u8]) -> Option<End> {
        let slot = |state: &Self| usize::from(code[state.pc + 1]);
        match code[self.pc] {
            0x00 => return Some(End::Halt),
            0x01 => {
                let bytes = [1, 2, 3, 4].map(|at| code[self.pc + at]);
                self.stack.push(i32::from_le_bytes(bytes));
                self.pc += 5;
                return None;
            }
            0x02 => drop(self.stack.pop()),
            0x06 if self.stack.ends_with(&[0]) => {
                let trap = Some("div_by_zero".to_owned());
                return Some(End::Trap { trap, at: Some(self.pc as u32) });
            }
            opcode @ 0x03..=0x06 => {
                let (b, a) = (self.stack.pop()?, self.stack.pop()?);
                self.stack.push(match opcode {
                    0x03 => a.wrapping_add(b),
                    0x04 => a.wrapping_sub(b),
                    0x05 => a.wrapping_mul(b),
                    _ => a.wrapping_div(b),
                });
            }
            0x07 => {
                self.stack.push(self.variables[slot(self)]);
                self.pc += 1;
            }
            0x08 => {
                self.variables[slot(self)] = self.stack.pop()?;
                self.pc += 1;
            }
            0x09 => {
                let value = self.stack.pop()?;
                self.output.push(value);
            }
            opcode => panic!("a verified program has no opcode {opcode:02x}"),
        }
        self.pc += 1;
        None
    }
}

impl Engine for Calculator {
    fn description(&self) -> &Description {
        &self.description
    }

    fn run(&mut self, request: &Request) -> Result<Reply, Mishap> {
        let mut state = State::default();
        for cell in &request.input {
            state.variables[cell.index as usize] = cell.value.int().unwrap_or(0) as i32;
        }
        let mut recorder = Recorder::new(request.watch, self.description.observes);
        let end = loop {
            if recorder.steps() == request.fuel {
                break End::Fuel;
            }
            recorder.step(&state);
            if let Some(end) = state.step(&request.program) {
                break end;
            }
        };
        Ok(Reply::Ran(Box::new(recorder.finish(&state, end))))
    }
}
