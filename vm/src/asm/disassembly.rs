//! Any bytes as assembly text.

use std::fmt::{self, Write};
use std::ops::Range;

use bytestone_spec::isa::{Container, Isa, OperandKind, Part};

use super::assemble;
use super::layout::keeps_len;
use super::listing::{Listing, push_index};
use super::print::{write_offset, write_with};
use super::template::is_read_back;

use crate::codec::{CodeTooLong, Codec, DecodeError, FaultLog, Obstacle, Undecoded, check_len};
use crate::fault::Rejection;
use crate::module::{Function, Line, Module};
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
    bytes: &'a [u8],
    /// The code in the bytes, or the bytes if they are not looked into.
    code: &'a [u8],
    style: Style,
    naming: Naming,
    contents: Contents<'a>,
    /// By offset, whether a label is defined there.
    labels: Vec<bool>,
    faults: Option<Rejection>,
}

/// What the bytes are.
#[derive(Clone, Debug)]
enum Contents<'a> {
    /// Code.
    Code,
    /// A module.
    Module(Box<Listing<'a>>),
    /// What should be a module, and is none or has no other text.
    Bytes,
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
/// instruction (a whole word on machines whose instructions have one length). So do those of an instruction whose text,
/// by the templates of the spec, would be read as another one. What should be a module and is none is nothing
/// but `.byte` lines.
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
/// When they are more than [`crate::limits::CODE_BYTES`].
pub fn disassemble<'a>(
    codec: &'a Codec<'a>,
    bytes: &'a [u8],
    style: Style,
) -> Result<Disassembly<'a>, CodeTooLong> {
    check_len(bytes)?;
    Ok(Disassembly::new(codec, bytes, style))
}

/// Disassembles a program, which is assembly text through and through.
pub fn disassemble_program<'a>(
    codec: &'a Codec<'a>,
    program: &'a Program,
    style: Style,
) -> Disassembly<'a> {
    Disassembly::new(codec, program.bytes(), style)
}

