//! Fuzzing engines against the reference tier: programs without end, and what to do when one differs.

use std::time::{Duration, Instant};

use arbitrary::Unstructured;
use bytestone_spec::Isa;
use bytestone_spec::isa::CellType;
use bytestone_vm::Value;
use bytestone_vm::codec::Codec;
use bytestone_vm::generate::{GenerateError, Generator};

use crate::engine::{Engine, Mishap, NamedCell, Reply};
use crate::lockstep::Subject;
use crate::suite::{guarded, verdict};
use crate::verdict::Verdict;

mod finding;
mod probe;
mod shrink;

pub use finding::{Found, Kind, What};

/// Steps of a program.
pub const FUEL: u64 = 10_000;
/// Programs that an engine is given at once.
const CHUNK: usize = 64;
/// The most replies of a function of the host that a program is given.
const REPLIES: u32 = 4;
/// The most bytes of memory that a program is given.
const MEMORY: u32 = 64;

/// A program to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The code.
    pub code: Vec<u8>,
    /// Cells set before the first step.
    pub input: Vec<NamedCell>,
    /// The most steps.
    pub fuel: u64,
}

/// The programs of one machine and seed. The number of a program and the seed make the program.
#[derive(Debug)]
pub struct Programs<'a> {
    isa: &'a Isa,
    codec: Codec<'a>,
    generator: Generator<'a>,
    probes: Vec<Candidate>,
    seed: u64,
}

impl<'a> Programs<'a> {
    /// Prepares a machine.
    ///
    /// # Errors
    ///
    /// No program of the machine can end.
    pub fn new(isa: &'a Isa, seed: u64) -> Result<Self, GenerateError> {
        let codec = Codec::new(isa);
        let probes = probe::probes(isa, &codec);
        Ok(Self { isa, generator: Generator::new(isa)?, codec, probes, seed })
    }

    /// The program with a number: probes of single instructions and generated programs in turn, and
    /// one in eight damaged.
    pub fn candidate(&self, number: u64) -> Candidate {
        if number.is_multiple_of(2)
            && let Some(probe) = self.probes.get((number / 2) as usize)
        {
            return probe.clone();
        }
        let mixed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number;
        let mut random = fastrand::Rng::with_seed(mixed);
        let mut bytes = vec![0; random.usize(16..768)];
        random.fill(&mut bytes);
        let mut entropy = Unstructured::new(&bytes);
        if random.u8(..8) == 0 {
            let code = self.generator.near_valid(&mut entropy);
            return Candidate { code, input: Vec::new(), fuel: FUEL };
        }
        let code = self.generator.program(&mut entropy);
        // Runs are stopped early now and then, some of them at their very end.
        let fuel = if random.u8(..8) == 0 { random.u64(..24) } else { FUEL };
        Candidate { code, input: self.input(&mut random), fuel }
    }

    /// Some cells with values at which something changes, some bytes of memory, and some replies of the host.
    fn input(&self, random: &mut fastrand::Rng) -> Vec<NamedCell> {
        let mut input: Vec<NamedCell> = Vec::new();
        for bank in &self.isa.machine().banks {
            // Only numbers can be set.
            let CellType::Int(of) = bank.of else { continue };
            if bank.count == 0 || random.bool() {
                continue;
            }
            let values = probe::boundaries(of);
            for index in 0..bank.count.min(4) {
                let value = Value::Int(values[random.usize(..values.len())]);
                input.push(NamedCell { bank: bank.name.clone(), index, value });
            }
        }
        for region in self.isa.machine().memory.iter().filter(|region| region.input) {
            let len = random.u32(..=region.size.min(MEMORY));
            let bytes = (0..len).map(|_| random.u8(..)).collect();
            let value = Value::Bytes(bytes);
            input.push(NamedCell { bank: region.name.clone(), index: 0, value });
        }
        for function in &self.isa.machine().externs {
            let Some(of) = function.result else { continue };
            let values = probe::boundaries(of);
            for index in 0..random.u32(..=REPLIES) {
                let value = Value::Int(values[random.usize(..values.len())]);
                input.push(NamedCell { bank: function.name.clone(), index, value });
            }
        }
        input
    }
}

