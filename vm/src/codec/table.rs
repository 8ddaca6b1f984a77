//! The decode table: from the first bytes of an instruction to which one it is.

use std::ops::Range;

use bytestone_spec::isa::{InsnId, Instruction, Isa, Part};

use super::word;

/// What the first bytes of an instruction say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Its fixed bits are those of this instruction.
    Found(InsnId),
    /// The bytes end before it is told apart from others; the only one it can be, if one.
    CutShort(Option<InsnId>),
    /// It is none.
    Unknown,
}

/// The bits of a byte that tell an instruction from others.
#[derive(Clone, Copy, Debug)]
struct FixedBits {
    at: usize,
    mask: u8,
    value: u8,
}

impl FixedBits {
    fn hold_in(self, byte: u8) -> bool {
        byte & self.mask == self.value
    }
}

/// An instruction by its fixed bits, as far as their place does not depend on other bytes.
#[derive(Clone, Debug)]
struct Form {
    id: InsnId,
    fixed: Vec<FixedBits>,
}

impl Form {
    fn new(id: InsnId, insn: &Instruction) -> Self {
        let mut fixed = Vec::new();
        let mut start = 0;
        for part in &insn.encoding.parts {
            let Part::Word(word) = part else { break };
            let len = usize::from(word.bytes);
            let masks = word::bytes(word, word.fixed_mask);
            let values = word::bytes(word, word.fixed_value);
            fixed.extend((0..len).map(|at| FixedBits {
                at: start + at,
                mask: masks[at],
                value: values[at],
            }));
            start += len;
        }
        fixed.retain(|bits| bits.mask != 0);
        Self { id, fixed }
    }

    /// Whether a byte at `at` can be part of this form.
    fn admits(&self, at: usize, byte: u8) -> bool {
        self.fixed.iter().all(|bits| bits.at != at || bits.hold_in(byte))
    }

    /// Whether all fixed bits are there, and as they must be.
    #[inline]
    fn matches(&self, bytes: &[u8]) -> bool {
        self.fixed.iter().all(|bits| bytes.get(bits.at).is_some_and(|byte| bits.hold_in(*byte)))
    }

    /// Whether the fixed bits that are there are as they must be.
    fn matches_so_far(&self, bytes: &[u8]) -> bool {
        self.fixed.iter().all(|bits| bytes.get(bits.at).is_none_or(|byte| bits.hold_in(*byte)))
    }
}

/// Instructions by the byte that tells most of them apart: for an opcode in the first byte that
/// one, for an opcode in the low bits of a big-endian word the last of its bytes.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The place of that byte; every instruction has one there.
    selector: usize,
    /// By the value of that byte, the candidates.
    groups: Vec<Range<u32>>,
    candidates: Vec<Form>,
    /// All instructions.
    forms: Vec<Form>,
    /// How many bytes tell any instruction from all others, at least 1.
    reach: usize,
}

impl Table {
    pub(super) fn new(isa: &Isa) -> Self {
        let forms: Vec<Form> =
            (0..).zip(isa.instructions()).map(|(id, insn)| Form::new(InsnId(id), insn)).collect();
        let shortest = isa.instructions().iter().map(head_len).min().unwrap_or(0);
        let selector =
            (0..shortest.min(8)).min_by_key(|&at| largest_group(&forms, at)).unwrap_or(0);
        let mut candidates = Vec::new();
        let mut groups = Vec::with_capacity(256);
        for byte in 0..=u8::MAX {
            let start = candidates.len() as u32;
            candidates.extend(forms.iter().filter(|form| form.admits(selector, byte)).map(
                |form| {
                    // The group already says that the selecting byte is right.
                    let fixed =
                        form.fixed.iter().copied().filter(|bits| bits.at != selector).collect();
                    Form { id: form.id, fixed }
                },
            ));
            groups.push(start..candidates.len() as u32);
        }
        let ends = forms.iter().flat_map(|form| &form.fixed).map(|bits| bits.at + 1);
        Self { selector, groups, candidates, reach: ends.max().unwrap_or(1), forms }
    }

    /// Which instruction starts with `bytes`.
    #[inline]
    pub(super) fn find(&self, bytes: &[u8]) -> Lookup {
        if let Some(byte) = bytes.get(self.selector) {
            let group = self.groups[usize::from(*byte)].clone();
            let candidates = &self.candidates[group.start as usize..group.end as usize];
            if let Some(form) = candidates.iter().find(|form| form.matches(bytes)) {
                return Lookup::Found(form.id);
            }
        }
        if bytes.len() < self.reach { self.find_cut_short(bytes) } else { Lookup::Unknown }
    }

    #[cold]
    fn find_cut_short(&self, bytes: &[u8]) -> Lookup {
        let mut matching = self.forms.iter().filter(|form| form.matches_so_far(bytes));
        match (matching.next(), matching.next()) {
            (None, _) => Lookup::Unknown,
            (Some(form), None) => Lookup::CutShort(Some(form.id)),
            (Some(_), Some(_)) => Lookup::CutShort(None),
        }
    }
}

/// How many bytes at the start of an instruction are always there, in places that never change.
fn head_len(insn: &Instruction) -> usize {
    let words = insn.encoding.parts.iter().map_while(|part| match part {
        Part::Word(word) => Some(usize::from(word.bytes)),
        Part::Leb { .. } => None,
    });
    words.sum()
}

/// The most instructions that share a value of the byte at `at`.
fn largest_group(forms: &[Form], at: usize) -> usize {
    let sharing = |byte| forms.iter().filter(|form| form.admits(at, byte)).count();
    (0..=u8::MAX).map(sharing).max().unwrap_or(0)
}
