//! What traces show of a run.

use bytestone_spec::Isa;
use bytestone_vm::soundness::{self, SoundnessTrace, Violation};
use bytestone_vm::trace::view::Observed;
use bytestone_vm::trace::{
    Checkpoints, HashTrace, NoTrace, Notation, RowTrace, StepRow, TextTrace,
};
use bytestone_vm::{Outcome, Reference, State, Tracer, Verified, limits};

use crate::machines::{built_in, load};
use crate::support::{assembled, builtin_isas, check, generated};

const FUEL: u64 = 2_000;

fn run(isa: &Isa, program: &Verified, tracer: &mut impl Tracer) -> Outcome {
    let reference = Reference::new(isa, program);
    reference.run(&mut State::new(isa), FUEL, tracer).expect("does not get stuck")
}

fn text(isa: &Isa, program: &Verified) -> String {
    let notation = Notation::new(isa, program.program());
    let mut tracer = TextTrace::new(&notation);
    run(isa, program, &mut tracer);
    assert_eq!(tracer.omitted(), 0);
    tracer.text().to_owned()
}

fn assert_trace(isa: &Isa, program: &str, rows: &[&str]) {
    let trace = text(isa, &assembled(isa, program));
    assert_eq!(trace.lines().collect::<Vec<_>>(), rows);
}

#[test]
fn rows_of_the_calculator() {
    let program = "PUSH 3\n PUSH 5\n STORE 23\n PRINT\n PUSH -1\n PUSH 0\n DIV\n HALT";
    let rows = [
        "0   [3]                 ; PUSH 3",
        "5   [3 5]               ; PUSH 5",
        "10  [3] local[23] = 5   ; STORE 23",
        "12  [] out 3            ; PRINT",
        "13  [-1]                ; PUSH -1",
        "18  [-1 0]              ; PUSH 0",
        "23  [-1 0] trap div_by_zero  ; DIV",
    ];
    assert_trace(&built_in("calculator"), program, &rows);
}

#[test]
fn rows_of_the_register_machine() {
    let program = "LOAD R3, 7\n JNZ R3, end\n HALT\nend: PRINT R3\n HALT";
    let rows = [
        "0   R3 = 7              ; LOAD R3, 7",
        "4                       ; JNZ R3, @12",
        "12  out 7               ; PRINT R3",
        "16                      ; HALT",
    ];
    assert_trace(&built_in("register"), program, &rows);
}

#[test]
fn rows_of_calls_and_of_limits() {
    let program = "CALL f\n HALT\nf: CALL g\n RET\ng: RET";
    let rows = [
        "0   [] frame 1          ; CALL @6",
        "6   [] frame 2          ; CALL @12",
        "12  [] frame 1          ; RET",
        "11  [] frame 0          ; RET",
        "5   []                  ; HALT",
    ];
    assert_trace(&built_in("stack"), program, &rows);
    let stack = built_in("stack");
    let trace = text(&stack, &assembled(&stack, "f: CALL f\n HALT"));
    assert_eq!(trace.lines().last(), Some("0  [] trap call_depth  ; CALL @0"));
}

/// A machine of two banks that writes all of them in one step, in an order that is not the one
/// of traces.
const WIDE: &str = "
bytestone: spec/1
isa: wide
version: 1.0.0
title: Cells of 64 bits
machine:
  stack: {of: u64, depth: 8}
  locals: {of: i64, count: 2}
  registers: {of: u64, count: 2, prefix: X}
  output: u64
code: {decode: sweep, end: halt}
instructions:
  PUSH: {enc: '0x01 v:u64', stack: '-- v', doc: d}
  ALL:
    enc: '0x02 v:u64'
    stack: '--'
    do: |
      out v
      reg[1] = v
      local[1] = wrap(i64, v)
    doc: d
";

