//! What the reference tier makes of instructions, traps and limits.

use bytestone_spec::Isa;
use bytestone_spec::isa::{BankId, TrapId};
use bytestone_vm::trace::NoTrace;
use bytestone_vm::{InputError, Outcome, Reference, State, Stuck, Value, Verified, limits};

use crate::machines::{built_in, load};
use crate::support::{assembled, builtin_isas, check, generated};

const FUEL: u64 = 1_000_000;

fn run(isa: &Isa, program: &Verified, state: &mut State, fuel: u64) -> Outcome {
    Reference::new(isa, program).run(state, fuel, &mut NoTrace).expect("does not get stuck")
}

fn run_text(isa: &Isa, text: &str) -> (Outcome, State) {
    let mut state = State::new(isa);
    let outcome = run(isa, &assembled(isa, text), &mut state, FUEL);
    (outcome, state)
}

/// What a program prints that halts.
fn printed(isa: &Isa, text: &str) -> Vec<i128> {
    let (outcome, state) = run_text(isa, text);
    assert_eq!(outcome, Outcome::Halt, "{text}");
    state.output().map(|value| value.int().expect("is a number")).collect()
}

fn trap(isa: &Isa, name: &str, at: u32) -> Outcome {
    Outcome::Trap { trap: isa.find_trap(name).expect("the machine has it"), at }
}

/// A machine whose instructions show the order of what a step does.
const ORDER: &str = "
bytestone: spec/1
isa: order
version: 1.0.0
title: Order of the parts of a step
machine:
  stack: {of: u8, depth: 2}
  locals: {of: i16, count: 4}
  calls: {depth: 1}
  output: i16
code: {decode: sweep, end: halt}
operands:
  entry: {raw: u8, is: entry, value: raw}
  abs: {raw: u8, is: label, value: raw}
traps:
  first: First.
  second: Second.
instructions:
  HALT: {enc: '0x00', stack: '--', do: halt, doc: d}
  SET: {enc: '0x01 n:u8 as local v:i16', stack: '--', do: 'local[n] = v', doc: d}
  SWAP:
    enc: '0x02 m:u8 as local n:u8 as local'
    stack: '--'
    do: |
      let old = local[m]
      local[m] = local[n]
      local[n] = old
    doc: d
  OUT: {enc: '0x03 n:u8 as local', stack: '--', do: 'out local[n]', doc: d}
  PUSH: {enc: '0x04 v:u8', stack: '-- v', doc: d}
  RISK:
    enc: '0x05 v:u8'
    stack: '-- r s'
    traps: [first, second]
    do: |
      trap second if v == 2
      trap first if v <= 2
      out local[1]
      local[0] = 7
      r = v
      s = v
    doc: d
  CALL: {enc: '0x06 f:entry', stack: '-- ..f', do: call f, doc: d}
  PCALL:
    enc: '0x07 f:entry'
    stack: '-- r ..f'
    do: |
      r = 9
      call f
    doc: d
  RET: {enc: '0x08', stack: '--', do: return, doc: d}
  MAYBE:
    enc: '0x09 n:u8 as local'
    stack: 'c --'
    do: |
      if c != 0 {
        out 6
        local[n] = 5
      } else {
        out 7
      }
    doc: d
  SWITCH:
    enc: '0x0A t:abs u:abs'
    stack: 'c --'
    do: |
      goto t if c == 1
      goto u if c <= 2
    doc: d
  SHOW: {enc: '0x0B', stack: 'c --', do: 'out i16(c)', doc: d}
  DUP: {enc: '0x0C', stack: 'a -- a a', doc: d}
  SUB: {enc: '0x0D', stack: 'a b -- r', do: 'r = a -% b', doc: d}
";

#[test]
fn arithmetic_of_the_stack_machine() {
    let stack = built_in("stack");
    let min = i128::from(i32::MIN);
    for (text, result) in [
        ("PUSH 2147483647\n PUSH 1\n ADD", min),
        ("PUSH 3\n PUSH 5\n SUB", -2),
        ("PUSH 65536\n PUSH 65536\n MUL", 0),
        ("PUSH -7\n PUSH 2\n DIV", -3),
        ("PUSH -2147483648\n PUSH -1\n DIV", min),
        ("PUSH -2147483648\n NEG", min),
        ("PUSH 4\n STORE 255\n LOAD 255", 4),
        ("LOAD 9", 0),
    ] {
        assert_eq!(printed(&stack, &format!("{text}\n PRINT\n HALT")), [result], "{text}");
    }
}

#[test]
fn subroutines_of_the_stack_machine() {
    let stack = built_in("stack");
    let square = "
        PUSH 7
        CALL square
        PRINT
        HALT
square: STORE 0
        LOAD 0
        LOAD 0
        MUL
        RET";
    assert_eq!(printed(&stack, square), [49]);
}

