//! The notation of the engine protocol, `docs/protocol.md`: one way to write each value, without spaces.

use std::collections::HashSet;
use std::sync::Arc;

use bytestone_spec::isa::{Record, Union};

use super::scan::{Census, Scan};
use super::{Digest, Node, NodeKind, Shallow, Text, Value, ValueError, ValueFault};

/// Where a value is cut.
pub(in crate::value) const CUT: &str = "...";
/// The most bytes of a string that a light row shows in full.
const SHORT: usize = 16;

/// Appends a value.
#[inline]
pub fn push(text: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Int(number) => push_number(text, *number),
        other => push_dynamic(text, other),
    }
}

/// Appends a value as light rows show it: strings that are not short by length and CRC-32, nodes by size.
#[inline]
pub fn push_light(text: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Int(number) => push_number(text, *number),
        Value::Str(Text::Full(string)) if string.len() > SHORT => {
            push_digest(text, Digest::of(string));
        }
        Value::Node(node) => push_shallow(text, &node.shallow()),
        other => push_dynamic(text, other),
    }
}

/// A value as a text.
pub fn text(value: &Value) -> String {
    let mut text = Vec::new();
    push(&mut text, value);
    text.into_iter().map(char::from).collect()
}

/// Appends a string: `s` and its bytes in hexadecimal, or what tells a long one from others.
pub fn push_string(text: &mut Vec<u8>, string: &Text) {
    match string {
        Text::Full(string) => {
            text.push(b's');
            string.bytes().for_each(|byte| push_hex(text, byte));
        }
        Text::Long(digest) => push_digest(text, *digest),
    }
}

/// Appends a number in decimal. Most numbers have one digit.
#[inline]
pub fn push_number(text: &mut Vec<u8>, number: i128) {
    match u8::try_from(number) {
        Ok(digit @ 0..10) => text.push(b'0' + digit),
        _ => push_digits(text, number),
    }
}

/// Nearly all numbers fit 64 bits, for which itoa is much faster.
#[inline(never)]
fn push_digits(text: &mut Vec<u8>, number: i128) {
    let mut buffer = itoa::Buffer::new();
    text.extend_from_slice(match i64::try_from(number) {
        Ok(number) => buffer.format(number).as_bytes(),
        Err(_) => buffer.format(number).as_bytes(),
    });
}

fn push_hex(text: &mut Vec<u8>, byte: u8) {
    text.extend_from_slice(&hex(byte));
}

/// The two hexadecimal digits of a byte.
pub(in crate::value) fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

#[inline(never)]
fn push_dynamic(text: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Int(number) => push_number(text, *number),
        Value::Unit(name) => text.extend_from_slice(name.as_bytes()),
        Value::Bool(truth) => text.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Float(bits) => {
            text.push(b'd');
            for byte in bits.to_be_bytes() {
                push_hex(text, byte);
            }
        }
        Value::Str(string) => push_string(text, string),
        Value::Bytes(bytes) => {
            text.push(b'h');
            bytes.iter().for_each(|byte| push_hex(text, *byte));
        }
        Value::Node(node) => push_node(text, node),
        Value::Back(number) => {
            text.push(b'#');
            push_number(text, (*number).into());
        }
        Value::Shallow(shallow) => push_shallow(text, shallow),
        Value::Cut => text.extend_from_slice(CUT.as_bytes()),
    }
}

fn push_node(text: &mut Vec<u8>, node: &Node) {
    text.push(b'#');
    push_number(text, node.number.into());
    match &node.kind {
        NodeKind::Array(elements) => {
            text.push(b'[');
            push_parts(text, elements);
            text.push(b']');
        }
        NodeKind::Map(entries) => {
            text.push(b'{');
            for (place, (key, value)) in entries.iter().enumerate() {
                if place > 0 {
                    text.push(b';');
                }
                push_string(text, key);
                text.push(b'=');
                push_dynamic(text, value);
            }
            text.push(b'}');
        }
        NodeKind::Record { of, fields } => {
            text.extend_from_slice(of.name.as_bytes());
            text.push(b'{');
            for (place, (name, value)) in of.fields.iter().zip(fields).enumerate() {
                if place > 0 {
                    text.push(b';');
                }
                text.extend_from_slice(name.as_bytes());
                text.push(b'=');
                push_dynamic(text, value);
            }
            text.push(b'}');
        }
        NodeKind::Closure { function, captures } => {
            text.push(b'f');
            push_number(text, (*function).into());
            text.push(b'(');
            push_parts(text, captures);
            text.push(b')');
        }
    }
}

