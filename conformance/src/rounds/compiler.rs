//! The fuzz target `compiler`: what a program does is the same evaluated and compiled with any passes.

use std::fmt;
use std::sync::LazyLock;

use arbitrary::Unstructured;
use bytestone_lang::script::{self, End, Limits, Numbers};
use bytestone_lang::{CompileError, Language, Passes, Source, calc};
use bytestone_vm::trace::NoTrace;
use bytestone_vm::value::Value;
use bytestone_vm::{Outcome, Reference, State};

use super::{Defect, Fate, SUBJECTS, Subject};

/// Steps of the evaluator; of programs that take more nothing is known.
const STEPS: u64 = 20_000;
/// Steps of a compiled program, of which many make one of the evaluator.
const FUEL: u64 = 64 * STEPS;

/// A machine that sources are compiled to.
struct Machine {
    subject: &'static Subject,
    maker: Maker,
}

/// What makes programs for it.
enum Maker {
    Calc(fn(&mut Unstructured<'_>) -> calc::ast::Program),
    Script(fn(&mut Unstructured<'_>) -> script::ast::Program),
}

static MACHINES: LazyLock<Vec<Machine>> = LazyLock::new(|| {
    let machine = |subject: &'static Subject| {
        let maker = match Language::of_machine(subject.isa)? {
            Language::Calc => Maker::Calc(calc::generate::of_machine(subject.isa)),
            Language::Script => Maker::Script(script::generate::of_machine(subject.isa)?),
        };
        Some(Machine { subject, maker })
    };
    SUBJECTS.iter().filter_map(machine).collect()
});

/// A machine, a set of passes, then entropy: a program of the language that is compiled to the machine does the
/// same evaluated, compiled without passes, with all, and with those of the set.
///
/// # Errors
///
/// What does not hold.
pub fn compiler(data: &[u8]) -> Result<Fate, Defect> {
    let [first, passes, rest @ ..] = data else { return Ok(Fate::Rejected) };
    let Some(machine) = MACHINES.get(usize::from(*first) % MACHINES.len().max(1)) else {
        return Ok(Fate::Rejected);
    };
    let mut entropy = Unstructured::new(rest);
    let text = match machine.maker {
        Maker::Calc(program) => program(&mut entropy).to_string(),
        Maker::Script(program) => program(&mut entropy).to_string(),
    };
    let round = Round { machine, text: &text };
    let source = Source::new(&text).map_err(|errors| round.defect(errors))?;
    let expected = match machine.maker {
        Maker::Calc(_) => round.evaluated_calc(&source)?,
        Maker::Script(_) => round.evaluated_script(&source)?,
    };
    let mut fate = Fate::Rejected;
    for passes in [Passes::NONE, Passes::ALL, Passes::from_bits(*passes)] {
        if let Some(found) = round.compiled(&source, passes)? {
            fate = fate.max(round.hold(passes, &expected, &found)?);
        }
    }
    Ok(fate)
}

/// What a program did.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    /// What was printed; `None` for values that are not shown in full.
    output: Vec<Option<String>>,
    /// The variables of a calculator program at the end.
    variables: Vec<i128>,
    ended: Ended,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// With a value. On some machines every program has one: `nil` is none.
    Halted(Option<String>),
    /// With a trap, in a line of the source where that is known.
    Trapped(String, Option<u32>),
    /// Because of a limit, which says nothing of the program.
    Limited,
}

/// A program on a machine.
struct Round<'r> {
    machine: &'r Machine,
    text: &'r str,
}

impl Round<'_> {
    fn defect(&self, what: impl fmt::Display) -> Defect {
        let machine = self.machine.subject.isa.name().to_owned();
        Defect { machine, what: format!("{what}\nsource:\n{}", self.text) }
    }

    fn evaluated_calc(&self, source: &Source) -> Result<Done, Defect> {
        let program = calc::parse(source).map_err(|errors| self.defect(errors))?;
        let outcome = calc::evaluate(&program);
        let variable = |it: calc::ast::Variable| outcome.variables[usize::from(it.index())].into();
        Ok(Done {
            output: outcome.output.iter().map(|value| Some(value.to_string())).collect(),
            variables: program.variables().map(variable).collect(),
            ended: match outcome.trap {
                Some(_) => Ended::Trapped("div_by_zero".to_owned(), None),
                None => Ended::Halted(outcome.result.map(|value| value.to_string())),
            },
        })
    }

    fn evaluated_script(&self, source: &Source) -> Result<Done, Defect> {
        let isa = self.machine.subject.isa;
        let program = script::parse(source).map_err(|errors| self.defect(errors))?;
        let calls = isa.machine().frames.map_or(0, |frames| frames.saturating_sub(1));
        let limits = Limits { steps: STEPS, calls, ..Limits::default() };
        let outcome = script::evaluate(&program, Numbers::of(isa).unwrap_or_default(), limits);
        let ended = match outcome.end {
            End::Halt => Ended::Halted(None),
            End::Returned(value) => Ended::Halted(Some(value).filter(|value| value != "nil")),
            End::Trap { trap, at } => {
                Ended::Trapped(trap.name().to_owned(), Some(source.line(at.start)))
            }
            End::Limit => Ended::Limited,
        };
        let output = outcome.output.into_iter().map(Some).collect();
        Ok(Done { output, variables: Vec::new(), ended })
    }