#[test]
fn a_loop_of_each_machine_with_jumps() {
    let stack = "
        PUSH 3
        STORE 0
again:  LOAD 0
        PRINT
        LOAD 0
        PUSH 1
        SUB
        STORE 0
        LOAD 0
        JUMPZ end
        JUMP again
end:    HALT";
    assert_eq!(printed(&built_in("stack"), stack), [3, 2, 1]);
    let register = "
        LOAD R0, 3
        LOAD R1, 1
again:  PRINT R0
        SUB R0, R0, R1
        JNZ R0, again
        HALT";
    for name in ["register", "register-lua"] {
        assert_eq!(printed(&built_in(name), register), [3, 2, 1]);
    }
    let looped = "
again:  PRINT
        LOAD 0
        PUSH 1
        ADD
        STORE 0
        LOAD 0
        PUSH 3
        LT
        JMP_IF_FALSE end
        JMP again
end:    HALT";
    assert_eq!(printed(&built_in("loop"), looped), [0, 1, 2]);
}

#[test]
fn reads_see_the_state_before_the_instruction() {
    let order = load(ORDER);
    assert_eq!(printed(&order, "SET 0, 3\n SET 1, -4\n SWAP 0, 1\n OUT 0\n OUT 1"), [-4, 3]);
    assert_eq!(printed(&order, "PUSH 5\n DUP\n SUB\n SHOW"), [0]);
    assert_eq!(printed(&order, "PUSH 5\n PUSH 6\n SUB\n SHOW"), [255], "an unsigned cell wraps");
}

#[test]
fn guarded_writes_and_the_first_transfer_that_holds() {
    let order = load(ORDER);
    assert_eq!(printed(&order, "PUSH 1\n MAYBE 2\n OUT 2"), [6, 5]);
    assert_eq!(printed(&order, "PUSH 0\n MAYBE 2\n OUT 2"), [7, 0]);
    let switch = |value: u32| {
        let text = format!(
            "PUSH {value}\n SWITCH one, two\n SET 0, 3\nshow: OUT 0\n HALT\n\
             one: OUT 1\n SET 0, 1\n OUT 0\n HALT\n two: SET 0, 2\n OUT 0"
        );
        printed(&order, &text)
    };
    assert_eq!(switch(1), [0, 1]);
    assert_eq!(switch(2), [2]);
    assert_eq!(switch(3), [3]);
}

#[test]
fn a_trap_leaves_the_state_as_it_was() {
    let calculator = built_in("calculator");
    let (outcome, state) = run_text(&calculator, "PUSH 1\n PUSH 0\n DIV\n HALT");
    assert_eq!(outcome, trap(&calculator, "div_by_zero", 10));
    assert_eq!(state.stack().collect::<Vec<_>>(), [1, 0]);
    assert_eq!((state.pc(), state.steps()), (10, 3), "the trapping instruction counts as a step");
}

#[test]
fn declared_traps_come_in_order_and_before_limits() {
    let order = load(ORDER);
    let outcome = |text: &str| {
        let (outcome, state) = run_text(&order, text);
        let local = state.cell(BankId(0), 0).and_then(|value| value.int());
        assert_eq!((local, state.output().len()), (Some(0), 0), "nothing is written before a trap");
        outcome
    };
    assert_eq!(outcome("RISK 2"), trap(&order, "second", 0));
    assert_eq!(outcome("RISK 1"), trap(&order, "first", 0));

    // The verifier accepts no such stack, except in code that it cannot reach.
    for (value, name) in [(1, "first"), (3, "stack_overflow")] {
        let mut state = State::new(&order);
        run(&order, &assembled(&order, "PUSH 1"), &mut state, FUEL);
        let program = assembled(&order, &format!("HALT\n HALT\n RISK {value}"));
        assert_eq!(run(&order, &program, &mut state, FUEL), trap(&order, name, 2));
    }
}

/// Recursion, so that the verifier knows no bound: `insns` then a call of themselves.
fn recursion(insns: &str) -> String {
    format!("CALL again\n HALT\nagain: {insns}\n CALL again\n RET")
}

#[test]
fn limits_trap_before_anything_is_written() {
    let order = load(ORDER);
    let (outcome, state) = run_text(&order, &recursion(""));
    assert_eq!(outcome, trap(&order, "call_depth", 3));
    assert_eq!((state.calls(), state.pc()), (&[2][..], 3));

    let deep = load(&ORDER.replace("calls: {depth: 1}", "calls: {depth: 9}"));
    let (outcome, state) = run_text(&deep, &recursion("PUSH 1"));
    assert_eq!(outcome, trap(&deep, "stack_overflow", 3));
    assert_eq!((state.stack().len(), state.calls().len()), (2, 3));
    let (outcome, state) = run_text(&deep, &recursion("RISK 3"));
    assert_eq!(outcome, trap(&deep, "stack_overflow", 3));
    let state = (state.cell(BankId(0), 0), state.output().len());
    assert_eq!(state, (Some(Value::Int(7)), 1), "only the first of the two was done");
}

