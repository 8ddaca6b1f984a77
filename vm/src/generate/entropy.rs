//! Choices made from entropy. When it is used up, every choice is the first one.

use arbitrary::Unstructured;
use bytestone_spec::isa::IntType;

/// What is left of the entropy of a program.
pub(super) struct Entropy<'e, 'd> {
    bytes: &'e mut Unstructured<'d>,
}

impl<'e, 'd> Entropy<'e, 'd> {
    pub(super) fn new(bytes: &'e mut Unstructured<'d>) -> Self {
        Self { bytes }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A number below `count`; 0 when that is 0.
    pub(super) fn below(&mut self, count: u32) -> u32 {
        self.bytes.int_in_range(0..=count.saturating_sub(1)).unwrap_or(0)
    }

    /// True once in `count` times, and not when nothing is left.
    pub(super) fn once_in(&mut self, count: u32) -> bool {
        self.below(count) + 1 == count
    }

    /// One of `choices`, if there are any.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        choices.get(self.below(choices.len() as u32) as usize).copied()
    }

    /// One of those that `choices` gives, if any. It is gone through twice.
    pub(super) fn pick_from<T>(&mut self, choices: impl Iterator<Item = T> + Clone) -> Option<T> {
        let chosen = self.below(choices.clone().count() as u32);
        { choices }.nth(chosen as usize)
    }

    /// Any 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.bytes.arbitrary().unwrap_or(0)
    }

    /// A cell of a type, mostly one at which something changes.
    pub(super) fn cell(&mut self, ty: IntType) -> u64 {
        let bits = match self.below(8) {
            0 => self.below(17).into(),
            1 => 1,
            2 => u64::MAX,
            3 => ty.min() as u64,
            4 => ty.max() as u64,
            5 => 1 << self.below(64),
            6 => (1 << self.below(64)) - 1,
            _ => self.bits(),
        };
        ty.wrap(bits)
    }

    /// An index up to `greatest`, mostly one of the first few, so that they meet.
    pub(super) fn index(&mut self, greatest: u32) -> u32 {
        match self.below(8) {
            6 => self.below(greatest.saturating_add(1)),
            7 => greatest,
            _ => self.below(greatest.min(3) + 1),
        }
    }
}
