//! What the manual says of a machine and its instructions, in sentences with code in backticks.

use bytestone_spec::Isa;
use bytestone_spec::isa::{
    ClauseId, CodeEnd, Instruction, LIMIT_TRAPS, Op, Owner, Pair, TransferKind, Trap, TrapId,
    WriteTo,
};

use super::dynamic;
use super::layout::range;
use super::memory;
use super::operands::cells;

/// A row of the table of what a machine keeps: in this order part, type, size, names, start.
pub(super) type StorageRow = [String; 5];

/// The heads of the storage table.
pub(super) const STORAGE_HEADS: StorageHeads = ["Part", "Type", "Size", "Written", "At the start"];
type StorageHeads = [&'static str; 5];

/// What a machine keeps while it runs.
pub(super) fn storage(isa: &Isa) -> Vec<StorageRow> {
    let machine = isa.machine();
    let mut rows: Vec<StorageRow> = Vec::new();
    let row = |cells: [&str; 5]| cells.map(str::to_owned);
    if let Some(stack) = machine.stack {
        let of = dynamic::type_name(isa, stack.of);
        let (ty, mut size) = (format!("`{of}`"), count(stack.depth, "cell"));
        if machine.frames.is_some() {
            size.push_str(" in each frame");
        }
        rows.push(row(["Operand stack", &ty, &size, "`[bottom … top]`", "empty"]));
    }
    for bank in &machine.banks {
        rows.push(dynamic::bank_row(isa, bank));
    }
    if let Some(depth) = machine.call_depth {
        let size = count(depth, "call");
        rows.push(row(["Call stack", "return offset", &size, "`frame N`", "empty"]));
    }
    rows.extend(memory::rows(isa));
    rows.extend(dynamic::rows(isa));
    if let Some(of) = machine.output {
        let of = dynamic::type_name(isa, of);
        rows.push(row(["Output", &format!("`{of}`"), "unbounded", "`out VALUE`", "empty"]));
    }
    rows
}

/// The storage and the rules of code in sentences.
pub(super) fn storage_words(isa: &Isa) -> Vec<String> {
    let machine = isa.machine();
    let mut words = Vec::new();
    if let Some(stack) = machine.stack {
        words.push(format!(
            "Instructions take their inputs from an operand stack of `{}` cells and leave their results there. It holds at most {}.",
            dynamic::type_name(isa, stack.of),
            count(stack.depth, "cell"),
        ));
    }
    for bank in machine.banks.iter().filter(|bank| bank.owner == Owner::Program) {
        words.push(format!(
            "The bank `{}` has {} of type `{}`, {}.",
            bank.name,
            count(bank.count, "cell"),
            dynamic::type_name(isa, bank.of),
            cells(bank),
        ));
    }
    if let Some(depth) = machine.call_depth {
        words.push(format!(
            "Calls keep their return offsets on a stack of their own; at most {depth} can be active at once.",
        ));
    }
    words.extend(memory::words(isa));
    words.extend(isa.machine().pairs.iter().map(pair_words));
    words.extend(dynamic::words(isa));
    if let Some(of) = machine.output {
        let of = dynamic::type_name(isa, of);
        words.push(format!("What a program prints are values of type `{of}`, in order."));
    }
    words.push(code_rules(isa));
    words
}

fn pair_words(pair: &Pair) -> String {
    let half = pair.of.bits / 2;
    format!(
        "A value of type `{}` is an `{}` in two neighbouring cells of {half} bits: the high half in the cell with the lower index, or below the other one on the stack, and the low half in the next.",
        pair.name, pair.of
    )
}

fn code_rules(isa: &Isa) -> String {
    let end = match isa.code_end() {
        CodeEnd::Reject => "Code that can run past its last instruction is rejected.",
        CodeEnd::Halt => "Running past the last instruction ends the program.",
    };
    if let Some(module) = dynamic::module_words(isa) {
        return format!("{module} {end}");
    }
    format!(
        "Code is instructions one after the other from offset 0, with nothing in between; execution starts at offset 0. {end}"
    )
}

/// The machine in a line of numbers.
pub(super) fn summary(isa: &Isa) -> Vec<String> {
    let machine = isa.machine();
    let mut facts = vec![count(isa.instructions().len() as u32, "instruction")];
    let min = isa.instructions().iter().map(|insn| insn.min_len()).min().unwrap_or(0);
    let max = isa.instructions().iter().map(|insn| insn.max_len()).max().unwrap_or(0);
    let plural = if (min, max) == (1, 1) { "" } else { "s" };
    facts.push(format!("{} byte{plural} each", range(min, max)));
    if let Some(stack) = machine.stack {
        facts.push(format!("stack of {} × {}", stack.depth, dynamic::type_name(isa, stack.of)));
    }
    for bank in machine.banks.iter().filter(|bank| bank.owner == Owner::Program) {
        let of = dynamic::type_name(isa, bank.of);
        facts.push(format!("{} {} × {of}", bank.name, bank.count));
    }
    if let Some(depth) = machine.call_depth {
        facts.push(format!("{} deep", count(depth, "call")));
    }
    if let Some(most) = machine.frames {
        facts.push(count(most, "frame"));
    }
    if machine.heap > 0 {
        facts.push(format!("heap of {}", count(machine.heap, "cell")));
    }
    let traps = applicable_traps(isa).count() as u32;
    facts.push(count(traps, "trap"));
    facts
}

/// `1 cell`, `2 cells`.
pub(super) fn count(number: u32, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// How one step runs, as numbered sentences.
pub(super) fn step(isa: &Isa) -> Vec<String> {
    let stack = isa.machine().stack.is_some();
    let calls = applies(isa, TrapId::CALL_DEPTH);
    let mut phases = vec![
        "The instruction at the current offset is decoded. It is one step, and the step counts even if it traps or halts.".to_owned(),
        "Phase one reads and computes. Every read sees the state before the instruction. Conditions of traps are tested in the order of the action; the first that holds ends the program.".to_owned(),
    ];
    match (stack, calls) {
        (true, true) => phases.push(
            "The limits come last in phase one: first the depth of the operand stack, then that of the call stack.".to_owned(),
        ),
        (true, false) => phases.push(
            "The limit comes last in phase one: the depth of the operand stack.".to_owned(),
        ),
        (false, true) => phases
            .push("The limit comes last in phase one: the depth of the call stack.".to_owned()),
        (false, false) => {}
    }
    if applies(isa, TrapId::OUT_OF_MEMORY) {
        phases.push("After those limits the heap is looked at: what the state before the instruction can reach and what the instruction makes must fit.".to_owned());
    }
    if !isa.machine().externs.is_empty() {
        phases.push("Between the phases the host is called, if the instruction calls it. Whatever it replies, the step takes place.".to_owned());
    }
    let changes = if stack {
        "the inputs are popped, the outputs pushed, the writes done in order"
    } else {
        "the writes are done in order"
    };
    phases.push(format!(
        "Phase two changes the state and cannot fail: {changes}, and the first transfer of control whose condition holds takes place. Without one, the next instruction follows."
    ));
    phases
}

/// The rule that follows from the phases.
pub(super) const COMMIT_RULE: &str = "An instruction happens as a whole or not at all: one that traps has changed nothing but the count of steps, and the offset stays at the instruction.";

/// Whether the machine can meet a trap: those of limits only where there is such a limit.
fn applies(isa: &Isa, id: TrapId) -> bool {
    dynamic::limit_applies(isa, id).unwrap_or(true)
}

/// The traps of a machine, those of its limits last.
pub(super) fn applicable_traps(isa: &Isa) -> impl Iterator<Item = (TrapId, &Trap)> {
    let all = isa.traps().iter().enumerate().map(|(at, trap)| (TrapId(at as u16), trap));
    let (limits, declared): (Vec<_>, Vec<_>) =
        all.filter(|(id, _)| applies(isa, *id)).partition(|(id, _)| is_limit(*id));
    declared.into_iter().chain(limits)
}

/// Whether a trap is that of a limit, which no action names.
pub(super) fn is_limit(id: TrapId) -> bool {
    usize::from(id.0) < LIMIT_TRAPS.len()
}

/// What a trap does, or that there is none.
pub(super) fn traps_words(traps: &[(TrapId, &Trap)]) -> &'static str {
    match traps {
        [] => "No instruction of this machine traps.",
        _ => {
            "A trap ends the program at the instruction that raises it, with the state before that instruction."
        }
    }
}

/// The instructions that can raise a trap.
pub(super) fn raising(isa: &Isa, id: TrapId) -> Vec<&Instruction> {
    isa.instructions().iter().filter(|insn| traps_of(isa, insn).contains(&id)).collect()
}

/// When the trap of a limit can happen.
pub(super) fn limit_words(isa: &Isa, id: TrapId) -> &'static str {
    match (id, isa.machine().call_depth) {
        (TrapId::STACK_OVERFLOW, None) => {
            "The verifier knows every depth on this machine and rejects such code, so a verified program never gets here."
        }
        (TrapId::STACK_OVERFLOW, Some(_)) => {
            "The verifier rejects code whose depth it can bound; what is left is recursion that makes the stack deeper."
        }
        (TrapId::OUT_OF_MEMORY, _) => {
            "An instruction that makes something on the heap finds no room for it, once what cannot be reached is gone."
        }
        (TrapId::BAD_ADDRESS, _) => {
            "A load or store reaches a byte that is in no region of memory, or bytes of two regions."
        }
        (TrapId::CALL_DEPTH, None) => "A call finds as many frames active as the machine allows.",
        (TrapId::CALL_DEPTH, _) => "A call finds as many calls active as the machine allows.",
        _ => "",
    }
}