#[test]
fn the_stack_overflows_before_the_calls() {
    let order = load(&ORDER.replace("calls: {depth: 1}", "calls: {depth: 2}"));
    let (outcome, state) = run_text(&order, "PCALL f\n HALT\nf: PCALL f\n RET");
    assert_eq!(outcome, trap(&order, "stack_overflow", 3));
    assert_eq!(
        (state.stack().collect::<Vec<_>>(), state.calls().len()),
        (vec![Value::Int(9), Value::Int(9)], 2)
    );
    assert_eq!(order.find_trap("stack_overflow"), Some(TrapId::STACK_OVERFLOW));
}

#[test]
fn the_end_of_the_code_halts_where_the_machine_says_so() {
    let eoc = built_in("calculator-eoc");
    let program = assembled(&eoc, "PUSH 1\n PUSH 2");
    let mut state = State::new(&eoc);
    assert_eq!(run(&eoc, &program, &mut state, 2), Outcome::Halt, "the end is no step");
    assert_eq!((state.pc(), state.steps(), state.stack().len()), (10, 2, 2));
    assert_eq!(run(&eoc, &assembled(&eoc, ""), &mut State::new(&eoc), 0), Outcome::Halt);
}

#[test]
fn fuel_allows_so_many_steps() {
    let stack = built_in("stack");
    let program = assembled(&stack, "PUSH 1\n POP\n HALT");
    let mut state = State::new(&stack);
    assert_eq!(run(&stack, &program, &mut state, 0), Outcome::Fuel);
    assert_eq!(state, State::new(&stack));
    assert_eq!(run(&stack, &program, &mut state, 2), Outcome::Fuel);
    assert_eq!((state.pc(), state.steps()), (6, 2));
    assert_eq!(run(&stack, &program, &mut state, 1), Outcome::Halt, "HALT is a step");
    assert_eq!((state.pc(), state.steps()), (6, 3));
    assert_eq!(run(&stack, &program, &mut State::new(&stack), u64::MAX), Outcome::Halt);
}

#[test]
fn output_is_limited() {
    let loops = built_in("loop");
    let program = assembled(&loops, "again: PRINT\n JMP again");
    let mut state = State::new(&loops);
    assert_eq!(run(&loops, &program, &mut state, u64::MAX), Outcome::OutputLimit);
    assert_eq!(state.output().len(), limits::OUTPUT_VALUES);
    assert_eq!(state.steps(), 2 * limits::OUTPUT_VALUES as u64, "the print was not begun");
    assert_eq!(state.pc(), 0);
}

#[test]
fn cells_are_set_within_their_banks_and_types() {
    let register = built_in("register");
    let reg = register.find_bank("reg").expect("it has registers");
    let of = register.machine().banks[0].of.int().expect("they hold numbers");
    let mut state = State::new(&register);
    assert_eq!(state.set_cell(reg, 15, -2_147_483_648), Ok(()));
    assert_eq!(state.cell(reg, 15), Some(Value::Int(-2_147_483_648)));
    let value = 2_147_483_648;
    assert_eq!(state.set_cell(reg, 0, value), Err(InputError::BadValue { value, of }));
    assert_eq!(state.set_cell(reg, 16, 0), Err(InputError::NoCell { index: 16, count: 16 }));
    let far = u64::MAX;
    assert_eq!(state.set_cell(reg, far, 0), Err(InputError::NoCell { index: far, count: 16 }));
    assert_eq!(state.set_cell(BankId(1), 0, 0), Err(InputError::NoBank(1)));
    assert_eq!(state.bank(reg).collect::<Vec<_>>()[14..], [0, -2_147_483_648]);
    assert_eq!((state.cell(reg, 16), state.cell(BankId(1), 0)), (None, None));
    assert_eq!(state.bank(BankId(1)).count(), 0);
}

