//! The manual: goldens of its Markdown, and what must hold of every page.

use std::collections::BTreeSet;

use bytestone::corpus;
use bytestone::examples::examples;
use bytestone::manual::{Example, Manual};
use bytestone::registry::Registry;
use bytestone_spec::Isa;
use bytestone_spec::diagnostic::Source;
use bytestone_spec::isa::LIMIT_TRAPS;
use bytestone_spec::load::{BuiltinOnly, load};
use snapbox::assert::{Action, Assert};
use snapbox::data::{Data, DataFormat};

/// A machine with everything in its encodings that the built-in ones do not have.
const ODD: &str = r#"
bytestone: spec/1
isa: odd
version: 2.1.0
title: Odd encodings
machine:
  stack: {of: i64, depth: 8}
  globals: {of: i64, count: 1000}
code: {decode: sweep, end: halt}
bits:
  w: {width: 32, order: be, fields: {op: 31..24, high: 23..16, low: 7..0}}
  d: {width: 64, order: le, fields: {op: 7..0, mid: 47..16, flag: 63..63}}
operands:
  near: {raw: i16be, is: label, value: operand - 2 * raw + 1}
instructions:
  CONST: {enc: "0x01 v:sleb64", stack: "-- v", doc: Push a constant.}
  WIDE: {enc: "0x02 v:u32be", stack: "-- r", do: r = i64(v), doc: Push a word.}
  SPLIT:
    enc: "w(op=0x03, high=v[15:8], low=v[7:0])"
    stack: "-- r"
    do: r = i64(v)
    doc: Push a split number.
  GET:
    enc: "0x04 slot:uleb16 as global 0x00 extra:u8"
    stack: "-- r"
    do: r = global[slot] +% i64(extra)
    doc: Push a global and a bit more.
    since: 2.1
  HOP: {enc: "0x05 target:near", stack: "--", do: goto target, doc: Jump backwards.}
  LONG:
    enc: "d(op=0x06, mid=v:i32, flag=f)"
    stack: "-- r"
    do: r = i64(v) +% i64(f)
    doc: Push from a long word.
"#;

/// A machine whose texts try to be more than text.
const HOSTILE: &str = r#"
bytestone: spec/1
isa: hostile
version: 1.0.0
title: "<script>alert('title')</script> & co"
about: |
  # <img src=x onerror=alert(1)>

  <script>alert('about')</script>

  [run](javascript:alert(1)) and ![look](http://example.com/x.png) `<script>`

  ```
  <script>alert('code')</script>
sources:
  "<script>s</script>": "<script>source</script>"
machine: {stack: {of: i32, depth: 8}, output: i32}
code: {decode: sweep, end: halt}
traps:
  bad: {doc: "<script>trap</script> | `<b>` | [x](javascript:1)", ref: "<script>s</script> p"}
instructions:
  GO:
    enc: "0x01 v:u8   # <script>enc</script>"
    stack: "-- r"
    traps: [bad]
    do: |
      trap bad if v < 3   # ``` <script>do</script>
      r = i32(v)
    doc: "`</code><script>doc</script>` <script>doc</script>"
    ref: "decision a\"><script>x</script>"
decisions:
  odd: {text: "<script>GO</script> ``` |", ref: "<script>"}
"#;

fn inline(name: &str, text: &str) -> Isa {
    let source = Source { name: name.to_owned(), text: text.to_owned() };
    load(source, &BuiltinOnly).unwrap_or_else(|faults| panic!("{faults}"))
}

fn machines() -> Vec<Isa> {
    let mut machines: Vec<Isa> = bytestone_spec::builtin::names()
        .into_iter()
        .filter_map(bytestone_spec::load_builtin)
        .map(|isa| isa.unwrap_or_else(|faults| panic!("{faults}")))
        .collect();
    machines.extend([inline("odd", ODD), inline("hostile", HOSTILE)]);
    machines
}

fn builtin(name: &str) -> Isa {
    bytestone_spec::load_builtin(name).unwrap().unwrap_or_else(|faults| panic!("{faults}"))
}

fn division() -> Example {
    Example {
        instruction: "DIV".to_owned(),
        id: "calculator/divide-by-zero".to_owned(),
        about: "DIV by zero traps and leaves both values.".to_owned(),
        asm: "PUSH 1\nPUSH 0\nDIV\nHALT\n".to_owned(),
        bytecode: "01 01 00 00 00 01 00 00 00 00 06 00".to_owned(),
        trace: "10  [1 0] trap div_by_zero  ; DIV\n".to_owned(),
    }
}

/// Compares with a file of `tests/golden`; `BLESS=1` writes it.
#[track_caller]
pub fn assert_golden(name: &str, actual: String) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let action = match std::env::var_os("BLESS") {
        Some(_) => Action::Overwrite,
        None => Action::Verify,
    };
    let expected = Data::read_from(path.as_ref(), Some(DataFormat::Text)).raw();
    Assert::new().action(action).eq(Data::text(actual).raw(), expected);
}

