//! The project's figures, measured in one run: `cargo xtask bench`.
//!
//! Each line is the median of several rounds beside the number to reach; nothing is asserted.

mod measure;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use arbitrary::Unstructured;
use bytestone::corpus;
use bytestone::known::KnownFailures;
use bytestone::registry::Registry;
use bytestone::rounds::Target;
use bytestone::runner::{self, Plan, Selection, Tools};
use bytestone_lang::{Language, Passes, Source};
use bytestone_spec::{Isa, builtin, load_builtin};
use bytestone_vm::asm::assemble;
use bytestone_vm::codec::Codec;
use bytestone_vm::generate::Generator;
use bytestone_vm::trace::{HashTrace, NoTrace, Notation, TextTrace};
use bytestone_vm::verify::{Verified, Verifier, verify};
use bytestone_vm::{Outcome, Program, Reference, Rejection, State};
use measure::{ROUNDS, line, machine, median, median_of, millis, rate};

fn main() {
    measure::head();
    load_specs();
    tiers();
    modules();
    verifier();
    rounds();
    programs();
    whole_corpus();
}

fn load_specs() {
    for name in builtin::names() {
        let time = median(|| drop(black_box(load_builtin(name))));
        line(&format!("spec load and check, {name}"), millis(time), "< 10 ms");
    }
}

fn program(isa: &Isa, text: &str) -> Verified {
    let codec = Codec::new(isa);
    let assembled = assemble(&codec, text).expect("it assembles");
    verify(isa, codec.decode(&assembled.bytes).expect("it decodes")).expect("it is accepted")
}

/// Counts down from a number, with some arithmetic in each round.
const STACK_LOOP: &str = "
    PUSH 300000
    STORE 0
again: LOAD 1
    LOAD 0
    ADD
    STORE 1
    LOAD 0
    PUSH 1
    SUB
    STORE 0
    LOAD 0
    JUMPZ done
    JUMP again
done: HALT
";

const REGISTER_LOOP: &str = "
    LOAD R0, 0
    LOADH R0, 8
    LOAD R1, 1
again: ADD R2, R2, R0
    SUB R0, R0, R1
    JNZ R0, again
    HALT
";

/// A loop with additions, calls of a function, and an array that is read.
const SCRIPT_LOOP: &str = "
let table = [1, 2, 3];
function next(i) { return table[i % 3]; }
let total = 0;
for (let i = 0; i < 40000; i = i + 1) {
  if (i % 4 == 0) total = total + next(i);
  total = total - 1;
}
";

const EBPF_LOOP: &str = "
    mov %r1, 300000
again: stxdw [%r10-8], %r1
    ldxdw %r2, [%r10-8]
    add %r0, %r2
    sub %r1, 1
    jne %r1, 0, again
    exit
";

fn tiers() {
    let integers = ["50 M/s", "20 M/s", "5 M/s"];
    for (name, text) in [("stack", STACK_LOOP), ("register", REGISTER_LOOP), ("ebpf", EBPF_LOOP)] {
        let isa = machine(name);
        let verified = program(&isa, text);
        tier(name, &isa, &verified, integers);
    }
    let isa = machine("script");
    let source = Source::new(SCRIPT_LOOP).expect("it is short");
    let compiled = Language::Script.compile(&source, &isa, Passes::NONE).expect("it compiles");
    let decoded = Codec::new(&isa).decode(&compiled.bytes).expect("it decodes");
    let verified = verify(&isa, decoded).expect("it is accepted");
    tier("script", &isa, &verified, ["10 M/s", "", "2 M/s"]);
}

