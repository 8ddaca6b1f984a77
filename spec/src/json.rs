//! A checked [`Isa`] as JSON, for tools that are not written in Rust.
//!
//! The document has the header `bytestone: isa/1` and the tables of [`crate::isa`] under the names
//! that they have there, in a fixed order:
//!
//! | key | value |
//! |---|---|
//! | `isa`, `version`, `title`, `about` | texts |
//! | `sources` | list of `{name, title}` |
//! | `machine` | `{stack, banks, call_depth, output, union, frames, named_globals, heap, memory, saved, externs}`; what the machine does not have is `null` |
//! | `container` | `raw` or `module` |
//! | `code_end` | `reject` or `halt` |
//! | `traps` | list of `{name, doc, ref}`, those of the limits first |
//! | `definitions` | list of `{signature, value, doc}`; bodies have the expressions in place of them |
//! | `instructions` | list of instructions, see below |
//! | `decisions`, `errata` | lists of `{name, ref, text}` |
//!
//! An instruction is `{name, doc, ref, since, features, text, operands, encodings, count,
//! conditions, effect, body, clauses}`. `count` says how many elements the last operand has if that is a
//! list; none of the `conditions` is negative. Types are texts (`i32`). Masks and cells are texts in hexadecimal, because not every
//! JSON reader keeps 64 bits of a number. Banks, traps and clauses are given by name, operands and
//! temporaries by number. A part of an encoding is a `word`, `leb`, `align` or `list`, told apart by
//! `part`; operations, writes and transfers are told apart by `op`, `to` and `kind`.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::isa::{
    BankId, BinaryOp, Body, ByteOrder, CellType, ClauseId, CodeEnd, Container, Conversion, Effect,
    Encoding, Extern, FieldId, FloatOp, Instruction, IntType, Isa, LabelBase, LabelRole, Linear,
    Machine, New, Note, Op, Operand, OperandKind, Owner, Part, Payload, Question, Record, RecordId,
    Region, RegionId, Start, Temp, Transfer, TransferKind, UnaryOp, Union, VariantId, Word, Write,
    WriteTo,
};

/// The header of the document.
pub const HEADER: &str = "isa/1";

/// An instruction set as JSON. The same instruction set gives the same text, byte for byte.
///
/// ```
/// let isa = bytestone_spec::load_builtin("stack").unwrap().unwrap();
/// let json = bytestone_spec::json::to_json(&isa);
/// assert_eq!(json["instructions"][1]["encodings"][0]["max_len"], 5);
/// assert_eq!(json["machine"]["stack"]["of"], "i32");
/// ```
pub fn to_json(isa: &Isa) -> Value {
    let sources: Vec<Value> =
        isa.sources().iter().map(|(name, title)| json!({"name": name, "title": title})).collect();
    let traps: Vec<Value> = isa
        .traps()
        .iter()
        .map(|trap| json!({"name": trap.name, "doc": trap.doc, "ref": trap.reference}))
        .collect();
    let definitions: Vec<Value> = isa
        .definitions()
        .iter()
        .map(|it| json!({"signature": it.signature, "value": it.value, "doc": it.doc}))
        .collect();
    let instructions: Vec<Value> =
        isa.instructions().iter().map(|insn| instruction(isa, insn)).collect();
    json!({
        "bytestone": HEADER,
        "isa": isa.name(),
        "version": isa.version().to_string(),
        "title": isa.title(),
        "about": isa.about(),
        "sources": sources,
        "machine": machine(isa.machine()),
        "container": match isa.container() {
            Container::Raw => "raw",
            Container::Module => "module",
        },
        "code_end": match isa.code_end() {
            CodeEnd::Reject => "reject",
            CodeEnd::Halt => "halt",
        },
        "traps": traps,
        "definitions": definitions,
        "instructions": instructions,
        "decisions": notes(isa.decisions()),
        "errata": notes(isa.errata()),
    })
}

fn notes(notes: &[Note]) -> Vec<Value> {
    notes
        .iter()
        .map(|note| json!({"name": note.name, "ref": note.reference, "text": note.text}))
        .collect()
}

