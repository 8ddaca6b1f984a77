//! Generated programs: accepted by the verifier, sound, and mostly ending cleanly.

use std::collections::BTreeSet;

use arbitrary::Unstructured;
use bytestone_spec::Isa;
use bytestone_vm::asm::{Style, assemble, disassemble, insn_text};
use bytestone_vm::codec::Codec;
use bytestone_vm::generate::{GenerateError, Generator};
use bytestone_vm::{Outcome, Verified, soundness, verify};

use crate::machines::{self, load};
use crate::support::{builtin_isas, check, entropy};

const FUEL: u64 = 2_000;

/// What became of programs.
#[derive(Debug, Default)]
struct Tally {
    programs: u32,
    accepted: u32,
    /// Halted.
    clean: u32,
    trapped: u32,
    /// The instructions in them, by mnemonic.
    used: BTreeSet<String>,
}

impl Tally {
    fn of(isa: &Isa, programs: u32) -> Self {
        let generator = Generator::new(isa).expect("its programs can end");
        let mut tally = Self { programs, ..Self::default() };
        for seed in 0..u64::from(programs) {
            let bytes = entropy(seed, (seed % 512) as usize);
            let code = generator.program(&mut Unstructured::new(&bytes));
            let Some(verified) = accepted(isa, &code) else { continue };
            tally.accepted += 1;
            let insns = verified.program().insns().iter();
            tally.used.extend(insns.map(|insn| isa.instruction(insn.id).name.clone()));
            match soundness::check(isa, &verified, FUEL) {
                Ok(Outcome::Halt) => tally.clean += 1,
                Ok(Outcome::Trap { .. }) => tally.trapped += 1,
                Ok(Outcome::Fuel | Outcome::OutputLimit) => {}
                Err(unsound) => panic!("{}: {unsound}: {code:02x?}", isa.name()),
            }
        }
        tally
    }

    fn assert_floors(&self, isa: &Isa) {
        println!("{}: {self:?}", isa.name());
        assert_eq!(self.accepted, self.programs, "{}: {self:?}", isa.name());
        assert!(10 * self.clean >= 6 * self.programs, "{}: {self:?}", isa.name());
        assert_eq!(self.used.len(), isa.instructions().len(), "{}: {self:?}", isa.name());
    }
}

fn accepted(isa: &Isa, code: &[u8]) -> Option<Verified> {
    verify(isa, Codec::new(isa).decode(code).ok()?).ok()
}

#[test]
fn programs_of_built_in_machines_are_accepted_and_end_cleanly() {
    for isa in builtin_isas() {
        let programs = 500.max(10 * isa.instructions().len() as u32);
        Tally::of(isa, programs).assert_floors(isa);
    }
}

/// Functions with lists of labels and a condition.
const SWITCHES: &str = r#"
bytestone: spec/1
isa: switches
version: 1.0.0
title: Functions with tables
types:
  val: {none: unit, int: i32, fn: closure}
machine:
  stack: {of: val, depth: 16, per: frame}
  frame: {depth: 4, locals: val}
  heap: {cells: 64}
  output: val
code: {decode: sweep, end: reject}
container: module
operands:
  abs: {raw: u16, is: label, value: raw}
  fn: {raw: u8, is: func}
instructions:
  INT: {enc: "0x01 v:i8", stack: "-- r", do: r = int(i32(v)), doc: d}
  SUM: {enc: "0x02 a:i8 b:i8", where: "a >= b", stack: "-- r", do: r = int(i32(a) +% i32(b)), doc: d}
  TABLE:
    enc: "0x03 i:u8 n8:u8 t:abs targets:abs[n]"
    where: "n = n8"
    stack: "--"
    do: |
      let j = i64(i)
      goto targets[j] if 0 <= j && j < n
      goto t
    doc: d
  FN: {enc: "0x04 f:fn", stack: "-- v", do: v = fn(closure(f)), doc: d}
  RET: {enc: "0x05", stack: "v --", do: return v, doc: d}
  PRINT: {enc: "0x06", stack: "v --", do: out v, doc: d}
"#;

#[test]
fn lists_of_labels_stay_in_their_function() {
    let isa = load(SWITCHES);
    Tally::of(&isa, 500).assert_floors(&isa);

    let text = ".func main stack=1\n  INT 1\n  RET\n.func f stack=1\n  TABLE 0, 2, a, [a, b]\n\
                a:\n  INT 1\n  RET\nb:\n  INT 2\n  RET\n";
    let codec = Codec::new(&isa);
    let module = assemble(&codec, text).unwrap().bytes;
    let program = codec.decode(&module).unwrap();
    assert_eq!(program.operands(2), [0, 2, 9, 9, 12], "they count from the function");
    assert_eq!(program.list_targets(&isa, 2).collect::<Vec<_>>(), [12, 15]);
    assert_eq!(insn_text(&isa, &program, 2), "TABLE 0, 2, @12, [@12, @15]");
    assert!(verify(&isa, program).is_ok());
    let listing = disassemble(&codec, &module, Style::Plain).unwrap().to_string();
    assert_eq!(assemble(&codec, &listing).unwrap().bytes, module, "{listing}");

    let outside = text.replace("[a, b]", "[a, @0]");
    assert!(assemble(&codec, &outside).is_err(), "no raw number leads before the function");
    let table = "TABLE 0, 1, c, [@{}]\nc:\n  INT 1\n  RET\n.func";
    // The start of an instruction of the same function, none, and one of the next function.
    for (target, fits) in [("7", true), ("8", false), ("10", false)] {
        let text = text.replacen("INT 1\n  RET\n.func", &table.replace("{}", target), 1);
        let module = assemble(&codec, &text).unwrap().bytes;
        assert_eq!(accepted(&isa, &module).is_some(), fits, "{target}");
    }
}

