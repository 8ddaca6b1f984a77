//! From statements to bytes: the places of labels, and the lengths of the instructions that name
//! them.

use std::collections::HashMap;

use bytestone_spec::isa::{InsnId, Instruction, IntType, Isa, LabelRule, OperandKind, Part};
use bytestone_spec::limits::OPERANDS;

use super::Span;
use super::error::{AsmErrorKind, ErrorLog, did_you_mean, excerpt};
use crate::codec::{Codec, EncodeError, encoded_len};
use crate::limits;
use crate::program::Insn;

/// Looks at instructions that may have to grow, which bounds the time that settling takes. In the
/// worst case each pass over them lets one grow; few programs need more than three passes.
const LOOKS: usize = 1 << 25;
/// Passes that are made in any case.
const PASSES: usize = 32;

/// An operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Its raw number, as a cell.
    Cell(u64),
    /// A place in the code.
    Label(Target, Span),
}

/// What a label operand names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An offset.
    Offset(i128),
    /// A label, by its index in [`Layout::symbols`].
    Symbol(u32),
}

/// A place in a layout.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Anchor {
    /// The bytes before it.
    bytes: u32,
    /// The instructions with labels before it.
    fixups: u32,
}

/// The encodings that an instruction may have, by the numbers of the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forms {
    first: u8,
    last: u8,
}

impl Forms {
    /// All of them.
    pub(super) fn all(isa: &Isa, id: InsnId) -> Self {
        let last = isa.instruction(id).encodings.len().saturating_sub(1) as u8;
        Self { first: 0, last }
    }

    /// This one only.
    pub(super) fn only(form: u8) -> Self {
        Self { first: form, last: form }
    }

    /// The types of the operands that one of them can hold.
    pub(super) fn raws(self, insn: &Instruction) -> &[IntType] {
        insn.encodings.get(usize::from(self.last)).map_or(&[], |encoding| &encoding.raws)
    }
}

/// An instruction with label operands, whose bytes are not known yet.
#[derive(Clone, Copy, Debug)]
struct Fixup {
    /// The instruction, where it is and as long as it is taken to be.
    insn: Insn,
    /// The last encoding that it may grow to.
    last_form: u8,
    /// The bytes of the layout before it.
    bytes: u32,
    /// Where its operands start in [`Layout::values`].
    first_value: u32,
    /// How many they are.
    values: u32,
    /// Where the function starts that it is in.
    origin: Anchor,
}

/// A label.
#[derive(Clone, Copy, Debug)]
struct Symbol<'t> {
    name: &'t str,
    /// The number of the function that it belongs to.
    function: u32,
    /// Where it is, and the line of the definition.
    definition: Option<(Anchor, u32)>,
}

/// A program whose labels have no places yet.
#[derive(Debug, Default)]
pub(super) struct Layout<'t> {
    /// The bytes of what names no label.
    bytes: Vec<u8>,
    /// The rest, in order.
    fixups: Vec<Fixup>,
    values: Vec<Value>,
    symbols: Vec<Symbol<'t>>,
    /// Those of the current function.
    symbol_by_name: HashMap<&'t str, u32>,
    /// How many functions were begun.
    functions: u32,
    /// Where the current one starts.
    origin: Anchor,
    statements: Vec<(Anchor, u32)>,
    /// The cells of an instruction, kept to allocate once.
    cells: Vec<u64>,
}

impl<'t> Layout<'t> {
    /// The least length of the code so far, in bytes.
    pub(super) fn len(&self) -> u32 {
        self.offset(self.here())
    }

    /// The place behind what was added so far.
    pub(super) fn here(&self) -> Anchor {
        Anchor { bytes: self.bytes.len() as u32, fixups: self.fixups.len() as u32 }
    }

    /// The offset of a place in the code, as far as lengths are known.
    pub(super) fn offset(&self, anchor: Anchor) -> u32 {
        match anchor.fixups.checked_sub(1) {
            None => anchor.bytes,
            Some(before) => {
                let fixup = &self.fixups[before as usize];
                fixup.insn.next() + (anchor.bytes - fixup.bytes)
            }
        }
    }

