//! A trace as text, as people read it and case files hold it.

use super::{Change, Notation, Tracer};
use crate::limits;
use crate::state::State;

/// Writes each step as a line, up to [`limits::TRACE_BYTES`]; the steps after that are counted.
#[derive(Clone, Debug)]
pub struct TextTrace<'a> {
    notation: &'a Notation<'a>,
    text: String,
    omitted: u64,
    offset: u32,
    changes: Vec<Change>,
}

impl<'a> TextTrace<'a> {
    /// An empty trace of the program that `notation` is for.
    pub fn new(notation: &'a Notation<'a>) -> Self {
        Self { notation, text: String::new(), omitted: 0, offset: 0, changes: Vec::new() }
    }

    /// The lines so far, each ended by a line feed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many steps have no line because the text had reached its limit.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }
}

impl Tracer for TextTrace<'_> {
    #[inline]
    fn before(&mut self, _at: usize, state: &State) {
        self.offset = state.pc;
        self.changes.clear();
    }

    #[inline]
    fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    #[inline]
    fn after(&mut self, at: usize, state: &State) {
        if self.text.len() >= limits::TRACE_BYTES {
            self.omitted += 1;
            return;
        }
        self.notation.push_row(&mut self.text, at, self.offset, state.stack(), &self.changes);
        self.text.push('\n');
    }
}
