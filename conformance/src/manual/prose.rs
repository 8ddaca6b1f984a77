//! The prose of a spec: Markdown, of which no HTML, no image and no unsafe link gets through.

use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

const OPTIONS: Options = Options::ENABLE_TABLES;

/// The prose as HTML. HTML in it is shown as text, an image as a link to it, and headings are
/// put below those of the page.
pub(super) fn html(text: &str) -> String {
    let mut open_links = Vec::new();
    let events = Parser::new_ext(text, OPTIONS).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Heading { level, .. }) => Some(Event::Start(Tag::Heading {
            level: below(level),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        })),
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(below(level)))),
        Event::Start(Tag::Link { dest_url, title, .. } | Tag::Image { dest_url, title, .. }) => {
            // A link in a link is none: an image in one is shown as its words.
            let shown = is_safe(&dest_url) && !open_links.contains(&true);
            open_links.push(shown);
            let link_type = LinkType::Inline;
            let id = CowStr::Borrowed("");
            shown.then_some(Event::Start(Tag::Link { link_type, dest_url, title, id }))
        }
        Event::End(TagEnd::Link | TagEnd::Image) => {
            open_links.pop().filter(|shown| *shown).map(|_| Event::End(TagEnd::Link))
        }
        event => Some(event),
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

/// Two levels down: the page has its title and sections above.
fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

/// Whether a link leads to a page or into this one. Others could run a script.
fn is_safe(url: &str) -> bool {
    ["https://", "http://", "mailto:", "#"].iter().any(|start| {
        url.get(..start.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(start))
    })
}

/// How often the prose is read again after something in it was escaped.
const ROUNDS: usize = 8;

/// The prose as Markdown: what [`html`] would not let through is escaped.
pub(super) fn markdown(text: &str) -> String {
    let mut text = text.trim().to_owned();
    for _ in 0..ROUNDS {
        // What is escaped can change how the rest reads, so it is read again.
        let escapes = escapes(&text);
        if escapes.is_empty() {
            return text;
        }
        for at in escapes.into_iter().rev() {
            match text.as_bytes()[at] {
                b'<' => text.replace_range(at..=at, "&lt;"),
                _ => text.insert(at, '\\'),
            }
        }
    }
    text.lines().map(escape).collect::<Vec<_>>().join("\n")
}

/// The offsets of the characters that start what must not get through, ascending.
fn escapes(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for (event, range) in Parser::new_ext(text, OPTIONS).into_offset_iter() {
        match event {
            Event::Html(_) | Event::InlineHtml(_) => {
                let brackets = text[range.clone()].match_indices('<');
                found.extend(brackets.map(|(at, _)| range.start + at));
            }
            Event::Start(Tag::Image { .. }) => found.push(range.start),
            Event::Start(Tag::Link { dest_url, link_type, .. }) => {
                let email = link_type == LinkType::Email;
                if !email && !is_safe(&dest_url) {
                    found.push(range.start);
                }
            }
            _ => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// A line of text with everything escaped that means something in Markdown.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        match c {
            '<' => out.push_str("&lt;"),
            '&' if after.is_alphanumeric() || after == '#' => out.push_str("&amp;"),
            '\\' | '`' | '[' | ']' | '|' | '~' => out.extend(['\\', c]),
            '*' if !(before.is_whitespace() && after.is_whitespace()) => out.extend(['\\', c]),
            '_' if !(before.is_alphanumeric() && after.is_alphanumeric()) => {
                out.extend(['\\', c]);
            }
            '#' | '>' | '+' | '=' | '-' if out.trim_start().is_empty() => out.extend(['\\', c]),
            '.' | ')' if starts_list(&out, before) => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// Whether a `.` or `)` here would make a numbered list of the line.
fn starts_list(line: &str, before: char) -> bool {
    before.is_ascii_digit() && line.trim_start().bytes().all(|byte| byte.is_ascii_digit())
}

/// A code span. Backticks in it are fenced by more of them.
pub(super) fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    if text.starts_with('`') || text.ends_with('`') || fence.len() > 1 {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// A fenced block of code.
pub(super) fn fenced(text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
