//! Builds a program function by function, with the height of the stack in hand.

use bytestone_spec::isa::{CodeEnd, InsnId, OperandKind};

use super::condition::choose;
use super::draft::{Draft, Label, Operand};
use super::entropy::Entropy;
use super::host;
use super::plan::{Plan, Swarm, greatest_index};
use super::pointer;
use crate::codec::list_len;

/// The most labels that wait for their place.
const PENDING: usize = 6;
/// The most arguments and the most results of a subroutine.
const ARGUMENTS: u32 = 3;

/// A program of about `budget` bytes.
pub(super) fn build(
    plan: &Plan<'_>,
    swarm: &Swarm,
    entropy: &mut Entropy<'_, '_>,
    budget: u32,
) -> Draft {
    let mut draft = Draft::default();
    let count = if budget == 0 { 0 } else { entropy.below(plan.subroutines as u32 + 1) };
    let most = ARGUMENTS.min(plan.cells as u32 / 2) + 1;
    let subroutines: Vec<Subroutine> = (0..count)
        .map(|_| Subroutine {
            entry: draft.label(),
            arguments: entropy.below(most) as usize,
            results: entropy.below(most) as usize,
        })
        .collect();
    let share = budget / (count + 1);
    let mut builder =
        Builder { plan, swarm, entropy, draft, frame: Frame::default(), subroutines, bytes: 0 };
    builder.function(Frame { live: true, ..Frame::default() }, share);
    for index in 0..builder.subroutines.len() {
        let Subroutine { entry, arguments, results } = builder.subroutines[index];
        builder.draft.bind(entry);
        let frame = Frame {
            live: true,
            cells: arguments,
            results: Some(results),
            first_callee: index + 1,
            ..Frame::default()
        };
        builder.function(frame, share);
    }
    builder.draft
}

/// A subroutine, which takes its arguments from the stack and leaves its results there.
#[derive(Clone, Copy, Debug)]
struct Subroutine {
    entry: Label,
    arguments: usize,
    results: usize,
}

/// The function that is being built.
#[derive(Debug, Default)]
struct Frame {
    /// How many cells of the stack are the function's at this place.
    cells: usize,
    /// Whether control comes to this place.
    live: bool,
    /// How many cells it leaves when it returns; `None` for the program itself.
    results: Option<usize>,
    /// The first of the subroutines that it may call without recursion.
    first_callee: usize,
    /// Labels that wait for their place, with the cells that must be there.
    pending: Vec<(Label, usize)>,
    /// Labels to jump back to, with the cells that are there.
    heads: Vec<(Label, usize)>,
}

/// Where the labels of an instruction lead.
#[derive(Clone, Copy)]
enum Lead {
    /// To the next instruction.
    Next,
    /// To the next instruction, to a place where the stack is the same, or to one still to come.
    Anywhere,
    /// To a certain place.
    To(Label),
}

struct Builder<'b, 'isa, 'e, 'd> {
    plan: &'b Plan<'isa>,
    swarm: &'b Swarm,
    entropy: &'b mut Entropy<'e, 'd>,
    draft: Draft,
    frame: Frame,
    subroutines: Vec<Subroutine>,
    /// The greatest length of what was built.
    bytes: u32,
}

impl Builder<'_, '_, '_, '_> {
    /// Builds a function of about `budget` bytes.
    fn function(&mut self, frame: Frame, budget: u32) {
        self.frame = frame;
        let limit = self.bytes + budget;
        while self.bytes < limit && !self.entropy.is_empty() {
            if self.frame.live {
                self.grow();
            } else if !self.place_pending() {
                return;
            }
        }
        while self.place_pending() {}
        if self.frame.live {
            self.finish();
        }
    }

    fn grow(&mut self) {
        let open = !self.frame.pending.is_empty();
        match self.entropy.below(16) {
            0 | 1 if open => drop(self.place_pending()),
            2 if open => self.leave(),
            3 if self.swarm.loops => self.mark_head(),
            4..=6 if !self.subroutines.is_empty() => self.call(),
            _ => {
                if let Some(id) = self.entropy.pick(&self.swarm.picks) {
                    if self.plan.reach(id).is_backward() {
                        self.jump_back(id);
                    } else {
                        self.apply(id);
                    }
                } else {
                    self.print();
                }
            }
        }
    }

