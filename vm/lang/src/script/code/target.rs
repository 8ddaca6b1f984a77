//! The instructions of a machine for scripts, and what passes may do with them.

use bytestone_spec::isa::InsnId;
use bytestone_vm::codec::Codec;
use bytestone_vm::module::Constant;

use super::super::ast::BinaryOp;
use super::super::numbers::Numbers;
use crate::listing::{Arg, Step};
use crate::passes::{Jumps, Replacement, Rule, Rules};

/// Whether an instruction gives what an operation does, or the opposite.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Sense {
    Same,
    Opposite,
}

/// The instructions of a machine that scripts can be compiled to. It need not have all that scripts
/// can ask for.
#[derive(Clone, Copy)]
pub(in super::super) struct Target {
    pub(in super::super) numbers: Numbers,
    pub(super) push: InsnId,
    pub(super) pop: InsnId,
    pub(super) negate: InsnId,
    pub(super) not: InsnId,
    /// By [`BinaryOp`].
    pub(super) binary: [Option<InsnId>; BinaryOp::ALL.len()],
    pub(super) load_local: InsnId,
    pub(super) store_local: InsnId,
    pub(super) load_global: InsnId,
    pub(super) store_global: InsnId,
    pub(super) jump: InsnId,
    /// Jumps backward.
    pub(super) back: InsnId,
    pub(super) jump_if_false: InsnId,
    pub(super) call: InsnId,
    pub(super) give_back: InsnId,
    pub(super) closure: InsnId,
    pub(super) print: InsnId,
    pub(super) dup: Option<InsnId>,
    pub(super) jump_if_true: Option<InsnId>,
    pub(super) load_upvalue: Option<InsnId>,
    pub(super) store_upvalue: Option<InsnId>,
    pub(in super::super) new_object: Option<InsnId>,
    pub(in super::super) get_property: Option<InsnId>,
    pub(in super::super) set_property: Option<InsnId>,
    pub(in super::super) new_array: Option<InsnId>,
    pub(in super::super) get_element: Option<InsnId>,
    pub(in super::super) set_element: Option<InsnId>,
    pub(in super::super) length: Option<InsnId>,
    pub(super) halt: Option<InsnId>,
}

impl Target {
    /// `None` if the machine is none that scripts can be compiled to.
    pub(in super::super) fn of(codec: &Codec<'_>) -> Option<Self> {
        let numbers = Numbers::of(codec.isa())?;
        let insn = |name: &str| codec.mnemonic(name);
        Self::of_script(numbers, insn).or_else(|| Self::of_lecture(numbers, insn))
    }

    fn of_script(numbers: Numbers, insn: impl Fn(&str) -> Option<InsnId>) -> Option<Self> {
        const BINARY: [&str; BinaryOp::ALL.len()] =
            ["ADD", "SUB", "MUL", "DIV", "MOD", "EQ", "NEQ", "LT", "GT", "LTE", "GTE"];
        Some(Self {
            numbers,
            push: insn("PUSH_CONSTANT")?,
            pop: insn("POP")?,
            negate: insn("NEG")?,
            not: insn("NOT")?,
            binary: BINARY.map(&insn),
            load_local: insn("LOAD_VAR")?,
            store_local: insn("STORE_VAR")?,
            load_global: insn("LOAD_GLOBAL")?,
            store_global: insn("STORE_GLOBAL")?,
            jump: insn("JUMP")?,
            back: insn("LOOP")?,
            jump_if_false: insn("JUMP_IF_FALSE")?,
            call: insn("CALL")?,
            give_back: insn("RETURN")?,
            closure: insn("CLOSURE")?,
            print: insn("PRINT")?,
            dup: insn("DUP"),
            jump_if_true: insn("JUMP_IF_TRUE"),
            load_upvalue: insn("LOAD_UPVALUE"),
            store_upvalue: insn("STORE_UPVALUE"),
            new_object: insn("NEW_OBJECT"),
            get_property: insn("GET_PROPERTY"),
            set_property: insn("SET_PROPERTY"),
            new_array: insn("NEW_ARRAY"),
            get_element: insn("GET_ELEMENT"),
            set_element: insn("SET_ELEMENT"),
            length: insn("LENGTH"),
            halt: insn("HALT"),
        })
    }

    fn of_lecture(numbers: Numbers, insn: impl Fn(&str) -> Option<InsnId>) -> Option<Self> {
        const BINARY: [&str; BinaryOp::ALL.len()] =
            ["Add", "Sub", "Mul", "Div", "", "Equal", "NotEqual", "Less", "Greater", "", ""];
        Some(Self {
            numbers,
            push: insn("Constant")?,
            pop: insn("Pop")?,
            negate: insn("Neg")?,
            not: insn("Not")?,
            binary: BINARY.map(&insn),
            load_local: insn("GetLocal")?,
            store_local: insn("SetLocal")?,
            load_global: insn("GetGlobal")?,
            store_global: insn("SetGlobal")?,
            jump: insn("Jump")?,
            back: insn("Jump")?,
            jump_if_false: insn("JumpIfFalse")?,
            call: insn("Call")?,
            give_back: insn("Return")?,
            closure: insn("Function")?,
            print: insn("Print")?,
            dup: None,
            jump_if_true: None,
            load_upvalue: None,
            store_upvalue: None,
            new_object: None,
            get_property: None,
            set_property: None,
            new_array: None,
            get_element: None,
            set_element: None,
            length: None,
            halt: None,
        })
    }

