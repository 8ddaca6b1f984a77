"""Connects a Python VM to Bytestone: version 1 of the engine protocol (docs/protocol.md).

    import bytestone

    def run(request, recorder):
        pc, stack, cells = 0, [], {"local": [0] * 26}
        while True:
            if not recorder.step(pc, 0, stack, cells):
                return bytestone.Fuel(bytestone.State(pc, 0, stack, cells))
            ...                         # recorder.print(value) for what the program prints

    bytestone.serve(bytestone.Engine("myvm", "1.0", "calculator@1", run))

Python 3.9 or newer, standard library only.
"""
import binascii
import json
import os
import re
import struct
import sys
import traceback
import zlib
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Sequence

PROTOCOL = 1
CAPABILITIES = frozenset()  # version 1 of the protocol defines none
MOST_STEPS = 2**63 - 1


class State(NamedTuple):
    """What can be seen of a machine. `cells` holds the values of each bank, by the bank's name.

    A value is a number; on machines with dynamic values, None (nil), a bool, a float, a str, a list, a dict with
    keys that are strings, or an object with the `number` of a function and its `captures`. Cells that hold dynamic
    values are given as a dict of those to be shown, by index or name.
    """

    pc: int = 0
    depth: int = 0
    stack: Sequence[Any] = ()
    cells: Mapping[str, Any] = {}


class Halt(NamedTuple):
    """The program ended by itself; `state.pc` is that of the instruction that ended it."""

    state: State


class Fuel(NamedTuple):
    """`recorder.step` returned False."""

    state: State


class Trap(NamedTuple):
    """The instruction at `at` trapped; the state is that before it."""

    name: str
    at: int
    state: State


class Reject(NamedTuple):
    """The program was not accepted. `phase` is "decode" or "verify"."""

    phase: str
    reason: Optional[str] = None
    at: Optional[int] = None


class Unsupported(NamedTuple):
    """The engine does not do this machine, instruction or feature."""

    message: str = ""


class Request(NamedTuple):
    """A program to run. `input` holds cells to set before the first step: {bank: {index: value}}."""

    machine: str
    program: bytes
    input: Dict[str, Dict[int, int]]


class Engine(NamedTuple):
    """Who is there, and what it can do; `run` takes a Request and a Recorder and returns an outcome."""

    name: str
    version: str
    machines: str
    run: Callable[[Request, "Recorder"], Any]
    phases: str = "decode,verify,run"
    observes: str = "pc,depth,stack,cells,output"
    traces: str = "hash,window"


class BadRequest(Exception):
    """The request cannot be read; the words go into the answer."""


# How values and the parts of a state are written

LONGEST_STRING = 256  # bytes of a string that is written in full
LONGEST_LIGHT_STRING = 16  # the same in a light row


def string_text(value, longest=LONGEST_STRING):
    data = value.encode()
    return f"s{data.hex()}" if len(data) <= longest else f"s{len(data)}~{zlib.crc32(data):08x}"


def plain_text(value, longest=LONGEST_STRING):
    """A value that holds no others; None for those that can."""
    if type(value) is int:  # first, since most values are; a bool is an int as well, but not of this type
        return str(value)
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "d" + (struct.pack(">d", value).hex() if value == value else "7ff8000000000000")
    return string_text(value, longest) if isinstance(value, str) else None


class Values:
    """Writes values of one list, in which arrays, maps and closures are numbered as they are met."""

    deepest = 64
    most = 4096

    def __init__(self):
        self.met = {}

    def text(self, value, depth=0):
        plain = plain_text(value)
        if plain is not None:
            return plain
        if id(value) in self.met:
            return f"#{self.met[id(value)]}"
        if depth == self.deepest or len(self.met) == self.most:
            return "..."
        number = self.met[id(value)] = len(self.met)
        if isinstance(value, list):
            return f"#{number}[{';'.join(self.text(element, depth + 1) for element in value)}]"
        if isinstance(value, dict):
            entries = (f"{string_text(key)}={self.text(entry, depth + 1)}" for key, entry in value.items())
            return f"#{number}{{{';'.join(entries)}}}"
        return f"#{number}f{value.number}({';'.join(self.text(cell, depth + 1) for cell in value.captures)})"


def value_text(value):
    """A value that is a list of its own."""
    return Values().text(value)


