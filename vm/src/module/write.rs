//! Writing modules.

use super::{Capture, Constant, Function, MAGIC, Module, ModuleError, ModuleErrorKind, VERSION};

impl Module {
    /// The bytes of the module.
    ///
    /// # Errors
    ///
    /// The first fault that makes the data no module; its offset is that in the bytes that it would have.
    pub fn write(&self) -> Result<Vec<u8>, ModuleError> {
        self.check_ranges()?;
        let mut out = Writer { bytes: Vec::with_capacity(self.code.len() + 256), too_long: false };
        out.bytes.extend(MAGIC);
        out.bytes.push(VERSION);
        let name_len = u8::try_from(self.isa.len()).unwrap_or_else(|_| out.refuse());
        out.bytes.push(name_len);
        out.bytes.extend_from_slice(self.isa.as_bytes());
        out.number(self.major);
        out.count(self.constants.len());
        for constant in &self.constants {
            out.constant(constant);
        }
        out.count(self.functions.len());
        for function in &self.functions {
            out.function(function);
        }
        out.bytes.extend_from_slice(&self.code);
        if out.too_long {
            let kind = ModuleErrorKind::TooLong { bytes: out.bytes.len() };
            return Err(ModuleError { at: 0, kind });
        }
        // The rules are those of the reader, and nowhere else.
        Self::read(&out.bytes)?;
        Ok(out.bytes)
    }

    /// Whether the code of the functions covers the code without gaps.
    fn check_ranges(&self) -> Result<(), ModuleError> {
        let mut end = 0;
        let mut at = 0;
        for function in &self.functions {
            if function.start as usize != end {
                break;
            }
            end += function.len as usize;
            at += 1;
        }
        if at < self.functions.len() || end != self.code.len() && at > 0 {
            return Err(ModuleError { at: 0, kind: ModuleErrorKind::Ranges { function: at } });
        }
        Ok(())
    }
}

struct Writer {
    bytes: Vec<u8>,
    /// Whether a length had no place in its field.
    too_long: bool,
}

impl Writer {
    /// What stands for a length that has no place.
    fn refuse<T: Default>(&mut self) -> T {
        self.too_long = true;
        T::default()
    }

    fn number(&mut self, number: u32) {
        self.bytes.extend(number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or_else(|_| self.refuse());
        self.number(count);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn constant(&mut self, constant: &Constant) {
        match constant {
            Constant::Unit => self.bytes.push(0),
            Constant::Bool(value) => self.bytes.push(1 + u8::from(*value)),
            Constant::Int(value) => {
                self.bytes.push(3);
                self.bytes.extend(value.to_le_bytes());
            }
            Constant::Float(bits) => {
                self.bytes.push(4);
                self.bytes.extend(bits.to_le_bytes());
            }
            Constant::Str(text) => {
                self.bytes.push(5);
                self.text(text);
            }
        }
    }

    fn function(&mut self, function: &Function) {
        self.text(&function.name);
        self.number(function.arity);
        self.number(function.locals);
        self.number(function.max_stack);
        self.count(function.captures.len());
        for capture in &function.captures {
            self.bytes.push(match capture {
                Capture::Local(_) => 0,
                Capture::Upvalue(_) => 1,
            });
            self.number(capture.index());
        }
        self.number(function.len);
        self.count(function.lines.len());
        for line in &function.lines {
            self.number(line.offset);
            self.number(line.line);
        }
        self.count(function.local_names.len());
        for name in &function.local_names {
            self.text(name);
        }
    }
}
