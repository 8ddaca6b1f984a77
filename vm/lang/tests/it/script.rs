//! The script language: what is parsed, what programs do, and what code comes of them.

use std::sync::LazyLock;

use bytestone_lang::script::{self, End, Limits, Numbers};
use bytestone_lang::{CompileError, Pass, Passes, limits};
use bytestone_spec::Isa;
use bytestone_vm::Outcome;
use bytestone_vm::asm::{Style, disassemble};
use bytestone_vm::codec::Codec;
use bytestone_vm::module::{Capture, Constant};

use crate::support::{Tally, built_in, check, made, run, selections, source};

static ISA: LazyLock<Isa> = LazyLock::new(|| built_in("script"));

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ended {
    Halt,
    Returned(String),
    /// With the trap and the line.
    Trap(String, u32),
    Limit,
}

/// What a program prints and how it ends on the machine; `None` for values that are not shown in
/// full.
fn ran(text: &str, passes: Passes) -> (Vec<Option<String>>, Ended) {
    ran_on(&ISA, text, passes)
}

fn ran_on(isa: &Isa, text: &str, passes: Passes) -> (Vec<Option<String>>, Ended) {
    let module = script::compile(&source(text), isa, passes)
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    let (outcome, state) = run(isa, &module.write().unwrap());
    let end = match outcome {
        Outcome::Halt => match state.stack().next() {
            None => Ended::Halt,
            Some(value) => Ended::Returned(script::shown(&value).unwrap_or_default()),
        },
        Outcome::Trap { trap, at } => {
            let function = &module.functions[module.function_of(at).unwrap()];
            let line = function.line_at(at - function.start).unwrap();
            Ended::Trap(isa.trap(trap).name.clone(), line)
        }
        Outcome::Fuel | Outcome::OutputLimit => Ended::Limit,
    };
    (state.output().map(|value| script::shown(&value)).collect(), end)
}

/// What a program prints and how it ends, evaluated and compiled with any passes.
fn done(text: &str) -> (Vec<String>, Ended) {
    same(text, &selections().collect::<Vec<_>>())
}

/// What a program prints and how it ends, evaluated and compiled with each of `all` passes.
fn same(text: &str, all: &[Passes]) -> (Vec<String>, Ended) {
    let source = source(text);
    let program = script::parse(&source).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let outcome = script::evaluate(&program, Numbers::Float, Limits::default());
    let end = match outcome.end {
        End::Halt => Ended::Halt,
        End::Returned(value) => Ended::Returned(value),
        End::Trap { trap, at } => Ended::Trap(trap.to_string(), source.line(at.start)),
        End::Limit => return (outcome.output, Ended::Limit),
    };
    for &passes in all {
        let (found, found_end) = ran(text, passes);
        if matches!(&found_end, Ended::Trap(trap, _) if trap == "out_of_memory") {
            // The evaluator has more memory.
            return (outcome.output, Ended::Limit);
        }
        assert_alike(&found, &outcome.output, passes, text);
        assert_eq!(found_end, end, "{passes:?}\n{text}");
    }
    (outcome.output, end)
}

/// Asserts that what a machine printed is what the evaluator did, as far as it is shown in full.
fn assert_alike(found: &[Option<String>], expected: &[String], passes: Passes, text: &str) {
    assert_eq!(found.len(), expected.len(), "{passes:?}\n{text}");
    for (found, expected) in found.iter().zip(expected) {
        let found = found.as_ref().unwrap_or(expected);
        assert_eq!(found, expected, "{passes:?}\n{text}");
    }
}

/// What a program prints that ends as it should.
fn prints(text: &str) -> String {
    let (output, end) = done(text);
    assert_eq!(end, Ended::Halt, "{text}");
    output.join("\n")
}

fn trap(text: &str) -> String {
    match done(text).1 {
        Ended::Trap(trap, line) => format!("{trap} in line {line}"),
        other => panic!("{other:?}"),
    }
}

fn errors(text: &str) -> String {
    script::parse(&source(text)).expect_err("there are errors").to_string()
}

/// The mnemonics of function `number`.
fn mnemonics(text: &str, passes: Passes, number: usize) -> Vec<String> {
    let module = script::compile(&source(text), &ISA, passes).unwrap();
    let program = Codec::new(&ISA).decode(&module.write().unwrap()).unwrap();
    let insns = program.insns_of(number).unwrap();
    insns.map(|at| ISA.instruction(program.insns()[at].id).name.clone()).collect()
}

