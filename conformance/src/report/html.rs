//! One HTML page: who was held to what, which instruction is wrong, and every case that did not pass.

mod cases;
mod matrix;

use std::io::Write;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::cases::Cases;
use self::matrix::Matrix;
use crate::report::summary::{KINDS, MachineRun, Run, Summary};
use crate::runner::{Event, Reporter};
use crate::verdict::Counts;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/filter.js");
/// The page may use what is in it and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Writes a page when all is over. It loads nothing, and can be read without scripts.
#[derive(Debug)]
pub struct Html<W> {
    out: W,
    summary: Summary,
    cases: Cases,
    matrix: Matrix,
}

impl<W: Write + Send> Html<W> {
    /// Writes to `out`. `rerun` is the command that runs one case, to which its id is added.
    pub fn new(out: W, rerun: impl Into<String>) -> Self {
        Self {
            out,
            summary: Summary::default(),
            cases: Cases::new(rerun.into()),
            matrix: Matrix::default(),
        }
    }

    fn page(&self) -> String {
        let runs = &self.summary.runs;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="color-scheme" content="light dark";
                    title { "Conformance of " (names(runs)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        (head(&self.summary))
                        (by_machine(runs))
                        (self.matrix.section(runs))
                        (self.filter())
                        (self.cases.sections(runs))
                        footer { "Written by Bytestone " (env!("CARGO_PKG_VERSION")) "." }
                    }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
        .into_string()
    }

    /// The bar that narrows the list of cases. The script shows it: it does nothing without.
    fn filter(&self) -> Markup {
        let runs = &self.summary.runs;
        let machines = machines(runs);
        let total = self.summary.total();
        html! {
            form.filter #filter hidden role="search" aria-label="Filter cases" {
                input #search type="search" placeholder="Search ids and texts" aria-label="Search";
                @if machines.len() > 1 {
                    select #machine aria-label="Machine" {
                        option value="" { "all machines" }
                        @for machine in machines { option value=(machine) { (machine) } }
                    }
                }
                @if runs.len() > 1 {
                    select #engine aria-label="Engine" {
                        option value="" { "all engines" }
                        @for (number, run) in runs.iter().enumerate() {
                            option value=(number) { (run.title) }
                        }
                    }
                }
                span.verdicts {
                    @for kind in KINDS {
                        @if (kind.of)(&total) > 0 {
                            label { input type="checkbox" name="verdict" value=(kind.key) checked; (kind.title) }
                        }
                    }
                }
                output #shown {}
            }
        }
    }
}

/// Engines that a title names; more are counted.
const NAMED: usize = 3;

fn names(runs: &[Run]) -> String {
    if runs.len() > NAMED {
        return format!("{} engines", runs.len());
    }
    runs.iter().map(|run| run.title.as_str()).collect::<Vec<_>>().join(", ")
}

/// The machines of all runs, each once.
fn machines(runs: &[Run]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for machine in runs.iter().flat_map(|run| &run.machines) {
        if !names.contains(&machine.name.as_str()) {
            names.push(&machine.name);
        }
    }
    names
}

fn head(summary: &Summary) -> Markup {
    let total = summary.total();
    html! {
        header {
            p.kicker { "Conformance report" }
            h1 { (names(&summary.runs)) }
            @if let Some(run) = summary.runs.first() {
                p.corpus {
                    "held to corpus " strong { (run.corpus.name) " " (run.corpus.version) }
                    " (" (run.corpus.cases) " cases), hash "
                    code.hash { (run.corpus.hash) }
                }
            }
            ul.tiles {
                @for kind in KINDS {
                    @let count = (kind.of)(&total);
                    li.(kind.key).none[count == 0] {
                        strong { (count) } " " span { (kind.title) }
                    }
                }
            }
        }
    }
}

/// Levels, versions and counts, one row an engine and machine.
fn by_machine(runs: &[Run]) -> Markup {
    html! {
        section {
            h2 { "Engines and machines" }
            div.scroll {
                table.summary {
                    thead { tr {
                        th { "engine" } th { "machine" } th { "spec" } th { "level" }
                        @for kind in KINDS { th.number { (kind.title) } }
                    } }
                    tbody {
                        @for run in runs {
                            @for machine in &run.machines { (machine_row(run, machine)) }
                            @if run.machines.len() > 1 {
                                tr.total {
                                    th { (run.title) } td { "all" } td {} td {}
                                    (numbers(&run.total))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn machine_row(run: &Run, machine: &MachineRun) -> Markup {
    html! {
        tr {
            th { (run.title) }
            td { code { (machine.name) } }
            td data-label="spec" { (machine.spec.as_deref().unwrap_or("unknown")) }
            td data-label="level" { (machine.level.map_or("not run by it", |level| level.name())) }
            (numbers(&machine.counts))
        }
    }
}

fn numbers(counts: &Counts) -> Markup {
    html! {
        @for kind in KINDS {
            @let count = (kind.of)(counts);
            td.number.(kind.key).none[count == 0] data-label=(kind.title) { (count) }
        }
    }
}

impl<W: Write + Send> Reporter for Html<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        self.summary.event(event);
        match event {
            Event::Case { isa, file, case, verdict } => {
                let run = self.summary.current();
                let engine = self.summary.runs.last().map_or("", |run| run.title.as_str());
                self.cases.add((run, engine), *isa, file, case, verdict);
                if let Some(isa) = isa {
                    self.matrix.add(isa, case, verdict, run);
                }
            }
            Event::Closed => {
                self.out.write_all(self.page().as_bytes())?;
                self.out.write_all(b"\n")?;
                self.out.flush()?;
            }
            Event::Started { .. } | Event::File { .. } | Event::Finished { .. } => {}
        }
        Ok(())
    }
}