fn push_parts(text: &mut Vec<u8>, values: &[Value]) {
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            text.push(b';');
        }
        push_dynamic(text, value);
    }
}

fn push_shallow(text: &mut Vec<u8>, shallow: &Shallow) {
    let (letter, number) = match shallow {
        Shallow::Array(len) => (b'a', len),
        Shallow::Map(len) => (b'o', len),
        Shallow::Closure(function) => (b'f', function),
        Shallow::Record(of) => return text.extend_from_slice(of.name.as_bytes()),
    };
    text.push(letter);
    push_number(text, (*number).into());
}

fn push_digest(text: &mut Vec<u8>, digest: Digest) {
    text.push(b's');
    push_number(text, digest.bytes.into());
    text.push(b'~');
    digest.crc.to_be_bytes().into_iter().for_each(|byte| push_hex(text, byte));
}

/// Reads a value.
///
/// # Errors
///
/// What is wrong, and where.
pub fn parse(text: &str) -> Result<Value, ValueError> {
    let mut reader = Reader::new(text);
    let value = reader.value()?;
    reader.end(value)
}

/// Reads values with commas between, in which nodes are numbered together; none from an empty text.
///
/// # Errors
///
/// What is wrong, and where.
pub fn parse_list(text: &str) -> Result<Vec<Value>, ValueError> {
    let mut reader = Reader::new(text);
    let mut values = Vec::new();
    if text.is_empty() {
        return Ok(values);
    }
    loop {
        values.push(reader.value()?);
        if reader.scan.take(",").is_none() {
            return reader.end(values);
        }
    }
}

/// Reads a string: `s` and its bytes in hexadecimal.
///
/// # Errors
///
/// What is wrong, and where.
pub fn parse_string(text: &str) -> Result<Text, ValueError> {
    let mut reader = Reader::new(text);
    let string = reader.string()?;
    reader.end(string)
}

