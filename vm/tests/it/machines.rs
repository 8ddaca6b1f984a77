//! The machines that tests run on: all built-in ones, and some whose encodings are unlike theirs.

use bytestone_spec::diagnostic::Source;
use bytestone_spec::isa::{InsnId, Instruction, IntType};
use bytestone_spec::load::BuiltinOnly;
use bytestone_spec::{Isa, builtin, load_builtin};
use bytestone_vm::codec::Codec;
use quickcheck::{Arbitrary, Gen, QuickCheck};
use std::sync::LazyLock;

/// LEB128 numbers, also as labels from each base.
const LEB: &str = r#"
bytestone: spec/1
isa: leb
version: 1.0.0
title: Numbers of variable length
machine:
  stack: {of: i64, depth: 8}
  locals: {of: i64, count: 200}
  calls: {depth: 4}
code: {decode: sweep, end: halt}
operands:
  next: {raw: sleb32, is: label, value: next + raw}
  insn: {raw: sleb32, is: label, value: insn + 2 * raw - 3}
  here: {raw: sleb8, is: label, value: operand + raw}
  code: {raw: uleb32, is: entry, value: raw}
  back: {raw: uleb16, is: label, value: next - raw}
instructions:
  PUSH: {enc: "0x01 v:sleb64", stack: "-- v", doc: d}
  PUSHU: {enc: "0x02 v:uleb32", stack: "-- r", do: "r = i64(v)", doc: d}
  LOAD: {enc: "0x03 slot:uleb16 as local", stack: "-- v", do: "v = local[slot]", doc: d}
  JMP: {enc: "0x04 t:next", stack: "--", do: goto t, doc: d}
  JZ: {enc: "0x05 v:sleb32 t:next", stack: "c --", do: goto t if c == i64(v), doc: d}
  JI: {enc: "0x06 t:insn", stack: "--", do: goto t, doc: d}
  JO: {enc: "0x07 b:u8 t:here", stack: "c --", do: goto t if c == i64(b), doc: d}
  CALL: {enc: "0x08 t:code", stack: "-- ..t", do: call t, doc: d}
  LOOP: {enc: "0x09 t:back", stack: "--", do: goto t, doc: d}
  NOP: {enc: "0x0A", stack: "--", do: nop, doc: d}
  PAIR: {enc: "0x0B 0x01 w:i16be", stack: "-- r", do: "r = i64(w)", doc: d}
  PAIR.U: {enc: "0x0B 0x02 w:u24", stack: "-- r", do: "r = i64(w)", doc: d}
"#;

/// Big-endian words of one length, the opcode in their low bits, operands split over fields.
const WORDS: &str = r#"
bytestone: spec/1
isa: words
version: 1.0.0
title: Big-endian words
machine:
  registers: {of: i64, count: 20, prefix: L}
  output: i64
code: {decode: sweep, end: halt}
bits:
  w: {width: 32, order: be, fields: {op: 4..0, a: 9..5, b: 14..10, hi: 31..30, mid: 29..20, lo: 19..15, imm: 29..15, x: 19..10}}
operands:
  reg: {is: reg}
  rel: {raw: i15, is: label, value: insn + 4 * raw + 8}
  far: {raw: i17, is: label, value: next - 2 * raw}
instructions:
  MOV: {enc: "w(op=1, a:reg, b:reg)", do: "reg[a] = reg[b]", doc: d}
  SET: {enc: "w(op=2, a:reg, lo=v[4:0]:i17, mid=v[14:5], hi=v[16:15])", do: "reg[a] = i64(v)", doc: d}
  JMP: {enc: "w(op=3, imm=t:rel)", do: goto t, doc: d}
  JZ: {enc: "w(op=4, a:reg, imm=t:rel)", do: "goto t if reg[a] == 0", doc: d}
  FAR: {enc: "w(op=5, a:reg, hi=t[16:15]:far, imm=t[14:0])", do: "goto t if reg[a] == 0", doc: d}
  OUT: {enc: "w(op=6, a:reg, b=0)", do: "out reg[a]", doc: d}
  OUT2: {enc: "w(op=6, a:reg, b=31)", do: "out reg[a]", doc: d}
"#;

/// Words of 64 bits in two orders, one after the other, with an operand over both.
const LONG: &str = r#"
bytestone: spec/1
isa: long
version: 1.0.0
title: Long words
machine:
  registers: {of: i64, count: 16, prefix: r}
  globals: {of: i64, count: 70}
  output: i64
code: {decode: sweep, end: reject}
bits:
  w: {width: 64, order: le, fields: {op: 7..0, dst: 11..8, src: 15..12, off: 31..16, imm: 63..32}}
  v: {width: 64, order: be, fields: {zero: 7..0, imm: 63..32}}
operands:
  reg: {is: reg}
  off: {raw: i16, is: label, value: next + 8 * raw}
  abs: {raw: u64be, is: label, value: raw}
