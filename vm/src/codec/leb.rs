//! LEB128 numbers in their shortest form.

use bytestone_spec::isa::IntType;

use super::NumberFault;

/// Why bytes are no LEB128 number of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LebError {
    /// The bytes end before the number does.
    CutShort,
    /// The number has a fault; its length in bytes, if it ends where it must.
    Fault(NumberFault, Option<usize>),
}

/// The greatest length in bytes of a number of type `ty`.
fn max_len(ty: IntType) -> usize {
    usize::from(ty.bits).div_ceil(7)
}

/// The length in bytes of the shortest form of `value`, with the sign of `ty`.
pub(super) fn len(ty: IntType, value: i128) -> usize {
    let significant = if ty.signed {
        129 - (value ^ (value >> 127)).leading_zeros()
    } else {
        (128 - value.leading_zeros()).max(1)
    };
    significant.div_ceil(7) as usize
}

/// Reads the number at the start of `bytes`: its cell, and its length in bytes.
#[inline]
pub(super) fn read(ty: IntType, bytes: &[u8]) -> Result<(u64, usize), LebError> {
    let mut value: i128 = 0;
    let max_len = max_len(ty);
    for (at, &byte) in bytes.iter().take(max_len).enumerate() {
        value |= i128::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 != 0 {
            continue;
        }
        let read = at + 1;
        if ty.signed && byte & 0x40 != 0 {
            value -= 1 << (7 * read);
        }
        let cell = ty.cell(value).ok_or(LebError::Fault(NumberFault::OutOfRange, Some(read)))?;
        if len(ty, value) < read {
            return Err(LebError::Fault(NumberFault::NotShortest, Some(read)));
        }
        return Ok((cell, read));
    }
    if bytes.len() < max_len {
        Err(LebError::CutShort)
    } else {
        Err(LebError::Fault(NumberFault::Endless, None))
    }
}

/// Appends the shortest form of `value`, a value of type `ty`.
pub(super) fn write(ty: IntType, mut value: i128, out: &mut Vec<u8>) {
    for _ in 1..len(ty, value) {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8 & 0x7f);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(ty: IntType, value: i128) -> usize {
        let mut bytes = Vec::new();
        write(ty, value, &mut bytes);
        assert_eq!(bytes.len(), len(ty, value), "{ty} {value}");
        assert_eq!(read(ty, &bytes), Ok((ty.cell(value).unwrap(), bytes.len())), "{ty} {value}");
        for cut in 0..bytes.len() {
            assert_eq!(read(ty, &bytes[..cut]), Err(LebError::CutShort), "{ty} {value}");
        }
        bytes.len()
    }

    #[test]
    fn boundary_values_of_every_type_round_trip() {
        for bits in 1..=64 {
            for ty in [IntType::signed(bits), IntType::unsigned(bits)] {
                assert_eq!(round_trip(ty, ty.max()), max_len(ty));
                assert_eq!(round_trip(ty, ty.min()), if ty.signed { max_len(ty) } else { 1 });
                for shift in 0..i128::from(bits) {
                    for value in [(1 << shift) - 1, 1 << shift, -(1 << shift), -(1 << shift) - 1] {
                        if ty.contains(value) {
                            round_trip(ty, value);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn known_forms() {
        for (ty, value, bytes) in [
            (IntType::unsigned(32), 624_485, &[0xe5, 0x8e, 0x26][..]),
            (IntType::signed(32), -123_456, &[0xc0, 0xbb, 0x78]),
            (IntType::signed(8), 64, &[0xc0, 0x00]),
            (IntType::signed(8), -64, &[0x40]),
            (IntType::unsigned(64), u64::MAX.into(), &[0xff; 10]),
        ] {
            let mut written = Vec::new();
            write(ty, value, &mut written);
            if bytes.len() == 10 {
                assert_eq!(written, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
            } else {
                assert_eq!(written, bytes);
            }
        }
    }

    #[test]
    fn faults_are_told_apart() {
        let fault = |fault, len| Err(LebError::Fault(fault, len));
        let (u8, i8) = (IntType::unsigned(8), IntType::signed(8));
        assert_eq!(read(u8, &[0x80, 0x00]), fault(NumberFault::NotShortest, Some(2)));
        assert_eq!(read(i8, &[0xff, 0x7f]), fault(NumberFault::NotShortest, Some(2)));
        assert_eq!(read(i8, &[0x80, 0x00]), fault(NumberFault::NotShortest, Some(2)));
        assert_eq!(read(u8, &[0x80, 0x02]), fault(NumberFault::OutOfRange, Some(2)));
        assert_eq!(read(i8, &[0xff, 0x7e]), fault(NumberFault::OutOfRange, Some(2)));
        assert_eq!(read(u8, &[0x80, 0x80, 0x00]), fault(NumberFault::Endless, None));
        assert_eq!(read(u8, &[0x80]), Err(LebError::CutShort));
        assert_eq!(read(u8, &[]), Err(LebError::CutShort));
    }
}
