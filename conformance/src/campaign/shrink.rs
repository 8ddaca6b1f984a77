//! Cuts a differing program down: fewer instructions, simpler operands, less input, as long as the kind of
//! the difference and the faulty instruction stay.

use std::time::{Duration, Instant};

use bytestone_spec::isa::OperandKind;
use bytestone_vm::Value;
use bytestone_vm::asm::{Style, disassemble};

use super::finding::Kind;
use super::{Candidate, Programs};
use crate::engine::Engine;
use crate::suite::assemble;
use crate::verdict::Verdict;

/// Programs that are tried.
const TRIES: usize = 2_000;
/// Operands of an instruction that are looked at.
const OPERANDS: usize = 8;
/// Time after which nothing more is tried; engines that hang would take for ever.
const TIME: Duration = Duration::from_secs(20);

struct Shrinking<'s, 'a, 'e> {
    programs: &'s Programs<'a>,
    engine: &'s mut (dyn Engine + Send + 'e),
    kind: &'s Kind,
    tries: usize,
    begun: Instant,
    best: Candidate,
    verdict: Verdict,
}

/// The smallest program found, and what came of it.
pub fn shrink(
    programs: &Programs<'_>,
    engine: &mut (dyn Engine + Send + '_),
    candidate: Candidate,
    kind: &Kind,
    verdict: Verdict,
) -> (Candidate, Verdict) {
    let begun = Instant::now();
    let mut shrinking =
        Shrinking { programs, engine, kind, tries: 0, begun, best: candidate, verdict };
    while shrinking.round() {}
    (shrinking.best, shrinking.verdict)
}

impl Shrinking<'_, '_, '_> {
    /// One round of all ways to cut. Returns whether any helped.
    fn round(&mut self) -> bool {
        let lines = self.drop_lines();
        let input = self.drop_input();
        let operands = self.simplify_operands();
        lines || input || operands
    }

    fn is_over(&self) -> bool {
        self.tries >= TRIES || self.begun.elapsed() >= TIME
    }

    /// Takes a candidate if it still differs in the same way.
    fn takes(&mut self, candidate: Candidate) -> bool {
        if self.is_over() || candidate == self.best {
            return false;
        }
        self.tries += 1;
        match self.programs.try_on(self.engine, candidate.clone()) {
            Some((kind, verdict)) if kind == *self.kind => {
                (self.best, self.verdict) = (candidate, verdict);
                true
            }
            _ => false,
        }
    }

    /// The text of the best program, in lines. Labels stay valid when lines go.
    fn lines(&self) -> Vec<String> {
        match disassemble(&self.programs.codec, &self.best.code, Style::Plain) {
            Ok(text) => text.to_string().lines().map(str::to_owned).collect(),
            Err(_) => Vec::new(),
        }
    }

    fn takes_lines(&mut self, lines: &[String]) -> bool {
        let Ok(code) = assemble(&self.programs.codec, &lines.join("\n")) else { return false };
        code.len() <= self.best.code.len() && self.takes(Candidate { code, ..self.best.clone() })
    }

    /// Drops runs of lines, long ones first.
    fn drop_lines(&mut self) -> bool {
        let before = self.best.code.len();
        let mut lines = self.lines();
        let mut run = lines.len() / 2;
        while run > 0 && !self.is_over() {
            let mut at = 0;
            while at < lines.len() && !self.is_over() {
                let mut fewer = lines.clone();
                fewer.drain(at..(at + run).min(lines.len()));
                let shorter = !fewer.is_empty() && self.takes_lines(&fewer);
                if shorter && self.best.code.len() < before {
                    lines = fewer;
                } else {
                    at += run;
                }
            }
            run /= 2;
        }
        self.best.code.len() < before
    }

    fn drop_input(&mut self) -> bool {
        let mut helped = false;
        let mut at = 0;
        while at < self.best.input.len() && !self.is_over() {
            let mut candidate = self.best.clone();
            candidate.input.remove(at);
            if self.takes(candidate) {
                helped = true;
                continue;
            }
            while let Some(value) = simpler(&self.best.input[at].value) {
                let mut candidate = self.best.clone();
                candidate.input[at].value = value;
                if !self.takes(candidate) {
                    break;
                }
                helped = true;
            }
            at += 1;
        }
        helped
    }

    /// Makes the numbers of operands smaller, as long as that helps.
    fn simplify_operands(&mut self) -> bool {
        let mut helped = false;
        for at in 0..self.lines().len() {
            for operand in 0..OPERANDS {
                while let Some(lines) = self.with_simpler(at, operand) {
                    if self.is_over() || !self.takes_lines(&lines) {
                        break;
                    }
                    helped = true;
                }
            }
        }
        helped
    }

    /// The text with one operand of one line made simpler; `None` when there is no such operand, it is a
    /// label, or nothing is simpler.
    fn with_simpler(&self, at: usize, operand: usize) -> Option<Vec<String>> {
        let isa = self.programs.isa;
        let mut lines = self.lines();
        let (name, operands) = lines.get(at)?.trim().split_once(' ')?;
        let insn = isa.instructions().iter().find(|insn| insn.name == name)?;
        let mut operands: Vec<String> =
            operands.split(',').map(|it| it.trim().to_owned()).collect();
        let prefix = match insn.operands.get(operand)?.kind {
            OperandKind::Label(_) | OperandKind::Constant(_) | OperandKind::Function => {
                return None;
            }
            OperandKind::Immediate => "",
            OperandKind::Index(rule) => &isa.machine().banks[usize::from(rule.bank.0)].prefix,
        };
        let value: i128 = operands.get(operand)?.strip_prefix(prefix)?.parse().ok()?;
        operands[operand] = format!("{prefix}{}", simpler(&Value::Int(value))?);
        lines[at] = format!("{name} {}", operands.join(", "));
        Some(lines)
    }
}

/// A number nearer to zero, if there is one.
fn simpler(value: &Value) -> Option<Value> {
    match value {
        Value::Int(0) => None,
        Value::Int(number @ -10..=10) => Some(Value::Int(number - number.signum())),
        Value::Int(number) => Some(Value::Int(number / 2)),
        Value::Bytes(bytes) if !bytes.is_empty() => {
            Some(Value::Bytes(bytes[..bytes.len() / 2].into()))
        }
        _ => None,
    }
}
