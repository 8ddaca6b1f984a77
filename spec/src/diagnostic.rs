//! Positions in source texts, and the faults found there.

use std::borrow::Cow;
use std::fmt;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::limits;

/// A text that diagnostics point into.
#[derive(Clone, Debug)]
pub struct Source {
    /// What it is called in messages: a path, or a name such as `<stdin>`.
    pub name: String,
    /// The text.
    pub text: String,
}

impl Source {
    /// The line and column of a byte offset, both counted from 1; columns count characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

/// A range of bytes in one of the sources of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The index of the source.
    pub source: u8,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// One fault of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where it is.
    pub span: Span,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Collects the faults of a load. Beyond [`limits::DIAGNOSTICS`] they are only counted.
#[derive(Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    omitted: usize,
}

impl Diagnostics {
    /// Adds a fault.
    pub fn error(&mut self, span: Span, message: impl Into<String>) {
        self.push(Diagnostic { span, message: message.into(), help: None });
    }

    /// Adds a fault and what to do about it.
    pub fn error_with_help(
        &mut self,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Diagnostic { span, message: message.into(), help: Some(help.into()) });
    }

    /// Adds a fault: something that the language will have and that is not executed yet.
    pub fn unsupported(&mut self, span: Span, what: impl fmt::Display) {
        self.error_with_help(
            span,
            format!("{what}: not supported yet"),
            "this is part of the spec language, but this version cannot execute it",
        );
    }

    /// Adds a fault. What the file has put into its words is shortened, and shown without control
    /// characters.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.list.len() == limits::DIAGNOSTICS {
            self.omitted += 1;
        } else {
            self.list.push(Diagnostic {
                message: presentable(diagnostic.message),
                help: diagnostic.help.map(presentable),
                ..diagnostic
            });
        }
    }

    /// Whether there is no fault.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many faults there are.
    pub fn count(&self) -> usize {
        self.list.len() + self.omitted
    }

    /// `Err` with all faults, in the order of their places, if there is one.
    pub fn finish(mut self, sources: Vec<Source>) -> Result<(), Faulty> {
        if self.is_empty() {
            return Ok(());
        }
        self.list.sort_by(|a, b| (a.span, &a.message).cmp(&(b.span, &b.message)));
        self.list.dedup();
        Err(Faulty { sources, diagnostics: self.list, omitted: self.omitted })
    }
}

/// A text as one line of bounded length.
fn presentable(mut text: String) -> String {
    if text.len() > limits::MESSAGE_BYTES {
        text.truncate(text.floor_char_boundary(limits::MESSAGE_BYTES));
        text.push('…');
    }
    if text.contains(char::is_control) {
        text = text.replace(char::is_control, " ");
    }
    text
}

/// The faults of a file, with the texts that they point into; there is at least one.
#[derive(Clone, Debug)]
pub struct Faulty {
    /// The texts, by [`Span::source`].
    pub sources: Vec<Source>,
    /// The faults in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
    /// How many more there were.
    pub omitted: usize,
}

/// Whether rendered text has terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// With escape sequences for terminals.
    Colour,
}

impl Faulty {
    /// A fault at the start of a text that could not be examined further.
    pub fn single(source: Source, message: impl Into<String>) -> Self {
        let mut diagnostics = Diagnostics::default();
        diagnostics.error(Span::default(), message);
        Self { sources: vec![source], diagnostics: diagnostics.list, omitted: 0 }
    }

    /// All faults, each with its file, line, column and the source line with the place marked.
    pub fn render(&self, style: Style) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Colour => Renderer::styled(),
        };
        let mut text = String::new();
        for diagnostic in &self.diagnostics {
            text.push_str(&self.render_one(diagnostic, &renderer));
            text.push_str("\n\n");
        }
        let count = self.diagnostics.len() + self.omitted;
        text.push_str(&format!("{count} error{}", if count == 1 { "" } else { "s" }));
        if self.omitted > 0 {
            text.push_str(&format!(", the first {} are shown", self.diagnostics.len()));
        }
        text.push('\n');
        text
    }

    fn render_one(&self, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
        let Some(source) = self.sources.get(usize::from(diagnostic.span.source)) else {
            return format!("error: {}", diagnostic.message);
        };
        let excerpt = Excerpt::around(source, diagnostic.span);
        let mut group = Level::ERROR.primary_title(diagnostic.message.as_str()).element(
            Snippet::source(excerpt.text)
                .line_start(excerpt.first_line)
                .path(source.name.as_str())
                .annotation(AnnotationKind::Primary.span(excerpt.marked)),
        );
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(Style::Plain).trim_end())
    }
}

impl std::error::Error for Faulty {}

/// The lines of a text that a diagnostic shows: those that its span touches, at most a few, and
/// of a very long line only what surrounds the span.
struct Excerpt<'a> {
    text: Cow<'a, str>,
    first_line: usize,
    marked: std::ops::Range<usize>,
}

impl<'a> Excerpt<'a> {
    const LINES: usize = 4;
    const WIDTH: usize = 160;

    fn around(source: &'a Source, span: Span) -> Self {
        let text = source.text.as_str();
        let start = text.floor_char_boundary(span.start as usize);
        let longest = start + 2 * Self::WIDTH * Self::LINES;
        let end = text.floor_char_boundary((span.end as usize).min(longest)).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let last = text[start..end]
            .match_indices('\n')
            .nth(Self::LINES - 1)
            .map_or(end, |(newline, _)| start + newline);
        let line_end = text[last..].find('\n').map_or(text.len(), |newline| last + newline);
        let from = if start - line_start > Self::WIDTH {
            text.floor_char_boundary(start - Self::WIDTH / 2)
        } else {
            line_start
        };
        let to = if line_end - last > Self::WIDTH {
            text.floor_char_boundary(last + Self::WIDTH)
        } else {
            line_end
        };
        let excerpt = Self {
            text: Cow::Borrowed(&text[from..to]),
            first_line: source.line_column(start).0,
            marked: start - from..last - from,
        };
        excerpt.without_carriage_returns()
    }

    /// The same with the line ends of Unix.
    fn without_carriage_returns(self) -> Self {
        if !self.text.contains('\r') {
            return self;
        }
        let shorter = |at: usize| at - self.text[..at].matches('\r').count();
        let marked = shorter(self.marked.start)..shorter(self.marked.end);
        Self { text: Cow::Owned(self.text.replace('\r', "")), marked, ..self }
    }
}
