//! The limits of what the tools take in. Input beyond them is refused with an error.

/// Bytes of a program.
pub const CODE_BYTES: usize = 16 << 20;
/// Bytes of assembly text.
pub const TEXT_BYTES: usize = 64 << 20;
/// Faults kept of a rejected program, and errors kept of an assembly text; the others are
/// counted.
pub const FAULTS: usize = 1000;
/// Values that a run prints before it is ended.
pub const OUTPUT_VALUES: usize = 1 << 20;
/// Bytes of a text trace; the steps after that are counted.
pub const TRACE_BYTES: usize = 16 << 20;
