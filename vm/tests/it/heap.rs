//! The heap: what is live, when it is full, and that the collector cannot be observed.

use bytestone_spec::Isa;
use bytestone_spec::diagnostic::Source;
use bytestone_spec::load::{BuiltinOnly, load};
use bytestone_vm::asm::assemble;
use bytestone_vm::codec::Codec;
use bytestone_vm::reference::Collector;
use bytestone_vm::trace::NoTrace;
use bytestone_vm::{Outcome, Reference, State, Verified, verify};

const FUEL: u64 = 10_000_000;

/// The script machine with another limit of its heap.
fn script(cells: u32) -> Isa {
    with_heap("script@1", &format!("cells: {cells}"))
}

/// The list machine with another limit of its heap.
fn lists(cells: u32) -> Isa {
    with_heap("lists@1", &format!("cells: {cells}, records: {{Pair: {{car: val, cdr: val}}}}"))
}

/// A machine with another heap.
fn with_heap(base: &str, heap: &str) -> Isa {
    let text = format!(
        "bytestone: spec/1\nisa: small-heap\nversion: 1.0.0\ntitle: A small heap\nextends: {base}\n\
         machine: {{heap: {{{heap}}}}}\n"
    );
    load(Source { name: "small-heap.yaml".to_owned(), text }, &BuiltinOnly).unwrap()
}

fn verified(isa: &Isa, text: &str) -> Verified {
    let codec = Codec::new(isa);
    let assembled = assemble(&codec, text).unwrap();
    verify(isa, codec.decode(&assembled.bytes).unwrap()).unwrap()
}

/// How a program ends, which must not depend on when the heap is collected.
fn outcome(isa: &Isa, text: &str) -> (Outcome, State) {
    let program = verified(isa, text);
    let run = |collector| {
        let mut state = State::new(isa);
        let reference = Reference::new(isa, &program).collecting(collector);
        let outcome = reference.run(&mut state, FUEL, &mut NoTrace).unwrap();
        (outcome, state)
    };
    let (outcome, state) = run(Collector::WhenFull);
    let (stressed, other) = run(Collector::Always);
    assert_eq!(outcome, stressed);
    assert_eq!(state, other);
    (outcome, state)
}

fn traps(isa: &Isa, text: &str, name: &str) {
    let trap = isa.find_trap(name).unwrap();
    let found = outcome(isa, text).0;
    assert!(matches!(found, Outcome::Trap { trap: found, .. } if found == trap), "{found:?}");
}

fn halts(isa: &Isa, text: &str) -> State {
    let (outcome, state) = outcome(isa, text);
    assert_eq!(outcome, Outcome::Halt);
    state
}

/// A loop that does `body` so many times; variable 0 counts.
fn repeat(times: u32, variables: u32, body: &str) -> String {
    format!(
        ".func main locals={variables}\nPUSH_CONSTANT 0\nSTORE_VAR 0\n\
         top: LOAD_VAR 0\nPUSH_CONSTANT {times}\nLT\nJUMP_IF_FALSE done\n{body}\n\
         LOAD_VAR 0\nPUSH_CONSTANT 1\nADD\nSTORE_VAR 0\nLOOP top\ndone: HALT\n"
    )
}

#[test]
fn garbage_does_not_count() {
    let isa = script(100);
    halts(&isa, &repeat(100_000, 1, "LOAD_VAR 0\nNEW_ARRAY 1\nPOP"));
    halts(&isa, &repeat(100_000, 2, "LOAD_VAR 0\nNEW_ARRAY 1\nSTORE_VAR 1"));
    halts(&isa, &repeat(10_000, 1, "PUSH_CONSTANT \"a text\"\nPUSH_CONSTANT \" grows\"\nADD\nPOP"));
}

#[test]
fn what_is_kept_counts() {
    let isa = script(100);
    let keep = "LOAD_VAR 1\nLOAD_VAR 0\nNEW_OBJECT\nSET_ELEMENT";
    let program = repeat(100_000, 2, keep).replace("top:", "NEW_ARRAY 0\nSTORE_VAR 1\ntop:");
    traps(&isa, &program, "out_of_memory");
    // The array is 1, and each element is 1 with an object of 1: 49 of them fit, and one more does not.
    let (_, state) = outcome(&isa, &program);
    assert_eq!(state.bank(isa.find_bank("local").unwrap()).next().unwrap().to_string(), "49");
}

#[test]
fn cycles_are_garbage_too() {
    let isa = script(50);
    let cycle = "NEW_OBJECT\nSTORE_VAR 1\nNEW_ARRAY 0\nSTORE_VAR 2\n\
                 LOAD_VAR 1\nLOAD_VAR 2\nSET_PROPERTY \"array\"\n\
                 LOAD_VAR 2\nPUSH_CONSTANT 0\nLOAD_VAR 1\nSET_ELEMENT";
    halts(&isa, &repeat(10_000, 3, cycle));
}

