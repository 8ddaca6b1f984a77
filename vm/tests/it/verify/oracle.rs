//! What the verifier says of small random programs, held against all their executions and
//! against a slow verifier that looks at each subroutine by itself.

use std::collections::{BTreeMap, HashSet};

use arbitrary::Unstructured;
use bytestone_spec::Isa;
use bytestone_spec::isa::{Effect, LabelRole, OperandKind};
use bytestone_vm::codec::Codec;
use bytestone_vm::generate::Generator;
use bytestone_vm::verify::{MaxStack, Verified, Verifier, verify};
use bytestone_vm::{Program, Reason};

use super::{decode, machine, machine_with};
use crate::random::Random;
use crate::support::entropy;

/// How deep the stack of the small machine is.
const DEPTH: i64 = 6;

fn small_machine() -> Isa {
    machine_with("stack", &[("depth: 256, per", "depth: 6, per"), ("depth: 64", "depth: 4")])
}

/// A random program of at most 12 instructions whose labels mostly lead to instructions.
fn random_program(isa: &Isa, random: &mut Random) -> Program {
    const OFTEN: [&str; 10] =
        ["PUSH", "PUSH", "POP", "ADD", "LOAD", "JUMP", "JUMPZ", "CALL", "CALL", "RET"];
    let codec = Codec::new(isa);
    let count = 1 + random.below(12) as usize;
    let mut ids: Vec<_> = (0..count)
        .map(|_| match random.below(24) {
            0 => isa.find_instruction("HALT").unwrap(),
            _ => isa.find_instruction(OFTEN[random.below(10) as usize]).unwrap(),
        })
        .collect();
    ids[count - 1] =
        isa.find_instruction(["HALT", "RET", "JUMP"][random.below(3) as usize]).unwrap();
    let len = |id: &_| isa.instruction(*id).min_len();
    let starts: Vec<u32> = (0..count).map(|at| ids[..at].iter().map(len).sum()).collect();
    let mut bytes = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let operand = |operand: &bytestone_spec::isa::Operand| match operand.kind {
            OperandKind::Label(rule) => {
                let wild = u32::from(random.below(100) == 0);
                let target = i64::from(starts[random.below(count as u64) as usize] + wild);
                match rule.role {
                    LabelRole::Entry => target as u64,
                    LabelRole::Jump => (target - i64::from(starts[at] + len(id))) as u64,
                }
            }
            _ => 0,
        };
        let operands: Vec<u64> = isa.instruction(*id).operands.iter().map(operand).collect();
        codec.encode(*id, &operands, &mut bytes).unwrap();
    }
    decode(isa, &bytes)
}

/// An instruction as the oracles see it.
#[derive(Clone)]
struct Step {
    effect: Effect,
    jumps: Vec<Option<usize>>,
    callee: Option<Option<usize>>,
}

impl Step {
    fn all(isa: &Isa, program: &Program) -> Vec<Self> {
        let step = |at: usize| {
            let effect = isa.instruction(program.insns()[at].id).effect.clone();
            let index =
                |target| program.insns().iter().position(|insn| i128::from(insn.offset) == target);
            let target = |operand: &u8| index(program.target(isa, at, *operand).unwrap());
            let scalars = isa.instruction(program.insns()[at].id).scalars();
            let labels = effect.jumps.iter().filter(|operand| usize::from(**operand) < scalars);
            let mut jumps: Vec<_> = labels.map(target).collect();
            jumps.extend(program.list_targets(isa, at).map(index));
            let callee = effect.call.as_ref().map(target);
            Self { effect, jumps, callee }
        };
        (0..program.insns().len()).map(step).collect()
    }

    fn pops(&self) -> i64 {
        self.effect.inputs.len() as i64
    }

    fn net(&self) -> i64 {
        self.effect.outputs.len() as i64 - self.pops()
    }
}

/// A state of an execution: the next instruction, the height, the zero of the frame's heights,
/// and for each call that has not returned the call and its frame's zero.
type State = (usize, i64, i64, Vec<(usize, i64)>);

