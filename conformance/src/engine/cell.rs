//! A cell of a bank by name, as engines and requests write it: `local:2=16`.

use std::fmt;
use std::str::FromStr;

use bytestone_spec::Isa;
use bytestone_vm::State;
use bytestone_vm::host::Call;
use bytestone_vm::trace::view::{self, Key};
use bytestone_vm::value::{Value, ValueError, wire};

/// A cell of numbers that is set before the first step, and its value; or all bytes of a region of memory, at index 0; or
/// what a function of the host replies to its call with the number `index`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCell {
    /// The name of the bank, region or function.
    pub bank: String,
    /// The index in the bank.
    pub index: u32,
    /// The value: a number, or bytes.
    pub value: Value,
}

impl From<(&str, u32, i128)> for NamedCell {
    fn from((bank, index, value): (&str, u32, i128)) -> Self {
        Self { bank: bank.to_owned(), index, value: Value::Int(value) }
    }
}

impl NamedCell {
    /// Sets it in the state before the first step.
    ///
    /// # Errors
    ///
    /// It does not fit the machine; why, in words.
    pub fn set(&self, isa: &Isa, state: &mut State) -> Result<(), String> {
        if let (Value::Int(value), Some(function)) = (&self.value, isa.find_extern(&self.bank)) {
            let done = state.set_reply(function, self.index.into(), *value);
            return done.map_err(|error| error.to_string());
        }
        let done = match (&self.value, isa.find_bank(&self.bank), isa.find_region(&self.bank)) {
            (Value::Bytes(bytes), _, Some(region)) if self.index == 0 => {
                state.set_memory(region, bytes)
            }
            (Value::Bytes(_), _, Some(_)) => {
                return Err("the bytes of memory are given from the first one on".to_owned());
            }
            (Value::Int(value), Some(bank), _) => state.set_cell(bank, self.index.into(), *value),
            (_, None, None) => return Err("the machine has no such cells".to_owned()),
            _ => return Err("a value that cannot be set there".to_owned()),
        };
        done.map_err(|error| error.to_string())
    }
}

impl fmt::Display for NamedCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}={}", self.bank, self.index, wire::text(&self.value))
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
            value: wire::parse(value).map_err(|error| no_value(value, &error))?,
        })
    }
}

/// A cell that an engine shows, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenCell {
    /// The name of the bank.
    pub bank: String,
    /// Which cell of the bank.
    pub key: Key,
    /// The value.
    pub value: Value,
}

impl SeenCell {
    /// Whether it is the cell of a bank with a key.
    pub fn is(&self, bank: &str, key: &Key) -> bool {
        self.bank == bank && self.key == *key
    }
}

impl From<(&str, Key, Value)> for SeenCell {
    fn from((bank, key, value): (&str, Key, Value)) -> Self {
        Self { bank: bank.to_owned(), key, value }
    }
}

impl FromStr for SeenCell {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no cell: expected one as in `local:2=16`");
        let (bank, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (key, value) = rest.split_once('=').ok_or_else(wrong)?;
        if bank.is_empty() {
            return Err(wrong());
        }
        let key = match key.parse() {
            Ok(index) => Key::Index(index),
            Err(_) => Key::Name(wire::parse_string(key).map_err(|_| wrong())?),
        };
        let value = wire::parse(value).map_err(|error| no_value(value, &error))?;
        Ok(Self { bank: bank.to_owned(), key, value })
    }
}

/// Reads cells to be set, with commas between; none from an empty text.
///
/// # Errors
///
/// What is no cell, in words.
pub fn parse_cells(text: &str) -> Result<Vec<NamedCell>, String> {
    parse_all(text)
}

/// Reads cells that an engine shows, with commas between; none from an empty text.
///
/// # Errors
///
/// What is no cell, in words.
pub fn parse_seen(text: &str) -> Result<Vec<SeenCell>, String> {
    parse_all(text)
}

fn parse_all<T: FromStr<Err = String>>(text: &str) -> Result<Vec<T>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',').map(str::parse).collect()
}

/// Reads the values of a stack, with commas between; none from an empty text.
///
/// # Errors
///
/// What is no value, in words.
pub fn parse_stack(text: &str) -> Result<Vec<Value>, String> {
    wire::parse_list(text).map_err(|error| no_value(text, &error))
}

/// Reads printed values with commas between; none from an empty text.
///
/// # Errors
///
/// What is no value, in words.
pub fn parse_output(text: &str) -> Result<Vec<Value>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',').map(parse_value).collect()
}

/// Reads calls of the host with commas between; none from an empty text.
///
/// # Errors
///
/// What is no call, in words.
pub fn parse_calls(text: &str) -> Result<Vec<Call>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',').map(parse_call).collect()
}

/// Reads a call of the host.
///
/// # Errors
///
/// It is none.
pub fn parse_call(text: &str) -> Result<Call, String> {
    Call::from_wire(text)
        .ok_or_else(|| format!("`{text}` is no call: expected one as in `answer(1;2)=7`"))
}

/// Reads a value alone.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn parse_value(text: &str) -> Result<Value, String> {
    wire::parse(text).map_err(|error| no_value(text, &error))
}

fn no_value(text: &str, error: &ValueError) -> String {
    /// Characters of a value that are shown.
    const SHOWN: usize = 60;
    let rest: String = text.chars().skip(error.at).take(SHOWN).collect();
    format!("`{rest}` is no value: {error}")
}

/// Cells that are seen, with commas between.
pub fn seen_text(cells: &[SeenCell]) -> String {
    view::cells_text(
        cells.iter().map(|cell| (cell.bank.as_str(), cell.key.clone(), cell.value.clone())),
    )
}

/// Cells to be set, with commas between.
pub fn cells_text(cells: &[NamedCell]) -> String {
    let texts: Vec<String> = cells.iter().map(ToString::to_string).collect();
    texts.join(",")
}
