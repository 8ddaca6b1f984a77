//! Assembly text: instructions as people write and read them.
//!
//! [`assemble`] turns text into bytes, [`disassemble`] any bytes into text that assembles to the
//! same bytes, and [`write_insn`] writes one instruction as traces and reports show it.
//!
//! An instruction with several encodings is written in the first that can hold its operands.
//! `/2` behind its mnemonic stands for the second encoding, and so on. The elements of a list stand
//! in brackets.

mod constant;
mod directive;
mod disassembly;
mod error;
mod functions;
mod header;
mod layout;
mod listing;
mod parser;
mod print;
mod stack;
mod template;
mod token;

use std::ops::Range;

pub use disassembly::{Disassembly, Style, disassemble, disassemble_program};
pub use error::{AsmError, AsmErrorKind, AsmErrors};
pub use print::{insn_text, statement, write_insn};

use crate::codec::Codec;
use crate::limits;
use error::{ErrorLog, Locator};

/// What a text was assembled to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled {
    /// The bytes; on machines whose programs are modules, those of the module.
    pub bytes: Vec<u8>,
    /// Where the code is in them.
    pub code: Range<usize>,
    /// The instructions and `.byte` lines, in the order of their offsets.
    pub statements: Vec<Statement>,
}

/// Where a statement of an assembly text is in the text and in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The offset of its first byte in the code.
    pub offset: u32,
    /// Its line, from 1.
    pub line: u32,
    /// The column of its first character, from 1, in characters.
    pub column: u32,
}

impl Assembled {
    /// The statement that put the byte at `offset` there; `None` outside the code.
    pub fn statement_at(&self, offset: u32) -> Option<&Statement> {
        self.bytes.get(self.code.clone())?.get(offset as usize)?;
        let after = self.statements.partition_point(|statement| statement.offset <= offset);
        self.statements.get(after.checked_sub(1)?)
    }
}

/// Assembles a text, which must be UTF-8.
///
/// ```
/// use bytestone_vm::{asm::assemble, codec::Codec};
/// let isa = bytestone_spec::load_builtin("stack").unwrap().unwrap();
/// let codec = Codec::new(&isa);
/// let text = "
/// loop:   PRINT           ; what is on the stack
///         JUMP loop
/// ";
/// let assembled = assemble(&codec, text).unwrap();
/// assert_eq!(assembled.bytes, [0x0e, 0x0a, 0xfc, 0xff]);
/// assert_eq!(assembled.statement_at(3).unwrap().line, 3);
///
/// let errors = assemble(&codec, "PUSH 3\nPRIMT\n").unwrap_err();
/// assert_eq!(errors.errors[0].line, 2);
/// assert_eq!(errors.errors[0].hint.as_deref(), Some("did you mean `PRINT`?"));
/// ```
///
/// # Errors
///
/// All errors of the text, or that it is over [`limits::TEXT_BYTES`] or not UTF-8.
pub fn assemble(codec: &Codec<'_>, text: impl AsRef<[u8]>) -> Result<Assembled, AsmErrors> {
    let bytes = text.as_ref();
    let mut errors = ErrorLog::default();
    if bytes.len() > limits::TEXT_BYTES {
        let kind = AsmErrorKind::TextTooLong { bytes: bytes.len() };
        errors.push(0..0, kind);
        return Err(errors.finish(""));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let (valid, rest) = bytes.split_at(error.valid_up_to());
            let bad = error.error_len().unwrap_or(rest.len());
            errors.push(valid.len()..valid.len() + bad, AsmErrorKind::NotUtf8);
            return Err(errors.finish(std::str::from_utf8(valid).unwrap_or_default()));
        }
    };
    let (mut layout, outline) = parser::parse(codec, text, &mut errors);
    if errors.is_empty() {
        layout.settle(codec.isa(), &mut errors);
    }
    if errors.is_empty() {
        let code = layout.encode(codec, &mut errors);
        if errors.is_empty() {
            let len = code.len();
            let bytes = match outline {
                None => code,
                Some(outline) => outline.finish(codec, &layout, code, &mut errors),
            };
            if errors.is_empty() {
                let (code, statements) =
                    (bytes.len() - len..bytes.len(), statements(&layout, text));
                return Ok(Assembled { bytes, code, statements });
            }
        }
    }
    Err(errors.finish(text))
}

fn statements(layout: &layout::Layout<'_>, text: &str) -> Vec<Statement> {
    let mut locator = Locator::new(text);
    let places = layout.statements().map(|(offset, start)| {
        let (line, column) = locator.locate(start);
        Statement { offset, line, column }
    });
    places.collect()
}

/// A place in the text, in bytes. Texts are shorter than 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start as u32, end: range.end as u32 }
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.start as usize..span.end as usize
    }
}
