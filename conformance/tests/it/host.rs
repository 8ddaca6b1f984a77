//! Functions of the host end to end: case files, engines that see calls and those that do not, and findings.

use bytestone::campaign::{Candidate, Found, Kind, Programs};
use bytestone::case::{Case, load};
use bytestone::engine::reference::ReferenceEngine;
use bytestone::engine::{
    Description, Engine, Mishap, MishapKind, NamedCell, Reply, Request, Traces,
};
use bytestone::execute::{Steps, execute};
use bytestone::judge::judge;
use bytestone::suite::{assemble, run_chunk, subject};
use bytestone::verdict::{Aspect, Failure, Verdict};
use bytestone_spec::Isa;
use bytestone_spec::diagnostic::{Source, Style};
use bytestone_vm::codec::Codec;

fn ebpf() -> Isa {
    bytestone_spec::load_builtin("ebpf").expect("it is built in").expect("it is sound")
}

fn cases(isa: &Isa, cases: &str) -> Result<Vec<Case>, String> {
    let text = format!("bytestone: cases/1\nisa: ebpf@1\ncases:\n{cases}");
    let source = Source { name: "cases.yaml".to_owned(), text };
    let read = load::load(source, isa).map_err(|faulty| faulty.render(Style::Plain))?;
    Ok(read.cases)
}

/// Asks for two replies and prints the second.
const TWICE: &str = "- name: twice
  requires: [base32, base64]
  asm: |
    mov %r1, 1
    call 3
    mov %r1, 2
    call 3
    exit
  input: {answer: [7, 8]}
  host: [answer(1 0 0 0 0) = 7, answer(2 0 0 0 0) = 8]
  output: [8]
";

fn twice(isa: &Isa) -> Case {
    cases(isa, TWICE).unwrap_or_else(|faults| panic!("{faults}")).remove(0)
}

fn differences(isa: &Isa, text: &str) -> Vec<String> {
    let case = cases(isa, text).unwrap_or_else(|faults| panic!("{faults}")).remove(0);
    let observation = execute(isa, &Codec::new(isa), &case, Steps::Keep);
    judge(isa, &case.expect, &observation).iter().map(ToString::to_string).collect()
}

#[test]
fn cases_are_held_to_every_call() {
    let isa = ebpf();
    assert_eq!(differences(&isa, TWICE), [""; 0]);
    let open = TWICE.replace("answer(2 0 0 0 0) = 8]", "\"answer({2|3} ? 0 0 0) = 0x?\"]");
    assert_eq!(differences(&isa, &open), [""; 0]);
    let first = "answer(1 0 0 0 0) = 7, ";
    for (wrong, expected) in [
        (TWICE.replace(first, ""), "[answer(2 0 0 0 0) = 8]"),
        (
            TWICE.replace("(2 0 0 0 0) = 8", "(2 1 0 0 0) = 8"),
            "[answer(1 0 0 0 0) = 7, answer(2 1 0 0 0) = 8]",
        ),
        (
            TWICE.replace("= 8]\n  output", "= 9]\n  output"),
            "[answer(1 0 0 0 0) = 7, answer(2 0 0 0 0) = 9]",
        ),
    ] {
        let found = "[answer(1 0 0 0 0) = 7, answer(2 0 0 0 0) = 8]";
        assert_eq!(
            differences(&isa, &wrong),
            [format!("host\n  expected {expected}\n  found    {found}")]
        );
    }
    let traced =
        format!("{TWICE}  trace: |\n    ...\n    24 r0 = 8 host answer(2 ? 0 0 0) = 9\n    ...\n");
    let text = differences(&isa, &traced).join("\n");
    assert!(text.contains("line 2: 24 r0 = 8 host answer(2 ? 0 0 0) = 9"), "{text}");
}

