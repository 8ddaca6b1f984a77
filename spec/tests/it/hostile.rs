//! Inputs made to break a reader: each is an error with a place, without a panic and on the stack
//! of a test.

use bytestone_spec::limits;

use crate::support::{HEADER, MACHINE, load_text, messages};

/// A spec whose only instruction has this action.
fn action(action: &str) -> String {
    format!(
        "{HEADER}{MACHINE}instructions:\n  A: {{enc: '0x00', stack: 'a -- r', do: '{action}', doc: A.}}\n"
    )
}

fn first(text: &str) -> String {
    messages(text).into_iter().next().unwrap_or_default()
}

#[test]
fn nesting_is_limited() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("[{a: ", "}]")] {
        for levels in [33, 300, 100_000] {
            let text = format!("{HEADER}about: {}{}", open.repeat(levels), close.repeat(levels));
            let message = first(&text);
            assert!(
                message.starts_with("nested deeper") || message.starts_with("not YAML"),
                "{message}"
            );
            assert!(!messages(&format!("{HEADER}about: {}", open.repeat(levels))).is_empty());
        }
    }
    let block: String = (0..1000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert_eq!(first(&block), "nested deeper than 32 levels");
    let lists = format!("about:\n {}x", "- ".repeat(100_000));
    assert!(!first(&lists).is_empty());
}

