//! Where programs come from: a file, standard input or `--hex`; as bytes, hexadecimal or assembly.

use std::io::Read;
use std::path::{Path, PathBuf};

use bytestone::case::load::parse_hex;
use bytestone_vm::asm::{Assembled, assemble};
use bytestone_vm::codec::Codec;
use clap::{Args, ValueEnum};

use super::output::Failure;

/// Bytes of input that are read.
const INPUT_BYTES: u64 = 64 << 20;

/// The program.
#[derive(Debug, Args)]
pub struct ProgramInput {
    /// The file that holds the program; standard input when absent or `-`
    #[arg(conflicts_with = "hex")]
    file: Option<PathBuf>,
    /// The program as hexadecimal bytes, as in "01 0A 00 00 00"
    #[arg(long, value_name = "BYTES")]
    hex: Option<String>,
    /// What the input is; by the file's name when absent: `.asm` and `.s` are assembly text, `.hex` is
    /// hexadecimal, anything else is bytes
    #[arg(long, value_enum, value_name = "FORM", conflicts_with = "hex")]
    from: Option<Form>,
}

/// What the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The bytes of the code
    Bytes,
    /// Hexadecimal digits; white space is ignored
    Hex,
    /// Assembly text
    Asm,
}

/// A program that was read: its bytes, and the text when it came as one.
#[derive(Debug)]
pub struct LoadedProgram {
    /// The bytes.
    pub code: Vec<u8>,
    /// The text and where its statements are.
    pub text: Option<Assembled>,
    /// Whether what was taken for bytes, for want of anything that says otherwise, may be a text.
    pub may_be_text: bool,
}

impl LoadedProgram {
    fn of_bytes(code: Vec<u8>) -> Self {
        Self { code, text: None, may_be_text: false }
    }

    /// The line of the text that the instruction at an offset comes from.
    pub fn line_of(&self, offset: u32) -> Option<u32> {
        Some(self.text.as_ref()?.statement_at(offset)?.line)
    }
}

impl ProgramInput {
    /// Reads the program.
    ///
    /// # Errors
    ///
    /// It cannot be read, is not hexadecimal, or does not assemble.
    pub fn load(&self, codec: &Codec<'_>) -> Result<LoadedProgram, Failure> {
        if let Some(hex) = &self.hex {
            let code =
                parse_hex(hex).map_err(|message| Failure::Input(format!("--hex: {message}")))?;
            return Ok(LoadedProgram::of_bytes(code));
        }
        let name = input_name(self.file.as_deref());
        let bytes = read(self.file.as_deref())?;
        match self.from.unwrap_or_else(|| form_of(self.file.as_deref())) {
            Form::Bytes => {
                let is_printed = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
                let may_be_text =
                    self.from.is_none() && !bytes.is_empty() && bytes.iter().all(is_printed);
                Ok(LoadedProgram { may_be_text, ..LoadedProgram::of_bytes(bytes) })
            }
            Form::Hex => {
                let text = String::from_utf8(bytes)
                    .map_err(|_| Failure::Input(format!("{name}: not hexadecimal")))?;
                let code = parse_hex(&text)
                    .map_err(|message| Failure::Input(format!("{name}: {message}")))?;
                Ok(LoadedProgram::of_bytes(code))
            }
            Form::Asm => {
                let assembled = assemble_text(codec, &name, &bytes)?;
                let code = assembled.bytes.clone();
                Ok(LoadedProgram { text: Some(assembled), ..LoadedProgram::of_bytes(code) })
            }
        }
    }
}

/// Assembles a text; the errors name the file.
pub fn assemble_text(codec: &Codec<'_>, name: &str, text: &[u8]) -> Result<Assembled, Failure> {
    assemble(codec, text).map_err(|errors| {
        let mut lines: Vec<String> = errors
            .errors
            .iter()
            .map(|error| {
                let hint = error.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
                format!("{name}:{}:{}: {}{hint}", error.line, error.column, error.kind)
            })
            .collect();
        if errors.omitted > 0 {
            lines.push(format!("and {} more", errors.omitted));
        }
        Failure::Input(format!("the text does not assemble\n{}", lines.join("\n")))
    })
}

/// What an input is called in messages.
pub fn input_name(file: Option<&Path>) -> String {
    match file {
        Some(path) if path != Path::new("-") => path.display().to_string(),
        _ => "<stdin>".to_owned(),
    }
}

/// Reads a file, or standard input when there is none or it is `-`.
///
/// # Errors
///
/// It cannot be read, or is larger than what is taken.
pub fn read(file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let taken = match file {
        Some(path) if path != Path::new("-") => std::fs::File::open(path)
            .and_then(|file| file.take(INPUT_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| Failure::file(path, &error))?,
        _ => std::io::stdin().lock().take(INPUT_BYTES + 1).read_to_end(&mut bytes)?,
    };
    if taken as u64 > INPUT_BYTES {
        return Err(Failure::Input(format!("{}: more than {INPUT_BYTES} bytes", input_name(file))));
    }
    Ok(bytes)
}

fn form_of(file: Option<&Path>) -> Form {
    match file.and_then(Path::extension).and_then(|extension| extension.to_str()) {
        Some("asm" | "s") => Form::Asm,
        Some("hex") => Form::Hex,
        _ => Form::Bytes,
    }
}
