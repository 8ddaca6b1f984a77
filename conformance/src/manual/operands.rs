//! Operands in words: how they are stored, what they range over, what they name.

use bytestone_spec::Isa;
use bytestone_spec::isa::{
    Bank, ConstantRule, Container, Encoding, Field, IndexRule, Instruction, IntType, LabelBase,
    LabelRole, LabelRule, Operand, OperandKind, Owner, Part, Word,
};

use super::dynamic::captures;
use super::layout::{leb_bytes, order_words, range};

/// What the manual says of an operand.
pub(super) struct OperandWords {
    /// How its bytes or bits are stored.
    pub(super) stored: String,
    /// The numbers that can be stored.
    pub(super) range: String,
    /// What the number means, in sentences.
    pub(super) meaning: String,
}

/// The words on operand `at` of an instruction.
pub(super) fn words(isa: &Isa, insn: &Instruction, at: usize) -> Option<OperandWords> {
    let operand = insn.operands.get(at)?;
    Some(OperandWords {
        stored: stored(insn, at as u8),
        range: format!("{} to {}", operand.raw.min(), operand.raw.max()),
        meaning: meaning(isa, operand),
    })
}

fn stored(insn: &Instruction, at: u8) -> String {
    let each = insn.encodings.iter().enumerate().map(|(number, encoding)| {
        let words = stored_in(encoding, at);
        if insn.encodings.len() == 1 { words } else { format!("{}: {words}", number + 1) }
    });
    each.collect::<Vec<_>>().join("; ")
}

fn stored_in(encoding: &Encoding, at: u8) -> String {
    let Some(ty) = encoding.raws.get(usize::from(at)) else { return String::new() };
    let mut places: Vec<(&Field, String)> = Vec::new();
    let mut start = 0;
    for part in &encoding.parts {
        match part {
            Part::Leb { operand } if *operand == at => {
                return format!(
                    "`{ty}`, LEB128 in its shortest form, {} bytes",
                    range(1, leb_bytes(encoding, at))
                );
            }
            Part::Word(word) if is_whole(word, at) && ty.bits == word.bytes * 8 => {
                return match word.bytes {
                    1 => format!("`{ty}`"),
                    _ => format!("`{ty}`, {}", order_words(word.order)),
                };
            }
            Part::Word(word) => {
                let fields = word.fields.iter().filter(|field| field.operand == at);
                places.extend(fields.map(|field| match (word.bytes, field.width) {
                    (1, 8) => (field, format!("byte {start}")),
                    _ => (field, word_bits(field)),
                }));
                start += word.bytes;
            }
            Part::List { operand, bytes, order } if *operand == at => {
                return match bytes {
                    1 => format!("a list of `{ty}`"),
                    _ => format!("a list of `{ty}`, each {}", order_words(*order)),
                };
            }
            Part::Leb { .. } | Part::Align { .. } | Part::List { .. } => {}
        }
    }
    match places.as_slice() {
        [(_, place)] => format!("`{ty}`, {place}"),
        places => {
            let pieces: Vec<String> = places
                .iter()
                .map(|(field, place)| {
                    let (high, low) = (field.operand_low + field.width - 1, field.operand_low);
                    format!("`[{high}:{low}]` in {place}")
                })
                .collect();
            format!("`{ty}`, {}", pieces.join(", "))
        }
    }
}

/// The bits of its word that a field has.
fn word_bits(field: &Field) -> String {
    match field.width {
        1 => format!("bit {}", field.word_low),
        width => format!("bits {} to {}", field.word_low + width - 1, field.word_low),
    }
}

/// Whether the operand fills the word.
fn is_whole(word: &Word, at: u8) -> bool {
    matches!(word.fields.as_slice(), [field] if field.operand == at && field.width == word.bytes * 8)
}

fn meaning(isa: &Isa, operand: &Operand) -> String {
    match operand.kind {
        OperandKind::Immediate => "The number itself.".to_owned(),
        OperandKind::Index(rule) => index_meaning(isa, rule, operand.raw),
        OperandKind::Label(rule) => label_meaning(isa, rule, operand.raw),
        OperandKind::Constant(rule) => constant_meaning(isa, rule),
        OperandKind::Function if captures(isa) => {
            "Names a function of the module, the first by 0. Other numbers are rejected as `bad_index`, and so are functions that capture what is not there."
                .to_owned()
        }
        OperandKind::Function => {
            "Names a function of the module, the first by 0. Other numbers are rejected as `bad_index`."
                .to_owned()
        }
    }
}

fn constant_meaning(isa: &Isa, rule: ConstantRule) -> String {
    let mut words = format!(
        "Names a constant of the module, the first by {}. Other numbers are rejected as `bad_index`.",
        rule.first
    );
    let union = isa.machine().union.as_ref();
    let variant = rule.of.and_then(|of| union?.variants.get(usize::from(of.0)));
    if let Some(variant) = variant {
        let name = &variant.name;
        words.push_str(&format!(" It must be a `{name}`; another is rejected as `type_mismatch`."));
    }
    words
}

