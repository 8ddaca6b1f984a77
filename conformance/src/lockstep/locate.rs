//! Finds the first wrong step of an engine: by the checkpoints of hashes, by windows, or by the fuel.

use bytestone_spec::isa::InsnId;
use bytestone_vm::trace::{Checkpoints, Notation};

use super::compare::end_fits;
use super::{Subject, every};
use crate::engine::reference::{Prepared, RunError};
use crate::engine::{
    Description, End, Engine, Mishap, MishapKind, Ran, Reply, Row, Snapshot, Watch,
};

/// The first step at which an engine parts from the reference tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The number of the step, counted from 0; `None` when the state before the first is wrong.
    pub step: Option<u64>,
    /// The offset of its instruction.
    pub offset: u32,
    /// Its instruction.
    pub insn: InsnId,
    /// The instruction as the disassembler writes it.
    pub text: String,
    /// The state before it, on which both agree.
    pub before: Snapshot,
    /// What must come of it.
    pub expected: After,
    /// What the engine makes of it.
    pub found: After,
}

/// What comes of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// The state after it.
    pub state: Snapshot,
    /// How the run ends with it, if it does.
    pub end: Option<End>,
}

/// What a search comes to.
pub enum Located {
    /// A step is wrong.
    Step(Box<Divergence>),
    /// No step is, as far as can be seen.
    Nowhere,
    /// The engine gave other answers than before.
    Changed,
    /// The engine gave no answer.
    Mishap(Mishap),
}

/// Rows asked for at once from an engine that has windows and no hashes.
const ROWS: u64 = 1024;

/// Checkpoints in one answer while the first wrong step is looked for.
const CHECKPOINTS: u64 = 4096;

/// A search on one engine.
pub struct Search<'s, 'a, E: ?Sized> {
    pub subject: &'s Subject<'a>,
    pub prepared: &'s Prepared<'a>,
    pub engine: &'s mut E,
    pub description: Description,
}

/// Why a search ends early.
enum Stop {
    Run(RunError),
    Located(Located),
}

impl From<RunError> for Stop {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

impl<E: Engine + ?Sized> Search<'_, '_, E> {
    /// Searches from two runs that were asked for in the same way.
    pub fn first_wrong(mut self, expected: &Ran, found: &Ran) -> Result<Located, RunError> {
        match self.search(expected, found) {
            Ok(located) | Err(Stop::Located(located)) => Ok(located),
            Err(Stop::Run(error)) => Err(error),
        }
    }

    fn search(&mut self, expected: &Ran, found: &Ran) -> Result<Located, Stop> {
        let steps = match (expected.steps, found.steps) {
            (Some(expected), Some(found)) => expected.min(found),
            (Some(steps), None) | (None, Some(steps)) => steps,
            (None, None) => return Ok(Located::Nowhere),
        };
        let first = if self.description.traces.hash {
            self.by_hash(expected, found, steps)?
        } else if self.description.traces.window {
            self.by_windows(steps)?
        } else if self.description.observes.stack || self.description.observes.cells {
            self.by_fuel(steps)?
        } else {
            None
        };
        let Some(done) = first else { return Ok(Located::Nowhere) };
        self.step(done)
    }

    /// Both sides of a run with so much fuel.
    fn both(&mut self, fuel: u64, watch: Watch) -> Result<(Ran, Ran), Stop> {
        let subject = self.subject;
        let observes = self.description.observes;
        let expected = self.prepared.run(&subject.input, fuel, watch, observes)?;
        match self.engine.run(&subject.watched(fuel, watch)) {
            Ok(Reply::Ran(found)) => match found.check(subject.isa, observes) {
                Ok(()) => Ok((expected, *found)),
                Err(why) => {
                    let mishap = MishapKind::Protocol(why).into();
                    Err(Stop::Located(Located::Mishap(mishap)))
                }
            },
            Ok(Reply::Rejected(_) | Reply::Unsupported(_)) => Err(Stop::Located(Located::Changed)),
            Err(mishap) => Err(Stop::Located(Located::Mishap(mishap))),
        }
    }

    /// The least number of steps after which the hashes differ.
    fn by_hash(&mut self, expected: &Ran, found: &Ran, steps: u64) -> Result<Option<u64>, Stop> {
        let mut checkpoints = Checkpoints { every: every(self.reference_steps()), from: 0 };
        let (mut good, mut bad) = interval(expected, found, checkpoints, steps);
        while bad - good > 1 && checkpoints.every > 1 {
            checkpoints = Checkpoints { every: (bad - good).div_ceil(CHECKPOINTS), from: good };
            let (expected, found) = self.both(bad, Watch::Hash(checkpoints))?;
            if expected.hash == found.hash && end_fits(&expected.end, &found.end) {
                return Err(Stop::Located(Located::Changed));
            }
            (good, bad) = interval(&expected, &found, checkpoints, bad);
        }
        // The state before the first step is in no checkpoint; a difference there shows after it.
        Ok(Some(bad))
    }

