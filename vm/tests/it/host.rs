//! Functions of the host: replies in order, the calls that are noted, and where a call stands in a step.

use bytestone_spec::Isa;
use bytestone_spec::isa::{ExternId, WriteTo};
use bytestone_vm::host::Call;
use bytestone_vm::trace::{Change, HashTrace, NoTrace, Notation, RowTrace, StepRow, TextTrace};
use bytestone_vm::{InputError, Outcome, Reference, State, limits, soundness};

use crate::machines::{built_in, load};
use crate::support::{assembled, generated};

const FUEL: u64 = 2_000;

/// A stack machine with a function of each kind.
const ASKING: &str = r#"
bytestone: spec/1
isa: asking
version: 1.0.0
title: A machine that asks
machine: {stack: {of: i32, depth: 2}, output: i32, calls: {depth: 4}}
code: {decode: sweep, end: halt}
operands:
  there: {raw: i8, is: entry, value: next + raw}
traps:
  refused: The number is negative.
externs:
  answer: {args: [i32, i8], result: i8, doc: Answer a question.}
  draw: {args: [u8], doc: Draw a dot.}
  clock: {result: u64, doc: The time.}
instructions:
  PUSH: {enc: "0x01 v:i8", stack: "-- r", do: r = i32(v), doc: Push.}
  ASK: {enc: "0x02 n:i8", stack: "a -- r", do: "let x = host answer(a, n); r = i32(x)", doc: Ask.}
  DRAW:
    enc: "0x03"
    stack: "a --"
    traps: [refused]
    do: |
      trap refused if a < 0
      host draw(wrap(u8, a))
      out a
    doc: Draw and print.
  CLOCK: {enc: "0x04", stack: "-- r", do: "let now = host clock(); r = wrap(i32, now)", doc: Ask for the time.}
  EITHER:
    enc: "0x05 n:u8"
    stack: "--"
    do: |
      if n == 1 { host draw(7) } else if n == 9 { let _x = host clock() }
    doc: Draw, ask or do nothing.
  CALL: {enc: "0x06 f:there", stack: "-- ..f", do: call f, doc: Call.}
  RET: {enc: "0x07", stack: "--", do: return, doc: Return.}
"#;

fn asking() -> Isa {
    load(ASKING)
}

/// Runs a program with replies, by function, in order.
fn run(isa: &Isa, text: &str, replies: &[(&str, i128)]) -> (Outcome, State, String) {
    let program = assembled(isa, text);
    let mut state = State::new(isa);
    let mut given = vec![0; isa.machine().externs.len()];
    for (function, reply) in replies {
        let id = isa.find_extern(function).expect("there is such a function");
        let call = &mut given[usize::from(id.0)];
        state.set_reply(id, *call, *reply).expect("it can reply that");
        *call += 1;
    }
    let notation = Notation::new(isa, program.program());
    let mut tracer = TextTrace::new(&notation);
    let outcome = Reference::new(isa, &program).run(&mut state, FUEL, &mut tracer);
    let trace = tracer.text().to_owned();
    (outcome.expect("it does not get stuck"), state, trace)
}

fn calls(state: &State) -> Vec<String> {
    state.host_calls().expect("there is a host").iter().map(ToString::to_string).collect()
}

#[test]
fn each_function_has_replies_of_its_own() {
    let isa = asking();
    let text = "PUSH 5\n ASK 1\n ASK 2\n ASK 3\n DRAW\n CLOCK\n DRAW";
    let replies = [("answer", -8), ("clock", 1 << 32 | 6), ("answer", 127)];
    let (outcome, state, trace) = run(&isa, text, &replies);
    assert_eq!(outcome, Outcome::Halt);
    let expected = [
        "answer(5 1) = -8",
        "answer(-8 2) = 127",
        "answer(127 3) = 0",
        "draw(0)",
        "clock() = 4294967302",
        "draw(6)",
    ];
    assert_eq!(calls(&state), expected);
    let rows = [
        "0   [5]                 ; PUSH 5",
        "2   [-8] host answer(5 1) = -8  ; ASK 1",
        "4   [127] host answer(-8 2) = 127  ; ASK 2",
        "6   [0] host answer(127 3) = 0  ; ASK 3",
        "8   [] host draw(0) out 0  ; DRAW",
        "9   [6] host clock() = 4294967302  ; CLOCK",
        "10  [] host draw(6) out 6  ; DRAW",
    ];
    assert_eq!(trace.lines().collect::<Vec<_>>(), rows);
}

#[test]
fn a_call_under_a_condition_takes_place_when_it_holds() {
    let isa = asking();
    let (_, state, trace) = run(&isa, "EITHER 0\n EITHER 1\n EITHER 9\n EITHER 1", &[("clock", 4)]);
    assert_eq!(calls(&state), ["draw(7)", "clock() = 4", "draw(7)"]);
    let called = |line: &str| line.contains("host");
    assert_eq!(trace.lines().map(called).collect::<Vec<_>>(), [false, true, true, true]);
}

