//! The functions and constants of a module while its text is read.

use std::collections::HashMap;
use std::ops::Range;

use bytestone_spec::isa::{Isa, Owner, Union};
use logos::Logos;

use super::error::{AsmErrorKind, ErrorLog, excerpt};
use super::header::{Header, Most};
use super::layout::{Anchor, Layout};
use super::stack;
use super::token::{Token, is_label_name};
use crate::codec::Codec;
use crate::limits;
use crate::module::{Constant, Function, Line, Module, ModuleBuilder};

/// What a text says of a module besides code.
#[derive(Debug)]
pub(super) struct Outline<'t> {
    /// The constants.
    pub constants: ModuleBuilder,
    /// The functions that operands can name, also those that come later.
    pub names: HashMap<&'t str, u32>,
    functions: Vec<FunctionDraft>,
    /// A line that the code that comes next is from, and where that is said.
    line: Option<(u32, Range<usize>)>,
    /// The first bytes in front of all functions.
    stray: Option<Range<usize>>,
    /// Whether it was reported that something stands in front of all functions.
    reported_stray: bool,
    /// Whether a constant was listed.
    lists_constants: bool,
}

#[derive(Debug)]
struct FunctionDraft {
    header: Header,
    start: Anchor,
    lines: Vec<(Anchor, u32)>,
    /// The names of local variables, all of them when one was given.
    local_names: Vec<Option<Box<str>>>,
}

impl FunctionDraft {
    fn arity(&self) -> u32 {
        self.header.arity.unwrap_or(0)
    }

    fn locals(&self) -> u32 {
        self.header.locals.unwrap_or(self.arity())
    }
}

/// The most that functions of a machine can state of themselves.
pub(super) fn most(isa: &Isa) -> Most {
    let of = |owner, limit| {
        if isa.machine().banks.iter().any(|bank| bank.owner == owner) { limit } else { 0 }
    };
    Most {
        locals: of(Owner::Frame, limits::LOCALS),
        stack: limits::MAX_STACK,
        captures: of(Owner::Closure, limits::CAPTURES),
    }
}

impl<'t> Outline<'t> {
    /// The outline of a text of which only the names of functions are known.
    pub fn new(isa: &Isa, text: &'t str) -> Self {
        Self {
            constants: ModuleBuilder::for_isa(isa),
            names: function_names(text),
            functions: Vec::new(),
            line: None,
            stray: None,
            reported_stray: false,
            lists_constants: false,
        }
    }

    /// Whether code stands in a function from here on.
    pub fn is_in_function(&self) -> bool {
        !self.functions.is_empty()
    }

    /// Whether it is to be reported that something is in no function. That is done once.
    pub fn reports_stray(&mut self) -> bool {
        !self.is_in_function() && !std::mem::replace(&mut self.reported_stray, true)
    }

    /// Notes that code stands at `span` and comes next in the layout.
    pub fn begin_code(&mut self, span: &Range<usize>, here: Anchor) {
        match (self.functions.last_mut(), self.line.take()) {
            (Some(function), Some((line, _))) => function.lines.push((here, line)),
            (Some(_), None) => {}
            (None, _) => {
                self.stray.get_or_insert_with(|| span.clone());
            }
        }
    }

    /// Begins a function at `here` in the layout.
    pub fn begin_function(
        &mut self,
        header: Header,
        span: Range<usize>,
        here: Anchor,
        errors: &mut ErrorLog,
    ) {
        self.end_function(errors);
        if let Some(stray) = self.stray.take().filter(|_| !self.reported_stray) {
            errors.push(stray, AsmErrorKind::OutsideFunction { found: "byte" });
        }
        let index = self.functions.len() as u32;
        if header.is_bare
            && let Some(&first) = self.names.get(&*header.name)
            && first != index
        {
            let name = header.name.clone();
            errors.push_with(span, || {
                let name = excerpt(&name);
                let hint = "a name in quotes may be there twice".to_owned();
                (AsmErrorKind::DuplicateFunction { name, first }, Some(hint))
            });
        }
        let (lines, local_names) = (Vec::new(), Vec::new());
        self.functions.push(FunctionDraft { header, start: here, lines, local_names });
    }

