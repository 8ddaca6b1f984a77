//! Calculator programs made of entropy, for tests and fuzzing.

use arbitrary::Unstructured;

use super::ast::{Expr, ExprKind, Op, Program, Statement, StatementKind, VARIABLES, Variable};
use crate::source::Span;

/// The most operators above one another.
const DEPTH: u32 = 7;

/// A program. Equal entropy makes equal programs, and more of it longer ones; no entropy makes
/// the empty one.
pub fn program(entropy: &mut Unstructured<'_>) -> Program {
    let mut maker = Maker { variables: 1 + pick(entropy, VARIABLES as u8), entropy };
    let mut statements = Vec::new();
    while !maker.entropy.is_empty() {
        statements.push(maker.statement());
        if matches!(statements.last(), Some(Statement { kind: StatementKind::Result(_), .. })) {
            break;
        }
    }
    Program { statements }
}

struct Maker<'e, 'd> {
    /// How many variables the program uses, so that some use few.
    variables: u8,
    entropy: &'e mut Unstructured<'d>,
}

/// A number below `count`; 0 when nothing is left.
fn pick(entropy: &mut Unstructured<'_>, count: u8) -> u8 {
    entropy.int_in_range(0..=count.saturating_sub(1)).unwrap_or(0)
}

impl Maker<'_, '_> {
    fn statement(&mut self) -> Statement {
        let kind = match pick(self.entropy, 16) {
            0..9 => StatementKind::Assign { variable: self.variable(), value: self.expr(DEPTH) },
            9..15 => StatementKind::Print(self.expr(DEPTH)),
            _ => StatementKind::Result(self.expr(DEPTH)),
        };
        Statement { span: Span::default(), kind }
    }

    fn variable(&mut self) -> Variable {
        Variable::from_index(pick(self.entropy, self.variables)).unwrap_or_default()
    }

    fn expr(&mut self, depth: u32) -> Expr {
        let kind = match pick(self.entropy, if depth == 0 { 8 } else { 20 }) {
            0..4 => ExprKind::Int(self.int()),
            4..8 => ExprKind::Load(self.variable()),
            8..10 => ExprKind::Negate(Box::new(self.expr(depth - 1))),
            choice => ExprKind::Binary {
                op: Op::ALL[usize::from(choice) % Op::ALL.len()],
                left: Box::new(self.expr(depth - 1)),
                right: Box::new(self.expr(depth - 1)),
            },
        };
        Expr { span: Span::default(), kind }
    }

    /// A number, mostly one at which something changes.
    fn int(&mut self) -> i32 {
        match pick(self.entropy, 16) {
            0..6 => pick(self.entropy, 4).into(),
            6 => -1,
            7 => i32::MIN,
            8 => i32::MAX,
            9 => i16::MIN.into(),
            10 => i16::MAX.into(),
            11 => i32::from(i16::MAX) + 1,
            _ => self.entropy.arbitrary().unwrap_or(0),
        }
    }
}