instructions:
  MOV: {enc: "w(op=0xb7, dst:reg, imm=v:i32)", do: "reg[dst] = i64(v)", doc: d}
  LD: {enc: "w(op=0x18, dst:reg, imm=x[31:0]:i64) v(zero=0, imm=x[63:32])", do: "reg[dst] = x", doc: d}
  JEQ: {enc: "w(op=0x1d, dst:reg, src:reg, off:off)", do: "goto off if reg[dst] == reg[src]", doc: d}
  JA: {enc: "0x05 t:abs", do: goto t, doc: d}
  GET: {enc: "0x06 g:u8 as global d:u8 as reg", do: "reg[d] = global[g]", doc: d}
  EXIT: {enc: "0x95", do: halt, doc: d}
"#;

/// Instructions with several encodings: prefixes, labels, signs, operands in another order.
const FORMS: &str = r#"
bytestone: spec/1
isa: forms
version: 1.0.0
title: Several encodings
machine:
  stack: {of: i32, depth: 8}
  locals: {of: i32, count: 300}
  output: i32
code: {decode: sweep, end: halt}
bits:
  w: {width: 16, order: be, fields: {op: 15..12, hi: 11..8, lo: 7..0, both: 11..0}}
operands:
  slot: {is: local}
  near: {raw: i8, is: label, value: next + raw}
  far: {raw: i16be, is: label, value: next + raw}
  split: {is: label, value: insn + 2 * raw}
  leb: {raw: sleb16, is: label, value: next + raw}
formats:
  wc(op, x): ["op x[7:0]", "144 x[15:8] op x[7:0]", "144 x[23:16] 144 x[15:8] op x[7:0]"]
instructions:
  LOAD: {enc: "wc(1, slot:slot)", stack: "-- v", do: "v = local[slot]", doc: d}
  PUSH: {enc: "wc(2, v:i24)", stack: "-- r", do: "r = i32(v)", doc: d}
  JMP: {enc: "wc(3, t:split)", stack: "--", do: goto t, doc: d}
  JZ: {enc: ["0x04 t:near", "0x05 t:far"], stack: "c --", do: goto t if c == 0, doc: d}
  INC: {enc: ["0x06 s:u8 as local by:i8", "0x07 by:i16 s:u16 as local", "0x08 s:u16be as local by:i16"], stack: "--", do: "local[s] = local[s] +% i32(by)", doc: d}
  JN: {enc: ["0x09 v:u8 t:leb", "0x0A t:far v:u8"], stack: "c --", do: goto t if c == i32(v), doc: d}
  OUT: {enc: ["0x0B", "0x0C 0x00"], stack: "v --", do: out v, doc: d}
  ADD: {enc: ["w(op=0b1010, both=v:i12)", "0x0D v[15:8]:i24 v[7:0] v[23:16]"], stack: "a -- r", do: "r = a +% i32(v)", doc: d}
"#;

/// Alignment, lists of labels in both byte orders, conditions.
const TABLES: &str = r#"
bytestone: spec/1
isa: tables
version: 1.0.0
title: Tables
machine:
  stack: {of: i32, depth: 6}
  locals: {of: i32, count: 10}
  output: i32
code: {decode: sweep, end: reject}
operands:
  near: {raw: i16, is: label, value: next + raw}
  far: {raw: i32be, is: label, value: insn + 2 * raw - 1}
instructions:
  PUSH: {enc: "0x01 v:i8", stack: "-- r", do: r = i32(v), doc: d}
  OUT: {enc: "0x02", stack: "v --", do: out v, doc: d}
  TABLE:
    enc: "0x03 n8:u8 align(8) t:near targets:near[n]"
    where: "n = n8"
    stack: "v --"
    do: |
      let i = i64(v)
      if 0 <= i && n > i { goto targets[i] }
      goto t
    doc: d
  RANGE:
    enc: "0x04 align(2) low:i16be high:i16be targets:far[n]"
    where: "n = i64(high) - i64(low) + 1; 0 <= n; low > -3"
    stack: "v --"
    do: |
      let i = i64(v) -% i64(low)
      goto targets[i] if !(i < 0) && i < n
    doc: d
  SUM: {enc: "0x05 align(4) a:i8 b:i8", where: "a + b < 10 && a >= b", stack: "-- r", do: r = i32(a) +% i32(b), doc: d}
  JZ: {enc: "0x06 t:near", stack: "c --", do: goto t if c == 0, doc: d}
  HALT: {enc: "0x07", stack: "--", do: halt, doc: d}
  POP: {enc: "0x08", stack: "_ --", do: nop, doc: d}
"#;

/// Loads a spec that must be sound.
pub fn load(text: &str) -> Isa {
    let source = Source { name: "test.yaml".into(), text: text.into() };
    bytestone_spec::load(source, &BuiltinOnly).unwrap_or_else(|faulty| panic!("{faulty}"))
}

/// A built-in machine.
pub fn built_in(name: &str) -> Isa {
    load_builtin(name).unwrap().unwrap_or_else(|faulty| panic!("{faulty}"))
}

pub fn leb() -> Isa {
    load(LEB)
}

pub fn words() -> Isa {
    load(WORDS)
}

pub fn long() -> Isa {
    load(LONG)
}

