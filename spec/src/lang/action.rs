//! Actions: what an instruction means.

use super::ast::{BinaryOp, Expr, ExprKind, Name, Stmt, StmtKind};
use super::lexer::Token;
use super::parser::{Parsed, Parser, Stop};
use crate::diagnostic::Diagnostics;
use crate::limits;
use crate::yaml::Scalar;

/// Parses an action. A statement with a fault is left out and the next ones are still read;
/// the result is `None` if anything was left out.
pub fn parse_action(text: &Scalar, diagnostics: &mut Diagnostics) -> Option<Vec<Stmt>> {
    let before = diagnostics.count();
    let mut parser = Parser::new(text, diagnostics)?;
    let statements = statements(&mut parser, Token::Eof).ok()?;
    (parser.diagnostics.count() == before).then_some(statements)
}

/// Statements up to a closing token, which is taken.
fn statements(parser: &mut Parser<'_>, close: Token) -> Parsed<Vec<Stmt>> {
    let mut statements = Vec::new();
    loop {
        parser.skip_line_ends();
        if parser.take(close) {
            return Ok(statements);
        }
        if statements.len() == limits::STATEMENTS {
            let message = format!("more than {} statements", limits::STATEMENTS);
            parser.diagnostics.error(parser.here(), message);
            return Err(Stop);
        }
        match statement(parser) {
            Ok(statement) => statements.push(statement),
            Err(_) if parser.peek() == Token::Eof => return Ok(statements),
            Err(_) => {
                parser.skip_statement();
                if close == Token::Eof {
                    // A brace that closes nothing must not stop the reading.
                    parser.take(Token::CloseBrace);
                }
                continue;
            }
        }
        if !matches!(parser.peek(), Token::End | Token::Eof) && parser.peek() != close {
            trailing(parser);
            parser.skip_statement();
            if close == Token::Eof {
                parser.take(Token::CloseBrace);
            }
        }
    }
}

fn statement(parser: &mut Parser<'_>) -> Parsed<Stmt> {
    let start = parser.here();
    let kind = match (parser.peek(), parser.word()) {
        (Token::Name, "let") => binding(parser)?,
        (Token::Name, "trap") => {
            parser.advance();
            StmtKind::Trap(parser.name()?, condition(parser)?)
        }
        (Token::Name, "goto") => jump(parser)?,
        (Token::Name, "branch") => {
            parser.advance();
            parser.name()?;
            condition(parser)?;
            StmtKind::Reserved("structured control")
        }
        (Token::Name, "call") => {
            parser.advance();
            let target = parser.expression()?;
            if parser.take_word("with") {
                parser.name()?;
                parser.expect(Token::Assign)?;
                parser.expression()?;
            }
            StmtKind::Call(target)
        }
        (Token::Name, "return") => leave(parser)?,
        (Token::Name, "halt") => {
            parser.advance();
            StmtKind::Halt(condition(parser)?)
        }
        (Token::Name, "nop") => {
            parser.advance();
            StmtKind::Nop
        }
        (Token::Name, "out") => {
            parser.advance();
            StmtKind::Out(parser.expression()?)
        }
        (Token::Name, "host") => host_call(parser, None)?,
        (Token::Name, "if") => parser.nested(conditional)?,
        (Token::Name, "match") => {
            parser.advance();
            let (values, arms) = parser.nested(|parser| parser.match_arms(arm))?;
            StmtKind::Match(values, arms)
        }
        (Token::Name, "for") => {
            parser.advance();
            parser.nested(bounded_loop)?;
            StmtKind::Reserved("a bounded loop")
        }
        _ => assignment(parser)?,
    };
    Ok(Stmt { span: parser.span_from(start), kind })
}

/// Reports what stands behind a statement.
fn trailing(parser: &mut Parser<'_>) {
    let help = match (parser.peek(), parser.word()) {
        (Token::Name, "if") => {
            "trap, goto, return and halt take a condition; others go into `if … { … }`"
        }
        (Token::Name, "and") => "both conditions: `&&`",
        (Token::Name, "or") => "one of the conditions: `||`",
        _ => {
            parser.unexpected("the end of the statement");
            return;
        }
    };
    let message = format!("expected the end of the statement, found `{}`", parser.word());
    parser.diagnostics.error_with_help(parser.here(), message, help);
}

/// Whether no value follows, but the end of the statement or its condition.
fn ends_statement(parser: &Parser<'_>) -> bool {
    match parser.peek() {
        Token::End | Token::Eof | Token::CloseBrace => true,
        Token::Name => parser.word() == "if",
        _ => false,
    }
}

