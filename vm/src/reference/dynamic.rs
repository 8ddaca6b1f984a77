//! What actions do with dynamic values and the heap.

use std::cmp::Ordering;
use std::sync::Arc;

use bytestone_spec::isa::{CellType, New, Op, Owner, Payload, Question, Saved, Union, WriteTo};

use super::code::Functions;
use super::{Stuck, Temps};
use crate::heap::{Closure, Handle, Object, captured, captured_in, entry_cells, text_cells};
use crate::module::Capture;
use crate::state::{Bank, State};

/// What the ops of a step look at besides the state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dynamic<'a> {
    union: &'a Union,
    functions: &'a Functions,
    heap_cells: u64,
}

impl<'a> Dynamic<'a> {
    pub(super) fn new(union: Option<&'a Union>, functions: &'a Functions, heap_cells: u64) -> Self {
        Self { union: union.unwrap_or(Union::EMPTY), functions, heap_cells }
    }

    /// The cell that an op defines; none if the step makes more than the whole heap holds. `list` is
    /// where the cells of the list begin on the stack.
    #[inline(never)]
    pub(super) fn evaluate(
        self,
        op: &Op,
        state: &mut State,
        temps: &Temps,
        list: usize,
    ) -> Result<Option<u64>, Stuck> {
        let temp = |temp: u8| temps[usize::from(temp)];
        Ok(Some(match *op {
            Op::Is { a, variant } => u64::from(self.union.is(temp(a), variant)),
            Op::Payload { a, variant } => self.union.payload(temp(a), variant),
            Op::Make { a, variant } => self.union.make(variant, temp(a)),
            Op::Float { op, a, b } => op.apply(temp(a), temp(b)),
            Op::Convert { way, ty, a } => way.apply(ty, temp(a)),
            Op::Ask { question, a, b } => self.answer(question, state, temp(a), temp(b)),
            Op::New { guard, what } => {
                if guard.is_some_and(|guard| temp(guard) == 0) {
                    return Ok(Some(0));
                }
                return self.make(what, state, temps, list);
            }
            // The others are no ops of dynamic values.
            _ => 0,
        }))
    }

    fn answer(self, question: Question, state: &State, a: u64, b: u64) -> u64 {
        let heap = &state.heap;
        let text = |payload| heap.text(Handle::of(payload)).map_or("", |text| text);
        let order = || text(a).cmp(text(b));
        let length = |length: usize| u64::from(u32::try_from(length).unwrap_or(u32::MAX));
        match question {
            Question::Equal => u64::from(self.equal(state, a, b)),
            Question::StrLen => length(text(a).chars().count()),
            Question::StrEq => u64::from(order() == Ordering::Equal),
            Question::StrLt => u64::from(order() == Ordering::Less),
            Question::StrLe => u64::from(order() != Ordering::Greater),
            Question::ArrayLen => length(heap.array(Handle::of(a)).map_or(0, <[u64]>::len)),
            Question::Element => {
                let elements = heap.array(Handle::of(a)).unwrap_or_default();
                let element = usize::try_from(b).ok().and_then(|index| elements.get(index));
                element.copied().unwrap_or(Union::FRESH)
            }
            Question::MapLen => length(heap.map(Handle::of(a)).map_or(0, |map| map.len())),
            Question::Has => {
                let found = heap.map(Handle::of(a)).and_then(|map| map.get(text(b)));
                u64::from(found.is_some())
            }
            Question::Entry => {
                let found = heap.map(Handle::of(a)).and_then(|map| map.get(text(b)));
                found.copied().unwrap_or(Union::FRESH)
            }
            Question::Field(field) => heap.field(Handle::of(a), field).unwrap_or(Union::FRESH),
            Question::HasGlobal => u64::from(state.globals.contains_key(text(a))),
            Question::Global => state.globals.get(text(a)).copied().unwrap_or(Union::FRESH),
            Question::Arity => {
                let closure = heap.closure(Handle::of(a));
                closure.map_or(0, |closure| self.functions.arity(closure.function).into())
            }
        }
    }

    /// Whether two values are of one variant and equal.
    fn equal(self, state: &State, a: u64, b: u64) -> bool {
        let (Some(variant), Some(other)) = (self.union.variant_of(a), self.union.variant_of(b))
        else {
            return false;
        };
        let payload = self.union.variants.get(usize::from(variant.0)).map(|it| it.payload);
        let text = |cell| state.heap.text(Handle::of(cell));
        variant == other
            && match payload {
                Some(Payload::Float) => f64::from_bits(a) == f64::from_bits(b),
                Some(Payload::Str) => text(a) == text(b),
                _ => a == b,
            }
    }

    fn make(
        self,
        what: New,
        state: &mut State,
        temps: &Temps,
        list: usize,
    ) -> Result<Option<u64>, Stuck> {
        let temp = |temp: u8| temps[usize::from(temp)];
        let object = match what {
            New::Concat(a, b) => {
                let text = |payload| state.heap.text(Handle::of(payload)).map_or("", |text| text);
                let parts = [text(temp(a)), text(temp(b))];
                // Texts double: what cannot be kept is not even made.
                let cells = text_cells(parts[0].len() + parts[1].len());
                if state.heap.fresh_size() + cells > self.heap_cells {
                    return Ok(None);
                }
                Object::Str(parts.concat().into())
            }
            New::Array => Object::Array(state.stack.get(list..).unwrap_or_default().to_vec()),
            New::Map => Object::Map(Default::default()),
            New::Record { record, fields } => {
                let count = self.union.record(record).map_or(0, |record| record.fields.len());
                let fields = fields.iter().take(count).map(|&field| temp(field));
                Object::Record(record, fields.collect())
            }
            New::Closure(function) => {
                let function = temp(function) as u32;
                Object::Closure(Closure { function, captures: self.capture(function, state)? })
            }
        };
        let handle = state.heap.put(object);
        Ok((state.heap.fresh_size() <= self.heap_cells).then_some(handle.0.into()))
    }