/// Takes every way through an accepted program and asserts what was promised. Returns the greatest
/// depth met.
pub fn execute(isa: &Isa, verified: &Verified) -> i64 {
    let depth = i64::from(isa.machine().stack.expect("a stack").depth);
    let calls = isa.machine().call_depth.unwrap_or(0) as usize;
    let steps = Step::all(isa, verified.program());
    let told = |at: usize| i64::from(verified.height(at).expect("a reachable instruction"));
    let mut deepest = 0;
    let mut seen: HashSet<State> = HashSet::new();
    let mut pending: Vec<State> = vec![(0, 0, 0, Vec::new())];
    while let Some(state) = pending.pop() {
        if seen.len() > 5_000 || !seen.insert(state.clone()) {
            continue;
        }
        let (at, height, zero, frames) = state;
        assert_eq!(height, zero + told(at), "height before instruction {at}");
        let step = &steps[at];
        assert!(height >= step.pops(), "underflow at instruction {at}");
        let height = height + step.net();
        if height > depth {
            assert_eq!(verified.max_stack(), MaxStack::Unbounded, "overflow at instruction {at}");
            continue;
        }
        deepest = deepest.max(height);
        for jump in &step.jumps {
            pending.push((jump.expect("a good jump"), height, zero, frames.clone()));
        }
        if let Some(callee) = step.callee {
            let callee = callee.expect("a good call");
            let mut frames = frames;
            frames.push((at, zero));
            if frames.len() <= calls {
                pending.push((callee, height, height - told(callee), frames));
            }
            continue;
        }
        if step.effect.returns {
            let mut frames = frames.clone();
            let (call, zero) = frames.pop().expect("a frame to return to");
            assert!(call + 1 < steps.len(), "return past the end");
            pending.push((call + 1, height, zero, frames));
        }
        if step.effect.falls_through {
            assert!(at + 1 < steps.len(), "past the end");
            pending.push((at + 1, height, zero, frames));
        }
    }
    deepest
}

/// Whether an instruction may belong to two frames.
fn is_shared(steps: &[Step]) -> bool {
    let mut entries = vec![0];
    entries.extend(steps.iter().filter_map(|step| step.callee.flatten()));
    entries[1..].sort_unstable();
    entries.dedup();
    let mut seen = HashSet::new();
    let shared = entries.iter().skip(1).any(|entry| *entry == 0);
    shared
        || entries.iter().any(|&entry| {
            let mut in_frame = HashSet::new();
            let mut pending = vec![entry];
            while let Some(at) = pending.pop() {
                if at < steps.len() && in_frame.insert(at) {
                    let step = &steps[at];
                    pending.extend(step.jumps.iter().flatten());
                    pending.extend(step.effect.falls_through.then_some(at + 1));
                }
            }
            in_frame.into_iter().any(|at| !seen.insert(at))
        })
}

/// The verdict of the slow verifier.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Accepts(MaxStack),
    Rejects(Reason),
}

/// Looks at each frame by itself: the start's and that of every entry that is called.
#[derive(Default)]
struct Slow {
    /// For each entry (and the start, as `usize::MAX`) the heights in its frame.
    frames: BTreeMap<usize, BTreeMap<usize, i64>>,
    nets: BTreeMap<usize, i64>,
}

const START: usize = usize::MAX;

impl Slow {
    fn verdict(steps: &[Step]) -> Verdict {
        let mut slow = Self::default();
        let verdict = slow.explore_all(steps).and_then(|()| slow.limits(steps));
        verdict.map_or_else(Verdict::Rejects, Verdict::Accepts)
    }

    fn explore_all(&mut self, steps: &[Step]) -> Result<(), Reason> {
        let bad = |step: &Step| step.jumps.contains(&None) || step.callee == Some(None);
        if steps.iter().any(bad) {
            return Err(Reason::BadJump);
        }
        self.frames.insert(START, BTreeMap::new());
        loop {
            let before = (self.frames.clone(), self.nets.clone());
            for frame in before.0.keys() {
                self.explore(steps, *frame)?;
            }
            if before == (self.frames.clone(), self.nets.clone()) {
                return Ok(());
            }
        }
    }

