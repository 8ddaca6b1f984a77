//! The calculator language: what is parsed, what programs do, and what code comes of them.

use std::sync::LazyLock;

use bytestone_lang::calc::{self, Compiled};
use bytestone_lang::{CompileError, Pass, Passes, SourceErrorKind, limits};
use bytestone_spec::Isa;
use bytestone_vm::Outcome;
use bytestone_vm::asm::{Style, disassemble};
use bytestone_vm::codec::Codec;
use bytestone_vm::value::Value;

use crate::support::{Tally, built_in, check, made, run, selections, source};

const MACHINES: [&str; 6] =
    ["calculator", "calculator-eoc", "stack", "stack-fused", "register", "register-lua"];

fn compiled(isa: &Isa, text: &str, passes: Passes) -> Compiled {
    calc::compile(&source(text), isa, passes).unwrap_or_else(|error| panic!("{error}"))
}

fn mnemonics(isa: &Isa, text: &str, passes: Passes) -> Vec<String> {
    let codec = Codec::new(isa);
    let program = codec.decode(&compiled(isa, text, passes).emitted.code).unwrap();
    program.insns().iter().map(|insn| isa.instruction(insn.id).name.clone()).collect()
}

fn assembly(machine: &str, text: &str, passes: Passes) -> String {
    let isa = built_in(machine);
    let codec = Codec::new(&isa);
    let code = compiled(&isa, text, passes).emitted.code;
    disassemble(&codec, &code, Style::Plain).unwrap().to_string()
}

fn errors(text: &str) -> String {
    calc::parse(&source(text)).expect_err("there are errors").to_string()
}

/// The listing that the description of the calculator prints, with the slots of the letters.
#[test]
fn the_documented_program_compiles_to_the_documented_code() {
    let text = "x = 10\ny = 3\nz = x + y * 2\nprint z\n";
    let compiled = compiled(&built_in("calculator"), text, Passes::NONE);
    let expected = [
        &[0x01, 0x0a, 0, 0, 0, 0x08, 23][..],
        &[0x01, 0x03, 0, 0, 0, 0x08, 24],
        &[0x07, 23, 0x07, 24, 0x01, 0x02, 0, 0, 0, 0x05, 0x03, 0x08, 25],
        &[0x07, 25, 0x09, 0x00],
    ];
    assert_eq!(compiled.emitted.code, expected.concat());
    assert_eq!(compiled.emitted.max_stack, 3);
    let lines: Vec<_> = compiled.emitted.lines.entries().iter().map(|it| it.line).collect();
    assert_eq!(lines, [1, 2, 3, 4]);
    assert_eq!(compiled.emitted.lines.line_at(14 + 4), Some(3));
}

#[test]
fn an_expression_alone_is_the_result_of_the_program() {
    let isa = built_in("calculator-eoc");
    let compiled = compiled(&isa, "3 + 5 * 2", Passes::NONE);
    assert_eq!(compiled.emitted.code, [1, 3, 0, 0, 0, 1, 5, 0, 0, 0, 1, 2, 0, 0, 0, 5, 3]);
    let (outcome, state) = run(&isa, &compiled.emitted.code);
    assert_eq!((outcome, state.stack().map(|it| number(&it)).collect()), (Outcome::Halt, vec![13]));

    assert_eq!(
        errors("1 + 2\nprint 3"),
        "line 1, column 1: expected an assignment or `print`; an expression alone must come last"
    );
    let error = calc::compile(&source("x = 1\n1 + x"), &built_in("register"), Passes::ALL);
    assert!(error.unwrap_err().to_string().starts_with("line 2, column 1: the machine has no"));
}

#[test]
fn operators_bind_as_in_arithmetic() {
    for (text, expected) in [
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("10 - 4 - 3", 3),
        ("100 / 5 / 2", 10),
        ("-2 * -3", 6),
        ("- (2 + 3) + 1", -4),
        ("--5", 5),
        ("7 / 2 * 2", 6),
        ("-7 / 2", -3),
        ("-2147483648 / -1", i32::MIN),
        ("2147483647 + 1", i32::MIN),
        ("0 - -2147483648", i32::MIN),
    ] {
        let program = calc::parse(&source(&format!("print {text}"))).unwrap();
        assert_eq!(calc::evaluate(&program).output, [expected], "{text}");
    }
}

#[test]
fn statements_end_with_lines_or_semicolons_and_comments_are_skipped() {
    let text = "# nothing\n\n;;x = 1;y = x # rest ; print 9\r\n\tprint x+y;";
    assert_eq!(calc::evaluate(&calc::parse(&source(text)).unwrap()).output, [2]);
    assert!(calc::parse(&source("")).unwrap().statements.is_empty());
}

