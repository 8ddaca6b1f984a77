//! From text to statements: lines, mnemonics, operands.

use std::ops::Range;

use bytestone_spec::isa::{BankId, Container, InsnId, Instruction, IntType, Operand, OperandKind};
use logos::{Lexer, Logos};

use super::error::{AsmErrorKind, ErrorLog, did_you_mean, excerpt};
use super::functions::Outline;
use super::layout::{Forms, Layout, Target, Value};
use super::token::{Token, is_label_name, number};
use crate::codec::{Codec, holds_condition, list_len};
use crate::limits;

/// Reads a text, and the outline of the module if it is one; everything that is wrong with it goes to `errors`.
pub(super) fn parse<'t>(
    codec: &Codec<'_>,
    text: &'t str,
    errors: &mut ErrorLog,
) -> (Layout<'t>, Option<Outline<'t>>) {
    let is_module = codec.isa().container() == Container::Module;
    let outline = is_module.then(|| Outline::new(codec.isa(), text));
    let (lexer, layout) = (Token::lexer(text), Layout::default());
    let mut parser = Parser { codec, text, lexer, token: None, line: 1, layout, outline, errors };
    parser.advance();
    parser.statements();
    (parser.layout, parser.outline)
}

pub(super) struct Parser<'a, 't> {
    pub(super) codec: &'a Codec<'a>,
    pub(super) text: &'t str,
    pub(super) lexer: Lexer<'t, Token>,
    /// The next token; `None` at the end of the text.
    pub(super) token: Option<Token>,
    /// Its line.
    line: u32,
    pub(super) layout: Layout<'t>,
    /// What the text says of a module, on machines whose programs are modules.
    pub(super) outline: Option<Outline<'t>>,
    pub(super) errors: &'a mut ErrorLog,
}

/// The rest of a line was skipped, and why was reported.
pub(super) struct Skipped;

