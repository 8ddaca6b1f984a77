//! Instructions before a program that set registers, for engines that begin with others than the machine does.
//!
//! Jumps and calls are relative, so that the program does not notice.

/// Bytes of the instruction that sets one register.
const LOAD: usize = 16;

/// Sets registers to values.
pub fn prologue(registers: &[(u8, u64)]) -> Vec<u8> {
    let mut code = Vec::with_capacity(LOAD * registers.len());
    for (register, value) in registers {
        let value = value.to_le_bytes();
        code.extend([0x18, *register, 0, 0]);
        code.extend(&value[..4]);
        code.extend([0; 4]);
        code.extend(&value[4..]);
    }
    code
}
