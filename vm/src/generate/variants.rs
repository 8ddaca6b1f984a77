//! What an instruction does with values of given variants, found without running it.

use bytestone_spec::isa::{BinaryOp, Instruction, Op, Temp, UnaryOp, Union, VariantId};

/// Whether an instruction traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Risk {
    /// It does not, but for limits.
    Never,
    /// It depends on more than the variants of its inputs.
    Perhaps,
    /// It does.
    Always,
}

/// What is known of a temporary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    /// The cell.
    Cell(u64),
    /// That it holds a value of a variant.
    Variant(VariantId),
}

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
        let body = &insn.body;
        let given = |variant: &Option<VariantId>| variant.map_or(Known::Nothing, Known::Variant);
        let mut temps: Vec<Known> = inputs.iter().chain(operands).map(given).collect();
        let mut risk = Risk::Never;
        for op in &body.ops {
            if let Op::TrapIf { cond, .. } = *op {
                let one = match at(&temps, cond) {
                    Known::Cell(0) => Risk::Never,
                    Known::Cell(_) => Risk::Always,
                    _ => Risk::Perhaps,
                };
                risk = risk.max(one);
            }
            let known = result(union, op, &temps);
            temps.push(known);
        }
        let variant = |&temp: &Temp| variant_of(union, at(&temps, temp));
        let mut outputs: Vec<Option<VariantId>> = body.outputs.iter().map(variant).collect();
        // What a callee returns is not known.
        outputs.resize(insn.effect.outputs.len(), None);
        Self { risk, outputs }
    }
}

fn at(temps: &[Known], temp: Temp) -> Known {
    temps.get(usize::from(temp)).copied().unwrap_or(Known::Nothing)
}

fn variant_of(union: &Union, known: Known) -> Option<VariantId> {
    match known {
        Known::Nothing => None,
        Known::Variant(variant) => Some(variant),
        Known::Cell(cell) => union.variant_of(cell),
    }
}

fn result(union: &Union, op: &Op, temps: &[Known]) -> Known {
    let known = |temp| at(temps, temp);
    match *op {
        Op::Const(cell) => Known::Cell(cell),
        Op::Is { a, variant } => match known(a) {
            Known::Nothing => Known::Nothing,
            found => Known::Cell(u64::from(variant_of(union, found) == Some(variant))),
        },
        Op::Make { variant, .. } => Known::Variant(variant),
        Op::Unary { op: UnaryOp::Wrap, ty, a } => match known(a) {
            Known::Cell(cell) => Known::Cell(ty.wrap(cell)),
            _ => Known::Nothing,
        },
        Op::Binary { op, ty, a, b } => match (op, known(a), known(b)) {
            (_, Known::Cell(a), Known::Cell(b)) => Known::Cell(op.apply(ty, a, b)),
            (BinaryOp::And, Known::Cell(0), _) | (BinaryOp::And, _, Known::Cell(0)) => {
                Known::Cell(0)
            }
            (BinaryOp::Or, Known::Cell(1), _) | (BinaryOp::Or, _, Known::Cell(1))
                if ty.bits == 1 =>
            {
                Known::Cell(1)
            }
            _ => Known::Nothing,
        },
        Op::Select { cond, then, other } => match known(cond) {
            Known::Cell(0) => known(other),
            Known::Cell(_) => known(then),
            _ if known(then) == known(other) => known(then),
            _ => match (variant_of(union, known(then)), variant_of(union, known(other))) {
                (Some(then), Some(other)) if then == other => Known::Variant(then),
                _ => Known::Nothing,
            },
        },
        _ => Known::Nothing,
    }
}
