//! The format of test files: sections under lines that begin with `--`, comments behind `#`.

use bytestone_spec::diagnostic::{Diagnostics, Faulty, Source, Span};
use bytestone_vm::asm;
use bytestone_vm::codec::Codec;

use super::span;

/// What a test file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// The bytes of the program.
    pub program: Vec<u8>,
    /// The bytes that it is given.
    pub memory: Vec<u8>,
    /// Where they stand, if there are any.
    pub memory_span: Option<Span>,
    /// What it must come to.
    pub result: u64,
    /// Where that stands.
    pub result_span: Span,
}

/// How programs are written in files.
#[derive(Clone, Copy, Debug)]
pub struct Language<'a> {
    /// Knows the assembly text of the machine.
    pub codec: &'a Codec<'a>,
    /// The statement of which the first one has a label of the same name, if no other line has it; empty if there is
    /// none.
    pub label: &'a str,
}

/// Sections that say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Asm,
    Raw,
    Memory,
    Result,
    Error,
    /// The C source that the program was made of, or how a tool must write it: nothing for us.
    Ignored,
}

const KINDS: [(&str, Kind); 7] = [
    ("asm", Kind::Asm),
    ("raw", Kind::Raw),
    ("mem", Kind::Memory),
    ("result", Kind::Result),
    ("error", Kind::Error),
    ("c", Kind::Ignored),
    ("no register offset", Kind::Ignored),
];

/// A section: its heading, and its lines without comments.
#[derive(Debug)]
struct Section<'s> {
    kind: Kind,
    heading: Span,
    lines: Vec<(usize, &'s str)>,
}

impl Section<'_> {
    /// Its words and where they stand.
    fn words(&self) -> impl Iterator<Item = (Span, &str)> {
        self.lines.iter().flat_map(|(start, line)| {
            line.split_whitespace().map(move |word| {
                let at = start + (word.as_ptr() as usize - line.as_ptr() as usize);
                (span(at, at + word.len()), word)
            })
        })
    }
}

impl Data {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// All faults of the file.
    pub fn parse(source: &Source, language: &Language<'_>) -> Result<Self, Faulty> {
        let mut diagnostics = Diagnostics::default();
        let sections = sections(&source.text, &mut diagnostics);
        let find = |kind| sections.iter().find(|section| section.kind == kind);
        let program = program(source, language, find(Kind::Asm), find(Kind::Raw), &mut diagnostics);
        let memory = find(Kind::Memory);
        let bytes = memory.map_or_else(Vec::new, |section| bytes(section, &mut diagnostics));
        let result = match (find(Kind::Result), find(Kind::Error)) {
            (_, Some(error)) => {
                let message = "an error in the words of one runtime is expected";
                let help = "make it a case with the trap or the rejection that is meant";
                diagnostics.error_with_help(error.heading, message, help);
                None
            }
            (Some(section), None) => result(section, &mut diagnostics),
            (None, None) => {
                diagnostics.error(Span::default(), "there is no `-- result`");
                None
            }
        };
        diagnostics.finish(vec![source.clone()])?;
        let missing = || Faulty::single(source.clone(), "the file was not read");
        let (program, (result, result_span)) = program.zip(result).ok_or_else(missing)?;
        let memory_span = memory.filter(|_| !bytes.is_empty()).map(|section| section.heading);
        Ok(Self { program, memory: bytes, memory_span, result, result_span })
    }
}

fn sections<'s>(text: &'s str, diagnostics: &mut Diagnostics) -> Vec<Section<'s>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    // Lines under a heading that is none are not looked at.
    let mut is_known = true;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let here = start;
        start += line.len();
        let place = span(here, here + line.trim_end().len());
        let code = line.split('#').next().unwrap_or_default().trim_end();
        if let Some(name) = code.strip_prefix("--") {
            let kind = KINDS.iter().find(|(known, _)| *known == name.trim());
            is_known = kind.is_some();
            match kind {
                None => diagnostics.error(place, format!("unknown section `{}`", name.trim())),
                Some((_, kind)) => {
                    let again = sections.iter().any(|section| section.kind == *kind);
                    if again && *kind != Kind::Ignored {
                        diagnostics.error(place, "there is a section of this name already");
                    }
                    sections.push(Section { kind: *kind, heading: place, lines: Vec::new() });
                }
            }
        } else if !code.is_empty() && is_known {
            match sections.last_mut() {
                Some(section) => section.lines.push((here, code)),
                None => diagnostics.error(place, "expected a section, as in `-- asm`"),
            }
        }
    }
    sections
}

