//! To which phase of the machine `ebpf` a rejection belongs, from an engine that checks all at once and says so in words.

/// Classes of instructions that write the register that they call the destination: loads, and arithmetic.
const WRITERS: [u8; 4] = [0, 1, 4, 7];
/// What is wrong with the encoding of an instruction.
const OF_DECODING: [&str; 15] = [
    "code_len",
    "multiple of",
    "opcode",
    "lddw",
    "LD_DW",
    "LE/BE",
    "endian",
    "offset value",
    "immediate",
    "src field",
    "for LDDW",
    "atomic operation",
    "BTF ID",
    "invalid type value",
    "call type",
];
/// What is wrong with a jump to the second word of an instruction, which is named in its words too.
const INTO_SECOND_WORD: &str = "to middle of";

/// The phase. The machine finds a destination that cannot be written when it decodes, and any other register that is
/// none when it verifies; engines have the same words for both, so the instruction that they name is looked at.
pub fn phase(message: &str, program: &[u8]) -> &'static str {
    let decodes = match message.contains("destination register") || message.contains("r10") {
        true => named(message).and_then(|word| program.get(8 * word)).is_none_or(writes),
        false if message.contains(INTO_SECOND_WORD) => false,
        false => OF_DECODING.iter().any(|words| message.contains(words)),
    };
    if decodes { "decode" } else { "verify" }
}

fn writes(opcode: &u8) -> bool {
    WRITERS.contains(&(opcode & 7))
}

/// The number of the instruction that a message names, as in `at PC 5` or `(insn #5)`.
fn named(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("PC ").or_else(|| message.split_once("insn #"))?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}
