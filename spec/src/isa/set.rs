//! The instruction set as a whole.

use super::{
    BankId, CodeEnd, Container, Extern, ExternId, InsnId, Instruction, Machine, RegionId, Trap,
    TrapId, Version,
};

/// A note of the spec about its source: what it decided, or what the source has wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its name, which cases cite.
    pub name: String,
    /// Where in the source.
    pub reference: Option<String>,
    /// What was decided or found.
    pub text: String,
}

/// A pure function of the spec that actions use, for people to read: bodies have its expression in place of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name, parameters and types, as in `average(a: i32, b: i32) -> i32`.
    pub signature: String,
    /// The expression that it stands for.
    pub value: String,
    /// What it is; empty if the spec does not say.
    pub doc: String,
}

/// A checked instruction set.
#[derive(Clone, Debug)]
pub struct Isa {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) sources: Vec<(String, String)>,
    pub(crate) machine: Machine,
    pub(crate) container: Container,
    pub(crate) code_end: CodeEnd,
    pub(crate) traps: Vec<Trap>,
    pub(crate) definitions: Vec<Definition>,
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) decisions: Vec<Note>,
    pub(crate) errata: Vec<Note>,
}

impl Isa {
    /// The name that case files and commands use.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version of the spec.
    pub fn version(&self) -> Version {
        self.version
    }

    /// A title for people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What the machine is, as Markdown.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The documents that the spec cites: short name and title.
    pub fn sources(&self) -> &[(String, String)] {
        &self.sources
    }

    /// The storage of the machine.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// What a program is.
    pub fn container(&self) -> Container {
        self.container
    }

    /// What running past the last instruction does.
    pub fn code_end(&self) -> CodeEnd {
        self.code_end
    }

    /// All traps, by [`TrapId`]; those of the limits come first.
    pub fn traps(&self) -> &[Trap] {
        &self.traps
    }

    /// The pure functions that actions use, in the order of the spec file.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// The trap with an id of this instruction set.
    pub fn trap(&self, id: TrapId) -> &Trap {
        &self.traps[usize::from(id.0)]
    }

    /// All instructions, by [`InsnId`], in the order of the spec file.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// The instruction with an id of this instruction set.
    #[inline]
    pub fn instruction(&self, id: InsnId) -> &Instruction {
        &self.instructions[usize::from(id.0)]
    }

    /// The instruction with a mnemonic.
    pub fn find_instruction(&self, name: &str) -> Option<InsnId> {
        let at = self.instructions.iter().position(|insn| insn.name == name)?;
        u16::try_from(at).ok().map(InsnId)
    }

    /// The trap with a name.
    pub fn find_trap(&self, name: &str) -> Option<TrapId> {
        let at = self.traps.iter().position(|trap| trap.name == name)?;
        u16::try_from(at).ok().map(TrapId)
    }

    /// The bank with a name.
    pub fn find_bank(&self, name: &str) -> Option<BankId> {
        let at = self.machine.banks.iter().position(|bank| bank.name == name)?;
        u8::try_from(at).ok().map(BankId)
    }

    /// The region of memory with a name.
    pub fn find_region(&self, name: &str) -> Option<RegionId> {
        let at = self.machine.memory.iter().position(|region| region.name == name)?;
        u8::try_from(at).ok().map(RegionId)
    }

    /// The function of the host with a name.
    pub fn find_extern(&self, name: &str) -> Option<ExternId> {
        let at = self.machine.externs.iter().position(|function| function.name == name)?;
        u8::try_from(at).ok().map(ExternId)
    }

    /// The function of the host with an id of this instruction set.
    pub fn external(&self, id: ExternId) -> &Extern {
        &self.machine.externs[usize::from(id.0)]
    }

    /// The ids of all banks, in order.
    pub fn banks(&self) -> impl Iterator<Item = BankId> {
        (0..self.machine.banks.len()).map(|at| BankId(at as u8))
    }

    /// The ids of all regions of memory, in order.
    pub fn regions(&self) -> impl Iterator<Item = RegionId> {
        (0..self.machine.memory.len()).map(|at| RegionId(at as u8))
    }

    /// What the spec decided where its source is silent.
    pub fn decisions(&self) -> &[Note] {
        &self.decisions
    }

    /// Where the source is wrong or contradicts itself.
    pub fn errata(&self) -> &[Note] {
        &self.errata
    }
}
