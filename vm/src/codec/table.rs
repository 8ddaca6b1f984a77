//! The decode table: from the first bytes of an instruction to which one it is, in which encoding.

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

/// The bits of a byte that tell an instruction from others; none if nothing in the byte is fixed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct FixedBits {
    mask: u8,
    value: u8,
}

impl FixedBits {
    fn hold_in(self, byte: u8) -> bool {
        byte & self.mask == self.value
    }
}

/// The fixed bits of an encoding, as far as their place does not depend on other bytes.
#[derive(Clone, Debug)]
struct Opcode {
    id: InsnId,
    /// The bytes that have any, by place.
    fixed: Vec<(usize, FixedBits)>,
    /// How many bytes at the start of the encoding are always there, in places that never change.
    head: usize,
}

impl Opcode {
    fn new(id: InsnId, encoding: &Encoding) -> Self {
        let mut fixed = Vec::new();
        let mut head = 0;
        for part in &encoding.parts {
            let Part::Word(word) = part else { break };
            let len = usize::from(word.bytes);
            let masks = word::bytes(word, word.fixed_mask);
            let values = word::bytes(word, word.fixed_value);
            let bits = (0..len).map(|at| FixedBits { mask: masks[at], value: values[at] });
            fixed.extend((head..).zip(bits));
            head += len;
        }
        fixed.retain(|(_, bits)| bits.mask != 0);
        Self { id, fixed, head }
    }

    /// The fixed bits of the byte at `at`.
    fn bits(&self, at: usize) -> FixedBits {
        let found = self.fixed.binary_search_by_key(&at, |(at, _)| *at);
        found.map_or(FixedBits::default(), |found| self.fixed[found].1)
    }

    /// Whether all fixed bits are there, and as they must be.
    #[inline]
    fn matches(&self, bytes: &[u8]) -> bool {
        self.fixed.iter().all(|(at, bits)| bytes.get(*at).is_some_and(|byte| bits.hold_in(*byte)))
    }

    /// Whether the fixed bits that are there are as they must be.
    fn matches_so_far(&self, bytes: &[u8]) -> bool {
        self.fixed.iter().all(|(at, bits)| bytes.get(*at).is_none_or(|byte| bits.hold_in(*byte)))
    }
}

/// Encodings by the byte that tells most of them apart: for an opcode in the first byte that
/// one, for an opcode in the low bits of a big-endian word the last of its bytes.
#[derive(Clone, Debug)]
struct Node {
    /// The place of that byte; every encoding of the node has one there.
    selector: usize,
    /// By the value of that byte, how the search goes on.
    branches: Vec<Branch>,
}

#[derive(Clone, Copy, Debug)]
enum Branch {
    /// With another byte, which tells many candidates apart.
    Node(u32),
    /// With these candidates, one after the other.
    Group { start: u32, end: u32 },
}

/// An encoding that bytes may start with.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// Its number among those of all instructions.
    number: u32,
    /// Whether the bytes that led here are all that it has fixed bits in.
    is_settled: bool,
}

/// Candidates that are tried one after the other. More of them, such as all that a prefix
/// can stand before, are told apart by another byte.
const FEW: usize = 8;
/// Nodes inside nodes.
const DEPTH: usize = 4;
/// Nodes of a table.
const NODES: usize = 64;
/// Candidates behind which no further node is begun: a machine may have encodings of which no byte tells many apart.
const CANDIDATES: usize = 1 << 18;

/// The encodings of all instructions.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The first one is where the search starts.
    nodes: Vec<Node>,
    candidates: Vec<Candidate>,
    /// All encodings.
    opcodes: Vec<Opcode>,
    /// How many bytes tell any instruction from all others, at least 1.
    reach: usize,
}

impl Table {
    pub(super) fn new(isa: &Isa) -> Self {
        let instructions = (0..).map(InsnId).zip(isa.instructions());
        let opcodes: Vec<Opcode> = instructions
            .flat_map(|(id, insn)| {
                insn.encodings.iter().map(move |encoding| Opcode::new(id, encoding))
            })
            .collect();
        let ends = opcodes.iter().flat_map(|opcode| &opcode.fixed).map(|(at, _)| at + 1);
        let reach = ends.max().unwrap_or(1);
        let all: Vec<u32> = (0..opcodes.len() as u32).collect();
        let mut table = Self { nodes: Vec::new(), candidates: Vec::new(), opcodes, reach };
        table.node(&all, &mut Vec::new());
        table
    }

    /// Adds the node of some encodings, to which the bytes at `path` lead; its number.
    fn node(&mut self, members: &[u32], path: &mut Vec<usize>) -> u32 {
        let heads = members.iter().map(|member| self.opcodes[*member as usize].head);
        let places = 0..heads.min().unwrap_or(0);
        let selector = places.min_by_key(|at| self.largest_group(members, *at)).unwrap_or(0);
        let number = self.nodes.len();
        self.nodes.push(Node { selector, branches: Vec::new() });
        path.push(selector);
        let bits = self.bits(members, selector);
        let mask = bits.iter().fold(0, |mask, bits| mask | bits.mask);
        let mut branches: Vec<Branch> = Vec::with_capacity(256);
        for byte in 0..=u8::MAX {
            // Bits that no member looks at make no difference.
            let same = byte & mask;
            if same < byte {
                branches.push(branches[usize::from(same)]);
                continue;
            }
            let admitted = members.iter().zip(&bits).filter(|(_, bits)| bits.hold_in(byte));
            let group: Vec<u32> = admitted.map(|(member, _)| *member).collect();
            branches.push(self.branch(&group, members.len(), path));
        }
        path.pop();
        self.nodes[number].branches = branches;
        number as u32
    }