struct Reader<'t> {
    scan: Scan<'t>,
    census: Census,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self { scan: Scan::new(text), census: Census::default() }
    }

    fn end<T>(&self, found: T) -> Result<T, ValueError> {
        if self.scan.rest().is_empty() {
            Ok(found)
        } else {
            self.scan.expected("the end of the value")
        }
    }

    fn value(&mut self) -> Result<Value, ValueError> {
        match self.scan.peek() {
            Some('0'..='9' | '-' | '+') => self.number(),
            Some('#') => self.node(),
            Some('.') => {
                let cut = self.scan.take(CUT);
                cut.map_or_else(|| self.scan.expected("a value"), |()| Ok(Value::Cut))
            }
            _ => self.word(),
        }
    }

    fn number(&mut self) -> Result<Value, ValueError> {
        let at = self.scan.at;
        let word = self.scan.take_while(|c| c.is_ascii_digit() || c == '-' || c == '+');
        // Nearly all values fit 64 bits, which are read much faster.
        let number = word.parse::<i64>().map(i128::from).or_else(|_| word.parse::<i128>());
        let fault = ValueFault::NoValue { word: word.to_owned(), hint: None };
        number.map(Value::Int).map_err(|_| ValueError { at, fault })
    }

    /// A unit, truth value, float or string.
    fn word(&mut self) -> Result<Value, ValueError> {
        let at = self.scan.at;
        let word = self.scan.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        match word {
            "" => return self.scan.expected("a value"),
            "true" => return Ok(Value::Bool(true)),
            "false" => return Ok(Value::Bool(false)),
            _ => {}
        }
        if let Some(digits) = word.strip_prefix('d')
            && digits.len() == 16
            && digits.chars().all(is_hex)
        {
            let bits = u64::from_str_radix(digits, 16).unwrap_or(Union::NAN);
            let is_canonical = !f64::from_bits(bits).is_nan() || bits == Union::NAN;
            let fault = ValueFault::OtherNan;
            return if is_canonical {
                Ok(Value::Float(bits))
            } else {
                Err(ValueError { at, fault })
            };
        }
        if let Some(digits) = word.strip_prefix('h')
            && digits.len().is_multiple_of(2)
            && digits.chars().all(is_hex)
        {
            return Ok(Value::Bytes(bytes(digits).into()));
        }
        if let Some(digits) = word.strip_prefix('s')
            && digits.chars().all(is_hex)
        {
            self.scan.at = at;
            return self.string().map(Value::Str);
        }
        Ok(Value::Unit(word.into()))
    }

    fn string(&mut self) -> Result<Text, ValueError> {
        let at = self.scan.at;
        let wrong = |fault| ValueError { at, fault };
        if self.scan.take("s").is_none() {
            return self.scan.expected("a string, `s` and hexadecimal digits");
        }
        let digits = self.scan.take_while(is_hex);
        if self.scan.take("~").is_some() {
            let digest = digest(digits, self.scan.take_while(is_hex));
            let what = ValueFault::Expected("a long string as its length, `~` and its CRC-32");
            return digest.map(Text::Long).ok_or_else(|| wrong(what));
        }
        if !digits.len().is_multiple_of(2) {
            return self.scan.expected("a hexadecimal digit");
        }
        let string = String::from_utf8(bytes(digits)).map_err(|_| wrong(ValueFault::NotUtf8))?;
        if string.len() > Text::FULL {
            return Err(wrong(ValueFault::LongInFull));
        }
        Ok(Text::from(string.as_str()))
    }

    fn node(&mut self) -> Result<Value, ValueError> {
        let at = self.scan.at;
        self.scan.next();
        let number = self.scan.number("the number of a node")?;
        if number < self.census.met {
            return Ok(Value::Back(number));
        }
        if number != self.census.met {
            return Err(ValueError { at, fault: ValueFault::NodeOrder(self.census.met) });
        }
        self.census.enter().map_err(|fault| ValueError { at, fault })?;
        let start = self.scan.at;
        let kind = match self.scan.next() {
            Some('[') => NodeKind::Array(self.parts("]")?),
            Some('{') => NodeKind::Map(self.entries()?),
            Some('f') => {
                let function = self.scan.number("the number of a function")?;
                if self.scan.take("(").is_none() {
                    return self.scan.expected("`(`");
                }
                NodeKind::Closure { function, captures: self.parts(")")? }
            }
            Some('A'..='Z') => {
                self.scan.at = start;
                self.record()?
            }
            _ => {
                let what = "`[`, `{`, `f` or the name of a record after the number of a new node";
                return self.scan.expected(what);
            }
        };
        self.census.leave();
        Ok(Value::Node(Arc::new(Node { number, kind })))
    }

    fn parts(&mut self, close: &str) -> Result<Vec<Value>, ValueError> {
        let mut values = Vec::new();
        while self.scan.take(close).is_none() {
            if !values.is_empty() {
                self.semicolon()?;
            }
            values.push(self.value()?);
        }
        Ok(values)
    }

    fn entries(&mut self) -> Result<Vec<(Text, Value)>, ValueError> {
        let mut entries = Vec::new();
        let mut keys = HashSet::new();
        while self.scan.take("}").is_none() {
            if !entries.is_empty() {
                self.semicolon()?;
            }
            let at = self.scan.at;
            let key = self.string()?;
            if !keys.insert(key.clone()) {
                return Err(ValueError { at, fault: ValueFault::DuplicateKey(key) });
            }
            if self.scan.take("=").is_none() {
                return self.scan.expected("`=`");
            }
            entries.push((key, self.value()?));
        }
        Ok(entries)
    }

    /// A record: the name of its type, and its fields with what they hold.
    fn record(&mut self) -> Result<NodeKind, ValueError> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = self.scan.take_while(is_word).to_owned();
        if self.scan.take("{").is_none() {
            return self.scan.expected("`{`");
        }
        let (mut names, mut fields) = (Vec::new(), Vec::new());
        while self.scan.take("}").is_none() {
            if !fields.is_empty() {
                self.semicolon()?;
            }
            names.push(self.scan.take_while(is_word).to_owned());
            if self.scan.take("=").is_none() {
                return self.scan.expected("`=`");
            }
            fields.push(self.value()?);
        }
        Ok(NodeKind::Record { of: Arc::new(Record { name, fields: names }), fields })
    }

    fn semicolon(&mut self) -> Result<(), ValueError> {
        let found = self.scan.take(";");
        found.map_or_else(|| self.scan.expected("`;`"), Ok)
    }
}

/// The bytes that pairs of hexadecimal digits write.
fn bytes(digits: &str) -> Vec<u8> {
    let nibble = |digit: u8| if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 };
    let (pairs, _) = digits.as_bytes().as_chunks::<2>();
    pairs.iter().map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
}

fn is_hex(c: char) -> bool {
    matches!(c, '0'..='9' | 'a'..='f')
}

fn digest(bytes: &str, crc: &str) -> Option<Digest> {
    let all_digits = bytes.bytes().all(|byte| byte.is_ascii_digit()) && !bytes.starts_with('0');
    let bytes = bytes.parse().ok().filter(|_| all_digits)?;
    let crc = u32::from_str_radix(crc, 16).ok().filter(|_| crc.len() == 8)?;
    (bytes as usize > Text::FULL).then_some(Digest { bytes, crc })
}
