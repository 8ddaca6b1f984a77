//! Assembly text, in both directions.

use bytestone_spec::Isa;
use bytestone_spec::isa::OperandKind;
use bytestone_vm::asm::{
    AsmErrorKind, AsmErrors, Style, assemble, disassemble, disassemble_program, insn_text,
    statement, write_insn,
};
use bytestone_vm::codec::Codec;
use bytestone_vm::{Reason, limits};

use crate::machines::{self, Choices, check, choose_bytes};

/// The bytes of a text that has no error.
fn bytes(isa: &Isa, text: &str) -> Vec<u8> {
    assemble(&Codec::new(isa), text).unwrap_or_else(|errors| panic!("{errors}")).bytes
}

/// The errors of a text, as people read them.
fn errors(isa: &Isa, text: impl AsRef<[u8]>) -> String {
    assemble(&Codec::new(isa), text).expect_err("the text has errors").to_string()
}

fn text(isa: &Isa, code: &[u8], style: Style) -> String {
    disassemble(&Codec::new(isa), code, style).unwrap().to_string()
}

#[track_caller]
fn assert_round_trip(codec: &Codec<'_>, code: &[u8]) {
    for style in [Style::Plain, Style::Annotated] {
        let text = disassemble(codec, code, style).unwrap().to_string();
        let assembled =
            assemble(codec, &text).unwrap_or_else(|errors| panic!("{code:x?}\n{text}\n{errors}"));
        assert_eq!(assembled.bytes, code, "\n{text}");
    }
}

#[test]
fn any_bytes_come_back_from_their_text() {
    check(150, |choices: Choices| {
        for codec in machines::all() {
            let code = choose_bytes(codec, &choices);
            assert_round_trip(codec, &code);
            let faults = disassemble(codec, &code, Style::Plain).unwrap().faults().cloned();
            match codec.decode(&code) {
                Ok(program) => {
                    assert_eq!(faults, None);
                    let text = disassemble_program(codec, &program, Style::Plain).to_string();
                    let leb = ["leb", "forms"].contains(&codec.isa().name());
                    assert!(!text.contains(".byte") || leb);
                }
                Err(_) => assert!(faults.is_some()),
            }
        }
    });
}

#[test]
fn any_instruction_comes_back_from_its_text_in_a_trace() {
    check(400, |choices: Choices| {
        for codec in machines::all() {
            let code = choose_bytes(codec, &choices);
            let Ok(program) = codec.decode(&code) else { continue };
            let mut all = String::new();
            for at in 0..program.insns().len() {
                write_insn(&mut all, codec.isa(), &program, at);
                all.push('\n');
                assert!(all.ends_with(&(insn_text(codec.isa(), &program, at) + "\n")));
            }
            // Lengths of numbers are free; the text says where labels lead, not how far.
            if codec.isa().name() != "leb" {
                assert_eq!(assemble(codec, all).unwrap().bytes, code);
            }
        }
    });
}

#[test]
fn instructions_are_written_as_in_traces() {
    let insn = |isa: &Isa, code: &[u8]| {
        let program = Codec::new(isa).decode(code).unwrap();
        insn_text(isa, &program, program.insns().len() - 1)
    };
    let stack = machines::built_in("stack");
    assert_eq!(insn(&stack, &[0x01, 0xff, 0xff, 0xff, 0x7f]), "PUSH 2147483647");
    assert_eq!(insn(&stack, &[0x01, 0, 0, 0, 0x80]), "PUSH -2147483648");
    assert_eq!(insn(&stack, &[0x08, 255]), "LOAD 255");
    assert_eq!(insn(&stack, &[0x0f]), "HALT");
    assert_eq!(insn(&stack, &[0x00, 0x0a, 0xf0, 0xff]), "JUMP @-12");
    assert_eq!(insn(&stack, &[0x0c, 0xff, 0xff, 0xff, 0xff]), "CALL @4294967295");
    let register = machines::built_in("register");
    assert_eq!(insn(&register, &[0x01, 1, 15, 255]), "ADD R1, R15, R255");
    assert_eq!(insn(&register, &[0x0d, 3, 1, 0]), "JNZ R3, @8");
    assert_eq!(insn(&register, &[0x07, 0, 0xff, 0xff]), "LOAD R0, -1");
    let long = machines::long();
    assert_eq!(insn(&long, &[0x05, 255, 255, 255, 255, 255, 255, 255, 255]), {
        "JA @18446744073709551615"
    });
}

