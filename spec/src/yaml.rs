//! The seam to the YAML libraries: text to a tree of nodes with positions, and on to typed values.
//!
//! Bytestone reads a plain subset of YAML: mappings, lists and scalars, each scalar being the
//! text that was written (`0x06`, `off` and `1.0` stay as they are). Tags, anchors, aliases,
//! duplicate keys, empty values and several documents are faults. A marked parser
//! finds structure and positions; serde_yaml turns the checked tree into typed values.

mod origin;

use std::collections::HashSet;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks, StrInput};
use serde::de::DeserializeOwned;

use self::origin::Run;
use crate::diagnostic::{Diagnostics, Source, Span};
use crate::limits;

/// A node with its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its place, without comments and indentation around it.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Value {
    /// A text.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

/// An entry of a mapping.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The place of the key.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// A scalar: its text, and where in the file it stands.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The text, without quotes and without the indentation of a block.
    pub text: String,
    origin: Vec<Run>,
    /// Quotes included.
    span: Span,
}

impl Scalar {
    /// A text that stands in the file as it is.
    pub(crate) fn plain(text: &str, span: Span) -> Self {
        let run = Run { text: 0..text.len(), file: span.start as usize..span.end as usize };
        Self { text: text.to_owned(), origin: vec![run], span }
    }

    /// The text with other texts in place of some ranges, in order. What stands for a range has its place in the file.
    pub(crate) fn replaced(&self, places: &[(std::ops::Range<usize>, String)]) -> Self {
        let mut text = String::new();
        let mut origin = Vec::new();
        let mut at = 0;
        let rest = (self.text.len()..self.text.len(), String::new());
        for (range, with) in places.iter().chain([&rest]) {
            let behind = self.origin[self.run(at)..].iter();
            for run in behind.take_while(|run| run.text.start < range.start) {
                let (start, end) = (run.text.start.max(at), run.text.end.min(range.start));
                if start < end {
                    let moved = text.len() + start - at;
                    let file = self.offset(start)..self.offset_behind(end - 1, 1);
                    origin.push(Run { text: moved..moved + end - start, file });
                }
            }
            text.push_str(&self.text[at..range.start]);
            let place = self.span(range.clone());
            let file = place.start as usize..place.end as usize;
            origin.push(Run { text: text.len()..text.len() + with.len(), file });
            text.push_str(with);
            at = range.end;
        }
        origin.retain(|run| !run.text.is_empty());
        Self { text, origin, span: self.span }
    }

    /// How many bytes it takes at most with `places` replaced by texts of at most `longest`.
    pub(crate) fn replaced_bytes(&self, places: usize, longest: usize) -> usize {
        // A place splits a run in two and is one of its own.
        let runs = self.origin.len() + 2 * places;
        self.text.len() + places.saturating_mul(longest) + runs * size_of::<Run>()
    }

    /// The place in the file of a range of bytes of the text.
    pub fn span(&self, range: std::ops::Range<usize>) -> Span {
        let start = self.offset(range.start);
        let text = self.text.get(..range.end).unwrap_or(&self.text);
        let end = match text.char_indices().next_back() {
            Some((at, last)) if at >= range.start => self.offset_behind(at, last.len_utf8()),
            _ => start,
        };
        Span { start: start as u32, end: end.max(start) as u32, ..self.span }
    }

    /// The place in the file of the whole text.
    pub fn whole(&self) -> Span {
        self.span
    }

    /// The place in the file of the character at an offset.
    fn offset(&self, at: usize) -> usize {
        match self.origin.get(self.run(at)) {
            Some(run) => (run.file.start + at.saturating_sub(run.text.start)).min(self.end()),
            None => self.span.start as usize,
        }
    }

    /// The place in the file behind a character; an escape is longer there than in the text.
    fn offset_behind(&self, at: usize, len: usize) -> usize {
        match self.origin.get(self.run(at)) {
            Some(run) if run.text.end == at + len => run.file.end,
            _ => (self.offset(at) + len).min(self.end()),
        }
    }

    /// The last run that starts at an offset or before it.
    fn run(&self, at: usize) -> usize {
        self.origin.partition_point(|run| run.text.start <= at).saturating_sub(1)
    }

