//! Encodings must be told apart by fixed bits: what decodes is one instruction.

use crate::diagnostic::{Diagnostics, Span};
use crate::isa::{ByteOrder, Encoding, Instruction, Part, Word};
use crate::limits;

/// Reports every encoding that an earlier one does not exclude, of the same instruction or of
/// another one.
pub(super) fn check(instructions: &[Instruction], sites: &[Span], diagnostics: &mut Diagnostics) {
    let mut forms: Vec<Form> = Vec::new();
    for (instruction, site) in instructions.iter().zip(sites) {
        let mut met = None;
        for encoding in &instruction.encodings {
            let fixed = fixed_bytes(encoding);
            let earlier = forms.iter().find(|form| !distinct(&form.fixed, &fixed));
            met = met.or(earlier.map(|form| form.name));
            if forms.len() == limits::SECTION {
                let message = format!("a machine has at most {} encodings", limits::SECTION);
                return diagnostics.error(*site, message);
            }
            forms.push(Form { name: &instruction.name, fixed });
        }
        let Some(other) = met else { continue };
        let name = instruction.name.as_str();
        let message = if name == other {
            format!("no fixed bit tells two encodings of `{name}` from one another")
        } else {
            format!("no fixed bit tells `{name}` from `{other}`")
        };
        let help = "two encodings need a bit that is fixed in both and differs";
        diagnostics.error_with_help(*site, message, help);
    }
}

/// An encoding by its fixed bits.
struct Form<'a> {
    name: &'a str,
    /// By byte, as mask and value, up to the first part of variable length.
    fixed: Vec<(u8, u8)>,
}

fn fixed_bytes(encoding: &Encoding) -> Vec<(u8, u8)> {
    let mut bytes = Vec::new();
    for part in &encoding.parts {
        match part {
            Part::Word(word) => bytes.extend((0..word.bytes).map(|at| fixed_byte(word, at))),
            Part::Leb { .. } | Part::Align { .. } | Part::List { .. } => break,
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
