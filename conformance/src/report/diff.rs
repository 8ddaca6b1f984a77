//! Two claims compared: what got worse, what got better, and whether that is a regression.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::engine::Level;
use crate::report::claim::{Claim, ClaimEngine, ClaimMachine};
use crate::verdict::Counts;

/// What has become of one claim in another.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// Whether something got worse.
    pub regression: bool,
    /// Why the two cannot be compared case by case, if so.
    pub warnings: Vec<String>,
    /// The version of Bytestone.
    pub tool: Change<String>,
    /// The corpus: name, version and hash.
    pub corpus: Change<String>,
    /// Engines that are in both.
    pub engines: Vec<EngineDiff>,
    /// Engines that are in the first only.
    pub gone: Vec<String>,
    /// Engines that are in the second only.
    pub new: Vec<String>,
}

/// Before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change<T> {
    /// In the first claim.
    pub before: T,
    /// In the second.
    pub after: T,
}

impl<T> Change<T> {
    fn new(before: T, after: T) -> Self {
        Self { before, after }
    }
}

/// What has become of an engine.
#[derive(Clone, Debug, Serialize)]
pub struct EngineDiff {
    /// Its name.
    pub name: Change<String>,
    /// Its version.
    pub version: Change<String>,
    /// Its machines, those of the first claim first.
    pub machines: Vec<MachineDiff>,
    /// What counts as a regression, in words.
    pub regressions: Vec<String>,
    /// Cases that got worse.
    pub worse: Vec<CaseDiff>,
    /// Cases that got better.
    pub better: Vec<CaseDiff>,
    /// Cases of which that cannot be said.
    pub other: Vec<CaseDiff>,
}

/// What has become of an engine on a machine. What a claim does not have is null.
#[derive(Clone, Debug, Serialize)]
pub struct MachineDiff {
    /// The machine.
    pub machine: String,
    /// The version of the spec.
    pub spec: Change<Option<String>>,
    /// The level.
    pub level: Change<Option<Level>>,
    /// What came of its cases.
    pub counts: Change<Option<Counts>>,
}

/// A case that came to something else.
#[derive(Clone, Debug, Serialize)]
pub struct CaseDiff {
    /// The id.
    pub case: String,
    /// What it came to in the first claim.
    pub before: Fate,
    /// What it came to in the second.
    pub after: Fate,
}

/// What a claim says of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is in no list: it passed, or was not selected.
    Unlisted,
    /// It passed although it is listed as a known failure.
    Unexpected,
    /// It does not apply.
    Skipped,
    /// It was not run.
    NotRun,
    /// It failed, as is known.
    Known,
    /// It failed.
    Failed,
    /// Something happened to the engine.
    Errored,
}

impl Fate {
    const fn passes(self) -> bool {
        matches!(self, Self::Unlisted | Self::Unexpected)
    }

    const fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Errored)
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Unlisted => "passed",
            Self::Unexpected => "passed unexpectedly",
            Self::Skipped => "skipped",
            Self::NotRun => "not run",
            Self::Known => "known to fail",
            Self::Failed => "failed",
            Self::Errored => "errored",
        }
    }
}

/// Compares two claims. Engines are matched by name, and by order where several have the same; if there is
/// one in each, they are compared whatever their names.
pub fn diff(before: &Claim, after: &Claim) -> Diff {
    let corpus = |claim: &Claim| {
        format!("{} {} ({})", claim.corpus.name, claim.corpus.version, claim.corpus.hash)
    };
    let mut warnings = Vec::new();
    if before.corpus.hash != after.corpus.hash {
        warnings.push(
            "the corpus is another one: a case that is in no list may not have been there"
                .to_owned(),
        );
    }
    let single = before.engines.len() == 1 && after.engines.len() == 1;
    let mut new: Vec<&ClaimEngine> = after.engines.iter().collect();
    let mut engines = Vec::new();
    let mut gone = Vec::new();
    for engine in &before.engines {
        match new.iter().position(|other| single || other.name == engine.name) {
            Some(place) => {
                let other = new.remove(place);
                engines.push(engine_diff(engine, other));
                warnings.extend(other_selection(engine, other));
            }
            None => gone.push(engine.name.clone()),
        }
    }
    let new = new.into_iter().map(|engine| engine.name.clone()).collect();
    let regression =
        !gone.is_empty() || engines.iter().any(|engine| !engine.regressions.is_empty());
    Diff {
        regression,
        warnings,
        tool: Change::new(before.tool.clone(), after.tool.clone()),
        corpus: Change::new(corpus(before), corpus(after)),
        engines,
        gone,
        new,
    }
}

/// Another number of cases was selected.
fn other_selection(before: &ClaimEngine, after: &ClaimEngine) -> Option<String> {
    let (was, is) = (selected(before), selected(after));
    (was != is).then(|| {
        format!(
            "{}: {was} cases before and {is} after: a case that is in no list may not have been selected",
            after.name
        )
    })
}

/// How many cases were selected.
fn selected(engine: &ClaimEngine) -> usize {
    let counts = engine.counts;
    counts.executed() + counts.skipped + counts.errored + counts.not_run
}