impl<'t> Parser<'_, 't> {
    pub(super) fn advance(&mut self) {
        // There is no text that is no token.
        self.token = self.lexer.next().and_then(Result::ok);
    }

    pub(super) fn word(&self, span: &Range<usize>) -> &'t str {
        &self.text[span.clone()]
    }

    pub(super) fn at_line_end(&self) -> bool {
        matches!(self.token, None | Some(Token::LineEnd))
    }

    fn statements(&mut self) {
        while let Some(token) = self.token {
            let span = self.lexer.span();
            match token {
                Token::LineEnd => {
                    self.line += 1;
                    self.advance();
                }
                Token::Word => {
                    self.advance();
                    self.after_word(span);
                }
                Token::Comma | Token::Colon | Token::Str | Token::Open | Token::Close => {
                    self.skip_line("a mnemonic, a directive or a label");
                }
            }
            if self.layout.len() as usize > limits::CODE_BYTES {
                self.errors.push(self.lexer.span(), AsmErrorKind::CodeTooLong);
                return;
            }
        }
        self.layout.check_symbols(self.errors);
        if let Some(outline) = &mut self.outline {
            outline.end_function(self.errors);
        }
    }

    /// What follows the first word of a line, or of what is behind a label.
    fn after_word(&mut self, span: Range<usize>) {
        if self.token == Some(Token::Colon) {
            self.advance();
            self.define_label(span);
            return;
        }
        // A line that was skipped has its error.
        let _: Result<(), Skipped> = if self.word(&span).starts_with('.') {
            self.directive(span)
        } else if !self.codec.templates(self.template_word(&span)).is_empty() {
            let word = self.template_word(&span).len();
            self.templated(span.start..span.start + word)
        } else {
            self.instruction(span)
        };
    }

    /// Begins a statement that becomes bytes.
    pub(super) fn begin_code(&mut self, span: &Range<usize>) {
        self.layout.begin_statement(span.start);
        if let Some(outline) = &mut self.outline {
            outline.begin_code(span, self.layout.here());
        }
    }

    /// Skips the rest of the line because something else was `expected`.
    pub(super) fn skip_line(&mut self, expected: &'static str) -> Skipped {
        let span = self.lexer.span();
        let (token, word) = (self.token, self.word(&span));
        self.errors.push_with(span, || {
            let found = match token {
                None => "the end of the text".to_owned(),
                Some(Token::LineEnd) => "the end of the line".to_owned(),
                Some(_) => format!("`{}`", excerpt(word)),
            };
            (AsmErrorKind::Syntax { expected, found }, None)
        });
        self.skip_rest();
        Skipped
    }

    pub(super) fn skip_rest(&mut self) {
        while !self.at_line_end() {
            self.advance();
        }
    }

    fn define_label(&mut self, span: Range<usize>) {
        let name = self.word(&span);
        self.needs_function(&span, "label");
        let kind: fn(String) -> AsmErrorKind = if !is_label_name(name) {
            |found| AsmErrorKind::LabelName { found }
        } else if self.is_register(name) {
            |found| AsmErrorKind::LabelIsRegister { found }
        } else {
            if let Err(first) = self.layout.define(name, self.line) {
                self.errors.push_with(span, || {
                    (AsmErrorKind::DuplicateLabel { name: excerpt(name), first }, None)
                });
            }
            return;
        };
        self.errors.push_with(span, || (kind(excerpt(name)), None));
    }

    /// The first part of a word: where a template may have a mark the word goes on.
    fn template_word(&self, span: &Range<usize>) -> &'t str {
        let word = self.word(span);
        let is_mark = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.');
        &word[..word.find(is_mark).unwrap_or(word.len())]
    }

    fn is_register(&self, name: &str) -> bool {
        self.codec.isa().machine().banks.iter().any(|bank| {
            !bank.prefix.is_empty()
                && name.strip_prefix(bank.prefix.as_str()).is_some_and(|index| {
                    !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit())
                })
        })
    }

    /// Reads the words up to the end of the line, between commas, and gives each to `each` with
    /// its number from 0; how many there were. The words of a list in brackets have the number `list`.
    pub(super) fn operands(
        &mut self,
        list: Option<usize>,
        mut each: impl FnMut(&mut Self, usize, Range<usize>),
    ) -> Result<usize, Skipped> {
        if self.at_line_end() {
            return Ok(0);
        }
        for index in 0.. {
            if list == Some(index) {
                self.list(|parser, span| each(parser, index, span))?;
            } else if matches!(self.token, Some(Token::Word | Token::Str)) {
                each(self, index, self.lexer.span());
                self.advance();
            } else {
                return Err(self.skip_line("an operand"));
            }
            match self.token {
                Some(Token::Comma) => self.advance(),
                None | Some(Token::LineEnd) => return Ok(index + 1),
                Some(_) => break,
            }
        }
        Err(self.skip_line("`,` or the end of the line"))
    }

    /// Reads the words of a list in brackets.
    fn list(&mut self, mut each: impl FnMut(&mut Self, Range<usize>)) -> Result<(), Skipped> {
        if self.token != Some(Token::Open) {
            return Err(self.skip_line("a list, as in `[a, b]`"));
        }
        self.advance();
        if self.token == Some(Token::Close) {
            self.advance();
            return Ok(());
        }
        while self.token == Some(Token::Word) {
            each(self, self.lexer.span());
            self.advance();
            match self.token {
                Some(Token::Comma) => self.advance(),
                Some(Token::Close) => {
                    self.advance();
                    return Ok(());
                }
                _ => return Err(self.skip_line("`,` or `]`")),
            }
        }
        Err(self.skip_line("an element of the list"))
    }

    fn directive(&mut self, span: Range<usize>) -> Result<(), Skipped> {
        let name = self.word(&span);
        if name != ".byte" {
            return self.module_directive(span);
        }
        self.begin_code(&span);
        if self.at_line_end() {
            return Err(self.skip_line("a byte"));
        }
        self.operands(None, |parser, _, span| {
            let word = parser.word(&span);
            if let Some(byte) = parser.number(span, word, IntType::unsigned(8)) {
                parser.layout.push_byte(byte as u8);
            }
        })?;
        Ok(())
    }

    fn instruction(&mut self, span: Range<usize>) -> Result<(), Skipped> {
        self.begin_code(&span);
        self.needs_function(&span, "instruction");
        let (mnemonic, form) = match self.word(&span).split_once('/') {
            Some((mnemonic, form)) => (mnemonic, Some(form)),
            None => (self.word(&span), None),
        };
        let id = self.codec.mnemonic(mnemonic);
        let plain = |id: &InsnId| self.codec.isa().instruction(*id).templates.is_empty();
        let Some(id) = id.filter(plain) else {
            self.unknown_mnemonic(span, mnemonic);
            self.skip_rest();
            return Err(Skipped);
        };
        let insn = self.codec.isa().instruction(id);
        let Some(forms) = self.forms(&span, id, form) else {
            self.skip_rest();
            return Err(Skipped);
        };
        let raws = forms.raws(insn);
        let first_value = self.layout.value_count();
        let errors_before = self.errors.count();
        let list = insn.count.is_some().then(|| insn.scalars());
        let found = self.operands(list, |parser, index, span| {
            if let (Some(operand), Some(&raw)) = (insn.operands.get(index), raws.get(index))
                && let Some(value) = parser.operand(operand, raw, span)
            {
                parser.layout.push_value(value);
            }
        })?;
        let expected = insn.operands.len();
        if found != expected {
            self.errors.push_with(span.clone(), || {
                let form = format!("{mnemonic} {}", operand_names(insn));
                let hint = format!("the form is `{}`", form.trim_end());
                let mnemonic = mnemonic.to_owned();
                (AsmErrorKind::OperandCount { mnemonic, expected, found }, Some(hint))
            });
        } else if self.errors.count() == errors_before {
            self.check_condition(span.clone(), insn, first_value);
        }
        if self.errors.count() == errors_before {
            self.push_insn(span, (id, forms), first_value);
        }
        Ok(())
    }

    /// Adds an instruction whose operands, from `first_value` on, have no errors.
    pub(super) fn push_insn(
        &mut self,
        span: Range<usize>,
        (id, forms): (InsnId, Forms),
        first_value: usize,
    ) {
        if let Err(error) = self.layout.push_insn(self.codec, id, forms, first_value) {
            self.errors.push(span, error.into());
        }
    }

    /// Holds operands to the condition of their instruction, and to how many elements its list has.
    pub(super) fn check_condition(
        &mut self,
        span: Range<usize>,
        insn: &Instruction,
        first_value: usize,
    ) {
        if insn.count.is_none() && insn.conditions.is_empty() {
            return;
        }
        let values = self.layout.values_from(first_value);
        let cells: Vec<u64> = values
            .iter()
            .take(insn.scalars())
            .map(|value| match value {
                Value::Cell(cell) => *cell,
                Value::Label(..) => 0,
            })
            .collect();
        let found = values.len() - cells.len();
        let expected = list_len(insn, &cells);
        let condition = || Some(format!("`{}`", insn.text.condition));
        if !holds_condition(insn, &cells) {
            let mnemonic = insn.name.clone();
            self.errors.push_with(span, || (AsmErrorKind::Condition { mnemonic }, condition()));
        } else if insn.count.is_some() && expected != found as i128 {
            self.errors
                .push_with(span, || (AsmErrorKind::ListLength { expected, found }, condition()));
        }
    }

    /// The encodings that `form` behind a mnemonic leaves open: its number, from 1.
    fn forms(&mut self, span: &Range<usize>, id: InsnId, form: Option<&str>) -> Option<Forms> {
        let Some(form) = form else { return Some(Forms::all(self.codec.isa(), id)) };
        let count = self.codec.isa().instruction(id).encodings.len();
        match number(form).and_then(|form| usize::try_from(form).ok()) {
            Some(form) if (1..=count).contains(&form) => Some(Forms::only(form as u8 - 1)),
            _ => {
                self.errors.push_with(span.clone(), || {
                    (AsmErrorKind::UnknownEncoding { count, found: excerpt(form) }, None)
                });
                None
            }
        }
    }

    fn unknown_mnemonic(&mut self, span: Range<usize>, mnemonic: &str) {
        let instructions = self.codec.isa().instructions();
        self.errors.push_with(span, || {
            let plain = instructions.iter().filter(|insn| insn.templates.is_empty());
            let plain = plain.map(|insn| insn.name.as_str());
            let mut words: Vec<&str> = self.codec.template_words().collect();
            words.sort_unstable();
            let known = plain.chain(words);
            let hint = match number(mnemonic) {
                Some(_) => Some("bytes are written `.byte 0x0A, 11`".to_owned()),
                None => did_you_mean(mnemonic, known),
            };
            (AsmErrorKind::UnknownMnemonic { found: excerpt(mnemonic) }, hint)
        });
    }

    pub(super) fn operand(
        &mut self,
        operand: &Operand,
        raw: IntType,
        span: Range<usize>,
    ) -> Option<Value> {
        let word = self.word(&span);
        match operand.kind {
            OperandKind::Immediate => self.number(span, word, raw).map(Value::Cell),
            OperandKind::Index(rule) => self.index(span, word, rule.bank, raw).map(Value::Cell),
            OperandKind::Label(_) => self.label(span, word),
            OperandKind::Constant(rule) => self.constant(span, word, rule, raw).map(Value::Cell),
            OperandKind::Function => self.function(span, word, raw).map(Value::Cell),
        }
    }

    /// A number in the range of `ty`, written as `digits`.
    pub(super) fn number(&mut self, span: Range<usize>, digits: &str, ty: IntType) -> Option<u64> {
        let Some(value) = number(digits) else {
            self.form_error(span, || ("a number".to_owned(), None));
            return None;
        };
        let cell = ty.cell(value);
        if cell.is_none() {
            self.errors.push_with(span, || {
                let (min, max) = (ty.min(), ty.max());
                let kind = AsmErrorKind::OutOfRange { min, max, found: excerpt(digits) };
                (kind, same_bits(value, ty))
            });
        }
        cell
    }

    fn index(&mut self, span: Range<usize>, word: &str, bank: BankId, ty: IntType) -> Option<u64> {
        let bank = &self.codec.isa().machine().banks[usize::from(bank.0)];
        let prefix = bank.prefix.as_str();
        match word.strip_prefix(prefix) {
            Some(index) if prefix.is_empty() || number(index).is_some() => {
                self.number(span, index, ty)
            }
            _ => {
                let last = bank.count.saturating_sub(1);
                self.form_error(span, || {
                    let digits = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
                    let hint = number(digits)
                        .map(|_| format!("did you mean `{prefix}{}`?", excerpt(digits)));
                    (format!("a register, `{prefix}0` to `{prefix}{last}`"), hint)
                });
                None
            }
        }
    }

    fn label(&mut self, span: Range<usize>, word: &'t str) -> Option<Value> {
        if let Some(offset) = word.strip_prefix('@') {
            let Some(offset) = number(offset) else {
                self.form_error(span, || ("an offset, as in `@12`".to_owned(), None));
                return None;
            };
            return Some(Value::Label(Target::Offset(offset), span.into()));
        }
        if !is_label_name(word) || self.is_register(word) {
            self.form_error(span, || {
                let hint =
                    number(word).map(|_| format!("an offset is written `@{}`", excerpt(word)));
                ("a label or `@OFFSET`".to_owned(), hint)
            });
            return None;
        }
        Some(Value::Label(Target::Symbol(self.layout.symbol(word)), span.into()))
    }

    pub(super) fn form_error(
        &mut self,
        span: Range<usize>,
        what: impl FnOnce() -> (String, Option<String>),
    ) {
        let word = self.word(&span);
        self.errors.push_with(span, || {
            let (expected, hint) = what();
            (AsmErrorKind::OperandForm { expected, found: excerpt(word) }, hint)
        });
    }
}

/// The operands of an instruction as they are written: `default, low, high, [targets]`.
fn operand_names(insn: &Instruction) -> String {
    let scalars = insn.scalars();
    let names = insn.operands.iter().enumerate().map(|(at, operand)| match at < scalars {
        true => operand.name.clone(),
        false => format!("[{}]", operand.name),
    });
    names.collect::<Vec<_>>().join(", ")
}

/// A hint for a number that is outside a type but whose bits are those of a value of it.
fn same_bits(value: i128, ty: IntType) -> Option<String> {
    let other = IntType { signed: !ty.signed, ..ty };
    let same = ty.value(ty.wrap(other.cell(value)?));
    Some(format!("`{same}` has the same bits"))
}
