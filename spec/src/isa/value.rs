//! Dynamic values: the tagged union of a machine, and what actions can do with floats, texts and
//! the heap.

use std::sync::Arc;

use super::{IntType, Temp};
use crate::limits;

/// What a cell of a machine's storage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CellType {
    /// A number of fixed width.
    Int(IntType),
    /// A value of the machine's [`Union`].
    Value,
}

impl CellType {
    /// The integer type, if the cell holds a number.
    pub const fn int(self) -> Option<IntType> {
        match self {
            Self::Int(ty) => Some(ty),
            Self::Value => None,
        }
    }
}

/// The tagged union of a machine with dynamic values.
///
/// A value is a cell of 64 bits. One of the variant [`Payload::Float`] is the bits of the number,
/// every NaN being [`Union::NAN`]. Any other has its highest thirteen bits set, then the number of its variant in
/// three bits, then 48 bits of payload. The number 7 is no variant: implementations may mark cells with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Union {
    /// The name in specs.
    pub name: String,
    /// The variants, 1 to 7; the first is a unit and the value of fresh cells.
    pub variants: Vec<Variant>,
    /// The types of records that variants carry.
    pub records: Vec<Arc<Record>>,
}

/// A type of records: objects of the heap with fields, each of which holds a value of the union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name in specs and wherever values are written.
    pub name: String,
    /// The names of its fields, 1 to [`limits::RECORD_FIELDS`], in order.
    pub fields: Vec<String>,
}

/// The index of a type of records in [`Union::records`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordId(pub u8);

/// A field of a type of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldId {
    /// The type.
    pub record: RecordId,
    /// The number of the field.
    pub index: u8,
}

/// A variant of a [`Union`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The name in actions.
    pub name: String,
    /// What it carries.
    pub payload: Payload,
}

/// The index of a variant in [`Union::variants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VariantId(pub u8);

/// What a variant of a union carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// Nothing.
    Unit,
    /// True or false.
    Bool,
    /// A number of at most 32 bits.
    Int(IntType),
    /// A binary64 number of IEEE 754.
    Float,
    /// An immutable text.
    Str,
    /// A reference to an array of values.
    Array,
    /// A reference to a map from texts to values, in the order of insertion.
    Map,
    /// A reference to a function with what it captured.
    Closure,
    /// A reference to a record of a type.
    Record(RecordId),
}

impl Payload {
    /// Whether it is a reference to something on the heap.
    pub const fn is_reference(self) -> bool {
        matches!(self, Self::Str | Self::Array | Self::Map | Self::Closure | Self::Record(_))
    }
}

impl Union {
    /// Stands for the union of a machine that has none: no cell is a value of it.
    pub const EMPTY: &Self =
        &Self { name: String::new(), variants: Vec::new(), records: Vec::new() };

    /// The bits of every NaN.
    pub const NAN: u64 = 0x7ff8 << 48;
    /// The bits that no float has set all.
    pub const TAGGED: u64 = 0xfff8 << 48;
    /// The bits of a payload.
    const PAYLOAD: u64 = (1 << 48) - 1;

    /// The value of fresh cells: the first variant, a unit.
    pub const FRESH: u64 = Self::TAGGED;

    /// The cell of a float.
    #[inline]
    pub fn float(value: f64) -> u64 {
        if value.is_nan() { Self::NAN } else { value.to_bits() }
    }

    /// Whether a cell holds a value of the variant with an id.
    #[inline]
    pub fn is(&self, cell: u64, variant: VariantId) -> bool {
        match self.variants.get(usize::from(variant.0)).map(|variant| variant.payload) {
            Some(Payload::Float) => cell & Self::TAGGED != Self::TAGGED,
            _ => cell >> 48 == 0xfff8 | u64::from(variant.0),
        }
    }

    /// The variant of a cell; `None` for bits that are no value of the union.
    pub fn variant_of(&self, cell: u64) -> Option<VariantId> {
        let ids = (0..self.variants.len() as u8).map(VariantId);
        ids.into_iter().find(|&id| self.is(cell, id))
    }

    /// The cell of a value: for floats the bits of the number, for numbers the canonical cell of their type,
    /// for truth values 0 or 1, for references the handle.
    #[inline]
    pub fn make(&self, variant: VariantId, payload: u64) -> u64 {
        match self.variants.get(usize::from(variant.0)).map(|variant| variant.payload) {
            Some(Payload::Float) => payload,
            _ => Self::TAGGED | u64::from(variant.0) << 48 | payload & Self::PAYLOAD,
        }
    }