    fn explore(&mut self, steps: &[Step], frame: usize) -> Result<(), Reason> {
        let mut heights: BTreeMap<usize, i64> = BTreeMap::new();
        let mut pending = vec![(if frame == START { 0 } else { frame }, 0)];
        while let Some((at, height)) = pending.pop() {
            let step = steps.get(at).ok_or(Reason::FallsOffEnd)?;
            if let Some(known) = heights.get(&at) {
                if *known != height {
                    return Err(Reason::StackMismatch);
                }
                continue;
            }
            heights.insert(at, height);
            let after = height + step.net();
            if height - step.pops() < if frame == START { 0 } else { -DEPTH } {
                return Err(Reason::StackUnderflow);
            }
            if after > DEPTH {
                return Err(Reason::StackOverflow);
            }
            pending.extend(step.jumps.iter().flatten().map(|&to| (to, after)));
            if let Some(callee) = step.callee.flatten() {
                self.frames.entry(callee).or_default();
                pending.extend(self.nets.get(&callee).map(|net| (at + 1, after + net)));
            } else if step.effect.falls_through {
                pending.push((at + 1, after));
            }
            if step.effect.returns {
                if frame == START {
                    return Err(Reason::ReturnWithoutCall);
                }
                if *self.nets.entry(frame).or_insert(after) != after {
                    return Err(Reason::StackMismatch);
                }
            }
        }
        self.frames.insert(frame, heights);
        Ok(())
    }

    /// The calls of a frame: callee and height.
    fn calls<'a>(
        &'a self,
        steps: &'a [Step],
        frame: usize,
    ) -> impl Iterator<Item = (usize, i64)> + 'a {
        let heights = self.frames[&frame].iter();
        heights.filter_map(|(&at, height)| Some((steps[at].callee??, height + steps[at].net())))
    }

    /// Whether a call of `callee` in `frame` is part of a recursion.
    fn is_recursive(&self, steps: &[Step], frame: usize, callee: usize) -> bool {
        let mut seen = HashSet::new();
        let mut pending = vec![callee];
        while let Some(at) = pending.pop() {
            if at == frame {
                return true;
            }
            let callees = self.calls(steps, at).map(|(callee, _)| callee);
            pending.extend(callees.filter(|callee| seen.insert(*callee)));
        }
        false
    }

    /// The greatest of what `own` makes of the instructions of each frame and of its callees, at
    /// the calls that count; [`EVER`] if there is none.
    fn farthest(
        &self,
        steps: &[Step],
        own: fn(i64, &Step) -> i64,
        sign: i64,
        counts: impl Fn(usize, usize) -> bool,
    ) -> BTreeMap<usize, i64> {
        let mut far: BTreeMap<usize, i64> = self.frames.keys().map(|&frame| (frame, 0)).collect();
        loop {
            let before = far.clone();
            for (&frame, heights) in &self.frames {
                let own = heights.iter().map(|(&at, &height)| own(height, &steps[at]));
                let calls = self.calls(steps, frame).filter(|(callee, _)| counts(frame, *callee));
                let callees = calls.map(|(callee, height)| sign * height + before[&callee]);
                let most = own.chain(callees).fold(before[&frame], i64::max);
                far.insert(frame, most.min(EVER));
            }
            if far == before {
                return far;
            }
        }
    }

    fn limits(&self, steps: &[Step]) -> Result<MaxStack, Reason> {
        let needs = self.farthest(steps, |height, step| step.pops() - height, -1, |_, _| true);
        if needs[&START] > 0 || needs.values().any(|need| *need > DEPTH) {
            return Err(Reason::StackUnderflow);
        }
        let after = |height, step: &Step| height + step.net();
        let recursive = |frame, callee| self.is_recursive(steps, frame, callee);
        let growth = self.farthest(steps, after, 1, recursive);
        let grows = |frame, callee| recursive(frame, callee) && growth[&callee] == EVER;
        let peaks = self.farthest(steps, after, 1, |frame, callee| !grows(frame, callee));
        if peaks.values().any(|peak| *peak > DEPTH) {
            return Err(Reason::StackOverflow);
        }
        match growth.values().any(|growth| *growth == EVER) {
            true => Ok(MaxStack::Unbounded),
            false => Ok(MaxStack::Bounded(peaks[&START] as u32)),
        }
    }
}

