//! Signatures of definitions: `average(a: i32, b: i32) -> i32`.

use super::ast::Signature;
use super::lexer::Token;
use super::parser::{Parsed, Parser};
use crate::diagnostic::Diagnostics;
use crate::yaml::Scalar;

/// Parses the signature of a definition.
pub fn parse_definition(text: &Scalar, diagnostics: &mut Diagnostics) -> Option<Signature> {
    let mut parser = Parser::new(text, diagnostics)?;
    signature(&mut parser).ok()
}

fn signature(parser: &mut Parser<'_>) -> Parsed<Signature> {
    let name = parser.name()?;
    let mut parameters = Vec::new();
    parser.expect(Token::OpenParen)?;
    while !parser.take(Token::CloseParen) {
        let parameter = parser.name()?;
        parser.expect(Token::Colon)?;
        parameters.push((parameter, parser.name()?));
        if !parser.take(Token::Comma) {
            parser.expect(Token::CloseParen)?;
            break;
        }
    }
    parser.expect(Token::Arrow)?;
    let result = parser.name()?;
    parser.expect(Token::Eof)?;
    Ok(Signature { name, parameters, result })
}
