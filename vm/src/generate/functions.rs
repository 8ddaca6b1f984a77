//! Builds modules: functions of dynamic values, with what is known of each value in hand.

use std::sync::Arc;

use bytestone_spec::isa::{IndexRule, InsnId, Instruction, OperandKind, Owner, Payload, VariantId};

use super::condition::{choose, is_bound, witness};
use super::draft::{Draft, Label, Operand};
use super::entropy::Entropy;
use super::known::Risk;
use super::modules::{CELLS, ModulePlan, traps};
use super::plan::is_plain;
use super::variants::Behaviour;
use crate::codec::{Codec, list_len};
use crate::module::{Capture, Constant, FunctionBuilder, ModuleBuilder};

/// The most functions of a module.
const FUNCTIONS: u32 = 4;
/// The most parameters of a function, other variables, and variables that it captures.
const PARTS: u32 = 3;
/// The most labels that wait for their place.
const PENDING: usize = 4;

impl<'isa> ModulePlan<'isa> {
    /// The bytes of a module of about `budget` bytes of code; `None` if a label is out of reach.
    pub(super) fn build(
        &self,
        codec: &Codec<'isa>,
        entropy: &mut Entropy<'_, '_>,
        budget: u32,
    ) -> Option<Vec<u8>> {
        let mut constants = ModuleBuilder::for_isa(self.isa);
        for constant in self.constants(entropy) {
            constants.constant(constant);
        }
        let with_captures = self.owns(Owner::Closure);
        let most = if self.calls.is_empty() && self.closures.is_empty() { 1 } else { FUNCTIONS };
        let count = if budget == 0 { 1 } else { 1 + entropy.below(most) };
        let mut signatures = vec![self.signature(entropy, &Signature::default())];
        for _ in 1..count {
            let parent = signatures.last().cloned().unwrap_or_default();
            let mut signature = self.signature(entropy, &parent);
            signature.arity = entropy.below(PARTS).min(signature.locals);
            if !with_captures {
                signature.captures.clear();
            }
            signatures.push(signature);
        }
        signatures[0].captures.clear();
        let share = budget / count;
        let loops = entropy.once_in(4);
        let careless = entropy.once_in(6);
        for index in 0..signatures.len() {
            let pool = constants.constants().to_vec();
            let function = FunctionDraft {
                plan: self,
                entropy,
                signatures: &signatures,
                index,
                constants: &pool,
                draft: Draft::default(),
                stack: Vec::new(),
                max_stack: 0,
                live: true,
                pending: Vec::new(),
                heads: Vec::new(),
                bytes: 0,
                loops,
                careless,
            };
            let (code, max_stack) = function.build(codec, share)?;
            let signature = &signatures[index];
            let mut built = FunctionBuilder::new(format!("f{index}"));
            built.arity = signature.arity;
            built.locals = signature.locals;
            built.max_stack = max_stack;
            built.captures.clone_from(&signature.captures);
            built.code = code;
            constants.function(built);
        }
        constants.finish().ok()?.write().ok()
    }

    fn owns(&self, owner: Owner) -> bool {
        self.isa.machine().banks.iter().any(|bank| bank.owner == owner)
    }

    /// A function that can be made in one with the signature `parent`.
    fn signature(&self, entropy: &mut Entropy<'_, '_>, parent: &Signature) -> Signature {
        let locals = if self.owns(Owner::Frame) { 1 + entropy.below(PARTS + 1) } else { 0 };
        let mut captures = Vec::new();
        for _ in 0..entropy.below(PARTS) {
            if parent.locals > 0 && !entropy.once_in(3) {
                captures.push(Capture::Local(entropy.below(parent.locals)));
            } else if !parent.captures.is_empty() {
                captures.push(Capture::Upvalue(entropy.below(parent.captures.len() as u32)));
            }
        }
        Signature { arity: 0, locals, captures }
    }

    /// Some constants, among them one of each variant that can be one.
    fn constants(&self, entropy: &mut Entropy<'_, '_>) -> Vec<Constant> {
        const FLOATS: [f64; 10] =
            [1.0, 0.0, -0.0, 2.0, -1.0, 0.5, 3.0, 1e300, f64::INFINITY, f64::NAN];
        const TEXTS: [&str; 8] =
            ["a", "", "b", "1", "é", "\u{ffff}", "😀", "a longer text than eight bytes"];
        let mut constants = Vec::new();
        for variant in &self.union.variants {
            for _ in 0..=entropy.below(3) {
                constants.extend(match variant.payload {
                    Payload::Unit => self.first_unit(&variant.name),
                    Payload::Bool => Some(Constant::Bool(entropy.once_in(2))),
                    Payload::Int(ty) => Some(Constant::Int(ty.value(entropy.cell(ty)) as i64)),
                    Payload::Float => entropy.pick(&FLOATS).map(Constant::float),
                    Payload::Str => entropy.pick(&TEXTS).map(|text| Constant::Str(Arc::from(text))),
                    Payload::Array | Payload::Map | Payload::Closure | Payload::Record(_) => None,
                });
            }
        }
        constants
    }

