//! Sound specs: what the tables of an instruction set say.

use bytestone_spec::isa::{
    BinaryOp, ByteOrder, CellType, Field, IndexRule, InsnId, IntType, LIMIT_TRAPS, LabelBase,
    LabelRole, Op, OperandKind, Part, TransferKind, UnaryOp, Version, Word, WriteTo,
};

use crate::support::{HEADER, MACHINE, insn, isa, load_text, messages};

fn words(parts: &[Part]) -> Vec<&Word> {
    parts
        .iter()
        .filter_map(|part| match part {
            Part::Word(word) => Some(word),
            Part::Leb { .. } | Part::Align { .. } | Part::List { .. } => None,
        })
        .collect()
}

/// Each bit of a word is fixed, zero or part of exactly one field.
fn covered_once(word: &Word) -> bool {
    let all = if word.bytes == 8 { u64::MAX } else { (1 << (8 * word.bytes)) - 1 };
    let mut seen = word.fixed_mask;
    let mut disjoint = word.fixed_mask & word.zero_mask == 0;
    seen |= word.zero_mask;
    for field in &word.fields {
        let bits = (u64::MAX >> (64 - field.width)) << field.word_low;
        disjoint &= seen & bits == 0;
        seen |= bits;
    }
    disjoint && seen == all && word.fixed_value & !word.fixed_mask == 0
}

