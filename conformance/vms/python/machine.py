"""What the machines without dynamic values have in common: values, the state of a run, and the way from bytes to an outcome."""
from typing import NamedTuple, Optional, Tuple

import bytestone
import verifier


def i32(value):
    """Wraps modulo 2^32, to a signed number."""
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def i16(value):
    return (value + 0x8000 & 0xFFFF) - 0x8000


def divide(a, b):
    """The quotient rounded toward zero; Python's // rounds down."""
    quotient = abs(a) // abs(b)
    return i32(quotient if (a < 0) == (b < 0) else -quotient)


class Form(NamedTuple):
    """A kind of instruction, as the manual's table has it.

    `role` is "jump", "branch", "call", "return", "halt", or empty if the next instruction follows.
    """

    mnemonic: str
    operands: str = ""
    takes: int = 0
    leaves: int = 0
    role: str = ""


class Instruction(NamedTuple):
    """An instruction of a program. `indexes` are the cells that its operands name."""

    form: Form
    at: int
    next: int
    operands: Tuple[int, ...] = ()
    indexes: Tuple[int, ...] = ()
    target: Optional[int] = None


class DecodeFault(Exception):
    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class Trapped(Exception):
    """Raised by an action before it has changed anything."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


class Run:
    """The state of a run. An action changes it; `next` is where execution goes on."""

    def __init__(self, machine, recorder):
        self.recorder = recorder
        self.stack_limit = machine.stack_limit
        self.call_limit = machine.call_limit
        self.pc = 0
        self.next = 0
        self.stack = []
        self.calls = []
        self.bank = [0] * machine.bank_size
        self.cells = {machine.bank: self.bank}
        self.halted = False

    def push(self, value):
        if len(self.stack) >= self.stack_limit:
            raise Trapped("stack_overflow")
        self.stack.append(value)

    def pop(self):
        return self.stack.pop()

    def state(self):
        return bytestone.State(self.pc, len(self.calls), self.stack, self.cells)


class Machine:
    """A machine; subclasses give the tables, `decode_one`, and an action for each mnemonic."""

    name = ""
    forms = ()  # in the order of their opcodes, which start at 0
    actions = {}
    bank = "local"
    bank_size = 0
    stack_limit = 0
    call_limit = 0
    fixed_length = False  # decoding goes on behind a fault
    ends_with_code = False  # running past the last instruction ends the program

    def __init__(self):
        self.actions = dict(self.actions)

    def decode_one(self, code, at):
        """The instruction at an offset, or DecodeFault."""
        raise NotImplementedError

    def decode(self, code):
        """All instructions by offset, and the faults as pairs of offset and reason."""
        program, faults, at = {}, [], 0
        while at < len(code):
            try:
                program[at] = self.decode_one(code, at)
                at = program[at].next
            except DecodeFault as fault:
                faults.append((at, fault.reason))
                if not self.fixed_length:
                    break
                at += 4
        return program, faults

    def verify(self, program):
        return verifier.verify(self, program)

    def execute(self, request, recorder):
        program, faults = self.decode(request.program)
        if faults:
            at, reason = faults[0]
            return bytestone.Reject("decode", reason, at)
        faults = self.verify(program)
        if faults:
            at, reason = faults[0]
            return bytestone.Reject("verify", reason, at)
        return self.run(program, self.start(request.input, recorder))

    def start(self, cells, recorder):
        run = Run(self, recorder)
        for bank, values in cells.items():
            for index, value in values.items():
                if bank != self.bank or index >= self.bank_size:
                    raise bytestone.BadRequest(f"{self.name} has no cell {bank}:{index}")
                run.bank[index] = i32(value)
        return run

    def run(self, program, run):
        step = run.recorder.step
        while run.pc in program or not self.ends_with_code:
            if not step(run.pc, len(run.calls), run.stack, run.cells):
                return bytestone.Fuel(run.state())
            instruction = program[run.pc]
            run.next = instruction.next
            try:
                self.actions[instruction.form.mnemonic](run, *instruction.operands)
            except Trapped as trap:
                return bytestone.Trap(trap.name, run.pc, run.state())
            if run.halted:
                break
            run.pc = run.next
        return bytestone.Halt(run.state())
