//! Reports: goldens of every format over one run with every verdict, hostile texts, and claims compared.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use bytestone::case::load::Machines;
use bytestone::case::{Case, load};
use bytestone::corpus::{Corpus, CorpusFile};
use bytestone::engine::{End, Level, Mishap, MishapKind, Request, SeenCell, Snapshot, Watch};
use bytestone::known::KnownFailures;
use bytestone::lockstep::{After, Divergence};
use bytestone::report::claim::{self, ClaimWriter};
use bytestone::report::{Badge, Github, Html, JsonLines, Junit, Markdown, Progress, Terminal};
use bytestone::runner::{self, Contender, Event, Examiner, Plan, Reporter, Selection};
use bytestone::verdict::{Aspect, Difference, Failure, Verdict};
use bytestone_spec::Isa;
use bytestone_spec::diagnostic::Source;
use bytestone_spec::isa::InsnId;
use bytestone_spec::load::{BuiltinOnly, load as load_spec};
use bytestone_vm::Value;
use bytestone_vm::trace::view::Key;

/// A text that tries to be more than text, in every format at once.
const HOSTILE: &str = "</code></script><script>alert(1)</script> & \"x\"=\u{1b}[31m | `b` **c** @all %0A\n::error::forged\n```\n<details>";

const SPEC: &str = r#"
bytestone: spec/1
isa: tiny
version: 1.2.3
title: Tiny
features:
  doubling: Programs may double.
machine:
  stack: {of: i32, depth: 8}
  output: i32
  globals: {of: i32, count: 4}
code: {decode: sweep, end: halt}
instructions:
  ONE: {enc: "0x01", stack: "-- r", do: r = i32(1), doc: Push one., ref: part 1}
  TWICE: {enc: "0x02", stack: "a -- r", do: r = a +% a, doc: "Double <b>the</b> top.", features: [doubling]}
  SHOW: {enc: "0x03", stack: "a --", do: out a, doc: Print the top.}
"#;

const CASES: &str = r#"
bytestone: cases/1
isa: tiny@1
cases:
- {name: passes, asm: ONE, final: {stack: [1]}}
- {name: doubles, asm: "ONE\nTWICE", final: {stack: [2]}, requires: [doubling]}
- {name: fails-step, about: "Doubling <i>two</i> | four.", asm: "ONE\nTWICE\nSHOW", output: [2], requires: [doubling], refs: [part 1]}
- {name: fails-only, asm: "ONE\nSHOW", output: [1]}
- {name: errs, asm: "ONE\nSHOW", output: [1]}
- {name: skips, asm: ONE, final: {stack: [1]}}
- {name: waits, asm: ONE, final: {stack: [1]}}
- {name: known, asm: "ONE\nSHOW", output: [1]}
- {name: cured, asm: "ONE\nSHOW", output: [1]}
"#;

const KNOWN: &str = r#"
bytestone: known-failures/1
failures:
- {case: tiny/known, reason: "It is | being <b>mended</b>."}
- {case: tiny/cured, reason: It was bad.}
"#;

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

fn machine() -> Isa {
    load_spec(source("tiny.yaml", SPEC), &BuiltinOnly).unwrap_or_else(|faulty| panic!("{faulty}"))
}

fn corpus(isa: &Isa) -> Corpus {
    let path = PathBuf::from("cases/tiny, 1.yaml");
    let source = source("cases/tiny, 1.yaml", CASES);
    let content = load::load(source.clone(), isa).unwrap_or_else(|faulty| panic!("{faulty}"));
    let files = vec![CorpusFile { path, source, content }];
    Corpus { name: "small".to_owned(), version: "0.0.1".to_owned(), files }
}

/// An engine whose verdicts go by the names of the cases.
struct Stub {
    name: String,
    /// What is put into every text that an engine can write.
    words: String,
}