    /// Gives a pending label its place here; false if there is none.
    fn place_pending(&mut self) -> bool {
        if self.frame.pending.is_empty() {
            return false;
        }
        let chosen = self.entropy.below(self.frame.pending.len() as u32) as usize;
        let (label, cells) = self.frame.pending.swap_remove(chosen);
        if self.frame.live {
            self.adjust(cells);
        }
        self.draft.bind(label);
        self.frame.cells = cells;
        self.frame.live = true;
        true
    }

    /// Makes this place one to jump back to.
    fn mark_head(&mut self) {
        let label = self.draft.label();
        self.draft.bind(label);
        self.frame.heads.push((label, self.frame.cells));
    }

    /// Ends the program or the subroutine where it is live.
    fn finish(&mut self) {
        if self.frame.results.is_some() {
            return self.leave();
        }
        for _ in 0..=self.entropy.below(4) {
            self.print();
        }
        let code_ends = self.subroutines.is_empty() && self.plan.isa.code_end() == CodeEnd::Halt;
        if !code_ends || !self.entropy.once_in(2) {
            self.leave();
        }
        if self.frame.live
            && self.draft.awaits_insn()
            && let Some((id, after)) = self.plan.ladder.any_plain(self.plan.isa, self.frame.cells)
        {
            self.emit(id, after, Lead::Next);
        }
    }

    /// Returns from a subroutine, rarely halts in it; halts elsewhere, if an instruction does.
    fn leave(&mut self) {
        let cells = self.frame.cells;
        let end = match self.frame.results.filter(|_| !self.entropy.once_in(16)) {
            Some(results) => {
                // What a return pushes is part of the results.
                let place = |&id: &InsnId| {
                    let effect = &self.plan.isa.instruction(id).effect;
                    let kept = results.checked_sub(effect.outputs.len())?;
                    Some((id, kept + effect.inputs.len()))
                };
                self.entropy.pick_from(self.plan.returns.iter().filter_map(place))
            }
            None => {
                let halts = self.plan.halts.iter();
                let place = |&id| Some((id, self.plan.place_for(id, cells)?));
                self.entropy.pick_from(halts.filter_map(place))
            }
        };
        if let Some((id, before)) = end
            && self.adjust(before)
        {
            self.emit(id, before, Lead::Next);
        }
    }

    fn print(&mut self) {
        if let Some(id) = self.entropy.pick(&self.plan.prints) {
            self.apply(id);
        }
    }

    /// Calls a subroutine, mostly one of those after this function.
    fn call(&mut self) {
        let Some(id) = self.entropy.pick(&self.plan.calls) else { return };
        let back = self.swarm.recursion && self.reaches_back(id);
        let first = if back && self.entropy.once_in(4) { 0 } else { self.frame.first_callee };
        let callees = self.subroutines.get(first..).unwrap_or_default();
        let Some(callee) = self.entropy.pick(callees) else { return };
        let effect = &self.plan.isa.instruction(id).effect;
        let (inputs, outputs) = (effect.inputs.len(), effect.outputs.len());
        let room = self.plan.cells + inputs;
        let (Some(by_entry), Some(by_return)) = (
            room.checked_sub(outputs),
            (room + callee.arguments).checked_sub(outputs + callee.results),
        ) else {
            return;
        };
        let least = inputs.max((callee.arguments + inputs).saturating_sub(outputs));
        let most = by_entry.min(by_return).min(self.plan.cells);
        if least <= most {
            let before = self.frame.cells.clamp(least, most);
            self.adjust(before);
            let after = before - inputs + outputs - callee.arguments + callee.results;
            self.emit(id, after, Lead::To(callee.entry));
        }
    }

    /// Adds an instruction, and before it what it needs on the stack; nothing if that cannot be.
    fn apply(&mut self, id: InsnId) {
        let effect = &self.plan.isa.instruction(id).effect;
        let (inputs, outputs) = (effect.inputs.len(), effect.outputs.len());
        let before = match (effect.returns, self.frame.results) {
            (false, _) => self.plan.place_for(id, self.frame.cells),
            // Where it returns, the results are all that is left.
            (true, Some(results)) => results.checked_sub(outputs).map(|kept| kept + inputs),
            (true, None) => None,
        };
        if let Some(before) = before
            && self.plan.can_end(before - inputs + outputs)
            && self.adjust(before)
        {
            self.emit(id, before - inputs + outputs, Lead::Anywhere);
        }
    }

