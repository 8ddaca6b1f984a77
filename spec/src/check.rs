//! From the tree of a spec file to a checked [`Isa`]: every rule of the language, every fault
//! in one run.

mod body;
mod condition;
mod dynamic;
mod encoding;
mod expr;
mod fuse;
mod host;
mod machine;
mod memory;
mod operand;
mod overlap;
mod pair;
mod record;
mod storage;
mod syntax;

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Diagnostics, Span};
use crate::file::{InstructionFile, SpecFile, TextOrList};
use crate::isa::{
    Effect, Instruction, IntType, Isa, LIMIT_TRAPS, ListInput, Machine, Op, SourceText,
    TransferKind, Trap, TrapId,
};
use crate::lang::ast::{EffectItem, Name};
use crate::lang::{parse_action, parse_effect};
use crate::limits;
use crate::shape::{Text, similar};
use crate::yaml::{Entry, Node, Scalar};

/// What the checks share: the tree with its places, and where faults go.
pub(crate) struct Context<'a> {
    root: &'a Node,
    /// The paths of entries that had the wrong shape, whose absence is not a second fault.
    dropped: &'a HashSet<Vec<String>>,
    /// Names whose definitions are faulty: that they are not known is not a second fault.
    faulty: HashSet<String>,
    pub(crate) diagnostics: &'a mut Diagnostics,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        root: &'a Node,
        dropped: &'a HashSet<Vec<String>>,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        let mut context = Self { root, dropped, faulty: HashSet::new(), diagnostics };
        for name in dropped.iter().filter_map(|path| path.last()) {
            context.define_faulty(name);
        }
        context
    }

    /// Notes that a definition is faulty. The key of a format is its signature.
    pub(crate) fn define_faulty(&mut self, key: &str) {
        let name = key.split('(').next().unwrap_or(key);
        self.faulty.insert(name.trim().to_owned());
    }

    /// Whether the entry at a path had the wrong shape.
    pub(crate) fn is_dropped(&self, path: &[&str]) -> bool {
        self.dropped.iter().any(|dropped| dropped.iter().eq(path.iter()))
    }

    /// The node at a path, or the nearest one above it.
    pub(crate) fn node(&self, path: &[&str]) -> &'a Node {
        let mut node = self.root;
        for key in path {
            let Some(inner) = node.get(key) else { break };
            node = inner;
        }
        node
    }

    /// The place of the node at a path, or of the nearest one above it.
    pub(crate) fn span(&self, path: &[&str]) -> Span {
        self.node(path).span
    }

    /// The scalar at a path.
    pub(crate) fn scalar(&self, path: &[&str]) -> Option<&'a Scalar> {
        let (last, above) = path.split_last()?;
        let mut node = self.root;
        for key in above {
            node = node.get(key)?;
        }
        node.get(last)?.scalar()
    }

    /// The place of the key at a path.
    pub(crate) fn key_span(&self, path: &[&str]) -> Span {
        let Some((last, above)) = path.split_last() else { return self.root.span };
        let parent = self.node(above);
        parent.entry(last).map_or(parent.span, |entry| entry.key_span)
    }

    /// Reports a name that is not known, unless its definition was faulty.
    pub(crate) fn unknown<'n>(
        &mut self,
        span: Span,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'n str>,
    ) {
        if self.faulty.contains(name) {
            return;
        }
        let known: Vec<&str> = known.collect();
        let message = format!("unknown {what} `{name}`");
        match similar(name, known.iter().copied()) {
            Some(meant) => {
                self.diagnostics.error_with_help(span, message, format!("did you mean `{meant}`?"));
            }
            None if known.is_empty() => self.diagnostics.error(span, message),
            None => {
                self.diagnostics.error_with_help(
                    span,
                    message,
                    format!("known are: {}", known.join(", ")),
                );
            }
        }
    }
}

