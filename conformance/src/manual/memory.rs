//! What a manual says of memory, of what registers hold at the start, and of what calls save.

use bytestone_spec::isa::{Bank, Instruction, Isa, Op, Region, Start};

use super::facts::count;

/// The regions of memory as rows of the table of storage.
pub(super) fn rows(isa: &Isa) -> impl Iterator<Item = [String; 5]> {
    isa.machine().memory.iter().map(|region| {
        let size = match region.input {
            true => format!("as given, at most {}", count(region.size, "byte")),
            false => count(region.size, "byte"),
        };
        [
            format!("Memory `{}`", region.name),
            format!("bytes at {:#x}", region.base),
            size,
            format!("`{}[OFFSET] = 2a 00`", region.name),
            if region.input { "the input".to_owned() } else { "zero".to_owned() },
        ]
    })
}

/// The same in sentences.
pub(super) fn words(isa: &Isa) -> Vec<String> {
    let machine = isa.machine();
    let mut words: Vec<String> = machine.memory.iter().map(region).collect();
    if !machine.memory.is_empty() {
        words.push("A number in memory has its least significant byte first, and need not be aligned. A load or store whose bytes are not all in one region traps `bad_address` and has done nothing.".to_owned());
    }
    for bank in &machine.banks {
        words.extend(start(isa, bank));
    }
    if let Some(saved) = machine.saved {
        let bank = &machine.banks[usize::from(saved.bank.0)];
        words.push(format!(
            "A call saves the cells {0}{1} to {0}{2} as they were before it; the return from it restores them.",
            bank.prefix, saved.first, saved.last,
        ));
    }
    words
}

fn region(region: &Region) -> String {
    let size = count(region.size, "byte");
    let what = match region.input {
        true => format!("has at most {size}, and is what a program is given"),
        false => format!("has {size}, and is all zero when a program starts"),
    };
    format!("The region `{}` of memory begins at address {:#x}, {what}.", region.name, region.base)
}

fn start(isa: &Isa, bank: &Bank) -> Option<String> {
    let region = |id: bytestone_spec::isa::RegionId| {
        isa.machine().memory.get(usize::from(id.0)).map_or("", |region| &region.name)
    };
    let cells: Vec<String> = bank
        .start
        .iter()
        .map(|(index, start)| {
            let what = match *start {
                Start::Number(cell) => bank.of.int().map_or(0, |ty| ty.value(cell)).to_string(),
                Start::Base(id) => format!("the address of `{}`", region(id)),
                Start::Size(id) => format!("the number of bytes of `{}`", region(id)),
                Start::End(id) => format!("the address behind `{}`", region(id)),
            };
            format!("{}{index} holds {what}", bank.prefix)
        })
        .collect();
    (!cells.is_empty()).then(|| format!("At the start {}; other cells are zero.", cells.join(", ")))
}

/// Whether an instruction loads or stores.
pub(super) fn reaches(insn: &Instruction) -> bool {
    insn.body.ops.iter().any(|op| matches!(op, Op::Load { .. } | Op::Reach { .. }))
}
