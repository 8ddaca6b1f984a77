//! Encodings: from a pattern to parts whose bits are all accounted for.

use std::collections::HashMap;

use super::operand::{Format, Kind, Storage, Tables, WordShape, plain_kind};
use super::{Context, machine};
use crate::diagnostic::Span;
use crate::isa::{
    ByteOrder, Encoding, Field, IntType, LabelBase, LabelRule, Operand, OperandKind, Part, Word,
};
use crate::lang::ast::{
    BinaryOp, Expr, ExprKind, Name, OperandDecl, PatternArg, PatternItem, PatternKind, TypeRef,
    UnaryOp,
};
use crate::limits;

/// Bytes of an instruction.
const INSTRUCTION_BYTES: u32 = 64;
/// Formats inside formats.
const FORMAT_DEPTH: usize = 8;
/// Uses of formats in an encoding, those inside of formats included.
const FORMAT_USES: usize = 64;

/// Operands and encoding of an instruction. When the pattern is faulty there is no encoding, and the
/// operands are those that could be made out.
#[derive(Default)]
pub(super) struct Encoded {
    pub(super) operands: Vec<Operand>,
    /// Where each operand is declared.
    pub(super) spans: Vec<Span>,
    pub(super) encoding: Option<Encoding>,
}

/// Builds operands and encoding of an instruction from its pattern.
pub(super) fn build(
    items: &[PatternItem],
    span: Span,
    tables: &Tables,
    context: &mut Context<'_>,
) -> Encoded {
    let before = context.diagnostics.count();
    let mut builder = Builder {
        tables,
        context,
        operands: Vec::new(),
        parts: Vec::new(),
        before,
        formats: 0,
        complete: true,
        site: None,
    };
    builder.items(items, &HashMap::new(), 0);
    builder.finish(span)
}

/// An operand of which not all bits may have a place yet.
struct PendingOperand {
    name: String,
    /// Its name in the encoding or in a format.
    span: Span,
    /// The same, or the use of the format in the encoding.
    site: Span,
    raw: Option<IntType>,
    kind: OperandKind,
    covered: u64,
}

struct Builder<'a, 'c> {
    tables: &'a Tables,
    context: &'a mut Context<'c>,
    operands: Vec<PendingOperand>,
    parts: Vec<Part>,
    /// How many faults there were before this encoding.
    before: usize,
    /// How many formats were used.
    formats: usize,
    /// Whether all parts could be made out.
    complete: bool,
    /// The use of the format at hand, the outermost one.
    site: Option<Span>,
}

fn mask(width: u8) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

type Parameters = HashMap<String, i128>;

