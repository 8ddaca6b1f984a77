"""The machines with an operand stack: calculator, calculator-eoc, stack and loop."""
from machine import DecodeFault, Form, Instruction, Machine, Trapped, divide, i16, i32


class StackMachine(Machine):
    """An opcode byte, then at most one operand, least significant byte first."""

    sizes = {"": 0, "u8": 1, "slot": 1, "absolute8": 1, "relative16": 2, "i32": 4, "absolute32": 4}

    def decode_one(self, code, at):
        if code[at] >= len(self.forms):
            raise DecodeFault("unknown_opcode")
        form = self.forms[code[at]]
        following = at + 1 + self.sizes[form.operands]
        if following > len(code):
            raise DecodeFault("truncated")
        if not form.operands:
            return Instruction(form, at, following)
        return self.with_operand(form, at, following, self.number(code[at + 1 : following]))

    def number(self, data):
        return int.from_bytes(data, "little")

    def with_operand(self, form, at, following, raw):
        if form.operands == "i32":
            return Instruction(form, at, following, (i32(raw),))
        if form.operands == "slot":
            return Instruction(form, at, following, (raw,), (raw,))
        if form.operands == "u8":
            return Instruction(form, at, following, (raw,))
        target = self.target(form, at, following, raw)
        return Instruction(form, at, following, (target,), target=target)

    def target(self, form, at, following, raw):
        return following + i16(raw) if form.operands == "relative16" else raw


# Actions


def nop(run):
    pass


def halt(run):
    run.halted = True
    run.next = run.pc


def push(run, value):
    run.push(value)


def pop(run):
    run.pop()


def binary(compute):
    """The action that replaces two values by one; `a` is the one below the top."""

    def action(run):
        b, a = run.pop(), run.pop()
        run.push(compute(a, b))

    return action


def div(run):
    if run.stack[-1] == 0:
        raise Trapped("div_by_zero")
    b, a = run.pop(), run.pop()
    run.push(divide(a, b))


def neg(run):
    run.push(i32(-run.pop()))


def load(run, slot):
    run.push(run.bank[slot])


def store(run, slot):
    run.bank[slot] = run.pop()


def print_top(run):
    run.recorder.print(run.pop())


def print_first_local(run):
    run.recorder.print(run.bank[0])


def jump(run, target):
    run.next = target


def jump_if_zero(run, target):
    if run.pop() == 0:
        run.next = target


def call(run, target):
    if len(run.calls) >= run.call_limit:
        raise Trapped("call_depth")
    run.calls.append(run.next)
    run.next = target


def ret(run):
    run.next = run.calls.pop()


ADD = binary(lambda a, b: i32(a + b))
SUB = binary(lambda a, b: i32(a - b))
MUL = binary(lambda a, b: i32(a * b))
LESS = binary(lambda a, b: int(a < b))


class Calculator(StackMachine):
    name = "calculator"
    bank_size = 26
    stack_limit = 256
    forms = (
        Form("HALT", role="halt"),
        Form("PUSH", "i32", 0, 1),
        Form("POP", "", 1, 0),
        Form("ADD", "", 2, 1),
        Form("SUB", "", 2, 1),
        Form("MUL", "", 2, 1),
        Form("DIV", "", 2, 1),
        Form("LOAD", "slot", 0, 1),
        Form("STORE", "slot", 1, 0),
        Form("PRINT", "", 1, 0),
    )
    actions = {
        "HALT": halt,
        "PUSH": push,
        "POP": pop,
        "ADD": ADD,
        "SUB": SUB,
        "MUL": MUL,
        "DIV": div,
        "LOAD": load,
        "STORE": store,
        "PRINT": print_top,
    }


class CalculatorEoc(Calculator):
    name = "calculator-eoc"
    ends_with_code = True


class Stack(StackMachine):
    name = "stack"
    bank_size = 256
    stack_limit = 256
    call_limit = 64
    forms = (
        Form("NOP"),
        Form("PUSH", "i32", 0, 1),
        Form("POP", "", 1, 0),
        Form("ADD", "", 2, 1),
        Form("SUB", "", 2, 1),
        Form("MUL", "", 2, 1),
        Form("DIV", "", 2, 1),
        Form("NEG", "", 1, 1),
        Form("LOAD", "slot", 0, 1),
        Form("STORE", "slot", 1, 0),
        Form("JUMP", "relative16", role="jump"),
        Form("JUMPZ", "relative16", 1, 0, "branch"),
        Form("CALL", "absolute32", role="call"),
        Form("RET", role="return"),
        Form("PRINT", "", 1, 0),
        Form("HALT", role="halt"),
    )
    actions = {
        **Calculator.actions,
        "NOP": nop,
        "NEG": neg,
        "JUMP": jump,
        "JUMPZ": jump_if_zero,
        "CALL": call,
        "RET": ret,
    }


class Loop(StackMachine):
    name = "loop"
    bank_size = 16
    stack_limit = 64
    forms = (
        Form("PUSH", "u8", 0, 1),
        Form("LOAD", "slot", 0, 1),
        Form("STORE", "slot", 1, 0),
        Form("LT", "", 2, 1),
        Form("JMP_IF_FALSE", "absolute8", 1, 0, "branch"),
        Form("JMP", "absolute8", role="jump"),
        Form("ADD", "", 2, 1),
        Form("PRINT"),
        Form("HALT", role="halt"),
    )
    actions = {
        "PUSH": push,
        "LOAD": load,
        "STORE": store,
        "LT": LESS,
        "JMP_IF_FALSE": jump_if_zero,
        "JMP": jump,
        "ADD": ADD,
        "PRINT": print_first_local,
        "HALT": halt,
    }
