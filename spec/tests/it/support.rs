//! Small specs for the other tests.

use bytestone_spec::diagnostic::{Faulty, Source, Style};
use bytestone_spec::isa::{Instruction, Isa};
use bytestone_spec::load;
use bytestone_spec::load::BuiltinOnly;

/// What every spec of these tests starts with.
pub const HEADER: &str = "bytestone: spec/1\nisa: tested\nversion: 1.0.0\ntitle: A machine\n";

/// A machine with everything that a machine can have.
pub const MACHINE: &str = "
machine:
  stack: {of: i32, depth: 16}
  locals: {of: i32, count: 4}
  registers: {of: u8, count: 32, prefix: R}
  globals: {of: i64, count: 2}
  calls: {depth: 8}
  output: i32
code: {decode: sweep, end: reject}
";

pub fn load_text(text: &str) -> Result<Isa, Faulty> {
    load(Source { name: "tested.yaml".into(), text: text.into() }, &BuiltinOnly)
}

/// The instruction set with these sections after the header and the machine.
pub fn isa(sections: &str) -> Isa {
    match load_text(&format!("{HEADER}{MACHINE}{sections}")) {
        Ok(isa) => isa,
        Err(faulty) => panic!("{faulty}"),
    }
}

/// An instruction by its mnemonic.
pub fn insn<'a>(isa: &'a Isa, name: &str) -> &'a Instruction {
    isa.instruction(isa.find_instruction(name).expect(name))
}

/// The messages of a faulty spec, in the order of their places.
pub fn messages(text: &str) -> Vec<String> {
    match load_text(text) {
        Ok(_) => Vec::new(),
        Err(faulty) => {
            // Whatever can be found can be shown.
            assert!(faulty.render(Style::Plain).contains("error"));
            faulty.diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect()
        }
    }
}
