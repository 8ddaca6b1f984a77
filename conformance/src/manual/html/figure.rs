//! Figures: encodings as boxes of bytes or bits, and what happens on the stack.

use bytestone_spec::Isa;
use bytestone_spec::isa::{Instruction, OperandKind};
use maud::{Markup, html};

use super::super::facts::{callee, stack_words};
use super::super::layout::{
    BitWord, Block, Group, GroupHolds, ROW_BITS, Segment, SegmentHolds, blocks, fixed_text,
    heading, operand_text, order_words, range,
};
use super::super::operands::kind;

/// The bytes of an instruction.
pub(super) fn encoding(isa: &Isa, insn: &Instruction) -> Markup {
    html! {
        @for (at, encoding) in insn.encodings.iter().enumerate() {
            @if let Some(heading) = heading(insn, at) { p.quiet { (heading) } }
            @for block in blocks(encoding) {
                @match block {
                    Block::Bytes(groups) => div.strip {
                        @for group in &groups { (byte_group(isa, insn, group)) }
                    },
                    Block::Bits(word) => (bit_word(isa, insn, &word)),
                }
            }
        }
    }
}

fn byte_group(isa: &Isa, insn: &Instruction, group: &Group) -> Markup {
    match &group.holds {
        GroupHolds::Fixed(value) => html! {
            div.group.fixed {
                div.cell { span.at { (group.at.text()) } b { (format!("0x{value:02X}")) } }
                div.label { "opcode" }
            }
        },
        GroupHolds::Operand { operand, order, bytes } => html! {
            div class={ "group " (class(insn, *operand)) } style={ "--bytes:" (bytes.len()) } {
                @for (byte, (high, low)) in bytes.iter().enumerate() {
                    div.cell {
                        span.at { (range(group.at.min + byte as u32, group.at.max + byte as u32)) }
                        b { (operand_text(insn, *operand, *high, *low)) }
                    }
                }
                div.label {
                    (described(isa, insn, *operand))
                    @if bytes.len() > 1 { ", " (order_words(*order)) }
                }
            }
        },
        GroupHolds::Align { to } => html! {
            div.group.zero {
                div.cell { span.at { "from " (group.at.text()) } b { "0 …" } }
                div.label { "zero bytes up to a multiple of " (to) }
            }
        },
        GroupHolds::List { operand, bytes, order } => html! {
            div class={ "group leb " (class(insn, *operand)) } {
                div.cell {
                    span.at { "from " (group.at.text()) }
                    b { (insn.operands.get(usize::from(*operand)).map_or("", |operand| &operand.name)) " …" }
                }
                div.label {
                    (described(isa, insn, *operand)) ", a list of " (bytes) " bytes each"
                    @if *bytes > 1 { ", " (order_words(*order)) }
                }
            }
        },
        GroupHolds::Leb { operand, max } => html! {
            div class={ "group leb " (class(insn, *operand)) } {
                div.cell {
                    span.at { "from " (group.at.text()) }
                    b { (insn.operands.get(usize::from(*operand)).map_or("", |operand| &operand.name)) }
                }
                div.label { (described(isa, insn, *operand)) ", LEB128, " (range(1, *max)) " bytes" }
            }
        },
    }
}

/// Name, type and meaning: `target: i16, label`.
fn described(isa: &Isa, insn: &Instruction, at: u8) -> Markup {
    html! {
        @if let Some(operand) = insn.operands.get(usize::from(at)) {
            b { (operand.name) } ": " (operand.raw)
            @if operand.kind != OperandKind::Immediate { ", " (kind(isa, operand)) }
        }
    }
}

/// The class of the boxes of an operand.
fn class(insn: &Instruction, operand: u8) -> &'static str {
    match insn.operands.get(usize::from(operand)).map(|operand| operand.kind) {
        Some(OperandKind::Index(_) | OperandKind::Constant(_) | OperandKind::Function) => "index",
        Some(OperandKind::Label(_)) => "leads",
        Some(OperandKind::Immediate) | None => "number",
    }
}

fn bit_word(isa: &Isa, insn: &Instruction, word: &BitWord) -> Markup {
    let bits = word.bytes * 8;
    html! {
        div.word {
            p.label {
                (bits) "-bit word at byte " (word.at.text())
                @if word.bytes > 1 { ", stored " (order_words(word.order)) }
            }
            @for row in word.rows() { (bit_row(isa, insn, word, row)) }
        }
    }
}

fn bit_row(isa: &Isa, insn: &Instruction, word: &BitWord, row: &[Segment]) -> Markup {
    let columns = ROW_BITS.min(word.bytes * 8);
    let base = row.last().map_or(0, |segment| segment.low);
    let high = row.first().map_or(0, |segment| segment.high);
    let place = |high: u8, low: u8| {
        format!("grid-column:{}/span {}", columns - (high - base), high - low + 1)
    };
    html! {
        div.bits style={ "--columns:" (columns) } {
            @for segment in row {
                div class={ "segment " (segment_class(insn, segment)) }
                    style=(place(segment.high, segment.low)) {
                    span.at {
                        span { (segment.high) }
                        @if segment.width() > 1 { span { (segment.low) } }
                    }
                    (segment_text(isa, insn, segment))
                }
            }
            @if word.bytes > 1 {
                @for byte in (base / 8..=high / 8).rev() {
                    div.tick style=(place(byte * 8 + 7, byte * 8)) { "byte " (word.byte_of(byte * 8)) }
                }
            }
        }
    }
}

fn segment_class(insn: &Instruction, segment: &Segment) -> &'static str {
    match segment.holds {
        SegmentHolds::Fixed(_) => "fixed",
        SegmentHolds::Zero => "zero",
        SegmentHolds::Operand { operand, .. } => class(insn, operand),
    }
}

fn segment_text(isa: &Isa, insn: &Instruction, segment: &Segment) -> Markup {
    match segment.holds {
        SegmentHolds::Fixed(value) => html! {
            b { (fixed_text(value, segment.width())) } small { "opcode" }
        },
        SegmentHolds::Zero => html! { b { "0" } small { "must be 0" } },
        SegmentHolds::Operand { operand, high, low } => html! {
            b { (operand_text(insn, operand, high, low)) }
            @if let Some(operand) = insn.operands.get(usize::from(operand)) {
                small { (kind(isa, operand)) }
            }
        },
    }
}

/// The stack before and after.
pub(super) fn stack(insn: &Instruction) -> Markup {
    let effect = &insn.effect;
    html! {
        div.stack {
            (cells("before", &effect.inputs, None))
            span.arrow aria-hidden="true" { "→" }
            (cells("after", &effect.outputs, callee(insn)))
        }
        p.quiet { (stack_words(insn)) }
    }
}

fn cells(when: &str, names: &[String], callee: Option<&str>) -> Markup {
    html! {
        // The cells in their order on the stack; the top is at the right.
        div.cells {
            span.when { (when) }
            span.cell.rest { "…" }
            @for (at, name) in names.iter().enumerate() {
                @let column = format!("grid-column:{}", at + 2);
                @if at > 0 && at + 1 == names.len() && callee.is_none() {
                    span.top style=(column) { "top" }
                }
                span.cell style=(column) { (name) }
            }
            @if let Some(callee) = callee { span.cell.callee { "what " (callee) " leaves" } }
        }
    }
}
