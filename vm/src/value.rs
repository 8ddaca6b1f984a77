//! Values as onlookers see them: numbers, and dynamic values with what they reach.
//!
//! There are two notations. [`mod@file`] is for people: case files and traces. [`wire`] is for engines: it has no
//! spaces, and there is one way to write a value. No notation holds an address: where a node (an
//! array, a map, a closure or a record) is met again in one list of values, its number stands for it.

use std::fmt;
use std::sync::Arc;

use bytestone_spec::isa::{CellType, IntType, Isa, Payload, Record, Union};

mod error;
pub mod file;
mod scan;
mod text;
pub mod wire;

pub use error::{ValueError, ValueFault};
pub use text::{Digest, Text};

/// A value as an onlooker sees it.
///
/// Values belong to a list (an operand stack, or one value alone), in which nodes have numbers from 0 on,
/// in the order in which they are met from the first value on, depth first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number of fixed width.
    Int(i128),
    /// A variant without a payload, by its name.
    Unit(Arc<str>),
    /// A truth value.
    Bool(bool),
    /// The bits of a binary64 number; every NaN is [`Union::NAN`].
    Float(u64),
    /// A string.
    Str(Text),
    /// Bytes of memory.
    Bytes(Arc<[u8]>),
    /// An array, map, closure or record that is met for the first time in its list.
    Node(Arc<Node>),
    /// The node with this number, which was met before.
    Back(u32),
    /// A node of which only the size is shown.
    Shallow(Shallow),
    /// A node that is not shown: it lies within [`DEPTH`] others, or [`NODES`] were shown before it.
    Cut,
}

/// The most nodes around a node that is shown.
pub const DEPTH: usize = 64;
/// The most nodes shown in one list of values.
pub const NODES: usize = 4096;

/// An array, map, closure or record, with all that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its number in the list of values.
    pub number: u32,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// The elements of an array.
    Array(Vec<Value>),
    /// The entries of a map in the order of insertion.
    Map(Vec<(Text, Value)>),
    /// A function with what it captured.
    Closure {
        /// The number of the function.
        function: u32,
        /// The values of the captured variables.
        captures: Vec<Value>,
    },
    /// A record.
    Record {
        /// Its type.
        of: Arc<Record>,
        /// What its fields hold, in order.
        fields: Vec<Value>,
    },
}

/// What is shown of a node where only its size is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shallow {
    /// An array of so many elements.
    Array(u32),
    /// A map of so many entries.
    Map(u32),
    /// A closure of the function with this number.
    Closure(u32),
    /// A record of this type.
    Record(Arc<Record>),
}

impl Value {
    /// The number, if it is one of fixed width.
    #[inline]
    pub fn int(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// What is left of it where only the sizes of nodes are shown. A node that was met before stays what it is.
    pub fn shallow(&self) -> Self {
        match self {
            Self::Node(node) => Self::Shallow(node.shallow()),
            other => other.clone(),
        }
    }

    /// The values that it holds directly, in order.
    pub fn parts(&self) -> impl Iterator<Item = &Value> {
        let (list, entries): (&[Value], &[(Text, Value)]) = match self {
            Self::Node(node) => match &node.kind {
                NodeKind::Array(list)
                | NodeKind::Closure { captures: list, .. }
                | NodeKind::Record { fields: list, .. } => (list, &[]),
                NodeKind::Map(entries) => (&[], entries),
            },
            _ => (&[], &[]),
        };
        list.iter().chain(entries.iter().map(|(_, value)| value))
    }
}

impl Node {
    /// Its size.
    pub fn shallow(&self) -> Shallow {
        match &self.kind {
            NodeKind::Array(list) => Shallow::Array(list.len() as u32),
            NodeKind::Map(entries) => Shallow::Map(entries.len() as u32),
            NodeKind::Closure { function, .. } => Shallow::Closure(*function),
            NodeKind::Record { of, .. } => Shallow::Record(Arc::clone(of)),
        }
    }
}

/// Numbers of the types that VMs keep.
macro_rules! from_number {
    ($($number:ty),*) => {$(
        impl From<$number> for Value {
            #[inline]
            fn from(number: $number) -> Self {
                Self::Int(number.into())
            }
        }
    )*};
}

from_number!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

impl PartialEq<i128> for Value {
    fn eq(&self, other: &i128) -> bool {
        self.int() == Some(*other)
    }
}

/// In the notation of case files, as a list of its own.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        file::push(&mut text, self);
        f.pad(&text)
    }
}

/// Which values a place can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'a> {
    /// Numbers of a type.
    Int(IntType),
    /// Values of a union.
    Union(&'a Union),
    /// Bytes of memory.
    Bytes,
}

impl<'a> Form<'a> {
    /// That of cells of a machine.
    pub fn new(isa: &'a Isa, of: CellType) -> Self {
        match (of, &isa.machine().union) {
            (CellType::Int(ty), _) => Self::Int(ty),
            (CellType::Value, Some(union)) => Self::Union(union),
            // A checked machine whose cells hold values has a union.
            (CellType::Value, None) => Self::Int(IntType::unsigned(64)),
        }
    }

    /// What a fresh place holds: zero, or the first variant.
    pub fn fresh(self) -> Value {
        match self {
            Self::Int(_) => Value::Int(0),
            Self::Bytes => Value::Bytes(Arc::default()),
            Self::Union(union) => {
                let first = union.variants.first();
                Value::Unit(first.map_or("", |first| &first.name).into())
            }
        }
    }

    /// Whether the place can hold a value with all that is in it.
    pub fn admits(self, value: &Value) -> bool {
        let own = match (self, value) {
            (_, Value::Back(_) | Value::Cut) => matches!(self, Self::Union(_)),
            (Self::Int(ty), Value::Int(number)) => ty.contains(*number),
            (Self::Bytes, Value::Bytes(_)) => true,
            (Self::Int(_) | Self::Bytes, _) => false,
            (Self::Union(union), value) => {
                union.variants.iter().any(|variant| match (variant.payload, value) {
                    (Payload::Unit, Value::Unit(name)) => variant.name == **name,
                    (Payload::Int(ty), Value::Int(number)) => ty.contains(*number),
                    (Payload::Bool, Value::Bool(_))
                    | (Payload::Float, Value::Float(_))
                    | (Payload::Str, Value::Str(_))
                    | (Payload::Array, Value::Shallow(Shallow::Array(_)))
                    | (Payload::Map, Value::Shallow(Shallow::Map(_)))
                    | (Payload::Closure, Value::Shallow(Shallow::Closure(_))) => true,
                    (Payload::Record(id), Value::Shallow(Shallow::Record(of))) => {
                        union.record(id) == Some(of)
                    }
                    (payload, Value::Node(node)) => node.is_of(payload, union),
                    _ => false,
                })
            }
        };
        own && value.parts().all(|part| self.admits(part))
    }
}

impl Node {
    /// Whether it is what a variant of a union with a payload refers to.
    fn is_of(&self, payload: Payload, union: &Union) -> bool {
        match (&self.kind, payload) {
            (NodeKind::Record { of, fields }, Payload::Record(id)) => {
                union.record(id) == Some(of) && fields.len() == of.fields.len()
            }
            (kind, payload) => matches!(
                (kind, payload),
                (NodeKind::Array(_), Payload::Array)
                    | (NodeKind::Map(_), Payload::Map)
                    | (NodeKind::Closure { .. }, Payload::Closure)
            ),
        }
    }
}
