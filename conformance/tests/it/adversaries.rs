//! Engines that misbehave, each in one way: what it costs, and that nothing is left of them.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use crate::tools;

/// Eighteen cases of two files, so of two batches.
const CASES: &str = "{halt,push,pop,add,sub,mul,div,load,store,print,start-at-zero,letters,reverse-letters,\
    overwrite,store-same-value,store-takes-one,loaded-value-is-a-copy,input-extremes}";
/// How many these are.
const COUNT: usize = 18;
/// A case in the middle of a batch, and the last cases of the two batches.
const TRIGGERS: [&str; 3] = ["calculator/mul", "calculator/print", "calculator/input-extremes"];
/// The modes that end by the time limit.
const HANGING: [&str; 3] = ["hangs", "hangs-ignoring-sigterm", "slow-hello"];
/// The variable by which all that a run starts can be found.
const MARK: &str = "BYTESTONE_TEST_MARK";
/// Nothing here takes that long; it only ends a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(10);

fn engine(mode: &str) -> String {
    let kit = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/adversary/engine.py");
    shell_words::join(["python3".to_owned(), kit.display().to_string(), mode.to_owned()])
}

fn bytestone(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bytestone"));
    command.arg("test").args(arguments);
    command
}

/// The program of a case in hexadecimal, as an engine gets it.
fn program(case: &str) -> String {
    let output = bytestone(&["--emit-request", case]).output().expect("the command starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let run = text.lines().find(|line| line.contains("\"run\"")).expect("there is a run request");
    let run: Json = serde_json::from_str(run).expect("it is JSON");
    run["program"].as_str().expect("it has a program").to_owned()
}

/// The triggers and their programs.
fn programs() -> &'static [(&'static str, String)] {
    static PROGRAMS: LazyLock<Vec<(&str, String)>> =
        LazyLock::new(|| TRIGGERS.map(|case| (case, program(case))).to_vec());
    tools::need("python3");
    &PROGRAMS
}

/// What came of a run with an engine.
struct Run {
    code: Option<i32>,
    /// The lines of the report about cases.
    cases: Vec<Json>,
    err: String,
}

impl Run {
    /// Holds an engine of the kit to the cases, and makes sure that no process is left of it.
    fn new(mode: &str, trigger: &str, more: &[&str]) -> Self {
        Self::of(&engine(mode), mode, trigger, more)
    }

