//! From a listing to bytes, held against what the instruction set says of each instruction.

mod lines;
mod place;

use bytestone_spec::isa::{InsnId, Instruction, Operand, OperandKind};
use bytestone_vm::codec::{Codec, EncodeError};
use bytestone_vm::limits::CODE_BYTES;

use crate::error::CompileError;
use crate::listing::{Arg, Entry, Label, Listing, Step};

pub use lines::{LineEntry, LineTable};

/// Why no code came of a listing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The instruction set has no instruction with the name.
    #[error("there is no instruction `{name}`")]
    UnknownMnemonic {
        /// The name.
        name: String,
    },
    /// The operands are not those of the instruction.
    #[error("line {line}: {mnemonic}: {error}")]
    Encode {
        /// The mnemonic.
        mnemonic: String,
        /// The line of the source.
        line: u32,
        /// What is wrong.
        error: EncodeError,
    },
    /// A label stands for a number, or a number for a label.
    #[error("line {line}: operand {operand} of {mnemonic} has the wrong kind")]
    WrongKind {
        /// The mnemonic.
        mnemonic: String,
        /// The line of the source.
        line: u32,
        /// The number of the operand, from 0.
        operand: usize,
    },
    /// An instruction pops more cells than there are.
    #[error("line {line}: {mnemonic} pops {needs} cells of {height}")]
    Underflow {
        /// The mnemonic.
        mnemonic: String,
        /// The line of the source.
        line: u32,
        /// How many cells it pops.
        needs: u32,
        /// How many there are.
        height: u32,
    },
    /// Two ways to a label leave different heights.
    #[error("label {label} is reached with {found} cells, and elsewhere with {expected}")]
    HeightMismatch {
        /// The number of the label.
        label: usize,
        /// The height on the way that came first.
        expected: u32,
        /// The height on another way.
        found: u32,
    },
    /// A label was placed where its height was not known, and is reached later.
    #[error("label {label} is placed behind code that does not go on, and only reached later")]
    HeightUnknown {
        /// The number of the label.
        label: usize,
    },
    /// A label has no place.
    #[error("label {label} has no place")]
    Unbound {
        /// The number of the label.
        label: usize,
    },
    /// A label has two places.
    #[error("label {label} has two places")]
    BoundTwice {
        /// The number of the label.
        label: usize,
    },
    /// A forward jump cannot be written before its target is known, as its length depends on it.
    #[error("{mnemonic} cannot jump forward: its length depends on the distance")]
    Unpatchable {
        /// The mnemonic.
        mnemonic: String,
    },
    /// The instruction cannot lead to its target.
    #[error("line {line}: {mnemonic} at offset {at} cannot lead to offset {target}")]
    Unreachable {
        /// The mnemonic.
        mnemonic: String,
        /// The line of the source.
        line: u32,
        /// The offset of the instruction.
        at: u32,
        /// The target.
        target: u32,
    },
    /// A target is further away than the operand can say, or there is too much code.
    #[error("line {line}: the code gets too large")]
    TooLarge {
        /// The line of the source.
        line: u32,
    },
    /// More cells are on the operand stack than it holds.
    #[error("line {line}: the code needs {needs} cells of an operand stack of {depth}")]
    StackTooDeep {
        /// The line of the source where the most are needed.
        line: u32,
        /// How many cells.
        needs: u32,
        /// How many there are.
        depth: u32,
    },
}

impl From<EmitError> for CompileError {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::TooLarge { line } => Self::TooLarge { line },
            EmitError::StackTooDeep { line, needs, depth } => {
                Self::StackTooDeep { line, needs, depth }
            }
            error => Self::Internal(error),
        }
    }
}

/// Something that knows instructions by their mnemonics.
pub trait Instructions {
    /// The instruction with a mnemonic.
    ///
    /// # Errors
    ///
    /// When there is none.
    fn named(&self, mnemonic: &str) -> Result<InsnId, EmitError>;
}

impl Instructions for Codec<'_> {
    fn named(&self, mnemonic: &str) -> Result<InsnId, EmitError> {
        let unknown = || EmitError::UnknownMnemonic { name: mnemonic.to_owned() };
        self.mnemonic(mnemonic).ok_or_else(unknown)
    }
}

/// Code that was emitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emitted {
    /// The bytes.
    pub code: Vec<u8>,
    /// The line of the source of each instruction.
    pub lines: LineTable,
    /// How deep the operand stack gets.
    pub max_stack: u32,
}

