//! What texts of modules have besides those of code: functions, constants, lines, names of variables.

use std::ops::Range;

use bytestone_spec::isa::{ConstantRule, IntType};

use super::constant::{self, NoConstant, unquote};
use super::error::{AsmErrorKind, did_you_mean, excerpt};
use super::functions::{most, union};
use super::header;
use super::parser::{Parser, Skipped};
use super::token::{Token, is_label_name};
use crate::module::Constant;

const DIRECTIVES: [&str; 5] = [".byte", ".const", ".func", ".line", ".name"];

impl<'t> Parser<'_, 't> {
    /// Reports something that must stand in a function and does not.
    pub(super) fn needs_function(&mut self, span: &Range<usize>, found: &'static str) {
        if self.outline.as_mut().is_some_and(|outline| outline.reports_stray()) {
            self.errors.push_with(span.clone(), || {
                let hint = "begin with `.func main`".to_owned();
                (AsmErrorKind::OutsideFunction { found }, Some(hint))
            });
        }
    }

    /// A directive other than `.byte`.
    pub(super) fn module_directive(&mut self, span: Range<usize>) -> Result<(), Skipped> {
        let name = self.word(&span);
        match name {
            _ if self.outline.is_none() => {}
            ".func" => return self.begin_function(),
            ".const" => return self.list_constant(),
            ".line" => return self.source_line(span),
            ".name" => return self.local_name(span),
            _ => {}
        }
        let (expected, known) = match self.outline {
            None => ("the directive `.byte`", &DIRECTIVES[..1]),
            Some(_) => {
                ("a directive (`.byte`, `.const`, `.func`, `.line`, `.name`)", &DIRECTIVES[..])
            }
        };
        self.errors.push_with(span, || {
            let hint = did_you_mean(name, known.iter().copied());
            (AsmErrorKind::UnknownDirective { expected, found: excerpt(name) }, hint)
        });
        self.skip_rest();
        Err(Skipped)
    }

    fn begin_function(&mut self) -> Result<(), Skipped> {
        // The header has tokens of its own; the next one here is the first of them, or the end of the line.
        let span = self.lexer.span();
        let rest = &self.text[span.start..];
        let line = rest.split_once('\n').map_or(rest, |(line, _)| line);
        let header = header::parse(line, span.start, most(self.codec.isa()), self.errors);
        self.layout.begin_function();
        if let Some(outline) = &mut self.outline {
            // A function whose header is wrong is still one: what follows belongs to it.
            let header = header.unwrap_or_default();
            outline.begin_function(header, span, self.layout.here(), self.errors);
        }
        self.skip_rest();
        Ok(())
    }

    fn list_constant(&mut self) -> Result<(), Skipped> {
        if self.at_line_end() {
            return Err(self.skip_line("a constant"));
        }
        self.operands(None, |parser, _, span| {
            let word = parser.word(&span);
            if let Some(constant) = parser.constant_value(span, word)
                && let Some(outline) = &mut parser.outline
            {
                outline.list_constant(constant);
            }
        })?;
        Ok(())
    }

    fn source_line(&mut self, span: Range<usize>) -> Result<(), Skipped> {
        if self.token != Some(Token::Word) {
            return Err(self.skip_line("a line number"));
        }
        let number_span = self.lexer.span();
        let word = self.word(&number_span);
        let number = self.number(number_span.clone(), word, IntType::unsigned(32));
        if number == Some(0) {
            let (min, max) = (1, u32::MAX.into());
            let kind = AsmErrorKind::OutOfRange { min, max, found: excerpt(word) };
            self.errors.push(number_span, kind);
        }
        self.advance();
        self.needs_function(&span, "`.line`");
        if let (Some(line @ 1..), Some(outline)) = (number, &mut self.outline)
            && outline.is_in_function()
        {
            outline.set_line(line as u32, span, self.errors);
        }
        self.ends_line()
    }

    fn local_name(&mut self, span: Range<usize>) -> Result<(), Skipped> {
        if self.token != Some(Token::Word) {
            return Err(self.skip_line("the number of a local variable"));
        }
        let number_span = self.lexer.span();
        let word = self.word(&number_span);
        let local = self.number(number_span.clone(), word, IntType::unsigned(32));
        self.advance();
        if self.token != Some(Token::Str) {
            return Err(self.skip_line("a name in quotes"));
        }
        let name_span = self.lexer.span();
        let name = self.word(&name_span);
        self.advance();
        self.needs_function(&span, "`.name`");
        let Some(name) = unquote(name) else {
            let found = excerpt(name);
            self.errors.push(name_span, AsmErrorKind::BadEscape { found });
            return self.ends_line();
        };
        if let (Some(local), Some(outline)) = (local, &mut self.outline)
            && outline.is_in_function()
        {
            let locals = outline.locals();
            if local >= locals.into() {
                let (max, found) = (i128::from(locals) - 1, excerpt(word));
                let kind = AsmErrorKind::OutOfRange { min: 0, max, found };
                self.errors.push(number_span, kind);
            } else if !outline.set_local_name(local as u32, name) {
                self.errors.push(span, AsmErrorKind::Again { what: "the name of a variable" });
            }
        }
        self.ends_line()
    }

    fn ends_line(&mut self) -> Result<(), Skipped> {
        if self.at_line_end() { Ok(()) } else { Err(self.skip_line("the end of the line")) }
    }

    fn constant_value(&mut self, span: Range<usize>, word: &str) -> Option<Constant> {
        let union = union(self.codec.isa());
        let found = excerpt(word);
        let kind = match constant::parse(word, union) {
            Ok(constant) => return Some(constant),
            Err(NoConstant::Form) => {
                self.form_error(span, || {
                    let words = union.variants.first().map(|unit| unit.name.as_str());
                    let hint = did_you_mean(word, words.into_iter().chain(["true", "false"]));
                    let quoted = is_label_name(word) && hint.is_none();
                    let hint = if quoted {
                        Some(format!("a string is written \"{found}\""))
                    } else {
                        hint
                    };
                    (constant::expected(union), hint)
                });
                return None;
            }
            Err(NoConstant::Escape) => AsmErrorKind::BadEscape { found },
            Err(NoConstant::OutOfRange(ty)) => {
                AsmErrorKind::OutOfRange { min: ty.min(), max: ty.max(), found }
            }
        };
        self.errors.push(span, kind);
        None
    }

    /// The number of a constant: that after `#`, or that of the entry of a value.
    pub(super) fn constant(
        &mut self,
        span: Range<usize>,
        word: &str,
        rule: ConstantRule,
        ty: IntType,
    ) -> Option<u64> {
        if let Some(digits) = word.strip_prefix('#') {
            return self.number(span, digits, ty);
        }
        let constant = self.constant_value(span.clone(), word)?;
        let union = union(self.codec.isa());
        if let Some(of) = rule.of
            && constant.variant(union) != Some(of)
        {
            let name = &union.variants[usize::from(of.0)].name;
            self.form_error(span, || {
                let hint = (constant.kind() != "a string" && is_label_name(word))
                    .then(|| format!("a string is written \"{word}\""));
                (format!("a constant that is a `{name}`"), hint)
            });
            return None;
        }
        let index = self.outline.as_mut()?.constants.constant(constant);
        let found = i128::from(index) + i128::from(rule.first);
        let cell = ty.cell(found);
        if cell.is_none() {
            let max = ty.max();
            self.errors.push(span, AsmErrorKind::ConstantNumber { max, found });
        }
        cell
    }

    /// The index of a function: that after `#`, or that of the function with a name.
    pub(super) fn function(
        &mut self,
        span: Range<usize>,
        word: &'t str,
        ty: IntType,
    ) -> Option<u64> {
        if let Some(digits) = word.strip_prefix('#') {
            return self.number(span, digits, ty);
        }
        if !is_label_name(word) {
            self.form_error(span, || ("the name of a function or `#INDEX`".to_owned(), None));
            return None;
        }
        let names = &self.outline.as_ref()?.names;
        let Some(&index) = names.get(word) else {
            self.errors.push_with(span, || {
                let mut known: Vec<&str> = names.keys().copied().collect();
                known.sort_unstable();
                let hint = did_you_mean(word, known);
                (AsmErrorKind::UnknownFunction { name: excerpt(word) }, hint)
            });
            return None;
        };
        let cell = ty.cell(index.into());
        if cell.is_none() {
            let (min, max) = (ty.min(), ty.max());
            let kind = AsmErrorKind::OutOfRange { min, max, found: index.to_string() };
            self.errors.push(span, kind);
        }
        cell
    }
}