#[test]
fn faulty_case_files_name_what_is_wrong() {
    let isa = ebpf();
    let case = |input: &str, host: &str| {
        let text = format!("- name: it\n  bytecode: \"95\"\n  input: {input}\n  host: {host}\n");
        cases(&isa, &text).expect_err("it is faulty")
    };
    let many = vec!["1"; 65537].join(", ");
    for (input, host, message) in [
        ("{answer: 7}", "[]", "expected replies in order"),
        ("{answer: {0: 7}}", "[]", "expected replies in order"),
        ("{answer: [-1]}", "[]", "-1 is not a value of type u64"),
        ("{answer: [18446744073709551616]}", "[]", "18446744073709551616"),
        ("{answer: [x]}", "[]", "`x`"),
        ("{answre: [1]}", "[]", "the machine has: reg, mem, frames, answer"),
        ("{mem: [1]}", "[]", "expected bytes in hexadecimal"),
        ("{reg: [1]}", "[]", "expected cells by index"),
        (&format!("{{answer: [{many}]}}"), "[]", "`answer` is given at most 65536 replies"),
        ("{}", "[answre(1) = 2]", "the host has: answer"),
        ("{}", "[answer(1 2 3 4) = 2]", "it is `answer(u64 u64 u64 u64 u64) = u64`"),
        ("{}", "[answer(1 2 3 4 5)]", "it is `answer(u64 u64 u64 u64 u64) = u64`"),
        ("{}", "[answer(1 2 3 4 -5) = 1]", "-5 is not a value of type u64"),
        ("{}", "[answer(1 2 3 4 5) = -1]", "-1 is not a value of type u64"),
        ("{}", "[answer]", "calls are written as in `answer(1 2) = 7`"),
        ("{}", "[answer(1 2 3 4 5) = 1 2]", "calls are written as in `answer(1 2) = 7`"),
        ("{}", "['answer(1 2 3 4 5 = 1']", "calls are written as in `answer(1 2) = 7`"),
    ] {
        let text = case(input, host);
        assert!(text.contains(message), "{host}: {text}");
    }
    let second = case("{}", "[answer(1 2 3 4 5) = 1, answer(1)]");
    let line = "  host: [answer(1 2 3 4 5) = 1, answer(1)]\n";
    let marks = format!("{}^^^^^^^^^\n", " ".repeat(32));
    assert!(second.contains(&format!("{line}  | {marks}")), "{second}");
    let stack =
        bytestone_spec::load_builtin("stack").expect("it is built in").expect("it is sound");
    let text =
        "bytestone: cases/1\nisa: stack@1\ncases:\n- {name: it, bytecode: \"00\", host: []}\n";
    let source = Source { name: "cases.yaml".to_owned(), text: text.to_owned() };
    let faulty = load::load(source, &stack).expect_err("it is faulty").render(Style::Plain);
    assert!(faulty.contains("the machine calls no functions of the host"), "{faulty}");
}

#[test]
fn engines_that_see_no_calls_are_not_asked() {
    let isa = ebpf();
    let codec = Codec::new(&isa);
    let mut description = ReferenceEngine::new([&isa]).description().clone();
    description.observes.host = false;
    let skip = |text: &str, description: &Description| {
        let case = cases(&isa, text).unwrap_or_else(|faults| panic!("{faults}")).remove(0);
        subject(&isa, &codec, &case).expect("it runs").skip(description)
    };
    let why = Some("the engine does not show calls of the host".to_owned());
    assert_eq!(skip(TWICE, &description), why);
    // Replies that nobody asks for, and a call for which there is none.
    let replies = "- {name: it, asm: \"call 2\\nexit\", input: {answer: [1]}, outcome: halt, requires: [base32]}";
    assert_eq!(skip(replies, &description), why);
    let call = "- {name: it, asm: \"call 3\\nexit\", outcome: halt, requires: [base32]}";
    assert_eq!(skip(call, &description), why);
    let neither = "- {name: it, asm: \"call 2\\nexit\", outcome: halt, requires: [base32]}";
    assert_eq!(skip(neither, &description), None);
    description.observes.host = true;
    assert_eq!(skip(TWICE, &description), None);
}

/// The reference tier with a fault.
struct Faulty<'a> {
    engine: ReferenceEngine<'a>,
    description: Description,
    fault: Fault,
}

#[derive(Clone, Copy)]
enum Fault {
    /// It knows the first reply only.
    FirstReplyOnly,
    /// It shows the first two arguments the other way round.
    SwapsArguments,
    /// It shows no calls, although it says that it does.
    ShowsNone,
}

