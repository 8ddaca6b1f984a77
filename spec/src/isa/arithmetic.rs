//! Operations of integers.

use super::IntType;

/// Operations of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// The low bits as a value of the type.
    Wrap,
    /// Bitwise complement.
    Not,
    /// The bytes in reverse order; the type has 16, 32 or 64 bits.
    Swap,
}

/// Operations of two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// Sum, wrapped.
    Add,
    /// Difference, wrapped.
    Sub,
    /// Product, wrapped.
    Mul,
    /// Quotient rounded toward zero, wrapped; 0 for a zero divisor, which checked actions exclude.
    DivTrunc,
    /// Quotient rounded down, wrapped; 0 for a zero divisor.
    DivFloor,
    /// Remainder with the sign of the dividend; 0 for a zero divisor.
    RemTrunc,
    /// Remainder with the sign of the divisor; 0 for a zero divisor.
    RemFloor,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// Shift left by the count modulo the width, wrapped.
    Shl,
    /// Shift right by the count modulo the width; signed types keep the sign.
    Shr,
    /// Truth: equal.
    Eq,
    /// Truth: not equal.
    Ne,
    /// Truth: less than, by the type's sign.
    Lt,
    /// Truth: at most, by the type's sign.
    Le,
}

impl BinaryOp {
    /// Whether the result is a truth value.
    pub const fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le)
    }

    /// The result for cells of type `ty`. Never panics.
    ///
    /// ```
    /// use bytestone_spec::isa::{BinaryOp, IntType};
    /// let i32 = IntType::signed(32);
    /// let cell = |v: i32| i64::from(v) as u64;
    /// assert_eq!(BinaryOp::DivTrunc.apply(i32, cell(-7), cell(2)), cell(-3));
    /// assert_eq!(BinaryOp::DivFloor.apply(i32, cell(-7), cell(2)), cell(-4));
    /// assert_eq!(BinaryOp::DivTrunc.apply(i32, cell(i32::MIN), cell(-1)), cell(i32::MIN));
    /// ```
    #[inline]
    pub fn apply(self, ty: IntType, a: u64, b: u64) -> u64 {
        let less = |x: u64, y: u64| if ty.signed { (x as i64) < (y as i64) } else { x < y };
        match self {
            Self::Add => ty.wrap(a.wrapping_add(b)),
            Self::Sub => ty.wrap(a.wrapping_sub(b)),
            Self::Mul => ty.wrap(a.wrapping_mul(b)),
            Self::And => a & b,
            Self::Or => a | b,
            Self::Xor => a ^ b,
            Self::Shl => ty.wrap(a << (b % u64::from(ty.bits))),
            Self::Shr if ty.signed => ((a as i64) >> (b % u64::from(ty.bits))) as u64,
            Self::Shr => a >> (b % u64::from(ty.bits)),
            Self::Eq => u64::from(a == b),
            Self::Ne => u64::from(a != b),
            Self::Lt => u64::from(less(a, b)),
            Self::Le => u64::from(!less(b, a)),
            Self::DivTrunc | Self::DivFloor | Self::RemTrunc | Self::RemFloor => {
                self.divide(ty, a, b)
            }
        }
    }

    fn divide(self, ty: IntType, a: u64, b: u64) -> u64 {
        if b == 0 {
            return 0;
        }
        let (a, b) = (ty.value(a), ty.value(b));
        let (quotient, remainder) = (a / b, a % b);
        let inexact_below = remainder != 0 && (remainder < 0) != (b < 0);
        let result = match self {
            Self::DivFloor if inexact_below => quotient - 1,
            Self::DivTrunc | Self::DivFloor => quotient,
            Self::RemFloor if inexact_below => remainder + b,
            _ => remainder,
        };
        ty.wrap(result as u64)
    }
}

impl UnaryOp {
    /// The result for a cell, as a value of type `ty`.
    #[inline]
    pub fn apply(self, ty: IntType, a: u64) -> u64 {
        match self {
            Self::Wrap => ty.wrap(a),
            Self::Not => ty.wrap(!a),
            Self::Swap => ty.wrap(a.swap_bytes() >> (64 - u32::from(ty.bits))),
        }
    }
}