/// The bytes of the program: those of the text, or the words that are given, or both, and then the same.
fn program(
    source: &Source,
    language: &Language<'_>,
    text: Option<&Section<'_>>,
    raw: Option<&Section<'_>>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<u8>> {
    let heading = text.or(raw).map_or(Span::default(), |section| section.heading);
    let before = diagnostics.count();
    let given = raw.map(|section| words(section, diagnostics));
    let made = text.and_then(|section| language.assemble(source, section, diagnostics));
    if diagnostics.count() > before {
        return None;
    }
    if let (Some(made), Some(given), Some(raw)) = (&made, &given, raw)
        && made != given
    {
        let differs = made.iter().zip(given).take_while(|(made, given)| made == given).count();
        let message = format!("`-- asm` assembles to other bytes from offset {differs} on");
        diagnostics.error(raw.heading, message);
    }
    let program = made.or(given).filter(|program| !program.is_empty());
    if program.is_none() {
        diagnostics.error(heading, "there is no program");
    }
    program
}

impl Language<'_> {
    /// Assembles a section. The text has its places in the file: all that is not the section's is blank.
    fn assemble(
        &self,
        source: &Source,
        section: &Section<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<u8>> {
        let blank = |byte| if byte == b'\n' { byte } else { b' ' };
        let mut text: Vec<u8> = source.text.bytes().map(blank).collect();
        for (start, line) in &section.lines {
            text[*start..start + line.len()].copy_from_slice(line.as_bytes());
        }
        let at = self.implied(section).unwrap_or(text.len());
        let label = format!("{}: ", self.label);
        if at < text.len() {
            text.splice(at..at, label.bytes());
        }
        let back = |place: usize| {
            if place > at { place.saturating_sub(label.len()).max(at) } else { place }
        };
        match asm::assemble(self.codec, text) {
            Ok(assembled) => Some(assembled.bytes),
            Err(errors) => {
                for error in errors.errors {
                    let place = span(back(error.span.start), back(error.span.end));
                    let message = error.kind.to_string();
                    match error.hint {
                        Some(hint) => diagnostics.error_with_help(place, message, hint),
                        None => diagnostics.error(place, message),
                    }
                }
                None
            }
        }
    }

    /// Where the label that nobody wrote belongs.
    fn implied(&self, section: &Section<'_>) -> Option<usize> {
        let written = |line: &str| {
            line.trim_start().strip_prefix(self.label).is_some_and(|rest| rest.starts_with(':'))
        };
        if self.label.is_empty() || section.lines.iter().any(|(_, line)| written(line)) {
            return None;
        }
        let (start, line) = section.lines.iter().find(|(_, line)| line.trim() == self.label)?;
        Some(start + (line.len() - line.trim_start().len()))
    }
}

/// Words of 64 bits, the least significant byte first.
fn words(section: &Section<'_>, diagnostics: &mut Diagnostics) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (place, word) in section.words() {
        match number(word) {
            Some(value) => bytes.extend(value.to_le_bytes()),
            None => diagnostics.error(place, "expected a number of 64 bits"),
        }
    }
    bytes
}

fn bytes(section: &Section<'_>, diagnostics: &mut Diagnostics) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (place, word) in section.words() {
        match u8::from_str_radix(word, 16) {
            Ok(byte) => bytes.push(byte),
            Err(_) => diagnostics.error(place, "expected a byte in hexadecimal"),
        }
    }
    bytes
}

fn result(section: &Section<'_>, diagnostics: &mut Diagnostics) -> Option<(u64, Span)> {
    let mut words = section.words();
    let Some((place, word)) = words.next() else {
        diagnostics.error(section.heading, "the result is empty");
        return None;
    };
    if let Some((place, _)) = words.next() {
        diagnostics.error(place, "there is a result already");
    }
    let value = number(word);
    if value.is_none() {
        diagnostics.error(place, "expected a number of 64 bits");
    }
    value.map(|value| (value, place))
}

/// A number, decimal or with `0x`; a negative one in two's complement.
fn number(text: &str) -> Option<u64> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok();
    }
    let signed = || text.parse::<i64>().ok().map(i64::cast_unsigned);
    text.parse().ok().or_else(signed)
}
