//! Large programs of shapes that are hard on a verifier. Each is verified at two sizes, and the
//! times are printed; run with `--release -- --nocapture` to read them.

use std::time::{Duration, Instant};

use bytestone_spec::Isa;
use bytestone_spec::isa::{LabelBase, OperandKind};
use bytestone_vm::codec::Codec;
use bytestone_vm::verify::{Verifier, verify};

use super::{faults_of, machine_with};
use crate::random::Random;

/// About how many instructions the smaller program of a shape has; so many, in a debug build too, that
/// a step of quadratic time takes minutes.
const SIZE: usize = if cfg!(debug_assertions) { 20_000 } else { 100_000 };

/// How often each is verified; the best time is printed.
const REPEATS: usize = if cfg!(debug_assertions) { 1 } else { 5 };

/// Code being written, label by label.
struct Code<'a> {
    codec: Codec<'a>,
    bytes: Vec<u8>,
    /// Operands to fill in: instruction, its offset and the label.
    labels: Vec<(&'static str, usize, usize)>,
    /// The offsets of the labels.
    places: Vec<usize>,
}

impl<'a> Code<'a> {
    fn new(isa: &'a Isa) -> Self {
        Self { codec: Codec::new(isa), bytes: Vec::new(), labels: Vec::new(), places: Vec::new() }
    }

    /// Writes instructions with the operand 0, if they take one.
    fn put(&mut self, names: &[&str]) -> &mut Self {
        for name in names {
            self.write(name, 0);
        }
        self
    }

    /// Writes an instruction with a label, which may be put anywhere.
    fn to(&mut self, name: &'static str, label: usize) -> &mut Self {
        self.labels.push((name, self.bytes.len(), label));
        self.put(&[name])
    }

    /// Puts a label here.
    fn at(&mut self, label: usize) -> &mut Self {
        self.places.resize(self.places.len().max(label + 1), 0);
        self.places[label] = self.bytes.len();
        self
    }

    fn write(&mut self, name: &str, operand: i64) {
        let id = self.codec.mnemonic(name).expect("a mnemonic");
        let operands = self.codec.isa().instruction(id).operands.len();
        self.codec.encode(id, &[operand as u64][..operands], &mut self.bytes).expect("an operand");
    }

    fn finish(mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.bytes);
        let mut done = bytes.clone();
        for (name, offset, label) in std::mem::take(&mut self.labels) {
            let insn = self.codec.isa().instruction(self.codec.mnemonic(name).expect("a mnemonic"));
            let OperandKind::Label(rule) = insn.operands[0].kind else { panic!("{name}") };
            let base =
                if rule.base == LabelBase::Next { offset + insn.min_len() as usize } else { 0 };
            self.write(name, self.places[label] as i64 - base as i64);
            let written = std::mem::take(&mut self.bytes);
            done[offset..offset + written.len()].copy_from_slice(&written);
        }
        done
    }
}