/// The traps that an instruction can raise: its own in the order of its action, then limits.
pub(super) fn traps_of(isa: &Isa, insn: &Instruction) -> Vec<TrapId> {
    let mut traps: Vec<TrapId> = Vec::new();
    for op in &insn.body.ops {
        if let Op::TrapIf { trap, .. } = op
            && !traps.contains(trap)
        {
            traps.push(*trap);
        }
    }
    let grows = insn.effect.outputs.len() > insn.effect.inputs.len();
    if grows && isa.machine().call_depth.is_some() {
        traps.push(TrapId::STACK_OVERFLOW);
    }
    if dynamic::calls(insn) {
        traps.push(TrapId::CALL_DEPTH);
    }
    if memory::reaches(insn) {
        traps.push(TrapId::BAD_ADDRESS);
    }
    if insn.body.allocates() {
        traps.push(TrapId::OUT_OF_MEMORY);
    }
    traps
}

/// What an instruction does to the stack, in words.
pub(super) fn stack_words(insn: &Instruction) -> String {
    let (pops, pushes) = (insn.effect.inputs.len(), insn.effect.outputs.len());
    if let Some(words) = list_words(insn) {
        return words;
    }
    let mut words = match (pops, pushes) {
        (0, 0) if insn.effect.call.is_some() => String::new(),
        (0, 0) => "Leaves the stack as it is.".to_owned(),
        (pops, 0) => format!("Pops {pops}."),
        (0, pushes) => format!("Pushes {pushes}."),
        (pops, pushes) => format!("Pops {pops}, pushes {pushes}."),
    };
    if let Some(callee) = callee(insn) {
        let space = if words.is_empty() { "" } else { " " };
        words.push_str(&format!("{space}Then the subroutine `{callee}` does what it does to it."));
    }
    words
}

