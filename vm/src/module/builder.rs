//! Making modules piece by piece, for compilers and generators.

use std::collections::HashMap;

use bytestone_spec::isa::Isa;

use super::{Capture, Constant, Function, Line, Module, ModuleError};

/// Builds a module. Equal constants share an entry.
///
/// ```
/// use bytestone_vm::module::{Constant, FunctionBuilder, ModuleBuilder};
/// let mut module = ModuleBuilder::new("script", 1);
/// assert_eq!(module.constant(Constant::float(3.5)), 0);
/// assert_eq!(module.constant(Constant::Str("x".into())), 1);
/// assert_eq!(module.constant(Constant::float(3.5)), 0);
/// let mut main = FunctionBuilder::new("main");
/// main.max_stack = 1;
/// main.line(1);
/// main.code.extend([0, 0, 0, 0, 0, 0x18]);
/// module.function(main);
/// let module = module.finish().unwrap();
/// assert_eq!(module.functions[0].len, 6);
/// assert_eq!(module.functions[0].line_at(5), Some(1));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ModuleBuilder {
    module: Module,
    /// The first entry of each constant.
    entries: HashMap<Constant, u32>,
}

/// A function that is being built. Its code is appended to [`FunctionBuilder::code`].
#[derive(Clone, Debug, Default)]
pub struct FunctionBuilder {
    /// The name.
    pub name: String,
    /// How many arguments it takes.
    pub arity: u32,
    /// How many local variables a frame has, the arguments among them.
    pub locals: u32,
    /// How deep the stack of a frame gets.
    pub max_stack: u32,
    /// What a closure of it captures.
    pub captures: Vec<Capture>,
    /// The code so far.
    pub code: Vec<u8>,
    /// The names of the local variables: all or none.
    pub local_names: Vec<Box<str>>,
    lines: Vec<Line>,
}

impl FunctionBuilder {
    /// A function with a name that has no code yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Says that the code that follows comes from a line of a source text.
    pub fn line(&mut self, line: u32) {
        let offset = self.code.len() as u32;
        match self.lines.last_mut() {
            Some(last) if last.offset == offset => last.line = line,
            Some(last) if last.line == line => {}
            _ => self.lines.push(Line { offset, line }),
        }
    }
}

impl ModuleBuilder {
    /// A module without constants and functions for a machine, by the name and the major version of its spec.
    pub fn new(isa: impl Into<String>, major: u32) -> Self {
        let module = Module { isa: isa.into(), major, ..Module::default() };
        Self { module, entries: HashMap::new() }
    }

    /// A module without constants and functions for a machine.
    pub fn for_isa(isa: &Isa) -> Self {
        Self::new(isa.name(), isa.version().major)
    }

    /// The index of a constant: the first entry that is equal, or else a new one.
    pub fn constant(&mut self, constant: Constant) -> u32 {
        match self.entries.get(&constant) {
            Some(entry) => *entry,
            None => self.entry(constant),
        }
    }

    /// Adds an entry for a constant, also if there is an equal one, and tells its index.
    pub fn entry(&mut self, constant: Constant) -> u32 {
        let index = self.module.constants.len() as u32;
        self.entries.entry(constant.clone()).or_insert(index);
        self.module.constants.push(constant);
        index
    }

    /// The constants so far.
    pub fn constants(&self) -> &[Constant] {
        &self.module.constants
    }

    /// Adds a function and tells its index.
    pub fn function(&mut self, function: FunctionBuilder) -> u32 {
        let index = self.module.functions.len() as u32;
        let start = self.module.code.len() as u32;
        let len = function.code.len() as u32;
        self.module.code.extend(function.code);
        let lines = function.lines.into_iter().filter(|line| line.offset < len).collect();
        self.module.functions.push(Function {
            name: function.name,
            arity: function.arity,
            locals: function.locals,
            max_stack: function.max_stack,
            captures: function.captures,
            start,
            len,
            lines,
            local_names: function.local_names,
        });
        index
    }

    /// What was built so far, held to no rule.
    pub(crate) fn into_module(self) -> Module {
        self.module
    }

    /// The module.
    ///
    /// # Errors
    ///
    /// The first fault that makes it none.
    pub fn finish(self) -> Result<Module, ModuleError> {
        self.module.write()?;
        Ok(self.module)
    }
}
