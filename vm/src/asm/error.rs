//! Errors of assembly text: what was expected, what was found, where, and what was probably meant.

use std::fmt;
use std::ops::Range;

use bytestone_spec::shape::similar;

use crate::codec::EncodeError;
use crate::limits;
use crate::module::ModuleErrorKind;

/// What is wrong at a place of an assembly text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AsmErrorKind {
    /// The text is over [`limits::TEXT_BYTES`].
    #[error("the text has {bytes} bytes, more than the {} that are taken", limits::TEXT_BYTES)]
    TextTooLong {
        /// How many.
        bytes: usize,
    },
    /// The text is not UTF-8.
    #[error("expected UTF-8 text")]
    NotUtf8,
    /// The code is over [`limits::CODE_BYTES`].
    #[error("the code has more than the {} bytes that are taken", limits::CODE_BYTES)]
    CodeTooLong,
    /// The line does not go on as it must.
    #[error("expected {expected}, found {found}")]
    Syntax {
        /// What may stand there.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// There is no instruction with the name.
    #[error("expected a mnemonic, found `{found}`")]
    UnknownMnemonic {
        /// The name.
        found: String,
    },
    /// The instruction has no encoding with the number.
    #[error("expected the number of an encoding, 1 to {count}, found `{found}`")]
    UnknownEncoding {
        /// How many encodings it has.
        count: usize,
        /// What stands behind the `/`.
        found: String,
    },
    /// There is no directive with the name.
    #[error("expected {expected}, found `{found}`")]
    UnknownDirective {
        /// What there is.
        expected: &'static str,
        /// The name.
        found: String,
    },
    /// There are too few or too many operands.
    #[error("expected {expected} operand{} of `{mnemonic}`, found {found}", if *.expected == 1 { "" } else { "s" })]
    OperandCount {
        /// The mnemonic.
        mnemonic: String,
        /// How many the instruction takes.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A list has too few or too many elements.
    #[error("expected a list of {expected}, found {found} element{}", if *.found == 1 { "" } else { "s" })]
    ListLength {
        /// How many the other operands ask for.
        expected: i128,
        /// How many there are.
        found: usize,
    },
    /// Operands do not fit one another.
    #[error("expected operands of `{mnemonic}` that fit one another")]
    Condition {
        /// The mnemonic.
        mnemonic: String,
    },
    /// An operand has the wrong form.
    #[error("expected {expected}, found `{found}`")]
    OperandForm {
        /// What the operand must be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A number is outside the type of its operand.
    #[error("expected a number from {min} to {max}, found {found}")]
    OutOfRange {
        /// The least number that is taken.
        min: i128,
        /// The greatest number that is taken.
        max: i128,
        /// The number as written.
        found: String,
    },
    /// The name cannot be that of a label.
    #[error("expected a label name (letters, digits and `_`, no digit first), found `{found}`")]
    LabelName {
        /// The name.
        found: String,
    },
    /// The name of a label is that of a register.
    #[error("expected a label name, found the register `{found}`")]
    LabelIsRegister {
        /// The name.
        found: String,
    },
    /// A label is defined a second time.
    #[error("expected a new label name, found `{name}`, which is defined in line {first}")]
    DuplicateLabel {
        /// The name.
        name: String,
        /// The line of the first definition.
        first: u32,
    },
    /// An operand names a label that is not defined.
    #[error("expected a label that is defined, found `{name}`")]
    UnknownLabel {
        /// The name.
        name: String,
    },
    /// An operand cannot lead to its target, because only every `step`th offset can be reached.
    #[error(
        "expected a target that is a multiple of {step} away from offset {base}, found @{target}"
    )]
    UnreachableTarget {
        /// The bytes between two offsets that can be reached.
        step: u64,
        /// An offset from which they are counted.
        base: i128,
        /// The offset of the target.
        target: i128,
    },
    /// The target is too far away.
    #[error("expected a target from @{min} to @{max}, found @{target}")]
    TargetOutOfRange {
        /// The least offset that can be reached.
        min: i128,
        /// The greatest offset that can be reached.
        max: i128,
        /// The offset of the target.
        target: i128,
    },
    /// No length was found for the number that says how far away the target is: each one that
    /// was tried changed the distance so that another one is needed.
    #[error("expected a distance that settles, found that each length of its number needs another")]
    UnsettledLength,
    /// The operands have no bytes, although each is what it must be.
    #[error("expected operands that can be encoded, found that {0}")]
    Encoding(#[from] EncodeError),
    /// Something that belongs to a function stands in front of the first one.
    #[error("expected `.func` before the first {found}")]
    OutsideFunction {
        /// What it is.
        found: &'static str,
    },
    /// A function has the name of another one.
    #[error("expected a new function name, found `{name}`, which is that of function {first}")]
    DuplicateFunction {
        /// The name.
        name: String,
        /// The index of the other.
        first: u32,
    },
    /// An operand names a function that does not exist.
    #[error("expected the name of a function, found `{name}`")]
    UnknownFunction {
        /// The name.
        name: String,
    },
    /// A text in quotes has an escape that JSON does not have.
    #[error("expected an escape of JSON, found `{found}`")]
    BadEscape {
        /// The text.
        found: String,
    },
    /// A constant has too high a number for the operand.
    #[error("expected a constant with a number up to {max}, found one with the number {found}")]
    ConstantNumber {
        /// The greatest number that the operand holds.
        max: i128,
        /// The number of the constant.
        found: i128,
    },
    /// Something is given twice.
    #[error("expected {what} once, found a second one")]
    Again {
        /// What it is.
        what: &'static str,
    },
    /// A `.line` is not in front of any code.
    #[error("expected an instruction of the function after `.line`")]
    NoCodeOfLine,
    /// The module breaks a rule of its format.
    #[error("expected a module, found that {0}")]
    Module(ModuleErrorKind),
}

/// An error of an assembly text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsmError {
    /// What is wrong.
    pub kind: AsmErrorKind,
    /// Where, in bytes of the text.
    pub span: Range<usize>,
    /// The line of its first character, from 1.
    pub line: u32,
    /// The column of its first character, from 1, in characters.
    pub column: u32,
    /// What was probably meant, or how to write it.
    pub hint: Option<String>,
}

