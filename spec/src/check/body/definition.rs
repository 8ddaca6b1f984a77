//! Definitions: pure functions of the spec file, which stand in actions for their expressions.
//!
//! Each is checked by itself, with its parameters as the only names. Where an action uses one, its expression is
//! lowered again with the arguments in their place, so nothing behind the checks knows of definitions. One may use
//! those before it; what it then stands for has a limit, which keeps a short chain of them from standing for much.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::{Binding, Lowering, Origin, Type, WORDS};
use crate::check::expr::{FUNCTIONS, Typed};
use crate::check::machine::parse_int_type;
use crate::check::operand::Tables;
use crate::check::storage::is_name;
use crate::check::{Context, InstructionContext, StackEffect, dynamic};
use crate::diagnostic::Span;
use crate::file::{DefinitionFile, InstructionFile, SpecFile};
use crate::isa::{self, Machine, RecordId, Temp};
use crate::lang::ast::{Expr, ExprKind, Name, Signature};
use crate::lang::{parse_definition, parse_expression};
use crate::limits;
use crate::shape::Text;
use crate::yaml::{Entry, Scalar};

/// The definitions without faults, by name.
pub(in crate::check) type Definitions = IndexMap<String, Definition>;

pub(in crate::check) struct Definition {
    parameters: Vec<(String, Type)>,
    pub(in crate::check) result: Type,
    value: Expr,
    extent: Extent,
}

/// How much an expression is, with those of the definitions that it uses.
#[derive(Clone, Copy, Default)]
struct Extent {
    size: usize,
    depth: usize,
}

/// Checks the definitions of a file.
pub(in crate::check) fn definitions(
    file: &SpecFile,
    machine: &Machine,
    tables: &Tables,
    context: &mut Context<'_>,
) -> Definitions {
    let mut definitions = Definitions::new();
    let entries = context.node(&["defs"]).entries();
    for entry in entries.iter().filter(|entry| file.defs.contains_key(&entry.key)) {
        let before = context.diagnostics.count();
        let none = InstructionFile::default();
        let cx = InstructionContext {
            name: &entry.key,
            entry,
            file: &none,
            spec: file,
            machine,
            traps: &[],
            tables,
            definitions: &definitions,
        };
        let found = definition(&cx, context);
        match found.filter(|_| context.diagnostics.count() == before) {
            Some((name, definition)) => _ = definitions.insert(name, definition),
            None => context.define_faulty(&entry.key),
        }
    }
    definitions
}

/// The definitions of a file for people to read.
pub(in crate::check) fn texts(file: &SpecFile) -> Vec<isa::Definition> {
    let text = |(signature, of): (&String, &DefinitionFile)| {
        let (value, doc) = value_of(of);
        isa::Definition {
            signature: signature.trim().to_owned(),
            value: value.trim().to_owned(),
            doc: doc.map_or_else(String::new, |doc| doc.trim().to_owned()),
        }
    };
    file.defs.iter().map(text).collect()
}

/// Reports definitions that no action uses, by itself or by way of other definitions. Texts are looked at, not what came
/// of them, so that a fault in an action does not hide what it uses.
pub(in crate::check) fn unused(file: &SpecFile, context: &mut Context<'_>) {
    let values: HashMap<&str, &str> =
        file.defs.iter().map(|(key, of)| (name_in(key), &**value_of(of).0)).collect();
    let mut texts: Vec<&str> =
        file.instructions.values().filter_map(|insn| insn.action.as_deref()).collect();
    let mut used: HashSet<String> = HashSet::new();
    while let Some(text) = texts.pop() {
        for name in called_in(text) {
            if let Some(value) = values.get(name.as_str())
                && used.insert(name)
            {
                texts.push(value);
            }
        }
    }
    for key in file.defs.keys() {
        let name = name_in(key);
        if !used.contains(name) && !context.faulty.contains(name) {
            let span = context.key_span(&["defs", key]);
            context.diagnostics.error(span, format!("the definition `{name}` is not used"));
        }
    }
}

/// The words before a parenthesis in a text, comments aside.
fn called_in(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter_map(|line| line.split('#').next()).collect();
    let code = code.join("\n");
    let word = |(open, _)| {
        let before = code[..open].trim_end();
        before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned)
    };
    code.match_indices('(').filter_map(word).collect()
}

fn value_of(file: &DefinitionFile) -> (&Text, Option<&Text>) {
    match file {
        DefinitionFile::Value(value) => (value, None),
        DefinitionFile::Full(full) => (&full.value, full.doc.as_ref()),
    }
}

