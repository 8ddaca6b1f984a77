//! Reading case files: every fault with its place, all of them in one run.

use std::collections::HashSet;
use std::sync::LazyLock;

use bytestone_spec::Isa;
use bytestone_spec::diagnostic::{Diagnostics, Faulty, Source, Span};
use bytestone_spec::isa::LIMIT_TRAPS;
use bytestone_spec::shape::{self, Text, similar};
use bytestone_spec::yaml::{self, Node};
use bytestone_vm::value::Form;
use bytestone_vm::{Phase, Reason};
use indexmap::IndexMap;

use super::file::{CaseEntry, CasesFile, FaultEntry, FinalEntry, HEADER, RejectsEntry, RowEntry};
use super::program::{self, ProgramText, SourceReader};
use super::trace::ExpectedTrace;
use super::{
    Case, CaseFile, Expect, ExpectedFault, ExpectedOutcome, ExpectedRun, Strength, host, values,
};

/// Steps that a case may take when it gives no limit.
pub const DEFAULT_FUEL: u64 = 1_000_000;
/// The most steps that a case may ask for.
pub const MOST_FUEL: u64 = 1_000_000_000;

/// Where the machines that case files name come from.
pub trait Machines {
    /// The machine with a name.
    fn machine(&self, name: &str) -> Option<&Isa>;
    /// The names of all machines, for hints.
    fn names(&self) -> Vec<&str>;
}

impl Machines for Isa {
    fn machine(&self, name: &str) -> Option<&Isa> {
        (self.name() == name).then_some(self)
    }

    fn names(&self) -> Vec<&str> {
        vec![self.name()]
    }
}

/// The JSON Schema of case files.
pub fn schema() -> &'static serde_json::Value {
    static SCHEMA: LazyLock<serde_json::Value> =
        LazyLock::new(|| schemars::schema_for!(CasesFile).to_value());
    &SCHEMA
}

/// Reads a case file.
///
/// # Errors
///
/// All faults of the file, each with its place.
pub fn load(source: Source, machines: &dyn Machines) -> Result<CaseFile, Faulty> {
    let mut diagnostics = Diagnostics::default();
    let file = read(&source, machines, &mut diagnostics);
    diagnostics.finish(vec![source.clone()])?;
    file.ok_or_else(|| Faulty::single(source, "the file was not read"))
}

fn read(
    source: &Source,
    machines: &dyn Machines,
    diagnostics: &mut Diagnostics,
) -> Option<CaseFile> {
    let root = yaml::parse(source, 0, diagnostics)?;
    let root = shape::check(root, schema(), diagnostics).root?;
    let file: CasesFile = match root.typed() {
        Ok(file) => file,
        Err(error) => {
            diagnostics.error(root.span, error.to_string());
            return None;
        }
    };
    let header = root.get("bytestone").map_or(root.span, |node| node.span);
    if *file.bytestone != *HEADER {
        let message = format!("this is `{}`; this version reads `{HEADER}`", file.bytestone.0);
        diagnostics.error(header, message);
    }
    let isa_span = root.get("isa").map_or(root.span, |node| node.span);
    let isa = machine(&file.isa, isa_span, machines, diagnostics)?;
    let nodes = root.get("cases").map_or(&[][..], Node::items);
    if nodes.is_empty() {
        let span = root.entry("cases").map_or(root.span, |entry| entry.key_span);
        diagnostics.error(span, "a file without a case");
    }
    let mut names = HashSet::new();
    let mut cases = Vec::new();
    for (entry, node) in file.cases.iter().zip(nodes) {
        let mut reader = Reader { isa, entry, node, diagnostics };
        if !names.insert(entry.name.0.clone()) {
            let span = reader.span("name");
            reader.diagnostics.error(span, format!("a second case called `{}`", entry.name.0));
        }
        reader.cases(&mut cases);
    }
    Some(CaseFile { machine: isa.name().to_owned(), cases })
}

fn machine<'m>(
    text: &str,
    span: Span,
    machines: &'m dyn Machines,
    diagnostics: &mut Diagnostics,
) -> Option<&'m Isa> {
    let Some((name, major)) = text.split_once('@') else {
        diagnostics.error(
            span,
            "expected a machine and the major version of its spec, as in `calculator@1`",
        );
        return None;
    };
    let Some(isa) = machines.machine(name) else {
        let known = machines.names();
        let help = match similar(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known are: {}", known.join(", ")),
        };
        diagnostics.error_with_help(span, format!("unknown machine `{name}`"), help);
        return None;
    };
    if major.parse() != Ok(isa.version().major) {
        let message = format!(
            "these cases are for version {major} of {name}, and there is {}",
            isa.version()
        );
        diagnostics.error(span, message);
        return None;
    }
    Some(isa)
}

