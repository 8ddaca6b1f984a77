//! Values of two cells: every width and sign, in all places, and in fused instructions.

use bytestone_spec::Isa;
use bytestone_vm::codec::Codec;
use bytestone_vm::trace::NoTrace;
use bytestone_vm::{Outcome, Reason, Reference, State, verify};

use crate::machines::load;
use crate::support::assembled;

/// A machine with cells of type `cell` and pairs of type `of`.
fn machine(cell: &str, of: &str) -> Isa {
    load(&format!(
        "
bytestone: spec/1
isa: pairs
version: 1.0.0
title: Pairs of cells
machine:
  stack: {{of: {cell}, depth: 8}}
  registers: {{of: {cell}, count: 4, prefix: R}}
  output: {of}
code: {{decode: sweep, end: halt}}
types:
  pair: {{slots: 2, of: {of}}}
operands:
  pair_reg: {{raw: u8, is: reg, of: pair}}
instructions:
  PUSH: {{enc: '0x01 v:{of}', stack: '-- v:pair', doc: d}}
  STORE: {{enc: '0x02 r:pair_reg', stack: 'v:pair --', do: 'reg[r] = v', doc: d}}
  LOAD: {{enc: '0x03 r:pair_reg', stack: '-- v:pair', do: 'v = reg[r]', doc: d}}
  PRINT: {{enc: '0x04', stack: 'v:pair --', do: out v, doc: d}}
  SWAP: {{enc: '0x05', stack: 'low:{cell} high -- high low', doc: d}}
  MAX:
    enc: '0x06'
    stack: 'a:pair b:pair -- r:pair'
    do: |
      if a < b {{ r = b }} else {{ r = a }}
    doc: d
  COPY: {{enc: '0x07 a:pair_reg b:pair_reg', stack: '--', do: 'reg[b] = reg[a]', doc: d}}
  ADD: {{enc: '0x08', stack: 'a:pair b:pair -- r:pair', do: r = a +% b, doc: d}}
  ADD_TO:
    enc: '0x09 a:pair_reg b:pair_reg'
    stack: '--'
    fuse: [LOAD a, LOAD b, ADD, STORE b, LOAD b, PRINT]
    doc: d
"
    ))
}

const TYPES: [(&str, &str); 12] = [
    ("i8", "i16"),
    ("i8", "u16"),
    ("u8", "i16"),
    ("u8", "u16"),
    ("i16", "i32"),
    ("i16", "u32"),
    ("u16", "i32"),
    ("u16", "u32"),
    ("i32", "i64"),
    ("i32", "u64"),
    ("u32", "i64"),
    ("u32", "u64"),
];

fn printed(isa: &Isa, text: &str) -> Vec<i128> {
    let mut state = State::new(isa);
    let program = assembled(isa, text);
    let outcome = Reference::new(isa, &program).run(&mut state, 1000, &mut NoTrace);
    assert_eq!(outcome, Ok(Outcome::Halt), "{text}");
    state.output().map(|value| value.int().expect("is a number")).collect()
}

/// The width of a type, and values at which something changes in its halves.
fn values(of: &str) -> (u32, Vec<i128>) {
    let bits: u32 = of[1..].parse().expect("is a width");
    let least = if of.starts_with('i') { -(1i128 << (bits - 1)) } else { 0 };
    let half = 1i128 << (bits / 2);
    let near = [0, half / 2, half, -half, -half / 2, least, least + (1 << bits) - 1];
    let values = near.iter().flat_map(|value| [value - 1, *value, value + 1]);
    (bits, values.filter(|value| (least..least + (1 << bits)).contains(value)).collect())
}

#[test]
fn a_value_passes_through_cells_unchanged() {
    for (cell, of) in TYPES {
        let isa = machine(cell, of);
        for value in values(of).1 {
            let text = format!(
                "PUSH {value}\nSTORE R1\nCOPY R1, R2\nLOAD R2\nPRINT\nPUSH {value}\nPUSH {value}\nMAX\nPRINT"
            );
            assert_eq!(printed(&isa, &text), [value, value], "{value} as {of} in cells of {cell}");
        }
    }
}

#[test]
fn the_high_half_is_below() {
    for (cell, of) in TYPES {
        let isa = machine(cell, of);
        let bits = values(of).0;
        let one = 1i128 << (bits / 2);
        assert_eq!(printed(&isa, "PUSH 1\nSWAP\nPRINT"), [one], "{of} in cells of {cell}");
        let overlapping = "PUSH 1\nSTORE R1\nLOAD R2\nPRINT";
        assert_eq!(printed(&isa, overlapping), [one], "{of} in cells of {cell}");
    }
}

#[test]
fn fused_parts_see_the_halves_that_earlier_ones_wrote() {
    for (cell, of) in TYPES {
        let isa = machine(cell, of);
        for (a, b) in [("R0", "R2"), ("R2", "R2"), ("R0", "R1"), ("R1", "R0")] {
            let start = "PUSH 3\nSTORE R2\nPUSH 5\nSTORE R0\n";
            let rest = format!("LOAD {a}\nLOAD {b}\nADD\nSTORE {b}\nLOAD {b}\nPRINT");
            let end = "\nLOAD R0\nPRINT\nLOAD R1\nPRINT\nLOAD R2\nPRINT";
            let fused = printed(&isa, &format!("{start}ADD_TO {a}, {b}{end}"));
            assert_eq!(fused, printed(&isa, &format!("{start}{rest}{end}")), "{a}, {b}");
        }
    }
}

#[test]
fn both_cells_are_in_the_bank() {
    let isa = machine("u8", "u16");
    let codec = Codec::new(&isa);
    for index in 0..=255 {
        let program = codec.decode(&[3, index]).expect("is an instruction");
        let reasons: Vec<Reason> = match verify(&isa, program) {
            Ok(_) => Vec::new(),
            Err(rejected) => rejected.faults.iter().map(|fault| fault.reason).collect(),
        };
        let expected = if index < 3 { vec![] } else { vec![Reason::BadIndex] };
        assert_eq!(reasons, expected, "{index}");
    }
}