#[test]
fn values_are_computed_and_printed() {
    for (text, expected) in [
        ("print 1 + 2 * 3 - 4 / 8;", "6.5"),
        ("print 7 % 3; print -7 % 3; print 5.5 % 2;", "1\n-1\n1.5"),
        ("print 1 / 0; print -1 / 0; print 0 / 0; print -0;", "inf\n-inf\nnan\n-0"),
        (
            "print 0.1 + 0.2; print 1e21; print 1e-9; print 123456789; print 1e15; print 1e16; print 0.00001;",
            "0.30000000000000004\n1e21\n1e-9\n123456789\n1000000000000000\n1e16\n1e-5",
        ),
        ("print \"a\" + \"b\\n\\u00e9\"; print len(\"é🦀\");", "\"ab\\né\"\n2"),
        (
            "print \"a\" < \"b\"; print \"a\" < \"\"; print 1 <= 1; print 2 >= 3;",
            "true\nfalse\ntrue\nfalse",
        ),
        (
            "print 0 / 0 == 0 / 0; print 0 == -0; print nil == false; print \"1\" == 1;",
            "false\ntrue\nfalse\nfalse",
        ),
        ("print !nil; print !0; print !\"\"; print !!true;", "true\nfalse\nfalse\ntrue"),
        ("print nil || 1; print 0 && 2; print false && 3; print false || nil;", "1\n2\nfalse\nnil"),
        (
            "print [1, [2, \"x\"], []]; print {a: 1, \"b c\": nil, \"1\": true};",
            "[1 [2 \"x\"] []]\n{a: 1 \"b c\": nil \"1\": true}",
        ),
        ("print [] == []; let a = []; print a == a; print {} == {};", "false\ntrue\nfalse"),
        ("print len([1, 2]); print len({a: 1}); print {if: 1}.if;", "2\n1\n1"),
        ("print {a: {b: [5]}}.a.b[0]; print {a: 1}.c; print {a: 1}[\"a\"];", "5\nnil\n1"),
        ("let a = [1]; a[1] = a; print a; print [a, a];", "#0[1 #0]\n[#0[1 #0] #0]"),
        ("print function () {}; function f() {} print [f, f];", "fn 1\n[#0fn 2 #0]"),
    ] {
        assert_eq!(prints(text), expected, "{text}");
    }
}

#[test]
fn statements_do_what_they_say() {
    for (text, expected) in [
        ("let i = 0; while (i < 3) { print i; i = i + 1; }", "0\n1\n2"),
        (
            "for (let i = 0; i < 5; i = i + 1) { if (i == 1) continue; if (i == 3) break; print i; }",
            "0\n2",
        ),
        ("for (;;) { print 1; break; } for (let i = 2; i; ) { i = nil; print i; }", "1\nnil"),
        ("if (nil) print 1; else if (0) print 2; else print 3;", "2"),
        ("let x = 1; { let x = 2; { let x = 3; print x; } print x; } print x;", "3\n2\n1"),
        ("{ let x = 1; { let y = x; x = 2; print y; } let z; print z; }", "1\nnil"),
        ("{ let x = 1; let y = x; { let x = x + 1; print x; } }", "2"),
        ("x = 1; function f() { x = x + 1; y = x; } f(); print x + y;", "4"),
        (
            "let o = {}; o.a = 1; o[\"b\"] = 2; o.a = 3; print o; let a = []; a[0] = 1; a[0] = 2; print a;",
            "{a: 3 b: 2}\n[2]",
        ),
        (
            "let i = 0; while (i < 9) { i = i + 1; let j = i; while (true) { j = j - 1; if (j < 0) break; if (j > 1) continue; if (i > 2) break; print [i, j]; } }",
            "[1 0]\n[2 1]\n[2 0]",
        ),
    ] {
        assert_eq!(prints(text), expected, "{text}");
    }
}

