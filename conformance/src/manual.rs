//! The manual of a machine, made from its checked instruction set: one HTML page, or Markdown.

mod dynamic;
mod facts;
mod host;
mod html;
mod layout;
mod links;
mod markdown;
mod memory;
mod opcodes;
mod operands;
mod prose;
mod rejects;

use bytestone_spec::Isa;
use bytestone_spec::isa::Instruction;

use links::Links;

/// An example of an instruction, taken from a corpus. Texts that are empty are not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// The mnemonic that it is an example of. One that the machine does not have is left out.
    pub instruction: String,
    /// The id of the case, `machine/name`.
    pub id: String,
    /// What the case shows.
    pub about: String,
    /// The program as assembly text.
    pub asm: String,
    /// The program in hexadecimal.
    pub bytecode: String,
    /// Its steps, as case files write them.
    pub trace: String,
}

/// The manual of a machine.
///
/// The same instruction set and the same examples give the same text. Whatever the texts of the spec hold
/// is shown as text: neither form has HTML that comes from them, and the page loads nothing.
///
/// ```
/// use bytestone::manual::Manual;
/// let isa = bytestone_spec::load_builtin("calculator").unwrap().unwrap();
/// let manual = Manual::new(&isa, &[]);
/// assert!(manual.html().starts_with("<!DOCTYPE html>"));
/// assert!(manual.markdown().starts_with("# Calculator machine"));
/// ```
#[derive(Debug)]
pub struct Manual<'a> {
    isa: &'a Isa,
    examples: &'a [Example],
    links: Links<'a>,
}

impl<'a> Manual<'a> {
    /// The manual of `isa`. Examples are shown with their instruction, in the order given.
    pub fn new(isa: &'a Isa, examples: &'a [Example]) -> Self {
        Self { isa, examples, links: Links::new(isa) }
    }

    /// The manual as one HTML page that needs no other file.
    pub fn html(&self) -> String {
        html::page(self)
    }

    /// The manual as Markdown.
    pub fn markdown(&self) -> String {
        markdown::page(self)
    }

    fn examples_of(&self, insn: &Instruction) -> impl Iterator<Item = &'a Example> {
        self.examples.iter().filter(|example| example.instruction == insn.name)
    }
}
