//! Encodings: how an instruction is written in bytes, as in `0x01 v:i32`.

use super::ast::{
    Condition, Expr, ExprKind, Name, OperandDecl, PatternArg, PatternItem, PatternKind,
};
use super::lexer::Token;
use super::parser::{Parsed, Parser};
use crate::diagnostic::Diagnostics;
use crate::yaml::Scalar;

/// Parses an encoding.
pub fn parse_pattern(text: &Scalar, diagnostics: &mut Diagnostics) -> Option<Vec<PatternItem>> {
    let mut parser = Parser::new(text, diagnostics)?;
    let mut items = Vec::new();
    loop {
        parser.skip_line_ends();
        if parser.take(Token::Eof) {
            return Some(items);
        }
        items.push(item(&mut parser).ok()?);
    }
}

/// Parses what must hold of the operands of an instruction: `n = high - low + 1; 1 <= n`.
pub fn parse_conditions(text: &Scalar, diagnostics: &mut Diagnostics) -> Option<Vec<Condition>> {
    let mut parser = Parser::new(text, diagnostics)?;
    let mut conditions = Vec::new();
    loop {
        parser.skip_line_ends();
        if parser.take(Token::Eof) {
            return Some(conditions);
        }
        conditions.push(condition(&mut parser).ok()?);
        if !matches!(parser.peek(), Token::End | Token::Eof) {
            parser.unexpected("the end of the condition");
            return None;
        }
    }
}

fn condition(parser: &mut Parser<'_>) -> Parsed<Condition> {
    let left = parser.expression()?;
    match left.kind {
        ExprKind::Name(text) if parser.take(Token::Assign) => {
            Ok(Condition::Count(Name { text, span: left.span }, parser.expression()?))
        }
        kind => Ok(Condition::Holds(Expr { span: left.span, kind })),
    }
}

/// Parses the signature of a format: `abc(op)`.
pub fn parse_signature(text: &Scalar, diagnostics: &mut Diagnostics) -> Option<(Name, Vec<Name>)> {
    let mut parser = Parser::new(text, diagnostics)?;
    signature(&mut parser).ok()
}

fn signature(parser: &mut Parser<'_>) -> Parsed<(Name, Vec<Name>)> {
    let name = parser.name()?;
    let mut parameters = Vec::new();
    parser.expect(Token::OpenParen)?;
    while !parser.take(Token::CloseParen) {
        parameters.push(parser.name()?);
        if !parser.take(Token::Comma) {
            parser.expect(Token::CloseParen)?;
            break;
        }
    }
    parser.expect(Token::Eof)?;
    Ok((name, parameters))
}

fn item(parser: &mut Parser<'_>) -> Parsed<PatternItem> {
    let start = parser.here();
    let kind = match (parser.peek(), parser.peek_second()) {
        (Token::Name, Token::Colon) => PatternKind::Operand(operand(parser)?),
        (Token::Name, Token::OpenParen) => {
            let name = parser.name()?;
            parser.advance();
            if name.text == "align" {
                PatternKind::Align(parser.arguments(Token::CloseParen)?)
            } else {
                PatternKind::Apply(name, arguments(parser)?)
            }
        }
        (Token::Name, _) => {
            let value = parser.expression()?;
            let ty = if parser.take(Token::Colon) { Some(parser.type_ref()?) } else { None };
            PatternKind::Bare(value, ty)
        }
        // Bytes stand side by side, so a fixed byte is a number or is in parentheses.
        (Token::Int | Token::OpenParen, _) => PatternKind::Fixed(fixed(parser)?),
        _ => return Err(parser.unexpected("a byte, an operand (`name:type`) or a word (`w(…)`)")),
    };
    Ok(PatternItem { span: parser.span_from(start), kind })
}

fn fixed(parser: &mut Parser<'_>) -> Parsed<Expr> {
    let span = parser.here();
    if parser.take(Token::OpenParen) {
        let value = parser.expression()?;
        parser.expect(Token::CloseParen)?;
        return Ok(value);
    }
    let kind = parser.int()?;
    Ok(Expr { span, kind })
}

fn operand(parser: &mut Parser<'_>) -> Parsed<OperandDecl> {
    let name = parser.name()?;
    parser.expect(Token::Colon)?;
    let ty = parser.type_ref()?;
    let kind = if parser.take_word("as") { Some(parser.name()?) } else { None };
    Ok(OperandDecl { name, ty, kind })
}

fn arguments(parser: &mut Parser<'_>) -> Parsed<Vec<PatternArg>> {
    let mut arguments = Vec::new();
    while !parser.take(Token::CloseParen) {
        arguments.push(argument(parser)?);
        if !parser.take(Token::Comma) {
            parser.expect(Token::CloseParen)?;
            break;
        }
    }
    Ok(arguments)
}

fn argument(parser: &mut Parser<'_>) -> Parsed<PatternArg> {
    match (parser.peek(), parser.peek_second()) {
        (Token::Name, Token::Assign) => {
            let field = parser.name()?;
            parser.advance();
            let value = parser.expression()?;
            let ty = if parser.take(Token::Colon) { Some(parser.type_ref()?) } else { None };
            Ok(PatternArg::Set(field, value, ty))
        }
        (Token::Name, Token::Colon) => {
            let field = parser.name()?;
            parser.advance();
            Ok(PatternArg::Typed(field, parser.type_ref()?))
        }
        _ => Ok(PatternArg::Plain(parser.expression()?)),
    }
}
