//! The matrix of instructions by engine: in which cases each occurs, and where the first wrong steps were.

use bytestone_spec::Isa;
use bytestone_vm::codec::Codec;
use maud::{Markup, html};

use super::cases::anchor;
use crate::case::Case;
use crate::report::summary::Run;
use crate::suite;
use crate::verdict::Verdict;

/// The instructions of the machines that were met.
#[derive(Debug, Default)]
pub(super) struct Matrix {
    machines: Vec<Rows>,
}

/// The instructions of one machine.
#[derive(Debug)]
struct Rows {
    machine: String,
    instructions: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: String,
    doc: String,
    /// By the number of the run.
    cells: Vec<Cell>,
}

/// An instruction in the cases of one run.
#[derive(Clone, Debug, Default)]
struct Cell {
    passing: usize,
    failing: usize,
    /// Cases in which it was the first wrong step.
    wrong: usize,
    /// The first of those.
    first: Option<String>,
}

impl Rows {
    fn of(isa: &Isa) -> Self {
        let row = |insn: &bytestone_spec::isa::Instruction| Row {
            name: insn.name.clone(),
            doc: insn.doc.trim().to_owned(),
            cells: Vec::new(),
        };
        Self {
            machine: isa.name().to_owned(),
            instructions: isa.instructions().iter().map(row).collect(),
        }
    }
}

impl Row {
    fn cell(&mut self, run: usize) -> &mut Cell {
        if self.cells.len() <= run {
            self.cells.resize(run + 1, Cell::default());
        }
        &mut self.cells[run]
    }
}

impl Matrix {
    /// Counts the instructions of a case, each once.
    pub(super) fn add(&mut self, isa: &Isa, case: &Case, verdict: &Verdict, run: usize) {
        let failing = match verdict {
            Verdict::Pass | Verdict::Unexpected(_) => false,
            Verdict::Fail(_) | Verdict::Known(..) | Verdict::Error(_) => true,
            // It says nothing of the engine.
            Verdict::Skip(_) | Verdict::NotRun(_) => return,
        };
        let machine = self.machines.iter().position(|rows| rows.machine == isa.name());
        let machine = machine.unwrap_or_else(|| {
            self.machines.push(Rows::of(isa));
            self.machines.len() - 1
        });
        let rows = &mut self.machines[machine].instructions;
        for id in instructions(isa, case) {
            let cell = rows[id].cell(run);
            if failing {
                cell.failing += 1;
            } else {
                cell.passing += 1;
            }
        }
        let divergence = verdict.failure().and_then(|failure| failure.divergence.as_ref());
        if let Some(divergence) = divergence.filter(|divergence| divergence.step.is_some()) {
            let cell = rows[usize::from(divergence.insn.0)].cell(run);
            cell.wrong += 1;
            cell.first.get_or_insert_with(|| anchor(run, &case.id));
        }
    }

    /// The matrices of all machines.
    pub(super) fn section(&self, runs: &[Run]) -> Markup {
        html! {
            section.matrices {
                h2 { "Instructions" }
                p.quiet {
                    "In how many passing and " span.bad { "failing" } " cases an instruction occurs. "
                    span.key { "Marked" } " are those at which an engine first went wrong; the link leads to such a case."
                }
                @for rows in &self.machines { (rows.table(runs)) }
            }
        }
    }
}

impl Rows {
    fn table(&self, runs: &[Run]) -> Markup {
        let wrong: Vec<&str> = self
            .instructions
            .iter()
            .filter(|row| row.cells.iter().any(|cell| cell.wrong > 0))
            .map(|row| row.name.as_str())
            .collect();
        html! {
            details.matrix open[!wrong.is_empty() || runs.len() > 1] {
                summary {
                    code { (self.machine) } " "
                    @if wrong.is_empty() {
                        span.quiet { (self.instructions.len()) " instructions, none wrong" }
                    } @else {
                        span.bad { "wrong: " (wrong.join(", ")) }
                    }
                }
                div.scroll {
                    table {
                        thead { tr {
                            th { "instruction" }
                            @for run in runs { th { (run.title) } }
                        } }
                        tbody {
                            @for row in &self.instructions {
                                tr {
                                    th title=(row.doc) { code { (row.name) } }
                                    @for run in 0..runs.len() { (cell(row.cells.get(run))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(cell: Option<&Cell>) -> Markup {
    let cell = cell.cloned().unwrap_or_default();
    let class = match (cell.passing, cell.failing, cell.wrong) {
        (.., 1..) => "wrong",
        (0, 0, 0) => "unseen",
        (_, 0, 0) => "fine",
        (0, ..) => "never",
        _ => "mixed",
    };
    html! {
        td.(class) {
            @if class == "unseen" {
                "no case"
            } @else {
                span.good { (cell.passing) }
                @if cell.failing > 0 { " " span.bad { (cell.failing) } }
            }
            @if let Some(first) = &cell.first {
                " " a href={ "#" (first) } { "wrong first in " (cell.wrong) }
            }
        }
    }
}

/// The instructions of a case's program by number, each once; none if it cannot be decoded.
fn instructions(isa: &Isa, case: &Case) -> Vec<usize> {
    let codec = Codec::new(isa);
    let code = suite::code(&codec, case).ok();
    let Some(program) = code.and_then(|code| codec.decode(&code).ok()) else { return Vec::new() };
    let mut ids: Vec<usize> = program.insns().iter().map(|insn| usize::from(insn.id.0)).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
