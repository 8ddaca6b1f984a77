//! What encodings refer to by name: words of bit fields, kinds of operands, formats.

use indexmap::IndexMap;

use super::machine::parse_int_type;
use super::{Context, machine, pair};
use crate::diagnostic::{Diagnostics, Span};
use crate::file::{BitsFile, OperandFile, SpecFile};
use crate::isa::{
    BankId, ByteOrder, ConstantRule, IndexRule, IntType, LabelBase, LabelRole, LabelRule, Machine,
    OperandKind, VariantId,
};
use crate::lang::ast::{BinaryOp, Expr, ExprKind, PatternItem, UnaryOp};
use crate::lang::{bounds, parse_expression, parse_pattern, parse_signature};
use crate::limits;
use crate::yaml::{Node, Scalar};

/// Everything that encodings refer to.
pub(crate) struct Tables {
    pub(super) words: IndexMap<String, WordShape>,
    pub(super) kinds: IndexMap<String, Kind>,
    pub(super) formats: IndexMap<String, Format>,
    pub(super) banks: Vec<String>,
    /// Whether programs have constants and functions.
    pub(super) functions: bool,
}

/// A word of bit fields.
pub(super) struct WordShape {
    pub(super) bytes: u8,
    pub(super) order: ByteOrder,
    /// Highest and lowest bit of each field.
    pub(super) fields: IndexMap<String, (u8, u8)>,
}

/// How the number of an operand is stored outside of words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    Fixed(IntType, ByteOrder),
    Leb(IntType),
}

impl Storage {
    pub(super) fn int_type(self) -> IntType {
        match self {
            Self::Fixed(ty, _) | Self::Leb(ty) => ty,
        }
    }

    /// By name: `i32`, `u16be`, `uleb32`, `sleb64`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if let Some(bits) = name.strip_prefix("uleb") {
            return parse_int_type(&format!("u{bits}")).map(Self::Leb);
        }
        if let Some(bits) = name.strip_prefix("sleb") {
            return parse_int_type(&format!("i{bits}")).map(Self::Leb);
        }
        if let Some(name) = name.strip_suffix("be") {
            return Some(Self::Fixed(parse_int_type(name)?, ByteOrder::Big));
        }
        let name = name.strip_suffix("le").unwrap_or(name);
        Some(Self::Fixed(parse_int_type(name)?, ByteOrder::Little))
    }
}

/// A kind of operand.
pub(super) struct Kind {
    /// How it is stored; as wide as its field when absent.
    pub(super) raw: Option<Storage>,
    pub(super) kind: OperandKind,
}

/// An encoding with parameters.
pub(super) struct Format {
    /// Its key in the file.
    pub(super) key: String,
    pub(super) parameters: Vec<String>,
    /// At least one; the first that fits is the canonical one.
    pub(super) encodings: Vec<Vec<PatternItem>>,
}

pub(super) fn tables(file: &SpecFile, machine: &Machine, context: &mut Context<'_>) -> Tables {
    let mut tables = Tables {
        words: IndexMap::new(),
        kinds: IndexMap::new(),
        formats: IndexMap::new(),
        banks: machine.banks.iter().map(|bank| bank.name.clone()).collect(),
        functions: machine.frames.is_some(),
    };
    for (name, bits) in &file.bits {
        match word(name, bits, context) {
            Some(word) => {
                tables.words.insert(name.clone(), word);
            }
            None => context.define_faulty(name),
        }
    }
    for (name, operand) in &file.operands {
        match kind(name, operand, machine, &tables, context) {
            Some(kind) => {
                tables.kinds.insert(name.clone(), kind);
            }
            None => context.define_faulty(name),
        }
    }
    for key in file.formats.keys() {
        match define_format(key, &tables, context) {
            Some((name, format)) => {
                tables.formats.insert(name, format);
            }
            None => context.define_faulty(key),
        }
    }
    tables
}