    /// How the search goes on among `group`, of the `members` of a node, after the bytes at `path`.
    fn branch(&mut self, group: &[u32], members: usize, path: &mut Vec<usize>) -> Branch {
        let is_worth_it = group.len() > FEW && 2 * group.len() <= members;
        let has_room = self.nodes.len() < NODES && self.candidates.len() < CANDIDATES;
        if is_worth_it && has_room && path.len() <= DEPTH {
            return Branch::Node(self.node(group, path));
        }
        let start = self.candidates.len() as u32;
        let opcodes = &self.opcodes;
        self.candidates.extend(group.iter().map(|&number| {
            let mut fixed = opcodes[number as usize].fixed.iter();
            Candidate { number, is_settled: fixed.all(|(at, _)| path.contains(at)) }
        }));
        Branch::Group { start, end: self.candidates.len() as u32 }
    }

    /// The fixed bits of some encodings in the byte at `at`.
    fn bits(&self, members: &[u32], at: usize) -> Vec<FixedBits> {
        members.iter().map(|member| self.opcodes[*member as usize].bits(at)).collect()
    }

    /// The most of some encodings that share a value of the byte at `at`.
    fn largest_group(&self, members: &[u32], at: usize) -> usize {
        let mut bits = self.bits(members, at);
        bits.sort_unstable();
        let kinds: Vec<_> =
            bits.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect();
        let sharing = |byte| {
            let kinds = kinds.iter().filter(|(bits, _)| bits.hold_in(byte));
            kinds.map(|(_, count)| count).sum()
        };
        (0..=u8::MAX).map(sharing).max().unwrap_or(0)
    }

    /// Which encoding `bytes` start with.
    #[inline]
    pub(super) fn find(&self, bytes: &[u8]) -> Lookup {
        let mut node = &self.nodes[0];
        while let Some(&byte) = bytes.get(node.selector) {
            let (start, end) = match node.branches[usize::from(byte)] {
                Branch::Group { start, end } => (start, end),
                Branch::Node(inner) => {
                    node = &self.nodes[inner as usize];
                    continue;
                }
            };
            let mut group = self.candidates[start as usize..end as usize].iter();
            let matches = |candidate: &&Candidate| {
                candidate.is_settled || self.opcodes[candidate.number as usize].matches(bytes)
            };
            if let Some(found) = group.find(matches) {
                return Lookup::Found(found.number);
            }
            break;
        }
        if bytes.len() < self.reach { self.find_cut_short(bytes) } else { Lookup::Unknown }
    }

    #[cold]
    fn find_cut_short(&self, bytes: &[u8]) -> Lookup {
        let matching = self.opcodes.iter().filter(|opcode| opcode.matches_so_far(bytes));
        let mut ids = matching.map(|opcode| opcode.id);
        match ids.next() {
            None => Lookup::Unknown,
            Some(first) if ids.all(|id| id == first) => Lookup::CutShort(Some(first)),
            Some(_) => Lookup::CutShort(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytestone_spec::diagnostic::Source;
    use bytestone_spec::load::BuiltinOnly;

    use super::*;

    #[test]
    fn opcodes_far_behind_a_fixed_bit_are_found_without_a_table_of_all() {
        const SPEC: &str = r#"
bytestone: spec/1
isa: far
version: 1.0.0
title: Opcodes behind a number
machine: {}
code: {decode: sweep, end: halt}
bits:
  w: {width: 64, order: le, fields: {a: 0..0, v: 63..1}}
instructions:
  "I{a}_{b}": {for: {a: 0..31, b: 0..31}, enc: "w(a=1, v=_v:u63) {a} {b} 0", do: nop, doc: d}
"#;
        let source = Source { name: "far.yaml".into(), text: SPEC.into() };
        let isa = bytestone_spec::load(source, &BuiltinOnly).unwrap();
        let table = Table::new(&isa);
        assert_eq!(table.candidates.len(), isa.instructions().len());
        let mut bytes = [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0];
        for number in 0..1024 {
            (bytes[8], bytes[9]) = ((number / 32) as u8, (number % 32) as u8);
            assert_eq!(table.find(&bytes), Lookup::Found(number));
            assert_eq!(table.find(&bytes[..10]), Lookup::CutShort(Some(InsnId(number as u16))));
        }
        assert_eq!(table.find(&bytes[..9]), Lookup::CutShort(None));
        bytes[0] = 2;
        assert_eq!(table.find(&bytes), Lookup::Unknown);
    }
}
