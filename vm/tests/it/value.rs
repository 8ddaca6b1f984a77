//! Values as text: what is written is read back, and what is wrong is named where it is.

use std::sync::Arc;

use bytestone_spec::isa::{IntType, Payload, Record, RecordId, Union, Variant};
use bytestone_vm::value::{
    DEPTH, Form, NODES, Node, NodeKind, Text, Value, ValueFault, file, wire,
};
use quickcheck::{Arbitrary, Gen};

use crate::support::check;

fn union_of(number: Payload) -> Union {
    let variants = [
        ("nil", Payload::Unit),
        ("bool", Payload::Bool),
        ("num", number),
        ("str", Payload::Str),
        ("arr", Payload::Array),
        ("obj", Payload::Map),
        ("fn", Payload::Closure),
        ("point", Payload::Record(RecordId(0))),
    ];
    let variant = |(name, payload): (&str, _)| Variant { name: name.to_owned(), payload };
    let variants = variants.map(variant).into();
    Union { name: "val".to_owned(), variants, records: vec![point()] }
}

fn point() -> Arc<Record> {
    Arc::new(Record { name: "Point2".to_owned(), fields: vec!["x".to_owned(), "y_2".to_owned()] })
}

fn floats() -> Union {
    union_of(Payload::Float)
}

/// A list of values as a state may have it: nodes in order, back references to what was met.
#[derive(Clone, Debug)]
struct List(Vec<Value>);

impl Arbitrary for List {
    fn arbitrary(g: &mut Gen) -> Self {
        let (len, mut met) = (usize::arbitrary(g) % 5, 0);
        Self((0..len).map(|_| value(g, &mut met, 4)).collect())
    }
}

fn value(g: &mut Gen, met: &mut u32, depth: u32) -> Value {
    match u8::arbitrary(g) % 11 {
        0 => Value::Unit("nil".into()),
        1 => Value::Bool(bool::arbitrary(g)),
        2 => Value::Float(Union::float(f64::arbitrary(g))),
        3 => Value::Float(Union::float(f64::from(i8::arbitrary(g)))),
        4 => Value::Str(Text::from(String::arbitrary(g).as_str())),
        5 if *met > 0 => Value::Back(u32::arbitrary(g) % *met),
        6 => Value::Cut,
        _ if depth == 0 => Value::Unit("nil".into()),
        kind => node(g, met, depth, kind),
    }
}

fn node(g: &mut Gen, met: &mut u32, depth: u32, kind: u8) -> Value {
    let number = *met;
    *met += 1;
    let len = u8::arbitrary(g) % 4;
    let mut parts = |g: &mut Gen| (0..len).map(|_| value(g, met, depth - 1)).collect();
    let kind = match kind {
        7 => NodeKind::Array(parts(g)),
        10 => {
            let parts = [value(g, met, depth - 1), value(g, met, depth - 1)];
            NodeKind::Record { of: point(), fields: parts.into() }
        }
        8 => NodeKind::Closure { function: u32::arbitrary(g), captures: parts(g) },
        _ => {
            let key = |at: usize| Text::from(["", "a", "b c", "\u{1f600}\n"][at]);
            let parts: Vec<Value> = parts(g);
            NodeKind::Map(parts.into_iter().enumerate().map(|(at, it)| (key(at), it)).collect())
        }
    };
    Value::Node(Arc::new(Node { number, kind }))
}

#[test]
fn what_is_written_is_read_back() {
    fn property(List(values): List) -> bool {
        let union = floats();
        let mut text = "[".to_owned();
        file::push_list(&mut text, &values, " ");
        text.push(']');
        let mut bytes = Vec::new();
        for (place, value) in values.iter().enumerate() {
            if place > 0 {
                bytes.push(b',');
            }
            wire::push(&mut bytes, value);
        }
        let wired = String::from_utf8(bytes).expect("is ASCII");
        wired.is_ascii()
            && !wired.contains([' ', '"', '\\'])
            && wire::parse_list(&wired).as_ref() == Ok(&values)
            && file::parse_list(&text, Form::Union(&union)).as_ref() == Ok(&values)
            && values.iter().all(|value| Form::Union(&union).admits(value))
    }
    check(2000, property as fn(List) -> bool);
}

