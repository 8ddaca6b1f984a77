//! The sections around the entries of the instructions.

use bytestone_spec::Isa;
use bytestone_spec::isa::{Extern, Instruction, Note};
use bytestone_vm::Reason;
use maud::{Markup, html};

use super::super::facts::{self, COMMIT_RULE, STORAGE_HEADS};
use super::super::layout::length;
use super::super::links::{Target, anchor};
use super::super::opcodes::{OpcodeMap, opcode};
use super::super::rejects::{self, Named};
use super::super::{Manual, host, operands};
use super::link;
use crate::case::host::signature;

/// Instructions named one by one; of more than these only the number is given.
const NAMED: usize = 40;

pub(super) fn storage(manual: &Manual<'_>) -> Markup {
    let isa = manual.isa;
    html! {
        section aria-labelledby="storage" {
            h2 #storage { "Storage" }
            ul.facts { @for words in facts::storage_words(isa) { li { (manual.sentence(&words)) } } }
            @let rows = facts::storage(isa);
            @if !rows.is_empty() {
                div.scroll { table.storage {
                    thead { tr { @for head in STORAGE_HEADS { th scope="col" { (head) } } } }
                    tbody {
                        @for [part, cells @ ..] in &rows {
                            tr {
                                th scope="row" { (manual.sentence(part)) }
                                @for cell in cells { td { (manual.sentence(cell)) } }
                            }
                        }
                    }
                } }
            }
        }
    }
}

pub(super) fn step(manual: &Manual<'_>) -> Markup {
    html! {
        section aria-labelledby="step" {
            h2 #step { "How a step runs" }
            ol.step { @for phase in facts::step(manual.isa) { li { (manual.sentence(&phase)) } } }
            p.rule { (COMMIT_RULE) }
        }
    }
}

pub(super) fn instructions(manual: &Manual<'_>) -> Markup {
    let isa = manual.isa;
    let stack = isa.machine().stack.is_some();
    html! {
        section aria-labelledby="instructions" {
            h2 #instructions { "Instruction table" }
            p.filter hidden {
                label for="filter" { "Filter" }
                " " input #filter type="search" autocomplete="off" placeholder="name, opcode, words";
                " " span #filtered role="status" {}
            }
            table.instructions {
                thead { tr {
                    th scope="col" { "Instruction" }
                    th scope="col" { "Opcode" }
                    th scope="col" { "Operands" }
                    th scope="col" { "Bytes" }
                    @if stack { th scope="col" { "Stack" } }
                    th scope="col" { "Traps" }
                    th scope="col" { "Meaning" }
                } }
                tbody { @for insn in isa.instructions() { (instruction_row(manual, insn)) } }
            }
        }
    }
}

fn instruction_row(manual: &Manual<'_>, insn: &Instruction) -> Markup {
    let isa = manual.isa;
    let traps = facts::traps_of(isa, insn);
    html! {
        tr {
            th.name scope="row" { (link(Target::Instruction, &insn.name)) }
            td.op { code { (opcode(insn)) } }
            td.operands { code {
                @for (at, operand) in insn.operands.iter().enumerate() {
                    @if at > 0 { ", " }
                    span { (operand.name) ": " (operands::kind(isa, operand)) }
                }
            } }
            td.bytes { (length(insn)) }
            @if isa.machine().stack.is_some() { td.effect { code { (insn.text.stack) } } }
            td.traps {
                @for (at, trap) in traps.iter().enumerate() {
                    @if at > 0 { ", " }
                    (link(Target::Trap, &isa.trap(*trap).name))
                }
            }
            td.doc { (manual.sentence(&insn.doc)) }
        }
    }
}

pub(super) fn opcode_map(map: &OpcodeMap<'_>) -> Markup {
    let rows = map.rows();
    let columns = map.columns();
    html! {
        section aria-labelledby="opcodes" {
            h2 #opcodes { "Opcode map" }
            p {
                "By " (map.place) ", in hexadecimal. "
                @if usize::from(map.size) > rows.len() * usize::from(columns) {
                    "Rows without an instruction are left out. "
                }
                "Empty places are rejected as " (link(Target::Reject, Reason::UnknownOpcode.name())) "."
            }
            div.scroll { table.map {
                thead { tr {
                    td {}
                    @for column in 0..columns { th scope="col" { "_" (format!("{column:X}")) } }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            th scope="row" { (map.row_head(row)) }
                            @for column in 0..columns { (map_cell(map.at(row + column))) }
                        }
                    }
                }
            } }
        }
    }
}

fn map_cell(insns: &[&Instruction]) -> Markup {
    html! {
        @match insns {
            [] => td.free { "·" },
            insns => td {
                @for insn in insns {
                    a href={ "#" (anchor(Target::Instruction, &insn.name)) } { (insn.name) }
                    " "
                }
            },
        }
    }
}

