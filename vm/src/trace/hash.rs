//! A number that stands for a whole trace, so that two runs can be compared without one.

use bytestone_spec::isa::Isa;

use super::Tracer;
use super::view::{Observed, Seen, View, push_called, push_cells, push_printed, push_values};
use crate::state::State;
use crate::value::wire::{push_light, push_number};

/// CRC-32 (that of zlib) over the rows of a run, as `docs/protocol.md` defines them.
///
/// A light row is taken before each step: the offset of the instruction, the number of active
/// calls, the height of the operand stack and its top four values, top first, fewer when the
/// stack is lower. All are decimal with one space between, and a line feed ends the row:
///
/// ```text
/// 0 0 0
/// 5 0 1 3
/// 10 0 2 5 3
/// ```
///
/// A state row shows everything that is observed, at each checkpoint and at the end.
#[derive(Clone, Debug)]
pub struct RowHash {
    observed: Observed,
    checkpoints: Checkpoints,
    /// The number of steps before which the next checkpoint is due.
    next: u64,
    hasher: crc32fast::Hasher,
    /// Rows that the hasher has not seen: it is fast only on long input.
    rows: Vec<u8>,
    found: Vec<u32>,
}

/// When the hash of a run is noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoints {
    /// Every so many steps; 0 for never.
    pub every: u64,
    /// But not before more than this many steps are done.
    pub from: u64,
}

impl Checkpoints {
    /// The number of steps before which there is a checkpoint first.
    fn first(self) -> u64 {
        match self.from.checked_div(self.every) {
            Some(passed) => (passed + 1).saturating_mul(self.every),
            None => u64::MAX,
        }
    }
}

/// Bytes of rows gathered for the hasher.
const CHUNK: usize = 4096;
/// The longest light row: seven numbers of at most 20 digits, and what is between them.
const LONGEST_ROW: usize = 7 * 21;
/// How many values of the stack a light row shows.
const TOP: usize = 4;

impl RowHash {
    /// The hash of no rows, for an onlooker who sees what is `observed`.
    pub fn new(observed: Observed, checkpoints: Checkpoints) -> Self {
        Self {
            observed,
            checkpoints,
            next: checkpoints.first(),
            hasher: crc32fast::Hasher::new(),
            rows: Vec::with_capacity(CHUNK + LONGEST_ROW),
            found: Vec::new(),
        }
    }

    /// Takes the state before a step; `steps` is how many were done.
    #[inline]
    pub fn step(&mut self, steps: u64, view: &impl View) {
        if steps >= self.next {
            self.state_row(view);
            let hash = self.hash();
            self.found.push(hash);
            self.next = self.next.saturating_add(self.checkpoints.every);
        }
        if self.observed.pc {
            push_number(&mut self.rows, view.pc().into());
            self.rows.push(b' ');
        }
        if self.observed.depth {
            push_number(&mut self.rows, view.depth().into());
            self.rows.push(b' ');
        }
        if self.observed.stack {
            push_number(&mut self.rows, view.height() as i128);
            self.rows.push(b' ');
            for value in view.top().take(TOP) {
                push_light(&mut self.rows, &value);
                self.rows.push(b' ');
            }
        }
        if let Some(last) = self.rows.last_mut() {
            *last = b'\n';
        }
        if self.rows.len() >= CHUNK {
            self.hasher.update(&self.rows);
            self.rows.clear();
        }
    }

    /// Takes the state after the last step. Returns the hash, and the checkpoints before it.
    pub fn finish(mut self, view: &impl View) -> (u32, Vec<u32>) {
        self.state_row(view);
        (self.hash(), self.found)
    }

    /// The hash of the rows so far.
    fn hash(&mut self) -> u32 {
        self.hasher.update(&self.rows);
        self.rows.clear();
        self.hasher.clone().finalize()
    }

    fn state_row(&mut self, view: &impl View) {
        self.rows.push(b'S');
        if self.observed.pc {
            self.rows.push(b' ');
            push_number(&mut self.rows, view.pc().into());
        }
        if self.observed.depth {
            self.rows.push(b' ');
            push_number(&mut self.rows, view.depth().into());
        }
        if self.observed.output {
            self.rows.push(b' ');
            push_printed(&mut self.rows, view.output());
        }
        if self.observed.host
            && let Some(calls) = view.host_calls()
        {
            self.rows.push(b' ');
            push_called(&mut self.rows, calls);
        }
        if self.observed.stack {
            self.rows.push(b' ');
            push_values(&mut self.rows, view.stack());
        }
        if self.observed.cells {
            self.rows.push(b' ');
            push_cells(&mut self.rows, view.cells());
        }
        self.rows.push(b'\n');
    }
}

/// Hashes the rows of a run of the reference tier.
#[derive(Clone, Debug)]
pub struct HashTrace<'a> {
    isa: &'a Isa,
    hash: RowHash,
}

impl<'a> HashTrace<'a> {
    /// Everything observed, no checkpoints.
    pub fn new(isa: &'a Isa) -> Self {
        Self::with(isa, Observed::ALL, Checkpoints::default())
    }

    /// For an onlooker who sees what is `observed`.
    pub fn with(isa: &'a Isa, observed: Observed, checkpoints: Checkpoints) -> Self {
        Self { isa, hash: RowHash::new(observed, checkpoints) }
    }

    /// The hash of a run that ended in `state`, and its checkpoints.
    pub fn finish(self, state: &State) -> (u32, Vec<u32>) {
        self.hash.finish(&Seen { isa: self.isa, state })
    }
}

impl Tracer for HashTrace<'_> {
    const CHANGES: bool = false;

    #[inline]
    fn before(&mut self, _at: usize, state: &State) {
        self.hash.step(state.steps(), &Seen { isa: self.isa, state });
    }
}
