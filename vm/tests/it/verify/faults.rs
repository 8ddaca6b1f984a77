//! Programs with faults, and the programs beside them that have none.

use bytestone_vm::asm::assemble;
use bytestone_vm::codec::Codec;

use super::{check, faults_of, machine, machine_with, verify_bytes};

#[test]
fn straight_code() {
    let isa = machine("stack");
    check(&isa, "HALT ; max 0");
    check(&isa, "PUSH 1\nPUSH 2\nADD\nPRINT\nHALT ; max 2");
    check(&isa, "POP ; ! stack_underflow\nHALT");
    check(&isa, "PUSH 1\nADD ; ! stack_underflow\nADD\nPOP\nPOP\nHALT");
    check(&isa, "PUSH 1\nNEG\nNEG\nHALT ; max 1");
    check(&isa, "NEG ; ! stack_underflow\nHALT");
}

#[test]
fn the_example_of_the_case_format() {
    let isa = machine("calculator");
    check(&isa, "PUSH 3\nPUSH 5\nPUSH 2\nMUL\nADD\nPRINT\nHALT ; max 3");
    check(&isa, "PUSH 1\nPUSH 0\nDIV\nHALT ; max 2");
}

#[test]
fn running_off_the_end() {
    let reject = machine("stack");
    let halt = machine_with("stack", &[("end: reject", "end: halt")]);
    assert_eq!(faults_of(&verify_bytes(&reject, &[]).unwrap_err()), [("falls_off_end", 0)]);
    assert!(verify_bytes(&halt, &[]).is_ok());
    for (rejected, accepted) in [
        ("NOP\nNOP ; ! falls_off_end", "NOP\nNOP"),
        ("L: PUSH 1\nJUMPZ L ; ! falls_off_end", "L: PUSH 1\nJUMPZ L"),
        ("JUMP L\nf: RET\nL: CALL f ; ! falls_off_end", "JUMP L\nf: RET\nL: CALL f"),
        ("CALL f\nHALT\nf: PUSH 1 ; ! falls_off_end", "CALL f\nHALT\nf: PUSH 1 ; max 1"),
    ] {
        check(&reject, rejected);
        check(&halt, accepted);
    }
    // The callee does not return.
    check(&reject, "JUMP L\nf: HALT\nL: CALL f");
    // No instruction starts where the code ends, even if running there is fine.
    check(&halt, "NOP\nJUMP @4 ; ! bad_jump");
    check(&reject, "HALT\nNOP ; not reachable");
}

#[test]
fn targets() {
    let isa = machine("stack");
    check(&isa, "JUMP @-3 ; ! bad_jump");
    check(&isa, "JUMP @1 ; ! bad_jump");
    check(&isa, "JUMP @3 ; ! bad_jump");
    check(&isa, "JUMP @0");
    check(&isa, "CALL @1 ; ! bad_jump\nPOP");
    check(&isa, "CALL @4294967295 ; ! bad_jump");
    // In all code.
    check(&isa, "HALT\nJUMP @2 ; ! bad_jump\nCALL @9 ; ! bad_jump");
    // The way past a bad jump is followed.
    check(&isa, "PUSH 0\nJUMPZ @1 ; ! bad_jump\nPOP ; ! stack_underflow");
    check(&isa, "PUSH 0\nJUMPZ @1 ; ! bad_jump falls_off_end");
}

#[test]
fn indexes() {
    let isa = machine("loop");
    check(&isa, "LOAD 15\nSTORE 0\nHALT ; max 1");
    check(&isa, "LOAD 16 ; ! bad_index\nSTORE 0\nHALT");
    check(&isa, "HALT\nSTORE 255 ; ! bad_index\nLOAD 16 ; ! bad_index");
    check(&isa, "STORE 16 ; ! bad_index stack_underflow\nADD\nHALT");
    let register = machine("register");
    check(&register, "MOVE R0, R1\nHALT ; max 0");
}

