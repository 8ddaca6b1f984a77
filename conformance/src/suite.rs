//! Engines held to cases: several instances at once, in a fixed order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use bytestone_spec::Isa;
use bytestone_vm::Value;
use bytestone_vm::asm;
use bytestone_vm::codec::Codec;
use bytestone_vm::trace::view::{GROUP, Key};
use bytestone_vm::value::Form;

use crate::case::{Case, Expect, ExpectedOutcome, Place};
use crate::engine::{
    Description, End, Engine, Mishap, MishapKind, Reply, Request, SeenCell, Watch,
};
use crate::judge::{Lists, Sight, end_differences};
use crate::lockstep::{Finding, Subject, end_fits};
use crate::runner::{Contender, Examiner, Tools};
use crate::verdict::{Aspect, Difference, Failure, Verdict};

/// Instances of one engine, each with cases of its own.
pub struct Suite<'e> {
    engines: Vec<Box<dyn Engine + Send + 'e>>,
    order: Order,
}

/// In which order cases are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In that of their files.
    Given,
    /// In that of their files and then again, shuffled by a seed, so that state shows that leaks from one
    /// program to the next.
    ThenShuffled(u64),
}

/// Cases that an instance is given at once.
const CHUNK: usize = 64;

impl<'e> Suite<'e> {
    /// Instances of one engine; at least one. Cases are dealt out to them in turn.
    pub fn new(engines: Vec<Box<dyn Engine + Send + 'e>>, order: Order) -> Self {
        assert!(!engines.is_empty(), "a suite without an engine");
        Self { engines, order }
    }

    /// What the engine says of itself.
    pub fn description(&self) -> &Description {
        self.engines[0].description()
    }

    /// Runs cases whose expectations are known to hold on the reference tier.
    fn engage(&mut self, isa: &Isa, cases: &[&Case]) -> Vec<Verdict> {
        let chunk = cases.len().div_ceil(self.engines.len()).clamp(1, CHUNK);
        let chunks: Vec<&[&Case]> = cases.chunks(chunk).collect();
        let instances = self.engines.len();
        let mut verdicts: Vec<(usize, Vec<Verdict>)> = thread::scope(|scope| {
            let workers = self.engines.iter_mut().enumerate().map(|(number, engine)| {
                let mine = chunks.iter().enumerate().skip(number).step_by(instances);
                let mine: Vec<_> = mine.map(|(place, cases)| (place, *cases)).collect();
                scope.spawn(move || {
                    let codec = Codec::new(isa);
                    let judged = mine.into_iter().map(|(place, cases)| {
                        (place, run_chunk(engine.as_mut(), isa, &codec, cases))
                    });
                    judged.collect::<Vec<_>>()
                })
            });
            let workers: Vec<_> = workers.collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        });
        verdicts.sort_by_key(|(place, _)| *place);
        verdicts.into_iter().flat_map(|(_, verdicts)| verdicts).collect()
    }
}

impl Suite<'_> {
    /// Runs the cases that passed once more, shuffled; those fail that then do not pass.
    fn again(&mut self, isa: &Isa, cases: &[&Case], seed: u64, verdicts: &mut [Verdict]) {
        let passed = |&at: &usize| matches!(verdicts[at], Verdict::Pass);
        let mut order: Vec<usize> = (0..cases.len()).filter(passed).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        let shuffled: Vec<&Case> = order.iter().map(|&at| cases[at]).collect();
        for (at, mut verdict) in order.into_iter().zip(self.engage(isa, &shuffled)) {
            if let Verdict::Fail(failure) = &mut verdict {
                failure.differences.push(Difference {
                    aspect: Aspect::Determinism,
                    expected: "what it answered when the cases ran in order".to_owned(),
                    found: format!("another answer after other programs (shuffled by seed {seed})"),
                });
            }
            verdicts[at] = verdict;
        }
    }
}

impl Examiner for Suite<'_> {
    fn contender(&self, machines: &[&Isa]) -> Contender {
        let description = self.description();
        let runs = machines.iter().filter(|isa| description.runs(isa));
        Contender {
            name: description.name.clone(),
            version: description.version.clone(),
            levels: runs.map(|isa| (isa.name().to_owned(), description.level(isa))).collect(),
        }
    }

    /// A case that does not hold on the reference tier fails before an engine is asked: nobody can
    /// be held to it.
    fn examine(&mut self, isa: &Isa, cases: &[&Case]) -> Vec<Verdict> {
        let mut verdicts = Tools.examine(isa, cases);
        let holds: Vec<usize> =
            (0..cases.len()).filter(|&at| matches!(verdicts[at], Verdict::Pass)).collect();
        let sound: Vec<&Case> = holds.iter().map(|&at| cases[at]).collect();
        let mut found = self.engage(isa, &sound);
        if let Order::ThenShuffled(seed) = self.order {
            self.again(isa, &sound, seed, &mut found);
        }
        for (at, verdict) in holds.into_iter().zip(found) {
            verdicts[at] = verdict;
        }
        verdicts
    }
}

