//! The reference tier: walks the obvious form of every instruction with every check on.

use bytestone_spec::isa::{
    Body, CodeEnd, Isa, Op, OperandKind, Temp, TransferKind, TrapId, Write, WriteTo,
};

use crate::limits;
use crate::program::Program;
use crate::state::State;
use crate::trace::{Change, Tracer};
use crate::verify::Verified;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The program halted, or ran past the end of its code where the machine allows it.
    Halt,
    /// An instruction trapped. The state is that before the instruction, which counts as a step.
    Trap {
        /// The trap.
        trap: TrapId,
        /// The offset of the instruction.
        at: u32,
    },
    /// All the fuel was used. The state can be run on.
    Fuel,
    /// The next instruction might print more than [`limits::OUTPUT_VALUES`] values in all. It
    /// was not begun.
    OutputLimit,
}

/// A run that cannot go on: impossible for a verified program that starts in [`State::new`], so
/// the verifier is wrong. What the last instruction left of the state is not defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stuck {
    /// An instruction pops more cells than there are.
    #[error("the instruction at offset {at} pops {needs} cells of {height}")]
    Underflow {
        /// The offset of the instruction.
        at: u32,
        /// How many cells it pops.
        needs: usize,
        /// How many there are.
        height: usize,
    },
    /// An instruction names a cell outside its bank.
    #[error("the instruction at offset {at} names cell {index}, which its bank has not")]
    BadIndex {
        /// The offset of the instruction.
        at: u32,
        /// The index.
        index: u64,
    },
    /// Control went to where no instruction starts.
    #[error("no instruction starts at offset {at}")]
    NoInstruction {
        /// The offset.
        at: u64,
    },
    /// A return found no active call.
    #[error("the return at offset {at} finds no active call")]
    ReturnWithoutCall {
        /// The offset of the return.
        at: u32,
    },
}

/// The reference tier, prepared for one program.
///
/// It defines what is right: every other tier and every engine is held to it.
#[derive(Clone, Debug)]
pub struct Reference<'a> {
    /// For each byte of the code the index of the instruction that starts there.
    starts: Vec<u32>,
    insns: Vec<Prepared<'a>>,
    /// Operand numbers of all instructions, with the target in place of a label's number.
    operands: Vec<u64>,
    code_end: CodeEnd,
    stack_depth: usize,
    call_depth: usize,
}

/// In [`Reference::starts`]: no instruction.
const NO_START: u32 = u32::MAX;

/// An instruction of the program.
#[derive(Clone, Copy, Debug)]
struct Prepared<'a> {
    body: &'a Body,
    /// The offset after it.
    next: u32,
    first_operand: u32,
    /// The place after its last operand.
    last_operand: u32,
    /// How many values it prints at most.
    prints: u32,
}

/// The temporaries of a step; a [`Temp`] is always in range.
type Temps = [u64; 1 << Temp::BITS];

/// What follows a step.
enum Next {
    Go(u64),
    End(Outcome),
}

impl<'a> Reference<'a> {
    /// Prepares a program to be run that was verified for `isa`.
    pub fn new(isa: &'a Isa, verified: &Verified) -> Self {
        let program = verified.program();
        let machine = isa.machine();
        let mut starts = vec![NO_START; program.code().len()];
        let mut insns = Vec::with_capacity(program.insns().len());
        let mut operands = Vec::new();
        for (at, insn) in program.insns().iter().enumerate() {
            starts[insn.offset as usize] = at as u32;
            let body = &isa.instruction(insn.id).body;
            let is_print = |write: &&Write| write.to == WriteTo::Output;
            insns.push(Prepared {
                body,
                next: insn.next(),
                first_operand: operands.len() as u32,
                last_operand: (operands.len() + program.operands(at).len()) as u32,
                prints: body.writes.iter().filter(is_print).count() as u32,
            });
            operands.extend(operand_values(isa, program, at));
        }
        Self {
            starts,
            insns,
            operands,
            code_end: isa.code_end(),
            stack_depth: machine.stack.map_or(0, |stack| stack.depth as usize),
            call_depth: machine.call_depth.unwrap_or(0) as usize,
        }
    }

