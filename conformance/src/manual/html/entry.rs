//! The entry of an instruction.

use bytestone_spec::isa::{ClauseId, Instruction};
use maud::{Markup, html};

use super::super::layout::length_words;
use super::super::links::{Target, anchor};
use super::super::{Example, Manual, facts, operands, rejects};
use super::{figure, link};

pub(super) fn entry(manual: &Manual<'_>, insn: &Instruction) -> Markup {
    let isa = manual.isa;
    let id = anchor(Target::Instruction, &insn.name);
    html! {
        article.entry aria-labelledby=(id) {
            header {
                h3 id=(id) { a.self href={ "#" (id) } { (insn.name) } }
                @let syntax = operands::syntax(isa, insn);
                @if !syntax.is_empty() { code.syntax { (syntax) } }
                span.chips {
                    span.chip { (length_words(insn)) }
                    @if let Some(since) = insn.since { span.chip { "since " (since) } }
                    @for feature in &insn.features { span.chip { "needs " (feature) } }
                }
            }
            p.doc { (manual.sentence(&insn.doc)) }
            div.shape {
                section.encoding {
                    h4 { "Encoding" }
                    div.figure { (figure::encoding(isa, insn)) }
                    p.quiet { "In the spec: " code { (insn.text.enc) } }
                }
                @if isa.machine().stack.is_some() {
                    section { h4 { "Stack" } (figure::stack(insn)) }
                }
            }
            @if !insn.operands.is_empty() { (operand_table(manual, insn)) }
            @if !insn.text.condition.is_empty() {
                p { "The operands must fit one another: " code { (insn.text.condition) } "." }
            }
            div.meaning {
                (action(manual, insn))
                (traps(manual, insn))
                (rejections(manual, insn))
            }
            (origin(manual, insn))
            (examples(manual, insn))
        }
    }
}

fn operand_table(manual: &Manual<'_>, insn: &Instruction) -> Markup {
    html! {
        section {
            h4 { "Operands" }
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Name" }
                    th scope="col" { "Stored as" }
                    th scope="col" { "Range" }
                    th scope="col" { "Meaning" }
                } }
                tbody {
                    @for (at, operand) in insn.operands.iter().enumerate() {
                        @if let Some(words) = operands::words(manual.isa, insn, at) {
                            tr {
                                th scope="row" { code { (operand.name) } }
                                td { (manual.sentence(&words.stored)) }
                                td.nowrap { (words.range) }
                                td { (manual.sentence(&words.meaning)) }
                            }
                        }
                    }
                }
            } }
        }
    }
}

fn action(manual: &Manual<'_>, insn: &Instruction) -> Markup {
    html! {
        section {
            h4 { "Action" }
            @if !insn.text.fuse.is_empty() {
                p { "Fused, in one step:" }
                pre { code { (insn.text.fuse.join("\n")) } }
            } @else if insn.text.action.is_empty() {
                p { (facts::without_action(insn)) }
            } @else {
                pre { code { (insn.text.action) } }
            }
            @if let Some(flow) = facts::flow(manual.isa, insn) { p { (manual.sentence(&flow)) } }
            @if !insn.clauses.is_empty() { (clauses(manual, insn)) }
        }
    }
}

fn clauses(manual: &Manual<'_>, insn: &Instruction) -> Markup {
    html! {
        ul.clauses aria-label="Clauses" {
            @for (at, clause) in insn.clauses.iter().enumerate() {
                li id=(anchor(Target::Clause, &clause.id)) {
                    code { (clause.id) }
                    " " span.quiet {
                        (manual.sentence(&facts::clause(manual.isa, insn, ClauseId(at as u16))))
                    }
                }
            }
        }
    }
}

fn traps(manual: &Manual<'_>, insn: &Instruction) -> Markup {
    let traps = facts::traps_of(manual.isa, insn);
    html! {
        section {
            h4 { "Traps" }
            @if traps.is_empty() {
                p.quiet { "None." }
            } @else {
                dl.reasons {
                    @for id in traps {
                        @let trap = manual.isa.trap(id);
                        dt { (link(Target::Trap, &trap.name)) }
                        dd { (manual.sentence(&trap.doc)) }
                    }
                }
            }
        }
    }
}

fn rejections(manual: &Manual<'_>, insn: &Instruction) -> Markup {
    let reasons = rejects::of_instruction(manual.isa, insn);
    html! {
        section {
            h4 { "Rejected when" }
            @if reasons.is_empty() {
                p.quiet { "Never." }
            } @else {
                dl.reasons {
                    @for (reason, why) in reasons {
                        dt { (link(Target::Reject, reason.name())) }
                        dd { (manual.sentence(&why)) }
                    }
                }
            }
        }
    }
}

/// Where the rule comes from, and the notes that touch it.
fn origin(manual: &Manual<'_>, insn: &Instruction) -> Markup {
    let notes = manual.links.notes_on(Target::Instruction, &insn.name, insn.reference.as_deref());
    html! {
        @if insn.reference.is_some() || !notes.is_empty() {
            p.origin {
                @if let Some(reference) = &insn.reference {
                    span.key { "From" } " " (manual.reference(reference))
                }
                @if !notes.is_empty() {
                    " " span.key { "Notes" }
                    @for (at, (anchor, note)) in notes.iter().enumerate() {
                        @if at > 0 { "," }
                        " " a href={ "#" (anchor) } { (note.name) }
                    }
                }
            }
        }
    }
}

fn examples(manual: &Manual<'_>, insn: &Instruction) -> Markup {
    let mut examples = manual.examples_of(insn).peekable();
    html! {
        section.examples {
            h4 { "Example" }
            @if examples.peek().is_none() {
                p.none { "The corpus has no example of this instruction." }
            }
            @for shown in examples { (example(manual, insn, shown)) }
        }
    }
}

fn example(manual: &Manual<'_>, insn: &Instruction, example: &Example) -> Markup {
    html! {
        div.example {
            p { (manual.sentence(&example.about)) " " code.id { (example.id) } }
            div.listings {
                @if !example.asm.trim().is_empty() {
                    div { h5 { "Assembly" } (listing(&example.asm, insn, before_comment)) }
                }
                @if !example.bytecode.trim().is_empty() {
                    div { h5 { "Bytes" } pre.bytes { code { (example.bytecode.trim()) } } }
                }
                @if !example.trace.trim().is_empty() {
                    div.trace { h5 { "Trace" } (listing(&example.trace, insn, behind_comment)) }
                }
            }
        }
    }
}

/// Lines of a program or a trace; those with the instruction stand out.
fn listing(text: &str, insn: &Instruction, code_of: fn(&str) -> &str) -> Markup {
    html! {
        pre { code {
            @for line in text.trim_end().lines() {
                @if code_of(line).split_whitespace().any(|word| word == insn.name) {
                    mark { (line) }
                } @else { (line) }
                "\n"
            }
        } }
    }
}

fn before_comment(line: &str) -> &str {
    line.split_once(';').map_or(line, |(code, _)| code)
}

fn behind_comment(line: &str) -> &str {
    line.split_once(';').map_or("", |(_, text)| text)
}
