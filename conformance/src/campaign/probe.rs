//! One instruction over boundary operands: every instruction of a machine with the values at which
//! something changes, on the stack, in cells and in the instruction itself.

use bytestone_spec::isa::{
    BankId, CellType, CodeEnd, Container, IndexRule, Instruction, IntType, Isa, OperandKind,
    WriteTo,
};

use super::{Candidate, FUEL};
use crate::engine::NamedCell;
use crate::suite::assemble;
use bytestone_vm::Value;
use bytestone_vm::asm::statement;
use bytestone_vm::codec::Codec;

/// Programs for one instruction, at most; evenly chosen from all combinations.
const PER_INSTRUCTION: usize = 600;

/// The programs of all instructions that can be made, in the order of the spec.
pub fn probes(isa: &Isa, codec: &Codec<'_>) -> Vec<Candidate> {
    // Operands and inputs of a probe are numbers; what instructions of modules take is left to generated programs.
    if isa.container() == Container::Module {
        return Vec::new();
    }
    let words = Words::of(isa);
    let mut candidates = Vec::new();
    for insn in isa.instructions() {
        candidates.extend(of_instruction(isa, codec, &words, insn));
    }
    candidates.extend(deep_stack(isa, codec, &words));
    for insn in isa.instructions() {
        candidates.extend(at_the_end(isa, codec, &words, insn));
    }
    candidates
}

/// What a probe is put together from.
struct Words<'a> {
    /// Pushes its one operand.
    push: Option<&'a Instruction>,
    /// Pops and prints one value.
    print: Option<&'a Instruction>,
    /// Ends the program; nothing when the end of the code does.
    end: Option<&'a Instruction>,
    /// Comes back from a subroutine.
    back: Option<&'a Instruction>,
}

impl<'a> Words<'a> {
    fn of(isa: &'a Isa) -> Self {
        let find = |suits: &dyn Fn(&Instruction) -> bool| {
            isa.instructions().iter().find(|insn| suits(insn))
        };
        Self {
            push: find(&|insn| {
                let body = &insn.body;
                insn.operands.len() == 1
                    && insn.operands[0].kind == OperandKind::Immediate
                    && body.inputs == 0
                    && body.outputs == [0]
                    && body.writes.is_empty()
                    && body.transfers.is_empty()
            }),
            print: find(&|insn| {
                let body = &insn.body;
                insn.operands.is_empty()
                    && (body.inputs, body.outputs.len()) == (1, 0)
                    && matches!(&body.writes[..], [write] if write.to == WriteTo::Output)
            }),
            end: find(&|insn| insn.effect.halts && insn.operands.is_empty()),
            back: find(&|insn| insn.effect.returns && insn.operands.is_empty()),
        }
    }
}

/// The statement that pushes a number.
fn push_of(push: &Instruction, number: i128) -> String {
    statement(push, &[number.to_string()])
}

/// The values of a type at which something changes.
pub fn boundaries(of: IntType) -> Vec<i128> {
    let (min, max) = (of.min(), of.max());
    let mut values = vec![0, 1, 2, 3, 5, 7, 31, 32, 33, 255, 256, 65535, 65536];
    values.extend([-1, -2, -3, -7, -128, -32768, min, min + 1, max, max - 1, max / 2 + 1]);
    values.retain(|value| (min..=max).contains(value));
    values.sort_unstable();
    values.dedup();
    values
}

/// What one place of a probe can be.
enum Place {
    /// A value on the stack.
    Stack(Vec<i128>),
    /// An operand as text.
    Operand(Vec<String>),
    /// The value of the cell that the operand with this number names, or of the one so many behind it.
    Cell { operand: usize, behind: u32, bank: BankId, values: Vec<i128> },
}

impl Place {
    fn len(&self) -> usize {
        match self {
            Self::Stack(values) | Self::Cell { values, .. } => values.len(),
            Self::Operand(texts) => texts.len(),
        }
    }
}

fn places(isa: &Isa, words: &Words<'_>, insn: &Instruction) -> Option<Vec<Place>> {
    let mut places = Vec::new();
    if !insn.effect.inputs.is_empty() {
        let push = words.push?;
        let values = boundaries(push.operands[0].raw);
        places.extend(insn.effect.inputs.iter().map(|_| Place::Stack(values.clone())));
    }
    for operand in &insn.operands {
        places.push(Place::Operand(match operand.kind {
            OperandKind::Immediate => {
                boundaries(operand.raw).iter().map(ToString::to_string).collect()
            }
            // There are none without a module.
            OperandKind::Constant(_) | OperandKind::Function => return None,
            OperandKind::Label(_) => vec!["target".to_owned()],
            OperandKind::Index(rule) => {
                let bank = &isa.machine().banks[usize::from(rule.bank.0)];
                let last = isa.machine().indexes(rule).saturating_sub(1);
                let mut indexes = vec![0, 1, 2, last / 2, last / 2 + 1, last];
                indexes.retain(|index| *index <= last);
                indexes.dedup();
                indexes.iter().map(|index| format!("{}{index}", bank.prefix)).collect()
            }
        }));
    }
    for (number, operand) in insn.operands.iter().enumerate() {
        if let OperandKind::Index(IndexRule { bank, pair }) = operand.kind
            && let CellType::Int(of) = isa.machine().banks[usize::from(bank.0)].of
        {
            let place =
                |behind| Place::Cell { operand: number, behind, bank, values: boundaries(of) };
            places.push(place(0));
            places.extend(pair.map(|_| place(1)));
        }
    }
    Some(places)
}