/// The kinds of labels of small machines.
const LABELS: [(&str, &str); 6] = [
    ("near", "{raw: i8, is: label, value: operand + raw}"),
    ("ahead", "{raw: u8, is: label, value: next + raw}"),
    ("behind", "{raw: u8, is: label, value: insn - raw}"),
    ("leb", "{raw: sleb32, is: label, value: next + raw}"),
    ("even", "{raw: i16, is: label, value: insn + 2 * raw}"),
    ("entry", "{raw: uleb32, is: entry, value: raw}"),
];

/// A machine with storage, a rule for the end of the code, and instructions.
fn small(storage: &str, end: &str, instructions: &str) -> Isa {
    let used = LABELS.iter().filter(|(name, _)| instructions.contains(&format!(":{name}")));
    let labels: String = used.map(|(name, rule)| format!("  {name}: {rule}\n")).collect();
    let operands = if labels.is_empty() { "" } else { "operands:\n" };
    load(&format!(
        "bytestone: spec/1
isa: small
version: 1.0.0
title: A small machine
machine: {{{storage}}}
code: {{decode: sweep, end: {end}}}
{operands}{labels}instructions:
{instructions}"
    ))
}

const PUSH: &str = "  PUSH: {enc: '0x01 v:u8', stack: '-- v', doc: d}\n";
const POP: &str = "  POP: {enc: '0x02', stack: '_ --', doc: d}\n";
const HALT: &str = "  HALT: {enc: '0x03', stack: '--', do: halt, doc: d}\n";
const JZ: &str = "  JZ: {enc: '0x04 t:near', stack: 'c --', do: goto t if c == 0, doc: d}\n";
const JUMP: &str = "  JUMP: {enc: '0x05 t:leb', stack: '--', do: goto t, doc: d}\n";
const CALL: &str = "  CALL: {enc: '0x06 t:entry', stack: '-- ..t', do: call t, doc: d}\n";
const RET: &str = "  RET: {enc: '0x07', stack: '--', do: return, doc: d}\n";

const HALT3: &str = "  HALT3: {enc: '0x08', stack: '_ _ _ --', do: halt, doc: d}\n";
const POP3: &str = "  POP3: {enc: '0x09', stack: '_ _ _ --', doc: d}\n";
const TWO: &str = "  TWO: {enc: '0x0A v:u8', stack: '-- v v', doc: d}\n";
const RETZ: &str = "  RETZ: {enc: '0x0B', stack: 'c --', do: 'if c == 0 { return }', doc: d}\n";
const HALTZ: &str = "  HALTZ: {enc: '0x0C', stack: 'c --', do: 'if c == 0 { halt }', doc: d}\n";
const RETP: &str = "  RETP: {enc: '0x0D', stack: '_ --', do: return, doc: d}\n";
const AHEAD: &str = "  AHEAD: {enc: '0x0E t:ahead', stack: '--', do: goto t, doc: d}\n";
const BEHIND: &str =
    "  BEHIND: {enc: '0x0F t:behind', stack: 'c --', do: goto t if c == 1, doc: d}\n";
const EVEN: &str = "  EVEN: {enc: '0x10 t:even', stack: 'c --', do: goto t if c == 2, doc: d}\n";
const BOTH: &str = "  BOTH: {enc: '0x11 t:near u:leb', stack: 'c --', \
                    do: \"goto t if c == 0\\ngoto u\", doc: d}\n";
const STACKLESS: &str = "  CALL: {enc: '0x06 t:entry', do: call t, doc: d}\n  \
                         RET: {enc: '0x07', do: return, doc: d}\n  \
                         HALT: {enc: '0x03', do: halt, doc: d}\n";

const STACK: &str = "stack: {of: u8, depth: 40}";
const CALLS: &str = "stack: {of: u8, depth: 40}, calls: {depth: 3}";