/// What has grown so far never stops.
const EVER: i64 = 1000;

#[test]
fn accepted_programs_never_get_stuck() {
    let isa = small_machine();
    let (mut accepted, mut shared, mut harsh) = (0, 0, 0);
    for seed in 0..PROGRAMS {
        let program = random_program(&isa, &mut Random::new(seed));
        let steps = Step::all(&isa, &program);
        let verdict = Slow::verdict(&steps);
        let unshared = !is_shared(&steps);
        shared += u64::from(!unshared);
        match verify(&isa, program) {
            Ok(verified) => {
                accepted += 1;
                let deepest = execute(&isa, &verified);
                if let MaxStack::Bounded(depth) = verified.max_stack() {
                    assert!(deepest <= i64::from(depth), "seed {seed}");
                }
                if unshared {
                    assert_eq!(verdict, Verdict::Accepts(verified.max_stack()), "seed {seed}");
                } else if let Verdict::Rejects(reason) = verdict {
                    assert_eq!(reason, Reason::StackOverflow, "seed {seed}");
                }
            }
            Err(rejection) => {
                let rejects = matches!(verdict, Verdict::Rejects(_));
                assert!(rejects || !unshared, "seed {seed}: {rejection:#?}");
                harsh += u64::from(!rejects);
            }
        }
    }
    println!(
        "of {PROGRAMS} programs {accepted} accepted, {shared} with shared code, {harsh} harshly rejected"
    );
    assert!(accepted * 20 > PROGRAMS);
    assert!(harsh * 100 < PROGRAMS);
}

#[test]
fn all_ways_behind_a_table_are_taken() {
    let isa = crate::machines::tables();
    let codec = Codec::new(&isa);
    let generator = Generator::new(&isa).expect("its programs can end");
    let (mut accepted, mut rejected) = (0, 0);
    for seed in 0..PROGRAMS {
        let bytes = entropy(seed, 80);
        let code = match seed % 2 {
            0 => generator.program(&mut Unstructured::new(&bytes)),
            _ => generator.near_valid(&mut Unstructured::new(&bytes)),
        };
        let Ok(program) = codec.decode(&code) else { continue };
        let steps = Step::all(&isa, &program);
        let verdict = if steps.is_empty() {
            Verdict::Rejects(Reason::FallsOffEnd)
        } else {
            Slow::verdict(&steps)
        };
        match verify(&isa, program) {
            Ok(verified) => {
                accepted += 1;
                assert_eq!(verdict, Verdict::Accepts(verified.max_stack()), "seed {seed}");
                execute(&isa, &verified);
            }
            Err(rejection) => {
                rejected += 1;
                let index = rejection.faults.iter().any(|it| it.reason == Reason::BadIndex);
                let rejects = matches!(verdict, Verdict::Rejects(_));
                assert!(rejects || index, "seed {seed}: {rejection:#?}");
            }
        }
    }
    assert!(accepted * 4 > PROGRAMS && rejected * 20 > PROGRAMS, "{accepted} and {rejected}");
}

#[test]
fn a_verifier_remembers_nothing_of_earlier_programs() {
    let (small, script) = (small_machine(), machine("script"));
    let generator = Generator::new(&script).expect("its programs can end");
    let (mut on_small, mut on_script) = (Verifier::new(&small), Verifier::new(&script));
    let mut accepted = 0;
    for seed in 0..PROGRAMS {
        let program = random_program(&small, &mut Random::new(seed));
        assert_eq!(on_small.verify(program.clone()), verify(&small, program), "seed {seed}");
        let code = generator.near_valid(&mut Unstructured::new(&entropy(seed, 80)));
        let Ok(program) = Codec::new(&script).decode(&code) else { continue };
        let alone = verify(&script, program.clone());
        assert_eq!(on_script.verify(program), alone, "seed {seed}");
        accepted += u64::from(alone.is_ok());
    }
    assert!(accepted * 20 > PROGRAMS, "{accepted}");
}

/// How many random programs are tried.
const PROGRAMS: u64 = if cfg!(debug_assertions) { 4_000 } else { 200_000 };