#[test]
fn a_disassembly_names_the_places_that_are_jumped_to() {
    let stack = machines::built_in("stack");
    let code = [
        0x01, 10, 0, 0, 0, // PUSH 10
        0x0b, 4, 0, // JUMPZ to HALT
        0x0a, 0xfa, 0xff, // JUMP to the JUMPZ
        0x0f, 0x0f, // HALT, twice
        0x0a, 0xf3, 0xff, // JUMP into PUSH
        0x0a, 0x00, 0x00, // JUMP to the end
        0x01, 2, // cut short
    ];
    assert_eq!(
        text(&stack, &code, Style::Plain),
        "PUSH 10\nL5:\nJUMPZ L12\nJUMP L5\nHALT\nL12:\nHALT\nJUMP @3\nJUMP @19\n.byte 0x01\n.byte 0x02\n"
    );
    assert_eq!(
        text(&stack, &code[5..], Style::Annotated),
        "\
L0:
    JUMPZ L7                    ;    0  0b 04 00
    JUMP L0                     ;    3  0a fa ff
    HALT                        ;    6  0f
L7:
    HALT                        ;    7  0f
    JUMP @-2                    ;    8  0a f3 ff
    JUMP @14                    ;   11  0a 00 00
    .byte 0x01                  ;   14  01  truncated
    .byte 0x02                  ;   15  02
"
    );
    // Registers are called L, so labels are not.
    let words = machines::words();
    let codec = Codec::new(&words);
    let mut code = Vec::new();
    codec.encode(codec.mnemonic("JZ").unwrap(), &[7, -2i64 as u64], &mut code).unwrap();
    assert_eq!(text(&words, &code, Style::Plain), "L_0:\nJZ L7, L_0\n");
}

#[test]
fn a_disassembly_goes_on_after_what_is_no_instruction() {
    let calculator = machines::built_in("calculator");
    let code = [0xff, 0xfe, 0x03, 0x77, 0x01, 0];
    let codec = Codec::new(&calculator);
    let disassembly = disassemble(&codec, &code, Style::Plain).unwrap();
    assert_eq!(
        disassembly.to_string(),
        ".byte 0xFF\n.byte 0xFE\nADD\n.byte 0x77\n.byte 0x01\n.byte 0x00\n"
    );
    let faults = disassembly.faults().unwrap().faults.iter();
    let found: Vec<_> = faults.map(|fault| (fault.reason, fault.at)).collect();
    use Reason::{Truncated, UnknownOpcode};
    assert_eq!(found, [(UnknownOpcode, 0), (UnknownOpcode, 1), (UnknownOpcode, 3), (Truncated, 4)]);
    // Words that are no instruction do not shift those after them.
    let register = machines::built_in("register");
    assert_eq!(
        text(&register, &[0xff, 1, 2, 3, 0x00, 0, 0, 9, 0x0e, 4, 0, 0], Style::Annotated),
        "    .byte 0xFF                  ;    0  ff  unknown_opcode
    .byte 0x01                  ;    1  01
    .byte 0x02                  ;    2  02
    .byte 0x03                  ;    3  03
    .byte 0x00                  ;    4  00  bad_operand
    .byte 0x00                  ;    5  00
    .byte 0x00                  ;    6  00
    .byte 0x09                  ;    7  09
    PRINT R4                    ;    8  0e 04 00 00
"
    );
    assert_eq!(text(&register, &[], Style::Annotated), "");
    let long = vec![0; limits::CODE_BYTES + 1];
    assert!(disassemble(&Codec::new(&register), &long, Style::Plain).is_err());
}