    fn reference_steps(&self) -> u64 {
        self.subject.runs().map_or(0, |(_, steps)| steps)
    }

    fn by_windows(&mut self, steps: u64) -> Result<Option<u64>, Stop> {
        let mut from = 0;
        loop {
            let (expected, found) = self.both(from + ROWS, Watch::Window { from })?;
            if let Some(done) = first_difference(&moments(&expected), &moments(&found)) {
                return Ok(Some(from + done));
            }
            from += ROWS;
            if from > steps {
                return Ok(None);
            }
        }
    }

    /// Halves the fuel, which finds a first wrong step when what is wrong stays wrong.
    fn by_fuel(&mut self, steps: u64) -> Result<Option<u64>, Stop> {
        let differs = |search: &mut Self, fuel| -> Result<bool, Stop> {
            let (expected, found) = search.both(fuel, Watch::End)?;
            Ok(first_difference(&moments(&expected), &moments(&found)).is_some())
        };
        if !differs(self, steps)? {
            return Ok(None);
        }
        // After `good` steps all is well, after `bad` steps it is not.
        let (mut good, mut bad) = (0, steps);
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            if differs(self, middle)? { bad = middle } else { good = middle }
        }
        Ok(Some(bad))
    }

    /// The divergence, when the states differ after `done` steps and not long before.
    fn step(&mut self, done: u64) -> Result<Located, Stop> {
        let from = done.saturating_sub(1);
        let (expected, found) = if self.description.traces.window {
            self.both(done + 1, Watch::Window { from })?
        } else {
            let (mut expected, mut found) = self.both(done, Watch::End)?;
            let (before, begun) = self.both(from, Watch::End)?;
            for (ran, start) in [(&mut expected, before), (&mut found, begun)] {
                ran.rows.push(Row { step: from, state: start.state });
            }
            (expected, found)
        };
        let (expected, found) = (moments(&expected), moments(&found));
        let Some(place) = first_difference(&expected, &found) else {
            return Ok(Located::Nowhere);
        };
        let at_end = |moments: &[After]| moments.last().cloned();
        let after =
            |moments: &[After]| moments.get(place as usize).cloned().or_else(|| at_end(moments));
        let (Some(expected_after), Some(found_after)) = (after(&expected), after(&found)) else {
            return Ok(Located::Nowhere);
        };
        let step = place.checked_sub(1).map(|before| from + before);
        let before = expected.get(step.map_or(0, |step| (step - from) as usize));
        let before = before.map_or_else(Snapshot::default, |moment| moment.state.clone());
        self.divergence(step, before, expected_after, found_after)
    }

    fn divergence(
        &self,
        step: Option<u64>,
        before: Snapshot,
        expected: After,
        found: After,
    ) -> Result<Located, Stop> {
        let all = bytestone_vm::trace::view::Observed::ALL;
        let state = self.prepared.run(&self.subject.input, step.unwrap_or(0), Watch::End, all)?;
        let offset = state.state.pc.unwrap_or(0);
        let program = self.prepared.verified().program();
        let Some(at) = program.insns().iter().position(|insn| insn.offset == offset) else {
            return Ok(Located::Nowhere);
        };
        let notation = Notation::new(self.prepared.isa(), program);
        Ok(Located::Step(Box::new(Divergence {
            step,
            offset,
            insn: program.insns()[at].id,
            text: notation.instruction(at).to_owned(),
            before,
            expected,
            found,
        })))
    }
}

/// The steps after which hashes agree and those after which they do not, from the checkpoints of
/// two runs of which the shorter has `steps` steps.
fn interval(expected: &Ran, found: &Ran, checkpoints: Checkpoints, steps: u64) -> (u64, u64) {
    let every = checkpoints.every.max(1);
    let first = (checkpoints.from / every + 1) * every;
    let pairs = expected.checkpoints.iter().zip(&found.checkpoints);
    let agreed = pairs.take_while(|(expected, found)| expected == found).count() as u64;
    let good = match agreed.checked_sub(1) {
        Some(last) => first + last * every,
        None => checkpoints.from,
    };
    let bad = (first + agreed * every).min(steps);
    (good.min(bad), bad)
}

/// The states of a run one after the other, the last with its end.
fn moments(ran: &Ran) -> Vec<After> {
    let before = ran.rows.iter().map(|row| After { state: row.state.clone(), end: None });
    let end = (ran.end != End::Fuel).then(|| ran.end.clone());
    before.chain([After { state: ran.state.clone(), end }]).collect()
}

/// Where two runs part first.
fn first_difference(expected: &[After], found: &[After]) -> Option<u64> {
    let fits = |(expected, found): (&After, &After)| {
        let ends = match (&expected.end, &found.end) {
            (Some(expected), Some(found)) => end_fits(expected, found),
            (None, None) => true,
            _ => false,
        };
        ends && expected.state == found.state
    };
    let common = expected.iter().zip(found).position(|pair| !fits(pair));
    let shorter = expected.len().min(found.len());
    common.or((expected.len() != found.len()).then_some(shorter)).map(|place| place as u64)
}