/// What a definition is.
pub(super) const DEFINITION_WORDS: &str = "Functions that actions use. Each stands for its expression, with arguments in place of parameters.";

/// What an instruction does to the stack that pops a list.
fn list_words(insn: &Instruction) -> Option<String> {
    let list = insn.effect.list.as_ref()?;
    let many = insn.operands.get(usize::from(list.count)).map_or("", |operand| &operand.name);
    let below = match insn.effect.inputs.len() {
        0 => String::new(),
        pops => format!(" and {pops} below them"),
    };
    let pushes = match insn.effect.outputs.len() {
        _ if dynamic::invokes(insn) => {
            ". What the function returns is pushed when it does.".to_owned()
        }
        0 => ".".to_owned(),
        pushes => format!(", pushes {pushes}."),
    };
    Some(format!("Pops `{many}` values{below}{pushes}"))
}

/// The operand that names the subroutine which an instruction calls.
pub(super) fn callee(insn: &Instruction) -> Option<&str> {
    let operand = insn.operands.get(usize::from(insn.effect.call?))?;
    Some(&operand.name)
}

/// Where control goes after an instruction; `None` if just to the next one.
pub(super) fn flow(isa: &Isa, insn: &Instruction) -> Option<String> {
    let effect = &insn.effect;
    if let Some(callee) = callee(insn) {
        return Some(format!(
            "Execution goes on at `{callee}`, and with the next instruction when that returns."
        ));
    }
    if let Some(flow) = dynamic::flow(insn) {
        return Some(flow.to_owned());
    }
    let mut ways: Vec<String> = effect
        .jumps
        .iter()
        .filter_map(|at| Some((insn.operands.get(usize::from(*at))?, usize::from(*at))))
        .map(|(operand, at)| match at < insn.scalars() {
            true => format!("at `{}`", operand.name),
            false => format!("at an element of `{}`", operand.name),
        })
        .collect();
    if effect.returns {
        ways.push("after the latest call".to_owned());
    }
    if ways.is_empty() && !effect.halts {
        return None;
    }
    if effect.falls_through {
        ways.push(match isa.code_end() {
            CodeEnd::Reject => "with the next instruction".to_owned(),
            CodeEnd::Halt => "with the next instruction, if there is one".to_owned(),
        });
    }
    let end = match (ways.is_empty(), effect.halts) {
        (true, _) => return Some("The program ends.".to_owned()),
        (false, true) => ", or the program ends",
        (false, false) => "",
    };
    Some(format!("Execution goes on {}{end}.", ways.join(" or ")))
}