fn of_instruction(
    isa: &Isa,
    codec: &Codec<'_>,
    words: &Words<'_>,
    insn: &Instruction,
) -> Vec<Candidate> {
    let Some(places) = places(isa, words, insn) else { return Vec::new() };
    let all = places.iter().fold(1_usize, |all, place| all.saturating_mul(place.len()));
    // A step that shares no factor with the count meets every value of every place.
    let (count, mut step) = (all.min(PER_INSTRUCTION), (all / PER_INSTRUCTION).max(1));
    while greatest_common_divisor(step, all) != 1 {
        step += 1;
    }
    let chosen = (0..count).map(|number| number.wrapping_mul(step) % all);
    chosen.filter_map(|number| probe(isa, codec, words, insn, &places, number)).collect()
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The probe with a number: one choice for each place.
fn probe(
    isa: &Isa,
    codec: &Codec<'_>,
    words: &Words<'_>,
    insn: &Instruction,
    places: &[Place],
    mut number: usize,
) -> Option<Candidate> {
    let (mut lines, mut operands, mut input) = (Vec::new(), Vec::new(), Vec::<NamedCell>::new());
    for place in places {
        let choice = number % place.len();
        number /= place.len();
        match place {
            Place::Stack(values) => lines.push(push_of(words.push?, values[choice])),
            Place::Operand(texts) => operands.push(texts[choice].clone()),
            Place::Cell { operand, behind, bank, values } => {
                let bank = &isa.machine().banks[usize::from(bank.0)];
                let index = operands[*operand].trim_start_matches(bank.prefix.as_str());
                let cell = NamedCell {
                    bank: bank.name.clone(),
                    index: index.parse::<u32>().ok()? + behind,
                    value: Value::Int(values[choice]),
                };
                if !input.iter().any(|set| (&set.bank, set.index) == (&cell.bank, cell.index)) {
                    input.push(cell);
                }
            }
        }
    }
    lines.push(statement(insn, &operands));
    let mut rest: Vec<String> = Vec::new();
    if let Some(print) = words.print {
        rest.extend(insn.effect.outputs.iter().map(|_| statement(print, &[])));
    }
    // Where it goes must show: the way on and the target end at different offsets.
    rest.extend(words.end.map(|end| statement(end, &[])));
    if words.end.is_none() && isa.code_end() != CodeEnd::Halt {
        return None;
    }
    lines.extend(rest.iter().cloned());
    let called = insn.effect.call.is_some();
    let to_target = match (called, words.back) {
        (true, Some(back)) => vec![statement(back, &[])],
        (true, None) => return None,
        (false, _) => rest,
    };
    if operands.iter().any(|operand| operand == "target") {
        lines.push("target:".to_owned());
        lines.extend(to_target);
    }
    let code = assemble(codec, &lines.join("\n")).ok()?;
    Some(Candidate { code, input, fuel: FUEL })
}

/// Programs that end in an instruction: one that is reached, and one that is not.
fn at_the_end(
    isa: &Isa,
    codec: &Codec<'_>,
    words: &Words<'_>,
    insn: &Instruction,
) -> Vec<Candidate> {
    let Some(places) = places(isa, words, insn) else { return Vec::new() };
    let mut lines = Vec::new();
    let mut operands = Vec::new();
    for place in &places {
        match (place, words.push) {
            (Place::Stack(_), Some(push)) => lines.push(push_of(push, 1)),
            (Place::Operand(texts), _) => operands.push(texts[0].clone()),
            (Place::Stack(_), None) | (Place::Cell { .. }, _) => {}
        }
    }
    let last = statement(insn, &operands);
    let reached = [&["target:".to_owned()], &lines[..], std::slice::from_ref(&last)].concat();
    let end = words.end.map(|end| vec!["target:".to_owned(), statement(end, &[]), last]);
    [Some(reached), end]
        .into_iter()
        .flatten()
        .filter_map(|lines| Some(candidate(assemble(codec, &lines.join("\n")).ok()?)))
        .collect()
}

fn candidate(code: Vec<u8>) -> Candidate {
    Candidate { code, input: Vec::new(), fuel: FUEL }
}

/// Programs that fill the stack up to its limit, and beyond it.
fn deep_stack(isa: &Isa, codec: &Codec<'_>, words: &Words<'_>) -> Vec<Candidate> {
    let (Some(stack), Some(push)) = (isa.machine().stack, words.push) else { return Vec::new() };
    let depth = stack.depth as usize;
    let program = |pushes: usize| {
        let mut lines: Vec<String> =
            (0..pushes).map(|number| push_of(push, number as i128 % 100)).collect();
        lines.extend(words.end.map(|end| statement(end, &[])));
        let code = assemble(codec, &lines.join("\n")).ok()?;
        Some(candidate(code))
    };
    const DEEPEST: usize = 1 << 12;
    [depth - 1, depth, depth + 1]
        .into_iter()
        .filter(|pushes| *pushes <= DEEPEST)
        .filter_map(program)
        .collect()
}