#[test]
fn aliases_do_not_multiply() {
    let mut text = format!("{HEADER}a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let found = messages(&text);
    assert!(found.contains(&"a YAML alias".to_owned()));
    assert!(found.contains(&"a YAML anchor".to_owned()));
}

#[test]
fn actions_are_limited() {
    for levels in [65, 5000] {
        for (open, close) in
            [("(", ")"), ("~", ""), ("!", ""), ("- ", ""), ("if true { ", " } else { a }")]
        {
            let text = action(&format!("r = {}a{}", open.repeat(levels), close.repeat(levels)));
            let message = first(&text);
            assert!(message.contains("nested deeper") || message.contains("bytes"), "{message}");
        }
        let text = action(&format!("r = a{}", "(a)".repeat(levels)));
        assert!(first(&text).contains("nested deeper"));
        let text = action(&format!("{}{}", "if a == 0 { ".repeat(levels), "}".repeat(levels)));
        let message = first(&text);
        assert!(message.contains("nested deeper") || message.contains("bytes"), "{message}");
    }
    let chain = |count: usize| format!("r = a{}", "+%a".repeat(count));
    assert_eq!(
        messages(&action(&chain(limits::OPERATORS - 2))),
        ["an action has at most 255 values"; 0]
    );
    assert_eq!(first(&action(&chain(limits::OPERATORS))), "an action has at most 255 values");
    assert_eq!(first(&action(&chain(5000))), "more than 255 operators in one text");
    let ifs = format!("{}nop }}", "if a == 0 { nop } else ".repeat(600));
    assert!(first(&action(&ifs)).contains("nested deeper"));
    assert_eq!(first(&action(&"nop;".repeat(300))), "more than 255 statements");
    assert_eq!(first(&action(&"out a;".repeat(2700))), "more than 255 statements");
    assert!(first(&action(&" ".repeat(limits::TEXT_BYTES + 1))).contains("bytes"));
}

#[test]
fn effects_and_encodings_are_limited() {
    let insn = |enc: &str, stack: &str| {
        format!(
            "{HEADER}{MACHINE}instructions:\n  A: {{enc: '{enc}', stack: '{stack}', do: nop, doc: A.}}\n"
        )
    };
    let cells = vec!["_"; 5000].join(" ");
    assert!(first(&insn("0x00", &format!("{cells} --"))).contains("at most 32"));
    assert!(first(&insn("0x00", &format!("-- {cells}"))).contains("at most 32"));
    assert!(first(&insn(&"0x00 ".repeat(3000), "--")).contains("at most 64 bytes"));
    assert!(
        first(&insn(&format!("{}1{}", "(".repeat(70), ")".repeat(70)), "--")).contains("nested")
    );
    let operands: String = (0..17).map(|n| format!(" _v{n}:u8")).collect();
    assert_eq!(first(&insn(&format!("0x00{operands}"), "--")), "more than 16 operands");
    assert_eq!(messages(&insn(&format!("0x00{}", &operands[..operands.len() - 8]), "--")), [""; 0]);
}

#[test]
fn formats_that_multiply_are_limited() {
    let mut text = format!("{HEADER}{MACHINE}formats:\n  f0(x): '{}'\n", "0x00 ".repeat(60));
    for level in 1..8 {
        let uses = vec![format!("f{}(x)", level - 1); 60].join(" ");
        text.push_str(&format!("  f{level}(x): '{uses}'\n"));
    }
    text.push_str("instructions:\n  A: {enc: 'f7(1)', stack: '--', do: nop, doc: A.}\n");
    assert_eq!(first(&text), "an instruction has at most 64 bytes");
    // Those that write no byte are limited too.
    let empty = text.replace(&"0x00 ".repeat(60), " ");
    assert_eq!(first(&empty), "more than 64 formats in one encoding");
}

#[test]
fn sections_and_names_are_limited() {
    let mut text = format!("{HEADER}{MACHINE}instructions:\n");
    for index in 0..10_000 {
        text.push_str(&format!("  I{index}: {{enc: '0x00', stack: '--', do: nop, doc: One.}}\n"));
    }
    assert_eq!(messages(&text), ["`instructions` has more than 4096 entries"]);

    let traps: String = (0..20_000).map(|index| format!("  t{index}: A trap.\n")).collect();
    let text = format!("{HEADER}{MACHINE}traps:\n{traps}instructions: {{}}\n");
    assert_eq!(messages(&text), ["`traps` has more than 4096 entries"]);

    let fields: String = (0..300).map(|index| format!("f{index}: 7..0, ")).collect();
    let text = format!(
        "{HEADER}{MACHINE}bits: {{w: {{width: 8, order: le, fields: {{{fields}}}}}}}\ninstructions: {{}}\n"
    );
    assert!(messages(&text).contains(&"a word has at most 256 fields".to_owned()));

    for length in [1000, 100_000] {
        let name = "n".repeat(length);
        let texts = [
            format!("{HEADER}{name}: 1\n"),
            format!(
                "{HEADER}{MACHINE}traps: {{{name}: A trap.}}\ninstructions:\n  A: {{enc: '0x00', stack: '--', do: nop, doc: A.}}\n"
            ),
            action(&format!("r = {name}")),
            format!(
                "bytestone: {name}\nisa: {name}\nversion: {name}\ntitle: {name}\n{MACHINE}instructions: {{}}\n"
            ),
        ];
        for text in texts {
            let found = messages(&text);
            assert!(!found.is_empty());
            assert!(found.iter().all(|message| message.len() <= limits::MESSAGE_BYTES + 4));
        }
    }
}

#[test]
fn families_are_limited() {
    let spec = |entries: &str| format!("{HEADER}{MACHINE}instructions:\n{entries}");
    let family = |name: &str, of: &str, doc: &str| {
        format!("  {name}: {{for: {{{of}}}, enc: '0', stack: '--', do: nop, doc: \"{doc}\"}}\n")
    };
    let refused = format!("the families of a file have at most {} bytes", limits::FAMILY_BYTES);

    // Neither braces in a text nor its lines are looked at anew for each brace.
    let braces = "{".repeat(1_000_000);
    assert_eq!(messages(&spec(&family("'I{p}'", "p: 1..1", &format!("{braces}}}")))), [""; 0]);
    let lines = r"{p}\n\n".repeat(100_000);
    assert_eq!(messages(&spec(&family("I", "p: 1..1", &lines))), [""; 0]);

    // The limit is that of all families.
    let large = format!("p: [{}]", "a".repeat(20_000));
    let many = |count: usize| -> String {
        let families = (0..count).map(|at| {
            family(&format!("I{at}"), &large, &"{p}".repeat(500)).replace("'0'", &format!("'{at}'"))
        });
        spec(&families.collect::<String>())
    };
    assert_eq!(messages(&many(3)), [""; 0]);
    assert_eq!(messages(&many(5)), [refused.as_str(); 2]);

    // Neither members that are there already nor values of faulty families come for nothing.
    for of in ["p: 1..4096", "p: 1..4096, q: many"] {
        let families = (0..10_000).map(|at| family(&format!("'I{{p+{at}-{at}}}'"), of, "{p}"));
        let faulty = load_text(&spec(&families.collect::<String>())).err().unwrap();
        assert!(faulty.omitted > 1000);
    }
}

#[test]
fn large_and_odd_files_are_refused() {
    assert_eq!(
        first(&" ".repeat(limits::FILE_BYTES + 1)),
        format!("the file is larger than {} bytes", limits::FILE_BYTES)
    );
    assert_eq!(first(&" ".repeat(limits::FILE_BYTES)), "the file is empty");
    // Time grows with the size of all of these; a few thousand would not show it.
    const MANY: usize = 20_000;
    let bodies = [
        "a".repeat(16 * MANY),
        "a: b\n".repeat(MANY),
        "- a\n".repeat(MANY),
        format!("a: [{}]", "a,".repeat(MANY)),
        format!("a: \"{}\"", "ß".repeat(MANY)),
        format!("a: \"{}\"", "b\n\n ".repeat(MANY)),
        format!("a: |\n{}", "  b\n".repeat(MANY)),
        format!("a: >\n{}", "  b\n\n".repeat(MANY)),
        format!("a: {}", "b\n  ".repeat(MANY)),
        format!("a: b\n{}", " \n".repeat(MANY)),
        format!("a: b\n{}", "#\n".repeat(MANY)),
        "\"".repeat(MANY),
        "'".repeat(MANY + 1),
        "? ".repeat(MANY),
        "#".repeat(16 * MANY),
        "&a ".repeat(MANY),
        "!a ".repeat(MANY),
        "{a:".repeat(MANY),
        "a: ".repeat(MANY),
        "%".repeat(MANY),
        "---\n".repeat(MANY),
        "a\n\n".repeat(MANY),
        "\n".repeat(16 * MANY),
        "\t".repeat(MANY),
        "k: \n".repeat(MANY),
    ];
    for body in bodies {
        let shown: String = body.chars().take(20).collect();
        assert!(!first(&body).is_empty(), "{shown}");
    }
    let values = "[x, x, x, x, x, x, x, x, x]\n".repeat(limits::YAML_NODES / 10 + 1);
    let lists = values.replace('[', "- [");
    assert_eq!(first(&lists), format!("more than {} values", limits::YAML_NODES));
}

#[test]
fn odd_characters_are_refused_where_they_stand() {
    for character in ['\0', '\u{1b}', '\u{7f}', '\u{80}'] {
        let text = format!("{HEADER}about: a{character}b\n{MACHINE}");
        let faulty = load_text(&text).err().unwrap();
        assert_eq!(faulty.diagnostics.len(), 1);
        let span = faulty.diagnostics[0].span;
        assert_eq!(&text[span.start as usize..span.end as usize], character.to_string());
        assert_eq!(faulty.sources[0].line_column(span.start as usize), (5, 9));
    }
    for text in
        ["", "\u{feff}", " ", "\t", "\n", "\r", "\r\n", "...", "---", "--- ", "# a", "\u{2028}"]
    {
        assert!(!first(text).is_empty(), "{text:?}");
    }
}

#[test]
fn a_file_of_windows_means_the_same() {
    for name in bytestone_spec::builtin::names() {
        let text = bytestone_spec::builtin::source(name).unwrap().text;
        let unix = load_text(&text).map(|isa| format!("{isa:?}")).unwrap();
        let windows = load_text(&text.replace('\n', "\r\n")).map(|isa| format!("{isa:?}")).unwrap();
        assert_eq!(unix, windows);
        let marked = load_text(&format!("\u{feff}{text}")).map(|isa| format!("{isa:?}")).unwrap();
        assert_eq!(unix, marked);
    }
}

#[test]
fn many_faults_are_counted() {
    let lines: String = (0..5000)
        .map(|index| {
            format!(
                "  I{}: {{enc: '{}', stack: 'a -- r', do: 'r = b', doc: ''}}\n",
                index % 4000,
                index % 256
            )
        })
        .collect();
    let faulty = load_text(&format!("{HEADER}{MACHINE}instructions:\n{lines}")).err().unwrap();
    assert!(faulty.diagnostics.len() <= limits::DIAGNOSTICS);
    assert!(faulty.omitted > 5000);
}
