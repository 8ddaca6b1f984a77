//! The helper functions of the machine `ebpf` that need no host, as its decision `helper-functions` has them.

/// The number of [`gather`].
pub const GATHER: u32 = 1;
/// The number of [`sum`].
pub const SUM: u32 = 2;

/// The lowest bytes of all, that of the last lowest.
pub extern "C" fn gather(a: u64, b: u64, c: u64, d: u64, e: u64) -> u64 {
    [a, b, c, d, e].iter().fold(0, |bytes, value| bytes << 8 | value & 0xff)
}

/// The sum of all.
pub extern "C" fn sum(a: u64, b: u64, c: u64, d: u64, e: u64) -> u64 {
    [a, b, c, d, e].into_iter().fold(0, u64::wrapping_add)
}
