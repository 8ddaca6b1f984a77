//! Several engines on one program: who agrees, and who stands alone.

use bytestone_vm::trace::view::Observed;

use crate::engine::reference::ReferenceEngine;
use crate::engine::{Description, Engine, Mishap, Reply, Watch};
use crate::lockstep::{Finding, Subject};
use crate::runner::REFERENCE;
use crate::verdict::Failure;

/// What several engines make of one program.
#[derive(Debug)]
pub struct Panel {
    /// The engines by their answers, the largest group first; the reference tier is one of them.
    pub groups: Vec<Group>,
    /// What was compared: the parts that all of them observe.
    pub observed: Observed,
    /// How each engine differs from the reference tier, where it does.
    pub differing: Vec<(String, Box<Failure>)>,
    /// The engines that gave no answer, and why.
    pub silent: Vec<(String, String)>,
}

/// Engines that give one answer.
#[derive(Debug)]
pub struct Group {
    /// Their names.
    pub engines: Vec<String>,
    /// What they say, in words.
    pub answer: String,
}

impl Panel {
    /// Whether all engines that answered agree, and all answered.
    pub fn agrees(&self) -> bool {
        self.groups.len() == 1 && self.silent.is_empty() && self.differing.is_empty()
    }

    /// The engine that stands against all others, if there is exactly one and the others agree.
    pub fn odd_one_out(&self) -> Option<&str> {
        match &self.groups[..] {
            [most, one] if most.engines.len() > 1 && one.engines.len() == 1 => {
                Some(&one.engines[0])
            }
            _ => None,
        }
    }
}

/// Asks engines, each with its name, what they make of a program.
pub fn ask<'e>(
    subject: &Subject<'_>,
    engines: impl IntoIterator<Item = (&'e str, &'e mut (dyn Engine + Send + 'e))>,
) -> Panel {
    let mut engines: Vec<_> = engines.into_iter().collect();
    let observed =
        engines.iter().map(|(_, engine)| engine.description().observes).fold(Observed::ALL, common);
    let mut panel =
        Panel { groups: Vec::new(), observed, differing: Vec::new(), silent: Vec::new() };
    let mut reference = ReferenceEngine::new([subject.isa()]);
    let mut answers: Vec<(String, String)> = Vec::new();
    if let Ok(reply) = reference.run(&subject.asked(Watch::End)) {
        answers.push((REFERENCE.to_owned(), answer(&reply, observed)));
    }
    for (name, engine) in &mut engines {
        let name = (*name).to_owned();
        let description: Description = engine.description().clone();
        if let Some(why) = subject.skip(&description) {
            panel.silent.push((name, why));
            continue;
        }
        let request = subject.request(&description);
        let reply = match engine.run(&request) {
            Ok(reply) => reply,
            Err(Mishap { kind, .. }) => {
                panel.silent.push((name, kind.to_string()));
                continue;
            }
        };
        if let Reply::Unsupported(message) = &reply {
            panel.silent.push((name, format!("unsupported {message}")));
            continue;
        }
        answers.push((name.clone(), answer(&reply, observed)));
        if let Ok(Finding::Differs(failure)) = subject.judge(*engine, &request, &reply) {
            panel.differing.push((name, failure));
        }
    }
    for (engine, answer) in answers {
        match panel.groups.iter_mut().find(|group| group.answer == answer) {
            Some(group) => group.engines.push(engine),
            None => panel.groups.push(Group { engines: vec![engine], answer }),
        }
    }
    panel.groups.sort_by_key(|group| std::cmp::Reverse(group.engines.len()));
    panel
}

fn common(one: Observed, other: Observed) -> Observed {
    Observed {
        pc: one.pc && other.pc,
        depth: one.depth && other.depth,
        stack: one.stack && other.stack,
        cells: one.cells && other.cells,
        output: one.output && other.output,
        host: one.host && other.host,
        heap: one.heap && other.heap,
    }
}

/// An answer in words, without the parts that not all engines observe.
fn answer(reply: &Reply, observed: Observed) -> String {
    let ran = match reply {
        // Which of several faults is named first depends on the way that an engine goes.
        Reply::Rejected(rejected) => return format!("rejected in {}", rejected.phase.name()),
        Reply::Unsupported(message) => return format!("unsupported {message}"),
        Reply::Ran(ran) => ran,
    };
    let mut state = ran.state.clone();
    state.keep(observed);
    let mut parts = vec![ran.end.to_string()];
    if let Some(output) = ran.output.as_ref().filter(|_| observed.output) {
        parts.push(format!("output {}", crate::judge::list(output)));
    }
    if let Some(calls) = ran.host.as_ref().filter(|_| observed.host) {
        parts.push(format!("host {}", crate::judge::call_list(calls)));
    }
    if let Some(stack) = &state.stack {
        parts.push(format!("stack {}", crate::judge::stack_list(stack)));
    }
    if let Some(cells) = state.cells.as_ref().filter(|cells| !cells.is_empty()) {
        parts.push(format!("cells {}", crate::engine::cell::seen_text(cells)));
    }
    if let Some(pc) = state.pc {
        parts.push(format!("at offset {pc}"));
    }
    parts.join(", ")
}