fn condition(parser: &mut Parser<'_>) -> Parsed<Option<Expr>> {
    if parser.take_word("if") { parser.expression().map(Some) } else { Ok(None) }
}

/// `goto label if c`, `goto labels[i] if c`.
fn jump(parser: &mut Parser<'_>) -> Parsed<StmtKind> {
    parser.advance();
    let label = parser.name()?;
    let mut index = None;
    if parser.take(Token::OpenBracket) {
        index = Some(parser.expression()?);
        parser.expect(Token::CloseBracket)?;
    }
    Ok(StmtKind::Goto(label, index, condition(parser)?))
}

/// `return values if c`.
fn leave(parser: &mut Parser<'_>) -> Parsed<StmtKind> {
    parser.advance();
    let mut values = Vec::new();
    while !ends_statement(parser) {
        values.push(parser.expression()?);
        if !parser.take(Token::Comma) {
            break;
        }
    }
    Ok(StmtKind::Return(values, condition(parser)?))
}

fn binding(parser: &mut Parser<'_>) -> Parsed<StmtKind> {
    parser.advance();
    let name = parser.name()?;
    let ty = if parser.take(Token::Colon) { Some(parser.type_ref()?) } else { None };
    parser.expect(Token::Assign)?;
    if parser.peek() != Token::Name || parser.word() != "host" {
        return Ok(StmtKind::Let(name, ty, parser.expression()?));
    }
    if let Some(ty) = ty {
        let message = "a reply has the type that the function of the host gives it";
        parser.diagnostics.error_with_help(ty.name.span, message, "leave the type out");
    }
    host_call(parser, Some(name))
}

/// `host function(arguments)`.
fn host_call(parser: &mut Parser<'_>, reply: Option<Name>) -> Parsed<StmtKind> {
    parser.advance();
    let function = parser.name()?;
    parser.expect(Token::OpenParen)?;
    Ok(StmtKind::Host(reply, function, parser.arguments(Token::CloseParen)?))
}

fn assignment(parser: &mut Parser<'_>) -> Parsed<StmtKind> {
    let place = parser.expression()?;
    if parser.take(Token::Assign) {
        return Ok(StmtKind::Assign(place, parser.expression()?));
    }
    match (place.kind, parser.peek()) {
        (ExprKind::Call(..), _) => Ok(StmtKind::Reserved("a call for its effect")),
        (ExprKind::Binary(BinaryOp::Eq, ..), _) => {
            parser.diagnostics.error(place.span, "this compares two values; `=` assigns one");
            Err(Stop)
        }
        (ExprKind::Name(name), Token::Name | Token::Int | Token::OpenBrace) => {
            parser.diagnostics.error_with_help(
                place.span,
                format!("no statement starts with `{name}`"),
                "statements are let, trap, goto, call, return, halt, out, host, if, nop, and `place = value`",
            );
            Err(Stop)
        }
        _ => Err(parser.unexpected("`=`")),
    }
}

fn conditional(parser: &mut Parser<'_>) -> Parsed<StmtKind> {
    parser.advance();
    let condition = parser.expression()?;
    parser.expect(Token::OpenBrace)?;
    let then = statements(parser, Token::CloseBrace)?;
    let mut other = Vec::new();
    if parser.take_word_behind_line_ends("else") {
        let start = parser.here();
        if parser.peek() == Token::Name && parser.word() == "if" {
            let kind = parser.nested(conditional)?;
            other.push(Stmt { span: parser.span_from(start), kind });
        } else {
            parser.expect(Token::OpenBrace)?;
            other = statements(parser, Token::CloseBrace)?;
        }
    }
    Ok(StmtKind::If(condition, then, other))
}

/// What an arm of a `match` does: a statement, or several in braces.
fn arm(parser: &mut Parser<'_>) -> Parsed<Vec<Stmt>> {
    if parser.take(Token::OpenBrace) {
        return statements(parser, Token::CloseBrace);
    }
    statement(parser).map(|statement| vec![statement])
}

/// `for i in a .. b { … }`: read for its form, refused by the checks.
fn bounded_loop(parser: &mut Parser<'_>) -> Parsed<()> {
    parser.name()?;
    if !parser.take_word("in") {
        return Err(parser.unexpected("`in`"));
    }
    parser.expression()?;
    parser.expect(Token::DotDot)?;
    parser.expression()?;
    parser.expect(Token::OpenBrace)?;
    statements(parser, Token::CloseBrace)?;
    Ok(())
}