/// The speed of one program that halts: untraced, with a hash, with a trace as text.
fn tier(name: &str, isa: &Isa, verified: &Verified, goals: [&str; 3]) {
    let reference = Reference::new(isa, verified);
    let mut steps = 0.0;
    let time = median(|| {
        let mut state = State::new(isa);
        assert_eq!(reference.run(&mut state, u64::MAX, &mut NoTrace), Ok(Outcome::Halt));
        steps = state.steps() as f64;
    });
    line(&format!("reference tier, {name}, untraced"), rate(steps, time), goals[0]);
    let hashed = median(|| {
        let (mut state, mut hash) = (State::new(isa), HashTrace::new(isa));
        let outcome = reference.run(&mut state, u64::MAX, &mut hash);
        assert_eq!(outcome, Ok(Outcome::Halt));
        black_box(hash.finish(&state));
    });
    line(&format!("reference tier, {name}, hash"), rate(steps, hashed), goals[1]);
    // Few enough steps that the whole text is kept.
    const TRACED: u64 = 300_000;
    let notation = Notation::new(isa, verified.program());
    let text = median(|| {
        let mut text = TextTrace::new(&notation);
        let outcome = reference.run(&mut State::new(isa), TRACED, &mut text);
        assert_eq!((outcome, text.omitted()), (Ok(Outcome::Fuel), 0));
        black_box(text.text().len());
    });
    line(&format!("reference tier, {name}, text trace"), rate(TRACED as f64, text), goals[2]);
    let ratio = hashed.as_secs_f64() / time.as_secs_f64();
    line("  hash to untraced", format!("{ratio:.2} x"), "");
}

/// Loading and verifying a module, and compiling its source, of about a megabyte.
fn modules() {
    let isa = machine("script");
    let codec = Codec::new(&isa);
    let part = |number: usize| {
        format!(
            "function f{number}(a, b) {{ let c = a + b * 2; while (c < 10) c = c + a; return c; }}\n"
        )
    };
    let text: String = (0..12_000).map(part).collect();
    let bytes = text.len() as f64;
    let source = Source::new(text).expect("it is within the limits");
    let mut compiled = None;
    let time = median(|| compiled = Language::Script.compile(&source, &isa, Passes::ALL).ok());
    line("compile a script with all passes", rate(bytes, time), "1 M/s");
    let module = compiled.expect("it compiles").bytes;
    let mut count = 0.0;
    let time = median(|| {
        let program = codec.decode(&module).expect("it decodes");
        count = program.insns().len() as f64;
        drop(black_box(verify(&isa, program).expect("it is accepted")));
    });
    line("load and verify a module, instructions", rate(count, time), "10 M/s");
}

/// A shape of code: name, and the bytes of about as many instructions as asked for.
type Shape = (&'static str, fn(usize) -> Vec<u8>);

/// Ordinary code and code made to hurt, for the machine `stack`.
const SHAPES: [Shape; 6] = [
    ("straight code", |count| [[0x08, 0, 0x02].repeat(count / 2), vec![0x0f]].concat()),
    ("every instruction a jump forward", |count| [[0x0a, 0, 0].repeat(count), vec![0x0f]].concat()),
    ("every instruction a jump backward", |count| {
        let jump_to_the_one_before = [0x0a, 0xfa, 0xff];
        let first = (3 * count as i64).min(32_000) as i16;
        let mut code = vec![0x0a];
        code.extend((first - first % 3).to_le_bytes());
        code.extend(jump_to_the_one_before.repeat(count));
        code.push(0x0f);
        code
    }),
    ("conditional jumps", |count| [[0x08, 0, 0x0b, 0, 0].repeat(count / 2), vec![0x0f]].concat()),
    ("every call to an entry of its own", |count| {
        let entries = count / 2;
        let mut code: Vec<u8> = Vec::new();
        for entry in 0..entries {
            code.push(0x0c);
            code.extend((5 * entries as u32 + 1 + entry as u32).to_le_bytes());
        }
        code.push(0x0f);
        code.resize(code.len() + entries, 0x0d);
        code
    }),
    ("a chain of calls", |count| {
        let links = count / 2;
        let mut code: Vec<u8> = vec![0x0c, 6, 0, 0, 0, 0x0f];
        for link in 0..links {
            code.push(0x0c);
            code.extend((6 + 6 * (link as u32 + 1)).to_le_bytes());
            code.push(0x0d);
        }
        code.push(0x0d);
        code
    }),
];

fn verifier() {
    let isa = machine("stack");
    let codec = Codec::new(&isa);
    let mut kept = Verifier::new(&isa);
    for (name, shape) in SHAPES {
        let program = |count: usize| codec.decode(&shape(count)).expect("it decodes");
        let small = time_to_verify(program(100_000), |program| kept.verify(program));
        let large = time_to_verify(program(1_000_000), |program| kept.verify(program));
        line(&format!("verify 1,000,000: {name}"), millis(large), "< 100 ms");
        let ratio = large.as_secs_f64() / small.as_secs_f64();
        line("  to the time for 100,000", format!("{ratio:.1} x"), "< 11 x");
        let fresh = time_to_verify(program(1_000_000), |program| verify(&isa, program));
        line("  with memory that is new to it", millis(fresh), "");
    }
}

/// The time that it takes to verify a program, but not to drop it.
fn time_to_verify(
    program: Program,
    mut verify: impl FnMut(Program) -> Result<Verified, Rejection>,
) -> Duration {
    median_of(vec![program; ROUNDS].into_iter().map(|program| {
        let start = Instant::now();
        let result = verify(program);
        let time = start.elapsed();
        drop(black_box(result));
        time
    }))
}

/// Bytes that look random and are the same in each run.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| byte()).collect()
}

