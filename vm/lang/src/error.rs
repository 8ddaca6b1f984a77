//! What is wrong with a source, and why it was not compiled.

use std::fmt;
use std::ops::Range;

use bytestone_vm::module::ModuleError;

use crate::emit::EmitError;
use crate::limits;
use crate::source::Source;

/// What is wrong at a place of a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceErrorKind {
    /// The source is over [`limits::SOURCE_BYTES`].
    #[error("the source has {bytes} bytes, more than the {} that are taken", limits::SOURCE_BYTES)]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// The source is not UTF-8.
    #[error("expected UTF-8 text")]
    NotUtf8,
    /// Characters that are no part of the language.
    #[error("`{found}` means nothing here")]
    Strange {
        /// The characters.
        found: String,
    },
    /// The text does not go on as it must.
    #[error("expected {expected}, found {found}")]
    Syntax {
        /// What may stand there.
        expected: String,
        /// What does.
        found: String,
    },
    /// Something is nested too deep, or one expression has too many operators in a row.
    #[error("nested deeper than {} levels", limits::TREE_HEIGHT)]
    TooDeep,
    /// A number is outside its type.
    #[error("expected a number from {min} to {max}, found {found}")]
    OutOfRange {
        /// The least number that is taken.
        min: i64,
        /// The greatest number that is taken.
        max: i64,
        /// The number as written.
        found: String,
    },
    /// The name of a variable is not one of the letters.
    #[error("expected a variable from `a` to `z`, found `{found}`")]
    VariableName {
        /// The name.
        found: String,
    },
    /// An expression alone is not the last statement.
    #[error("expected an assignment or `print`; an expression alone must come last")]
    ResultNotLast,
    /// An expression alone is the last statement, but nothing can hold its value.
    #[error("the machine has no operand stack that could hold a result")]
    NoResult,
    /// What is to be given a value cannot have one.
    #[error("only variables, properties and elements can be given a value")]
    NotAssignable,
    /// `break` or `continue` stands in no loop of its function.
    #[error("`{found}` stands in no loop")]
    OutsideLoop {
        /// The word.
        found: String,
    },
    /// The step of a loop declares a variable, which nothing could use.
    #[error("the step of a loop cannot declare a variable")]
    LetInStep,
    /// A name is declared for a second time in a block.
    #[error("`{name}` is already declared in this block")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A number is too great.
    #[error("expected a number up to 1.7976931348623157e308, found {found}")]
    TooGreat {
        /// The number as written.
        found: String,
    },
    /// A number is no integer of 32 bits, and the machine has no other numbers.
    #[error("expected an integer from -2147483648 to 2147483647, found {found}")]
    NoInteger {
        /// The number as written.
        found: String,
    },
    /// The machine has no instructions for something.
    #[error("the machine has no {what}")]
    NotOnMachine {
        /// What.
        what: &'static str,
    },
    /// A function has too many parameters, or a call too many arguments.
    #[error("more than {} parameters or arguments", limits::ARGUMENTS)]
    TooManyArguments,
    /// A string has no end on its line.
    #[error("the string does not end on its line")]
    OpenString,
    /// A string has an escape that is none.
    #[error("expected an escape as in JSON, found `{found}`")]
    BadEscape {
        /// The characters.
        found: String,
    },
    /// An expression and the variables need more registers than there are.
    #[error("{variables} variables and this expression need more than {registers} registers")]
    OutOfRegisters {
        /// How many registers variables occupy.
        variables: usize,
        /// How many registers there are.
        registers: usize,
    },
}

/// An error of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// What is wrong.
    pub kind: SourceErrorKind,
    /// Where, in bytes of the text.
    pub span: Range<usize>,
    /// The line of its first character, from 1.
    pub line: u32,
    /// The column of its first character, from 1, in characters.
    pub column: u32,
}

impl SourceError {
    pub(crate) fn at_start(kind: SourceErrorKind) -> Self {
        Self { kind, span: 0..0, line: 1, column: 1 }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.kind)
    }
}

/// The errors of a source in the order of their places; never empty. At most
/// [`limits::ERRORS`] are kept, the others are counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SourceErrors {
    /// The errors.
    pub errors: Vec<SourceError>,
    /// How many more there were.
    pub omitted: usize,
}

