//! The heap: what is live, when it is full, and that the collector cannot be observed.

use bytestone_spec::Isa;
use bytestone_spec::diagnostic::Source;
use bytestone_spec::load::{BuiltinOnly, load};
use bytestone_vm::asm::assemble;
use bytestone_vm::codec::Codec;
use bytestone_vm::reference::Collector;
use bytestone_vm::trace::{NoTrace, Notation, TextTrace};
use bytestone_vm::{Outcome, Reference, State, Verified, soundness, verify};

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

/// A machine whose instructions do to the heap what those of the built-in ones do not.
fn parts(cells: u32) -> Isa {
    let text = format!(
        "{}  heap: {{cells: {cells}}}\n{}",
        r#"bytestone: spec/1
isa: parts
version: 1.0.0
title: Parts
types: {val: {nil: unit, num: i32, str: str, arr: array, map: map}}
machine:
  stack: {of: val, depth: 40, per: frame}
  registers: {of: val, count: 2, prefix: r}
  frame: {depth: 4, locals: val}
  globals: {of: val, by: name}
  output: val
"#,
        r#"container: module
code: {decode: sweep, end: reject}
traps: {kind: Another kind.}
operands:
  text: {raw: u8, is: const, of: str}
instructions:
  NIL: {enc: "0x01", stack: "-- v", do: v = nil, doc: d}
  K: {enc: "0x02 k:u8 as const", stack: "-- v", do: v = k, doc: d}
  ARR: {enc: "0x03 n:u8", stack: "xs:val[n] -- v", do: v = arr(new_array(xs)), doc: d}
  MAP: {enc: "0x04", stack: "-- v", do: v = map(new_map()), doc: d}
  POP: {enc: "0x05", stack: "_ --", do: nop, doc: d}
  SET: {enc: "0x06 r:u8 as reg", stack: "v --", do: "reg[r] = v", doc: d}
  GET: {enc: "0x07 r:u8 as reg", stack: "-- v", do: "v = reg[r]", doc: d}
  OUT: {enc: "0x08", stack: "v --", do: out v, doc: d}
  CAT: {enc: "0x09", stack: "a b -- v", traps: [kind], do: "match a, b { str s, str t => v = str(concat(s, t))\n _ => trap kind }", doc: d}
  GLOBAL: {enc: "0x0A", stack: "a --", traps: [kind], do: "match a { str s => global[s] = a\n _ => trap kind }", doc: d}
  NAMED: {enc: "0x0B k:text", stack: "v --", do: "global[k] = v", doc: d}
  ENTRY: {enc: "0x0C", stack: "m k -- m", traps: [kind], do: "match m, k { map x, str s => x[s] = nil\n _ => trap kind }", doc: d}
  MORE:
    enc: "0x0D"
    stack: a -- a
    traps: [kind]
    do: |
      match a {
        arr x => {
          let n = len(x)
          x[n] = nil
          x[n +% 1] = nil
          x[n +% 2] = nil
        }
        _ => trap kind
      }
    doc: d
  TWICE: {enc: "0x0E k:text", stack: "m -- m", traps: [kind], do: "match m { map x => { x[k] = nil\n x[k] = m }\n _ => trap kind }", doc: d}
  FAR: {enc: "0x0F", stack: "a --", traps: [kind], do: "match a { arr x => x[7] = nil\n _ => trap kind }", doc: d}
  RET: {enc: "0x10", stack: "v --", do: return v, doc: d}
  NORET: {enc: "0x11", stack: "--", do: return nil, doc: d}
  HUGE: {enc: "0x12 k:text", stack: "-- v", do: |DOUBLED, doc: d}
"#
    );
    // Forty times the text before, twice.
    let doubled: String =
        (1..40).map(|at| format!("let x{at} = concat(x{0}, x{0})\\n", at - 1)).collect();
    let doubled = format!("\"let x0 = concat(k, k)\\n{doubled}v = str(x39)\"");
    let text = text.replace("|DOUBLED", &doubled);
    match load(Source { name: "parts.yaml".to_owned(), text }, &BuiltinOnly) {
        Ok(isa) => isa,
        Err(faulty) => panic!("{}", faulty.render(bytestone_spec::diagnostic::Style::Plain)),
    }
}

/// What a program has printed that ends well.
fn printed(isa: &Isa, text: &str) -> Vec<String> {
    halts(isa, text).output().map(|value| value.to_string()).collect()
}

#[test]
fn banks_keep_what_they_hold() {
    // An array of 2 cells in a register, and garbage of 3 cells after it, again and again.
    let garbage = "NIL\nNIL\nARR 2\nPOP\n".repeat(4);
    let text = format!(".func main stack=4\nNIL\nARR 1\nSET r1\n{garbage}GET r1\nOUT\nNIL\nRET\n");
    assert_eq!(printed(&parts(5), &text), ["[nil]"]);
    traps(&parts(4), &text, "out_of_memory");
}