/// The bytes of a case.
///
/// # Errors
///
/// Its text does not assemble.
pub fn code(codec: &Codec<'_>, case: &Case) -> Result<Vec<u8>, String> {
    match (&case.bytecode, &case.asm, &case.source) {
        (Some(bytes), _, _) => Ok(bytes.clone()),
        (None, Some(text), _) => assemble(codec, text),
        (None, None, Some(source)) => Ok(source.compiled.bytes.clone()),
        (None, None, None) => Err("the case has no program".to_owned()),
    }
}

/// The bytes of an assembly text.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn assemble(codec: &Codec<'_>, text: &str) -> Result<Vec<u8>, String> {
    asm::assemble(codec, text).map(|assembled| assembled.bytes).map_err(|errors| errors.to_string())
}

/// What an engine is held to in a case.
///
/// # Errors
///
/// There is nothing to hold it to, in words.
pub fn subject<'a>(isa: &'a Isa, codec: &Codec<'_>, case: &Case) -> Result<Subject<'a>, String> {
    Subject::new(isa, codec, code(codec, case)?, case.input.clone(), case.fuel)
        .map_err(|error| error.to_string())
}

/// A case on its way to an engine.
enum Prepared<'a> {
    Settled(Verdict),
    Asked(Box<Subject<'a>>, Request),
    /// More than one result would do: only the case itself can tell.
    Open(&'a Case, Request),
}

/// Runs cases one after the other on one instance.
pub fn run_chunk(
    engine: &mut (dyn Engine + '_),
    isa: &Isa,
    codec: &Codec<'_>,
    cases: &[&Case],
) -> Vec<Verdict> {
    let description = engine.description().clone();
    let prepared: Vec<Prepared<'_>> =
        cases.iter().map(|case| prepare(&description, isa, codec, case)).collect();
    let requests: Vec<Request> = prepared
        .iter()
        .filter_map(|prepared| match prepared {
            Prepared::Settled(_) => None,
            Prepared::Asked(_, request) | Prepared::Open(_, request) => Some(request.clone()),
        })
        .collect();
    let mut replies = guarded(engine, &requests).into_iter();
    prepared
        .into_iter()
        .map(|prepared| match prepared {
            Prepared::Settled(verdict) => verdict,
            Prepared::Open(case, request) => match replies.next() {
                Some(reply) => {
                    let request = engine.speaks_protocol().then_some(request);
                    open_verdict(isa, &description, case, request, reply)
                }
                None => Verdict::NotRun("the engine gave no answer".to_owned()),
            },
            Prepared::Asked(subject, request) => match replies.next() {
                Some(reply) => verdict(engine, &subject, request, reply),
                None => Verdict::NotRun("the engine gave no answer".to_owned()),
            },
        })
        .collect()
}

fn prepare<'a>(
    description: &Description,
    isa: &'a Isa,
    codec: &Codec<'_>,
    case: &'a Case,
) -> Prepared<'a> {
    match subject(isa, codec, case) {
        Err(why) => Prepared::Settled(Verdict::NotRun(why)),
        Ok(subject) => match subject.skip(description) {
            Some(why) => Prepared::Settled(Verdict::Skip(why)),
            None => match &case.expect {
                Expect::Runs(run) if run.is_open() => {
                    Prepared::Open(case, subject.asked(Watch::End))
                }
                Expect::Runs(_) | Expect::Rejects(_) => {
                    let request = subject.request(description);
                    Prepared::Asked(Box::new(subject), request)
                }
            },
        },
    }
}