#[test]
fn functions_are_called_and_capture_variables() {
    for (text, expected) in [
        ("function add(a, b) { return a + b; } print add(1, add(2, 3));", "6"),
        ("function none() {} print none(); function one() { return; } print one();", "nil\nnil"),
        (
            "function fact(n) { if (n < 2) return 1; return n * fact(n - 1); } print fact(10);",
            "3628800",
        ),
        ("{ function fact(n) { return n < 2 && 1 || n * fact(n - 1); } print fact(5); }", "120"),
        (
            "function counter() { let n = 0; return function () { n = n + 1; return n; }; } let a = counter(); let b = counter(); a(); a(); print [a(), b()];",
            "[3 1]",
        ),
        (
            "function pair() { let n = 0; return {get: function () { return n; }, set: function (x) { n = x; }}; } let p = pair(); p.set(7); print p.get();",
            "7",
        ),
        (
            "function outer() { let a = 1; function middle() { return function () { a = a * 2; return a; }; } let f = middle(); f(); return f() + a; } print outer();",
            "8",
        ),
        // There is one `j` for each call, not for each round.
        (
            "let all = []; function f() { for (let i = 0; i < 2; i = i + 1) { let j = i; all[i] = function () { j = j + 1; return j; }; } } f(); print all[0](); print all[1]();",
            "2\n3",
        ),
        // The slot of a captured variable is not used again.
        (
            "function f() { let g; { let a = 1; g = function () { return a; }; } { let b = 2; print b; } return g; } print f()();",
            "2\n1",
        ),
        (
            "print (function (f) { return f(f, 5); })(function (self, n) { if (n == 0) return \"\"; return \"x\" + self(self, n - 1); });",
            "\"xxxxx\"",
        ),
        (
            "let print_it = function (x) { print x; }; print_it(1); [print_it][0](2); ({f: print_it}).f(3);",
            "1\n2\n3",
        ),
        // Known from behind its declaration on: the first is the global one.
        (
            "let x = \"global\"; { function f() { return x; } let x = \"local\"; print f(); print x; }",
            "\"global\"\n\"local\"",
        ),
    ] {
        assert_eq!(prints(text), expected, "{text}");
    }
    assert_eq!(done("print 1;\nreturn [2];\nprint 3;").1, Ended::Returned("[2]".to_owned()));
}

#[test]
fn what_is_not_possible_traps_in_its_line() {
    for (text, expected) in [
        ("print 1;\nprint 1 + \"a\";", "type_error in line 2"),
        ("print -nil;", "type_error in line 1"),
        ("print nil < nil;", "type_error in line 1"),
        ("print\n\nx;", "undefined_global in line 3"),
        ("let f = 1;\nf();", "not_callable in line 2"),
        ("function f(a) {}\nf(1,\n2);", "arity_mismatch in line 2"),
        ("let a = [1];\nprint a[0.5];", "bad_index in line 2"),
        ("let a = [1];\na[2] = 1;", "bad_index in line 2"),
        ("print [][-1];", "bad_index in line 1"),
        ("print [][\"a\"];", "type_error in line 1"),
        ("print {}[0];", "type_error in line 1"),
        ("print nil.a;", "type_error in line 1"),
        ("let a = 5;\n\na.b = 1;", "type_error in line 3"),
        ("print len(5);", "type_error in line 1"),
        ("function f() {\n  return 1 + f();\n}\nf();", "call_depth in line 2"),
        ("if (false) { print 1 - nil; }\nwhile (true) { print 1 - nil; }", "type_error in line 2"),
    ] {
        assert_eq!(trap(text), expected, "{text}");
    }
}

