//! The heap: texts, arrays, maps, records, closures and captured variables, and the collector.
//!
//! Cells of the machine hold handles: indexes into the slots of the heap, which nothing outside of the state ever
//! shows. A slot whose object cannot be reached any more is used again after a collection. When that happens cannot
//! be observed: the limit counts what is live.

use std::sync::Arc;

use bytestone_spec::isa::{FieldId, RecordId, Union};
use indexmap::IndexMap;

/// A reference to an object of the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Handle(pub(crate) u32);

impl Handle {
    /// The handle that a payload holds.
    #[inline]
    pub(crate) fn of(payload: u64) -> Self {
        Self(payload as u32)
    }
}

/// What lives in a slot.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    /// A text.
    Str(Arc<str>),
    /// An array of values.
    Array(Vec<u64>),
    /// A map, in the order of insertion.
    Map(IndexMap<Arc<str>, u64>),
    /// A record of a type, with a value for each field.
    Record(RecordId, Box<[u64]>),
    /// A function with the variables that it captured.
    Closure(Closure),
    /// A variable that was captured.
    Variable(u64),
}

/// A function with the variables that it captured.
#[derive(Clone, Debug)]
pub(crate) struct Closure {
    pub(crate) function: u32,
    pub(crate) captures: Arc<[Handle]>,
}

/// Bytes of a text that count as one cell.
const BYTES_PER_CELL: usize = 8;

impl Object {
    /// How many cells it takes, as the limit of the heap counts them.
    pub(crate) fn cells(&self) -> u64 {
        match self {
            Self::Str(text) => text_cells(text.len()),
            Self::Array(elements) => 1 + elements.len() as u64,
            Self::Map(entries) => 1 + entries.keys().map(|key| entry_cells(key)).sum::<u64>(),
            Self::Record(_, fields) => 1 + fields.len() as u64,
            Self::Closure(closure) => 1 + closure.captures.len() as u64,
            Self::Variable(_) => 1,
        }
    }
}

/// How many cells an entry with a key takes.
pub(crate) fn entry_cells(key: &str) -> u64 {
    2 + (key.len() / BYTES_PER_CELL) as u64
}

/// How many cells a text takes that is so many bytes long.
pub(crate) fn text_cells(bytes: usize) -> u64 {
    1 + bytes.div_ceil(BYTES_PER_CELL) as u64
}

/// The slots of a heap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heap {
    slots: Vec<Option<Object>>,
    free: Vec<u32>,
    /// How many slots from the first on are constants, which live for ever and count for nothing.
    constants: usize,
    /// The cells of all objects that are no constants, reachable or not.
    size: u64,
    /// What was made since [`Heap::settle`], and how many cells that takes.
    fresh: Vec<Handle>,
    fresh_size: u64,
    /// For each number of a variant whether it carries a handle.
    carries: u8,
}

/// The number that marks a cell that holds the handle of a captured variable.
const VARIABLE: u64 = 7;

/// The cell of a variable that was captured.
#[inline]
pub(crate) fn captured(variable: Handle) -> u64 {
    Union::TAGGED | VARIABLE << 48 | u64::from(variable.0)
}

/// The variable that a cell stands for, if it was captured.
#[inline]
pub(crate) fn captured_in(cell: u64) -> Option<Handle> {
    (cell >> 48 == 0xffff).then(|| Handle::of(cell))
}

impl Heap {
    /// An empty heap, but for constants.
    pub(crate) fn new(union: &Union, constants: impl Iterator<Item = Arc<str>>) -> Self {
        let slots: Vec<_> = constants.map(|text| Some(Object::Str(text))).collect();
        let carries = (0u8..).zip(&union.variants).fold(1 << VARIABLE, |carries, (at, variant)| {
            carries | u8::from(variant.payload.is_reference()) << at
        });
        Self { constants: slots.len(), slots, carries, ..Self::default() }
    }