#[test]
fn all_errors_of_a_source_are_reported() {
    let text = "xy = 1\nprint\nz = 99999999999 + 2147483648\né = 1 +\nprint (1 + 2\nq = 1 2\nprint -2147483648 + $$\nx = = 3\n= 4";
    assert_eq!(
        errors(text),
        "\
line 1, column 1: expected a variable from `a` to `z`, found `xy`
line 2, column 6: expected a value, found the end of the line
line 3, column 5: expected a number from -2147483648 to 2147483647, found 99999999999
line 3, column 19: expected a number from -2147483648 to 2147483647, found 2147483648
line 4, column 1: `é` means nothing here
line 4, column 3: expected a value, found `=`
line 5, column 13: expected `)`, found the end of the line
line 6, column 7: expected the end of the statement, found `2`
line 7, column 21: `$$` means nothing here
line 7, column 23: expected a value, found the end of the line
line 8, column 5: expected a value, found `=`
line 9, column 1: expected a value, found `=`"
    );
}

#[test]
fn nesting_and_rows_of_operators_have_a_limit() {
    let limit = limits::TREE_HEIGHT as usize;
    let nested = |levels: usize| "(".repeat(levels) + "1" + &")".repeat(levels);
    let row = |terms: usize| vec!["1"; terms].join("+");
    let negated = |signs: usize| "-".repeat(signs) + "a";
    for (text, much) in [
        (nested(limit - 1), nested(limit)),
        (row(limit), row(limit + 1)),
        (negated(limit - 1), negated(limit)),
    ] {
        assert!(calc::parse(&source(&text)).is_ok());
        assert!(errors(&much).contains("nested deeper than 256 levels"));
    }
    // However much there is, it is refused and no more.
    for text in [nested(1 << 20), row(1 << 20), negated(1 << 20), "(".repeat(1 << 20)] {
        assert!(errors(&text).contains("nested deeper"));
    }
}

#[test]
fn sources_and_their_errors_have_limits() {
    let long = vec![b' '; limits::SOURCE_BYTES + 1];
    let error = bytestone_lang::Source::new(long).unwrap_err();
    assert!(matches!(error.errors[0].kind, SourceErrorKind::TooLong { .. }));
    let error = calc::parse(&source(&"=\n".repeat(limits::ERRORS + 7))).unwrap_err();
    assert_eq!((error.errors.len(), error.omitted), (limits::ERRORS, 7));
}

#[test]
fn a_division_by_zero_traps_with_every_pass() {
    for machine in MACHINES {
        let isa = built_in(machine);
        for passes in selections() {
            let compiled = compiled(&isa, "print 1\nprint 1 / 0\nprint 2", passes);
            let (outcome, state) = run(&isa, &compiled.emitted.code);
            let Outcome::Trap { trap, at } = outcome else { panic!("{outcome:?}") };
            assert_eq!(isa.trap(trap).name, "div_by_zero");
            assert_eq!(compiled.emitted.lines.line_at(at), Some(2));
            assert_eq!(state.output().map(|it| number(&it)).collect::<Vec<_>>(), [1]);
        }
    }
}

#[test]
fn folding_leaves_constants_and_the_peephole_removes_what_does_nothing() {
    let isa = built_in("calculator");
    let text = "x = 2 * 3 + 4; print (x + 0) * 1 / 1 - 0; x = x";
    let fold = Passes::NONE.with(Pass::Fold);
    let short = ["PUSH", "STORE", "LOAD", "PRINT", "HALT"];
    assert_eq!(mnemonics(&isa, text, Passes::ALL), short);
    assert_eq!(mnemonics(&isa, text, fold).len(), short.len() + 10);
    assert_eq!(
        assembly("register", "x = 1; y = x; x = y; x = x; print x", Passes::ALL),
        "LOAD R0, 1\nMOVE R1, R0\nPRINT R0\nHALT\n"
    );
}

#[test]
fn registers_hold_variables_and_what_is_computed() {
    assert_eq!(
        assembly("register", "z = x + y * 100000\nprint -z / (x - y)", Passes::NONE),
        "LOAD R3, -31072\nLOADH R3, 1\nMUL R3, R2, R3\nADD R0, R1, R3\n\
         NEG R3, R0\nSUB R4, R1, R2\nDIV R3, R3, R4\nPRINT R3\nHALT\n"
    );
    // The deeper side first: two registers are enough for any row.
    let right = "print 1+(2+(3+(4+(5+(6+(7+8))))))";
    assert!(!assembly("register", right, Passes::NONE).contains("R2"));
}