impl<'a> Disassembly<'a> {
    fn new(codec: &'a Codec<'a>, bytes: &'a [u8], style: Style) -> Self {
        let (contents, code) = match codec.isa().container() {
            Container::Raw => (Contents::Code, bytes),
            Container::Module => match Module::read_for(codec.isa(), bytes) {
                Ok(module) => {
                    let start = bytes.len() - module.code.len();
                    match Listing::new(codec, module) {
                        Some(listing) => (Contents::Module(Box::new(listing)), &bytes[start..]),
                        None => (Contents::Bytes, bytes),
                    }
                }
                Err(_) => (Contents::Bytes, bytes),
            },
        };
        let (naming, labels) = (Naming::Names, Vec::new());
        let mut disassembly =
            Self { codec, bytes, code, style, naming, contents, labels, faults: None };
        disassembly.scan();
        if has_labels_of_variable_length(codec.isa()) {
            let assembled = assemble(codec, disassembly.to_string());
            if !assembled.is_ok_and(|assembled| assembled.bytes == bytes) {
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

    /// The functions of the code; code without functions is one.
    fn bodies(&self) -> Vec<Body<'_>> {
        match &self.contents {
            Contents::Code => vec![Body { range: 0..self.code.len() as u32, lines: &[] }],
            Contents::Module(listing) => listing.module.functions.iter().map(Body::of).collect(),
            Contents::Bytes => Vec::new(),
        }
    }

    fn sweep<'s>(&'s self, body: &Body<'s>) -> Sweep<'s> {
        Sweep {
            codec: self.codec,
            code: &self.code[..body.range.end as usize],
            offset: body.range.start,
            lines: body.lines,
            origin: body.range.start,
            operands: Vec::new(),
        }
    }

    /// Finds the faults, the places of labels (targets in the same function that are starts of instructions), and how
    /// the constants of a module are to be written.
    fn scan(&mut self) {
        let isa = self.codec.isa();
        let mut labels = vec![false; self.code.len()];
        let mut starts = vec![false; self.code.len()];
        let mut faults = FaultLog::default();
        let mut constants = Vec::new();
        for body in self.bodies() {
            let mut sweep = self.sweep(&body);
            while let Some(item) = sweep.next() {
                let insn = match item {
                    Ok(insn) => insn,
                    Err(Gap { undecoded: Some(undecoded), .. }) => {
                        faults.push_with(|| undecoded.fault(isa, sweep.code));
                        continue;
                    }
                    Err(_) => continue,
                };
                starts[insn.offset as usize] = true;
                let described = isa.instruction(insn.id);
                for (index, &cell) in sweep.operands.iter().enumerate() {
                    let at = described.operand_of(index);
                    let operand = &described.operands[usize::from(at)];
                    if let OperandKind::Constant(rule) = operand.kind {
                        constants.push((rule, operand.raw.value(cell)));
                    }
                    let target = insn.target(isa, at, cell, body.range.start);
                    let target = target.and_then(|target| u32::try_from(target).ok());
                    if let Some(target) = target.filter(|target| body.range.contains(target)) {
                        labels[target as usize] = true;
                    }
                }
            }
        }
        labels.iter_mut().zip(starts).for_each(|(label, start)| *label &= start);
        self.labels = labels;
        self.faults = faults.into_rejection().or_else(|| self.module_fault());
        if let Contents::Module(listing) = &mut self.contents {
            listing.order_constants(constants.into_iter());
        }
    }

    /// What is wrong with the module around the code.
    fn module_fault(&self) -> Option<Rejection> {
        if matches!(self.contents, Contents::Code) {
            return None;
        }
        match self.codec.decode(self.bytes) {
            Err(DecodeError::Rejected(rejection)) => Some(rejection),
            Ok(_) | Err(DecodeError::TooLong(_)) => None,
        }
    }

    /// What the names of labels start with: never what those of registers do.
    fn label_prefix(&self) -> &'static str {
        let banks = &self.codec.isa().machine().banks;
        if banks.iter().any(|bank| bank.prefix == "L") { "L_" } else { "L" }
    }

    fn write_target(&self, out: &mut String, target: i128, function: &Range<u32>) {
        let inside = u32::try_from(target).ok().filter(|target| function.contains(target));
        if inside.is_some_and(|target| self.labels[target as usize]) {
            out.push_str(self.label_prefix());
            out.push_str(itoa::Buffer::new().format(target));
        } else {
            write_offset(out, target);
        }
    }

    /// Whether the assembler makes an instruction of its text as long as it is.
    fn keeps_len(&self, insn: &Insn, operands: &[u64], origin: u32) -> bool {
        self.naming == Naming::Names || keeps_len(self.codec.isa(), insn, operands, origin)
    }

    fn write_byte(&self, f: &mut fmt::Formatter<'_>, at: u32, note: &str) -> fmt::Result {
        let byte = self.code[at as usize];
        self.write_line(f, &format!(".byte 0x{byte:02X}"), at, at + 1, note)
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

impl Disassembly<'_> {
    fn write_code(&self, f: &mut fmt::Formatter<'_>, body: &Body<'_>) -> fmt::Result {
        let mut text = String::new();
        let mut lines = body.lines.iter().peekable();
        let mut sweep = self.sweep(body);
        while let Some(item) = sweep.next() {
            let (start, end) = match &item {
                Ok(insn) => (insn.offset, insn.next()),
                Err(gap) => (gap.start, gap.end),
            };
            let at = start - body.range.start;
            if let Some(line) = lines.next_if(|line| line.offset == at) {
                writeln!(f, ".line {}", line.line)?;
            }
            if self.labels[start as usize] {
                writeln!(f, "{}{start}:", self.label_prefix())?;
            }
            text.clear();
            match item {
                Ok(insn) if self.write_insn(&mut text, &insn, &sweep.operands, &body.range) => {
                    self.write_line(f, &text, start, end, "")?;
                }
                item => {
                    let undecoded = item.err().and_then(|gap| gap.undecoded);
                    let mut note = undecoded.map_or("", |it| it.obstacle.reason().name());
                    for at in start..end {
                        self.write_byte(f, at, note)?;
                        note = "";
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes an instruction; whether the assembler makes the same one of its text.
    fn write_insn(
        &self,
        out: &mut String,
        insn: &Insn,
        operands: &[u64],
        function: &Range<u32>,
    ) -> bool {
        let isa = self.codec.isa();
        let origin = function.start;
        if !self.keeps_len(insn, operands, origin) {
            return false;
        }
        write_with(out, isa, insn, operands, origin, |out, at, operand, cell| {
            match (insn.target(isa, at, cell, origin), &self.contents) {
                (Some(target), _) => self.write_target(out, target, function),
                (None, Contents::Module(listing)) => listing.push_operand(out, operand, cell),
                (None, _) => push_index(out, operand.raw.value(cell)),
            }
        });
        is_read_back(self.codec, insn.id, out)
    }

    fn write_module(&self, f: &mut fmt::Formatter<'_>, listing: &Listing<'_>) -> fmt::Result {
        for constant in listing.constants() {
            writeln!(f, "{constant}")?;
        }
        for (index, function) in listing.module.functions.iter().enumerate() {
            let (header, names) = listing.header(index);
            match self.style {
                Style::Plain => writeln!(f, "{header}")?,
                Style::Annotated => {
                    let gap =
                        if index == 0 && listing.constants().next().is_none() { "" } else { "\n" };
                    let stack = function.max_stack;
                    writeln!(f, "{gap}{header:<31} ; function {index}, stack {stack}")?;
                }
            }
            for name in names {
                writeln!(f, "{name}")?;
            }
            self.write_code(f, &Body::of(function))?;
        }
        Ok(())
    }
}

impl fmt::Display for Disassembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.contents {
            Contents::Code => self.bodies().iter().try_for_each(|body| self.write_code(f, body)),
            Contents::Module(listing) => self.write_module(f, listing),
            Contents::Bytes => {
                let first = self.faults.as_ref().map(|faults| &faults.faults[0]);
                for at in 0..self.code.len() as u32 {
                    let note =
                        first.filter(|fault| fault.at == at).map(|fault| fault.reason.name());
                    self.write_byte(f, at, note.unwrap_or(""))?;
                }
                Ok(())
            }
        }
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

/// Bytes that are no instruction, or that are none because a line of the source text starts within it.
struct Gap {
    start: u32,
    /// The offset after the last of them.
    end: u32,
    undecoded: Option<Undecoded>,
}

/// Code with the lines of the source text that start in it.
struct Body<'a> {
    /// Where it is.
    range: Range<u32>,
    /// The lines, by their offsets from the start.
    lines: &'a [Line],
}

impl<'a> Body<'a> {
    fn of(function: &'a Function) -> Self {
        Self { range: function.start..function.end(), lines: &function.lines }
    }
}

/// Instructions and gaps, from the start of the code to its end.
struct Sweep<'a> {
    codec: &'a Codec<'a>,
    code: &'a [u8],
    offset: u32,
    /// The lines that start behind it, and what their offsets are counted from.
    lines: &'a [Line],
    origin: u32,
    /// The operands of the latest instruction.
    operands: Vec<u64>,
}

impl Sweep<'_> {
    /// The offset of the next line that starts behind `start`, if that is before `end`.
    fn line_within(&mut self, start: u32, end: u32) -> Option<u32> {
        while let Some((line, rest)) = self.lines.split_first() {
            let offset = self.origin + line.offset;
            if offset > start {
                return (offset < end).then_some(offset);
            }
            self.lines = rest;
        }
        None
    }
}

impl Iterator for Sweep<'_> {
    type Item = Result<Insn, Gap>;

    fn next(&mut self) -> Option<Self::Item> {
        let code_end = self.code.len() as u32;
        let start = self.offset;
        if start >= code_end {
            return None;
        }
        self.operands.clear();
        let decoded = self.codec.decode_one(self.code, start, &mut self.operands);
        let mut item = decoded.map_err(|undecoded| {
            let end = match undecoded.obstacle {
                Obstacle::Truncated => code_end,
                _ => undecoded.resume.unwrap_or(undecoded.at + 1).min(code_end),
            };
            Gap { start, end, undecoded: Some(undecoded) }
        });
        self.offset = match &item {
            Ok(insn) => insn.next(),
            Err(gap) => gap.end,
        };
        if let Some(end) = self.line_within(start, self.offset) {
            let undecoded = item.err().and_then(|gap| gap.undecoded);
            item = Err(Gap { start, end, undecoded });
            self.offset = end;
        }
        Some(item)
    }
}
