//! Decoding and encoding.

use bytestone_spec::Isa;
use bytestone_spec::isa::{ByteOrder, Encoding, InsnId, Instruction, IntType, Part, Word};
use bytestone_vm::codec::{Codec, DecodeError, EncodeError};
use bytestone_vm::{Reason, limits};

use crate::machines::{self, Choices, check, choose_bytes, choose_insn};

/// What decoding one instruction comes to: its id, length and cells, or why there is none.
type Outcome = Result<(InsnId, u32, Vec<u64>), Reason>;

fn decode_one(codec: &Codec<'_>, bytes: &[u8]) -> Outcome {
    let mut cells = vec![7];
    match codec.decode_one(bytes, 0, &mut cells) {
        Ok(insn) => Ok((insn.id, insn.len, cells.split_off(1))),
        Err(undecoded) => {
            assert_eq!(cells, [7], "what was there is kept");
            Err(undecoded.obstacle.reason())
        }
    }
}

/// Bit `bit` of a word at the start of `bytes`, if it is there.
fn word_bit(word: &Word, bytes: &[u8], bit: u8) -> Option<bool> {
    let byte = match word.order {
        ByteOrder::Little => bit / 8,
        ByteOrder::Big => word.bytes - 1 - bit / 8,
    };
    Some(bytes.get(usize::from(byte))? >> (bit % 8) & 1 == 1)
}

/// A LEB128 number that ends where it must: its length, and its value if it is as it must be.
fn leb(ty: IntType, bytes: &[u8]) -> Result<(Option<u64>, usize), Reason> {
    let most = usize::from(ty.bits).div_ceil(7);
    let last = bytes.iter().take(most).position(|byte| byte & 0x80 == 0);
    let cut = if bytes.len() < most { Reason::Truncated } else { Reason::BadOperand };
    let len = last.ok_or(cut)? + 1;
    let mut value: i128 =
        bytes[..len].iter().rev().fold(0, |value, byte| value << 7 | i128::from(byte & 0x7f));
    if ty.signed && bytes[len - 1] & 0x40 != 0 {
        value -= 1 << (7 * len);
    }
    // In one byte less, it would have one group of seven bits less.
    let range = if ty.signed { IntType::signed } else { IntType::unsigned };
    let shorter = len > 1 && range((7 * (len - 1)).min(64) as u8).contains(value);
    Ok((ty.cell(value).filter(|_| !shorter), len))
}

/// Decodes by the definition, bit for bit; `None` when another instruction is meant.
fn decode_as(insn: &Instruction, encoding: &Encoding, id: InsnId, bytes: &[u8]) -> Option<Outcome> {
    let mut cells = vec![0; insn.scalars()];
    let mut at = 0;
    let (mut bad, mut cut) = (false, false);
    for part in &encoding.parts {
        let rest = bytes.get(at..).unwrap_or_default();
        match part {
            Part::Word(word) => {
                for bit in 0..word.bytes * 8 {
                    let Some(set) = word_bit(word, rest, bit) else {
                        cut = true;
                        continue;
                    };
                    if word.fixed_mask >> bit & 1 == 1 {
                        if set != (word.fixed_value >> bit & 1 == 1) {
                            return None;
                        }
                    } else if word.zero_mask >> bit & 1 == 1 {
                        bad |= set;
                    } else {
                        let field = word.fields.iter().find(|field| {
                            (field.word_low..field.word_low + field.width).contains(&bit)
                        });
                        let field = field.expect("every bit has a meaning");
                        cells[usize::from(field.operand)] |=
                            u64::from(set) << (field.operand_low + bit - field.word_low);
                    }
                }
                at += usize::from(word.bytes);
            }
            Part::Leb { operand } => match leb(encoding.raws[usize::from(*operand)], rest) {
                Err(_) if cut => break,
                Err(reason) => return Some(Err(reason)),
                Ok((value, len)) => {
                    bad |= value.is_none();
                    cells[usize::from(*operand)] = value.unwrap_or_default();
                    at += len;
                }
            },
            Part::Align { to } => {
                while at % usize::from(*to) != 0 {
                    bad |= bytes.get(at).is_some_and(|byte| *byte != 0);
                    cut |= bytes.get(at).is_none();
                    at += 1;
                }
            }
            Part::List { .. } if cut => {}
            Part::List { operand, bytes: width, order } => {
                let number = |at: u8| {
                    let raw = insn.operands[usize::from(at)].raw;
                    raw.value(raw.wrap(cells[usize::from(at)]))
                };
                let count = insn.count.as_ref().expect("a list").value(number);
                let broken = insn.conditions.iter().any(|condition| condition.value(number) < 0);
                if broken || count < 0 {
                    bad = true;
                    break;
                }
                let width = usize::from(*width);
                for _ in 0..count {
                    let Some(element) = bytes.get(at..at + width) else {
                        cut = true;
                        break;
                    };
                    let fold = |value, byte: &u8| value << 8 | u64::from(*byte);
                    let value = match order {
                        ByteOrder::Big => element.iter().fold(0, fold),
                        ByteOrder::Little => element.iter().rev().fold(0, fold),
                    };
                    cells.push(insn.operands[usize::from(*operand)].raw.wrap(value));
                    at += width;
                }
            }
        }
    }
    if insn.count.is_none() {
        let number = |at: u8| {
            let raw = insn.operands[usize::from(at)].raw;
            raw.value(raw.wrap(cells[usize::from(at)]))
        };
        bad |= insn.conditions.iter().any(|condition| condition.value(number) < 0);
    }
    Some(match (cut, bad) {
        (true, _) => Err(Reason::Truncated),
        (false, true) => Err(Reason::BadOperand),
        (false, false) => {
            for (cell, raw) in cells.iter_mut().zip(&encoding.raws) {
                *cell = raw.wrap(*cell);
            }
            Ok((id, at as u32, cells))
        }
    })
}