#[test]
fn a_program_is_assembled() {
    let stack = machines::built_in("stack");
    let text = "
; counts down from 0x0A
        PUSH 0x0A       ; decimal, 0x or 0b, with a sign
loop:
again:  STORE 0b1 ; two labels
next_1: LOAD 1\t
        JUMPZ done
        LOAD 1 \r
        PUSH -0x1
        ADD
        JUMP loop
done:
        CALL @0x29
        .byte 0x0F, 15 ;
        JUMP @-1
end:";
    let codec = Codec::new(&stack);
    let assembled = assemble(&codec, text).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(
        assembled.bytes,
        [
            0x01, 10, 0, 0, 0, 0x09, 1, 0x08, 1, 0x0b, 11, 0, 0x08, 1, 0x01, 255, 255, 255, 255,
            0x03, 0x0a, 0xee, 0xff, 0x0c, 0x29, 0, 0, 0, 0x0f, 0x0f, 0x0a, 0xde, 0xff
        ]
    );
    let place = |offset| assembled.statement_at(offset).map(|place| (place.line, place.column));
    assert_eq!(place(0), Some((3, 9)));
    assert_eq!(place(4), Some((3, 9)));
    assert_eq!(place(5), Some((5, 9)));
    assert_eq!(place(29), Some((14, 9)));
    assert_eq!(place(30), Some((15, 9)));
    assert_eq!(place(32), Some((15, 9)));
    assert_eq!(place(33), None);
    for text in ["", "\n", ";", "; only this", "a:", "\u{feff}", "\r\n\r\n"] {
        assert!(bytes(&stack, text).is_empty(), "{text:?}");
    }
}

#[test]
fn numbers_keep_to_the_type_of_the_operand() {
    let stack = machines::built_in("stack");
    for accepted in ["-2147483648", "2147483647", "-0x80000000", "0x7fffffff", "-0b0", "00012"] {
        assert_eq!(bytes(&stack, &format!("PUSH {accepted}")).len(), 5);
    }
    let range = "expected a number from -2147483648 to 2147483647, found";
    for (text, error) in [
        ("PUSH 2147483648", format!("{range} 2147483648; `-2147483648` has the same bits")),
        ("PUSH 0xFFFFFFFF", format!("{range} 0xFFFFFFFF; `-1` has the same bits")),
        ("PUSH 0x100000000", format!("{range} 0x100000000")),
        ("PUSH -2147483649", format!("{range} -2147483649")),
        ("PUSH 9e9", "expected a number, found `9e9`".to_owned()),
        ("PUSH R0", "expected a number, found `R0`".to_owned()),
    ] {
        assert_eq!(errors(&stack, text), format!("line 1, column 6: {error}"));
    }
    let huge = format!("PUSH -{}", "9".repeat(1 << 20));
    let cut = format!("-{}…", "9".repeat(39));
    assert_eq!(errors(&stack, huge), format!("line 1, column 6: {range} {cut}"));
    assert_eq!(
        errors(&stack, "LOAD -1"),
        "line 1, column 6: expected a number from 0 to 255, found -1; `255` has the same bits"
    );
    // What the bytes can hold is taken; whether the cell exists is for the verifier.
    let register = machines::built_in("register");
    assert_eq!(bytes(&register, "PRINT R255"), [0x0e, 255, 0, 0]);
    assert_eq!(
        errors(&register, "PRINT R256"),
        "line 1, column 7: expected a number from 0 to 255, found 256"
    );
}