#[test]
fn what_calls_save_is_kept() {
    let text = r#"bytestone: spec/1
isa: saves
version: 1.0.0
title: Saves
types: {val: {nil: unit, num: i32, map: map}}
machine:
  stack: {of: val, depth: 8}
  registers: {of: val, count: 2, prefix: r}
  calls: {depth: 4, saves: 1..1}
  output: val
  heap: {cells: 2}
code: {decode: sweep, end: halt}
operands:
  to: {raw: u8, is: entry, value: raw}
instructions:
  MAP: {enc: "0x01", stack: "-- v", do: v = map(new_map()), doc: d}
  NUM: {enc: "0x02 n:u8", stack: "-- v", do: "v = num(i32(n))", doc: d}
  POP: {enc: "0x03", stack: "_ --", do: nop, doc: d}
  SET: {enc: "0x04 r:u8 as reg", stack: "v --", do: "reg[r] = v", doc: d}
  GET: {enc: "0x05 r:u8 as reg", stack: "-- v", do: "v = reg[r]", doc: d}
  OUT: {enc: "0x06", stack: "v --", do: out v, doc: d}
  CALL: {enc: "0x07 t:to", stack: "-- ..t", do: call t, doc: d}
  RET: {enc: "0x08", stack: "--", do: return, doc: d}
  HALT: {enc: "0x09", stack: "--", do: halt, doc: d}
"#;
    let source = Source { name: "saves.yaml".to_owned(), text: text.to_owned() };
    let isa = load(source, &BuiltinOnly).unwrap_or_else(|faulty| {
        panic!("{}", faulty.render(bytestone_spec::diagnostic::Style::Plain))
    });
    let program = "MAP\nSET r1\nCALL sub\nGET r1\nOUT\nHALT\n\
                   sub: NUM 1\nSET r1\nMAP\nPOP\nMAP\nPOP\nMAP\nPOP\nRET\n";
    assert_eq!(printed(&isa, program), ["{}"]);
}

#[test]
fn writes_count_one_after_the_other() {
    // An array of three elements, made by one instruction, has 4 cells.
    let more = ".func main stack=1\nARR 0\nMORE\nOUT\nNIL\nRET\n";
    assert_eq!(printed(&parts(4), more), ["[nil nil nil]"]);
    traps(&parts(3), more, "out_of_memory");
    // Written twice, an entry is one: 3 cells with its map.
    let twice = ".func main stack=1\nMAP\nTWICE \"k\"\nPOP\nNIL\nRET\n";
    halts(&parts(3), twice);
    traps(&parts(2), twice, "out_of_memory");
}

#[test]
fn keys_and_names_count() {
    // A text of 10 bytes is 3 cells, an entry with such a key another 3, beside the map of 1.
    let entry = ".func main stack=3\nMAP\nK \"12345\"\nK \"67890\"\nCAT\nENTRY\nPOP\nNIL\nRET\n";
    halts(&parts(7), entry);
    traps(&parts(6), entry, "out_of_memory");
    // A global variable counts if its name was made, and as long as the run lasts.
    let text =
        |name: &str| format!(".func main stack=3\n{name}K \"x\"\nK \"1\"\nCAT\nPOP\nNIL\nRET\n");
    let made = text("K \"12345\"\nK \"67890\"\nCAT\nGLOBAL\n");
    halts(&parts(8), &made);
    traps(&parts(7), &made, "out_of_memory");
    halts(&parts(2), &text("K \"1234567890\"\nGLOBAL\nNIL\nNAMED \"12345\"\n"));
}

#[test]
fn one_instruction_makes_no_more_than_the_heap_holds() {
    traps(&parts(1000), ".func main stack=1\nHUGE \"text\"\nRET\n", "out_of_memory");
}

#[test]
fn a_write_without_a_place_is_not_shown() {
    let isa = parts(10);
    let program = verified(&isa, ".func main stack=1\nARR 0\nFAR\nNORET\n");
    let notation = Notation::new(&isa, program.program());
    let mut trace = TextTrace::new(&notation);
    let reference = Reference::new(&isa, &program);
    let outcome = reference.run(&mut State::new(&isa), FUEL, &mut trace).unwrap();
    assert_eq!(outcome, Outcome::Halt);
    assert!(!trace.text().contains("[7]"), "{}", trace.text());
    // What the first function returns is no cell of its frame, which states one at most.
    assert_eq!(soundness::check(&isa, &program, FUEL), Ok(Outcome::Halt));
    let alone = verified(&isa, ".func main stack=0\nNORET\n");
    assert_eq!(soundness::check(&isa, &alone, FUEL), Ok(Outcome::Halt));
}

#[test]
fn what_is_printed_counts_with_all_that_is_in_it() {
    let array = format!("{}NEW_ARRAY 100\nPRINT", "PUSH_CONSTANT nil\n".repeat(100));
    let (outcome, state) = outcome(&script(1000), &repeat(20_000, 1, &array));
    assert_eq!(outcome, Outcome::OutputLimit);
    // An array and its elements are 101 values.
    assert_eq!(state.output().count(), (1 << 20) / 101 + 1);
}
