//! Encodings: from a pattern to parts whose bits are all accounted for.

mod forms;
mod parameter;

use self::parameter::{Argument, Parameters, constant};
use super::operand::{Format, Kind, Storage, Tables, WordShape, plain_kind};
use super::{Context, machine};
use crate::diagnostic::Span;
use crate::isa::{
    ByteOrder, Encoding, Field, IntType, LabelBase, LabelRole, LabelRule, Operand, OperandKind,
    Part, Word,
};
use crate::lang::ast::{
    Expr, ExprKind, Name, OperandDecl, PatternArg, PatternItem, PatternKind, TypeRef,
};
use crate::limits;

/// Operands and encodings of an instruction. When a pattern is faulty there are no encodings, and
/// the operands are those that could be made out.
#[derive(Default)]
pub(super) struct Encoded {
    pub(super) operands: Vec<Operand>,
    /// Where each operand is declared.
    pub(super) spans: Vec<Span>,
    /// If the last operand is a list, the name of how many elements it has.
    pub(super) list: Option<Name>,
    pub(super) encodings: Option<Vec<Encoding>>,
}

/// Builds operands and encodings of an instruction from its patterns and their places, of which
/// there is at least one.
pub(super) fn build(
    patterns: &[(Vec<PatternItem>, Span)],
    tables: &Tables,
    context: &mut Context<'_>,
) -> Encoded {
    let mut forms = Vec::new();
    for (items, span) in patterns {
        let mut choice = 0;
        loop {
            if forms.len() == limits::ENCODINGS {
                let message = format!("more than {} encodings", limits::ENCODINGS);
                context.diagnostics.error(*span, message);
                break;
            }
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
                choice,
                choices: None,
                list: None,
            };
            builder.items(items, &Parameters::new(), 0);
            let choices = builder.choices.unwrap_or(1);
            forms.push(builder.finish(*span));
            choice += 1;
            if choice >= choices {
                break;
            }
        }
    }
    forms::merge(forms, context)
}

/// One encoding, whose operands are not held to those of the others yet.
struct Form {
    operands: Vec<PendingOperand>,
    parts: Vec<Part>,
    list: Option<Name>,
    span: Span,
    /// Whether nothing is wrong with it.
    sound: bool,
}

/// An operand of which not all bits may have a place.
struct PendingOperand {
    name: String,
    /// Its name in the encoding or in a format.
    span: Span,
    /// The same, or the use of the format in the encoding.
    site: Span,
    raw: Option<IntType>,
    kind: OperandKind,
    /// The bits that have a place.
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
    /// Which encoding is taken of a format of several.
    choice: usize,
    /// How many encodings that format has, once there was one.
    choices: Option<usize>,
    /// How many elements the list has, once there was one.
    list: Option<Name>,
}

fn mask(width: u8) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