#[test]
fn every_error_is_reported_with_its_place() {
    let register = machines::built_in("register");
    let cases = [
        ("ADDD R0, R1, R2", "1:1 expected a mnemonic, found `ADDD`; did you mean `ADD`?"),
        ("\n  halt", "2:3 expected a mnemonic, found `halt`; did you mean `HALT`?"),
        ("00 00 00 00", "1:1 expected a mnemonic, found `00`; bytes are written `.byte 0x0A, 11`"),
        ("xyzzy 1, 2", "1:1 expected a mnemonic, found `xyzzy`"),
        ("ADD R0, R1", "1:1 expected 3 operands of `ADD`, found 2; the form is `ADD a, b, c`"),
        ("HALT 1", "1:1 expected 0 operands of `HALT`, found 1; the form is `HALT`"),
        ("PRINT", "1:1 expected 1 operand of `PRINT`, found 0; the form is `PRINT a`"),
        ("PRINT R1,", "1:10 expected an operand, found the end of the text"),
        ("PRINT ,\n", "1:7 expected an operand, found `,`"),
        ("MOVE R1 R2", "1:9 expected `,` or the end of the line, found `R2`"),
        ("MOVE R1: R2", "1:8 expected `,` or the end of the line, found `:`"),
        ("PRINT 3", "1:7 expected a register, `R0` to `R15`, found `3`; did you mean `R3`?"),
        ("PRINT r3", "1:7 expected a register, `R0` to `R15`, found `r3`; did you mean `R3`?"),
        ("PRINT Rx", "1:7 expected a register, `R0` to `R15`, found `Rx`"),
        ("JMP 8", "1:5 expected a label or `@OFFSET`, found `8`; an offset is written `@8`"),
        ("JMP R1", "1:5 expected a label or `@OFFSET`, found `R1`"),
        ("JMP @x", "1:5 expected an offset, as in `@12`, found `@x`"),
        ("a:\nJMP b\n", "2:5 expected a label that is defined, found `b`"),
        (
            "there: JMP theer",
            "1:12 expected a label that is defined, found `theer`; did you mean `there`?",
        ),
        ("a: a: HALT", "1:4 expected a new label name, found `a`, which is defined in line 1"),
        ("R0: HALT", "1:1 expected a label name, found the register `R0`"),
        (
            "0x: HALT",
            "1:1 expected a label name (letters, digits and `_`, no digit first), found `0x`",
        ),
        (": HALT", "1:1 expected a mnemonic, a directive or a label, found `:`"),
        (".bytes 1", "1:1 expected the directive `.byte`, found `.bytes`; did you mean `.byte`?"),
        (".byte", "1:6 expected a byte, found the end of the text"),
        (".byte 0, 256", "1:10 expected a number from 0 to 255, found 256"),
        (".byte -1", "1:7 expected a number from 0 to 255, found -1; `255` has the same bits"),
        (
            "JMP @6",
            "1:5 expected a target that is a multiple of 4 away from offset 4, found @6; @4 and @8 can be reached",
        ),
        ("JMP @200000", "1:5 expected a target from @-131068 to @131072, found @200000"),
        ("HALT\0", "1:1 expected a mnemonic, found `HALT\\u{0}`; did you mean `HALT`?"),
        (
            "é: HALT",
            "1:1 expected a label name (letters, digits and `_`, no digit first), found `é`",
        ),
        ("HALT ; é\n  é ü é", "2:3 expected a mnemonic, found `é`"),
    ];
    for (text, expected) in cases {
        let found = errors(&register, text);
        let (place, message) = expected.split_once(' ').unwrap();
        let (line, column) = place.split_once(':').unwrap();
        assert_eq!(found, format!("line {line}, column {column}: {message}"), "{text:?}");
    }
}

#[test]
fn all_errors_are_reported_in_order() {
    let register = machines::built_in("register");
    let text = "JMP gone\nPRIN R0\nADD 1, R2, 3\nR1:\n.byte 1, 300, x\nJMP also, R3\n";
    let codec = Codec::new(&register);
    let AsmErrors { errors, omitted } = assemble(&codec, text).unwrap_err();
    let places: Vec<_> = errors.iter().map(|error| (error.line, error.column)).collect();
    assert_eq!(places, [(1, 5), (2, 1), (3, 5), (3, 12), (4, 1), (5, 10), (5, 15), (6, 1), (6, 5)]);
    assert_eq!(omitted, 0);
    let words: Vec<_> = errors.iter().map(|error| &text[error.span.clone()]).collect();
    assert_eq!(words, ["gone", "PRIN", "1", "3", "R1", "300", "x", "JMP", "also"]);
}

#[test]
fn what_is_too_long_is_refused() {
    let stack = machines::built_in("stack");
    let codec = Codec::new(&stack);
    let only = |text: &[u8]| {
        let AsmErrors { errors, omitted } = assemble(&codec, text).unwrap_err();
        assert_eq!((errors.len(), omitted), (1, 0));
        let error = &errors[0];
        (error.kind.clone(), error.line, error.column)
    };
    let bytes = limits::TEXT_BYTES + 1;
    assert_eq!(only(&vec![0; bytes]), (AsmErrorKind::TextTooLong { bytes }, 1, 1));
    let mut invalid = "HALT\né".as_bytes().to_vec();
    invalid.extend([b'x', 0xc3, b'y']);
    assert_eq!(only(&invalid), (AsmErrorKind::NotUtf8, 2, 3));

    let long = machines::long();
    let text = format!("JA later\n{}later:", "LD r1, 0\n".repeat(limits::CODE_BYTES / 16));
    let AsmErrors { errors, omitted } = assemble(&Codec::new(&long), text).unwrap_err();
    assert_eq!((errors.len(), omitted), (1, 0));
    assert_eq!(errors[0].kind, AsmErrorKind::CodeTooLong);
}

