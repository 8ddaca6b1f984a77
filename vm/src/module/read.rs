//! Reading modules. No number of the file is trusted: a list takes no more memory than the rest of the file could fill.

use std::sync::Arc;

use bytestone_spec::isa::{Isa, Owner, Union};

use super::{
    Capture, Constant, Function, Line, MAGIC, Module, ModuleError, ModuleErrorKind, VERSION,
};
use crate::limits;

use ModuleErrorKind as Kind;

impl Module {
    /// Reads a module for whatever machine.
    ///
    /// # Errors
    ///
    /// The first fault of the bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, ModuleError> {
        Reader::new(bytes, None).module().map(|(module, _)| module)
    }

    /// Reads a module for a machine, which must have every constant and every kind of variable in it.
    ///
    /// # Errors
    ///
    /// The first fault of the bytes.
    pub fn read_for(isa: &Isa, bytes: &[u8]) -> Result<Self, ModuleError> {
        Reader::new(bytes, Some(isa)).module().map(|(module, _)| module)
    }
}

/// Where in a file the things are that can be wrong in a way that only code tells.
#[derive(Debug)]
pub(crate) struct Places {
    /// By function, the first entry of its line table.
    pub lines: Vec<u32>,
}

/// Reads a module from its start to its end.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    isa: Option<&'a Isa>,
}