def light_text(value):
    """A value as light rows show it: of what holds others its size only, and of longer strings a checksum."""
    if type(value) is int:
        return str(value)
    plain = plain_text(value, LONGEST_LIGHT_STRING)
    if plain is not None:
        return plain
    if isinstance(value, (list, dict)):
        return f"{'a' if isinstance(value, list) else 'o'}{len(value)}"
    return f"f{value.number}"


def stack_text(values):
    numbering = Values()
    return ",".join(map(numbering.text, values))


def bank_entries(values):
    if isinstance(values, dict):
        for key, value in values.items():
            yield string_text(key) if isinstance(key, str) else key, value
    else:
        yield from ((index, value) for index, value in enumerate(values) if value)


def cells_text(cells):
    return ",".join(
        f"{bank}:{key}={value_text(value)}" for bank, values in cells.items() for key, value in bank_entries(values)
    )


class Recorder:
    """Counts steps and keeps what is printed. The recorders below also show the states on the way."""

    def __init__(self, fuel, observes):
        self.fuel = fuel
        self.observes = observes
        self.steps = 0
        self.output = []

    def print(self, value):
        """The program prints a value, which may change later."""
        self.output.append(value_text(value))

    def step(self, pc, depth=0, stack=(), cells={}):
        """Comes before each step. False: no fuel is left, so that the step must not be done."""
        if self.steps >= self.fuel:
            return False
        self.record(pc, depth, stack, cells)
        self.steps += 1
        return True

    def record(self, pc, depth, stack, cells):
        pass

    def finish(self, state):
        """What the trace adds to the answer."""
        return {}

    def printed(self):
        return f"{len(self.output)}:{self.output[-1] if self.output else ''}"

    def state_parts(self, state):
        """The observed parts of a state before a step, by their keys in a row."""
        parts = {
            "pc": state.pc,
            "depth": state.depth,
            "printed": self.printed(),
            "stack": stack_text(state.stack),
            "cells": cells_text(state.cells),
        }
        return {key: part for key, part in parts.items() if observed_as(key) in self.observes}


def observed_as(key):
    return "output" if key == "printed" else key


class HashRecorder(Recorder):
    """The CRC over the rows of all steps, with checkpoints."""

    def __init__(self, fuel, observes, every, start):
        super().__init__(fuel, observes)
        self.every = every
        self.start = start
        self.shows_depth = "depth" in observes
        self.shows_stack = "stack" in observes
        self.crc = 0
        self.checkpoints = []

    def feed(self, line):
        self.crc = zlib.crc32(line.encode("ascii") + b"\n", self.crc)

    def feed_state(self, state):
        self.feed("S " + " ".join(map(str, self.state_parts(state).values())))

    def record(self, pc, depth, stack, cells):
        if self.every and self.steps > self.start and self.steps % self.every == 0 and self.steps:
            self.feed_state(State(pc, depth, stack, cells))
            self.checkpoints.append(f"{self.crc:08x}")
        row = [str(pc)]
        if self.shows_depth:
            row.append(str(depth))
        if self.shows_stack:
            row.append(str(len(stack)))
            row += [light_text(value) for value in stack[:-5:-1]]
        self.feed(" ".join(row))

    def finish(self, state):
        self.feed_state(state)
        return {"hash": f"{self.crc:08x}", "checkpoints": ",".join(self.checkpoints)}


class WindowRecorder(Recorder):
    """A row for each step from `start` on."""

    def __init__(self, fuel, observes, start, write_row):
        super().__init__(fuel, observes)
        self.start = start
        self.write_row = write_row

    def record(self, pc, depth, stack, cells):
        if self.steps >= self.start:
            self.write_row({"step": self.steps, **self.state_parts(State(pc, depth, stack, cells))})


# Requests


def word(request, key):
    value = request.get(key)
    if not isinstance(value, str):
        raise BadRequest(f"{key} must be a string")
    return value


def count(request, key):
    value = request.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_STEPS:
        raise BadRequest(f"{key} must be a number from 0 to {MOST_STEPS}")
    return value


def read_program(text):
    try:
        return binascii.unhexlify(text.encode("ascii"))
    except ValueError:  # binascii.Error is one, and so is a character outside ASCII
        raise BadRequest("program is not hexadecimal") from None