#[test]
fn a_step_that_traps_has_called_nobody() {
    let isa = asking();
    let (outcome, state, _) = run(&isa, "PUSH -1\n DRAW", &[]);
    assert!(matches!(outcome, Outcome::Trap { at: 2, .. }), "{outcome:?}");
    assert_eq!(calls(&state), [""; 0]);
    // The limit of the stack is met in recursion, by the instruction that calls the host and pushes its reply.
    let deep = "f: CLOCK\n CALL f\n RET";
    let (outcome, state, trace) = run(&isa, deep, &[("clock", 1), ("clock", 2), ("clock", 3)]);
    assert!(matches!(outcome, Outcome::Trap { at: 0, .. }), "{outcome:?}");
    assert_eq!(calls(&state), ["clock() = 1", "clock() = 2"]);
    assert!(trace.trim_end().ends_with("[1 2] trap stack_overflow  ; CLOCK"), "{trace}");
}

#[test]
fn replies_are_held_to_their_functions() {
    let isa = asking();
    let mut state = State::new(&isa);
    let of = |name| isa.find_extern(name).expect("there is such a function");
    let set = |state: &mut State, name, call, value| state.set_reply(of(name), call, value);
    assert_eq!(set(&mut state, "answer", 3, -128), Ok(()));
    let of_i8 = isa.external(of("answer")).result.expect("it replies");
    let error = set(&mut state, "answer", 0, 128);
    assert_eq!(error, Err(InputError::BadValue { value: 128, of: of_i8 }));
    assert_eq!(set(&mut state, "draw", 0, 1), Err(InputError::NoReply));
    let most = limits::REPLIES as u64;
    assert_eq!(set(&mut state, "clock", most - 1, 1), Ok(()));
    for call in [most, u64::MAX] {
        assert_eq!(set(&mut state, "clock", call, 1), Err(InputError::TooManyReplies));
    }
    assert_eq!(state.set_reply(ExternId(3), 0, 1), Err(InputError::NoFunction(3)));
    assert_eq!(State::new(&built_in("stack")).host_calls(), None);
}

#[test]
fn a_run_makes_so_many_calls_and_no_more() {
    let isa = built_in("ebpf");
    let program = assembled(&isa, "again: call 3\n ja again");
    let mut state = State::new(&isa);
    let outcome = Reference::new(&isa, &program).run(&mut state, u64::MAX, &mut NoTrace);
    assert_eq!(outcome, Ok(Outcome::OutputLimit));
    assert_eq!(state.host_calls().map(<[Call]>::len), Some(limits::OUTPUT_VALUES));
}

#[test]
fn calls_are_part_of_the_state_and_of_the_hash() {
    let isa = asking();
    let hash = |argument: u32| {
        let program = assembled(&isa, &format!("PUSH {argument}\n ASK 1\n PUSH 0\n DRAW"));
        let mut state = State::new(&isa);
        let mut tracer = HashTrace::new(&isa);
        Reference::new(&isa, &program).run(&mut state, FUEL, &mut tracer).expect("it runs");
        (tracer.finish(&state).0, state)
    };
    // Light rows differ by the argument on the stack; that nothing else does shows in the state alone.
    let ((one, first), (other, second)) = (hash(1), hash(2));
    assert_ne!(one, other);
    assert_ne!(first, second);
    assert_eq!(hash(1), (one, first));
}

#[test]
fn calls_are_read_as_they_are_written() {
    let call = |arguments: &[i128], reply| Call {
        function: "f".into(),
        arguments: arguments.to_vec(),
        reply,
    };
    for (call, text) in [
        (call(&[], None), "f()"),
        (call(&[1], Some(-2)), "f(1)=-2"),
        (call(&[u64::MAX.into(), -1], Some(0)), "f(18446744073709551615;-1)=0"),
    ] {
        let mut written = Vec::new();
        call.push_wire(&mut written);
        assert_eq!(String::from_utf8(written).as_deref(), Ok(text));
        assert_eq!(Call::from_wire(text), Some(call));
    }
    for text in ["", "f", "f(", "(1)", "f(1", "f(1)=", "f(1;)", "f(1)2", "f(x)", "f(1)=y", "f(1,2)"]
    {
        assert_eq!(Call::from_wire(text), None, "{text}");
    }
}

#[test]
fn generated_programs_call_the_host() {
    let isa = built_in("ebpf");
    let calling = isa.instructions().iter().position(|insn| {
        insn.body.writes.iter().any(|write| matches!(write.to, WriteTo::Host { .. }))
    });
    let (mut with, mut called) = (0, 0);
    for seed in 0..300 {
        let program = generated(&isa, seed);
        let mut insns = program.program().insns().iter();
        with += u32::from(insns.any(|insn| Some(usize::from(insn.id.0)) == calling));
        let mut state = State::new(&isa);
        let mut calls = 0;
        let mut tracer = RowTrace::new(|row: &StepRow| {
            calls += row.changes.iter().filter(|it| matches!(it, Change::Host(_))).count();
        });
        let outcome = Reference::new(&isa, &program).run(&mut state, FUEL, &mut tracer);
        outcome.expect("it does not get stuck");
        assert_eq!(state.host_calls().map(<[Call]>::len), Some(calls));
        called += u32::from(calls > 0);
    }
    assert!(2 * called > with && called > 10, "{called} of {with} call the host");
}

#[test]
fn every_run_keeps_what_is_promised() {
    let isa = asking();
    for seed in 0..200 {
        let program = generated(&isa, seed);
        soundness::check(&isa, &program, FUEL).unwrap_or_else(|unsound| panic!("{unsound}"));
    }
}