#[test]
fn all_errors_of_a_source_are_reported() {
    let text = "\
let = 1;
print \"open;
print \"a\\qb\" + 1e999;
if x { print 1 2; }
function (a) { let; }
function f(a, a) { let a; let b let c; }
{ let d; { let d; } let d; }
1 + = 2; print $ 1;
f() = 1; while (1) { function g() { break; } }
print 1
print [1, 2;
{ print {a 1}; x.1; }
for (let i = 0; i < ; let j = 1) { continue 1; }
}
return 1";
    assert_eq!(
        errors(text),
        "\
line 1, column 5: expected a name, found `=`
line 2, column 7: the string does not end on its line
line 3, column 1: expected `;`, found `print`
line 3, column 9: expected an escape as in JSON, found `\\q`
line 3, column 16: expected a number up to 1.7976931348623157e308, found 1e999
line 4, column 4: expected `(`, found `x`
line 4, column 16: expected `;`, found `2`
line 5, column 10: expected a name, found `(`
line 5, column 19: expected a name, found `;`
line 6, column 15: `a` is already declared in this block
line 6, column 24: `a` is already declared in this block
line 6, column 33: expected `;`, found `let`
line 7, column 25: `d` is already declared in this block
line 8, column 5: expected a value, found `=`
line 8, column 16: `$` means nothing here
line 9, column 1: only variables, properties and elements can be given a value
line 9, column 37: `break` stands in no loop
line 11, column 1: expected `;`, found `print`
line 11, column 12: expected `,` or `]`, found `;`
line 12, column 12: expected `:`, found `1`
line 12, column 18: expected the name of a property, found `1`
line 13, column 21: expected a value, found `;`
line 13, column 36: `continue` stands in no loop
line 13, column 45: expected `;`, found `1`
line 14, column 1: expected a statement, found `}`
line 15, column 9: expected `;`, found the end of the text"
    );
}

#[test]
fn nesting_has_a_limit_everywhere() {
    let limit = limits::TREE_HEIGHT as usize;
    let nested = |open: &str, inner: &str, close: &str, levels: usize| {
        inner.replacen('_', &open.repeat(levels), 1).replacen('_', &close.repeat(levels), 1) + ";"
    };
    for (open, inner, close) in [
        ("(", "_1_", ")"),
        ("-", "_1_", ""),
        ("!", "_1_", ""),
        ("[", "_1_", "]"),
        ("{", "__", "}"),
        ("{a:", "x = _1_", "}"),
        ("if (1) ", "_1_", ""),
        ("if (1) 1; else ", "_1_", ""),
        ("while (1) ", "_1_", ""),
        ("for (;;) ", "_1_", ""),
        ("1 + (", "_1_", ")"),
        ("1 + ", "_1_", ""),
        ("f(", "_1_", ")"),
        ("[0]", "x__", ""),
        (".a", "x__", ""),
        ("()", "x__", ""),
        ("function f() {", "__", "}"),
        ("(function () {", "__", "});"),
        ("a[", "_1_", "]"),
        ("1 && ", "_1_", ""),
        ("len(", "_1_", ")"),
    ] {
        let found = errors(&nested(open, inner, close, 1 << 16));
        assert!(found.ends_with("nested deeper than 256 levels"), "{open}: {found}");
        // What is within the limit is compiled and run, and what is just over it is not.
        let mut accepted = 0;
        for levels in [limit / 8, limit / 4, limit / 2, limit - 3, limit + 1] {
            let source = source(&nested(open, inner, close, levels));
            let Ok(program) = script::parse(&source) else { continue };
            accepted += 1;
            script::evaluate(
                &program,
                Numbers::Float,
                Limits { steps: 10_000, ..Limits::default() },
            );
            assert!(!program.to_string().is_empty());
            for passes in selections() {
                let _ = script::compile(&source, &ISA, passes);
            }
        }
        assert!((2..5).contains(&accepted), "{open}: {accepted}");
    }
}

#[test]
fn conditions_jump_straight_and_constants_decide() {
    let text = "while (x && !(y || 1 == 2)) { print 1 + 2; if (false) print 3; }";
    assert_eq!(
        mnemonics(text, Passes::ALL, 0),
        [
            "LOAD_GLOBAL",
            "JUMP_IF_FALSE",
            "LOAD_GLOBAL",
            "JUMP_IF_TRUE",
            "PUSH_CONSTANT",
            "PRINT",
            "LOOP",
            "HALT"
        ]
    );
    assert_eq!(
        mnemonics("function f(a) { if (a) return 1; else return 2; print 3; }", Passes::ALL, 1),
        ["LOAD_VAR", "JUMP_IF_FALSE", "PUSH_CONSTANT", "RETURN", "PUSH_CONSTANT", "RETURN"]
    );
    assert_eq!(
        mnemonics("print !(x == 1);", Passes::NONE.with(Pass::Fuse), 0),
        ["LOAD_GLOBAL", "PUSH_CONSTANT", "NEQ", "PRINT", "HALT"]
    );
    assert_eq!(
        mnemonics("{ let a = 1; a; a = a; 5; }", Passes::NONE.with(Pass::Peephole), 0),
        ["PUSH_CONSTANT", "STORE_VAR", "HALT"]
    );
}