fn ty(ty: IntType) -> String {
    ty.to_string()
}

fn hex(bits: u64) -> String {
    format!("{bits:#x}")
}

fn machine(machine: &Machine) -> Value {
    let banks: Vec<Value> = machine
        .banks
        .iter()
        .map(|bank| {
            json!({
                "name": bank.name,
                "prefix": bank.prefix,
                "of": cell(machine, bank.of),
                "count": bank.count,
                "owner": match bank.owner {
                    Owner::Program => "program",
                    Owner::Frame => "frame",
                    Owner::Closure => "closure",
                },
                "start": bank.start.iter().map(|(cell, from)| start(machine, *cell, *from)).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "stack": machine.stack.map(|stack| json!({"of": cell(machine, stack.of), "depth": stack.depth})),
        "banks": banks,
        "call_depth": machine.call_depth,
        "output": machine.output.map(|of| cell(machine, of)),
        "pairs": machine.pairs.iter().map(|pair| json!({"name": pair.name, "of": ty(pair.of)})).collect::<Vec<_>>(),
        "union": machine.union.as_ref().map(union),
        "frames": machine.frames,
        "named_globals": machine.named_globals,
        "heap": machine.heap,
        "memory": machine.memory.iter().map(region).collect::<Vec<_>>(),
        "saved": machine.saved.map(|saved| json!({
            "bank": machine.banks[usize::from(saved.bank.0)].name,
            "first": saved.first,
            "last": saved.last,
        })),
        "externs": machine.externs.iter().map(function).collect::<Vec<_>>(),
    })
}

fn function(function: &Extern) -> Value {
    json!({
        "name": function.name,
        "args": function.args.iter().map(|&of| ty(of)).collect::<Vec<_>>(),
        "result": function.result.map(ty),
        "doc": function.doc,
        "ref": function.reference,
    })
}

fn region(region: &Region) -> Value {
    json!({"name": region.name, "base": hex(region.base), "size": region.size, "input": region.input})
}

fn start(machine: &Machine, cell: u32, start: Start) -> Value {
    let name = |id: RegionId| machine.memory[usize::from(id.0)].name.as_str();
    match start {
        Start::Number(number) => json!({"cell": cell, "number": hex(number)}),
        Start::Base(region) => json!({"cell": cell, "base": name(region)}),
        Start::Size(region) => json!({"cell": cell, "size": name(region)}),
        Start::End(region) => json!({"cell": cell, "end": name(region)}),
    }
}

fn cell(machine: &Machine, of: CellType) -> String {
    match (of, &machine.union) {
        (CellType::Int(of), _) => ty(of),
        (CellType::Value, Some(union)) => union.name.clone(),
        (CellType::Value, None) => String::new(),
    }
}

fn union(union: &Union) -> Value {
    let variants: Vec<Value> = union
        .variants
        .iter()
        .map(|variant| json!({"name": variant.name, "payload": payload(union, variant.payload)}))
        .collect();
    let record = |record: &Arc<Record>| json!({"name": record.name, "fields": record.fields});
    let records: Vec<Value> = union.records.iter().map(record).collect();
    json!({"name": union.name, "variants": variants, "records": records})
}

fn payload(union: &Union, payload: Payload) -> String {
    match payload {
        Payload::Unit => "unit".to_owned(),
        Payload::Bool => "bool".to_owned(),
        Payload::Int(of) => ty(of),
        Payload::Float => "f64".to_owned(),
        Payload::Str => "str".to_owned(),
        Payload::Array => "array".to_owned(),
        Payload::Map => "map".to_owned(),
        Payload::Closure => "closure".to_owned(),
        Payload::Record(record) => record_name(union, record),
    }
}

fn record_name(union: &Union, id: RecordId) -> String {
    union.record(id).map_or_else(String::new, |record| record.name.clone())
}

fn variant(isa: &Isa, id: VariantId) -> Option<&str> {
    let union = isa.machine().union.as_ref()?;
    union.variants.get(usize::from(id.0)).map(|variant| variant.name.as_str())
}

fn instruction(isa: &Isa, insn: &Instruction) -> Value {
    let operands: Vec<Value> =
        insn.operands.iter().map(|operand| operand_row(isa, operand)).collect();
    let clauses: Vec<&str> = insn.clauses.iter().map(|clause| clause.id.as_str()).collect();
    json!({
        "name": insn.name,
        "doc": insn.doc,
        "ref": insn.reference,
        "since": insn.since.map(|version| version.to_string()),
        "features": insn.features,
        "text": {
            "enc": insn.text.enc,
            "where": insn.text.condition,
            "stack": insn.text.stack,
            "fuse": insn.text.fuse,
            "asm": insn.text.asm,
            "do": insn.text.action,
        },
        "operands": operands,
        "encodings": insn.encodings.iter().map(encoding).collect::<Vec<_>>(),
        "count": insn.count.as_ref().map(linear),
        "conditions": insn.conditions.iter().map(linear).collect::<Vec<_>>(),
        "effect": effect(&insn.effect),
        "body": body(isa, insn),
        "clauses": clauses,
    })
}

fn bank(isa: &Isa, id: BankId) -> &str {
    &isa.machine().banks[usize::from(id.0)].name
}

fn operand_row(isa: &Isa, operand: &Operand) -> Value {
    let kind = match operand.kind {
        OperandKind::Immediate => json!({"is": "imm"}),
        OperandKind::Index(rule) => json!({
            "is": "index",
            "bank": bank(isa, rule.bank),
            "pair": rule.pair.map(ty),
        }),
        OperandKind::Label(rule) => json!({
            "is": match rule.role {
                LabelRole::Jump => "label",
                LabelRole::Entry => "entry",
            },
            "base": match rule.base {
                LabelBase::Code => "code",
                LabelBase::Insn => "insn",
                LabelBase::Next => "next",
                LabelBase::Operand => "operand",
            },
            "scale": rule.scale,
            "bias": rule.bias,
        }),
        OperandKind::Constant(rule) => json!({
            "is": "const",
            "of": rule.of.and_then(|of| variant(isa, of)),
            "first": rule.first,
        }),
        OperandKind::Function => json!({"is": "func"}),
    };
    json!({"name": operand.name, "raw": ty(operand.raw), "kind": kind})
}

fn encoding(encoding: &Encoding) -> Value {
    let parts: Vec<Value> = encoding
        .parts
        .iter()
        .map(|part| match part {
            Part::Word(part) => word(part),
            Part::Leb { operand } => json!({"part": "leb", "operand": operand}),
            Part::Align { to } => json!({"part": "align", "to": to}),
            Part::List { operand, bytes, order: list_order } => json!({
                "part": "list",
                "operand": operand,
                "bytes": bytes,
                "order": order(*list_order),
            }),
        })
        .collect();
    let raws: Vec<String> = encoding.raws.iter().map(|&raw| ty(raw)).collect();
    json!({
        "min_len": encoding.min_len,
        "max_len": encoding.max_len,
        "raws": raws,
        "parts": parts,
    })
}

fn word(word: &Word) -> Value {
    let fields: Vec<Value> = word
        .fields
        .iter()
        .map(|field| {
            json!({
                "operand": field.operand,
                "word_low": field.word_low,
                "width": field.width,
                "operand_low": field.operand_low,
            })
        })
        .collect();
    json!({
        "part": "word",
        "bytes": word.bytes,
        "order": order(word.order),
        "fixed_mask": hex(word.fixed_mask),
        "fixed_value": hex(word.fixed_value),
        "zero_mask": hex(word.zero_mask),
        "fields": fields,
    })
}

fn order(order: ByteOrder) -> &'static str {
    match order {
        ByteOrder::Little => "le",
        ByteOrder::Big => "be",
    }
}

fn linear(sum: &Linear) -> Value {
    let terms: Vec<Value> = sum
        .terms
        .iter()
        .map(|(operand, factor)| json!({"operand": operand, "factor": factor}))
        .collect();
    json!({"terms": terms, "constant": sum.constant.to_string()})
}

fn effect(effect: &Effect) -> Value {
    json!({
        "inputs": effect.inputs,
        "list": effect.list.as_ref().map(|list| json!({"name": list.name, "count": list.count})),
        "outputs": effect.outputs,
        "falls_through": effect.falls_through,
        "jumps": effect.jumps,
        "call": effect.call,
        "returns": effect.returns,
        "returns_if_called": effect.returns_if_called,
        "halts": effect.halts,
    })
}

fn body(isa: &Isa, insn: &Instruction) -> Value {
    let Body { inputs, list, operands, ops, outputs, writes, transfers } = &insn.body;
    let ops: Vec<Value> = ops.iter().map(|row| op(isa, insn, row)).collect();
    let writes: Vec<Value> = writes.iter().map(|row| write(isa, insn, row)).collect();
    let transfers: Vec<Value> = transfers.iter().map(|row| transfer(insn, row)).collect();
    json!({
        "inputs": inputs,
        "list": list,
        "operands": operands,
        "ops": ops,
        "outputs": outputs,
        "writes": writes,
        "transfers": transfers,
    })
}

fn clause(insn: &Instruction, id: ClauseId) -> &str {
    &insn.clauses[usize::from(id.0)].id
}

fn op(isa: &Isa, insn: &Instruction, op: &Op) -> Value {
    match *op {
        Op::Const(cell) => json!({"op": "const", "cell": hex(cell)}),
        Op::Read { bank: id, index } => {
            json!({"op": "read", "bank": bank(isa, id), "index": index})
        }
        Op::Depth => json!({"op": "depth"}),
        Op::Reply { function } => json!({"op": "reply", "function": isa.external(function).name}),
        Op::Load { guard, ty: of, address } => {
            json!({"op": "load", "guard": guard, "type": ty(of), "address": address})
        }
        Op::Reach { guard, ty: of, address } => {
            json!({"op": "reach", "guard": guard, "type": ty(of), "address": address})
        }
        Op::Unary { op, ty: of, a } => {
            let name = match op {
                UnaryOp::Wrap => "wrap",
                UnaryOp::Not => "not",
                UnaryOp::Swap => "swap_bytes",
            };
            json!({"op": name, "type": ty(of), "a": a})
        }
        Op::Binary { op, ty: of, a, b } => {
            json!({"op": binary(op), "type": ty(of), "a": a, "b": b})
        }
        Op::Select { cond, then, other } => {
            json!({"op": "select", "cond": cond, "then": then, "other": other})
        }
        Op::Is { a, variant: id } => json!({"op": "is", "variant": variant(isa, id), "a": a}),
        Op::Payload { a, variant: id } => {
            json!({"op": "payload", "variant": variant(isa, id), "a": a})
        }
        Op::Make { a, variant: id } => json!({"op": "make", "variant": variant(isa, id), "a": a}),
        Op::Float { op, a, b } => json!({"op": float(op), "a": a, "b": b}),
        Op::Convert { way, ty: of, a } => {
            let name = match way {
                Conversion::ToFloat => "to_float",
                Conversion::Truncate => "truncate",
            };
            json!({"op": name, "type": ty(of), "a": a})
        }
        Op::Ask { question: Question::Field(id), a, .. } => {
            json!({"op": "field", "field": field(isa, id), "a": a})
        }
        Op::Ask { question, a, b } => json!({"op": ask(question), "a": a, "b": b}),
        Op::New { guard, what } => new(isa, guard, what),
        Op::TrapIf { cond, trap, clause: id } => json!({
            "op": "trap_if",
            "cond": cond,
            "trap": isa.trap(trap).name,
            "clause": clause(insn, id),
        }),
    }
}

fn float(op: FloatOp) -> &'static str {
    match op {
        FloatOp::Add => "float_add",
        FloatOp::Sub => "float_sub",
        FloatOp::Mul => "float_mul",
        FloatOp::Div => "float_div",
        FloatOp::Rem => "float_rem",
        FloatOp::Neg => "float_neg",
        FloatOp::Eq => "float_eq",
        FloatOp::Lt => "float_lt",
        FloatOp::Le => "float_le",
    }
}