    /// Puts an object into a slot.
    pub(crate) fn put(&mut self, object: Object) -> Handle {
        let cells = object.cells();
        self.size += cells;
        self.fresh_size += cells;
        let handle = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(object);
                Handle(slot)
            }
            None => {
                self.slots.push(Some(object));
                Handle(self.slots.len() as u32 - 1)
            }
        };
        self.fresh.push(handle);
        handle
    }

    /// Forgets what was made: it is reachable now, or garbage.
    #[inline]
    pub(crate) fn settle(&mut self) {
        self.fresh.clear();
        self.fresh_size = 0;
    }

    /// Whether nothing was made since the heap was settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.fresh.is_empty()
    }

    /// The cells of all objects, reachable or not.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The cells of what was made since the heap was settled.
    pub(crate) fn fresh_size(&self) -> u64 {
        self.fresh_size
    }

    /// Counts cells that are live for ever.
    pub(crate) fn keep(&mut self, cells: u64) {
        self.size += cells;
    }

    /// Whether a text is a constant.
    pub(crate) fn is_constant(&self, handle: Handle) -> bool {
        (handle.0 as usize) < self.constants
    }

    pub(crate) fn get(&self, handle: Handle) -> Option<&Object> {
        self.slots.get(handle.0 as usize)?.as_ref()
    }

    fn get_mut(&mut self, handle: Handle) -> Option<&mut Object> {
        self.slots.get_mut(handle.0 as usize)?.as_mut()
    }

    pub(crate) fn text(&self, handle: Handle) -> Option<&Arc<str>> {
        match self.get(handle)? {
            Object::Str(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn array(&self, handle: Handle) -> Option<&[u64]> {
        match self.get(handle)? {
            Object::Array(elements) => Some(elements),
            _ => None,
        }
    }

    pub(crate) fn map(&self, handle: Handle) -> Option<&IndexMap<Arc<str>, u64>> {
        match self.get(handle)? {
            Object::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn closure(&self, handle: Handle) -> Option<&Closure> {
        match self.get(handle)? {
            Object::Closure(closure) => Some(closure),
            _ => None,
        }
    }

    pub(crate) fn variable(&self, handle: Handle) -> Option<u64> {
        match self.get(handle)? {
            Object::Variable(cell) => Some(*cell),
            _ => None,
        }
    }

    /// Sets a captured variable.
    pub(crate) fn set_variable(&mut self, handle: Handle, cell: u64) {
        if let Some(Object::Variable(place)) = self.get_mut(handle) {
            *place = cell;
        }
    }

    /// Sets an element of an array, or adds one behind the last. None if there is no such place.
    pub(crate) fn set_element(&mut self, handle: Handle, index: u64, cell: u64) -> Option<()> {
        let Object::Array(elements) = self.get_mut(handle)? else { return None };
        let index = usize::try_from(index).ok()?;
        if index == elements.len() {
            elements.push(cell);
            self.size += 1;
        } else {
            *elements.get_mut(index)? = cell;
        }
        Some(())
    }

    /// Sets the entry of a map. None if it is none.
    pub(crate) fn set_entry(&mut self, handle: Handle, key: Arc<str>, cell: u64) -> Option<()> {
        let cells = entry_cells(&key);
        let Object::Map(entries) = self.get_mut(handle)? else { return None };
        if entries.insert(key, cell).is_none() {
            self.size += cells;
        }
        Some(())
    }

    /// What a field of a record holds, if that is a record of such a type.
    pub(crate) fn field(&self, handle: Handle, field: FieldId) -> Option<u64> {
        match self.get(handle)? {
            Object::Record(of, fields) if *of == field.record => {
                fields.get(usize::from(field.index)).copied()
            }
            _ => None,
        }
    }

    /// Sets a field of a record. None if it is no record of such a type.
    pub(crate) fn set_field(&mut self, handle: Handle, field: FieldId, cell: u64) -> Option<()> {
        match self.get_mut(handle)? {
            Object::Record(of, fields) if *of == field.record => {
                *fields.get_mut(usize::from(field.index))? = cell;
                Some(())
            }
            _ => None,
        }
    }

    /// The handle that a cell of the machine holds, if it holds one.
    #[inline]
    pub(crate) fn handle_in(&self, cell: u64) -> Option<Handle> {
        let tagged = cell & Union::TAGGED == Union::TAGGED;
        (tagged && self.carries >> (cell >> 48 & 7) & 1 != 0).then(|| Handle::of(cell))
    }

    /// Frees what can be reached neither from `cells` and `closures` nor from what was just made.
    pub(crate) fn collect(
        &mut self,
        cells: impl Iterator<Item = u64>,
        closures: impl Iterator<Item = Handle>,
    ) {
        let mut marked = vec![false; self.slots.len()];
        marked[..self.constants].fill(true);
        let mut pending: Vec<Handle> = self.fresh.clone();
        pending.extend(closures);
        pending.extend(cells.filter_map(|cell| self.handle_in(cell)));
        while let Some(handle) = pending.pop() {
            match marked.get_mut(handle.0 as usize) {
                Some(mark) if !*mark => *mark = true,
                _ => continue,
            }
            let inner = |cell: &u64| self.handle_in(*cell);
            match self.get(handle) {
                Some(Object::Array(elements)) => pending.extend(elements.iter().filter_map(inner)),
                Some(Object::Map(entries)) => pending.extend(entries.values().filter_map(inner)),
                Some(Object::Record(_, fields)) => pending.extend(fields.iter().filter_map(inner)),
                Some(Object::Closure(closure)) => pending.extend(closure.captures.iter()),
                Some(Object::Variable(cell)) => pending.extend(inner(cell)),
                Some(Object::Str(_)) | None => {}
            }
        }
        for (at, _) in marked.iter().enumerate().filter(|(_, marked)| !**marked) {
            if let Some(object) = self.slots[at].take() {
                self.size -= object.cells();
                self.free.push(at as u32);
            }
        }
    }
}
