//! Dynamic values end to end: case files, engines and the wire, on the machine `script`.

use arbitrary::Unstructured;
use bytestone::case::{Case, load};
use bytestone::engine::cell::{parse_output, parse_seen, parse_stack, seen_text};
use bytestone::engine::record::Recorder;
use bytestone::engine::reference::{Prepared, ReferenceEngine};
use bytestone::engine::{
    Description, End, Engine, Mishap, MishapKind, Ran, Reply, Request, Snapshot, Watch, message,
};
use bytestone::execute::{Steps, execute};
use bytestone::judge::judge;
use bytestone::registry::Registry;
use bytestone::suite::{run_chunk, subject};
use bytestone::verdict::Verdict;
use bytestone_spec::Isa;
use bytestone_spec::diagnostic::{Source, Style};
use bytestone_vm::Value;
use bytestone_vm::codec::Codec;
use bytestone_vm::generate::Generator;
use bytestone_vm::module::{Constant, FunctionBuilder, ModuleBuilder};
use bytestone_vm::trace::view::{Observed, View, values_text};
use bytestone_vm::value::wire;

/// The code of a function: mnemonics with their operands, which are four bytes each.
fn code(isa: &Isa, rows: &[(&str, Option<u32>)]) -> Vec<u8> {
    let codec = Codec::new(isa);
    let mut code = Vec::new();
    for (name, operand) in rows {
        let insn = isa.find_instruction(name).expect("the machine has it");
        let operands: Vec<u64> = operand.iter().map(|&it| it.into()).collect();
        codec.encode(insn, &operands, &mut code).expect("it can be encoded");
    }
    code
}