fn word(name: &str, file: &BitsFile, context: &mut Context<'_>) -> Option<WordShape> {
    let width =
        file.width.parse::<u8>().ok().filter(|width| *width % 8 == 0 && (8..=64).contains(width));
    if width.is_none() {
        let span = context.span(&["bits", name, "width"]);
        context.diagnostics.error(span, "the width of a word is 8, 16, 24, … or 64 bits");
    }
    let order = match file.order.0.as_str() {
        "le" => Some(ByteOrder::Little),
        "be" => Some(ByteOrder::Big),
        _ => {
            let span = context.span(&["bits", name, "order"]);
            context.unknown(span, "byte order", &file.order, ["le", "be"].into_iter());
            None
        }
    };
    if file.fields.len() > limits::FIELDS {
        let message = format!("a word has at most {} fields", limits::FIELDS);
        context.diagnostics.error(context.key_span(&["bits", name, "fields"]), message);
        return None;
    }
    let mut fields = IndexMap::new();
    let mut sound = true;
    for (field, bits) in &file.fields {
        let within = |&(high, low): &(u32, u32)| high >= low && high < width.unwrap_or(64).into();
        if let Some((high, low)) = bounds(bits).filter(within) {
            fields.insert(field.clone(), (high as u8, low as u8));
        } else {
            sound = false;
            let span = context.span(&["bits", name, "fields", field]);
            let help = "the higher bit comes first, both are counted, and both lie within the word";
            context.diagnostics.error_with_help(span, "expected bits, as in `7..0`", help);
        }
    }
    if !sound {
        return None;
    }
    Some(WordShape { bytes: width? / 8, order: order?, fields })
}

fn kind(
    name: &str,
    file: &OperandFile,
    machine: &Machine,
    tables: &Tables,
    context: &mut Context<'_>,
) -> Option<Kind> {
    let (is_constant, is_index) = (file.is.0 == "const", tables.banks.contains(&file.is.0));
    if file.of.is_some() && !is_constant && !is_index {
        let span = context.key_span(&["operands", name, "of"]);
        context.diagnostics.error(span, "only constants and cells have `of`");
    }
    if file.first.is_some() && !is_constant {
        let span = context.key_span(&["operands", name, "first"]);
        context.diagnostics.error(span, "only constants have `first`");
    }
    if Storage::parse(name).is_some() {
        let span = context.key_span(&["operands", name]);
        context.diagnostics.error(span, format!("`{name}` is a type and cannot name a kind"));
        return None;
    }
    let raw_span = context.span(&["operands", name, "raw"]);
    let raw = match &file.raw {
        None => None,
        Some(raw) => match Storage::parse(raw) {
            Some(storage) => Some(storage),
            None => {
                machine::int_type(raw, raw_span, context);
                return None;
            }
        },
    };
    let is_span = context.span(&["operands", name, "is"]);
    let role = match file.is.0.as_str() {
        "label" => LabelRole::Jump,
        "entry" => LabelRole::Entry,
        "const" if machine.frames.is_some() => {
            let rule = constant_rule(name, file, machine, context)?;
            return Some(Kind { raw, kind: OperandKind::Constant(rule) });
        }
        other => {
            let mut kind = plain_kind(other, is_span, tables, context)?;
            if let OperandKind::Index(rule) = &mut kind {
                rule.pair = pair_of(name, file, rule.bank, machine, context)?;
            }
            if file.value.is_some() {
                let span = context.key_span(&["operands", name, "value"]);
                context.diagnostics.error(span, "only labels have a `value`");
            }
            return Some(Kind { raw, kind });
        }
    };
    let rule = match context.scalar(&["operands", name, "value"]) {
        Some(value) => label_rule(value, role, context.diagnostics)?,
        None => {
            context.diagnostics.error_with_help(
                context.key_span(&["operands", name]),
                "a label needs a `value`",
                "say where it leads: `next + raw`, `insn + raw`, `raw` (from the start of the code), `next + 4 * raw`",
            );
            return None;
        }
    };
    Some(Kind { raw, kind: OperandKind::Label(rule) })
}

/// The type of the values that a kind of operands names, if they take two cells.
fn pair_of(
    name: &str,
    file: &OperandFile,
    bank: BankId,
    machine: &Machine,
    context: &mut Context<'_>,
) -> Option<Option<IntType>> {
    let Some(of) = &file.of else { return Some(None) };
    let span = context.span(&["operands", name, "of"]);
    let Some(pair) = machine.pair(of) else {
        let known = machine.pairs.iter().map(|pair| pair.name.as_str());
        context.unknown(span, "type of two slots", of, known);
        return None;
    };
    let bank = machine.banks.get(usize::from(bank.0))?;
    if bank.count < 2 {
        let message =
            format!("`{}` takes two cells, and there is one of `{}`", pair.name, bank.name);
        context.diagnostics.error(span, message);
    }
    pair::halves(pair, bank.of, &format!("`{}`", bank.name), span, context).map(Some)
}

