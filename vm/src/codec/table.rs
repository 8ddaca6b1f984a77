//! The decode table: from the first bytes of an instruction to which one it is, in which encoding.

use std::ops::Range;

use bytestone_spec::isa::{Encoding, InsnId, Isa, Part};

use super::word;

/// What the first bytes of an instruction say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Its fixed bits are those of this encoding, by its number among those of all instructions.
    Found(u32),
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

/// An encoding by its fixed bits, as far as their place does not depend on other bytes.
#[derive(Clone, Debug)]
struct Form {
    /// Its number among the encodings of all instructions.
    number: u32,
    fixed: Vec<FixedBits>,
}

impl Form {
    fn new(number: u32, encoding: &Encoding) -> Self {
        let mut fixed = Vec::new();
        let mut start = 0;
        for part in &encoding.parts {
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
        Self { number, fixed }
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

    /// The same without the bits of a byte that are known to be right.
    fn without(&self, at: usize) -> Self {
        let fixed = self.fixed.iter().copied().filter(|bits| bits.at != at).collect();
        Self { number: self.number, fixed }
    }
}

/// Encodings by the byte that tells most of them apart: for an opcode in the first byte that
/// one, for an opcode in the low bits of a big-endian word the last of its bytes.
#[derive(Clone, Debug)]
struct Node {
    /// The place of that byte; every encoding of the node has one there.
    selector: usize,
    /// By the value of that byte, the candidates.
    groups: Vec<Range<u32>>,
    /// By the value of that byte, the node that goes on with many candidates, or [`LEAF`].
    inner: Vec<u32>,
}

const LEAF: u32 = u32::MAX;
/// Candidates that are tried one after the other. More of them, such as all that a prefix
/// can stand before, are told apart by another byte.
const FEW: usize = 8;
/// Nodes inside nodes.
const DEPTH: usize = 4;
/// Nodes of a table.
const NODES: usize = 64;

/// The encodings of all instructions.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The first one is where the search starts.
    nodes: Vec<Node>,
    candidates: Vec<Form>,
    /// All encodings, and the instructions that they are of.
    forms: Vec<(Form, InsnId)>,
    /// How many bytes tell any instruction from all others, at least 1.
    reach: usize,
}

impl Table {
    pub(super) fn new(isa: &Isa) -> Self {
        let encodings = || {
            let instructions = (0..).map(InsnId).zip(isa.instructions());
            instructions
                .flat_map(|(id, insn)| insn.encodings.iter().map(move |encoding| (encoding, id)))
        };
        let forms: Vec<(Form, InsnId)> = (0..)
            .zip(encodings())
            .map(|(number, (encoding, id))| (Form::new(number, encoding), id))
            .collect();
        let heads: Vec<usize> = encodings().map(|(encoding, _)| head_len(encoding)).collect();
        let ends = forms.iter().flat_map(|(form, _)| &form.fixed).map(|bits| bits.at + 1);
        let reach = ends.max().unwrap_or(1);
        let all: Vec<Form> = forms.iter().map(|(form, _)| form.clone()).collect();
        let mut table = Self { nodes: Vec::new(), candidates: Vec::new(), forms, reach };
        table.node(&all, &heads, DEPTH);
        table
    }

    /// Adds the node of some encodings; its number.
    fn node(&mut self, forms: &[Form], heads: &[usize], depth: usize) -> u32 {
        let head = |form: &Form| heads.get(form.number as usize).copied().unwrap_or(0);
        let shortest = forms.iter().map(head).min().unwrap_or(0);
        // Behind a prefix the opcode may stand further on.
        let places = 0..shortest.min(8 * (DEPTH + 1 - depth));
        let selector = places.min_by_key(|&at| largest_group(forms, at)).unwrap_or(0);
        let number = self.nodes.len();
        self.nodes.push(Node { selector, groups: Vec::new(), inner: Vec::new() });
        let (mut groups, mut inner) = (Vec::with_capacity(256), Vec::with_capacity(256));
        for byte in 0..=u8::MAX {
            let admitted = forms.iter().filter(|form| form.admits(selector, byte));
            // The group already says that the selecting byte is right.
            let group: Vec<Form> = admitted.map(|form| form.without(selector)).collect();
            let is_worth_it = group.len() > FEW && 2 * group.len() <= forms.len();
            inner.push(if is_worth_it && depth > 0 && self.nodes.len() < NODES {
                self.node(&group, heads, depth - 1)
            } else {
                LEAF
            });
            let start = self.candidates.len() as u32;
            if inner.last() == Some(&LEAF) {
                self.candidates.extend(group);
            }
            groups.push(start..self.candidates.len() as u32);
        }
        self.nodes[number] = Node { selector, groups, inner };
        number as u32
    }

    /// Which encoding `bytes` start with.
    #[inline]
    pub(super) fn find(&self, bytes: &[u8]) -> Lookup {
        let mut node = &self.nodes[0];
        while let Some(&byte) = bytes.get(node.selector) {
            let inner = node.inner[usize::from(byte)];
            if inner != LEAF {
                node = &self.nodes[inner as usize];
                continue;
            }
            let group = node.groups[usize::from(byte)].clone();
            let candidates = &self.candidates[group.start as usize..group.end as usize];
            if let Some(form) = candidates.iter().find(|form| form.matches(bytes)) {
                return Lookup::Found(form.number);
            }
            break;
        }
        if bytes.len() < self.reach { self.find_cut_short(bytes) } else { Lookup::Unknown }
    }

    #[cold]
    fn find_cut_short(&self, bytes: &[u8]) -> Lookup {
        let matching = self.forms.iter().filter(|(form, _)| form.matches_so_far(bytes));
        let mut ids = matching.map(|(_, id)| *id);
        match ids.next() {
            None => Lookup::Unknown,
            Some(first) if ids.all(|id| id == first) => Lookup::CutShort(Some(first)),
            Some(_) => Lookup::CutShort(None),
        }
    }
}

/// How many bytes at the start of an encoding are always there, in places that never change.
fn head_len(encoding: &Encoding) -> usize {
    let words = encoding.parts.iter().map_while(|part| match part {
        Part::Word(word) => Some(usize::from(word.bytes)),
        Part::Leb { .. } | Part::Align { .. } | Part::List { .. } => None,
    });
    words.sum()
}

/// The most encodings that share a value of the byte at `at`.
fn largest_group(forms: &[Form], at: usize) -> usize {
    let sharing = |byte| forms.iter().filter(|form| form.admits(at, byte)).count();
    (0..=u8::MAX).map(sharing).max().unwrap_or(0)
}
