//! Which line of the source an instruction comes from.

/// Where in the code a line of the source begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineEntry {
    /// The offset of the first instruction.
    pub offset: u32,
    /// The line, from 1.
    pub line: u32,
}

/// The lines of code: an entry holds up to the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineTable {
    entries: Vec<LineEntry>,
}

impl LineTable {
    /// The entries; offsets rise, and two entries one after the other have different lines.
    pub fn entries(&self) -> &[LineEntry] {
        &self.entries
    }

    /// The line of the instruction at an offset; `None` if there is no code there.
    pub fn line_at(&self, offset: u32) -> Option<u32> {
        let after = self.entries.partition_point(|entry| entry.offset <= offset);
        Some(self.entries.get(after.checked_sub(1)?)?.line)
    }

    /// Notes the line of the next instruction.
    pub(super) fn push(&mut self, offset: u32, line: u32) {
        if self.entries.last().is_none_or(|last| last.line != line) {
            self.entries.push(LineEntry { offset, line });
        }
    }
}
