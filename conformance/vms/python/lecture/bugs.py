"""Planted bugs of the lecture machine."""
import bugs
from bugs import saturate

from . import memory
from .code import WORD
from .machine import Trapped, arithmetic, check_depth, equality, i32, order, replace, ret, take, top_two
from .module import FormatFault, Reader
from .values import FUNCTION, INT, STRING, Function, Text, cells_of_string, counts_as_true, equal, kind


def bug(name, instructions, about):
    return bugs.bug(f"lecture-{name}", "lecture", instructions, about)


def without_fault(machine, reason):
    """The verifier no longer finds faults of a reason."""
    verify = machine.verify
    machine.verify = lambda module, program: [fault for fault in verify(module, program) if fault[1] != reason]


def with_memory(machine, change):
    """Every run starts with a changed memory."""
    start = machine.start

    def start_changed(module, recorder):
        run = start(module, recorder)
        change(run.memory)
        return run

    machine.start = start_changed


def with_false(machine, is_false):
    """More values count as false."""

    def jump_if_false(run, target):
        value = run.stack.pop()
        if is_false(value) or not counts_as_true(value):
            run.next = target

    def negate(run, _):
        value = run.stack[-1]
        replace(run, 1, is_false(value) or not counts_as_true(value))

    machine.actions.update(JumpIfFalse=jump_if_false, Not=negate)


def with_equality(machine, same):
    machine.actions.update(Equal=equality(same), NotEqual=equality(lambda a, b: not same(a, b)))


# Integers


@bug("add-saturates", "Add", "Add of integers stops at the greatest and the least one instead of wrapping.")
def _(machine):
    clean = machine.actions["Add"]

    def add(run, _):
        a, b = top_two(run)
        if kind(a) == kind(b) == INT:
            replace(run, 2, saturate(a + b))
        else:
            clean(run, _)

    machine.actions["Add"] = add


@bug("sub-saturates", "Sub", "Sub stops at the greatest and the least value instead of wrapping.")
def _(machine):
    machine.actions["Sub"] = arithmetic(lambda a, b: saturate(a - b))


@bug("mul-31-bits", "Mul", "A product loses its highest bit.")
def _(machine):
    machine.actions["Mul"] = arithmetic(lambda a, b: a * b & 0x7FFFFFFF)