fn index_meaning(isa: &Isa, rule: IndexRule, raw: IntType) -> String {
    let Some(bank) = isa.machine().banks.get(usize::from(rule.bank.0)) else {
        return String::new();
    };
    if bank.owner != Owner::Program {
        let name = &bank.name;
        return format!(
            "Names a cell of `{name}` of the running frame. Numbers of cells that the function does not have are rejected as `bad_index`."
        );
    }
    let numbers = numbers(bank, isa.machine().indexes(rule));
    let mut words = match rule.pair {
        None => format!("Names a cell of `{}`: {numbers}.", bank.name),
        Some(of) => format!(
            "Names the first of the two cells of `{}` that hold a value of type `{of}`: {numbers}.",
            bank.name
        ),
    };
    if exceeds(isa, rule, raw) {
        words.push_str(" Other numbers are rejected as `bad_index`.");
    }
    words
}

/// Whether a number of type `raw` can name a cell that the bank does not have.
pub(super) fn exceeds(isa: &Isa, rule: IndexRule, raw: IntType) -> bool {
    raw.min() < 0 || raw.max() >= i128::from(isa.machine().indexes(rule))
}

/// The cells of a bank as assembly text and traces write them.
pub(super) fn cells(bank: &Bank) -> String {
    numbers(bank, bank.count)
}

/// So many of the first cells of a bank.
pub(super) fn numbers(bank: &Bank, count: u32) -> String {
    let prefix = &bank.prefix;
    match count {
        1 => format!("`{prefix}0`"),
        count => format!("`{prefix}0` to `{prefix}{}`", count - 1),
    }
}

fn label_meaning(isa: &Isa, rule: LabelRule, raw: IntType) -> String {
    let role = match rule.role {
        LabelRole::Jump => "Leads to the instruction at",
        LabelRole::Entry => "Calls the subroutine at",
    };
    let base = match rule.base {
        LabelBase::Code if isa.container() == Container::Module => {
            "counted from the start of the function"
        }
        LabelBase::Code => "counted from the start of the code",
        LabelBase::Insn => "`insn` being the offset of this instruction",
        LabelBase::Next => "`next` being the offset after this instruction",
        LabelBase::Operand => "`operand` being the offset of the operand itself",
    };
    let mut words = format!("{role} `{}`, {base}.", formula(rule));
    if rule.base != LabelBase::Code {
        let far = |raw: i128| raw * i128::from(rule.scale) + i128::from(rule.bias);
        let (a, b) = (far(raw.min()), far(raw.max()));
        words.push_str(&format!(" Reach: {} to {:+} bytes.", a.min(b), a.max(b)));
    }
    words
}

/// Where a label leads.
fn formula(rule: LabelRule) -> String {
    let base = match rule.base {
        LabelBase::Code => "",
        LabelBase::Insn => "insn",
        LabelBase::Next => "next",
        LabelBase::Operand => "operand",
    };
    let raw = match rule.scale.unsigned_abs() {
        1 => "raw".to_owned(),
        scale => format!("{scale} * raw"),
    };
    let sum = match (base, rule.scale < 0) {
        ("", false) => raw,
        ("", true) => format!("-{raw}"),
        (base, false) => format!("{base} + {raw}"),
        (base, true) => format!("{base} - {raw}"),
    };
    match rule.bias {
        0 => sum,
        bias if bias < 0 => format!("{sum} - {}", bias.unsigned_abs()),
        bias => format!("{sum} + {bias}"),
    }
}

/// What an operand is, in a word or two.
pub(super) fn kind(isa: &Isa, operand: &Operand) -> String {
    match operand.kind {
        OperandKind::Immediate => operand.raw.to_string(),
        OperandKind::Index(rule) => isa
            .machine()
            .banks
            .get(usize::from(rule.bank.0))
            .map_or_else(String::new, |bank| bank.name.clone()),
        OperandKind::Label(rule) => match rule.role {
            LabelRole::Jump => "label".to_owned(),
            LabelRole::Entry => "entry".to_owned(),
        },
        OperandKind::Constant(_) => "constant".to_owned(),
        OperandKind::Function => "function".to_owned(),
    }
}

/// The operands as assembly text orders them: `v`, or `Ra, Rb` with the prefix of registers; the whole text if the
/// instruction has a form of its own.
pub(super) fn syntax(isa: &Isa, insn: &Instruction) -> String {
    if !insn.text.asm.is_empty() {
        return insn.text.asm.join(" or ");
    }
    let operands: Vec<String> = insn
        .operands
        .iter()
        .enumerate()
        .map(|(at, operand)| match operand.kind {
            OperandKind::Index(rule) => {
                let bank = isa.machine().banks.get(usize::from(rule.bank.0));
                let prefix = bank.map(|bank| &bank.prefix);
                format!("{}{}", prefix.map_or("", String::as_str), operand.name)
            }
            _ if insn.count.is_some() && at == insn.scalars() => format!("[{}]", operand.name),
            _ => operand.name.clone(),
        })
        .collect();
    operands.join(", ")
}

/// The operands with what they are: `slot: local`.
pub(super) fn summary(isa: &Isa, insn: &Instruction) -> String {
    let operands: Vec<String> = insn
        .operands
        .iter()
        .map(|operand| format!("{}: {}", operand.name, kind(isa, operand)))
        .collect();
    operands.join(", ")
}