    /// The variables that a closure of a function captures from the running frame.
    fn capture(self, function: u32, state: &mut State) -> Result<Arc<[Handle]>, Stuck> {
        let at = state.pc;
        let missing = |index: u32| Stuck::BadIndex { at, index: index.into() };
        let captures = self.functions.captures(function);
        let Some(frame) = state.frames.last() else { return Err(missing(0)) };
        let mut variables = Vec::with_capacity(captures.len());
        for capture in captures {
            variables.push(match *capture {
                Capture::Upvalue(index) => {
                    *frame.captures.get(index as usize).ok_or(missing(index))?
                }
                Capture::Local(index) => {
                    let place = state.locals.get_mut(frame.locals + index as usize);
                    let place = place.ok_or(missing(index))?;
                    captured_in(*place).unwrap_or_else(|| {
                        let variable = state.heap.put(Object::Variable(*place));
                        *place = captured(variable);
                        variable
                    })
                }
            });
        }
        Ok(variables.into())
    }
}

/// A variable of the running frame or of its closure.
pub(super) fn read(state: &State, owner: Owner, index: u64) -> Option<u64> {
    let index = usize::try_from(index).ok()?;
    let frame = state.frames.last()?;
    match owner {
        Owner::Program => None,
        Owner::Frame => {
            let cell = *state.locals.get(frame.locals..)?.get(index)?;
            match captured_in(cell) {
                Some(variable) => state.heap.variable(variable),
                None => Some(cell),
            }
        }
        Owner::Closure => state.heap.variable(*frame.captures.get(index)?),
    }
}

/// Sets a variable of the running frame or of its closure.
pub(super) fn write(state: &mut State, owner: Owner, index: u64, cell: u64) -> Option<()> {
    let index = usize::try_from(index).ok()?;
    let frame = state.frames.last()?;
    match owner {
        Owner::Program => return None,
        Owner::Frame => {
            let place = state.locals.get_mut(frame.locals..)?.get_mut(index)?;
            match captured_in(*place) {
                Some(variable) => state.heap.set_variable(variable, cell),
                None => *place = cell,
            }
        }
        Owner::Closure => state.heap.set_variable(*frame.captures.get(index)?, cell),
    }
    Some(())
}

/// How many cells the heap grows by writes that are made one after the other.
pub(super) fn growth(
    state: &State,
    writes: impl Iterator<Item = WriteTo> + Clone,
    temps: &Temps,
) -> u64 {
    let payload = |temp: u8| temps[usize::from(temp)];
    let object = |temp: u8| Handle::of(payload(temp));
    let text = |temp: u8| state.heap.text(object(temp));
    let cells_of = |(at, to): (usize, WriteTo)| {
        let mut earlier = writes.clone().take(at);
        match to {
            WriteTo::Element { array, index } => {
                let length = state.heap.array(object(array))?.len() as u64;
                let length = earlier.fold(length, |length, to| match to {
                    WriteTo::Element { array: other, index }
                        if object(other) == object(array) && payload(index) == length =>
                    {
                        length + 1
                    }
                    _ => length,
                });
                Some(u64::from(payload(index) == length))
            }
            WriteTo::Entry { map, key } => {
                let (entries, name) = (state.heap.map(object(map))?, text(key)?);
                let is_same = |to| matches!(to, WriteTo::Entry { map: other, key } if object(other) == object(map) && text(key) == Some(name));
                let is_new = !entries.contains_key(&**name) && !earlier.any(is_same);
                is_new.then(|| entry_cells(name))
            }
            WriteTo::Global { name } => {
                let made = made_name(state, object(name))?;
                let is_same = |to| matches!(to, WriteTo::Global { name } if text(name).is_some_and(|name| **name == *made));
                (!earlier.any(is_same)).then(|| entry_cells(made))
            }
            WriteTo::Bank { .. }
            | WriteTo::Output
            | WriteTo::Field { .. }
            | WriteTo::Memory { .. }
            | WriteTo::Host { .. } => None,
        }
    };
    writes.clone().enumerate().filter_map(cells_of).sum()
}

/// The name of a global variable that there is not yet, if the name was made at run time.
pub(super) fn made_name(state: &State, name: Handle) -> Option<&str> {
    let text = state.heap.text(name).filter(|_| !state.heap.is_constant(name))?;
    (!state.globals.contains_key(text)).then_some(text)
}

/// Frees what the state before the instruction cannot reach and the instruction did not make.
/// `saved` tells what calls save.
pub(super) fn collect(state: &mut State, saved: Option<Saved>) {
    let State { stack, banks, saved: kept, locals, globals, frames, heap, .. } = state;
    let of_values = |bank: &&Bank| bank.of == CellType::Value;
    let saves_values = saved.and_then(|saved| banks.get(usize::from(saved.bank.0)));
    let kept = kept.iter().filter(|_| saves_values.as_ref().is_some_and(of_values));
    let in_banks = banks.iter().filter(of_values).flat_map(|bank| &bank.cells);
    let cells = stack.iter().chain(in_banks).chain(kept).chain(&*locals).chain(globals.values());
    heap.collect(cells.copied(), frames.iter().filter_map(|frame| frame.closure));
}
