//! What an instruction set offers to a generator, and what one program uses of it.

use bytestone_spec::isa::{
    CodeEnd, InsnId, Instruction, Isa, LabelBase, LabelRule, Op, Operand, OperandKind, WriteTo,
};

use super::condition::{is_bound, witness};
use super::entropy::Entropy;
use super::ladder::Ladder;

/// The most cells of a frame.
const FRAME_CELLS: usize = 16;
/// The most subroutines of a program.
const SUBROUTINES: usize = 4;
/// The greatest length of a program in bytes.
const SPAN: u32 = 1 << 12;
/// The least length that labels must allow.
const LEAST_SPAN: u32 = 64;
/// The most instructions that a program uses, apart from those that repair its stack.
const PICKS: u32 = 12;

/// An instruction set, sorted by what its instructions are good for. Instructions whose operands
/// cannot be chosen freely are left out.
#[derive(Clone, Debug)]
pub(super) struct Plan<'isa> {
    pub(super) isa: &'isa Isa,
    /// The most cells on the stack in a frame, the arguments of a subroutine among them.
    pub(super) cells: usize,
    /// The most subroutines of a program.
    pub(super) subroutines: usize,
    /// What changes the stack to any height.
    pub(super) ladder: Ladder,
    /// Instructions that end the program.
    pub(super) halts: Vec<InsnId>,
    /// Instructions that return from a subroutine.
    pub(super) returns: Vec<InsnId>,
    /// Instructions that call one.
    pub(super) calls: Vec<InsnId>,
    /// Instructions that print, and do nothing else to control.
    pub(super) prints: Vec<InsnId>,
    /// Instructions that call the host, and do nothing else to control.
    asks: Vec<InsnId>,
    /// Everything else that a program may use.
    others: Vec<InsnId>,
    /// How far the labels of each instruction reach.
    reaches: Vec<Reach>,
    /// For each instruction whose operands have to fit one another, some that do.
    witnesses: Vec<Option<Vec<u64>>>,
}

/// What one program uses of a plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Swarm {
    /// The instructions; one that is in it more often is used more often.
    pub(super) picks: Vec<InsnId>,
    /// The greatest length of the program in bytes.
    pub(super) span: u32,
    /// Whether it may jump back.
    pub(super) loops: bool,
    /// Whether subroutines may call themselves and those before them.
    pub(super) recursion: bool,
}

impl<'isa> Plan<'isa> {
    pub(super) fn new(isa: &'isa Isa) -> Self {
        let depth = isa.machine().stack.map_or(0, |stack| stack.depth as usize);
        let calls_go_deep = isa.machine().call_depth.is_some() && depth >= 4 * (SUBROUTINES + 1);
        let cells = FRAME_CELLS.min(if calls_go_deep { depth / (SUBROUTINES + 1) } else { depth });
        let usable = |insn: &Instruction| is_usable(isa, insn, cells);
        let select = |suits: &dyn Fn(&Instruction) -> bool| -> Vec<InsnId> {
            let all = (0..).map(InsnId).zip(isa.instructions());
            all.filter(|(_, insn)| usable(insn) && suits(insn)).map(|(id, _)| id).collect()
        };
        let mut plan = Self {
            isa,
            cells,
            subroutines: 0,
            ladder: Ladder::new(
                isa,
                cells,
                &select(&is_plain),
                &select(&|insn| has_one_height(insn) && !Reach::of_insn(isa, insn).is_backward()),
            ),
            halts: select(&|insn| is_end(insn) && insn.effect.halts),
            returns: select(&|insn| is_end(insn) && insn.effect.returns && is_lean(insn, cells)),
            calls: select(&|insn| insn.effect.call.is_some()),
            prints: select(&|insn| is_plain(insn) && prints(insn)),
            asks: select(&|insn| is_plain(insn) && asks(insn)),
            others: select(&|insn| !is_end(insn) && insn.effect.call.is_none()),
            reaches: isa.instructions().iter().map(|insn| Reach::of_insn(isa, insn)).collect(),
            witnesses: isa
                .instructions()
                .iter()
                .map(|insn| if is_bound(insn) { witness(isa, insn) } else { None })
                .collect(),
        };
        for insns in [&mut plan.calls, &mut plan.others] {
            insns.retain(|id| plan.reaches[usize::from(id.0)].span() >= LEAST_SPAN);
        }
        plan.calls.retain(|id| !plan.reaches[usize::from(id.0)].is_backward());
        let is_bare = |id: &InsnId| isa.instruction(*id).effect.outputs.is_empty();
        let ends = plan.returns.iter().any(is_bare) && !plan.halts.is_empty();
        if !plan.calls.is_empty() && ends && plan.ladder.is_complete() {
            let by_depth = depth.checked_div(cells).map_or(SUBROUTINES, |frames| frames - 1);
            let by_calls = isa.machine().call_depth.unwrap_or(0) as usize;
            plan.subroutines = SUBROUTINES.min(by_depth).min(by_calls);
        }
        plan
    }