/// Asks an engine; a panic of one in this process costs the requests that it was asked for.
pub fn guarded(engine: &mut (dyn Engine + '_), requests: &[Request]) -> Vec<Result<Reply, Mishap>> {
    if let Ok(replies) = catch_unwind(AssertUnwindSafe(|| engine.run_all(requests))) {
        return replies;
    }
    let one = |request: &Request| {
        catch_unwind(AssertUnwindSafe(|| engine.run(request))).unwrap_or_else(|payload| {
            let message = payload
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(MishapKind::Panicked(message.unwrap_or_default()).into())
        })
    };
    requests.iter().map(one).collect()
}

/// Holds an answer to the reference tier.
pub fn verdict(
    engine: &mut (dyn Engine + '_),
    subject: &Subject<'_>,
    request: Request,
    reply: Result<Reply, Mishap>,
) -> Verdict {
    let reply = match reply {
        Ok(reply) => reply,
        Err(Mishap { kind: MishapKind::GivenUp(why), .. }) => return Verdict::NotRun(why),
        Err(mishap) => return Verdict::Error(mishap),
    };
    match subject.judge(engine, &request, &reply) {
        Ok(Finding::Agrees) => Verdict::Pass,
        Ok(Finding::NoValues(why)) => Verdict::Error(MishapKind::Protocol(why).into()),
        Ok(Finding::Unsupported(message)) => Verdict::Skip(match message.as_str() {
            "" => "the engine does not support it".to_owned(),
            message => format!("the engine does not support it: {message}"),
        }),
        Ok(Finding::Differs(mut failure)) => {
            failure.request = engine.speaks_protocol().then(|| Box::new(request));
            Verdict::Fail(failure)
        }
        Err(error) => Verdict::NotRun(error.to_string()),
    }
}

/// Holds an answer to what a case says, whose values are open: how the run ends, what it prints, and the state at the
/// end. Steps are not compared, because a run that takes another value may go another way.
fn open_verdict(
    isa: &Isa,
    description: &Description,
    case: &Case,
    request: Option<Request>,
    reply: Result<Reply, Mishap>,
) -> Verdict {
    let ran = match reply {
        Ok(Reply::Ran(ran)) => ran,
        Ok(Reply::Unsupported(message)) => return Verdict::Skip(message),
        Ok(Reply::Rejected(found)) => {
            let difference = Difference {
                aspect: Aspect::Rejection,
                expected: "accepted".to_owned(),
                found: found.to_string(),
            };
            return Verdict::Fail(Box::new(vec![difference].into()));
        }
        Err(Mishap { kind: MishapKind::GivenUp(why), .. }) => return Verdict::NotRun(why),
        Err(mishap) => return Verdict::Error(mishap),
    };
    if let Err(why) = ran.check(isa, description.observes) {
        return Verdict::Error(MishapKind::Protocol(why).into());
    }
    let Expect::Runs(expected) = &case.expect else { return Verdict::Pass };
    let cell = |place: &Place| match &ran.state.cells {
        Some(cells) => sight(isa, place, cells),
        None => Sight::Hidden,
    };
    let seen = Lists {
        output: ran.output.as_deref(),
        host: ran.host.as_deref(),
        stack: ran.state.stack.as_deref(),
    };
    let mut differences = end_differences(isa, expected, seen, cell);
    let wanted = match expected.outcome {
        ExpectedOutcome::Halt => End::Halt,
        ExpectedOutcome::Fuel => End::Fuel,
        ExpectedOutcome::Trap { trap, at } => {
            End::Trap { trap: Some(isa.trap(trap).name.clone()), at: Some(at) }
        }
    };
    if !end_fits(&wanted, &ran.end) {
        let (expected, found) = (wanted.to_string(), ran.end.to_string());
        differences.insert(0, Difference { aspect: Aspect::Outcome, expected, found });
    }
    if differences.is_empty() {
        return Verdict::Pass;
    }
    let request = request.map(Box::new);
    Verdict::Fail(Box::new(Failure { differences, divergence: None, request }))
}

/// A byte of a region of memory by the groups that an engine shows; those that it leaves out are zero.
fn byte_of(cells: &[SeenCell], region: &str, at: u32) -> u8 {
    let start = at - at % GROUP as u32;
    let group = cells.iter().find(|cell| cell.is(region, &Key::Index(start)));
    match group.map(|group| &group.value) {
        Some(Value::Bytes(bytes)) => bytes.get((at - start) as usize).copied().unwrap_or(0),
        _ => 0,
    }
}

/// What an engine shows of a place; a cell of a bank that it leaves out is fresh.
fn sight(isa: &Isa, place: &Place, cells: &[SeenCell]) -> Sight {
    let (bank, key) = place.named(isa);
    let whole = !matches!(place, Place::Memory { .. });
    if let Some(cell) = cells.iter().find(|cell| whole && cell.is(bank, &key)) {
        return Sight::Holds(cell.value.clone());
    }
    match place {
        Place::Global(_) => Sight::Absent,
        Place::Cell { bank, .. } => {
            let bank = &isa.machine().banks[usize::from(bank.0)];
            Sight::Holds(Form::new(isa, bank.of).fresh())
        }
        Place::Memory { offset, len, .. } => {
            let byte = |at: u32| byte_of(cells, bank, at);
            Sight::Holds(Value::Bytes((*offset..offset.saturating_add(*len)).map(byte).collect()))
        }
    }
}
