//! Opcodes: what tells one instruction from another, and the map of all of them.

use std::collections::BTreeMap;

use bytestone_spec::Isa;
use bytestone_spec::isa::{ByteOrder, Encoding, Instruction, Part, Word};

/// Which instructions have which opcode, on machines whose opcodes are all in one place and have
/// at most eight bits.
pub(super) struct OpcodeMap<'a> {
    /// Where the opcode is, in words.
    pub(super) place: String,
    /// How many opcodes there can be.
    pub(super) size: u16,
    /// The instructions by opcode.
    pub(super) cells: BTreeMap<u8, Vec<&'a Instruction>>,
}

impl<'a> OpcodeMap<'a> {
    /// The opcodes of a row.
    pub(super) const COLUMNS: u8 = 16;

    pub(super) fn of(isa: &'a Isa) -> Option<Self> {
        Self::of_first_bytes(isa).or_else(|| Self::of_field(isa))
    }

    fn of_first_bytes(isa: &'a Isa) -> Option<Self> {
        let mut cells: BTreeMap<u8, Vec<&Instruction>> = BTreeMap::new();
        for (insn, word) in first_words(isa) {
            let word = word?;
            let low = match word.order {
                ByteOrder::Little => 0,
                ByteOrder::Big => (word.bytes - 1) * 8,
            };
            if word.fixed_mask >> low & 0xff != 0xff {
                return None;
            }
            add(&mut cells, (word.fixed_value >> low) as u8, insn);
        }
        Some(Self { place: "the first byte".to_owned(), size: 256, cells })
    }

    fn of_field(isa: &'a Isa) -> Option<Self> {
        let first = first_word(isa.instructions().first()?.encodings.first()?)?;
        let mut mask = u64::MAX;
        for (_, word) in first_words(isa) {
            let word = word?;
            if (word.bytes, word.order) != (first.bytes, first.order) {
                return None;
            }
            mask &= word.fixed_mask;
        }
        let (low, width) = run(mask).filter(|(_, width)| *width <= 8)?;
        let mut cells: BTreeMap<u8, Vec<&Instruction>> = BTreeMap::new();
        for (insn, word) in first_words(isa) {
            add(&mut cells, ((word?.fixed_value & mask) >> low) as u8, insn);
        }
        let place = match width {
            1 => format!("bit {low} of the first word"),
            _ => format!("bits {} to {low} of the first word", low + width - 1),
        };
        Some(Self { place, size: 1 << width, cells })
    }

    /// The first opcodes of the rows that have instructions.
    pub(super) fn rows(&self) -> Vec<u8> {
        let mut rows: Vec<u8> =
            self.cells.keys().map(|opcode| opcode - opcode % Self::COLUMNS).collect();
        rows.dedup();
        rows
    }

    /// The digits that the opcodes of a row have in common: `2_`.
    pub(super) fn row_head(&self, row: u8) -> String {
        match self.size {
            0..=16 => "_".to_owned(),
            _ => format!("{:X}_", row / Self::COLUMNS),
        }
    }

    /// The columns of a row; opcodes narrower than four bits have fewer.
    pub(super) fn columns(&self) -> u8 {
        self.size.min(u16::from(Self::COLUMNS)) as u8
    }

    /// The instructions with an opcode.
    pub(super) fn at(&self, opcode: u8) -> &[&'a Instruction] {
        self.cells.get(&opcode).map_or(&[], Vec::as_slice)
    }
}

/// The first words of all encodings of all instructions, if they are words.
fn first_words(isa: &Isa) -> impl Iterator<Item = (&Instruction, Option<&Word>)> {
    isa.instructions()
        .iter()
        .flat_map(|insn| insn.encodings.iter().map(move |encoding| (insn, first_word(encoding))))
}

/// Adds an instruction, of which several encodings may have the same opcode.
fn add<'a>(cells: &mut BTreeMap<u8, Vec<&'a Instruction>>, opcode: u8, insn: &'a Instruction) {
    let cell = cells.entry(opcode).or_default();
    if cell.last().is_none_or(|last| last.name != insn.name) {
        cell.push(insn);
    }
}

fn first_word(encoding: &Encoding) -> Option<&Word> {
    match encoding.parts.first()? {
        Part::Word(word) => Some(word),
        Part::Leb { .. } | Part::Align { .. } | Part::List { .. } => None,
    }
}

/// Lowest bit and width of a mask that is one run of bits.
fn run(mask: u64) -> Option<(u32, u32)> {
    if mask == 0 {
        return None;
    }
    let low = mask.trailing_zeros();
    let width = (mask >> low).trailing_ones();
    (width == mask.count_ones()).then_some((low, width))
}

/// The opcode of an instruction, as text.
pub(super) fn opcode(insn: &Instruction) -> String {
    let Some(encoding) = insn.encodings.first() else { return String::new() };
    let leading: Vec<String> = encoding
        .parts
        .iter()
        .map_while(|part| match part {
            Part::Word(word) if word.bytes == 1 && word.fixed_mask == 0xff => {
                Some(format!("{:02X}", word.fixed_value))
            }
            _ => None,
        })
        .collect();
    if !leading.is_empty() {
        return leading.join(" ");
    }
    let Some(word) = first_word(encoding) else { return String::new() };
    match run(word.fixed_mask) {
        Some((low, width)) => {
            let digits = width.div_ceil(4) as usize;
            format!("{:0digits$X}", (word.fixed_value & word.fixed_mask) >> low)
        }
        // Fixed bits in several places: every digit of the word, with a dot for what is free. In hexadecimal if
        // that tells all of it.
        None => digits(word, 4).or_else(|| digits(word, 1)).unwrap_or_default(),
    }
}

/// The digits of a word, of so many bits each, the highest first; `None` if some bits of a digit are fixed and
/// others not.
fn digits(word: &Word, bits: u32) -> Option<String> {
    let mask = (1 << bits) - 1;
    let places = (0..u32::from(word.bytes) * 8).step_by(bits as usize).rev();
    let digit = |place: u32| match word.fixed_mask >> place & mask {
        0 => Some('.'),
        fixed if fixed == mask => {
            let digit = char::from_digit((word.fixed_value >> place & mask) as u32, 16)?;
            Some(digit.to_ascii_uppercase())
        }
        _ => None,
    };
    places.map(digit).collect()
}