/// Which constants a kind of operands names.
fn constant_rule(
    name: &str,
    file: &OperandFile,
    machine: &Machine,
    context: &mut Context<'_>,
) -> Option<ConstantRule> {
    let variants = machine.union.iter().flat_map(|union| &union.variants);
    let of = match &file.of {
        None => None,
        Some(of) => {
            let found = variants.clone().position(|variant| variant.name == of.0);
            let Some(at) = found else {
                let span = context.span(&["operands", name, "of"]);
                let known = variants.map(|variant| variant.name.as_str());
                context.unknown(span, "variant", of, known);
                first_constant(name, file, context);
                return None;
            };
            Some(VariantId(at as u8))
        }
    };
    let first = first_constant(name, file, context)?;
    if file.value.is_some() {
        let span = context.key_span(&["operands", name, "value"]);
        context.diagnostics.error(span, "only labels have a `value`");
    }
    Some(ConstantRule { of, first })
}

/// The number of the first constant.
fn first_constant(name: &str, file: &OperandFile, context: &mut Context<'_>) -> Option<u8> {
    match file.first.as_ref().map(|first| first.0.as_str()) {
        None | Some("0") => Some(0),
        Some("1") => Some(1),
        Some(_) => {
            let span = context.span(&["operands", name, "first"]);
            context.diagnostics.error(span, "the first constant has the number 0 or 1");
            None
        }
    }
}

/// The meaning of an operand that needs no rule of its own.
pub(super) fn plain_kind(
    name: &str,
    span: Span,
    tables: &Tables,
    context: &mut Context<'_>,
) -> Option<OperandKind> {
    let banks = &tables.banks;
    match name {
        "imm" => return Some(OperandKind::Immediate),
        "const" if tables.functions => {
            return Some(OperandKind::Constant(ConstantRule { of: None, first: 0 }));
        }
        "func" if tables.functions => return Some(OperandKind::Function),
        _ => {}
    }
    if let Some(at) = banks.iter().position(|bank| bank == name) {
        return Some(OperandKind::Index(IndexRule { bank: BankId(at as u8), pair: None }));
    }
    match name {
        "const" | "func" => context.diagnostics.error_with_help(
            span,
            format!("an operand of the kind `{name}`, and programs are no modules"),
            "write `container: module`",
        ),
        "local" | "reg" | "global" | "upvalue" => {
            context.diagnostics.error(span, format!("the machine has no cells called `{name}`"));
        }
        "label" | "entry" => context.diagnostics.error_with_help(
            span,
            "a place in the code needs a rule for where it is",
            format!("define a kind: `operands: {{rel16: {{raw: i16, is: {name}, value: next + raw}}}}`, and use it as the type"),
        ),
        _ => {
            let known = [
                "label", "entry", "imm", "local", "reg", "global", "upvalue", "const", "func",
            ];
            context.unknown(span, "meaning of an operand", name, known.into_iter());
        }
    }
    None
}

/// `base + scale * raw + bias`, read from an expression.
fn label_rule(value: &Scalar, role: LabelRole, diagnostics: &mut Diagnostics) -> Option<LabelRule> {
    let expr = parse_expression(value, diagnostics)?;
    let Some(affine) = Affine::of(&expr) else {
        diagnostics.error_with_help(
            value.whole(),
            "a label leads to a sum of a base, a multiple of `raw` and a number",
            "as in `next + raw`, `insn + 2 * raw`, `raw`, `next + 4 * raw - 4`",
        );
        return None;
    };
    let bases = [
        (affine.insn, LabelBase::Insn),
        (affine.next, LabelBase::Next),
        (affine.operand, LabelBase::Operand),
    ];
    let mut base = LabelBase::Code;
    for (factor, candidate) in bases {
        match factor {
            0 => {}
            1 if base == LabelBase::Code => base = candidate,
            _ => {
                diagnostics.error(value.whole(), "a label counts from one base");
                return None;
            }
        }
    }
    const MOST: u128 = 1 << 32;
    let [raw, constant] = [affine.raw, affine.constant].map(i128::unsigned_abs);
    if raw == 0 || raw > MOST || constant > MOST {
        diagnostics.error(value.whole(), "`raw` must occur, and factors stay within 32 bits");
        return None;
    }
    Some(LabelRule { base, scale: affine.raw as i64, bias: affine.constant as i64, role })
}

