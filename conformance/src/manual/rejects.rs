//! Reject reasons: what each means, what its offset names, and which instructions it can name.

use bytestone_spec::Isa;
use bytestone_spec::isa::{CodeEnd, Container, IndexRule, Instruction, OperandKind, Owner, Part};
use bytestone_vm::Reason;

use super::dynamic::captures;
use super::operands::{exceeds, numbers};

/// What rejection is.
pub(super) const INTRODUCTION: &str =
    "A program with one of these faults is rejected before its first step. The list is closed.";

/// What is wrong with a program that is rejected so.
pub(super) fn meaning(isa: &Isa, reason: Reason) -> &'static str {
    let module = isa.container() == Container::Module;
    match reason {
        Reason::NotAModule => "The bytes do not start as a module does.",
        Reason::BadVersion => "The module has a version that is not read.",
        Reason::WrongMachine => "The module is for another machine, or for another version of it.",
        Reason::BadModule => "A field of the module breaks a rule of the format.",
        Reason::TypeMismatch => {
            "An operand names a constant of a variant that the instruction does not take."
        }
        Reason::BadLimit => {
            "A function states a stack that is too small for it, or more than the machine allows."
        }
        Reason::Truncated => "The code ends in the middle of an instruction.",
        Reason::UnknownOpcode => "No instruction starts with these bytes.",
        Reason::BadOperand => {
            "Bits that must be zero are not, or a LEB128 number is out of range or longer than needed."
        }
        Reason::BadIndex if module => {
            "An operand names a cell, a constant or a function that is not there."
        }
        Reason::BadIndex => "An operand names a cell outside its bank.",
        Reason::BadJump if module => "A jump leads to where no instruction of the function starts.",
        Reason::BadJump => "A jump or call leads to where no instruction starts.",
        Reason::FallsOffEnd if module => {
            "Execution can run past the last instruction of a function."
        }
        Reason::FallsOffEnd => "Execution can run past the last instruction.",
        Reason::StackUnderflow => "More is taken from the stack than it holds.",
        Reason::StackOverflow => "The stack gets deeper than the machine allows.",
        Reason::StackMismatch => {
            "Paths meet with different stack depths, or the returns of a subroutine differ in theirs."
        }
        Reason::ReturnWithoutCall => "A return can be reached from the start without a call.",
    }
}

/// What the offset of a rejection names.
pub(super) fn offset(isa: &Isa, reason: Reason) -> &'static str {
    let module = isa.container() == Container::Module;
    match reason {
        Reason::NotAModule => "0",
        Reason::BadVersion => "the version, in the file",
        Reason::WrongMachine => "the name of the machine, in the file",
        Reason::BadModule => "the field, in the file",
        Reason::TypeMismatch => "the instruction with the operand",
        Reason::BadLimit => {
            "the first instruction that makes the stack deeper than stated; the first byte of a function that states too much"
        }
        Reason::Truncated if module => {
            "the first byte of the instruction that is cut short; in a file that is cut short before its code, the field, in the file"
        }
        Reason::Truncated => "the first byte of the instruction that is cut short",
        Reason::UnknownOpcode => "the first of these bytes",
        Reason::BadOperand | Reason::BadIndex => "the instruction with the operand",
        Reason::BadJump => "the jump or call",
        Reason::FallsOffEnd if module => {
            "the last instruction of the function; where there is none, the place where it would start"
        }
        Reason::FallsOffEnd => "the last instruction; 0 if there is no code",
        Reason::StackUnderflow => "the instruction that takes, or the call whose callee does",
        Reason::StackOverflow => "the instruction that pushes, or the call whose callee does",
        Reason::StackMismatch => {
            "the instruction where the paths meet; the return that differs from another"
        }
        Reason::ReturnWithoutCall => "the return",
    }
}

