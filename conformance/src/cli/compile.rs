//! `bytestone compile`: from a source language to a program of a machine.

use std::path::PathBuf;
use std::process::ExitCode;

use bytestone::compile::{Plan, compile, targets};
use bytestone::execute::hex;
use bytestone::registry::{Registry, open_machine};
use bytestone_lang::{Compiled, Language, Passes, Source};
use bytestone_spec::Isa;
use bytestone_spec::diagnostic::{self, Diagnostics, Span};
use bytestone_vm::asm::{self, Style};
use bytestone_vm::codec::Codec;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::input::{input_name, read};
use super::output::{Failure, write};

/// `bytestone compile`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bytestone compile sum.calc                              the code as text, beside the source
  bytestone compile sum.calc --machine register           for another machine
  bytestone compile sum.calc --passes none                as it is without optimisation
  bytestone compile queue.script -o queue.bin             bytes in a file; then
  bytestone run script queue.bin --trace --source queue.script
  echo 'print 3 + 5 * 2' | bytestone compile --language calc --to bytes | bytestone run calculator

The languages are described in docs/languages.md.")]
pub struct Compile {
    /// The source; standard input when absent or `-`
    file: Option<PathBuf>,
    /// The language: calc or script; when absent by the file's extension, `.calc` or `.script`, or else
    /// by the machine
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    language: Option<Language>,
    /// A built-in machine or a spec file; when absent the one that the language was made for
    #[arg(long, value_name = "MACHINE")]
    machine: Option<String>,
    /// The optimisations: `all`, `none`, or some of fold, dead, thread, peephole and fuse with
    /// commas between them
    #[arg(long, value_name = "PASSES", default_value = "all")]
    passes: Passes,
    /// Where the program goes; standard output when absent
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How the program is written; when absent as bytes to a file, and as text to standard output
    #[arg(long, value_enum, value_name = "FORM", visible_alias = "format")]
    to: Option<Form>,
}

/// How a program is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Assembly text, with the lines of the source
    Asm,
    /// Hexadecimal on a line
    Hex,
    /// As it is
    Bytes,
    /// JSON with the text, the bytes, and the source line of each offset
    Json,
}

fn language(name: &str) -> Result<Language, String> {
    Language::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Language::ALL.map(Language::name).to_vec();
        format!("the languages are: {}", known.join(", "))
    })
}

impl Compile {
    /// Runs the command.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let (isa, language) = self.target()?;
        let name = input_name(self.file.as_deref());
        let source = Source::new(read(self.file.as_deref())?)
            .map_err(|errors| Failure::Input(format!("{name}: {errors}")))?;
        let plan = Plan { language, passes: self.passes };
        let program = compile_file(&name, &source, &isa, plan)?;
        let form = match (self.to, &self.output) {
            (Some(form), _) => form,
            (None, Some(_)) => Form::Bytes,
            (None, None) => Form::Asm,
        };
        let bytes = match form {
            Form::Bytes => program.bytes,
            Form::Hex => format!("{}\n", hex(&program.bytes)).into_bytes(),
            Form::Asm => listing(&isa, &program, &source)?.into_bytes(),
            Form::Json => {
                let lines = program.lines.iter();
                let lines = lines.map(|it| json!({"offset": it.offset, "line": it.line}));
                let json = json!({
                    "language": language.name(),
                    "machine": isa.name(),
                    "passes": self.passes.iter().map(|pass| pass.name()).collect::<Vec<_>>(),
                    "bytecode": hex(&program.bytes),
                    "asm": text(&isa, &program.bytes)?,
                    "lines": lines.collect::<Vec<_>>(),
                });
                format!("{json:#}\n").into_bytes()
            }
        };
        write(&bytes, self.output.as_ref())?;
        Ok(ExitCode::SUCCESS)
    }

    /// The machine and the language, which are there together or not at all.
    fn target(&self) -> Result<(Isa, Language), Failure> {
        let by_name = self.file.as_deref().and_then(Language::of_path);
        let language = self.language.or(by_name);
        let machine = match (&self.machine, language) {
            (Some(machine), _) => machine,
            (None, Some(language)) => language.home(),
            (None, None) => {
                let help = "give --language calc or --language script";
                return Err(Failure::Environment(format!("which language is it? {help}")));
            }
        };
        let isa = open_machine(machine)?;
        match (Language::of_machine(&isa), language) {
            (Some(known), asked) if asked.is_none_or(|asked| asked == known) => Ok((isa, known)),
            _ => {
                let machines = Registry::built_in()?;
                let what = language.map_or("no language", Language::title);
                let verb = if language.is_some() { "is not compiled" } else { "is compiled" };
                let known = targets(&machines, language).join(", ");
                Err(Failure::Environment(format!(
                    "{what} {verb} to the machine `{}`; the machines are: {known}",
                    isa.name()
                )))
            }
        }
    }
}

/// Compiles the source that a file holds.
///
/// # Errors
///
/// All that is wrong with it, with its places.
pub fn compile_file(
    name: &str,
    source: &Source,
    isa: &Isa,
    plan: Plan,
) -> Result<Compiled, Failure> {
    let mut diagnostics = Diagnostics::default();
    let place = |range: std::ops::Range<usize>| Span {
        source: 0,
        start: range.start as u32,
        end: range.end as u32,
    };
    let compiled = compile(plan, source, isa, place, &mut diagnostics);
    let text = diagnostic::Source { name: name.to_owned(), text: source.text().to_owned() };
    diagnostics.finish(vec![text]).map_err(|faulty| Failure::Faulty(Box::new(faulty)))?;
    compiled.ok_or_else(|| Failure::Input(format!("{name}: the source was not compiled")))
}

fn text(isa: &Isa, code: &[u8]) -> Result<String, Failure> {
    let codec = Codec::new(isa);
    let disassembly = asm::disassemble(&codec, code, Style::Plain)
        .map_err(|error| Failure::Input(error.to_string()))?;
    Ok(disassembly.to_string())
}

/// The program as text that assembles to it, with each line of the source above what came of it.
fn listing(isa: &Isa, program: &Compiled, source: &Source) -> Result<String, Failure> {
    let text = text(isa, &program.bytes)?;
    let codec = Codec::new(isa);
    let assembled = asm::assemble(&codec, &text)
        .map_err(|errors| Failure::Environment(format!("internal error: {errors}")))?;
    let mut marks = program.lines.iter().filter_map(|entry| {
        Some((assembled.statement_at(entry.offset)?.line as usize, entry.line))
    });
    let mut next = marks.next();
    let mut listing = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        while let Some((_, of_source)) = next.filter(|(at, _)| *at <= number) {
            let words = &source.text()[source.line_range(of_source)];
            listing.push_str(&format!("; {of_source}: {words}\n"));
            next = marks.next();
        }
        listing.push_str(line);
        listing.push('\n');
    }
    Ok(listing)
}
