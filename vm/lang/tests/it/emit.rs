//! The emitter, on the machine that has jumps.

use bytestone_lang::emit::{self, EmitError, Emitted};
use bytestone_lang::listing::{Arg, Label, Listing};
use bytestone_vm::asm::assemble;
use bytestone_vm::codec::Codec;

use crate::support::built_in;

/// A listing from lines of a mnemonic and at most one operand; `L0:` is the place of a label.
fn listing(codec: &Codec<'_>, text: &str) -> Result<Listing, EmitError> {
    let mut listing = Listing::default();
    let labels: Vec<Label> = (0..4).map(|_| listing.label()).collect();
    let label = |name: &str| labels[name[1..].parse::<usize>().unwrap()];
    for (line, number) in text.lines().zip(1..) {
        if let Some(name) = line.strip_suffix(':') {
            listing.bind(label(name));
            continue;
        }
        let (mnemonic, operand) = line.split_once(' ').unwrap_or((line, ""));
        let arg = match operand.parse() {
            Ok(value) => Some(Arg::Number(value)),
            Err(_) => operand.starts_with('L').then(|| label(operand).into()),
        };
        listing.push_named(codec, mnemonic, arg.as_slice(), number)?;
    }
    Ok(listing)
}

fn emitted(text: &str) -> Result<Emitted, EmitError> {
    let isa = built_in("stack");
    let codec = Codec::new(&isa);
    emit::emit(&codec, &listing(&codec, text)?)
}

fn error(text: &str) -> String {
    emitted(text).expect_err("there is an error").to_string()
}

#[test]
fn jumps_lead_where_the_assembler_leads_them() {
    let text = "NOP\nL0:\nPUSH 1\nJUMPZ L2\nJUMP L1\nL1:\nPUSH 2\nPRINT\nJUMP L0\nL2:\nHALT";
    let isa = built_in("stack");
    let expected = assemble(&Codec::new(&isa), text).unwrap();
    let emitted = emitted(text).unwrap();
    assert_eq!(emitted.code, expected.bytes);
    assert_eq!(emitted.max_stack, 1);
    for statement in expected.statements {
        assert_eq!(emitted.lines.line_at(statement.offset), Some(statement.line));
    }
}

#[test]
fn what_contradicts_the_instruction_set_is_an_error() {
    for (text, expected) in [
        ("FROB", "there is no instruction `FROB`"),
        ("PUSH 1\nADD", "line 2: ADD pops 2 cells of 1"),
        ("PUSH", "line 1: PUSH: the instruction takes 1 operands, not 0"),
        (
            "PUSH 2147483648",
            "line 1: PUSH: operand 0 must be a value of i32, which the cell 0x80000000 is not",
        ),
        ("PUSH L0", "line 1: operand 0 of PUSH has the wrong kind"),
        ("JUMP 3", "line 1: operand 0 of JUMP has the wrong kind"),
        ("JUMP L0", "label 0 has no place"),
        ("L0:\nL0:", "label 0 has two places"),
        ("PUSH 1\nJUMPZ L0\nPUSH 1\nL0:", "label 0 is reached with 1 cells, and elsewhere with 0"),
        ("L0:\nPUSH 1\nJUMP L0", "label 0 is reached with 1 cells, and elsewhere with 0"),
        (
            "JUMP L1\nL0:\nL1:\nJUMP L0",
            "label 0 is placed behind code that does not go on, and only reached later",
        ),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn code_that_is_not_reached_has_no_height() {
    let text = "JUMP L0\nADD\nPOP\nL0:\nHALT";
    assert_eq!(emitted(text).unwrap().max_stack, 0);
}

#[test]
fn too_much_is_an_error() {
    assert!(emitted(&"PUSH 1\n".repeat(256)).is_ok());
    let text = "PUSH 1\n".repeat(300);
    assert_eq!(error(&text), "line 300: the code needs 300 cells of an operand stack of 256");
    let far = "JUMP L0\n".to_owned() + &"NOP\n".repeat(32768) + "L0:\nHALT";
    assert_eq!(error(&far), "line 1: the code gets too large");
}
