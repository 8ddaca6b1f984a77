//! Cuts a differing program down: fewer instructions, simpler operands, less input, as long as the kind of
//! the difference and the faulty instruction stay.

use std::time::{Duration, Instant};

use bytestone_vm::asm::{Style, disassemble};

use super::finding::Kind;
use super::{Candidate, Programs};
use crate::engine::Engine;
use crate::suite::assemble;
use crate::verdict::Verdict;

/// Programs that are tried.
const TRIES: usize = 2_000;
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
            let mut candidate = self.best.clone();
            candidate.input[at].value = simpler(candidate.input[at].value);
            helped |= self.takes(candidate);
            at += 1;
        }
        helped
    }

    /// Makes numbers of the text smaller.
    fn simplify_operands(&mut self) -> bool {
        let mut helped = false;
        let count = self.lines().len();
        for at in 0..count {
            let mut place = 0;
            while !self.is_over() {
                let lines = self.lines();
                let Some(line) = lines.get(at) else { break };
                let Some((start, end)) = number_in(line, place) else { break };
                let Ok(value) = line[start..end].parse::<i128>() else { break };
                let mut simple = lines.clone();
                simple[at] = format!("{}{}{}", &line[..start], simpler(value), &line[end..]);
                if simpler(value) != value && self.takes_lines(&simple) {
                    helped = true;
                } else {
                    place += 1;
                }
            }
        }
        helped
    }
}

/// A number nearer to zero, or the same.
fn simpler(value: i128) -> i128 {
    match value {
        -10..=10 => value - value.signum(),
        _ => value / 2,
    }
}

/// Where the operand number with an index stands in a line, without register prefixes.
fn number_in(line: &str, index: usize) -> Option<(usize, usize)> {
    let operands = line.trim_end().find(' ').filter(|_| !line.ends_with(':'))?;
    let operands = operands + line[operands..].len() - line[operands..].trim_start().len();
    let first = operands + line[operands..].find(' ').map(|space| space + 1)?;
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let bytes = line.as_bytes();
    let mut found = 0;
    let mut at = first;
    while at < bytes.len() {
        if bytes[at] == b';' {
            return None;
        }
        let after_word = at > 0 && (bytes[at - 1].is_ascii_alphabetic() || bytes[at - 1] == b'@');
        if !is_digit(bytes[at]) || after_word && bytes[at - 1] == b'L' {
            at += 1;
            continue;
        }
        let start = if at > 0 && bytes[at - 1] == b'-' { at - 1 } else { at };
        let mut end = at;
        while end < bytes.len() && is_digit(bytes[end]) {
            end += 1;
        }
        if found == index {
            return Some((start, end));
        }
        found += 1;
        at = end;
    }
    None
}