fn rounds() {
    let inputs: Vec<Vec<u8>> =
        (0..20_000).map(|seed| noise(seed, 8 + seed as usize % 120)).collect();
    for (target, goal) in [
        (Target::Decoder, "0.300 M/s"),
        (Target::Run, "0.020 M/s"),
        (Target::Compiler, "0.005 M/s"),
    ] {
        let time = median(|| {
            for input in &inputs {
                target.round(input).expect("no defect");
            }
        });
        line(
            &format!("fuzz round without libFuzzer, {}", target.name()),
            rate(inputs.len() as f64, time),
            goal,
        );
    }
}

fn programs() {
    let inputs: Vec<Vec<u8>> = (0..5_000).map(|seed| noise(seed, 400)).collect();
    for name in builtin::names() {
        let isa = machine(name);
        let (codec, generator) =
            (Codec::new(&isa), Generator::new(&isa).expect("programs can end"));
        let (mut accepted, mut clean) = (0.0, 0.0);
        let time = median(|| {
            (accepted, clean) = (0.0, 0.0);
            for input in &inputs {
                let code = generator.program(&mut Unstructured::new(input));
                let Ok(program) = codec.decode(&code) else { continue };
                let Ok(verified) = verify(&isa, program) else { continue };
                accepted += 1.0;
                let outcome = Reference::new(&isa, &verified).run(
                    &mut State::new(&isa),
                    10_000,
                    &mut NoTrace,
                );
                clean += f64::from(u8::from(outcome == Ok(Outcome::Halt)));
            }
        });
        let count = inputs.len() as f64;
        line(&format!("generated programs, {name}"), rate(count, time), "0.02 M/s");
        line("  accepted", format!("{:.1} %", 100.0 * accepted / count), "> 95 %");
        line("  to a clean end", format!("{:.1} %", 100.0 * clean / count), "> 60 %");
    }
}

fn whole_corpus() {
    let machines = Registry::built_in().expect("built-in machines are sound");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let time = median(|| {
        let corpus = corpus::read(&folder, &machines).expect("the corpus reads");
        let (selection, mut known) = (Selection::default(), KnownFailures::default());
        let mut plan =
            Plan { corpus: &corpus, selection: &selection, known: &mut known, max_failures: None };
        let total =
            runner::run(&mut plan, &machines, &mut Tools, &mut []).expect("nothing is written");
        assert_eq!(total.failed, 0);
    });
    line("the whole corpus", millis(time), "< 2000 ms");
}
