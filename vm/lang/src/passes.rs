//! Optimisation passes. Each can be left out, and none changes what a program does: its output, its
//! result, and whether and how it traps.

mod dead;
mod fused;
mod thread;
mod window;

use std::fmt;
use std::str::FromStr;

use bytestone_spec::isa::{InsnId, Isa};

use crate::listing::{Listing, Step};

/// An optimisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Computes constant expressions of the syntax tree.
    Fold,
    /// Removes code that control does not reach, and labels that nothing names.
    Dead,
    /// Leads jumps to jumps to where they end, and removes jumps to the next instruction.
    Thread,
    /// Replaces instructions one after the other by fewer.
    Peephole,
    /// Replaces instructions one after the other by one that does what they do.
    Fuse,
}

impl Pass {
    /// All passes.
    pub const ALL: [Pass; 5] = [Self::Fold, Self::Dead, Self::Thread, Self::Peephole, Self::Fuse];

    /// The name on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fold => "fold",
            Self::Dead => "dead",
            Self::Thread => "thread",
            Self::Peephole => "peephole",
            Self::Fuse => "fuse",
        }
    }

    /// The pass with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pass| pass.name() == name)
    }
}

/// A set of passes.
///
/// ```
/// use bytestone_lang::{Pass, Passes};
/// let passes = Passes::NONE.with(Pass::Fold);
/// assert!(passes.has(Pass::Fold) && !passes.has(Pass::Dead));
/// assert_eq!("fuse, dead".parse::<Passes>().unwrap().to_string(), "dead, fuse");
/// assert_eq!("all".parse(), Ok(Passes::ALL));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passes(u8);

impl Passes {
    /// No pass.
    pub const NONE: Passes = Passes(0);
    /// All passes.
    pub const ALL: Passes = Passes((1 << Pass::ALL.len()) - 1);

    /// The passes and one more.
    #[must_use]
    pub const fn with(self, pass: Pass) -> Self {
        Self(self.0 | 1 << pass as u8)
    }

    /// The passes without one.
    #[must_use]
    pub const fn without(self, pass: Pass) -> Self {
        Self(self.0 & !(1 << pass as u8))
    }

    /// Whether a pass is among them.
    pub const fn has(self, pass: Pass) -> bool {
        self.0 & (1 << pass as u8) != 0
    }

    /// The set whose passes have the bits of a number set, in the order of [`Pass::ALL`].
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Those of the set, in the order of [`Pass::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Pass> {
        Pass::ALL.into_iter().filter(move |pass| self.has(*pass))
    }

    /// Changes a listing. [`Pass::Fold`] has no part in it.
    pub(crate) fn apply(self, listing: &mut Listing, isa: &Isa, rules: &Rules<'_>) {
        // What one pass leaves may be work for another: a fused jump makes a label unused, and
        // that label may have kept two instructions apart.
        for _ in 0..ROUNDS {
            let before = listing.entries.len();
            if self.has(Pass::Thread) {
                thread::thread(listing, isa, rules.jumps);
            }
            if self.has(Pass::Dead) {
                dead::remove_unreached(listing, isa);
                dead::remove_unused_labels(listing);
            }
            if self.has(Pass::Peephole) {
                window::shorten(listing, &rules.peephole);
            }
            if self.has(Pass::Fuse) {
                window::shorten(listing, &rules.fuse);
                fused::fuse(listing, isa);
            }
            if listing.entries.len() == before {
                break;
            }
        }
    }
}

/// A word is not the name of a pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no pass `{name}`; the passes are {}", Passes::ALL)]
pub struct UnknownPass {
    /// The word.
    pub name: String,
}

impl FromIterator<Pass> for Passes {
    fn from_iter<I: IntoIterator<Item = Pass>>(passes: I) -> Self {
        passes.into_iter().fold(Self::NONE, Self::with)
    }
}

/// `all`, `none`, or names with commas between them.
impl FromStr for Passes {
    type Err = UnknownPass;

    fn from_str(text: &str) -> Result<Self, UnknownPass> {
        match text {
            "all" => Ok(Self::ALL),
            "none" => Ok(Self::NONE),
            names => names.split(',').map(|name| pass(name.trim())).collect(),
        }
    }
}

fn pass(name: &str) -> Result<Pass, UnknownPass> {
    Pass::from_name(name).ok_or_else(|| UnknownPass { name: name.to_owned() })
}

/// The names with commas between them, or `none`.
impl fmt::Display for Passes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.write_str("none");
        }
        for (at, pass) in self.iter().enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { ", " }, pass.name())?;
        }
        Ok(())
    }
}

/// How often the passes are run over a listing at most.
const ROUNDS: usize = 4;

/// What passes know of a machine.
#[derive(Default)]
pub(crate) struct Rules<'r> {
    /// The instructions that only jump.
    pub(crate) jumps: Option<Jumps>,
    pub(crate) peephole: Vec<Rule<'r>>,
    pub(crate) fuse: Vec<Rule<'r>>,
}

/// The instructions that jump and do nothing else.
#[derive(Clone, Copy)]
pub(crate) struct Jumps {
    pub(crate) forward: InsnId,
    pub(crate) backward: InsnId,
}

/// Looks at instructions one after the other, no label between them.
pub(crate) struct Rule<'r> {
    /// How many it looks at.
    pub(crate) len: usize,
    /// What does the same as them, if the rule applies: fewer instructions.
    pub(crate) apply: Apply<'r>,
}

type Apply<'r> = Box<dyn Fn(&[Step]) -> Option<Replacement> + 'r>;

/// What instructions are replaced by.
pub(crate) enum Replacement {
    Nothing,
    One(Step),
}

impl<'r> Rule<'r> {
    pub(crate) fn new(len: usize, apply: impl Fn(&[Step]) -> Option<Replacement> + 'r) -> Self {
        Self { len, apply: Box::new(apply) }
    }
}