#[test]
fn meeting_paths() {
    let isa = machine("stack");
    // Both arms push one.
    check(&isa, "PUSH 1\nJUMPZ else\nPUSH 2\nJUMP end\nelse: PUSH 3\nend: PRINT\nHALT ; max 1");
    check(
        &isa,
        "PUSH 1\nJUMPZ else\nPUSH 2\nJUMP end\nelse: NOP\nend: NOP ; ! stack_mismatch\nHALT",
    );
    // A loop that grows, one that shrinks, one that keeps level.
    check(&isa, "L: PUSH 1 ; ! stack_mismatch\nJUMP L");
    check(&isa, "PUSH 1\nPUSH 1\nL: POP ; ! stack_mismatch\nJUMP L");
    check(&isa, "L: PUSH 1\nPOP\nJUMP L ; max 1");
    // Every path that meets at one place is one fault.
    check(
        &isa,
        "LOAD 0\nJUMPZ L\nPUSH 1\nLOAD 0\nJUMPZ L\nPUSH 1\nL: NOP ; ! stack_mismatch\nHALT",
    );
    // Two loops, two faults.
    check(
        &isa,
        "LOAD 0\nJUMPZ M\nL: PUSH 1 ; ! stack_mismatch\nJUMP L\nM: PUSH 1 ; ! stack_mismatch\nJUMP M",
    );
}

#[test]
fn one_cause_one_fault() {
    let isa = machine("stack");
    // After an underflow nothing is followed: no mismatch, no second underflow, no end.
    check(&isa, "PUSH 0\nJUMPZ L\nPOP ; ! stack_underflow\nL: HALT");
    check(&isa, "L: POP ; ! stack_underflow\nJUMP L");
    check(&isa, "POP ; ! stack_underflow\nPOP\nRET");
    // After a mismatch the path that came second is not followed.
    check(
        &isa,
        "LOAD 0\nJUMPZ L\nPUSH 1\nL: NOP ; ! stack_mismatch\nLOAD 0\nJUMPZ M\nNOP\nM: HALT",
    );
    // A callee with a fault does not fault its calls.
    check(&isa, "CALL f\nCALL f\nHALT\nf: PUSH 1\nJUMPZ L\nPUSH 1\nL: RET ; ! stack_mismatch");
    // A call that underflows is the end of its path.
    check(&isa, "CALL f ; ! stack_underflow\nPOP\nRET\nf: ADD\nRET");
    check(&isa, "PUSH 0\nJUMPZ L\nCALL f ; ! stack_underflow\nL: HALT\nf: POP\nRET");
    check(&isa, "CALL f ; ! stack_underflow\nHALT\nf: CALL g\nRET\ng: POP\nRET");
}

#[test]
fn subroutines() {
    let isa = machine("stack");
    check(&isa, "PUSH 1\nPUSH 2\nCALL f\nPRINT\nHALT\nf: ADD\nRET ; max 2");
    check(&isa, "PUSH 1\nCALL f ; ! stack_underflow\nPRINT\nHALT\nf: ADD\nRET");
    check(&isa, "CALL f\nPRINT\nPRINT\nHALT\nf: PUSH 1\nPUSH 2\nRET ; max 2");
    check(&isa, "CALL f\nPRINT\nPRINT ; ! stack_underflow\nHALT\nf: PUSH 1\nRET");
    // Called from several heights.
    check(&isa, "PUSH 1\nCALL f\nPUSH 2\nCALL f\nPUSH 3\nCALL f\nHALT\nf: NEG\nRET ; max 3");
    check(&isa, "PUSH 1\nCALL f\nPOP\nCALL f ; ! stack_underflow\nHALT\nf: NEG\nRET");
    // Returns agree or do not.
    check(&isa, "CALL f\nHALT\nf: LOAD 0\nJUMPZ L\nRET\nL: RET");
    check(&isa, "CALL f\nHALT\nf: LOAD 0\nJUMPZ L\nRET\nL: PUSH 1\nRET ; ! stack_mismatch");
    check(
        &isa,
        "CALL f\nHALT
         f: LOAD 0\nJUMPZ a\nLOAD 0\nJUMPZ b\nRET
         a: PUSH 1\nRET ; ! stack_mismatch
         b: PUSH 1\nRET ; ! stack_mismatch",
    );
    // A callee that does not return ends the path.
    check(&isa, "CALL f\nPOP\nf: HALT");
    check(&isa, "CALL f\nPOP\nf: JUMP f");
    // A return in the start's own frame.
    check(&isa, "RET ; ! return_without_call");
    check(&isa, "PUSH 1\nJUMPZ L\nRET ; ! return_without_call\nL: HALT");
    check(&isa, "CALL f\nf: RET ; ! return_without_call");
    check(&isa, "CALL f\nRET ; ! return_without_call\nf: RET");
    check(&isa, "HALT\nRET ; not reachable");
    // Two returns without a call are that, and no mismatch.
    check(
        &isa,
        "PUSH 1\nJUMPZ L\nRET ; ! return_without_call\nL: PUSH 1\nRET ; ! return_without_call",
    );
}

