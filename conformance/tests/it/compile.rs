//! `bytestone compile` as a user runs it, what becomes of its programs, and sources in case files.

use std::path::Path;
use std::process::Output;

use bytestone::bless::bless;
use bytestone::case::{Case, load};
use bytestone::execute::{Steps, execute};
use bytestone::export;
use bytestone::judge::{judge, two_lists};
use bytestone::registry::{Registry, open_machine};
use bytestone_lang::Language;
use bytestone_spec::diagnostic::{self, Style};
use bytestone_vm::codec::Codec;

use crate::tools::bytestone_with;

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("it is text")
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("it is text")
}

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("it is written");
    }
    folder
}

const SUM: &str = "x = 10; y = 3\nz = x + y * 2\nprint z\n";

/// A script whose second call traps in a function without a name.
const SCRIPT: &str = "\
let double = function (x) {
  return x * 2;
};
print double(4);
print double(\"a\");
";

#[test]
fn code_is_text_beside_its_source() {
    let folder = folder(&[("sum.calc", SUM)]);
    let stack = bytestone_with(folder.path(), &["compile", "sum.calc"], b"");
    let expected = "\
; 1: x = 10; y = 3
PUSH 10
STORE 23
PUSH 3
STORE 24
; 2: z = x + y * 2
LOAD 23
LOAD 24
PUSH 2
MUL
ADD
STORE 25
; 3: print z
LOAD 25
PRINT
HALT
";
    assert_eq!((stack.status.code(), out(&stack)), (Some(0), expected), "{}", err(&stack));
    let register =
        bytestone_with(folder.path(), &["compile", "--machine", "register", "-"], SUM.as_bytes());
    assert!(out(&register).contains("; 2: z = x + y * 2\nLOAD R3, 2\n"), "{}", out(&register));
}

#[test]
fn text_and_bytes_go_on_to_other_commands() {
    let folder = folder(&[("sum.calc", SUM), ("double.script", SCRIPT)]);
    let text = bytestone_with(folder.path(), &["compile", "sum.calc"], b"");
    let ran = bytestone_with(folder.path(), &["run", "calculator", "--from", "asm"], &text.stdout);
    assert_eq!(out(&ran), "16\n", "{}", err(&ran));

    let text = bytestone_with(folder.path(), &["compile", "double.script"], b"");
    let bytes = bytestone_with(folder.path(), &["compile", "double.script", "--to", "bytes"], b"");
    let assembled =
        bytestone_with(folder.path(), &["asm", "script", "--to", "bytes"], &text.stdout);
    assert_eq!(assembled.stdout, bytes.stdout, "{}", err(&assembled));
    let ran = bytestone_with(folder.path(), &["run", "script", "-"], &bytes.stdout);
    assert_eq!((ran.status.code(), out(&ran)), (Some(3), "8\n"), "{}", err(&ran));

    let written =
        bytestone_with(folder.path(), &["compile", "double.script", "-o", "double.bin"], b"");
    assert_eq!((written.status.code(), out(&written)), (Some(0), ""), "{}", err(&written));
    let file = std::fs::read(folder.path().join("double.bin")).expect("it was written");
    assert_eq!(file, bytes.stdout);
}

#[test]
fn passes_are_chosen_one_by_one() {
    let hex = |passes: &str| {
        let arguments =
            ["compile", "--language", "calc", "--passes", passes, "--format", "hex", "-"];
        out(&bytestone_with(Path::new("."), &arguments, b"print 3 + 5 * 2")).to_owned()
    };
    let plain = "01 03 00 00 00 01 05 00 00 00 01 02 00 00 00 05 03 09 00\n";
    assert_eq!(hex("none"), plain);
    assert_eq!(hex("dead,peephole"), plain);
    assert_eq!(hex("fold"), "01 0D 00 00 00 09 00\n");
    assert_eq!(hex("all"), hex("fold"));
}

#[test]
fn json_has_the_lines_of_all_functions() {
    let arguments = ["compile", "--language", "script", "--to", "json"];
    let result =
        bytestone_with(Path::new("."), &arguments, b"function f() {\nreturn 1;\n}\nprint f();");
    let json: serde_json::Value = serde_json::from_str(out(&result)).expect("it is JSON");
    assert_eq!((&json["language"], &json["machine"]), (&"script".into(), &"script".into()));
    // main: CLOSURE at 0 and STORE_GLOBAL at 5, LOAD_GLOBAL at 10, CALL at 15, PRINT at 20, HALT at 21; f from 22 on.
    let lines = serde_json::json!([
        {"offset": 0, "line": 1}, {"offset": 10, "line": 4}, {"offset": 22, "line": 2},
    ]);
    assert_eq!(json["lines"], lines);
    assert!(json["asm"].as_str().is_some_and(|text| text.contains(".func f\n")), "{json}");
}

#[test]
fn all_errors_of_a_source_are_shown_in_their_lines() {
    let source = b"x = (1 +\nprint 2 $ 3\ny = 4 / x\n";
    let result = bytestone_with(Path::new("."), &["compile", "--language", "calc"], source);
    let expected = "\
error: expected a value, found the end of the line
 --> <stdin>:1:9
  |
1 | x = (1 +
  |         ^

error: `$` means nothing here
 --> <stdin>:2:9
  |
2 | print 2 $ 3
  |         ^

error: expected the end of the statement, found `3`
 --> <stdin>:2:11
  |
2 | print 2 $ 3
  |           ^

3 errors
";
    assert_eq!((result.status.code(), err(&result)), (Some(1), expected));
}

#[test]
fn what_cannot_be_compiled_is_told_with_a_way_out() {
    let deep = format!("print f(1, f({}));", vec!["1"; 255].join(", "));
    let cases: [(&[&str], &[u8], i32, &str); 8] = [
        (&[], b"", 2, "give --language calc or --language script"),
        (&["--machine", "loop"], b"", 2, "no language is compiled to the machine `loop`"),
        (
            &["--language", "calc", "--machine", "script"],
            b"",
            2,
            "the machines are: calculator, calculator-eoc, ",
        ),
        (&["--language", "basic"], b"", 2, "the languages are: calc, script"),
        (&["--language", "calc", "--passes", "fold,fast"], b"", 2, "there is no pass `fast`"),
        (&["nothing.calc"], b"", 2, "nothing.calc"),
        (&["--language", "calc"], b"\xff", 1, "<stdin>: line 1, column 1: expected UTF-8 text"),
        (
            &["--language", "script", "--machine", "lecture"],
            deep.as_bytes(),
            1,
            "this needs 258 cells of an operand stack of 256",
        ),
    ];
    for (arguments, input, code, message) in cases {
        let arguments = [&["compile"], arguments].concat();
        let result = bytestone_with(Path::new(env!("CARGO_MANIFEST_DIR")), &arguments, input);
        assert_eq!(result.status.code(), Some(code), "{arguments:?}: {}", err(&result));
        assert!(err(&result).contains(message), "{arguments:?}: {}", err(&result));
    }
}

#[test]
fn a_trap_names_line_and_function_of_the_source() {
    let folder = folder(&[("double.script", SCRIPT)]);
    bytestone_with(folder.path(), &["compile", "double.script", "-o", "double.bin"], b"");
    let result = bytestone_with(folder.path(), &["run", "script", "double.bin"], b"");
    assert_eq!((result.status.code(), out(&result)), (Some(3), "8\n"));
    assert!(
        err(&result).ends_with("\nit comes from line 2 of the source, in `fn 1`\n"),
        "{}",
        err(&result)
    );
    let arguments = ["run", "script", "double.bin", "--source", "double.script"];
    let result = bytestone_with(folder.path(), &arguments, b"");
    assert!(err(&result).ends_with(", in `fn 1`: return x * 2;\n"), "{}", err(&result));
}

#[test]
fn a_trace_has_the_lines_of_the_source_above_its_steps() {
    let folder = folder(&[("double.script", SCRIPT)]);
    bytestone_with(folder.path(), &["compile", "double.script", "-o", "double.bin"], b"");
    let arguments = ["run", "script", "double.bin", "--trace", "--source", "double.script"];
    let result = bytestone_with(folder.path(), &arguments, b"");
    let lines: Vec<&str> = out(&result).lines().filter(|line| line.starts_with(';')).collect();
    let expected = [
        "; main, line 1: let double = function (x) {",
        "; main, line 4: print double(4);",
        "; fn 1, line 2: return x * 2;",
        "; main, line 4: print double(4);",
        "; main, line 5: print double(\"a\");",
        "; fn 1, line 2: return x * 2;",
    ];
    assert_eq!(lines, expected);

    let arguments = ["run", "script", "double.bin", "--trace", "--format", "json"];
    let result = bytestone_with(folder.path(), &arguments, b"");
    let json: serde_json::Value = serde_json::from_str(out(&result)).expect("it is JSON");
    let first = &json["trace"][0];
    assert_eq!((&first["function"], &first["line"]), (&"main".into(), &1.into()));

    let arguments = ["run", "calculator", "--hex", "00", "--source", "double.script"];
    let result = bytestone_with(folder.path(), &arguments, b"");
    assert_eq!(result.status.code(), Some(2));
    assert!(err(&result).contains("does not say from which lines"), "{}", err(&result));
}

fn cases(isa: &str, text: &str) -> Result<Vec<Case>, String> {
    let isa = open_machine(isa).expect("it is built in");
    let text = format!("bytestone: cases/1\nisa: {}@1\ncases:\n{text}", isa.name());
    let source = diagnostic::Source { name: "cases.yaml".to_owned(), text };
    load::load(source, &isa).map(|file| file.cases).map_err(|faulty| faulty.render(Style::Plain))
}

#[test]
fn errors_of_a_source_point_into_the_case_file() {
    let faults = cases(
        "calculator",
        "\
- name: wrong
  source: |
    x = 1
    print (x +
    y = $
  outcome: halt
- name: quoted
  source: \"x = 1\\nprint x y\"
  outcome: halt
- {name: misspelt, source: print 1, passes: [fold, pephole], outcome: halt}
- {name: no-list, source: print 1, passes: fold, outcome: halt}
- {name: needless, asm: HALT, passes: all, outcome: halt}
- name: row
  source: print {a}
  rows:
  - {a: 1, output: [1]}
  - {a: 1 +, output: [1]}
- {name: nothing, outcome: halt}
",
    )
    .unwrap_err();
    for expected in [
        "expected a value, found the end of the line\n --> cases.yaml:7:15",
        "`$` means nothing here\n --> cases.yaml:8:9",
        "expected the end of the statement, found `y`\n  --> cases.yaml:11:27",
        "there is no pass `pephole`\n  --> cases.yaml:13:52",
        "did you mean `peephole`?",
        "expected `none`, `all` or a list of passes\n  --> cases.yaml:14:44",
        "one pass alone is a list too, as in `[fold]`",
        "`passes` is for a case with a `source`\n  --> cases.yaml:15:31",
        "expected a value, found the end of the text\n  --> cases.yaml:20:5",
        "give `asm`, `bytecode` or `source`, or several of them",
    ] {
        assert!(faults.contains(expected), "{expected}\n{faults}");
    }
    let faults = cases("loop", "- {name: a, source: print 1, outcome: halt}").unwrap_err();
    assert!(faults.contains("no language is compiled to the machine `loop`"), "{faults}");
    let faults = cases("lecture", "- {name: a, source: 'print 1.5;', outcome: halt}").unwrap_err();
    assert!(faults.contains("expected an integer from") && faults.contains(":4:28"), "{faults}");
}

#[test]
fn a_source_must_compile_to_what_the_case_gives() {
    let isa = open_machine("calculator").expect("it is built in");
    let codec = Codec::new(&isa);
    let held = cases(
        "calculator",
        "\
- {name: same, source: print 1 + 2, bytecode: 01 01 00 00 00 01 02 00 00 00 03 09 00, output: [3]}
- {name: folded, source: print 1 + 2, passes: all, asm: \"PUSH 3\\nPRINT\\nHALT\", output: [3]}
- {name: alone, source: print 1 + 2, output: [4]}
- {name: other, source: print 1 + 2, asm: \"PUSH 3\\nPRINT\\nHALT\", output: [3]}
",
    )
    .expect("they are sound");
    let found: Vec<String> = held
        .iter()
        .map(|case| {
            let seen = execute(&isa, &codec, case, Steps::of(case));
            let differences = judge(&isa, &case.expect, &seen);
            differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        })
        .collect();
    let expected = [
        "",
        "",
        "output\n  expected [4]\n  found    [3]",
        "compilation
  expected PUSH 3
           PRINT
           HALT
  found    PUSH 1
           PUSH 2
           ADD
           PRINT
           HALT",
    ];
    assert_eq!(found, expected);
}

#[test]
fn long_lists_are_shown_around_their_first_difference() {
    let text = "\
- {name: long, source: 'for (let i = 0; i < 1002; i = i + 1) print i;', output: [0, 1, 3]}
";
    let sequence = |wrong: usize| {
        let number = |it: usize| if it == wrong { "x".to_owned() } else { it.to_string() };
        (0..50).map(number).collect::<Vec<_>>()
    };
    let (expected, found) = two_lists(&sequence(50), &sequence(45), None);
    assert_eq!(expected, "[… 40 alike, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49] (50 values)");
    assert_eq!(found, "[… 40 alike, 40, 41, 42, 43, 44, x, 46, 47, 48, 49] (50 values)");

    let isa = open_machine("script").expect("it is built in");
    let case = &cases("script", text).expect("they are sound")[0];
    let seen = execute(&isa, &Codec::new(&isa), case, Steps::of(case));
    let differences = judge(&isa, &case.expect, &seen);
    assert_eq!(differences[0].expected, "[0, 1, 3]");
    assert_eq!(differences[0].found, "[0, 1, 2, 3, 4, 5, 6, … (1002 values)]");
}

/// A corpus with one case that gives nothing but a source.
fn source_corpus(output: &str) -> tempfile::TempDir {
    let folder = folder(&[(
        "corpus.yaml",
        "bytestone: corpus/1\nname: mine\nversion: 1.0.0\nlicence: MIT\nmachines: [script]\n",
    )]);
    let text = format!(
        "bytestone: cases/1\nisa: script@1\ncases:\n- name: twice\n  source: |\n    let x = 2;\n    \
         print x * 2;\n  output: {output}\n"
    );
    std::fs::create_dir(folder.path().join("script")).expect("it is made");
    std::fs::write(folder.path().join("script/a.yaml"), text).expect("it is written");
    folder
}

#[test]
fn a_case_with_a_source_is_exported_with_it() {
    let isa = open_machine("calculator").expect("it is built in");
    let text = "- {name: a, source: print 3 + 5, passes: [fuse, fold], output: [8]}";
    let case = &cases("calculator", text).expect("it is sound")[0];
    let entry = export::entry(&isa, &Codec::new(&isa), case).expect("it has a result");
    let json = serde_json::to_value(entry).expect("it is JSON");
    let source = serde_json::json!({
        "language": "calc", "passes": ["fold", "fuse"], "text": "print 3 + 5",
    });
    assert_eq!((&json["source"], &json["bytecode"]), (&source, &"01080000000900".into()));
}

#[test]
fn a_case_with_a_source_is_explained_and_asked_of_engines() {
    let folder = source_corpus("[4]");
    let run = |arguments: &[&str]| {
        let result = bytestone_with(folder.path(), &[arguments, &["--corpus", "."]].concat(), b"");
        assert_eq!(result.status.code(), Some(0), "{arguments:?}: {}", err(&result));
        out(&result).to_owned()
    };
    let explained = run(&["explain", "script/twice"]);
    assert!(
        explained.contains(
            "Source in script, compiled with no pass\n  let x = 2;\n  print x * 2;\n\nProgram, "
        ),
        "{explained}"
    );
    assert!(run(&["test", "--emit-request", "script/twice"]).contains("42595453"));
    assert!(run(&["test"]).ends_with("1 passed, 0 failed, 0 skipped\n"));
}

#[test]
fn blessing_rewrites_the_expectations_of_a_source_and_leaves_the_rest() {
    let text = "bytestone: cases/1\nisa: calculator@1\ncases:\n\
                - name: a  # kept\n  source: print 1 + 2\n  passes: [fold]\n  output: [4]\n\
                - {name: b, source: print 1, asm: HALT, output: [1]}\n";
    let isa = open_machine("calculator").expect("it is built in");
    let source = diagnostic::Source { name: "cases.yaml".to_owned(), text: text.to_owned() };
    let file = load::load(source.clone(), &isa).expect("it is sound");
    let blessed = bless(&source, &file.cases, &isa);
    assert_eq!(blessed.text, text.replace("[4]", "[3]"));
    assert_eq!(blessed.changed, ["calculator/a"]);
    assert!(blessed.left[0].1.starts_with("compilation"), "{:?}", blessed.left);
}

/// The page on the languages: its examples print what it says, and its table names the machines.
#[test]
fn the_page_on_the_languages_is_right() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/languages.md");
    let page = std::fs::read_to_string(path).expect("it is there");
    let example = |start: &str| {
        let from = page.find(&format!("```\n{start}")).expect("the example is there") + 4;
        page[from..].split("```").next().unwrap_or_default().to_owned()
    };
    for (language, start, expected) in
        [("calc", "x = 10", "16\n"), ("script", "function counter", "[0 6]\n[1 7]\n")]
    {
        let arguments = ["compile", "--language", language, "--to", "bytes"];
        let bytes = bytestone_with(Path::new("."), &arguments, example(start).as_bytes());
        let machine = Language::from_name(language).expect("there is one").home();
        let ran = bytestone_with(Path::new("."), &["run", machine, "-"], &bytes.stdout);
        assert_eq!(out(&ran), expected, "{}{}", err(&bytes), err(&ran));
    }
    let machines = Registry::built_in().expect("they are sound");
    for language in Language::ALL {
        let row = format!("| `{}` |", language.name());
        let row = page.lines().find_map(|line| line.strip_prefix(&row)).expect("the row is there");
        for isa in machines.machines() {
            let is_named = row.contains(&format!("`{}`", isa.name()));
            let is_target = Language::of_machine(isa) == Some(language);
            assert_eq!(is_named, is_target, "{}: {row}", isa.name());
        }
    }
}
