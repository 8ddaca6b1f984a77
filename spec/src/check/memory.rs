//! Memory: its regions, the cells that point into it at the start, and those that calls save.

use indexmap::IndexMap;

use super::Context;
use super::body::{Lowering, Type};
use super::expr::Typed;
use super::machine::{int_type, limit};
use super::storage::{STORAGES, is_name};
use crate::diagnostic::Span;
use crate::file::{BankFile, CallsFile, MachineFile, RegionFile};
use crate::isa::{
    Bank, BankId, CellType, IntType, Op, Owner, Region, RegionId, Saved, Start, Temp, UnaryOp,
    WriteTo, is_stored,
};
use crate::lang::ast::{Expr, ExprKind};
use crate::lang::{bounds, parse_expression};
use crate::limits;
use crate::yaml::Scalar;

/// The regions of a machine's memory.
pub(super) fn regions(
    files: &IndexMap<String, RegionFile>,
    context: &mut Context<'_>,
) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    if files.len() > limits::REGIONS {
        let message = format!("a machine has at most {} regions of memory", limits::REGIONS);
        context.diagnostics.error(context.key_span(&["machine", "memory"]), message);
    }
    for (name, file) in files {
        let path = ["machine", "memory", name];
        let span = context.key_span(&path);
        if !is_name(name) || STORAGES.contains(&name.as_str()) {
            let message = "a region's name holds lower-case letters, digits and `_`, and is that of no other storage";
            context.diagnostics.error(span, message);
        }
        let [base_path, size_path, holds_path] =
            ["base", "size", "holds"].map(|key| [path[0], path[1], path[2], key]);
        let base = context
            .scalar(&base_path)
            .and_then(|text| parse_expression(text, context.diagnostics))
            .and_then(|base| u64::try_from(base.number()?).ok());
        let size = limit(&file.size, &size_path, limits::REGION_BYTES, context).unwrap_or(1);
        let Some(base) = base.filter(|base| base.checked_add(size.into()).is_some()) else {
            let message = "expected an address of 64 bits, in decimal or `0x`";
            context.diagnostics.error(context.span(&base_path), message);
            continue;
        };
        let input = match file.holds.as_ref().map(|holds| holds.0.as_str()) {
            None | Some("zero") => false,
            Some("input") => true,
            Some(other) => {
                let span = context.span(&holds_path);
                context.unknown(span, "content of memory", other, ["zero", "input"].into_iter());
                false
            }
        };
        let region = Region { name: name.clone(), base, size, input };
        let meets =
            |other: &&Region| region.base < other.end(other.size) && other.base < region.end(size);
        if let Some(other) = regions.iter().find(meets) {
            let message = format!("the regions `{}` and `{name}` overlap", other.name);
            context.diagnostics.error(span, message);
        }
        regions.push(region);
    }
    regions
}

/// Fills in what cells hold when a program starts.
pub(super) fn start(
    file: &MachineFile,
    memory: &[Region],
    banks: &mut [Bank],
    context: &mut Context<'_>,
) {
    let files: [(&str, &str, Option<&BankFile>); 2] =
        [("locals", "local", file.locals.as_ref()), ("registers", "reg", file.registers.as_ref())];
    for (key, name, file) in files {
        let Some(bank) = banks.iter_mut().find(|bank| bank.name == name) else { continue };
        for index in file.iter().flat_map(|file| file.start.keys()) {
            let path = ["machine", key, "start", index];
            let cell = index.parse().ok().filter(|index| *index < bank.count);
            let Some(cell) = cell else {
                let last = bank.count.saturating_sub(1);
                let message = format!("the cells are 0 to {last}");
                context.diagnostics.error(context.key_span(&path), message);
                continue;
            };
            let CellType::Int(of) = bank.of else {
                let span = context.span(&path);
                context.diagnostics.unsupported(span, "a dynamic value as the start of a cell");
                continue;
            };
            let start = context.scalar(&path).and_then(|it| start_of(it, of, memory, context));
            bank.start.extend(start.map(|start| (cell, start)));
        }
    }
}

fn start_of(
    text: &Scalar,
    of: IntType,
    memory: &[Region],
    context: &mut Context<'_>,
) -> Option<Start> {
    let expr = parse_expression(text, context.diagnostics)?;
    let span = expr.span;
    if let Some(value) = expr.constant(&mut |_| None) {
        let cell = of.cell(value);
        if cell.is_none() {
            let message = format!("{} is not a value of type {of}", text.text);
            context.diagnostics.error(span, message);
        }
        return cell.map(Start::Number);
    }
    let Some((what, name)) = part_of_region(&expr) else {
        let message = "expected a number, or what a region of memory has, as in `base(input)`";
        context.diagnostics.error(span, message);
        return None;
    };
    let Some(at) = memory.iter().position(|region| region.name == name) else {
        let known = memory.iter().map(|region| region.name.as_str());
        context.unknown(span, "region of memory", name, known);
        return None;
    };
    let (id, region) = (RegionId(at as u8), &memory[at]);
    let (start, greatest) = match what {
        "base" => (Start::Base(id), region.base),
        "size" => (Start::Size(id), region.size.into()),
        "end" => (Start::End(id), region.end(region.size)),
        _ => {
            context.unknown(span, "part of a region", what, ["base", "size", "end"].into_iter());
            return None;
        }
    };
    if !of.contains(greatest.into()) {
        context.diagnostics.error(span, format!("{greatest} is not a value of type {of}"));
        return None;
    }
    Some(start)
}

