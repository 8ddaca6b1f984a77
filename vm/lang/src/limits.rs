//! The limits of what the compilers take in. Input beyond them is refused with an error.

/// Bytes of a source.
pub const SOURCE_BYTES: usize = 16 << 20;
/// Height of a syntax tree, which also bounds how deep brackets nest: every walk of a tree is
/// recursive.
pub const TREE_HEIGHT: u32 = 256;
/// Errors kept of a source; the others are counted.
pub const ERRORS: usize = 1000;
/// Parameters of a function, and arguments of a call.
pub const ARGUMENTS: usize = 255;
