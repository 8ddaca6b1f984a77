//! Encodings must be told apart by fixed bits: what decodes is one instruction.

use super::insn_id;
use crate::diagnostic::{Diagnostics, Span};
use crate::isa::{ByteOrder, InsnId, Instruction, Part, Word};

/// Reports every instruction whose encoding an earlier one does not exclude.
pub(super) fn check(instructions: &[Instruction], sites: &[Span], diagnostics: &mut Diagnostics) {
    let fixed: Vec<Vec<(u8, u8)>> = instructions.iter().map(fixed_bytes).collect();
    // Encodings whose first byte is fixed meet only those with the same one.
    let mut by_first: Vec<Vec<InsnId>> = vec![Vec::new(); 256];
    for (index, bytes) in fixed.iter().enumerate() {
        let (mask, value) = bytes.first().copied().unwrap_or((0, 0));
        let earlier = (0..=255u8)
            .filter(|first| first & mask == value)
            .flat_map(|first| by_first[usize::from(first)].iter())
            .find(|earlier| !distinct(&fixed[usize::from(earlier.0)], bytes));
        if let Some(earlier) = earlier {
            let (name, other) =
                (&instructions[index].name, &instructions[usize::from(earlier.0)].name);
            diagnostics.error_with_help(
                sites[index],
                format!("no fixed bit tells `{name}` from `{other}`"),
                "two encodings need a bit that is fixed in both and differs",
            );
        }
        for first in (0..=255u8).filter(|first| first & mask == value) {
            by_first[usize::from(first)].push(insn_id(index));
        }
    }
}

/// Fixed bits by byte, as mask and value, up to the first part of variable length.
fn fixed_bytes(instruction: &Instruction) -> Vec<(u8, u8)> {
    let mut bytes = Vec::new();
    for part in &instruction.encoding.parts {
        match part {
            Part::Word(word) => bytes.extend((0..word.bytes).map(|at| fixed_byte(word, at))),
            Part::Leb { .. } => break,
        }
    }
    bytes
}

fn fixed_byte(word: &Word, at: u8) -> (u8, u8) {
    let shift = match word.order {
        ByteOrder::Little => 8 * at,
        ByteOrder::Big => 8 * (word.bytes - 1 - at),
    };
    ((word.fixed_mask >> shift) as u8, (word.fixed_value >> shift) as u8)
}

fn distinct(a: &[(u8, u8)], b: &[(u8, u8)]) -> bool {
    a.iter()
        .zip(b)
        .any(|((mask_a, value_a), (mask_b, value_b))| (value_a ^ value_b) & mask_a & mask_b != 0)
}
