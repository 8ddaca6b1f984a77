//! Functions of the host: what they are called with and what they reply.

use super::{IntType, Temp};
use crate::limits;

/// A function of the host. What it replies is up to the input of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extern {
    /// The name in specs, case files and traces.
    pub name: String,
    /// The types of its arguments.
    pub args: Vec<IntType>,
    /// The type of its reply, if it has one.
    pub result: Option<IntType>,
    /// What it does.
    pub doc: String,
    /// Where the rule comes from.
    pub reference: Option<String>,
}

/// The index of a function of the host in [`super::Machine::externs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExternId(pub u8);

/// The temporaries that hold the arguments of a call of the host, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    temps: [Temp; limits::ARGUMENTS],
    count: u8,
}

impl Arguments {
    /// So many arguments; `None` if there are too many.
    pub fn new(arguments: &[Temp]) -> Option<Self> {
        let mut temps = [0; limits::ARGUMENTS];
        temps.get_mut(..arguments.len())?.copy_from_slice(arguments);
        Some(Self { temps, count: arguments.len() as u8 })
    }

    /// The temporaries.
    pub fn temps(&self) -> &[Temp] {
        &self.temps[..usize::from(self.count)]
    }
}