    /// Runs the program from `state` for at most `fuel` steps; an instruction that halts or
    /// traps counts. After [`Outcome::Fuel`] the same state can be run on, and the result is
    /// that of one longer run.
    ///
    /// # Errors
    /// When the run is stuck: the verifier accepted what it must not, or `state` is none that
    /// this program reaches.
    pub fn run(
        &self,
        state: &mut State,
        fuel: u64,
        tracer: &mut impl Tracer,
    ) -> Result<Outcome, Stuck> {
        let last = state.steps.saturating_add(fuel);
        let mut temps: Temps = [0; 1 << Temp::BITS];
        loop {
            let Some(at) = self.index_at(state.pc)? else { return Ok(Outcome::Halt) };
            let insn = &self.insns[at];
            if state.steps >= last {
                return Ok(Outcome::Fuel);
            }
            if insn.prints as usize + state.output.len() > limits::OUTPUT_VALUES {
                return Ok(Outcome::OutputLimit);
            }
            tracer.before(at, state);
            let next = self.step(insn, state, &mut temps, tracer)?;
            state.steps += 1;
            if let Next::Go(target) = next {
                state.pc =
                    u32::try_from(target).map_err(|_| Stuck::NoInstruction { at: target })?;
            }
            tracer.after(at, state);
            if let Next::End(outcome) = next {
                return Ok(outcome);
            }
        }
    }

    /// The index of the instruction at `pc`; `None` when the program ran past its last one.
    #[inline]
    fn index_at(&self, pc: u32) -> Result<Option<usize>, Stuck> {
        match self.starts.get(pc as usize) {
            Some(&at) if at != NO_START => Ok(Some(at as usize)),
            None if pc as usize == self.starts.len() && self.code_end == CodeEnd::Halt => Ok(None),
            _ => Err(Stuck::NoInstruction { at: pc.into() }),
        }
    }

    /// Does one instruction, in the two phases that [`Body`] describes.
    #[inline]
    fn step(
        &self,
        insn: &Prepared<'a>,
        state: &mut State,
        temps: &mut Temps,
        tracer: &mut impl Tracer,
    ) -> Result<Next, Stuck> {
        let body = insn.body;
        let height = self.load(insn, state, temps)?;
        let trap = evaluate(body, state, temps)?;
        let holds = |guard: Option<Temp>| guard.is_none_or(|guard| temps[usize::from(guard)] != 0);
        let transfer = body.transfers.iter().find(|it| holds(it.guard)).map(|it| it.kind);
        let trap = trap.or_else(|| self.exceeded(height + body.outputs.len(), transfer, state));
        if let Some(trap) = trap {
            tracer.change(Change::Trap(trap));
            return Ok(Next::End(Outcome::Trap { trap, at: state.pc }));
        }

        state.stack.truncate(height);
        state.stack.extend(body.outputs.iter().map(|&output| temps[usize::from(output)]));
        commit_writes(body, state, temps, tracer)?;
        let target = |operand: u8| temps[usize::from(body.inputs) + usize::from(operand)];
        match transfer {
            None => Ok(Next::Go(insn.next.into())),
            Some(TransferKind::Jump { operand }) => Ok(Next::Go(target(operand))),
            Some(TransferKind::JumpList { index, .. }) => {
                self.element(insn, temps[usize::from(index)], state).map(Next::Go)
            }
            Some(TransferKind::Call { operand }) => {
                state.calls.push(insn.next);
                tracer.change(Change::Frame(state.calls.len() as u32));
                Ok(Next::Go(target(operand)))
            }
            Some(TransferKind::Return) => {
                let back = state.calls.pop().ok_or(Stuck::ReturnWithoutCall { at: state.pc })?;
                tracer.change(Change::Frame(state.calls.len() as u32));
                Ok(Next::Go(back.into()))
            }
            Some(TransferKind::Halt) => Ok(Next::End(Outcome::Halt)),
        }
    }

    /// Where an element of an instruction's list leads.
    #[cold]
    fn element(&self, insn: &Prepared<'a>, index: u64, state: &State) -> Result<u64, Stuck> {
        let first = insn.first_operand as usize + usize::from(insn.body.operands);
        let list = self.operands.get(first..insn.last_operand as usize).unwrap_or_default();
        let target = usize::try_from(index).ok().and_then(|index| list.get(index)).copied();
        target.ok_or(Stuck::BadIndex { at: state.pc, index })
    }

