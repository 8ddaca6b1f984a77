//! The cases of the page: those that failed in full, those that came to nothing by reason, the rest as ids.

use bytestone_spec::Isa;
use maud::{Markup, PreEscaped, html};

use crate::case::Case;
use crate::corpus::CorpusFile;
use crate::engine::message;
use crate::report::failure::{PartRow, clipped, headline, mishap_text, part_rows, source_line};
use crate::report::summary::{KINDS, Kind, Run, kind, unexpected_text};
use crate::verdict::{Difference, Failure, Verdict};

/// Failures that stand open when the page is opened.
const OPEN: usize = 20;
/// Characters of a value that is shown.
const VALUE: usize = 2000;

/// All cases of all runs.
#[derive(Debug)]
pub(super) struct Cases {
    /// How to run one case again; the id is put behind it.
    rerun: String,
    items: Vec<Item>,
}

/// A case of a run.
#[derive(Debug)]
struct Item {
    run: usize,
    machine: String,
    id: String,
    kind: &'static str,
    shown: Shown,
}

/// What is shown of a case.
#[derive(Debug)]
enum Shown {
    /// Its id.
    Id,
    /// Its id, under this reason.
    Reason(String),
    /// A headline, and everything.
    Full(String, String),
}

/// Where a case of a run stands on the page.
pub(super) fn anchor(run: usize, id: &str) -> String {
    format!("case-{run}-{id}")
}

impl Cases {
    pub(super) fn new(rerun: String) -> Self {
        Self { rerun, items: Vec::new() }
    }

    /// Takes a case of a run, which has a number and an engine.
    pub(super) fn add(
        &mut self,
        (run, engine): (usize, &str),
        isa: Option<&Isa>,
        file: &CorpusFile,
        case: &Case,
        verdict: &Verdict,
    ) {
        let full = |title: String, body: &Markup| {
            let page = self.frame(engine, file, case, body);
            Shown::Full(title, page.into_string())
        };
        let shown = match verdict {
            Verdict::Pass => Shown::Id,
            Verdict::Skip(reason) | Verdict::NotRun(reason) => Shown::Reason(reason.clone()),
            Verdict::Fail(failure) => full(headline(failure), &failed(isa, case, failure)),
            Verdict::Known(failure, reason) => {
                let body = html! {
                    p { "Known to fail: " (reason) }
                    (failed(isa, case, failure))
                };
                full(headline(failure), &body)
            }
            Verdict::Unexpected(reason) => {
                full("passes unexpectedly".to_owned(), &html! { p { (unexpected_text(reason)) } })
            }
            Verdict::Error(mishap) => {
                full(mishap.kind.to_string(), &html! { pre { (mishap_text(mishap)) } })
            }
        };
        self.items.push(Item {
            run,
            machine: file.content.machine.clone(),
            id: case.id.clone(),
            kind: kind(verdict),
            shown,
        });
    }

    /// What every case has around its body.
    fn frame(&self, engine: &str, file: &CorpusFile, case: &Case, body: &Markup) -> Markup {
        html! {
            p.facts {
                span { (engine) }
                code { (file.path.display()) ":" (file.line(case)) }
                @for reference in &case.refs { span { (reference) } }
            }
            @if let Some(about) = &case.about { p { (about) } }
            (body)
            h4 { "Run it alone" }
            pre.rerun { (self.rerun) " " (case.id) }
        }
    }

    /// A section for each kind of verdict that there is; what needs work comes first.
    pub(super) fn sections(&self, runs: &[Run]) -> Markup {
        let order = ["fail", "error", "not-run", "known", "skip", "pass"];
        let kinds = order.iter().filter_map(|key| KINDS.iter().find(|kind| kind.key == *key));
        html! {
            @for kind in kinds { (self.section(runs, *kind)) }
        }
    }

    fn section(&self, runs: &[Run], kind: Kind) -> Markup {
        let items: Vec<&Item> = self.items.iter().filter(|item| item.kind == kind.key).collect();
        html! {
            @if !items.is_empty() {
                section.cases.(kind.key) id=(kind.key) {
                    h2 { (title(kind)) " " span.count { (items.len()) } }
                    @for (place, item) in items.iter().enumerate() {
                        @if let Shown::Full(headline, body) = &item.shown {
                            (article(item, headline, body, kind.key == "fail" && place < OPEN))
                        }
                    }
                    @for group in groups(&items) { (ids(runs, &group)) }
                }
            }
        }
    }
}

fn title(kind: Kind) -> String {
    match kind.key {
        "known" => "Known to fail".to_owned(),
        _ => {
            let mut letters = kind.title.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().collect::<String>() + letters.as_str()
            })
        }
    }
}

fn article(item: &Item, headline: &str, body: &str, open: bool) -> Markup {
    html! {
        details.case id=(anchor(item.run, &item.id)) open[open]
            data-verdict=(item.kind) data-machine=(item.machine) data-engine=(item.run) {
            summary { code.id { (item.id) } " " span.headline { (headline) } }
            div.body { (PreEscaped(body)) }
        }
    }
}

