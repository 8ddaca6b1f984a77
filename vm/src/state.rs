//! The state of a machine between two steps.

use std::sync::Arc;

use bytestone_spec::isa::{
    BankId, CellType, ExternId, IntType, Isa, Owner, RegionId, Saved, Start, Union,
};
use indexmap::IndexMap;

use crate::heap::{Handle, Heap, captured_in};
use crate::host::{Call, Host};
use crate::memory::Memory;
use crate::show::{Show, shallow};
use crate::trace::{Change, Tracer};
use crate::value::Value;

/// Everything that a machine remembers: operand stacks, banks, active calls, globals, heap, output, the
/// offset of the next instruction and the number of steps done.
///
/// Cells are canonical: a cell of type `ty` is `ty.wrap` of itself. Two states are equal when an onlooker is shown
/// the same of them; where on the heap something lies is not part of that.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) stack: Vec<u64>,
    pub(crate) banks: Vec<Bank>,
    pub(crate) calls: Vec<u32>,
    /// The cells that active calls saved, one call behind the other.
    pub(crate) saved: Vec<u64>,
    pub(crate) memory: Memory,
    pub(crate) host: Host,
    /// The active frames of functions, the first one among them; none before the first step, on machines
    /// without functions, and after the first function has returned.
    pub(crate) frames: Vec<Frame>,
    /// The variables of all frames, one behind the other.
    pub(crate) locals: Vec<u64>,
    /// Global variables by name, in the order in which they came to be.
    pub(crate) globals: IndexMap<Arc<str>, u64>,
    pub(crate) heap: Heap,
    pub(crate) output: Vec<Value>,
    /// How many values were printed, with what they reach, and how often the host was called.
    pub(crate) printed: usize,
    pub(crate) pc: u32,
    pub(crate) steps: u64,
    union: Option<Arc<Union>>,
    stack_type: Option<CellType>,
    output_type: Option<CellType>,
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        let shown = |state: &Self| (state.all_values(), state.output.clone());
        let calls = |state: &Self| {
            let frames = state.frames.iter().map(|frame| (frame.function, frame.back, frame.base));
            (state.calls.clone(), state.saved.clone(), frames.collect::<Vec<_>>())
        };
        (self.pc, self.steps) == (other.pc, other.steps)
            && calls(self) == calls(other)
            && self.numbers().eq(other.numbers())
            && shown(self) == shown(other)
            && self.globals.keys().eq(other.globals.keys())
            && self.memory == other.memory
            && self.host == other.host
    }
}

impl Eq for State {}

/// A call of a function.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The index of the function in the module.
    pub(crate) function: u32,
    /// The offset to which it returns.
    pub(crate) back: u32,
    /// The height of the stack at which its own begins.
    pub(crate) base: usize,
    /// Where its variables begin among those of all frames.
    pub(crate) locals: usize,
    /// What it captured.
    pub(crate) captures: Arc<[Handle]>,
    /// The closure that is called, which lives as long; none for the first function.
    pub(crate) closure: Option<Handle>,
}

impl Frame {
    /// That of the function in which a program starts.
    pub(crate) fn first() -> Self {
        Self { function: 0, back: 0, base: 0, locals: 0, captures: Arc::default(), closure: None }
    }
}

/// The cells of a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bank {
    pub(crate) of: CellType,
    pub(crate) owner: Owner,
    /// What they hold when a program starts, if that depends on the machine's memory.
    start: Arc<[(u32, Start)]>,
    /// None if the bank belongs to frames or closures.
    pub(crate) cells: Box<[u64]>,
}

/// What a cell holds that nothing was written to.
fn fresh(of: CellType) -> u64 {
    match of {
        CellType::Int(_) => 0,
        CellType::Value => Union::FRESH,
    }
}

/// Why a cell cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The machine has no such bank.
    #[error("the machine has no bank with number {0}")]
    NoBank(u8),
    /// The bank has no such cell.
    #[error("there is no cell {index}: the bank has {count}")]
    NoCell {
        /// The index asked for.
        index: u64,
        /// How many cells the bank has.
        count: usize,
    },
    /// The machine has no such region of memory, or programs are not given its bytes.
    #[error("programs are not given a region of memory with number {0}")]
    NoInput(u8),
    /// The region of memory has less room.
    #[error("{len} bytes for a region of at most {size}")]
    TooManyBytes {
        /// How many bytes are given.
        len: usize,
        /// How many there may be.
        size: u32,
    },
    /// The machine has no such function of the host.
    #[error("the host has no function with number {0}")]
    NoFunction(u8),
    /// The function of the host has no reply.
    #[error("the function replies nothing")]
    NoReply,
    /// There are too many replies.
    #[error("more than {} replies", crate::limits::REPLIES)]
    TooManyReplies,
    /// The cells of the bank hold dynamic values.
    #[error("the bank holds dynamic values, which cannot be set from outside")]
    Dynamic,
    /// The value is none of the type of the cell or reply.
    #[error("{value} is no value of type {of}")]
    BadValue {
        /// The value given.
        value: i128,
        /// The type.
        of: IntType,
    },
}

