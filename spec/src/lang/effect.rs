//! Stack effects: what an instruction pops and pushes, as in `a b -- r`.

use super::ast::{EffectDecl, EffectItem};
use super::lexer::Token;
use super::parser::{Parsed, Parser};
use crate::diagnostic::Diagnostics;
use crate::yaml::Scalar;

/// Parses a stack effect.
pub fn parse_effect(text: &Scalar, diagnostics: &mut Diagnostics) -> Option<EffectDecl> {
    let mut parser = Parser::new(text, diagnostics)?;
    let inputs = items(&mut parser, Token::Effect).ok()?;
    let outputs = items(&mut parser, Token::Eof).ok()?;
    Some(EffectDecl { inputs, outputs })
}

fn items(parser: &mut Parser<'_>, close: Token) -> Parsed<Vec<EffectItem>> {
    let mut items = Vec::new();
    loop {
        parser.skip_line_ends();
        if parser.take(close) {
            return Ok(items);
        }
        if parser.take(Token::DotDot) {
            items.push(EffectItem::Callee(parser.name()?));
            continue;
        }
        if parser.peek() != Token::Name {
            return Err(parser.unexpected(match close {
                Token::Effect => "a name or `--`, as in `a b -- r`",
                _ => "a name",
            }));
        }
        let name = parser.name()?;
        if parser.take(Token::Colon) {
            let ty = parser.type_ref()?;
            items.push(match ty.count {
                Some(count) => EffectItem::List(name, ty.name, count),
                None => EffectItem::Typed(name, ty.name),
            });
        } else {
            items.push(EffectItem::Cell(name));
        }
    }
}