#[test]
fn long_lines_and_many_errors_take_their_time_and_no_more() {
    let register = machines::built_in("register");
    let codec = Codec::new(&register);
    let size = 1 << 18;
    for text in [
        "x".repeat(4 * size),
        "\0".repeat(4 * size),
        ":".repeat(size),
        ",".repeat(size),
        "a:".repeat(size / 2),
        "1 ".repeat(size / 2),
        "\n:".repeat(size / 2),
        "JMP é\n".repeat(size / 7),
        format!("ADD {}", "R1,".repeat(size / 3)),
        format!(".byte {}", "x,".repeat(size / 2)),
        (0..size / 10).map(|at| format!("l{at}: JMP m{at}\n")).collect(),
    ] {
        let AsmErrors { errors, .. } = assemble(&codec, &text).unwrap_err();
        assert!(errors.len() <= limits::FAULTS);
        assert!(errors.iter().all(|error| error.to_string().len() < 500));
    }
    let AsmErrors { errors, omitted } = assemble(&codec, "\n:".repeat(5000)).unwrap_err();
    assert_eq!((errors.len(), omitted), (limits::FAULTS, 5000 - limits::FAULTS));
    assert_eq!(errors.last().unwrap().line as usize, limits::FAULTS + 1);
}

/// Pieces of texts, so that random texts get somewhere.
const PIECES: [&str; 32] = [
    "PUSH",
    "JMP",
    "ADD",
    "JUMP",
    "CALL",
    "PAIR.U",
    "SET",
    " ",
    " ",
    " ",
    "\n",
    "\n",
    ",",
    ", ",
    ":",
    "@",
    "-",
    "0x",
    "0b1",
    "7",
    "255",
    "R1",
    "L3",
    "r0",
    "a",
    "b: ",
    ".byte",
    ";",
    "é",
    "\0",
    "\r\n",
    "18446744073709551616",
];

#[test]
fn any_text_is_assembled_or_refused() {
    check(1000, |choices: Choices| {
        let pieces = choices.0.iter().map(|choice| PIECES[(choice % 32) as usize]);
        let text: String = pieces.collect();
        for codec in machines::all() {
            match assemble(codec, &text) {
                Ok(assembled) => {
                    assert_round_trip(codec, &assembled.bytes);
                    let offsets = assembled.statements.iter().map(|statement| statement.offset);
                    assert!(offsets.is_sorted());
                }
                Err(AsmErrors { errors, omitted }) => {
                    assert!(!errors.is_empty() && omitted == 0);
                    assert!(errors.is_sorted_by_key(|error| error.span.start));
                    for error in errors {
                        assert!(text.get(error.span.clone()).is_some());
                        let before = text[..error.span.start].matches('\n').count();
                        assert_eq!(error.line as usize, before + 1);
                    }
                }
            }
        }
    });
}

#[test]
fn numbers_grow_until_every_distance_fits() {
    let leb = machines::leb();
    let nops = |count: usize| "NOP\n".repeat(count);
    // One byte reaches 63 ahead and 64 back, the instruction of two bytes included.
    for (distance, len) in [(0, 2), (63, 2), (64, 3), (8191, 3), (8192, 4)] {
        let code = bytes(&leb, &format!("JMP end\n{}end:", nops(distance)));
        assert_eq!(code.len(), len + distance, "{distance}");
    }
    for (distance, len) in [(62, 2), (63, 3), (8189, 3), (8190, 4)] {
        let code = bytes(&leb, &format!("start:\n{}JMP start", nops(distance)));
        assert_eq!(code.len(), len + distance, "{distance}");
    }
    // Each of two makes the other longer.
    let both = |between: usize| format!("a: JMP b\nJMP a\n{}b:", nops(between));
    assert_eq!(bytes(&leb, &both(61)).len(), 4 + 61);
    assert_eq!(bytes(&leb, &both(62)).len(), 5 + 62);
    // Statements after what grew are found where they ended up.
    let codec = Codec::new(&leb);
    let assembled = assemble(&codec, format!("JMP end\nNOP\nend:{}JMP end\nPAIR 7", nops(65)));
    let assembled = assembled.unwrap();
    assert_eq!(assembled.bytes.len(), 2 + 1 + 65 + 3 + 4);
    assert_eq!(assembled.statement_at(68).unwrap().line, 68);
    assert_eq!(assembled.statement_at(71).unwrap().line, 69);
}

