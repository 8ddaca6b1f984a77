//! How instructions are written in bytes.

use super::IntType;

/// How an instruction is written in bytes: parts, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// The parts in the order of their bytes. A list is the last one.
    pub parts: Vec<Part>,
    /// By operand, the numbers that it can hold: those of [`Operand::raw`](super::Operand::raw) or fewer.
    pub raws: Vec<IntType>,
    /// The least number of bytes, without the elements of a list.
    pub min_len: u32,
    /// The greatest number of bytes, without the elements of a list.
    pub max_len: u32,
}

impl Encoding {
    /// Whether it can hold operands with the raw numbers in `cells`.
    pub fn holds(&self, cells: &[u64]) -> bool {
        self.raws.iter().zip(cells).all(|(raw, &cell)| raw.wrap(cell) == cell)
    }
}

/// A part of an encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A word of fixed width. A plain opcode byte and a plain integer operand are words too.
    Word(Word),
    /// A LEB128 number in its shortest form, of at most `ceil(raw.bits / 7)` bytes.
    Leb {
        /// The operand that it holds; the LEB128 form is that of its type in [`Encoding::raws`].
        operand: u8,
    },
    /// Zero bytes, as few as make the next byte start at a multiple, counted from the start of the
    /// code.
    Align {
        /// The multiple: 2, 4, 8 or 16.
        to: u8,
    },
    /// The elements of a list.
    List {
        /// The operand that they are.
        operand: u8,
        /// The width of each in bytes.
        bytes: u8,
        /// The order of the bytes of each.
        order: ByteOrder,
    },
}

/// A word of 1 to 8 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its width in bytes.
    pub bytes: u8,
    /// The order of its bytes.
    pub order: ByteOrder,
    /// The bits that tell this instruction from others.
    pub fixed_mask: u64,
    /// Their values.
    pub fixed_value: u64,
    /// The bits that must be zero (`bad_operand` when they are not).
    pub zero_mask: u64,
    /// The fields that hold operands. With the masks above they cover every bit once.
    pub fields: Vec<Field>,
}

/// The order of the bytes of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// Bits of a word that hold bits of an operand:
/// `word[word_low .. word_low + width] = raw[operand_low .. operand_low + width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The operand.
    pub operand: u8,
    /// The lowest bit in the word.
    pub word_low: u8,
    /// How many bits.
    pub width: u8,
    /// The lowest bit of the operand that the field holds.
    pub operand_low: u8,
}

/// A sum of multiples of operands and a number, which is computed without bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linear {
    /// Operands, which are plain numbers, with their factors of at most 33 bits.
    pub terms: Vec<(u8, i64)>,
    /// The number, of at most 64 bits.
    pub constant: i128,
}

impl Linear {
    /// Its value for operands with these numbers.
    pub fn value(&self, number: impl Fn(u8) -> i128) -> i128 {
        let terms = self.terms.iter();
        terms.fold(self.constant, |sum, &(operand, factor)| {
            // Sixteen products of 97 bits.
            sum + i128::from(factor) * number(operand)
        })
    }
}