/// The expectations of a case, or of a row of its table.
struct Expectations<'a> {
    outcome: Option<&'a Text>,
    output: Option<&'a Vec<Text>>,
    host: Option<&'a Vec<Text>>,
    final_state: Option<&'a FinalEntry>,
    trace: Option<&'a Text>,
    max_stack: Option<&'a Text>,
    rejects: Option<&'a RejectsEntry>,
}

impl<'a> Expectations<'a> {
    fn of_case(entry: &'a CaseEntry) -> Self {
        Self {
            outcome: entry.outcome.as_ref(),
            output: entry.output.as_ref(),
            host: entry.host.as_ref(),
            final_state: entry.final_state.as_ref(),
            trace: entry.trace.as_ref(),
            max_stack: entry.max_stack.as_ref(),
            rejects: entry.rejects.as_ref(),
        }
    }

    /// Those of a row; what it leaves open is that of the case.
    fn of_row(row: &'a RowEntry, case: Self) -> Self {
        Self {
            outcome: row.outcome.as_ref().or(case.outcome),
            output: row.output.as_ref().or(case.output),
            host: row.host.as_ref().or(case.host),
            final_state: row.final_state.as_ref().or(case.final_state),
            trace: row.trace.as_ref().or(case.trace),
            max_stack: row.max_stack.as_ref().or(case.max_stack),
            rejects: row.rejects.as_ref().or(case.rejects),
        }
    }

    fn runs(&self) -> bool {
        self.outcome.is_some()
            || self.output.is_some()
            || self.host.is_some()
            || self.final_state.is_some()
            || self.trace.is_some()
            || self.max_stack.is_some()
    }
}