/// What comes of a program: acceptance, or the first fault and how many there are.
type Outcome = Option<(&'static str, usize)>;

const ACCEPTED: Outcome = None;

type Shape = (&'static str, fn(&mut Code, usize), fn(usize) -> Outcome);

const SHAPES: &[Shape] = &[
    (
        "straight",
        |code, n| {
            for _ in 0..n / 4 {
                code.put(&["PUSH", "NEG", "NOP", "POP"]);
            }
            code.put(&["HALT"]);
        },
        |_| ACCEPTED,
    ),
    (
        "loops and branches",
        |code, n| {
            for at in (0..n / 10 * 2).step_by(2) {
                code.at(at).put(&["LOAD", "PUSH", "ADD", "STORE", "LOAD"]).to("JUMPZ", at + 1);
                code.put(&["PUSH", "PRINT"]).to("JUMP", at).at(at + 1).put(&["NOP"]);
            }
            code.put(&["HALT"]);
        },
        |_| ACCEPTED,
    ),
    (
        "jumps to the next",
        |code, n| {
            for at in 0..n {
                code.at(at).to("JUMP", at + 1);
            }
            code.at(n).put(&["HALT"]);
        },
        |_| ACCEPTED,
    ),
    (
        "jumps backward",
        |code, n| {
            code.to("JUMP", n).at(0).put(&["HALT"]);
            for at in 0..n {
                code.at(at + 1).to("JUMP", at);
            }
        },
        |_| ACCEPTED,
    ),
    (
        "jumps at random",
        |code, n| {
            let mut order: Vec<usize> = (1..n).collect();
            shuffle(&mut order);
            order.insert(0, 0);
            let mut next = vec![n; n];
            order.windows(2).for_each(|pair| next[pair[0]] = pair[1]);
            for (at, next) in next.into_iter().enumerate() {
                code.at(at).to("JUMP", next);
            }
            code.at(n).put(&["HALT"]);
        },
        |_| ACCEPTED,
    ),
    (
        "branches at random",
        |code, n| {
            let mut random = Random::new(1);
            for at in 0..n / 2 {
                code.at(at).put(&["LOAD"]).to("JUMPZ", random.below(n as u64 / 2) as usize);
            }
            code.put(&["HALT"]);
        },
        |_| ACCEPTED,
    ),
    (
        "branches to one place",
        |code, n| {
            for _ in 0..n / 2 {
                code.put(&["LOAD"]).to("JUMPZ", 0);
            }
            code.at(0).put(&["HALT"]);
        },
        |_| ACCEPTED,
    ),
    (
        "nested loops",
        |code, n| {
            for at in 0..n / 3 {
                code.at(at).put(&["NOP"]);
            }
            for at in (0..n / 3).rev() {
                code.put(&["LOAD"]).to("JUMPZ", at);
            }
            code.put(&["HALT"]);
        },
        |_| ACCEPTED,
    ),
    (
        "chain of calls",
        |code, n| {
            for at in 0..n / 2 {
                code.at(at).to("CALL", at + 1).put(&[if at == 0 { "HALT" } else { "RET" }]);
            }
            code.at(n / 2).put(&["RET"]);
        },
        |_| ACCEPTED,
    ),
    (
        "chain of calls backward",
        |code, n| {
            code.to("CALL", n / 2).put(&["HALT"]).at(0).put(&["RET"]);
            for at in 0..n / 2 {
                code.at(at + 1).to("CALL", at).put(&["RET"]);
            }
        },
        |_| ACCEPTED,
    ),
    (
        "many entries",
        |code, n| {
            (0..n / 2).for_each(|at| _ = code.to("CALL", at));
            code.put(&["HALT"]);
            (0..n / 2).for_each(|at| _ = code.at(at).put(&["RET"]));
        },
        |_| ACCEPTED,
    ),
    (
        "one callee, many calls",
        |code, n| {
            (0..n).for_each(|_| _ = code.to("CALL", 0));
            code.put(&["HALT"]).at(0).put(&["PUSH", "POP", "RET"]);
        },
        |_| ACCEPTED,
    ),
    (
        "entries in one another",
        |code, n| {
            (0..n / 2).for_each(|at| _ = code.to("CALL", at));
            code.put(&["HALT"]);
            (0..n / 2).for_each(|at| _ = code.at(at).put(&["NOP"]));
            code.put(&["RET"]);
        },
        |_| ACCEPTED,
    ),
    (
        "entries in one another backward",
        |code, n| {
            (0..n / 3).rev().for_each(|at| _ = code.to("CALL", at));
            code.put(&["HALT"]);
            (0..n / 3).for_each(|at| _ = code.at(at).put(&["PUSH", "POP"]));
            code.put(&["RET"]);
        },
        |_| ACCEPTED,
    ),
    (
        "frames that share tails",
        |code, n| {
            // Each subroutine leaves for the tails of two others, which ends the program.
            let frames = n / 12;
            (0..frames).for_each(|at| _ = code.to("CALL", at));
            code.put(&["HALT"]);
            let mut random = Random::new(2);
            for at in 0..frames {
                let tail = frames + random.below(frames as u64) as usize;
                code.at(at).put(&["PUSH", "LOAD"]).to("JUMPZ", tail).put(&["LOAD"]);
                code.to("JUMPZ", tail).put(&["POP", "RET"]).at(frames + at).put(&["POP", "HALT"]);
            }
        },
        |_| ACCEPTED,
    ),
    ("ring of calls", |code, n| ring(code, n / 5, &[]), |_| ACCEPTED),
    ("ring that grows", |code, n| ring(code, n / 5, &["PUSH"]), |_| ACCEPTED),
    (
        "ring that needs more each time",
        |code, n| ring(code, n / 5, &["POP"]),
        |_| Some(("stack_underflow", 1)),
    ),
    (
        "calls at random",
        |code, n| {
            let (frames, mut random) = (n / 9, Random::new(3));
            let mut any = move || random.below(frames as u64) as usize;
            code.to("CALL", 0).put(&["HALT"]);
            for at in 0..frames {
                let (a, b) = (any(), any());
                code.at(at).put(&["LOAD"]).to("JUMPZ", frames + at).to("CALL", a).to("CALL", b);
                code.at(frames + at).put(&["PUSH", "NEG", "POP", "NOP", "RET"]);
            }
        },
        |_| ACCEPTED,
    ),
    (
        "needs that pass through one another",
        |code, n| {
            // Every round lowers what the head of the chain needs by one, and the chain hands it on.
            let frames = n / 16;
            code.to("CALL", 0).put(&["HALT"]);
            for at in 0..frames {
                code.at(at).put(&["LOAD"]).to("JUMPZ", frames + at);
                code.to("CALL", (at + 1) % frames).put(&["HALT"]);
                code.at(frames + at).put(&["PUSH", "PUSH", "LOAD"]).to("JUMPZ", 2 * frames + at);
                code.put(&["POP", "POP", "POP"])
                    .to("CALL", (at + frames / 2) % frames)
                    .put(&["HALT"]);
                code.at(2 * frames + at).put(&["HALT"]);
            }
        },
        |_| Some(("stack_underflow", 1)),
    ),
    (
        "bad jumps",
        |code, n| {
            (0..n).for_each(|_| code.write("JUMP", 1));
        },
        |n| Some(("bad_jump", n)),
    ),
    (
        "paths that do not agree",
        |code, n| {
            for at in 0..n / 4 {
                code.put(&["LOAD"]).to("JUMPZ", at).put(&["PUSH"]).at(at).put(&["NOP"]);
            }
            code.put(&["HALT"]);
        },
        |n| Some(("stack_mismatch", n / 4)),
    ),
    (
        "returns that do not agree",
        |code, n| {
            code.to("CALL", 0).put(&["HALT"]).at(0).put(&["RET"]);
            code.bytes.pop();
            for at in 1..n / 6 {
                code.put(&["LOAD"]).to("JUMPZ", at).put(&["PUSH", "RET"]).at(at).put(&["NOP"]);
            }
            code.put(&["RET"]);
        },
        |_| Some(("stack_mismatch", 1)),
    ),
    (
        "effects that multiply",
        |code, n| {
            code.to("CALL", 0).put(&["HALT"]);
            for at in 0..n / 3 {
                code.at(at).to("CALL", at + 1).to("CALL", at + 1).put(&["RET"]);
            }
            code.at(n / 3).put(&["PUSH", "RET"]);
        },
        |_| Some(("stack_overflow", 1)),
    ),
];

/// Subroutines each of which may call the next and the last the first, after `before`.
fn ring(code: &mut Code, frames: usize, before: &[&str]) {
    code.to("CALL", 0).put(&["HALT"]);
    for at in 0..frames {
        code.at(at).put(&["LOAD"]).to("JUMPZ", frames + at);
        if at == frames / 2 {
            code.put(before);
        }
        code.to("CALL", (at + 1) % frames).put(&["HALT"]);
        code.at(frames + at).put(&["HALT"]);
    }
}

fn shuffle(items: &mut [usize]) {
    let mut random = Random::new(0);
    for at in (1..items.len()).rev() {
        items.swap(at, random.below(at as u64 + 1) as usize);
    }
}

#[test]
fn large_programs() {
    // Jumps that reach all of the code.
    let isa = machine_with("stack", &[("raw: i16", "raw: i32")]);
    let mut verifier = Verifier::new(&isa);
    for (name, write, outcome) in SHAPES {
        let mut line = format!("{name:40}");
        for size in [SIZE, 10 * SIZE] {
            let mut code = Code::new(&isa);
            write(&mut code, size);
            let program = Codec::new(&isa).decode(&code.finish()).expect("code that decodes");
            let insns = program.insns().len();
            let mut best = Duration::MAX;
            let mut verdict = None;
            for program in std::iter::repeat_n(program, REPEATS) {
                let start = Instant::now();
                verdict = verifier.verify(program).err();
                best = best.min(start.elapsed());
            }
            let found = verdict.map(|rejection| {
                (faults_of(&rejection)[0].0, rejection.faults.len() + rejection.omitted)
            });
            assert_eq!(found, outcome(size), "{name}");
            line += &format!("{insns:9} {:8.2} ms", best.as_secs_f64() * 1000.0);
        }
        println!("{line}");
    }
}

/// Each frame shares a place with the next, which is half the machine's stack above the entry of
/// the one and as far below that of the other.
fn frames_apart(code: &mut Code, frames: usize) {
    let (up, down) = (3 * frames, 3 * frames + 16);
    code.to("CALL", up + 15);
    for at in 0..frames {
        code.put(&["LOAD"]).to("JUMPZ", frames + at).to("CALL", at).at(frames + at);
    }
    code.put(&["HALT"]);
    for at in 0..frames {
        code.at(at).put(&["LOAD"]).to("JUMPZ", 2 * frames + at).to("CALL", up + 15);
        code.to("JUMP", down + 16 + at + 1);
        code.at(2 * frames + at).to("CALL", down + 15).at(down + 16 + at).put(&["HALT"]);
    }
    code.at(down + 16 + frames).put(&["HALT"]);
    for (first, insn) in [(up, "PUSH"), (down, "POP")] {
        code.at(first).put(&[insn, "RET"]);
        for at in first..first + 15 {
            code.at(at + 1).to("CALL", at).to("CALL", at).put(&["RET"]);
        }
    }
}

#[test]
fn heights_too_far_apart_to_be_told() {
    let isa = machine_with(
        "stack",
        &[("raw: i16", "raw: i32"), ("depth: 256, per", "depth: 65536, per")],
    );
    for (frames, outcome) in [(1_000, None), (17_000, Some("stack_mismatch"))] {
        let mut code = Code::new(&isa);
        frames_apart(&mut code, frames);
        let program = Codec::new(&isa).decode(&code.finish()).expect("code that decodes");
        let found = verify(&isa, program).err().map(|rejection| faults_of(&rejection)[0].0);
        assert_eq!(found, outcome);
    }
}