    /// Adds an instruction whose labels lead back only: to one of the places to jump back to, if there
    /// is a way on behind it.
    fn jump_back(&mut self, id: InsnId) {
        let effect = &self.plan.isa.instruction(id).effect;
        let goes_on = effect.falls_through || !self.frame.pending.is_empty();
        if !goes_on || !self.reaches_back(id) || effect.returns || !self.entropy.once_in(2) {
            return;
        }
        let (inputs, outputs) = (effect.inputs.len(), effect.outputs.len());
        let Some((head, cells)) = self.entropy.pick(&self.frame.heads) else { return };
        if let Some(before) = (cells + inputs).checked_sub(outputs)
            && before >= inputs
            && self.adjust(before)
        {
            self.emit(id, cells, Lead::To(head));
        }
    }

    /// Changes the stack until the function has `cells` on it; false, and no change, if there is
    /// no way.
    fn adjust(&mut self, cells: usize) -> bool {
        if !self.plan.ladder.reaches(self.frame.cells, cells) {
            return false;
        }
        while let Some((id, after)) = self.plan.ladder.step(self.frame.cells, cells, self.entropy) {
            self.emit(id, after, Lead::Next);
        }
        true
    }

    /// Adds an instruction, after which the function has `after` cells on the stack.
    fn emit(&mut self, id: InsnId, after: usize, lead: Lead) {
        let insn = self.plan.isa.instruction(id);
        let mut next = None;
        let isa = self.plan.isa;
        let bound = self.plan.witness(id).map(|witness| choose(isa, insn, witness, self.entropy));
        let mut chosen = pointer::reach(isa, insn, self.entropy);
        chosen.extend(host::calling(isa, insn, self.entropy));
        let bound = bound.map(|cells| pointer::replaced(insn, cells, &chosen));
        let elements = bound.as_ref().map_or(0, |cells| list_len(insn, cells)).max(0) as usize;
        let count = insn.scalars() + elements;
        for index in 0..count {
            let operand = &insn.operands[usize::from(insn.operand_of(index))];
            let fitting = match &bound {
                Some(cells) => cells.get(index),
                None => {
                    chosen.iter().find(|(at, _)| usize::from(*at) == index).map(|(_, cell)| cell)
                }
            };
            let value = match operand.kind {
                OperandKind::Immediate | OperandKind::Constant(_) | OperandKind::Function => {
                    Operand::Cell(match fitting {
                        Some(cell) => *cell,
                        None => self.entropy.cell(operand.raw),
                    })
                }
                OperandKind::Index(_) if fitting.is_some() => {
                    Operand::Cell(fitting.copied().unwrap_or(0))
                }
                OperandKind::Index(_) => {
                    let greatest = greatest_index(self.plan.isa, operand).unwrap_or(0);
                    Operand::Cell(self.entropy.index(greatest).into())
                }
                OperandKind::Label(_) => {
                    let place = match lead {
                        Lead::Next => None,
                        Lead::Anywhere => self.choose_label(id, after),
                        Lead::To(label) => Some(label),
                    };
                    let draft = &mut self.draft;
                    Operand::Label(
                        place.unwrap_or_else(|| *next.get_or_insert_with(|| draft.label())),
                    )
                }
            };
            self.draft.push_operand(value);
        }
        let form = match insn.encodings.len() {
            0 | 1 => 0,
            // Mostly the canonical one, which is the first that fits.
            count if self.entropy.once_in(4) => self.entropy.below(count as u32) as u8,
            _ => 0,
        };
        self.draft.push_insn((id, form), count);
        self.bytes += insn.max_len() + 8 * elements as u32;
        self.frame.cells = after;
        self.frame.live = insn.effect.falls_through || next.is_some();
        if let Some(next) = next {
            self.draft.bind(next);
        }
    }

    /// A label for a jump that leaves `cells` on the stack; `None` for the next instruction.
    fn choose_label(&mut self, id: InsnId, cells: usize) -> Option<Label> {
        let choice = self.entropy.below(8);
        if choice == 0 || !self.plan.ladder.is_complete() {
            return None;
        }
        let open =
            !self.frame.pending.is_empty() || self.plan.isa.instruction(id).effect.falls_through;
        let known = match choice {
            1 | 2 if self.swarm.loops && self.reaches_back(id) && open => &self.frame.heads,
            _ => &self.frame.pending,
        };
        let same = known.iter().filter(|(_, there)| *there == cells);
        let full = self.frame.pending.len() == PENDING;
        let reused = if full || choice <= 4 { self.entropy.pick_from(same) } else { None };
        if full || reused.is_some() {
            return reused.map(|&(label, _)| label);
        }
        let label = self.draft.label();
        self.frame.pending.push((label, cells));
        Some(label)
    }

    fn reaches_back(&self, id: InsnId) -> bool {
        self.plan.reach(id).backward >= self.swarm.span
    }
}
