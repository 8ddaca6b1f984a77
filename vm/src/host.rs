//! The host of a program: what its functions reply, and which calls of them were made.

use std::fmt;
use std::sync::Arc;

use bytestone_spec::isa::{Extern, ExternId, IntType, Machine};

use crate::limits;
use crate::state::InputError;
use crate::value::wire::push_number;

/// A call of a function of the host. It is shown as case files write it: `answer(1 2) = 7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name of the function.
    pub function: Arc<str>,
    /// What it was called with.
    pub arguments: Vec<i128>,
    /// What it replied, if it has a reply.
    pub reply: Option<i128>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments: Vec<String> = self.arguments.iter().map(ToString::to_string).collect();
        write!(f, "{}({})", self.function, arguments.join(" "))?;
        self.reply.map_or(Ok(()), |reply| write!(f, " = {reply}"))
    }
}

impl Call {
    /// Appends it as engines write it: `answer(1;2)=7`.
    pub fn push_wire(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(self.function.as_bytes());
        text.push(b'(');
        for (place, argument) in self.arguments.iter().enumerate() {
            if place > 0 {
                text.push(b';');
            }
            push_number(text, *argument);
        }
        text.push(b')');
        if let Some(reply) = self.reply {
            text.push(b'=');
            push_number(text, reply);
        }
    }

    /// Reads what an engine wrote; `None` if it is no call.
    pub fn from_wire(text: &str) -> Option<Self> {
        let (function, rest) = text.split_once('(')?;
        let (arguments, rest) = rest.split_once(')')?;
        let arguments = match arguments {
            "" => Some(Vec::new()),
            list => list.split(';').map(|argument| argument.parse().ok()).collect(),
        };
        let reply = match rest {
            "" => None,
            rest => Some(rest.strip_prefix('=')?.parse().ok()?),
        };
        let named = !function.is_empty();
        named.then_some(Self { function: function.into(), arguments: arguments?, reply })
    }

    /// Whether it has the form of a call that a program of a machine can make, whatever its numbers are.
    pub fn is_known(&self, machine: &Machine) -> bool {
        self.callee(machine).is_some()
    }

    /// Whether it is one that a program of a machine can make.
    pub fn is_of(&self, machine: &Machine) -> bool {
        self.callee(machine).is_some_and(|function| {
            let types = function.args.iter().chain(&function.result);
            types.zip(self.arguments.iter().chain(&self.reply)).all(|(of, it)| of.contains(*it))
        })
    }

    /// The function that it calls, if its arguments and its reply are as many as those of the function.
    fn callee<'m>(&self, machine: &'m Machine) -> Option<&'m Extern> {
        machine.externs.iter().find(|function| {
            *function.name == *self.function
                && function.args.len() == self.arguments.len()
                && function.result.is_some() == self.reply.is_some()
        })
    }
}

/// The functions of the host of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Host {
    functions: Arc<[Function]>,
    /// By function, what it replies to one call after the other.
    replies: Vec<Vec<u64>>,
    /// By function, how often it was called.
    called: Vec<usize>,
    /// All calls, in order.
    calls: Vec<Call>,
}

#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: Arc<str>,
    args: Vec<IntType>,
    result: Option<IntType>,
}

impl Host {
    /// The host of a machine, which replies 0 to everything and was not called yet.
    pub(crate) fn new(machine: &Machine) -> Self {
        let function = |function: &Extern| Function {
            name: function.name.as_str().into(),
            args: function.args.clone(),
            result: function.result,
        };
        let functions: Arc<[Function]> = machine.externs.iter().map(function).collect();
        let count = functions.len();
        Self {
            functions,
            replies: vec![Vec::new(); count],
            called: vec![0; count],
            calls: Vec::new(),
        }
    }

    /// The calls that were made, in order; `None` where there are no functions.
    pub(crate) fn calls(&self) -> Option<&[Call]> {
        (!self.functions.is_empty()).then_some(&self.calls)
    }

    /// Sets what a function replies to a call with a number; calls before it of which nothing is said get 0.
    pub(crate) fn set_reply(
        &mut self,
        function: ExternId,
        call: u64,
        value: i128,
    ) -> Result<(), InputError> {
        let at = usize::from(function.0);
        let (Some(rules), Some(replies)) = (self.functions.get(at), self.replies.get_mut(at))
        else {
            return Err(InputError::NoFunction(function.0));
        };
        let of = rules.result.ok_or(InputError::NoReply)?;
        let call = usize::try_from(call).ok().filter(|call| *call < limits::REPLIES);
        let call = call.ok_or(InputError::TooManyReplies)?;
        if replies.len() <= call {
            replies.resize(call + 1, 0);
        }
        replies[call] = of.cell(value).ok_or(InputError::BadValue { value, of })?;
        Ok(())
    }

    /// What a function replies when it is called next.
    #[inline]
    pub(crate) fn reply(&self, function: ExternId) -> u64 {
        let at = usize::from(function.0);
        let call = self.called.get(at).copied().unwrap_or(0);
        self.replies.get(at).and_then(|replies| replies.get(call)).copied().unwrap_or(0)
    }

    /// Notes a call of a function with its arguments and its reply, as cells.
    pub(crate) fn call(
        &mut self,
        function: ExternId,
        arguments: impl Iterator<Item = u64>,
        reply: u64,
    ) -> Option<&Call> {
        let at = usize::from(function.0);
        let rules = self.functions.get(at)?;
        *self.called.get_mut(at)? += 1;
        self.calls.push(Call {
            function: Arc::clone(&rules.name),
            arguments: rules.args.iter().zip(arguments).map(|(of, cell)| of.value(cell)).collect(),
            reply: rules.result.map(|of| of.value(reply)),
        });
        self.calls.last()
    }
}
