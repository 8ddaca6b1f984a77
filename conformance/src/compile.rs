//! Programs in a source language: compiled, with what is wrong with them as faults of the file that they stand in.

use std::ops::Range;

use bytestone_lang::{Compiled, Language, Passes, Source};
use bytestone_spec::Isa;
use bytestone_spec::diagnostic::{Diagnostics, Span};

use crate::case::load::Machines;

/// How a source is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its language.
    pub language: Language,
    /// The optimisations.
    pub passes: Passes,
}

/// Compiles a source; `place` says where in the file a part of it is. `None` if there are faults.
pub fn compile(
    plan: Plan,
    source: &Source,
    isa: &Isa,
    place: impl Fn(Range<usize>) -> Span,
    diagnostics: &mut Diagnostics,
) -> Option<Compiled> {
    match plan.language.compile(source, isa, plan.passes) {
        Ok(compiled) => Some(compiled),
        Err(error) => {
            for (range, message) in error.faults(source) {
                diagnostics.error(place(range), message);
            }
            None
        }
    }
}

/// The names of the machines that a language is compiled to; of any language when there is none.
pub fn targets(machines: &dyn Machines, language: Option<Language>) -> Vec<&str> {
    let takes = |name: &&str| {
        let known = machines.machine(name).and_then(Language::of_machine);
        known.is_some_and(|known| language.is_none_or(|language| language == known))
    };
    machines.names().into_iter().filter(takes).collect()
}