pub(super) fn traps(manual: &Manual<'_>) -> Markup {
    let isa = manual.isa;
    let traps: Vec<_> = facts::applicable_traps(isa).collect();
    html! {
        section aria-labelledby="traps" {
            h2 #traps { "Traps" }
            p { (facts::traps_words(&traps)) }
            dl.notes {
                @for (id, trap) in traps {
                    dt id=(anchor(Target::Trap, &trap.name)) {
                        code { (trap.name) }
                        @if facts::is_limit(id) { " " span.chip { "limit" } }
                    }
                    dd {
                        p { (manual.sentence(&trap.doc)) " " (manual.sentence(facts::limit_words(isa, id))) }
                        p.quiet {
                            @if let Some(reference) = &trap.reference { (manual.reference(reference)) ". " }
                            @let raising = facts::raising(isa, id);
                            @if !raising.is_empty() { "Raised by " (these(&raising)) "." }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn externs(manual: &Manual<'_>) -> Markup {
    let externs = &manual.isa.machine().externs;
    html! {
        @if !externs.is_empty() {
            section aria-labelledby="host" {
                h2 #host { "Host functions" }
                p { @for words in host::WORDS { (manual.sentence(words)) " " } }
                div.scroll { table.host {
                    thead { tr { @for head in host::HEADS { th scope="col" { (head) } } } }
                    tbody { @for function in externs { (extern_row(manual, function)) } }
                } }
            }
        }
    }
}

fn extern_row(manual: &Manual<'_>, function: &Extern) -> Markup {
    html! {
        tr id=(anchor(Target::Extern, &function.name)) {
            th scope="row" { code { (function.name) } }
            td { code { (signature(function)) } }
            td {
                (manual.sentence(&function.doc))
                @if let Some(reference) = &function.reference { " (" (manual.reference(reference)) ")" }
            }
            td { (these(&host::calling(manual.isa, function))) }
        }
    }
}

/// Instructions by name, or how many there are.
fn these(insns: &[&Instruction]) -> Markup {
    html! {
        @if insns.len() > NAMED {
            (insns.len()) " instructions"
        } @else {
            @for (at, insn) in insns.iter().enumerate() {
                @if at > 0 { ", " }
                (link(Target::Instruction, &insn.name))
            }
        }
    }
}

pub(super) fn definitions(manual: &Manual<'_>) -> Markup {
    let definitions = manual.isa.definitions();
    html! {
        @if !definitions.is_empty() {
            section aria-labelledby="definitions" {
                h2 #definitions { "Definitions" }
                p { (facts::DEFINITION_WORDS) }
                dl.notes {
                    @for definition in definitions {
                        dt { code { (definition.signature) } }
                        dd {
                            pre { code { (definition.value) } }
                            @if !definition.doc.is_empty() { p { (manual.sentence(&definition.doc)) } }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn rejects(manual: &Manual<'_>) -> Markup {
    let isa = manual.isa;
    html! {
        section aria-labelledby="rejects" {
            h2 #rejects { "Reject reasons" }
            p {
                (rejects::INTRODUCTION) " "
                @for words in rejects::procedure(isa) { (manual.sentence(&words)) " " }
            }
            div.scroll { table.rejects {
                thead { tr {
                    th scope="col" { "Reason" }
                    th scope="col" { "Phase" }
                    th scope="col" { "Meaning" }
                    th scope="col" { "The offset names" }
                    th scope="col" { "Instructions" }
                } }
                tbody { @for reason in rejects::listed(isa) { (reject_row(isa, reason)) } }
            } }
        }
    }
}

fn reject_row(isa: &Isa, reason: Reason) -> Markup {
    let applies = rejects::applies(isa, reason);
    html! {
        tr.off[!applies] id=(anchor(Target::Reject, reason.name())) {
            th scope="row" { code { (reason.name()) } }
            td { (reason.phase().name()) }
            td { (rejects::meaning(isa, reason)) }
            td { (rejects::offset(isa, reason)) }
            td {
                @if applies {
                    @match rejects::named(isa, reason) {
                        Named::None => "no instruction",
                        Named::Any => "any",
                        Named::These(insns) => (these(&insns)),
                    }
                } @else { "does not occur on this machine" }
            }
        }
    }
}

pub(super) fn notes(
    manual: &Manual<'_>,
    id: &str,
    title: &str,
    target: Target,
    notes: &[Note],
) -> Markup {
    let about = match target {
        Target::Erratum => "Where the source is wrong or contradicts itself.",
        _ => "What the spec decides where its source is silent.",
    };
    html! {
        @if !notes.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (title) }
                p { (about) }
                dl.notes {
                    @for note in notes {
                        dt id=(anchor(target, &note.name)) { (note.name) }
                        dd {
                            p { (manual.sentence(&note.text)) }
                            @if let Some(reference) = &note.reference {
                                p.quiet { (manual.reference(reference)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn sources(isa: &Isa) -> Markup {
    html! {
        @if !isa.sources().is_empty() {
            section aria-labelledby="sources" {
                h2 #sources { "Sources" }
                dl.sources {
                    @for (name, title) in isa.sources() {
                        dt id=(anchor(Target::Source, name)) { (name) }
                        dd { (title) }
                    }
                }
            }
        }
    }
}