impl fmt::Display for AsmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.kind)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// The errors of an assembly text in the order of their places; never empty. At most
/// [`limits::FAULTS`] are kept, the others are counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct AsmErrors {
    /// The errors.
    pub errors: Vec<AsmError>,
    /// How many more there were.
    pub omitted: usize,
}

impl fmt::Display for AsmErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if at == 0 { "" } else { "\n" })?;
        }
        if self.omitted > 0 { write!(f, "\nand {} more", self.omitted) } else { Ok(()) }
    }
}

/// Errors as they are found.
#[derive(Debug, Default)]
pub(super) struct ErrorLog {
    errors: Vec<AsmError>,
    omitted: usize,
}

impl ErrorLog {
    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// How many errors there are.
    pub(super) fn count(&self) -> usize {
        self.errors.len() + self.omitted
    }

    pub(super) fn push(&mut self, span: impl Into<Range<usize>>, kind: AsmErrorKind) {
        self.push_with(span, || (kind, None));
    }

    /// Adds an error; its kind and its hint are only made if it is kept.
    pub(super) fn push_with(
        &mut self,
        span: impl Into<Range<usize>>,
        error: impl FnOnce() -> (AsmErrorKind, Option<String>),
    ) {
        if self.errors.len() == limits::FAULTS {
            self.omitted += 1;
            return;
        }
        let (kind, hint) = error();
        self.errors.push(AsmError { kind, span: span.into(), line: 0, column: 0, hint });
    }

    /// The errors with their lines and columns in `text`.
    pub(super) fn finish(mut self, text: &str) -> AsmErrors {
        self.errors.sort_by_key(|error| error.span.start);
        let mut locator = Locator::new(text);
        for error in &mut self.errors {
            (error.line, error.column) = locator.locate(error.span.start);
        }
        AsmErrors { errors: self.errors, omitted: self.omitted }
    }
}

/// Finds lines and columns of places that are asked for in their order.
pub(super) struct Locator<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    column: u32,
}

impl<'t> Locator<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, line: 1, column: 1 }
    }

    /// Line and column, both from 1, of the character at byte `to`, no place before the last.
    pub(super) fn locate(&mut self, to: usize) -> (u32, u32) {
        let passed = self.text.get(self.at..to).unwrap_or_default();
        let rest = match passed.rfind('\n') {
            Some(end) => {
                self.line += passed.bytes().filter(|&byte| byte == b'\n').count() as u32;
                self.column = 1;
                &passed[end + 1..]
            }
            None => passed,
        };
        self.column += rest.chars().count() as u32;
        self.at = self.at.max(to);
        (self.line, self.column)
    }
}

/// A word of the text for a message: control characters escaped, long ones cut.
pub(super) fn excerpt(word: &str) -> String {
    const CHARS: usize = 40;
    let mut shown = String::new();
    for char in word.chars().take(CHARS) {
        if char.is_control() {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    if word.chars().nth(CHARS).is_some() { shown + "…" } else { shown }
}

/// The hint that names what was probably meant.
pub(super) fn did_you_mean<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    // A text may define any number of names.
    const KNOWN: usize = 1024;
    similar(name, known.into_iter().take(KNOWN)).map(|known| format!("did you mean `{known}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_characters() {
        let mut locator = Locator::new("äb\n\nçd é");
        assert_eq!(locator.locate(0), (1, 1));
        assert_eq!(locator.locate(2), (1, 2));
        assert_eq!(locator.locate(5), (3, 1));
        assert_eq!(locator.locate(5), (3, 1));
        assert_eq!(locator.locate(9), (3, 4));
    }

    #[test]
    fn excerpts_are_short_and_printable() {
        assert_eq!(excerpt("PUSH"), "PUSH");
        assert_eq!(excerpt("a\0b"), "a\\u{0}b");
        assert_eq!(excerpt(&"x".repeat(1000)).chars().count(), 41);
    }
}
