//! The manual as one HTML page: no scripts needed, nothing loaded.

mod entry;
mod figure;
mod sections;

use bytestone_spec::Isa;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Manual;
use super::facts::summary;
use super::links::{Piece, Style, Target, anchor};
use super::opcodes::{OpcodeMap, opcode};
use super::prose;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/filter.js");
/// The page may use what is in it and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
pub(super) fn page(manual: &Manual<'_>) -> String {
    let isa = manual.isa;
    let contents = Contents::of(isa);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="color-scheme" content="light dark";
                title { (isa.title()) " · " (isa.name()) " " (isa.version()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#instructions" { "Skip to the instructions" }
                (table_of_contents(isa, &contents))
                main {
                    (head(isa))
                    (sections::storage(manual))
                    (sections::step(manual))
                    (sections::instructions(manual))
                    @if let Some(map) = &contents.map { (sections::opcode_map(map)) }
                    (sections::definitions(manual))
                    section.entries aria-labelledby="entries" {
                        h2 #entries { "Instructions one by one" }
                        @for insn in isa.instructions() { (entry::entry(manual, insn)) }
                    }
                    (sections::traps(manual))
                    (sections::externs(manual))
                    (sections::rejects(manual))
                    (sections::notes(manual, "decisions", "Decisions", Target::Decision, isa.decisions()))
                    (sections::notes(manual, "errata", "Errata", Target::Erratum, isa.errata()))
                    (sections::sources(isa))
                    footer { "Rendered from the spec of " code { (isa.name()) } " " (isa.version()) "." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

/// What the page has besides what every page has.
struct Contents<'a> {
    map: Option<OpcodeMap<'a>>,
    sections: Vec<(&'static str, &'static str)>,
}

impl<'a> Contents<'a> {
    fn of(isa: &'a Isa) -> Self {
        let map = OpcodeMap::of(isa);
        let all = [
            ("storage", "Storage", true),
            ("step", "How a step runs", true),
            ("instructions", "Instruction table", true),
            ("opcodes", "Opcode map", map.is_some()),
            ("definitions", "Definitions", !isa.definitions().is_empty()),
            ("entries", "Instructions", true),
            ("traps", "Traps", true),
            ("host", "Host functions", !isa.machine().externs.is_empty()),
            ("rejects", "Reject reasons", true),
            ("decisions", "Decisions", !isa.decisions().is_empty()),
            ("errata", "Errata", !isa.errata().is_empty()),
            ("sources", "Sources", !isa.sources().is_empty()),
        ];
        let sections = all.into_iter().filter(|(.., shown)| *shown);
        Self { map, sections: sections.map(|(id, title, _)| (id, title)).collect() }
    }
}

/// The longest opcode, in characters, that stands beside a mnemonic in the contents.
const SHORT: usize = 8;

fn table_of_contents(isa: &Isa, contents: &Contents<'_>) -> Markup {
    html! {
        nav.contents aria-label="Contents" {
            p.brand { a href="#top" { (isa.name()) } " " span.quiet { (isa.version()) } }
            ul {
                @for (id, title) in &contents.sections {
                    li {
                        a href={ "#" (id) } { (title) }
                        @if *id == "entries" {
                            ul.mnemonics {
                                @for insn in isa.instructions() {
                                    li {
                                        a href={ "#" (anchor(Target::Instruction, &insn.name)) } {
                                            span { (insn.name) }
                                            @let opcode = opcode(insn);
                                            // There is room for short ones only; all are in the table.
                                            @if opcode.len() <= SHORT { span.op { (opcode) } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn head(isa: &Isa) -> Markup {
    html! {
        header #top {
            h1 { (isa.title()) }
            p.version { code { (isa.name()) } " version " (isa.version()) }
            ul.facts { @for fact in summary(isa) { li { (fact) } } }
            @if !isa.about().trim().is_empty() {
                div.about { (PreEscaped(prose::html(isa.about()))) }
            }
        }
    }
}

/// Pieces of a sentence.
fn pieces(pieces: &[Piece<'_>]) -> Markup {
    let styled = |piece: &Piece<'_>| match piece.style {
        Style::Text => html! { (piece.text) },
        Style::Code => html! { code { (piece.text) } },
    };
    html! {
        @for piece in pieces {
            @match &piece.anchor {
                Some(anchor) => a href={ "#" (anchor) } { (styled(piece)) },
                None => (styled(piece)),
            }
        }
    }
}

impl Manual<'_> {
    /// A sentence of the spec or of the manual.
    fn sentence(&self, text: &str) -> Markup {
        pieces(&self.links.sentence(text))
    }

    /// Where a rule comes from.
    fn reference(&self, text: &str) -> Markup {
        pieces(&self.links.reference(text))
    }
}

/// A link with the name of what it leads to.
fn link(target: Target, name: &str) -> Markup {
    html! { a href={ "#" (anchor(target, name)) } { code { (name) } } }
}