#[test]
fn depth() {
    let isa = machine_with("stack", &[("depth: 256, per", "depth: 3, per")]);
    check(&isa, "PUSH 1\nPUSH 1\nPUSH 1\nHALT ; max 3");
    check(&isa, "PUSH 1\nPUSH 1\nPUSH 1\nPUSH 1 ; ! stack_overflow\nPUSH 1\nHALT");
    // The pops of an instruction come first.
    check(&isa, "PUSH 1\nPUSH 1\nPUSH 1\nNEG\nADD\nHALT ; max 3");
    // In a subroutine as seen from a call.
    check(&isa, "PUSH 1\nCALL f\nHALT\nf: PUSH 1\nPUSH 1\nPOP\nPOP\nRET ; max 3");
    check(
        &isa,
        "PUSH 1\nPUSH 1\nCALL f ; ! stack_overflow\nPOP\nPOP\nHALT\nf: PUSH 1\nPUSH 1\nPOP\nPOP\nRET",
    );
    check(
        &isa,
        "PUSH 1\nPUSH 1\nCALL g ; ! stack_overflow\nHALT
         g: CALL f\nRET
         f: PUSH 1\nPUSH 1\nPOP\nPOP\nRET",
    );
    // In a subroutine alone, and no fault at its calls.
    check(&isa, "PUSH 1\nCALL f\nHALT\nf: PUSH 1\nPUSH 1\nPUSH 1\nPUSH 1 ; ! stack_overflow\nRET");
    check(
        &isa,
        "PUSH 1\nCALL g\nHALT
         g: PUSH 1\nPUSH 1\nCALL f ; ! stack_overflow\nRET
         f: PUSH 1\nPUSH 1\nRET",
    );
    // What a callee takes makes room for what it puts.
    check(&isa, "PUSH 1\nPUSH 1\nPUSH 1\nCALL f\nHALT\nf: ADD\nPUSH 1\nRET ; max 3");
    // A need that no stack can meet.
    check(&isa, "CALL f\nHALT\nf: POP\nPOP\nPOP\nPOP ; ! stack_underflow\nRET");
    check(&isa, "CALL f ; ! stack_underflow\nHALT\nf: POP\nPOP\nPOP\nRET");
}

#[test]
fn effects_that_multiply() {
    // Each subroutine calls the next twice: the effect of the first has as many digits as there
    // are subroutines.
    let isa = machine("stack");
    for (leaf, fault) in [("PUSH 1", "stack_overflow"), ("POP", "stack_underflow")] {
        let mut text = String::from("CALL f0\nHALT\n");
        for at in 0..100 {
            let mark = if at == 91 { format!("; ! {fault}") } else { String::new() };
            text += &format!("f{at}: CALL f{}\nCALL f{} {mark}\nRET\n", at + 1, at + 1);
        }
        text += &format!("f100: {leaf}\nRET");
        check(&isa, &text);
    }
}

#[test]
fn long_lists_in_a_row() {
    // What they would pop in all is more than 32 bits count.
    let isa = machine("script");
    let text = format!(".func main stack=1\n{}HALT\n", "NEW_ARRAY 4294967295\n".repeat(40_000));
    let code = assemble(&Codec::new(&isa), &text).unwrap().bytes;
    let rejection = verify_bytes(&isa, &code).unwrap_err();
    assert_eq!(faults_of(&rejection), [("stack_underflow", 0)]);
}
