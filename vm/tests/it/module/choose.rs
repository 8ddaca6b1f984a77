//! Modules by chance.

use bytestone_spec::isa::{Owner, Payload};
use bytestone_vm::codec::Codec;
use bytestone_vm::module::{Capture, Constant, FunctionBuilder, Module, ModuleBuilder};

use crate::machines::choose_insn;

/// Names of which some are odd and some are the same.
const NAMES: [&str; 10] =
    ["main", "f", "", "f", "two words", "é\u{feff}", "\"\\\n\0", "nil", "R1", "a;b,c:d=e]"];

/// A module that its machine takes, with code of instructions of the machine.
pub fn choose_module(codec: &Codec<'_>, choices: &mut impl Iterator<Item = u64>) -> Module {
    let isa = codec.isa();
    let has = |owner| isa.machine().banks.iter().any(|bank| bank.owner == owner);
    let mut module = ModuleBuilder::for_isa(isa);
    for _ in 0..below(6, choices) {
        if let Some(constant) = choose_constant(codec, choices) {
            module.entry(constant);
        }
    }
    for index in 0..=below(4, choices) {
        let mut function = FunctionBuilder::new(NAMES[below(10, choices) as usize]);
        if has(Owner::Frame) {
            function.arity = if index == 0 { 0 } else { below(3, choices) };
            function.locals = function.arity + below(3, choices);
        }
        if has(Owner::Closure) && index > 0 {
            function.captures = (0..below(3, choices))
                .map(|_| match choices.next().unwrap_or(0) {
                    choice if choice % 2 == 0 => Capture::Local((choice / 2) as u32),
                    choice => Capture::Upvalue((choice / 2 % 5) as u32),
                })
                .collect();
        }
        function.max_stack = below(70000, choices).min(65536);
        if below(2, choices) == 1 {
            let names = (0..function.locals).map(|_| NAMES[below(10, choices) as usize].into());
            function.local_names = names.collect();
        }
        for _ in 0..below(6, choices) {
            if below(3, choices) == 1 {
                function.line(1 + below(5, choices));
            }
            let Some((id, cells)) = choose_insn(isa, choices) else { break };
            codec.encode(id, &cells, &mut function.code).unwrap();
        }
        module.function(function);
    }
    module.finish().unwrap()
}

fn choose_constant(codec: &Codec<'_>, choices: &mut impl Iterator<Item = u64>) -> Option<Constant> {
    let variants = &codec.isa().machine().union.as_ref().unwrap().variants;
    let variant = below(variants.len() as u32, choices) as usize;
    let choice = choices.next().unwrap_or(0);
    Some(match variants[variant].payload {
        Payload::Unit => Constant::Unit,
        Payload::Bool => Constant::Bool(choice % 2 == 1),
        Payload::Int(ty) => Constant::Int(ty.wrap(choice) as i64),
        Payload::Float => Constant::float(match choice % 4 {
            0 => [0.0, -0.0, f64::NAN, f64::INFINITY, -f64::INFINITY][choice as usize / 4 % 5],
            1 => (choice / 4) as f64,
            2 => choice as f64 / 100.0,
            _ => f64::from_bits(choice.rotate_right(2)),
        }),
        Payload::Str => Constant::Str(NAMES[choice as usize % 10].into()),
        Payload::Array | Payload::Map | Payload::Closure | Payload::Record(_) => return None,
    })
}

/// A number below `end`; 0 when there are no more choices.
fn below(end: u32, choices: &mut impl Iterator<Item = u64>) -> u32 {
    (choices.next().unwrap_or(0) % u64::from(end)) as u32
}