    /// What a program does that is compiled; `None` if the machine has not enough for it.
    fn compiled(&self, source: &Source, passes: Passes) -> Result<Option<Done>, Defect> {
        let Subject { isa, codec, .. } = self.machine.subject;
        let done = match self.machine.maker {
            Maker::Calc(_) => {
                calc::compile_with(codec, source, passes).map(|it| self.ran_calc(&it, passes))
            }
            Maker::Script(_) => {
                script::compile_with(codec, source, passes).map(|it| self.ran_script(&it, passes))
            }
        };
        match done {
            Ok(done) => done.map(Some),
            // What is generated has no errors but these: too few registers, and no place for a result.
            Err(CompileError::Source(_)) if isa.machine().stack.is_none() => Ok(None),
            Err(CompileError::StackTooDeep { .. }) => Ok(None),
            Err(error) => Err(self.defect(format!("passes {passes}: {error}"))),
        }
    }

    fn ran_calc(&self, compiled: &calc::Compiled, passes: Passes) -> Result<Done, Defect> {
        let (outcome, state) = self.run(&compiled.emitted.code, passes)?;
        let bank = self.machine.subject.isa.banks().next();
        let cell = |&(_, index): &(_, u8)| state.cell(bank?, index.into())?.int();
        let variables = compiled.variables.iter().filter_map(cell).collect();
        let text = |value: &Value| Some(value.to_string());
        Ok(Done { variables, ..self.done(outcome, &state, text, |_| None) })
    }

    fn ran_script(
        &self,
        module: &bytestone_vm::module::Module,
        passes: Passes,
    ) -> Result<Done, Defect> {
        let bytes = module.write().map_err(|error| self.defect(error))?;
        let (outcome, state) = self.run(&bytes, passes)?;
        let line = |at: u32| {
            let function = &module.functions[module.function_of(at)?];
            function.line_at(at - function.start)
        };
        Ok(self.done(outcome, &state, script::shown, line))
    }

    fn run(&self, code: &[u8], passes: Passes) -> Result<(Outcome, State), Defect> {
        let subject = self.machine.subject;
        let Some(verified) = subject.accept(code)? else {
            return Err(self.defect(format!("passes {passes}: the code is rejected")));
        };
        let mut state = State::new(subject.isa);
        match Reference::new(subject.isa, &verified).run(&mut state, FUEL, &mut NoTrace) {
            Ok(outcome) => Ok((outcome, state)),
            Err(stuck) => Err(self.defect(format!("passes {passes}: {stuck}"))),
        }
    }

    fn done(
        &self,
        outcome: Outcome,
        state: &State,
        text: impl Fn(&Value) -> Option<String>,
        line: impl Fn(u32) -> Option<u32>,
    ) -> Done {
        let isa = self.machine.subject.isa;
        let ended = match outcome {
            Outcome::Halt => {
                let result = state.stack().next().map(|value| text(&value).unwrap_or_default());
                Ended::Halted(result.filter(|value| value != "nil"))
            }
            // The evaluator has more memory.
            Outcome::Trap { trap, .. } if isa.trap(trap).name == "out_of_memory" => Ended::Limited,
            Outcome::Trap { trap, at } => Ended::Trapped(isa.trap(trap).name.clone(), line(at)),
            Outcome::Fuel | Outcome::OutputLimit => Ended::Limited,
        };
        let output = state.output().map(|value| text(&value)).collect();
        Done { output, variables: Vec::new(), ended }
    }

    /// Holds a run to what the evaluator says.
    fn hold(&self, passes: Passes, expected: &Done, found: &Done) -> Result<Fate, Defect> {
        if expected.ended == Ended::Limited || found.ended == Ended::Limited {
            return Ok(Fate::Accepted);
        }
        // What is not shown in full cannot be compared.
        let fits = |expected: &Option<String>, found: &Option<String>| {
            found.is_none() || expected == found
        };
        let alike = expected.output.len() == found.output.len()
            && expected.output.iter().zip(&found.output).all(|(it, found)| fits(it, found));
        if !alike || expected.ended != found.ended || expected.variables != found.variables {
            let what = format!("passes {passes}\nevaluated {expected:?}\ncompiled  {found:?}");
            return Err(self.defect(what));
        }
        Ok(match found.ended {
            Ended::Halted(_) => Fate::Clean,
            Ended::Trapped(..) | Ended::Limited => Fate::Accepted,
        })
    }
}
