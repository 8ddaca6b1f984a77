#!/usr/bin/env python3
"""A kit of misbehaving engines for the calculator: python3 engine.py MODE

Each mode is a good engine but for one thing. Most do it on one program only, the trigger: the program whose
hexadecimal equals the environment variable TRIGGER, or that of the third run request when it is not set.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "vms" / "python"))

import vm  # noqa: E402
from bytestone import Session  # noqa: E402

MODES = {}
LONG = 600
MEGABYTE = 1 << 20


def mode(function):
    """Registers a mode under the function's name."""
    MODES[function.__name__.replace("_", "-")] = function
    return function


class Kit:
    """A good engine in parts, so that a mode can do something else in the place of one."""

    def __init__(self):
        self.out = sys.stdout.buffer
        self.session = Session(vm.build(), self)
        self.written = ""
        self.runs = 0
        self.trigger = os.environ.get("TRIGGER")

    def write(self, text):
        """Takes what the good engine says; `answer` hands it out."""
        self.written += text

    def flush(self):
        pass

    def answer(self, line):
        """The good engine's answer to a line."""
        self.written = ""
        if not self.session.answer(line):
            sys.exit(0)
        return self.written

    def say(self, text):
        self.out.write(text if isinstance(text, bytes) else text.encode("ascii"))
        self.out.flush()

    def requests(self):
        """Pairs of a line and whether it is the trigger."""
        for line in sys.stdin.buffer:
            request = json.loads(line)
            run = request["type"] == "run"
            self.runs += run
            yield line, run and (self.runs == 3 if self.trigger is None else request["program"] == self.trigger)

    def serve(self, on_trigger=None, change=lambda line, answer: answer):
        """Answers everything; `on_trigger` gets the line of the trigger, `change` may alter any answer."""
        for line, triggered in self.requests():
            if triggered and on_trigger:
                on_trigger(line)
            self.say(change(line, self.answer(line)))


def altered(answer, **keys):
    """An answer whose last line has other values."""
    *rows, last = answer.splitlines()
    return "\n".join([*rows, json.dumps({**json.loads(last), **keys})]) + "\n"


def crash():
    os.kill(os.getpid(), signal.SIGSEGV)


# Ending and hanging


@mode
def exits_at_once(kit):
    """Ends before it reads anything."""


@mode
def crashes(kit):
    """Dies by SIGSEGV on the trigger."""
    kit.serve(lambda line: crash())


@mode
def hangs(kit):
    """Never answers the trigger."""
    kit.serve(lambda line: time.sleep(LONG))