fn decode_by_definition(isa: &Isa, bytes: &[u8]) -> Outcome {
    let forms = (0..).map(InsnId).zip(isa.instructions());
    let forms = forms.flat_map(|(id, insn)| insn.encodings.iter().map(move |it| (insn, it, id)));
    let mut outcomes =
        forms.filter_map(|(insn, encoding, id)| decode_as(insn, encoding, id, bytes));
    outcomes.next().unwrap_or(Err(Reason::UnknownOpcode))
}

#[test]
fn one_instruction_decodes_as_defined() {
    check(400, |choices: Choices| {
        for codec in machines::all() {
            let code = choose_bytes(codec, &choices);
            for start in 0..=code.len().min(64) {
                let bytes = &code[start..code.len().min(start + 24)];
                let outcome = decode_one(codec, bytes);
                assert_eq!(
                    outcome,
                    decode_by_definition(codec.isa(), bytes),
                    "{} {bytes:x?}",
                    codec.isa().name()
                );
            }
        }
    });
}

#[test]
fn every_instruction_decodes_to_what_was_encoded() {
    check(2000, |choices: Choices| {
        for codec in machines::all() {
            let Some((id, cells)) = choose_insn(codec.isa(), &mut choices.0.iter().copied()) else {
                continue;
            };
            let mut bytes = Vec::new();
            codec.encode(id, &cells, &mut bytes).unwrap();
            let len = bytes.len() as u32;
            for cut in 0..bytes.len() {
                assert_eq!(decode_one(codec, &bytes[..cut]), Err(Reason::Truncated));
            }
            bytes.extend([0xff; 9]);
            assert_eq!(decode_one(codec, &bytes), Ok((id, len, cells)));
        }
    });
}

#[test]
fn every_program_encodes_to_its_bytes() {
    check(1000, |choices: Choices| {
        for codec in machines::all() {
            let code = choose_bytes(codec, &choices);
            let Ok(program) = codec.decode(&code) else { continue };
            let mut encoded = Vec::new();
            for (at, insn) in program.insns().iter().enumerate() {
                assert_eq!(insn.offset as usize, encoded.len());
                assert_eq!(program.index_at(insn.offset), Some(at));
                let form = (insn.id, insn.form);
                codec.encode_as(form, program.operands(at), &mut encoded).unwrap();
                assert_eq!(insn.next() as usize, encoded.len());
            }
            assert_eq!(encoded, code);
            assert_eq!(program.code(), code);
        }
    });
}

fn faults(isa: &Isa, code: &[u8]) -> Vec<(Reason, u32)> {
    match Codec::new(isa).decode(code) {
        Ok(_) => Vec::new(),
        Err(DecodeError::Rejected(rejection)) => {
            rejection.faults.iter().map(|fault| (fault.reason, fault.at)).collect()
        }
        Err(error) => panic!("{error}"),
    }
}

/// Instructions of two bytes, one of them with a list.
const LISTS: &str = r#"
bytestone: spec/1
isa: lists
version: 1.0.0
title: Lists
machine: {registers: {of: u64, count: 4}}
code: {decode: sweep, end: halt}
operands:
  near: {raw: i8, is: label, value: insn + raw}