/// Checks a file; `None` if faults were reported.
pub(crate) fn check(file: &SpecFile, context: &mut Context<'_>) -> Option<Isa> {
    sections(context)?;
    let header = machine::header(file, context);
    let container = machine::container(file, context);
    let machine = machine::machine(file, context);
    let code_end = machine::code(file.code.as_ref(), container, context);
    let traps = machine::traps(file, context);
    let decisions = machine::notes("decisions", &file.decisions, context);
    let errata = machine::notes("errata", &file.errata, context);
    let tables = operand::tables(file, &machine, context);
    let definitions = body::definition::definitions(file, &machine, &tables, context);

    let entries = context.node(&["instructions"]).entries();
    if entries.is_empty() && context.dropped.iter().all(|path| path[0] != "instructions") {
        let span = context.key_span(&["instructions"]);
        context.diagnostics.error(span, "a machine needs an instruction");
    }
    let contexts: Vec<InstructionContext<'_>> = entries
        .iter()
        .filter_map(|entry| {
            Some(InstructionContext {
                name: &entry.key,
                entry,
                file: file.instructions.get(&entry.key)?,
                spec: file,
                machine: &machine,
                traps: &traps,
                tables: &tables,
                definitions: &definitions,
            })
        })
        .collect();
    let (instructions, sites) = all_instructions(&contexts, context);
    overlap::check(&instructions, &sites, context.diagnostics);
    shared_clauses(&instructions, context);
    if instructions.len() == file.instructions.len() && context.dropped.is_empty() {
        // What a faulty instruction raises and uses is not known.
        unused_traps(&instructions, &traps, context);
        host::unused(&instructions, &machine.externs, context);
        unused_definitions(file, &tables, context);
    }
    let header = header.filter(|_| context.diagnostics.is_empty())?;
    Some(Isa {
        name: header.name,
        version: header.version,
        title: file.title.as_ref()?.0.clone(),
        about: file.about.as_ref().map_or_else(String::new, |about| about.0.clone()),
        sources: file.sources.iter().map(|(name, title)| (name.clone(), title.0.clone())).collect(),
        machine,
        container,
        code_end,
        traps,
        definitions: body::definition::texts(file),
        instructions,
        decisions,
        errata,
    })
}

/// The instructions without faults, in the order of the file, with the places of their encodings.
fn all_instructions(
    contexts: &[InstructionContext<'_>],
    context: &mut Context<'_>,
) -> (Vec<Instruction>, Vec<Span>) {
    let none = fuse::Simple::new();
    let mut checked = |cx: &InstructionContext<'_>, simple: &fuse::Simple<'_>| {
        let checked = instruction(cx, simple, context)?;
        Some((checked, cx.span("enc")))
    };
    let simple: Vec<Option<(Instruction, Span)>> = contexts
        .iter()
        .map(|cx| if cx.file.fuse.is_none() { checked(cx, &none) } else { None })
        .collect();
    // A fused instruction may stand before its parts.
    let parts: fuse::Simple<'_> =
        simple.iter().flatten().map(|(insn, _)| (insn.name.as_str(), insn)).collect();
    let fused: Vec<Option<(Instruction, Span)>> = contexts
        .iter()
        .map(|cx| if cx.file.fuse.is_some() { checked(cx, &parts) } else { None })
        .collect();
    let all = simple.into_iter().zip(fused).filter_map(|(simple, fused)| simple.or(fused));
    all.unzip()
}

/// Refuses sections that are too long to be examined.
fn sections(context: &mut Context<'_>) -> Option<()> {
    let before = context.diagnostics.count();
    for section in context.root.entries() {
        if section.value.entries().len() > limits::SECTION {
            let message = format!("`{}` has more than {} entries", section.key, limits::SECTION);
            context.diagnostics.error(section.key_span, message);
        }
    }
    (context.diagnostics.count() == before).then_some(())
}

/// What the checks of one instruction look at.
pub(crate) struct InstructionContext<'a> {
    pub(crate) name: &'a str,
    /// Its entry in the tree.
    entry: &'a Entry,
    pub(crate) file: &'a InstructionFile,
    spec: &'a SpecFile,
    pub(crate) machine: &'a Machine,
    pub(crate) traps: &'a [Trap],
    tables: &'a operand::Tables,
    definitions: &'a body::definition::Definitions,
}