#[test]
fn rows_of_wide_cells_and_many_changes() {
    let trace = text(
        &load(WIDE),
        &assembled(&load(WIDE), "PUSH 0xFFFFFFFFFFFFFFFF\n ALL 0x8000000000000000"),
    );
    let rows = [
        "0  [18446744073709551615]  ; PUSH 18446744073709551615",
        "9  [18446744073709551615] X1 = 9223372036854775808 local[1] = -9223372036854775808 \
         out 9223372036854775808  ; ALL 9223372036854775808",
    ];
    assert_eq!(trace.lines().collect::<Vec<_>>(), rows);
}

#[test]
fn rows_of_the_hash_are_taken_before_the_step() {
    let hash = |isa: &Isa, program: &str| {
        let program = assembled(isa, program);
        let (mut state, mut tracer) = (State::new(isa), HashTrace::new(isa));
        let outcome = Reference::new(isa, &program).run(&mut state, FUEL, &mut tracer);
        outcome.expect("does not get stuck");
        tracer.finish(&state).0
    };
    let stack = built_in("stack");
    let program = "PUSH -1\n PUSH 20\n PUSH 3\n PUSH 4\n PUSH 5\n CALL f\n HALT\nf: RET";
    let rows = "0 0 0\n5 0 1 -1\n10 0 2 20 -1\n15 0 3 3 20 -1\n20 0 4 4 3 20 -1\n\
                25 0 5 5 4 3 20\n31 1 5 5 4 3 20\n30 0 5 5 4 3 20\n\
                S 30 0 0: -1,20,3,4,5 \n";
    assert_eq!(hash(&stack, program), crc32fast::hash(rows.as_bytes()));
    assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926, "the CRC-32 of zlib");
    let register = built_in("register");
    assert_eq!(
        hash(&register, "LOAD R0, 1\n HALT"),
        crc32fast::hash(b"0 0 0\n4 0 0\nS 4 0 0:  reg:0=1\n")
    );
    let rows = b"0 0 0\n9 0 1 18446744073709551615\nS 18 0 0: 18446744073709551615,1 \n";
    assert_eq!(hash(&load(WIDE), "PUSH 0xFFFFFFFFFFFFFFFF\n PUSH 1"), crc32fast::hash(rows));
}

#[test]
fn checkpoints_hold_the_whole_state() {
    let calculator = built_in("calculator");
    let program = assembled(&calculator, "PUSH 3\n PUSH 5\n MUL\n HALT");
    let hash = |every, from| {
        let checkpoints = Checkpoints { every, from };
        let mut tracer = HashTrace::with(&calculator, Observed::ALL, checkpoints);
        let mut state = State::new(&calculator);
        let outcome = Reference::new(&calculator, &program).run(&mut state, FUEL, &mut tracer);
        assert_eq!(outcome, Ok(Outcome::Halt));
        tracer.finish(&state)
    };
    let head = "0 0 0\n5 0 1 3\nS 10 0 0: 3,5 \n";
    let tail = "10 0 2 5 3\n11 0 1 15\nS 11 0 0: 15 \n";
    let whole = crc32fast::hash(format!("{head}{tail}").as_bytes());
    assert_eq!(hash(2, 0), (whole, vec![crc32fast::hash(head.as_bytes())]));
    assert_eq!(hash(2, 1), hash(2, 0), "only up to a step are there none");
    assert_eq!(hash(2, 2), hash(0, 0));
    assert_eq!(hash(1, 0).1.len(), 3, "the end is no checkpoint");
}

#[test]
fn a_text_trace_is_limited() {
    let loops = built_in("loop");
    let program = assembled(&loops, "again: JMP again");
    let notation = Notation::new(&loops, program.program());
    let mut tracer = TextTrace::new(&notation);
    let fuel = 1_000_000;
    let outcome = Reference::new(&loops, &program).run(&mut State::new(&loops), fuel, &mut tracer);
    assert_eq!(outcome, Ok(Outcome::Fuel));
    let row = tracer.text().lines().next().expect("there are rows").len() + 1;
    assert!((limits::TRACE_BYTES..limits::TRACE_BYTES + row).contains(&tracer.text().len()));
    assert_eq!(tracer.omitted(), fuel - (tracer.text().len() / row) as u64);
}