impl SourceErrors {
    pub(crate) fn one(error: SourceError) -> Self {
        Self { errors: vec![error], omitted: 0 }
    }
}

impl fmt::Display for SourceErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if at == 0 { "" } else { "\n" })?;
        }
        if self.omitted > 0 { write!(f, "\nand {} more", self.omitted) } else { Ok(()) }
    }
}

/// Why a source was not compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The source has errors.
    #[error(transparent)]
    Source(#[from] SourceErrors),
    /// No code generator of the language knows the machine.
    #[error("the machine `{isa}` is none that {language} is compiled to")]
    NoTarget {
        /// The name of the machine.
        isa: String,
        /// The language.
        language: &'static str,
    },
    /// The code needs more of the operand stack than there is.
    #[error("line {line}: this needs {needs} cells of an operand stack of {depth}")]
    StackTooDeep {
        /// The line where the most is needed.
        line: u32,
        /// How many cells.
        needs: u32,
        /// How many there are.
        depth: u32,
    },
    /// The code does not fit: a number in it would be too large, or there are too many bytes.
    #[error("line {line}: the code gets too large")]
    TooLarge {
        /// The line.
        line: u32,
    },
    /// A module would have too much of something.
    #[error("the program has {found} {what}, more than the {most} that there may be")]
    TooMany {
        /// What.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// What was compiled is no module.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// The compiler contradicts itself or the instruction set: a bug.
    #[error("the code generator is wrong: {0}")]
    Internal(EmitError),
}

impl CompileError {
    /// Each thing that is wrong, with the bytes of the source that it concerns; what concerns no part
    /// of it concerns all.
    pub fn faults(&self, source: &Source) -> Vec<(Range<usize>, String)> {
        let all = 0..source.text().len();
        match self {
            Self::Source(errors) => {
                let one = |error: &SourceError| {
                    // The end of a line is a place, not a part of the next line.
                    let Range { start, end } = error.span;
                    let blank = source.text().get(start..end).is_none_or(|it| it.trim().is_empty());
                    (start..if blank { start } else { end }, error.kind.to_string())
                };
                let more = (errors.omitted > 0)
                    .then(|| (all, format!("{} more errors in the source", errors.omitted)));
                errors.errors.iter().map(one).chain(more).collect()
            }
            Self::StackTooDeep { line, needs, depth } => {
                let message = format!("this needs {needs} cells of an operand stack of {depth}");
                vec![(source.line_range(*line), message)]
            }
            Self::TooLarge { line } => {
                vec![(source.line_range(*line), "the code gets too large".to_owned())]
            }
            Self::NoTarget { .. } | Self::TooMany { .. } | Self::Module(_) | Self::Internal(_) => {
                vec![(all, self.to_string())]
            }
        }
    }
}

impl From<SourceError> for CompileError {
    fn from(error: SourceError) -> Self {
        Self::Source(SourceErrors::one(error))
    }
}

/// Errors as they are found.
#[derive(Debug, Default)]
pub(crate) struct ErrorLog {
    errors: Vec<SourceError>,
    omitted: usize,
}

impl ErrorLog {
    /// Adds an error, which is only made if it is kept.
    pub(crate) fn push_with(&mut self, error: impl FnOnce() -> SourceError) {
        if self.errors.len() == limits::ERRORS {
            self.omitted += 1;
        } else {
            self.errors.push(error());
        }
    }

    /// The errors in order, if there are any.
    pub(crate) fn finish(mut self) -> Result<(), SourceErrors> {
        if self.errors.is_empty() {
            return Ok(());
        }
        self.errors.sort_by_key(|error| error.span.start);
        Err(SourceErrors { errors: self.errors, omitted: self.omitted })
    }
}

/// A word of the text for a message: control characters escaped, long ones cut.
pub(crate) fn excerpt(word: &str) -> String {
    const CHARS: usize = 40;
    let mut shown: String = word.chars().take(CHARS).flat_map(shown_char).collect();
    if word.chars().nth(CHARS).is_some() {
        shown.push('…');
    }
    shown
}

fn shown_char(char: char) -> impl Iterator<Item = char> {
    let (plain, escaped) =
        if char.is_control() { (None, Some(char.escape_default())) } else { (Some(char), None) };
    plain.into_iter().chain(escaped.into_iter().flatten())
}
