//! What is wrong with the text of a value.

use std::sync::Arc;

use bytestone_spec::isa::{IntType, Record};

/// A text that is no value, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct ValueError {
    /// The byte of the text at which it was found.
    pub at: usize,
    /// What is wrong.
    pub fault: ValueFault,
}

/// What is wrong with the text of a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    /// Something else is there than must be.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A word that is no value of the place.
    #[error("`{word}` is no value{}", hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    NoValue {
        /// The word.
        word: String,
        /// What may have been meant.
        hint: Option<String>,
    },
    /// A number that its type does not hold.
    #[error("{word} is no value of type {of}")]
    OutOfRange {
        /// The number.
        word: String,
        /// The type.
        of: IntType,
    },
    /// An escape that JSON does not have.
    #[error("a string has an escape that JSON does not have")]
    BadEscape,
    /// Hexadecimal digits that are not UTF-8.
    #[error("the bytes of a string are not UTF-8")]
    NotUtf8,
    /// A NaN other than the canonical one.
    #[error("a NaN is written 7ff8000000000000")]
    OtherNan,
    /// A key twice in one map.
    #[error("the key {} is there twice", super::file::text_of(.0))]
    DuplicateKey(super::Text),
    /// A long string is not written as its digest.
    #[error(
        "a string of more than {} bytes is written as its length and CRC-32",
        super::Text::FULL
    )]
    LongInFull,
    /// A record that is not written with all fields of its type in order.
    #[error("the fields of a {} are {}", .0.name, .0.fields.join(", "))]
    Fields(Arc<Record>),
    /// A number of a node that was not met.
    #[error("there is no #{0} before this")]
    NoSuchNode(u32),
    /// A node has the number of another.
    #[error("#{0} is there twice")]
    DuplicateNode(u32),
    /// On the wire, nodes are numbered in order.
    #[error("the next new node is #{0}")]
    NodeOrder(u32),
    /// More nodes within each other than values have.
    #[error("values lie at most {} deep within each other", super::DEPTH)]
    TooDeep,
    /// More nodes than a list of values has.
    #[error("a list of values has at most {} arrays, maps, closures and records", super::NODES)]
    TooMany,
}