@bug("div-floors", "Div", "Div rounds down instead of toward zero.")
def _(machine):
    def floor(a, b):
        if b == 0:
            raise Trapped("div_by_zero")
        return i32(a // b)

    machine.actions["Div"] = arithmetic(floor)


@bug("div-zero-before-types", "Div", "Div looks at the divisor before it looks at what is divided.")
def _(machine):
    clean = machine.actions["Div"]

    def div(run, _):
        if kind(run.stack[-1]) == INT and run.stack[-1] == 0:
            raise Trapped("div_by_zero")
        clean(run, _)

    machine.actions["Div"] = div


@bug("div-pops-before-trap", "Div", "Div has popped its operands when it traps on a zero divisor.")
def _(machine):
    clean = machine.actions["Div"]

    def div(run, _):
        if both_integers(run) and run.stack[-1] == 0:
            replace(run, 2)
            raise Trapped("div_by_zero")
        clean(run, _)

    machine.actions["Div"] = div


def both_integers(run):
    return all(kind(value) == INT for value in top_two(run))


@bug("neg-complement", "Neg", "Neg inverts all bits and does not add one.")
def _(machine):
    clean = machine.actions["Neg"]

    def neg(run, _):
        clean(run, _)
        replace(run, 1, i32(run.stack[-1] - 1))

    machine.actions["Neg"] = neg


@bug("bool-is-integer", "Add,Sub,Mul,Div,Neg", "Arithmetic takes true for 1 and false for 0.")
def _(machine):
    def with_integers(action):
        def converted(run, number):
            count = 1 if action is neg else 2
            replace(run, count, *(int(value) if value in (True, False) else value for value in run.stack[-count:]))
            action(run, number)

        return converted

    neg = machine.actions["Neg"]
    for name in ("Add", "Sub", "Mul", "Div", "Neg"):
        machine.actions[name] = with_integers(machine.actions[name])


# Strings, equality, truth


@bug("concat-reversed", "Add", "Add puts the string on the top in front of the one below.")
def _(machine):
    clean = machine.actions["Add"]

    def add(run, _):
        a, b = top_two(run)
        if kind(a) == kind(b) == STRING:
            run.stack[-2:] = b, a
        clean(run, _)

    machine.actions["Add"] = add


@bug("concat-converts", "Add", "Add of a string and an integer writes the integer behind it.")
def _(machine):
    clean = machine.actions["Add"]

    def add(run, _):
        a, b = top_two(run)
        if kind(a) == STRING and kind(b) == INT:
            run.stack[-1] = Text(b)
        clean(run, _)

    machine.actions["Add"] = add


@bug("strings-by-identity", "Equal,NotEqual", "Strings are equal only if they are the same constant or were made by the same step.")
def _(machine):
    with_equality(machine, lambda a, b: a is b if kind(a) == kind(b) == STRING else equal(a, b))


@bug("functions-by-number", "Equal,NotEqual", "Two functions are equal if they are the same function of the module.")
def _(machine):
    with_equality(machine, lambda a, b: a.number == b.number if kind(a) == kind(b) == FUNCTION else equal(a, b))


@bug("true-is-one", "Equal,NotEqual", "True is equal to 1, and false to 0.")
def _(machine):
    with_equality(machine, lambda a, b: a == b if FUNCTION not in (kind(a), kind(b)) else equal(a, b))


@bug("nil-is-false", "Equal,NotEqual", "Nil is equal to false.")
def _(machine):
    with_equality(machine, lambda a, b: equal(a is not None and a, b is not None and b))


@bug("equal-traps", "Equal,NotEqual", "Comparing values of different kinds traps.")
def _(machine):
    def same(a, b):
        if kind(a) != kind(b):
            raise Trapped("type_error")
        return equal(a, b)

    with_equality(machine, same)


@bug("less-swapped", "Less", "Less holds if the top is less than the value below it.")
def _(machine):
    machine.actions["Less"] = order(lambda a, b: b < a)


@bug("greater-or-equal", "Greater", "Greater holds for equal values too.")
def _(machine):
    machine.actions["Greater"] = order(lambda a, b: a >= b)


@bug("order-by-length", "Less,Greater", "A shorter string is less than a longer one, whatever is in them.")
def _(machine):
    def longer_last(key):
        return (len(key), key) if isinstance(key, bytes) else key

    machine.actions["Less"] = order(lambda a, b: longer_last(a) < longer_last(b))
    machine.actions["Greater"] = order(lambda a, b: longer_last(a) > longer_last(b))


@bug("order-by-utf16", "Less,Greater", "Strings are ordered by the code units of their UTF-16.")
def _(machine):
    def units(key):
        return key.decode().encode("utf-16-be") if isinstance(key, bytes) else key

    machine.actions["Less"] = order(lambda a, b: units(a) < units(b))
    machine.actions["Greater"] = order(lambda a, b: units(a) > units(b))


@bug("zero-is-false", "JumpIfFalse,Not", "0 counts as false.")
def _(machine):
    with_false(machine, lambda value: kind(value) == INT and value == 0)


@bug("empty-is-false", "JumpIfFalse,Not", "The empty string counts as false.")
def _(machine):
    with_false(machine, lambda value: kind(value) == STRING and not value)


@bug("not-keeps-nil", "Not", "Not of nil is nil.")
def _(machine):
    clean = machine.actions["Not"]
    machine.actions["Not"] = lambda run, _: run.stack[-1] is not None and clean(run, _)


# Jumps, variables, printing


@bug("jump-relative", "-", "A jump counts from the next instruction instead of from the start of the function.")
def _(machine):
    machine.decoder.target = lambda function, at, number: at + WORD + WORD * number


@bug("jump-in-all-code", "-", "A jump counts from the start of all code instead of from that of the function.")
def _(machine):
    machine.decoder.target = lambda function, at, number: WORD * number


@bug("jump-8-bits", "-", "A jump looks at the low half of its operand only.")
def _(machine):
    clean = machine.decoder.target
    machine.decoder.target = lambda function, at, number: clean(function, at, number & 0xFF)


@bug("jump-if-false-keeps", "JumpIfFalse", "JumpIfFalse leaves its value on the stack when it does not jump.")
def _(machine):
    def jump_if_false(run, target):
        if not counts_as_true(run.stack[-1]):
            run.stack.pop()
            run.next = target

    machine.actions["JumpIfFalse"] = jump_if_false


@bug("get-local-of-caller", "GetLocal", "GetLocal looks into the frame of the caller if that has such a variable.")
def _(machine):
    def get_local(run, slot):
        frames = [frame for frame in run.frames[-2:] if slot < len(frame.locals)]
        run.stack.append(frames[0].locals[slot])

    machine.actions["GetLocal"] = get_local


@bug("set-local-keeps", "SetLocal", "SetLocal leaves its value on the stack.")
def _(machine):
    def set_local(run, slot):
        run.frame.locals[slot] = run.stack[-1]

    machine.actions["SetLocal"] = set_local


@bug("global-default-nil", "GetGlobal", "A global variable that was never set is nil.")
def _(machine):
    def get_global(run, number):
        run.stack.append(run.globals.get(run.module.constants[number]))

    machine.actions["GetGlobal"] = get_global


@bug("global-nil-undefined", "GetGlobal", "A global variable that was set to nil is as if it had not been set.")
def _(machine):
    clean = machine.actions["GetGlobal"]

    def get_global(run, number):
        if run.globals.get(run.module.constants[number], 0) is None:
            raise Trapped("undefined_global")
        clean(run, number)

    machine.actions["GetGlobal"] = get_global


@bug("set-global-once", "SetGlobal", "A global variable keeps its first value.")
def _(machine):
    def set_global(run, number):
        run.globals.setdefault(run.module.constants[number], run.stack.pop())

    machine.actions["SetGlobal"] = set_global


@bug("print-keeps", "Print", "Print leaves the value on the stack.")
def _(machine):
    machine.actions["Print"] = lambda run, _: run.recorder.print(run.stack[-1])


# Functions


@bug("function-next", "Function", "Function gives the function behind the one that it names, if there is one.")
def _(machine):
    clean = machine.actions["Function"]
    machine.actions["Function"] = lambda run, number: clean(run, min(number + 1, len(run.module.functions) - 1))


@bug("function-shared", "-", "Function gives the same value each time instead of a new one.")
def _(machine):
    def function(run, number):
        made = vars(run).setdefault("made", {})
        if number not in made:
            take(run, Function.cells)
            made[number] = Function(number)
        run.stack.append(made[number])

    machine.actions["Function"] = function


@bug("arguments-reversed", "Call", "The last argument becomes the first variable.")
def _(machine):
    clean = machine.actions["Call"]

    def call(run, count):
        clean(run, count)
        run.frame.locals[:count] = reversed(run.frame.locals[:count])

    machine.actions["Call"] = call


@bug("arity-unchecked", "Call", "Missing arguments are nil, and those that are too many are dropped.")
def _(machine):
    clean = machine.actions["Call"]

    def call(run, count):
        function = run.stack[-1 - count]
        if kind(function) == FUNCTION:
            arity = run.module.functions[function.number].arity
            arguments = run.stack[len(run.stack) - count :][:arity]
            replace(run, count, *arguments, *[None] * (arity - len(arguments)))
            count = arity
        clean(run, count)

    machine.actions["Call"] = call


@bug("call-top", "Call", "Call takes the function from above its arguments if there is one.")
def _(machine):
    clean = machine.actions["Call"]

    def call(run, count):
        if count and kind(run.stack[-1]) == FUNCTION and kind(run.stack[-1 - count]) != FUNCTION:
            run.stack.insert(len(run.stack) - 1 - count, run.stack.pop())
        clean(run, count)

    machine.actions["Call"] = call


@bug("depth-65", "Call", "There is room for one frame more.")
def _(machine):
    machine.frame_limit += 1


@bug("depth-before-kind", "Call", "Call looks at how many frames there are before it looks at what it calls.")
def _(machine):
    clean = machine.actions["Call"]

    def call(run, count):
        check_depth(run)
        clean(run, count)

    machine.actions["Call"] = call


@bug("return-ends-the-run", "Return", "Return ends the run in every function.")
def _(machine):
    def ret_at_once(run, _):
        run.result = [run.stack[-1]]
        run.frames.clear()
        run.next = None

    machine.actions["Return"] = ret_at_once


@bug("return-keeps-the-rest", "Return", "What a function left on its stack comes to the stack of the caller too.")
def _(machine):
    def ret_all(run, _):
        rest = run.stack[:-1]
        ret(run, _)
        if run.frames:
            run.stack[-1:] = rest + run.stack[-1:]

    machine.actions["Return"] = ret_all


@bug("return-at-the-top", "Return", "When the first function returns, the rest of its stack stays below the value.")
def _(machine):
    def ret_with_rest(run, _):
        rest = run.stack[:-1]
        ret(run, _)
        if not run.frames:
            run.result = rest + run.result

    machine.actions["Return"] = ret_with_rest


@bug("locals-kept", "Call", "Variables that are no arguments have the values of the call of the function before.")
def _(machine):
    clean_call, clean_return = machine.actions["Call"], machine.actions["Return"]

    def call(run, count):
        clean_call(run, count)
        kept = vars(run).setdefault("kept", {}).get(run.frame.function.number, [])
        run.frame.locals[count:] = kept[count:] or run.frame.locals[count:]

    def ret_keeping(run, _):
        frame = run.frame
        if frame.function:
            vars(run).setdefault("kept", {})[frame.function.number] = frame.locals
        clean_return(run, _)

    machine.actions.update(Call=call, Return=ret_keeping)


# Memory


@bug("garbage-counted", "Add,Function", "What cannot be reached any more counts as long as the program runs.")
def _(machine):
    def keep_counting(memory):
        memory.live = lambda run: memory.used

    with_memory(machine, keep_counting)


@bug("callers-not-marked", "Add,Function", "Only the running frame keeps values alive.")
def _(machine):
    def roots(run):
        yield from run.frame.stack
        yield from run.frame.locals
        yield from run.globals.values()

    with_memory(machine, lambda memory: setattr(memory, "roots", roots))


@bug("globals-not-marked", "Add,Function", "Global variables do not keep their values alive.")
def _(machine):
    def roots(run):
        for frame in run.frames:
            yield from [frame.function, *frame.stack, *frame.locals]

    with_memory(machine, lambda memory: setattr(memory, "roots", roots))


@bug("running-not-marked", "Add,Function", "A function that runs is taken for garbage if nothing else holds it.")
def _(machine):
    def roots(run):
        for frame in run.frames:
            yield from [*frame.stack, *frame.locals]
        yield from run.globals.values()

    with_memory(machine, lambda memory: setattr(memory, "roots", roots))


@bug("operands-freed-first", "-", "Add gives its operands up before it makes its result.")
def _(machine):
    def without_operands(run):
        for frame in run.frames:
            stack = frame.stack[:-2] if frame is run.frame else frame.stack
            yield from [frame.function, *stack, *frame.locals]
        yield from run.globals.values()

    with_memory(machine, lambda memory: setattr(memory, "roots", without_operands))


@bug("values-counted-twice", "Add,Function", "A value that is reached in two ways counts twice.")
def _(machine):
    def count_all(kept):
        kept.live = lambda run: sum(getattr(value, "cells", 0) for value in memory.roots(run))

    with_memory(machine, count_all)


@bug("constants-counted", "Add,Function", "Constants count like strings that were made.")
def _(machine):
    read = machine.read

    def read_counting(data):
        module = read(data)
        for constant in module.constants:
            if kind(constant) == STRING:
                constant.cells = cells_of_string(constant)
        return module

    machine.read = read_counting


@bug("cells-by-characters", "Add", "The size of a string is that of its characters, one byte each.")
def _(machine):
    machine.string_cells = lambda text: 1 + (len(text) + 7) // 8


@bug("cells-rounded-down", "-", "The last bytes of a string are free when they are fewer than 8.")
def _(machine):
    machine.string_cells = lambda text: 1 + len(text.encode()) // 8


@bug("cells-4095", "Add,Function", "There is one cell less.")
def _(machine):
    machine.heap_limit -= 1


# The module, decoding and verification


@bug("operand-big-endian", "-", "The operand is read with its high byte first.")
def _(machine):
    machine.decoder.number = lambda high: int.from_bytes(high, "big")


@bug("accepts-unused-bits", "-", "Bits that must be zero may be set.")
def _(machine):
    decoder, clean = machine.decoder, machine.decoder.instruction
    decoder.most = lambda form: 0xFFFF

    def instruction(word, function, at):
        found = clean(word, function, at)
        is_count = not isinstance(found, str) and found.form.operand == "count"
        return found._replace(number=found.number & 0xFF) if is_count else found

    decoder.instruction = instruction


@bug("accepts-trailing-bytes", "-", "A module may go on behind its code.")
def _(machine):
    def read(data):
        reader = Reader(data, machine.name, machine.major)
        try:
            return reader.read()
        except FormatFault as fault:
            if fault.at != reader.at or fault.at == len(data) or fault.reason != "bad_module":
                raise
            return Reader(data[: fault.at], machine.name, machine.major).read()

    machine.read = read


@bug("wide-integers", "-", "A constant may be an integer of 64 bits, of which the low 32 are taken.")
def _(machine):
    class WideReader(Reader):
        def constant(self):
            if self.data[self.at : self.at + 1] != b"\3" or len(self.data) < self.at + 9:
                return super().constant()
            self.at += 1
            return i32(int.from_bytes(self.take(8), "little"))

    machine.read = lambda data: WideReader(data, machine.name, machine.major).read()


@bug("accepts-mismatch", "-", "Paths may meet with different heights of the stack.")
def _(machine):
    without_fault(machine, "stack_mismatch")


@bug("accepts-stated-stack", "-", "A function may state a smaller stack than it needs.")
def _(machine):
    without_fault(machine, "bad_limit")


@bug("jumps-into-functions", "-", "A jump may lead to an instruction of another function.")
def _(machine):
    verify = machine.verify

    def verify_leniently(module, program):
        is_within = lambda at: program[at].number in program
        return [fault for fault in verify(module, program) if fault[1] != "bad_jump" or not is_within(fault[0])]

    machine.verify = verify_leniently


@bug("first-function-only", "-", "Only the function with which the program starts is verified.")
def _(machine):
    verify = machine.verify
    machine.verify = lambda module, program: verify(module._replace(functions=module.functions[:1]), program)
