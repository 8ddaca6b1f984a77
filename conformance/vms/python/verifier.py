"""Verification (docs/cases.md, "Reject reasons"): indexes, jumps, the end of the code, and the heights of the stack.

Each subroutine is walked once for itself, with heights counted from its entry, and sums up as an Effect
for its callers. Effects of recursive subroutines are found by walking again until nothing changes.
"""
import heapq
from typing import NamedTuple, Optional

REASONS = (
    "bad_index",
    "bad_jump",
    "falls_off_end",
    "stack_underflow",
    "stack_overflow",
    "stack_mismatch",
    "return_without_call",
)
UNBOUNDED = float("inf")
MAIN = None  # the entry of the program itself, which starts at offset 0 without a call


class Effect(NamedTuple):
    """What an instruction or a subroutine does to the height of the stack."""

    net: Optional[int] = None  # None: it does not return
    need: int = 0  # the values it takes from below
    peak: float = 0  # the greatest height it reaches, counted from where it starts


class Walk(NamedTuple):
    effect: Effect
    faults: set
    calls: dict  # offset of the call: entry of the callee


def verify(machine, program):
    """The faults as pairs of offset and reason, in order."""
    faults = operand_faults(machine, program)
    if program:
        for walk in Subroutines(machine, program).solve().values():
            faults |= walk.faults
    elif not machine.ends_with_code:
        faults.add((0, "falls_off_end"))
    return sorted(faults, key=lambda fault: (fault[0], REASONS.index(fault[1])))


def operand_faults(machine, program):
    faults = set()
    for at, instruction in program.items():
        if any(index >= machine.bank_size for index in instruction.indexes):
            faults.add((at, "bad_index"))
        if instruction.target is not None and instruction.target not in program:
            faults.add((at, "bad_jump"))
    return faults


class Subroutines:
    def __init__(self, machine, program):
        self.machine = machine
        self.program = program
        self.effects = {}  # by entry
        self.endless = set()  # recursive calls that would need more with every level

    def solve(self):
        """The walks through the program and all its subroutines, by entry."""
        while True:
            self.effects = {}
            walks, growing = self.settle()
            call = first_call_in_a_circle(walks, growing)
            if call is None:
                return walks
            self.endless.add(call)

    def settle(self):
        """Walks until the effects stay the same; also returns the subroutines whose need never does."""
        patience = None
        while True:
            walks = self.walk_all()
            new = {entry: walk.effect for entry, walk in walks.items() if entry is not MAIN}
            if new == self.effects:
                return walks, set()
            nets_changed = {e: f.net for e, f in new.items()} != {e: f.net for e, f in self.effects.items()}
            # With the nets known, a change passes from callee to callers and is over after as many
            # rounds as there are subroutines, unless it goes round in a circle.
            patience = len(new) + 1 if nets_changed else patience - 1
            changed = {entry for entry, effect in new.items() if effect != self.effects.get(entry)}
            needs_grow = {entry for entry in changed if not nets_changed and new[entry].need != self.effects[entry].need}
            self.effects = new
            if patience < 0:
                if needs_grow:
                    return walks, needs_grow
                for entry in changed:
                    self.effects[entry] = new[entry]._replace(peak=UNBOUNDED)

    def walk_all(self):
        walks, entries = {}, [MAIN]
        while entries:
            entry = entries.pop()
            if entry not in walks:
                walks[entry] = self.walk(entry)
                entries += walks[entry].calls.values()
        return walks

    def effect_of(self, instruction):
        if instruction.form.role == "call":
            return self.effects.get(instruction.target, Effect())
        change = instruction.form.leaves - instruction.form.takes
        return Effect(change, instruction.form.takes, change)

    def walk(self, entry):
        start = 0 if entry is MAIN else entry
        heights, waiting = {start: 0}, [start]
        need, peak, returns, calls, faults = 0, 0, {}, {}, set()
        while waiting:
            at = heapq.heappop(waiting)
            height, instruction = heights[at], self.program[at]
            role = instruction.form.role
            if role == "call" and instruction.target in self.program:
                calls[at] = instruction.target
            effect = self.effect_of(instruction)
            if at in self.endless or entry is MAIN and effect.need > height:
                faults.add((at, "stack_underflow"))
                continue
            if self.machine.stack_limit < height + effect.peak < UNBOUNDED:
                faults.add((at, "stack_overflow"))
                continue
            need, peak = max(need, effect.need - height), max(peak, height + effect.peak)
            if role == "return":
                returns[at] = height
            if role in ("return", "halt") or effect.net is None:
                continue
            for following in self.followers(instruction, faults):
                if following not in heights:
                    heights[following] = height + effect.net
                    heapq.heappush(waiting, following)
                elif heights[following] != height + effect.net:
                    faults.add((following, "stack_mismatch"))
        if self.endless & calls.keys():
            need = 0  # it has no bound, which is the fault of the recursive call and not of the callers
        return Walk(Effect(self.net(entry, returns, faults), need, peak), faults, calls)

    def followers(self, instruction, faults):
        """The offsets where execution can go on, in the same subroutine."""
        role, following = instruction.form.role, []
        if role in ("jump", "branch") and instruction.target in self.program:
            following.append(instruction.target)
        if role != "jump":
            if instruction.next in self.program:
                following.append(instruction.next)
            elif not self.machine.ends_with_code:
                faults.add((instruction.at, "falls_off_end"))
        return following

    def net(self, entry, returns, faults):
        """The height at the returns; the one found first stays."""
        if entry is MAIN:
            faults.update((at, "return_without_call") for at in returns)
            return None
        first = returns[min(returns)] if returns else None
        faults.update((at, "stack_mismatch") for at, height in returns.items() if height != first)
        known = self.effects.get(entry, Effect()).net
        return first if known is None else known


def first_call_in_a_circle(walks, growing):
    """Of the calls by which growing subroutines come back to themselves, the one at the least offset."""
    reach = {entry: reachable(walks, entry) for entry in growing}
    circles = [entry for entry in growing if all(entry in reach[other] for other in reach[entry] & growing)]
    calls = (
        at for entry in circles for at, callee in walks[entry].calls.items() if callee in growing and entry in reach[callee]
    )
    return min(calls, default=None)


def reachable(walks, entry):
    """The subroutines that a subroutine can call, directly or through others."""
    found, waiting = set(), [entry]
    while waiting:
        for callee in walks[waiting.pop()].calls.values():
            if callee not in found:
                found.add(callee)
                waiting.append(callee)
    return found
