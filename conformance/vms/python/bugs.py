"""Planted bugs, one at a time, each a change to a clean machine: they show what Bytestone finds.

A bug replaces an action, a table or a method of the machine object, so that the machines' own code stays as it is.
"""
import struct
from typing import Callable, NamedTuple

import bytestone
import verifier
from machine import Trapped, divide, i16, i32
from stackmachines import binary

BUGS = {}


class Bug(NamedTuple):
    name: str
    machine: str
    instructions: str  # mnemonics with commas between; "-" when the bug is not in instructions
    about: str
    plant: Callable


def bug(name, machine, instructions, about):
    """Registers the function below it, which gets the machine and plants the bug."""

    def register(plant):
        BUGS[name] = Bug(name, machine, instructions, about, plant)
        return plant

    return register


# Ways to change a machine


def without_fault(machine, reason, wanted=lambda at, program: False):
    """The verifier no longer finds faults of a reason, but for those that are wanted."""
    verify = machine.verify
    machine.verify = lambda program: [
        fault for fault in verify(program) if fault[1] != reason or wanted(fault[0], program)
    ]


def saturate(value):
    return max(-(2**31), min(2**31 - 1, value))


def no_zero(divisor):
    if divisor == 0:
        raise Trapped("div_by_zero")


# Calculator


@bug("calculator-add-saturates", "calculator", "ADD", "ADD stops at the greatest and the least value instead of wrapping.")
def _(machine):
    machine.actions["ADD"] = binary(lambda a, b: saturate(a + b))


@bug("calculator-mul-unbounded", "calculator", "MUL", "MUL does not wrap, so that values leave the range of 32 bits.")
def _(machine):
    machine.actions["MUL"] = binary(lambda a, b: a * b)


@bug("calculator-sub-swapped", "calculator", "SUB", "SUB subtracts the value below the top from the top.")
def _(machine):
    machine.actions["SUB"] = binary(lambda a, b: i32(b - a))