impl State {
    /// The state in which every program of a machine starts: nothing on the stacks, all cells of
    /// banks fresh, at offset 0.
    pub fn new(isa: &Isa) -> Self {
        let machine = isa.machine();
        let bank = |bank: &bytestone_spec::isa::Bank| {
            let count = if bank.owner == Owner::Program { bank.count } else { 0 };
            let cells = vec![fresh(bank.of); count as usize].into_boxed_slice();
            Bank { of: bank.of, owner: bank.owner, start: bank.start.as_slice().into(), cells }
        };
        let mut state = Self {
            stack: Vec::new(),
            banks: machine.banks.iter().map(bank).collect(),
            calls: Vec::new(),
            saved: Vec::new(),
            memory: Memory::new(machine),
            host: Host::new(machine),
            frames: Vec::new(),
            locals: Vec::new(),
            globals: IndexMap::new(),
            heap: Heap::default(),
            output: Vec::new(),
            printed: 0,
            pc: 0,
            steps: 0,
            union: machine.union.clone().map(Arc::new),
            stack_type: machine.stack.map(|stack| stack.of),
            output_type: machine.output,
        };
        state.fill_start(|_| true);
        state
    }

    /// Sets the cells of banks that hold something at the start which `wanted` picks.
    fn fill_start(&mut self, wanted: impl Fn(Start) -> bool) {
        for bank in &mut self.banks {
            for &(index, start) in bank.start.iter().filter(|(_, start)| wanted(*start)) {
                if let Some(cell) = bank.cells.get_mut(index as usize) {
                    *cell = self.memory.start(start);
                }
            }
        }
    }

    /// Gives the program the bytes of a region of memory, in place of those that it has. Cells that start with
    /// the size or the end of the region are set anew.
    ///
    /// # Errors
    /// When programs are not given such a region, or the region has less room.
    pub fn set_memory(&mut self, region: RegionId, bytes: &[u8]) -> Result<(), InputError> {
        self.memory.set(region, bytes)?;
        self.fill_start(|start| matches!(start, Start::Size(of) | Start::End(of) if of == region));
        Ok(())
    }

    /// The bytes of a region of memory; none if there is no such region.
    pub fn memory(&self, region: RegionId) -> &[u8] {
        self.memory.bytes(region)
    }

    /// Sets what a function of the host replies to its call with a number, counted from 0. A call of which nothing is
    /// said is replied 0.
    ///
    /// # Errors
    /// When there is no such function or it has no reply, or when the reply cannot be `value`.
    pub fn set_reply(
        &mut self,
        function: ExternId,
        call: u64,
        value: i128,
    ) -> Result<(), InputError> {
        self.host.set_reply(function, call, value)
    }

    /// The calls of the host that were made, in order; `None` on machines without functions of the host.
    pub fn host_calls(&self) -> Option<&[Call]> {
        self.host.calls()
    }

    /// Sets a cell of a bank that belongs to the program and holds numbers. It then no longer follows the size of a region
    /// of memory.
    ///
    /// # Errors
    /// When there is no such bank or cell, or when the cell cannot hold `value`.
    pub fn set_cell(&mut self, bank: BankId, index: u64, value: i128) -> Result<(), InputError> {
        let bank = self.banks.get_mut(usize::from(bank.0)).ok_or(InputError::NoBank(bank.0))?;
        let CellType::Int(of) = bank.of else { return Err(InputError::Dynamic) };
        let count = bank.cells.len();
        let place = usize::try_from(index).ok().and_then(|index| bank.cells.get_mut(index));
        let place = place.ok_or(InputError::NoCell { index, count })?;
        *place = of.cell(value).ok_or(InputError::BadValue { value, of })?;
        let is_other = |(start, _): &&(u32, Start)| u64::from(*start) != index;
        bank.start = bank.start.iter().filter(is_other).copied().collect();
        Ok(())
    }

    /// The value of a cell of a bank, if there is such a cell: of the running frame, if the bank belongs to
    /// frames or closures.
    pub fn cell(&self, bank: BankId, index: u64) -> Option<Value> {
        let of = self.banks.get(usize::from(bank.0))?.of;
        let cell = self.bank_cells(bank).nth(usize::try_from(index).ok()?)?;
        Some(self.show().value(of, cell))
    }