    /// The payload of a value, as [`Union::make`] takes it; 0 when it is of another variant.
    #[inline]
    pub fn payload(&self, cell: u64, variant: VariantId) -> u64 {
        if !self.is(cell, variant) {
            return 0;
        }
        match self.variants.get(usize::from(variant.0)).map(|variant| variant.payload) {
            Some(Payload::Float) => cell,
            Some(Payload::Int(ty)) => ty.wrap(cell & Self::PAYLOAD),
            _ => cell & Self::PAYLOAD,
        }
    }

    /// A type of records.
    pub fn record(&self, id: RecordId) -> Option<&Arc<Record>> {
        self.records.get(usize::from(id.0))
    }

    /// A field with its type, as in `Pair.first`; empty if there is no such field.
    pub fn field_name(&self, field: FieldId) -> String {
        let record = self.record(field.record);
        let named = record.and_then(|record| {
            let name = record.fields.get(usize::from(field.index))?;
            Some(format!("{}.{name}", record.name))
        });
        named.unwrap_or_default()
    }

    /// The first variant with a payload.
    pub fn carrying(&self, suits: impl Fn(Payload) -> bool) -> Option<VariantId> {
        let at = self.variants.iter().position(|variant| suits(variant.payload))?;
        u8::try_from(at).ok().map(VariantId)
    }
}

/// Operations of floats, as IEEE 754 has them for binary64, rounding to nearest. A NaN is [`Union::NAN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatOp {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
    /// Remainder with the sign of the dividend: the dividend less the divisor times the quotient rounded
    /// toward zero, exactly. NaN when the dividend is infinite or the divisor zero.
    Rem,
    /// The number with the other sign.
    Neg,
    /// Truth: equal. NaN equals nothing, 0 equals -0.
    Eq,
    /// Truth: less than; false with a NaN.
    Lt,
    /// Truth: at most; false with a NaN.
    Le,
}

impl FloatOp {
    /// Whether the result is a truth value.
    pub const fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Lt | Self::Le)
    }

    /// The result for the bits of floats.
    #[inline]
    pub fn apply(self, a: u64, b: u64) -> u64 {
        let (a, b) = (f64::from_bits(a), f64::from_bits(b));
        match self {
            Self::Add => Union::float(a + b),
            Self::Sub => Union::float(a - b),
            Self::Mul => Union::float(a * b),
            Self::Div => Union::float(a / b),
            Self::Rem => Union::float(a % b),
            Self::Neg => Union::float(-a),
            Self::Eq => u64::from(a == b),
            Self::Lt => u64::from(a < b),
            Self::Le => u64::from(a <= b),
        }
    }
}

/// Conversions between floats and integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// The float nearest to an integer.
    ToFloat,
    /// A float rounded toward zero; the nearest value of the type when it has none such, 0 for NaN.
    Truncate,
}

impl Conversion {
    /// The result for a cell of type `ty`, or for the bits of a float.
    #[inline]
    pub fn apply(self, ty: IntType, a: u64) -> u64 {
        match self {
            Self::ToFloat => (ty.value(a) as f64).to_bits(),
            // `as` rounds toward zero, saturates, and takes NaN to 0.
            Self::Truncate => (f64::from_bits(a) as i128).clamp(ty.min(), ty.max()) as u64,
        }
    }
}

/// What can be asked of values and of the heap. Every question has an answer for every heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Truth: two values are of one variant and equal: numbers as numbers, texts by content, references by
    /// identity.
    Equal,
    /// How many characters (Unicode scalar values) a text has, as `u32`.
    StrLen,
    /// Truth: the texts are equal.
    StrEq,
    /// Truth: the bytes of the first text come before those of the second.
    StrLt,
    /// Truth: the first text is less than or equal to the second.
    StrLe,
    /// How many elements an array has, as `u32`.
    ArrayLen,
    /// The element of an array with an index; a fresh value when there is none.
    Element,
    /// How many entries a map has, as `u32`.
    MapLen,
    /// Truth: a map has an entry for a text.
    Has,
    /// The value of a map for a text; a fresh one when there is none.
    Entry,
    /// Truth: there is a global variable of that name.
    HasGlobal,
    /// The value of a global variable; a fresh one when there is none.
    Global,
    /// How many arguments a closure takes, as `u32`.
    Arity,
    /// What a field of a record holds; a fresh value when it is no record of that type.
    Field(FieldId),
}

/// What an instruction can make on the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum New {
    /// A text: one behind the other.
    Concat(Temp, Temp),
    /// An array of the cells of the list.
    Array,
    /// An empty map.
    Map,
    /// A closure of the function with an index, which captures what the function says.
    Closure(Temp),
    /// A record of a type.
    Record {
        /// The type.
        record: RecordId,
        /// What its fields hold, in order; those behind its last are not used.
        fields: [Temp; limits::RECORD_FIELDS],
    },
}
