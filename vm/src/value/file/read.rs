//! Reads the notation of case files.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytestone_spec::isa::{Payload, Record, RecordId};

use super::super::scan::{Census, Scan};
use super::super::{Form, Node, NodeKind, Text, Value, ValueError, ValueFault, wire};
use super::{is_word, parse_float, text_of};

/// Reads values, of which a list has one numbering of nodes.
#[derive(Debug)]
pub struct Reader<'t, 'u> {
    scan: Scan<'t>,
    form: Form<'u>,
    census: Census,
    /// The nodes by the number in the text.
    named: HashMap<u32, u32>,
}

/// Reads a value.
///
/// # Errors
///
/// What is wrong, and where.
pub fn parse(text: &str, form: Form<'_>) -> Result<Value, ValueError> {
    let mut reader = Reader::new(text, form);
    reader.gap();
    reader.whole()
}

/// Reads values in one pair of brackets, `[1 2]`, in which nodes are numbered together.
///
/// # Errors
///
/// What is wrong, and where.
pub fn parse_list(text: &str, form: Form<'_>) -> Result<Vec<Value>, ValueError> {
    let mut reader = Reader::new(text, form);
    reader.gap();
    if reader.scan.take("[").is_none() {
        return reader.scan.expected("values in brackets, `[1 2]`");
    }
    let values = reader.parts("]")?;
    reader.end()?;
    Ok(values)
}

impl<'t, 'u> Reader<'t, 'u> {
    /// Reads from the start of a text.
    pub fn new(text: &'t str, form: Form<'u>) -> Self {
        Self { scan: Scan::new(text), form, census: Census::default(), named: HashMap::new() }
    }

    /// Goes on with another text of the same list of values.
    pub fn resume(&mut self, text: &'t str) {
        self.scan = Scan::new(text);
        self.gap();
    }