    /// Begins a function, which has labels of its own.
    pub(super) fn begin_function(&mut self) {
        self.symbol_by_name.clear();
        self.functions += 1;
        self.origin = self.here();
    }

    /// Begins a statement that starts at byte `start` of the text.
    pub(super) fn begin_statement(&mut self, start: usize) {
        self.statements.push((self.here(), start as u32));
    }

    /// The statements: their offsets, and their starts in the text.
    pub(super) fn statements(&self) -> impl Iterator<Item = (u32, usize)> {
        self.statements.iter().map(|&(anchor, start)| (self.offset(anchor), start as usize))
    }

    /// The index of the label with a name, defined or not.
    pub(super) fn symbol(&mut self, name: &'t str) -> u32 {
        let next = self.symbols.len() as u32;
        let index = *self.symbol_by_name.entry(name).or_insert(next);
        if index == next {
            self.symbols.push(Symbol { name, function: self.functions, definition: None });
        }
        index
    }

    /// Puts a label here, in line `line` of the text; or tells the line where it already is.
    pub(super) fn define(&mut self, name: &'t str, line: u32) -> Result<(), u32> {
        let index = self.symbol(name) as usize;
        match self.symbols[index].definition {
            Some((_, first)) => Err(first),
            None => {
                self.symbols[index].definition = Some((self.here(), line));
                Ok(())
            }
        }
    }

    pub(super) fn push_byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Adds an operand of the instruction that [`Self::push_insn`] adds next.
    pub(super) fn push_value(&mut self, value: Value) {
        self.values.push(value);
    }

    /// How many operands were added.
    pub(super) fn value_count(&self) -> usize {
        self.values.len()
    }

    /// Adds an instruction whose operands are those from `first_value` on; or tells why they have no bytes.
    pub(super) fn push_insn(
        &mut self,
        codec: &Codec<'_>,
        id: InsnId,
        forms: Forms,
        first_value: usize,
    ) -> Result<(), EncodeError> {
        let values = &self.values[first_value..];
        let aligned = is_aligned(codec.isa().instruction(id));
        if aligned || values.iter().any(|value| matches!(value, Value::Label(..))) {
            let insn = least_insn(codec.isa(), (id, forms), self.len(), values);
            let bytes = self.bytes.len() as u32;
            let (first_value, values) = (first_value as u32, values.len() as u32);
            let (last_form, origin) = (forms.last, self.origin);
            self.fixups.push(Fixup { insn, last_form, bytes, first_value, values, origin });
            return Ok(());
        }
        self.cells.clear();
        self.cells.extend(values.iter().map(|value| match value {
            Value::Cell(cell) => *cell,
            Value::Label(..) => 0,
        }));
        self.values.truncate(first_value);
        if forms.first == forms.last {
            codec.encode_as((id, forms.first), &self.cells, &mut self.bytes)
        } else {
            codec.encode(id, &self.cells, &mut self.bytes)
        }
    }

    /// Reports every use of a label that is not defined.
    pub(super) fn check_symbols(&self, errors: &mut ErrorLog) {
        for value in &self.values {
            let Value::Label(Target::Symbol(index), span) = *value else { continue };
            let Symbol { name, function, definition } = self.symbols[index as usize];
            if definition.is_none() {
                errors.push_with(span, || {
                    let defined = self
                        .symbols
                        .iter()
                        .filter(|known| known.definition.is_some() && known.function == function);
                    let hint = did_you_mean(name, defined.map(|known| known.name));
                    (AsmErrorKind::UnknownLabel { name: excerpt(name) }, hint)
                });
            }
        }
    }

    fn target_offset(&self, target: Target) -> i128 {
        match target {
            Target::Offset(offset) => offset,
            Target::Symbol(index) => self.symbols[index as usize]
                .definition
                .map_or(0, |(anchor, _)| i128::from(self.offset(anchor))),
        }
    }