instructions:
  SET: {enc: "0x01 v:u8", do: "reg[0] = u64(v)", doc: d}
  TABLE: {enc: "0x02 c:u8 ts:near[n]", where: "n = c", do: "let i = i64(c)\ngoto ts[i] if 0 <= i && i < n", doc: d}
"#;

#[test]
fn the_sweep_stops_where_the_next_instruction_cannot_be_found() {
    use Reason::{BadOperand, Truncated, UnknownOpcode};
    let calculator = machines::built_in("calculator");
    assert_eq!(faults(&calculator, &[]), []);
    assert_eq!(faults(&calculator, &[0x01, 3, 0]), [(Truncated, 0)]);
    assert_eq!(faults(&calculator, &[0x00, 0xff, 0xff]), [(UnknownOpcode, 1)]);

    // One length: it goes on.
    let register = machines::built_in("register");
    let code = [0xff, 0, 0, 0, 0x00, 1, 0, 0, 0x00, 0, 0, 0, 0xfe, 0, 0, 0, 0x00, 0];
    assert_eq!(
        faults(&register, &code),
        [(UnknownOpcode, 0), (BadOperand, 4), (UnknownOpcode, 12), (Truncated, 16)]
    );
    assert_eq!(faults(&register, &[0xff, 0]), [(UnknownOpcode, 0)]);

    // But not over a list, which has any number of elements.
    let lists = machines::load(LISTS);
    assert_eq!(faults(&lists, &[0xff, 0, 0xff, 0, 1, 0]), [(UnknownOpcode, 0)]);
    let truncated = Codec::new(&lists).decode(&[2]).unwrap_err().to_string();
    assert!(truncated.contains("TABLE takes at least 2 bytes and 1 is left"), "{truncated}");

    // The length of a number is known unless it has no end.
    let leb = machines::leb();
    let code = [0x03, 0x80, 0x00, 0x02, 0x81, 0x80, 0x00, 0x0a, 0x03, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(faults(&leb, &code), [(BadOperand, 0), (BadOperand, 3), (BadOperand, 8)]);
    // The end of the code wins over what is wrong before it.
    assert_eq!(faults(&leb, &[0x05, 0x80, 0x00]), [(Truncated, 0)]);
    // The second byte of an opcode.
    assert_eq!(faults(&leb, &[0x0b]), [(Truncated, 0)]);
    assert_eq!(faults(&leb, &[0x0b, 0x03]), [(UnknownOpcode, 0)]);

    // Big-endian words, the opcode last.
    let words = machines::words();
    assert_eq!(faults(&words, &[0xff, 0xff, 0xff]), [(Truncated, 0)]);
    assert_eq!(faults(&words, &[0, 0, 0, 0, 0, 0, 0, 1]), [(UnknownOpcode, 0)]);
}

#[test]
fn faults_say_what_was_found() {
    let details = |isa: &Isa, code: &[u8]| match Codec::new(isa).decode(code) {
        Err(DecodeError::Rejected(rejection)) => rejection.faults[0].to_string(),
        other => panic!("{other:?}"),
    };
    let register = machines::built_in("register");
    assert_eq!(
        details(&register, &[0x05, 1, 2, 3]),
        "bad_operand at offset 0: NEG does not use the bits 0x3000000, which must be zero"
    );
    assert_eq!(
        details(&register, &[0x05, 1]),
        "truncated at offset 0: NEG takes 4 bytes and 2 are left"
    );
    assert_eq!(
        details(&register, &[0x99, 1, 2, 3]),
        "unknown_opcode at offset 0: no instruction has the opcode in 99 01 02 03"
    );
    let leb = machines::leb();
    assert_eq!(
        details(&leb, &[0x0a, 0x03, 0x81, 0x00]),
        "bad_operand at offset 1: the number of `slot` of LOAD (u16) is longer than needed"
    );
    assert_eq!(
        details(&leb, &[0x05, 0x01]),
        "truncated at offset 0: JZ takes at least 3 bytes and 2 are left"
    );
    assert_eq!(
        details(&leb, &[0x0b]),
        "truncated at offset 0: the code ends after 1 byte of an instruction"
    );
}

#[test]
fn code_and_faults_have_limits() {
    let register = machines::built_in("register");
    let codec = Codec::new(&register);
    let code = vec![0xff; limits::CODE_BYTES + 1];
    assert!(matches!(codec.decode(&code), Err(DecodeError::TooLong(_))));
    let Err(DecodeError::Rejected(rejection)) = codec.decode(&code[1..]) else {
        panic!("0xff is no opcode")
    };
    assert_eq!(rejection.faults.len(), limits::FAULTS);
    assert_eq!(rejection.omitted, limits::CODE_BYTES / 4 - limits::FAULTS);
}

#[test]
fn what_cannot_be_encoded_is_refused() {
    let register = machines::built_in("register");
    let codec = Codec::new(&register);
    let load = codec.mnemonic("LOAD").unwrap();
    let mut out = vec![1];
    assert_eq!(
        codec.encode(load, &[0], &mut out),
        Err(EncodeError::OperandCount { expected: 2, found: 1 })
    );
    let ty = IntType::signed(16);
    assert_eq!(
        codec.encode(load, &[0, 0x8000], &mut out),
        Err(EncodeError::OutOfRange { operand: 1, ty, cell: 0x8000 })
    );
    let nothing = InsnId(u16::MAX);
    assert_eq!(codec.encode(nothing, &[], &mut out), Err(EncodeError::UnknownInstruction(nothing)));
    assert_eq!(out, [1]);
    codec.encode(load, &[0xff, -0x8000i64 as u64], &mut out).unwrap();
    assert_eq!(out, [1, 0x07, 0xff, 0x00, 0x80]);
}

#[test]
fn operands_may_lie_in_several_words() {
    let long = machines::long();
    let codec = Codec::new(&long);
    let mut code = Vec::new();
    codec.encode(codec.mnemonic("LD").unwrap(), &[3, 0x0102_0304_0506_0708], &mut code).unwrap();
    assert_eq!(code, [0x18, 3, 0, 0, 8, 7, 6, 5, 1, 2, 3, 4, 0, 0, 0, 0]);
    let words = machines::words();
    let codec = Codec::new(&words);
    let mut code = Vec::new();
    codec.encode(codec.mnemonic("SET").unwrap(), &[19, -1i64 as u64], &mut code).unwrap();
    assert_eq!(code, [0xff, 0xff, 0x82, 0x62]);
}

#[test]
fn labels_lead_from_their_base() {
    let target = |isa: &Isa, code: &[u8], at: usize| {
        let program = Codec::new(isa).decode(code).unwrap();
        let operands = isa.instruction(program.insns()[at].id).operands.len() as u8;
        program.target(isa, at, operands - 1)
    };
    let leb = machines::leb();
    assert_eq!(target(&leb, &[0x0a, 0x04, 0x7f], 1), Some(2));
    assert_eq!(target(&leb, &[0x0a, 0x06, 0x05], 1), Some(8));
    assert_eq!(target(&leb, &[0x0a, 0x07, 9, 0x02], 1), Some(5));
    assert_eq!(target(&leb, &[0x0a, 0x08, 0x02], 1), Some(2));
    assert_eq!(target(&leb, &[0x0a, 0x09, 0x04], 1), Some(-1));
    let long = machines::long();
    let code = [0x05, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(target(&long, &code, 0), Some(u64::MAX.into()));
}

#[test]
fn prefixes_belong_to_the_instruction_behind_them() {
    use Reason::{BadOperand, Truncated, UnknownOpcode};
    let wordcode = machines::built_in("wordcode");
    assert_eq!(faults(&wordcode, &[144, 1, 100, 0, 83, 0]), []);
    assert_eq!(faults(&wordcode, &[9, 0, 144, 1, 100]), [(Truncated, 2)]);
    assert_eq!(faults(&wordcode, &[144, 1, 9, 0]), [(UnknownOpcode, 0)]);
    assert_eq!(faults(&wordcode, &[144, 0, 144, 0, 144, 0, 144, 0, 100, 0]), [(UnknownOpcode, 0)]);
    assert_eq!(faults(&wordcode, &[9, 1, 9, 0]), [(BadOperand, 0)]);
    let codec = Codec::new(&wordcode);
    let push = codec.mnemonic("PUSH").unwrap();
    let mut out = Vec::new();
    let ty = IntType::unsigned(8);
    assert_eq!(
        codec.encode_as((push, 0), &[256], &mut out),
        Err(EncodeError::OutOfRange { operand: 0, ty, cell: 256 })
    );
    assert_eq!(
        codec.encode_as((push, 4), &[0], &mut out),
        Err(EncodeError::UnknownEncoding { count: 4, found: 4 })
    );
    assert!(out.is_empty());
}
