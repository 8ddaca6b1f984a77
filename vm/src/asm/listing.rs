//! What a module has besides code, as assembly text.

use std::collections::HashSet;
use std::fmt::Write;

use bytestone_spec::isa::{ConstantRule, Isa, Operand, OperandKind, Union};

use super::constant::{self, push_quoted};
use super::functions::union;
use super::stack;
use super::token::is_label_name;
use crate::codec::Codec;
use crate::module::{Capture, Constant, Module};

/// A module and what of it can be written by name or value.
#[derive(Clone, Debug)]
pub(super) struct Listing<'a> {
    isa: &'a Isa,
    pub(super) module: Module,
    /// By constant, whether there is no equal one before it.
    is_first: Vec<bool>,
    /// Whether the constants must be listed, because the code does not bring them about in their order.
    lists_constants: bool,
    /// By function, whether operands can name it.
    is_named: Vec<bool>,
    /// By function, the depth of the stack that the assembler finds.
    depths: Vec<u32>,
}

impl<'a> Listing<'a> {
    /// The listing of a module; `None` if one of its constants cannot be written, for want of a word that is only its own.
    pub(super) fn new(codec: &'a Codec<'a>, module: Module) -> Option<Self> {
        let isa = codec.isa();
        let mut seen = HashSet::new();
        let is_first = module.constants.iter().map(|constant| seen.insert(constant)).collect();
        if !seen.iter().all(|constant| is_readable(constant, union(isa))) {
            return None;
        }
        let mut names = HashSet::new();
        let functions = module.functions.iter();
        let is_named =
            functions.map(|it| is_label_name(&it.name) && names.insert(&*it.name)).collect();
        let depths = module.functions.iter();
        let depths =
            depths.map(|it| stack::depth(codec, &module.code[..it.end() as usize], it.start));
        let depths = depths.collect();
        Some(Self { isa, is_first, lists_constants: false, is_named, depths, module })
    }

    /// Finds whether constants must be listed: `used` are the operands of the code, in their order.
    pub(super) fn order_constants(&mut self, used: impl Iterator<Item = (ConstantRule, i128)>) {
        let mut next = 0;
        for (rule, raw) in used {
            let Some(index) = self.by_value(rule, raw) else { continue };
            self.lists_constants |= index > next;
            next += usize::from(index == next);
        }
        self.lists_constants |= next < self.module.constants.len();
    }

    /// The index of the constant that an operand names, if the operand can be written as its value.
    fn by_value(&self, rule: ConstantRule, raw: i128) -> Option<usize> {
        let index = usize::try_from(Module::constant_index(rule, raw)?).ok()?;
        let constant = self.module.constants.get(index)?;
        let fits = rule.of.is_none() || constant.variant(union(self.isa)) == rule.of;
        (fits && self.is_first[index]).then_some(index)
    }

    /// The constants, one a line, if they must be listed.
    pub(super) fn constants(&self) -> impl Iterator<Item = String> {
        let listed = if self.lists_constants { &self.module.constants[..] } else { &[] };
        listed.iter().map(|constant| {
            let mut line = ".const ".to_owned();
            constant::push(&mut line, constant, Some(union(self.isa)));
            line
        })
    }

    /// The line that begins a function, and the names of its variables, one a line.
    pub(super) fn header(&self, index: usize) -> (String, impl Iterator<Item = String>) {
        let function = &self.module.functions[index];
        let mut line = ".func ".to_owned();
        match self.is_named[index] {
            true => line.push_str(&function.name),
            false => push_quoted(&mut line, &function.name),
        }
        let settings = [
            ("arity", function.arity, 0),
            ("locals", function.locals, function.arity),
            ("stack", function.max_stack, self.depths[index]),
        ];
        for (key, value, default) in settings {
            if value != default {
                // Writing to a text does not fail.
                let _ = write!(line, " {key}={value}");
            }
        }
        for (at, capture) in function.captures.iter().enumerate() {
            line.push_str(if at == 0 { " captures=[" } else { ", " });
            let kind = match capture {
                Capture::Local(_) => "local",
                Capture::Upvalue(_) => "upvalue",
            };
            let _ = write!(line, "{kind} {}", capture.index());
        }
        if !function.captures.is_empty() {
            line.push(']');
        }
        let names = function.local_names.iter().enumerate().map(|(local, name)| {
            let mut line = format!(".name {local} ");
            push_quoted(&mut line, name);
            line
        });
        (line, names)
    }

    /// Appends an operand that is a constant or a function.
    pub(super) fn push_operand(&self, out: &mut String, operand: &Operand, cell: u64) {
        let raw = operand.raw.value(cell);
        match operand.kind {
            OperandKind::Constant(rule) => {
                if let Some(index) = self.by_value(rule, raw) {
                    let constant = &self.module.constants[index];
                    return constant::push(out, constant, Some(union(self.isa)));
                }
            }
            OperandKind::Function => {
                let index = usize::try_from(raw).unwrap_or(usize::MAX);
                if self.is_named.get(index) == Some(&true) {
                    return out.push_str(&self.module.functions[index].name);
                }
            }
            _ => {}
        }
        push_index(out, raw);
    }
}

/// Appends `#INDEX`.
pub(super) fn push_index(out: &mut String, raw: i128) {
    out.push('#');
    // Operands have at most 64 bits.
    out.push_str(itoa::Buffer::new().format(raw));
}

/// Appends an operand that is a constant or a function, as traces show it: by value or name if that is short.
pub(super) fn push_part(
    out: &mut String,
    isa: &Isa,
    module: Option<&Module>,
    operand: &Operand,
    cell: u64,
) {
    const SHORT: usize = 80;
    let raw = operand.raw.value(cell);
    match operand.kind {
        OperandKind::Constant(rule) => {
            if let Some(constant) = module.and_then(|module| module.constant(rule, raw))
                && !matches!(constant, Constant::Str(text) if text.len() > SHORT)
            {
                return constant::push(out, constant, Some(union(isa)));
            }
        }
        OperandKind::Function => {
            let index = usize::try_from(raw).unwrap_or(usize::MAX);
            let function = module.and_then(|module| module.functions.get(index));
            if let Some(function) = function
                && is_label_name(&function.name)
                && function.name.len() <= SHORT
            {
                return out.push_str(&function.name);
            }
        }
        _ => {}
    }
    push_index(out, raw);
}

/// Whether the text of a constant is read as that constant. It is not where the word of the unit is that of another value.
fn is_readable(constant: &Constant, union: &Union) -> bool {
    let mut text = String::new();
    constant::push(&mut text, constant, Some(union));
    constant::parse(&text, union).as_ref() == Ok(constant)
}