    /// The values of a bank, by index: those of the running frame, if the bank belongs to frames or closures; none
    /// when there is no such bank.
    pub fn bank(&self, bank: BankId) -> impl Iterator<Item = Value> {
        let of = self.banks.get(usize::from(bank.0)).map_or(CellType::Value, |bank| bank.of);
        self.bank_cells(bank).map(move |cell| self.show().value(of, cell))
    }

    /// The cells of a bank that are not fresh (zero, or the first variant of the union), by index: those of the running
    /// frame, if the bank belongs to frames or closures.
    pub fn used_cells(&self, bank: BankId) -> impl Iterator<Item = (u32, Value)> {
        let of = self.banks.get(usize::from(bank.0)).map_or(CellType::Value, |bank| bank.of);
        // Most cells are fresh: they are passed over as the bits that they are.
        let used = (0..).zip(self.bank_cells(bank)).filter(move |(_, cell)| *cell != fresh(of));
        used.map(move |(index, cell)| (index, self.show().value(of, cell)))
    }

    /// The cells of a bank, by index.
    fn bank_cells(&self, bank: BankId) -> impl Iterator<Item = u64> {
        let bank = self.banks.get(usize::from(bank.0));
        let owned = bank.map_or(&[][..], |bank| &bank.cells);
        let frame = self.frames.last();
        let locals = match (bank.map(|bank| bank.owner), frame) {
            (Some(Owner::Frame), Some(frame)) => &self.locals[frame.locals..],
            _ => &[],
        };
        let captures = match (bank.map(|bank| bank.owner), frame) {
            (Some(Owner::Closure), Some(frame)) => &*frame.captures,
            _ => &[],
        };
        let variable = |handle| self.heap.variable(handle).unwrap_or(Union::FRESH);
        let local = move |cell: &u64| captured_in(*cell).map_or(*cell, variable);
        owned
            .iter()
            .copied()
            .chain(locals.iter().map(local))
            .chain(captures.iter().map(move |it| variable(*it)))
    }

    /// The global variables by name, in the order in which they came to be.
    pub fn globals(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, Value)> {
        self.globals.iter().map(|(name, &cell)| (name, self.show().value(CellType::Value, cell)))
    }

