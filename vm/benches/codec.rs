//! Decoding, encoding, disassembling and assembling, by instruction or by byte of text.

use bytestone_spec::{Isa, load_builtin};
use bytestone_vm::asm::{Style, assemble, disassemble, write_insn};
use bytestone_vm::codec::Codec;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

const MACHINES: [&str; 3] = ["stack", "register", "register-lua"];
const INSNS: usize = 1_000_000;

fn isa(name: &str) -> Isa {
    load_builtin(name).expect("is built in").expect("has no faults")
}

/// A million instructions of all kinds, with operands that look random.
fn code(codec: &Codec<'_>) -> Vec<u8> {
    let instructions = codec.isa().instructions();
    let mut code = Vec::new();
    let mut word = 0u64;
    for index in 0..INSNS {
        let at = index % instructions.len();
        let cells = instructions[at].operands.iter().map(|operand| {
            word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            operand.raw.wrap(word >> 40)
        });
        let id = codec.mnemonic(&instructions[at].name).expect("is of the machine");
        codec.encode(id, &cells.collect::<Vec<_>>(), &mut code).expect("the cells fit");
    }
    code
}

#[divan::bench(args = MACHINES)]
fn prepare(bencher: Bencher<'_, '_>, name: &str) {
    let isa = isa(name);
    bencher.bench(|| Codec::new(&isa));
}

#[divan::bench(args = MACHINES)]
fn decode(bencher: Bencher<'_, '_>, name: &str) {
    let isa = isa(name);
    let codec = Codec::new(&isa);
    let code = code(&codec);
    bencher.counter(ItemsCount::new(INSNS)).bench(|| codec.decode(black_box(&code)));
}

/// What a fuzz target pays for a small program.
#[divan::bench(args = MACHINES)]
fn decode_64_bytes(bencher: Bencher<'_, '_>, name: &str) {
    let isa = isa(name);
    let codec = Codec::new(&isa);
    let code = &code(&codec)[..64];
    bencher.bench(|| codec.decode(black_box(code)));
}

#[divan::bench(args = MACHINES)]
fn encode(bencher: Bencher<'_, '_>, name: &str) {
    let isa = isa(name);
    let codec = Codec::new(&isa);
    let program = codec.decode(&code(&codec)).expect("is a program");
    let mut out = Vec::with_capacity(program.code().len());
    bencher.counter(ItemsCount::new(INSNS)).bench_local(|| {
        out.clear();
        for (at, insn) in program.insns().iter().enumerate() {
            codec
                .encode_as((insn.id, insn.form), program.operands(at), &mut out)
                .expect("the cells fit");
        }
    });
}

/// Instructions as a text trace writes them.
#[divan::bench(args = MACHINES)]
fn write(bencher: Bencher<'_, '_>, name: &str) {
    let isa = isa(name);
    let codec = Codec::new(&isa);
    let program = codec.decode(&code(&codec)).expect("is a program");
    let mut line = String::new();
    bencher.counter(ItemsCount::new(INSNS)).bench_local(|| {
        for at in 0..program.insns().len() {
            line.clear();
            write_insn(&mut line, &isa, &program, at);
            black_box(&line);
        }
    });
}

#[divan::bench(args = MACHINES)]
fn disassemble_text(bencher: Bencher<'_, '_>, name: &str) {
    let isa = isa(name);
    let codec = Codec::new(&isa);
    let code = code(&codec);
    bencher
        .counter(ItemsCount::new(INSNS))
        .bench(|| disassemble(&codec, &code, Style::Plain).expect("is short enough").to_string());
}

#[divan::bench(args = MACHINES)]
fn assemble_text(bencher: Bencher<'_, '_>, name: &str) {
    let isa = isa(name);
    let codec = Codec::new(&isa);
    let code = code(&codec);
    let text = disassemble(&codec, &code, Style::Plain).expect("is short enough").to_string();
    bencher
        .counter(ItemsCount::new(INSNS))
        .counter(BytesCount::of_str(&text))
        .bench(|| assemble(&codec, &text).expect("the text has no errors"));
}
