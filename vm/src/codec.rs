//! The codec: from bytes to instructions and back.

mod leb;
mod plan;
mod table;
mod word;

use std::collections::HashMap;

use bytestone_spec::isa::{
    ByteOrder, Container, Encoding, InsnId, Instruction, IntType, Isa, Part, Template,
};

use crate::fault::{Fault, Reason, Rejection};
use crate::limits;
use crate::module::{Module, ModuleError, ModuleErrorKind, Places, Reader};
use crate::program::{Insn, Program};
use plan::Plan;
use table::{Lookup, Table};

/// An instruction set prepared for decoding and encoding.
///
/// Made once for an [`Isa`]; decoding then takes a table look-up an instruction and allocates
/// nothing but the program.
///
/// ```
/// use bytestone_vm::codec::Codec;
/// let isa = bytestone_spec::load_builtin("calculator").unwrap().unwrap();
/// let codec = Codec::new(&isa);
/// let program = codec.decode(&[0x01, 0xff, 0xff, 0xff, 0xff, 0x09, 0x00]).unwrap();
/// assert_eq!(program.insns().len(), 3);
/// assert_eq!(program.operands(0), [-1i64 as u64]);
///
/// let mut code = Vec::new();
/// codec.encode(codec.mnemonic("LOAD").unwrap(), &[23], &mut code).unwrap();
/// assert_eq!(code, [0x07, 23]);
/// ```
#[derive(Clone, Debug)]
pub struct Codec<'isa> {
    isa: &'isa Isa,
    table: Table,
    /// The encodings of all instructions.
    forms: Vec<Form>,
    mnemonics: HashMap<&'isa str, InsnId>,
    /// Forms of assembly text by the word with which they begin.
    templates: HashMap<&'isa str, Vec<(InsnId, &'isa Template)>>,
    /// The length of every instruction, if they have one length.
    uniform_len: Option<u32>,
}

/// An encoding of an instruction.
#[derive(Clone, Debug)]
struct Form {
    id: InsnId,
    /// Its number among those of the instruction.
    number: u8,
    plan: Plan,
}

/// Code has more bytes than [`limits::CODE_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code has {bytes} bytes, more than the {} that are taken", limits::CODE_BYTES)]
pub struct CodeTooLong {
    /// How many.
    pub bytes: usize,
}

/// Why bytes did not become a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They are more than the tools take, whatever the machine says.
    #[error(transparent)]
    TooLong(#[from] CodeTooLong),
    /// They are no row of instructions of the machine.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

/// Why an instruction cannot be written in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The instruction set has no instruction with the id.
    #[error("the instruction set has no instruction {}", .0.0)]
    UnknownInstruction(InsnId),
    /// The instruction has no encoding with the number.
    #[error("the instruction has {count} encodings, and no number {found}")]
    UnknownEncoding {
        /// How many it has.
        count: usize,
        /// The number, from 0.
        found: u8,
    },
    /// The operands break the condition of the instruction.
    #[error("the operands break the condition of the instruction")]
    Condition,
    /// There are too few or too many operands.
    #[error("the instruction takes {expected} operands, not {found}")]
    OperandCount {
        /// How many the instruction takes.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// An operand is no value of its raw type, or the encoding cannot hold it.
    #[error("operand {operand} must be a value of {ty}, which the cell {cell:#x} is not")]
    OutOfRange {
        /// Its number, from 0.
        operand: u8,
        /// Its raw type, or that of the encoding.
        ty: IntType,
        /// The cell given.
        cell: u64,
    },
}

/// What is wrong with a LEB128 number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberFault {
    /// There is a shorter form of the same number.
    #[error("is longer than needed")]
    NotShortest,
    /// It is no value of the operand's raw type.
    #[error("is out of range")]
    OutOfRange,
    /// It goes on where the longest number of its type ends.
    #[error("has no end")]
    Endless,
}

/// Why the bytes at an offset are no instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The code ends within the instruction.
    Truncated,
    /// The fixed bits are those of no instruction.
    UnknownOpcode,
    /// A byte before an aligned one is not zero.
    Padding,
    /// The operands break a condition of the instruction, or its list would have fewer elements than
    /// none.
    Condition,
    /// Bits that must be zero are not.
    UnusedBits {
        /// Those of them that are set.
        set: u64,
    },
    /// A LEB128 number has a fault.
    Number {
        /// The operand that it holds.
        operand: u8,
        /// The fault.
        fault: NumberFault,
    },
}

