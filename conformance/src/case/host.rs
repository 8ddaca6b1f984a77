//! Calls of the host that a case expects: `answer(1 2) = 7`.

use std::fmt;

use bytestone_spec::Isa;
use bytestone_spec::diagnostic::{Diagnostics, Span};
use bytestone_spec::isa::Extern;
use bytestone_spec::shape::Text;
use bytestone_spec::yaml::Node;
use bytestone_vm::Value;
use bytestone_vm::host::Call;

use super::tokens::call_tokens;
use super::values::wanted_number;
use super::wanted::Wanted;

/// A call of the host, and what its arguments and its reply may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedCall {
    /// The name of the function.
    pub function: String,
    /// What it may be called with.
    pub arguments: Vec<Wanted>,
    /// What it may reply, if it replies anything.
    pub reply: Option<Wanted>,
}

impl WantedCall {
    /// Whether a call is what is wanted.
    pub fn fits(&self, call: &Call) -> bool {
        let fits = |(wanted, found): (&Wanted, &i128)| wanted.fits(&Value::Int(*found));
        *self.function == *call.function
            && self.arguments.len() == call.arguments.len()
            && self.arguments.iter().zip(&call.arguments).all(fits)
            && self.reply.is_some() == call.reply.is_some()
            && self.reply.iter().zip(&call.reply).all(fits)
    }

    /// Whether more than one call fits.
    pub fn is_open(&self) -> bool {
        self.arguments.iter().chain(&self.reply).any(Wanted::is_open)
    }
}

impl fmt::Display for WantedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments: Vec<String> = self.arguments.iter().map(ToString::to_string).collect();
        write!(f, "{}({})", self.function, arguments.join(" "))?;
        self.reply.as_ref().map_or(Ok(()), |reply| write!(f, " = {reply}"))
    }
}

/// Reads the calls that a case expects, a list at a place.
pub(super) fn wanted_calls(
    isa: &Isa,
    texts: &[Text],
    place: &Node,
    diagnostics: &mut Diagnostics,
) -> Vec<WantedCall> {
    if isa.machine().externs.is_empty() {
        diagnostics.error(place.span, "the machine calls no functions of the host");
        return Vec::new();
    }
    let calls = texts.iter().zip(place.items());
    calls.filter_map(|(text, item)| wanted_call(isa, text, item.span, diagnostics)).collect()
}

fn wanted_call(
    isa: &Isa,
    text: &str,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Option<WantedCall> {
    let words = call_tokens(text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some((function, arguments, reply)) = parts(&words) else {
        let help =
            "calls are written as in `answer(1 2) = 7`, or `wait(5)` when nothing is replied";
        diagnostics.error_with_help(span, format!("`{text}` is no call of the host"), help);
        return None;
    };
    let Some(rules) = isa.find_extern(function).map(|id| isa.external(id)) else {
        let known: Vec<&str> =
            isa.machine().externs.iter().map(|known| known.name.as_str()).collect();
        let help = format!("the host has: {}", known.join(", "));
        diagnostics.error_with_help(
            span,
            format!("unknown function of the host `{function}`"),
            help,
        );
        return None;
    };
    if (arguments.len(), reply.is_some()) != (rules.args.len(), rules.result.is_some()) {
        let message = format!("`{text}` is no call of `{function}`");
        diagnostics.error_with_help(span, message, format!("it is `{}`", signature(rules)));
        return None;
    }
    let arguments: Vec<Option<Wanted>> = arguments
        .iter()
        .zip(&rules.args)
        .map(|(text, of)| wanted_number(text, *of, span, diagnostics))
        .collect();
    let reply = match reply.zip(rules.result) {
        Some((text, of)) => Some(wanted_number(text, of, span, diagnostics)?),
        None => None,
    };
    let arguments = arguments.into_iter().collect::<Option<_>>()?;
    Some(WantedCall { function: function.to_owned(), arguments, reply })
}

/// The function, the arguments and the reply of a call in words.
fn parts<'t>(words: &[&'t str]) -> Option<(&'t str, Vec<&'t str>, Option<&'t str>)> {
    let [function, "(", rest @ ..] = words else { return None };
    let end = rest.iter().position(|word| *word == ")")?;
    let (arguments, rest) = rest.split_at(end);
    let reply = match rest {
        [")"] => None,
        [")", "=", reply] => Some(*reply),
        _ => return None,
    };
    Some((function, arguments.to_vec(), reply))
}

/// A function with its types, as in `answer(u64 u64) = u64`.
pub fn signature(function: &Extern) -> String {
    let args: Vec<String> = function.args.iter().map(ToString::to_string).collect();
    let result = function.result.map_or_else(String::new, |of| format!(" = {of}"));
    format!("{}({}){result}", function.name, args.join(" "))
}
