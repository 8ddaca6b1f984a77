"""Reads a module (docs/module.md). The first fault ends the reading."""
from typing import NamedTuple, Tuple

from .values import Text

MAGIC = b"BYTS"
MOST = 0x10000  # constants, functions, variables of a function, cells of a stated stack
MOST_BYTES = 16 << 20
INT_BYTES = 8


class FormatFault(Exception):
    """The bytes are no module for this machine."""

    def __init__(self, reason, at):
        super().__init__(f"{reason} at {at}")
        self.reason = reason
        self.at = at


class FunctionCode(NamedTuple):
    """A function: where its code is, and what a frame of it needs."""

    name: str
    arity: int
    locals: int
    max_stack: int
    start: int
    end: int
    lines: Tuple  # pairs of the place in the file and the offset that an entry is for


class Module(NamedTuple):
    constants: tuple
    functions: tuple
    code: bytes


class Reader:
    """Takes one field after the other."""

    def __init__(self, data, machine, major):
        self.data = data
        self.at = 0
        self.machine = machine
        self.major = major

    def read(self):
        if len(self.data) > MOST_BYTES:
            raise FormatFault("bad_module", 0)
        self.header()
        constants = tuple(self.constant() for _ in range(self.count(MOST)))
        count_at, count = self.at, self.count(MOST)
        if count == 0:
            raise FormatFault("bad_module", count_at)
        headers = [self.function(index) for index in range(count)]
        start, functions = self.at, []
        for header, length in headers:
            begin = self.at - start
            self.take(length)
            functions.append(header._replace(start=begin, end=begin + length))
        if self.at < len(self.data):
            raise FormatFault("bad_module", self.at)
        return Module(constants, tuple(functions), self.data[start:])

    def header(self):
        if not MAGIC.startswith(self.data[: len(MAGIC)]):
            raise FormatFault("not_a_module", 0)
        self.take(len(MAGIC))
        version_at = self.at
        if self.byte() != 1:
            raise FormatFault("bad_version", version_at)
        length = self.byte()
        name_at = self.at
        name = self.take(length)
        if not is_machine_name(name):
            raise FormatFault("bad_module", name_at)
        if (name.decode("ascii"), self.u32()) != (self.machine, self.major):
            raise FormatFault("wrong_machine", name_at)

    def constant(self):
        at, tag = self.at, self.byte()
        if tag in (0, 1, 2):
            return (None, False, True)[tag]
        if tag == 3:
            value = int.from_bytes(self.take(INT_BYTES), "little", signed=True)
            if -(2**31) <= value < 2**31:
                return value
        elif tag == 4:
            self.take(INT_BYTES)
        elif tag == 5:
            return Text(self.text())
        raise FormatFault("bad_module", at)

    def function(self, index):
        """All of a function but its code, and the length of that."""
        name = self.text()
        arity_at, arity = self.at, self.u32()
        if index == 0 and arity:
            raise FormatFault("bad_module", arity_at)
        locals_at, locals_count = self.at, self.count(MOST)
        if locals_count < arity:
            raise FormatFault("bad_module", locals_at)
        max_stack = self.count(MOST)
        self.count(0)  # captured variables, which this machine does not have
        length = self.u32()
        lines = self.lines(length)
        self.local_names(locals_count)
        return FunctionCode(name, arity, locals_count, max_stack, 0, 0, lines), length

    def lines(self, length):
        entries, before = [], -1
        for _ in range(self.u32()):
            at, offset = self.at, self.u32()
            if not before < offset < length:
                raise FormatFault("bad_module", at)
            line_at = self.at
            if self.u32() == 0:
                raise FormatFault("bad_module", line_at)
            entries.append((at, offset))
            before = offset
        return tuple(entries)

    def local_names(self, locals_count):
        at, count = self.at, self.u32()
        if count not in (0, locals_count):
            raise FormatFault("bad_module", at)
        for _ in range(count):
            self.text()

    def count(self, most):
        at, count = self.at, self.u32()
        if count > most:
            raise FormatFault("bad_module", at)
        return count

    def text(self):
        length = self.u32()
        at = self.at
        data = self.take(length)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FormatFault("bad_module", at + error.start) from None

    def byte(self):
        return self.take(1)[0]

    def u32(self):
        return int.from_bytes(self.take(4), "little")

    def take(self, length):
        data = self.data[self.at : self.at + length]
        if len(data) < length:
            raise FormatFault("truncated", self.at)
        self.at += length
        return data


def is_machine_name(name):
    letters = b"abcdefghijklmnopqrstuvwxyz"
    return name[:1] != b"" and name[:1] in letters and all(byte in letters + b"0123456789-" for byte in name)
