//! Rewriting expectations in place from a run, with comments and layout kept.
//!
//! Only what a case already expects is rewritten, and only if it differs; a golden case is never
//! touched. The edits replace the bytes of the values, so everything else in the file stays.

use std::ops::Range;

use bytestone_spec::Isa;
use bytestone_spec::diagnostic::{Diagnostics, Source};
use bytestone_spec::yaml::{self, Node};
use bytestone_vm::codec::Codec;
use bytestone_vm::value::file;

use crate::case::load;
use crate::case::{Case, Expect, Place};
use crate::execute::{Fate, Run, Steps, execute};
use crate::judge::{call_list, judge, outcome_text, yaml_item, yaml_list};

/// What rewriting a file did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blessed {
    /// The new text.
    pub text: String,
    /// The ids of the cases whose expectations were rewritten.
    pub changed: Vec<String>,
    /// The ids of failing cases that were left alone, and why.
    pub left: Vec<(String, String)>,
}

/// Rewrites the expectations of the failing cases of a file that was read without a fault.
pub fn bless(source: &Source, cases: &[Case], isa: &Isa) -> Blessed {
    let mut blessed = Blessed { text: source.text.clone(), changed: Vec::new(), left: Vec::new() };
    let mut ignored = Diagnostics::default();
    let Some(root) = yaml::parse(source, 0, &mut ignored) else { return blessed };
    let codec = Codec::new(isa);
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for case in cases {
        let observation = execute(isa, &codec, case, Steps::of(case));
        if judge(isa, &case.expect, &observation).is_empty() {
            continue;
        }
        let result = match (&observation.fate, &case.expect) {
            _ if case.golden => Err("its expectations were worked out by hand".to_owned()),
            _ if !observation.defects.is_empty() => Err(observation.defects[0].to_string()),
            (Fate::Ran(run), Expect::Runs(_)) => run_edits(isa, &root, source, case, run),
            (Fate::Rejected(faults), Expect::Rejects(_)) => {
                let entries: Vec<String> = faults
                    .iter()
                    .map(|fault| {
                        let (phase, reason) = (fault.reason.phase().name(), fault.reason.name());
                        format!("{{phase: {phase}, reason: {reason}, at: {}}}", fault.at)
                    })
                    .collect();
                let text = match entries.as_slice() {
                    [one] => one.clone(),
                    many => format!("[{}]", many.join(", ")),
                };
                node_of(&root, case, "rejects")
                    .map(|node| vec![(range(node), text)])
                    .ok_or_else(|| "its expectation was not found in the file".to_owned())
            }
            _ => Err("it is rejected and should run, or the other way round".to_owned()),
        };
        match result {
            Ok(of_case) if !of_case.is_empty() => {
                edits.extend(of_case);
                blessed.changed.push(case.id.clone());
            }
            Ok(_) => {
                blessed.left.push((case.id.clone(), "nothing of it can be rewritten".to_owned()))
            }
            Err(why) => blessed.left.push((case.id.clone(), why)),
        }
    }
    // The rows of a table may share an expectation of their case: one edit is enough, and two that
    // differ leave it to the author.
    edits.sort_by_key(|(range, _)| std::cmp::Reverse((range.start, range.end)));
    edits.dedup();
    for (range, text) in edits {
        blessed.text.replace_range(range, &text);
    }
    blessed
}

/// The node of an expectation: in the row, or else in the case.
fn node_of<'n>(root: &'n Node, case: &Case, key: &str) -> Option<&'n Node> {
    let name = case.id.split('/').nth(1)?;
    let entry = root.get("cases")?.items().iter().find(|entry| {
        entry.get("name").and_then(Node::scalar).is_some_and(|scalar| scalar.text == name)
    })?;
    let row = case.id.split('/').nth(2).and_then(|row| row.parse::<usize>().ok());
    let row = row.and_then(|row| entry.get("rows")?.items().get(row - 1));
    match row {
        // What a case says for all its rows is not one row's to change.
        Some(row) => row.get(key),
        None => entry.get(key),
    }
}

fn range(node: &Node) -> Range<usize> {
    node.span.start as usize..node.span.end as usize
}

fn run_edits(
    isa: &Isa,
    root: &Node,
    source: &Source,
    case: &Case,
    run: &Run,
) -> Result<Vec<(Range<usize>, String)>, String> {
    let mut edits = Vec::new();
    let mut edit = |key: &str, text: String| {
        if let Some(node) = node_of(root, case, key) {
            edits.push((range(node), text));
        }
    };
    edit("outcome", outcome_text(isa, run.outcome));
    let output: Vec<String> = run.output.iter().map(ToString::to_string).collect();
    edit("output", yaml_list(&output));
    edit("host", call_list(&run.host));
    if let Some(depth) = run.max_stack {
        edit("max_stack", depth.to_string());
    }
    if let Some(node) = node_of(root, case, "final") {
        edits.extend(final_edits(isa, node, run));
    }
    if let Some(node) = node_of(root, case, "trace") {
        if run.trace_cut {
            return Err("its trace is too long to be written".to_owned());
        }
        edits.push(trace_edit(source, node, run));
    }
    Ok(edits)
}

fn final_edits(isa: &Isa, node: &Node, run: &Run) -> Vec<(Range<usize>, String)> {
    let mut edits = Vec::new();
    for entry in node.entries() {
        if entry.key == "stack" {
            edits.push((range(&entry.value), yaml_list(&file::texts(&run.stack))));
            continue;
        }
        let bank = isa.find_bank(&entry.key);
        for cell in entry.value.entries() {
            let place = match (bank, cell.key.parse()) {
                (Some(bank), Ok(index)) => Place::Cell { bank, index },
                (Some(_), Err(_)) => continue,
                (None, _) => Place::Global(cell.key.as_str().into()),
            };
            if let Some(value) = run.cell(&place) {
                edits.push((range(&cell.value), yaml_item(&value.to_string())));
            }
        }
    }
    edits
}

/// The trace as a literal block, indented like the one that it replaces. A trace with gaps
/// becomes a whole one: which steps to leave out is the author's choice.
fn trace_edit(source: &Source, node: &Node, run: &Run) -> (Range<usize>, String) {
    let start = node.span.start as usize;
    let line_start = source.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line = &source.text[line_start..];
    let indent = line.len() - line.trim_start_matches([' ', '-']).len();
    let rows: Vec<String> =
        run.trace_text.iter().map(|row| format!("{}{row}", " ".repeat(indent + 2))).collect();
    let header_there = source.text[start..].starts_with('|');
    let body = rows.join("\n");
    if header_there {
        (start..node.span.end as usize, format!("|\n{body}"))
    } else {
        // The place of the node is its first line, without its indentation.
        (start..node.span.end as usize, body.trim_start().to_owned())
    }
}

/// Checks that a rewritten text still reads, as a last guard before it is written.
///
/// # Errors
///
/// The faults, if there are any: then the file must not be written.
pub fn check(
    source: &Source,
    text: &str,
    machines: &dyn load::Machines,
) -> Result<(), bytestone_spec::diagnostic::Faulty> {
    load::load(Source { name: source.name.clone(), text: text.to_owned() }, machines).map(|_| ())
}