/// Whether only modules can be rejected so.
fn of_modules(reason: Reason) -> bool {
    match reason {
        Reason::NotAModule
        | Reason::BadVersion
        | Reason::WrongMachine
        | Reason::BadModule
        | Reason::TypeMismatch
        | Reason::BadLimit => true,
        Reason::Truncated
        | Reason::UnknownOpcode
        | Reason::BadOperand
        | Reason::BadIndex
        | Reason::BadJump
        | Reason::FallsOffEnd
        | Reason::StackUnderflow
        | Reason::StackOverflow
        | Reason::StackMismatch
        | Reason::ReturnWithoutCall => false,
    }
}

/// The reasons that are listed for a machine: those of modules only where programs are modules.
pub(super) fn listed(isa: &Isa) -> impl Iterator<Item = Reason> {
    let modules = isa.container() == Container::Module;
    Reason::ALL.into_iter().filter(move |reason| modules || !of_modules(*reason))
}

/// Whether programs of a machine can be rejected so.
pub(super) fn applies(isa: &Isa, reason: Reason) -> bool {
    match reason {
        _ if of_modules(reason) && reason != Reason::TypeMismatch => {
            isa.container() == Container::Module
        }
        Reason::UnknownOpcode => true,
        Reason::FallsOffEnd => isa.code_end() == CodeEnd::Reject,
        _ => isa.instructions().iter().any(|insn| why(isa, insn, reason).is_some()),
    }
}

/// How programs of the machine are examined, in sentences.
pub(super) fn procedure(isa: &Isa) -> Vec<String> {
    let insns = isa.instructions();
    let mut lengths = insns.iter().flat_map(|insn| [insn.min_len(), insn.max_len()]);
    let first = lengths.next();
    let has_lists = insns.iter().any(|insn| insn.count.is_some());
    let decoding = if !has_lists && lengths.all(|length| Some(length) == first) {
        "All instructions have one length, so decoding goes on behind a fault."
    } else {
        "Decoding stops at `truncated` and `unknown_opcode`: where the next instruction starts is not known."
    };
    let mut words = vec![format!("{decoding} Code with a fault of decoding is not verified.")];
    words.push("Faults of indexes and jumps are found in all code, the others only in code that can be reached; behind one of those the path is not followed. Faults are reported all, by offset.".to_owned());
    words
}

/// The reasons for which a rejection can name an instruction, each with when.
pub(super) fn of_instruction(isa: &Isa, insn: &Instruction) -> Vec<(Reason, String)> {
    /// What is particular to an instruction comes first.
    const ORDER: [Reason; 10] = [
        Reason::BadOperand,
        Reason::BadIndex,
        Reason::TypeMismatch,
        Reason::BadJump,
        Reason::ReturnWithoutCall,
        Reason::StackUnderflow,
        Reason::StackOverflow,
        Reason::StackMismatch,
        Reason::FallsOffEnd,
        Reason::Truncated,
    ];
    ORDER.into_iter().filter_map(|reason| why(isa, insn, reason).map(|why| (reason, why))).collect()
}

