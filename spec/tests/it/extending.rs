//! Specs that extend others, with sources from memory.

use std::collections::BTreeMap;

use bytestone_spec::diagnostic::{Faulty, Source, Style};
use bytestone_spec::isa::{CellType, IntType, Isa};
use bytestone_spec::limits;
use bytestone_spec::load::{Resolver, load};

use crate::support::MACHINE;

/// Files by name.
struct Files(BTreeMap<String, String>);

impl Resolver for Files {
    fn resolve(&self, reference: &str, from: &str) -> Result<Source, String> {
        let text = self.0.get(reference).ok_or(format!("no `{reference}` beside `{from}`"))?;
        Ok(Source { name: reference.to_owned(), text: text.clone() })
    }
}

fn load_files(files: &[(&str, &str)]) -> Result<Isa, Faulty> {
    let (name, text) = files[0];
    let source = Source { name: name.to_owned(), text: text.to_owned() };
    let files = files.iter().map(|(name, text)| (name.to_string(), text.to_string()));
    load(source, &Files(files.collect()))
}

fn base() -> String {
    format!(
        "bytestone: spec/1\nisa: base\nversion: 2.3.4\ntitle: Base\n{MACHINE}
instructions:
  A: {{enc: '0x01', stack: 'a --', do: out a, doc: A.}}
  B: {{enc: '0x02', stack: 'a b -- r', do: r = a +% b, doc: B., since: 1.2}}
"
    )
}

#[test]
fn a_chain_of_specs_is_merged_from_its_base_on() {
    let top = "extends: middle\nisa: top\ntitle: Top\nmachine: {output: i64}\n
instructions:
  A: {enc: '0x03', stack: 'a --', do: out i64(a), doc: Another A.}
";
    let middle = "extends: base\nversion: 3.0.0\ninstructions:
  C: {enc: '0x01', stack: '--', do: halt, doc: C.}
";
    let isa = load_files(&[("top", top), ("middle", middle), ("base", &base())]).unwrap();
    assert_eq!((isa.name(), isa.title(), isa.version().major), ("top", "Top", 3));
    let names: Vec<_> = isa.instructions().iter().map(|insn| insn.name.as_str()).collect();
    assert_eq!(names, ["A", "B", "C"]);
    assert_eq!(isa.instructions()[0].doc, "Another A.");
    // What was replaced is gone as a whole.
    assert_eq!(isa.machine().output, Some(CellType::Int(IntType::signed(64))));
    assert!(isa.machine().stack.is_some());
}

#[test]
fn faults_are_shown_in_the_file_that_holds_them() {
    let top = "extends: base\ninstructions:\n  C: {enc: '0x02', stack: '--', do: halt, doc: C.}\n";
    let text = base().replace("out a", "out b");
    let faulty = load_files(&[("top", top), ("base", &text)]).err().unwrap();
    let text = faulty.to_string();
    assert!(text.contains("no fixed bit tells `C` from `B`\n --> top:3:12"), "{text}");
    assert!(text.contains("unknown name `b`\n  --> base:"), "{text}");
    assert_eq!(faulty.diagnostics.len(), 2);
}

#[test]
fn circles_and_long_chains_end() {
    let circle = load_files(&[("a", "extends: b\n"), ("b", "extends: a\n")]).err().unwrap();
    assert!(circle.to_string().contains("more than 8 specs extend one another"));
    let own = load_files(&[("a", "extends: a\n")]).err().unwrap();
    assert!(own.to_string().contains("more than 8 specs extend one another"));

    let chain = |length: usize| {
        let texts: Vec<(String, String)> = (0..length)
            .map(|at| (format!("f{at}"), format!("extends: f{}\n", at + 1)))
            .chain([(format!("f{length}"), base())])
            .collect();
        let files: Vec<_> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        load_files(&files).map(|isa| isa.name().to_owned())
    };
    assert_eq!(chain(limits::EXTENDS).ok().as_deref(), Some("base"));
    assert!(chain(limits::EXTENDS + 1).is_err());
}

#[test]
fn what_is_not_there_is_named() {
    let faulty = load_files(&[("a", "extends: b.yaml\n")]).err().unwrap();
    let text = faulty.to_string();
    assert!(text.contains("no `b.yaml` beside `a`\n --> a:1:10"), "{text}");
    let nested = load_files(&[("a", "extends: b\n"), ("b", "extends: c\n")]).err().unwrap();
    assert!(nested.to_string().contains("no `c` beside `b`\n --> b:1:10"));
}

#[test]
fn long_sections_are_merged_at_once() {
    // Time grows with the number of keys; a few thousand would not show it.
    let section = |name: &str| -> String {
        let lines = (0..100_000).map(|at| format!("  {name}{at}: v\n"));
        format!("traps:\n{}", lines.collect::<String>())
    };
    let top = format!("extends: middle\n{}", section("t"));
    let middle = format!("extends: base\n{}{}", section("t"), "  m: v\n");
    let base = format!("{}{}", base(), section("b"));
    let files = [("top", top.as_str()), ("middle", &middle), ("base", &base)];
    let faulty = load_files(&files).err().unwrap();
    assert_eq!(faulty.diagnostics[0].message, "`traps` has more than 4096 entries");
}

#[test]
fn what_is_extended_is_a_spec() {
    for base in ["hello", "- a\n- b", "7"] {
        let faulty = load_files(&[("top", "extends: base\n"), ("base", base)]).unwrap_err();
        let text = faulty.render(Style::Plain);
        assert!(text.contains("expected a mapping") && text.contains("base:1:1"), "{text}");
    }
}

#[test]
fn a_built_in_spec_is_extended_by_its_version() {
    let faulty = load_files(&[("top", "extends: calculator\n")]).unwrap_err();
    let text = faulty.render(Style::Plain);
    assert!(text.contains("`calculator@1`"), "{text}");
}