/// The code of the first function as text, without its header.
fn assembly(isa: &Isa, text: &str, passes: Passes) -> String {
    let module = script::compile(&source(text), isa, passes).unwrap();
    let codec = Codec::new(isa);
    let text = disassemble(&codec, &module.write().unwrap(), Style::Plain).unwrap().to_string();
    let lines = text.lines().filter(|line| !line.starts_with('.'));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn jumps_to_jumps_lead_to_where_those_end() {
    let thread = Passes::NONE.with(Pass::Thread);
    // The jump behind the inner branch leads to the one behind the outer branch, and that to the loop.
    let text = "while (a) { if (b) { if (c) print 1; else print 2; } else print 3; }";
    let expected = "\
L0:
LOAD_GLOBAL \"a\"
JUMP_IF_FALSE L63
LOAD_GLOBAL \"b\"
JUMP_IF_FALSE L52
LOAD_GLOBAL \"c\"
JUMP_IF_FALSE L41
PUSH_CONSTANT 1
PRINT
LOOP L0
L41:
PUSH_CONSTANT 2
PRINT
LOOP L0
L52:
PUSH_CONSTANT 3
PRINT
LOOP L0
L63:
HALT";
    assert_eq!(assembly(&ISA, text, thread), expected);

    // What only jumps to the next instruction goes. A conditional jump cannot lead back, and stays with the jump
    // that does.
    let text = "while (a) { if (b) continue; else {} }";
    let expected = "\
L0:
LOAD_GLOBAL \"a\"
JUMP_IF_FALSE L30
LOAD_GLOBAL \"b\"
JUMP_IF_FALSE L25
LOOP L0
L25:
LOOP L0
L30:
HALT";
    let all_jumps = Passes::NONE.with(Pass::Thread).with(Pass::Dead);
    assert_eq!(assembly(&ISA, text, all_jumps), expected);

    // There the conditional jump leads both ways, and so to the start of the loop.
    let lecture = built_in("lecture");
    let text = "while (a) { if (b) print 1; }";
    let jumps = |passes| {
        let text = assembly(&lecture, text, passes);
        text.lines().filter(|line| line.contains("Jump")).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(jumps(Passes::NONE), "JumpIfFalse L21; JumpIfFalse L18; Jump L0");
    assert_eq!(jumps(thread), "JumpIfFalse L21; JumpIfFalse L0; Jump L0");
}

#[test]
fn jumps_in_a_circle_and_long_rows_of_jumps_are_followed_only_so_far() {
    let thread = Passes::NONE.with(Pass::Thread);
    assert_eq!(
        assembly(&ISA, "for (;;) {} print 1;", thread),
        "L0:\nLOOP L0\nPUSH_CONSTANT 1\nPRINT\nHALT"
    );
    let row =
        format!("if (false) {}print 1; {}", "{ if (x) ".repeat(60), " else print 2; }".repeat(60));
    assert_eq!(done(&row).0, Vec::<String>::new());
}

#[test]
fn a_module_says_what_its_functions_are() {
    let text = "\
function outer(a, b) {
  let c = a;
  { let d = b; }
  return function () { return function () { return b + c + b; }; };
}
print outer(\"s\", 1.5);
";
    let module = script::compile(&source(text), &ISA, Passes::ALL).unwrap();
    let functions = &module.functions;
    let names: Vec<&str> = functions.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["main", "outer", "", ""]);
    assert_eq!((functions[1].arity, functions[1].locals), (2, 4));
    let locals: Vec<&str> = functions[1].local_names.iter().map(|name| &**name).collect();
    assert_eq!(locals, ["a", "b", "c", "d"]);
    assert_eq!(functions[2].captures, [Capture::Local(1), Capture::Local(2)]);
    assert_eq!(functions[3].captures, [Capture::Upvalue(0), Capture::Upvalue(1)]);
    assert_eq!(
        module.constants,
        [Constant::Str("outer".into()), Constant::Str("s".into()), Constant::float(1.5)]
    );
    let lines: Vec<u32> = functions[1].lines.iter().map(|it| it.line).collect();
    assert_eq!(lines, [2, 3, 4]);
}

/// What a program of integers prints and how it ends, evaluated and compiled for the machine that has
/// only a part of the language.
fn done_on_lecture(text: &str, all: &[Passes]) -> (Vec<String>, Ended) {
    static LECTURE: LazyLock<Isa> = LazyLock::new(|| built_in("lecture"));
    let source = source(text);
    let program = script::parse(&source).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let limits = Limits { calls: 63, ..Limits::default() };
    let outcome = script::evaluate(&program, Numbers::Int, limits);
    let end = match outcome.end {
        // There the first function returns, whatever happens.
        End::Halt => Ended::Returned("nil".to_owned()),
        End::Returned(value) => Ended::Returned(value),
        End::Trap { trap, at } => Ended::Trap(trap.to_string(), source.line(at.start)),
        End::Limit => return (outcome.output, Ended::Limit),
    };
    for &passes in all {
        let (output, found) = ran_on(&LECTURE, text, passes);
        if matches!(&found, Ended::Trap(trap, _) if trap == "out_of_memory") {
            return (outcome.output, Ended::Limit);
        }
        assert_alike(&output, &outcome.output, passes, text);
        assert_eq!(found, end, "{passes:?}\n{text}");
    }
    (outcome.output, end)
}

#[test]
fn the_lecture_machine_runs_a_part_of_the_language_with_integers() {
    let all: Vec<Passes> = selections().collect();
    for (text, expected) in [
        (
            "print 7 / 2; print -7 / 2; print 2147483647 + 1; print -2147483648;",
            "3\n-3\n-2147483648\n-2147483648",
        ),
        (
            "print -2147483648 / -1; print -(-2147483647 - 1); print -0;",
            "-2147483648\n-2147483648\n0",
        ),
        (
            "print 1 <= 1; print 2 >= 3; print 3 != 3; print \"a\" <= \"b\";",
            "true\nfalse\nfalse\ntrue",
        ),
        ("let a = nil || 5; print a && (false || (a && 6)); print !a || nil;", "6\nnil"),
        (
            "function f(n) { if (n < 2 || n == 0) return 1; return n * f(n - 1); } print f(10); print f;",
            "3628800\nfn 1",
        ),
        (
            "for (let i = 0; i < 9; i = i + 1) { if (i == 1) continue; if (i > 2 && true) break; let j = i && i; print j + (0 || 1); }",
            "0\n2",
        ),
        (
            "function g(f) { return f(2) + (nil || 1); } print g(function (x) { let y = x && x * 10; { let z = y || 1; return z; } });",
            "21",
        ),
    ] {
        let (output, end) = done_on_lecture(text, &all);
        assert_eq!(
            (output.join("\n").as_str(), end),
            (expected, Ended::Returned("nil".to_owned()))
        );
    }
    for (text, expected) in [
        ("print 1;\nprint 1 / 0;", "div_by_zero"),
        ("\nfunction f() { return f() + 1; } f();", "call_depth"),
        ("\nprint 1 + nil;", "type_error"),
    ] {
        assert_eq!(done_on_lecture(text, &all).1, Ended::Trap(expected.to_owned(), 2), "{text}");
    }
    let text = "print 1.5 + 2147483648;\nprint [len({}.a)] % 2;\nlet o = 1; o.x = 2; o[1] = 3;\nfunction f(a) { return function () { a = a; }; }";
    let error = script::compile(&source(text), &built_in("lecture"), Passes::ALL).unwrap_err();
    let found = error.to_string();
    let expected = "\
line 1, column 7: expected an integer from -2147483648 to 2147483647, found 1.5
line 1, column 13: expected an integer from -2147483648 to 2147483647, found 2147483648
line 2, column 7: the machine has no operator `%`
line 2, column 7: the machine has no arrays
line 2, column 8: the machine has no `len`
line 2, column 12: the machine has no objects
line 2, column 12: the machine has no objects
line 3, column 12: the machine has no objects
line 3, column 21: the machine has no arrays";
    assert_eq!(found, expected);
    let text = "function f(a) {\n  return function () { a = a; };\n}";
    let error = script::compile(&source(text), &built_in("lecture"), Passes::ALL).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2, column 24: the machine has no captured variables\nline 2, column 28: the machine has no captured variables"
    );
}