/// Cases of one run, machine and reason.
struct Group<'a> {
    run: usize,
    machine: &'a str,
    reason: Option<&'a str>,
    items: Vec<&'a Item>,
}

fn groups<'a>(items: &[&'a Item]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for item in items {
        let reason = match &item.shown {
            Shown::Id => None,
            Shown::Reason(reason) => Some(reason.as_str()),
            Shown::Full(..) => continue,
        };
        // Reasons are few, and cases of one stand together.
        let found = groups.iter_mut().rev().find(|group| {
            group.run == item.run && group.machine == item.machine && group.reason == reason
        });
        match found {
            Some(group) => group.items.push(item),
            None => groups.push(Group {
                run: item.run,
                machine: &item.machine,
                reason,
                items: vec![item],
            }),
        }
    }
    groups
}

fn ids(runs: &[Run], group: &Group<'_>) -> Markup {
    let engine = runs.get(group.run).map_or("", |run| run.title.as_str());
    html! {
        details.group {
            summary {
                (engine) " · " code { (group.machine) } " "
                span.count { (group.items.len()) }
                @if let Some(reason) = group.reason { " " span.headline { (reason) } }
            }
            ul.ids {
                @for item in &group.items {
                    li.case data-verdict=(item.kind) data-machine=(item.machine) data-engine=(item.run) {
                        (item.id)
                    }
                }
            }
        }
    }
}

/// The first wrong step, every difference, and what was asked of the engine.
fn failed(isa: Option<&Isa>, case: &Case, failure: &Failure) -> Markup {
    html! {
        @if let (Some(isa), Some(divergence)) = (isa, &failure.divergence) {
            @let insn = isa.instruction(divergence.insn);
            @if let Some((line, source)) = source_line(isa, case, divergence) {
                p { "Line " (line) " of the program: " code { (source) } }
            }
            @if divergence.step.is_some() {
                p {
                    strong { code { (insn.name) } } " " (insn.doc.trim())
                    @if let Some(reference) = &insn.reference { " " span.quiet { "[" (reference) "]" } }
                }
                p.clauses {
                    span.quiet { "clauses " }
                    @for clause in &insn.clauses { code { (clause.id) } " " }
                }
            }
            div.scroll { (states(&part_rows(isa, divergence))) }
        }
        @if !failure.differences.is_empty() {
            div.scroll { (differences(&failure.differences)) }
        }
        @if let Some(source) = &case.source {
            details { summary { "the source" } pre { (clipped(source.text.trim_end(), VALUE)) } }
        }
        @if let Some(text) = &case.asm {
            details { summary { "the program" } pre { (clipped(text.trim_end(), VALUE)) } }
        }
        @if let Some(request) = &failure.request {
            details { summary { "the request" } pre.request { (request_text(request)) } }
        }
    }
}

fn request_text(request: &crate::engine::Request) -> String {
    let mut line = Vec::new();
    message::push_run(&mut line, 1, request);
    String::from_utf8_lossy(&line).trim_end().to_owned()
}

fn states(rows: &[PartRow]) -> Markup {
    html! {
        table.states {
            thead { tr { th {} th { "before" } th { "expected" } th { "found" } } }
            tbody {
                @for row in rows {
                    tr.differs[row.expected != row.found] {
                        th { (row.part) }
                        td { code { (clipped(&row.before, VALUE)) } }
                        (pair(&row.expected, &row.found))
                    }
                }
            }
        }
    }
}

fn differences(differences: &[Difference]) -> Markup {
    html! {
        table.states {
            thead { tr { th { "differs" } th { "expected" } th { "found" } } }
            tbody {
                @for difference in differences {
                    tr.differs {
                        th { (difference.aspect.name()) }
                        (pair(&difference.expected, &difference.found))
                    }
                }
            }
        }
    }
}

/// What was expected and what was found, with the words marked in which they differ.
fn pair(expected: &str, found: &str) -> Markup {
    let (expected, found) = (clipped(expected, VALUE), clipped(found, VALUE));
    html! {
        td { code { (marked(&expected, &found)) } }
        td { code { (marked(&found, &expected)) } }
    }
}

/// A text with the words marked that do not stand in the same place of another.
fn marked(text: &str, other: &str) -> Markup {
    let others: Vec<&str> = words(other).filter(|word| !is_gap(word)).collect();
    let mut place = 0;
    let differs = |word: &str| {
        if is_gap(word) {
            return false;
        }
        place += 1;
        others.get(place - 1) != Some(&word)
    };
    let pieces: Vec<(&str, bool)> = words(text).zip(words(text).map(differs)).collect();
    html! {
        @for (piece, differs) in pieces {
            @if differs { mark { (piece) } } @else { (piece) }
        }
    }
}

/// A text cut into words and what stands between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let between = |c: char| c.is_whitespace() || "[],".contains(c);
    let mut rest = text;
    std::iter::from_fn(move || {
        let gap = between(rest.chars().next()?);
        let end = rest.find(|c| between(c) != gap).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

fn is_gap(word: &str) -> bool {
    word.chars().all(|c| c.is_whitespace() || "[],".contains(c))
}
