//! One instruction as text.

use bytestone_spec::isa::{Instruction, Isa, Operand, OperandKind};

use super::layout::is_unusual;
use super::listing::push_part;
use crate::program::{Insn, Program};

/// The instruction with index `index` of `program` as traces and reports write it: mnemonic and
/// operands, label operands as `@OFFSET`, constants as their values and functions by their names, if these are short.
/// `/2` behind the mnemonic says that it is in its second encoding though the first one can hold its operands.
///
/// # Panics
///
/// When `program` has no instruction with the index.
///
/// ```
/// use bytestone_vm::{asm::insn_text, codec::Codec};
/// let isa = bytestone_spec::load_builtin("register").unwrap().unwrap();
/// let program = Codec::new(&isa).decode(&[0x0c, 2, 0xff, 0xff]).unwrap();
/// assert_eq!(insn_text(&isa, &program, 0), "JZ R2, @0");
/// ```
pub fn insn_text(isa: &Isa, program: &Program, index: usize) -> String {
    let mut text = String::new();
    write_insn(&mut text, isa, program, index);
    text
}

/// Appends [`insn_text`] to `out`, without an allocation while `out` has room.
///
/// # Panics
///
/// When `program` has no instruction with the index.
pub fn write_insn(out: &mut String, isa: &Isa, program: &Program, index: usize) {
    let insn = &program.insns()[index];
    let (operands, origin) = (program.operands(index), program.origin(index));
    write_with(out, isa, insn, operands, origin, |out, at, operand, cell| {
        match insn.target(isa, at, cell, origin) {
            Some(target) => write_offset(out, target),
            None => push_part(out, isa, program.module(), operand, cell),
        }
    });
}

/// An instruction as a statement, whose operands are texts: names of labels, numbers, indexes with their prefix. A list
/// of operands is not part of it.
///
/// ```
/// use bytestone_vm::asm::statement;
/// let isa = bytestone_spec::load_builtin("ebpf").unwrap().unwrap();
/// let add = isa.instruction(isa.find_instruction("ADD64_IMM").unwrap());
/// assert_eq!(statement(add, &["r3".to_owned(), "7".to_owned()]), "add %r3, 7");
/// ```
pub fn statement(insn: &Instruction, operands: &[String]) -> String {
    let Some(template) = insn.templates.first() else {
        return format!("{} {}", insn.name, operands.join(", "));
    };
    let mut text = String::new();
    template.write(&mut text, |text, at, signed| {
        let operand = operands.get(usize::from(at)).map_or("0", String::as_str);
        if signed && !operand.starts_with(['+', '-']) {
            text.push('+');
        }
        text.push_str(operand);
    });
    text
}

/// Appends an instruction, writing operands that are labels, constants and functions with `part`, which gets
/// their numbers and cells.
pub(super) fn write_with(
    out: &mut String,
    isa: &Isa,
    insn: &Insn,
    operands: &[u64],
    origin: u32,
    part: impl Fn(&mut String, u8, &Operand, u64),
) {
    let description = isa.instruction(insn.id);
    if let Some(template) = description.templates.first() {
        return template.write(out, |out, at, signed| {
            let operand = &description.operands[usize::from(at)];
            let cell = operands.get(usize::from(at)).copied().unwrap_or(0);
            if signed && operand.raw.value(cell) >= 0 {
                out.push('+');
            }
            write_operand(out, isa, at, operand, cell, &part);
        });
    }
    out.push_str(&description.name);
    if is_unusual(isa, insn, operands, origin) {
        out.push('/');
        out.push_str(itoa::Buffer::new().format(insn.form + 1));
    }
    let list = description.count.is_some().then(|| description.scalars());
    let mut separator = " ";
    for (index, &cell) in operands.iter().enumerate() {
        out.push_str(separator);
        separator = ", ";
        if list == Some(index) {
            out.push('[');
        }
        let at = description.operand_of(index);
        let operand = &description.operands[usize::from(at)];
        write_operand(out, isa, at, operand, cell, &part);
    }
    match list {
        Some(list) if operands.len() == list => {
            out.push_str(separator);
            out.push_str("[]");
        }
        Some(_) => out.push(']'),
        None => {}
    }
}

/// Appends an operand.
fn write_operand(
    out: &mut String,
    isa: &Isa,
    at: u8,
    operand: &Operand,
    cell: u64,
    part: &impl Fn(&mut String, u8, &Operand, u64),
) {
    match operand.kind {
        OperandKind::Label(_) | OperandKind::Constant(_) | OperandKind::Function => {
            return part(out, at, operand, cell);
        }
        OperandKind::Index(rule) => {
            out.push_str(&isa.machine().banks[usize::from(rule.bank.0)].prefix);
        }
        OperandKind::Immediate => {}
    }
    let mut digits = itoa::Buffer::new();
    out.push_str(if operand.raw.signed { digits.format(cell as i64) } else { digits.format(cell) });
}

/// Appends `@OFFSET`.
pub(super) fn write_offset(out: &mut String, offset: i128) {
    out.push('@');
    let mut digits = itoa::Buffer::new();
    out.push_str(match i64::try_from(offset) {
        Ok(offset) => digits.format(offset),
        Err(_) => digits.format(offset),
    });
}