    fn values_of(&self, fixup: &Fixup) -> &[Value] {
        let first = fixup.first_value as usize;
        &self.values[first..first + fixup.values as usize]
    }

    /// The operands that were added since there were `first_value`.
    pub(super) fn values_from(&self, first_value: usize) -> &[Value] {
        &self.values[first_value..]
    }

    /// Lets instructions grow until each is long enough for the distances of its labels.
    pub(super) fn settle(&mut self, isa: &Isa, errors: &mut ErrorLog) {
        let mut grown = None;
        for _ in 0..PASSES.max(LOOKS / self.fixups.len().max(1)) {
            grown = None;
            let mut inserted = 0;
            for index in 0..self.fixups.len() {
                let mut fixup = self.fixups[index];
                fixup.insn.offset = fixup.bytes + inserted;
                let values = self.values_of(&fixup);
                let (last_form, origin) = (fixup.last_form, self.offset(fixup.origin));
                let target = |target| self.target_offset(target);
                if grow(isa, &mut fixup.insn, last_form, values, origin, target) {
                    grown = Some(index);
                }
                inserted += fixup.insn.len;
                self.fixups[index] = fixup;
            }
            if grown.is_none() {
                break;
            }
        }
        if let Some(fixup) = grown.map(|index| self.fixups[index]) {
            errors.push(self.label_span(&fixup), AsmErrorKind::UnsettledLength);
        } else if self.len() as usize > limits::CODE_BYTES {
            errors.push(0..0, AsmErrorKind::CodeTooLong);
        }
    }

    /// The place of the first label operand of an instruction.
    fn label_span(&self, fixup: &Fixup) -> Span {
        let spans = self.values_of(fixup).iter().filter_map(|value| match value {
            Value::Label(_, span) => Some(*span),
            Value::Cell(_) => None,
        });
        spans.min_by_key(|span| span.start).unwrap_or(Span { start: 0, end: 0 })
    }

    /// The bytes of the whole layout, which is settled.
    pub(super) fn encode(&mut self, codec: &Codec<'_>, errors: &mut ErrorLog) -> Vec<u8> {
        if self.fixups.is_empty() {
            return std::mem::take(&mut self.bytes);
        }
        let mut code = Vec::with_capacity(self.len() as usize);
        let mut copied = 0;
        let mut cells = Vec::new();
        for fixup in &self.fixups {
            code.extend_from_slice(&self.bytes[copied..fixup.bytes as usize]);
            copied = fixup.bytes as usize;
            self.resolve(codec.isa(), fixup, &mut cells, errors);
            let start = code.len();
            let form = (fixup.insn.id, fixup.insn.form);
            let encoded = codec.encode_as(form, &cells, &mut code);
            let as_planned = code.len() - start == fixup.insn.len as usize;
            let problem = match encoded {
                Err(error) => Some(error.into()),
                Ok(()) => (!as_planned).then_some(AsmErrorKind::UnsettledLength),
            };
            // Not an error when a label could not be resolved: that was reported.
            if let Some(kind) = problem.filter(|_| errors.is_empty()) {
                errors.push(self.label_span(fixup), kind);
            }
        }
        code.extend_from_slice(&self.bytes[copied..]);
        code
    }

    /// Puts the raw numbers of the operands of an instruction into `cells`.
    fn resolve(&self, isa: &Isa, fixup: &Fixup, cells: &mut Vec<u64>, errors: &mut ErrorLog) {
        cells.clear();
        let insn = isa.instruction(fixup.insn.id);
        let origin = self.offset(fixup.origin);
        let raws = &fixup.insn.encoding(isa).raws;
        for (index, value) in self.values_of(fixup).iter().enumerate() {
            let at = insn.operand_of(index);
            let (operand, ty) = (&insn.operands[usize::from(at)], raws[usize::from(at)]);
            cells.push(match (*value, operand.kind) {
                (Value::Label(target, span), OperandKind::Label(rule)) => {
                    let base = fixup.insn.label_base(isa, at, rule, origin);
                    let target = self.target_offset(target);
                    let scale = i128::from(rule.scale);
                    let raw = nearest_raw(rule, base, target);
                    let exact = |raw: &i128| raw.checked_mul(scale) == target.checked_sub(base);
                    match raw.filter(exact).and_then(|raw| ty.cell(raw)) {
                        Some(cell) => cell,
                        None => {
                            errors.push_with(span, || {
                                out_of_reach(rule, base, target, [ty.min(), ty.max()])
                            });
                            0
                        }
                    }
                }
                (Value::Cell(cell), _) => cell,
                (Value::Label(..), _) => 0,
            });
        }
    }
}

