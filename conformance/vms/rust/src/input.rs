//! The input of a run: registers, the bytes of `mem`, and replies of the host.

use crate::protocol;

/// How many registers there are.
pub const REGISTERS: u8 = 11;

/// What a program is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// Registers and what they hold at the start, where that is another value than the machine says.
    pub registers: Vec<(u8, u64)>,
    /// The bytes of `mem`.
    pub mem: Vec<u8>,
    /// What helper 3 replies, in order.
    pub replies: Vec<u64>,
}

impl Input {
    /// Reads the input of a request.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut input = Self::default();
        for cell in text.split(',').filter(|cell| !cell.is_empty()) {
            if let Some(hex) = cell.strip_prefix("mem:0=h") {
                input.mem = protocol::bytes(hex).ok_or("mem is not hexadecimal")?;
            } else if let Some(reply) = cell.strip_prefix("answer:") {
                let (call, value) = reply.split_once('=').ok_or("a reply without a value")?;
                if call.parse() != Ok(input.replies.len()) {
                    return Err("replies that are not in order".to_owned());
                }
                input.replies.push(value.parse().map_err(|_| "a reply that is no number")?);
            } else if let Some(register) = cell.strip_prefix("reg:") {
                let (number, value) =
                    register.split_once('=').ok_or("a register without a value")?;
                let number = number.parse().ok().filter(|number| *number < REGISTERS);
                let value = value.parse().map_err(|_| "a register that is no number")?;
                input.registers.push((number.ok_or("no such register")?, value));
            } else {
                return Err(
                    "input that is no register, not the whole of mem and no reply".to_owned()
                );
            }
        }
        Ok(input)
    }
}