/// Writes instructions one after the other.
///
/// The height of the operand stack is followed by the effects that the instruction set declares;
/// where it contradicts itself, the caller is wrong. A backward jump is written as it is, a forward jump is
/// written when its label gets a place.
///
/// ```
/// use bytestone_lang::emit::{Emitter, EmitError};
/// use bytestone_vm::codec::Codec;
/// let isa = bytestone_spec::load_builtin("calculator").unwrap().unwrap();
/// let codec = Codec::new(&isa);
/// let mut emitter = Emitter::new(&codec);
/// emitter.emit_named("PUSH", &[7.into()], 1).unwrap();
/// let error = emitter.emit_named("ADD", &[], 2).unwrap_err();
/// assert_eq!(error.to_string(), "line 2: ADD pops 2 cells of 1");
/// ```
#[derive(Clone, Debug)]
pub struct Emitter<'c, 'isa> {
    codec: &'c Codec<'isa>,
    code: Vec<u8>,
    lines: LineTable,
    /// The height of the operand stack; `None` where control does not come.
    height: Option<u32>,
    max_stack: u32,
    /// The line of the instruction that made the stack as high as it ever was.
    max_line: u32,
    labels: Vec<LabelState>,
    cells: Vec<u64>,
}

#[derive(Clone, Debug, Default)]
struct LabelState {
    place: Option<u32>,
    /// The height of the operand stack there, as far as it is known.
    height: Option<u32>,
    /// Forward jumps to it: their offsets and the instructions.
    waiting: Vec<(u32, Step)>,
}