/// The name in the key of a definition.
fn name_in(key: &str) -> &str {
    key.split('(').next().unwrap_or(key).trim()
}

fn expression_of(entry: &Entry) -> Option<&Scalar> {
    entry.value.scalar().or_else(|| entry.value.get("value")?.scalar())
}

fn definition(
    cx: &InstructionContext<'_>,
    context: &mut Context<'_>,
) -> Option<(String, Definition)> {
    let key = Scalar::plain(&cx.entry.key, cx.entry.key_span);
    let signature = parse_definition(&key, context.diagnostics);
    let value = parse_expression(expression_of(cx.entry)?, context.diagnostics);
    let (signature, value) = (signature?, value?);
    name_is_free(&signature.name, cx, context);
    if signature.parameters.len() > limits::DEFINITION_PARAMETERS {
        let message =
            format!("a definition has at most {} parameters", limits::DEFINITION_PARAMETERS);
        context.diagnostics.error(signature.name.span, message);
        return None;
    }
    let (parameters, result) = types(&signature, cx.machine, context)?;
    let extent = extent(&value, cx.definitions);
    if extent.size > limits::DEFINITION_SIZE || extent.depth > limits::DEFINITION_DEPTH {
        let message = format!(
            "with the definitions that it uses, `{}` stands for more than {} operations and names, or for {} within one another",
            signature.name.text,
            limits::DEFINITION_SIZE,
            limits::DEFINITION_DEPTH
        );
        context.diagnostics.error(value.span, message);
        return None;
    }
    refuse_impure(&value, cx.machine, context);
    let parameters: Vec<(Name, Type)> =
        signature.parameters.into_iter().map(|(name, _)| name).zip(parameters).collect();
    by_itself(cx, &parameters, result, &value, context);
    let parameters = parameters.into_iter().map(|(name, ty)| (name.text, ty)).collect();
    Some((signature.name.text, Definition { parameters, result, value, extent }))
}

/// Reports a name that means something else in actions.
fn name_is_free(name: &Name, cx: &InstructionContext<'_>, context: &mut Context<'_>) {
    let text = name.text.as_str();
    if cx.definitions.contains_key(text) {
        let message = format!("`{text}` is defined twice");
        return context.diagnostics.error(name.span, message);
    }
    let machine = cx.machine;
    let union = machine.union.as_ref();
    let is_taken = WORDS.contains(&text)
        || FUNCTIONS.contains(&text)
        || dynamic::FUNCTIONS.contains(&text)
        || matches!(text, "bool" | "f32" | "one_of" | "unspecified" | "global")
        || parse_int_type(text).is_some()
        || machine.banks.iter().any(|bank| bank.name == text)
        || union.is_some_and(|union| {
            union.name == text || union.variants.iter().any(|variant| variant.name == text)
        });
    if is_taken {
        let message = format!("`{text}` means something else in actions");
        context.diagnostics.error_with_help(name.span, message, "give the definition another name");
    } else if !is_name(text) {
        let message = "a definition's name holds lower-case letters, digits and `_`";
        context.diagnostics.error(name.span, message);
    }
}

/// The types of the parameters and of the value.
fn types(
    signature: &Signature,
    machine: &Machine,
    context: &mut Context<'_>,
) -> Option<(Vec<Type>, Type)> {
    let parameters: Vec<Option<Type>> =
        signature.parameters.iter().map(|(_, ty)| type_named(ty, machine, context)).collect();
    let result = type_named(&signature.result, machine, context);
    Some((parameters.into_iter().collect::<Option<_>>()?, result?))
}

fn type_named(name: &Name, machine: &Machine, context: &mut Context<'_>) -> Option<Type> {
    let union = machine.union.as_ref();
    let records = union.map_or(&[][..], |union| &union.records);
    if let Some(at) = records.iter().position(|record| record.name == name.text) {
        return Some(Type::Record(RecordId(at as u8)));
    }
    Some(match name.text.as_str() {
        "bool" => Type::Bool,
        "f64" => Type::Float,
        "str" => Type::Str,
        "array" => Type::Array,
        "map" => Type::Map,
        "closure" => Type::Closure,
        text if union.is_some_and(|union| union.name == text) => Type::Value,
        text => Type::Int(crate::check::machine::int_type(text, name.span, context)?),
    })
}