/// How far a campaign goes.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Programs.
    pub programs: u64,
    /// Time; what is found by then does not depend on it, but it may be cut down less.
    pub time: Option<Duration>,
    /// Different findings.
    pub findings: usize,
}

/// How a campaign is going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Programs tried.
    pub programs: u64,
    /// Programs that the reference tier accepts.
    pub accepted: u64,
    /// Programs that halt.
    pub clean: u64,
    /// Programs on which an engine differs or fails.
    pub differing: u64,
    /// Programs that an engine does not support.
    pub unsupported: u64,
    /// Programs that an engine was not given, since it was given up or the time was over.
    pub not_run: u64,
}

/// One engine and its instances.
pub struct Contestant<'e> {
    /// What it is called.
    pub name: String,
    /// Its instances, at least one; programs are dealt out to them in turn.
    pub instances: Vec<Box<dyn Engine + Send + 'e>>,
}

/// What a campaign came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The count of programs.
    pub progress: Progress,
    /// What was found, in the order of the programs, each kind once for each engine.
    pub found: Vec<Found>,
}

/// Tries programs on engines until the extent is reached.
pub fn run(
    programs: &Programs<'_>,
    contestants: &mut [Contestant<'_>],
    extent: Extent,
    mut watch: impl FnMut(Progress, &[Found]),
) -> Outcome {
    let end = extent.time.and_then(|time| Instant::now().checked_add(time));
    let mut outcome = Outcome::default();
    let mut number = 0;
    while number < extent.programs && outcome.found.len() < extent.findings {
        if is_past(end) {
            break;
        }
        let instances = contestants.iter().map(|it| it.instances.len()).max().unwrap_or(1);
        let round = (CHUNK * instances) as u64;
        let until = (number + round).min(extent.programs);
        let subjects: Vec<(u64, Subject<'_>)> = (number..until)
            .filter_map(|number| Some((number, programs.subject(programs.candidate(number))?)))
            .collect();
        outcome.progress.programs += until - number;
        for (_, subject) in &subjects {
            outcome.progress.accepted += u64::from(subject.runs().is_some());
            outcome.progress.clean += u64::from(subject.halts());
        }
        let mut all_given_up = true;
        for contestant in contestants.iter_mut() {
            let most = extent.findings;
            all_given_up &= round_of(programs, contestant, &subjects, (most, end), &mut outcome);
        }
        number = until;
        watch(outcome.progress, &outcome.found);
        if all_given_up {
            break;
        }
    }
    outcome
}

fn is_past(end: Option<Instant>) -> bool {
    end.is_some_and(|end| Instant::now() >= end)
}

/// Tries the programs of one round on one engine, for so many findings and so long. Returns whether it runs nothing any
/// more.
fn round_of(
    programs: &Programs<'_>,
    contestant: &mut Contestant<'_>,
    subjects: &[(u64, Subject<'_>)],
    (most, end): (usize, Option<Instant>),
    outcome: &mut Outcome,
) -> bool {
    let chunks: Vec<&[(u64, Subject<'_>)]> = subjects.chunks(CHUNK).collect();
    let count = contestant.instances.len();
    let mut judged: Vec<(u64, Verdict)> = std::thread::scope(|scope| {
        let workers = contestant.instances.iter_mut().enumerate().map(|(place, engine)| {
            let mine: Vec<_> = chunks.iter().skip(place).step_by(count).copied().collect();
            scope.spawn(move || {
                let judge = |chunk: &[(u64, Subject<'_>)]| judge_until(engine.as_mut(), chunk, end);
                mine.into_iter().flat_map(judge).collect::<Vec<_>>()
            })
        });
        let workers: Vec<_> = workers.collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    judged.sort_by_key(|(number, _)| *number);
    let mut given_up = !judged.is_empty();
    for (number, verdict) in judged {
        let is_not_run = matches!(verdict, Verdict::NotRun(_));
        given_up &= is_not_run;
        outcome.progress.not_run += u64::from(is_not_run);
        outcome.progress.unsupported += u64::from(matches!(verdict, Verdict::Skip(_)));
        let Some(kind) = Kind::of(programs.isa, &verdict) else { continue };
        outcome.progress.differing += 1;
        let known = |found: &Found| found.engine == contestant.name && found.kind == kind;
        if outcome.found.len() >= most || outcome.found.iter().any(known) {
            continue;
        }
        let engine = contestant.instances[0].as_mut();
        let name = contestant.name.clone();
        outcome.found.push(programs.finding(engine, name, number, (kind, verdict), end));
    }
    given_up
}

/// Runs and judges programs on one instance, until the time is over. An engine to which something happens is then
/// given programs one by one, since it may take long over each; the more it answers, the more it is given.
fn judge_until(
    engine: &mut (dyn Engine + Send + '_),
    subjects: &[(u64, Subject<'_>)],
    end: Option<Instant>,
) -> Vec<(u64, Verdict)> {
    if end.is_none() {
        return judge_all(engine, subjects);
    }
    let (mut judged, mut rest, mut count) = (Vec::new(), subjects, 1);
    while !rest.is_empty() && !is_past(end) {
        let (now, later) = rest.split_at(count.min(rest.len()));
        let verdicts = judge_all(engine, now);
        let is_well = !verdicts.iter().any(|(_, verdict)| matches!(verdict, Verdict::Error(_)));
        count = if is_well { count * 2 } else { 1 };
        judged.extend(verdicts);
        rest = later;
    }
    let late = |(number, _): &(u64, Subject<'_>)| {
        (*number, Verdict::NotRun("the time was over".to_owned()))
    };
    judged.extend(rest.iter().map(late));
    judged
}

/// Runs and judges programs on one instance. Skips are those that the engine does not support.
fn judge_all(
    engine: &mut (dyn Engine + Send + '_),
    subjects: &[(u64, Subject<'_>)],
) -> Vec<(u64, Verdict)> {
    let description = engine.description().clone();
    let asked: Vec<&(u64, Subject<'_>)> =
        subjects.iter().filter(|(_, subject)| subject.skip(&description).is_none()).collect();
    let requests: Vec<_> = asked.iter().map(|(_, subject)| subject.request(&description)).collect();
    let replies = guarded(engine, &requests);
    let answers = asked.iter().zip(requests).zip(replies);
    answers
        .map(|(((number, subject), request), reply)| {
            let verdict = if names_the_phase(subject, &reply) {
                Verdict::Pass
            } else {
                verdict(engine, subject, request, reply)
            };
            (*number, verdict)
        })
        .collect()
}

/// Of a program with several faults only the phase is compared: which of them an engine meets first
/// depends on the way that it goes.
fn names_the_phase(subject: &Subject<'_>, reply: &Result<Reply, Mishap>) -> bool {
    match (subject.faults(), reply) {
        (Some([first, _, ..]), Ok(Reply::Rejected(found))) => first.reason.phase() == found.phase,
        _ => false,
    }
}

impl<'a> Programs<'a> {
    /// What an engine is held to; `None` when the tools themselves cannot run it.
    fn subject(&self, candidate: Candidate) -> Option<Subject<'a>> {
        let Candidate { code, input, fuel } = candidate;
        Subject::new(self.isa, &self.codec, code, input, fuel).ok()
    }

    /// What an engine makes of a candidate; `None` when it is as it must be.
    fn try_on(
        &self,
        engine: &mut (dyn Engine + Send + '_),
        candidate: Candidate,
    ) -> Option<(Kind, Verdict)> {
        let subjects = [(0, self.subject(candidate)?)];
        let (_, verdict) = judge_all(engine, &subjects).pop()?;
        Some((Kind::of(self.isa, &verdict)?, verdict))
    }

    /// Cuts a differing program down and describes it.
    fn finding(
        &self,
        engine: &mut (dyn Engine + Send + '_),
        name: String,
        number: u64,
        (kind, verdict): (Kind, Verdict),
        end: Option<Instant>,
    ) -> Found {
        let whole = (self.candidate(number), verdict);
        let (candidate, verdict) = shrink::shrink(self, engine, &kind, whole, end);
        Found {
            engine: name,
            machine: self.isa.name().to_owned(),
            seed: self.seed,
            number,
            kind,
            candidate,
            verdict,
        }
    }
}
