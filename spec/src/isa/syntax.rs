//! How assembly text writes an instruction that has a form of its own.

/// A form of assembly text: words, marks and operands in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What it consists of; the first is a word.
    pub pieces: Vec<Piece>,
}

/// A part of a template. Where `space` is set, text has space before it, and canonical text has one blank; elsewhere
/// space is allowed and not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Whether there is space before it.
    pub space: bool,
    /// What it is.
    pub kind: PieceKind,
}

/// What a piece of a template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// Letters, digits, `_` and `.`, as they are.
    Word(String),
    /// A character of punctuation.
    Mark(char),
    /// An operand.
    Operand {
        /// Its number.
        operand: u8,
        /// Whether a number has its sign, `+` or `-`, in any case.
        signed: bool,
    },
}

impl Template {
    /// The word with which the text begins.
    pub fn word(&self) -> &str {
        match self.pieces.first().map(|piece| &piece.kind) {
            Some(PieceKind::Word(word)) => word,
            _ => "",
        }
    }

    /// Appends the canonical text. `operand` appends an operand, by its number, and is told whether its sign is written in
    /// any case.
    pub fn write(&self, out: &mut String, mut operand: impl FnMut(&mut String, u8, bool)) {
        for piece in &self.pieces {
            if piece.space {
                out.push(' ');
            }
            match &piece.kind {
                PieceKind::Word(word) => out.push_str(word),
                PieceKind::Mark(mark) => out.push(*mark),
                PieceKind::Operand { operand: number, signed } => operand(out, *number, *signed),
            }
        }
    }
}