    /// The unit that can be a constant is the first variant.
    fn first_unit(&self, name: &str) -> Option<Constant> {
        (self.union.variants.first()?.name == name).then_some(Constant::Unit)
    }
}

/// What is fixed of a function before its code is made.
#[derive(Clone, Debug, Default)]
struct Signature {
    arity: u32,
    locals: u32,
    captures: Vec<Capture>,
}

impl Signature {
    /// Whether a function with this signature can be made where `parent` runs.
    fn fits(&self, parent: &Self) -> bool {
        self.captures.iter().all(|capture| match *capture {
            Capture::Local(index) => index < parent.locals,
            Capture::Upvalue(index) => (index as usize) < parent.captures.len(),
        })
    }
}

/// What is known of the values on the stack.
type Stack = Vec<Option<VariantId>>;

/// The function that is being built.
struct FunctionDraft<'b, 'isa, 'e, 'd> {
    plan: &'b ModulePlan<'isa>,
    entropy: &'b mut Entropy<'e, 'd>,
    signatures: &'b [Signature],
    index: usize,
    constants: &'b [Constant],
    draft: Draft,
    stack: Stack,
    max_stack: usize,
    live: bool,
    /// Labels that wait for their place, with what must be known there.
    pending: Vec<(Label, Stack)>,
    /// Labels to jump back to, with what must be known there.
    heads: Vec<(Label, Stack)>,
    bytes: u32,
    loops: bool,
    /// Whether instructions are used that will trap.
    careless: bool,
}

impl FunctionDraft<'_, '_, '_, '_> {
    fn build(mut self, codec: &Codec<'_>, budget: u32) -> Option<(Vec<u8>, u32)> {
        while self.bytes < budget && !self.entropy.is_empty() {
            if self.live {
                self.grow();
            } else if !self.place_pending() {
                break;
            }
        }
        while self.place_pending() {}
        if self.live {
            self.finish();
        }
        let code = self.draft.encode(codec)?;
        Some((code, self.max_stack as u32))
    }

    fn grow(&mut self) {
        match self.entropy.below(16) {
            0 => drop(self.place_pending()),
            1 | 2 => self.call(),
            3 => self.print(),
            4 if self.loops => self.mark_head(),
            5 if self.loops => self.jump_back(),
            6 if !self.pending.is_empty() => self.end(),
            _ => {
                if let Some(id) = self.entropy.pick(&self.plan.others) {
                    self.apply(id);
                }
            }
        }
    }

