//! The limits of what the tools take in. Input beyond them is refused with an error.

/// Bytes of a program: of its code, or of the whole module.
pub const CODE_BYTES: usize = 16 << 20;
/// Constants of a module.
pub const CONSTANTS: u32 = 1 << 16;
/// Functions of a module.
pub const FUNCTIONS: u32 = 1 << 16;
/// Local variables of a function.
pub const LOCALS: u32 = 1 << 16;
/// Variables that a function captures.
pub const CAPTURES: u32 = 1 << 16;
/// The depth of the stack that a function can state.
pub const MAX_STACK: u32 = 1 << 16;
/// Bytes of assembly text.
pub const TEXT_BYTES: usize = 64 << 20;
/// Faults kept of a rejected program, and errors kept of an assembly text; the others are
/// counted.
pub const FAULTS: usize = 1000;
/// Replies of a function of the host that the input of a program gives.
pub const REPLIES: usize = 1 << 16;
/// Values that a run prints, and calls of the host that it makes, before it is ended.
pub const OUTPUT_VALUES: usize = 1 << 20;
/// Bytes of a text trace; the steps after that are counted.
pub const TRACE_BYTES: usize = 16 << 20;
/// How deep nodes are shown in one another; what is deeper is cut.
pub const SHOWN_DEPTH: usize = 64;
/// Nodes that are shown of one row; further ones are cut.
pub const SHOWN_NODES: usize = 4096;
