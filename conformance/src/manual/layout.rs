//! Encodings as rows of boxes: bytes by offset, and words by bit from high to low.

use bytestone_spec::isa::{ByteOrder, Encoding, Instruction, Part, Word};

/// Bits drawn in one row.
pub(super) const ROW_BITS: u8 = 32;

/// Where a byte may stand, counted from the start of the instruction: LEB128 numbers before it
/// make it a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    pub(super) min: u32,
    pub(super) max: u32,
}

impl Offset {
    fn plus(self, bytes: u32) -> Self {
        Self { min: self.min + bytes, max: self.max + bytes }
    }

    pub(super) fn text(self) -> String {
        range(self.min, self.max)
    }
}

/// `n`, or `min–max`.
pub(super) fn range(min: u32, max: u32) -> String {
    if min == max { min.to_string() } else { format!("{min}–{max}") }
}

/// What is drawn as one figure.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Whole bytes, side by side.
    Bytes(Vec<Group>),
    /// A word of bit fields.
    Bits(BitWord),
}

/// Bytes that belong together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) at: Offset,
    pub(super) holds: GroupHolds,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum GroupHolds {
    /// A byte of the opcode.
    Fixed(u8),
    /// An operand: for each byte its highest and lowest bit.
    Operand { operand: u8, order: ByteOrder, bytes: Vec<(u8, u8)> },
    /// A LEB128 number of one byte to `max`.
    Leb { operand: u8, max: u32 },
    /// Zero bytes up to the next multiple.
    Align { to: u8 },
    /// The elements of a list, each of so many bytes.
    List { operand: u8, bytes: u8, order: ByteOrder },
}

/// A word of bit fields.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BitWord {
    pub(super) at: Offset,
    pub(super) bytes: u8,
    pub(super) order: ByteOrder,
    /// From high to low; none crosses a row.
    pub(super) segments: Vec<Segment>,
}

/// Neighbouring bits of a word that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) high: u8,
    pub(super) low: u8,
    pub(super) holds: SegmentHolds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentHolds {
    /// Bits of the opcode.
    Fixed(u64),
    /// Bits that must be zero.
    Zero,
    /// Bits of an operand.
    Operand { operand: u8, high: u8, low: u8 },
}

impl Segment {
    pub(super) fn width(self) -> u8 {
        self.high - self.low + 1
    }
}

impl BitWord {
    /// The segments by row, the highest bits first.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[Segment]> {
        self.segments.chunk_by(|a, b| a.high / ROW_BITS == b.high / ROW_BITS)
    }

    /// The offset, from the start of the word, of the byte that holds a bit.
    pub(super) fn byte_of(&self, bit: u8) -> u8 {
        match self.order {
            ByteOrder::Little => bit / 8,
            ByteOrder::Big => self.bytes - 1 - bit / 8,
        }
    }
}

/// The byte order in words.
pub(super) const fn order_words(order: ByteOrder) -> &'static str {
    match order {
        ByteOrder::Little => "least significant byte first",
        ByteOrder::Big => "most significant byte first",
    }
}

/// The figures of an encoding, in the order of their bytes.
pub(super) fn blocks(encoding: &Encoding) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut at = Offset { min: 0, max: 0 };
    for part in &encoding.parts {
        let (group, next) = match part {
            Part::Word(word) => (word_group(word, at), at.plus(u32::from(word.bytes))),
            Part::Leb { operand } => {
                let max = leb_bytes(encoding, *operand);
                let holds = GroupHolds::Leb { operand: *operand, max };
                (Ok(holds), Offset { min: at.min + 1, max: at.max + max })
            }
            Part::Align { to } => {
                let max = at.max + u32::from(*to) - 1;
                (Ok(GroupHolds::Align { to: *to }), Offset { min: at.min, max })
            }
            Part::List { operand, bytes, order } => {
                let holds = GroupHolds::List { operand: *operand, bytes: *bytes, order: *order };
                (Ok(holds), at)
            }
        };
        match (group, blocks.last_mut()) {
            (Ok(holds), Some(Block::Bytes(groups))) => groups.push(Group { at, holds }),
            (Ok(holds), _) => blocks.push(Block::Bytes(vec![Group { at, holds }])),
            (Err(word), _) => blocks.push(Block::Bits(word)),
        }
        at = next;
    }
    blocks
}

/// The most bytes of a LEB128 operand.
pub(super) fn leb_bytes(encoding: &Encoding, operand: u8) -> u32 {
    let bits = encoding.raws.get(usize::from(operand)).map_or(64, |raw| raw.bits);
    u32::from(bits.div_ceil(7))
}