#[test]
fn records_are_kept_by_what_leads_to_them() {
    // Each round makes a ring of two pairs beside the one that is kept, and drops it.
    let text = ".func main locals=4\n\
                LDC \"kept\"\nNIL\nCONS\nDUP\nRPLACD\nST 1\nLDC 1000\nST 0\n\
                top: LD 1\nNIL\nCONS\nST 2\nNIL\nLD 2\nCONS\nST 3\nLD 2\nLD 3\nRPLACD\nPOP\n\
                NIL\nST 2\nNIL\nST 3\n\
                LD 0\nLDC 1\nSUB\nST 0\nLD 0\nLDC 0\nEQ\nJNIL top\n\
                LD 1\nCDR\nCDR\nCAR\nRTN\n";
    let state = halts(&lists(9), text);
    let left: Vec<String> = state.stack().map(|value| value.to_string()).collect();
    assert_eq!(left, ["\"kept\""]);
    traps(&lists(8), text, "out_of_memory");
}

#[test]
fn a_new_record_keeps_what_it_is_made_of() {
    // A record within a record, both made by one instruction, when there is room for them and nothing else.
    let text = |cells: u32| {
        format!(
            "bytestone: spec/1\nisa: nested\nversion: 1.0.0\ntitle: Nested\nextends: lists@1\n\
             machine: {{heap: {{cells: {cells}, records: {{Pair: {{car: val, cdr: val}}}}}}}}\n\
             instructions:\n  WRAP:\n    enc: \"0x60\"\n    stack: \"v -- p\"\n    do: |\n      \
             let inner = new Pair{{car = v, cdr = nil}}\n      \
             p = pair(new Pair{{cdr = inner.car, car = pair(inner)}})\n    doc: Wrap twice.\n"
        )
    };
    let isa = |cells| {
        let source = Source { name: "nested.yaml".to_owned(), text: text(cells) };
        load(source, &BuiltinOnly).unwrap()
    };
    let program = ".func main\nLDC 5\nWRAP\nRTN";
    let state = halts(&isa(6), program);
    let found: Vec<String> = state.stack().map(|value| value.to_string()).collect();
    assert_eq!(found, ["Pair{car: Pair{car: 5 cdr: nil} cdr: 5}"]);
    traps(&isa(5), program, "out_of_memory");
}

#[test]
fn inputs_of_the_running_instruction_are_live() {
    // Two arrays of 8 and 9 cells, and one of two more that holds them: 20 cells.
    let text = |end: &str| {
        format!(
            ".func main\n{a}NEW_ARRAY 7\n{a}NEW_ARRAY 7\nNEW_ARRAY 2\n{end}\nHALT",
            a = "PUSH_CONSTANT nil\n".repeat(7)
        )
    };
    halts(&script(19), &text("POP"));
    traps(&script(18), &text("POP"), "out_of_memory");
    // The sum of two texts of 2 cells has 3: while it is made, all three are live.
    let sum = ".func main\nPUSH_CONSTANT \"1234\"\nDUP\nADD\nDUP\nADD\nHALT";
    halts(&script(5), sum);
    traps(&script(4), sum, "out_of_memory");
}

#[test]
fn captured_variables_live_as_long_as_their_closures() {
    let isa = script(40);
    let text = ".func main locals=1\n\
                PUSH_CONSTANT 0\nSTORE_VAR 0\n\
                top: LOAD_VAR 0\nPUSH_CONSTANT 10000\nLT\nJUMP_IF_FALSE done\n\
                CLOSURE maker\nCALL 0\nSTORE_GLOBAL \"counter\"\n\
                LOAD_GLOBAL \"counter\"\nCALL 0\nPOP\n\
                LOAD_GLOBAL \"counter\"\nCALL 0\nSTORE_GLOBAL \"last\"\n\
                LOAD_VAR 0\nPUSH_CONSTANT 1\nADD\nSTORE_VAR 0\nLOOP top\n\
                done: LOAD_GLOBAL \"last\"\nPRINT\nHALT\n\
                .func maker locals=1\nPUSH_CONSTANT 5\nSTORE_VAR 0\nCLOSURE next\nRETURN\n\
                .func next captures=[local 0]\n\
                LOAD_UPVALUE 0\nPUSH_CONSTANT 1\nADD\nSTORE_UPVALUE 0\nLOAD_UPVALUE 0\nRETURN\n";
    let state = halts(&isa, text);
    assert_eq!(state.output().map(|value| value.to_string()).collect::<Vec<_>>(), ["7"]);
}

#[test]
fn texts_cannot_grow_without_end() {
    let isa = script(1000);
    let double = "LOAD_VAR 1\nLOAD_VAR 1\nADD\nSTORE_VAR 1";
    let program = repeat(100, 2, double).replace("top:", "PUSH_CONSTANT \"x\"\nSTORE_VAR 1\ntop:");
    traps(&isa, &program, "out_of_memory");
}

#[test]
fn recursion_cannot_go_on_without_end() {
    let text =
        ".func main\nCLOSURE again\nCALL 0\nHALT\n.func again\nCLOSURE again\nCALL 0\nRETURN";
    traps(&script(65536), text, "call_depth");
    // Each frame keeps its closure alive: 199 calls, and the closure for the next one.
    traps(&script(199), text, "out_of_memory");
    traps(&script(200), text, "call_depth");
}
