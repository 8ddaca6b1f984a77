//! The languages by name, and what they have in common.

use std::path::Path;

use bytestone_spec::isa::{Container, Isa};
use bytestone_vm::codec::Codec;
use bytestone_vm::module::Module;

use crate::emit::LineEntry;
use crate::error::CompileError;
use crate::passes::Passes;
use crate::source::Source;
use crate::{calc, script};

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// The calculator language, see [`calc`].
    Calc,
    /// The script language, see [`script`].
    Script,
}

/// A source as a program of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compiled {
    /// The bytes: code, or a module.
    pub bytes: Vec<u8>,
    /// The lines of the source, by offsets in the code of all functions.
    pub lines: Vec<LineEntry>,
}

impl Compiled {
    /// The line that the instruction at an offset comes from.
    pub fn line_at(&self, offset: u32) -> Option<u32> {
        let after = self.lines.partition_point(|entry| entry.offset <= offset);
        Some(self.lines.get(after.checked_sub(1)?)?.line)
    }
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 2] = [Self::Calc, Self::Script];

    /// The name on command lines and in case files, which is also the extension of sources.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calc => "calc",
            Self::Script => "script",
        }
    }

    /// The name in sentences.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Calc => "the calculator language",
            Self::Script => "the script language",
        }
    }

    /// The machine that the language was made for.
    pub const fn home(self) -> &'static str {
        match self {
            Self::Calc => "calculator",
            Self::Script => "script",
        }
    }

    /// The language with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    /// The language of a source file, by its extension.
    pub fn of_path(path: &Path) -> Option<Self> {
        Self::from_name(path.extension()?.to_str()?)
    }

    /// The language that is compiled to a machine: there is at most one.
    ///
    /// ```
    /// use bytestone_lang::Language;
    /// let isa = |name| bytestone_spec::load_builtin(name).unwrap().unwrap();
    /// assert_eq!(Language::of_machine(&isa("register")), Some(Language::Calc));
    /// assert_eq!(Language::of_machine(&isa("lecture")), Some(Language::Script));
    /// assert_eq!(Language::of_machine(&isa("loop")), None);
    /// ```
    pub fn of_machine(isa: &Isa) -> Option<Self> {
        let codec = Codec::new(isa);
        match isa.container() {
            Container::Raw if calc::has_target(&codec) => Some(Self::Calc),
            Container::Module if script::has_target(&codec) => Some(Self::Script),
            Container::Raw | Container::Module => None,
        }
    }

    /// Compiles a source to a machine.
    ///
    /// # Errors
    ///
    /// When the source has errors or its code does not fit the machine.
    pub fn compile(
        self,
        source: &Source,
        isa: &Isa,
        passes: Passes,
    ) -> Result<Compiled, CompileError> {
        match self {
            Self::Calc => {
                let emitted = calc::compile(source, isa, passes)?.emitted;
                Ok(Compiled { lines: emitted.lines.entries().to_vec(), bytes: emitted.code })
            }
            Self::Script => {
                let module = script::compile(source, isa, passes)?;
                Ok(Compiled { bytes: module.write()?, lines: module_lines(&module) })
            }
        }
    }
}

/// The lines of all functions, one after the other.
fn module_lines(module: &Module) -> Vec<LineEntry> {
    let functions = module.functions.iter();
    let lines = functions.flat_map(|function| {
        let entry = |line: &bytestone_vm::module::Line| LineEntry {
            offset: function.start + line.offset,
            line: line.line,
        };
        function.lines.iter().map(entry)
    });
    lines.collect()
}