impl Builder<'_, '_> {
    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.context.diagnostics.error(span, message);
    }

    fn items(&mut self, items: &[PatternItem], parameters: &Parameters, depth: usize) {
        for item in items {
            if self.parts.len() > INSTRUCTION_BYTES as usize {
                return; // This is reported in the end.
            }
            match &item.kind {
                PatternKind::Fixed(value) => self.fixed_byte(value, parameters),
                PatternKind::Operand(operand) => self.operand_part(operand),
                PatternKind::Bare(value) => self.bare(value, parameters),
                PatternKind::Align => self.context.diagnostics.unsupported(item.span, "alignment"),
                PatternKind::Apply(name, arguments) => {
                    self.apply(name, arguments, parameters, item.span, depth);
                }
            }
        }
    }

    fn bare(&mut self, value: &Expr, parameters: &Parameters) {
        if constant(value, parameters).is_some() {
            self.fixed_byte(value, parameters);
        } else if let ExprKind::Slice(..) = value.kind {
            let what = "bits of an operand outside of a word";
            self.context.diagnostics.unsupported(value.span, what);
        } else {
            self.context.diagnostics.error_with_help(
                value.span,
                "an operand needs a type",
                "as in `v:i32`; bits of an operand go into a word: `w(imm=v[31:0])`",
            );
        }
    }

    fn fixed_byte(&mut self, value: &Expr, parameters: &Parameters) {
        match constant(value, parameters) {
            Some(byte @ 0..=255) => self.parts.push(Part::Word(Word {
                bytes: 1,
                order: ByteOrder::Little,
                fixed_mask: 0xff,
                fixed_value: byte as u64,
                zero_mask: 0,
                fields: Vec::new(),
            })),
            Some(_) => self.error(value.span, "a byte is a number from 0 to 255"),
            None => self.error(value.span, "expected a number"),
        }
    }

    fn operand_part(&mut self, decl: &OperandDecl) {
        let Some((storage, mut kind)) = self.typed(&decl.ty) else { return };
        if let Some(name) = &decl.kind {
            match plain_kind(&name.text, name.span, &self.tables.banks, self.context) {
                Some(meaning) => kind = meaning,
                None => return,
            }
        }
        let Some(storage) = storage else {
            self.error(decl.ty.name.span, "outside of a word, the kind of an operand needs `raw`");
            return;
        };
        let raw = storage.int_type();
        if raw.bits % 8 != 0 && matches!(storage, Storage::Fixed(..)) {
            self.error(decl.ty.name.span, "outside of a word, an operand is made of whole bytes");
            return;
        }
        let Some(operand) = self.declare(&decl.name, Some(raw), kind) else { return };
        self.operands[usize::from(operand)].covered = mask(raw.bits);
        self.parts.push(match storage {
            Storage::Leb(_) => Part::Leb { operand },
            Storage::Fixed(_, order) => Part::Word(Word {
                bytes: raw.bits / 8,
                order,
                fixed_mask: 0,
                fixed_value: 0,
                zero_mask: 0,
                fields: vec![Field { operand, word_low: 0, width: raw.bits, operand_low: 0 }],
            }),
        });
    }

    /// What a type in an encoding stands for: a plain number or a kind of operand.
    fn typed(&mut self, ty: &TypeRef) -> Option<(Option<Storage>, OperandKind)> {
        let name = &ty.name;
        if let Some(what) = ty.reserved {
            self.context.diagnostics.unsupported(name.span, what);
            return None;
        }
        if let Some(Kind { raw, kind }) = self.tables.kinds.get(&name.text) {
            return Some((*raw, *kind));
        }
        if let Some(storage) = Storage::parse(&name.text) {
            return Some((Some(storage), OperandKind::Immediate));
        }
        let number = name.text.trim_end_matches("be").trim_end_matches("le");
        if number.starts_with(['i', 'u', 'f']) && number.ends_with(|c: char| c.is_ascii_digit()) {
            self.complete = false;
            machine::int_type(number, name.span, self.context);
        } else {
            let kinds = self.tables.kinds.keys().map(String::as_str);
            let known = kinds.chain(["i32", "u8", "u16be", "uleb32"]);
            self.unknown(name, "type or kind of operand", known);
        }
        None
    }

    /// The operand with a name, declared if it is new.
    fn declare(&mut self, name: &Name, raw: Option<IntType>, kind: OperandKind) -> Option<u8> {
        if self.operands.iter().any(|operand| operand.name == name.text) {
            self.error(name.span, format!("the operand `{}` is declared twice", name.text));
            return None;
        }
        if self.operands.len() == limits::OPERANDS {
            self.error(name.span, format!("more than {} operands", limits::OPERANDS));
            return None;
        }
        self.operands.push(PendingOperand {
            name: name.text.clone(),
            span: name.span,
            site: self.site.unwrap_or(name.span),
            raw,
            kind,
            covered: 0,
        });
        Some(self.operands.len() as u8 - 1)
    }

    fn apply(
        &mut self,
        name: &Name,
        arguments: &[PatternArg],
        parameters: &Parameters,
        span: Span,
        depth: usize,
    ) {
        let tables = self.tables;
        if let Some(shape) = tables.words.get(&name.text) {
            self.word(shape, arguments, parameters);
        } else if let Some(format) = tables.formats.get(&name.text) {
            if depth == FORMAT_DEPTH {
                self.error(span, format!("formats are nested deeper than {FORMAT_DEPTH} levels"));
                return;
            }
            let outer = self.site;
            self.site = outer.or(Some(span));
            self.formats += 1;
            if self.formats <= FORMAT_USES {
                self.format(name, format, arguments, parameters, depth);
            } else if self.formats == FORMAT_USES + 1 {
                self.error(span, format!("more than {FORMAT_USES} formats in one encoding"));
            }
            self.site = outer;
        } else {
            let known = tables.words.keys().chain(tables.formats.keys()).map(String::as_str);
            self.unknown(name, "word or format", known);
        }
    }

    fn format(
        &mut self,
        name: &Name,
        format: &Format,
        arguments: &[PatternArg],
        outer: &Parameters,
        depth: usize,
    ) {
        if arguments.len() != format.parameters.len() {
            let (takes, given) = (format.parameters.len(), arguments.len());
            let message = format!(
                "`{}` takes {takes} argument{}, and {given} are given",
                name.text,
                if takes == 1 { "" } else { "s" },
            );
            self.error(name.span, message);
            return;
        }
        let mut parameters = Parameters::new();
        for (parameter, argument) in format.parameters.iter().zip(arguments) {
            match argument {
                PatternArg::Plain(value) => match constant(value, outer) {
                    Some(value) => {
                        parameters.insert(parameter.clone(), value);
                    }
                    None => self
                        .context
                        .diagnostics
                        .unsupported(value.span, "an argument of a format that is no number"),
                },
                PatternArg::Set(name, ..) | PatternArg::Typed(name, _) => self
                    .context
                    .diagnostics
                    .unsupported(name.span, "an argument of a format that is no number"),
            }
        }
        if parameters.len() == format.parameters.len() {
            self.items(&format.items, &parameters, depth + 1);
        }
    }

    fn word(&mut self, shape: &WordShape, arguments: &[PatternArg], parameters: &Parameters) {
        let mut word = Word {
            bytes: shape.bytes,
            order: shape.order,
            fixed_mask: 0,
            fixed_value: 0,
            zero_mask: 0,
            fields: Vec::new(),
        };
        let mut used = 0;
        for argument in arguments {
            let (PatternArg::Set(field, ..) | PatternArg::Typed(field, _)) = argument else {
                if let PatternArg::Plain(value) = argument {
                    self.error(
                        value.span,
                        "fields of a word are written `field=value` or `field:type`",
                    );
                }
                continue;
            };
            let Some(&(high, low)) = shape.fields.get(&field.text) else {
                self.unknown(field, "field", shape.fields.keys().map(String::as_str));
                continue;
            };
            let width = high - low + 1;
            let bits = mask(width) << low;
            if used & bits != 0 {
                self.error(
                    field.span,
                    format!("the field `{}` overlaps another one of this word", field.text),
                );
                continue;
            }
            used |= bits;
            match argument {
                PatternArg::Set(_, value, ty) => match constant(value, parameters) {
                    Some(number) if number >= 0 && number as u128 <= u128::from(mask(width)) => {
                        word.fixed_mask |= bits;
                        word.fixed_value |= (number as u64) << low;
                    }
                    Some(number) => {
                        let message = format!("{number} does not fit a field of {width} bits");
                        self.error(value.span, message);
                    }
                    None => self.field(value, ty.as_ref(), low, width, &mut word),
                },
                PatternArg::Typed(name, ty) => {
                    let value = Expr { span: name.span, kind: ExprKind::Name(name.text.clone()) };
                    self.field(&value, Some(ty), low, width, &mut word);
                }
                PatternArg::Plain(_) => {}
            }
        }
        word.zero_mask = mask(shape.bytes * 8) & !used;
        self.parts.push(Part::Word(word));
    }

    /// A field that holds an operand, or bits of one.
    fn field(
        &mut self,
        value: &Expr,
        ty: Option<&TypeRef>,
        word_low: u8,
        width: u8,
        word: &mut Word,
    ) {
        let (name, slice) = match &value.kind {
            ExprKind::Name(name) => (name, None),
            ExprKind::Slice(base, high, low) => match &base.kind {
                ExprKind::Name(name) => (name, Some((*high, *low))),
                _ => return self.error(value.span, "bits are taken of an operand"),
            },
            _ => {
                return self
                    .error(value.span, "expected a number, an operand or bits of an operand");
            }
        };
        let name = Name { text: name.clone(), span: value.span };
        let known = self.operands.iter().position(|operand| operand.name == name.text);
        if let (Some(_), Some(_), Some(ty)) = (known, slice, ty) {
            let message = format!("the operand `{}` has a type already", name.text);
            return self.error(ty.name.span, message);
        }
        let operand = match (known, slice) {
            (Some(at), Some(_)) => at as u8,
            (Some(_), None) => {
                return self
                    .error(value.span, format!("the operand `{}` is stored twice", name.text));
            }
            (None, _) => match self.declare_in_word(&name, ty, width, slice.is_some()) {
                Some(operand) => operand,
                None => return,
            },
        };
        let (high, low) = slice.unwrap_or((u32::from(width) - 1, 0));
        if high < low || high - low + 1 != u32::from(width) {
            let message = format!("these bits do not fill a field of {width} bits");
            return self.error(value.span, message);
        }
        let bits = mask(width) << low;
        let pending = &mut self.operands[usize::from(operand)];
        if let Some(raw) = pending.raw.filter(|raw| high >= u32::from(raw.bits)) {
            let message = format!("a number of type {raw} has the bits {} to 0", raw.bits - 1);
            return self.error(value.span, message);
        }
        if pending.covered & bits != 0 {
            return self
                .error(value.span, "these bits of the operand are already stored elsewhere");
        }
        pending.covered |= bits;
        word.fields.push(Field { operand, word_low, width, operand_low: low as u8 });
    }

    fn declare_in_word(
        &mut self,
        name: &Name,
        ty: Option<&TypeRef>,
        width: u8,
        sliced: bool,
    ) -> Option<u8> {
        let (storage, kind) = match ty {
            Some(ty) => self.typed(ty)?,
            None => (None, OperandKind::Immediate),
        };
        let raw = match storage {
            Some(Storage::Leb(_)) => {
                self.error(name.span, "a LEB128 number has no place in a word");
                return None;
            }
            Some(Storage::Fixed(ty, _)) => Some(ty),
            None if sliced => None,
            None => Some(IntType::unsigned(width)),
        };
        if let Some(raw) = raw
            && !sliced
            && raw.bits != width
        {
            self.error(
                name.span,
                format!("a number of type {raw} does not fill a field of {width} bits"),
            );
            return None;
        }
        self.declare(name, raw, kind)
    }

    fn finish(mut self, span: Span) -> Encoded {
        let spans = self.operands.iter().map(|operand| operand.site).collect();
        let operands = self.finish_operands();
        // What is missing may be the part that is faulty.
        if self.is_sound() {
            self.starts_with_fixed_bits(span);
        }
        let (min_len, max_len) = self.parts.iter().fold((0, 0), |(min, max), part| match part {
            Part::Word(word) => (min + u32::from(word.bytes), max + u32::from(word.bytes)),
            Part::Leb { operand } => {
                let bits = operands[usize::from(*operand)].raw.bits;
                (min + 1, max + u32::from(bits.div_ceil(7)))
            }
        });
        if max_len > INSTRUCTION_BYTES {
            self.error(span, format!("an instruction has at most {INSTRUCTION_BYTES} bytes"));
        }
        let sound = self.is_sound();
        let encoding = Encoding { parts: self.parts, min_len, max_len };
        Encoded { operands, spans, encoding: Some(encoding).filter(|_| sound) }
    }

    /// Whether nothing is wrong, here or in a definition that is used here.
    fn is_sound(&self) -> bool {
        self.complete && self.context.diagnostics.count() == self.before
    }

    fn unknown<'n>(&mut self, name: &Name, what: &str, known: impl Iterator<Item = &'n str>) {
        self.complete = false;
        self.context.unknown(name.span, what, &name.text, known);
    }

    fn starts_with_fixed_bits(&mut self, span: Span) {
        if !matches!(self.parts.first(), Some(Part::Word(word)) if word.fixed_mask != 0) {
            self.error(span, "an encoding starts with a byte or word that has fixed bits");
        }
    }

    fn finish_operands(&mut self) -> Vec<Operand> {
        let mut operands = Vec::new();
        let sound = self.is_sound();
        for pending in std::mem::take(&mut self.operands) {
            let raw = pending
                .raw
                .unwrap_or_else(|| IntType::unsigned(64 - pending.covered.leading_zeros() as u8));
            if sound && pending.covered != mask(raw.bits) {
                let message =
                    format!("not every bit of the operand `{}` ({raw}) is stored", pending.name);
                self.error(pending.span, message);
            }
            if let OperandKind::Label(LabelRule { base: LabelBase::Operand, .. }) = pending.kind {
                self.refuse_variable_base(operands.len() as u8, pending.span);
            }
            operands.push(Operand { name: pending.name, raw, kind: pending.kind });
        }
        operands
    }

    /// A label that counts from its operand must know where that is before it is written.
    fn refuse_variable_base(&mut self, operand: u8, span: Span) {
        for part in &self.parts {
            match part {
                Part::Word(word) if word.fields.iter().any(|field| field.operand == operand) => {
                    return;
                }
                Part::Word(_) => {}
                Part::Leb { operand: held } if *held == operand => return,
                Part::Leb { .. } => {
                    self.error(span, "a label cannot count from an operand behind a LEB128 number");
                    return;
                }
            }
        }
    }
}

/// The value of an expression of numbers and parameters.
fn constant(expr: &Expr, parameters: &Parameters) -> Option<i128> {
    match &expr.kind {
        ExprKind::Int(_) | ExprKind::Bits(_) => expr.number(),
        ExprKind::Name(name) => parameters.get(name).copied(),
        ExprKind::Unary(UnaryOp::Minus, inner) => constant(inner, parameters)?.checked_neg(),
        ExprKind::Binary(op, a, b) => {
            let (a, b) = (constant(a, parameters)?, constant(b, parameters)?);
            match op {
                BinaryOp::Add => a.checked_add(b),
                BinaryOp::Sub => a.checked_sub(b),
                BinaryOp::Mul => a.checked_mul(b),
                BinaryOp::Or => Some(a | b),
                BinaryOp::And => Some(a & b),
                BinaryOp::Shl => {
                    u32::try_from(b).ok().filter(|b| *b < 64).and_then(|b| a.checked_mul(1 << b))
                }
                _ => None,
            }
        }
        _ => None,
    }
}