impl<'c, 'isa> Emitter<'c, 'isa> {
    /// An emitter of code that starts with an empty operand stack.
    pub fn new(codec: &'c Codec<'isa>) -> Self {
        Self {
            codec,
            code: Vec::new(),
            lines: LineTable::default(),
            height: Some(0),
            max_stack: 0,
            max_line: 1,
            labels: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// The height of the operand stack, or `None` where control does not come.
    pub fn height(&self) -> Option<u32> {
        self.height
    }

    /// Writes the instruction with a mnemonic.
    ///
    /// # Errors
    ///
    /// When there is none, and as [`Self::emit`].
    pub fn emit_named(&mut self, mnemonic: &str, args: &[Arg], line: u32) -> Result<(), EmitError> {
        let insn = self.codec.named(mnemonic)?;
        self.emit(&Step::new(insn, args, line))
    }

    /// Writes an instruction.
    ///
    /// # Errors
    ///
    /// When it does not fit the instruction set, the operand stack or the limits.
    pub fn emit(&mut self, step: &Step) -> Result<(), EmitError> {
        let isa = self.codec.isa();
        let Some(insn) = isa.instructions().get(usize::from(step.insn.0)) else {
            return Err(EmitError::UnknownMnemonic { name: format!("{:?}", step.insn) });
        };
        self.settle_height(insn, step)?;
        let at = self.code.len() as u32;
        self.lines.push(at, step.line);
        match self.write(insn, step, at)? {
            None => {}
            Some(_) if insn.min_len() != insn.max_len() => {
                return Err(EmitError::Unpatchable { mnemonic: insn.name.clone() });
            }
            Some(label) => self.state(label).waiting.push((at, *step)),
        }
        if self.code.len() > CODE_BYTES {
            return Err(EmitError::TooLarge { line: step.line });
        }
        Ok(())
    }

    /// Gives a label its place: here.
    ///
    /// # Errors
    ///
    /// When it has one, when its height is another, or when a jump cannot lead here.
    pub fn bind(&mut self, label: Label) -> Result<(), EmitError> {
        let (here, height) = (self.code.len() as u32, self.height);
        let state = self.state(label);
        if state.place.is_some() {
            return Err(EmitError::BoundTwice { label: label.index() });
        }
        state.place = Some(here);
        match (state.height, height) {
            (Some(expected), Some(found)) if expected != found => {
                return Err(EmitError::HeightMismatch { label: label.index(), expected, found });
            }
            (None, found) => state.height = found,
            (Some(_), _) => {}
        }
        let (waiting, height) = (std::mem::take(&mut state.waiting), state.height);
        self.height = height;
        for (at, step) in waiting {
            self.patch(at, &step)?;
        }
        Ok(())
    }

    /// The code.
    ///
    /// # Errors
    ///
    /// When a label that is used has no place, or the operand stack gets too deep.
    pub fn finish(self) -> Result<Emitted, EmitError> {
        if let Some(label) = self.labels.iter().position(|label| !label.waiting.is_empty()) {
            return Err(EmitError::Unbound { label });
        }
        let depth = self.codec.isa().machine().stack.map_or(0, |stack| stack.depth);
        if self.max_stack > depth {
            let (line, needs) = (self.max_line, self.max_stack);
            return Err(EmitError::StackTooDeep { line, needs, depth });
        }
        Ok(Emitted { code: self.code, lines: self.lines, max_stack: self.max_stack })
    }

    /// Follows what an instruction does to the stack and to control.
    fn settle_height(&mut self, insn: &Instruction, step: &Step) -> Result<(), EmitError> {
        let Some(height) = self.height else { return Ok(()) };
        let pops = (insn.effect.inputs.len() as u32).saturating_add(listed(insn, step));
        let pushes = insn.effect.outputs.len() as u32;
        let Some(left) = height.checked_sub(pops) else {
            let (mnemonic, line) = (insn.name.clone(), step.line);
            return Err(EmitError::Underflow { mnemonic, line, needs: pops, height });
        };
        let after = left + pushes;
        if after > self.max_stack {
            (self.max_stack, self.max_line) = (after, step.line);
        }
        for label in step.labels() {
            let state = self.state(label);
            match (state.height, state.place) {
                (Some(expected), _) if expected != after => {
                    let label = label.index();
                    return Err(EmitError::HeightMismatch { label, expected, found: after });
                }
                (None, Some(_)) => {
                    return Err(EmitError::HeightUnknown { label: label.index() });
                }
                _ => state.height = Some(after),
            }
        }
        self.height = insn.effect.falls_through.then_some(after);
        Ok(())
    }

    /// Writes an instruction at the end of the code. Where a label has no place yet, that label is
    /// given back, and zero stands for it.
    fn write(
        &mut self,
        insn: &Instruction,
        step: &Step,
        at: u32,
    ) -> Result<Option<Label>, EmitError> {
        let mut cells = std::mem::take(&mut self.cells);
        cells.clear();
        let mut open = None;
        for (operand, (described, arg)) in insn.operands.iter().zip(step.args()).enumerate() {
            let raw = match (described.kind, *arg) {
                (OperandKind::Label(rule), Arg::Label(label)) => match self.state(label).place {
                    Some(target) => place::raw(insn, operand, rule, at, target, step.line)?,
                    None => {
                        open = Some(label);
                        0
                    }
                },
                (OperandKind::Label(_), Arg::Number(_)) | (_, Arg::Label(_)) => {
                    let (mnemonic, line) = (insn.name.clone(), step.line);
                    return Err(EmitError::WrongKind { mnemonic, line, operand });
                }
                (_, Arg::Number(number)) => number,
            };
            // What is out of range stays so in a cell, and the codec refuses it.
            let cell = described.raw.cell(raw.into()).unwrap_or(raw as u64);
            cells.push(cell);
        }
        let written = self.codec.encode(step.insn, &cells, &mut self.code);
        self.cells = cells;
        match written {
            Ok(()) => Ok(open),
            Err(EncodeError::OutOfRange { operand, .. })
                if insn.operands.get(usize::from(operand)).is_some_and(counts) =>
            {
                Err(EmitError::TooLarge { line: step.line })
            }
            Err(error) => {
                Err(EmitError::Encode { mnemonic: insn.name.clone(), line: step.line, error })
            }
        }
    }

    /// Writes the instruction at an offset again, now that its label has a place.
    fn patch(&mut self, at: u32, step: &Step) -> Result<(), EmitError> {
        let end = self.code.len();
        let insn = self.codec.isa().instruction(step.insn);
        // One that waits for two labels is patched by the second.
        if self.write(insn, step, at)?.is_none() {
            self.code.copy_within(end.., at as usize);
        }
        self.code.truncate(end);
        Ok(())
    }

    fn state(&mut self, label: Label) -> &mut LabelState {
        let index = label.index();
        if index >= self.labels.len() {
            self.labels.resize_with(index + 1, LabelState::default);
        }
        &mut self.labels[index]
    }
}

/// How many cells an instruction pops as a list.
fn listed(insn: &Instruction, step: &Step) -> u32 {
    let count = insn.effect.list.as_ref().and_then(|list| step.args().get(usize::from(list.count)));
    match count {
        Some(Arg::Number(count)) => u32::try_from(*count).unwrap_or(u32::MAX),
        _ => 0,
    }
}

/// Whether an operand is a number of something, which may be too great without anybody being wrong.
fn counts(operand: &Operand) -> bool {
    !matches!(operand.kind, OperandKind::Immediate)
}

/// Writes a whole listing.
///
/// # Errors
///
/// As [`Emitter::emit`], [`Emitter::bind`] and [`Emitter::finish`].
pub fn emit(codec: &Codec<'_>, listing: &Listing) -> Result<Emitted, EmitError> {
    let mut emitter = Emitter::new(codec);
    for entry in &listing.entries {
        match entry {
            Entry::Step(step) => emitter.emit(step)?,
            Entry::Bind(label) => emitter.bind(*label)?,
        }
    }
    emitter.finish()
}