/// When a rejection for `reason` names the instruction, if it can.
fn why(isa: &Isa, insn: &Instruction, reason: Reason) -> Option<String> {
    let effect = &insn.effect;
    let (pops, pushes) = (effect.inputs.len(), effect.outputs.len());
    let calls = effect.call.is_some() && isa.machine().stack.is_some();
    match reason {
        Reason::UnknownOpcode
        | Reason::NotAModule
        | Reason::BadVersion
        | Reason::WrongMachine
        | Reason::BadModule
        | Reason::BadLimit => None,
        Reason::TypeMismatch => type_mismatch(isa, insn),
        Reason::StackUnderflow if effect.list.is_some() => {
            Some("the stack holds fewer cells than it takes".to_owned())
        }
        Reason::Truncated => (insn.max_len() > 1 || insn.count.is_some())
            .then(|| "the code ends before its last byte".to_owned()),
        Reason::BadOperand => bad_operand(insn),
        Reason::BadIndex => bad_index(isa, insn),
        Reason::BadJump => bad_jump(isa, insn),
        Reason::FallsOffEnd => (effect.falls_through && isa.code_end() == CodeEnd::Reject)
            .then(|| "it is the last instruction and can be reached".to_owned()),
        Reason::StackUnderflow if pops == 1 => Some("the stack is empty".to_owned()),
        Reason::StackUnderflow if pops > 1 => {
            Some(format!("the stack holds fewer than {pops} cells"))
        }
        Reason::StackUnderflow => {
            calls.then(|| "the subroutine takes more than the stack holds".to_owned())
        }
        Reason::StackOverflow if pushes > pops => {
            let depth = isa.machine().stack?.depth as usize;
            let most = (depth + pops).saturating_sub(pushes);
            Some(match most {
                0 => "always: it pushes more than the stack can hold".to_owned(),
                _ => format!("the stack holds more than {most} cells"),
            })
        }
        Reason::StackOverflow => {
            calls.then(|| "the subroutine makes the stack too deep".to_owned())
        }
        Reason::StackMismatch => stack_mismatch(isa, insn),
        Reason::ReturnWithoutCall => returns_from_subroutines(isa, insn)
            .then(|| "it can be reached from the start without a call".to_owned()),
    }
}

/// Whether it returns to the caller of a subroutine. That of a function can be the end of the program.
fn returns_from_subroutines(isa: &Isa, insn: &Instruction) -> bool {
    let effect = &insn.effect;
    effect.returns && !effect.returns_if_called && isa.machine().frames.is_none()
}

fn bad_operand(insn: &Instruction) -> Option<String> {
    let parts = || insn.encodings.iter().flat_map(|encoding| &encoding.parts);
    let zeros = parts().any(|part| matches!(part, Part::Word(word) if word.zero_mask != 0));
    let leb = parts().any(|part| matches!(part, Part::Leb { .. }));
    let pads = parts().any(|part| matches!(part, Part::Align { .. }));
    let mut whys = Vec::new();
    whys.extend(zeros.then_some("a bit that must be zero is not"));
    whys.extend(leb.then_some("a LEB128 number is out of range or longer than needed"));
    whys.extend(pads.then_some("a byte that only aligns the next one is not zero"));
    let bound = insn.count.is_some() || !insn.conditions.is_empty();
    whys.extend(bound.then_some("the operands do not fit one another"));
    (!whys.is_empty()).then(|| whys.join(", or "))
}

fn bad_index(isa: &Isa, insn: &Instruction) -> Option<String> {
    let mut faults = Vec::new();
    for operand in &insn.operands {
        let name = &operand.name;
        match operand.kind {
            OperandKind::Constant(_) => {
                faults.push(format!("`{name}` is the number of no constant"));
            }
            OperandKind::Function => {
                faults.push(match captures(isa) {
                    true => {
                        format!(
                            "`{name}` is the number of no function that can be captured for here"
                        )
                    }
                    false => format!("`{name}` is the number of no function"),
                });
            }
            OperandKind::Index(rule) => {
                let bank = isa.machine().banks.get(usize::from(rule.bank.0));
                if bank.is_some_and(|bank| bank.owner != Owner::Program) {
                    faults.push(format!("the function has no cell `{name}`"));
                }
            }
            OperandKind::Immediate | OperandKind::Label(_) => {}
        }
    }
    let mut beyond: Vec<(IndexRule, Vec<String>)> = Vec::new();
    for operand in &insn.operands {
        let OperandKind::Index(rule) = operand.kind else { continue };
        if !exceeds(isa, rule, operand.raw) {
            continue;
        }
        let name = format!("`{}`", operand.name);
        match beyond.iter_mut().find(|(other, _)| *other == rule) {
            Some((_, names)) => names.push(name),
            None => beyond.push((rule, vec![name])),
        }
    }
    beyond.sort_by_key(|(rule, _)| rule.bank.0);
    for (rule, names) in beyond {
        let bank = &isa.machine().banks[usize::from(rule.bank.0)];
        if bank.owner == Owner::Program {
            let numbers = numbers(bank, isa.machine().indexes(rule));
            faults.push(format!("{} is not one of {numbers}", alternatives(&names)));
        }
    }
    (!faults.is_empty()).then(|| faults.join(", or "))
}

