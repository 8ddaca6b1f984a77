//! From the tree of a spec file to a checked [`Isa`]: every rule of the language, every fault
//! in one run.

mod body;
mod encoding;
mod expr;
mod machine;
mod operand;
mod overlap;

use std::collections::HashSet;

use crate::diagnostic::{Diagnostics, Span};
use crate::file::{InstructionFile, SpecFile, TextOrList};
use crate::isa::{Effect, InsnId, Instruction, Isa, SourceText, TransferKind, Trap};
use crate::lang::ast::{EffectItem, Name};
use crate::lang::{parse_action, parse_effect, parse_pattern};
use crate::limits;
use crate::shape::{Text, similar};
use crate::yaml::{Node, Scalar};

/// What the checks share: the tree with its places, and where faults go.
pub(crate) struct Context<'a> {
    pub(crate) root: &'a Node,
    /// Entries that had the wrong shape, whose absence is not a second fault.
    pub(crate) dropped: &'a HashSet<String>,
    pub(crate) diagnostics: &'a mut Diagnostics,
}

impl<'a> Context<'a> {
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
        if self.dropped.contains(name) {
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
    machine::reserved(file, context);
    let header = machine::header(file, context);
    let machine = machine::machine(&file.machine, context);
    let code_end = machine::code(&file.code, context);
    let mut traps = machine::traps(file, context);
    let tables = operand::tables(file, &machine, context);

    let mut instructions = Vec::new();
    let mut sites = Vec::new();
    if file.instructions.len() > limits::INSTRUCTIONS {
        let message = format!("more than {} instructions", limits::INSTRUCTIONS);
        context.diagnostics.error(context.key_span(&["instructions"]), message);
        return None;
    }
    if file.instructions.is_empty() {
        context
            .diagnostics
            .error(context.key_span(&["instructions"]), "a machine needs an instruction");
    }
    for (name, insn) in &file.instructions {
        let cx = InstructionContext {
            name,
            file: insn,
            spec: file,
            machine: &machine,
            traps: &traps,
            tables: &tables,
        };
        if let Some(instruction) = instruction(&cx, context) {
            instructions.push(instruction);
            sites.push(context.span(&["instructions", name, "enc"]));
        }
    }
    overlap::check(&instructions, &sites, context.diagnostics);
    unused_traps(file, &instructions, &mut traps, context);
    unused_definitions(file, &tables, context);
    if !context.diagnostics.is_empty() {
        return None;
    }
    Some(Isa {
        name: header.name,
        version: header.version,
        title: file.title.0.clone(),
        about: file.about.as_ref().map_or_else(String::new, |about| about.0.clone()),
        sources: file.sources.iter().map(|(name, title)| (name.clone(), title.0.clone())).collect(),
        machine,
        code_end,
        traps,
        instructions,
        decisions: machine::notes(&file.decisions),
        errata: machine::notes(&file.errata),
    })
}

/// What the checks of one instruction look at.
pub(crate) struct InstructionContext<'a> {
    pub(crate) name: &'a str,
    pub(crate) file: &'a InstructionFile,
    pub(crate) spec: &'a SpecFile,
    pub(crate) machine: &'a crate::isa::Machine,
    pub(crate) traps: &'a [Trap],
    pub(crate) tables: &'a operand::Tables,
}

