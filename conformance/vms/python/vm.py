#!/usr/bin/env python3
"""Seven machines, written by hand from the manual, as a Bytestone engine.

    python3 vm.py                 answers requests on standard input
    python3 vm.py --bug NAME      the same with a planted bug
    python3 vm.py --list-bugs     name, machine, faulty instructions, and a sentence for each bug

Python 3.9 or newer, standard library only.
"""
import argparse

import bugs
import bytestone
import lecture.bugs  # which plants its own among the others
from lecture.machine import Lecture
from registermachines import Register, RegisterLua
from stackmachines import Calculator, CalculatorEoc, Loop, Stack

VERSION = "1.0.0"
MACHINES = (Calculator, CalculatorEoc, Stack, Loop, Register, RegisterLua, Lecture)


def build(bug=None):
    """The engine, with one bug planted or none."""
    machines = {kind.name: kind() for kind in MACHINES}
    if bug:
        bug.plant(machines[bug.machine])
    names = ",".join(f"{name}@1" for name in machines)

    def run(request, recorder):
        return machines[request.machine].execute(request, recorder)

    return bytestone.Engine("bytestone-python", VERSION, names, run, observes="pc,depth,stack,cells,output,heap")


def main():
    parser = argparse.ArgumentParser(description="Seven bytecode machines as a Bytestone engine.")
    parser.add_argument("--bug", choices=sorted(bugs.BUGS), metavar="NAME", help="plant a bug")
    parser.add_argument("--list-bugs", action="store_true", help="print the bugs as tab-separated lines")
    options = parser.parse_args()
    if options.list_bugs:
        for bug in bugs.BUGS.values():
            print(bug.name, bug.machine, bug.instructions, bug.about, sep="\t")
    else:
        bytestone.serve(build(bugs.BUGS.get(options.bug)))


if __name__ == "__main__":
    main()