fn extent(expr: &Expr, definitions: &Definitions) -> Extent {
    let mut whole = Extent { size: 1, depth: 0 };
    for part in expr.parts() {
        let part = extent(part, definitions);
        whole.size = whole.size.saturating_add(part.size);
        whole.depth = whole.depth.max(part.depth);
    }
    let used = called(expr).and_then(|name| definitions.get(name));
    let used = used.map(|definition| definition.extent).unwrap_or_default();
    Extent { size: whole.size.saturating_add(used.size), depth: whole.depth.max(used.depth) + 1 }
}

/// The name of the function that an expression calls.
fn called(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Call(function, _) => match &function.kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// Reports what looks at the state or makes something.
fn refuse_impure(expr: &Expr, machine: &Machine, context: &mut Context<'_>) {
    let is_storage = |name: &str| {
        name == "global" && machine.named_globals
            || machine.banks.iter().any(|bank| bank.name == name)
    };
    let (span, what) = match &expr.kind {
        ExprKind::New(name, _) => (expr.span, Some(format!("new {}", name.text))),
        ExprKind::Name(name) => (expr.span, is_storage(name).then(|| name.clone())),
        _ => {
            let makes = ["memory", "calls", "concat", "new_array", "new_map", "closure"];
            let name = called(expr).filter(|name| makes.contains(name));
            (expr.span, name.map(str::to_owned))
        }
    };
    if let Some(what) = what {
        context.diagnostics.error_with_help(
            span,
            format!("`{what}` in a definition"),
            "a definition is an expression of its parameters alone: give it what it needs as an argument",
        );
    }
    for part in expr.parts() {
        refuse_impure(part, machine, context);
    }
}

/// Lowers the expression of a definition for its faults.
fn by_itself(
    cx: &InstructionContext<'_>,
    parameters: &[(Name, Type)],
    result: Type,
    value: &Expr,
    context: &mut Context<'_>,
) {
    let effect = StackEffect::default();
    let mut lowering = Lowering::new(cx, &[], &effect, context);
    lowering.body.inputs = parameters.len() as u8;
    for (temp, (name, ty)) in parameters.iter().enumerate() {
        let value = Typed { temp: temp as Temp, ty: *ty };
        lowering.declare(name, Some(value), Origin::Parameter);
    }
    lowering.expr_of(value, result);
    lowering.report_unused(0);
}

impl<'a> Lowering<'a, '_> {
    /// The definition with a name.
    pub(in crate::check) fn definition(&self, name: &str) -> Option<&'a Definition> {
        self.cx.definitions.get(name)
    }

    /// Where a fault is shown that an expression has because of where it is used.
    pub(in crate::check) fn use_of(&self, span: Span) -> Span {
        self.site.unwrap_or(span)
    }

    /// Takes the names in an expression for used, because what uses it was faulty.
    pub(in crate::check) fn take_for_used(&mut self, expr: &Expr) {
        if let ExprKind::Name(name) = &expr.kind
            && let Some(binding) = self.scope.iter_mut().find(|binding| binding.name == *name)
        {
            binding.used = true;
        }
        expr.parts().into_iter().for_each(|part| self.take_for_used(part));
    }

    /// Whether a definition has that name and does not stand before what is being lowered.
    pub(in crate::check) fn is_defined_later(&self, name: &str) -> bool {
        self.cx.spec.defs.keys().any(|key| name_in(key) == name)
            && !self.context.faulty.contains(name)
    }

    /// `name(arguments)`, a definition: its expression with the arguments in place of the parameters.
    pub(in crate::check) fn apply(
        &mut self,
        name: &str,
        definition: &Definition,
        arguments: &[Expr],
        span: Span,
    ) -> Option<Typed> {
        if arguments.len() != definition.parameters.len() {
            return self.arity(name, definition.parameters.len(), span);
        }
        let given: Vec<Option<Typed>> = (arguments.iter().zip(&definition.parameters))
            .map(|(argument, &(_, ty))| Some(Typed { temp: self.expr_of(argument, ty)?, ty }))
            .collect();
        let given: Vec<Typed> = given.into_iter().collect::<Option<_>>()?;
        let parameter = |((name, _), value): (&(String, Type), Typed)| Binding {
            name: name.clone(),
            value: Some(value),
            used: true,
            span,
            origin: Origin::Parameter,
        };
        let parameters = definition.parameters.iter().zip(given).map(parameter).collect();
        let scope = std::mem::replace(&mut self.scope, parameters);
        let site = self.site;
        self.site = site.or(Some(span));
        let value = self.expr(&definition.value, Some(definition.result));
        self.site = site;
        self.scope = scope;
        value
    }
}
