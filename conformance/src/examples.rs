//! Picks from the cases of a machine an example of each instruction, for the manual.

use bytestone_spec::Isa;
use bytestone_spec::isa::InsnId;
use bytestone_vm::asm::{Style, disassemble};
use bytestone_vm::codec::Codec;

use crate::case::{Case, Expect};
use crate::execute::{Fate, Run, Steps, execute, hex};
use crate::manual::Example;

/// Steps of a run that is not long.
const STEPS: usize = 20;
/// Bytes of a program that is not long.
const BYTES: usize = 160;
/// Steps of an example; longer traces explain nothing.
const MOST_STEPS: usize = 100;

/// An example of each instruction, as far as the cases have one.
///
/// The case that is named like the instruction (`jump-if-zero` for `JUMP_IF_ZERO`), or else one in which the
/// instruction takes part: one that is not long, if there is any, whose description names the instruction early,
/// with the fewest steps.
pub fn examples<'c>(isa: &Isa, cases: impl Iterator<Item = &'c Case>) -> Vec<Example> {
    let codec = Codec::new(isa);
    let runs: Vec<(&Case, Box<Run>)> = cases
        .filter(|case| matches!(case.expect, Expect::Runs(_)))
        .filter_map(|case| {
            // A step more than an example has, so that a run that is cut off is seen to be too long.
            let fuel = case.fuel.min(MOST_STEPS as u64 + 1);
            let cut = Case { fuel, ..case.clone() };
            match execute(isa, &codec, &cut, Steps::Keep).fate {
                Fate::Ran(run) if run.trace.len() <= MOST_STEPS => Some((case, run)),
                Fate::Ran(_) | Fate::Rejected(_) | Fate::NotBuilt => None,
            }
        })
        .collect();
    isa.instructions()
        .iter()
        .zip((0..).map(InsnId))
        .filter_map(|(insn, id)| {
            let named = insn.name.to_lowercase().replace(['_', '.'], "-");
            let is_named = |case: &Case| case.id.split('/').nth(1) == Some(&named);
            // The earlier a case names the instruction, the more it is about it.
            let named_at = |case: &Case| {
                let mut words = case.about.iter().flat_map(|about| about.split(is_between_words));
                words.position(|word| word == insn.name).unwrap_or(usize::MAX)
            };
            let (case, run) = runs
                .iter()
                .filter(|(_, run)| run.instructions.contains(&id))
                // A case with a source is about a compiler.
                .min_by_key(|(case, run)| {
                    let (bytes, steps) = (run.code.len(), run.trace.len());
                    let is_long = bytes > BYTES || steps > STEPS;
                    (!is_named(case), case.source.is_some(), is_long, named_at(case), steps)
                })?;
            Some(example(&codec, &insn.name, case, run))
        })
        .collect()
}

fn is_between_words(char: char) -> bool {
    !char.is_alphanumeric() && !matches!(char, '_' | '.')
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