/// Lines of an example's program.
const PROGRAM_LINES: usize = 50;

#[test]
fn the_corpus_has_an_example_of_each_instruction_that_is_not_long() {
    let machines = Registry::built_in().unwrap_or_else(|error| panic!("{error}"));
    let corpus = corpus::built_in(&machines).expect("the corpus is sound");
    for isa in bytestone_spec::builtin::names().into_iter().map(builtin) {
        let examples = examples(&isa, corpus.cases_of(isa.name()));
        assert_eq!(examples.len(), isa.instructions().len(), "{}", isa.name());
        for example in examples {
            assert!(example.asm.lines().count() <= PROGRAM_LINES, "{}", example.id);
        }
    }
}

/// Of the manual of a machine the row of the map of opcodes that starts so.
fn map_row(machine: &str, head: &str) -> String {
    let isa = builtin(machine);
    let markdown = Manual::new(&isa, &[]).markdown();
    let row = markdown.lines().find(|line| line.starts_with(head));
    row.unwrap_or_else(|| panic!("no row {head} of {machine}")).to_owned()
}

#[test]
fn the_map_of_opcodes_has_every_encoding() {
    let widened = map_row("wide", "| C_ |");
    for name in ["ILOAD", "ISTORE", "IINC", "GOTO"] {
        assert!(widened.contains(&format!("(#insn-{name})")), "{name} is not in {widened}");
    }
    assert_eq!(widened.matches("(#insn-ILOAD)").count(), 1);
}

#[test]
fn markdown_of_a_byte_machine() {
    let isa = builtin("calculator");
    assert_golden("manual-calculator.md", Manual::new(&isa, &[division()]).markdown());
}

#[test]
fn markdown_of_a_machine_of_words() {
    let isa = builtin("register-lua");
    assert_golden("manual-register-lua.md", Manual::new(&isa, &[]).markdown());
}

#[test]
fn markdown_of_odd_encodings() {
    assert_golden("manual-odd.md", Manual::new(&inline("odd", ODD), &[]).markdown());
}

/// The values of an attribute, wherever it stands in a tag.
fn attributes<'h>(html: &'h str, name: &str) -> Vec<&'h str> {
    let start = format!(" {name}=\"");
    html.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_link_leads_to_one_place() {
    for isa in machines() {
        let html = Manual::new(&isa, &[division()]).html();
        let ids = attributes(&html, "id");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{}: an id stands twice", isa.name());
        let mentioned = ["href", "aria-labelledby", "for"].map(|name| attributes(&html, name));
        for link in mentioned.concat() {
            let id = link.strip_prefix('#').unwrap_or(link);
            let outside = link.starts_with("http://example.com/");
            assert!(outside || unique.contains(id), "{}: `{link}` leads nowhere", isa.name());
        }
    }
}

#[test]
fn every_link_of_the_markdown_leads_to_one_place() {
    for isa in machines() {
        let markdown = Manual::new(&isa, &[division()]).markdown();
        let ids = attributes(&markdown, "id");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{}: an id stands twice", isa.name());
        for rest in markdown.split("](#").skip(1) {
            let id = rest.split(')').next().unwrap_or_default();
            assert!(unique.contains(id), "{}: `{id}` leads nowhere", isa.name());
        }
    }
}

