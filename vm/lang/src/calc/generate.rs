//! Calculator programs made of entropy, for tests and fuzzing.

use arbitrary::Unstructured;
use bytestone_spec::Isa;

use super::ast::{Expr, ExprKind, Op, Program, Statement, StatementKind, VARIABLES, Variable};
use crate::source::Span;

/// The most operators above one another.
const DEPTH: u32 = 7;

/// A program. Equal entropy makes equal programs, and more of it longer ones; no entropy makes
/// the empty one.
pub fn program(entropy: &mut Unstructured<'_>) -> Program {
    of_part(Part::All, entropy)
}

/// A program without a result, that needs at most 16 registers. For the rest as [`program`].
pub fn small_program(entropy: &mut Unstructured<'_>) -> Program {
    of_part(Part::Small, entropy)
}

/// What makes programs for a machine.
pub fn of_machine(isa: &Isa) -> fn(&mut Unstructured<'_>) -> Program {
    if isa.machine().stack.is_some() { program } else { small_program }
}

/// The part of the language that a program uses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    Small,
}

/// The variables of a small program; an expression of [`DEPTH`] takes the other registers.
const FEW: u8 = 8;

fn of_part(part: Part, entropy: &mut Unstructured<'_>) -> Program {
    let most = if part == Part::All { VARIABLES as u8 } else { FEW };
    let mut maker = Maker { part, variables: 1 + pick(entropy, most), entropy };
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
    part: Part,
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
            15 if self.part == Part::All => StatementKind::Result(self.expr(DEPTH)),
            _ => StatementKind::Print(self.expr(DEPTH)),
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
            choice => {
                let op = Op::ALL[usize::from(choice) % Op::ALL.len()];
                let left = Box::new(self.expr(depth - 1));
                let right = match op {
                    Op::Div => self.divisor(depth - 1),
                    Op::Add | Op::Sub | Op::Mul => self.expr(depth - 1),
                };
                ExprKind::Binary { op, left, right: Box::new(right) }
            }
        };
        Expr { span: Span::default(), kind }
    }

    /// An expression that is rarely zero, so that most programs get to their end: a number, or twice something and
    /// one more, which is odd even where it wraps.
    fn divisor(&mut self, depth: u32) -> Expr {
        let binary = |op, left, right| {
            let kind = ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) };
            Expr { span: Span::default(), kind }
        };
        let int = |value| Expr { span: Span::default(), kind: ExprKind::Int(value) };
        match pick(self.entropy, 100) {
            97.. => self.expr(depth),
            0..55 => int(match self.int() {
                0 => 2,
                value => value,
            }),
            _ => binary(Op::Add, binary(Op::Mul, self.expr(depth.min(1)), int(2)), int(1)),
        }
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
