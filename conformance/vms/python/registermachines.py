"""The machines with registers: register and register-lua, which differ in the layout of their words only."""
from machine import DecodeFault, Form, Instruction, Machine, Trapped, divide, i16, i32

OPCODE = "opcode"
IMMEDIATE = "immediate"


class RegisterMachine(Machine):
    """A word of 32 bits, least significant byte first. An operand of a form is a letter:

    `a`, `b` and `c` are registers, `i` and `u` a signed and an unsigned constant, `t` a target.
    """

    bank = "reg"
    bank_size = 16
    fixed_length = True
    layout = {}  # field: lowest bit and width
    forms = (
        Form("HALT", role="halt"),
        Form("ADD", "abc"),
        Form("SUB", "abc"),
        Form("MUL", "abc"),
        Form("DIV", "abc"),
        Form("NEG", "ab"),
        Form("MOVE", "ab"),
        Form("LOAD", "ai"),
        Form("LOADH", "au"),
        Form("LT", "abc"),
        Form("EQ", "abc"),
        Form("JMP", "t", role="jump"),
        Form("JZ", "at", role="branch"),
        Form("JNZ", "at", role="branch"),
        Form("PRINT", "a"),
    )

    def __init__(self):
        super().__init__()
        self.layout = dict(self.layout)

    def decode_one(self, code, at):
        if at + 4 > len(code):
            raise DecodeFault("truncated")
        word = self.word(code[at : at + 4])
        opcode = self.field(word, OPCODE)
        if opcode >= len(self.forms):
            raise DecodeFault("unknown_opcode")
        form = self.forms[opcode]
        if self.unused(form, word):
            raise DecodeFault("bad_operand")
        operands = tuple(self.operand(word, letter, at) for letter in form.operands)
        indexes = tuple(value for value, letter in zip(operands, form.operands) if letter in "abc")
        target = operands[-1] if form.operands.endswith("t") else None
        return Instruction(form, at, at + 4, operands, indexes, target)

    def word(self, data):
        return int.from_bytes(data, "little")

    def field(self, word, name):
        low, width = self.layout[name]
        return word >> low & (1 << width) - 1

    def unused(self, form, word):
        """The bits of a word that no field of its form covers."""
        for name in [OPCODE, *map(field_of, form.operands)]:
            low, width = self.layout[name]
            word &= ~((1 << width) - 1 << low)
        return word

    def operand(self, word, letter, at):
        raw = self.field(word, field_of(letter))
        if letter == "t":
            return self.target(raw, at)
        return i16(raw) if letter == "i" else raw

    def target(self, raw, at):
        return at + 4 + 4 * i16(raw)


def field_of(letter):
    return letter if letter in "abc" else IMMEDIATE


# Actions


def halt(run):
    run.halted = True
    run.next = run.pc


def three(compute):
    """The action that computes a register from two others."""

    def action(run, a, b, c):
        run.bank[a] = compute(run.bank[b], run.bank[c])

    return action


def div(run, a, b, c):
    if run.bank[c] == 0:
        raise Trapped("div_by_zero")
    run.bank[a] = divide(run.bank[b], run.bank[c])


def neg(run, a, b):
    run.bank[a] = i32(-run.bank[b])


def move(run, a, b):
    run.bank[a] = run.bank[b]


def load(run, a, value):
    run.bank[a] = value


def loadh(run, a, value):
    run.bank[a] = i32(value << 16 | run.bank[a] & 0xFFFF)


def jmp(run, target):
    run.next = target


def jz(run, a, target):
    if run.bank[a] == 0:
        run.next = target


def jnz(run, a, target):
    if run.bank[a] != 0:
        run.next = target


def print_register(run, a):
    run.recorder.print(run.bank[a])


RegisterMachine.actions = {
    "HALT": halt,
    "ADD": three(lambda b, c: i32(b + c)),
    "SUB": three(lambda b, c: i32(b - c)),
    "MUL": three(lambda b, c: i32(b * c)),
    "DIV": div,
    "NEG": neg,
    "MOVE": move,
    "LOAD": load,
    "LOADH": loadh,
    "LT": three(lambda b, c: int(b < c)),
    "EQ": three(lambda b, c: int(b == c)),
    "JMP": jmp,
    "JZ": jz,
    "JNZ": jnz,
    "PRINT": print_register,
}


class Register(RegisterMachine):
    name = "register"
    layout = {OPCODE: (0, 8), "a": (8, 8), "b": (16, 8), "c": (24, 8), IMMEDIATE: (16, 16)}


class RegisterLua(RegisterMachine):
    name = "register-lua"
    layout = {OPCODE: (0, 6), "a": (6, 8), "c": (14, 9), "b": (23, 9), IMMEDIATE: (14, 16)}