impl Obstacle {
    /// The reason for which a program with it is rejected.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Truncated => Reason::Truncated,
            Self::UnknownOpcode => Reason::UnknownOpcode,
            Self::UnusedBits { .. } | Self::Number { .. } | Self::Padding | Self::Condition => {
                Reason::BadOperand
            }
        }
    }
}

/// A place in code where no instruction could be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecoded {
    /// The offset.
    pub at: u32,
    /// Which instruction it would be, where that is known.
    pub insn: Option<InsnId>,
    /// Why it is none.
    pub obstacle: Obstacle,
    /// Where the next instruction starts, if that can be told.
    pub resume: Option<u32>,
}

impl<'isa> Codec<'isa> {
    /// Prepares an instruction set.
    pub fn new(isa: &'isa Isa) -> Self {
        let mnemonics = (0..)
            .zip(isa.instructions())
            .map(|(id, insn)| (insn.name.as_str(), InsnId(id)))
            .collect();
        let uniform_len = isa
            .instructions()
            .first()
            .and_then(only_len)
            .filter(|&len| isa.instructions().iter().all(|insn| only_len(insn) == Some(len)));
        let mut forms = Vec::new();
        for (id, insn) in (0..).map(InsnId).zip(isa.instructions()) {
            let encodings = (0..).zip(&insn.encodings);
            forms.extend(encodings.map(|(number, encoding)| Form {
                id,
                number,
                plan: Plan::new(insn, encoding),
            }));
        }
        let mut templates: HashMap<&str, Vec<(InsnId, &Template)>> = HashMap::new();
        for (id, insn) in (0..).map(InsnId).zip(isa.instructions()) {
            for template in &insn.templates {
                templates.entry(template.word()).or_default().push((id, template));
            }
        }
        Self { isa, table: Table::new(isa), forms, mnemonics, templates, uniform_len }
    }