    /// The values on the operand stack of the running frame, bottom first, as one list.
    #[inline]
    pub fn stack(&self) -> Values<'_> {
        match self.stack_type {
            Some(CellType::Int(of)) => Values::Numbers(of, self.stack_cells().iter()),
            Some(CellType::Value) => {
                let mut show = self.show();
                let cells = self.stack_cells().iter();
                let list: Vec<Value> =
                    cells.map(|&cell| show.value(CellType::Value, cell)).collect();
                Values::List(list.into_iter())
            }
            None => Values::List(Vec::new().into_iter()),
        }
    }

    /// The values on the operand stack of the running frame, top first, of which only the sizes of nodes are shown.
    #[inline]
    pub fn top(&self) -> impl Iterator<Item = Value> {
        let of = self.stack_type.unwrap_or(CellType::Value);
        let union = self.union.as_deref();
        self.stack_cells().iter().rev().map(move |&cell| match of {
            CellType::Int(of) => Value::Int(of.value(cell)),
            CellType::Value => shallow(union, &self.heap, cell),
        })
    }

    /// The values printed, in order, each as it was when it was printed.
    pub fn output(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
        self.output.iter().cloned()
    }

    /// The cells of the operand stack of the running frame, bottom first.
    #[inline]
    pub fn stack_cells(&self) -> &[u64] {
        &self.stack[self.base()..]
    }

    /// The type of the cells of the operand stack, if the machine has one.
    pub fn stack_type(&self) -> Option<CellType> {
        self.stack_type
    }

    /// The offsets to which the active calls of subroutines return, the latest last.
    pub fn calls(&self) -> &[u32] {
        &self.calls
    }

    /// How many calls are active, of subroutines or of functions; the first function was not called.
    #[inline]
    pub fn depth(&self) -> u32 {
        (self.calls.len() + self.frames.len().saturating_sub(1)) as u32
    }

    /// The index of the function that runs, on machines that have them.
    pub fn function(&self) -> Option<u32> {
        self.frames.last().map(|frame| frame.function)
    }

    /// How many cells of the heap are in use, live or not yet collected.
    pub fn heap_cells(&self) -> u64 {
        self.heap.size()
    }

    /// The offset of the next instruction. After a halt or a trap it is that of the instruction
    /// that ended the program, after the end of the code the length of the code.
    pub fn pc(&self) -> u32 {
        self.pc
    }

    /// How many steps were done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The height at which the stack of the running frame begins.
    #[inline]
    pub(crate) fn base(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.base)
    }

    fn show(&self) -> Show<'_> {
        Show::new(self.union.as_deref(), &self.heap)
    }

    /// Saves cells for a call.
    pub(crate) fn save(&mut self, saved: Saved) {
        let cells = self.banks.get(usize::from(saved.bank.0));
        let cells = cells.and_then(|bank| bank.cells.get(saved.range())).unwrap_or_default();
        self.saved.extend_from_slice(cells);
    }

    /// Restores what the latest call saved.
    pub(crate) fn restore<T: Tracer>(&mut self, saved: Saved, tracer: &mut T) {
        let from = self.saved.len().saturating_sub(saved.range().len());
        let restored = self.saved.split_off(from);
        for (index, cell) in (saved.first..).zip(restored) {
            let bank = self.banks.get_mut(usize::from(saved.bank.0));
            let Some(place) = bank.and_then(|bank| bank.cells.get_mut(index as usize)) else {
                continue;
            };
            if std::mem::replace(place, cell) != cell && T::CHANGES {
                let value = self.shown_in(saved.bank, cell);
                tracer.change(Change::Cell { bank: saved.bank, index, value });
            }
        }
    }

    /// The value that `cell` has in a bank.
    #[inline]
    pub(crate) fn shown_in(&self, bank: BankId, cell: u64) -> Value {
        match self.banks.get(usize::from(bank.0)).map(|bank| bank.of) {
            Some(CellType::Int(of)) => Value::Int(of.value(cell)),
            _ => self.shown(cell),
        }
    }

    /// A dynamic value, as a list of its own.
    pub(crate) fn shown(&self, cell: u64) -> Value {
        self.show().value(CellType::Value, cell)
    }

    /// Prints a cell.
    #[inline]
    pub(crate) fn print(&mut self, cell: u64) -> Value {
        let of = self.output_type.unwrap_or(CellType::Value);
        let mut show = self.show();
        let value = show.value(of, cell);
        self.printed += show.shown();
        self.output.push(value.clone());
        value
    }

    /// Calls a function of the host.
    pub(crate) fn call_host(
        &mut self,
        function: ExternId,
        arguments: impl Iterator<Item = u64>,
        reply: u64,
    ) -> Option<&Call> {
        self.printed += 1;
        self.host.call(function, arguments, reply)
    }

    /// What stores numbers, whose values are their cells.
    fn numbers(&self) -> impl Iterator<Item = &[u64]> {
        let is_number = |of: CellType| of != CellType::Value;
        let stack = self.stack_type.filter(|of| is_number(*of)).map(|_| self.stack.as_slice());
        let banks = self.banks.iter().filter(move |bank| is_number(bank.of));
        stack.into_iter().chain(banks.map(|bank| &*bank.cells))
    }

    /// All dynamic values that are stored, as one row.
    fn all_values(&self) -> Vec<Value> {
        let mut show = self.show();
        let stack = self.stack.iter().filter(|_| self.stack_type == Some(CellType::Value));
        let mut values: Vec<Value> = stack.map(|&cell| show.value(CellType::Value, cell)).collect();
        let variable = |cell: u64| {
            captured_in(cell).map_or(Some(cell), |variable| self.heap.variable(variable))
        };
        let locals = self.locals.iter().filter_map(|&cell| variable(cell));
        let globals = self.globals.values().copied();
        values.extend(locals.chain(globals).map(|cell| show.value(CellType::Value, cell)));
        for bank in self.banks.iter().filter(|bank| bank.of == CellType::Value) {
            values.extend(bank.cells.iter().map(|&cell| show.value(bank.of, cell)));
        }
        values
    }
}

/// The values of a list, first to last.
#[derive(Clone, Debug)]
pub enum Values<'a> {
    /// Cells that hold numbers of a type.
    Numbers(IntType, std::slice::Iter<'a, u64>),
    /// Dynamic values.
    List(std::vec::IntoIter<Value>),
}

impl Iterator for Values<'_> {
    type Item = Value;

    #[inline]
    fn next(&mut self) -> Option<Value> {
        match self {
            Self::Numbers(of, cells) => cells.next().map(|&cell| Value::Int(of.value(cell))),
            Self::List(list) => list.next(),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Numbers(_, cells) => cells.size_hint(),
            Self::List(list) => list.size_hint(),
        }
    }
}

impl DoubleEndedIterator for Values<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Value> {
        match self {
            Self::Numbers(of, cells) => cells.next_back().map(|&cell| Value::Int(of.value(cell))),
            Self::List(list) => list.next_back(),
        }
    }
}

impl ExactSizeIterator for Values<'_> {}