fn instruction(cx: &InstructionContext<'_>, context: &mut Context<'_>) -> Option<Instruction> {
    let before = context.diagnostics.count();
    let path = ["instructions", cx.name];
    reserved(cx, context);
    if !is_mnemonic(cx.name) {
        context.diagnostics.error_with_help(
            context.key_span(&path),
            "a mnemonic starts with a letter and holds letters, digits, `_` and `.`",
            "families such as `PUSH{n}` are not supported yet",
        );
    }
    if cx.file.doc.trim().is_empty() {
        context
            .diagnostics
            .error(context.span(&["instructions", cx.name, "doc"]), "`doc` is empty");
    }
    let since = cx.file.since.as_ref().and_then(|since| {
        machine::version(since, context.span(&["instructions", cx.name, "since"]), context)
    });
    let features = features(cx, context);

    // Each part is examined even when another one is faulty.
    let encoded = encoding(cx, context);
    let effect = stack_effect(cx, context);
    let action = match &cx.file.action {
        Some(_) => context
            .scalar(&["instructions", cx.name, "do"])
            .and_then(|scalar| parse_action(scalar, context.diagnostics)),
        None => Some(Vec::new()),
    };
    let effect = effect?;
    let (body, clauses) = body::lower(cx, &encoded, &effect, &action?, context)?;
    let encoding = encoded.encoding?;
    let operands = encoded.operands;
    if context.diagnostics.count() != before {
        return None;
    }
    let text =
        |text: &Option<Text>| text.as_ref().map_or_else(String::new, |text| text.trim().to_owned());
    Some(Instruction {
        name: cx.name.to_owned(),
        doc: cx.file.doc.trim().to_owned(),
        reference: cx.file.reference.as_ref().map(|reference| reference.0.clone()),
        since,
        features,
        effect: effect_of(&effect, &body),
        operands,
        encoding,
        body,
        clauses,
        text: SourceText {
            enc: context
                .scalar(&["instructions", cx.name, "enc"])
                .map_or_else(String::new, |enc| enc.text.clone()),
            stack: text(&cx.file.stack),
            action: text(&cx.file.action),
        },
    })
}