impl Examiner for Stub {
    fn contender(&self, machines: &[&Isa]) -> Contender {
        Contender {
            name: self.name.clone(),
            version: "0.3".to_owned(),
            levels: machines.iter().map(|isa| (isa.name().to_owned(), Level::Full)).collect(),
        }
    }

    fn examine(&mut self, _: &Isa, cases: &[&Case]) -> Vec<Verdict> {
        cases.iter().map(|case| self.verdict(case)).collect()
    }
}

impl Stub {
    fn verdict(&self, case: &Case) -> Verdict {
        let words = &self.words;
        match case.id.split('/').nth(1).unwrap_or_default() {
            "fails-step" => Verdict::Fail(Box::new(wrong_step(words))),
            "fails-only" | "known" => Verdict::Fail(Box::new(
                vec![Difference {
                    aspect: Aspect::Outcome,
                    expected: "halt".to_owned(),
                    found: format!("trap {words}"),
                }]
                .into(),
            )),
            "errs" => Verdict::Error(Mishap {
                kind: MishapKind::Protocol(words.clone()),
                log: format!("first line\n{words}"),
            }),
            "skips" => Verdict::Skip(format!("the engine does not support it: {words}")),
            "waits" => Verdict::NotRun(words.clone()),
            _ => Verdict::Pass,
        }
    }
}

fn wrong_step(words: &str) -> Failure {
    let state = |pc, stack: &[i128], value: i128| Snapshot {
        pc: Some(pc),
        depth: Some(0),
        printed: Some((0, None)),
        called: None,
        stack: Some(stack.iter().map(|&value| Value::Int(value)).collect()),
        cells: Some(vec![SeenCell::from(("global", Key::Index(2), Value::Int(value)))]),
    };
    let end = End::Trap { trap: Some(words.to_owned()), at: Some(1) };
    let divergence = Divergence {
        step: Some(1),
        offset: 1,
        insn: InsnId(1),
        text: "TWICE".to_owned(),
        before: state(1, &[7, 1], 5),
        expected: After { state: state(2, &[7, 2], 5), end: None },
        found: After { state: state(2, &[7, 3], 6), end: Some(end) },
    };
    Failure {
        differences: vec![Difference {
            aspect: Aspect::Output,
            expected: "[2]".to_owned(),
            found: "[3]".to_owned(),
        }],
        divergence: Some(Box::new(divergence)),
        request: Some(Box::new(Request {
            machine: "tiny".to_owned(),
            program: vec![1, 2, 3],
            input: Vec::new(),
            fuel: 1000,
            watch: Watch::End,
        })),
    }
}

/// What a reporter wrote.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const RERUN: &str = "bytestone test --vm 'vm <x> | `y`' --case";

fn reporter(format: &str, out: Written) -> Box<dyn Reporter> {
    match format {
        "text" => Box::new(Terminal::new(out, Progress::Lines, RERUN)),
        "json" => Box::new(JsonLines::new(out)),
        "junit" => Box::new(Junit::new(out)),
        "github" => Box::new(Github::new(out)),
        "markdown" => Box::new(Markdown::new(out, RERUN)),
        "html" => Box::new(Html::new(out, RERUN)),
        "badge" => Box::new(Badge::new(out)),
        "claim" => Box::new(ClaimWriter::new(out)),
        _ => panic!("no format {format}"),
    }
}

/// A report of runs of engines over the corpus.
fn report_on(format: &str, stubs: &mut [Stub], known: &str) -> String {
    let isa = machine();
    let corpus = corpus(&isa);
    let out = Written::default();
    let mut reporters = vec![reporter(format, out.clone())];
    for stub in stubs {
        let mut known = KnownFailures::parse(source("known.yaml", known)).expect("it is sound");
        let selection = Selection::default();
        let mut plan =
            Plan { corpus: &corpus, selection: &selection, known: &mut known, max_failures: None };
        let machines: &dyn Machines = &isa;
        runner::run(&mut plan, machines, stub, &mut reporters).expect("nothing fails");
    }
    runner::publish(&mut reporters, &Event::Closed).expect("nothing fails");
    let bytes = out.0.lock().expect("nobody panicked").clone();
    String::from_utf8(bytes).expect("reports are text")
}

