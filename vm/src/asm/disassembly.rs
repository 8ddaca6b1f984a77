//! Any bytes as assembly text.

use std::fmt::{self, Write};

use bytestone_spec::isa::{Isa, OperandKind, Part};

use super::assemble;
use super::layout::keeps_len;
use super::print::{write_offset, write_with_labels};

use crate::codec::{CodeTooLong, Codec, FaultLog, Obstacle, Undecoded, check_len};
use crate::fault::Rejection;
use crate::program::{Insn, Program};

/// How a disassembly is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Statements and labels only.
    Plain,
    /// For people: instructions are indented, and a comment shows the offset and the bytes of
    /// each, and why bytes are no instruction.
    Annotated,
}

/// Bytes as assembly text, which [`fmt::Display`] writes.
#[derive(Clone, Debug)]
pub struct Disassembly<'a> {
    codec: &'a Codec<'a>,
    code: &'a [u8],
    style: Style,
    naming: Naming,
    /// By offset, whether a label is defined there.
    labels: Vec<bool>,
    faults: Option<Rejection>,
}

/// How label operands are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// By name where the target is the start of an instruction.
    Names,
    /// Always by offset. Names lead to the shortest row of instructions; these keep any
    /// length, because an instruction's place then depends on nothing behind it.
    Offsets,
}

/// Disassembles bytes, whatever they are. The text assembles to the same bytes
/// (if it is within [`crate::limits::TEXT_BYTES`]).
///
/// Bytes that are no instruction come out as `.byte` lines: those of an instruction with
/// a bad operand, those that are left of one that the end cuts short, and one byte where there is no
/// instruction (a whole word on machines whose instructions have one length).
///
/// ```
/// use bytestone_vm::{asm::{Style, disassemble}, codec::Codec};
/// let isa = bytestone_spec::load_builtin("stack").unwrap().unwrap();
/// let codec = Codec::new(&isa);
/// let code = [0x0e, 0x0a, 0xfc, 0xff, 0x77];
/// let disassembly = disassemble(&codec, &code, Style::Plain).unwrap();
/// assert_eq!(disassembly.to_string(), "L0:\nPRINT\nJUMP L0\n.byte 0x77\n");
/// assert_eq!(disassembly.faults().unwrap().faults[0].at, 4);
/// ```
///
/// # Errors
///
/// When the code is over [`crate::limits::CODE_BYTES`].
pub fn disassemble<'a>(
    codec: &'a Codec<'a>,
    code: &'a [u8],
    style: Style,
) -> Result<Disassembly<'a>, CodeTooLong> {
    check_len(code)?;
    Ok(Disassembly::new(codec, code, style))
}

/// Disassembles a program, which is assembly text through and through.
pub fn disassemble_program<'a>(
    codec: &'a Codec<'a>,
    program: &'a Program,
    style: Style,
) -> Disassembly<'a> {
    Disassembly::new(codec, program.code(), style)
}

impl<'a> Disassembly<'a> {
    fn new(codec: &'a Codec<'a>, code: &'a [u8], style: Style) -> Self {
        let mut disassembly = Self {
            codec,
            code,
            style,
            naming: Naming::Names,
            labels: vec![false; code.len()],
            faults: None,
        };
        disassembly.scan();
        if has_labels_of_variable_length(codec.isa()) {
            let assembled = assemble(codec, disassembly.to_string());
            if !assembled.is_ok_and(|assembled| assembled.bytes == code) {
                disassembly.naming = Naming::Offsets;
                disassembly.labels.fill(false);
            }
        }
        disassembly
    }

    /// Why the bytes are no program, if they are none: where bytes stand instead of
    /// instructions.
    pub fn faults(&self) -> Option<&Rejection> {
        self.faults.as_ref()
    }

    /// Finds the faults, and the places of labels: targets that are starts of instructions.
    fn scan(&mut self) {
        let isa = self.codec.isa();
        let mut starts = vec![false; self.code.len()];
        let mut faults = FaultLog::default();
        let mut sweep = Sweep::new(self.codec, self.code);
        while let Some(item) = sweep.next() {
            match item {
                Ok(insn) => {
                    starts[insn.offset as usize] = true;
                    for (index, &cell) in sweep.operands.iter().enumerate() {
                        let at = isa.instruction(insn.id).operand_of(index);
                        let target =
                            insn.target(isa, at, cell).and_then(|at| usize::try_from(at).ok());
                        if let Some(label) = target.and_then(|at| self.labels.get_mut(at)) {
                            *label = true;
                        }
                    }
                }
                Err(gap) => faults.push_with(|| gap.undecoded.fault(isa, self.code)),
            }
        }
        for (label, start) in self.labels.iter_mut().zip(starts) {
            *label &= start;
        }
        self.faults = faults.into_rejection();
    }