/// A word as whole bytes where it is an opcode byte or one operand, else as bits.
fn word_group(word: &Word, at: Offset) -> Result<GroupHolds, BitWord> {
    let bits = word.bytes * 8;
    if word.bytes == 1 && word.fixed_mask == 0xff {
        return Ok(GroupHolds::Fixed(word.fixed_value as u8));
    }
    match word.fields.as_slice() {
        [field] if field.width == bits && (field.operand_low == 0 || word.bytes == 1) => {
            let low = field.operand_low;
            let mut bytes: Vec<(u8, u8)> =
                (0..word.bytes).map(|byte| (low + byte * 8 + 7, low + byte * 8)).collect();
            if word.order == ByteOrder::Big {
                bytes.reverse();
            }
            Ok(GroupHolds::Operand { operand: field.operand, order: word.order, bytes })
        }
        _ => Err(BitWord { at, bytes: word.bytes, order: word.order, segments: segments(word) }),
    }
}

/// What one bit of a word is for: segments are runs of bits with equal owners.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Fixed,
    Zero,
    Field(usize),
}

fn owner(word: &Word, bit: u8) -> Owner {
    if word.fixed_mask >> bit & 1 == 1 {
        return Owner::Fixed;
    }
    let field = word.fields.iter().position(|field| {
        (u32::from(field.word_low)..u32::from(field.word_low) + u32::from(field.width))
            .contains(&u32::from(bit))
    });
    field.map_or(Owner::Zero, Owner::Field)
}

fn segments(word: &Word) -> Vec<Segment> {
    let mut runs: Vec<(Owner, u8, u8)> = Vec::new();
    for bit in (0..word.bytes * 8).rev() {
        let owner = owner(word, bit);
        match runs.last_mut() {
            Some((last, _, low)) if *last == owner && bit % ROW_BITS != ROW_BITS - 1 => *low = bit,
            _ => runs.push((owner, bit, bit)),
        }
    }
    let holds = |owner, high: u8, low: u8| match owner {
        Owner::Zero => SegmentHolds::Zero,
        Owner::Fixed => {
            SegmentHolds::Fixed(word.fixed_value >> low & (u64::MAX >> (63 - (high - low))))
        }
        Owner::Field(at) => {
            let field = word.fields[at];
            let operand_bit = |bit: u8| bit - field.word_low + field.operand_low;
            SegmentHolds::Operand {
                operand: field.operand,
                high: operand_bit(high),
                low: operand_bit(low),
            }
        }
    };
    runs.into_iter()
        .map(|(owner, high, low)| Segment { high, low, holds: holds(owner, high, low) })
        .collect()
}

/// Fixed bits as they are written: short ones in binary, others in hexadecimal.
pub(super) fn fixed_text(value: u64, width: u8) -> String {
    let digits = usize::from(width);
    match width {
        0..=3 => format!("{value:0digits$b}"),
        _ => format!("0x{value:0digits$X}", digits = digits.div_ceil(4)),
    }
}

/// An operand in a box: its name, with the bits if the box does not hold all of it.
pub(super) fn operand_text(insn: &Instruction, operand: u8, high: u8, low: u8) -> String {
    match insn.operands.get(usize::from(operand)) {
        Some(operand) if low == 0 && high + 1 == operand.raw.bits => operand.name.clone(),
        Some(operand) if high == low => format!("{}[{high}]", operand.name),
        Some(operand) => format!("{}[{high}:{low}]", operand.name),
        None => String::new(),
    }
}

/// How many bytes an instruction has.
pub(super) fn length(insn: &Instruction) -> String {
    match insn.count {
        None => range(insn.min_len(), insn.max_len()),
        Some(_) => format!("{} and the list", range(insn.min_len(), insn.max_len())),
    }
}

/// What stands above the figures of an encoding, where there are several.
pub(super) fn heading(insn: &Instruction, at: usize) -> Option<String> {
    let words = match at {
        _ if insn.encodings.len() == 1 => return None,
        0 => "taken if it can hold the operands".to_owned(),
        _ => format!(
            "taken if no earlier one can hold the operands, or where the text says {}/{}",
            insn.name,
            at + 1
        ),
    };
    Some(format!("Encoding {}: {words}", at + 1))
}

/// The bytes of an instruction in words.
pub(super) fn length_words(insn: &Instruction) -> String {
    match (insn.min_len(), insn.max_len()) {
        (1, 1) => "1 byte".to_owned(),
        _ => format!("{} bytes", length(insn)),
    }
}