struct Reader<'a> {
    isa: &'a Isa,
    entry: &'a CaseEntry,
    node: &'a Node,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Reader<'a> {
    fn span(&self, key: &str) -> Span {
        self.node.get(key).map_or(self.node.span, |node| node.span)
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.diagnostics.error(span, message);
    }

    fn cases(&mut self, cases: &mut Vec<Case>) {
        let entry = self.entry;
        self.metadata();
        let expectations = Expectations::of_case(entry);
        match &entry.rows {
            None => {
                let program = ProgramText::of_case(entry);
                let id = format!("{}/{}", self.isa.name(), entry.name.0);
                cases.extend(self.case(
                    id,
                    self.node,
                    self.span("name"),
                    None,
                    &program,
                    &expectations,
                ));
            }
            Some(rows) => self.table(rows, cases),
        }
    }

    /// Checks what concerns the whole case.
    fn metadata(&mut self) {
        let entry = self.entry;
        if !is_case_name(&entry.name) {
            let span = self.span("name");
            self.error(span, "a case's name starts with a lower-case letter and holds lower-case letters, digits and `-`");
        }
        if entry.golden.as_ref().is_some_and(|golden| *golden.0 != *"hand") {
            let span = self.span("golden");
            self.diagnostics.error_with_help(
                span,
                "expected `hand`",
                "leave the key out otherwise",
            );
        }
        if entry
            .strength
            .as_ref()
            .is_some_and(|strength| !matches!(strength.0.as_str(), "must" | "should"))
        {
            let span = self.span("strength");
            self.error(span, "expected `must` or `should`");
        }
        self.references();
        if entry.passes.is_some() && entry.source.is_none() {
            let span = self.node.entry("passes").map_or(self.node.span, |entry| entry.key_span);
            self.error(span, "`passes` is for a case with a `source`");
        }
        if entry.asm.is_none() && entry.bytecode.is_none() && entry.source.is_none() {
            let span = self.span("name");
            self.diagnostics.error_with_help(
                span,
                "a case without a program",
                "give `asm`, `bytecode` or `source`, or several of them",
            );
        }
    }

    /// A reference to a note of the spec names one that is there.
    fn references(&mut self) {
        let items = self.node.get("refs").map_or(&[][..], Node::items);
        for (reference, item) in self.entry.refs.iter().zip(items) {
            let (kind, notes, name) = match reference.split_once(' ') {
                Some(("decision", name)) => ("decision", self.isa.decisions(), name),
                Some(("erratum", name)) => ("erratum", self.isa.errata(), name),
                _ => continue,
            };
            if notes.iter().all(|note| note.name != name) {
                let message = format!("the spec has no {kind} `{name}`");
                match similar(name, notes.iter().map(|note| note.name.as_str())) {
                    Some(meant) => {
                        let help = format!("did you mean `{meant}`?");
                        self.diagnostics.error_with_help(item.span, message, help);
                    }
                    None => self.error(item.span, message),
                }
            }
        }
    }

    fn table(&mut self, rows: &[RowEntry], cases: &mut Vec<Case>) {
        let entry = self.entry;
        let names = program::names(entry);
        if rows.is_empty() {
            let span = self.node.entry("rows").map_or(self.node.span, |entry| entry.key_span);
            self.error(span, "a table without a row");
        }
        let nodes = self.node.get("rows").map_or(&[][..], Node::items);
        for (index, (row, node)) in rows.iter().zip(nodes).enumerate() {
            self.row_names(row, node, &names);
            let values =
                row.values.iter().map(|(name, value)| (name.as_str(), value.0.as_str())).collect();
            let program = ProgramText::of_row(entry, &values);
            let id = format!("{}/{}/{}", self.isa.name(), entry.name.0, index + 1);
            let expectations = Expectations::of_row(row, Expectations::of_case(entry));
            let about = row.about.as_ref().map(|about| about.0.clone());
            cases.extend(self.case(id, node, node.span, about, &program, &expectations));
        }
    }

    /// Each name of the program has a value, and each value is used.
    fn row_names(&mut self, row: &RowEntry, node: &Node, names: &[&str]) {
        for name in names {
            if !row.values.contains_key(*name) {
                self.error(node.span, format!("the row has no value for `{{{name}}}`"));
            }
        }
        for name in row.values.keys() {
            if !names.contains(&name.as_str()) {
                let span = node.entry(name).map_or(node.span, |entry| entry.key_span);
                let keys = [
                    "about",
                    "outcome",
                    "output",
                    "host",
                    "final",
                    "trace",
                    "max_stack",
                    "rejects",
                ];
                let known = names.iter().copied().chain(keys);
                let message =
                    format!("`{name}` is neither an expectation nor a name in the program");
                match similar(name, known) {
                    Some(meant) => {
                        self.diagnostics.error_with_help(
                            span,
                            message,
                            format!("did you mean `{meant}`?"),
                        );
                    }
                    None => self.error(span, message),
                }
            }
        }
    }

    /// `node` is where the expectations stand: the case, or the row.
    fn case(
        &mut self,
        id: String,
        node: &Node,
        span: Span,
        about: Option<String>,
        program: &ProgramText,
        expectations: &Expectations<'_>,
    ) -> Option<Case> {
        let before = self.diagnostics.count();
        let entry = self.entry;
        let bytecode = program.bytecode.as_ref().and_then(|hex| self.bytes(hex));
        let source = program.source.as_ref().and_then(|text| {
            let (isa, node) = (self.isa, self.node);
            SourceReader { isa, entry, node, diagnostics: self.diagnostics }.compile(text, span)
        });
        let input = entry.input.iter().flat_map(|(bank, input)| {
            let at = self.node.get("input").and_then(|input| input.entry(bank));
            let span = at.map_or(self.node.span, |entry| entry.key_span);
            values::input(self.isa, bank, input, span, self.diagnostics)
        });
        let input = input.collect();
        let fuel = self.fuel();
        let expect = self.expect(node, expectations);
        let texts = |texts: &[Text]| texts.iter().map(|text| text.0.clone()).collect();
        let case = Case {
            id,
            about: about.or_else(|| entry.about.as_ref().map(|about| about.0.clone())),
            refs: texts(&entry.refs),
            formerly: texts(&entry.formerly),
            requires: texts(&entry.requires),
            strength: match &entry.strength {
                Some(strength) if *strength.0 == *"should" => Strength::Should,
                _ => Strength::Must,
            },
            golden: entry.golden.is_some(),
            span,
            asm: program.asm.clone(),
            bytecode,
            source,
            input,
            fuel,
            expect: expect?,
        };
        (self.diagnostics.count() == before).then_some(case)
    }

    fn bytes(&mut self, hex: &str) -> Option<Vec<u8>> {
        match parse_hex(hex) {
            Ok(bytes) => Some(bytes),
            Err(message) => {
                let span = self.span("bytecode");
                self.error(span, message);
                None
            }
        }
    }

    fn fuel(&mut self) -> u64 {
        let Some(fuel) = self.entry.limits.as_ref().and_then(|limits| limits.fuel.as_ref()) else {
            return DEFAULT_FUEL;
        };
        match fuel.parse() {
            Ok(fuel) if fuel <= MOST_FUEL => fuel,
            _ => {
                let span = self
                    .node
                    .get("limits")
                    .and_then(|limits| limits.get("fuel"))
                    .map_or(self.node.span, |n| n.span);
                self.error(span, format!("expected a number of steps from 0 to {MOST_FUEL}"));
                DEFAULT_FUEL
            }
        }
    }

    fn expect(&mut self, node: &Node, expectations: &Expectations<'_>) -> Option<Expect> {
        match (expectations.rejects, expectations.runs()) {
            (Some(rejects), false) => self.rejects(node, rejects),
            (None, true) => self.run(node, expectations).map(|run| Expect::Runs(Box::new(run))),
            (Some(_), true) => {
                let span = self.expectation_span(node, "rejects");
                self.error(span, "a case with `rejects` has no other expectation");
                None
            }
            (None, false) => {
                self.diagnostics.error_with_help(
                    node.span,
                    "a case without an expectation",
                    "give `outcome`, `output`, `host`, `final`, `trace`, `max_stack` or `rejects`",
                );
                None
            }
        }
    }

    /// The place of an expectation in the row, or in the case when the row has none.
    fn expectation_node<'n>(&self, node: &'n Node, key: &str) -> Option<&'n Node>
    where
        'a: 'n,
    {
        node.get(key).or_else(|| self.node.get(key))
    }

    fn expectation_span(&self, node: &Node, key: &str) -> Span {
        self.expectation_node(node, key).map_or(node.span, |node| node.span)
    }

    fn rejects(&mut self, node: &Node, rejects: &RejectsEntry) -> Option<Expect> {
        let span = self.expectation_span(node, "rejects");
        let faults = match rejects {
            RejectsEntry::One(fault) => vec![self.fault(fault, span)?],
            RejectsEntry::Many(faults) => {
                let faults: Option<Vec<ExpectedFault>> =
                    faults.iter().map(|fault| self.fault(fault, span)).collect();
                faults?
            }
        };
        if faults.is_empty() {
            self.error(span, "expected a fault");
            return None;
        }
        if !faults.is_sorted_by_key(|fault| (fault.at, fault.reason)) {
            self.error(span, "faults are listed in the order of their offsets");
        }
        Some(Expect::Rejects(faults))
    }

    fn fault(&mut self, fault: &FaultEntry, span: Span) -> Option<ExpectedFault> {
        let phase = match fault.phase.0.as_str() {
            "decode" => Some(Phase::Decode),
            "verify" => Some(Phase::Verify),
            _ => {
                self.error(span, "expected the phase `decode` or `verify`");
                None
            }
        };
        let reason = Reason::from_name(&fault.reason);
        match reason {
            None => {
                let known = Reason::ALL.map(Reason::name);
                let message = format!("unknown reason `{}`", fault.reason.0);
                let help = match similar(&fault.reason, known) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the reasons are: {}", known.join(", ")),
                };
                self.diagnostics.error_with_help(span, message, help);
            }
            Some(reason) if phase.is_some_and(|phase| phase != reason.phase()) => {
                self.error(
                    span,
                    format!("`{}` belongs to the phase {}", reason.name(), reason.phase().name()),
                );
            }
            Some(_) => {}
        }
        let at = fault.at.parse().ok();
        if at.is_none() {
            self.error(span, "expected an offset after `at`");
        }
        Some(ExpectedFault { phase: phase?, reason: reason?, at: at? })
    }

    fn run(&mut self, node: &Node, expectations: &Expectations<'_>) -> Option<ExpectedRun> {
        let isa = self.isa;
        let outcome = match expectations.outcome {
            None => Some(ExpectedOutcome::Halt),
            Some(text) => self.outcome(text, node),
        };
        let output = expectations.output.map(|values| {
            let span = self.expectation_span(node, "output");
            match isa.machine().output {
                Some(of) => values::each(values, Form::new(isa, of), span, self.diagnostics),
                None => {
                    self.error(span, "the machine prints nothing");
                    Vec::new()
                }
            }
        });
        let host = expectations.host.map(|calls| {
            let place = self.expectation_node(node, "host").unwrap_or(node);
            host::wanted_calls(isa, calls, place, self.diagnostics)
        });
        let mut stack = None;
        let mut cells = Vec::new();
        if let Some(state) = expectations.final_state {
            let span = self.expectation_span(node, "final");
            if state.stack.is_none() && state.banks.values().all(IndexMap::is_empty) {
                self.error(span, "expected `stack` or cells of a bank");
            }
            stack = state.stack.as_ref().map(|values| match isa.machine().stack {
                Some(rules) => {
                    values::list(values, Form::new(isa, rules.of), span, self.diagnostics)
                }
                None => {
                    self.error(span, "the machine has no stack");
                    Vec::new()
                }
            });
            for (bank, values) in &state.banks {
                cells.extend(values::wanted_cells(isa, bank, values, span, self.diagnostics));
            }
        }
        let trace = expectations.trace.and_then(|text| self.trace(text, node));
        let max_stack = expectations.max_stack.and_then(|text| {
            let depth = text.parse().ok();
            if depth.is_none() || isa.machine().stack.is_none() {
                let span = self.expectation_span(node, "max_stack");
                self.error(span, "expected a depth, on a machine with a stack");
            }
            depth
        });
        Some(ExpectedRun { outcome: outcome?, output, host, stack, cells, trace, max_stack })
    }

    fn outcome(&mut self, text: &str, node: &Node) -> Option<ExpectedOutcome> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["halt"] => return Some(ExpectedOutcome::Halt),
            ["fuel"] => return Some(ExpectedOutcome::Fuel),
            ["trap", name, "at", at] => {
                if let (Some(trap), Ok(at)) = (self.isa.find_trap(name), at.parse()) {
                    return Some(ExpectedOutcome::Trap { trap, at });
                }
                let span = self.expectation_span(node, "outcome");
                if self.isa.find_trap(name).is_none() {
                    let known = self.isa.traps().iter().map(|trap| trap.name.as_str());
                    let help = match similar(name, known.clone()) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => format!("the traps are: {}", known.collect::<Vec<_>>().join(", ")),
                    };
                    self.diagnostics.error_with_help(span, format!("unknown trap `{name}`"), help);
                } else {
                    self.error(span, format!("`{at}` is no offset"));
                }
            }
            _ => {
                let span = self.expectation_span(node, "outcome");
                let traps: Vec<&str> = self
                    .isa
                    .traps()
                    .iter()
                    .skip(LIMIT_TRAPS.len())
                    .map(|trap| trap.name.as_str())
                    .collect();
                let help = match traps.first() {
                    Some(trap) => format!("as in `trap {trap} at 10`"),
                    None => "as in `trap stack_overflow at 10`".to_owned(),
                };
                self.diagnostics.error_with_help(
                    span,
                    "expected `halt`, `fuel` or `trap NAME at OFFSET`",
                    help,
                );
            }
        }
        None
    }

    fn trace(&mut self, text: &str, node: &Node) -> Option<ExpectedTrace> {
        match ExpectedTrace::parse(text) {
            Ok(trace) => Some(trace),
            Err(errors) => {
                for error in errors {
                    let span = match self.expectation_node(node, "trace").and_then(Node::scalar) {
                        Some(scalar) => {
                            let start =
                                text.split_inclusive('\n').take(error.line).map(str::len).sum();
                            let line = text.lines().nth(error.line).unwrap_or("");
                            scalar.span(start..start + line.len())
                        }
                        None => node.span,
                    };
                    self.error(span, error.message);
                }
                None
            }
        }
    }
}

fn is_case_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Bytes from hexadecimal digits; white space is ignored.
///
/// # Errors
///
/// What is wrong, in words.
///
/// ```
/// assert_eq!(bytestone::case::load::parse_hex("01 0A\n ff"), Ok(vec![1, 10, 255]));
/// assert!(bytestone::case::load::parse_hex("01 0").is_err());
/// ```
pub fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let mut digits = Vec::new();
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        match c.to_digit(16) {
            Some(digit) => digits.push(digit as u8),
            None => return Err(format!("`{c}` is no hexadecimal digit")),
        }
    }
    if digits.len() % 2 != 0 {
        return Err(format!("{} hexadecimal digits: a byte has two", digits.len()));
    }
    Ok(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
