//! The manual as Markdown.

mod boxes;
mod entry;

use bytestone_spec::Isa;
use bytestone_spec::isa::{Extern, Instruction, Note};
use bytestone_vm::Reason;

use super::facts::{self, COMMIT_RULE, STORAGE_HEADS};
use super::layout::length;
use super::links::{Piece, Style, Target, anchor};
use super::opcodes::{OpcodeMap, opcode};
use super::rejects::{self, Named};
use super::{Manual, host, operands, prose};
use crate::case::host::signature;

/// Instructions named one by one; of more than these only the number is given.
const NAMED: usize = 40;

/// The page.
pub(super) fn page(manual: &Manual<'_>) -> String {
    let isa = manual.isa;
    let mut page = head(isa);
    page.push_str(&storage(manual));
    page.push_str(&step(manual));
    page.push_str(&instructions(manual));
    if let Some(map) = OpcodeMap::of(isa) {
        page.push_str(&opcode_map(&map));
    }
    page.push_str(&definitions(manual));
    page.push_str("\n## Instructions one by one\n");
    for insn in isa.instructions() {
        page.push_str(&entry::entry(manual, insn));
    }
    page.push_str(&traps(manual));
    page.push_str(&externs(manual));
    page.push_str(&rejects(manual));
    let decisions = "What the spec decides where its source is silent.";
    page.push_str(&notes(manual, "Decisions", decisions, Target::Decision, isa.decisions()));
    let errata = "Where the source is wrong or contradicts itself.";
    page.push_str(&notes(manual, "Errata", errata, Target::Erratum, isa.errata()));
    page.push_str(&sources(isa));
    page
}

fn head(isa: &Isa) -> String {
    let title = prose::escape(isa.title());
    let mut head = format!("# {title}\n\n`{}` version {}", isa.name(), isa.version());
    for fact in facts::summary(isa) {
        head.push_str(" · ");
        head.push_str(&fact);
    }
    head.push('\n');
    let about = prose::markdown(isa.about());
    if !about.is_empty() {
        head.push_str(&format!("\n{about}\n"));
    }
    head
}

fn storage(manual: &Manual<'_>) -> String {
    let mut text = "\n## Storage\n\n".to_owned();
    for words in facts::storage_words(manual.isa) {
        text.push_str(&format!("- {}\n", manual.text(&words)));
    }
    let rows: Vec<Vec<String>> = facts::storage(manual.isa)
        .iter()
        .map(|row| row.iter().map(|cell| manual.text(cell)).collect())
        .collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(&STORAGE_HEADS, &rows));
    }
    text
}

fn step(manual: &Manual<'_>) -> String {
    let mut text = "\n## How a step runs\n\n".to_owned();
    for (at, phase) in facts::step(manual.isa).iter().enumerate() {
        text.push_str(&format!("{}. {}\n", at + 1, manual.text(phase)));
    }
    text.push_str(&format!("\n{COMMIT_RULE}\n"));
    text
}

fn instructions(manual: &Manual<'_>) -> String {
    let isa = manual.isa;
    let stack = isa.machine().stack.is_some();
    let mut heads = vec!["Instruction", "Opcode", "Operands", "Bytes"];
    heads.extend(stack.then_some("Stack"));
    heads.extend(["Traps", "Meaning"]);
    let rows: Vec<Vec<String>> = isa
        .instructions()
        .iter()
        .map(|insn| {
            let mut row = vec![
                link(Target::Instruction, &insn.name),
                prose::code(&opcode(insn)),
                prose::code(&operands::summary(isa, insn)),
                length(insn),
            ];
            row.extend(stack.then(|| prose::code(&insn.text.stack)));
            let traps = facts::traps_of(isa, insn);
            row.push(list(traps.iter().map(|id| link(Target::Trap, &isa.trap(*id).name))));
            row.push(manual.text(&insn.doc));
            row
        })
        .collect();
    format!("\n## Instruction table\n\n{}", table(&heads, &rows))
}

fn opcode_map(map: &OpcodeMap<'_>) -> String {
    let columns = map.columns();
    let heads: Vec<String> =
        std::iter::once(String::new()).chain((0..columns).map(|at| format!("_{at:X}"))).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows: Vec<Vec<String>> = map
        .rows()
        .into_iter()
        .map(|row| {
            let cells = (0..columns).map(|column| {
                list(map.at(row + column).iter().map(|insn| link(Target::Instruction, &insn.name)))
            });
            std::iter::once(map.row_head(row)).chain(cells).collect()
        })
        .collect();
    let unknown = link(Target::Reject, Reason::UnknownOpcode.name());
    format!(
        "\n## Opcode map\n\nBy {}, in hexadecimal. Everything else is rejected as {unknown}.\n\n{}",
        map.place,
        table(&heads, &rows)
    )
}

fn traps(manual: &Manual<'_>) -> String {
    let isa = manual.isa;
    let mut text = "\n## Traps\n\n".to_owned();
    let traps: Vec<_> = facts::applicable_traps(isa).collect();
    text.push_str(facts::traps_words(&traps));
    text.push('\n');
    for (id, trap) in traps {
        let limit = if facts::is_limit(id) { " (limit)" } else { "" };
        text.push_str(&format!("\n### {}{limit}\n\n", heading(Target::Trap, &trap.name)));
        text.push_str(&manual.text(&trap.doc));
        text.push('\n');
        if facts::is_limit(id) {
            text.push_str(&format!("{}\n", manual.text(facts::limit_words(isa, id))));
        }
        let mut origin = Vec::new();
        if let Some(reference) = &trap.reference {
            origin.push(format!("From {}.", manual.origin(reference)));
        }
        let raising: Vec<&Instruction> = facts::raising(isa, id);
        if !raising.is_empty() {
            origin.push(format!("Raised by {}.", these(&raising)));
        }
        if !origin.is_empty() {
            text.push_str(&format!("\n{}\n", origin.join(" ")));
        }
    }
    text
}

