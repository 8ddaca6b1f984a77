//! Modules as assembly text.

use arbitrary::Unstructured;
use bytestone_spec::Isa;
use bytestone_vm::asm::{
    Assembled, Style, assemble, disassemble, disassemble_program, insn_text, write_insn,
};
use bytestone_vm::codec::Codec;
use bytestone_vm::generate::Generator;
use bytestone_vm::module::{Capture, Constant, Line, Module};
use bytestone_vm::{Reason, limits, verify};

use super::{NARROW, choose_module, codecs, example, example_bytes};
use crate::machines::{Choices, built_in, check, load};
use crate::support::entropy;

/// The text of the example in the documentation.
fn example_text() -> &'static str {
    let page = include_str!("../../../../docs/module.md");
    page.split_once("```module-text\n").unwrap().1.split_once("```").unwrap().0
}

fn assembled(isa: &Isa, text: &str) -> Assembled {
    assemble(&Codec::new(isa), text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn module(isa: &Isa, text: &str) -> Module {
    Module::read_for(isa, &assembled(isa, text).bytes).unwrap()
}

/// The errors of a text, as people read them.
fn errors(isa: &Isa, text: &str) -> String {
    assemble(&Codec::new(isa), text).expect_err("the text has errors").to_string()
}

#[track_caller]
fn assert_round_trip(codec: &Codec<'_>, bytes: &[u8]) {
    for style in [Style::Plain, Style::Annotated] {
        let text = disassemble(codec, bytes, style).unwrap().to_string();
        let assembled = assemble(codec, &text).unwrap_or_else(|errors| panic!("{text}\n{errors}"));
        assert_eq!(assembled.bytes, bytes, "\n{text}");
    }
}

#[test]
fn the_example_of_the_documentation_has_a_text() {
    let script = built_in("script");
    let codec = Codec::new(&script);
    let bytes = example_bytes();
    let disassembly = disassemble(&codec, &bytes, Style::Plain).unwrap();
    assert_eq!(disassembly.to_string(), example_text());
    assert_eq!(disassembly.faults(), None);
    let assembled = assembled(&script, example_text());
    assert_eq!(assembled.bytes, bytes);
    assert_eq!(assembled.code, 141..180);
    let line = |offset| assembled.statement_at(offset).map(|place| place.line);
    assert_eq!([line(0), line(9), line(20), line(27)], [Some(4), Some(5), Some(9), Some(13)]);
    assert_eq!((line(38), line(39)), (Some(16), None));

    let program = codec.decode(&bytes).unwrap();
    let annotated = disassemble_program(&codec, &program, Style::Annotated).to_string();
    let lines: Vec<_> = annotated.lines().collect();
    assert_eq!(lines[0], ".func main locals=1             ; function 0, stack 2");
    assert_eq!(lines[3], "    PUSH_CONSTANT 3.5           ;    0  00 00 00 00 00");
    assert_eq!(lines[11..13], ["", ".func add arity=1 captures=[local 0] ; function 1, stack 2"]);
    let insns: Vec<_> = (0..4).map(|at| insn_text(&script, &program, at)).collect();
    assert_eq!(insns, ["PUSH_CONSTANT 3.5", "STORE_VAR 0", "CLOSURE add", "PUSH_CONSTANT \"sum\""]);
}

#[test]
fn every_part_of_a_module_has_a_text() {
    let script = built_in("script");
    let text = "
        .const nil, true ; two of them
        .const \"a;b,\\\"c\\\"\\u0041\" , -0
        .func main stack=7 locals=0x2 arity=0
        .name 1 \"two words\"
        again:
            .line 3
            PUSH_CONSTANT true
            JUMP_IF_FALSE end ; to the label of this function
            CLOSURE #1
            CLOSURE later
            PUSH_CONSTANT #9
            LOAD_GLOBAL \"x\"
            LOOP again
        end: PUSH_CONSTANT 1e21
        RETURN
        .func \"later\" arity=1 captures=[ ]
        .func later captures=[local 4294967295, upvalue 0,local 1]
        end: LOOP end
        .line 0x7
        .byte 0x1F
    ";
    let module = module(&script, text);
    let string = |text: &str| Constant::Str(text.into());
    assert_eq!(
        module.constants,
        [
            Constant::Unit,
            Constant::Bool(true),
            string("a;b,\"c\"A"),
            Constant::float(-0.0),
            string("x"),
            Constant::float(1e21),
        ]
    );
    let [main, later, last] = &module.functions[..] else { panic!("{module:?}") };
    assert_eq!((&*main.name, main.arity, main.locals, main.max_stack), ("main", 0, 2, 7));
    assert_eq!(main.lines, [Line { offset: 0, line: 3 }]);
    assert_eq!(main.local_names, ["".into(), "two words".into()]);
    assert_eq!((&*later.name, later.arity, later.locals, later.len), ("later", 1, 1, 0));
    assert_eq!(last.captures, [Capture::Local(u32::MAX), Capture::Upvalue(0), Capture::Local(1)]);
    assert_eq!(last.lines, [Line { offset: 5, line: 7 }]);
    assert_eq!(module.code[10..20], [0x26, 0, 0, 0, 1, 0x26, 0, 0, 0, 2]);
    assert_eq!(module.code[5..10], [0x15, 0, 0, 0, 25]);
    assert_eq!(module.code[30..35], [0x25, 0, 0, 0, 35]);
    assert_eq!(module.code[41..46], [0x25, 0, 0, 0, 5]);
}

#[test]
fn the_depth_of_the_stack_is_computed() {
    let script = built_in("script");
    let depth = |code: &str| {
        module(&script, &format!(".func a\nRETURN\n.func f locals=2\n{code}")).functions[1]
            .max_stack
    };
    assert_eq!(depth(""), 0);
    assert_eq!(depth("LOAD_VAR 0\nRETURN"), 1);
    assert_eq!(depth("LOAD_VAR 0\nDUP\nDUP\nPOP\nADD\nRETURN"), 3);
    assert_eq!(depth("LOAD_VAR 0\nDUP\nDUP\nNEW_ARRAY 3\nDUP\nRETURN"), 3);
    assert_eq!(depth("CLOSURE f\nLOAD_VAR 0\nLOAD_VAR 1\nCALL 2\nRETURN"), 3);
    // On the other way, which is met only by the jump; and what comes behind it is not come to.
    let code = "LOAD_VAR 0\nJUMP_IF_TRUE on\nHALT\nDUP\non: LOAD_VAR 0\nDUP\nRETURN\nDUP";
    assert_eq!(depth(code), 2);
    // Ways that go wrong are not followed further.
    assert_eq!(depth("POP\nLOAD_VAR 0\nRETURN"), 0);
    assert_eq!(depth("LOAD_VAR 0\nNEW_ARRAY 4294967295\nDUP"), 1);
    assert_eq!(depth("a: LOAD_VAR 0\nLOOP a"), 1);
    assert_eq!(depth("LOAD_VAR 0\n.byte 0xFF\nDUP"), 1);
    assert_eq!(depth(&"LOAD_VAR 0\n".repeat(300)), 256);
    let narrow = load(NARROW);
    let text = ".func f\nCONST 7\nTWO\nDROP 2\nCONST 7\nJMP @4\n";
    assert_eq!(module(&narrow, text).functions[0].max_stack, 2);
}

#[test]
fn constants_are_written_as_values() {
    let narrow = load(NARROW);
    let text = ".func f\nCONST 0x10\nCONST -32768\nTEXT \"\"\nCONST none\nCONST 16\nCONST #0\nTEXT #-128\nCONST #300\nRET\n";
    let module = module(&narrow, text);
    assert_eq!(
        module.constants,
        [Constant::Int(16), Constant::Int(-32768), Constant::Str("".into()), Constant::Unit]
    );
    assert_eq!(module.code, [1, 1, 1, 2, 2, 3, 1, 4, 1, 1, 1, 0, 2, 0x80, 1, 0xac, 2, 8]);
    let bytes = module.write().unwrap();
    let codec = Codec::new(&narrow);
    let plain = disassemble(&codec, &bytes, Style::Plain).unwrap().to_string();
    assert_eq!(plain, text.replace("0x10", "16"));
    // A constant of another variant is named by its number, and so is the second of equal ones.
    let text = ".const 5, \"a\", 5\n.func f\nTEXT #1\nCONST #3\nCONST 5\nTEXT \"a\"\n";
    let assembled = assembled(&narrow, text);
    let plain = disassemble(&codec, &assembled.bytes, Style::Plain).unwrap().to_string();
    assert_eq!(plain, text.replace(", ", "\n.const "));
    let program = codec.decode(&assembled.bytes).unwrap();
    let mut row = String::new();
    (0..4).for_each(|at| write_insn(&mut row, &narrow, &program, at));
    assert_eq!(row, "TEXT 5CONST 5CONST 5TEXT \"a\"");
}

#[test]
fn labels_belong_to_their_function() {
    let narrow = load(NARROW);
    let text = ".func f\nL0:\nNEAR L0\nJMP @4\n.func g\nJMP @5\nL8:\nNEAR @0\nNEAR L8\n";
    let assembled = assembled(&narrow, text);
    assert_eq!(
        &assembled.bytes[assembled.code.clone()],
        [4, 0, 3, 2, 0, 3, 0, 0, 4, 0x78, 4, 0x7e]
    );
    let codec = Codec::new(&narrow);
    let plain = disassemble(&codec, &assembled.bytes, Style::Plain).unwrap().to_string();
    assert_eq!(plain, text.replace("JMP @5", "L5:\nJMP L5"));
    assert_eq!(
        errors(&narrow, ".func f\na: RET\n.func g\nNEAR a\nJMP @4\nJMP @1\nnear: NEAR naer\n"),
        "line 4, column 6: expected a label that is defined, found `a`\n\
         line 7, column 12: expected a label that is defined, found `naer`; did you mean `near`?"
    );
    assert_eq!(
        errors(&narrow, ".func f\nRET\n.func g\nJMP @4\nJMP @0\n"),
        "line 4, column 5: expected a target that is a multiple of 2 away from offset 1, found @4; @3 and @5 can be reached\n\
         line 5, column 5: expected a target from @1 to @131071, found @0"
    );
}

#[test]
fn all_errors_of_modules_are_reported() {
    let script = built_in("script");
    let text = "\
PUSH_CONSTANT 1
POP
.func
.func 1x
.func f arity=-1 locals=a
.func g arty=1
.func h arity=1 arity=2
.func i captures=[local 0 upvalue 1]
.func j captures=[global 0]
.func k $
.func f
.func \"\\q\"
.func l locals=65537
PUSH_CONSTANT bare
PUSH_CONSTANT niil
PUSH_CONSTANT \"\\x\"
LOAD_GLOBAL name
LOAD_GLOBAL 5
CLOSURE g2
CLOSURE 5
CLOSURE #4294967296
LOAD_VAR \"0\"
.const
.const 1 2
.fun m
.line 0
.line x
.line 4
.line 5
.func m locals=1
.line 6 7
POP
.name 1 \"x\"
.name 0 x
.name 0 \"x\"
.name 0 \"y\"
\"text\"
.line 8
";
    let name = "the name of the function (letters, digits and `_`, or any text in quotes)";
    let value = "a number, a string in quotes, `true`, `false`";
    let expected = [
        "line 1, column 1: expected `.func` before the first instruction; begin with `.func main`".to_owned(),
        format!("line 3, column 6: expected {name}, found the end of the line"),
        format!("line 4, column 7: expected {name}, found `1x`"),
        "line 5, column 15: expected a number from 0 to 65536, found -1".to_owned(),
        "line 6, column 9: expected `arity=`, `locals=`, `stack=` or `captures=`, found `arty`; did you mean `arity`?".to_owned(),
        "line 7, column 17: expected each setting of a function once, found a second one".to_owned(),
        "line 8, column 27: expected `,` or `]`, found `upvalue`".to_owned(),
        "line 9, column 19: expected `local N` or `upvalue N`, found `global`".to_owned(),
        "line 10, column 9: expected `arity=`, `locals=`, `stack=`, `captures=` or the end of the line, found `$`".to_owned(),
        "line 11, column 7: expected a new function name, found `f`, which is that of function 2; a name in quotes may be there twice".to_owned(),
        "line 12, column 7: expected an escape of JSON, found `\"\\q\"`".to_owned(),
        "line 13, column 16: expected a number from 0 to 65536, found 65537".to_owned(),
        format!("line 14, column 15: expected {value} or `nil`, found `bare`; a string is written \"bare\""),
        format!("line 15, column 15: expected {value} or `nil`, found `niil`; did you mean `nil`?"),
        "line 16, column 15: expected an escape of JSON, found `\"\\x\"`".to_owned(),
        format!("line 17, column 13: expected {value} or `nil`, found `name`; a string is written \"name\""),
        "line 18, column 13: expected a constant that is a `str`, found `5`".to_owned(),
        "line 19, column 9: expected the name of a function, found `g2`; did you mean `g`?".to_owned(),
        "line 20, column 9: expected the name of a function or `#INDEX`, found `5`".to_owned(),
        "line 21, column 9: expected a number from 0 to 4294967295, found 4294967296".to_owned(),
        "line 22, column 10: expected a number, found `\"0\"`".to_owned(),
        "line 23, column 7: expected a constant, found the end of the line".to_owned(),
        "line 24, column 10: expected `,` or the end of the line, found `2`".to_owned(),
        "line 25, column 1: expected a directive (`.byte`, `.const`, `.func`, `.line`, `.name`), found `.fun`; did you mean `.func`?".to_owned(),
        "line 26, column 7: expected a number from 1 to 4294967295, found 0".to_owned(),
        "line 27, column 7: expected a number, found `x`".to_owned(),
        "line 28, column 1: expected an instruction of the function after `.line`".to_owned(),
        "line 29, column 1: expected an instruction of the function after `.line`".to_owned(),
        "line 31, column 9: expected the end of the line, found `7`".to_owned(),
        "line 33, column 7: expected a number from 0 to 0, found 1".to_owned(),
        "line 34, column 9: expected a name in quotes, found `x`".to_owned(),
        "line 36, column 1: expected the name of a variable once, found a second one".to_owned(),
        "line 37, column 1: expected a mnemonic, a directive or a label, found `\"text\"`".to_owned(),
        "line 38, column 1: expected an instruction of the function after `.line`".to_owned(),
    ];
    let found = errors(&script, text);
    for (found, expected) in found.lines().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.len(), "{found}");
}

#[test]
fn rules_of_the_format_are_rules_of_the_text() {
    let script = built_in("script");
    let start = "line 1, column 1: expected a module, found that ";
    for (text, error) in [
        (".const 1\n", "a module has at least one function"),
        (".func f arity=1", "the first function takes no arguments and captures nothing"),
        (
            ".func f captures=[local 0]",
            "the first function takes no arguments and captures nothing",
        ),
        (".func f\n.func g arity=2 locals=1", "1 local variables do not hold 2 arguments"),
    ] {
        assert_eq!(errors(&script, text), format!("{start}{error}"), "{text}");
    }
    let many = format!(".func f\n{}", ".func \"\"\n".repeat(65536));
    let error = "65537 functions, more than the 65536 that are taken";
    assert_eq!(errors(&script, &many), format!("{start}{error}"));
    assert_eq!(
        errors(&script, ".byte 1\n.func f\nPOP"),
        "line 1, column 1: expected `.func` before the first byte"
    );
    let narrow = load(NARROW);
    assert_eq!(
        errors(&narrow, ".func f\n.func g captures=[local 0]"),
        "line 2, column 18: expected a number from 0 to 0, found 1"
    );
    let mut text = ".func f\n".to_owned();
    (0..128).for_each(|number| text.push_str(&format!("TEXT \"{number}\"\n")));
    assert_eq!(
        errors(&narrow, &text),
        "line 129, column 6: expected a constant with a number up to 127, found one with the number 128"
    );
    let stack = built_in("stack");
    assert_eq!(
        errors(&stack, ".func f\n"),
        "line 1, column 1: expected the directive `.byte`, found `.func`"
    );
}

#[test]
fn what_is_no_module_is_bytes() {
    let script = built_in("script");
    let codec = Codec::new(&script);
    let disassembly = disassemble(&codec, b"BYTS\x02\xff", Style::Annotated).unwrap();
    assert_eq!(
        disassembly.to_string(),
        "    .byte 0x42                  ;    0  42\n    .byte 0x59                  ;    1  59\n    .byte 0x54                  ;    2  54\n    .byte 0x53                  ;    3  53\n    .byte 0x02                  ;    4  02  bad_version\n    .byte 0xFF                  ;    5  ff\n"
    );
    assert_eq!(disassembly.faults().unwrap().faults[0].reason, Reason::BadVersion);
    assert_round_trip(&codec, b"BYTS\x02\xff");
    assert_round_trip(&codec, b"");
    // Where a line starts within an instruction, the instruction is not seen.
    let mut bytes = example_bytes();
    bytes[81] = 7;
    let plain = disassemble(&codec, &bytes, Style::Plain).unwrap();
    assert_eq!(plain.faults().unwrap().faults[0].at, 81);
    let cut = "PUSH_CONSTANT 3.5\n.byte 0x11\n.byte 0x00\n.line 2\nPUSH_CONSTANT #9728\n";
    assert!(plain.to_string().contains(cut), "{plain}");
    assert_round_trip(&codec, &bytes);
    // Code that is none stands as bytes in its function.
    let mut module = example();
    module.code[5] = 0xee;
    let bytes = module.write().unwrap();
    let plain = disassemble(&codec, &bytes, Style::Plain).unwrap();
    assert!(plain.to_string().contains("PUSH_CONSTANT 3.5\n.byte 0xEE\n"), "{plain}");
    assert_eq!(plain.faults().unwrap().faults[0].at, 5);
    assert_round_trip(&codec, &bytes);
    let long = vec![0; limits::CODE_BYTES + 1];
    assert!(disassemble(&codec, &long, Style::Plain).is_err());
}

#[test]
fn modules_come_back_from_their_text() {
    check(300, |choices: Choices| {
        for codec in codecs() {
            let module = choose_module(codec, &mut choices.0.iter().copied());
            let bytes = module.write().unwrap();
            assert_round_trip(codec, &bytes);
            let text = disassemble(codec, &bytes, Style::Plain).unwrap().to_string();
            assert!(text.starts_with(".func") || text.starts_with(".const"), "{text}");
            let mut damaged = bytes.clone();
            for damage in choices.0.iter().take(3) {
                let at = (damage / 256) as usize % damaged.len();
                damaged[at] = *damage as u8;
                assert_round_trip(codec, &damaged);
            }
            damaged.truncate(choices.0.len() % damaged.len());
            assert_round_trip(codec, &damaged);
        }
    });
}

#[test]
fn any_text_is_assembled_or_refused() {
    const PIECES: [&str; 28] = [
        ".func ",
        ".const ",
        ".line ",
        ".name ",
        ".byte ",
        "main",
        "\"a b\"",
        "\"",
        "\\",
        "3.5",
        "0",
        "#",
        "captures=[",
        "local 0",
        "]",
        ",",
        ":",
        ";",
        "\n",
        "\n",
        "=",
        "arity",
        "PUSH_CONSTANT ",
        "CLOSURE ",
        "JUMP ",
        "@",
        " ",
        "é",
    ];
    check(400, |choices: Choices| {
        let codec = &codecs()[0];
        let text: String =
            choices.0.iter().map(|choice| PIECES[*choice as usize % PIECES.len()]).collect();
        if let Ok(assembled) = assemble(codec, &text) {
            assert_round_trip(codec, &assembled.bytes);
        }
    });
    for first in PIECES {
        for second in PIECES {
            for third in PIECES {
                let _ = assemble(&codecs()[0], [".func f\n", first, second, third].concat());
            }
        }
    }
}

#[test]
fn the_depth_that_is_computed_is_the_one_that_the_verifier_finds() {
    let mut accepted = 0;
    for codec in codecs() {
        let generator = Generator::new(codec.isa());
        for seed in 0..200 {
            let Ok(generator) = &generator else { break };
            let bytes = generator.program(&mut Unstructured::new(&entropy(seed, 300)));
            let text = disassemble(codec, &bytes, Style::Plain).unwrap().to_string();
            let program = codec.decode(&assemble(codec, without_depths(&text)).unwrap().bytes);
            verify(codec.isa(), program.unwrap()).unwrap_or_else(|error| panic!("{error}\n{text}"));
            accepted += 1;
        }
    }
    assert!(accepted >= 200);
    check(300, |choices: Choices| {
        for codec in codecs() {
            let module = choose_module(codec, &mut choices.0.iter().copied());
            let text =
                disassemble(codec, &module.write().unwrap(), Style::Plain).unwrap().to_string();
            let assembled = assemble(codec, without_depths(&text)).unwrap();
            let program = codec.decode(&assembled.bytes).unwrap();
            let faults = verify(codec.isa(), program).map_or_else(|error| error.faults, |_| vec![]);
            // Code that is wrong in other ways may have no greatest depth.
            let is_sound = faults.iter().all(|fault| fault.reason == Reason::BadLimit);
            assert!(!is_sound || faults.is_empty(), "{text}");
        }
    });
}

/// A text without what it says of the depths of stacks.
fn without_depths(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(" stack=") {
        Some((start, rest)) => {
            start.to_owned() + rest.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