/// The bytes of a function without names, captured variables and lines.
const FUNCTION_BYTES: usize = 8 * 4;

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], isa: Option<&'a Isa>) -> Self {
        Self { bytes, at: 0, isa }
    }

    pub(crate) fn module(mut self) -> Result<(Module, Places), ModuleError> {
        if self.bytes.len() > limits::CODE_BYTES {
            return Err(error(0, Kind::TooLong { bytes: self.bytes.len() }));
        }
        let (isa, major) = self.header()?;
        let count = self.count("constants", limits::CONSTANTS)?;
        let mut constants = self.room_for(count, 1);
        for _ in 0..count {
            constants.push(self.constant()?);
        }
        let count_at = self.at;
        let count = self.count("functions", limits::FUNCTIONS)?;
        if count == 0 {
            return Err(error(count_at, Kind::NoFunctions));
        }
        let mut functions = self.room_for(count, FUNCTION_BYTES);
        let mut places = Places { lines: self.room_for(count, FUNCTION_BYTES) };
        for index in 0..count {
            functions.push(self.function(index, &mut places)?);
        }
        let code = self.code(&mut functions)?;
        match self.bytes.len() - self.at {
            0 => Ok((Module { isa, major, constants, functions, code }, places)),
            bytes => Err(error(self.at, Kind::Trailing { bytes })),
        }
    }

    fn header(&mut self) -> Result<(String, u32), ModuleError> {
        let shared = self.bytes.iter().zip(MAGIC).take_while(|(found, magic)| **found == *magic);
        let same = shared.count();
        if same < MAGIC.len().min(self.bytes.len()) {
            return Err(error(0, Kind::NotAModule));
        }
        self.take(MAGIC.len() as u64, "the mark at the start")?;
        let found = self.u8("the version of the format")?;
        if found != VERSION {
            return Err(error(self.at - 1, Kind::Version { found }));
        }
        let len = self.u8("the length of the machine's name")?;
        let name_at = self.at;
        let name = self.take(len.into(), "the name of the machine")?;
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|name| is_isa_name(name))
            .ok_or_else(|| error(name_at, Kind::IsaName))?;
        let major = self.u32("the version of the machine")?;
        if let Some(isa) = self.isa
            && (isa.name(), isa.version().major) != (name, major)
        {
            let found = format!("{name}@{major}");
            let expected = format!("{}@{}", isa.name(), isa.version().major);
            return Err(error(name_at, Kind::WrongMachine { found, expected }));
        }
        Ok((name.to_owned(), major))
    }

    fn constant(&mut self) -> Result<Constant, ModuleError> {
        let at = self.at;
        let constant = match self.u8("the tag of a constant")? {
            0 => Constant::Unit,
            1 => Constant::Bool(false),
            2 => Constant::Bool(true),
            3 => Constant::Int(i64::from_le_bytes(self.array("an integer")?)),
            4 => {
                let bits_at = self.at;
                let found = u64::from_le_bytes(self.array("a float")?);
                if f64::from_bits(found).is_nan() && found != Union::NAN {
                    return Err(error(bits_at, Kind::Nan { found }));
                }
                Constant::Float(found)
            }
            5 => Constant::Str(Arc::from(self.text("a string")?)),
            found => return Err(error(at, Kind::Tag { what: "a constant", found })),
        };
        if let Some(isa) = self.isa {
            let union = isa.machine().union.as_ref();
            if union.and_then(|union| constant.variant(union)).is_none() {
                let constant = match constant {
                    Constant::Int(value) => format!("the integer {value}"),
                    other => other.kind().to_owned(),
                };
                return Err(error(at, Kind::NoValue { constant }));
            }
        }
        Ok(constant)
    }

    fn function(&mut self, index: u32, places: &mut Places) -> Result<Function, ModuleError> {
        let name = self.text("the name of a function")?.into();
        let arity_at = self.at;
        let arity = self.u32("the number of arguments")?;
        if index == 0 && arity > 0 {
            return Err(error(arity_at, Kind::Start));
        }
        let locals_at = self.at;
        let locals = self.count("local variables", self.most(Owner::Frame, limits::LOCALS))?;
        if locals < arity {
            return Err(error(locals_at, Kind::Locals { arity, locals }));
        }
        let max_stack = self.count("cells of a stack", limits::MAX_STACK)?;
        let captures = self.captures(index)?;
        let len = self.u32("the length of a function's code")?;
        let lines = self.lines(len, places)?;
        let local_names = self.local_names(locals)?;
        Ok(Function { name, arity, locals, max_stack, captures, start: 0, len, lines, local_names })
    }

    /// How many variables a function may state that belong to `owner`: none if the machine has no such bank. That there
    /// are as many in the bank is for the verifier to see.
    fn most(&self, owner: Owner, limit: u32) -> u32 {
        match self.isa {
            Some(isa) if !isa.machine().banks.iter().any(|bank| bank.owner == owner) => 0,
            _ => limit,
        }
    }

    /// What a closure of the function with an index captures.
    fn captures(&mut self, function: u32) -> Result<Vec<Capture>, ModuleError> {
        let at = self.at;
        let count =
            self.count("captured variables", self.most(Owner::Closure, limits::CAPTURES))?;
        if function == 0 && count > 0 {
            return Err(error(at, Kind::Start));
        }
        let mut captures = self.room_for(count, 5);
        for _ in 0..count {
            let at = self.at;
            let kind = self.u8("the tag of a captured variable")?;
            let index = self.u32("the index of a captured variable");
            captures.push(match kind {
                0 => Capture::Local(index?),
                1 => Capture::Upvalue(index?),
                found => return Err(error(at, Kind::Tag { what: "a captured variable", found })),
            });
        }
        Ok(captures)
    }

    fn lines(&mut self, len: u32, places: &mut Places) -> Result<Vec<Line>, ModuleError> {
        let count = self.u32("the number of lines")?;
        let mut lines: Vec<Line> = self.room_for(count, 8);
        places.lines.push(self.at as u32);
        for _ in 0..count {
            let at = self.at;
            let offset = self.u32("the offset of a line")?;
            if let Some(before) = lines.last().map(|line| line.offset)
                && offset <= before
            {
                return Err(error(at, Kind::LineOrder { offset, before }));
            }
            if offset >= len {
                return Err(error(at, Kind::LineOutside { offset, len }));
            }
            let line = self.u32("a line")?;
            if line == 0 {
                return Err(error(at + 4, Kind::LineZero));
            }
            lines.push(Line { offset, line });
        }
        Ok(lines)
    }

    fn local_names(&mut self, locals: u32) -> Result<Vec<Box<str>>, ModuleError> {
        let at = self.at;
        let names = self.u32("the number of names")?;
        if names != 0 && names != locals {
            return Err(error(at, Kind::LocalNames { names, locals }));
        }
        let mut local_names = self.room_for(names, 4);
        for _ in 0..names {
            local_names.push(self.text("the name of a local variable")?.into());
        }
        Ok(local_names)
    }

    /// Reads the code and gives each function its place there.
    fn code(&mut self, functions: &mut [Function]) -> Result<Vec<u8>, ModuleError> {
        let start = self.at;
        for function in functions {
            // The whole file is within the limit, and so is each offset.
            function.start = (self.at - start) as u32;
            self.take(function.len.into(), "the code of a function")?;
        }
        Ok(self.bytes[start..self.at].to_vec())
    }

    fn text(&mut self, what: &'static str) -> Result<&'a str, ModuleError> {
        let len = self.u32(what)?;
        let at = self.at;
        let bytes = self.take(len.into(), what)?;
        std::str::from_utf8(bytes)
            .map_err(|fault| error(at + fault.valid_up_to(), Kind::Utf8 { what }))
    }

    /// A list with room for as many things as are stated, or as many as the rest of the file can hold if each takes
    /// `least` bytes.
    fn room_for<T>(&self, stated: u32, least: usize) -> Vec<T> {
        Vec::with_capacity((stated as usize).min((self.bytes.len() - self.at) / least))
    }

    /// A number of things that is within a limit.
    fn count(&mut self, what: &'static str, limit: u32) -> Result<u32, ModuleError> {
        let at = self.at;
        let found = self.u32("a number")?;
        if found > limit {
            let (found, limit) = (found.into(), limit.into());
            return Err(error(at, Kind::TooMany { what, found, limit }));
        }
        Ok(found)
    }

    fn u8(&mut self, what: &'static str) -> Result<u8, ModuleError> {
        self.array(what).map(|[byte]| byte)
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, ModuleError> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ModuleError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64, what)?);
        Ok(array)
    }

    fn take(&mut self, needed: u64, what: &'static str) -> Result<&'a [u8], ModuleError> {
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(needed).ok().and_then(|needed| rest.get(..needed));
        match taken {
            Some(taken) => {
                self.at += taken.len();
                Ok(taken)
            }
            None => Err(error(self.at, Kind::Truncated { what, needed, left: rest.len() })),
        }
    }
}

fn is_isa_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

fn error(at: usize, kind: Kind) -> ModuleError {
    ModuleError { at: u32::try_from(at).unwrap_or(u32::MAX), kind }
}
