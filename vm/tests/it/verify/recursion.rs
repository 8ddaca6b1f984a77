//! Recursion and code that frames share.

use super::{check, machine};

#[test]
fn returns_before_and_after_the_recursive_call() {
    let isa = machine("stack");
    check(&isa, "CALL f\nHALT\nf: LOAD 0\nJUMPZ end\nCALL f\nend: RET ; max 1");
    check(&isa, "CALL f\nHALT\nf: LOAD 0\nJUMPZ more\nRET\nmore: CALL f\nRET ; max 1");
    check(
        &isa,
        "CALL f\nHALT
         f: LOAD 0\nJUMPZ end\nPUSH 1\nCALL f\nADD\nRET
         end: PUSH 1\nRET ; max unbounded",
    );
    // The path through the recursive call has to agree with the other.
    check(&isa, "CALL f\nHALT\nf: LOAD 0\nJUMPZ end\nCALL f\nPUSH 1\nend: RET ; ! stack_mismatch");
    check(
        &isa,
        "CALL f\nHALT
         f: LOAD 0\nJUMPZ end\nPUSH 1\nCALL f\nRET
         end: PUSH 1\nRET ; ! stack_mismatch",
    );
}

#[test]
fn without_a_way_back() {
    let isa = machine("stack");
    check(&isa, "CALL f\nPOP\nf: CALL f\nPOP ; max 0");
    check(&isa, "f: CALL f\nPOP ; max 0");
    check(&isa, "f: PUSH 1\nCALL f\nPOP ; max unbounded");
    check(&isa, "CALL f\nPOP\nf: CALL g\nPOP\ng: CALL f\nPOP ; max 0");
    check(&isa, "CALL f\nPOP\nf: PUSH 1\nCALL g\nPOP\ng: CALL f\nPOP ; max unbounded");
}

#[test]
fn faults_of_other_calls_are_not_those_of_the_recursion() {
    let isa = machine("stack");
    // Behind the recursive call: what is wrong is told where it is.
    check(
        &isa,
        "f: LOAD 0\nJUMPZ more
         RET ; ! return_without_call
         more: CALL f
         LOAD 0
         CALL g ; ! stack_underflow
         HALT
         g: ADD\nRET",
    );
    // Before it, and in the loop that it is part of.
    check(
        &isa,
        "f: LOAD 0\nJUMPZ more
         CALL g ; ! stack_underflow
         more: CALL f\nHALT
         g: ADD\nPUSH 1\nRET",
    );
}

#[test]
fn needs_that_grow() {
    let isa = machine("stack");
    check(&isa, "PUSH 1\nCALL f\nHALT\nf: POP\nCALL f ; ! stack_underflow\nRET");
    check(
        &isa,
        "PUSH 1\nCALL f\nHALT\nf: POP\nLOAD 0\nJUMPZ end\nCALL f ; ! stack_underflow\nend: RET",
    );
    check(
        &isa,
        "PUSH 1\nCALL f\nHALT
         f: LOAD 0\nJUMPZ end\nPOP\nCALL g ; ! stack_underflow\nend: HALT
         g: LOAD 0\nJUMPZ end\nCALL f\nJUMP end",
    );
    // One takes what the other puts.
    check(&isa, "PUSH 1\nCALL f\nHALT\nf: POP\nCALL g\nRET\ng: PUSH 1\nCALL f\nRET ; max 1");
    check(&isa, "CALL f ; ! stack_underflow\nHALT\nf: POP\nCALL g\nRET\ng: PUSH 1\nCALL f\nRET");
    check(
        &isa,
        "PUSH 1\nPUSH 1\nPUSH 1\nCALL f\nHALT
         f: POP\nPOP\nCALL g\nRET
         g: POP\nPUSH 1\nPUSH 1\nPUSH 1\nCALL f\nRET ; max 3",
    );
    check(
        &isa,
        "PUSH 1\nPUSH 1\nCALL f ; ! stack_underflow\nHALT
         f: POP\nPOP\nCALL g\nRET
         g: POP\nPUSH 1\nPUSH 1\nPUSH 1\nCALL f\nRET",
    );
    // The recursion that keeps level is not faulted for the one that does not.
    check(
        &isa,
        "PUSH 1\nCALL f\nHALT
         f: LOAD 0\nJUMPZ h\nPOP\nCALL g\nHALT
         g: PUSH 1\nCALL f\nHALT
         h: LOAD 0\nJUMPZ f\nPOP\nCALL h ; ! stack_underflow\nHALT",
    );
}

#[test]
fn growth() {
    let isa = machine("stack");
    // A growth that does not come back down is no fault: it traps.
    check(&isa, "CALL f\nHALT\nf: PUSH 1\nLOAD 0\nJUMPZ end\nCALL f\nend: HALT ; max unbounded");
    // One that is taken back before the call.
    check(&isa, "CALL f\nHALT\nf: PUSH 1\nPUSH 2\nADD\nPOP\nCALL f\nRET ; max 2");
    // Up in one, down in the other.
    check(&isa, "CALL f\nHALT\nf: PUSH 1\nPUSH 1\nCALL g\nHALT\ng: POP\nPOP\nCALL f\nHALT ; max 2");
    // The start itself called.
    check(
        &isa,
        "start: LOAD 0\nJUMPZ end\nPUSH 1\nCALL start\nend2: HALT\nend: HALT ; max unbounded",
    );
    check(
        &isa,
        "start: LOAD 0\nJUMPZ end\nPUSH 1\nCALL start\nHALT\nend: RET ; ! return_without_call",
    );
}