/// The raw number that leads from `base` to `target`, or not quite as far; `None` if there is none. A text may name any
/// offset, such as the least number of all.
fn nearest_raw(rule: LabelRule, base: i128, target: i128) -> Option<i128> {
    target.saturating_sub(base).checked_div(rule.scale.into())
}

/// Why no raw number between the two leads from `base` to `target`.
fn out_of_reach(
    rule: LabelRule,
    base: i128,
    target: i128,
    raw: [i128; 2],
) -> (AsmErrorKind, Option<String>) {
    let ends = raw.map(|raw| base + i128::from(rule.scale) * raw);
    let (min, max) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    if target < min || max < target {
        return (AsmErrorKind::TargetOutOfRange { min, max, target }, None);
    }
    let step = rule.scale.unsigned_abs().max(1);
    let below = target - (target - base).rem_euclid(step.into());
    let hint = format!("@{below} and @{} can be reached", below + i128::from(step));
    (AsmErrorKind::UnreachableTarget { step, base, target }, Some(hint))
}

/// The instruction at `offset` in the first encoding and with the least length that its operands
/// leave open.
fn least_insn(isa: &Isa, (id, forms): (InsnId, Forms), offset: u32, values: &[Value]) -> Insn {
    let encodings = &isa.instruction(id).encodings;
    let fits = |form: &u8| {
        let raws = encodings[usize::from(*form)].raws.iter();
        raws.zip(values).all(|(raw, value)| match value {
            Value::Cell(cell) => raw.wrap(*cell) == *cell,
            Value::Label(..) => true,
        })
    };
    let form = (forms.first..forms.last).find(fits).unwrap_or(forms.last);
    Insn::new((id, form), offset, least_len(isa, (id, form), offset, values), 0)
}

/// How many elements the list of an instruction has.
fn elements(isa: &Isa, id: InsnId, values: &[Value]) -> usize {
    let insn = isa.instruction(id);
    if insn.count.is_some() { values.len().saturating_sub(insn.scalars()) } else { 0 }
}

/// Whether the length of an instruction depends on where it is.
fn is_aligned(insn: &Instruction) -> bool {
    let is_align = |part: &Part| matches!(part, Part::Align { .. });
    insn.encodings.iter().any(|encoding| encoding.parts.iter().any(is_align))
}

/// The length of an instruction in an encoding if its labels are as near as can be.
fn least_len(isa: &Isa, (id, form): (InsnId, u8), offset: u32, values: &[Value]) -> u32 {
    let encoding = &isa.instruction(id).encodings[usize::from(form)];
    let elements = elements(isa, id, values);
    encoded_len(encoding, offset, elements, |operand| match values.get(usize::from(operand)) {
        Some(Value::Cell(cell)) => encoding.raws[usize::from(operand)].value(*cell),
        _ => 0,
    })
}