impl Engine for Faulty<'_> {
    fn description(&self) -> &Description {
        &self.description
    }

    fn run(&mut self, request: &Request) -> Result<Reply, Mishap> {
        let mut request = request.clone();
        if let Fault::FirstReplyOnly = self.fault {
            request.input.truncate(1);
        }
        let mut reply = self.engine.run(&request)?;
        if let Reply::Ran(ran) = &mut reply {
            match self.fault {
                Fault::FirstReplyOnly => {}
                Fault::SwapsArguments => {
                    ran.host.iter_mut().flatten().for_each(|call| call.arguments.swap(0, 1));
                }
                Fault::ShowsNone => (ran.host, ran.state.called) = (None, None),
            }
        }
        Ok(reply)
    }
}

fn verdict(fault: Fault, traces: Traces) -> Verdict {
    let isa = ebpf();
    let engine = ReferenceEngine::new([&isa]);
    let description = Description { traces, ..engine.description().clone() };
    let mut engine = Faulty { engine, description, fault };
    run_chunk(&mut engine, &isa, &Codec::new(&isa), &[&twice(&isa)]).remove(0)
}

#[test]
fn a_wrong_reply_is_found_at_the_call_that_gets_it() {
    for traces in [Traces { hash: true, window: true }, Traces { hash: false, window: true }] {
        let Verdict::Fail(failure) = verdict(Fault::FirstReplyOnly, traces) else { panic!() };
        let divergence = failure.divergence.expect("it is located");
        assert_eq!((divergence.step, divergence.text.as_str()), (Some(3), "call 3"));
        let last = divergence.found.state.called.and_then(|(_, last)| last);
        assert_eq!(last.map(|call| call.to_string()).as_deref(), Some("answer(2 0 0 0 0) = 0"));
    }
}

#[test]
fn wrong_arguments_are_a_difference_of_their_own() {
    let Verdict::Fail(failure) = verdict(Fault::SwapsArguments, Traces::default()) else {
        panic!()
    };
    let Failure { differences, .. } = *failure;
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert_eq!(differences[0].aspect, Aspect::Host);
    assert_eq!(differences[0].found, "[answer(0 1 0 0 0) = 7, answer(0 2 0 0 0) = 8]");
}

#[test]
fn who_says_that_it_shows_calls_must_show_them() {
    let verdict = verdict(Fault::ShowsNone, Traces::default());
    let Verdict::Error(Mishap { kind: MishapKind::Protocol(why), .. }) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(why, "its answer does not show the calls of the host");
}

#[test]
fn findings_with_replies_are_cases_that_hold() {
    let isa = ebpf();
    let codec = Codec::new(&isa);
    let code =
        assemble(&codec, "mov %r1, 1\ncall 3\nadd %r0, 1\ncall 3\nexit").expect("it assembles");
    let programs = Programs::new(&isa, 1).expect("programs end");
    // A campaign may have dropped the first of two replies.
    let input = vec![NamedCell::from(("answer", 1, 8)), NamedCell::from(("reg", 6, 5))];
    let verdict = Verdict::Fail(Box::new(Vec::new().into()));
    let kind = Kind::of(&isa, &verdict).expect("it is a difference");
    let found = Found {
        engine: "it".to_owned(),
        machine: "ebpf".to_owned(),
        seed: 1,
        number: 2,
        kind,
        candidate: Candidate { code, input, fuel: bytestone::campaign::FUEL },
        verdict,
    };
    let text = programs.case_file(&found).expect("it runs");
    assert!(text.contains("    answer: [0, 8]\n"), "{text}");
    let host = "  host: [answer(1 0 0 0 0) = 0, answer(1 0 0 0 0) = 8]\n";
    assert!(text.contains(host), "{text}");
    let source = Source { name: "found.yaml".to_owned(), text: text.clone() };
    let read = load::load(source, &isa).unwrap_or_else(|faulty| panic!("{faulty}\n{text}"));
    let case = &read.cases[0];
    let observation = execute(&isa, &codec, case, Steps::of(case));
    let differences = judge(&isa, &case.expect, &observation);
    assert!(differences.is_empty(), "{differences:?}");
}

#[test]
fn candidates_of_a_campaign_have_replies() {
    let isa = ebpf();
    let programs = Programs::new(&isa, 7).expect("programs end");
    let with = |number| {
        let candidate = programs.candidate(number);
        candidate.input.iter().any(|cell| cell.bank == "answer")
    };
    assert!((0..200).any(with));
    assert_eq!(
        programs.candidate(151),
        Programs::new(&isa, 7).expect("programs end").candidate(151)
    );
}