#[test]
fn programs_of_odd_machines_are_accepted() {
    let machines: [(&str, &str, &[&str]); 19] = [
        (STACK, "halt", &[PUSH]),
        (STACK, "halt", &[PUSH, JZ]),
        (STACK, "halt", &[JUMP]),
        (STACK, "reject", &[PUSH, HALT]),
        (STACK, "reject", &[PUSH, HALT, JZ, JUMP]),
        (STACK, "reject", &[PUSH, POP, HALT, JZ, JUMP]),
        (STACK, "reject", &[TWO, HALT3, JUMP]),
        (STACK, "reject", &[TWO, POP3, HALT, JZ]),
        (STACK, "reject", &[PUSH, HALT, BOTH]),
        (STACK, "reject", &[PUSH, POP, HALT, AHEAD, BEHIND, EVEN]),
        ("stack: {of: u8, depth: 1}", "reject", &[PUSH, HALT, JZ, JUMP]),
        ("stack: {of: u8, depth: 1}, calls: {depth: 1}", "reject", &[PUSH, JZ, HALT, CALL, RET]),
        (CALLS, "reject", &[PUSH, POP, HALT, JZ, JUMP, CALL, RET]),
        (CALLS, "halt", &[PUSH, POP, JZ, CALL, RET]),
        (CALLS, "reject", &[PUSH, POP, HALT, CALL]),
        (CALLS, "reject", &[PUSH, POP, HALT, CALL, RET, JUMP, RETZ]),
        (CALLS, "reject", &[PUSH, POP, HALT, CALL, RET, JUMP, HALTZ]),
        (CALLS, "reject", &[PUSH, HALT, CALL, JZ, RETP]),
        ("calls: {depth: 2}", "reject", &[STACKLESS]),
    ];
    for (storage, end, instructions) in machines {
        let isa = small(storage, end, &instructions.concat());
        let tally = Tally::of(&isa, 100);
        assert_eq!(tally.accepted, tally.programs, "{instructions:?}");
    }
    for codec in machines::all() {
        let tally = Tally::of(codec.isa(), 100);
        assert_eq!(tally.accepted, tally.programs, "{}: {tally:?}", codec.isa().name());
    }
}

#[test]
fn indexes_that_have_to_fit_one_another_do() {
    const LESS: &str = "  LESS: {enc: '0x01 a:u8 as reg b:u8 as reg', where: 'a < b', do: 'reg[a] = reg[b]', doc: d}\n";
    const HALT: &str = "  HALT: {enc: '0x02 a:u8 as reg b:u8 as reg', where: 'a < b', do: \"reg[a] = reg[b]\\nhalt\", doc: d}\n";
    const ORDER: &str = "  ORDER: {enc: '0x03 b:u8 as reg c:i8 d:u8 as reg', where: 'c < d && d < b', do: 'reg[b] = reg[d] ^ wrap(u64, i64(c))', doc: d}\n";
    const SOME: &str =
        "  SOME: {enc: '0x04 a:u8 as reg b:u8', where: 'a + b == 3', do: 'reg[a] = 1', doc: d}\n";
    for count in [2, 4, 200] {
        let machine = format!("registers: {{of: u64, count: {count}}}");
        let isa = small(&machine, "reject", &[LESS, HALT, SOME].concat());
        Tally::of(&isa, 200).assert_floors(&isa);
        let isa = small(&machine, "halt", &[LESS, ORDER, SOME].concat());
        Tally::of(&isa, 200).assert_floors(&isa);
    }

    let swap = "  LESS: {enc: '0x07 a:u8 as local b:u8 as local', where: 'a < b', stack: '--', do: 'local[a] = local[b]', doc: d}\n";
    let isa = load(&[SWITCHES, swap].concat());
    Tally::of(&isa, 500).assert_floors(&isa);
}

#[test]
fn a_machine_whose_programs_cannot_end_has_none() {
    let no_end = |instructions: &[&str]| {
        Generator::new(&small(STACK, "reject", &instructions.concat())).err()
    };
    assert_eq!(no_end(&[PUSH, POP, JUMP]), Some(GenerateError::NoEnd));
    assert_eq!(no_end(&[POP, HALT3]), Some(GenerateError::NoEnd));
    assert_eq!(no_end(&[HALT]), None);
}

#[test]
fn equal_entropy_makes_equal_programs() {
    fn property(bytes: Vec<u8>) -> bool {
        builtin_isas().iter().all(|isa| {
            let generator = Generator::new(isa).expect("its programs can end");
            let make = || {
                let program = generator.program(&mut Unstructured::new(&bytes));
                (program, generator.near_valid(&mut Unstructured::new(&bytes)))
            };
            make() == make()
        })
    }
    check(50, property as fn(Vec<u8>) -> bool);
}

#[test]
fn near_valid_programs_are_mostly_rejected_and_never_unsound() {
    for isa in builtin_isas() {
        let generator = Generator::new(isa).expect("its programs can end");
        let (mut rejected, programs) = (0, 200);
        for seed in 0..programs {
            let bytes = entropy(seed, 200);
            let code = generator.near_valid(&mut Unstructured::new(&bytes));
            match accepted(isa, &code) {
                None => rejected += 1,
                Some(verified) => {
                    let run = soundness::check(isa, &verified, FUEL);
                    assert!(run.is_ok(), "{}: {run:?}: {code:02x?}", isa.name());
                }
            }
        }
        println!("{}: {rejected} of {programs} rejected", isa.name());
        assert!(4 * rejected >= programs, "{}: {rejected} of {programs}", isa.name());
    }
}
