//! Encodings must be told apart by fixed bits: what decodes is one instruction.

use crate::diagnostic::{Diagnostics, Span};
use crate::isa::{ByteOrder, Instruction, Part, Word};

/// Reports every instruction whose encoding an earlier one does not exclude.
pub(super) fn check(instructions: &[Instruction], sites: &[Span], diagnostics: &mut Diagnostics) {
    let fixed: Vec<Vec<(u8, u8)>> = instructions.iter().map(fixed_bytes).collect();
    for (index, bytes) in fixed.iter().enumerate() {
        let Some(earlier) = fixed[..index].iter().position(|other| !distinct(other, bytes)) else {
            continue;
        };
        let (name, other) = (&instructions[index].name, &instructions[earlier].name);
        diagnostics.error_with_help(
            sites[index],
            format!("no fixed bit tells `{name}` from `{other}`"),
            "two encodings need a bit that is fixed in both and differs",
        );
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
