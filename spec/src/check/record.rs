//! Records: their types, and what actions do with them.

use std::sync::Arc;

use super::Context;
use super::body::{Lowering, Type};
use super::expr::Typed;
use super::machine::parse_int_type;
use super::storage::is_name;
use crate::diagnostic::Span;
use crate::file::HeapFile;
use crate::isa::{
    FieldId, New, Payload, Question, Record, RecordId, Temp, Union, Variant, WriteTo,
};
use crate::lang::ast::{Expr, Name};
use crate::limits;

/// The path of the types of records in a file.
const RECORDS: [&str; 3] = ["machine", "heap", "records"];

/// The types of records of a machine whose dynamic values are of the type `value`.
pub(super) fn types(
    heap: Option<&HeapFile>,
    value: &str,
    context: &mut Context<'_>,
) -> Vec<Arc<Record>> {
    let Some(heap) = heap else { return Vec::new() };
    if heap.records.len() > limits::VARIANTS {
        let message = format!("a machine has at most {} types of records", limits::VARIANTS);
        context.diagnostics.error(context.key_span(&RECORDS), message);
    }
    let mut types = Vec::new();
    for (name, fields) in heap.records.iter().take(limits::VARIANTS) {
        let [a, b, c] = RECORDS;
        let span = context.key_span(&[a, b, c, name]);
        if !is_record_name(name) {
            let message =
                "the name of a type of records is a capital letter, then letters and digits";
            context.diagnostics.error(span, message);
        }
        if !(1..=limits::RECORD_FIELDS).contains(&fields.len()) {
            let message = format!("a record has 1 to {} fields", limits::RECORD_FIELDS);
            context.diagnostics.error(span, message);
        }
        for (field, of) in fields {
            let path = [a, b, c, name, field];
            if !is_name(field) {
                let message = "a field's name holds lower-case letters, digits and `_`";
                context.diagnostics.error(context.key_span(&path), message);
            }
            if **of != *value {
                refuse_type(of, value, context.span(&path), context);
            }
        }
        let fields = fields.keys().take(limits::RECORD_FIELDS).cloned().collect();
        types.push(Arc::new(Record { name: name.clone(), fields }));
    }
    types
}

/// Reports a field that holds something else than dynamic values.
fn refuse_type(of: &str, value: &str, span: Span, context: &mut Context<'_>) {
    let is_type = parse_int_type(of).is_some() || matches!(of, "bool" | "f64" | "str");
    if is_type {
        let what = format!("a field of type {of} (a field holds a `{value}`)");
        context.diagnostics.unsupported(span, what);
    } else {
        context.unknown(span, "type", of, [value].into_iter());
    }
}

fn is_record_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Reports types of records that no variant carries.
pub(super) fn unused(records: &[Arc<Record>], variants: &[Variant], context: &mut Context<'_>) {
    for (at, record) in (0..).zip(records) {
        let payload = Payload::Record(RecordId(at));
        if !variants.iter().any(|variant| variant.payload == payload) {
            let [a, b, c] = RECORDS;
            let span = context.key_span(&[a, b, c, &record.name]);
            let message = format!("no variant carries a `{}`", record.name);
            context.diagnostics.error(span, message);
        }
    }
}

impl Lowering<'_, '_> {
    /// What a type is called in messages.
    pub(super) fn named(&self, ty: Type) -> String {
        match (ty, self.union()) {
            (Type::Record(id), Some(union)) => {
                union.record(id).map_or_else(String::new, |record| record.name.clone())
            }
            _ => ty.to_string(),
        }
    }

    /// `new Name{field = value, …}`: each field once.
    pub(super) fn new_record(
        &mut self,
        name: &Name,
        given: &[(Name, Expr)],
        span: Span,
    ) -> Option<Typed> {
        let records = self.union().map_or(&[][..], |union| &union.records).to_vec();
        let Some(at) = records.iter().position(|record| record.name == name.text) else {
            let known = records.iter().map(|record| record.name.as_str());
            self.context.unknown(name.span, "type of records", &name.text, known);
            return None;
        };
        let (id, record) = (RecordId(at as u8), &records[at]);
        let mut values: Vec<Option<Temp>> = vec![None; record.fields.len()];
        let mut sound = true;
        for (field, value) in given {
            // The value is examined even if there is no such field.
            let value = self.expr_of(value, Type::Value);
            sound &= value.is_some();
            match record.fields.iter().position(|known| *known == field.text) {
                Some(place) if values[place].is_some() => {
                    let message = format!("the field `{}` is given twice", field.text);
                    self.context.diagnostics.error(field.span, message);
                    sound = false;
                }
                // A faulty value still counts as given.
                Some(place) => values[place] = Some(value.unwrap_or(0)),
                None => {
                    self.unknown_field(field, record);
                    sound = false;
                }
            }
        }
        let missing: Vec<String> = (record.fields.iter().zip(&values))
            .filter(|(_, value)| value.is_none())
            .map(|(field, _)| format!("`{field}`"))
            .collect();
        if sound && !missing.is_empty() {
            let message = format!("{} of the new {} is not given", missing.join(", "), record.name);
            let help = "a new record gives a value to each of its fields";
            self.context.diagnostics.error_with_help(span, message, help);
            return None;
        }
        if !sound {
            return None;
        }
        let mut fields = [0; limits::RECORD_FIELDS];
        for (place, value) in fields.iter_mut().zip(values) {
            *place = value?;
        }
        self.new_cell(New::Record { record: id, fields }, Type::Record(id), span)
    }

    fn unknown_field(&mut self, field: &Name, record: &Record) {
        let path = |field: &str| format!("{}.{field}", record.name);
        let known: Vec<String> = record.fields.iter().map(|field| path(field)).collect();
        let known = known.iter().map(String::as_str);
        self.context.unknown(field.span, "field", &path(&field.text), known);
    }

    /// `base.field`.
    pub(super) fn field(&mut self, base: &Expr, field: &Name, span: Span) -> Option<Typed> {
        let (object, field) = self.field_of(base, field)?;
        self.ask(Question::Field(field), object, object, Type::Value, span)
    }

    /// `base.field = value`.
    pub(super) fn assign_field(&mut self, base: &Expr, field: &Name, value: &Expr) {
        let Some((object, field)) = self.field_of(base, field) else {
            return self.take_for_used(value);
        };
        let Some(value) = self.expr_of(value, Type::Value) else { return };
        let clause = self.clause("field");
        self.write(WriteTo::Field { object, field }, value, clause, "the first write to the heap");
    }

    /// The record that `base` is, and its field.
    fn field_of(&mut self, base: &Expr, field: &Name) -> Option<(Temp, FieldId)> {
        let of = self.expr(base, None)?;
        let Type::Record(id) = of.ty else {
            let message = format!("expected a record, found {}", of.ty);
            match of.ty {
                Type::Value => {
                    let help = "look at what it is: `match x { … }`";
                    self.context.diagnostics.error_with_help(base.span, message, help);
                }
                _ => self.context.diagnostics.error(base.span, message),
            }
            return None;
        };
        let record = self.union().and_then(|union: &Union| union.record(id)).cloned()?;
        let Some(index) = record.fields.iter().position(|known| *known == field.text) else {
            self.unknown_field(field, &record);
            return None;
        };
        Some((of.temp, FieldId { record: id, index: index as u8 }))
    }
}
