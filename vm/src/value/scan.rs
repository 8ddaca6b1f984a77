//! A cursor over the text of values, and the numbers of nodes met so far.

use super::{DEPTH, NODES, ValueError, ValueFault};

/// A cursor over a text.
#[derive(Debug)]
pub(in crate::value) struct Scan<'t> {
    text: &'t str,
    pub(in crate::value) at: usize,
}

impl<'t> Scan<'t> {
    pub(in crate::value) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(in crate::value) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(in crate::value) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(in crate::value) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Takes a text if it is next.
    pub(in crate::value) fn take(&mut self, text: &str) -> Option<()> {
        self.rest().starts_with(text).then(|| self.at += text.len())
    }

    /// Takes what is next as long as it suits.
    pub(in crate::value) fn take_while(&mut self, suits: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !suits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A decimal number without a sign and without leading zeros.
    pub(in crate::value) fn number(&mut self, what: &'static str) -> Result<u32, ValueError> {
        let start = self.at;
        let digits = self.take_while(|c| c.is_ascii_digit());
        let canonical = digits == "0" || !digits.starts_with('0');
        digits
            .parse()
            .ok()
            .filter(|_| canonical)
            .ok_or(ValueError { at: start, fault: ValueFault::Expected(what) })
    }

    pub(in crate::value) fn error(&self, fault: ValueFault) -> ValueError {
        ValueError { at: self.at, fault }
    }

    pub(in crate::value) fn expected<T>(&self, what: &'static str) -> Result<T, ValueError> {
        Err(self.error(ValueFault::Expected(what)))
    }
}

/// Counts the nodes of a list of values while they are read.
#[derive(Clone, Debug, Default)]
pub(in crate::value) struct Census {
    /// How many nodes were met.
    pub(in crate::value) met: u32,
    /// How many of them are around the place that is being read.
    around: usize,
}

impl Census {
    /// Goes into a new node. Returns its number.
    pub(in crate::value) fn enter(&mut self) -> Result<u32, ValueFault> {
        if self.around >= DEPTH {
            return Err(ValueFault::TooDeep);
        }
        if self.met as usize >= NODES {
            return Err(ValueFault::TooMany);
        }
        self.around += 1;
        self.met += 1;
        Ok(self.met - 1)
    }

    pub(in crate::value) fn leave(&mut self) {
        self.around = self.around.saturating_sub(1);
    }
}