    /// The instruction set.
    pub fn isa(&self) -> &'isa Isa {
        self.isa
    }

    /// The forms of assembly text that begin with a word.
    pub(crate) fn templates(&self, word: &str) -> &[(InsnId, &'isa Template)] {
        self.templates.get(word).map_or(&[], Vec::as_slice)
    }

    /// The words with which forms of assembly text begin.
    pub(crate) fn template_words(&self) -> impl Iterator<Item = &'isa str> {
        self.templates.keys().copied()
    }

    /// The instruction with a mnemonic.
    pub fn mnemonic(&self, name: &str) -> Option<InsnId> {
        self.mnemonics.get(name).copied()
    }

    /// Decodes a program: its code, or on machines whose programs are modules the bytes of a module.
    ///
    /// Code is decoded one instruction after the other from its start to its end, and that of each function of a module on its
    /// own. After a fault the sweep goes on where the next instruction is known to start: after a
    /// `bad_operand`, unless the fault is a LEB128 number without an end, and after an
    /// `unknown_opcode` on machines whose instructions all have one length; in a module, also with the next function.
    ///
    /// # Errors
    ///
    /// All faults that the sweep found, the first fault of the module around the code, or that the bytes are over
    /// [`limits::CODE_BYTES`].
    pub fn decode(&self, bytes: &[u8]) -> Result<Program, DecodeError> {
        check_len(bytes)?;
        if self.isa.container() == Container::Module {
            return self.decode_module(bytes);
        }
        let mut decoding = Decoding::with_room_for(bytes.len());
        decoding.go_through(self, bytes, 0);
        match decoding.faults.into_rejection() {
            None => Ok(Program::new(bytes.to_vec(), decoding.insns, decoding.operands)),
            Some(rejection) => Err(rejection.into()),
        }
    }

    fn decode_module(&self, bytes: &[u8]) -> Result<Program, DecodeError> {
        let rejected = |error: ModuleError| Rejection { faults: vec![error.fault()], omitted: 0 };
        let (module, places) = Reader::new(bytes, Some(self.isa)).module().map_err(rejected)?;
        let mut decoding = Decoding::with_room_for(module.code.len());
        for function in &module.functions {
            decoding.go_through(self, &module.code[..function.end() as usize], function.start);
        }
        if let Some(rejection) = decoding.faults.into_rejection() {
            return Err(rejection.into());
        }
        check_lines(&module, &places, &decoding.insns).map_err(rejected)?;
        Ok(Program::of_module(bytes.to_vec(), module, decoding.insns, decoding.operands))
    }

    /// Decodes the instruction at `offset`, and appends the cells of its operands to `operands`.
    /// Bytes over [`limits::CODE_BYTES`] are taken as not there.
    ///
    /// # Errors
    ///
    /// Why there is none; `operands` is then as it was.
    #[inline]
    pub fn decode_one(
        &self,
        code: &[u8],
        offset: u32,
        operands: &mut Vec<u64>,
    ) -> Result<Insn, Undecoded> {
        let end = code.len().min(limits::CODE_BYTES);
        let bytes = code.get(offset as usize..end).unwrap_or_default();
        let Form { id, number, plan } = match self.table.find(bytes) {
            Lookup::Found(form) => &self.forms[form as usize],
            Lookup::CutShort(insn) => {
                return Err(Undecoded {
                    at: offset,
                    insn,
                    obstacle: Obstacle::Truncated,
                    resume: None,
                });
            }
            Lookup::Unknown => return Err(self.unknown(offset)),
        };
        let first = operands.len();
        match plan.read(bytes, offset, operands) {
            Ok(len) => Ok(Insn::new((*id, *number), offset, len as u32, first as u32)),
            Err((obstacle, len)) => {
                operands.truncate(first);
                Err(match obstacle {
                    Obstacle::UnknownOpcode => self.unknown(offset),
                    _ => Undecoded {
                        at: offset,
                        insn: Some(*id),
                        obstacle,
                        resume: len.map(|len| offset + len as u32),
                    },
                })
            }
        }
    }

    fn unknown(&self, at: u32) -> Undecoded {
        let resume = self.uniform_len.map(|len| at.saturating_add(len));
        Undecoded { at, insn: None, obstacle: Obstacle::UnknownOpcode, resume }
    }

    /// Appends the bytes of an instruction whose operands have the raw numbers in `operands`, as
    /// cells, those of a list at the end: in the first of its encodings that can hold them. Alignment
    /// counts from the start of `out`.
    ///
    /// # Errors
    ///
    /// When the operands are not as many as the instruction takes, one is no value of its
    /// raw type, or they break its condition; nothing is then appended.
    pub fn encode(
        &self,
        id: InsnId,
        operands: &[u64],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let insn = self.instruction(id)?;
        check_operands(insn, |at| insn.operands[at].raw, operands)?;
        let canonical = if insn.encodings.len() == 1 { Some(0) } else { insn.canonical(operands) };
        // The last encoding holds whatever the types of the operands do.
        match canonical.and_then(|at| insn.encodings.get(at)).or(insn.encodings.last()) {
            Some(encoding) => write(encoding, operands, out),
            None => return Err(EncodeError::UnknownInstruction(id)),
        }
        Ok(())
    }

    /// The same in the encoding with the number `form` among those of the instruction.
    ///
    /// # Errors
    ///
    /// When there is no such encoding, the operands are not as many as the instruction takes, or the
    /// encoding cannot hold one; nothing is then appended.
    pub fn encode_as(
        &self,
        (id, form): (InsnId, u8),
        operands: &[u64],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let insn = self.instruction(id)?;
        let encoding = insn
            .encodings
            .get(usize::from(form))
            .ok_or(EncodeError::UnknownEncoding { count: insn.encodings.len(), found: form })?;
        check_operands(insn, |at| encoding.raws[at], operands)?;
        write(encoding, operands, out);
        Ok(())
    }

    fn instruction(&self, id: InsnId) -> Result<&'isa Instruction, EncodeError> {
        let insn = self.isa.instructions().get(usize::from(id.0));
        insn.ok_or(EncodeError::UnknownInstruction(id))
    }
}

/// Code that is being decoded.
struct Decoding {
    insns: Vec<Insn>,
    operands: Vec<u64>,
    faults: FaultLog,
}

impl Decoding {
    fn with_room_for(bytes: usize) -> Self {
        // Most instructions take two bytes or more.
        Self {
            insns: Vec::with_capacity(bytes / 2 + 1),
            operands: Vec::with_capacity(bytes / 4 + 1),
            faults: FaultLog::default(),
        }
    }