#[test]
fn all_traces_show_the_same_steps() {
    fn property(seed: u64) -> bool {
        builtin_isas().iter().all(|isa| {
            let program = generated(isa, seed);
            let notation = Notation::new(isa, program.program());
            let mut lines = String::new();
            let mut rows = RowTrace::new(|row: &StepRow| {
                lines.push_str(&notation.row(row));
                lines.push('\n');
            });
            let reference = Reference::new(isa, &program);
            let (mut text, mut hash) = (TextTrace::new(&notation), HashTrace::new(isa));
            let mut watched = State::new(isa);
            let mut tracers = ((&mut text, &mut hash), &mut rows);
            let outcome = reference.run(&mut watched, FUEL, &mut tracers);
            let (mut hashed, mut again) = (State::new(isa), HashTrace::new(isa));
            outcome == reference.run(&mut hashed, FUEL, &mut again)
                && outcome == reference.run(&mut State::new(isa), FUEL, &mut NoTrace)
                && hash.finish(&watched) == again.finish(&hashed)
                && lines == text.text()
        })
    }
    check(15, property as fn(u64) -> bool);
}

#[test]
fn a_hash_of_parts_is_that_of_the_whole() {
    fn property(seed: u64, cut: u16) -> bool {
        builtin_isas().iter().all(|isa| {
            let program = generated(isa, seed);
            let reference = Reference::new(isa, &program);
            let checkpoints = Checkpoints { every: 1 + u64::from(cut) % 7, from: seed % 20 };
            let traced = |isa| HashTrace::with(isa, Observed::ALL, checkpoints);
            let (mut state, mut parts) = (State::new(isa), traced(isa));
            let cut = u64::from(cut) % FUEL;
            let outcome = reference.run(&mut state, cut, &mut parts);
            if outcome == Ok(Outcome::Fuel) {
                let rest = reference.run(&mut state, FUEL - cut, &mut parts);
                rest.expect("does not get stuck");
            }
            let (mut at_once, mut whole) = (State::new(isa), traced(isa));
            let outcome = reference.run(&mut at_once, FUEL, &mut whole);
            outcome.expect("does not get stuck");
            whole.finish(&at_once) == parts.finish(&state)
        })
    }
    check(15, property as fn(u64, u16) -> bool);
}

#[test]
fn a_run_is_held_to_what_the_verifier_said() {
    let stack = built_in("stack");
    let shared = "PUSH 5\n CALL b\n CALL a\n HALT\na: PUSH 1\nb: PRINT\n RET";
    let outcome = soundness::check(&stack, &assembled(&stack, shared), FUEL);
    assert_eq!(outcome, Ok(Outcome::Halt), "a base for each entry into the same code");

    let held_to = |program: &str, said: &str| {
        let said = assembled(&stack, said);
        let mut tracer = SoundnessTrace::new(&stack, &said);
        run(&stack, &assembled(&stack, program), &mut tracer);
        tracer.finish()
    };
    assert_eq!(held_to("NOP\n HALT", "NOP\n HALT"), Ok(()));
    let found = held_to("PUSH 1\n PUSH 2\n POP\n HALT", "PUSH 1\n PUSH 2\n NOP\n HALT");
    assert_eq!(found, Err(Violation::Height { at: 11, expected: 2, found: 1 }));
    let found = held_to("PUSH 1\n HALT", "CALL @5\n HALT");
    assert_eq!(found, Err(Violation::TooHigh { at: 0, allowed: 0, found: 1 }));
    let found = held_to("NOP\n NOP\n HALT", "HALT\n NOP\n HALT");
    assert_eq!(found, Err(Violation::Unreachable { at: 1 }));
}