fn ask(question: Question) -> &'static str {
    match question {
        Question::Equal => "equal",
        Question::StrLen => "str_len",
        Question::StrEq => "str_eq",
        Question::StrLt => "str_lt",
        Question::StrLe => "str_le",
        Question::ArrayLen => "array_len",
        Question::Element => "element",
        Question::MapLen => "map_len",
        Question::Has => "has",
        Question::Entry => "entry",
        Question::HasGlobal => "has_global",
        Question::Global => "global",
        Question::Arity => "arity",
        Question::Field(_) => "field",
    }
}

fn field(isa: &Isa, id: FieldId) -> Option<String> {
    isa.machine().union.as_ref().map(|union| union.field_name(id))
}

fn new(isa: &Isa, guard: Option<Temp>, what: New) -> Value {
    match what {
        New::Concat(a, b) => json!({"op": "new_concat", "guard": guard, "a": a, "b": b}),
        New::Array => json!({"op": "new_array", "guard": guard}),
        New::Map => json!({"op": "new_map", "guard": guard}),
        New::Closure(function) => json!({"op": "new_closure", "guard": guard, "a": function}),
        New::Record { record, fields } => {
            let union = isa.machine().union.as_ref();
            let of = union.and_then(|union| union.record(record));
            let count = of.map_or(0, |of| of.fields.len());
            json!({
                "op": "new_record",
                "guard": guard,
                "record": of.map(|of| &of.name),
                "fields": &fields[..count],
            })
        }
    }
}

