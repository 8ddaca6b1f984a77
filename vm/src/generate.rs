//! Programs that are valid by construction, for any instruction set.

mod builder;
mod condition;
mod draft;
mod entropy;
mod functions;
mod host;
mod known;
mod ladder;
mod modules;
mod plan;
mod pointer;
mod variants;

use arbitrary::Unstructured;
use bytestone_spec::isa::Isa;

use crate::codec::Codec;
use builder::build;
use entropy::Entropy;
use modules::ModulePlan;
use plan::{Plan, Swarm};

/// Why no programs can be generated for an instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// No instruction ends a program where one can be ended, and the end of the code does not.
    #[error(
        "a program of this machine cannot end: no instruction halts, nor does the end of the code"
    )]
    NoEnd,
}

/// Makes programs of one machine out of entropy.
///
/// The programs are accepted by the verifier. They have forward jumps, loops, subroutines and
/// rarely recursion, as far as the machine has them; each uses a few instructions only, so that
/// these meet often. Most end cleanly, and print what they computed where they can. Equal
/// entropy makes equal programs, and more of it longer ones.
///
/// ```
/// use arbitrary::Unstructured;
/// use bytestone_vm::{codec::Codec, generate::Generator, verify};
/// let isa = bytestone_spec::load_builtin("stack").unwrap().unwrap();
/// let generator = Generator::new(&isa).unwrap();
/// let code = generator.program(&mut Unstructured::new(b"any bytes will do"));
/// let program = Codec::new(&isa).decode(&code).unwrap();
/// assert!(verify(&isa, program).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Generator<'isa> {
    codec: Codec<'isa>,
    plan: Plan<'isa>,
    /// On machines with functions, what its modules are made of.
    modules: Option<ModulePlan<'isa>>,
    /// The program that no entropy makes.
    least: Vec<u8>,
}

/// The greatest power of two that the instructions of a program may take in bytes; their labels
/// may allow less.
const GREATEST_BUDGET: u32 = 11;
/// The least one that is aimed at.
const LEAST_BUDGET: u32 = 3;

impl<'isa> Generator<'isa> {
    /// Prepares an instruction set.
    ///
    /// # Errors
    /// When no program of the machine can end.
    pub fn new(isa: &'isa Isa) -> Result<Self, GenerateError> {
        let codec = Codec::new(isa);
        let plan = Plan::new(isa);
        if isa.machine().frames.is_some() {
            return Self::of_modules(isa, codec, plan);
        }
        if !plan.can_end(0) {
            return Err(GenerateError::NoEnd);
        }
        let mut none = Unstructured::new(&[]);
        let draft = build(&plan, &Swarm::default(), &mut Entropy::new(&mut none), 0);
        let least = draft.encode(&codec).ok_or(GenerateError::NoEnd)?;
        Ok(Self { codec, plan, modules: None, least })
    }

    fn of_modules(
        isa: &'isa Isa,
        codec: Codec<'isa>,
        plan: Plan<'isa>,
    ) -> Result<Self, GenerateError> {
        let modules = ModulePlan::new(isa).ok_or(GenerateError::NoEnd)?;
        let mut none = Unstructured::new(&[]);
        let least = modules.build(&codec, &mut Entropy::new(&mut none), 0);
        let least = least.ok_or(GenerateError::NoEnd)?;
        Ok(Self { codec, plan, modules: Some(modules), least })
    }

    /// A program that the verifier accepts.
    pub fn program(&self, entropy: &mut Unstructured<'_>) -> Vec<u8> {
        let mut entropy = Entropy::new(entropy);
        if let Some(modules) = &self.modules {
            let budget = 1 << (LEAST_BUDGET + entropy.below(GREATEST_BUDGET - LEAST_BUDGET));
            let module = modules.build(&self.codec, &mut entropy, budget);
            return module.unwrap_or_else(|| self.least.clone());
        }
        let swarm = Swarm::choose(&self.plan, &mut entropy);
        let sizes = GREATEST_BUDGET - LEAST_BUDGET;
        let mut budget = (1 << (LEAST_BUDGET + entropy.below(sizes))).min(swarm.span / 2);
        loop {
            let draft = build(&self.plan, &swarm, &mut entropy, budget);
            // A label may be out of reach: what closes the open ends has no exact budget.
            if let Some(code) = draft.encode(&self.codec) {
                return code;
            }
            if budget == 0 {
                return self.least.clone();
            }
            budget /= 2;
        }
    }

    /// A program that [`Self::program`] makes with one change in its bytes, which the verifier
    /// mostly rejects.
    pub fn near_valid(&self, entropy: &mut Unstructured<'_>) -> Vec<u8> {
        let mut choices = Entropy::new(entropy);
        let (kind, place, value) = (choices.below(6), choices.bits(), choices.bits());
        let mut code = self.program(entropy);
        let len = code.len();
        let Some(at) = (place as usize).checked_rem(len) else { return vec![value as u8] };
        match kind {
            0 => code[at] ^= 1 << (value % 8),
            1 => code[at] = value as u8,
            2 => drop(code.remove(at)),
            3 => code.insert(at, value as u8),
            4 => code.truncate(at),
            _ => code.swap(at, value as usize % len),
        }
        code
    }
}
