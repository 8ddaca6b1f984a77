"""Verification (docs/cases.md, "Reject reasons"): operands in all code, and heights of the stack where control comes.

Every function is walked for itself, from its first instruction with an empty stack, whether anything calls it or not.
"""
import heapq

from .code import WORD
from .values import STRING, kind

REASONS = (
    "bad_index",
    "type_mismatch",
    "bad_jump",
    "falls_off_end",
    "stack_underflow",
    "stack_overflow",
    "stack_mismatch",
    "bad_limit",
)


def verify(module, program, most_stack, most_locals):
    """The faults as pairs of offset and reason, in order."""
    faults = set()
    for function in module.functions:
        for at in range(function.start, function.end, WORD):
            faults.update((at, reason) for reason in operand_faults(module, function, program[at]))
        if function.max_stack > most_stack or function.locals > most_locals:
            faults.add((function.start, "bad_limit"))
        faults |= Walk(function, program, most_stack).faults
    return sorted(faults, key=lambda fault: (fault[0], REASONS.index(fault[1])))


def operand_faults(module, function, instruction):
    operand, number = instruction.form.operand, instruction.number
    if operand == "target":
        # Instructions have three bytes each, so that a target is the start of one unless it lies outside.
        if not function.start <= number < function.end:
            yield "bad_jump"
    elif operand in ("constant", "name"):
        if number >= len(module.constants):
            yield "bad_index"
        elif operand == "name" and kind(module.constants[number]) != STRING:
            yield "type_mismatch"
    elif operand == "slot" and number >= function.locals:
        yield "bad_index"
    elif operand == "function" and number >= len(module.functions):
        yield "bad_index"


class Walk:
    """The ways through a function, lower offsets first."""

    def __init__(self, function, program, most_stack):
        self.function = function
        self.program = program
        self.most_stack = most_stack
        self.faults = set()
        self.heights = {}
        self.waiting = []
        self.deeper = []  # where the stack gets deeper than the function says
        if function.start < function.end:
            self.come_to(function.start, 0)
        else:
            self.faults.add((function.start, "falls_off_end"))
        while self.waiting:
            at = heapq.heappop(self.waiting)
            self.go_through(program[at], self.heights[at])
        if self.deeper:
            self.faults.add((min(self.deeper), "bad_limit"))

    def come_to(self, at, height):
        if at not in self.heights:
            self.heights[at] = height
            heapq.heappush(self.waiting, at)
        elif self.heights[at] != height:
            self.faults.add((at, "stack_mismatch"))

    def go_through(self, instruction, height):
        at, role = instruction.at, instruction.form.role
        if instruction.takes > height:
            self.faults.add((at, "stack_underflow"))
            return
        height += instruction.form.leaves - instruction.takes
        if height > self.most_stack:
            self.faults.add((at, "stack_overflow"))
            return
        if height > self.function.max_stack:
            self.deeper.append(at)
        if role in ("jump", "branch") and self.function.start <= instruction.number < self.function.end:
            self.come_to(instruction.number, height)
        if role in ("jump", "return"):
            return
        following = at + WORD
        if following < self.function.end:
            self.come_to(following, height)
        else:
            self.faults.add((at, "falls_off_end"))
