//! The figures of engines, measured in one run: `cargo xtask bench engines`.
//!
//! They need a C compiler, with which the C VM of this repository is built.

mod measure;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bytestone::case::Case;
use bytestone::corpus;
use bytestone::engine::child::{ChildEngine, Launch};
use bytestone::engine::reference::ReferenceEngine;
use bytestone::engine::{Engine, Reply};
use bytestone::lockstep::{Finding, Subject};
use bytestone::registry::Registry;
use bytestone::suite::{assemble, run_chunk};
use bytestone::verdict::Verdict;
use bytestone_spec::Isa;
use bytestone_vm::codec::Codec;
use measure::{head, line, machine, median, rate};

/// Cases that an engine is given at once, as in `bytestone test`.
const CHUNK: usize = 64;

fn main() {
    head();
    let vm = c_vm();
    let calculator = machine("calculator");
    let machines = Registry::built_in().expect("built-in machines are sound");
    let corpus = corpus::built_in(&machines).expect("the corpus reads");
    let cases: Vec<&Case> = corpus.cases_of("calculator").collect();
    let one = small_cases(&vm, &calculator, &cases);
    let each = process_per_case(&vm, &calculator, &cases);
    line("  a process per case takes as long as", format!("{:.1} cases", each / one), "> 20 cases");
    lockstep();
    located(&vm);
}

fn start(command: &str) -> ChildEngine {
    let launch = Launch::new(command).expect("the command is sound");
    ChildEngine::start(launch).unwrap_or_else(|mishap| panic!("{command}: {mishap}"))
}

/// Builds the C VM; its path.
fn c_vm() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vms/c");
    let vm: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vm");
    let sources = ["main.c", "calculator.c", "stack.c", "stack_verify.c", "register.c"];
    let built = Command::new("cc")
        .args(["-std=c11", "-O2", "-o"])
        .arg(&vm)
        .args(sources)
        .current_dir(&folder)
        .status();
    assert!(built.is_ok_and(|status| status.success()), "the C VM needs a C compiler, `cc`");
    vm.display().to_string()
}

fn all_pass(engine: &mut (dyn Engine + '_), isa: &Isa, codec: &Codec<'_>, cases: &[&Case]) {
    for chunk in cases.chunks(CHUNK) {
        for verdict in run_chunk(engine, isa, codec, chunk) {
            assert!(matches!(verdict, Verdict::Pass), "{verdict:?}");
        }
    }
}

/// Small cases on one process: assemble, decode, verify, run and hash on the reference tier, ask the
/// engine, and compare. Returns seconds for a case.
fn small_cases(vm: &str, isa: &Isa, cases: &[&Case]) -> f64 {
    const REPEATS: usize = 50;
    let codec = Codec::new(isa);
    let mut engine = start(vm);
    let many: Vec<&Case> = cases.iter().cycle().take(cases.len() * REPEATS).copied().collect();
    let time = median(|| all_pass(&mut engine, isa, &codec, &many));
    let per_second = many.len() as f64 / time.as_secs_f64();
    line("small cases, C engine, one process", format!("{per_second:.0}/s"), "50000/s");
    1.0 / per_second
}

/// The same with a process for each case. Returns seconds for a case.
fn process_per_case(vm: &str, isa: &Isa, cases: &[&Case]) -> f64 {
    let codec = Codec::new(isa);
    let few = &cases[..cases.len().min(100)];
    let time = median(|| {
        for case in few {
            all_pass(&mut start(vm), isa, &codec, &[case]);
        }
    });
    let per_second = few.len() as f64 / time.as_secs_f64();
    line("small cases, C engine, a process each", format!("{per_second:.0}/s"), "");
    1.0 / per_second
}

/// Counts down, then divides a negative number.
fn long_program(isa: &Isa, rounds: u32) -> Vec<u8> {
    let text = format!(
        "PUSH {rounds}\n STORE 0\nagain: LOAD 1\n LOAD 0\n ADD\n STORE 1\n LOAD 0\n PUSH 1\n SUB\n \
         STORE 0\n LOAD 0\n JUMPZ done\n JUMP again\ndone: PUSH -7\n PUSH 2\n DIV\n PRINT\n HALT"
    );
    assemble(&Codec::new(isa), &text).expect("it assembles")
}

/// Steps of a round of the long program.
const ROUND: u32 = 11;

fn subject<'a>(isa: &'a Isa, code: Vec<u8>) -> Subject<'a> {
    Subject::new(isa, &Codec::new(isa), code, Vec::new(), 1 << 40).expect("it runs")
}

/// Asks for the hash of the whole run and compares.
fn compare(subject: &Subject<'_>, engine: &mut impl Engine) -> Finding {
    let request = subject.request(engine.description());
    let reply = engine.run(&request).unwrap_or_else(|mishap| panic!("{mishap}"));
    assert!(matches!(reply, Reply::Ran(_)));
    subject.judge(engine, &request, &reply).expect("the reference tier runs it")
}

/// Two instances of the reference tier.
fn lockstep() {
    let isa = machine("stack");
    let subject = subject(&isa, long_program(&isa, 3_000_000 / ROUND));
    let (_, steps) = subject.runs().expect("it is accepted");
    let mut engine = ReferenceEngine::new([&isa]);
    let time = median(|| assert!(matches!(compare(&subject, &mut engine), Finding::Agrees)));
    line("hash lockstep of two reference tiers", rate(steps as f64, time), "8 M/s");
}

/// A fault at the end of ten million steps.
fn located(vm: &str) {
    let isa = machine("stack");
    let code = long_program(&isa, 10_000_000 / ROUND);
    let mut engine = start(&format!("{vm} --bug stack_div_unsigned"));
    let mut steps = 0;
    let time: Duration = median(|| {
        let subject = subject(&isa, code.clone());
        steps = subject.runs().map_or(0, |(_, steps)| steps);
        let Finding::Differs(failure) = compare(&subject, &mut engine) else {
            panic!("the planted bug was not found");
        };
        let found = failure.divergence.expect("the first wrong step is found");
        assert_eq!(found.step, Some(steps - 3));
    });
    let what = format!("the wrong one of {:.1} million steps", steps as f64 / 1e6);
    line(&what, format!("{:.2} s", time.as_secs_f64()), "< 3 s");
}