#[test]
fn what_does_not_fit_a_machine_is_refused_with_its_place() {
    let register = built_in("register");
    let many: String = ('a'..='q').map(|name| format!("{name} = 1\n")).collect();
    let error = calc::compile(&source(&many), &register, Passes::ALL).unwrap_err();
    let expected = "17 variables and this expression need more than 16 registers";
    assert_eq!(error.to_string(), format!("line 17, column 1: {expected}"));

    fn balanced(depth: u32) -> String {
        if depth == 0 {
            return "x".replace('x', "1");
        }
        format!("({} + {})", balanced(depth - 1), balanced(depth - 1))
    }
    let text = format!("print {}", balanced(16));
    assert!(calc::compile(&source(&text), &register, Passes::NONE).is_err());
    assert!(calc::compile(&source(&text), &register, Passes::ALL).is_ok());

    // 255 levels of an open left operand: nothing is left of the limits of tree and stack.
    let deep = |levels: usize| "1 + (".repeat(levels) + "x" + &")".repeat(levels);
    let isa = built_in("calculator");
    assert!(calc::compile(&source(&deep(255)), &isa, Passes::ALL).is_ok());
    let error = calc::compile(&source("1"), &built_in("loop"), Passes::ALL).unwrap_err();
    assert!(matches!(error, CompileError::NoTarget { .. }));
}

/// The number that a cell holds.
fn number(value: &Value) -> i32 {
    value.int().and_then(|value| value.try_into().ok()).expect("cells hold such numbers")
}

/// What is there of a compiled run to compare with the evaluator's outcome.
fn ran(isa: &Isa, compiled: &Compiled) -> calc::Outcome {
    let (outcome, state) = run(isa, &compiled.emitted.code);
    let mut variables = [0; 26];
    let bank = isa.banks().next().unwrap();
    for (variable, cell) in &compiled.variables {
        let value = state.cell(bank, u64::from(*cell)).unwrap().int().unwrap();
        variables[usize::from(variable.index())] = value as i32;
    }
    let result = (outcome == Outcome::Halt).then(|| state.stack().next().map(|it| number(&it)));
    calc::Outcome {
        output: state.output().map(|value| number(&value)).collect(),
        variables,
        result: result.flatten(),
        trap: (outcome != Outcome::Halt).then_some(calc::DivByZero),
    }
}

#[test]
fn programs_do_the_same_evaluated_and_compiled_with_any_passes() {
    static MACHINES: LazyLock<Vec<Isa>> =
        LazyLock::new(|| super::calc::MACHINES.into_iter().map(built_in).collect());
    static TALLY: Tally<3> = Tally::new();

    fn property(entropy: Vec<u8>) {
        let text = made(&entropy, calc::generate::program).to_string();
        let source = source(&text);
        let program = calc::parse(&source).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        assert_eq!(program.to_string(), text);
        let expected = calc::evaluate(&program);
        if expected.trap.is_some() {
            TALLY.count(2);
        }
        for (isa, passes) in MACHINES.iter().flat_map(|isa| selections().map(move |it| (isa, it))) {
            TALLY.count(0);
            match calc::compile(&source, isa, passes) {
                Ok(compiled) => {
                    let found = ran(isa, &compiled);
                    assert_eq!(found, expected, "{} {passes:?}\n{text}", isa.name());
                }
                Err(CompileError::Source(_)) if isa.machine().stack.is_none() => {
                    TALLY.count(1);
                }
                Err(error) => panic!("{error}\n{text}"),
            }
        }
    }
    check(400, 300, property as fn(Vec<u8>));
    let [tried, refused, trapped] = TALLY.counts();
    assert!(refused * 3 < tried, "{refused} of {tried} were refused");
    assert!((20..200).contains(&trapped), "{trapped} of 400 trapped");
}

#[test]
fn no_text_makes_the_parser_or_the_compiler_panic() {
    const WORDS: [&str; 16] = [
        "x",
        "=",
        "print",
        "1",
        "(",
        ")",
        "+",
        "-",
        "*",
        "/",
        ";",
        "\n",
        "$",
        "2147483648",
        "#",
        "é",
    ];
    fn property(choices: Vec<u8>) -> bool {
        let words = choices.iter().map(|&choice| WORDS[usize::from(choice) % WORDS.len()]);
        let source = source(&words.collect::<Vec<_>>().join(" "));
        let compiled = calc::compile(&source, &built_in("calculator"), Passes::ALL);
        calc::parse(&source).is_ok() == compiled.is_ok()
    }
    check(500, 60, property as fn(Vec<u8>) -> bool);
}