#[test]
fn any_text_is_a_value_or_an_error_within_it() {
    fn holds(text: &str) -> bool {
        let union = floats();
        let file = file::parse_list(text, Form::Union(&union)).err();
        let wire = wire::parse_list(text).err();
        [file, wire].into_iter().flatten().all(|error| error.at <= text.len())
    }
    fn property(List(values): List, at: usize, other: char) -> bool {
        let mut text = "[".to_owned();
        file::push_list(&mut text, &values, " ");
        text.push(']');
        let mut wired = values.iter().map(wire::text).collect::<Vec<_>>().join(",");
        for text in [&mut text, &mut wired] {
            let at = at % (text.len() + 1);
            if text.is_char_boundary(at) {
                text.insert(at, other);
            }
        }
        holds(&text) && holds(&wired)
    }
    check(1000, property as fn(List, usize, char) -> bool);
    check(1000, (|text: String| holds(&text)) as fn(String) -> bool);
}

#[test]
fn notations_of_one_value_each() {
    let union = floats();
    let rows = [
        ("nil", "nil"),
        ("true", "true"),
        ("5", "d4014000000000000"),
        ("-0", "d8000000000000000"),
        ("nan", "d7ff8000000000000"),
        ("-inf", "dfff0000000000000"),
        (r#""a\n\"é""#, "s610a22c3a9"),
        ("[]", "#0[]"),
        (r#"[1 "two" [3]]"#, "#0[d3ff0000000000000;s74776f;#1[d4008000000000000]]"),
        (r#"{a: 1 "b c": nil}"#, "#0{s61=d3ff0000000000000;s622063=nil}"),
        ("fn 2", "#0f2()"),
        ("fn 3(true [])", "#0f3(true;#1[])"),
        ("#0[[] #0]", "#0[#1[];#0]"),
        ("[#0[] #0]", "#0[#1[];#1]"),
        ("#0fn 1(#0)", "#0f1(#0)"),
        ("[...]", "#0[...]"),
    ];
    for (in_files, on_wire) in rows {
        let value = file::parse(in_files, Form::Union(&union)).expect("is a value");
        assert_eq!((value.to_string().as_str(), wire::text(&value).as_str()), (in_files, on_wire));
        assert_eq!(wire::parse(on_wire).as_ref(), Ok(&value));
    }
    let list = file::parse_list("[ #7[] #7 #1{} 1.0 #1 ]", Form::Union(&union)).expect("is a list");
    let mut text = String::new();
    file::push_list(&mut text, &list, ", ");
    assert_eq!(text, "#0[], #0, #1{}, 1, #1");
    let ints = union_of(Payload::Int(IntType::signed(32)));
    assert_eq!(file::parse("5", Form::Union(&ints)), Ok(Value::Int(5)));
}

#[test]
fn light_rows_show_sizes() {
    let shown = |text: &str| {
        let value = wire::parse(text).expect("is a value");
        let mut light = Vec::new();
        wire::push_light(&mut light, &value);
        String::from_utf8(light).expect("is ASCII")
    };
    assert_eq!(shown("#0[nil;#1[]]"), "a2");
    assert_eq!(shown("#0{s61=nil}"), "o1");
    assert_eq!(shown("#0f7(nil)"), "f7");
    let (short, long) = ("00".repeat(16), "31".repeat(17));
    assert_eq!(shown(&format!("s{short}")), format!("s{short}"));
    let crc = crc32fast::hash("1".repeat(17).as_bytes());
    assert_eq!(shown(&format!("s{long}")), format!("s17~{crc:08x}"));
}

#[test]
fn long_strings_are_told_apart_by_length_and_crc() {
    let union = floats();
    let long = "x".repeat(257);
    let value = Value::Str(Text::from(long.as_str()));
    let crc = crc32fast::hash(long.as_bytes());
    assert_eq!(wire::text(&value), format!("s257~{crc:08x}"));
    assert_eq!(value.to_string(), format!("~257~{crc:08x}"));
    for text in [format!("\"{long}\""), value.to_string()] {
        assert_eq!(file::parse(&text, Form::Union(&union)), Ok(value.clone()));
    }
    assert_eq!(wire::parse(&wire::text(&value)), Ok(value));
}

#[test]
fn faults_on_the_wire_have_a_place() {
    let fault = |text: &str| {
        let error = wire::parse_list(text).expect_err("is no list of values");
        (error.at, error.to_string())
    };
    let long = "61".repeat(257);
    let rows: [(&str, usize, &str); 16] = [
        ("1,,2", 2, "expected a value"),
        ("1, 2", 2, "expected a value"),
        ("12-3", 0, "`12-3` is no value"),
        ("#1[]", 0, "the next new node is #0"),
        ("#0[],#0[]", 7, "expected the end of the value"),
        ("#0(", 3, "expected `[`, `{`, `f` or the name of a record after the number of a new node"),
        ("#0[1 2]", 4, "expected `;`"),
        ("#0[1", 4, "expected `;`"),
        ("#0{s61=1;s61=2}", 9, "the key \"a\" is there twice"),
        ("#0{a=1}", 3, "expected a string, `s` and hexadecimal digits"),
        ("s6", 2, "expected a hexadecimal digit"),
        ("sff", 0, "the bytes of a string are not UTF-8"),
        ("s5~00000000", 0, "expected a long string as its length, `~` and its CRC-32"),
        ("d7ff8000000000001", 0, "a NaN is written 7ff8000000000000"),
        ("..", 0, "expected a value"),
        ("#99999999999", 1, "expected the number of a node"),
    ];
    for (text, at, message) in rows {
        assert_eq!(fault(text), (at, message.to_owned()), "{text}");
    }
    assert_eq!(
        wire::parse(&format!("s{long}")).expect_err("is long").fault,
        ValueFault::LongInFull
    );
    let nested: String = (0..=DEPTH).map(|number| format!("#{number}[")).collect();
    assert_eq!(wire::parse(&nested).expect_err("is deep").fault, ValueFault::TooDeep);
    let many: Vec<String> = (0..=NODES).map(|number| format!("#{number}[]")).collect();
    assert_eq!(wire::parse_list(&many.join(",")).expect_err("are many").fault, ValueFault::TooMany);
}

#[test]
fn faults_in_files_have_a_place_and_a_hint() {
    let union = floats();
    let fault = |text: &str| {
        let error = file::parse(text, Form::Union(&union)).expect_err("is no value");
        (error.at, error.to_string())
    };
    let rows = [
        ("[1 nul]", 3, "`nul` is no value; did you mean `nil`?"),
        ("Nil", 0, "`Nil` is no value; did you mean `nil`?"),
        ("hello", 0, "`hello` is no value; a string has quotes of its own: '\"hello\"'"),
        ("[1, 2]", 2, "expected a value"),
        ("[1 2", 4, "expected a value"),
        ("{a 1}", 3, "expected `:` after the key"),
        ("{a: 1 a: 2}", 6, "the key \"a\" is there twice"),
        ("{5: 1}", 1, "expected a name, or a string in quotes"),
        ("[#0]", 1, "there is no #0 before this"),
        ("[#0[] #0[]]", 6, "#0 is there twice"),
        ("\"a", 2, "expected `\"` at the end of the string"),
        (r#""\x""#, 2, "a string has an escape that JSON does not have"),
        (r#""\ud800""#, 2, "a string has an escape that JSON does not have"),
        ("fn", 2, "expected the number of a function"),
        ("1 2", 2, "expected the end of the value"),
    ];
    for (text, at, message) in rows {
        assert_eq!(fault(text), (at, message.to_owned()), "{text}");
    }
    let byte = Form::Int(IntType::unsigned(8));
    let error = file::parse("256", byte).expect_err("is too great");
    assert_eq!(error.to_string(), "256 is no value of type u8");
    assert!(file::parse("[]", byte).is_err() && file::parse("\"a\"", byte).is_err());
}

#[test]
fn whole_floats_are_written_like_all_others() {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let edges =
        [0.0, 1.0, 0.5, 1e15, EXACT - 1.0, EXACT, EXACT + 2.0, 1e16, 1e21, f64::MAX, 5e-324];
    for number in edges.into_iter().flat_map(|number| [number, -number]) {
        let text = file::float_text(number.to_bits());
        let shortest = format!("{number:?}");
        assert_eq!(text, shortest.strip_suffix(".0").unwrap_or(&shortest));
        assert_eq!(file::parse_float(&text), Some(number.to_bits()), "{text}");
    }
}