pub fn forms() -> Isa {
    load(FORMS)
}

pub fn tables() -> Isa {
    load(TABLES)
}

/// The codec of every machine.
pub fn all() -> &'static [Codec<'static>] {
    static ISAS: LazyLock<Vec<Isa>> = LazyLock::new(|| {
        let built_in = builtin::names().into_iter().map(built_in);
        built_in.chain([leb(), words(), long(), forms(), tables()]).collect()
    });
    static CODECS: LazyLock<Vec<Codec<'static>>> =
        LazyLock::new(|| ISAS.iter().map(Codec::new).collect());
    &CODECS
}

/// Numbers from which programs, texts and damage are made; they shrink to fewer and smaller ones.
#[derive(Clone, Debug)]
pub struct Choices(pub Vec<u64>);

impl Arbitrary for Choices {
    fn arbitrary(random: &mut Gen) -> Self {
        Self(Vec::arbitrary(random))
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        Box::new(self.0.shrink().map(Self))
    }
}

/// Holds a property to `tests` lists of choices, the same ones in every run.
pub fn check(tests: u64, property: fn(Choices)) {
    let random = Gen::from_size_and_seed(150, 0x00b1_7e57);
    QuickCheck::new().rng(random).tests(tests).quickcheck(property);
}

fn choose_cell(ty: IntType, choice: u64) -> u64 {
    match choice % 8 {
        0 => ty.min() as u64,
        1 => ty.max() as u64,
        2 => ty.wrap(0),
        3..=5 => ty.wrap((choice / 8) % 32),
        _ => ty.wrap(choice / 8),
    }
}

/// How many elements the list of an instruction has, once one of its operands was changed so that they
/// are few.
fn fit_list(insn: &Instruction, cells: &mut [u64], wanted: u64) -> Option<u64> {
    let count = insn.count.as_ref()?;
    let value = |cells: &[u64]| {
        count.value(|at| insn.operands[usize::from(at)].raw.value(cells[usize::from(at)]))
    };
    let (at, factor) = count.terms[0];
    let raw = insn.operands[usize::from(at)].raw;
    let missing = i128::from(wanted) - value(cells);
    let fitting = raw.value(cells[usize::from(at)]) + i128::from(factor) * missing;
    cells[usize::from(at)] = raw.cell(fitting)?;
    holds(insn, cells).then(|| value(cells) as u64)
}

fn holds(insn: &Instruction, cells: &[u64]) -> bool {
    let number = |at: u8| insn.operands[usize::from(at)].raw.value(cells[usize::from(at)]);
    insn.conditions.iter().all(|condition| condition.value(number) >= 0)
}

/// An instruction of `isa` and cells for its operands, boundary values among them.
pub fn choose_insn(
    isa: &Isa,
    choices: &mut impl Iterator<Item = u64>,
) -> Option<(InsnId, Vec<u64>)> {
    let choice = choices.next()?;
    let id = InsnId((choice % isa.instructions().len() as u64) as u16);
    let mut cells = Vec::new();
    let insn = isa.instruction(id);
    for operand in &insn.operands[..insn.scalars()] {
        cells.push(choose_cell(operand.raw, choices.next()?));
    }
    if let Some(list) = insn.operands.get(insn.scalars()) {
        let wanted = choices.next()? % 6;
        let count = fit_list(insn, &mut cells, wanted).or_else(|| {
            cells.fill(0);
            fit_list(insn, &mut cells, wanted.max(1))
        })?;
        for _ in 0..count {
            cells.push(choose_cell(list.raw, choices.next()?));
        }
    } else if !holds(insn, &cells) {
        cells.fill(0);
    }
    Some((id, cells))
}

/// Code of instructions of the machine.
pub fn choose_code(codec: &Codec<'_>, choices: &mut impl Iterator<Item = u64>) -> Vec<u8> {
    let mut code = Vec::new();
    while let Some((id, cells)) = choose_insn(codec.isa(), choices) {
        let forms = codec.isa().instruction(id).encodings.len() as u64;
        let form = choices.next().map_or(0, |choice| choice % (2 * forms));
        if codec.encode_as((id, form as u8), &cells, &mut code).is_err() {
            codec.encode(id, &cells, &mut code).unwrap();
        }
    }
    code
}

/// Code that is mostly of instructions, or mostly not.
pub fn choose_bytes(codec: &Codec<'_>, choices: &Choices) -> Vec<u8> {
    let Some((&mode, rest)) = choices.0.split_first() else { return Vec::new() };
    if mode % 3 == 0 {
        return rest.iter().flat_map(|choice| choice.to_le_bytes()).collect();
    }
    let mut code = choose_code(codec, &mut rest.iter().copied());
    for damage in rest.iter().take(mode as usize % 5) {
        let at = (damage / 256) as usize % code.len().max(1);
        match damage % 4 {
            0 => code.truncate(at),
            1 => code.insert(at, (damage >> 40) as u8),
            _ => code.iter_mut().skip(at).take(1).for_each(|byte| *byte = (damage >> 40) as u8),
        }
    }
    code
}
