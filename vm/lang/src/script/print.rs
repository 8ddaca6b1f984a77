//! The text of a syntax tree. Every operation is in parentheses, so that the text has the same tree.

use std::fmt::{self, Write};

use super::ast::{Expr, ExprKind, Function, Program, Stmt, StmtKind, Target};
use super::literal;

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        statements(f, &self.body, 0)
    }
}

fn statements(out: &mut impl Write, body: &[Stmt], indent: usize) -> fmt::Result {
    for stmt in body {
        write!(out, "{:width$}", "", width = 2 * indent)?;
        statement(out, stmt, indent)?;
        out.write_char('\n')?;
    }
    Ok(())
}

fn block(out: &mut impl Write, body: &[Stmt], indent: usize) -> fmt::Result {
    if body.is_empty() {
        return out.write_str("{}");
    }
    out.write_str("{\n")?;
    statements(out, body, indent + 1)?;
    write!(out, "{:width$}}}", "", width = 2 * indent)
}

fn statement(out: &mut impl Write, stmt: &Stmt, indent: usize) -> fmt::Result {
    match &stmt.kind {
        StmtKind::If { cond, then, otherwise } => {
            out.write_str("if (")?;
            expr(out, cond, indent)?;
            out.write_str(") ")?;
            block(out, then, indent)?;
            let Some(otherwise) = otherwise else { return Ok(()) };
            out.write_str(" else ")?;
            statement(out, otherwise, indent)
        }
        StmtKind::While { cond, body } => {
            out.write_str("while (")?;
            expr(out, cond, indent)?;
            out.write_str(") ")?;
            block(out, body, indent)
        }
        StmtKind::For { init, cond, step, body } => {
            out.write_str("for (")?;
            init.as_ref().map_or(Ok(()), |init| simple(out, init, indent))?;
            out.write_str("; ")?;
            cond.as_ref().map_or(Ok(()), |cond| expr(out, cond, indent))?;
            out.write_str("; ")?;
            step.as_ref().map_or(Ok(()), |step| simple(out, step, indent))?;
            out.write_str(") ")?;
            block(out, body, indent)
        }
        StmtKind::Block(body) => block(out, body, indent),
        StmtKind::Function(name, function) => {
            write!(out, "function {}", name.text)?;
            signature_and_body(out, function, indent)
        }
        _ => {
            simple(out, stmt, indent)?;
            out.write_char(';')
        }
    }
}

/// A statement that ends with a semicolon, without it.
fn simple(out: &mut impl Write, stmt: &Stmt, indent: usize) -> fmt::Result {
    match &stmt.kind {
        StmtKind::Let { name, value } => {
            write!(out, "let {}", name.text)?;
            let Some(value) = value else { return Ok(()) };
            out.write_str(" = ")?;
            expr(out, value, indent)
        }
        StmtKind::Assign { target: to, value } => {
            target(out, to, indent)?;
            out.write_str(" = ")?;
            expr(out, value, indent)
        }
        StmtKind::Expr(value) => expr(out, value, indent),
        StmtKind::Print(value) => {
            out.write_str("print ")?;
            expr(out, value, indent)
        }
        StmtKind::Break => out.write_str("break"),
        StmtKind::Continue => out.write_str("continue"),
        StmtKind::Return(None) => out.write_str("return"),
        StmtKind::Return(Some(value)) => {
            out.write_str("return ")?;
            expr(out, value, indent)
        }
        // The others have no semicolon.
        _ => Ok(()),
    }
}

fn target(out: &mut impl Write, target: &Target, indent: usize) -> fmt::Result {
    match target {
        Target::Variable(name) => out.write_str(&name.text),
        Target::Property { object, name } => {
            expr(out, object, indent)?;
            property(out, name)
        }
        Target::Element { object, index } => {
            expr(out, object, indent)?;
            out.write_char('[')?;
            expr(out, index, indent)?;
            out.write_char(']')
        }
    }
}

fn property(out: &mut impl Write, name: &str) -> fmt::Result {
    write!(out, ".{name}")
}

fn signature_and_body(out: &mut impl Write, function: &Function, indent: usize) -> fmt::Result {
    out.write_char('(')?;
    for (at, param) in function.params.iter().enumerate() {
        write!(out, "{}{}", if at == 0 { "" } else { ", " }, param.text)?;
    }
    out.write_str(") ")?;
    block(out, &function.body, indent)
}

fn list(out: &mut impl Write, values: &[Expr], indent: usize) -> fmt::Result {
    for (at, value) in values.iter().enumerate() {
        out.write_str(if at == 0 { "" } else { ", " })?;
        expr(out, value, indent)?;
    }
    Ok(())
}

fn expr(out: &mut impl Write, value: &Expr, indent: usize) -> fmt::Result {
    match &value.kind {
        ExprKind::Nil => out.write_str("nil"),
        ExprKind::Bool(value) => write!(out, "{value}"),
        ExprKind::Number(value) => literal::write_number(out, *value),
        ExprKind::Str(text) => literal::write_string(out, text),
        ExprKind::Variable(name) => out.write_str(name),
        ExprKind::Unary(op, value) => {
            write!(out, "({}", op.symbol())?;
            expr(out, value, indent)?;
            out.write_char(')')
        }
        ExprKind::Binary(op, left, right) => infix(out, op.symbol(), left, right, indent),
        ExprKind::Logic(op, left, right) => infix(out, op.symbol(), left, right, indent),
        ExprKind::Call(callee, arguments) => {
            expr(out, callee, indent)?;
            out.write_char('(')?;
            list(out, arguments, indent)?;
            out.write_char(')')
        }
        ExprKind::Property(object, name) => {
            expr(out, object, indent)?;
            property(out, name)
        }
        ExprKind::Element(object, index) => {
            expr(out, object, indent)?;
            out.write_char('[')?;
            expr(out, index, indent)?;
            out.write_char(']')
        }
        ExprKind::Length(value) => {
            out.write_str("len(")?;
            expr(out, value, indent)?;
            out.write_char(')')
        }
        ExprKind::Array(values) => {
            out.write_char('[')?;
            list(out, values, indent)?;
            out.write_char(']')
        }
        ExprKind::Object(entries) => object(out, entries, indent),
        ExprKind::Function(function) => {
            out.write_str("(function ")?;
            signature_and_body(out, function, indent)?;
            out.write_char(')')
        }
    }
}

fn infix(
    out: &mut impl Write,
    symbol: &str,
    left: &Expr,
    right: &Expr,
    indent: usize,
) -> fmt::Result {
    out.write_char('(')?;
    expr(out, left, indent)?;
    write!(out, " {symbol} ")?;
    expr(out, right, indent)?;
    out.write_char(')')
}

fn object(
    out: &mut impl Write,
    entries: &[(std::sync::Arc<str>, Expr)],
    indent: usize,
) -> fmt::Result {
    // In parentheses, since a statement that starts with a brace is a block.
    out.write_str("({")?;
    for (at, (key, value)) in entries.iter().enumerate() {
        out.write_str(if at == 0 { "" } else { ", " })?;
        literal::write_string(out, key)?;
        out.write_str(": ")?;
        expr(out, value, indent)?;
    }
    out.write_str("})")
}