    /// A reader of what could come next in the same list of values.
    pub fn branch<'b>(&self, text: &'b str) -> Reader<'b, 'u> {
        let mut scan = Scan::new(text);
        scan.take_while(char::is_whitespace);
        Reader { scan, form: self.form, census: self.census.clone(), named: self.named.clone() }
    }

    /// Reads a value that is all that is left of the text.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub fn whole(&mut self) -> Result<Value, ValueError> {
        let value = self.value()?;
        self.end()?;
        Ok(value)
    }

    /// Reads a value and the white space behind it.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub fn value(&mut self) -> Result<Value, ValueError> {
        let value = match self.scan.peek() {
            Some('"' | '~') => self.string().map(Value::Str),
            Some('#') => self.numbered(),
            Some('[' | '{') => self.node(None),
            _ => self.word(),
        };
        self.gap();
        value
    }

    /// Skips white space.
    pub fn gap(&mut self) {
        self.scan.take_while(char::is_whitespace);
    }

    /// Whether nothing is left.
    ///
    /// # Errors
    ///
    /// Something is.
    pub fn end(&self) -> Result<(), ValueError> {
        let is_done = self.scan.rest().is_empty();
        if is_done { Ok(()) } else { self.scan.expected("the end of the value") }
    }

    /// How many bytes were read.
    pub fn at(&self) -> usize {
        self.scan.at
    }

    fn wrong<T>(&self, at: usize, fault: ValueFault) -> Result<T, ValueError> {
        Err(ValueError { at, fault })
    }

    fn has(&self, payload: Payload) -> bool {
        match self.form {
            Form::Int(_) | Form::Bytes => false,
            Form::Union(union) => union.carrying(|have| have == payload).is_some(),
        }
    }

    /// A value without quotes or brackets.
    fn word(&mut self) -> Result<Value, ValueError> {
        let at = self.scan.at;
        if self.form == Form::Bytes {
            return self.bytes();
        }
        if self.scan.take(wire::CUT).is_some() {
            return Ok(Value::Cut);
        }
        let word = self.scan.take_while(|c| is_word(c) || matches!(c, '-' | '+' | '.'));
        if word.is_empty() {
            return self.scan.expected("a value");
        }
        if word == "fn" && self.has(Payload::Closure) || self.record_type(word).is_some() {
            self.scan.at = at;
            return self.node(None);
        }
        if matches!(word, "true" | "false") && self.has(Payload::Bool) {
            return Ok(Value::Bool(word == "true"));
        }
        if let Form::Union(union) = self.form {
            let units = |payload| payload == Payload::Unit;
            let mut variants = union.variants.iter().filter(|variant| units(variant.payload));
            if let Some(unit) = variants.find(|variant| variant.name == word) {
                return Ok(Value::Unit(unit.name.as_str().into()));
            }
        }
        self.number(at, word)
    }

    /// Bytes as two hexadecimal digits each, with spaces between.
    fn bytes(&mut self) -> Result<Value, ValueError> {
        let mut bytes = Vec::new();
        loop {
            let at = self.scan.at;
            let digits = self.scan.take_while(|c| c.is_ascii_hexdigit());
            match u8::from_str_radix(digits, 16) {
                Ok(byte) if digits.len() == 2 => bytes.push(byte),
                _ => {
                    return self
                        .wrong(at, ValueFault::Expected("a byte as two hexadecimal digits"));
                }
            }
            if self.scan.take_while(|c| c == ' ').is_empty() {
                return Ok(Value::Bytes(bytes.into()));
            }
        }
    }

    fn number(&self, at: usize, word: &str) -> Result<Value, ValueError> {
        let of = match self.form {
            Form::Int(of) => Some(of),
            Form::Bytes => None,
            Form::Union(union) => union.variants.iter().find_map(|variant| match variant.payload {
                Payload::Int(of) => Some(of),
                _ => None,
            }),
        };
        if self.has(Payload::Float)
            && let Some(bits) = parse_float(word)
        {
            return Ok(Value::Float(bits));
        }
        if let Some(of) = of
            && let Ok(number) = word.parse::<i128>()
        {
            let word = word.to_owned();
            let fits = of.contains(number);
            return if fits {
                Ok(Value::Int(number))
            } else {
                self.wrong(at, ValueFault::OutOfRange { word, of })
            };
        }
        self.wrong(at, ValueFault::NoValue { word: word.to_owned(), hint: self.hint(word) })
    }

    /// What may have been meant by a word that is no value.
    fn hint(&self, word: &str) -> Option<String> {
        let Form::Union(union) = self.form else { return None };
        let units = union.variants.iter().filter(|variant| variant.payload == Payload::Unit);
        let words = units.map(|variant| variant.name.as_str()).chain(["true", "false"]);
        let near =
            words.map(|name| (strsim::damerau_levenshtein(name, &word.to_lowercase()), name));
        if let Some((0..=1, name)) = near.min() {
            return Some(format!("did you mean `{name}`?"));
        }
        self.has(Payload::Str)
            .then(|| format!("a string has quotes of its own: '{}'", text_of(&Text::from(word))))
    }

    fn string(&mut self) -> Result<Text, ValueError> {
        let at = self.scan.at;
        if !self.has(Payload::Str) {
            return self.wrong(at, ValueFault::Expected("a value; there are no strings here"));
        }
        if self.scan.take("~").is_some() {
            let word = self.scan.take_while(|c| is_word(c) || c == '~');
            let text = wire::parse_string(&format!("s{word}"));
            return text.map_err(|error| ValueError { at, fault: error.fault });
        }
        self.quoted()
    }

    /// A string in quotes.
    fn quoted(&mut self) -> Result<Text, ValueError> {
        self.scan.next();
        let mut string = String::new();
        loop {
            match self.scan.next() {
                None => return self.scan.expected("`\"` at the end of the string"),
                Some('"') => return Ok(Text::from(string.as_str())),
                Some('\\') => string.push(self.escape()?),
                Some(c) => string.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ValueError> {
        let wrong = self.scan.error(ValueFault::BadEscape);
        Ok(match self.scan.next() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('u') => {
                let high = self.unit().ok_or_else(|| wrong.clone())?;
                let low = match high {
                    0xd800..0xdc00 => self.scan.take("\\u").and_then(|()| self.unit()),
                    _ => None,
                };
                let mut units = char::decode_utf16([high].into_iter().chain(low));
                match (units.next(), units.next()) {
                    (Some(Ok(c)), None) => c,
                    _ => return Err(wrong),
                }
            }
            _ => return Err(wrong),
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u16> {
        let digits = self.scan.rest().get(..4)?;
        let unit = u16::from_str_radix(digits, 16).ok()?;
        self.scan.at += 4;
        (!digits.starts_with('+')).then_some(unit)
    }

    /// A node with a number, or the number of one that was met.
    fn numbered(&mut self) -> Result<Value, ValueError> {
        let at = self.scan.at;
        self.scan.next();
        let name = self.scan.number("the number of a node")?;
        let is_new = matches!(self.scan.peek(), Some('[' | '{' | 'A'..='Z'))
            || self.scan.rest().starts_with("fn ");
        match (self.named.get(&name), is_new) {
            (Some(_), true) => self.wrong(at, ValueFault::DuplicateNode(name)),
            (Some(&number), false) => Ok(Value::Back(number)),
            (None, false) => self.wrong(at, ValueFault::NoSuchNode(name)),
            (None, true) => self.node(Some(name)),
        }
    }

    fn node(&mut self, name: Option<u32>) -> Result<Value, ValueError> {
        let at = self.scan.at;
        let number = self.census.enter().map_err(|fault| ValueError { at, fault })?;
        if let Some(name) = name {
            self.named.insert(name, number);
        }
        let (payload, kind) = match self.scan.next() {
            Some('[') => (Payload::Array, NodeKind::Array(self.parts("]")?)),
            Some('{') => (Payload::Map, NodeKind::Map(self.entries()?)),
            Some('A'..='Z') => {
                self.scan.at = at;
                self.record()?
            }
            _ => (Payload::Closure, self.closure()?),
        };
        if !self.has(payload) {
            return self
                .wrong(at, ValueFault::Expected("a value of a variant that the machine has"));
        }
        self.census.leave();
        Ok(Value::Node(Arc::new(Node { number, kind })))
    }

    /// The type of records with a name.
    fn record_type(&self, name: &str) -> Option<(RecordId, Arc<Record>)> {
        let Form::Union(union) = self.form else { return None };
        let mut records = (0..).map(RecordId).zip(&union.records);
        records.find(|(_, of)| of.name == name).map(|(id, of)| (id, Arc::clone(of)))
    }

    /// `Pair{first: 1 second: 2}`.
    fn record(&mut self) -> Result<(Payload, NodeKind), ValueError> {
        let at = self.scan.at;
        let name = self.scan.take_while(is_word);
        let Some((id, of)) = self.record_type(name) else {
            let known = "a value of a variant that the machine has";
            return self.wrong(at, ValueFault::Expected(known));
        };
        if self.scan.take("{").is_none() {
            return self.wrong(at, ValueFault::Fields(of));
        }
        self.gap();
        let mut fields = Vec::new();
        for field in &of.fields {
            let at = self.scan.at;
            if self.scan.take_while(is_word) != field || self.scan.take(":").is_none() {
                return self.wrong(at, ValueFault::Fields(of));
            }
            self.gap();
            fields.push(self.value()?);
        }
        if self.scan.take("}").is_none() {
            return self.wrong(self.scan.at, ValueFault::Fields(of));
        }
        Ok((Payload::Record(id), NodeKind::Record { of, fields }))
    }

    /// What follows the first letter of `fn 2(1 2)`.
    fn closure(&mut self) -> Result<NodeKind, ValueError> {
        self.scan.next();
        self.gap();
        let function = self.scan.number("the number of a function")?;
        let captures = if self.scan.take("(").is_some() { self.parts(")")? } else { Vec::new() };
        Ok(NodeKind::Closure { function, captures })
    }

    fn parts(&mut self, close: &str) -> Result<Vec<Value>, ValueError> {
        let mut values = Vec::new();
        self.gap();
        while self.scan.take(close).is_none() {
            values.push(self.value()?);
        }
        Ok(values)
    }

    fn entries(&mut self) -> Result<Vec<(Text, Value)>, ValueError> {
        let mut entries = Vec::new();
        let mut keys = HashSet::new();
        self.gap();
        while self.scan.take("}").is_none() {
            let at = self.scan.at;
            let key = self.name()?;
            if !keys.insert(key.clone()) {
                return self.wrong(at, ValueFault::DuplicateKey(key));
            }
            self.gap();
            if self.scan.take(":").is_none() {
                return self.scan.expected("`:` after the key");
            }
            self.gap();
            entries.push((key, self.value()?));
        }
        Ok(entries)
    }

    /// A key of a map or the name of a global: a name, or a string.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub fn name(&mut self) -> Result<Text, ValueError> {
        match self.scan.peek() {
            Some('"' | '~') => self.string(),
            Some(c) if is_word(c) && !c.is_ascii_digit() => {
                Ok(Text::from(self.scan.take_while(is_word)))
            }
            _ => self.scan.expected("a name, or a string in quotes"),
        }
    }
}