impl<'a> InstructionContext<'a> {
    /// The place of a key's value, or of the mnemonic if there is none.
    pub(crate) fn span(&self, key: &str) -> Span {
        self.entry.value.get(key).map_or(self.entry.key_span, |node| node.span)
    }

    /// The place of a key, or of the mnemonic if there is none.
    fn key_span(&self, key: &str) -> Span {
        self.entry.value.entry(key).map_or(self.entry.key_span, |entry| entry.key_span)
    }

    /// The place of the mnemonic.
    pub(crate) fn mnemonic_span(&self) -> Span {
        self.entry.key_span
    }

    /// The text of a key.
    fn scalar(&self, key: &str) -> Option<&'a Scalar> {
        self.entry.value.get(key)?.scalar()
    }

    /// The items of a key's list.
    pub(crate) fn items(&self, key: &str) -> &'a [Node] {
        self.entry.value.get(key).map_or(&[], Node::items)
    }
}

fn instruction(
    cx: &InstructionContext<'_>,
    simple: &fuse::Simple<'_>,
    context: &mut Context<'_>,
) -> Option<Instruction> {
    let before = context.diagnostics.count();
    mnemonic(cx, context);
    let doc = cx.span("doc");
    // That a value is missing altogether was reported by the reader.
    if cx.file.doc.as_ref().is_some_and(|doc| doc.trim().is_empty()) && doc.start < doc.end {
        context.diagnostics.error(doc, "`doc` is empty");
    }
    let since = cx.file.since.as_ref();
    let since = since.and_then(|since| machine::version(since, cx.span("since"), context));
    let features = features(cx, context);

    // Each part is examined even when another one is faulty.
    let encoded = encoding(cx, context);
    let effect = stack_effect(cx, context);
    let action = match cx.scalar("do") {
        Some(scalar) => parse_action(scalar, context.diagnostics),
        None => Some(Vec::new()),
    };
    let conditions = condition::conditions(cx, &encoded, context);
    let (effect, conditions) = (effect?, conditions?);
    let action = action?;
    let meaning = match cx.file.fuse {
        Some(_) => fuse::fuse(cx, &encoded, &effect, simple, context)?,
        None => body::lower(cx, &encoded, &conditions, &effect, &action, context)?,
    };
    let templates = syntax::templates(cx, &encoded, context);
    let encodings = encoded.encodings?;
    if context.diagnostics.count() != before {
        return None;
    }
    let text =
        |text: &Option<Text>| text.as_ref().map_or_else(String::new, |text| text.trim().to_owned());
    Some(Instruction {
        name: cx.name.to_owned(),
        doc: text(&cx.file.doc),
        reference: cx.file.reference.as_ref().map(|reference| reference.0.clone()),
        since,
        features,
        effect: effect_of(&effect, &meaning),
        operands: encoded.operands,
        encodings,
        count: conditions.count,
        conditions: conditions.conditions,
        templates,
        body: meaning.body,
        clauses: meaning.clauses,
        text: SourceText {
            enc: cx.file.enc.as_ref().map_or_else(String::new, |enc| enc.lines().join("\n")),
            condition: text(&cx.file.condition),
            stack: text(&cx.file.stack),
            fuse: cx.file.fuse.iter().flatten().map(|part| part.trim().to_owned()).collect(),
            asm: cx.file.asm.iter().flat_map(|asm| asm.lines()).map(str::to_owned).collect(),
            action: text(&cx.file.action),
        },
    })
}