    /// Ends the current function, if there is one.
    pub fn end_function(&mut self, errors: &mut ErrorLog) {
        if let Some((_, span)) = self.line.take() {
            errors.push(span, AsmErrorKind::NoCodeOfLine);
        }
    }

    /// Says that the code that follows is from a line.
    pub fn set_line(&mut self, line: u32, span: Range<usize>, errors: &mut ErrorLog) {
        self.end_function(errors);
        self.line = Some((line, span));
    }

    /// How many local variables the current function has.
    pub fn locals(&self) -> u32 {
        self.functions.last().map_or(0, FunctionDraft::locals)
    }

    /// Names a local variable of the current function; `false` if it has a name.
    pub fn set_local_name(&mut self, local: u32, name: String) -> bool {
        let Some(function) = self.functions.last_mut() else { return true };
        let locals = function.locals() as usize;
        function.local_names.resize(locals, None);
        let Some(place) = function.local_names.get_mut(local as usize) else { return true };
        place.replace(name.into()).is_none()
    }

    /// Adds an entry for a constant.
    pub fn list_constant(&mut self, constant: Constant) {
        self.lists_constants = true;
        self.constants.entry(constant);
    }

    /// The bytes of the module whose code is `code`. A text without functions writes the bytes of the file itself.
    pub fn finish(
        self,
        codec: &Codec<'_>,
        layout: &Layout<'_>,
        code: Vec<u8>,
        errors: &mut ErrorLog,
    ) -> Vec<u8> {
        if self.functions.is_empty() && !self.lists_constants {
            return code;
        }
        let starts = self.functions.iter().map(|function| layout.offset(function.start));
        let ends: Vec<u32> = starts.skip(1).chain([code.len() as u32]).collect();
        let functions = self.functions.into_iter().zip(ends);
        let functions = functions.map(|(function, end)| {
            let start = layout.offset(function.start);
            let max_stack = function
                .header
                .stack
                .unwrap_or_else(|| stack::depth(codec, &code[..end as usize], start));
            let lines = function
                .lines
                .iter()
                .map(|&(anchor, line)| Line { offset: layout.offset(anchor) - start, line });
            Function {
                arity: function.arity(),
                locals: function.locals(),
                max_stack,
                captures: function.header.captures.clone().unwrap_or_default(),
                start,
                len: end - start,
                lines: lines.collect(),
                local_names: function
                    .local_names
                    .iter()
                    .map(|name| name.clone().unwrap_or_default())
                    .collect(),
                name: function.header.name,
            }
        });
        let functions = functions.collect();
        let module = Module { functions, code, ..self.constants.into_module() };
        module.write().unwrap_or_else(|error| {
            errors.push(0..0, AsmErrorKind::Module(error.kind));
            Vec::new()
        })
    }
}

/// The machine's union, or none that has anything.
pub(super) fn union(isa: &Isa) -> &Union {
    isa.machine().union.as_ref().unwrap_or(Union::EMPTY)
}

/// The functions with names that operands can write, by the first function of each name.
fn function_names(text: &str) -> HashMap<&str, u32> {
    let mut names = HashMap::new();
    let mut lexer = Token::lexer(text);
    let mut functions = 0;
    let mut is_start = true;
    while let Some(token) = lexer.next() {
        let begins = is_start && lexer.slice() == ".func";
        is_start = matches!(token, Ok(Token::LineEnd | Token::Colon));
        if begins {
            let name = lexer.next();
            is_start = name == Some(Ok(Token::LineEnd));
            if name == Some(Ok(Token::Word)) && is_label_name(lexer.slice()) {
                names.entry(lexer.slice()).or_insert(functions);
            }
            functions += 1;
        }
    }
    names
}
