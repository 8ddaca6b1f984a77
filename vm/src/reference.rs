//! The reference tier: walks the obvious form of every instruction with every check on.

mod code;
mod dynamic;

use std::sync::Arc;

use bytestone_spec::isa::{
    BankId, Body, Isa, Op, Owner, Saved, Temp, TransferKind, TrapId, Union, Write, WriteTo,
};

use self::code::{Callable, Code, Prepared};
use self::dynamic::Dynamic;
use crate::heap::{Handle, Heap, entry_cells};
use crate::limits;
use crate::state::{Frame, State};
use crate::trace::{Change, Tracer};
use crate::value::{Text, Value};
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
    /// The next instruction might print more than [`limits::OUTPUT_VALUES`] values in all, calls of the host counted
    /// with them. It was not begun.
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
    /// What is called is no function of the module.
    #[error("the call at offset {at} finds no function")]
    NoFunction {
        /// The offset of the call.
        at: u32,
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
    code: Code<'a>,
    stack_depth: usize,
    call_depth: usize,
    /// The cells that calls save.
    saved: Option<Saved>,
    frame_depth: usize,
    heap_cells: u64,
    union: Option<&'a Union>,
    collector: Collector,
}

/// When the heap is collected. It cannot be observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Collector {
    /// When its limit might be exceeded.
    #[default]
    WhenFull,
    /// Whenever something is made: shows whether a root is missed.
    Always,
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
        let machine = isa.machine();
        Self {
            code: Code::of(isa, verified.program()),
            stack_depth: machine.stack.map_or(0, |stack| stack.depth as usize),
            call_depth: machine.call_depth.unwrap_or(0) as usize,
            saved: machine.saved,
            frame_depth: machine.frames.unwrap_or(0) as usize,
            heap_cells: machine.heap.into(),
            union: machine.union.as_ref(),
            collector: Collector::default(),
        }
    }

    /// The same, with another collector.
    pub fn collecting(self, collector: Collector) -> Self {
        Self { collector, ..self }
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
        if state.steps == 0 && state.frames.is_empty() {
            self.begin(state);
        }
        let last = state.steps.saturating_add(fuel);
        let mut temps: Temps = [0; 1 << Temp::BITS];
        loop {
            let Some(at) = self.code.index_at(state.pc)? else { return Ok(Outcome::Halt) };
            let insn = self.code.insn(at);
            if state.steps >= last {
                return Ok(Outcome::Fuel);
            }
            if insn.shows > 0 && insn.shows as usize + state.printed > limits::OUTPUT_VALUES {
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

    /// Enters the first function of a module.
    fn begin(&self, state: &mut State) {
        if let Some(union) = self.union {
            state.heap = Heap::new(union, self.code.texts.iter().cloned());
        }
        if let Some(first) = self.code.functions.get(0) {
            self.enter(state, first, Frame::first());
        }
    }

    /// Enters a function. What was pushed on the stack of its own are the arguments.
    fn enter(&self, state: &mut State, function: &Callable, frame: Frame) {
        state.pc = function.start;
        let frame = Frame { locals: state.locals.len(), ..frame };
        let arguments = state.stack.get(frame.base..).unwrap_or_default();
        let arguments = &arguments[..arguments.len().min(function.arity as usize)];
        state.locals.extend_from_slice(arguments);
        state.locals.resize(frame.locals + function.locals as usize, Union::FRESH);
        state.stack.truncate(frame.base);
        state.frames.push(frame);
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
        let list = height + usize::from(body.inputs);
        let trap = self.evaluate(body, state, temps, list)?;
        let holds = |guard: Option<Temp>| guard.is_none_or(|guard| temps[usize::from(guard)] != 0);
        let transfer = body.transfers.iter().find(|it| holds(it.guard)).map(|it| it.kind);
        let trap = trap
            .or_else(|| self.exceeded(insn, height + body.outputs.len(), transfer, state, temps));
        if let Some(trap) = trap {
            tracer.change(Change::Trap(trap));
            return Ok(Next::End(Outcome::Trap { trap, at: state.pc }));
        }

        if let Some(TransferKind::Invoke { closure }) = transfer {
            self.commit_writes(insn, state, temps, tracer)?;
            return self.invoke(
                insn,
                Handle::of(temps[usize::from(closure)]),
                height,
                state,
                tracer,
            );
        }
        state.stack.truncate(height);
        if !body.outputs.is_empty() {
            state.stack.extend(body.outputs.iter().map(|&output| temps[usize::from(output)]));
        }
        if let (Some(TransferKind::Call { .. }), Some(saved)) = (transfer, self.saved) {
            state.save(saved);
        }
        if !body.writes.is_empty() {
            self.commit_writes(insn, state, temps, tracer)?;
        }
        let target = |operand: u8| temps[usize::from(body.inputs) + usize::from(operand)];
        match transfer {
            None => Ok(Next::Go(insn.next.into())),
            Some(TransferKind::Jump { operand }) => Ok(Next::Go(target(operand))),
            Some(TransferKind::JumpList { index, .. }) => {
                self.code.element(insn, temps[usize::from(index)], state.pc).map(Next::Go)
            }
            Some(TransferKind::Call { operand }) => {
                state.calls.push(insn.next);
                tracer.change(Change::Frame(state.calls.len() as u32));
                Ok(Next::Go(target(operand)))
            }
            Some(TransferKind::Return) => {
                let back = state.calls.pop().ok_or(Stuck::ReturnWithoutCall { at: state.pc })?;
                if let Some(saved) = self.saved {
                    state.restore(saved, tracer);
                }
                tracer.change(Change::Frame(state.calls.len() as u32));
                Ok(Next::Go(back.into()))
            }
            Some(TransferKind::Leave { value }) => {
                self.leave(temps[usize::from(value)], state, tracer)
            }
            Some(TransferKind::Halt) => Ok(Next::End(Outcome::Halt)),
            Some(TransferKind::Invoke { .. }) => Ok(Next::Go(insn.next.into())),
        }
    }

    /// Calls a closure with the list on the stack as arguments; the stack is left at `height`.
    fn invoke(
        &self,
        insn: &Prepared<'a>,
        closure: Handle,
        height: usize,
        state: &mut State,
        tracer: &mut impl Tracer,
    ) -> Result<Next, Stuck> {
        let called = state.heap.closure(closure).ok_or(Stuck::NoFunction { at: state.pc })?;
        let function = called.function;
        let captures = Arc::clone(&called.captures);
        let callee = self.code.functions.get(function).ok_or(Stuck::NoFunction { at: state.pc })?;
        let list = height + usize::from(insn.body.inputs);
        state.stack.drain(height..list);
        let frame = Frame {
            function,
            back: insn.next,
            base: height,
            locals: 0,
            captures,
            closure: Some(closure),
        };
        self.enter(state, callee, frame);
        tracer.change(Change::Frame(state.depth()));
        Ok(Next::Go(state.pc.into()))
    }

    /// Leaves the running frame, with a value for the caller.
    fn leave(
        &self,
        value: u64,
        state: &mut State,
        tracer: &mut impl Tracer,
    ) -> Result<Next, Stuck> {
        let frame = state.frames.pop().ok_or(Stuck::ReturnWithoutCall { at: state.pc })?;
        state.stack.truncate(frame.base);
        state.locals.truncate(frame.locals);
        state.stack.push(value);
        if state.frames.is_empty() {
            return Ok(Next::End(Outcome::Halt));
        }
        tracer.change(Change::Frame(state.depth()));
        Ok(Next::Go(frame.back.into()))
    }

    /// Fills the temporaries of inputs and operands. Returns the stack height without the inputs.
    #[inline]
    fn load(&self, insn: &Prepared<'a>, state: &State, temps: &mut Temps) -> Result<usize, Stuck> {
        let inputs = usize::from(insn.body.inputs);
        let needs = inputs + insn.list as usize;
        let mut height = state.stack.len();
        if needs > 0 {
            let available = height - state.base();
            if needs > available {
                return Err(Stuck::Underflow { at: state.pc, needs, height: available });
            }
            height -= needs;
            for (temp, &cell) in temps.iter_mut().zip(&state.stack[height..height + inputs]) {
                *temp = cell;
            }
        }
        for (temp, &cell) in temps[inputs..].iter_mut().zip(self.code.operands(insn)) {
            *temp = cell;
        }
        Ok(height)
    }

    /// The limit that a step would exceed that leaves `height` cells on the stack.
    #[inline]
    fn exceeded(
        &self,
        insn: &Prepared<'a>,
        height: usize,
        transfer: Option<TransferKind>,
        state: &mut State,
        temps: &Temps,
    ) -> Option<TrapId> {
        // Nothing but outputs makes a stack higher, apart from what a function returns: that is an output of
        // its caller's call, for which the verifier has left room.
        if !insn.body.outputs.is_empty() && height - state.base() > self.stack_depth {
            return Some(TrapId::STACK_OVERFLOW);
        }
        let is_full = match transfer {
            Some(TransferKind::Call { .. }) => state.calls.len() >= self.call_depth,
            Some(TransferKind::Invoke { .. }) => state.frames.len() >= self.frame_depth,
            _ => false,
        };
        if is_full {
            return Some(TrapId::CALL_DEPTH);
        }
        let is_out = insn.allocates && self.exhausted(insn.body, state, temps);
        is_out.then_some(TrapId::OUT_OF_MEMORY)
    }

    /// Whether more is live than the heap may hold, with what a step makes and the room that its writes need.
    fn exhausted(&self, body: &Body, state: &mut State, temps: &Temps) -> bool {
        let holds = |guard: Option<Temp>| guard.is_none_or(|guard| temps[usize::from(guard)] != 0);
        let writes = body.writes.iter().filter(|write| holds(write.guard));
        let growth = dynamic::growth(state, writes.map(|write| write.to), temps);
        let allocated = !state.heap.is_settled() && self.collector == Collector::Always;
        if allocated || state.heap.size() + growth > self.heap_cells {
            dynamic::collect(state, self.saved);
        }
        state.heap.settle();
        state.heap.size() + growth > self.heap_cells
    }

    /// Evaluates the ops of phase one up to the first trap, which is returned. `list` is where the cells of
    /// the list begin on the stack.
    // A call would cost as much as most bodies do, and the compiler makes one unless told.
    #[inline(always)]
    fn evaluate(
        &self,
        body: &Body,
        state: &mut State,
        temps: &mut Temps,
        list: usize,
    ) -> Result<Option<TrapId>, Stuck> {
        let first = usize::from(body.inputs) + usize::from(body.operands);
        for (place, op) in (first..).zip(&body.ops) {
            let temp = |temp: Temp| temps[usize::from(temp)];
            let cell = match *op {
                Op::Const(cell) => cell,
                Op::Read { bank, index } => self.read(bank, temp(index), state)?,
                Op::Unary { op, ty, a } => op.apply(ty, temp(a)),
                Op::Binary { op, ty, a, b } => op.apply(ty, temp(a), temp(b)),
                Op::Select { cond, then, other } => {
                    temp(if temp(cond) != 0 { then } else { other })
                }
                Op::TrapIf { cond, trap, .. } if temp(cond) != 0 => return Ok(Some(trap)),
                Op::TrapIf { .. } => continue,
                Op::Depth => state.calls.len() as u64,
                Op::Reply { function } => state.host.reply(function),
                Op::Load { guard, ty, address } => {
                    if guard.is_some_and(|guard| temp(guard) == 0) {
                        0
                    } else {
                        match state.memory.place(ty, temp(address)) {
                            Some(place) => state.memory.load(ty, place),
                            None => return Ok(Some(TrapId::BAD_ADDRESS)),
                        }
                    }
                }
                Op::Reach { guard, ty, address } => {
                    let happens = guard.is_none_or(|guard| temp(guard) != 0);
                    if happens && state.memory.place(ty, temp(address)).is_none() {
                        return Ok(Some(TrapId::BAD_ADDRESS));
                    }
                    continue;
                }
                ref op => match self.dynamic().evaluate(op, state, temps, list)? {
                    Some(cell) => cell,
                    None => return Ok(Some(TrapId::OUT_OF_MEMORY)),
                },
            };
            temps[place & 0xff] = cell;
        }
        Ok(None)
    }

    fn dynamic(&self) -> Dynamic<'_> {
        Dynamic::new(self.union, &self.code.functions, self.heap_cells)
    }

    #[inline]
    fn read(&self, bank: BankId, index: u64, state: &State) -> Result<u64, Stuck> {
        let Some(storage) = state.banks.get(usize::from(bank.0)) else {
            return Err(Stuck::BadIndex { at: state.pc, index });
        };
        let found = match storage.owner {
            Owner::Program => {
                usize::try_from(index).ok().and_then(|at| storage.cells.get(at)).copied()
            }
            owner => dynamic::read(state, owner, index),
        };
        found.ok_or(Stuck::BadIndex { at: state.pc, index })
    }

    /// Does the writes of phase two: calls of the host and output last, because that is the order of a trace.
    #[inline]
    fn commit_writes<T: Tracer>(
        &self,
        insn: &Prepared<'a>,
        state: &mut State,
        temps: &Temps,
        tracer: &mut T,
    ) -> Result<(), Stuck> {
        let temp = |temp: Temp| temps[usize::from(temp)];
        let happens = |write: &&Write| write.guard.is_none_or(|guard| temp(guard) != 0);
        for write in insn.body.writes.iter().filter(happens) {
            self.commit(write.to, temp(write.value), state, temps, tracer)?;
        }
        if insn.shows == 0 {
            return Ok(());
        }
        for write in insn.body.writes.iter().filter(happens) {
            match write.to {
                WriteTo::Output => {
                    let value = state.print(temp(write.value));
                    tracer.change(Change::Out(value));
                }
                WriteTo::Host { function, arguments } => {
                    let arguments = arguments.temps().iter().map(|&argument| temp(argument));
                    let call = state.call_host(function, arguments, temp(write.value));
                    if let Some(call) = call.filter(|_| T::CHANGES) {
                        tracer.change(Change::Host(call.clone()));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Does a write that is neither output nor a call of the host.
    #[inline]
    fn commit<T: Tracer>(
        &self,
        to: WriteTo,
        cell: u64,
        state: &mut State,
        temps: &Temps,
        tracer: &mut T,
    ) -> Result<(), Stuck> {
        let temp = |temp: Temp| temps[usize::from(temp)];
        let payload = |temp: Temp| Handle::of(temps[usize::from(temp)]);
        match to {
            WriteTo::Bank { bank, index } => {
                let index = temp(index);
                let at = state.pc;
                let missing = || Stuck::BadIndex { at, index };
                let storage = state.banks.get_mut(usize::from(bank.0)).ok_or_else(missing)?;
                match storage.owner {
                    Owner::Program => {
                        let place = usize::try_from(index).ok();
                        let place = place.and_then(|index| storage.cells.get_mut(index));
                        *place.ok_or_else(missing)? = cell;
                    }
                    owner => dynamic::write(state, owner, index, cell).ok_or_else(missing)?,
                }
                if T::CHANGES {
                    let value = state.shown_in(bank, cell);
                    tracer.change(Change::Cell { bank, index: index as u32, value });
                }
            }
            WriteTo::Element { array, index } => {
                let set = state.heap.set_element(payload(array), temp(index), cell);
                if set.is_some() && T::CHANGES {
                    let (index, value) = (temp(index) as u32, state.shown(cell));
                    tracer.change(Change::Element { index, value });
                }
            }
            WriteTo::Entry { map, key } => {
                if let Some(key) = state.heap.text(payload(key)).cloned() {
                    let shown = T::CHANGES.then(|| Text::from(&key));
                    let set = state.heap.set_entry(payload(map), key, cell);
                    if let Some(key) = shown.filter(|_| set.is_some()) {
                        tracer.change(Change::Entry { key, value: state.shown(cell) });
                    }
                }
            }
            WriteTo::Field { object, field } => {
                let set = state.heap.set_field(payload(object), field, cell);
                if set.is_some() && T::CHANGES {
                    tracer.change(Change::Field { field, value: state.shown(cell) });
                }
            }
            WriteTo::Global { name } => {
                let made = dynamic::made_name(state, payload(name)).map(entry_cells);
                state.heap.keep(made.unwrap_or(0));
                if let Some(name) = state.heap.text(payload(name)).cloned() {
                    let shown = T::CHANGES.then(|| Text::from(&name));
                    state.globals.insert(name, cell);
                    if let Some(name) = shown {
                        tracer.change(Change::Global { name, value: state.shown(cell) });
                    }
                }
            }
            WriteTo::Memory { ty, address } => {
                // That there is such a place was seen in phase one.
                if let Some(place) = state.memory.place(ty, temp(address)) {
                    let bytes = state.memory.store(place, cell);
                    if T::CHANGES {
                        let value = Value::Bytes(bytes.into());
                        let (region, offset) = (place.region, place.offset);
                        tracer.change(Change::Memory { region, offset, value });
                    }
                }
            }
            WriteTo::Output | WriteTo::Host { .. } => {}
        }
        Ok(())
    }
}