fn stub(name: &str, words: &str) -> Stub {
    Stub { name: name.to_owned(), words: words.to_owned() }
}

fn report(format: &str) -> String {
    report_on(format, &mut [stub("vm", "odd words"), stub("other", "odd words")], KNOWN)
}

/// Compares with a file of `tests/golden`, but for what every release and every change of the case type changes.
#[track_caller]
fn assert_golden(name: &str, actual: String) {
    let hash = corpus(&machine()).hash();
    let version = env!("CARGO_PKG_VERSION");
    let actual = actual
        .replace(&hash, "HASH")
        .replace(&hash[..16], "HASH")
        .replace(&format!("Bytestone {version}"), "Bytestone VERSION")
        .replace(&format!("\"tool\": \"{version}\""), "\"tool\": \"VERSION\"");
    crate::manual::assert_golden(name, actual);
}

#[test]
fn github_annotations() {
    assert_golden("report-github.txt", report("github"));
}

#[test]
fn markdown_summary() {
    assert_golden("report-markdown.md", report("markdown"));
}

#[test]
fn json_lines() {
    assert_golden("report-json.jsonl", report("json"));
}

#[test]
fn claims() {
    assert_golden("report-claim.json", report("claim"));
}

/// Style and script are left out: they are no result.
#[test]
fn html_page() {
    let page = report("html");
    let (head, rest) = page.split_once("<style>").expect("there is a style");
    let (_, rest) = rest.split_once("</style>").expect("it ends");
    let (body, _) = rest.split_once("<script>").expect("there is a script");
    let lines = format!("{head}{body}").replace("><", ">\n<");
    assert_golden("report-html.html", lines + "\n");
}

#[test]
fn badges_say_what_is_bad() {
    let mut stubs = [stub("vm", "x")];
    let badge = |stubs: &mut [Stub], known: &str| -> serde_json::Value {
        serde_json::from_str(&report_on("badge", stubs, known)).expect("it is JSON")
    };
    let bad = badge(&mut stubs, KNOWN);
    assert_eq!(bad["schemaVersion"], 1);
    assert_eq!(bad["message"], "3 failed, 1 errored, 1 not run");
    assert_eq!(bad["color"], "red");
}

#[test]
fn equal_runs_give_equal_reports() {
    for format in ["text", "json", "junit", "github", "markdown", "html", "badge", "claim"] {
        assert_eq!(report(format), report(format), "{format}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let hostile =
        |format| report_on(format, &mut [stub(HOSTILE, HOSTILE), stub("b", HOSTILE)], KNOWN);
    let page = hostile("html");
    assert_eq!(page.matches("<script").count(), 1, "only the page's own script");
    assert!(!page.contains("http://") && !page.contains("https://"), "it loads nothing");

    let github = hostile("github");
    for line in github.lines() {
        let known = ["::error file=", "::notice ", "::warning title="];
        assert!(known.iter().any(|start| line.starts_with(start)), "{line}");
    }
    assert!(github.contains("file=cases/tiny%2C 1.yaml,line="), "{github}");

    let markdown = hostile("markdown");
    let mut html = String::new();
    let options = pulldown_cmark::Options::ENABLE_TABLES;
    pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new_ext(&markdown, options));
    assert!(!html.contains("<script"), "{html}");
    assert_eq!(html.matches("<details>").count(), html.matches("</details>").count());
    assert!(!html.contains("<strong>c</strong>"), "{html}");

    for line in hostile("json").lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("a line is one value");
    }
    let claim = claim::parse(&hostile("claim")).expect("a claim can be read again");
    assert_eq!(claim.engines[0].name, HOSTILE);
}

