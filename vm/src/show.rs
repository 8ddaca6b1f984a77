//! From cells to values: what an onlooker is shown of the heap.

use std::collections::HashMap;
use std::sync::Arc;

use bytestone_spec::isa::{CellType, Payload, Union};

use crate::heap::{Handle, Heap, Object};
use crate::limits;
use crate::value::{Node, NodeKind, Shallow, Value};

/// Shows the cells of one row. Its nodes are numbered in the order in which they are met.
pub(crate) struct Show<'a> {
    union: Option<&'a Union>,
    heap: &'a Heap,
    /// The numbers of the nodes that were met.
    met: HashMap<Handle, u32>,
    depth: usize,
    shown: usize,
}

impl<'a> Show<'a> {
    pub(crate) fn new(union: Option<&'a Union>, heap: &'a Heap) -> Self {
        Self { union, heap, met: HashMap::new(), depth: 0, shown: 0 }
    }

    /// How many values were shown, those in nodes among them.
    pub(crate) fn shown(&self) -> usize {
        self.shown
    }

    /// The value of a cell.
    pub(crate) fn value(&mut self, of: CellType, cell: u64) -> Value {
        self.shown += 1;
        match (of, self.union) {
            (CellType::Int(ty), _) => Value::Int(ty.value(cell)),
            (CellType::Value, Some(union)) => self.dynamic(union, cell),
            (CellType::Value, None) => Value::Cut,
        }
    }

    fn dynamic(&mut self, union: &Union, cell: u64) -> Value {
        let Some((payload, name, bits)) = parts(union, cell) else { return Value::Cut };
        let handle = Handle::of(bits);
        match payload {
            Payload::Unit => Value::Unit(name.into()),
            Payload::Bool => Value::Bool(bits != 0),
            Payload::Int(ty) => Value::Int(ty.value(bits)),
            Payload::Float => Value::Float(bits),
            Payload::Str => {
                self.heap.text(handle).map_or(Value::Cut, |text| Value::Str(text.into()))
            }
            Payload::Array | Payload::Map | Payload::Closure | Payload::Record(_) => {
                self.node(union, handle)
            }
        }
    }

    fn node(&mut self, union: &Union, handle: Handle) -> Value {
        if let Some(&number) = self.met.get(&handle) {
            return Value::Back(number);
        }
        if self.met.len() >= limits::SHOWN_NODES || self.depth >= limits::SHOWN_DEPTH {
            return Value::Cut;
        }
        let number = self.met.len() as u32;
        self.met.insert(handle, number);
        self.depth += 1;
        let kind = match self.heap.get(handle) {
            Some(Object::Array(elements)) => {
                NodeKind::Array(elements.iter().map(|&cell| self.inner(cell)).collect())
            }
            Some(Object::Map(entries)) => NodeKind::Map(
                entries.iter().map(|(key, &cell)| (key.into(), self.inner(cell))).collect(),
            ),
            Some(Object::Closure(closure)) => NodeKind::Closure {
                function: closure.function,
                captures: closure
                    .captures
                    .iter()
                    .map(|&variable| match self.heap.variable(variable) {
                        Some(cell) => self.inner(cell),
                        None => Value::Cut,
                    })
                    .collect(),
            },
            Some(Object::Record(of, fields)) => match union.record(*of) {
                Some(of) => NodeKind::Record {
                    of: Arc::clone(of),
                    fields: fields.iter().map(|&cell| self.inner(cell)).collect(),
                },
                None => NodeKind::Array(Vec::new()),
            },
            // No other object is a node.
            _ => NodeKind::Array(Vec::new()),
        };
        self.depth -= 1;
        Value::Node(Arc::new(Node { number, kind }))
    }

    fn inner(&mut self, cell: u64) -> Value {
        self.value(CellType::Value, cell)
    }
}

/// The dynamic value of a cell with a word in place of each node.
pub(crate) fn shallow(union: Option<&Union>, heap: &Heap, cell: u64) -> Value {
    let Some(union) = union else { return Value::Cut };
    let Some((_, _, bits)) = parts(union, cell) else { return Value::Cut };
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    match heap.handle_in(cell).and_then(|_| heap.get(Handle::of(bits))) {
        Some(Object::Array(elements)) => Value::Shallow(Shallow::Array(length(elements.len()))),
        Some(Object::Map(entries)) => Value::Shallow(Shallow::Map(length(entries.len()))),
        Some(Object::Closure(closure)) => Value::Shallow(Shallow::Closure(closure.function)),
        Some(Object::Record(of, _)) => match union.record(*of) {
            Some(of) => Value::Shallow(Shallow::Record(Arc::clone(of))),
            None => Value::Cut,
        },
        _ => Show::new(Some(union), heap).dynamic(union, cell),
    }
}

/// What a value carries, the name of its variant, and its payload.
fn parts(union: &Union, cell: u64) -> Option<(Payload, &str, u64)> {
    let id = union.variant_of(cell)?;
    let variant = union.variants.get(usize::from(id.0))?;
    Some((variant.payload, &variant.name, union.payload(cell, id)))
}