#[test]
fn a_chain_of_growing_numbers_settles() {
    // Each jump reaches over the next one as far as it can with one byte. The last one needs
    // two, so all of them do, one after the other.
    let leb = machines::leb();
    let nops = "NOP\n".repeat(61);
    let links = 200;
    let chain: String =
        (0..links).map(|link| format!("JMP after{}\nafter{link}:\n{nops}", link + 1)).collect();
    let settled = bytes(&leb, &format!("{chain}NOP\nNOP\nNOP\nafter{links}:\n"));
    assert_eq!(settled.len(), links * (3 + 61) + 3);
    assert_round_trip(&Codec::new(&leb), &settled);
    let short = bytes(&leb, &format!("{chain}NOP\nNOP\nafter{links}:\n"));
    assert_eq!(short.len(), links * (2 + 61) + 2);
}

#[test]
fn longer_numbers_than_needed_by_the_labels_are_kept() {
    let leb = machines::leb();
    let codec = Codec::new(&leb);
    // Two jumps over each other, 64 ahead and 65 back with two bytes each; with one byte each
    // would be enough, and the bytes would not be the same.
    let mut code = vec![0x04, 0xc0, 0x00];
    code.extend([0x0a; 61]);
    code.extend([0x04, 0xbc, 0x7f, 0x0a]);
    assert!(codec.decode(&code).is_ok());
    assert_round_trip(&codec, &code);
    // A jump of 65 back in two bytes leads where one of 64 in one byte does.
    let mut code = vec![0x0a; 62];
    code.extend([0x04, 0xbf, 0x7f]);
    assert!(codec.decode(&code).is_ok());
    assert_round_trip(&codec, &code);
    assert!(text(&leb, &code, Style::Plain).ends_with(".byte 0x04\n.byte 0xBF\n.byte 0x7F\n"));
}

#[test]
fn a_distance_without_an_encoding_is_refused() {
    let leb = machines::leb();
    // 64 from the end of two bytes needs three, and from there it is 63, which needs two.
    assert_eq!(
        errors(&leb, "JMP @66"),
        "line 1, column 5: expected a distance that settles, found that each length of its number needs another"
    );
    assert_eq!(bytes(&leb, "JMP @65"), [0x04, 63]);
    assert_eq!(bytes(&leb, "JMP @67"), [0x04, 0xc0, 0]);
    assert_eq!(
        errors(&leb, "LOOP @99"),
        "line 1, column 6: expected a target from @-65533 to @2, found @99"
    );
}

#[test]
fn any_offset_can_be_asked_for() {
    let leb = machines::leb();
    let below = i128::MIN.to_string() + "0";
    for (asked, reach, found) in [
        // A number of four bytes leads back, one of two leads nowhere.
        (&i128::MIN.to_string(), "@-65531 to @4", i128::MIN),
        (&below, "@-65531 to @4", i128::MIN),
        (&i128::MAX.to_string(), "@-65533 to @2", i128::MAX),
    ] {
        assert_eq!(
            errors(&leb, format!("LOOP @{asked}")),
            format!("line 1, column 6: expected a target from {reach}, found @{found}")
        );
    }
    for codec in machines::all() {
        for insn in codec.isa().instructions() {
            for offset in [i128::MIN, i128::MAX] {
                let operands = insn.operands.iter().map(|operand| match operand.kind {
                    OperandKind::Label(_) => format!("@{offset}"),
                    _ => "0".to_owned(),
                });
                // Refused or not, it is answered.
                let text = statement(insn, &operands.collect::<Vec<_>>());
                let _: Result<_, AsmErrors> = assemble(codec, text);
            }
        }
    }
}

