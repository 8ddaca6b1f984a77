//! What is known of a step when something is known of what it starts from, found without running it.

use bytestone_spec::isa::{BinaryOp, Body, Op, Temp, Union, VariantId};

/// Whether an instruction traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Risk {
    /// It does not, but for limits.
    Never,
    /// It depends on more than is known.
    Perhaps,
    /// It does.
    Always,
}

/// What is known of a temporary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Nothing,
    /// The cell.
    Cell(u64),
    /// That it holds a value of a variant.
    Variant(VariantId),
}

impl Known {
    /// The variant of the value, where that is known.
    pub(super) fn variant(self, union: &Union) -> Option<VariantId> {
        match self {
            Self::Nothing => None,
            Self::Variant(variant) => Some(variant),
            Self::Cell(cell) => union.variant_of(cell),
        }
    }
}

/// What is known of the temporaries of a body.
#[derive(Clone, Debug)]
pub(super) struct Temps(Vec<Known>);

impl Temps {
    /// What is known of one.
    pub(super) fn get(&self, temp: Temp) -> Known {
        self.0.get(usize::from(temp)).copied().unwrap_or(Known::Nothing)
    }

    /// What is known of the one that an op defines.
    fn result(&self, union: &Union, op: &Op) -> Known {
        let known = |temp| self.get(temp);
        match *op {
            Op::Const(cell) => Known::Cell(cell),
            Op::Is { a, variant } => match known(a) {
                Known::Nothing => Known::Nothing,
                found => Known::Cell(u64::from(found.variant(union) == Some(variant))),
            },
            Op::Make { variant, .. } => Known::Variant(variant),
            Op::Unary { op, ty, a } => match known(a) {
                Known::Cell(cell) => Known::Cell(op.apply(ty, cell)),
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
                _ => match (known(then).variant(union), known(other).variant(union)) {
                    (Some(then), Some(other)) if then == other => Known::Variant(then),
                    _ => Known::Nothing,
                },
            },
            _ => Known::Nothing,
        }
    }
}

/// Whether a body traps, and what is known of its temporaries in the end. `given` is what is known of its inputs, then of its
/// operands.
pub(super) fn evaluate(
    union: &Union,
    body: &Body,
    given: impl Iterator<Item = Known>,
) -> (Risk, Temps) {
    let count = usize::from(body.inputs) + usize::from(body.operands) + body.ops.len();
    let mut temps = Temps(Vec::with_capacity(count));
    temps.0.extend(given);
    let mut risk = Risk::Never;
    for op in &body.ops {
        if let Op::TrapIf { cond, .. } = *op {
            let one = match temps.get(cond) {
                Known::Cell(0) => Risk::Never,
                Known::Cell(_) => Risk::Always,
                _ => Risk::Perhaps,
            };
            risk = risk.max(one);
        }
        let known = temps.result(union, op);
        temps.0.push(known);
    }
    (risk, temps)
}
