//! The verifier: exact faults, large shapes, and what it promises held against execution.

mod faults;
mod oracle;
mod recursion;
mod shapes;
mod structured;

use bytestone_spec::Isa;
use bytestone_spec::diagnostic::Source;
use bytestone_spec::load::{BuiltinOnly, load};
use bytestone_vm::asm::assemble;
use bytestone_vm::codec::Codec;
use bytestone_vm::verify::{MaxStack, Verified, verify};
use bytestone_vm::{Program, Rejection};

/// A built-in machine.
fn machine(name: &str) -> Isa {
    bytestone_spec::load_builtin(name).expect("a built-in machine").expect("a correct spec")
}

/// A built-in machine with parts of its spec replaced.
fn machine_with(name: &str, changes: &[(&str, &str)]) -> Isa {
    let mut text = bytestone_spec::builtin::source(name).expect("a built-in machine").text;
    for (old, new) in changes {
        assert!(text.contains(old), "{old} is not in the spec of {name}");
        text = text.replace(old, new);
    }
    load(Source { name: name.into(), text }, &BuiltinOnly).expect("a correct spec")
}

fn decode(isa: &Isa, bytes: &[u8]) -> Program {
    Codec::new(isa).decode(bytes).expect("code that decodes")
}

fn verify_bytes(isa: &Isa, bytes: &[u8]) -> Result<Verified, Rejection> {
    verify(isa, decode(isa, bytes))
}

/// The faults of a rejection, as reason and offset.
fn faults_of(rejection: &Rejection) -> Vec<(&'static str, u32)> {
    rejection.faults.iter().map(|fault| (fault.reason.name(), fault.at)).collect()
}

/// Verifies assembly text in which the comment `; ! REASON` marks the lines with faults, and
/// `; max N` or `; max unbounded` anywhere tells how deep the stack gets. A text without faults must
/// be accepted.
#[track_caller]
fn check(isa: &Isa, text: &str) {
    let assembled = assemble(&Codec::new(isa), text).expect("text that assembles");
    let mut expected = Vec::new();
    for statement in &assembled.statements {
        let line = text.lines().nth(statement.line as usize - 1).unwrap_or_default();
        if let Some((_, reasons)) = line.split_once("; ! ") {
            expected.extend(reasons.split_whitespace().map(|name| (name, statement.offset)));
        }
    }
    let max = text.split_once("; max ").map(|(_, rest)| rest.split_whitespace().next().unwrap());
    match verify_bytes(isa, &assembled.bytes) {
        Ok(verified) => {
            assert_eq!(expected, [], "accepted:\n{text}");
            let found = match verified.max_stack() {
                MaxStack::Bounded(depth) => depth.to_string(),
                MaxStack::Unbounded => "unbounded".to_owned(),
            };
            assert_eq!(found, max.unwrap_or(&found), "greatest depth of:\n{text}");
        }
        Err(rejection) => {
            assert_eq!(faults_of(&rejection), expected, "{rejection:#?}\n{text}");
            assert_eq!(rejection.omitted, 0);
        }
    }
}