#[test]
fn programs_of_integers_do_the_same_on_the_lecture_machine() {
    static TALLY: Tally<4> = Tally::new();
    fn property(entropy: Vec<u8>) {
        let text = made(&entropy, script::generate::static_program).to_string();
        let some = Passes::from_bits(entropy.first().copied().unwrap_or(0));
        let (_, ended) = done_on_lecture(&text, &[Passes::NONE, Passes::ALL, some]);
        TALLY.count(match ended {
            Ended::Halt | Ended::Returned(_) => 0,
            Ended::Trap(trap, _) if trap == "div_by_zero" => 1,
            Ended::Trap(..) => 2,
            Ended::Limit => 3,
        });
    }
    check(300, 2000, property as fn(Vec<u8>));
    let [ended, divided, trapped, limited] = TALLY.counts();
    let told = format!("{:?}", TALLY.counts());
    assert!(ended > 60 && divided > 30 && trapped > 15 && limited < 20, "{told}");
}

#[test]
fn long_arrays_need_little_of_the_stack_and_deep_ones_are_refused() {
    let elements: Vec<String> = (0..1000).map(|it| it.to_string()).collect();
    let text = format!("let a = [{}]; print [len(a), a[999]];", elements.join(", "));
    assert_eq!(prints(&text), "[1000 999]");
    let many = |count| vec!["1"; count].join(", ");
    assert!(
        errors(&format!("f({});", many(256))).ends_with("more than 255 parameters or arguments")
    );
    let deep = format!("\nf(1, f({}));", many(255));
    let error = script::compile(&source(&deep), &ISA, Passes::ALL).unwrap_err();
    assert_eq!(error, CompileError::StackTooDeep { line: 2, needs: 258, depth: 256 });
}

