//! What an instruction does with values of given variants.

use bytestone_spec::isa::{Instruction, Union, VariantId};

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
