//! What a manual says of the functions of the host.

use bytestone_spec::isa::{Extern, Instruction, Isa, WriteTo};

/// What goes for all of them, in sentences.
pub(super) const WORDS: [&str; 4] = [
    "Instructions call these functions of the host, at most one in a step: after the traps and limits, when it is certain that the step takes place, and before anything is written.",
    "What a function replies is up to the input of the program: its first call gets its first reply, the second call the second one, and so on. A call for which no reply is given is replied 0.",
    "The calls that a program makes are observable: all of them in their order, each with its arguments and its reply.",
    "A trace shows a call as `host NAME(1 2) = 7`.",
];

/// The heads of the table of functions.
pub(super) const HEADS: [&str; 4] = ["Function", "Form", "Meaning", "Called by"];

/// The instructions that call a function.
pub(super) fn calling<'a>(isa: &'a Isa, function: &Extern) -> Vec<&'a Instruction> {
    let id = isa.find_extern(&function.name);
    let calls = |to: WriteTo| matches!(to, WriteTo::Host { function, .. } if Some(function) == id);
    let insns = isa.instructions().iter();
    insns.filter(|insn| insn.body.writes.iter().any(|write| calls(write.to))).collect()
}
