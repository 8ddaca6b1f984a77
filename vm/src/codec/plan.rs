//! How the operands of an instruction are read: an encoding without what decoding need not know.

use bytestone_spec::isa::{ByteOrder, Encoding, Instruction, IntType, Linear, Part, Word};

use super::leb::{self, LebError};
use super::{Obstacle, word};

/// What keeps an instruction from being decoded, and its length if that can be told.
pub(super) type Stop = (Obstacle, Option<usize>);

/// The steps that read an instruction which is known by its fixed bits.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// How many operands there are, not counting a list.
    pub(super) operands: usize,
    /// The length of the words at the start that hold nothing but fixed bits.
    skip: usize,
    steps: Vec<Step>,
    /// What follows when the steps are done; few instructions have that.
    tail: Option<Box<Tail>>,
}

#[derive(Clone, Debug)]
enum Step {
    Word(WordStep),
    Leb { operand: u8, ty: IntType },
    Align { to: u8 },
}

/// What operands have to be, and the list behind them.
#[derive(Clone, Debug)]
struct Tail {
    /// The types of the operands.
    raws: Vec<IntType>,
    conditions: Vec<Linear>,
    list: Option<List>,
}

/// The elements of a list.
#[derive(Clone, Debug)]
struct List {
    count: Linear,
    bytes: u8,
    order: ByteOrder,
    ty: IntType,
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
    pub(super) fn new(insn: &Instruction, encoding: &Encoding) -> Self {
        let mut parts = encoding.parts.as_slice();
        let mut skip = 0;
        while let Some((Part::Word(word), rest)) = parts.split_first()
            && word.zero_mask == 0
            && word.fields.is_empty()
        {
            skip += usize::from(word.bytes);
            parts = rest;
        }
        let steps = parts.iter().filter_map(|part| match part {
            Part::Word(word) => Some(Step::Word(word_step(encoding, word))),
            Part::Leb { operand } => {
                Some(Step::Leb { operand: *operand, ty: encoding.raws[usize::from(*operand)] })
            }
            Part::Align { to } => Some(Step::Align { to: *to }),
            Part::List { .. } => None,
        });
        let tail = Tail::new(insn, encoding).map(Box::new);
        Self { operands: insn.scalars(), skip, steps: steps.collect(), tail }
    }

    /// Appends the operands of the instruction at `offset`, with which `bytes` start, to `operands`,
    /// and finds the length.
    #[inline]
    pub(super) fn read(
        &self,
        bytes: &[u8],
        offset: u32,
        operands: &mut Vec<u64>,
    ) -> Result<usize, Stop> {
        let first = operands.len();
        operands.resize(first + self.operands, 0);
        let read = self.read_steps(bytes, offset, &mut operands[first..]);
        match &self.tail {
            None => read,
            Some(tail) => tail.follow(read, bytes, first, operands),
        }
    }

    #[inline]
    fn read_steps(&self, bytes: &[u8], offset: u32, cells: &mut [u64]) -> Result<usize, Stop> {
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
                Step::Align { to } => {
                    let end = at + padding(offset as usize + at, *to);
                    let pad = bytes.get(at..end).ok_or((Obstacle::Truncated, None))?;
                    if pad.iter().any(|byte| *byte != 0) {
                        obstacle.get_or_insert(Obstacle::Padding);
                    }
                    at = end;
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

impl Tail {
    fn new(insn: &Instruction, encoding: &Encoding) -> Option<Self> {
        let part = encoding.parts.iter().find_map(|part| match part {
            Part::List { operand, bytes, order } => Some((*operand, *bytes, *order)),
            _ => None,
        });
        let list = part.zip(insn.count.as_ref()).map(|((operand, bytes, order), count)| List {
            count: count.clone(),
            bytes,
            order,
            ty: encoding.raws[usize::from(operand)],
        });
        (list.is_some() || !insn.conditions.is_empty()).then(|| Self {
            raws: encoding.raws.clone(),
            conditions: insn.conditions.clone(),
            list,
        })
    }

    /// What comes of an instruction whose steps came to `read`. The end of the code wins over what is
    /// wrong before it.
    #[cold]
    fn follow(
        &self,
        read: Result<usize, Stop>,
        bytes: &[u8],
        first: usize,
        operands: &mut Vec<u64>,
    ) -> Result<usize, Stop> {
        match read {
            Ok(at) => self.read(bytes, at, first, operands),
            Err((obstacle, Some(at))) => match self.read(bytes, at, first, operands) {
                Err((Obstacle::Truncated, len)) => Err((Obstacle::Truncated, len)),
                Ok(len) => Err((obstacle, Some(len))),
                Err((_, len)) => Err((obstacle, len)),
            },
            Err(stop) => Err(stop),
        }
    }

    /// Holds the operands from `first` on to the conditions, and appends the elements of the list,
    /// which start at byte `at`. Returns the length of the instruction.
    fn read(
        &self,
        bytes: &[u8],
        at: usize,
        first: usize,
        operands: &mut Vec<u64>,
    ) -> Result<usize, Stop> {
        let number = |operand: u8| {
            let operand = usize::from(operand);
            self.raws[operand].value(operands[first + operand])
        };
        let broken = self.conditions.iter().any(|condition| condition.value(number) < 0);
        let count = self.list.as_ref().map_or(0, |list| list.count.value(number));
        if broken || count < 0 {
            // How long a list would be that cannot be is not asked.
            let len = self.list.is_none().then_some(at);
            return Err((Obstacle::Condition, len));
        }
        let Some(list) = &self.list else { return Ok(at) };
        let left = bytes.len().saturating_sub(at) / usize::from(list.bytes);
        let count = usize::try_from(count).ok().filter(|count| *count <= left);
        let count = count.ok_or((Obstacle::Truncated, None))?;
        operands.reserve(count);
        for element in 0..count {
            let place = at + element * usize::from(list.bytes);
            let value = word::load(list.bytes, list.order, bytes, place);
            operands.push(list.ty.wrap(value.ok_or((Obstacle::Truncated, None))?));
        }
        Ok(at + count * usize::from(list.bytes))
    }
}

/// How many bytes come before the next multiple of `to` at or after `at`.
pub(super) fn padding(at: usize, to: u8) -> usize {
    let to = usize::from(to.max(1));
    (to - at % to) % to
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
