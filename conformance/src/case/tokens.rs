//! The words of a row of a trace: names, brackets and values.

/// The words of a row. A value counts as one word, whatever it holds; white space within it is one space.
pub(super) fn tokens(text: &str) -> Vec<String> {
    tokens_after(Vec::new(), text)
}

/// The words of a call of the host, as a row has them behind `host`.
pub(super) fn call_tokens(text: &str) -> Vec<String> {
    tokens_after(vec!["host".to_owned()], text).split_off(1)
}

/// Some words, and those of a text that follows them.
fn tokens_after(mut tokens: Vec<String>, text: &str) -> Vec<String> {
    let mut cursor = Cursor { text, at: 0 };
    // What ends the brackets that are open, which hold values: those of a stack, of an index, or of a call of the host.
    let mut open = None;
    loop {
        cursor.blank();
        let Some(next) = cursor.peek() else { return tokens };
        let after = tokens.last().map(String::as_str);
        let value_follows = matches!(after, Some("=" | "out"));
        let is_called = tokens.iter().rev().nth(1).is_some_and(|word| word == "host");
        match next {
            '[' if open.is_none() && !value_follows => {
                open = Some(']');
                cursor.skip();
                tokens.push("[".to_owned());
            }
            '(' if open.is_none() && is_called => {
                open = Some(')');
                cursor.skip();
                tokens.push("(".to_owned());
            }
            ']' => {
                open = None;
                cursor.skip();
                tokens.push("]".to_owned());
            }
            ')' if open == Some(')') => {
                open = None;
                cursor.skip();
                tokens.push(")".to_owned());
            }
            '=' => {
                cursor.skip();
                tokens.push("=".to_owned());
            }
            _ if open.is_some() || value_follows => tokens.push(cursor.value()),
            _ if after == Some("host") => {
                tokens.push(cursor.word(|c| c.is_whitespace() || matches!(c, '(' | '=')));
            }
            _ => tokens.push(cursor.word(|c| c.is_whitespace() || matches!(c, '[' | ']' | '='))),
        }
    }
}

/// The part of a row before its instruction, and the instruction; a `;` within a string is none.
pub(super) fn split_insn(line: &str) -> (&str, Option<&str>) {
    let mut cursor = Cursor { text: line, at: 0 };
    while let Some(next) = cursor.peek() {
        match next {
            ';' => return (&line[..cursor.at], Some(&line[cursor.at + 1..])),
            '"' => cursor.string(),
            _ => cursor.skip(),
        }
    }
    (line, None)
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn blank(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Goes past a string in quotes.
    fn string(&mut self) {
        self.skip();
        while let Some(next) = self.peek() {
            self.skip();
            match next {
                '\\' => self.skip(),
                '"' => return,
                _ => {}
            }
        }
    }

    /// A word up to what ends it; strings in it are whole.
    fn word(&mut self, ends: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while let Some(next) = self.peek().filter(|c| !ends(*c)) {
            if next == '"' { self.string() } else { self.skip() }
        }
        if self.at == start {
            self.skip();
        }
        self.text[start..self.at].to_owned()
    }

    /// A value: a word, a string or a group in brackets, with its number before it and what it captured after it.
    fn value(&mut self) -> String {
        let ends =
            |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '{' | '}' | '(' | ')' | '=');
        let mut value = String::new();
        if self.peek().is_none_or(|c| !matches!(c, '[' | '{')) {
            value = self.word(ends);
        }
        if value == "fn" || value.starts_with('#') && value.ends_with("fn") {
            self.blank();
            value.push(' ');
            value.push_str(&self.word(ends));
        }
        if self.peek().is_some_and(|c| matches!(c, '[' | '{' | '(')) {
            self.group(&mut value);
        }
        value
    }

    /// What is in brackets, to the end of those that are first.
    fn group(&mut self, value: &mut String) {
        let mut depth = 0_usize;
        while let Some(next) = self.peek() {
            let start = self.at;
            match next {
                '"' => self.string(),
                _ if next.is_whitespace() => {
                    self.blank();
                    value.push(' ');
                    continue;
                }
                _ => self.skip(),
            }
            value.push_str(&self.text[start..self.at]);
            match next {
                '[' | '{' | '(' => depth += 1,
                ']' | '}' | ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_single_words() {
        let words = |text| tokens(text).join("|");
        assert_eq!(words("[3 5 2] local[23] = 5 out -1"), "[|3|5|2|]|local|[|23|]|=|5|out|-1");
        assert_eq!(words("[ {1|2} 0x?2 ? ]"), "[|{1|2}|0x?2|?|]");
        assert_eq!(words("R3=7 frame 2"), "R3|=|7|frame|2");
        assert_eq!(
            words("r0 = 7 host answer(1  {2|3} ?) = 7 out 7"),
            "r0|=|7|host|answer|(|1|{2|3}|?|)|=|7|out|7"
        );
        assert_eq!(words("host stop ( ) frame 1"), "host|stop|(|)|frame|1");
        assert_eq!(call_tokens("answer(1 ?) = 7").join("|"), "answer|(|1|?|)|=|7");
        assert_eq!(
            words(r#"[nil "a ] ;" [1  [2]] {a: 1} fn 2 #0fn 3(1 "x") #1[#1] #1]"#),
            r#"[|nil|"a ] ;"|[1 [2]]|{a: 1}|fn 2|#0fn 3(1 "x")|#1[#1]|#1|]"#
        );
        assert_eq!(
            words(
                "[Pair{car: 1 cdr:  #0Pair{car: nil cdr: #0}} #1Pair{car: 1 cdr: 2}] Pair.car = 5"
            ),
            "[|Pair{car: 1 cdr: #0Pair{car: nil cdr: #0}}|#1Pair{car: 1 cdr: 2}|]|Pair.car|=|5"
        );
        assert_eq!(
            words(r#"[] global."b c" = [1 2] obj.x = {} arr[0] = fn 1 out [3]"#),
            r#"[|]|global."b c"|=|[1 2]|obj.x|=|{}|arr|[|0|]|=|fn 1|out|[3]"#
        );
    }

    #[test]
    fn an_instruction_follows_the_first_semicolon_outside_of_strings() {
        assert_eq!(
            split_insn(r#"0 ["a;b\";"] ; X "y;z""#),
            (r#"0 ["a;b\";"] "#, Some(r#" X "y;z""#))
        );
        assert_eq!(split_insn("[1]"), ("[1]", None));
    }
}