fn module(isa: &Isa, constants: &[Constant], rows: &[(&str, Option<u32>)], stack: u32) -> String {
    let mut module = ModuleBuilder::for_isa(isa);
    for constant in constants {
        module.constant(constant.clone());
    }
    let mut main = FunctionBuilder::new("main");
    main.max_stack = stack;
    main.code = code(isa, rows);
    module.function(main);
    let bytes = module.finish().expect("it is a module").write().expect("it can be written");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn machines() -> Registry {
    Registry::built_in().expect("built-in machines are sound")
}

/// Prints and keeps an array that holds itself, and a string.
fn sharing(isa: &Isa) -> String {
    let constants = [Constant::Str("a b".into()), Constant::Str("x".into()), Constant::float(0.0)];
    let rows = [
        ("PUSH_CONSTANT", Some(0)),
        ("NEW_ARRAY", Some(1)),
        ("DUP", None),
        ("PRINT", None),
        ("DUP", None),
        ("PUSH_CONSTANT", Some(2)),
        ("LOAD_GLOBAL", Some(1)),
        ("SET_ELEMENT", None),
        ("HALT", None),
    ];
    let stores = [("DUP", None), ("STORE_GLOBAL", Some(1))];
    let rows = [&rows[..2], &stores, &rows[2..]].concat();
    module(isa, &constants, &rows, 4)
}

fn cases(machines: &Registry, text: &str) -> Result<Vec<Case>, String> {
    let source = Source { name: "cases.yaml".to_owned(), text: text.to_owned() };
    let read = load::load(source, machines).map_err(|faulty| faulty.render(Style::Plain))?;
    Ok(read.cases)
}

fn case(machines: &Registry, bytecode: &str, expectations: &str) -> Result<Case, String> {
    let header = "bytestone: cases/1\nisa: script@1\ncases:\n- name: it\n";
    let text = format!("{header}  bytecode: {bytecode}\n{expectations}");
    cases(machines, &text).map(|mut cases| cases.remove(0))
}

#[test]
fn a_case_says_what_values_are_and_what_they_share() {
    let machines = machines();
    let isa = load::Machines::machine(&machines, "script").expect("it is built in");
    let codec = Codec::new(isa);
    let holds = |expectations: &str| {
        let case = case(&machines, &sharing(isa), expectations).unwrap_or_else(|it| panic!("{it}"));
        let found = judge(isa, &case.expect, &execute(isa, &codec, &case, Steps::of(&case)));
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let right = r#"  output: ['["a b"]']
  final: {stack: ['#0[#0]'], global: {x: '#0[#0]'}}
  trace: |
    0 ["a b"] ; PUSH_CONSTANT "a b"
    [["a b"]]
    [#0["a b"] #0]
    [["a b"]] global.x = ["a b"]
    ...
    [["a b"]] out ["a b"]
    [#0["a b"] #0]
    [#0["a b"] #0 ?]
    [? #0 {0|nil} #0]
    [#0[#0]] arr[0] = #0[#0]
    ...
"#;
    assert_eq!(holds(right), "");
    assert_eq!(holds("  output: ['{nil|[\"a b\"]}']\n  final: {stack: ['?']}\n"), "");
    let wrong = holds("  output: ['[]']\n  final: {stack: ['[[]]'], global: {x: '?', y: nil}}\n");
    for line in ["[[]]", r#"[["a b"]]"#, "[#0[#0]]", "global.y = nil", "no global.y"] {
        assert!(wrong.contains(line), "{line}:\n{wrong}");
    }
}

#[test]
fn faulty_values_of_a_case_have_a_place_and_a_hint() {
    let machines = machines();
    let isa = load::Machines::machine(&machines, "script").expect("it is built in");
    let bytecode = sharing(isa);
    let rows = [
        ("output: [hello]", "a string has quotes of its own"),
        ("output: [nul]", "did you mean `nil`?"),
        ("output: ['[1, 2]']", "expected a value"),
        ("output: ['\"a']", "at the end of the string"),
        ("output: ['#0']", "there is no #0 before this"),
        ("final: {stack: ['#0[]', '#0[]']}", "#0 is there twice"),
        ("final: {global: {x: '{a 1}'}}", "expected `:` after the key"),
        ("final: {register: {x: 1}}", "unknown bank of cells `register`"),
        ("final: {local: {x: nil}}", "`local` has the cells"),
    ];
    for (expectation, message) in rows {
        let text = case(&machines, &bytecode, &format!("  {expectation}\n"));
        let text = text.expect_err("the case is faulty");
        assert!(text.contains(message), "{message}:\n{text}");
        assert!(text.contains("cases.yaml:6:"), "{text}");
    }
    let set = case(&machines, &bytecode, "  input: {global: {x: 1}}\n  outcome: halt\n");
    assert!(set.expect_err("it is faulty").contains("not supported yet"));
}

#[test]
fn hostile_values_break_the_protocol() {
    let done = |part: &str| {
        let line = format!(r#"{{"type":"done","id":1,"outcome":"halt","pc":0,{part}}}"#);
        message::parse(line.as_bytes()).err()
    };
    assert_eq!(done(r##""stack":"#0[#1{s61=#0};nil],#1,s","cells":"global:s78=#0f1(5)""##), None);
    let deep = "#0[".repeat(100_000);
    let rows = [
        r##""stack":"#0[#2[]]""##.to_owned(),
        r##""stack":"#1""##.to_owned(),
        r##""stack":"#0[],#0[]""##.to_owned(),
        r##""stack":"[1]""##.to_owned(),
        r#""stack":"sff""#.to_owned(),
        r#""stack":"d7ff8000000000001""#.to_owned(),
        r#""stack":"1;2""#.to_owned(),
        r#""stack":"\u0000""#.to_owned(),
        r##""cells":"global:x=1""##.to_owned(),
        r##""cells":"local:0=#0[""##.to_owned(),
        r##""output":"#0[],#1[]""##.to_owned(),
        format!(r##""output":"{deep}""##),
    ];
    for part in rows {
        assert!(done(&part).is_some(), "{}", &part[..part.len().min(80)]);
    }
}

/// Answers with values that the machine does not have.
struct Strange {
    description: Description,
    stack: &'static str,
}

impl Engine for Strange {
    fn description(&self) -> &Description {
        &self.description
    }

    fn run(&mut self, _: &Request) -> Result<Reply, Mishap> {
        struct Empty;
        impl View for Empty {
            fn pc(&self) -> u32 {
                0
            }
        }
        let mut ran = Recorder::new(Watch::End, Observed::ALL).finish(&Empty, End::Halt);
        ran.state.stack = Some(parse_stack(self.stack).expect("these are values"));
        Ok(Reply::Ran(Box::new(ran)))
    }
}

#[test]
fn values_of_another_machine_break_the_protocol() {
    let machines = machines();
    let isa = load::Machines::machine(&machines, "script").expect("it is built in");
    let case = case(&machines, &sharing(isa), "  outcome: halt\n").expect("it reads");
    let codec = Codec::new(isa);
    for stack in ["5", "none", "d3ff0000000000000,#0[7]"] {
        let mut description = ReferenceEngine::new([isa]).description().clone();
        description.traces = Default::default();
        let verdicts = run_chunk(&mut Strange { description, stack }, isa, &codec, &[&case]);
        let Verdict::Error(Mishap { kind: MishapKind::Protocol(why), .. }) = &verdicts[0] else {
            panic!("{verdicts:?}")
        };
        assert!(why.contains("is no value of script"), "{why}");
    }
}

#[test]
fn a_full_heap_is_for_engines_that_count_it() {
    let machines = machines();
    let isa = load::Machines::machine(&machines, "script").expect("it is built in");
    let constants = [Constant::Str("list".into())];
    let rows = [
        ("NEW_ARRAY", Some(0)),
        ("STORE_GLOBAL", Some(0)),
        ("LOAD_GLOBAL", Some(0)),
        ("LOAD_GLOBAL", Some(0)),
        ("LENGTH", None),
        ("NEW_ARRAY", Some(0)),
        ("SET_ELEMENT", None),
        // Back to the first of the two loads, from behind this instruction.
        ("LOOP", Some(22)),
    ];
    let bytecode = module(isa, &constants, &rows, 3);
    let expectation = "  outcome: trap out_of_memory at 21\n";
    let case = case(&machines, &bytecode, expectation).unwrap_or_else(|it| panic!("{it}"));
    let codec = Codec::new(isa);
    let reference = ReferenceEngine::new([isa]);
    let subject = subject(isa, &codec, &case).expect("it runs");
    let mut description = reference.description().clone();
    assert_eq!(subject.skip(&description), None);
    description.observes.heap = false;
    let why = subject.skip(&description).expect("it is skipped");
    assert_eq!(why, "the engine does not count the cells of the heap");
}

/// What an engine that shows these states would write is read back as them.
fn survives_the_wire(ran: &Ran) -> bool {
    let state = |state: &Snapshot| {
        let stack = state.stack.clone().unwrap_or_default();
        let cells = state.cells.clone().unwrap_or_default();
        let printed = state.printed.as_ref().and_then(|(_, last)| last.clone());
        parse_stack(&values_text(stack.iter().cloned())).as_ref() == Ok(&stack)
            && parse_seen(&seen_text(&cells)).as_ref() == Ok(&cells)
            && printed.is_none_or(|last| wire::parse(&wire::text(&last)) == Ok(last))
    };
    let output = ran.output.clone().unwrap_or_default();
    ran.rows.iter().all(|row| state(&row.state))
        && state(&ran.state)
        && parse_output(&values_text(output.iter().cloned())).as_ref() == Ok(&output)
}

#[test]
fn states_survive_the_wire() {
    let machines = machines();
    let mut nodes = 0;
    for name in ["script", "pool"] {
        let isa = load::Machines::machine(&machines, name).expect("it is built in");
        let (codec, generator) = (Codec::new(isa), Generator::new(isa).expect("programs end"));
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            let entropy: Vec<u8> = (0..512).map(|_| random.u8(..)).collect();
            let program = generator.program(&mut Unstructured::new(&entropy));
            let prepared = Prepared::new(isa, &codec, &program).expect("it is accepted");
            let watch = Watch::Window { from: 0 };
            let ran = prepared.run(&[], 300, watch, Observed::ALL).expect("it runs");
            assert!(survives_the_wire(&ran), "{ran:?}");
            assert_eq!(ran.check(isa, Observed::ALL), Ok(()));
            let stacks = ran.rows.iter().filter_map(|row| row.state.stack.as_ref());
            nodes += stacks.flatten().filter(|value| matches!(value, Value::Node(_))).count();
        }
    }
    assert!(nodes > 100, "{nodes} arrays, maps and closures were seen");
}
