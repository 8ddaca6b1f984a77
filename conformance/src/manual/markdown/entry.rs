//! The entry of an instruction.

use bytestone_spec::isa::{ClauseId, Instruction};

use super::super::layout::{heading, length_words};
use super::super::links::{Target, anchor};
use super::super::{Example, Manual, facts, operands, prose, rejects};
use super::{boxes, list, table};

pub(super) fn entry(manual: &Manual<'_>, insn: &Instruction) -> String {
    let isa = manual.isa;
    let mut text = format!(
        "\n### <a id=\"{}\"></a>{}\n\n{}\n\n",
        anchor(Target::Instruction, &insn.name),
        prose::escape(&insn.name),
        manual.text(&insn.doc)
    );
    let syntax = operands::syntax(isa, insn);
    let mut facts = vec![match insn.templates.is_empty() {
        true => prose::code(format!("{} {syntax}", insn.name).trim()),
        false => prose::code(&syntax),
    }];
    facts.push(length_words(insn));
    facts.extend(insn.since.map(|since| format!("since {since}")));
    facts.extend(insn.features.iter().map(|feature| format!("needs {}", prose::escape(feature))));
    text.push_str(&format!("{}\n\n", facts.join(" · ")));
    for (at, encoding) in insn.encodings.iter().enumerate() {
        if let Some(heading) = heading(insn, at) {
            text.push_str(&format!("{}\n\n", manual.text(&heading)));
        }
        text.push_str(&prose::fenced(&boxes::encoding(insn, encoding)));
        text.push_str(if at + 1 < insn.encodings.len() { "\n" } else { "" });
    }
    text.push_str(&operand_table(manual, insn));
    if !insn.text.condition.is_empty() {
        let condition = prose::code(&insn.text.condition);
        text.push_str(&format!("\nThe operands must fit one another: {condition}.\n"));
    }
    if isa.machine().stack.is_some() {
        text.push_str(&format!("\n**Stack** {}\n", stack(manual, insn)));
    }
    text.push_str(&action(manual, insn));
    text.push_str(&failures(manual, insn));
    text.push_str(&origin(manual, insn));
    text.push_str(&examples(manual, insn));
    text
}

fn operand_table(manual: &Manual<'_>, insn: &Instruction) -> String {
    let rows: Vec<Vec<String>> = insn
        .operands
        .iter()
        .enumerate()
        .filter_map(|(at, operand)| {
            let words = operands::words(manual.isa, insn, at)?;
            Some(vec![
                prose::code(&operand.name),
                manual.text(&words.stored),
                words.range,
                manual.text(&words.meaning),
            ])
        })
        .collect();
    match rows.is_empty() {
        true => String::new(),
        false => format!("\n{}", table(&["Operand", "Stored as", "Range", "Meaning"], &rows)),
    }
}

/// The stack before and after, bottom first.
fn stack(manual: &Manual<'_>, insn: &Instruction) -> String {
    let cells = |names: &[String]| {
        let mut cells = "…".to_owned();
        for name in names {
            cells.push(' ');
            cells.push_str(name);
        }
        cells
    };
    let (before, mut after) = (cells(&insn.effect.inputs), cells(&insn.effect.outputs));
    if let Some(callee) = facts::callee(insn) {
        after.push_str(&format!(" (what {callee} leaves)"));
    }
    let (before, after) = (prose::code(&before), prose::code(&after));
    format!("{before} → {after}. {}", manual.text(&facts::stack_words(insn)))
}

fn action(manual: &Manual<'_>, insn: &Instruction) -> String {
    let mut text = "\n**Action**".to_owned();
    if !insn.text.fuse.is_empty() {
        let parts = prose::fenced(&insn.text.fuse.join("\n"));
        text.push_str(&format!(" Fused, in one step:\n\n{parts}"));
    } else if insn.text.action.is_empty() {
        text.push_str(&format!(" {}\n", facts::without_action(insn)));
    } else {
        text.push_str(&format!("\n\n{}", prose::fenced(&insn.text.action)));
    }
    if let Some(flow) = facts::flow(manual.isa, insn) {
        text.push_str(&format!("\n{}\n", manual.text(&flow)));
    }
    if !insn.clauses.is_empty() {
        let clauses = insn.clauses.iter().enumerate().map(|(at, clause)| {
            let meaning = facts::clause(manual.isa, insn, ClauseId(at as u16));
            format!("{} ({})", prose::code(&clause.id), manual.text(&meaning))
        });
        text.push_str(&format!("\n**Clauses** {}\n", list(clauses)));
    }
    text
}

fn failures(manual: &Manual<'_>, insn: &Instruction) -> String {
    let isa = manual.isa;
    let mut text = String::new();
    let traps = facts::traps_of(isa, insn);
    if !traps.is_empty() {
        text.push_str("\n**Traps**\n\n");
        for id in traps {
            let trap = isa.trap(id);
            let name = super::link(Target::Trap, &trap.name);
            text.push_str(&format!("- {name}: {}\n", manual.text(&trap.doc)));
        }
    }
    let reasons = rejects::of_instruction(isa, insn);
    if !reasons.is_empty() {
        text.push_str("\n**Rejected when**\n\n");
        for (reason, why) in reasons {
            let name = super::link(Target::Reject, reason.name());
            text.push_str(&format!("- {name}: {}\n", manual.text(&why)));
        }
    }
    text
}

/// Where the rule comes from, and the notes that touch it.
fn origin(manual: &Manual<'_>, insn: &Instruction) -> String {
    let reference = insn.reference.as_deref();
    let mut parts = Vec::new();
    if let Some(reference) = reference {
        parts.push(format!("**From** {}", manual.origin(reference)));
    }
    let notes = manual.links.notes_on(Target::Instruction, &insn.name, reference);
    if !notes.is_empty() {
        let notes = notes
            .into_iter()
            .map(|(anchor, note)| format!("[{}](#{anchor})", prose::escape(&note.name)));
        parts.push(format!("**Notes** {}", list(notes)));
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!("\n{}\n", parts.join(" · ")),
    }
}

fn examples(manual: &Manual<'_>, insn: &Instruction) -> String {
    let mut text = String::new();
    for shown in manual.examples_of(insn) {
        text.push_str(&example(manual, shown));
    }
    match text.is_empty() {
        true => "\nThe corpus has no example of this instruction.\n".to_owned(),
        false => text,
    }
}

fn example(manual: &Manual<'_>, example: &Example) -> String {
    let mut text =
        format!("\n**Example** {} ({})\n", manual.text(&example.about), prose::code(&example.id));
    for listing in [&example.asm, &example.bytecode, &example.trace] {
        if !listing.trim().is_empty() {
            text.push_str(&format!("\n{}", prose::fenced(listing)));
        }
    }
    text
}