    /// Whether there are instructions for all that a program can ask for.
    pub(in super::super) fn has_all(&self) -> bool {
        let insns = [
            self.load_upvalue,
            self.store_upvalue,
            self.new_object,
            self.get_property,
            self.set_property,
            self.new_array,
            self.get_element,
            self.set_element,
            self.length,
        ];
        insns.iter().all(Option::is_some)
            && BinaryOp::ALL.into_iter().all(|op| self.operation(op).is_some())
    }

    /// The instruction for an operation, and whether [`Target::not`] must follow.
    pub(in super::super) fn operation(&self, op: BinaryOp) -> Option<(InsnId, Sense)> {
        if let Some(insn) = self.binary[op as usize] {
            return Some((insn, Sense::Same));
        }
        let opposite = match op {
            // Only where there is no NaN.
            BinaryOp::Le if self.numbers == Numbers::Int => BinaryOp::Gt,
            BinaryOp::Ge if self.numbers == Numbers::Int => BinaryOp::Lt,
            _ => return None,
        };
        self.binary[opposite as usize].map(|insn| (insn, Sense::Opposite))
    }

    /// What passes know of the machine.
    pub(super) fn rules(self, pool: &[Constant]) -> Rules<'_> {
        Rules {
            jumps: Some(Jumps { forward: self.jump, backward: self.back }),
            peephole: vec![self.unused(), self.unchanged(), self.decided(pool)],
            fuse: vec![self.negated_jump(), self.negated_comparison()],
        }
    }

    /// A value that is pushed only to be removed. A global variable may not be there, and a new closure
    /// may not fit the heap: these stay.
    fn unused(self) -> Rule<'static> {
        let pushes = [Some(self.push), self.dup, Some(self.load_local), self.load_upvalue];
        Rule::new(2, move |steps| {
            let unused = pushes.contains(&Some(steps[0].insn)) && steps[1].insn == self.pop;
            unused.then_some(Replacement::Nothing)
        })
    }

    /// A variable that gets the value that it has.
    fn unchanged(self) -> Rule<'static> {
        let locals = (Some(self.load_local), Some(self.store_local));
        let pairs = [locals, (self.load_upvalue, self.store_upvalue)];
        Rule::new(2, move |steps| {
            let same = pairs.contains(&(Some(steps[0].insn), Some(steps[1].insn)))
                && steps[0].args() == steps[1].args();
            same.then_some(Replacement::Nothing)
        })
    }

    /// A condition that is a constant.
    fn decided(self, pool: &[Constant]) -> Rule<'_> {
        Rule::new(2, move |steps: &[Step]| {
            let (push, jump) = (&steps[0], &steps[1]);
            let when = match jump.insn {
                insn if Some(insn) == self.jump_if_true => true,
                insn if insn == self.jump_if_false => false,
                _ => return None,
            };
            let [Arg::Number(number)] = push.args() else { return None };
            let value = pool.get(*number as usize).filter(|_| push.insn == self.push)?;
            let is_true = !matches!(value, Constant::Unit | Constant::Bool(false));
            Some(if is_true == when {
                Replacement::One(Step::new(self.jump, jump.args(), jump.line))
            } else {
                Replacement::Nothing
            })
        })
    }

    /// A jump on the opposite.
    fn negated_jump(self) -> Rule<'static> {
        Rule::new(2, move |steps| {
            let opposite = match steps[1].insn {
                insn if Some(insn) == self.jump_if_true => self.jump_if_false,
                insn if insn == self.jump_if_false => self.jump_if_true?,
                _ => return None,
            };
            let jump = Step::new(opposite, steps[1].args(), steps[1].line);
            (steps[0].insn == self.not).then_some(Replacement::One(jump))
        })
    }

    /// The opposite of equal and not equal. The others have none: with NaN all are false.
    fn negated_comparison(self) -> Rule<'static> {
        let (eq, ne) = (self.binary[BinaryOp::Eq as usize], self.binary[BinaryOp::Ne as usize]);
        Rule::new(2, move |steps| {
            let opposite = match Some(steps[0].insn) {
                insn if insn == eq => ne?,
                insn if insn == ne => eq?,
                _ => return None,
            };
            let comparison = Step::new(opposite, &[], steps[0].line);
            (steps[1].insn == self.not).then_some(Replacement::One(comparison))
        })
    }
}
