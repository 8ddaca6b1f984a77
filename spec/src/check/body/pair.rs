//! Values of two cells: put together from their halves, and split into them.

use super::{Lowering, Type};
use crate::check::StackValue;
use crate::check::expr::Typed;
use crate::diagnostic::Span;
use crate::isa::{BinaryOp, CellType, IntType, Op, Temp, UnaryOp};

impl Lowering<'_, '_> {
    /// The type of an input or output.
    pub(super) fn value_type(&self, value: &StackValue) -> Type {
        value.pair.map_or(self.stack_type(), Type::Int)
    }

    /// The value with these halves.
    pub(in crate::check) fn join(
        &mut self,
        high: Temp,
        low: Temp,
        of: IntType,
        span: Span,
    ) -> Option<Typed> {
        let half = IntType::unsigned(of.bits / 2);
        let by = self.emit(Op::Const(half.bits.into()), Type::Int(half), span)?.temp;
        let shift = Op::Binary { op: BinaryOp::Shl, ty: of, a: high, b: by };
        let high = self.emit(shift, Type::Int(of), span)?.temp;
        let wrap = Op::Unary { op: UnaryOp::Wrap, ty: half, a: low };
        let low = self.emit(wrap, Type::Int(half), span)?.temp;
        self.emit(Op::Binary { op: BinaryOp::Or, ty: of, a: high, b: low }, Type::Int(of), span)
    }

    /// The halves of a value, the high one first, as cells.
    pub(super) fn split(
        &mut self,
        value: Temp,
        of: IntType,
        cell: CellType,
        span: Span,
    ) -> Option<[Temp; 2]> {
        let CellType::Int(cell) = cell else { return None };
        let by = self.emit(Op::Const((of.bits / 2).into()), Type::Int(of), span)?.temp;
        let shift = Op::Binary { op: BinaryOp::Shr, ty: of, a: value, b: by };
        let shifted = self.emit(shift, Type::Int(of), span)?.temp;
        let mut half = |a: Temp| {
            let wrap = Op::Unary { op: UnaryOp::Wrap, ty: cell, a };
            self.emit(wrap, Type::Int(cell), span).map(|half| half.temp)
        };
        Some([half(shifted)?, half(value)?])
    }

    /// The index behind one.
    pub(in crate::check) fn next_index(&mut self, index: Temp, span: Span) -> Option<Temp> {
        let ty = IntType::unsigned(64);
        let one = self.emit(Op::Const(1), Type::Int(ty), span)?.temp;
        let next = Op::Binary { op: BinaryOp::Add, ty, a: index, b: one };
        self.emit(next, Type::Int(ty), span).map(|next| next.temp)
    }

    /// The cells of all outputs, bottom first.
    pub(super) fn output_cells(&mut self) -> Vec<Temp> {
        let effect = self.effect;
        let values = self.state.outputs.clone();
        let mut cells = Vec::new();
        for (output, value) in effect.outputs.iter().zip(values) {
            let value = value.unwrap_or(0);
            let of = self.cx.machine.stack.map(|stack| stack.of);
            match output.pair.zip(of) {
                None => cells.push(value),
                Some((pair, of)) => {
                    let halves = self.split(value, pair, of, output.name.span);
                    cells.extend(halves.unwrap_or([0, 0]));
                }
            }
        }
        cells
    }
}
