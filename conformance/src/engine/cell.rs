//! A cell of a bank by name, as engines and requests write it: `local:2=16`.

use std::fmt;
use std::str::FromStr;

/// A cell of a bank and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCell {
    /// The name of the bank.
    pub bank: String,
    /// The index in the bank.
    pub index: u32,
    /// The value.
    pub value: i128,
}

impl From<(&str, u32, i128)> for NamedCell {
    fn from((bank, index, value): (&str, u32, i128)) -> Self {
        Self { bank: bank.to_owned(), index, value }
    }
}

impl fmt::Display for NamedCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}={}", self.bank, self.index, self.value)
    }
}

impl FromStr for NamedCell {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no cell: expected one as in `local:2=16`");
        let (bank, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (index, value) = rest.split_once('=').ok_or_else(wrong)?;
        if bank.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            bank: bank.to_owned(),
            index: index.parse().map_err(|_| wrong())?,
            value: value.parse().map_err(|_| wrong())?,
        })
    }
}

/// Reads cells with commas between; none from an empty text.
///
/// # Errors
///
/// What is no cell, in words.
pub fn parse_cells(text: &str) -> Result<Vec<NamedCell>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',').map(str::parse).collect()
}

/// Reads values with commas between; none from an empty text.
///
/// # Errors
///
/// What is no number, in words.
pub fn parse_values(text: &str) -> Result<Vec<i128>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let value = |text: &str| {
        // Nearly all values fit 64 bits, which are read much faster.
        text.parse::<i64>()
            .map(i128::from)
            .or_else(|_| text.parse())
            .map_err(|_| format!("`{text}` is no decimal number"))
    };
    text.split(',').map(value).collect()
}

/// Cells with commas between.
pub fn cells_text(cells: &[NamedCell]) -> String {
    let texts: Vec<String> = cells.iter().map(ToString::to_string).collect();
    texts.join(",")
}
