//! What a calculator program means, without any machine: a walk over its tree.

use super::ast::{Expr, ExprKind, Op, Program, StatementKind, VARIABLES};

/// What a program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was printed.
    pub output: Vec<i32>,
    /// The variables at the end, `a` first.
    pub variables: [i32; VARIABLES],
    /// The result, if the program ended with one.
    pub result: Option<i32>,
    /// Whether something trapped, which ended the program.
    pub trap: Option<DivByZero>,
}

/// A divisor was zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("division by zero")]
pub struct DivByZero;

/// Runs a program that was parsed.
///
/// ```
/// use bytestone_lang::{Source, calc};
/// let program = calc::parse(&Source::new("x = 7; print x / 2; print 1 / (x - 7)").unwrap());
/// let outcome = calc::evaluate(&program.unwrap());
/// assert_eq!(outcome.output, [3]);
/// assert!(outcome.trap.is_some());
/// ```
pub fn evaluate(program: &Program) -> Outcome {
    let mut outcome =
        Outcome { output: Vec::new(), variables: [0; VARIABLES], result: None, trap: None };
    for statement in &program.statements {
        let done = match &statement.kind {
            StatementKind::Assign { variable, value } => {
                value_of(value, &outcome.variables).map(|value| {
                    outcome.variables[usize::from(variable.index())] = value;
                })
            }
            StatementKind::Print(value) => {
                value_of(value, &outcome.variables).map(|value| outcome.output.push(value))
            }
            StatementKind::Result(value) => {
                value_of(value, &outcome.variables).map(|value| outcome.result = Some(value))
            }
        };
        if let Err(trap) = done {
            outcome.trap = Some(trap);
            break;
        }
    }
    outcome
}

fn value_of(expr: &Expr, variables: &[i32; VARIABLES]) -> Result<i32, DivByZero> {
    Ok(match &expr.kind {
        ExprKind::Int(value) => *value,
        ExprKind::Load(variable) => variables[usize::from(variable.index())],
        ExprKind::Negate(value) => value_of(value, variables)?.wrapping_neg(),
        ExprKind::Binary { op, left, right } => {
            let (left, right) = (value_of(left, variables)?, value_of(right, variables)?);
            match op {
                Op::Add => left.wrapping_add(right),
                Op::Sub => left.wrapping_sub(right),
                Op::Mul => left.wrapping_mul(right),
                Op::Div if right == 0 => return Err(DivByZero),
                Op::Div => left.wrapping_div(right),
            }
        }
    })
}