    /// Decodes code from `offset` to its end.
    #[inline]
    fn go_through(&mut self, codec: &Codec<'_>, code: &[u8], mut offset: u32) {
        while (offset as usize) < code.len() {
            match codec.decode_one(code, offset, &mut self.operands) {
                Ok(insn) => {
                    offset = insn.next();
                    self.insns.push(insn);
                }
                Err(undecoded) => {
                    self.faults.push_with(|| undecoded.fault(codec.isa, code));
                    let Some(resume) = undecoded.resume else { break };
                    offset = resume;
                }
            }
        }
    }
}

/// Appends the bytes of operands that an encoding can hold.
fn write(encoding: &Encoding, operands: &[u64], out: &mut Vec<u8>) {
    for part in &encoding.parts {
        match part {
            Part::Word(word) => {
                let fields = word.fields.iter();
                let value = fields.fold(word.fixed_value, |value, field| {
                    value | word::insert(field, operands[usize::from(field.operand)])
                });
                out.extend_from_slice(&word::bytes(word, value)[..usize::from(word.bytes)]);
            }
            Part::Leb { operand } => {
                let ty = encoding.raws[usize::from(*operand)];
                leb::write(ty, ty.value(operands[usize::from(*operand)]), out);
            }
            Part::Align { to } => out.resize(out.len() + plan::padding(out.len(), *to), 0),
            Part::List { operand, bytes, order } => {
                for &cell in operands.iter().skip(usize::from(*operand)) {
                    let bytes = usize::from(*bytes);
                    match order {
                        ByteOrder::Little => out.extend_from_slice(&cell.to_le_bytes()[..bytes]),
                        ByteOrder::Big => out.extend_from_slice(&cell.to_be_bytes()[8 - bytes..]),
                    }
                }
            }
        }
    }
}

/// Whether each entry of the line tables is for the start of an instruction.
fn check_lines(module: &Module, places: &Places, insns: &[Insn]) -> Result<(), ModuleError> {
    for (function, &first) in module.functions.iter().zip(&places.lines) {
        for (entry, line) in (0..).zip(&function.lines) {
            let offset = function.start + line.offset;
            if insns.binary_search_by_key(&offset, |insn| insn.offset).is_err() {
                let kind = ModuleErrorKind::LineInside { offset: line.offset };
                return Err(ModuleError { at: first + 8 * entry, kind });
            }
        }
    }
    Ok(())
}

/// The length in bytes of an instruction at `offset` whose operands have the raw numbers in `raw`
/// and whose list has so many elements.
pub(crate) fn encoded_len(
    encoding: &Encoding,
    offset: u32,
    elements: usize,
    raw: impl Fn(u8) -> i128,
) -> u32 {
    let start = offset as usize;
    let end = encoding.parts.iter().fold(start, |at, part| match part {
        Part::Word(word) => at + usize::from(word.bytes),
        Part::Leb { operand } => {
            let ty = encoding.raws[usize::from(*operand)];
            at + leb::len(ty, raw(*operand).clamp(ty.min(), ty.max()))
        }
        Part::Align { to } => at + plan::padding(at, *to),
        Part::List { bytes, .. } => at.saturating_add(elements.saturating_mul((*bytes).into())),
    });
    u32::try_from(end - start).unwrap_or(u32::MAX)
}

/// How many elements the list of an instruction has, whose operands have the raw numbers in
/// `cells`; 0 if it has none.
pub(crate) fn list_len(insn: &Instruction, cells: &[u64]) -> i128 {
    insn.count.as_ref().map_or(0, |count| count.value(number_in(insn, cells)))
}

/// Whether the operands of an instruction are as its condition wants them.
pub(crate) fn holds_condition(insn: &Instruction, cells: &[u64]) -> bool {
    insn.conditions.iter().all(|condition| condition.value(number_in(insn, cells)) >= 0)
}

/// The numbers of operands by their cells.
fn number_in<'a>(insn: &'a Instruction, cells: &'a [u64]) -> impl Fn(u8) -> i128 + Copy + 'a {
    |operand| {
        let operand = usize::from(operand);
        insn.operands[operand].raw.value(cells.get(operand).copied().unwrap_or(0))
    }
}