fn is_mnemonic(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

/// Keys of the language that are not executed yet.
fn reserved(cx: &InstructionContext<'_>, context: &mut Context<'_>) {
    let keys = [
        ("asm", cx.file.asm.is_some(), "an assembly template"),
        ("for", cx.file.family.is_some(), "a family of instructions"),
        ("where", cx.file.condition.is_some(), "a condition between operands"),
        ("fuse", cx.file.fuse.is_some(), "a fused instruction"),
    ];
    for (key, given, what) in keys {
        if given {
            context
                .diagnostics
                .unsupported(context.key_span(&["instructions", cx.name, key]), what);
        }
    }
}

fn features(cx: &InstructionContext<'_>, context: &mut Context<'_>) -> Vec<String> {
    let items = context.node(&["instructions", cx.name, "features"]).items();
    for (item, name) in items.iter().zip(&cx.file.features) {
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
    let path = ["instructions", cx.name, "enc"];
    match &cx.file.enc {
        TextOrList::Many(_) => {
            let span = context.span(&path);
            context.diagnostics.unsupported(span, "several encodings of one instruction");
            encoding::Encoded::default()
        }
        TextOrList::One(_) => {
            let Some(scalar) = context.scalar(&path) else { return encoding::Encoded::default() };
            match parse_pattern(scalar, context.diagnostics) {
                Some(items) => encoding::build(&items, scalar.whole(), cx.tables, context),
                None => encoding::Encoded::default(),
            }
        }
    }
}

/// The cells that an instruction pops and pushes, and the subroutine whose effect follows.
#[derive(Default)]
pub(crate) struct StackEffect {
    pub(crate) inputs: Vec<Name>,
    pub(crate) outputs: Vec<Name>,
    pub(crate) callee: Option<Name>,
}

fn stack_effect(cx: &InstructionContext<'_>, context: &mut Context<'_>) -> Option<StackEffect> {
    let path = ["instructions", cx.name, "stack"];
    match (&cx.machine.stack, &cx.file.stack) {
        (None, None) => return Some(StackEffect::default()),
        (Some(_), None) => {
            context.diagnostics.error_with_help(
                context.key_span(&["instructions", cx.name]),
                "the key `stack` is missing",
                "say what the instruction pops and pushes, as in `a b -- r`; `--` if nothing",
            );
            return None;
        }
        (None, Some(_)) => {
            context.diagnostics.error(context.span(&path), "the machine has no stack");
            return None;
        }
        (Some(_), Some(_)) => {}
    }
    let declared = parse_effect(context.scalar(&path)?, context.diagnostics)?;
    let mut effect = StackEffect::default();
    for (items, cells, side) in [
        (declared.inputs, &mut effect.inputs, "pops"),
        (declared.outputs, &mut effect.outputs, "pushes"),
    ] {
        if items.len() > limits::STACK_EFFECT {
            let message = format!("an instruction {side} at most {} cells", limits::STACK_EFFECT);
            context.diagnostics.error(context.span(&path), message);
            return None;
        }
        for item in items {
            match item {
                EffectItem::Cell(name) => cells.push(name),
                EffectItem::Typed(name) => context
                    .diagnostics
                    .unsupported(name.span, "a stack effect with types or of variable length"),
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
    }
    Some(effect)
}

/// The effect that a body has; it agrees with the declared one, which the lowering checked.
fn effect_of(declared: &StackEffect, body: &crate::isa::Body) -> Effect {
    let mut effect = Effect {
        inputs: declared.inputs.iter().map(|name| name.text.clone()).collect(),
        outputs: declared.outputs.iter().map(|name| name.text.clone()).collect(),
        falls_through: true,
        jumps: Vec::new(),
        call: None,
        returns: false,
        halts: false,
    };
    for transfer in &body.transfers {
        // A call comes back to the next instruction.
        if transfer.guard.is_none() && !matches!(transfer.kind, TransferKind::Call { .. }) {
            effect.falls_through = false;
        }
        match transfer.kind {
            TransferKind::Jump { operand } if effect.jumps.contains(&operand) => {}
            TransferKind::Jump { operand } => effect.jumps.push(operand),
            TransferKind::Call { operand } => effect.call = Some(operand),
            TransferKind::Return => effect.returns = true,
            TransferKind::Halt => effect.halts = true,
        }
    }
    effect
}

/// A trap that no instruction raises is a fault: either the trap or a rule is missing.
fn unused_traps(
    file: &SpecFile,
    instructions: &[Instruction],
    traps: &mut [Trap],
    context: &mut Context<'_>,
) {
    if instructions.len() != file.instructions.len() {
        return; // What a faulty instruction raises is not known.
    }
    for (index, trap) in traps.iter().enumerate().skip(crate::isa::LIMIT_TRAPS.len()) {
        let raised = instructions.iter().flat_map(|insn| &insn.body.ops).any(
            |op| matches!(op, crate::isa::Op::TrapIf { trap, .. } if usize::from(trap.0) == index),
        );
        if !raised {
            let span = context.key_span(&["traps", &trap.name]);
            context.diagnostics.error(span, format!("no instruction raises `{}`", trap.name));
        }
    }
}

/// Formats and operand kinds that no encoding uses.
fn unused_definitions(file: &SpecFile, tables: &operand::Tables, context: &mut Context<'_>) {
    let encodings: Vec<&str> = file
        .instructions
        .values()
        .filter_map(|insn| match &insn.enc {
            TextOrList::One(text) => Some(text.0.as_str()),
            TextOrList::Many(_) => None,
        })
        .chain(file.formats.values().filter_map(|format| match format {
            TextOrList::One(text) => Some(text.0.as_str()),
            TextOrList::Many(_) => None,
        }))
        .collect();
    let mentioned = |name: &str| {
        encodings.iter().any(|text| {
            text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
        })
    };
    let kinds = tables.kinds.keys().map(|name| ("operands", name.clone(), name.clone()));
    let formats =
        tables.formats.iter().map(|(name, format)| ("formats", format.key.clone(), name.clone()));
    for (section, key, name) in kinds.chain(formats) {
        if !mentioned(&name) {
            let span = context.key_span(&[section, &key]);
            context.diagnostics.error(span, format!("`{name}` is not used by any encoding"));
        }
    }
}

/// The id of the instruction with an index.
pub(crate) fn insn_id(index: usize) -> InsnId {
    InsnId(index as u16)
}