    /// Gives a pending label its place here; false if there is none.
    fn place_pending(&mut self) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        let chosen = self.entropy.below(self.pending.len() as u32) as usize;
        let (label, known) = self.pending.swap_remove(chosen);
        if self.live && !self.adjust(known.len()) {
            self.pending.push((label, known));
            return false;
        }
        let here = std::mem::take(&mut self.stack);
        self.draft.bind(label);
        self.stack = if self.live { meet(&here, &known) } else { known };
        self.live = true;
        true
    }

    fn mark_head(&mut self) {
        let label = self.draft.label();
        self.draft.bind(label);
        self.heads.push((label, self.stack.clone()));
    }

    /// Goes back to a place at which the stack was the same.
    fn jump_back(&mut self) {
        let same = self.heads.iter().filter(|(_, known)| fits(&self.stack, known));
        let Some(&(label, _)) = self.entropy.pick_from(same) else { return };
        // Something must lead out of the loop.
        if self.pending.is_empty() {
            return;
        }
        if let Some(id) = self.entropy.pick(&self.plan.loops) {
            self.emit(id, 0, Some(label));
        }
    }

    /// Ends the program or leaves the frame.
    fn finish(&mut self) {
        for _ in 0..self.entropy.below(3) {
            self.print();
        }
        self.end();
    }

    fn end(&mut self) {
        let may_halt = self.index == 0 && (self.plan.leaves.is_empty() || !self.entropy.once_in(4));
        let may_halt = may_halt || self.plan.leaves.is_empty() || self.entropy.once_in(16);
        let ends = if may_halt && !self.plan.halts.is_empty() {
            &self.plan.halts
        } else {
            &self.plan.leaves
        };
        let Some(id) = self.entropy.pick(ends) else { return };
        self.supply(id);
        self.emit(id, 0, None);
    }

    fn print(&mut self) {
        if let Some(id) = self.entropy.pick(&self.plan.prints) {
            self.supply(id);
            self.emit(id, 0, None);
        }
    }

    /// Makes a closure of a later function and calls it.
    fn call(&mut self) {
        let recursive = self.entropy.once_in(24);
        let first = if recursive { 0 } else { self.index + 1 };
        let here = &self.signatures[self.index];
        let callees = (first..self.signatures.len()).filter(|&at| self.signatures[at].fits(here));
        let Some(callee) = self.entropy.pick_from(callees) else { return };
        let (Some(id), Some(maker)) =
            (self.entropy.pick(&self.plan.calls), self.entropy.pick(&self.plan.closures))
        else {
            return;
        };
        let arity = self.signatures[callee].arity as usize;
        if self.stack.len() + 2 + arity > CELLS {
            return;
        }
        self.emit_making(maker, callee as u32);
        for _ in 0..arity {
            self.produce(None);
        }
        self.emit(id, arity as u32, None);
    }

    /// Adds an instruction, and before it inputs with which it does not trap.
    fn apply(&mut self, id: InsnId) {
        let insn = self.plan.isa.instruction(id);
        let list = match insn.effect.list {
            Some(_) => self.entropy.below(4).min(self.stack.len() as u32),
            None => 0,
        };
        let wanted = insn.effect.inputs.len();
        if self.stack.len() + wanted + insn.effect.outputs.len() > CELLS {
            self.print();
            return;
        }
        if list == 0 && !self.is_safe(id, wanted) {
            let Some(inputs) = self.safe_inputs(id, wanted) else { return };
            for variant in inputs {
                self.produce(variant);
            }
        }
        self.supply(id);
        let label = self.choose_label(insn);
        self.emit(id, list, label);
    }

    /// Whether an instruction does not trap with so many inputs as they are on the stack.
    fn is_safe(&self, id: InsnId, inputs: usize) -> bool {
        let height = self.stack.len().checked_sub(inputs);
        height.is_some_and(|height| self.plan.risks.of(id, &self.stack[height..]) <= self.allowed())
    }

    fn allowed(&self) -> Risk {
        if self.careless { Risk::Always } else { Risk::Never }
    }

    /// Variants of inputs with which an instruction does not trap, or rarely only perhaps.
    fn safe_inputs(&mut self, id: InsnId, count: usize) -> Option<Stack> {
        let most = if self.entropy.once_in(8) { Risk::Perhaps } else { self.allowed() };
        let risks = self.plan.risks.by_combination(id);
        let (all, start) = (risks.len() as u32, self.entropy.below(risks.len() as u32));
        // All combinations, from a random one on.
        let mut numbers = (start..all).chain(0..start);
        let safe = numbers.find(|&number| risks[number as usize] <= most)?;
        Some(self.plan.risks.combination(safe, count))
    }

    /// Pushes what an instruction lacks.
    fn supply(&mut self, id: InsnId) {
        while self.stack.len() < self.plan.isa.instruction(id).effect.inputs.len() {
            if !self.produce(None) {
                return;
            }
        }
    }

    /// Changes the height of the stack; false if that cannot be.
    fn adjust(&mut self, height: usize) -> bool {
        while self.stack.len() < height {
            if !self.produce(None) {
                return false;
            }
        }
        while self.stack.len() > height {
            let plan = self.plan;
            let pops = plan.others.iter().copied().filter(|&id| {
                let insn = plan.isa.instruction(id);
                let effect = &insn.effect;
                is_plain(insn)
                    && effect.list.is_none()
                    && (effect.inputs.len(), effect.outputs.len()) == (1, 0)
                    && !traps(insn)
            });
            let Some(id) = self.entropy.pick_from(pops) else { return false };
            self.emit(id, 0, None);
        }
        true
    }

    /// Pushes a value, of a variant if possible; false if nothing pushes one.
    fn produce(&mut self, variant: Option<VariantId>) -> bool {
        let constant = variant.and_then(|variant| {
            let all = (0..).zip(self.constants);
            let same = all.filter(|(_, it)| it.variant(self.plan.union) == Some(variant));
            self.entropy.pick_from(same).map(|(at, _)| at)
        });
        let suits = |&&(id, pushed): &&(InsnId, Option<VariantId>)| {
            let insn = self.plan.isa.instruction(id);
            let takes_constant = insn.operands.iter().any(
                |operand| matches!(operand.kind, OperandKind::Constant(rule) if rule.of.is_none()),
            );
            match (variant, constant) {
                (None, _) => self.operands_exist(insn),
                (Some(_), Some(_)) => takes_constant,
                (Some(_), None) => self.operands_exist(insn) && pushed == variant,
            }
        };
        let producers = &self.plan.producers;
        let suitable: Vec<InsnId> = producers.iter().filter(suits).map(|&(id, _)| id).collect();
        if suitable.is_empty() && variant.is_some_and(|variant| self.make(variant)) {
            return true;
        }
        let first = producers.first().map(|&(id, _)| id);
        let Some(id) = self.entropy.pick(&suitable).or(first) else { return false };
        match constant {
            Some(constant) if !suitable.is_empty() => self.emit_making(id, constant),
            _ => self.emit(id, 0, None),
        }
        true
    }

    /// Pushes a value of a variant that is made out of others; false if there is no such instruction.
    fn make(&mut self, variant: VariantId) -> bool {
        let makers = self.plan.makers.iter().filter(|(_, made)| *made == variant);
        let Some(&(id, _)) = self.entropy.pick_from(makers) else { return false };
        let needs = self.plan.isa.instruction(id).effect.inputs.len();
        if self.stack.len() + needs > CELLS || !(0..needs).all(|_| self.produce(None)) {
            return false;
        }
        self.emit(id, 0, None);
        true
    }

    /// Whether there is something for each operand of an instruction to name.
    fn operands_exist(&self, insn: &Instruction) -> bool {
        let here = &self.signatures[self.index];
        insn.operands.iter().all(|operand| match operand.kind {
            OperandKind::Index(rule) => {
                let bank = self.plan.isa.machine().banks.get(usize::from(rule.bank.0));
                match bank.map(|bank| bank.owner) {
                    Some(Owner::Frame) => here.locals > 0,
                    Some(Owner::Closure) => !here.captures.is_empty(),
                    _ => true,
                }
            }
            OperandKind::Function => {
                self.signatures[1..].iter().any(|signature| signature.fits(here))
            }
            OperandKind::Constant(rule) => self
                .constants
                .iter()
                .any(|it| rule.of.is_none() || it.variant(self.plan.union) == rule.of),
            OperandKind::Immediate | OperandKind::Label(_) => true,
        })
    }

    /// A label for a jump; `None` for the next instruction.
    fn choose_label(&mut self, insn: &Instruction) -> Option<Label> {
        if insn.effect.jumps.is_empty() || self.entropy.once_in(8) {
            return None;
        }
        let height = self.stack.len().checked_sub(insn.effect.inputs.len())?;
        let known = self.stack[..height].to_vec();
        if self.pending.len() == PENDING || self.entropy.once_in(3) {
            let same = self.pending.iter().filter(|(_, there)| there.len() == known.len());
            let label = self.entropy.pick_from(same).map(|&(label, _)| label);
            if let Some(entry) = self.pending.iter_mut().find(|(it, _)| Some(*it) == label) {
                entry.1 = meet(&entry.1, &known);
            }
            return label;
        }
        let label = self.draft.label();
        self.pending.push((label, known));
        Some(label)
    }

    /// Adds an instruction whose constant or function has a number.
    fn emit_making(&mut self, id: InsnId, part: u32) {
        self.emit_with(id, Some(part), 0, None);
    }

    /// Adds an instruction with `list` cells for its list, if it has one.
    fn emit(&mut self, id: InsnId, list: u32, label: Option<Label>) {
        self.emit_with(id, None, list, label);
    }

    fn emit_with(&mut self, id: InsnId, part: Option<u32>, list: u32, label: Option<Label>) {
        let insn = self.plan.isa.instruction(id);
        let needs = insn.effect.inputs.len() + list as usize;
        if self.stack.len() < needs || part.is_none() && !self.operands_exist(insn) {
            return;
        }
        let bound = if is_bound(insn) { self.fitting_operands(insn) } else { None };
        if is_bound(insn) && bound.is_none() {
            return;
        }
        let mut next = None;
        let mut variants = Vec::new();
        let elements = bound.as_ref().map_or(0, |cells| list_len(insn, cells)).max(0) as usize;
        let count = insn.scalars() + elements;
        for index in 0..count {
            let number = insn.operand_of(index);
            let operand = &insn.operands[usize::from(number)];
            let fitting = bound.as_ref().and_then(|cells| cells.get(index));
            let is_count = insn.effect.list.as_ref().is_some_and(|list| list.count == number);
            let (value, variant) = match operand.kind {
                OperandKind::Immediate if is_count => (Operand::Cell(list.into()), None),
                OperandKind::Immediate => {
                    let cell = match fitting {
                        Some(cell) => *cell,
                        None => self.entropy.cell(operand.raw),
                    };
                    (Operand::Cell(cell), None)
                }
                OperandKind::Index(_) if fitting.is_some() => {
                    (Operand::Cell(fitting.copied().unwrap_or(0)), None)
                }
                OperandKind::Label(_) => {
                    let draft = &mut self.draft;
                    let place = label.unwrap_or_else(|| *next.get_or_insert_with(|| draft.label()));
                    (Operand::Label(place), None)
                }
                kind => {
                    let (number, variant) = self.part(kind, part);
                    (Operand::Cell(number), variant)
                }
            };
            self.draft.push_operand(value);
            if index < insn.scalars() {
                variants.push(variant);
            }
        }
        let height = self.stack.len() - needs;
        let inputs = self.stack[height..height + insn.effect.inputs.len()].to_vec();
        let behaviour = Behaviour::of(self.plan.union, insn, &inputs, &variants);
        let form = self.entropy.below(insn.encodings.len() as u32) as u8;
        self.draft.push_insn((id, form), count);
        self.bytes += insn.max_len() + 8 * elements as u32;
        self.stack.truncate(height);
        self.stack.extend(behaviour.outputs);
        self.max_stack = self.max_stack.max(self.stack.len());
        self.live = insn.effect.falls_through || next.is_some();
        if let Some(next) = next {
            self.draft.bind(next);
        }
    }

    /// Operands of an instruction that fit one another; `None` if the function has not all that they name.
    fn fitting_operands(&mut self, insn: &Instruction) -> Option<Vec<u64>> {
        let witness = witness(self.plan.isa, insn)?;
        let chosen = choose(self.plan.isa, insn, &witness, self.entropy);
        let exist = |cells: &Vec<u64>| {
            cells.iter().zip(&insn.operands).all(|(cell, operand)| match operand.kind {
                OperandKind::Index(rule) => *cell < self.indexes(rule).into(),
                _ => true,
            })
        };
        [chosen, witness].into_iter().find(exist)
    }

    /// How many indexes of a bank there are in the function.
    fn indexes(&self, rule: IndexRule) -> u32 {
        let here = &self.signatures[self.index];
        let machine = self.plan.isa.machine();
        match machine.banks.get(usize::from(rule.bank.0)).map(|bank| bank.owner) {
            Some(Owner::Frame) => here.locals,
            Some(Owner::Closure) => here.captures.len() as u32,
            Some(Owner::Program) => machine.indexes(rule),
            None => 1,
        }
    }

    /// The number of an operand that names a part of the module, and the variant of a constant.
    fn part(&mut self, kind: OperandKind, part: Option<u32>) -> (u64, Option<VariantId>) {
        let here = &self.signatures[self.index];
        match kind {
            OperandKind::Constant(rule) => {
                let of = |it: &Constant| it.variant(self.plan.union);
                let all = (0u32..).zip(self.constants);
                let suitable = all.filter(|(_, it)| rule.of.is_none() || of(it) == rule.of);
                let index = match part {
                    Some(part) => part,
                    None => self.entropy.pick_from(suitable).map_or(0, |(at, _)| at),
                };
                let variant = self.constants.get(index as usize).and_then(of);
                let known = if rule.of.is_none() { variant } else { None };
                (u64::from(index) + u64::from(rule.first), known)
            }
            OperandKind::Function => {
                let fits = |&at: &u32| at > 0 && self.signatures[at as usize].fits(here);
                let all = (0..self.signatures.len() as u32).filter(fits);
                let chosen = part.or_else(|| self.entropy.pick_from(all));
                (chosen.unwrap_or(0).into(), None)
            }
            OperandKind::Index(rule) => {
                let greatest = self.indexes(rule).saturating_sub(1);
                (self.entropy.index(greatest).into(), None)
            }
            OperandKind::Immediate | OperandKind::Label(_) => (0, None),
        }
    }
}

/// What is known where two ways meet.
fn meet(a: &[Option<VariantId>], b: &[Option<VariantId>]) -> Stack {
    a.iter().zip(b).map(|(a, b)| if a == b { *a } else { None }).collect()
}

/// Whether what is known here is enough for a place where `known` must be.
fn fits(here: &[Option<VariantId>], known: &[Option<VariantId>]) -> bool {
    here.len() == known.len()
        && here.iter().zip(known).all(|(here, known)| known.is_none() || here == known)
}