#[test]
fn a_state_of_another_program_gets_stuck_and_no_more() {
    let stack = built_in("stack");
    let mut state = State::new(&stack);
    run(&stack, &assembled(&stack, "NOP\n NOP\n HALT"), &mut state, 2);
    let other = assembled(&stack, "PUSH 1\n HALT");
    let stuck = Reference::new(&stack, &other).run(&mut state, FUEL, &mut NoTrace);
    assert_eq!(stuck, Err(Stuck::NoInstruction { at: 2 }));

    let register = built_in("register");
    let program = assembled(&register, "ADD R0, R1, R2\n HALT");
    let stuck = Reference::new(&register, &program).run(&mut State::new(&stack), 9, &mut NoTrace);
    assert_eq!(stuck, Ok(Outcome::Halt), "local cells stand in for registers");
    let program = assembled(&stack, "LOAD 200\n HALT");
    let stuck = Reference::new(&stack, &program).run(&mut State::new(&register), 9, &mut NoTrace);
    assert_eq!(stuck, Err(Stuck::BadIndex { at: 0, index: 200 }));

    let mut state = State::new(&stack);
    run(&stack, &assembled(&stack, "NOP\n HALT"), &mut state, 1);
    let calls = Reference::new(&stack, &assembled(&stack, "HALT\n RET"));
    let stuck = calls.run(&mut state, FUEL, &mut NoTrace);
    assert_eq!(stuck, Err(Stuck::ReturnWithoutCall { at: 1 }));
    let pops = assembled(&stack, "HALT\n ADD");
    let stuck = Reference::new(&stack, &pops).run(&mut state, FUEL, &mut NoTrace);
    assert_eq!(stuck, Err(Stuck::Underflow { at: 1, needs: 2, height: 0 }));
}

#[test]
fn a_run_in_parts_is_one_run() {
    fn property(seed: u64, part: u8) -> bool {
        builtin_isas().iter().all(|isa| {
            let program = generated(isa, seed);
            let (mut whole, mut parts) = (State::new(isa), State::new(isa));
            let outcome = run(isa, &program, &mut whole, 2_000);
            let part = u64::from(part) + 1;
            let mut left = 2_000;
            let outcome_of_parts = loop {
                let outcome = run(isa, &program, &mut parts, part.min(left));
                left -= part.min(left);
                if outcome != Outcome::Fuel || left == 0 {
                    break outcome;
                }
            };
            (outcome, whole) == (outcome_of_parts, parts)
        })
    }
    check(15, property as fn(u64, u8) -> bool);
}

/// The program that pushes two values, then does `text` with operands, then halts, from given cells.
fn run_between(isa: &Isa, text: &str, cells: [i128; 3]) -> (Outcome, State) {
    let program = assembled(isa, &format!("PUSH 7\nPUSH -3\n{text}\nHALT\n"));
    let mut state = State::new(isa);
    for (at, value) in (0..).zip(cells) {
        state.set_cell(BankId(0), at, value).expect("a cell");
    }
    let outcome = run(isa, &program, &mut state, FUEL);
    (outcome, state)
}

#[test]
fn a_fused_instruction_does_what_its_parts_do() {
    let isa = built_in("stack-fused");
    let mut compared = 0;
    for insn in isa.instructions().iter().filter(|insn| !insn.text.fuse.is_empty()) {
        let effect = &insn.effect;
        if !effect.jumps.is_empty() || effect.call.is_some() || effect.returns {
            continue;
        }
        for choice in 0..27 {
            let numbers = [choice % 3, choice / 3 % 3];
            let names: Vec<_> =
                insn.operands.iter().map(|operand| &operand.name).zip(numbers).collect();
            let number = |word: &str| {
                let known = names.iter().find(|(name, _)| name.as_str() == word);
                known.map_or(word.to_owned(), |(_, number)| number.to_string())
            };
            let operands: Vec<String> =
                names.iter().map(|(_, number)| number.to_string()).collect();
            let fused = format!("{} {}", insn.name, operands.join(", "));
            let parts = insn.text.fuse.iter().map(|part| {
                let words = part.split_whitespace().map(|word| number(word.trim_end_matches(',')));
                let words: Vec<String> = words.collect();
                format!("{} {}", words[0], words[1..].join(", "))
            });
            let parts = parts.collect::<Vec<_>>().join("\n");
            let cells = [choice / 9, i32::MAX, -1];
            let (outcome, state) = run_between(&isa, &fused, cells.map(i128::from));
            let (expected, apart) = run_between(&isa, &parts, cells.map(i128::from));
            assert_eq!(state.output().collect::<Vec<_>>(), apart.output().collect::<Vec<_>>());
            assert!(state.bank(BankId(0)).eq(apart.bank(BankId(0))), "{fused}");
            match (outcome, expected) {
                (Outcome::Trap { trap, .. }, Outcome::Trap { trap: other, .. }) => {
                    assert_eq!(trap, other, "{fused}");
                }
                _ => {
                    assert_eq!(outcome, expected, "{fused}");
                    assert!(state.stack().eq(apart.stack()), "{fused}");
                }
            }
            compared += 1;
        }
    }
    assert!(compared >= 8 * 27, "{compared}");
}