#[test]
fn numbers_in_either_byte_order_and_leb128() {
    let isa = isa(r#"
instructions:
  A: {enc: "0x01 a:i16 b:u32be c:u24le", stack: "-- r", do: "r = i32(a) +% wrap(i32, b) +% i32(c)", doc: A.}
  B: {enc: "0x02 a:uleb32 b:sleb64", stack: "-- r", do: "r = wrap(i32, a) +% wrap(i32, b)", doc: B.}
"#);
    let a = insn(&isa, "A");
    let found: Vec<_> = words(&a.encodings[0].parts).iter().map(|w| (w.bytes, w.order)).collect();
    use ByteOrder::{Big, Little};
    assert_eq!(found, [(1, Little), (2, Little), (4, Big), (3, Little)]);
    assert!(words(&a.encodings[0].parts).into_iter().all(covered_once));
    assert_eq!((a.encodings[0].min_len, a.encodings[0].max_len), (10, 10));
    let raws: Vec<_> = a.operands.iter().map(|operand| operand.raw.to_string()).collect();
    assert_eq!(raws, ["i16", "u32", "u24"]);

    let b = insn(&isa, "B");
    assert_eq!(b.encodings[0].parts[1..], [Part::Leb { operand: 0 }, Part::Leb { operand: 1 }]);
    assert_eq!((b.encodings[0].min_len, b.encodings[0].max_len), (3, 1 + 5 + 10));
    assert_eq!(b.operands[1].raw, IntType::signed(64));
}

#[test]
fn bit_fields_formats_in_formats_and_split_operands() {
    let isa = isa(r#"
bits:
  w: {width: 64, order: le, fields: {op: 7..0, dst: 11..8, src: 15..12, off: 31..16, imm: 63..32}}
  h: {width: 16, order: be, fields: {op: 15..10, x: 9..5, y: 4..0}}
operands:
  reg: {is: reg}
formats:
  base(op, src): "w(op=op + 1, src=src, dst:reg)"
  fixed(op): "base(op, 3)"
  wide(op): "w(op=op, dst:reg, imm=v[31:0]) w(imm=v[63:32])"
  plain(op): "op n:u8"
instructions:
  FIXED: {enc: "fixed(0x0F)", stack: "--", do: "reg[dst] = 0", doc: Fixed.}
  WIDE: {enc: "wide(0x18)", stack: "--", do: "reg[dst] = wrap(u8, v)", doc: Wide.}
  TYPED: {enc: "w(op=0x20, off=_v[15:0]:i48, imm=_w) 0x00 0x01 w(imm=_v[47:16])", stack: "--", do: nop, doc: Typed.}
  HALF: {enc: "h(op=0b100001, x=n, y=m:i5)", stack: "-- r", do: "r = i32(n) +% i32(m)", doc: Half.}
  PLAIN: {enc: "plain(0x7F)", stack: "-- r", do: "r = i32(n)", doc: Plain.}
"#);
    let fixed = words(&insn(&isa, "FIXED").encodings[0].parts)[0];
    assert_eq!((fixed.fixed_mask, fixed.fixed_value), (0xF0FF, 0x3010));
    assert_eq!(fixed.fields, [Field { operand: 0, word_low: 8, width: 4, operand_low: 0 }]);
    assert_eq!(fixed.zero_mask, 0xFFFF_FFFF_FFFF_0000);

    let wide = insn(&isa, "WIDE");
    assert_eq!(wide.encodings[0].max_len, 16);
    let halves = words(&wide.encodings[0].parts);
    assert!(halves.iter().all(|word| covered_once(word)));
    assert_eq!(halves[0].fields[1], Field { operand: 1, word_low: 32, width: 32, operand_low: 0 });
    assert_eq!(halves[1].fields, [Field { operand: 1, word_low: 32, width: 32, operand_low: 32 }]);
    assert_eq!(halves[1].fixed_mask, 0);
    assert_eq!(wide.operands[1].raw, IntType::unsigned(64));
    assert_eq!(wide.operands[0].raw, IntType::unsigned(4));

    let typed = insn(&isa, "TYPED");
    assert_eq!(typed.operands[0].raw, IntType::signed(48));

    let half = words(&insn(&isa, "HALF").encodings[0].parts)[0];
    assert_eq!((half.order, half.fixed_mask, half.fixed_value), (ByteOrder::Big, 0xFC00, 0x8400));
    let raws: Vec<_> = insn(&isa, "HALF").operands.iter().map(|operand| operand.raw).collect();
    assert_eq!(raws, [IntType::unsigned(5), IntType::signed(5)]);
    assert_eq!(words(&insn(&isa, "PLAIN").encodings[0].parts)[0].fixed_value, 0x7F);
}

#[test]
fn labels_count_from_each_base_scaled_and_biased() {
    let isa = isa(r#"
operands:
  next: {raw: i8, is: label, value: next + raw}
  insn: {raw: i8, is: label, value: 2 * raw + insn - 1}
  operand: {raw: i8, is: label, value: "operand - (4 * raw - 8)"}
  code: {raw: u8, is: label, value: raw}
  named: {raw: u8, is: label, value: code + raw * 0x10}
  entry: {raw: u8, is: entry, value: next + raw + raw}
instructions:
  A: {enc: "0x01 t:next", stack: "--", do: goto t, doc: A.}
  B: {enc: "0x02 t:insn", stack: "--", do: goto t, doc: B.}
  C: {enc: "0x03 t:operand", stack: "--", do: goto t, doc: C.}
  D: {enc: "0x04 t:code", stack: "--", do: goto t, doc: D.}
  E: {enc: "0x05 t:named", stack: "--", do: goto t, doc: E.}
  F: {enc: "0x06 f:entry", stack: "-- ..f", do: call f, doc: F.}
"#);
    let rules: Vec<_> = isa
        .instructions()
        .iter()
        .map(|insn| match insn.operands[0].kind {
            OperandKind::Label(rule) => (rule.base, rule.scale, rule.bias, rule.role),
            kind => panic!("{kind:?}"),
        })
        .collect();
    use LabelBase::{Code, Insn, Next, Operand};
    use LabelRole::{Entry, Jump};
    assert_eq!(
        rules,
        [
            (Next, 1, 0, Jump),
            (Insn, 2, -1, Jump),
            (Operand, -4, 8, Jump),
            (Code, 1, 0, Jump),
            (Code, 16, 0, Jump),
            (Next, 2, 0, Entry),
        ]
    );
}

#[test]
fn effects_follow_from_actions() {
    let isa = isa(r#"
operands:
  rel: {raw: i8, is: label, value: next + raw}
  entry: {raw: u8, is: entry, value: raw}
traps: {bad: Bad.}
instructions:
  POP: {enc: "0x01", stack: "_ --", doc: Pop.}
  DUP: {enc: "0x02", stack: "a -- a a", doc: Dup.}
  SWAP: {enc: "0x03", stack: "a b -- b a", doc: Swap.}
  JMP: {enc: "0x04 t:rel", stack: "--", do: goto t, doc: Jump.}
  JZ: {enc: "0x05 t:rel", stack: "c --", do: goto t if c == 0, doc: Jump.}
  CHAIN: {enc: "0x06 t:rel u:rel", stack: "c --", do: "goto t if c == 0; goto u if c == 1; goto t", doc: Chain.}
  EITHER: {enc: "0x07 t:rel u:rel", stack: "c --", do: "if c == 0 { goto t } else { goto u }", doc: Either.}
  CALL: {enc: "0x08 f:entry", stack: "a -- a ..f", do: call f, doc: Call.}
  RET: {enc: "0x09", stack: "--", do: return, doc: Return.}
  RETIF: {enc: "0x0A", stack: "c --", do: return if c != 0, doc: Return.}
  HALT: {enc: "0x0B", stack: "--", do: halt, doc: Halt.}
  HALTIF: {enc: "0x0C", stack: "c --", do: halt if c != 0, doc: Halt.}
  BAD: {enc: "0x0D", stack: "-- r", traps: [bad], do: trap bad, doc: Bad.}
  BADIF: {enc: "0x0E", stack: "c -- r", traps: [bad], do: "if c == 0 { trap bad } else { r = c }", doc: Bad.}
  BADOR: {enc: "0x0F t:rel", stack: "c --", traps: [bad], do: "if c == 0 { trap bad } else { goto t }", doc: Bad.}
  ENDS: {enc: "0x10", stack: "c --", do: "if c == 0 { halt } else { if c == 1 { return } else { halt } }", doc: Ends.}
"#);
    let row = |name: &str| {
        let effect = &insn(&isa, name).effect;
        let (pops, pushes) = (effect.inputs.len(), effect.outputs.len());
        let calls = effect.call.is_some();
        (
            pops,
            pushes,
            effect.falls_through,
            effect.jumps.clone(),
            calls,
            effect.returns,
            effect.halts,
        )
    };
    let (f, t) = (false, true);
    assert_eq!(row("POP"), (1, 0, t, vec![], f, f, f));
    assert_eq!(row("DUP"), (1, 2, t, vec![], f, f, f));
    assert_eq!(row("SWAP"), (2, 2, t, vec![], f, f, f));
    assert_eq!(row("JMP"), (0, 0, f, vec![0], f, f, f));
    assert_eq!(row("JZ"), (1, 0, t, vec![0], f, f, f));
    assert_eq!(row("CHAIN"), (1, 0, f, vec![0, 1], f, f, f));
    assert_eq!(row("EITHER"), (1, 0, f, vec![0, 1], f, f, f));
    assert_eq!(row("CALL"), (1, 1, t, vec![], t, f, f));
    assert_eq!(row("RET"), (0, 0, f, vec![], f, t, f));
    assert_eq!(row("RETIF"), (1, 0, t, vec![], f, t, f));
    assert_eq!(row("HALT"), (0, 0, f, vec![], f, f, t));
    assert_eq!(row("HALTIF"), (1, 0, t, vec![], f, f, t));
    assert_eq!(row("BAD"), (0, 1, f, vec![], f, f, f));
    assert_eq!(row("BADIF"), (1, 1, t, vec![], f, f, f));
    assert_eq!(row("BADOR"), (1, 0, f, vec![0], f, f, f));
    assert_eq!(row("ENDS"), (1, 0, f, vec![], f, t, t));

    assert_eq!(insn(&isa, "DUP").body.outputs, [0, 0]);
    assert_eq!(insn(&isa, "SWAP").body.outputs, [1, 0]);
    for name in ["JMP", "CHAIN", "EITHER", "BADOR", "ENDS", "HALT"] {
        // Where nothing falls through, the last transfer takes place if no other does.
        let last = insn(&isa, name).body.transfers.last().unwrap();
        assert_eq!(last.guard, None, "{name}");
    }
    assert!(insn(&isa, "CHAIN").body.transfers[..2].iter().all(|t| t.guard.is_some()));
}

#[test]
fn actions_become_ops_in_order() {
    let isa = isa(r#"
traps: {div_by_zero: Zero.}
instructions:
  DIV:
    enc: "0x06"
    stack: "a b -- q"
    traps: [div_by_zero]
    do: |
      trap div_by_zero if b == 0    # before anything else
      q = div_trunc(a, b)
    doc: Divide.
  STORE: {enc: "0x08 slot:u8 as local", stack: "v --", do: "local[slot] = v", doc: Store.}
  LOAD0: {enc: "0x09", stack: "-- v", do: "v = local[3]", doc: Load.}
  SIGN: {enc: "0x0A", stack: "a -- r", do: "r = if a < 0 { -1 } else { i32(a > 0) }", doc: Sign.}
"#);
    let i32 = IntType::signed(32);
    let div = insn(&isa, "DIV");
    let trap = isa.find_trap("div_by_zero").unwrap();
    let ids: Vec<&str> = div.clauses.iter().map(|clause| clause.id.as_str()).collect();
    assert_eq!(ids, ["DIV.trap.div_by_zero", "DIV.q"]);
    let clause = bytestone_spec::isa::ClauseId(0);
    assert_eq!(
        div.body.ops,
        [
            Op::Const(0),
            Op::Binary { op: BinaryOp::Eq, ty: i32, a: 1, b: 2 },
            Op::TrapIf { cond: 3, trap, clause },
            Op::Binary { op: BinaryOp::DivTrunc, ty: i32, a: 0, b: 1 },
        ]
    );
    assert_eq!(div.body.outputs, [5]);

    let store = insn(&isa, "STORE");
    assert_eq!(store.clauses[0].id, "STORE.local");
    let bank = isa.find_bank("local").unwrap();
    assert_eq!(store.body.writes[0].to, WriteTo::Bank { bank, index: 1 });
    assert_eq!((store.body.writes[0].value, store.body.writes[0].guard), (0, None));
    assert_eq!(store.operands[0].kind, OperandKind::Index(IndexRule { bank, pair: None }));
    assert_eq!(insn(&isa, "LOAD0").body.ops, [Op::Const(3), Op::Read { bank, index: 0 }]);

    let sign = &insn(&isa, "SIGN").body;
    assert!(matches!(sign.ops.last(), Some(Op::Select { .. })));
    // `a > 0` is `0 < a`, and a truth value is its cell.
    assert!(sign.ops.contains(&Op::Binary { op: BinaryOp::Lt, ty: i32, a: 4, b: 0 }));
    assert!(sign.ops.contains(&Op::Const(u64::MAX)));
}

#[test]
fn writes_and_transfers_of_an_arm_have_its_guard() {
    let isa = isa(r#"
operands: {rel: {raw: i8, is: label, value: next + raw}}
instructions:
  A:
    enc: "0x01 s:u8 as local t:rel"
    stack: "c d --"
    do: |
      if c == 0 {
        out d
        if d == 1 { local[s] = 7 } else { local[s] = 8; out c }
      } else if c == 1 {
        goto t if d == 2
        halt
      }
    doc: A.
"#);
    let a = insn(&isa, "A");
    let ids: Vec<&str> = a.clauses.iter().map(|clause| clause.id.as_str()).collect();
    assert_eq!(ids, ["A.out", "A.local", "A.local#2", "A.out#2", "A.goto.t", "A.halt"]);
    assert!(a.body.writes.iter().all(|write| write.guard.is_some()));
    assert!(a.body.transfers.iter().all(|transfer| transfer.guard.is_some()));
    assert!(a.effect.falls_through && a.effect.halts);
    let kinds: Vec<_> = a.body.transfers.iter().map(|transfer| transfer.kind).collect();
    assert_eq!(kinds, [TransferKind::Jump { operand: 1 }, TransferKind::Halt]);
    // The two writes of the inner arms exclude one another.
    let guards: Vec<_> = a.body.writes.iter().map(|write| write.guard).collect();
    assert_eq!(guards[2], guards[3]);
    assert_ne!(guards[1], guards[2]);
}

#[test]
fn the_commit_rule_holds_on_each_path() {
    let isa = isa(r#"
traps: {bad: Bad.}
instructions:
  A: {enc: "0x01", stack: "a --", traps: [bad], do: "if a == 0 { out a } else { trap bad if a == 1 }", doc: A.}
  B: {enc: "0x02", stack: "a -- r", do: "if a == 0 { out a; r = 1 } else { r = local[0] }", doc: B.}
"#);
    let a = &insn(&isa, "A").body;
    let Some(Op::TrapIf { cond, .. }) = a.ops.last() else { panic!("{:?}", a.ops) };
    // The trap of the second arm has the negation of the condition in it.
    let at = usize::from(cond - a.inputs - a.operands);
    assert!(matches!(a.ops[at], Op::Binary { op: BinaryOp::And, .. }));
    assert!(a.writes[0].guard.is_some());
    assert!(matches!(insn(&isa, "B").body.ops.last(), Some(Op::Select { .. })));
}

#[test]
fn facts_about_divisors_hold_where_they_were_established() {
    let sound = [
        "trap zero if b == 0; r = div_floor(a, b)",
        "trap zero if 0 == b || a == 7; r = rem_floor(a, b)",
        "r = if b != 0 { rem_trunc(a, b) } else { trapless }",
        "r = if !(b != 0) { 1 } else { rem_trunc(a, b) }",
        "r = if b != 0 && div_trunc(a, b) == 3 { 1 } else { 2 }",
        "r = if b == 0 || div_trunc(a, b) == 3 { 1 } else { div_trunc(a, b) }",
        "if b == 0 { trap zero }; r = div_trunc(a, b)",
        "if b == 0 { r = 0 } else { r = div_trunc(a, b) }",
        "let d = wrap(i32, b); trap zero if d == 0; r = div_trunc(a, d)",
        "trap zero if b == 0; r = wrap(i32, div_trunc(i64(a), i64(b)))",
        "r = div_trunc(a, 3) +% b",
    ];
    let faulty = [
        "r = div_trunc(a, b)",
        "trap zero if b == 1; r = div_trunc(a, b)",
        "trap zero if b == 0 && a == 0; r = div_trunc(a, b)",
        "trap zero if a == 0; r = div_trunc(a, b)",
        "r = if b != 0 || a == 0 { div_trunc(a, b) } else { 1 }",
        "r = if b == 0 { div_trunc(a, b) } else { 1 }",
        "if b != 0 { out a }; r = div_trunc(a, b)",
        "if a == 0 { trap zero if b == 0 }; r = div_trunc(a, b)",
        "let d = b +% 1; trap zero if b == 0; r = div_trunc(a, d)",
    ];
    let text = |action: &str| {
        let action = action.replace("trapless", "0");
        let traps = if action.contains("trap ") { "[zero]" } else { "[]" };
        format!(
            "{HEADER}{MACHINE}traps: {{zero: Zero.}}\ninstructions:\n  A: {{enc: '0x00', stack: 'a b -- r', traps: {traps}, do: '{action}', doc: A.}}\n  Z: {{enc: '0x01', stack: 'a --', traps: [zero], do: trap zero if a == 0, doc: Z.}}\n"
        )
    };
    for action in sound {
        assert_eq!(messages(&text(action)), [""; 0], "{action}");
    }
    for action in faulty {
        assert_eq!(messages(&text(action)), ["the divisor may be zero"], "{action}");
    }
}

/// The op that defines the output of `r = expr`, for `a: i32` on the stack and operands `s: i8`,
/// `u: u16`, `w: i64`.
fn last_op(expr: &str) -> Result<Op, Vec<String>> {
    let text = format!(
        "{HEADER}{MACHINE}instructions:\n  A: {{enc: '0x00 _s:i8 _u:u16 _w:i64', stack: '_a -- r', do: 'r = {expr}', doc: A.}}\n"
    );
    match load_text(&text) {
        Ok(isa) => {
            let body = &isa.instruction(InsnId(0)).body;
            Ok(body.ops[usize::from(body.outputs[0] - body.inputs - body.operands)])
        }
        Err(_) => Err(messages(&text)),
    }
}

#[test]
fn literals_are_values_or_bits() {
    let i32 = IntType::signed(32);
    assert_eq!(last_op("-2147483648"), Ok(Op::Const(i32.cell(i32.min()).unwrap())));
    assert_eq!(last_op("0xFFFF_FFFF"), Ok(Op::Const(u64::MAX)));
    assert_eq!(last_op("0b11"), Ok(Op::Const(3)));
    assert_eq!(last_op("-0x80"), Ok(Op::Const((-128i64) as u64)));
    assert_eq!(last_op("1_000"), Ok(Op::Const(1000)));
    // A decimal number is meant as a value.
    assert_eq!(last_op("4294967295"), Err(vec!["4294967295 is not a value of type i32".into()]));
    assert_eq!(last_op("0x1_0000_0000"), Err(vec!["4294967296 is not a value of type i32".into()]));
    assert_eq!(last_op("-0x8000_0001"), Err(vec!["-2147483649 is not a value of type i32".into()]));
}

#[test]
fn conversions_keep_the_value_or_say_that_they_do_not() {
    let wrap = |bits, signed, a| Op::Unary { op: UnaryOp::Wrap, ty: IntType { bits, signed }, a };
    assert_eq!(last_op("wrap(i32, _w)"), Ok(wrap(32, true, 3)));
    assert_eq!(last_op("i32(wrap(u8, _w))"), Ok(wrap(8, false, 3)));
    assert!(last_op("i32(_s) +% i32(_u)").is_ok());
    assert!(last_op("wrap(i32, u64(_u) << 3)").is_ok());
    assert!(last_op("i32(_w == 0x7)").is_ok());
    let message = |text: &str| Err(vec![text.to_owned()]);
    assert_eq!(last_op("i32(_w)"), message("not every i64 is a value of type i32"));
    assert_eq!(last_op("wrap(i32, u64(_s))"), message("not every i8 is a value of type u64"));
    assert_eq!(last_op("_s"), message("expected i32, found i8"));
    assert_eq!(last_op("i32(_s +% _u)"), message("the operands have different types: i8 and u16"));
    assert_eq!(last_op("_a == 0"), message("expected i32, found bool"));
}

#[test]
fn operators_bind_as_documented() {
    let same = [
        ("1 +% 2 *% _a", "1 +% (2 *% _a)"),
        ("_a << 1 +% 2", "_a << (u64(1) +% 2)"),
        ("_a & 1 << 2", "_a & (1 << 2)"),
        ("_a ^ _a & 3", "_a ^ (_a & 3)"),
        ("_a | _a ^ 3", "_a | (_a ^ 3)"),
        ("i32(_a & 3 == 1)", "i32((_a & 3) == 1)"),
        ("i32(_a == 1 && _a == 2 || _a == 3)", "i32((_a == 1 && _a == 2) || _a == 3)"),
        ("_a -% 1 -% 2", "(_a -% 1) -% 2"),
        ("~_a +% 1", "(~_a) +% 1"),
    ];
    let ops = |expr: &str| {
        let text = format!(
            "instructions:\n  A: {{enc: '0x00', stack: '_a -- r', do: 'r = {expr}', doc: A.}}\n"
        );
        isa(&text).instructions()[0].body.clone()
    };
    for (plain, explicit) in same {
        assert_eq!(ops(plain), ops(explicit), "{plain}");
    }
    assert_ne!(ops("_a -% 1 -% 2"), ops("_a -% (i32(1) -% 2)"));
}

#[test]
fn shifts_take_any_count_of_widths_that_are_powers_of_two() {
    assert!(matches!(last_op("_a << _s"), Ok(Op::Binary { op: BinaryOp::Shl, a: 0, b: 1, .. })));
    assert!(matches!(last_op("_a >> _w"), Ok(Op::Binary { op: BinaryOp::Shr, a: 0, b: 3, .. })));
    let (i32, u8) = (IntType::signed(32), IntType::unsigned(8));
    assert_eq!(BinaryOp::Shl.apply(i32, 1, 33), 2);
    assert_eq!(BinaryOp::Shr.apply(i32, (-8i64) as u64, 1), (-4i64) as u64);
    assert_eq!(BinaryOp::Shl.apply(u8, 0xFF, 4), 0xF0);
    assert_eq!(BinaryOp::Shl.apply(i32, 1, (-1i64) as u64), (i64::from(i32::MIN)) as u64);
}

#[test]
fn header_storage_and_notes_are_kept() {
    let text = r#"
sources: {"000": The first.}
instructions:
  NOP: {enc: "0x00", stack: "--", do: nop, doc: " Nothing. ", ref: 000 part 1, since: 1.1, features: [wide]}
features: {wide: Wide numbers.}
decisions: {order: {ref: 000, text: Little.}}
errata: {size: {text: It is 3.}}
"#;
    let isa = isa(text);
    assert_eq!((isa.name(), isa.title()), ("tested", "A machine"));
    assert_eq!(isa.version(), Version { major: 1, minor: 0, patch: 0 });
    assert_eq!(isa.sources(), [("000".to_owned(), "The first.".to_owned())]);
    let machine = isa.machine();
    assert_eq!(
        machine.stack.map(|stack| (stack.of, stack.depth)),
        Some((CellType::Int(IntType::signed(32)), 16))
    );
    let banks: Vec<_> =
        machine.banks.iter().map(|b| (b.name.as_str(), b.prefix.as_str(), b.of, b.count)).collect();
    assert_eq!(
        banks,
        [
            ("local", "", CellType::Int(IntType::signed(32)), 4),
            ("reg", "R", CellType::Int(IntType::unsigned(8)), 32),
            ("global", "", CellType::Int(IntType::signed(64)), 2),
        ]
    );
    assert_eq!(machine.call_depth, Some(8));
    let nop = &isa.instructions()[0];
    assert_eq!(nop.doc, "Nothing.");
    assert_eq!(nop.reference.as_deref(), Some("000 part 1"));
    assert_eq!(nop.since, Some(Version { major: 1, minor: 1, patch: 0 }));
    assert_eq!(nop.features, ["wide"]);
    assert_eq!((nop.text.enc.as_str(), nop.text.action.as_str()), ("0x00", "nop"));
    assert_eq!(isa.decisions()[0].text, "Little.");
    assert_eq!(isa.errata()[0].name, "size");
    assert_eq!(isa.traps().len(), LIMIT_TRAPS.len());
}

#[test]
fn a_long_chain_of_instructions_is_told_apart() {
    let mut text = format!("{HEADER}{MACHINE}instructions:\n");
    for index in 0..4096u32 {
        let (low, high) = (index & 0xff, index >> 8);
        text.push_str(&format!(
            "  I{index}: {{enc: '{low} {high}', stack: '--', do: nop, doc: One.}}\n"
        ));
    }
    assert_eq!(load_text(&text).map(|isa| isa.instructions().len()).unwrap_or(0), 4096);
}

#[test]
fn several_encodings_hold_more_and_more() {
    let isa = isa(r#"
operands:
  near: {raw: i8, is: label, value: next + raw}
  far: {raw: i16be, is: label, value: next + raw}
formats:
  wc(op, x): ["op x[7:0]", "144 x[15:8] op x[7:0]"]
  both(op, x): "wc(op, x)"
instructions:
  SET: {enc: ["0x01 a:u8 b:i8", "0x02 b:i16 a:u16be"], stack: "-- r", do: "r = i32(a) +% i32(b)", doc: Set.}
  JUMP: {enc: ["0x03 t:near", "0x04 t:far"], stack: "--", do: goto t, doc: Jump.}
  PUSH: {enc: "both(5, v:i16)", stack: "-- r", do: r = i32(v), doc: Push.}
  BYTES: {enc: "0x06 v[15:8]:i16 0x00 v[7:0]", stack: "-- r", do: r = i32(v), doc: Bytes.}
"#);
    let set = insn(&isa, "SET");
    let raws: Vec<_> = set.operands.iter().map(|operand| operand.raw).collect();
    assert_eq!(raws, [IntType::unsigned(16), IntType::signed(16)]);
    assert_eq!(set.encodings[0].raws, [IntType::unsigned(8), IntType::signed(8)]);
    let second = words(&set.encodings[1].parts);
    assert_eq!((second[1].fields[0].operand, second[2].fields[0].operand), (1, 0));
    assert_eq!((set.min_len(), set.max_len()), (3, 5));
    assert_eq!(set.canonical(&[255, -128i64 as u64]), Some(0));
    assert_eq!(set.canonical(&[256, 0]), Some(1));
    assert_eq!(set.canonical(&[1 << 16, 0]), None);

    let push = insn(&isa, "PUSH");
    assert_eq!(push.encodings[0].raws, [IntType::signed(8)], "the rest follows from the sign");
    let pieces = words(&push.encodings[1].parts);
    assert_eq!(pieces[0].fixed_value, 144);
    assert_eq!(pieces[1].fields, [Field { operand: 0, word_low: 0, width: 8, operand_low: 8 }]);
    assert_eq!(insn(&isa, "BYTES").encodings.len(), 1);
    assert_eq!(push.text.enc, "both(5, v:i16)");
    assert_eq!(set.text.enc, "0x01 a:u8 b:i8\n0x02 b:i16 a:u16be");
}

#[test]
fn calls_hold_as_many_cells_as_they_may() {
    let saves = |last: u32| {
        format!(
            "{HEADER}machine:
  registers: {{of: u64, count: 65536, prefix: r}}
  calls: {{depth: 65536, saves: 0..{last}}}
code: {{decode: sweep, end: halt}}
operands:
  sub: {{raw: i8, is: entry, value: insn + raw}}
instructions:
  CALL: {{enc: '0x01 f:sub', do: call f, doc: Call.}}
  RET: {{enc: '0x02', do: return, doc: Return.}}
"
        )
    };
    assert_eq!(messages(&saves(15)), [""; 0]);
    assert_eq!(messages(&saves(16)), ["all active calls save at most 1048576 cells"]);
    let frames = |depth: u32| {
        format!(
            "{HEADER}types: {{val: {{nil: unit, num: i32}}}}
machine:
  stack: {{of: val, depth: {depth}, per: frame}}
  frame: {{depth: 4096, locals: val}}
code: {{decode: sweep, end: reject}}
container: module
instructions:
  LOAD: {{enc: '0x01 i:u16 as local', stack: '-- v', do: 'v = local[i]', doc: Load.}}
  RET: {{enc: '0x02', stack: 'v --', do: return v, doc: Return.}}
"
        )
    };
    assert_eq!(messages(&frames(256)), [""; 0]);
    assert_eq!(messages(&frames(257)), ["the stacks of all frames hold at most 1048576 cells"]);
}