fn mnemonic(cx: &InstructionContext<'_>, context: &mut Context<'_>) {
    if !is_mnemonic(cx.name) {
        context.diagnostics.error(
            cx.entry.key_span,
            "a mnemonic starts with a letter and holds letters, digits, `_` and `.`",
        );
    }
}

fn is_mnemonic(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

fn features(cx: &InstructionContext<'_>, context: &mut Context<'_>) -> Vec<String> {
    for (item, name) in cx.items("features").iter().zip(&cx.file.features) {
        if !cx.spec.features.contains_key(&name.0) {
            context.unknown(
                item.span,
                "feature",
                name,
                cx.spec.features.keys().map(String::as_str),
            );
        }
    }
    cx.file.features.iter().map(|name| name.0.clone()).collect()
}

fn encoding(cx: &InstructionContext<'_>, context: &mut Context<'_>) -> encoding::Encoded {
    let Some(node) = cx.entry.value.get("enc") else { return encoding::Encoded::default() };
    match operand::patterns(node, context) {
        Some(patterns) => encoding::build(&patterns, cx.tables, context),
        None => encoding::Encoded::default(),
    }
}

/// The cells that an instruction pops and pushes, and the subroutine whose effect follows.
#[derive(Default)]
pub(crate) struct StackEffect {
    pub(crate) inputs: Vec<StackValue>,
    pub(crate) outputs: Vec<StackValue>,
    pub(crate) callee: Option<Name>,
    /// The list that is popped from the top.
    pub(crate) list: Option<ListDecl>,
}

/// A value that an instruction pops or pushes.
pub(crate) struct StackValue {
    pub(crate) name: Name,
    /// Its type if it takes two cells.
    pub(crate) pair: Option<IntType>,
}

impl StackValue {
    /// The names of its cells, bottom first.
    fn cells(&self) -> Vec<String> {
        let name = &self.name.text;
        match self.pair {
            None => vec![name.clone()],
            Some(_) => vec![format!("{name}.high"), format!("{name}.low")],
        }
    }
}

/// The names of the cells of values, bottom first.
pub(crate) fn cells(values: &[StackValue]) -> Vec<String> {
    values.iter().flat_map(StackValue::cells).collect()
}

/// Cells on the top of the stack, and the operand that says how many.
pub(crate) struct ListDecl {
    pub(crate) name: Name,
    pub(crate) count: Name,
}

fn stack_effect(cx: &InstructionContext<'_>, context: &mut Context<'_>) -> Option<StackEffect> {
    match (&cx.machine.stack, &cx.file.stack) {
        (None, None) => return Some(StackEffect::default()),
        (Some(_), None) => {
            if !context.is_dropped(&["instructions", cx.name, "stack"]) {
                context.diagnostics.error_with_help(
                    cx.entry.key_span,
                    "the key `stack` is missing",
                    "say what the instruction pops and pushes, as in `a b -- r`; `--` if nothing",
                );
            }
            return None;
        }
        (None, Some(_)) => {
            context.diagnostics.error(cx.span("stack"), "the machine has no stack");
            return None;
        }
        (Some(_), Some(_)) => {}
    }
    let declared = parse_effect(cx.scalar("stack")?, context.diagnostics)?;
    let mut effect = StackEffect::default();
    for (items, values, side) in [
        (declared.inputs, &mut effect.inputs, "pops"),
        (declared.outputs, &mut effect.outputs, "pushes"),
    ] {
        for item in items {
            if let Some(list) = effect.list.as_ref().filter(|_| side == "pops") {
                let message = "a list of inputs stands on the top of the stack";
                context.diagnostics.error(list.name.span, message);
                return None;
            }
            match item {
                EffectItem::Cell(name) => values.push(StackValue { name, pair: None }),
                EffectItem::Typed(name, ty) => {
                    let pair = value_type(&ty, cx, context)?;
                    values.push(StackValue { name, pair });
                }
                EffectItem::List(name, ty, count) if side == "pops" => {
                    list_type(&ty, cx, context);
                    effect.list = Some(ListDecl { name, count });
                }
                EffectItem::List(name, ..) => {
                    context.diagnostics.unsupported(name.span, "a list of outputs");
                }
                EffectItem::Callee(name) if side == "pushes" && effect.callee.is_none() => {
                    effect.callee = Some(name);
                }
                EffectItem::Callee(name) => context.diagnostics.error_with_help(
                    name.span,
                    "the effect of a subroutine stands once, after `--`",
                    "as in `-- ..f`",
                ),
            }
        }
        if cells(values).len() > limits::STACK_EFFECT {
            let message = format!("an instruction {side} at most {} cells", limits::STACK_EFFECT);
            context.diagnostics.error(cx.span("stack"), message);
            return None;
        }
    }
    same_types(&effect.outputs, context);
    Some(effect)
}

/// What the type of an input or output says: two cells, or one with the type of the stack.
fn value_type(
    ty: &Name,
    cx: &InstructionContext<'_>,
    context: &mut Context<'_>,
) -> Option<Option<IntType>> {
    match (cx.machine.pair(&ty.text), cx.machine.stack) {
        (Some(pair), Some(stack)) => {
            pair::halves(pair, stack.of, "the stack", ty.span, context).map(Some)
        }
        _ if !cx.machine.pairs.is_empty() && machine::parse_int_type(&ty.text).is_none() => {
            let known = cx.machine.pairs.iter().map(|pair| pair.name.as_str());
            context.unknown(ty.span, "type of two slots", &ty.text, known);
            None
        }
        _ => cell_type(ty, cx, context).map(|()| None),
    }
}

/// The cells of a list have the type of the stack.
fn list_type(ty: &Name, cx: &InstructionContext<'_>, context: &mut Context<'_>) {
    match cx.machine.pair(&ty.text) {
        Some(_) => context.diagnostics.unsupported(ty.span, "a list of values of two cells"),
        None => _ = cell_type(ty, cx, context),
    }
}

/// A type that must be that of the stack's cells.
fn cell_type(ty: &Name, cx: &InstructionContext<'_>, context: &mut Context<'_>) -> Option<()> {
    let machine = cx.machine;
    if context.faulty.contains(&ty.text) {
        return None;
    }
    let cells = storage::Cells { union: machine.union.as_ref() };
    let found = cells.named(&ty.text, ty.span, context)?;
    if machine.stack.is_some_and(|stack| stack.of != found) {
        context.diagnostics.error(ty.span, "this is not the type of the stack's cells");
        return None;
    }
    Some(())
}

/// Outputs of one name are one value.
fn same_types(outputs: &[StackValue], context: &mut Context<'_>) {
    for (at, output) in outputs.iter().enumerate() {
        let earlier = outputs[..at].iter().find(|earlier| earlier.name.text == output.name.text);
        if earlier.is_some_and(|earlier| earlier.pair != output.pair) {
            let message = format!("`{}` is of another type before", output.name.text);
            context.diagnostics.error(output.name.span, message);
        }
    }
}

/// The effect that a body has; it agrees with the declared one, which the lowering checked.
fn effect_of(declared: &StackEffect, meaning: &body::Meaning) -> Effect {
    let mut effect = Effect {
        inputs: cells(&declared.inputs),
        list: meaning
            .body
            .list
            .zip(declared.list.as_ref())
            .map(|(count, list)| ListInput { name: list.name.text.clone(), count }),
        outputs: cells(&declared.outputs),
        falls_through: meaning.falls_through,
        jumps: Vec::new(),
        call: None,
        returns: false,
        returns_if_called: meaning.returns_if_called,
        halts: false,
    };
    for transfer in &meaning.body.transfers {
        match transfer.kind {
            TransferKind::Jump { operand } | TransferKind::JumpList { operand, .. } => {
                if !effect.jumps.contains(&operand) {
                    effect.jumps.push(operand);
                }
            }
            TransferKind::Call { operand } => effect.call = Some(operand),
            TransferKind::Return | TransferKind::Leave { .. } => effect.returns = true,
            TransferKind::Invoke { .. } => {}
            TransferKind::Halt => effect.halts = true,
        }
    }
    effect
}

/// Ids of clauses name one thing each; with a `.` in a mnemonic two could be the same.
fn shared_clauses(instructions: &[Instruction], context: &mut Context<'_>) {
    let mut owners: HashMap<&str, &str> = HashMap::new();
    for insn in instructions {
        for clause in &insn.clauses {
            if let Some(owner) = owners.insert(&clause.id, &insn.name) {
                let span = context.key_span(&["instructions", &insn.name]);
                let message = format!("the clause `{}` is also one of `{owner}`", clause.id);
                context.diagnostics.error(span, message);
            }
        }
    }
}

/// A trap that no instruction raises is a fault: either the trap or a rule is missing.
fn unused_traps(instructions: &[Instruction], traps: &[Trap], context: &mut Context<'_>) {
    let raised: HashSet<TrapId> = instructions
        .iter()
        .flat_map(|insn| &insn.body.ops)
        .filter_map(|op| match op {
            Op::TrapIf { trap, .. } => Some(*trap),
            _ => None,
        })
        .collect();
    for (index, trap) in traps.iter().enumerate().skip(LIMIT_TRAPS.len()) {
        if !raised.contains(&TrapId(index as u16)) && !context.faulty.contains(&trap.name) {
            let span = context.key_span(&["traps", &trap.name]);
            context.diagnostics.error(span, format!("no instruction raises `{}`", trap.name));
        }
    }
}

/// Types of two cells that neither a stack effect nor a kind of operand mentions.
fn unused_pairs(file: &SpecFile, context: &mut Context<'_>) {
    let effects = file.instructions.values().filter_map(|insn| insn.stack.as_ref());
    let kinds = file.operands.values().filter_map(|kind| kind.of.as_ref());
    let mentioned: HashSet<&str> = effects
        .flat_map(|effect| effect.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .chain(kinds.map(|of| &**of))
        .collect();
    for (name, _) in file.types.iter().filter(|(_, entries)| pair::is_pair(entries)) {
        if !mentioned.contains(name.as_str()) && !context.faulty.contains(name) {
            let span = context.key_span(&["types", name]);
            context.diagnostics.error(span, format!("the type `{name}` is not used"));
        }
    }
}

/// Words, formats and operand kinds that no encoding uses, and features that no instruction needs.
fn unused_definitions(file: &SpecFile, tables: &operand::Tables, context: &mut Context<'_>) {
    let encodings = file.instructions.values().filter_map(|insn| insn.enc.as_ref());
    let mentioned: HashSet<&str> = encodings
        .chain(file.formats.values())
        .flat_map(TextOrList::lines)
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .collect();
    let words = tables.words.keys().map(|name| ("bits", name, name));
    let kinds = tables.kinds.keys().map(|name| ("operands", name, name));
    let formats = tables.formats.iter().map(|(name, format)| ("formats", &format.key, name));
    for (section, key, name) in words.chain(kinds).chain(formats) {
        if !mentioned.contains(name.as_str()) {
            let span = context.key_span(&[section, key]);
            context.diagnostics.error(span, format!("`{name}` is not used by any encoding"));
        }
    }
    unused_pairs(file, context);
    body::definition::unused(file, context);
    for name in file.features.keys() {
        let needed = |insn: &InstructionFile| insn.features.iter().any(|text| text.0 == *name);
        if !file.instructions.values().any(needed) {
            let span = context.key_span(&["features", name]);
            context.diagnostics.error(span, format!("no instruction needs the feature `{name}`"));
        }
    }
}
