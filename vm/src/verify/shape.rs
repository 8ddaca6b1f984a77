//! Shapes: what the verifier needs to know of an instruction of the instruction set.

use bytestone_spec::isa::{Instruction, IntType, Isa, OperandKind};
use bytestone_spec::limits::STACK_DEPTH;

use super::operand::Naming;
use crate::program::{Insn, Program};

/// How control can leave a block, besides by jumps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ending {
    /// To the next block; after a call, once the callee returned.
    pub falls: bool,
    /// The same where there is no next block in its function.
    pub runs_out: bool,
    /// To a callee.
    pub calls: bool,
    /// To the caller.
    pub returns: bool,
    /// To the caller, and nowhere else.
    pub needs_call: bool,
}

impl Ending {
    fn is_plain(self) -> bool {
        self.falls && !self.calls && !self.returns
    }
}

/// What the instruction set says about one of its instructions, as far as blocks need it.
pub(super) struct Shape {
    pub pops: i32,
    pub pushes: i32,
    pub ending: Ending,
    /// Operands that are indexes and whose encoding has room for one outside of the bank: the
    /// operand, its type and how many numbers name cells.
    pub indexes: Vec<(usize, IntType, u32)>,
    /// Operands that name parts of the module: the operand, its type and what it names.
    pub names: Vec<(usize, IntType, Naming)>,
    /// The operand that says how many more cells are popped.
    pub list: Option<u8>,
    /// Operands that are labels: those of the jumps, that of the callee, then any others.
    pub labels: Vec<u8>,
    /// How many of them control follows.
    pub targets: usize,
    /// If it has a list of labels, how many operands come before it. Control follows all of them.
    pub table: Option<usize>,
}

impl Shape {
    fn of(isa: &Isa, insn: &Instruction) -> Self {
        let effect = &insn.effect;
        let mut indexes = Vec::new();
        let mut names = Vec::new();
        let table = insn.count.is_some().then(|| insn.scalars());
        let is_table = |label: &u8| table == Some(usize::from(*label));
        let labels = effect.jumps.iter().copied().chain(effect.call);
        let mut labels: Vec<u8> = labels.filter(|label| !is_table(label)).collect();
        let targets = labels.len();
        for (at, operand) in (0u8..).zip(&insn.operands) {
            if let Some(naming) = Naming::of(isa, operand.kind) {
                names.push((usize::from(at), operand.raw, naming));
                continue;
            }
            match operand.kind {
                OperandKind::Index(rule) => {
                    let count = isa.machine().indexes(rule);
                    if operand.raw.min() < 0 || operand.raw.max() >= i128::from(count) {
                        indexes.push((usize::from(at), operand.raw, count));
                    }
                }
                OperandKind::Label(_) if !labels.contains(&at) && !is_table(&at) => {
                    labels.push(at);
                }
                OperandKind::Label(_)
                | OperandKind::Immediate
                | OperandKind::Constant(_)
                | OperandKind::Function => {}
            }
        }
        let calls = effect.call.is_some();
        let falls = effect.falls_through || calls;
        Self {
            pops: effect.inputs.len() as i32,
            pushes: effect.outputs.len() as i32,
            // The return of a function ends its frame; that of a subroutine goes on in the same.
            ending: Ending {
                falls,
                runs_out: false,
                calls,
                returns: effect.returns && isa.machine().frames.is_none(),
                needs_call: !effect.returns_if_called,
            },
            indexes,
            names,
            list: effect.list.as_ref().map(|list| list.count),
            labels,
            targets,
            table,
        }
    }

    /// Whether control can go elsewhere than on to the next instruction.
    pub fn ends_block(&self) -> bool {
        !self.ending.is_plain() || self.targets > 0 || self.table.is_some()
    }

    /// How many labels of the instruction with index `at` control follows.
    pub fn targets_of(&self, program: &Program, at: usize) -> u32 {
        let elements = self.table.map_or(0, |table| program.operands(at).len() - table);
        (self.targets + elements) as u32
    }
}

/// The shapes of the instructions that programs had so far, which may be few of those of their instruction set.
pub(super) struct Shapes {
    /// By the id of an instruction its place in the list.
    places: Vec<u16>,
    pub list: Vec<Shape>,
}

impl Shapes {
    /// Those of no program.
    pub fn new(isa: &Isa) -> Self {
        Self { places: vec![u16::MAX; isa.instructions().len()], list: Vec::new() }
    }

    /// Adds those of a program.
    pub fn add(&mut self, isa: &Isa, program: &Program) {
        for insn in program.insns() {
            let place = &mut self.places[usize::from(insn.id.0)];
            if *place == u16::MAX {
                *place = self.list.len() as u16;
                self.list.push(Shape::of(isa, isa.instruction(insn.id)));
            }
        }
    }

    /// The shape of an instruction.
    #[inline]
    pub fn of_insn(&self, insn: &Insn) -> &Shape {
        &self.list[self.place(insn)]
    }

    /// The place of an instruction's shape in the list.
    pub fn place(&self, insn: &Insn) -> usize {
        self.places[usize::from(insn.id.0)].into()
    }
}

/// The most cells of a list that are counted: more than any stack holds.
const LIST_CELLS: u64 = STACK_DEPTH as u64 + 1;

/// How many cells an instruction pops besides those of its effect.
pub(super) fn list_cells(list: Option<u8>, operands: &[u64]) -> i32 {
    let cells = list.and_then(|operand| operands.get(usize::from(operand))).copied();
    cells.unwrap_or(0).min(LIST_CELLS) as i32
}