/// A linear expression in the names that a label's value may use.
#[derive(Clone, Copy, Default)]
struct Affine {
    raw: i128,
    insn: i128,
    next: i128,
    operand: i128,
    constant: i128,
}

impl Affine {
    fn of(expr: &Expr) -> Option<Self> {
        let unit = Self::default();
        Some(match &expr.kind {
            ExprKind::Int(_) | ExprKind::Bits(_) => Self { constant: expr.number()?, ..unit },
            ExprKind::Name(name) => match name.as_str() {
                "raw" => Self { raw: 1, ..unit },
                "insn" => Self { insn: 1, ..unit },
                "next" => Self { next: 1, ..unit },
                "operand" => Self { operand: 1, ..unit },
                "code" => unit,
                _ => return None,
            },
            ExprKind::Unary(UnaryOp::Minus, inner) => Self::of(inner)?.scaled(-1)?,
            ExprKind::Binary(BinaryOp::Add, a, b) => Self::of(a)?.plus(Self::of(b)?)?,
            ExprKind::Binary(BinaryOp::Sub, a, b) => Self::of(a)?.plus(Self::of(b)?.scaled(-1)?)?,
            ExprKind::Binary(BinaryOp::Mul, a, b) => match (Self::of(a)?, Self::of(b)?) {
                (factor, other) if factor.is_constant() => other.scaled(factor.constant)?,
                (other, factor) if factor.is_constant() => other.scaled(factor.constant)?,
                _ => return None,
            },
            _ => return None,
        })
    }

    fn is_constant(self) -> bool {
        [self.raw, self.insn, self.next, self.operand] == [0; 4]
    }

    fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            raw: self.raw.checked_add(other.raw)?,
            insn: self.insn.checked_add(other.insn)?,
            next: self.next.checked_add(other.next)?,
            operand: self.operand.checked_add(other.operand)?,
            constant: self.constant.checked_add(other.constant)?,
        })
    }

    fn scaled(self, factor: i128) -> Option<Self> {
        Some(Self {
            raw: self.raw.checked_mul(factor)?,
            insn: self.insn.checked_mul(factor)?,
            next: self.next.checked_mul(factor)?,
            operand: self.operand.checked_mul(factor)?,
            constant: self.constant.checked_mul(factor)?,
        })
    }
}

fn define_format(
    key: &str,
    tables: &Tables,
    context: &mut Context<'_>,
) -> Option<(String, Format)> {
    let span = context.key_span(&["formats", key]);
    let (name, parameters) = parse_signature(&Scalar::plain(key, span), context.diagnostics)?;
    let node = context.node(&["formats", key]);
    let encodings = patterns(node, context)?.into_iter().map(|(items, _)| items).collect();
    for (at, parameter) in parameters.iter().enumerate() {
        if parameters[..at].iter().any(|earlier| earlier.text == parameter.text) {
            let message = format!("the parameter `{}` is given twice", parameter.text);
            context.diagnostics.error(parameter.span, message);
            return None;
        }
    }
    if name.text == "align" {
        context.diagnostics.error(name.span, "`align` is a word of the language, not a name");
        return None;
    }
    if tables.words.contains_key(&name.text) || tables.formats.contains_key(&name.text) {
        let message = format!("`{}` is already a word or a format", name.text);
        context.diagnostics.error(name.span, message);
        return None;
    }
    let parameters = parameters.into_iter().map(|parameter| parameter.text).collect();
    Some((name.text, Format { key: key.to_owned(), parameters, encodings }))
}

/// The encodings of an instruction or a format, one or a list of them; `None` if one is faulty.
pub(super) fn patterns(
    node: &Node,
    context: &mut Context<'_>,
) -> Option<Vec<(Vec<PatternItem>, Span)>> {
    if node.scalar().is_none() && node.items().is_empty() {
        context.diagnostics.error(node.span, "at least one encoding is needed");
        return None;
    }
    // All of them are examined even if one is faulty.
    let scalars = node.scalar().into_iter().chain(node.items().iter().filter_map(Node::scalar));
    let parsed: Vec<_> = scalars
        .map(|scalar| Some((parse_pattern(scalar, context.diagnostics)?, scalar.whole())))
        .collect();
    parsed.into_iter().collect()
}