/// What a clause of an instruction stands for.
pub(super) fn clause(isa: &Isa, insn: &Instruction, id: ClauseId) -> String {
    for op in &insn.body.ops {
        if let Op::TrapIf { trap, clause, .. } = op
            && *clause == id
        {
            return format!("traps `{}`", isa.trap(*trap).name);
        }
    }
    if let Some(write) = insn.body.writes.iter().find(|write| write.clause == id) {
        return match write.to {
            WriteTo::Bank { bank, .. } => {
                let bank = isa.machine().banks.get(usize::from(bank.0));
                format!("writes `{}`", bank.map_or("", |bank| &bank.name))
            }
            WriteTo::Output => "prints".to_owned(),
            WriteTo::Element { .. } => "sets an element".to_owned(),
            WriteTo::Entry { .. } => "sets an entry".to_owned(),
            WriteTo::Field { field, .. } => {
                let union = isa.machine().union.as_ref();
                let name = union.map_or_else(String::new, |union| union.field_name(field));
                format!("sets `{name}`")
            }
            WriteTo::Global { .. } => "sets a global variable".to_owned(),
            WriteTo::Memory { .. } => "writes memory".to_owned(),
            WriteTo::Host { function, .. } => {
                format!("calls the host's `{}`", isa.external(function).name)
            }
        };
    }
    let operand = |at: u8| insn.operands.get(usize::from(at)).map_or("", |operand| &operand.name);
    match insn.body.transfers.iter().find(|transfer| transfer.clause == id) {
        Some(transfer) => match transfer.kind {
            TransferKind::Jump { operand: at } => format!("jumps to `{}`", operand(at)),
            TransferKind::JumpList { operand: at, .. } => {
                format!("jumps to an element of `{}`", operand(at))
            }
            TransferKind::Call { operand: at } => format!("calls `{}`", operand(at)),
            TransferKind::Invoke { .. } => "calls the function".to_owned(),
            TransferKind::Return | TransferKind::Leave { .. } => "returns".to_owned(),
            TransferKind::Halt => "ends the program".to_owned(),
        },
        None => pushed(insn, id),
    }
}

/// The output that a clause of no other kind gives its value.
fn pushed(insn: &Instruction, id: ClauseId) -> String {
    let clause = insn.clauses.get(usize::from(id.0)).map_or("", |clause| &clause.id);
    let part = clause.strip_prefix(&insn.name).and_then(|rest| rest.strip_prefix('.'));
    let name = part.map_or("", |part| part.split('#').next().unwrap_or(part));
    match insn.effect.outputs.iter().any(|output| output == name) {
        true => format!("pushes `{name}`"),
        false => "pushes".to_owned(),
    }
}

/// What an instruction without an action of its own does.
pub(super) fn without_action(insn: &Instruction) -> &'static str {
    match (insn.effect.inputs.is_empty(), insn.effect.outputs.is_empty()) {
        (_, false) => "None of its own: each output is the input or operand of its name.",
        (false, true) => "None beyond the stack effect.",
        (true, true) => "None.",
    }
}