#[test]
fn every_instruction_clause_and_trap_is_there() {
    for isa in machines() {
        let manual = Manual::new(&isa, &[]);
        let (html, markdown) = (manual.html(), manual.markdown());
        let ids: BTreeSet<&str> = attributes(&html, "id").into_iter().collect();
        for insn in isa.instructions() {
            assert!(ids.contains(format!("insn-{}", insn.name).as_str()), "{}", insn.name);
            assert!(markdown.contains(&format!("<a id=\"insn-{}\"></a>", insn.name)));
            for clause in &insn.clauses {
                let id = clause.id.replace('#', "~23~");
                assert!(ids.contains(format!("clause-{id}").as_str()), "{}", clause.id);
            }
        }
        for trap in isa.traps().iter().skip(LIMIT_TRAPS.len()) {
            assert!(ids.contains(format!("trap-{}", trap.name).as_str()), "{}", trap.name);
        }
        let missing = html.matches("The corpus has no example of this instruction.").count();
        assert_eq!(missing, isa.instructions().len());
    }
}

#[test]
fn tags_are_closed_in_order() {
    const VOID: [&str; 4] = ["meta", "input", "br", "hr"];
    for isa in machines() {
        let html = Manual::new(&isa, &[division()]).html();
        let body = html.split_once("<body>").map_or("", |(_, body)| body);
        let body = body.split_once("<script>").map_or(body, |(body, _)| body);
        let mut open = vec!["body"];
        for rest in body.split('<').skip(1) {
            let tag = rest.split('>').next().unwrap_or_default();
            let name = tag.split_whitespace().next().unwrap_or_default();
            match name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{}", isa.name()),
                None if VOID.contains(&name) => {}
                None => open.push(name),
            }
        }
        assert_eq!(open, ["body"], "{}", isa.name());
    }
}

#[test]
fn the_same_machine_gives_the_same_page_that_loads_nothing() {
    for isa in machines() {
        let html = Manual::new(&isa, &[]).html();
        assert_eq!(html, Manual::new(&isa, &[]).html());
        let text = html.replace("img src=x onerror", "");
        let mut tags = text.split('<').map(|text| text.split('>').next().unwrap_or_default());
        assert!(tags.all(|tag| !tag.contains(" src=")), "{} has ` src=`", isa.name());
        for loading in ["<link", "<iframe", "<img", "@import", "url("] {
            let text = html.replace("&lt;", "").replace("img src=x onerror", "");
            assert!(!text.contains(loading), "{} has `{loading}`", isa.name());
        }
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let isa = inline("hostile", HOSTILE);
    let example = Example {
        instruction: "GO".to_owned(),
        id: "<script>id</script>".to_owned(),
        about: "<script>about</script>".to_owned(),
        asm: "```\n<script>asm</script>".to_owned(),
        bytecode: "<script>bytes</script>".to_owned(),
        trace: "<script>trace</script>".to_owned(),
    };
    let examples = [example];
    let manual = Manual::new(&isa, &examples);
    let html = manual.html();
    assert_eq!(html.matches("<script>").count(), 1, "the script of the page alone");
    assert!(html.contains("&lt;script&gt;alert('title')&lt;/script&gt; &amp; co"));
    assert!(!html.contains("javascript:alert(1)\""));
    assert!(!html.contains("<img"));

    let mut links = Vec::new();
    let markdown = manual.markdown();
    for event in pulldown_cmark::Parser::new_ext(&markdown, pulldown_cmark::Options::ENABLE_TABLES)
    {
        match event {
            pulldown_cmark::Event::Html(text) | pulldown_cmark::Event::InlineHtml(text) => {
                assert!(text.starts_with("<a id=\"") || &*text == "</a>", "{text}");
            }
            pulldown_cmark::Event::Start(pulldown_cmark::Tag::Link { dest_url, .. }) => {
                links.push(dest_url.into_string());
            }
            pulldown_cmark::Event::Start(pulldown_cmark::Tag::Image { .. }) => {
                panic!("an image")
            }
            _ => {}
        }
    }
    assert!(links.iter().all(|link| link.starts_with('#') || link == "http://example.com/x.png"));
}

#[test]
fn encodings_are_drawn_to_the_bit() {
    let html = Manual::new(&inline("odd", ODD), &[]).html();
    for piece in [
        "LEB128, 1–10 bytes",
        "most significant byte first",
        "v[15:8]",
        "must be 0",
        "operand - 2 * raw + 1",
        "Reach: -65533 to +65537 bytes.",
        "2–4",
        "grid-column:1/span 16",
    ] {
        assert!(html.contains(piece), "`{piece}` is missing");
    }
}