impl Builder<'_, '_> {
    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.context.diagnostics.error(span, message);
    }

    fn items(&mut self, items: &[PatternItem], parameters: &Parameters, depth: usize) {
        for item in items {
            if self.parts.len() > limits::INSTRUCTION_BYTES as usize {
                return; // This is reported in the end.
            }
            if self.list.is_some() {
                return self.error(item.span, "a list is the last part of an encoding");
            }
            match &item.kind {
                PatternKind::Fixed(value) => self.fixed_byte(value, parameters),
                PatternKind::Operand(operand) => self.operand_part(operand),
                PatternKind::Bare(value, ty) => self.bare(value, ty.as_ref(), parameters),
                PatternKind::Align(arguments) => self.align(arguments, item.span, parameters),
                PatternKind::Apply(name, arguments) => {
                    self.apply(name, arguments, parameters, item.span, depth);
                }
            }
        }
    }

    /// A number, an operand that a format was given, or eight bits of an operand.
    fn bare(&mut self, value: &Expr, ty: Option<&TypeRef>, parameters: &Parameters) {
        let argument = |name: &String| match parameters.get(name) {
            Some(Argument::Operand(name, ty)) => Some((name.clone(), ty.clone())),
            _ => None,
        };
        match &value.kind {
            _ if ty.is_none() && constant(value, parameters).is_some() => {
                self.fixed_byte(value, parameters);
            }
            ExprKind::Name(name) if argument(name).is_some() => {
                let Some((name, ty)) = argument(name) else { return };
                self.operand_part(&OperandDecl { name, ty, kind: None });
            }
            ExprKind::Slice(_, high, low) if *high != low + 7 => self.error(
                value.span,
                "outside of a word, bits of an operand fill a byte: `x[7:0]`, `x[15:8]`, …",
            ),
            ExprKind::Slice(..) => {
                let mut word = Word {
                    bytes: 1,
                    order: ByteOrder::Little,
                    fixed_mask: 0,
                    fixed_value: 0,
                    zero_mask: 0,
                    fields: Vec::new(),
                };
                self.field(value, ty, (0, 8), &mut word, parameters);
                self.parts.push(Part::Word(word));
            }
            _ => self.context.diagnostics.error_with_help(
                value.span,
                "an operand needs a type",
                "as in `v:i32`; bits of an operand are written `v[7:0]`, or in a word `w(imm=v[31:0])`",
            ),
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

    /// `align(n)`.
    fn align(&mut self, arguments: &[Expr], span: Span, parameters: &Parameters) {
        let to = match arguments {
            [to] => constant(to, parameters),
            _ => None,
        };
        if self.tables.functions {
            return self.context.diagnostics.unsupported(span, "alignment in modules");
        }
        match to {
            Some(to @ (2 | 4 | 8 | 16)) => self.parts.push(Part::Align { to: to as u8 }),
            _ => self.context.diagnostics.error_with_help(
                span,
                "expected what the next byte is aligned to",
                "as in `align(4)`: 2, 4, 8 or 16",
            ),
        }
    }

    /// A list of labels: `targets:rel32[n]`.
    fn list_part(&mut self, decl: &OperandDecl, count: &Name) {
        let element = TypeRef { reserved: None, count: None, ..decl.ty.clone() };
        let Some((storage, kind)) = self.typed(&element) else { return };
        let span = decl.ty.name.span;
        let (Some(Storage::Fixed(raw, order)), None) = (storage, &decl.kind) else {
            return self.context.diagnostics.unsupported(span, "a list of such elements");
        };
        let OperandKind::Label(LabelRule { base, role: LabelRole::Jump, .. }) = kind else {
            return self.context.diagnostics.unsupported(span, "a list of anything but labels");
        };
        if base == LabelBase::Operand {
            return self.error(span, "an element of a list cannot count from itself");
        }
        if raw.bits % 8 != 0 {
            return self.error(span, "outside of a word, an operand is made of whole bytes");
        }
        let Some(operand) = self.declare(&decl.name, Some(raw), kind) else { return };
        self.operands[usize::from(operand)].covered = mask(raw.bits);
        self.parts.push(Part::List { operand, bytes: raw.bits / 8, order });
        self.list = Some(count.clone());
    }

    fn operand_part(&mut self, decl: &OperandDecl) {
        if let Some(count) = &decl.ty.count {
            return self.list_part(decl, count);
        }
        let Some((storage, mut kind)) = self.typed(&decl.ty) else { return };
        if let Some(name) = &decl.kind {
            match plain_kind(&name.text, name.span, self.tables, self.context) {
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
            if depth == limits::FORMAT_DEPTH {
                let message =
                    format!("formats are nested deeper than {} levels", limits::FORMAT_DEPTH);
                self.error(span, message);
                return;
            }
            let outer = self.site;
            self.site = outer.or(Some(span));
            self.formats += 1;
            if self.formats <= limits::FORMAT_USES {
                self.format(name, format, arguments, parameters, depth);
            } else if self.formats == limits::FORMAT_USES + 1 {
                let message = format!("more than {} formats in one encoding", limits::FORMAT_USES);
                self.error(span, message);
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
            if let Some(argument) = self.argument(argument, outer) {
                parameters.insert(parameter.clone(), argument);
            }
        }
        if parameters.len() != format.parameters.len() {
            return;
        }
        let [first, more @ ..] = format.encodings.as_slice() else { return };
        let mut items = first;
        if !more.is_empty() {
            if self.choices.replace(format.encodings.len()).is_some() {
                let what = "a second format of several encodings in one encoding";
                return self.context.diagnostics.unsupported(name.span, what);
            }
            items = format.encodings.get(self.choice).unwrap_or(first);
        }
        self.items(items, &parameters, depth + 1);
        for argument in parameters.values() {
            let Argument::Operand(operand, _) = argument else { continue };
            if self.is_sound() && !self.operands.iter().any(|known| known.name == operand.text) {
                let message = format!("`{}` does not store the operand", name.text);
                self.error(operand.span, message);
            }
        }
    }

    /// What an argument of a format stands for.
    fn argument(&mut self, argument: &PatternArg, outer: &Parameters) -> Option<Argument> {
        match argument {
            PatternArg::Typed(name, ty) => Some(Argument::Operand(name.clone(), ty.clone())),
            PatternArg::Plain(value) => match (&value.kind, constant(value, outer)) {
                (_, Some(value)) => Some(Argument::Number(value)),
                (ExprKind::Name(name), None) if outer.contains_key(name) => {
                    outer.get(name).cloned()
                }
                _ => {
                    self.context.diagnostics.error_with_help(
                        value.span,
                        "an argument of a format is a number or an operand",
                        "an operand needs a type, as in `slot:u16`",
                    );
                    None
                }
            },
            PatternArg::Set(name, ..) => {
                self.error(name.span, "an argument of a format is a number or an operand");
                None
            }
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
                    None => self.field(value, ty.as_ref(), (low, width), &mut word, parameters),
                },
                PatternArg::Typed(name, ty) => {
                    let value = Expr { span: name.span, kind: ExprKind::Name(name.text.clone()) };
                    self.field(&value, Some(ty), (low, width), &mut word, &Parameters::new());
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
        (word_low, width): (u8, u8),
        word: &mut Word,
        parameters: &Parameters,
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
        let mut name = Name { text: name.clone(), span: value.span };
        let mut ty = ty;
        if let Some(Argument::Operand(operand, declared)) = parameters.get(&name.text) {
            if let Some(ty) = ty {
                let message = format!("the operand `{}` has a type already", name.text);
                return self.error(ty.name.span, message);
            }
            name = operand.clone();
            let first = self.operands.iter().all(|known| known.name != name.text);
            ty = first.then_some(declared);
        }
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

    fn finish(mut self, span: Span) -> Form {
        // What is missing may be the part that is faulty.
        if self.is_sound() {
            self.starts_with_fixed_bits(span);
        }
        for operand in 0..self.operands.len() {
            let PendingOperand { kind, span, .. } = self.operands[operand];
            if let OperandKind::Label(LabelRule { base: LabelBase::Operand, .. }) = kind {
                self.refuse_variable_base(operand as u8, span);
            }
        }
        let sound = self.is_sound();
        Form { operands: self.operands, parts: self.parts, list: self.list, span, sound }
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

    /// A label that counts from its operand must know where that is before it is written.
    fn refuse_variable_base(&mut self, operand: u8, span: Span) {
        for part in &self.parts {
            match part {
                Part::Word(word) if word.fields.iter().any(|field| field.operand == operand) => {
                    return;
                }
                Part::Word(_) => {}
                Part::Leb { operand: held } | Part::List { operand: held, .. }
                    if *held == operand =>
                {
                    return;
                }
                Part::Leb { .. } | Part::List { .. } => {
                    self.error(span, "a label cannot count from an operand behind a LEB128 number");
                    return;
                }
                Part::Align { .. } => {
                    self.error(span, "a label cannot count from an operand that is aligned");
                    return;
                }
            }
        }
    }
}
