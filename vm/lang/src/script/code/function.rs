//! Functions that are being written, and the places of their variables.

use std::collections::HashMap;
use std::sync::Arc;

use bytestone_vm::module::{Capture, Constant};

use super::super::ast::Function;
use super::Writer;
use crate::error::SourceErrorKind;
use crate::listing::{Label, Listing};
use crate::source::Span;

/// Where a variable is kept.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Local(u32),
    Upvalue(u32),
    /// With the constant that is its name.
    Global(u32),
}

/// A loop around a statement.
#[derive(Clone, Copy)]
pub(super) struct Loop {
    /// Where the next round begins.
    pub(super) next: Label,
    /// Whether that is before the statement.
    pub(super) next_is_back: bool,
    pub(super) end: Label,
}

/// A variable that is known.
struct Local {
    name: Arc<str>,
    slot: u32,
    captured: bool,
}

/// A function that is being written.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) arity: u32,
    pub(super) listing: Listing,
    pub(super) loops: Vec<Loop>,
    pub(super) captures: Vec<Capture>,
    /// The names of the captures, in their order.
    capture_names: Vec<Arc<str>>,
    /// The variables that are known, the latest last.
    locals: Vec<Local>,
    /// Where in `locals` those of each name are, the latest last.
    by_name: HashMap<Arc<str>, Vec<usize>>,
    /// For each block around: how many variables were known before it.
    scopes: Vec<usize>,
    /// The slot of the next variable.
    next_slot: u32,
    /// The slot that no variable has.
    scratch: Option<u32>,
    /// The slots below are those of captured variables, or between those.
    kept: u32,
    /// For each slot the first variable in it.
    pub(super) local_names: Vec<Arc<str>>,
}

impl Draft {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            arity: 0,
            listing: Listing::default(),
            loops: Vec::new(),
            captures: Vec::new(),
            capture_names: Vec::new(),
            locals: Vec::new(),
            by_name: HashMap::new(),
            scopes: Vec::new(),
            next_slot: 0,
            kept: 0,
            scratch: None,
            local_names: Vec::new(),
        }
    }

    /// The statements of the program.
    pub(super) fn main() -> Self {
        Self::named("main")
    }

    /// A function with its parameters.
    pub(super) fn new(function: &Function) -> Self {
        let mut draft = Self::named(function.name.as_deref().unwrap_or_default());
        draft.arity = function.params.len() as u32;
        for param in &function.params {
            draft.declare(&param.text);
        }
        draft
    }

    pub(super) fn is_outside_blocks(&self) -> bool {
        self.scopes.is_empty()
    }

    pub(super) fn open_scope(&mut self) {
        self.scopes.push(self.locals.len());
    }

    /// Forgets the variables of a block. Their slots are free again, except for those up to the last
    /// that was ever captured: closures still know what is there.
    pub(super) fn close_scope(&mut self) {
        let before = self.scopes.pop().unwrap_or(0);
        let Some(first) = self.locals.get(before).map(|local| local.slot) else { return };
        for local in self.locals.drain(before..) {
            if let Some(places) = self.by_name.get_mut(&local.name) {
                places.pop();
            }
            if local.captured {
                self.kept = self.kept.max(local.slot + 1);
            }
        }
        self.next_slot = first.max(self.kept);
    }

    /// The slot of a new variable.
    pub(super) fn declare(&mut self, name: &Arc<str>) -> u32 {
        if self.scratch == Some(self.next_slot) {
            self.next_slot += 1;
        }
        let slot = self.next_slot;
        self.next_slot += 1;
        if slot as usize == self.local_names.len() {
            self.local_names.push(name.clone());
        }
        self.by_name.entry(name.clone()).or_default().push(self.locals.len());
        self.locals.push(Local { name: name.clone(), slot, captured: false });
        slot
    }

    /// The slot of a variable that has no name, always the same.
    pub(super) fn scratch(&mut self) -> u32 {
        let local_names = &mut self.local_names;
        *self.scratch.get_or_insert_with(|| {
            // Behind all that there are: others may still be in use.
            local_names.push("".into());
            local_names.len() as u32 - 1
        })
    }

    fn local(&mut self, name: &str) -> Option<&mut Local> {
        let place = *self.by_name.get(name)?.last()?;
        self.locals.get_mut(place)
    }
}

impl Writer<'_> {
    /// Where the variable that a name means here is kept.
    pub(super) fn find(&mut self, name: &Arc<str>, span: Span) -> Place {
        let innermost = self.open.len() - 1;
        if let Some(local) = self.open[innermost].local(name) {
            return Place::Local(local.slot);
        }
        match self.captured(innermost, name) {
            Some(number) => {
                if self.target.load_upvalue.is_none() {
                    let source = self.source;
                    let what = SourceErrorKind::NotOnMachine { what: "captured variables" };
                    self.errors.push_with(|| source.error(span, what));
                }
                Place::Upvalue(number)
            }
            None => self.global(name),
        }
    }

    pub(super) fn global(&mut self, name: &Arc<str>) -> Place {
        Place::Global(self.pool.constant(Constant::Str(name.clone())))
    }

    /// The number of a captured variable in one of the functions around. All functions between
    /// that one and the variable's own capture it as well.
    fn captured(&mut self, function: usize, name: &Arc<str>) -> Option<u32> {
        let known = self.open[function].capture_names.iter().position(|known| known == name);
        if let Some(number) = known {
            return Some(number as u32);
        }
        let around = function.checked_sub(1)?;
        let capture = match self.open[around].local(name) {
            Some(local) => {
                local.captured = true;
                Capture::Local(local.slot)
            }
            None => Capture::Upvalue(self.captured(around, name)?),
        };
        let draft = &mut self.open[function];
        draft.captures.push(capture);
        draft.capture_names.push(name.clone());
        Some(draft.captures.len() as u32 - 1)
    }
}
