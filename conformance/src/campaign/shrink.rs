//! Cuts a differing program down: fewer instructions, simpler operands, less input, as long as the kind of
//! the difference and the faulty instruction stay.

use std::ops::Range;
use std::time::{Duration, Instant};

use bytestone_vm::Value;
use bytestone_vm::asm::{Style, disassemble};

use super::finding::Kind;
use super::{Candidate, Programs};
use crate::engine::Engine;
use crate::suite::assemble;
use crate::verdict::Verdict;

/// Programs that are tried.
const TRIES: usize = 2_000;
/// Numbers of a line that are looked at.
const NUMBERS: usize = 8;
/// Time after which nothing more is tried; engines that hang would take for ever.
const TIME: Duration = Duration::from_secs(20);

struct Shrinking<'s, 'a, 'e> {
    programs: &'s Programs<'a>,
    engine: &'s mut (dyn Engine + Send + 'e),
    kind: &'s Kind,
    tries: usize,
    end: Instant,
    best: Candidate,
    verdict: Verdict,
}

/// The smallest program found by `end`, and what came of it.
pub fn shrink(
    programs: &Programs<'_>,
    engine: &mut (dyn Engine + Send + '_),
    kind: &Kind,
    (best, verdict): (Candidate, Verdict),
    end: Option<Instant>,
) -> (Candidate, Verdict) {
    let own = Instant::now() + TIME;
    let end = end.map_or(own, |end| end.min(own));
    let mut shrinking = Shrinking { programs, engine, kind, tries: 0, end, best, verdict };
    while shrinking.round() {}
    (shrinking.best, shrinking.verdict)
}

impl Shrinking<'_, '_, '_> {
    /// One round of all ways to cut. Returns whether any helped.
    fn round(&mut self) -> bool {
        let lines = self.drop_lines();
        let input = self.drop_input();
        let numbers = self.simplify_numbers();
        lines || input || numbers
    }

    fn is_over(&self) -> bool {
        self.tries >= TRIES || Instant::now() >= self.end
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

    /// Makes the numbers behind the first word of each line smaller, as long as that helps.
    fn simplify_numbers(&mut self) -> bool {
        let mut helped = false;
        for at in 0..self.lines().len() {
            for number in 0..NUMBERS {
                while let Some(lines) = self.with_simpler(at, number) {
                    if self.is_over() || !self.takes_lines(&lines) {
                        break;
                    }
                    helped = true;
                }
            }
        }
        helped
    }

    /// The text with one number of one line made simpler; `None` when there is no such number, or nothing is simpler.
    /// In whatever form a line is written: what does not assemble, or means something else, is not taken.
    fn with_simpler(&self, at: usize, number: usize) -> Option<Vec<String>> {
        let mut lines = self.lines();
        let line = lines.get_mut(at)?;
        let range = numbers(line).nth(number)?;
        let value: i128 = line[range.clone()].parse().ok()?;
        line.replace_range(range, &simpler(&Value::Int(value))?.to_string());
        Some(lines)
    }
}

/// The decimal numbers behind the first word of a line; also those behind letters, as in `R7`.
fn numbers(line: &str) -> impl Iterator<Item = Range<usize>> {
    let operands = line.find(' ').unwrap_or(line.len());
    let is_digit = |at: usize| line.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let starts = (operands + 1..line.len()).filter(move |&at| is_digit(at) && !is_digit(at - 1));
    starts.map(move |start| {
        let end = (start..).find(|&at| !is_digit(at)).unwrap_or(line.len());
        let sign = usize::from(line[..start].ends_with('-'));
        start - sign..end
    })
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