@mode
def hangs_ignoring_sigterm(kit):
    """Never answers the trigger, and ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    kit.serve(lambda line: time.sleep(LONG))


@mode
def slow_hello(kit):
    """Sleeps before it reads the first request."""
    time.sleep(LONG)
    kit.serve()


@mode
def forks_a_child(kit):
    """Leaves a child in its process group behind when it crashes on the trigger."""
    subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG})"])
    kit.serve(lambda line: crash())


@mode
def forks_a_session(kit):
    """Leaves a child in a session of its own behind when it crashes on the trigger."""
    subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG})"], start_new_session=True)
    kit.serve(lambda line: crash())


@mode
def closes_stdout(kit):
    """Closes its standard output on the trigger and lives on."""

    def close(line):
        os.close(1)
        time.sleep(LONG)

    kit.serve(close)


# What is no answer


@mode
def prints_garbage(kit):
    """Writes a line that is not JSON before the answer to the trigger."""
    kit.serve(lambda line: kit.say("Segmentation fault (core dumped)\n"))


@mode
def half_a_line(kit):
    """Ends in the middle of the answer to the trigger."""

    def break_off(line):
        answer = kit.answer(line)
        kit.say(answer[: len(answer) // 2])
        sys.exit(0)

    kit.serve(break_off)


@mode
def gigabyte_line(kit):
    """Answers the trigger with a line of a gigabyte that does not end."""

    def flood(line):
        for _ in range(1024):
            kit.say(b"x" * MEGABYTE)

    kit.serve(flood)


@mode
def invalid_utf8(kit):
    """Has bytes in the answer to the trigger that are no text."""

    def spoil(line):
        kit.say(kit.answer(line).encode("ascii").replace(b'"outcome"', b'"\xff\xfe\x80"'))

    kit.serve(spoil)


@mode
def floods_stderr(kit):
    """Writes to standard error without end on the trigger."""

    def flood(line):
        while True:
            sys.stderr.write("still here\n" * 10000)

    kit.serve(flood)


@mode
def floods_rows(kit):
    """Answers the trigger with rows without end."""

    def flood(line):
        row = {"type": "row", "id": json.loads(line)["id"], "step": 0, "pc": 0}
        row.update(depth=0, printed="0:", stack="", cells="")
        while True:
            kit.say((json.dumps(row) + "\n") * 1000)

    kit.serve(flood)


@mode
def eats_memory(kit):
    """Allocates without end on the trigger."""

    def eat(line):
        pieces = []
        while True:
            pieces.append(b"\x01" * (64 * MEGABYTE))

    kit.serve(eat)


# Answers that do not fit the protocol


@mode
def wrong_id(kit):
    """Answers the trigger with the id of another request."""
    on_trigger(kit, lambda line, answer: altered(answer, id=json.loads(line)["id"] + 1000))


@mode
def two_replies(kit):
    """Answers the trigger twice."""
    on_trigger(kit, lambda line, answer: answer + answer)


@mode
def reply_before_request(kit):
    """Says how a run ended before it has read anything."""
    kit.say('{"type":"done","id":1,"outcome":"halt","steps":0,"pc":0,"depth":0,"stack":"","cells":"","output":""}\n')
    kit.serve()


@mode
def other_protocol(kit):
    """Says hello in version 2 of the protocol."""
    on_hello(kit, protocol=2)


@mode
def needs_capability(kit):
    """Requires a capability that nobody has."""
    on_hello(kit, requires="telepathy")


def on_trigger(kit, change):
    """Changes the answer to the trigger."""
    for line, triggered in kit.requests():
        answer = kit.answer(line)
        kit.say(change(line, answer) if triggered else answer)


def on_hello(kit, **keys):
    """Changes the answer to hello."""
    kit.serve(change=lambda line, answer: altered(answer, **keys) if '"type":"hello"' in answer else answer)


# Wrong answers


@mode
def wrong_on_trigger(kit):
    """Prints something else on the trigger."""
    on_trigger(kit, lambda line, answer: altered(answer, output="666"))


@mode
def changes_answer(kit):
    """Runs a program right the first time and prints something else from the second time on."""
    seen = set()

    def change(line, answer):
        request = json.loads(line)
        program = request.get("program")
        if request["type"] != "run":
            return answer
        if program in seen:
            return altered(answer, output="666")
        seen.add(program)
        return answer

    kit.serve(change=change)


@mode
def other_trace(kit):
    """Answers a request for the trace of the trigger with the trace of another program."""
    other = "0102000000020102000000020000"  # PUSH 2, POP, PUSH 2, POP, HALT, HALT

    def change(line, answer):
        request = json.loads(line)
        if request["trace"] == "none":
            return answer
        return kit.answer(json.dumps({**request, "program": other}))

    on_trigger(kit, change)


@mode
def leaks_state(kit):
    """Starts every program with the variables that the one before it has left."""
    left = {}
    for line, _ in kit.requests():
        request = json.loads(line)
        if request["type"] == "run":
            given = dict(cell.split("=") for cell in request["input"].split(",") if cell)
            request["input"] = ",".join(f"{cell}={value}" for cell, value in {**left, **given}.items())
        answer = kit.answer(json.dumps(request))
        done = json.loads(answer.splitlines()[-1])
        if "cells" in done:
            left = dict(cell.split("=") for cell in done["cells"].split(",") if cell)
        kit.say(answer)


def main():
    parser = argparse.ArgumentParser(description="A misbehaving engine.")
    parser.add_argument("mode", choices=sorted(MODES))
    MODES[parser.parse_args().mode](Kit())


if __name__ == "__main__":
    main()