def read_input(text):
    cells = {}
    for entry in text.split(",") if text else []:
        match = re.fullmatch(r"([^:=,]+):([0-9]+)=(-?[0-9]+)", entry, re.ASCII)
        if not match:
            raise BadRequest(f"input: {entry} is not bank:index=value")
        cells.setdefault(match[1], {})[int(match[2])] = int(match[3])
    return cells


def check_capabilities(request):
    for name in str(request.get("requires", "")).split(","):
        if name and name not in CAPABILITIES:
            raise BadRequest(f"unknown capability {name}")


class Session:
    """Answers requests on a channel."""

    def __init__(self, engine, channel):
        self.engine = engine
        self.channel = channel
        self.observes = frozenset(engine.observes.split(","))
        self.machines = [machine.split("@")[0] for machine in engine.machines.split(",")]

    def write(self, message):
        self.channel.write(json.dumps(message, separators=(",", ":")) + "\n")

    def answer(self, line):
        """Answers one line. False: the other side said bye."""
        request = {}
        try:
            request = parse(line)
            kind = request.get("type")
            if kind == "bye":
                return False
            if kind == "hello":
                self.hello(request)
            elif kind == "run":
                self.run(request)
            else:
                raise BadRequest("unknown request")
        except BadRequest as error:
            self.error(request, str(error))
        except Exception as error:
            # A fault of the VM must not end the engine: the next program may well run.
            traceback.print_exc()
            self.error(request, f"{type(error).__name__}: {error}")
        self.channel.flush()
        return True

    def error(self, request, message):
        identity = {"id": request["id"]} if isinstance(request.get("id"), int) else {}
        self.write({"type": "error", **identity, "message": message})

    def hello(self, request):
        if request.get("protocol") != PROTOCOL:
            raise BadRequest(f"this engine speaks protocol {PROTOCOL}, not {request.get('protocol')}")
        check_capabilities(request)
        engine = self.engine._asdict()
        del engine["run"]
        self.write({"type": "hello", "protocol": PROTOCOL, **engine})

    def run(self, request):
        identity = count(request, "id")
        recorder = self.recorder(request, identity)
        machine = word(request, "machine")
        program = Request(machine, read_program(word(request, "program")), read_input(word(request, "input")))
        if machine in self.machines:
            outcome = self.engine.run(program, recorder)
        else:
            outcome = Unsupported(f"no machine {machine}")
        self.write({"type": "done", "id": identity, **self.result(outcome, recorder)})

    def recorder(self, request, identity):
        trace = word(request, "trace")
        fuel, every, start = (count(request, key) for key in ("fuel", "every", "from"))
        if trace == "none":
            return Recorder(fuel, self.observes)
        if trace == "hash":
            return HashRecorder(fuel, self.observes, every, start)
        if trace == "window":
            return WindowRecorder(
                fuel, self.observes, start, lambda row: self.write({"type": "row", "id": identity, **row})
            )
        raise BadRequest(f"unknown trace {trace}")

    def result(self, outcome, recorder):
        if isinstance(outcome, Unsupported):
            return {"outcome": "unsupported", "message": outcome.message}
        if isinstance(outcome, Reject):
            named = {key: value for key, value in outcome._asdict().items() if value is not None}
            return {"outcome": "reject", **named}
        if isinstance(outcome, Trap):
            ending = {"outcome": "trap", "trap": outcome.name, "at": outcome.at}
        else:
            ending = {"outcome": "halt" if isinstance(outcome, Halt) else "fuel"}
        state = recorder.state_parts(outcome.state)
        state.pop("printed", None)
        if "output" in self.observes:
            state["output"] = ",".join(recorder.output)
        return {**ending, "steps": recorder.steps, **state, **recorder.finish(outcome.state)}


def parse(line):
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"not JSON: {error}") from None
    if not isinstance(request, dict):
        raise BadRequest("a request is a JSON object")
    return request


def claim_channel():
    """Takes standard output for the answers; whatever else the VM prints goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return channel


def serve(engine):
    """Answers the requests on standard input until it ends or says bye."""
    session = Session(engine, claim_channel())
    try:
        for line in sys.stdin.buffer:
            if not session.answer(line):
                break
    except BrokenPipeError:
        # Nobody reads the answers any more. Closing the channel would raise this once again.
        os._exit(1)