#[test]
fn depth_within_recursion() {
    let isa = super::machine_with("stack", &[("depth: 256, per", "depth: 3, per")]);
    // What a frame alone does is static, what the recursion adds is not.
    check(&isa, "PUSH 1\nPUSH 1\nCALL f ; ! stack_overflow\nHALT\nf: PUSH 1\nPUSH 1\nCALL f\nHALT");
    check(&isa, "PUSH 1\nCALL f\nHALT\nf: PUSH 1\nPUSH 1\nCALL f\nHALT ; max unbounded");
    check(
        &isa,
        "PUSH 1\nCALL f ; ! stack_overflow\nHALT
         f: PUSH 1\nCALL g\nHALT
         g: PUSH 1\nPUSH 1\nPOP\nPOP\nPOP\nCALL f\nHALT",
    );
}

#[test]
fn shared_tails() {
    let isa = machine("stack");
    // Two subroutines with one tail.
    check(
        &isa,
        "PUSH 1\nCALL f\nCALL g\nHALT\nf: PUSH 2\nJUMP tail\ng: PUSH 3\ntail: ADD\nRET ; max 2",
    );
    // They enter it with different stacks, each rightly: heights are relative to the frame.
    check(
        &isa,
        "PUSH 1\nCALL f\nCALL g\nHALT
         f: PUSH 2\nPUSH 2\nJUMP tail
         g: PUSH 3\ntail: ADD\nRET ; max 3",
    );
    check(
        &isa,
        "CALL f\nCALL g ; ! stack_underflow\nHALT
         f: PUSH 2\nPUSH 2\nJUMP tail
         g: PUSH 3\ntail: ADD\nPOP\nRET",
    );
    // A tail that ends the program, reached from frames with different effects.
    check(
        &isa,
        "CALL f\nLOAD 0\nJUMPZ die\nPUSH 1\nCALL g\nHALT
         f: LOAD 0\nJUMPZ die\nPUSH 1\nRET
         g: POP\nPOP\nLOAD 0\nJUMPZ die\nRET
         die: PUSH 99\nPRINT\nHALT ; max 2",
    );
    // The start falls into a subroutine.
    check(&isa, "PUSH 1\nCALL f\nPUSH 1\nf: PRINT\nHALT ; max 1");
    check(&isa, "PUSH 1\nCALL f\nf: PRINT ; ! stack_underflow\nRET");
    // An entry within another subroutine.
    check(&isa, "PUSH 1\nPUSH 1\nCALL f\nCALL g\nHALT\nf: PUSH 1\nADD\ng: PRINT\nRET ; max 3");
    // An entry in a loop of another.
    check(
        &isa,
        "CALL f\nCALL g\nHALT\nf: PUSH 1\ng: LOAD 0\nJUMPZ g\nPUSH 1\nPOP\nLOAD 0\nJUMPZ g\nRET",
    );
}

/// The start comes to code that a subroutine was found to reach first.
#[test]
fn the_start_in_the_code_of_a_subroutine() {
    let isa = super::machine_with("stack", &[("depth: 256, per", "depth: 3, per")]);
    let text = |first: &str, inner: &str, last: &str| {
        format!(
            "PUSH 1\nCALL g\n{first}\nJUMP inner
             g: LOAD 0\nJUMPZ inner\nRET\ninner: {inner}\nHALT\nh: {last}\nRET"
        )
    };
    check(&isa, &text("NOP", "CALL h", "POP"));
    check(&isa, &text("POP", "CALL h ; ! stack_underflow", "POP"));
    check(&isa, &text("PUSH 1", "CALL h", "PUSH 1"));
    check(&isa, &text("PUSH 1\nPUSH 1", "CALL h ; ! stack_overflow", "PUSH 1"));
    check(&isa, &text("POP", "POP ; ! stack_underflow", "NOP"));
    check(&isa, &text("PUSH 1\nPUSH 1", "PUSH 1 ; ! stack_overflow", "NOP"));
    check(&isa, &text("NOP", "RET ; ! return_without_call", "NOP"));
}

#[test]
fn heights_are_told_relative_to_the_frame() {
    let isa = machine("stack");
    let text = "PUSH 1\nCALL f\nPRINT\nHALT\nNOP\nf: PUSH 2\nADD\nRET";
    let assembled = bytestone_vm::asm::assemble(&bytestone_vm::codec::Codec::new(&isa), text);
    let verified = super::verify_bytes(&isa, &assembled.unwrap().bytes).unwrap();
    let heights: Vec<_> = (0..9).map(|at| verified.height(at)).collect();
    assert_eq!(
        heights,
        [Some(0), Some(1), Some(1), Some(0), None, Some(0), Some(1), Some(0), None]
    );
    assert_eq!(verified.program().insns().len(), 8);
}