    fn end(&self) -> usize {
        self.span.end as usize
    }
}

impl Node {
    /// The text of a scalar.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The entries of a mapping; none for other nodes.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Scalar(_) | Value::List(_) => &[],
        }
    }

    /// The items of a list; none for other nodes.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            Value::Scalar(_) | Value::Map(_) => &[],
        }
    }

    /// The entry of a mapping with a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a mapping's key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// What kind of node it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Scalar(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// A typed value from a node whose shape was checked.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, TypedError> {
        serde_yaml::from_value(self.to_serde()).map_err(TypedError)
    }

    fn to_serde(&self) -> serde_yaml::Value {
        match &self.value {
            Value::Scalar(scalar) => serde_yaml::Value::String(scalar.text.clone()),
            Value::List(items) => items.iter().map(Node::to_serde).collect(),
            Value::Map(entries) => serde_yaml::Value::Mapping(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone().into(), entry.value.to_serde()))
                    .collect(),
            ),
        }
    }
}

/// A node does not have the shape of the type that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TypedError(serde_yaml::Error);

/// A text as a YAML scalar of one line, quoted when it needs to be, for writing files.
///
/// ```
/// use bytestone_spec::yaml::quoted;
/// assert_eq!(quoted("plain"), "plain");
/// assert_eq!(quoted("0x01"), "'0x01'");
/// assert_eq!(quoted("two\nlines"), r#""two\nlines""#);
/// ```
pub fn quoted(text: &str) -> String {
    // These end lines for some readers of YAML, or may not stand in a file at all.
    let special = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    match serde_yaml::to_string(text) {
        Ok(line) if !text.contains(special) => line.trim_end_matches('\n').to_owned(),
        _ => {
            let escaped = |c: char| match c {
                _ if special(c) => format!("\\u{:04x}", u32::from(c)),
                _ => c.to_string(),
            };
            // JSON strings are YAML scalars.
            serde_json::Value::from(text).to_string().chars().map(escaped).collect()
        }
    }
}

/// Parses a text. Faults go to `diagnostics`; a tree is there unless the text could not be read to
/// its end.
pub fn parse(source: &Source, id: u8, diagnostics: &mut Diagnostics) -> Option<Node> {
    let text = source.text.as_str();
    if text.len() > limits::FILE_BYTES {
        let message = format!("the file is larger than {} bytes", limits::FILE_BYTES);
        diagnostics.error(Span { source: id, start: 0, end: 0 }, message);
        return None;
    }
    let control =
        |c: &(usize, char)| c.1.is_control() && !matches!(c.1, '\t' | '\n' | '\r' | '\u{85}');
    if let Some((at, character)) = text.char_indices().find(control) {
        let end = at + character.len_utf8();
        let message = format!("a control character (U+{:04X})", u32::from(character));
        diagnostics.error(Span { source: id, start: at as u32, end: end as u32 }, message);
        return None;
    }
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        places: Places::new(text, id),
        text,
        nodes: 0,
        diagnostics,
    };
    reader.document().ok()
}

/// Byte offsets of the parser's marks, which count characters.
struct Places {
    source: u8,
    /// The byte offset of each character; empty when all are one byte long.
    bytes: Vec<u32>,
    len: u32,
}

impl Places {
    fn new(text: &str, source: u8) -> Self {
        let bytes = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(offset, _)| offset as u32).collect()
        };
        Self { source, bytes, len: text.len() as u32 }
    }

    fn byte(&self, character: usize) -> u32 {
        if self.bytes.is_empty() {
            (character as u32).min(self.len)
        } else {
            self.bytes.get(character).copied().unwrap_or(self.len)
        }
    }

    fn span(&self, marks: &Marks) -> Span {
        let start = self.byte(marks.start.index());
        Span { source: self.source, start, end: self.byte(marks.end.index()).max(start) }
    }
}