    /// The same for a command that starts an engine of the kit in its own way.
    fn of(command: &str, mode: &str, trigger: &str, more: &[&str]) -> Self {
        static MARKS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = MARKS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mark = format!("{}-{number}-{mode}", std::process::id());
        // Where nothing hangs, a busy machine must not make it look so.
        let time = if HANGING.contains(&mode) { "2" } else { "60" };
        let limits = ["--timeout", time, "--memory", "300", "--jobs", "1", "--format", "json"];
        let output: Output = bytestone(&["--vm", command, "--machine", "calculator"])
            .args(["--case", CASES])
            .args(limits)
            .args(more)
            .env("TRIGGER", trigger)
            .env(MARK, &mark)
            .output()
            .expect("the command starts");
        let left = left_behind(&mark);
        assert!(left.is_empty(), "{mode}: processes are left: {left:?}");
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = out.lines().map(|line| serde_json::from_str(line).expect("a line is JSON"));
        Self {
            code: output.status.code(),
            cases: lines.filter(|line: &Json| line["type"] == "case").collect(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The cases with another verdict than `pass`.
    fn costs(&self) -> Vec<&Json> {
        self.cases.iter().filter(|case| case["verdict"] != "pass").collect()
    }
}

/// The processes that carry a mark, once those that are being ended had the time to end.
fn left_behind(mark: &str) -> Vec<String> {
    let wanted = format!("{MARK}={mark}");
    let begun = Instant::now();
    loop {
        let mut system = System::new();
        let refresh = ProcessRefreshKind::nothing()
            .with_environ(UpdateKind::Always)
            .with_cmd(UpdateKind::Always);
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, refresh);
        let left = system.processes().values().filter(|process| {
            process.environ().iter().any(|variable| *variable == *wanted.as_str())
        });
        let left: Vec<String> =
            left.map(|process| format!("{} {:?}", process.pid(), process.cmd())).collect();
        if left.is_empty() || begun.elapsed() > PATIENCE {
            return left;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The engine is started, and one case is an error with these words.
fn costs_one_error(mode: &str, words: &str) {
    for (trigger, program) in programs() {
        let run = Run::new(mode, program, &[]);
        let costs = run.costs();
        let context = format!("{mode} on {trigger}: {costs:#?} {}", run.err);
        assert_eq!((run.cases.len(), costs.len()), (COUNT, 1), "{context}");
        assert_eq!((&costs[0]["id"], &costs[0]["verdict"]), (&(*trigger).into(), &"error".into()));
        let reason = costs[0]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(words), "{context}");
        assert_eq!(run.code, Some(5), "{context}");
    }
}

/// One case fails, and part of what is told of it is `told`, by this key.
fn costs_one_failure(mode: &str, told: (&str, &str)) {
    for (trigger, program) in programs() {
        let run = Run::new(mode, program, &[]);
        let costs = run.costs();
        let context = format!("{mode} on {trigger}: {costs:#?} {}", run.err);
        assert_eq!((run.cases.len(), costs.len()), (COUNT, 1), "{context}");
        assert_eq!((&costs[0]["id"], &costs[0]["verdict"]), (&(*trigger).into(), &"fail".into()));
        let (key, part) = told;
        assert!(costs[0][key].to_string().contains(part), "{context}");
        assert_eq!(run.code, Some(1), "{context}");
    }
}

/// Nothing is run, and one message says why.
fn stops_before_the_first_case(mode: &str, words: &str) {
    let (_, program) = &programs()[0];
    let begun = Instant::now();
    let run = Run::new(mode, program, &[]);
    assert_eq!((run.code, run.cases.len()), (Some(2), 0), "{mode}: {}", run.err);
    assert_eq!(run.err.matches("error:").count(), 1, "{}", run.err);
    assert!(run.err.contains(words) && run.err.contains(mode), "{mode}: {}", run.err);
    assert!(begun.elapsed() < PATIENCE * 3, "it took {:?}", begun.elapsed());
}

macro_rules! modes {
    ($($check:ident { $($test:ident $mode:literal $words:expr,)+ })+) => {
        $($(
            #[test]
            fn $test() {
                $check($mode, $words);
            }
        )+)+

        /// The modes that have a test here, but for those with one of their own below.
        const TESTED: &[&str] = &[$($($mode),+),+];
    };
}

modes! {
    stops_before_the_first_case {
        exits_at_once "exits-at-once" "the engine exited with code 0",
        slow_hello "slow-hello" "did not answer within 2 s",
        reply_before_request "reply-before-request" "an answer to a request not yet made",
        other_protocol "other-protocol" "speaks protocol 2",
        needs_capability "needs-capability" "requires `telepathy`",
    }
    costs_one_error {
        crashes "crashes" "signal 11 (segmentation fault)",
        hangs "hangs" "did not answer within 2 s",
        hangs_ignoring_sigterm "hangs-ignoring-sigterm" "did not answer within 2 s",
        forks_a_child "forks-a-child" "signal 11 (segmentation fault)",
        forks_a_session "forks-a-session" "signal 11 (segmentation fault)",
        closes_stdout "closes-stdout" "it closed its standard output and ran on",
        prints_garbage "prints-garbage" "Segmentation fault (core dumped)",
        half_a_line "half-a-line" "it exited in the middle of a line",
        gigabyte_line "gigabyte-line" "a line of more than 16 MiB",
        invalid_utf8 "invalid-utf8" "a line that is not UTF-8",
        floods_stderr "floods-stderr" "more than 16 MiB on standard error",
        floods_rows "floods-rows" "a row that was not asked for",
        eats_memory "eats-memory" "MiB of memory, more than it may",
        wrong_id "wrong-id" "it answered request",
        two_replies "two-replies" "more than one answer",
    }
    costs_one_failure {
        wrong_on_trigger "wrong-on-trigger" ("differences", r#""aspect":"output""#),
        other_trace "other-trace" ("divergence", r#""step":0,"#),
    }
}

/// The modes with tests of their own.
const OTHERS: [&str; 2] = ["changes-answer", "leaks-state"];

#[test]
fn answers_that_change_show_when_cases_run_again() {
    let run = Run::new("changes-answer", &programs()[0].1, &[]);
    assert_eq!((run.code, run.costs().len()), (Some(0), 0), "{:#?} {}", run.costs(), run.err);
    let run = Run::new("changes-answer", &programs()[0].1, &["--shuffle"]);
    assert_eq!((run.code, run.cases.len()), (Some(1), COUNT), "{}", run.err);
    for case in &run.cases {
        assert_eq!(case["verdict"], "fail", "{case}");
        let differences = case["differences"].as_array().expect("a list");
        assert!(differences.iter().any(|found| found["aspect"] == "determinism"), "{case}");
    }
}

#[test]
fn state_that_leaks_shows_in_the_programs_that_follow() {
    let run = Run::new("leaks-state", &programs()[0].1, &[]);
    let costs = run.costs();
    assert_eq!((run.code, run.cases.len()), (Some(1), COUNT), "{costs:#?} {}", run.err);
    assert!(!costs.is_empty() && costs.iter().all(|case| case["verdict"] == "fail"), "{costs:#?}");
    // Whoever came before a program that stores something got a machine without a past.
    for early in ["halt", "push", "pop", "add", "sub", "mul", "div"] {
        let id = format!("calculator/{early}");
        assert!(costs.iter().all(|case| case["id"] != *id), "{early}: {costs:#?}");
    }
    let clean = |case: &&Json| case["id"] == "calculator/start-at-zero";
    assert!(costs.iter().any(clean), "{costs:#?}");
}

#[test]
fn every_mode_of_the_kit_has_a_test() {
    tools::need("python3");
    let kit = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/adversary/engine.py");
    let output = Command::new("python3").arg(kit).arg("no-such-mode").output().expect("it starts");
    let usage = String::from_utf8_lossy(&output.stderr).into_owned();
    let modes = usage.split_once('{').and_then(|(_, rest)| rest.split_once('}')).expect("modes").0;
    let mut modes: Vec<&str> = modes.split(',').map(str::trim).collect();
    let mut tested: Vec<&str> = TESTED.iter().chain(&OTHERS).copied().collect();
    modes.sort_unstable();
    tested.sort_unstable();
    assert_eq!(modes, tested);
}

/// The shell that starts the engine takes no memory itself.
#[test]
#[cfg(unix)]
fn memory_of_descendants_counts() {
    let (case, program) = &programs()[0];
    let shell = format!("{}; true", engine("eats-memory"));
    let command = shell_words::join(["sh", "-c", &shell]);
    let run = Run::of(&command, "eats-memory", program, &[]);
    let costs = run.costs();
    assert_eq!(
        (run.code, run.cases.len(), costs.len()),
        (Some(5), COUNT, 1),
        "{costs:#?} {}",
        run.err
    );
    assert_eq!(costs[0]["id"], *case);
    assert!(costs[0]["reason"].to_string().contains("more than it may"), "{costs:#?}");
}

/// Engines that always fail cost their restarts, and what is left is not run.
#[test]
fn restarts_end() {
    let run = Run::new("crashes", &programs()[0].1, &["--max-restarts", "0"]);
    let verdicts = |wanted: &str| run.cases.iter().filter(|case| case["verdict"] == wanted).count();
    assert_eq!((run.code, run.cases.len(), verdicts("error")), (Some(5), COUNT, 1), "{}", run.err);
    assert!(verdicts("pass") >= 5 && verdicts("not run") >= 10, "{:#?}", run.costs());
}
