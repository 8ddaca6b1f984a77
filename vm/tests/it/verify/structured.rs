//! Programs as compilers write them: the verifier accepts all of them.

use bytestone_vm::asm::assemble;
use bytestone_vm::codec::Codec;
use bytestone_vm::verify::{MaxStack, verify};

use super::{decode, machine, oracle};
use crate::random::Random;

/// The highest that a frame's own code lets the stack get above what its caller left.
const HIGHEST: i64 = 6;
const PROGRAMS: u64 = if cfg!(debug_assertions) { 100 } else { 5_000 };

/// Assembly text in the making. Heights count from the lowest that the frame may touch.
struct Writer {
    random: Random,
    text: String,
    labels: u32,
    /// What each subroutine takes from the stack and leaves there.
    subroutines: Vec<(i64, i64)>,
}

impl Writer {
    fn program(seed: u64) -> String {
        let mut random = Random::new(seed);
        let count = random.below(5);
        let subroutines =
            (0..count).map(|_| (random.below(4) as i64, random.below(4) as i64)).collect();
        let mut this = Self { random, text: String::new(), labels: 0, subroutines };
        this.statements(0, 3);
        this.line("HALT");
        for (at, (takes, leaves)) in this.subroutines.clone().into_iter().enumerate() {
            this.line(&format!("f{at}:"));
            let height = this.statements(takes, 3);
            this.level(height, leaves);
            this.line("RET");
        }
        this.text
    }

    fn line(&mut self, line: &str) {
        self.text += line;
        self.text.push('\n');
    }

    fn label(&mut self) -> String {
        self.labels += 1;
        format!("l{}", self.labels)
    }

    /// Brings the stack from one height to another.
    fn level(&mut self, from: i64, to: i64) {
        (from..to).for_each(|_| self.line("PUSH 7"));
        (to..from).for_each(|_| self.line("POP"));
    }

    /// Writes statements and returns the height after them.
    fn statements(&mut self, mut height: i64, nesting: u32) -> i64 {
        for _ in 0..self.random.below(6) {
            height = match self.random.below(6) {
                0 if height < HIGHEST => self.insn("PUSH 1", height + 1),
                1 if height > 0 => self.insn("STORE 0", height - 1),
                2 if height > 1 => self.insn("SUB", height - 1),
                3 if nesting > 0 => self.choice(height, nesting - 1),
                4 if nesting > 0 => self.repetition(height, nesting - 1),
                5 => self.call(height),
                _ => self.insn("NOP", height),
            };
        }
        height
    }

    fn insn(&mut self, text: &str, height: i64) -> i64 {
        self.line(text);
        height
    }

    fn choice(&mut self, height: i64, nesting: u32) -> i64 {
        let (other, end) = (self.label(), self.label());
        self.line(&format!("LOAD 0\nJUMPZ {other}"));
        let after = self.statements(height, nesting);
        self.line(&format!("JUMP {end}\n{other}:"));
        let at = self.statements(height, nesting);
        self.level(at, after);
        self.line(&format!("{end}:"));
        after
    }

    fn repetition(&mut self, height: i64, nesting: u32) -> i64 {
        let (top, end) = (self.label(), self.label());
        self.line(&format!("{top}: LOAD 0\nJUMPZ {end}"));
        let after = self.statements(height, nesting);
        self.level(after, height);
        self.line(&format!("JUMP {top}\n{end}:"));
        height
    }

    fn call(&mut self, height: i64) -> i64 {
        let Some(last) = (self.subroutines.len() as u64).checked_sub(1) else { return height };
        let callee = self.random.below(last + 1) as usize;
        let (takes, leaves) = self.subroutines[callee];
        if height < takes {
            return height;
        }
        self.insn(&format!("CALL f{callee}"), height - takes + leaves)
    }
}

#[test]
fn compiled_programs_are_accepted() {
    let isa = machine("stack");
    let codec = Codec::new(&isa);
    let (mut insns, mut unbounded) = (0, 0);
    for seed in 0..PROGRAMS {
        let text = Writer::program(seed);
        let program = decode(&isa, &assemble(&codec, &text).expect("text that assembles").bytes);
        insns += program.insns().len();
        let verified = verify(&isa, program)
            .unwrap_or_else(|rejection| panic!("seed {seed}: {rejection:#?}\n{text}"));
        let deepest = oracle::execute(&isa, &verified);
        match verified.max_stack() {
            MaxStack::Bounded(depth) => assert!(deepest <= i64::from(depth), "{text}"),
            MaxStack::Unbounded => unbounded += 1,
        }
    }
    println!("{PROGRAMS} programs of {insns} instructions, {unbounded} with unbounded recursion");
}