/// The text cannot be read further; the fault was reported.
struct Stop;

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    places: Places,
    text: &'a str,
    nodes: usize,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.parser.next_event() {
            Some(Ok((event, marks))) => Ok((event, self.places.span(&marks))),
            Some(Err(error)) => {
                let start = self.places.byte(error.marker().index());
                let span = Span { source: self.places.source, start, end: start };
                let message = format!("not YAML: {}", error.info());
                if message.contains("mapping values") || message.contains("expected ','") {
                    let help = "put a text with `: `, ` #`, brackets, braces or commas into quotes";
                    self.diagnostics.error_with_help(span, message, help);
                } else {
                    self.diagnostics.error(span, message);
                }
                Err(Stop)
            }
            None => Err(Stop),
        }
    }

    fn document(&mut self) -> Result<Node, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                Event::Nothing => {}
                Event::StreamEnd => break,
                event if root.is_none() => root = Some(self.node(event, span, 0)?),
                _ => {
                    self.diagnostics.error(span, "a second YAML document");
                    return Err(Stop);
                }
            }
        }
        root.ok_or_else(|| {
            self.diagnostics
                .error(Span { source: self.places.source, start: 0, end: 0 }, "the file is empty");
            Stop
        })
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Stop> {
        self.nodes += 1;
        let message = if depth > limits::YAML_DEPTH {
            format!("nested deeper than {} levels", limits::YAML_DEPTH)
        } else if self.nodes > limits::YAML_NODES {
            format!("more than {} values", limits::YAML_NODES)
        } else {
            return self.value(event, span, depth);
        };
        self.diagnostics.error(span, message);
        Err(Stop)
    }

    fn value(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse(span, anchor, tag.is_some());
                let scalar = self.scalar(text.into_owned(), style, span);
                if scalar.text.is_empty() && matches!(style, ScalarStyle::Plain) {
                    self.diagnostics.error_with_help(
                        span,
                        "an empty value",
                        "write the value, or leave the key out",
                    );
                }
                Ok(Node { span: scalar.span, value: Value::Scalar(scalar) })
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse(span, anchor, tag.is_some());
                self.list(span, depth)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse(span, anchor, tag.is_some());
                self.map(span, depth)
            }
            Event::Alias(_) => {
                self.diagnostics.error_with_help(span, "a YAML alias", "write the value out");
                let scalar = self.scalar(String::new(), ScalarStyle::Plain, span);
                Ok(Node { span, value: Value::Scalar(scalar) })
            }
            _ => Err(Stop),
        }
    }

    fn refuse(&mut self, span: Span, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.diagnostics.error_with_help(span, "a YAML anchor", "remove it");
        }
        if tagged {
            self.diagnostics.error_with_help(
                span,
                "a YAML tag",
                "remove it; quote the value if it is a text that starts with !",
            );
        }
    }

    fn list(&mut self, start: Span, depth: usize) -> Result<Node, Stop> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                let span = self.collection(start, span, items.last().map(|item: &Node| item.span));
                return Ok(Node { span, value: Value::List(items) });
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    /// The place of a collection: up to its closing bracket, or else to the end of its last value.
    fn collection(&self, start: Span, end: Span, last: Option<Span>) -> Span {
        let brackets = self.text[start.start as usize..].starts_with(['[', '{']);
        let end = if brackets { end } else { last.unwrap_or(end) };
        Span { end: end.end.max(start.end), ..start }
    }

    fn map(&mut self, start: Span, depth: usize) -> Result<Node, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut keys = HashSet::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                let last = entries.last().map(|entry| entry.value.span);
                let span = self.collection(start, span, last);
                return Ok(Node { span, value: Value::Map(entries) });
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            let Some(text) = key.scalar().map(|scalar| scalar.text.clone()) else {
                self.diagnostics.error(key.span, "a key must be a text");
                continue;
            };
            if keys.insert(text.clone()) {
                entries.push(Entry { key: text, key_span: key.span, value });
            } else {
                self.diagnostics.error(key.span, format!("the key `{text}` is given twice"));
            }
        }
    }

    /// Finds where in the file the text of a scalar stands.
    fn scalar(&self, text: String, style: ScalarStyle, span: Span) -> Scalar {
        let range = span.start as usize..span.end as usize;
        let content = origin::content(self.text, range, style);
        let origin = origin::runs(&text, self.text, content, style);
        let span = match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => span,
            // The parser's mark may lie behind white space and comments.
            _ => match origin.last() {
                Some(run) => Span { end: run.file.end as u32, ..span },
                None => span,
            },
        };
        Scalar { text, origin, span }
    }
}
