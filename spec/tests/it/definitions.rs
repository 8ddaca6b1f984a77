//! Definitions: an action that uses one means what it would mean with the expression in its place.

use bytestone_spec::isa::Isa;

use crate::support::{HEADER, MACHINE, insn, isa, messages};

/// The same instructions with definitions and without.
fn assert_same(defs: &str, with: &[&str], without: &[&str]) {
    let of = |sections: &str, actions: &[&str]| -> Isa {
        let mut text = format!("{sections}instructions:\n");
        for (at, action) in actions.iter().enumerate() {
            text.push_str(&format!(
                "  I{at}: {{enc: \"{at}\", stack: a b -- r, do: \"{action}\", doc: One.}}\n"
            ));
        }
        isa(&text)
    };
    let (with, without) = (of(defs, with), of("", without));
    for at in 0..without.instructions().len() {
        let name = format!("I{at}");
        assert_eq!(insn(&with, &name).body, insn(&without, &name).body, "{name}");
        assert_eq!(insn(&with, &name).clauses, insn(&without, &name).clauses, "{name}");
    }
}

#[test]
fn a_definition_stands_for_its_expression() {
    let defs = "
defs:
  \"sum(a: i32, b: i32) -> i32\": a +% b
  \"less(b: i32, a: i32) -> i32\": b -% a
  \"same(x: i32) -> i32\": x
  \"both(x: i32, y: i32) -> i32\": less(sum(x, y), sum(y, x))
  \"safe(x: i32, y: i32) -> i32\": \"if y == 0 { 0 } else { div_trunc(x, y) }\"
";
    let with = [
        "r = sum(a, b)",
        "r = less(a, b)",
        "r = less(b, a)",
        "r = same(a) *% same(b)",
        "r = both(b, a)",
        "r = sum(1, a) ^ b",
        "r = safe(b, a)",
    ];
    let without = [
        "r = a +% b",
        "r = a -% b",
        "r = b -% a",
        "r = a *% b",
        "r = (b +% a) -% (a +% b)",
        "r = (1 +% a) ^ b",
        "r = if a == 0 { 0 } else { div_trunc(b, a) }",
    ];
    // A number that is an argument comes first, because arguments are computed in their order.
    let mut without: Vec<String> = without.map(str::to_owned).into();
    without[5] = "let one: i32 = 1; r = (one +% a) ^ b".to_owned();
    let without: Vec<&str> = without.iter().map(String::as_str).collect();
    assert_same(defs, &with, &without);
}

#[test]
fn what_a_definition_says_is_kept_for_people() {
    let isa = isa("
defs:
  \"next(a: i32) -> i32\": {value: a +% 1, doc: The number behind.}
instructions:
  NEXT: {enc: \"1\", stack: a -- r, do: r = next(a), doc: One more.}
");
    let [next] = isa.definitions() else { panic!("one definition") };
    assert_eq!(next.signature, "next(a: i32) -> i32");
    assert_eq!((next.value.as_str(), next.doc.as_str()), ("a +% 1", "The number behind."));
}

#[test]
fn a_chain_that_doubles_is_refused_at_once() {
    let mut text = format!("{HEADER}{MACHINE}defs:\n  \"d0(a: i32) -> i32\": a\n");
    for at in 1..4000 {
        let before = at - 1;
        text.push_str(&format!("  \"d{at}(a: i32) -> i32\": d{before}(d{before}(a))\n"));
    }
    text.push_str(
        "instructions:\n  LAST: {enc: \"1\", stack: a -- r, do: r = d3999(a), doc: The last.}\n",
    );
    let found = messages(&text);
    // One behind a faulty definition begins anew.
    assert!(found[0].contains("`d8` stands for more than 1000 operations and names"));
    assert!(found.iter().all(|message| message.contains("stands for more than 1000")));
}