#[test]
fn encodings_are_shown_where_another_one_would_do() {
    let isa = machines::forms();
    let plain = |code: &[u8]| text(&isa, code, Style::Plain);
    assert_eq!(plain(&[1, 5, 144, 0, 1, 5, 144, 1, 1, 5]), "LOAD 5\nLOAD/2 5\nLOAD 261\n");
    assert_eq!(bytes(&isa, "LOAD/1 5\nLOAD/3 5"), [1, 5, 144, 0, 144, 0, 1, 5]);
    assert_eq!(bytes(&isa, "PUSH -128\nPUSH -129"), [2, 0x80, 144, 0xff, 2, 0x7f]);
    // A label decides how long its jump is.
    let near = format!("JZ end\n{}end:", "OUT\n".repeat(127));
    assert_eq!(bytes(&isa, &near)[..2], [4, 127]);
    let far = format!("JZ end\n{}end:", "OUT\n".repeat(128));
    assert_eq!(bytes(&isa, &far)[..3], [5, 0, 128]);
    assert_eq!(bytes(&isa, "JZ/2 end\nend:"), [5, 0, 0]);
    assert_eq!(plain(&[5, 0, 0, 11]), "JZ/2 L3\nL3:\nOUT\n");
    assert_eq!(bytes(&isa, "INC 255, 127\nINC 255, 128\nINC 256, 0").len(), 3 + 5 + 5);

    let cases = [
        ("LOAD/4 5", "line 1, column 1: expected the number of an encoding, 1 to 3, found `4`"),
        ("LOAD/ 5", "line 1, column 1: expected the number of an encoding, 1 to 3, found ``"),
        ("LOAD/0 5", "line 1, column 1: expected the number of an encoding, 1 to 3, found `0`"),
        ("LOAD/1 256", "line 1, column 8: expected a number from 0 to 255, found 256"),
        ("JZ/1 @200", "line 1, column 6: expected a target from @-126 to @129, found @200"),
    ];
    for (text, expected) in cases {
        assert_eq!(errors(&isa, text), expected);
    }
}

/// Templates that have room for each other's texts, and some that only look so.
const ALIKE: &str = r#"
bytestone: spec/1
isa: alike
version: 1.0.0
title: Templates that are alike
machine:
  registers: {of: u64, count: 4, prefix: r}
  locals: {of: u64, count: 4, prefix: r}
code: {decode: sweep, end: halt}
operands:
  near: {raw: i16, is: label, value: next + raw}
instructions:
  WIDE: {enc: "0x01 v:i16", asm: "mov {v}", do: "reg[0] = wrap(u64, i64(v))", doc: d}
  NARROW: {enc: "0x02 v:i8", asm: ["mov {v}", "narrow {v}"], do: "reg[1] = wrap(u64, i64(v))", doc: d}
  LOCAL: {enc: "0x03 v:u8 as local", asm: "ld {v}", do: "local[v] = 2", doc: d}
  REG: {enc: "0x04 v:u8 as reg", asm: "ld {v}", do: "reg[v] = 2", doc: d}
  MINUS: {enc: "0x05 v:u8 w:i8", asm: "h {v}-{w}", do: "reg[0] = u64(v) ^ wrap(u64, i64(w))", doc: d}
  SIGN: {enc: "0x06 v:u8 w:i8", asm: "h {v}{w:+}", do: "reg[0] = u64(v) ^ wrap(u64, i64(w))", doc: d}
  ANY: {enc: "0x07 v:i8", asm: "sub {v}", do: "reg[0] = wrap(u64, i64(v))", doc: d}
  FIVE: {enc: "0x08", asm: "sub 5", do: "reg[0] = 1", doc: d}
  SIX: {enc: "0x09", asm: "add 6", do: "reg[0] = 1", doc: d}
  SOME: {enc: "0x0a v:i8", asm: "add {v}", do: "reg[0] = wrap(u64, i64(v))", doc: d}
  COLON: {enc: "0x0b v:u8 t:near", asm: "k {v},{t}:x", do: "goto t if v == 0", doc: d}
  LABEL: {enc: "0x0c v:u8", asm: "l {v}: l", do: "reg[0] = u64(v)", doc: d}
  PLAIN: {enc: "0x0d v:u8", do: "reg[0] = u64(v)", doc: d}
