//! What an instruction does with values of given variants.

use std::sync::OnceLock;

use bytestone_spec::isa::{InsnId, Instruction, Isa, Union, VariantId};

use super::known::{Known, Risk, evaluate};

/// What an instruction does with inputs of which the variants are known or not.
#[derive(Clone, Debug)]
pub(super) struct Behaviour {
    pub(super) risk: Risk,
    /// The variants of the outputs, bottom first.
    pub(super) outputs: Vec<Option<VariantId>>,
}

impl Behaviour {
    /// That of an instruction; `operands` are the variants of constants among its operands.
    pub(super) fn of(
        union: &Union,
        insn: &Instruction,
        inputs: &[Option<VariantId>],
        operands: &[Option<VariantId>],
    ) -> Self {
        let given = |variant: &Option<VariantId>| variant.map_or(Known::Nothing, Known::Variant);
        let given = inputs.iter().chain(operands).map(given);
        let (risk, temps) = evaluate(union, &insn.body, given);
        let variant = |&temp| temps.get(temp).variant(union);
        let mut outputs: Vec<Option<VariantId>> = insn.body.outputs.iter().map(variant).collect();
        // What a callee returns is not known.
        outputs.resize(insn.effect.outputs.len(), None);
        Self { risk, outputs }
    }
}

/// The most inputs whose variants are told apart; any further ones are taken to be of the variant of the last of them.
const APART: u32 = 4;

/// Whether the instructions of a machine trap, by the variants of their inputs.
#[derive(Clone, Debug)]
pub(super) struct Risks<'isa> {
    isa: &'isa Isa,
    union: &'isa Union,
    /// For each instruction the risk of each combination, worked out when it is first asked for.
    tables: Vec<OnceLock<Box<[Risk]>>>,
}

impl<'isa> Risks<'isa> {
    pub(super) fn new(isa: &'isa Isa, union: &'isa Union) -> Self {
        Self { isa, union, tables: vec![OnceLock::new(); isa.instructions().len()] }
    }

    /// The risk of an instruction with inputs of which the variants are known or not.
    pub(super) fn of(&self, id: InsnId, inputs: &[Option<VariantId>]) -> Risk {
        match self.number(inputs) {
            Some(number) => self.by_combination(id)[number],
            None => self.evaluate(id, inputs),
        }
    }

    /// The risk of an instruction with each of its combinations.
    pub(super) fn by_combination(&self, id: InsnId) -> &[Risk] {
        self.tables[usize::from(id.0)].get_or_init(|| {
            let count = self.isa.instruction(id).effect.inputs.len();
            let all = 0..self.variants().pow(APART.min(count as u32));
            all.map(|number| self.evaluate(id, &self.combination(number, count))).collect()
        })
    }

    /// The variants of `count` inputs in the combination with a number.
    pub(super) fn combination(&self, number: u32, count: usize) -> Vec<Option<VariantId>> {
        let variants = self.variants();
        let places = (0..count as u32).map(|place| place.min(APART - 1));
        places
            .map(|place| Some(VariantId((number / variants.pow(place) % variants) as u8)))
            .collect()
    }

    /// The number of a combination that is known whole.
    fn number(&self, inputs: &[Option<VariantId>]) -> Option<usize> {
        if inputs.len() > APART as usize {
            return None;
        }
        let digits = inputs.iter().rev();
        digits.copied().try_fold(0, |number, variant| {
            Some(number * self.union.variants.len() + usize::from(variant?.0))
        })
    }

    fn variants(&self) -> u32 {
        self.union.variants.len() as u32
    }

    fn evaluate(&self, id: InsnId, inputs: &[Option<VariantId>]) -> Risk {
        let insn = self.isa.instruction(id);
        Behaviour::of(self.union, insn, inputs, &vec![None; insn.scalars()]).risk
    }
}
