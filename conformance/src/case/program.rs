//! The program of a case: text, bytes and source as the file gives them, with the values of a row filled in.

use std::ops::Range;

use bytestone_lang::{Language, Pass, Passes, Source};
use bytestone_spec::Isa;
use bytestone_spec::diagnostic::{Diagnostics, Span};
use bytestone_spec::shape::{Text, similar};
use bytestone_spec::yaml::Node;
use indexmap::IndexMap;

use super::SourceProgram;
use super::expand::{fill, placeholders};
use super::file::{CaseEntry, PassesEntry};
use crate::compile::{self, Plan};

/// The program of a case or row.
pub(super) struct ProgramText {
    pub(super) asm: Option<String>,
    pub(super) bytecode: Option<String>,
    pub(super) source: Option<String>,
}

impl ProgramText {
    /// The program of a case that is no table.
    pub(super) fn of_case(entry: &CaseEntry) -> Self {
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.0.clone());
        Self { asm: text(&entry.asm), bytecode: text(&entry.bytecode), source: text(&entry.source) }
    }

    /// The program of a row, which gives values for names.
    pub(super) fn of_row(entry: &CaseEntry, values: &IndexMap<&str, &str>) -> Self {
        let text = |text: &Option<Text>| text.as_ref().map(|text| fill(text, values));
        Self { asm: text(&entry.asm), bytecode: text(&entry.bytecode), source: text(&entry.source) }
    }
}

/// The names for which rows give values, sorted.
pub(super) fn names(entry: &CaseEntry) -> Vec<&str> {
    let texts = [&entry.asm, &entry.bytecode, &entry.source].into_iter().flatten();
    let mut names: Vec<&str> = texts.flat_map(|text| placeholders(text)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Reads what a case says of its source.
pub(super) struct SourceReader<'a> {
    pub(super) isa: &'a Isa,
    pub(super) entry: &'a CaseEntry,
    pub(super) node: &'a Node,
    pub(super) diagnostics: &'a mut Diagnostics,
}

impl SourceReader<'_> {
    /// Compiles the source of the case or of the row at a place; `None` when there is a fault.
    pub(super) fn compile(&mut self, text: &str, row: Span) -> Option<SourceProgram> {
        let whole = self.node.get("source").map_or(self.node.span, |node| node.span);
        let Some(language) = Language::of_machine(self.isa) else {
            let message = format!("no language is compiled to the machine `{}`", self.isa.name());
            self.diagnostics.error_with_help(whole, message, "give `asm` or `bytecode`");
            return None;
        };
        let plan = Plan { language, passes: self.passes()? };
        let source = match Source::new(text) {
            Ok(source) => source,
            Err(errors) => {
                self.diagnostics.error(whole, errors.to_string());
                return None;
            }
        };
        // With the values of a row in it, a text is not the one that stands in the file.
        let written = self.node.get("source").and_then(Node::scalar);
        let written = written.filter(|scalar| scalar.text == text);
        let place = |range: Range<usize>| written.map_or(row, |scalar| scalar.span(range));
        let compiled = compile::compile(plan, &source, self.isa, place, self.diagnostics)?;
        Some(SourceProgram { text: text.to_owned(), plan, compiled })
    }

    /// The optimisations; none when the case does not say.
    fn passes(&mut self) -> Option<Passes> {
        let word = |text: &Text| match text.0.as_str() {
            "none" => Some(Passes::NONE),
            "all" => Some(Passes::ALL),
            _ => None,
        };
        let span = self.node.get("passes").map_or(self.node.span, |node| node.span);
        match &self.entry.passes {
            None => Some(Passes::NONE),
            Some(PassesEntry::Word(text)) => {
                if word(text).is_none() {
                    let help = "one pass alone is a list too, as in `[fold]`";
                    let message = "expected `none`, `all` or a list of passes";
                    self.diagnostics.error_with_help(span, message, help);
                }
                word(text)
            }
            Some(PassesEntry::List(names)) => {
                let nodes = self.node.get("passes").map_or(&[][..], Node::items);
                let spans = nodes.iter().map(|node| node.span);
                let passes: Vec<Option<Pass>> =
                    names.iter().zip(spans).map(|(name, span)| self.pass(name, span)).collect();
                passes.into_iter().collect()
            }
        }
    }

    fn pass(&mut self, name: &str, span: Span) -> Option<Pass> {
        let pass = Pass::from_name(name);
        if pass.is_none() {
            let known = Pass::ALL.map(Pass::name);
            let help = match similar(name, known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("the passes are: {}", known.join(", ")),
            };
            self.diagnostics.error_with_help(span, format!("there is no pass `{name}`"), help);
        }
        pass
    }
}