fn engine_diff(before: &ClaimEngine, after: &ClaimEngine) -> EngineDiff {
    let mut diff = EngineDiff {
        name: Change::new(before.name.clone(), after.name.clone()),
        version: Change::new(before.version.clone(), after.version.clone()),
        machines: machines(before, after),
        regressions: Vec::new(),
        worse: Vec::new(),
        better: Vec::new(),
        other: Vec::new(),
    };
    let (was, is) = (fates(before), fates(after));
    let mut ids: Vec<&str> = was.keys().chain(is.keys()).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let fate = |fates: &BTreeMap<&str, Fate>| fates.get(id).copied().unwrap_or(Fate::Unlisted);
        let (before, after) = (fate(&was), fate(&is));
        let case = CaseDiff { case: id.to_owned(), before, after };
        if before == after {
            continue;
        } else if (after.is_bad() && !before.is_bad()) || (before.passes() && !after.passes()) {
            diff.worse.push(case);
        } else if after.passes() && !before.passes() {
            diff.better.push(case);
        } else {
            diff.other.push(case);
        }
    }
    diff.regressions = regressions(&diff);
    diff
}

fn regressions(diff: &EngineDiff) -> Vec<String> {
    let mut regressions = Vec::new();
    let failing = diff.worse.iter().filter(|case| case.after.is_bad()).count();
    if failing > 0 {
        regressions.push(format!("newly failing cases: {failing}"));
    }
    let rest = diff.worse.len() - failing;
    if rest > 0 {
        regressions.push(format!("cases that no longer pass: {rest}"));
    }
    for machine in &diff.machines {
        let passed = |counts: Option<Counts>| counts.map_or(0, |counts| counts.passed);
        let (was, is) = (passed(machine.counts.before), passed(machine.counts.after));
        if is < was {
            regressions
                .push(format!("{}: fewer cases passed, {is} instead of {was}", machine.machine));
        }
        if machine.level.after < machine.level.before {
            let name = |level: Option<Level>| level.map_or("none", Level::name);
            regressions.push(format!(
                "{}: the level is lower, {} instead of {}",
                machine.machine,
                name(machine.level.after),
                name(machine.level.before)
            ));
        }
    }
    regressions
}

/// What a claim says of the cases that it lists.
fn fates(engine: &ClaimEngine) -> BTreeMap<&str, Fate> {
    let lists = [
        (&engine.unexpected, Fate::Unexpected),
        (&engine.skipped, Fate::Skipped),
        (&engine.not_run, Fate::NotRun),
        (&engine.known, Fate::Known),
        (&engine.failed, Fate::Failed),
        (&engine.errored, Fate::Errored),
    ];
    lists
        .into_iter()
        .flat_map(|(list, fate)| list.iter().map(move |id| (id.as_str(), fate)))
        .collect()
}

fn machines(before: &ClaimEngine, after: &ClaimEngine) -> Vec<MachineDiff> {
    let mut names: Vec<&str> = Vec::new();
    for machine in before.machines.iter().chain(&after.machines) {
        if !names.contains(&machine.machine.as_str()) {
            names.push(&machine.machine);
        }
    }
    let find = |engine: &ClaimEngine, name: &str| -> Option<ClaimMachine> {
        engine.machines.iter().find(|machine| machine.machine == name).cloned()
    };
    let one = |name: &str| {
        let (was, is) = (find(before, name), find(after, name));
        MachineDiff {
            machine: name.to_owned(),
            level: Change::new(
                was.as_ref().and_then(|machine| machine.level),
                is.as_ref().and_then(|machine| machine.level),
            ),
            counts: Change::new(
                was.as_ref().map(|machine| machine.counts),
                is.as_ref().map(|machine| machine.counts),
            ),
            spec: Change::new(
                was.and_then(|machine| machine.spec),
                is.and_then(|machine| machine.spec),
            ),
        }
    };
    names.into_iter().map(one).collect()
}

impl<T: fmt::Display + PartialEq> fmt::Display for Change<T> {
    /// `before -> after`, or the one if both are equal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.before == self.after {
            write!(f, "{}", self.before)
        } else {
            write!(f, "{} -> {}", self.before, self.after)
        }
    }
}

impl fmt::Display for Diff {
    /// The difference for people; the last line says whether there is a regression.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Bytestone {}", self.tool)?;
        writeln!(f, "corpus {}", self.corpus)?;
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        for name in &self.gone {
            writeln!(f, "\n{name}: no longer there")?;
        }
        for name in &self.new {
            writeln!(f, "\n{name}: new")?;
        }
        for engine in &self.engines {
            write!(f, "\n{engine}")?;
        }
        f.write_str(if self.regression { "\nregression\n" } else { "\nno regression\n" })
    }
}

impl fmt::Display for EngineDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, version {}", self.name, self.version)?;
        for machine in &self.machines {
            writeln!(f, "  {machine}")?;
        }
        for regression in &self.regressions {
            writeln!(f, "  regression: {regression}")?;
        }
        for (title, cases) in
            [("worse", &self.worse), ("better", &self.better), ("otherwise changed", &self.other)]
        {
            if !cases.is_empty() {
                writeln!(f, "  {title}: {}", cases.len())?;
            }
            for CaseDiff { case, before, after } in cases {
                writeln!(f, "    {case}: {} -> {}", before.words(), after.words())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for MachineDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = |spec: &Option<String>| spec.clone().unwrap_or_else(|| "none".to_owned());
        let level = |level: Option<Level>| level.map_or("none", Level::name);
        let counts = |counts: Option<Counts>| {
            counts.map_or_else(|| "none".to_owned(), |counts| counts.to_string())
        };
        write!(
            f,
            "{}: spec {}, level {}: {}",
            self.machine,
            Change::new(spec(&self.spec.before), spec(&self.spec.after)),
            Change::new(level(self.level.before), level(self.level.after)),
            Change::new(counts(self.counts.before), counts(self.counts.after)),
        )
    }
}