fn binary(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "add",
        BinaryOp::Sub => "sub",
        BinaryOp::Mul => "mul",
        BinaryOp::DivTrunc => "div_trunc",
        BinaryOp::DivFloor => "div_floor",
        BinaryOp::RemTrunc => "rem_trunc",
        BinaryOp::RemFloor => "rem_floor",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
        BinaryOp::Xor => "xor",
        BinaryOp::Shl => "shl",
        BinaryOp::Shr => "shr",
        BinaryOp::Eq => "eq",
        BinaryOp::Ne => "ne",
        BinaryOp::Lt => "lt",
        BinaryOp::Le => "le",
    }
}

fn write(isa: &Isa, insn: &Instruction, write: &Write) -> Value {
    let mut row = match write.to {
        WriteTo::Bank { bank: id, index } => {
            json!({"to": "bank", "bank": bank(isa, id), "index": index})
        }
        WriteTo::Output => json!({"to": "output"}),
        WriteTo::Element { array, index } => {
            json!({"to": "element", "array": array, "index": index})
        }
        WriteTo::Entry { map, key } => json!({"to": "entry", "map": map, "key": key}),
        WriteTo::Field { object, field: id } => {
            json!({"to": "field", "field": field(isa, id), "object": object})
        }
        WriteTo::Global { name } => json!({"to": "global", "name": name}),
        WriteTo::Memory { ty: of, address } => {
            json!({"to": "memory", "type": ty(of), "address": address})
        }
        WriteTo::Host { function, arguments } => json!({
            "to": "host",
            "function": isa.external(function).name,
            "arguments": arguments.temps(),
        }),
    };
    row["value"] = json!(write.value);
    row["guard"] = json!(write.guard);
    row["clause"] = json!(clause(insn, write.clause));
    row
}

fn transfer(insn: &Instruction, transfer: &Transfer) -> Value {
    let (kind, operand, value, index) = match transfer.kind {
        TransferKind::Jump { operand } => ("jump", Some(operand), None, None),
        TransferKind::JumpList { operand, index } => {
            ("jump_list", Some(operand), None, Some(index))
        }
        TransferKind::Call { operand } => ("call", Some(operand), None, None),
        TransferKind::Return => ("return", None, None, None),
        TransferKind::Invoke { closure } => ("invoke", None, Some(closure), None),
        TransferKind::Leave { value } => ("leave", None, Some(value), None),
        TransferKind::Halt => ("halt", None, None, None),
    };
    json!({
        "kind": kind,
        "operand": operand,
        "value": value,
        "index": index,
        "guard": transfer.guard,
        "clause": clause(insn, transfer.clause),
    })
}
