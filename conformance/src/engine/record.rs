//! Does for an engine in this process what a request asks for: hashes, checkpoints, windows.

use bytestone_vm::trace::RowHash;
use bytestone_vm::trace::view::{Observed, View};

use super::{End, Ran, Row, Snapshot, Watch};

/// Watches one run. The engine calls [`Recorder::step`] before each step and
/// [`Recorder::finish`] at the end.
///
/// ```
/// use bytestone::engine::record::Recorder;
/// use bytestone::engine::{End, Watch};
/// use bytestone_vm::Value;
/// use bytestone_vm::trace::Checkpoints;
/// use bytestone_vm::trace::view::{Observed, View};
///
/// struct State { pc: u32, stack: Vec<i32> }
///
/// impl View for State {
///     fn pc(&self) -> u32 { self.pc }
///     fn stack(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
///         self.stack.iter().map(|&value| value.into())
///     }
/// }
///
/// let mut state = State { pc: 0, stack: vec![] };
/// let mut recorder = Recorder::new(Watch::Hash(Checkpoints::default()), Observed::ALL);
/// recorder.step(&state);
/// state = State { pc: 5, stack: vec![3] };
/// let ran = recorder.finish(&state, End::Halt);
/// assert_eq!((ran.steps, ran.hash), (Some(1), Some(0x458e_78a4)));
/// ```
#[derive(Debug)]
pub struct Recorder {
    observed: Observed,
    steps: u64,
    record: Record,
}

#[derive(Debug)]
enum Record {
    Nothing,
    Hash(Box<RowHash>),
    Window { from: u64, rows: Vec<Row> },
}

impl Recorder {
    /// Watches a run as a request asks, by an engine that shows what is `observed`.
    pub fn new(watch: Watch, observed: Observed) -> Self {
        let record = match watch {
            Watch::End => Record::Nothing,
            Watch::Hash(checkpoints) => Record::Hash(Box::new(RowHash::new(observed, checkpoints))),
            Watch::Window { from } => Record::Window { from, rows: Vec::new() },
        };
        Self { observed, steps: 0, record }
    }

    /// Takes the state before a step.
    #[inline]
    pub fn step(&mut self, view: &impl View) {
        match &mut self.record {
            Record::Nothing => {}
            Record::Hash(hash) => hash.step(self.steps, view),
            Record::Window { from, rows } if self.steps >= *from => {
                let state = Snapshot::of(view, self.observed);
                rows.push(Row { step: self.steps, state });
            }
            Record::Window { .. } => {}
        }
        self.steps += 1;
    }

    /// The steps taken so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes the state after the last step.
    pub fn finish(self, view: &impl View, end: End) -> Ran {
        let mut ran = Ran {
            end,
            steps: Some(self.steps),
            state: Snapshot::of(view, self.observed),
            output: self.observed.output.then(|| view.output().collect()),
            host: view.host_calls().filter(|_| self.observed.host).map(<[_]>::to_vec),
            hash: None,
            checkpoints: Vec::new(),
            rows: Vec::new(),
            message: None,
        };
        match self.record {
            Record::Nothing => {}
            Record::Hash(hash) => {
                let (hash, checkpoints) = hash.finish(view);
                ran.hash = Some(hash);
                ran.checkpoints = checkpoints;
            }
            Record::Window { rows, .. } => ran.rows = rows,
        }
        ran
    }
}