fn type_mismatch(isa: &Isa, insn: &Instruction) -> Option<String> {
    let union = isa.machine().union.as_ref();
    insn.operands.iter().find_map(|operand| match operand.kind {
        OperandKind::Constant(rule) => {
            let variant = union?.variants.get(usize::from(rule.of?.0))?;
            Some(format!("the constant `{}` is no `{}`", operand.name, variant.name))
        }
        _ => None,
    })
}

/// `a`, `a or b`, `a, b or c`.
fn alternatives(names: &[String]) -> String {
    match names {
        [names @ .., last] if !names.is_empty() => format!("{} or {last}", names.join(", ")),
        names => names.concat(),
    }
}

fn bad_jump(isa: &Isa, insn: &Instruction) -> Option<String> {
    let labels: Vec<String> = insn
        .operands
        .iter()
        .filter(|operand| matches!(operand.kind, OperandKind::Label(_)))
        .map(|operand| format!("`{}`", operand.name))
        .collect();
    if isa.container() == Container::Module {
        return (!labels.is_empty()).then(|| {
            format!("no instruction of the function starts where {} leads", alternatives(&labels))
        });
    }
    (!labels.is_empty())
        .then(|| format!("no instruction starts where {} leads", alternatives(&labels)))
}

fn stack_mismatch(isa: &Isa, insn: &Instruction) -> Option<String> {
    isa.machine().stack?;
    let jumps = isa.instructions().iter().any(|insn| !insn.effect.jumps.is_empty());
    match (returns_from_subroutines(isa, insn), jumps) {
        (true, true) => Some(
            "paths meet here with different depths, or the depth differs from that at another return"
                .to_owned(),
        ),
        (true, false) => Some("the depth differs from that at another return".to_owned()),
        (false, true) => Some("paths meet here with different depths".to_owned()),
        (false, false) => None,
    }
}

/// The instructions that rejections for a reason can name.
pub(super) enum Named<'a> {
    /// None: what is there is no instruction.
    None,
    /// Every one.
    Any,
    /// These.
    These(Vec<&'a Instruction>),
}

/// The instructions that rejections for `reason` can name.
pub(super) fn named(isa: &Isa, reason: Reason) -> Named<'_> {
    let these: Vec<&Instruction> =
        isa.instructions().iter().filter(|insn| why(isa, insn, reason).is_some()).collect();
    match these.len() {
        0 => Named::None,
        all if all == isa.instructions().len() => Named::Any,
        _ => Named::These(these),
    }
}

#[cfg(test)]
mod tests {
    use bytestone_spec::diagnostic::Source;
    use bytestone_spec::load::BuiltinOnly;

    use super::*;

    #[test]
    fn what_has_a_list_has_any_length() {
        const SPEC: &str = r#"
bytestone: spec/1
isa: lists
version: 1.0.0
title: Lists
machine: {}
code: {decode: sweep, end: halt}
operands:
  near: {raw: i8, is: label, value: insn + raw}
instructions:
  JUMP: {enc: "0x01 t:near", do: goto t, doc: d}
  TABLE: {enc: "0x02 c:u8 ts:near[n]", where: "n = c", do: "let i = i64(c)\ngoto ts[i] if 0 <= i && i < n", doc: d}
"#;
        let procedure = |text: &str| {
            let source = Source { name: "lists.yaml".into(), text: text.into() };
            procedure(&bytestone_spec::load(source, &BuiltinOnly).unwrap()).remove(0)
        };
        assert!(procedure(SPEC).starts_with("Decoding stops"));
        let table = SPEC.find("  TABLE").unwrap();
        assert!(procedure(&SPEC[..table]).starts_with("All instructions have one length"));
    }
}
