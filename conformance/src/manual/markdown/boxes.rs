//! Encodings as boxes of characters.

use bytestone_spec::isa::{Encoding, Instruction};

use super::super::layout::{
    BitWord, Block, Group, GroupHolds, Segment, SegmentHolds, blocks, fixed_text, operand_text,
    order_words, range,
};

/// Characters in a line of boxes, before they go on below.
const WIDTH: usize = 96;

/// A box: what stands above it and what in it.
struct Cell {
    above: String,
    inside: String,
}

impl Cell {
    fn width(&self) -> usize {
        self.above.chars().count().max(self.inside.chars().count()) + 2
    }
}

/// The bytes of an instruction in one of its encodings, from offset 0; words of bit fields from the highest bit.
pub(super) fn encoding(insn: &Instruction, encoding: &Encoding) -> String {
    let figures: Vec<String> = blocks(encoding).iter().map(|block| figure(insn, block)).collect();
    figures.join("\n")
}

fn figure(insn: &Instruction, block: &Block) -> String {
    match block {
        Block::Bytes(groups) => {
            lines("byte", groups.iter().flat_map(|group| byte_cells(insn, group)).collect())
        }
        Block::Bits(word) => bit_word(insn, word),
    }
}

fn byte_cells(insn: &Instruction, group: &Group) -> Vec<Cell> {
    match &group.holds {
        GroupHolds::Fixed(value) => {
            vec![Cell { above: group.at.text(), inside: format!("0x{value:02X}") }]
        }
        GroupHolds::Operand { operand, bytes, .. } => bytes
            .iter()
            .enumerate()
            .map(|(at, (high, low))| Cell {
                above: range(group.at.min + at as u32, group.at.max + at as u32),
                inside: operand_text(insn, *operand, *high, *low),
            })
            .collect(),
        GroupHolds::Align { to } => {
            let inside = format!("0 … up to a multiple of {to}");
            vec![Cell { above: format!("from {}", group.at.text()), inside }]
        }
        GroupHolds::List { operand, bytes, .. } => {
            let name = insn.operands.get(usize::from(*operand)).map_or("", |operand| &operand.name);
            let inside = format!("{name} …, {bytes} bytes each");
            vec![Cell { above: format!("from {}", group.at.text()), inside }]
        }
        GroupHolds::Leb { operand, max } => {
            let name = insn.operands.get(usize::from(*operand)).map_or("", |operand| &operand.name);
            let inside = format!("{name}, LEB128, {} bytes", range(1, *max));
            vec![Cell { above: format!("from {}", group.at.text()), inside }]
        }
    }
}

fn bit_word(insn: &Instruction, word: &BitWord) -> String {
    let bits = word.bytes * 8;
    let mut text = format!("{bits}-bit word at byte {}", word.at.text());
    if word.bytes > 1 {
        text.push_str(&format!(", {}", order_words(word.order)));
    }
    text.push('\n');
    for row in word.rows() {
        text.push_str(&lines("bit", row.iter().map(|segment| bit_cell(insn, segment)).collect()));
    }
    text
}

fn bit_cell(insn: &Instruction, segment: &Segment) -> Cell {
    let above = match segment.width() {
        1 => segment.high.to_string(),
        _ => format!("{}–{}", segment.high, segment.low),
    };
    let inside = match segment.holds {
        SegmentHolds::Fixed(value) => fixed_text(value, segment.width()),
        SegmentHolds::Zero => "0".to_owned(),
        SegmentHolds::Operand { operand, high, low } => operand_text(insn, operand, high, low),
    };
    Cell { above, inside }
}

/// Boxes side by side, as many in a line as fit.
fn lines(unit: &str, cells: Vec<Cell>) -> String {
    let mut text = String::new();
    let mut rest = cells.as_slice();
    while !rest.is_empty() {
        let mut width = 0;
        let fitting = rest
            .iter()
            .take_while(|cell| {
                width += cell.width() + 1;
                width <= WIDTH
            })
            .count()
            .max(1);
        let (line, below) = rest.split_at(fitting);
        text.push_str(&line_of(unit, line));
        rest = below;
    }
    text
}

fn line_of(unit: &str, cells: &[Cell]) -> String {
    let margin = " ".repeat(unit.len());
    let edge = |left: &str, between: &str, right: &str| {
        let lines: Vec<String> = cells.iter().map(|cell| "─".repeat(cell.width())).collect();
        format!("{margin} {left}{}{right}\n", lines.join(between))
    };
    let above: Vec<String> =
        cells.iter().map(|cell| format!("{:^width$}", cell.above, width = cell.width())).collect();
    let inside: Vec<String> =
        cells.iter().map(|cell| format!("{:^width$}", cell.inside, width = cell.width())).collect();
    format!(
        "{}\n{}{margin} │{}│\n{}",
        format!("{unit}  {}", above.join(" ")).trim_end(),
        edge("┌", "┬", "┐"),
        inside.join("│"),
        edge("└", "┴", "┘"),
    )
}
