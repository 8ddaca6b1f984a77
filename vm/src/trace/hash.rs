//! A number that stands for a whole trace, so that two runs can be compared without one.

use super::Tracer;
use crate::state::State;

/// CRC-32 (that of zlib) over the light rows of the steps.
///
/// A light row is taken before the step: the offset of the instruction, the number of active
/// calls, the height of the operand stack and its top four values, top first, fewer when the
/// stack is lower. All are decimal with one space between, and a line feed ends the row:
///
/// ```text
/// 0 0 0
/// 5 0 1 3
/// 10 0 2 5 3
/// ```
#[derive(Clone, Debug, Default)]
pub struct HashTrace {
    hasher: crc32fast::Hasher,
    /// Rows that the hasher has not seen: it is fast only on long input.
    rows: Vec<u8>,
}

/// Bytes of rows gathered for the hasher.
const CHUNK: usize = 4096;
/// The longest row: seven numbers of at most 20 digits, and what is between them.
const LONGEST_ROW: usize = 7 * 21;
/// How many values of the stack a row shows.
const TOP: usize = 4;

impl HashTrace {
    /// The hash of no steps.
    pub fn new() -> Self {
        Self { hasher: crc32fast::Hasher::new(), rows: Vec::with_capacity(CHUNK + LONGEST_ROW) }
    }

    /// The hash of the steps so far.
    pub fn finish(&self) -> u32 {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.rows);
        hasher.finalize()
    }

    #[inline]
    fn push(&mut self, number: u64, end: u8) {
        // Most numbers have one digit.
        if number < 10 {
            self.rows.extend_from_slice(&[b'0' + number as u8, end]);
        } else {
            self.rows.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            self.rows.push(end);
        }
    }
}

impl Tracer for HashTrace {
    #[inline]
    fn before(&mut self, _at: usize, state: &State) {
        self.push(state.pc.into(), b' ');
        self.push(state.calls.len() as u64, b' ');
        self.push(state.stack.len() as u64, b' ');
        let signed = state.stack_type().is_some_and(|of| of.signed);
        for &cell in state.stack.iter().rev().take(TOP) {
            let negative = signed && (cell as i64) < 0;
            if negative {
                self.rows.push(b'-');
            }
            self.push(if negative { cell.wrapping_neg() } else { cell }, b' ');
        }
        if let Some(last) = self.rows.last_mut() {
            *last = b'\n';
        }
        if self.rows.len() >= CHUNK {
            self.hasher.update(&self.rows);
            self.rows.clear();
        }
    }
}
