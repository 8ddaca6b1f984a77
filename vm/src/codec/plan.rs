//! How the operands of an instruction are read: an encoding without what decoding need not know.

use bytestone_spec::isa::{ByteOrder, Encoding, IntType, Part, Word};

use super::leb::{self, LebError};
use super::{Obstacle, word};

/// What keeps an instruction from being decoded, and its length if that can be told.
pub(super) type Stop = (Obstacle, Option<usize>);

/// The steps that read an instruction which is known by its fixed bits.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// How many operands there are.
    pub(super) operands: usize,
    /// The length of the words at the start that hold nothing but fixed bits.
    skip: usize,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Word(WordStep),
    Leb { operand: u8, ty: IntType },
}

/// Reads a word.
#[derive(Clone, Debug)]
struct WordStep {
    bytes: u8,
    order: ByteOrder,
    /// The bits that must be as in `fixed_value`: fixed ones and unused ones.
    check_mask: u64,
    fixed_value: u64,
    /// Those that are unused.
    zero_mask: u64,
    fields: Vec<FieldStep>,
}

/// Moves the bits of a field to their place in the operand: shifted left so that the highest one
/// is on top, then right, which extends the sign where it is one, then left again.
#[derive(Clone, Copy, Debug)]
struct FieldStep {
    operand: u8,
    to_top: u8,
    down: u8,
    signed: bool,
    operand_low: u8,
}

impl FieldStep {
    #[inline]
    fn read(self, word: u64) -> u64 {
        let top = word << self.to_top;
        let bits = if self.signed { ((top as i64) >> self.down) as u64 } else { top >> self.down };
        bits << self.operand_low
    }
}

impl Plan {
    pub(super) fn new(encoding: &Encoding) -> Self {
        let mut parts = encoding.parts.as_slice();
        let mut skip = 0;
        while let Some((Part::Word(word), rest)) = parts.split_first()
            && word.zero_mask == 0
            && word.fields.is_empty()
        {
            skip += usize::from(word.bytes);
            parts = rest;
        }
        let steps = parts.iter().map(|part| match part {
            Part::Word(word) => Step::Word(word_step(encoding, word)),
            Part::Leb { operand } => {
                Step::Leb { operand: *operand, ty: encoding.raws[usize::from(*operand)] }
            }
        });
        Self { operands: encoding.raws.len(), skip, steps: steps.collect() }
    }

    /// Reads the operands into `cells`, which are zero, and finds the length.
    #[inline]
    pub(super) fn read(&self, bytes: &[u8], cells: &mut [u64]) -> Result<usize, Stop> {
        let mut at = self.skip;
        let mut obstacle = None;
        for step in &self.steps {
            match step {
                Step::Word(step) => {
                    let value = word::load(step.bytes, step.order, bytes, at)
                        .ok_or((Obstacle::Truncated, None))?;
                    if value & step.check_mask != step.fixed_value {
                        let unused =
                            step.unused_bits(value).ok_or((Obstacle::UnknownOpcode, None))?;
                        obstacle.get_or_insert(unused);
                    }
                    for field in &step.fields {
                        cells[usize::from(field.operand)] |= field.read(value);
                    }
                    at += usize::from(step.bytes);
                }
                Step::Leb { operand, ty } => match leb::read(*ty, &bytes[at..]) {
                    Ok((cell, len)) => {
                        cells[usize::from(*operand)] = cell;
                        at += len;
                    }
                    Err(LebError::CutShort) => return Err((Obstacle::Truncated, None)),
                    Err(LebError::Fault(fault, len)) => {
                        let number = Obstacle::Number { operand: *operand, fault };
                        let first = *obstacle.get_or_insert(number);
                        at += len.ok_or((first, None))?;
                    }
                },
            }
        }
        obstacle.map_or(Ok(at), |obstacle| Err((obstacle, Some(at))))
    }
}

impl WordStep {
    /// The fault of a word whose checked bits are wrong; `None` when the fixed ones are.
    #[cold]
    fn unused_bits(&self, value: u64) -> Option<Obstacle> {
        let set = value & self.zero_mask;
        (value & self.check_mask == self.fixed_value | set).then_some(Obstacle::UnusedBits { set })
    }
}

fn word_step(encoding: &Encoding, word: &Word) -> WordStep {
    let fields = word.fields.iter().map(|field| {
        let raw = encoding.raws[usize::from(field.operand)];
        FieldStep {
            operand: field.operand,
            to_top: 64 - field.word_low - field.width,
            down: 64 - field.width,
            signed: raw.signed && field.operand_low + field.width == raw.bits,
            operand_low: field.operand_low,
        }
    });
    WordStep {
        bytes: word.bytes,
        order: word.order,
        check_mask: word.fixed_mask | word.zero_mask,
        fixed_value: word.fixed_value,
        zero_mask: word.zero_mask,
        fields: fields.collect(),
    }
}