/// `base(input)`: what is asked of a region, and its name.
fn part_of_region(expr: &Expr) -> Option<(&str, &str)> {
    let ExprKind::Call(what, arguments) = &expr.kind else { return None };
    match (&what.kind, &arguments[..]) {
        (ExprKind::Name(what), [Expr { kind: ExprKind::Name(name), .. }]) => Some((what, name)),
        _ => None,
    }
}

/// The registers that a call saves.
pub(super) fn saved(
    calls: Option<&CallsFile>,
    depth: Option<u32>,
    banks: &[Bank],
    context: &mut Context<'_>,
) -> Option<Saved> {
    let text = calls?.saves.as_ref()?;
    let span = context.span(&["machine", "calls", "saves"]);
    let is_register = |bank: &Bank| bank.name == "reg" && bank.owner == Owner::Program;
    let Some(at) = banks.iter().position(is_register) else {
        context.diagnostics.error(span, "the machine has no registers to save");
        return None;
    };
    let within = |&(first, last): &(u32, u32)| first <= last && last < banks[at].count;
    let Some((first, last)) = bounds(text).filter(within) else {
        let message = "expected registers, as in `6..9`; both are counted";
        context.diagnostics.error(span, message);
        return None;
    };
    if u64::from(last - first + 1) * u64::from(depth?) > limits::CALL_CELLS {
        context.diagnostics.error_with_help(
            span,
            format!("all active calls save at most {} cells", limits::CALL_CELLS),
            "save fewer registers, or give `calls` a smaller `depth`",
        );
    }
    Some(Saved { bank: BankId(at as u8), first, last })
}

impl Lowering<'_, '_> {
    /// `memory(T, p)`: the number at an address.
    pub(super) fn load(&mut self, ty: &Expr, address: &Expr, span: Span) -> Option<Typed> {
        let (ty, address) = self.place(ty, address, span)?;
        self.reads(span);
        if self.choices > 0 {
            self.context.diagnostics.error_with_help(
                span,
                "a load in an expression of which only a part counts",
                "bind it with `let` under the condition: `if c { let v = memory(u32, p) … }`",
            );
            return None;
        }
        let guard = self.state.guard;
        self.emit(Op::Load { guard, ty, address }, Type::Int(ty), span)
    }

    /// `memory(T, p) = v`.
    pub(super) fn store(&mut self, arguments: &[Expr], value: &Expr, span: Span) {
        let [ty, address] = arguments else {
            self.arity("memory", 2, span);
            return;
        };
        let place = self.place(ty, address, span);
        let Some((ty, address)) = place else { return };
        let Some(value) = self.expr_of(value, Type::Int(ty)) else { return };
        if let Some(write) = self.state.first_write {
            self.context.diagnostics.error_with_help(
                span,
                "a store after a write",
                format!("move it before {write}: it may trap, and an instruction that traps has written nothing"),
            );
        }
        let guard = self.state.guard;
        if self.emit(Op::Reach { guard, ty, address }, Type::Bool, span).is_none() {
            return;
        }
        let clause = self.clause("memory");
        self.write(WriteTo::Memory { ty, address }, value, clause, "the first write to memory");
    }

    /// The type of what is stored, and the address as a `u64`.
    fn place(&mut self, ty: &Expr, address: &Expr, span: Span) -> Option<(IntType, Temp)> {
        if self.cx.machine.memory.is_empty() {
            self.context.diagnostics.error_with_help(
                span,
                "the machine has no memory",
                "give `machine` `memory: {ram: {base: 0, size: 4096}}`",
            );
            return None;
        }
        let address = self.expr_of(address, Type::Int(IntType::unsigned(64)));
        let ExprKind::Name(name) = &ty.kind else {
            let message = "expected a type, as in `memory(u32, p)`";
            self.context.diagnostics.error(ty.span, message);
            return None;
        };
        let of = int_type(name, ty.span, self.context)?;
        if !is_stored(of) {
            let message = "memory holds numbers of 8, 16, 32 and 64 bits";
            self.context.diagnostics.error(ty.span, message);
            return None;
        }
        Some((of, address?))
    }

    /// `calls()`: how many calls of subroutines are active.
    pub(super) fn active_calls(&mut self, span: Span) -> Option<Typed> {
        if self.cx.machine.call_depth.is_none() {
            let message = "the machine has no call stack: give `machine` `calls: {depth: …}`";
            self.context.diagnostics.error(span, message);
            return None;
        }
        self.emit(Op::Depth, Type::Int(IntType::unsigned(32)), span)
    }

    /// `swap_bytes(x)`: the bytes in reverse order.
    pub(super) fn swap_bytes(
        &mut self,
        value: &Expr,
        span: Span,
        wanted: Option<Type>,
    ) -> Option<Typed> {
        let value = self.expr(value, wanted)?;
        match value.ty {
            Type::Int(ty) if is_stored(ty) && ty.bits > 8 => {
                self.emit(Op::Unary { op: UnaryOp::Swap, ty, a: value.temp }, value.ty, span)
            }
            found => {
                let message = format!("expected an integer of 16, 32 or 64 bits, found {found}");
                self.context.diagnostics.error(span, message);
                None
            }
        }
    }
}