    /// Fills the temporaries of inputs and operands. Returns the stack height without the inputs.
    #[inline]
    fn load(&self, insn: &Prepared<'a>, state: &State, temps: &mut Temps) -> Result<usize, Stuck> {
        let (inputs, operands) = (usize::from(insn.body.inputs), usize::from(insn.body.operands));
        let available = state.stack.len();
        let Some(height) = available.checked_sub(inputs) else {
            return Err(Stuck::Underflow { at: state.pc, needs: inputs, height: available });
        };
        for (temp, &cell) in temps.iter_mut().zip(&state.stack[height..]) {
            *temp = cell;
        }
        let first = insn.first_operand as usize;
        for (temp, &operand) in
            temps[inputs..].iter_mut().zip(&self.operands[first..first + operands])
        {
            *temp = operand;
        }
        Ok(height)
    }

    /// The limit that a step would exceed that leaves `height` cells on the stack.
    #[inline]
    fn exceeded(
        &self,
        height: usize,
        transfer: Option<TransferKind>,
        state: &State,
    ) -> Option<TrapId> {
        if height > self.stack_depth {
            return Some(TrapId::STACK_OVERFLOW);
        }
        let calls = matches!(transfer, Some(TransferKind::Call { .. }));
        (calls && state.calls.len() >= self.call_depth).then_some(TrapId::CALL_DEPTH)
    }
}

/// The operands of an instruction as its body sees them: numbers, and the targets of labels.
fn operand_values<'p>(
    isa: &'p Isa,
    program: &'p Program,
    at: usize,
) -> impl Iterator<Item = u64> + 'p {
    let insn = &program.insns()[at];
    let described = isa.instruction(insn.id);
    program.operands(at).iter().enumerate().map(move |(index, &cell)| {
        let number = described.operand_of(index);
        match described.operands[usize::from(number)].kind {
            OperandKind::Immediate | OperandKind::Index(_) => cell,
            OperandKind::Label(_) => {
                // A target outside the code becomes one that no instruction can have.
                let target = insn.target(isa, number, cell);
                target.and_then(|target| u64::try_from(target).ok()).unwrap_or(u64::MAX)
            }
        }
    })
}

/// Evaluates the ops of phase one up to the first trap, which is returned.
#[inline]
fn evaluate(body: &Body, state: &State, temps: &mut Temps) -> Result<Option<TrapId>, Stuck> {
    let first = usize::from(body.inputs) + usize::from(body.operands);
    for (place, op) in (first..).zip(&body.ops) {
        let temp = |temp: Temp| temps[usize::from(temp)];
        let cell = match *op {
            Op::Const(cell) => cell,
            Op::Read { bank, index } => {
                let index = temp(index);
                let cell = state
                    .banks
                    .get(usize::from(bank.0))
                    .and_then(|bank| bank.cells.get(usize::try_from(index).ok()?));
                *cell.ok_or(Stuck::BadIndex { at: state.pc, index })?
            }
            Op::Unary { op, ty, a } => op.apply(ty, temp(a)),
            Op::Binary { op, ty, a, b } => op.apply(ty, temp(a), temp(b)),
            Op::Select { cond, then, other } => temp(if temp(cond) != 0 { then } else { other }),
            Op::TrapIf { cond, trap, .. } if temp(cond) != 0 => return Ok(Some(trap)),
            Op::TrapIf { .. } => continue,
        };
        temps[place & 0xff] = cell;
    }
    Ok(None)
}

/// Does the writes of phase two: those of banks first, because that is the order of a trace.
#[inline]
fn commit_writes(
    body: &Body,
    state: &mut State,
    temps: &Temps,
    tracer: &mut impl Tracer,
) -> Result<(), Stuck> {
    let temp = |temp: Temp| temps[usize::from(temp)];
    let happens = |write: &&Write| write.guard.is_none_or(|guard| temp(guard) != 0);
    for write in body.writes.iter().filter(happens) {
        let WriteTo::Bank { bank, index } = write.to else { continue };
        let (index, cell) = (temp(index), temp(write.value));
        let missing = Stuck::BadIndex { at: state.pc, index };
        let storage = state.banks.get_mut(usize::from(bank.0)).ok_or(missing)?;
        let place = usize::try_from(index).ok().and_then(|index| storage.cells.get_mut(index));
        *place.ok_or(missing)? = cell;
        let value = storage.of.value(cell);
        tracer.change(Change::Cell { bank, index: index as u32, value });
    }
    for write in body.writes.iter().filter(happens) {
        if write.to == WriteTo::Output {
            let cell = temp(write.value);
            state.output.push(cell);
            tracer.change(Change::Out(state.output_value(cell)));
        }
    }
    Ok(())
}