fn externs(manual: &Manual<'_>) -> String {
    let isa = manual.isa;
    let row = |function: &Extern| {
        let mut meaning = manual.text(&function.doc);
        if let Some(reference) = &function.reference {
            meaning.push_str(&format!(" ({})", manual.origin(reference)));
        }
        vec![
            heading(Target::Extern, &function.name),
            prose::code(&signature(function)),
            meaning,
            these(&host::calling(isa, function)),
        ]
    };
    let rows: Vec<Vec<String>> = isa.machine().externs.iter().map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let words: Vec<String> = host::WORDS.iter().map(|words| manual.text(words)).collect();
    format!("\n## Host functions\n\n{}\n\n{}", words.join("\n"), table(&host::HEADS, &rows))
}

fn definitions(manual: &Manual<'_>) -> String {
    if manual.isa.definitions().is_empty() {
        return String::new();
    }
    let mut text = format!("\n## Definitions\n\n{}\n", facts::DEFINITION_WORDS);
    for definition in manual.isa.definitions() {
        text.push_str(&format!("\n{}\n\n", prose::code(&definition.signature)));
        text.push_str(&prose::fenced(&definition.value));
        if !definition.doc.is_empty() {
            text.push_str(&format!("\n{}\n", manual.text(&definition.doc)));
        }
    }
    text
}

fn rejects(manual: &Manual<'_>) -> String {
    let isa = manual.isa;
    let mut text = format!("\n## Reject reasons\n\n{}\n", rejects::INTRODUCTION);
    for words in rejects::procedure(isa) {
        text.push_str(&manual.text(&words));
        text.push('\n');
    }
    text.push('\n');
    let heads = ["Reason", "Phase", "Meaning", "The offset names", "Instructions"];
    let rows: Vec<Vec<String>> = rejects::listed(isa)
        .map(|reason| {
            let named = match rejects::named(isa, reason) {
                _ if !rejects::applies(isa, reason) => "does not occur on this machine".to_owned(),
                Named::None => "no instruction".to_owned(),
                Named::Any => "any".to_owned(),
                Named::These(insns) => these(&insns),
            };
            vec![
                heading(Target::Reject, reason.name()),
                reason.phase().name().to_owned(),
                rejects::meaning(isa, reason).to_owned(),
                rejects::offset(isa, reason).to_owned(),
                named,
            ]
        })
        .collect();
    text.push_str(&table(&heads, &rows));
    text
}

fn notes(manual: &Manual<'_>, title: &str, about: &str, target: Target, notes: &[Note]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## {title}\n\n{about}\n\n");
    for note in notes {
        let id = anchor(target, &note.name);
        let name = prose::escape(&note.name);
        text.push_str(&format!("- <a id=\"{id}\"></a>**{name}.** {}", manual.text(&note.text)));
        if let Some(reference) = &note.reference {
            text.push_str(&format!(" ({})", manual.origin(reference)));
        }
        text.push('\n');
    }
    text
}

fn sources(isa: &Isa) -> String {
    if isa.sources().is_empty() {
        return String::new();
    }
    let mut text = "\n## Sources\n\n".to_owned();
    for (name, title) in isa.sources() {
        let id = anchor(Target::Source, name);
        let (name, title) = (prose::escape(name), prose::escape(title));
        text.push_str(&format!("- <a id=\"{id}\"></a>**{name}.** {title}\n"));
    }
    text
}

/// Instructions by name, or how many there are.
fn these(insns: &[&Instruction]) -> String {
    if insns.len() > NAMED {
        return format!("{} instructions", insns.len());
    }
    list(insns.iter().map(|insn| link(Target::Instruction, &insn.name)))
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// A table. Cells are Markdown already.
fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells.map(in_cell).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = line(&mut heads.iter().copied());
    text.push_str(&format!("|{}\n", "---|".repeat(heads.len())));
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// A cell ends at a bar, in code too, unless that is escaped.
fn in_cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        if c == '|' && before != '\\' {
            cell.push('\\');
        }
        cell.push(c);
        before = c;
    }
    cell
}

/// A name with its anchor.
fn heading(target: Target, name: &str) -> String {
    format!("<a id=\"{}\"></a>{}", anchor(target, name), prose::code(name))
}

/// A link with the name of what it leads to.
fn link(target: Target, name: &str) -> String {
    format!("[{}](#{})", prose::code(name), anchor(target, name))
}

fn pieces(pieces: &[Piece<'_>]) -> String {
    let mut text = String::new();
    for piece in pieces {
        let words = match piece.style {
            Style::Text => prose::escape(piece.text),
            Style::Code => prose::code(piece.text),
        };
        match &piece.anchor {
            Some(anchor) => text.push_str(&format!("[{words}](#{anchor})")),
            None => text.push_str(&words),
        }
    }
    text
}

impl Manual<'_> {
    /// A sentence of the spec or of the manual.
    fn text(&self, sentence: &str) -> String {
        pieces(&self.links.sentence(sentence))
    }

    /// Where a rule comes from.
    fn origin(&self, reference: &str) -> String {
        pieces(&self.links.reference(reference))
    }
}
