//! Words of 1 to 8 bytes in either byte order, and the fields in them.

use bytestone_spec::isa::{ByteOrder, Field, Word};

/// The number whose lowest `width` bits are set, `width` being 0 to 64.
const fn low_bits(width: u8) -> u64 {
    if width == 0 { 0 } else { u64::MAX >> (64 - width as u32) }
}

/// The value of `word` in the bytes at `at`, or `None` when they are not all there.
#[inline]
pub(super) fn load(word: &Word, bytes: &[u8], at: usize) -> Option<u64> {
    let len = usize::from(word.bytes);
    let chunk = match bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        Some(chunk) => *chunk,
        None => {
            let mut chunk = [0; 8];
            chunk.get_mut(..len)?.copy_from_slice(bytes.get(at..at + len)?);
            chunk
        }
    };
    let unused = 64 - 8 * u32::from(word.bytes);
    Some(match word.order {
        ByteOrder::Little => (u64::from_le_bytes(chunk) << unused) >> unused,
        ByteOrder::Big => u64::from_be_bytes(chunk) >> unused,
    })
}

/// The bytes of `word` with a value, in their order; the first `word.bytes` of the array.
pub(super) fn bytes(word: &Word, value: u64) -> [u8; 8] {
    match word.order {
        ByteOrder::Little => value.to_le_bytes(),
        ByteOrder::Big => (value << (64 - 8 * u32::from(word.bytes))).to_be_bytes(),
    }
}

/// The bits of an operand that `field` of a word holds, in their place in the operand.
#[inline]
pub(super) fn extract(field: &Field, word: u64) -> u64 {
    ((word >> field.word_low) & low_bits(field.width)) << field.operand_low
}

/// The bits of `cell` that `field` holds, in their place in the word.
pub(super) fn insert(field: &Field, cell: u64) -> u64 {
    ((cell >> field.operand_low) & low_bits(field.width)) << field.word_low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_width_and_order_round_trip() {
        let code: Vec<u8> = (1..=16).collect();
        for len in 1..=8u8 {
            for order in [ByteOrder::Little, ByteOrder::Big] {
                let word = Word {
                    bytes: len,
                    order,
                    fixed_mask: 0,
                    fixed_value: 0,
                    zero_mask: 0,
                    fields: vec![],
                };
                for end in 0..=code.len() {
                    for at in 0..=end {
                        let found = load(&word, &code[..end], at);
                        let expected = code[at..end].get(..usize::from(len));
                        let written = found.map(|value| bytes(&word, value));
                        assert_eq!(written.as_ref().map(|b| &b[..usize::from(len)]), expected);
                    }
                }
            }
        }
        let big = Word {
            bytes: 2,
            order: ByteOrder::Big,
            fixed_mask: 0,
            fixed_value: 0,
            zero_mask: 0,
            fields: vec![],
        };
        assert_eq!(load(&big, &code, 0), Some(0x0102));
        assert_eq!(load(&Word { order: ByteOrder::Little, ..big }, &code, 0), Some(0x0201));
    }

    #[test]
    fn fields_move_bits_to_their_place() {
        let field = Field { operand: 0, word_low: 14, width: 9, operand_low: 3 };
        assert_eq!(extract(&field, 0x1ff << 14), 0x1ff << 3);
        assert_eq!(insert(&field, u64::MAX), 0x1ff << 14);
        let whole = Field { operand: 0, word_low: 0, width: 64, operand_low: 0 };
        assert_eq!(extract(&whole, u64::MAX), u64::MAX);
    }
}