    /// What the names of labels start with: never what those of registers do.
    fn label_prefix(&self) -> &'static str {
        let banks = &self.codec.isa().machine().banks;
        if banks.iter().any(|bank| bank.prefix == "L") { "L_" } else { "L" }
    }

    fn write_target(&self, out: &mut String, target: i128) {
        let label = usize::try_from(target).ok().and_then(|at| self.labels.get(at));
        if label.is_some_and(|label| *label) {
            out.push_str(self.label_prefix());
            out.push_str(itoa::Buffer::new().format(target));
        } else {
            write_offset(out, target);
        }
    }

    /// Whether the assembler makes an instruction of its text as long as it is.
    fn keeps_len(&self, insn: &Insn, operands: &[u64]) -> bool {
        self.naming == Naming::Names || keeps_len(self.codec.isa(), insn, operands)
    }

    fn write_bytes(
        &self,
        f: &mut fmt::Formatter<'_>,
        start: u32,
        end: u32,
        note: &str,
    ) -> fmt::Result {
        let mut note = note;
        for at in start..end {
            let byte = self.code[at as usize];
            self.write_line(f, &format!(".byte 0x{byte:02X}"), at, at + 1, note)?;
            note = "";
        }
        Ok(())
    }

    /// Writes a statement for the bytes from `start` to `end`.
    fn write_line(
        &self,
        f: &mut fmt::Formatter<'_>,
        text: &str,
        start: u32,
        end: u32,
        note: &str,
    ) -> fmt::Result {
        if self.style == Style::Plain {
            f.write_str(text)?;
            return f.write_char('\n');
        }
        write!(f, "    {text:<27} ; {start:>4} ")?;
        for byte in &self.code[start as usize..end as usize] {
            write!(f, " {byte:02x}")?;
        }
        let gap = if note.is_empty() { "" } else { "  " };
        writeln!(f, "{gap}{note}")
    }
}

impl fmt::Display for Disassembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        let mut sweep = Sweep::new(self.codec, self.code);
        while let Some(item) = sweep.next() {
            match item {
                Ok(insn) => {
                    if self.labels[insn.offset as usize] {
                        writeln!(f, "{}{}:", self.label_prefix(), insn.offset)?;
                    }
                    if self.keeps_len(&insn, &sweep.operands) {
                        text.clear();
                        let isa = self.codec.isa();
                        write_with_labels(&mut text, isa, &insn, &sweep.operands, |out, target| {
                            self.write_target(out, target);
                        });
                        self.write_line(f, &text, insn.offset, insn.next(), "")?;
                    } else {
                        self.write_bytes(f, insn.offset, insn.next(), "")?;
                    }
                }
                Err(Gap { undecoded, end }) => {
                    let reason = undecoded.obstacle.reason().name();
                    self.write_bytes(f, undecoded.at, end, reason)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether the length of an instruction can depend on the distance to a label.
fn has_labels_of_variable_length(isa: &Isa) -> bool {
    isa.instructions().iter().any(|insn| {
        let is_label =
            |at: u8| matches!(insn.operands[usize::from(at)].kind, OperandKind::Label(_));
        let is_long = |part: &Part| matches!(part, Part::Leb { operand } if is_label(*operand));
        let long = insn.encodings.iter().any(|encoding| encoding.parts.iter().any(is_long));
        let has_label = (0..insn.operands.len() as u8).any(is_label);
        long || has_label && insn.encodings.len() > 1
    })
}

/// Bytes that are no instruction.
struct Gap {
    undecoded: Undecoded,
    /// The offset after the last of them.
    end: u32,
}

/// Instructions and gaps, from the start of the code to its end.
struct Sweep<'a> {
    codec: &'a Codec<'a>,
    code: &'a [u8],
    offset: u32,
    /// The operands of the latest instruction.
    operands: Vec<u64>,
}

impl<'a> Sweep<'a> {
    fn new(codec: &'a Codec<'a>, code: &'a [u8]) -> Self {
        Self { codec, code, offset: 0, operands: Vec::new() }
    }
}

impl Iterator for Sweep<'_> {
    type Item = Result<Insn, Gap>;

    fn next(&mut self) -> Option<Self::Item> {
        let code_end = self.code.len() as u32;
        if self.offset >= code_end {
            return None;
        }
        self.operands.clear();
        let decoded = self.codec.decode_one(self.code, self.offset, &mut self.operands);
        let item = decoded.map_err(|undecoded| {
            let end = match undecoded.obstacle {
                Obstacle::Truncated => code_end,
                _ => undecoded.resume.unwrap_or(undecoded.at + 1).min(code_end),
            };
            Gap { undecoded, end }
        });
        self.offset = match &item {
            Ok(insn) => insn.next(),
            Err(gap) => gap.end,
        };
        Some(item)
    }
}
