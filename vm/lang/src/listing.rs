//! Instructions with labels, as code generators make them and passes change them.

use bytestone_spec::isa::InsnId;

use crate::emit::{EmitError, Instructions};

/// A place in a listing that jumps can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(u32);

impl Label {
    /// The label with a number below [`Listing::labels`].
    pub(crate) fn new(index: usize) -> Self {
        Self(index as u32)
    }

    /// Its number among the labels of its listing.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The most operands that an instruction of a listing has.
pub const ARGS: usize = 3;

/// An operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A number.
    Number(i64),
    /// A place to jump to.
    Label(Label),
}

impl From<i32> for Arg {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Arg {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u8> for Arg {
    fn from(number: u8) -> Self {
        Self::Number(number.into())
    }
}

impl From<Label> for Arg {
    fn from(label: Label) -> Self {
        Self::Label(label)
    }
}

/// An instruction of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub insn: InsnId,
    /// The line of the source that it comes from, from 1.
    pub line: u32,
    args: [Arg; ARGS],
    count: u8,
}

impl Step {
    /// An instruction with operands. Those over [`ARGS`] are left out, and the emitter then misses
    /// them.
    pub fn new(insn: InsnId, args: &[Arg], line: u32) -> Self {
        let mut kept = [Arg::Number(0); ARGS];
        for (kept, arg) in kept.iter_mut().zip(args) {
            *kept = *arg;
        }
        Self { insn, line, args: kept, count: args.len().min(ARGS) as u8 }
    }

    /// The operands.
    pub fn args(&self) -> &[Arg] {
        &self.args[..usize::from(self.count)]
    }

    /// The operands, to change them.
    pub fn args_mut(&mut self) -> &mut [Arg] {
        &mut self.args[..usize::from(self.count)]
    }

    /// The labels among the operands.
    pub fn labels(&self) -> impl Iterator<Item = Label> {
        self.args().iter().filter_map(|arg| match arg {
            Arg::Label(label) => Some(*label),
            Arg::Number(_) => None,
        })
    }
}

/// An entry of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An instruction.
    Step(Step),
    /// The place of a label: before the next instruction.
    Bind(Label),
}

/// Instructions one after the other, and labels between them.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The entries, in order.
    pub entries: Vec<Entry>,
    labels: u32,
}

impl Listing {
    /// A new label, which has no place yet.
    pub fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    /// How many labels there are.
    pub fn labels(&self) -> usize {
        self.labels as usize
    }

    /// Gives a label its place: here.
    pub fn bind(&mut self, label: Label) {
        self.entries.push(Entry::Bind(label));
    }

    /// Appends an instruction.
    pub fn push(&mut self, insn: InsnId, args: &[Arg], line: u32) {
        self.entries.push(Entry::Step(Step::new(insn, args, line)));
    }

    /// Appends the instruction with a mnemonic.
    ///
    /// # Errors
    ///
    /// When the instruction set has none.
    pub fn push_named(
        &mut self,
        instructions: &impl Instructions,
        mnemonic: &str,
        args: &[Arg],
        line: u32,
    ) -> Result<(), EmitError> {
        self.push(instructions.named(mnemonic)?, args, line);
        Ok(())
    }
}
