//! The source that a module was compiled from: its lines beside the steps, and where a trap comes from.

use std::path::Path;

use bytestone_vm::Program;
use bytestone_vm::value::file;

use super::input::read;
use super::output::Failure;

/// Where code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The number of the function, from 0.
    number: usize,
    /// Its name, which may be empty.
    name: &'a str,
    /// The line of the source, from 1.
    pub line: u32,
}

impl<'a> Place<'a> {
    /// Where the code at an offset comes from, if the module says so.
    pub fn of(program: &'a Program, offset: u32) -> Option<Self> {
        let module = program.module()?;
        let number = module.function_of(offset)?;
        let function = &module.functions[number];
        let line = function.line_at(offset - function.start)?;
        Some(Self { number, name: &function.name, line })
    }

    /// The function for people: by its name, or by its number as closures are shown.
    pub fn function(&self) -> String {
        let mut text = String::new();
        match self.name {
            "" => text.push_str(&format!("fn {}", self.number)),
            name => file::push_name(&mut text, &name.into()),
        }
        text
    }
}

/// The lines of a source file.
#[derive(Debug)]
pub struct Lines(Vec<String>);

impl Lines {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = String::from_utf8_lossy(&read(Some(path))?).into_owned();
        Ok(Self(text.lines().map(str::to_owned).collect()))
    }

    /// A line, counted from 1, without the space around it; empty where there is none.
    pub fn get(&self, line: u32) -> &str {
        let index = (line as usize).checked_sub(1);
        index.and_then(|index| self.0.get(index)).map_or("", |line| line.trim())
    }
}
