//! Anchors of the manual, and what the words of a text lead to.

use std::collections::BTreeMap;

use bytestone_spec::Isa;
use bytestone_spec::isa::Note;

use super::rejects;

/// What an anchor stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Instruction,
    Clause,
    Trap,
    Extern,
    Reject,
    Decision,
    Erratum,
    Source,
}

/// The anchor of a thing with a name. Different names have different anchors.
pub(super) fn anchor(target: Target, name: &str) -> String {
    let mut anchor = match target {
        Target::Instruction => "insn-",
        Target::Clause => "clause-",
        Target::Trap => "trap-",
        Target::Extern => "host-",
        Target::Reject => "reject-",
        Target::Decision => "decision-",
        Target::Erratum => "erratum-",
        Target::Source => "source-",
    }
    .to_owned();
    for c in name.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => anchor.push(c),
            _ => anchor.push_str(&format!("~{:x}~", u32::from(c))),
        }
    }
    anchor
}

/// A piece of a text: what it says, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece<'t> {
    pub(super) text: &'t str,
    pub(super) style: Style,
    pub(super) anchor: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Text,
    Code,
}

/// The names that lead somewhere when a text mentions them.
#[derive(Debug)]
pub(super) struct Links<'a> {
    isa: &'a Isa,
    names: BTreeMap<&'a str, String>,
    /// Decisions and errata by anchor.
    notes: BTreeMap<String, &'a Note>,
    /// The anchors of the notes that mention a thing, by its anchor.
    mentions: BTreeMap<String, Vec<String>>,
}

impl<'a> Links<'a> {
    pub(super) fn new(isa: &'a Isa) -> Self {
        let mut names = BTreeMap::new();
        for reason in rejects::listed(isa) {
            names.insert(reason.name(), anchor(Target::Reject, reason.name()));
        }
        for trap in isa.traps() {
            // The limit of the stack is both a trap and a reason: its name alone leads nowhere.
            if names.remove(trap.name.as_str()).is_none() {
                names.insert(&trap.name, anchor(Target::Trap, &trap.name));
            }
        }
        // A name that could be a word of the language is left alone.
        names.retain(|name, _| name.contains('_'));
        for insn in isa.instructions() {
            let name = insn.name.as_str();
            if name.len() > 1 && !name.chars().any(|c| c.is_ascii_lowercase()) {
                names.insert(name, anchor(Target::Instruction, name));
            }
        }
        let decisions = isa.decisions().iter().map(|note| (Target::Decision, note));
        let errata = isa.errata().iter().map(|note| (Target::Erratum, note));
        let notes: Vec<(String, &Note)> = decisions
            .chain(errata)
            .map(|(target, note)| (anchor(target, &note.name), note))
            .collect();
        let mut links = Self { isa, names, notes: BTreeMap::new(), mentions: BTreeMap::new() };
        for (anchor, note) in &notes {
            for mentioned in links.sentence(&note.text).into_iter().filter_map(|piece| piece.anchor)
            {
                let mentions = links.mentions.entry(mentioned).or_default();
                if mentions.last() != Some(anchor) {
                    mentions.push(anchor.clone());
                }
            }
        }
        links.notes = notes.into_iter().collect();
        links
    }

    /// A sentence in pieces. Text between backticks is code; names of instructions, traps and
    /// reject reasons lead to their entries.
    pub(super) fn sentence<'t>(&self, text: &'t str) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        let mut rest = text.trim();
        while let Some((before, after)) = rest.split_once('`') {
            let Some((code, tail)) = after.split_once('`').filter(|(code, _)| !code.is_empty())
            else {
                break;
            };
            self.words(before, &mut pieces);
            let anchor = self.names.get(code).cloned();
            pieces.push(Piece { text: code, style: Style::Code, anchor });
            rest = tail;
        }
        self.words(rest, &mut pieces);
        pieces
    }

    fn words<'t>(&self, text: &'t str, pieces: &mut Vec<Piece<'t>>) {
        let mut plain = 0;
        let mut at = 0;
        for token in text.split_inclusive(|c: char| !is_name_char(c)) {
            let word = token.trim_end_matches(|c: char| !is_name_char(c)).trim_end_matches('.');
            if let Some(anchor) = self.names.get(word) {
                push_text(&text[plain..at], pieces);
                let anchor = Some(anchor.clone());
                pieces.push(Piece { text: word, style: Style::Code, anchor });
                plain = at + word.len();
            }
            at += token.len();
        }
        push_text(&text[plain..], pieces);
    }

    /// Where a rule comes from: the short name of a source and the notes that it cites lead to
    /// them.
    pub(super) fn reference<'t>(&self, text: &'t str) -> Vec<Piece<'t>> {
        let mut pieces: Vec<Piece<'t>> = Vec::new();
        let mut cited = None;
        for word in text.split_inclusive(char::is_whitespace) {
            let name = word.trim_end_matches(|c: char| c.is_whitespace() || ",;.:".contains(c));
            let anchor = match cited.take() {
                Some((notes, target)) => known_note(notes, name).then(|| anchor(target, name)),
                None if self.isa.sources().iter().any(|(source, _)| source == name) => {
                    Some(anchor(Target::Source, name))
                }
                None => None,
            };
            cited = match name {
                "decision" => Some((self.isa.decisions(), Target::Decision)),
                "erratum" => Some((self.isa.errata(), Target::Erratum)),
                _ => None,
            };
            match anchor {
                Some(anchor) => {
                    pieces.push(Piece { text: name, style: Style::Text, anchor: Some(anchor) });
                    push_text(&word[name.len()..], &mut pieces);
                }
                None => push_text(word, &mut pieces),
            }
        }
        pieces
    }

    /// The notes that mention a thing and that its own reference does not cite.
    pub(super) fn notes_on(
        &self,
        target: Target,
        name: &str,
        reference: Option<&str>,
    ) -> Vec<(&str, &'a Note)> {
        let cited: Vec<Piece<'_>> = reference.map(|text| self.reference(text)).unwrap_or_default();
        self.mentions
            .get(&anchor(target, name))
            .into_iter()
            .flatten()
            .filter(|note| !cited.iter().any(|piece| piece.anchor.as_ref() == Some(note)))
            .filter_map(|note| Some((note.as_str(), *self.notes.get(note)?)))
            .collect()
    }
}

fn known_note(notes: &[Note], name: &str) -> bool {
    notes.iter().any(|note| note.name == name)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

fn push_text<'t>(text: &'t str, pieces: &mut Vec<Piece<'t>>) {
    if !text.is_empty() {
        pieces.push(Piece { text, style: Style::Text, anchor: None });
    }
}
