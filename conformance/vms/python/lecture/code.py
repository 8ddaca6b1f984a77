"""Instructions: words of three bytes, least significant byte first, with the opcode in the first."""
from typing import NamedTuple

WORD = 3


class Form(NamedTuple):
    """A kind of instruction. `operand` says what its number is: "", "constant", "name", "slot", "target",

    "function" or "count". `role` is "jump", "branch", "return", or empty if the next instruction follows.
    """

    mnemonic: str
    operand: str = ""
    takes: int = 0
    leaves: int = 0
    role: str = ""


FORMS = (
    Form("Constant", "constant", 0, 1),
    Form("Pop", "", 1, 0),
    Form("Add", "", 2, 1),
    Form("Sub", "", 2, 1),
    Form("Mul", "", 2, 1),
    Form("Div", "", 2, 1),
    Form("Neg", "", 1, 1),
    Form("Equal", "", 2, 1),
    Form("NotEqual", "", 2, 1),
    Form("Less", "", 2, 1),
    Form("Greater", "", 2, 1),
    Form("Jump", "target", 0, 0, "jump"),
    Form("JumpIfFalse", "target", 1, 0, "branch"),
    Form("GetLocal", "slot", 0, 1),
    Form("SetLocal", "slot", 1, 0),
    Form("GetGlobal", "name", 0, 1),
    Form("SetGlobal", "name", 1, 0),
    Form("Call", "count", 1, 1),  # and it takes as many arguments as its operand says
    Form("Return", "", 1, 0, "return"),
    Form("Print", "", 1, 0),
    Form("Not", "", 1, 1),
    Form("Function", "function", 0, 1),
)


class Instruction(NamedTuple):
    form: Form
    at: int
    number: int  # the operand; of a jump the offset that it leads to

    @property
    def takes(self):
        return self.form.takes + (self.number if self.form.operand == "count" else 0)


class Decoder:
    """Decodes the code of a module, that of each function on its own."""

    def number(self, high):
        return int.from_bytes(high, "little")

    def most(self, form):
        """The greatest number that the operand of an instruction can be."""
        return {"": 0, "count": 0xFF}.get(form.operand, 0xFFFF)

    def target(self, function, at, number):
        return function.start + WORD * number

    def decode(self, module):
        """All instructions by offset, and the faults as pairs of offset and reason."""
        program, faults = {}, []
        for function in module.functions:
            for at in range(function.start, function.end, WORD):
                found = self.instruction(module.code[at : min(at + WORD, function.end)], function, at)
                if isinstance(found, Instruction):
                    program[at] = found
                else:
                    faults.append((at, found))
        return program, faults

    def instruction(self, word, function, at):
        """The instruction, or the reason why there is none."""
        if word[0] >= len(FORMS):
            return "unknown_opcode"
        if len(word) < WORD:
            return "truncated"
        form, number = FORMS[word[0]], self.number(word[1:])
        if number > self.most(form):
            return "bad_operand"
        return Instruction(form, at, self.target(function, at, number) if form.operand == "target" else number)