/// Whether code is within the limit.
pub(crate) fn check_len(code: &[u8]) -> Result<(), CodeTooLong> {
    match code.len() {
        bytes if bytes > limits::CODE_BYTES => Err(CodeTooLong { bytes }),
        _ => Ok(()),
    }
}

/// The length of an instruction, if it is always the same.
fn only_len(insn: &Instruction) -> Option<u32> {
    let has_list = insn.count.is_some();
    Some(insn.min_len()).filter(|&len| !has_list && insn.max_len() == len)
}

fn check_operands(
    insn: &Instruction,
    types: impl Fn(usize) -> IntType,
    operands: &[u64],
) -> Result<(), EncodeError> {
    let (scalars, found) = (insn.scalars(), operands.len());
    let elements = list_len(insn, operands);
    if found < scalars || (found - scalars) as i128 != elements {
        let elements = usize::try_from(elements).unwrap_or(usize::MAX);
        let expected = scalars.saturating_add(elements);
        return Err(EncodeError::OperandCount { expected, found });
    }
    if !holds_condition(insn, operands) {
        return Err(EncodeError::Condition);
    }
    for (at, &cell) in operands.iter().enumerate() {
        let operand = insn.operand_of(at);
        let ty = types(usize::from(operand));
        if ty.wrap(cell) != cell {
            return Err(EncodeError::OutOfRange { operand, ty, cell });
        }
    }
    Ok(())
}

impl Undecoded {
    /// The fault of a program with it in `code`, which was decoded for `isa`.
    pub fn fault(&self, isa: &Isa, code: &[u8]) -> Fault {
        let left = code.get(self.at as usize..).unwrap_or_default();
        let insn = self.insn.map(|id| isa.instruction(id));
        Fault {
            reason: self.obstacle.reason(),
            at: self.at,
            insn: self.insn,
            detail: self.obstacle.describe(insn, left),
        }
    }
}

impl Obstacle {
    fn describe(self, insn: Option<&Instruction>, left: &[u8]) -> String {
        let name = insn.map_or("the instruction", |insn| insn.name.as_str());
        match self {
            Self::Truncated => {
                let (are, s) = if left.len() == 1 { ("is", "") } else { ("are", "s") };
                match insn {
                    None => format!("the code ends after {} byte{s} of an instruction", left.len()),
                    Some(insn) => {
                        let least = if only_len(insn).is_some() { "" } else { "at least " };
                        let min = (insn.min_len() as usize).max(left.len() + 1);
                        format!("{name} takes {least}{min} bytes and {} {are} left", left.len())
                    }
                }
            }
            Self::UnknownOpcode => {
                let mut text = "no instruction has the opcode in".to_owned();
                for byte in &left[..left.len().min(4)] {
                    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
                    text.extend([' ', digit(byte >> 4), digit(byte & 15)]);
                }
                text
            }
            Self::UnusedBits { set } => {
                format!("{name} does not use the bits {set:#x}, which must be zero")
            }
            Self::Padding => {
                format!("a byte of {name} is not zero that only aligns the next one")
            }
            Self::Condition => {
                let condition = insn.map_or("", |insn| insn.text.condition.as_str());
                format!("the operands of {name} do not fit one another: {condition}")
            }
            Self::Number { operand, fault } => {
                let operand = insn.and_then(|insn| insn.operands.get(usize::from(operand)));
                match operand {
                    Some(operand) => {
                        format!(
                            "the number of `{}` of {name} ({}) {fault}",
                            operand.name, operand.raw
                        )
                    }
                    None => format!("a number of {name} {fault}"),
                }
            }
        }
    }
}

/// Faults in the order of their offsets, cut to the limit.
#[derive(Debug, Default)]
pub(crate) struct FaultLog {
    faults: Vec<Fault>,
    omitted: usize,
}

impl FaultLog {
    /// Adds a fault, which is only made if it is kept.
    pub(crate) fn push_with(&mut self, fault: impl FnOnce() -> Fault) {
        if self.faults.len() < limits::FAULTS {
            self.faults.push(fault());
        } else {
            self.omitted += 1;
        }
    }

    pub(crate) fn into_rejection(self) -> Option<Rejection> {
        (!self.faults.is_empty())
            .then_some(Rejection { faults: self.faults, omitted: self.omitted })
    }
}