    /// Whether a program can end that has `cells` on the stack.
    pub(super) fn can_end(&self, cells: usize) -> bool {
        self.isa.code_end() == CodeEnd::Halt
            || self.halts.iter().any(|&id| self.place_for(id, cells).is_some())
    }

    /// How many cells must be on the stack for an instruction, so that it has its inputs and a
    /// frame has room for its outputs: `cells` if they do, or what they can be changed to.
    pub(super) fn place_for(&self, id: InsnId, cells: usize) -> Option<usize> {
        let effect = &self.isa.instruction(id).effect;
        let (inputs, outputs) = (effect.inputs.len(), effect.outputs.len());
        let last = (self.cells + inputs).checked_sub(outputs)?.min(self.cells);
        if (inputs..=last).contains(&cells) {
            return Some(cells);
        }
        (inputs..=last).find(|&place| self.ladder.reaches(cells, place))
    }

    /// Operands of an instruction that fit one another, if they have to.
    pub(super) fn witness(&self, id: InsnId) -> Option<&[u64]> {
        self.witnesses[usize::from(id.0)].as_deref()
    }

    /// How far the labels of an instruction reach.
    pub(super) fn reach(&self, id: InsnId) -> Reach {
        self.reaches[usize::from(id.0)]
    }
}

impl Swarm {
    pub(super) fn choose(plan: &Plan<'_>, entropy: &mut Entropy<'_, '_>) -> Self {
        let loops = entropy.once_in(2);
        let recursion = entropy.once_in(8);
        let traps = entropy.once_in(3);
        let count = 1 + entropy.below(PICKS);
        let mut picks: Vec<InsnId> = (0..count)
            .filter_map(|_| entropy.pick(&plan.others))
            .filter(|&id| traps || !can_trap(plan.isa.instruction(id)))
            .collect();
        if !plan.asks.is_empty() && entropy.once_in(3) {
            picks.extend(entropy.pick(&plan.asks));
        }
        let reach = |&id: &InsnId| plan.reach(id).span();
        let span = picks.iter().chain(&plan.calls).map(reach).min().unwrap_or(SPAN).min(SPAN);
        Self { picks, span, loops, recursion }
    }
}

/// Whether the generator can choose the operands of an instruction, and a frame has room for it.
fn is_usable(isa: &Isa, insn: &Instruction, cells: usize) -> bool {
    let effect = &insn.effect;
    let calls_only = effect.call.is_none()
        || effect.falls_through && effect.jumps.is_empty() && !effect.returns && !effect.halts;
    let operands_ok = (0u8..).zip(&insn.operands).all(|(number, operand)| match operand.kind {
        OperandKind::Immediate => true,
        OperandKind::Constant(_) | OperandKind::Function => false,
        OperandKind::Index(_) => greatest_index(isa, operand).is_some(),
        OperandKind::Label(_) => {
            let leads = effect.jumps.contains(&number) || effect.call == Some(number);
            let reach = Reach::of_insn(isa, insn);
            leads && (reach.forward >= insn.max_len() || reach.is_backward())
        }
    });
    let fits = !is_bound(insn) || witness(isa, insn).is_some();
    calls_only && operands_ok && fits && effect.inputs.len().max(effect.outputs.len()) <= cells
}

/// The greatest index that an operand can name.
pub(super) fn greatest_index(isa: &Isa, operand: &Operand) -> Option<u32> {
    let OperandKind::Index(rule) = operand.kind else { return None };
    let greatest = operand.raw.max().min(i128::from(isa.machine().indexes(rule)) - 1);
    u32::try_from(greatest).ok()
}

/// Whether control always goes to the next instruction.
pub(super) fn is_plain(insn: &Instruction) -> bool {
    insn.effect.jumps.is_empty() && has_one_height(insn)
}

