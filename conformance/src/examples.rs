//! Picks from the cases of a machine an example of each instruction, for the manual.

use bytestone_spec::Isa;
use bytestone_spec::isa::InsnId;
use bytestone_vm::asm::{Style, disassemble};
use bytestone_vm::codec::Codec;

use crate::case::{Case, Expect};
use crate::execute::{Fate, Run, Steps, execute, hex};
use crate::manual::Example;

/// Steps of an example; longer traces explain nothing.
const STEPS: usize = 20;

/// An example of each instruction, as far as the cases have one.
///
/// The case that is named like the instruction (`jump-if-zero` for `JUMP_IF_ZERO`), or else the
/// shortest run in which the instruction takes part.
pub fn examples<'c>(isa: &Isa, cases: impl Iterator<Item = &'c Case>) -> Vec<Example> {
    let codec = Codec::new(isa);
    let runs: Vec<(&Case, Box<Run>)> = cases
        .filter(|case| matches!(case.expect, Expect::Runs(_)))
        .filter_map(|case| match execute(isa, &codec, case, Steps::Keep).fate {
            Fate::Ran(run) if run.trace.len() <= STEPS => Some((case, run)),
            Fate::Ran(_) | Fate::Rejected(_) | Fate::NotBuilt => None,
        })
        .collect();
    isa.instructions()
        .iter()
        .zip((0..).map(InsnId))
        .filter_map(|(insn, id)| {
            let named = insn.name.to_lowercase().replace(['_', '.'], "-");
            let is_named = |case: &Case| case.id.split('/').nth(1) == Some(&named);
            let (case, run) = runs
                .iter()
                .filter(|(_, run)| run.instructions.contains(&id))
                // A case with a source is about a compiler.
                .min_by_key(|(case, run)| {
                    (!is_named(case), case.source.is_some(), run.trace.len())
                })?;
            Some(example(&codec, &insn.name, case, run))
        })
        .collect()
}

fn example(codec: &Codec<'_>, instruction: &str, case: &Case, run: &Run) -> Example {
    let text = |code: &[u8]| {
        disassemble(codec, code, Style::Plain)
            .map_or_else(|_| String::new(), |text| text.to_string())
    };
    Example {
        instruction: instruction.to_owned(),
        id: case.id.clone(),
        about: case.about.clone().unwrap_or_default(),
        asm: case.asm.clone().unwrap_or_else(|| text(&run.code)).trim_end().to_owned(),
        bytecode: hex(&run.code),
        trace: run.trace_text.join("\n"),
    }
}
