//! Values, and what they refer to.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::ast::Function;
use super::{Env, NO_VARIABLE};

/// A value. Arrays, objects and functions are what the heap has under a number.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Number(f64),
    Str(Arc<str>),
    Array(u32),
    Object(u32),
    Function(u32),
}

impl Value {
    /// Everything but nil and false is true.
    pub(super) fn is_true(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }

    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Array(a), Self::Array(b))
            | (Self::Object(a), Self::Object(b))
            | (Self::Function(a), Self::Function(b)) => a == b,
            _ => false,
        }
    }
}

/// An object: its properties in the order in which they came.
#[derive(Default)]
pub(super) struct Object {
    places: HashMap<Arc<str>, usize>,
    pub(super) entries: Vec<(Arc<str>, Value)>,
}

impl Object {
    pub(super) fn get(&self, name: &str) -> Value {
        let place = self.places.get(name).and_then(|&place| self.entries.get(place));
        place.map_or(Value::Nil, |(_, value)| value.clone())
    }

    /// Sets a property, and says whether it is a new one.
    pub(super) fn set(&mut self, name: Arc<str>, value: Value) -> bool {
        let place = *self.places.entry(name.clone()).or_insert(self.entries.len());
        match self.entries.get_mut(place) {
            Some((_, old)) => {
                *old = value;
                false
            }
            None => {
                self.entries.push((name, value));
                true
            }
        }
    }
}

/// A function with the variables that were known where it was made.
#[derive(Clone, Copy)]
pub(super) struct Closure<'p> {
    pub(super) function: &'p Function,
    pub(super) env: Env,
}

struct Variable<'p> {
    name: &'p str,
    cell: u32,
    /// The one that was declared before.
    before: Env,
}

/// All that was made. Nothing is ever freed: a run is short.
pub(super) struct Heap<'p> {
    left: usize,
    cells: Vec<Value>,
    variables: Vec<Variable<'p>>,
    pub(super) arrays: Vec<Vec<Value>>,
    pub(super) objects: Vec<Object>,
    pub(super) closures: Vec<Closure<'p>>,
}

impl<'p> Heap<'p> {
    pub(super) fn new(memory: usize) -> Self {
        Self {
            left: memory,
            cells: Vec::new(),
            variables: Vec::new(),
            arrays: Vec::new(),
            objects: Vec::new(),
            closures: Vec::new(),
        }
    }

    /// Takes a part of the memory; `None` when there is not enough.
    pub(super) fn claim(&mut self, amount: usize) -> Option<()> {
        self.left = self.left.checked_sub(amount)?;
        Some(())
    }

    pub(super) fn new_cell(&mut self) -> Option<u32> {
        self.claim(1)?;
        self.cells.push(Value::Nil);
        Some(self.cells.len() as u32 - 1)
    }

    pub(super) fn cell_mut(&mut self, cell: u32) -> &mut Value {
        &mut self.cells[cell as usize]
    }

    pub(super) fn new_variable(&mut self, name: &'p str, cell: u32, before: Env) -> Option<Env> {
        self.claim(1)?;
        self.variables.push(Variable { name, cell, before });
        Some(self.variables.len() as u32 - 1)
    }

    /// The cell of the variable with a name that was declared last, seen from `env`.
    pub(super) fn find(&self, name: &str, env: Env) -> Option<u32> {
        let mut at = env;
        while at != NO_VARIABLE {
            let variable = &self.variables[at as usize];
            if variable.name == name {
                return Some(variable.cell);
            }
            at = variable.before;
        }
        None
    }

    /// The value of a cell.
    pub(super) fn cell(&self, cell: u32) -> Value {
        self.cells[cell as usize].clone()
    }

    pub(super) fn new_array(&mut self, values: Vec<Value>) -> Option<Value> {
        self.claim(1 + values.len())?;
        self.arrays.push(values);
        Some(Value::Array(self.arrays.len() as u32 - 1))
    }

    pub(super) fn new_object(&mut self) -> Option<u32> {
        self.claim(1)?;
        self.objects.push(Object::default());
        Some(self.objects.len() as u32 - 1)
    }

    pub(super) fn new_closure(&mut self, closure: Closure<'p>) -> Option<Value> {
        self.claim(1)?;
        self.closures.push(closure);
        Some(Value::Function(self.closures.len() as u32 - 1))
    }
}
