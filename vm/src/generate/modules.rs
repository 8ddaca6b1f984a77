//! What an instruction set with functions offers to a generator of modules.

use bytestone_spec::isa::{
    InsnId, Instruction, Isa, New, Op, OperandKind, TransferKind, Union, VariantId, WriteTo,
};

use super::condition::{is_bound, witness};
use super::known::Risk;
use super::plan::{Reach, is_plain};
use super::variants::{Behaviour, Risks};

/// The most cells on the stack of a frame.
pub(super) const CELLS: usize = 12;
/// Bytes that labels must reach.
const LEAST_REACH: u32 = 64;

/// The instructions of a machine with functions, sorted by what they are good for.
#[derive(Clone, Debug)]
pub(super) struct ModulePlan<'isa> {
    pub(super) isa: &'isa Isa,
    pub(super) union: &'isa Union,
    pub(super) risks: Risks<'isa>,
    /// Instructions that push one value and pop none, and that do not trap, and the variant of that value if it is
    /// always the same.
    pub(super) producers: Vec<(InsnId, Option<VariantId>)>,
    /// Instructions that make a value of a variant out of any others, and that do not trap.
    pub(super) makers: Vec<(InsnId, VariantId)>,
    /// Instructions that leave the frame with a value.
    pub(super) leaves: Vec<InsnId>,
    /// Instructions that end the program.
    pub(super) halts: Vec<InsnId>,
    /// Instructions that call a closure with a list of arguments.
    pub(super) calls: Vec<InsnId>,
    /// Instructions that make a closure of a function.
    pub(super) closures: Vec<InsnId>,
    pub(super) prints: Vec<InsnId>,
    /// Instructions that always jump back.
    pub(super) loops: Vec<InsnId>,
    pub(super) others: Vec<InsnId>,
}

impl<'isa> ModulePlan<'isa> {
    /// `None` if the machine has no functions, or if a function of it cannot end.
    pub(super) fn new(isa: &'isa Isa) -> Option<Self> {
        isa.machine().frames?;
        let union = isa.machine().union.as_ref()?;
        let select = |suits: &dyn Fn(&Instruction) -> bool| -> Vec<InsnId> {
            let all = (0..).map(InsnId).zip(isa.instructions());
            all.filter(|(_, insn)| is_usable(isa, insn) && suits(insn)).map(|(id, _)| id).collect()
        };
        let transfers = |insn: &Instruction, kind: fn(&TransferKind) -> bool| {
            insn.body.transfers.iter().any(|transfer| kind(&transfer.kind))
        };
        let calls = |insn: &Instruction| {
            transfers(insn, |kind| matches!(kind, TransferKind::Invoke { .. }))
        };
        let leaves =
            |insn: &Instruction| transfers(insn, |kind| matches!(kind, TransferKind::Leave { .. }));
        let backward = |insn: &Instruction| {
            let reach = Reach::of_insn(isa, insn);
            !insn.effect.jumps.is_empty() && reach.forward < LEAST_REACH
        };
        let producers = select(&|insn| {
            let effect = &insn.effect;
            is_plain(insn) && effect.inputs.is_empty() && effect.outputs.len() == 1 && !traps(insn)
        });
        let plan = Self {
            isa,
            union,
            risks: Risks::new(isa, union),
            producers: producers
                .into_iter()
                .map(|id| (id, pushed(union, isa.instruction(id))))
                .collect(),
            makers: (0..)
                .map(InsnId)
                .zip(isa.instructions())
                .filter(|(_, insn)| is_usable(isa, insn) && is_plain(insn))
                .filter_map(|(id, insn)| Some((id, made(union, insn)?)))
                .collect(),
            leaves: select(&|insn| leaves(insn) && !insn.effect.falls_through),
            halts: select(&|insn| insn.effect.halts && !insn.effect.falls_through),
            calls: select(&|insn| calls(insn) && insn.effect.list.is_some()),
            closures: select(&|insn| {
                let is_closure = |op: &Op| matches!(op, Op::New { what: New::Closure(_), .. });
                insn.effect.inputs.is_empty() && insn.body.ops.iter().any(is_closure)
            }),
            prints: select(&|insn| {
                is_plain(insn) && insn.body.writes.iter().any(|write| write.to == WriteTo::Output)
            }),
            loops: select(&|insn| {
                backward(insn) && !insn.effect.falls_through && insn.effect.inputs.is_empty()
            }),
            others: select(&|insn| {
                !calls(insn) && !leaves(insn) && !insn.effect.halts && !backward(insn)
            }),
        };
        let never_ends = plan.leaves.is_empty() && plan.halts.is_empty();
        (!plan.producers.is_empty() && !never_ends).then_some(plan)
    }
}

/// Whether an instruction may trap by a condition of its own.
pub(super) fn traps(insn: &Instruction) -> bool {
    insn.body.ops.iter().any(|op| matches!(op, Op::TrapIf { .. }))
}

/// The variant of what an instruction pushes that pops nothing.
fn pushed(union: &Union, insn: &Instruction) -> Option<VariantId> {
    let behaviour = Behaviour::of(union, insn, &[], &vec![None; insn.scalars()]);
    behaviour.outputs.first().copied().flatten()
}

/// The variant of what an instruction pushes, whatever it pops.
fn made(union: &Union, insn: &Instruction) -> Option<VariantId> {
    let effect = &insn.effect;
    if effect.inputs.is_empty() || effect.list.is_some() {
        return None;
    }
    let (inputs, operands) = (vec![None; effect.inputs.len()], vec![None; insn.scalars()]);
    let behaviour = Behaviour::of(union, insn, &inputs, &operands);
    match behaviour.outputs[..] {
        [variant] if behaviour.risk == Risk::Never => variant,
        _ => None,
    }
}

/// Whether the operands of an instruction can be chosen.
fn is_usable(isa: &Isa, insn: &Instruction) -> bool {
    let effect = &insn.effect;
    let reach = Reach::of_insn(isa, insn);
    let labels_lead = (0u8..).zip(&insn.operands).all(|(number, operand)| match operand.kind {
        OperandKind::Label(_) => {
            effect.jumps.contains(&number) && reach.forward.max(reach.backward) >= LEAST_REACH
        }
        _ => true,
    });
    // What is popped and what the list holds could contradict each other.
    let fits = !is_bound(insn) || effect.list.is_none() && witness(isa, insn).is_some();
    labels_lead
        && fits
        && effect.call.is_none()
        && effect.inputs.len().max(effect.outputs.len()) <= CELLS
}
