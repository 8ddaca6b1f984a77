//! Linear memory: regions of bytes at fixed addresses, and the registers that have to do with them.

use super::{BankId, IntType};

/// A region of bytes that loads and stores reach, all zero when a program starts unless the input says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The name in specs, case files and traces.
    pub name: String,
    /// The address of its first byte.
    pub base: u64,
    /// How many bytes it has, 1 to [`crate::limits::REGION_BYTES`]; if they are the input, how many at most.
    pub size: u32,
    /// Whether a program gets its bytes from outside, exactly as many as there are.
    pub input: bool,
}

impl Region {
    /// The address behind its last byte, if it has `size` bytes.
    pub const fn end(&self, size: u32) -> u64 {
        self.base + size as u64
    }
}

/// The index of a region in [`super::Machine::memory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegionId(pub u8);

/// What a cell of a bank holds when a program starts, if it is not fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A number, as its cell.
    Number(u64),
    /// The address of a region.
    Base(RegionId),
    /// How many bytes a region has.
    Size(RegionId),
    /// The address behind a region.
    End(RegionId),
}

/// Cells of a bank that a call of a subroutine saves and its return restores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The bank.
    pub bank: BankId,
    /// The first cell.
    pub first: u32,
    /// The last cell.
    pub last: u32,
}

impl Saved {
    /// The cells as indexes of the bank.
    pub const fn range(self) -> std::ops::Range<usize> {
        self.first as usize..self.last as usize + 1
    }
}

/// Whether loads and stores can be of a type: 1, 2, 4 or 8 bytes.
pub const fn is_stored(ty: IntType) -> bool {
    matches!(ty.bits, 8 | 16 | 32 | 64)
}