@bug("calculator-div-floors", "calculator", "DIV", "DIV rounds down instead of toward zero.")
def _(machine):
    def div(run):
        no_zero(run.stack[-1])
        b, a = run.pop(), run.pop()
        run.push(i32(a // b))

    machine.actions["DIV"] = div


@bug("calculator-div-zero-is-zero", "calculator", "DIV", "DIV by zero gives zero instead of a trap.")
def _(machine):
    machine.actions["DIV"] = binary(lambda a, b: divide(a, b) if b else 0)


@bug("calculator-div-pops-before-trap", "calculator", "DIV", "DIV has popped its operands when it traps.")
def _(machine):
    def div(run):
        b, a = run.pop(), run.pop()
        no_zero(b)
        run.push(divide(a, b))

    machine.actions["DIV"] = div


@bug("calculator-div-trap-name", "calculator", "DIV", "DIV by zero traps under another name.")
def _(machine):
    clean = machine.actions["DIV"]

    def div(run):
        if run.stack[-1] == 0:
            raise Trapped("divide_error")
        clean(run)

    machine.actions["DIV"] = div


@bug("calculator-push-big-endian", "calculator", "PUSH", "PUSH reads its constant most significant byte first.")
def _(machine):
    machine.number = lambda data: int.from_bytes(data, "big")


@bug("calculator-print-keeps-value", "calculator", "PRINT", "PRINT leaves the value on the stack.")
def _(machine):
    machine.actions["PRINT"] = lambda run: run.recorder.print(run.stack[-1])


@bug("calculator-keeps-locals", "calculator", "-", "The variables keep their values from one program to the next.")
def _(machine):
    kept, start = [0] * machine.bank_size, machine.start

    def start_with_kept(cells, recorder):
        run = start(cells, recorder)
        kept[:] = [new or old for new, old in zip(run.bank, kept)]
        run.bank = run.cells[machine.bank] = kept
        return run

    machine.start = start_with_kept


@bug("calculator-accepts-end", "calculator", "-", "Code that can run past its last instruction is accepted, and ends there.")
def _(machine):
    machine.ends_with_code = True


@bug("calculator-slot-26", "calculator", "LOAD,STORE", "The verifier accepts the variable behind the last one.")
def _(machine):
    machine.bank_size += 1


# Calculator that ends with the code


@bug("eoc-last-instruction", "calculator-eoc", "-", "The last instruction of the code is not run.")
def _(machine):
    run_all = machine.run

    def run_but_last(program, run):
        if program:
            program.popitem()
        return run_all(program, run)

    machine.run = run_but_last


@bug("eoc-empty-rejected", "calculator-eoc", "-", "A program of no bytes is rejected.")
def _(machine):
    verify = machine.verify
    machine.verify = lambda program: verify(program) if program else [(0, "falls_off_end")]


@bug("eoc-end-takes-a-step", "calculator-eoc", "-", "A run that has no fuel left at the end of the code does not halt.")
def _(machine):
    run_to_end = machine.run

    def run_with_step(program, run):
        outcome = run_to_end(program, run)
        spent = run.pc not in program and run.recorder.steps >= run.recorder.fuel
        return bytestone.Fuel(outcome.state) if spent else outcome

    machine.run = run_with_step


@bug("eoc-store-keeps-value", "calculator-eoc", "STORE", "STORE leaves the value on the stack.")
def _(machine):
    def store(run, slot):
        run.bank[slot] = run.stack[-1]

    machine.actions["STORE"] = store


@bug("eoc-print-twice", "calculator-eoc", "PRINT", "PRINT prints its value twice.")
def _(machine):
    def print_twice(run):
        value = run.pop()
        run.recorder.print(value)
        run.recorder.print(value)

    machine.actions["PRINT"] = print_twice


@bug("eoc-div-minimum-saturates", "calculator-eoc", "DIV", "The least value divided by -1 gives the greatest value.")
def _(machine):
    def div(run):
        no_zero(run.stack[-1])
        b, a = run.pop(), run.pop()
        run.push(2**31 - 1 if (a, b) == (-(2**31), -1) else divide(a, b))

    machine.actions["DIV"] = div


# Stack machine


@bug("stack-jump-from-start", "stack", "JUMP,JUMPZ", "Jump offsets count from the start of the jump instead of the next instruction.")
def _(machine):
    machine.target = lambda form, at, following, raw: at + i16(raw) if form.operands == "relative16" else raw


@bug("stack-jump-unsigned", "stack", "JUMP,JUMPZ", "Jump offsets are read without a sign, so that no jump leads back.")
def _(machine):
    machine.target = lambda form, at, following, raw: following + raw if form.operands == "relative16" else raw


@bug("stack-jumpz-not-zero", "stack", "JUMPZ", "JUMPZ jumps if the value is not zero.")
def _(machine):
    def jumpz(run, target):
        if run.pop() != 0:
            run.next = target

    machine.actions["JUMPZ"] = jumpz


@bug("stack-jumpz-keeps-value", "stack", "JUMPZ", "JUMPZ leaves its value on the stack when it does not jump.")
def _(machine):
    def jumpz(run, target):
        if run.stack[-1] == 0:
            run.next = target
            run.pop()

    machine.actions["JUMPZ"] = jumpz


@bug("stack-call-depth-65", "stack", "CALL", "The call stack has room for one call more.")
def _(machine):
    machine.call_limit += 1


@bug("stack-limit-255", "stack", "PUSH,LOAD", "At run time the stack is full one value too early.")
def _(machine):
    start = machine.start

    def start_smaller(cells, recorder):
        run = start(cells, recorder)
        run.stack_limit -= 1
        return run

    machine.start = start_smaller


@bug("stack-call-trap-name", "stack", "CALL", "A call too deep traps stack_overflow.")
def _(machine):
    clean = machine.actions["CALL"]

    def call(run, target):
        if len(run.calls) >= run.call_limit:
            raise Trapped("stack_overflow")
        clean(run, target)

    machine.actions["CALL"] = call


@bug("stack-ret-oldest", "stack", "RET", "RET returns to the oldest call instead of the latest.")
def _(machine):
    def ret(run):
        run.next = run.calls.pop(0)

    machine.actions["RET"] = ret


@bug("stack-call-reads-16-bits", "stack", "CALL", "CALL looks at the low half of its operand only.")
def _(machine):
    machine.target = lambda form, at, following, raw: following + i16(raw) if form.operands == "relative16" else raw & 0xFFFF


@bug("stack-neg-complement", "stack", "NEG", "NEG inverts all bits and does not add one.")
def _(machine):
    machine.actions["NEG"] = lambda run: run.push(~run.pop())


@bug("stack-neg-unwrapped", "stack", "NEG", "NEG of the least value leaves the range of 32 bits.")
def _(machine):
    machine.actions["NEG"] = lambda run: run.push(-run.pop())


@bug("stack-pop-stale", "stack", "POP", "POP removes the value below the top when there is one.")
def _(machine):
    machine.actions["POP"] = lambda run: run.stack.pop(-2 if len(run.stack) > 1 else -1)


@bug("stack-slot-7-bits", "stack", "LOAD,STORE", "The highest bit of a slot is ignored, so that 128 is 0.")
def _(machine):
    load, store = machine.actions["LOAD"], machine.actions["STORE"]
    machine.actions["LOAD"] = lambda run, slot: load(run, slot & 0x7F)
    machine.actions["STORE"] = lambda run, slot: store(run, slot & 0x7F)


@bug("stack-locals-per-call", "stack", "CALL,RET", "A subroutine gets variables of its own, all zero.")
def _(machine):
    call, ret, frames = machine.actions["CALL"], machine.actions["RET"], []

    def call_with_locals(run, target):
        call(run, target)
        if len(run.calls) == 1:
            frames.clear()
        frames.append(list(run.bank))
        run.bank[:] = [0] * len(run.bank)

    def ret_with_locals(run):
        ret(run)
        run.bank[:] = frames.pop()

    machine.actions.update(CALL=call_with_locals, RET=ret_with_locals)


@bug("stack-accepts-mismatch", "stack", "-", "Paths may meet with different stack depths.")
def _(machine):
    without_fault(machine, "stack_mismatch")


@bug("stack-accepts-return", "stack", "RET", "A return without a call is accepted, and ends the program.")
def _(machine):
    clean = machine.actions["RET"]

    def ret(run):
        if run.calls:
            clean(run)
        else:
            run.halted = True

    machine.actions["RET"] = ret
    without_fault(machine, "return_without_call")


@bug("stack-fuel-off-by-one", "stack", "-", "One step more than the fuel is done.")
def _(machine):
    start = machine.start

    def start_richer(cells, recorder):
        recorder.fuel += 1
        return start(cells, recorder)

    machine.start = start_richer


# Loop machine


@bug("loop-push-signed", "loop", "PUSH", "Constants from 128 on are read as negative.")
def _(machine):
    clean = machine.actions["PUSH"]
    machine.actions["PUSH"] = lambda run, value: clean(run, value - 256 if value > 127 else value)


@bug("loop-lt-or-equal", "loop", "LT", "LT holds for equal values too.")
def _(machine):
    machine.actions["LT"] = binary(lambda a, b: int(a <= b))


@bug("loop-lt-unsigned", "loop", "LT", "LT compares without signs.")
def _(machine):
    machine.actions["LT"] = binary(lambda a, b: int(a % 2**32 < b % 2**32))


@bug("loop-false-is-positive", "loop", "JMP_IF_FALSE", "JMP_IF_FALSE takes negative values as false.")
def _(machine):
    def jmp_if_false(run, target):
        if run.pop() <= 0:
            run.next = target

    machine.actions["JMP_IF_FALSE"] = jmp_if_false


@bug("loop-print-top", "loop", "PRINT", "PRINT prints the top of the stack if there is one, instead of local 0.")
def _(machine):
    machine.actions["PRINT"] = lambda run: run.recorder.print(run.stack[-1] if run.stack else run.bank[0])


@bug("loop-add-16-bits", "loop", "ADD", "ADD wraps at 16 bits.")
def _(machine):
    machine.actions["ADD"] = binary(lambda a, b: i16(a + b))


@bug("loop-store-last-slot", "loop", "STORE", "STORE into local 15 writes local 14.")
def _(machine):
    def store(run, slot):
        run.bank[min(slot, 14)] = run.pop()

    machine.actions["STORE"] = store


@bug("loop-bad-jump-unreachable", "loop", "-", "Jumps are checked only where they can be reached.")
def _(machine):
    def wanted(at, program):
        subroutines = verifier.Subroutines(machine, program)
        reached = []
        subroutines.effect_of = lambda instruction: (
            reached.append(instruction.at) or verifier.Subroutines.effect_of(subroutines, instruction)
        )
        subroutines.solve()
        return at in reached

    without_fault(machine, "bad_jump", wanted)


@bug("loop-stack-limit-65", "loop", "-", "The verifier accepts a stack of one value more.")
def _(machine):
    machine.stack_limit += 1


# Register machine


@bug("register-sub-swapped", "register", "SUB", "SUB subtracts the first register from the second.")
def _(machine):
    machine.actions["SUB"] = lambda run, a, b, c: run.bank.__setitem__(a, i32(run.bank[c] - run.bank[b]))


@bug("register-load-unsigned", "register", "LOAD", "LOAD does not extend the sign of its constant.")
def _(machine):
    clean = machine.actions["LOAD"]
    machine.actions["LOAD"] = lambda run, a, value: clean(run, a, value & 0xFFFF)


@bug("register-loadh-clears-low", "register", "LOADH", "LOADH clears the low half of the register.")
def _(machine):
    machine.actions["LOADH"] = lambda run, a, value: run.bank.__setitem__(a, i32(value << 16))


@bug("register-loadh-keeps-sign", "register", "LOADH", "LOADH takes over the sign of a negative low half.")
def _(machine):
    machine.actions["LOADH"] = lambda run, a, value: run.bank.__setitem__(a, i32(value << 16 | i16(run.bank[a])))


@bug("register-jump-in-bytes", "register", "JMP,JZ,JNZ", "Jump arguments count bytes instead of instructions.")
def _(machine):
    machine.target = lambda raw, at: at + 4 + i16(raw)


@bug("register-div-trap-writes", "register", "DIV", "DIV by zero has set its register to zero when it traps.")
def _(machine):
    def div(run, a, b, c):
        divisor = run.bank[c]
        run.bank[a] = divide(run.bank[b], divisor) if divisor else 0
        no_zero(divisor)

    machine.actions["DIV"] = div


@bug("register-div-float", "register", "DIV", "DIV computes with single precision.")
def _(machine):
    def single(value):
        return struct.unpack("f", struct.pack("f", value))[0]

    def div(run, a, b, c):
        no_zero(run.bank[c])
        run.bank[a] = i32(int(single(single(run.bank[b]) / single(run.bank[c]))))

    machine.actions["DIV"] = div


@bug("register-ignores-unused", "register", "-", "Arguments that an instruction does not use may hold anything.")
def _(machine):
    machine.unused = lambda form, word: 0


@bug("register-r0-is-zero", "register", "ADD", "ADD into R0 is dropped, as if R0 were always zero.")
def _(machine):
    clean = machine.actions["ADD"]
    machine.actions["ADD"] = lambda run, a, b, c: clean(run, a, b, c) if a else None


# Register machine in a Lua-shaped word


@bug("lua-field-order", "register-lua", "ADD,SUB,MUL,DIV,NEG,MOVE,LT,EQ", "B lies below C in the word, as the source draws them.")
def _(machine):
    machine.layout.update(b=machine.layout["c"], c=machine.layout["b"])


@bug("lua-immediate-biased", "register-lua", "LOAD", "LOAD takes its constant as biased by 32767, as Lua's sBx is.")
def _(machine):
    clean = machine.actions["LOAD"]
    machine.actions["LOAD"] = lambda run, a, value: clean(run, a, (value & 0xFFFF) - 0x7FFF)


@bug("lua-word-big-endian", "register-lua", "-", "Words are read most significant byte first.")
def _(machine):
    machine.word = lambda data: int.from_bytes(data, "big")


@bug("lua-ignores-high-bits", "register-lua", "-", "The two bits above a constant may be set.")
def _(machine):
    unused = machine.unused
    machine.unused = lambda form, word: unused(form, word & 0x3FFFFFFF if form.operands[-1:] in ("i", "u", "t") else word)


@bug("lua-eq-low-half", "register-lua", "EQ", "EQ compares the low halves only.")
def _(machine):
    machine.actions["EQ"] = lambda run, a, b, c: run.bank.__setitem__(a, int(i16(run.bank[b]) == i16(run.bank[c])))


@bug("lua-jnz-positive", "register-lua", "JNZ", "JNZ does not jump if the register is negative.")
def _(machine):
    def jnz(run, a, target):
        if run.bank[a] > 0:
            run.next = target

    machine.actions["JNZ"] = jnz


@bug("lua-index-mod-16", "register-lua", "-", "The verifier looks at the low four bits of a register's number, and so does the machine.")
def _(machine):
    decode_operand = machine.operand
    machine.operand = lambda word, letter, at: decode_operand(word, letter, at) & (15 if letter in "abc" else -1)
