//! Functions of the host: their signatures, and calls of them.

use super::Context;
use super::body::{Lowering, Type};
use super::expr::Typed;
use super::machine::int_type;
use super::storage::{STORAGES, is_name};
use crate::diagnostic::Span;
use crate::file::{ExternFile, SpecFile};
use crate::isa::{Arguments, Extern, ExternId, Instruction, IntType, Op, Temp, WriteTo};
use crate::lang::ast::{Expr, Name};
use crate::limits;
use crate::shape::Text;

/// What a call of the host is called as a write.
const HOST: &str = "the call of the host";

/// The functions of the host. A faulty one is there all the same, so that their numbers stay.
pub(super) fn externs(file: &SpecFile, context: &mut Context<'_>) -> Vec<Extern> {
    let span = context.key_span(&["externs"]);
    if file.externs.len() > limits::EXTERNS {
        let message = format!("a machine has at most {} functions of the host", limits::EXTERNS);
        context.diagnostics.error(span, message);
    }
    if !file.externs.is_empty() && !file.types.values().all(super::pair::is_pair) {
        let what = "functions of the host on a machine with dynamic values";
        context.diagnostics.unsupported(span, what);
    }
    let mut externs = Vec::new();
    for (name, function) in file.externs.iter().take(limits::EXTERNS) {
        let before = context.diagnostics.count();
        externs.push(signature(name, function, file, context));
        if context.diagnostics.count() != before {
            context.define_faulty(name);
        }
    }
    externs
}

fn signature(
    name: &str,
    function: &ExternFile,
    file: &SpecFile,
    context: &mut Context<'_>,
) -> Extern {
    let span = context.key_span(&["externs", name]);
    let is_storage = STORAGES.contains(&name) || file.machine.memory.contains_key(name);
    if !is_name(name) || is_storage {
        let message =
            "a function's name holds lower-case letters, digits and `_`, and is that of no storage";
        context.diagnostics.error(span, message);
    }
    if function.doc.as_ref().is_some_and(|doc| doc.trim().is_empty()) {
        let message = format!("the function `{name}` does not say what it does");
        context.diagnostics.error(span, message);
    }
    if function.args.len() > limits::ARGUMENTS {
        let message = format!("a function has at most {} arguments", limits::ARGUMENTS);
        context.diagnostics.error(context.span(&["externs", name, "args"]), message);
    }
    let places = context.node(&["externs", name, "args"]).items();
    let args = function.args.iter().zip(places).map(|(of, place)| {
        // A stand-in for a type that is faulty.
        int_type(of, place.span, context).unwrap_or(IntType::unsigned(64))
    });
    let args = args.collect();
    let result = function.result.as_ref().map(|of| {
        let span = context.span(&["externs", name, "result"]);
        int_type(of, span, context).unwrap_or(IntType::unsigned(64))
    });
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.trim().to_owned());
    Extern {
        name: name.to_owned(),
        args,
        result,
        doc: text(&function.doc).unwrap_or_default(),
        reference: text(&function.reference),
    }
}

/// A function that no instruction calls is a fault: either the function or a call is missing.
pub(super) fn unused(instructions: &[Instruction], externs: &[Extern], context: &mut Context<'_>) {
    let writes = || instructions.iter().flat_map(|insn| &insn.body.writes);
    for (id, function) in (0u8..).map(ExternId).zip(externs) {
        let calls = |to: WriteTo| matches!(to, WriteTo::Host { function, .. } if function == id);
        if !writes().any(|write| calls(write.to)) && !context.faulty.contains(&function.name) {
            let span = context.key_span(&["externs", &function.name]);
            let message = format!("no instruction calls `{}`", function.name);
            context.diagnostics.error(span, message);
        }
    }
}

impl Lowering<'_, '_> {
    /// `host f(a, b)`, or `let x = host f(a, b)`: between the traps and the writes of a step.
    pub(super) fn host_call(
        &mut self,
        reply: Option<&Name>,
        function: &Name,
        arguments: &[Expr],
        span: Span,
    ) {
        match self.state.first_write {
            None => {}
            Some(HOST) => {
                self.context.diagnostics.unsupported(span, "a second call of the host in a step")
            }
            Some(write) => self.context.diagnostics.error_with_help(
                span,
                "a call of the host after a write",
                format!(
                    "move it before {write}: the host is called between the traps and the writes"
                ),
            ),
        }
        let externs = &self.cx.machine.externs;
        let Some(at) = externs.iter().position(|known| known.name == function.text) else {
            let known = externs.iter().map(|known| known.name.as_str());
            self.context.unknown(function.span, "function of the host", &function.text, known);
            return self.bind_reply(reply, None);
        };
        let (id, called) = (ExternId(at as u8), externs[at].clone());
        let temps = self.arguments(&called, arguments, span);
        // A function without a reply gives 0, which no name is bound to.
        let of = called.result.unwrap_or(IntType::unsigned(64));
        let found = self.emit(Op::Reply { function: id }, Type::Int(of), span);
        let value = found.filter(|_| called.result.is_some());
        if let (Some(name), None) = (reply, called.result) {
            let message = format!("`{}` replies nothing", called.name);
            let help = format!("call it alone: `host {}(…)`", called.name);
            self.context.diagnostics.error_with_help(name.span, message, help);
        }
        self.bind_reply(reply, value);
        let clause = self.clause(&format!("host.{}", called.name));
        if let (Some(found), Some(arguments)) = (found, temps) {
            let to = WriteTo::Host { function: id, arguments };
            self.write(to, found.temp, clause, HOST);
        }
    }

    /// The arguments of a call, of the types that the function takes.
    fn arguments(&mut self, called: &Extern, given: &[Expr], span: Span) -> Option<Arguments> {
        if given.len() != called.args.len() {
            let types: Vec<String> = called.args.iter().map(ToString::to_string).collect();
            self.context.diagnostics.error_with_help(
                span,
                format!("`{}` takes {} arguments, not {}", called.name, types.len(), given.len()),
                format!("it is `{}({})`", called.name, types.join(", ")),
            );
            return None;
        }
        let temps: Vec<Option<Temp>> = given
            .iter()
            .zip(&called.args)
            .map(|(argument, of)| self.expr_of(argument, Type::Int(*of)))
            .collect();
        Arguments::new(&temps.into_iter().collect::<Option<Vec<Temp>>>()?)
    }

    fn bind_reply(&mut self, name: Option<&Name>, value: Option<Typed>) {
        if let Some(name) = name {
            self.bind_name(name, value);
        }
    }
}
