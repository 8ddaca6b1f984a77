//! The limits of the spec language. Input beyond them is refused with a diagnostic.

/// Bytes of a YAML file.
pub const FILE_BYTES: usize = 4 << 20;
/// Nesting of YAML collections.
pub const YAML_DEPTH: usize = 32;
/// YAML nodes in a file.
pub const YAML_NODES: usize = 500_000;
/// Diagnostics reported for one file; the rest are counted.
pub const DIAGNOSTICS: usize = 200;
/// Bytes of a diagnostic's message and of its help; longer ones are cut.
pub const MESSAGE_BYTES: usize = 1000;
/// Entries of a section of a spec: instructions, traps, formats, ….
pub const SECTION: usize = 4096;
/// Fields of a word.
pub const FIELDS: usize = 256;
/// Specs that extend one another.
pub const EXTENDS: usize = 8;
/// Bytes of an encoding, an effect or an action.
pub const TEXT_BYTES: usize = 16 << 10;
/// Nesting of brackets, blocks and prefix operators in those.
pub const NESTING: usize = 64;
/// Statements of an action.
pub const STATEMENTS: usize = 255;
/// Arms of a `match`.
pub const ARMS: usize = 32;
/// Values that one `match` looks at.
pub const MATCHED: usize = 3;
/// Infix operators in a text, which also bounds how deep its tree is.
pub const OPERATORS: usize = 255;
/// Temporaries of an instruction's body, its inputs and operands among them.
pub const TEMPS: usize = 255;
/// Parameters of a definition.
pub const DEFINITION_PARAMETERS: usize = 16;
/// Operations and names of a definition's expression, those of the definitions that it uses among them.
pub const DEFINITION_SIZE: usize = 1000;
/// How deep that expression is nested.
pub const DEFINITION_DEPTH: usize = 128;
/// Cells that an instruction pops, and that it pushes.
pub const STACK_EFFECT: usize = 32;
/// Bytes of an instruction.
pub const INSTRUCTION_BYTES: u32 = 64;
/// Formats inside formats.
pub const FORMAT_DEPTH: usize = 8;
/// Uses of formats in an encoding, those inside of formats included.
pub const FORMAT_USES: usize = 64;
/// Encodings of an instruction.
pub const ENCODINGS: usize = 16;
/// Operands of an instruction.
pub const OPERANDS: usize = 16;
/// Cells of an operand stack.
pub const STACK_DEPTH: u32 = 1 << 16;
/// Entries of a call stack.
pub const CALL_DEPTH: u32 = 1 << 16;
/// Cells of a bank.
pub const BANK_CELLS: u32 = 1 << 16;
/// Live cells of a heap.
pub const HEAP_CELLS: u32 = 1 << 20;
/// Variables of a frame, and those that a closure captures.
pub const FRAME_CELLS: u32 = 1 << 12;
/// Frames of functions.
pub const FRAMES: u32 = 1 << 12;
/// Cells that all active calls of a machine save, and those that the operand stacks of all its frames hold.
pub const CALL_CELLS: u64 = 1 << 20;
/// Variants of a union.
pub const VARIANTS: usize = 7;
/// Fields of a record.
pub const RECORD_FIELDS: usize = 8;
/// Regions of memory.
pub const REGIONS: usize = 16;
/// Bytes of a region of memory.
pub const REGION_BYTES: u32 = 1 << 20;
/// Functions of the host.
pub const EXTERNS: usize = 64;
/// Arguments of a function of the host.
pub const ARGUMENTS: usize = 8;
/// Assembly templates of an instruction.
pub const TEMPLATES: usize = 8;
/// Bytes of an assembly template.
pub const TEMPLATE_BYTES: usize = 256;
/// Parameters of a family.
pub const PARAMETERS: usize = 4;
/// Keys of a row that a parameter stands for.
pub const COLUMNS: usize = 32;
/// Bytes of all members of the families of a file, with what is kept of their places.
pub const FAMILY_BYTES: usize = 32 << 20;
