//! Marked numbers: sets of numbers from 0 on that can tell how many of their members are below one.

use bumpalo::Bump;

/// A set of numbers up to a greatest one.
pub(super) struct Marks<'v> {
    /// The members of each 64 numbers, and how many come before these.
    words: &'v mut [(u64, u32)],
    members: u32,
}

impl<'v> Marks<'v> {
    /// The empty set of numbers up to `greatest`.
    pub fn up_to(greatest: u32, arena: &'v Bump) -> Self {
        let words = arena.alloc_slice_fill_copy(greatest as usize / 64 + 1, (0, 0));
        Self { words, members: 0 }
    }

    /// Adds a number that is not above the greatest.
    #[inline]
    pub fn insert(&mut self, number: u32) {
        self.words[number as usize / 64].0 |= 1 << (number % 64);
    }

    /// Whether a number, of any size, is in the set.
    #[inline]
    pub fn contains(&self, number: u32) -> bool {
        self.words.get(number as usize / 64).is_some_and(|word| word.0 >> (number % 64) & 1 != 0)
    }

    /// Counts the members, so that [`Marks::rank`] and [`Marks::len`] know them.
    pub fn count(&mut self) {
        self.members = 0;
        for (bits, before) in self.words.iter_mut() {
            *before = self.members;
            self.members += bits.count_ones();
        }
    }

    /// How many members there are.
    pub fn len(&self) -> u32 {
        self.members
    }

    /// How many members are below a number that is not above the greatest.
    #[inline]
    pub fn rank(&self, number: u32) -> u32 {
        let (bits, before) = self.words[number as usize / 64];
        before + (bits & ((1 << (number % 64)) - 1)).count_ones()
    }
}