/// Lets an instruction grow, up to the encoding `last_form`, until the distances of its labels
/// fit; whether it did.
fn grow(
    isa: &Isa,
    insn: &mut Insn,
    last_form: u8,
    values: &[Value],
    origin: u32,
    target_offset: impl Fn(Target) -> i128,
) -> bool {
    let description = isa.instruction(insn.id);
    let start = (insn.form, insn.len);
    let aligned = is_aligned(description);
    loop {
        let encoding = insn.encoding(isa);
        let raw = |at: u8| {
            let operand = &description.operands[usize::from(at)];
            match (values[usize::from(at)], operand.kind) {
                (Value::Label(target, _), OperandKind::Label(rule)) => {
                    let base = insn.label_base(isa, at, rule, origin);
                    // What is too far away fits in no encoding.
                    nearest_raw(rule, base, target_offset(target)).unwrap_or(i128::MAX)
                }
                (Value::Cell(cell), _) => operand.raw.value(cell),
                (Value::Label(..), _) => 0,
            }
        };
        let fits = || (0..).zip(&encoding.raws).all(|(at, ty)| ty.contains(raw(at)));
        if insn.form < last_form && !fits() {
            insn.form += 1;
            insn.len = least_len(isa, (insn.id, insn.form), insn.offset, values);
            continue;
        }
        let needed = encoded_len(encoding, insn.offset, elements(isa, insn.id, values), raw);
        if aligned {
            // Its place may have changed, and with that its length in either direction. No part of
            // it depends on its length.
            insn.len = needed;
            return (insn.form, insn.len) != start;
        }
        if needed <= insn.len {
            return (insn.form, insn.len) > start;
        }
        insn.len = needed;
    }
}

/// The instruction that the assembler makes, in one of `forms`, of `insn` with its label operands
/// written as the offsets that `cells` lead to. Its function starts at `origin`.
fn by_offsets(isa: &Isa, insn: &Insn, forms: Forms, cells: &[u64], origin: u32) -> Insn {
    let nowhere = Span { start: 0, end: 0 };
    let mut values = [Value::Cell(0); OPERANDS];
    // No list is part of an instruction with several encodings, and the others have no choice.
    let values = values.get_mut(..cells.len().min(OPERANDS)).unwrap_or_default();
    for ((at, value), &cell) in (0..).zip(values.iter_mut()).zip(cells) {
        *value = match insn.target(isa, at, cell, origin) {
            Some(target) => Value::Label(Target::Offset(target), nowhere),
            None => Value::Cell(cell),
        };
    }
    let mut settled = least_insn(isa, (insn.id, forms), insn.offset, values);
    grow(isa, &mut settled, forms.last, values, origin, |target| match target {
        Target::Offset(offset) => offset,
        Target::Symbol(_) => 0,
    });
    settled
}

/// Whether text must say in which encoding an instruction is, because the assembler would take
/// another one.
pub(super) fn is_unusual(isa: &Isa, insn: &Insn, cells: &[u64], origin: u32) -> bool {
    let forms = Forms::all(isa, insn.id);
    forms.last > 0 && by_offsets(isa, insn, forms, cells, origin).form != insn.form
}

/// Whether the assembler makes an instruction as long as `insn` of its text, with its label
/// operands written as offsets.
pub(super) fn keeps_len(isa: &Isa, insn: &Insn, cells: &[u64], origin: u32) -> bool {
    if isa.instruction(insn.id).count.is_some() {
        return true; // Nothing in it has a length that depends on a label.
    }
    let settled = by_offsets(isa, insn, Forms::all(isa, insn.id), cells, origin);
    let settled = match settled.form == insn.form {
        true => settled,
        false => by_offsets(isa, insn, Forms::only(insn.form), cells, origin),
    };
    settled.len == insn.len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_bytes_is_not_dropped() {
        let isa = bytestone_spec::load_builtin("stack").unwrap().unwrap();
        let codec = Codec::new(&isa);
        let load = codec.mnemonic("LOAD").unwrap();
        let mut layout = Layout::default();
        layout.push_value(Value::Cell(256));
        let refused = layout.push_insn(&codec, load, Forms::all(&isa, load), 0);
        let ty = IntType::unsigned(8);
        let error = EncodeError::OutOfRange { operand: 0, ty, cell: 256 };
        assert_eq!(refused, Err(error));
        assert_eq!(layout.len(), 0);
        assert_eq!(
            AsmErrorKind::from(error).to_string(),
            "expected operands that can be encoded, found that operand 0 must be a value of u8, which the cell 0x100 is not"
        );
    }
}
