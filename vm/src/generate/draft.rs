//! A program whose labels have no offsets yet, and how it gets them.

use bytestone_spec::isa::{InsnId, OperandKind};

use crate::codec::{Codec, encoded_len};
use crate::program::Insn;

/// A place between instructions, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(u32);

/// An operand of a draft.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    /// A raw number, as a cell.
    Cell(u64),
    /// The offset of a label.
    Label(Label),
}

/// Instructions in order, some of them with labels as operands.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    insns: Vec<DraftInsn>,
    operands: Vec<Operand>,
    /// The index of the instruction that a label is before; [`UNBOUND`] until it has one.
    labels: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct DraftInsn {
    id: InsnId,
    /// The first of its encodings that may be used.
    form: u8,
    first_operand: u32,
}

const UNBOUND: u32 = u32::MAX;

/// Times that lengths are computed from offsets and offsets from lengths.
const PASSES: usize = 8;

impl Draft {
    /// A label without a place.
    pub(super) fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    /// Puts a label before the next instruction.
    pub(super) fn bind(&mut self, label: Label) {
        self.labels[label.0 as usize] = self.insns.len() as u32;
    }

    /// Whether a label waits for an instruction after the last one.
    pub(super) fn awaits_insn(&self) -> bool {
        self.labels.contains(&(self.insns.len() as u32))
    }

    /// Adds an operand of the next instruction.
    pub(super) fn push_operand(&mut self, operand: Operand) {
        self.operands.push(operand);
    }

    /// Adds an instruction with the operands that were added since the last one, in its encoding
    /// `form` or one after it.
    pub(super) fn push_insn(&mut self, (id, form): (InsnId, u8), operands: usize) {
        let first_operand = (self.operands.len() - operands) as u32;
        self.insns.push(DraftInsn { id, form, first_operand });
    }

    /// The bytes; `None` if a label has no place or is out of reach.
    pub(super) fn encode(&self, codec: &Codec<'_>) -> Option<Vec<u8>> {
        let mut places = self.first_places(codec);
        let mut cells = Vec::new();
        for _ in 0..PASSES {
            let mut code = Vec::new();
            let mut settled = true;
            for at in 0..self.insns.len() {
                cells.clear();
                for (index, operand) in self.operands(at).iter().enumerate() {
                    let number = codec.isa().instruction(self.insns[at].id).operand_of(index);
                    cells.push(self.cell(codec, &places, at, number, *operand)?);
                }
                let start = code.len() as u32;
                let place = &mut places[at];
                // Never back to an earlier encoding, so that this settles.
                let canonical = codec.isa().instruction(place.id).canonical(&cells)? as u8;
                let form = (place.id, canonical.max(place.form));
                codec.encode_as(form, &cells, &mut code).ok()?;
                let len = code.len() as u32 - start;
                let next = Insn::new(form, start, len, 0);
                settled &= *place == next;
                *place = next;
            }
            if settled {
                return Some(code);
            }
        }
        None
    }

    fn operands(&self, at: usize) -> &[Operand] {
        let start = self.insns[at].first_operand as usize;
        let end =
            self.insns.get(at + 1).map_or(self.operands.len(), |it| it.first_operand as usize);
        &self.operands[start..end]
    }

    /// Where the instructions are if all label operands are zero.
    fn first_places(&self, codec: &Codec<'_>) -> Vec<Insn> {
        let mut offset = 0;
        let mut places = Vec::with_capacity(self.insns.len());
        for (at, insn) in self.insns.iter().enumerate() {
            let described = codec.isa().instruction(insn.id);
            let elements = self.operands(at).len() - described.scalars();
            let encoding = &described.encodings[usize::from(insn.form)];
            let len = encoded_len(encoding, offset, elements, |number| {
                match self.operands(at)[usize::from(number)] {
                    Operand::Cell(cell) => described.operands[usize::from(number)].raw.value(cell),
                    Operand::Label(_) => 0,
                }
            });
            places.push(Insn::new((insn.id, insn.form), offset, len, 0));
            offset += len;
        }
        places
    }

    /// The raw number of an operand of the instruction with index `at`.
    fn cell(
        &self,
        codec: &Codec<'_>,
        places: &[Insn],
        at: usize,
        number: u8,
        operand: Operand,
    ) -> Option<u64> {
        let label = match operand {
            Operand::Cell(cell) => return Some(cell),
            Operand::Label(label) => label,
        };
        let target = places.get(self.labels[label.0 as usize] as usize)?.offset;
        let described = &codec.isa().instruction(places[at].id).operands[usize::from(number)];
        let OperandKind::Label(rule) = described.kind else { return None };
        let scale = i128::from(rule.scale);
        let distance = i128::from(target) - places[at].label_base(codec.isa(), number, rule, 0);
        let exact = distance.checked_rem(scale)? == 0;
        described.raw.cell(distance.checked_div(scale)?).filter(|_| exact)
    }
}