#[test]
fn long_reports_say_how_many_are_left_out() {
    let names: Vec<String> = (0..60).map(|number| format!("vm{number}")).collect();
    let mut stubs: Vec<Stub> = names.iter().map(|name| stub(name, "x")).collect();
    let github = report_on("github", &mut stubs, "bytestone: known-failures/1\nfailures: []\n");
    assert_eq!(github.matches("::error ").count(), 50);
    let last = github.lines().last().expect("there are lines");
    assert!(last.contains("190 more that failed or errored, 0 more known"), "{last}");
    let markdown = report_on("markdown", &mut stubs, KNOWN);
    assert_eq!(markdown.matches("<details>").count(), 20);
    assert!(markdown.contains("\n220 more failed or errored.\n"), "{markdown}");
}

/// Writes a claim with changes, and calls `bytestone report diff`.
fn diff(before: &str, after: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("a.json"), before).expect("it is written");
    std::fs::write(path("b.json"), after).expect("it is written");
    call(&[&["report", "diff", &path("a.json"), &path("b.json")], more].concat())
}

fn call(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bytestone"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .expect("the command ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn claims_are_compared() {
    let bad = report_on("claim", &mut [stub("vm", "x")], KNOWN);
    let mut good = claim::parse(&bad).expect("it is sound");
    good.engines[0].failed.retain(|id| id != "tiny/fails-step");
    good.engines[0].counts.failed -= 1;
    good.engines[0].counts.passed += 1;
    good.engines[0].machines[0].counts = good.engines[0].counts;
    good.engines[0].version = "0.2".to_owned();
    let good = serde_json::to_string(&good).expect("it is JSON");

    let (code, out, _) = diff(&bad, &bad, &[]);
    assert_eq!(code, Some(0), "{out}");
    let (code, out, _) = diff(&bad, &good, &[]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("tiny/fails-step: failed -> passed"), "{out}");
    let (code, out, _) = diff(&good, &bad, &[]);
    assert_eq!(code, Some(1), "{out}");
    assert_golden("report-diff.txt", out);

    let (code, out, _) = diff(&good, &bad, &["--format", "json"]);
    assert_eq!(code, Some(1), "{out}");
    let value: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(value["regression"], true);
    assert_eq!(value["engines"][0]["worse"][0]["case"], "tiny/fails-step");
    assert_eq!(value["engines"][0]["worse"][0]["before"], "unlisted");
}

#[test]
fn levels_and_corpora_are_compared() {
    let text = report_on("claim", &mut [stub("vm", "x")], KNOWN);
    let mut other = claim::parse(&text).expect("it is sound");
    other.engines[0].machines[0].level = Some(Level::Pc);
    other.corpus.hash = "another".to_owned();
    let (code, out, _) = diff(&text, &serde_json::to_string(&other).expect("JSON"), &[]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("the level is lower, pc instead of full"), "{out}");
    assert!(out.contains("warning: the corpus is another one"), "{out}");
}

#[test]
fn unreadable_claims_are_told_from_regressions() {
    let good = report("claim");
    let later = good.replace("claim/1", "claim/2");
    for (text, message) in [
        ("{", "not JSON"),
        ("{}", "is missing"),
        (later.as_str(), "`claim/2`"),
        (r#"{"bytestone":"claim/1"}"#, "no sound claim"),
    ] {
        let (code, _, err) = diff(&good, text, &[]);
        assert_eq!(code, Some(2), "{err}");
        assert!(err.contains("b.json") && err.contains(message), "{err}");
    }
    assert_eq!(call(&["report", "diff", "no-such-file", "no-such-file"]).0, Some(2));
}

#[test]
fn every_format_can_be_asked_for() {
    for format in ["github", "markdown", "html", "badge", "claim"] {
        let arguments = ["test", "--machine", "loop", "--case", "loop/a*", "--format", format];
        let (code, out, err) = call(&arguments);
        assert_eq!(code, Some(0), "{format}: {err}");
        assert!(!out.is_empty(), "{format}");
    }
    let schema = call(&["schema", "claim"]).1;
    assert!(schema.contains("\"bytestone\""), "{schema}");
}