/// Whether an instruction goes on with the next one, or can if its labels are there.
fn has_one_height(insn: &Instruction) -> bool {
    let effect = &insn.effect;
    let goes_on = effect.falls_through || !effect.jumps.is_empty();
    goes_on && effect.call.is_none() && !effect.returns && !effect.halts
}

/// Whether control always leaves the program or the subroutine.
fn is_end(insn: &Instruction) -> bool {
    let effect = &insn.effect;
    let leaves = effect.halts != effect.returns || effect.returns_if_called;
    leaves && !effect.falls_through && effect.jumps.is_empty() && effect.call.is_none()
}

/// Whether a frame has room for the results of a subroutine beside the inputs of a return.
fn is_lean(insn: &Instruction, cells: usize) -> bool {
    insn.effect.inputs.len().max(insn.effect.outputs.len()) <= cells / 2
}

pub(super) fn can_trap(insn: &Instruction) -> bool {
    insn.body
        .ops
        .iter()
        .any(|op| matches!(op, Op::TrapIf { .. } | Op::Load { .. } | Op::Reach { .. }))
}

fn asks(insn: &Instruction) -> bool {
    insn.body.writes.iter().any(|write| matches!(write.to, WriteTo::Host { .. }))
}

fn prints(insn: &Instruction) -> bool {
    insn.body.writes.iter().any(|write| write.to == WriteTo::Output)
}

/// How many bytes the labels of an instruction reach from its start. Every offset in between that
/// an instruction can have is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) forward: u32,
    pub(super) backward: u32,
}

impl Reach {
    const NOWHERE: Self = Self { forward: 0, backward: 0 };
    /// How far it reaches, forward if it does.
    pub(super) fn span(self) -> u32 {
        if self.is_backward() { self.backward } else { self.forward }
    }

    /// Whether it leads back only.
    pub(super) fn is_backward(self) -> bool {
        self.forward < LEAST_SPAN && self.backward >= LEAST_SPAN
    }

    const ANYWHERE: Self = Self { forward: u32::MAX, backward: u32::MAX };

    pub(super) fn of_insn(isa: &Isa, insn: &Instruction) -> Self {
        insn.operands.iter().fold(Self::ANYWHERE, |reach, operand| match operand.kind {
            OperandKind::Label(rule) => reach.min(Self::of_label(isa, insn, operand, rule)),
            OperandKind::Immediate
            | OperandKind::Index(_)
            | OperandKind::Constant(_)
            | OperandKind::Function => reach,
        })
    }

    fn min(self, other: Self) -> Self {
        Self {
            forward: self.forward.min(other.forward),
            backward: self.backward.min(other.backward),
        }
    }

    fn of_label(isa: &Isa, insn: &Instruction, operand: &Operand, rule: LabelRule) -> Self {
        let step = rule.scale.unsigned_abs();
        if step != 1 && !(rule.base != LabelBase::Operand && is_grid(isa, step, rule.bias)) {
            return Self::NOWHERE;
        }
        let ends = [operand.raw.min(), operand.raw.max()].map(|raw| raw * i128::from(rule.scale));
        let (first, last) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        let (first, last) = (first + i128::from(rule.bias), last + i128::from(rule.bias));
        let bytes = |distance: i128| u32::try_from(distance.max(0)).unwrap_or(u32::MAX);
        let (min_len, max_len) = (i128::from(insn.min_len()), i128::from(insn.max_len()));
        match rule.base {
            LabelBase::Code if first <= 0 => Self { forward: bytes(last), backward: u32::MAX },
            LabelBase::Insn | LabelBase::Operand if first <= min_len => {
                Self { forward: bytes(last), backward: bytes(-first - max_len) }
            }
            LabelBase::Next if first <= 0 => {
                Self { forward: bytes(last), backward: bytes(-first - max_len) }
            }
            _ => Self::NOWHERE,
        }
    }
}

/// Whether all instructions start at multiples of `step`, and `bias` leads from one to another.
fn is_grid(isa: &Isa, step: u64, bias: i64) -> bool {
    bias.unsigned_abs().is_multiple_of(step)
        && isa.instructions().iter().flat_map(|insn| &insn.encodings).all(|encoding| {
            let (min, max) = (encoding.min_len, encoding.max_len);
            min == max && u64::from(min).is_multiple_of(step)
        })
}