"#;

#[test]
fn a_text_that_would_be_read_as_another_instruction_is_not_written() {
    let isa = machines::load(ALIKE);
    let plain = |code: &[u8]| text(&isa, code, Style::Plain);
    let bytes_of = |code: &[u8]| code.iter().map(|byte| format!(".byte 0x{byte:02X}\n")).collect();
    let cases: [(&[u8], Option<&str>); 14] = [
        (&[1, 5, 0], Some("mov 5")),
        (&[2, 5], None),
        (&[3, 1], Some("ld r1")),
        (&[4, 1], None),
        (&[5, 1, 2], Some("h 1-2")),
        (&[6, 1, 2], Some("h 1+2")),
        (&[6, 1, 0xfe], None),
        (&[5, 1, 0xfe], Some("h 1--2")),
        (&[7, 5], Some("sub 5")),
        (&[8], None),
        (&[10, 6], None),
        (&[10, 7], Some("add 7")),
        (&[12, 5], Some("l 5: l")),
        (&[13, 5], Some("PLAIN 5")),
    ];
    for (code, expected) in cases {
        let expected = expected.map_or_else(|| bytes_of(code), |text| format!("{text}\n"));
        assert_eq!(plain(code), expected);
        assert_eq!(bytes(&isa, &expected), code, "{expected}");
    }
    assert_eq!(plain(&[11, 1, 0xfc, 0xff]), "L0:\nk 1,L0:x\n");
    assert_eq!(text(&isa, &[8], Style::Annotated), "    .byte 0x08                  ;    0  08\n");
    check(300, |choices: Choices| {
        let isa = machines::load(ALIKE);
        let codec = Codec::new(&isa);
        assert_round_trip(&codec, &choose_bytes(&codec, &choices));
    });
}

#[test]
fn lists_stand_in_brackets() {
    let isa = machines::built_in("wide");
    let source = "NOP\nTABLESWITCH c, -1, 1, [a, b, @30]\na: RETURN\nb: RETURN\nc: RETURN";
    let code = bytes(&isa, source);
    assert_eq!(code[..12], [0, 0xaa, 0, 0, 0, 0, 0, 29, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(code[12..], [0, 0, 0, 1, 0, 0, 0, 27, 0, 0, 0, 28, 0, 0, 0, 29, 0xb1, 0xb1, 0xb1]);
    let expected = "NOP\nTABLESWITCH L30, -1, 1, [L28, L29, L30]\n\
                    L28:\nRETURN\nL29:\nRETURN\nL30:\nRETURN\n";
    assert_eq!(text(&isa, &code, Style::Plain), expected);
    let cases = [
        (
            "TABLESWITCH @0, 1, 2, [@0]",
            "line 1, column 1: expected a list of 2, found 1 element; `n = i64(high) - i64(low) + 1; 1 <= n`",
        ),
        (
            "TABLESWITCH @0, 1, 0, []",
            "line 1, column 1: expected operands of `TABLESWITCH` that fit one another; `n = i64(high) - i64(low) + 1; 1 <= n`",
        ),
        (
            "TABLESWITCH @0, 1, 1, @0",
            "line 1, column 23: expected a list, as in `[a, b]`, found `@0`",
        ),
        (
            "TABLESWITCH @0, 1, 1, [@0",
            "line 1, column 26: expected `,` or `]`, found the end of the text",
        ),
        (
            "TABLESWITCH @0, 1, 1, [@0,]",
            "line 1, column 27: expected an element of the list, found `]`",
        ),
        (
            "TABLESWITCH @0, 1, 1",
            "line 1, column 1: expected 4 operands of `TABLESWITCH`, found 3; the form is `TABLESWITCH default, low, high, [targets]`",
        ),
        (
            "TABLESWITCH @0, 1, 1, [x]",
            "line 1, column 24: expected a label that is defined, found `x`",
        ),
        ("BIPUSH [1]", "line 1, column 8: expected an operand, found `[`"),
        ("]", "line 1, column 1: expected a mnemonic, a directive or a label, found `]`"),
    ];
    for (text, expected) in cases {
        assert_eq!(errors(&isa, text), expected);
    }
}