#[test]
fn programs_do_the_same_evaluated_and_compiled_with_any_passes() {
    static TALLY: Tally<6> = Tally::new();
    fn property(entropy: Vec<u8>) {
        let text = made(&entropy, script::generate::program).to_string();
        let program = script::parse(&source(&text)).unwrap_or_else(|it| panic!("{it}\n{text}"));
        assert_eq!(program.to_string(), text);
        // All passes, none, and some others.
        let some = Passes::from_bits(entropy.first().copied().unwrap_or(0));
        let (output, ended) = same(&text, &[Passes::NONE, Passes::ALL, some]);
        TALLY.count(match ended {
            Ended::Halt => 0,
            Ended::Returned(_) => 1,
            Ended::Trap(trap, _) if trap == "type_error" => 2,
            Ended::Trap(..) => 3,
            Ended::Limit => 4,
        });
        if text.contains("function") && output.len() > 5 {
            TALLY.count(5);
        }
    }
    check(300, 2500, property as fn(Vec<u8>));
    let [halted, returned, mistyped, trapped, limited, good] = TALLY.counts();
    let told = format!("{:?}", TALLY.counts());
    assert!(halted > 80 && returned > 4 && mistyped > 10 && trapped > 30, "{told}");
    assert!(limited < 30 && good > 60, "{told}");
}

#[test]
fn no_text_makes_the_parser_or_the_compiler_panic() {
    const WORDS: [&str; 40] = [
        "x", "y", "=", "print", "1", "(", ")", "+", "-", "{", "}", ";", "[", "]", ".", ",", ":",
        "\n", "$", "1e999", "//", "/*", "*/", "é", "let", "if", "else", "while", "for", "break",
        "function", "return", "\"a\"", "\"", "\\", "nil", "&&", "!", "len", "==",
    ];
    fn property(choices: Vec<u8>) -> bool {
        let words = choices.iter().map(|&choice| WORDS[usize::from(choice) % WORDS.len()]);
        let source = source(&words.collect::<Vec<_>>().join(" "));
        let parsed = script::parse(&source);
        let compiled = script::compile(&source, &ISA, Passes::ALL);
        match parsed {
            Ok(program) => {
                let text = program.to_string();
                let again = script::parse(&crate::support::source(&text));
                compiled.is_ok() && again.is_ok_and(|again| again.to_string() == text)
            }
            Err(errors) => {
                compiled.is_err()
                    && errors.errors.is_sorted_by_key(|error| error.span.start)
                    && errors.errors.iter().all(|error| error.span.end <= source.text().len())
            }
        }
    }
    check(4000, 60, property as fn(Vec<u8>) -> bool);
}
