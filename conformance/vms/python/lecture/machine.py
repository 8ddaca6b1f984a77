"""The run: frames, instructions, traps."""
import bytestone

from .code import WORD, Decoder
from .memory import Memory
from .module import FormatFault, Reader
from .values import FUNCTION, INT, STRING, Function, Text, cells_of_string, counts_as_true, equal, kind, order_key
from .verifier import verify


class Trapped(Exception):
    """Raised by an action before it has changed anything."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


class Frame:
    """A call: its variables, its stack, and where its caller goes on."""

    def __init__(self, function, locals, back):
        self.function = function  # the value that was called; None for the first frame
        self.locals = locals
        self.stack = []
        self.back = back


class Cells:
    """What can be seen of the variables, made when it is asked for: those of the frame that are not nil, and all globals."""

    def __init__(self, run):
        self.run = run

    def items(self):
        frames = self.run.frames
        of_frame = enumerate(frames[-1].locals) if frames else ()
        yield "local", {index: value for index, value in of_frame if value is not None}
        yield "global", self.run.globals


class Run:
    """The state of a run. An action changes it; `next` is where execution goes on, and None ends the program."""

    def __init__(self, machine, module, recorder):
        self.machine = machine
        self.module = module
        self.recorder = recorder
        self.frames = []
        self.globals = {}
        self.memory = Memory(machine.heap_limit)
        self.result = ()
        self.cells = Cells(self)
        self.enter(None, 0, [], None)
        self.pc = self.next

    @property
    def frame(self):
        return self.frames[-1]

    @property
    def stack(self):
        return self.frames[-1].stack if self.frames else self.result

    def enter(self, function, number, arguments, back):
        code = self.module.functions[number]
        fresh = [None] * (code.locals - len(arguments))
        self.frames.append(Frame(function, arguments + fresh, back))
        self.next = code.start

    def depth(self):
        return max(len(self.frames) - 1, 0)

    def state(self):
        return bytestone.State(self.pc, self.depth(), self.stack, self.cells)


# Actions: each looks at what it needs, traps if it must, and only then changes something.


def i32(value):
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def divide(a, b):
    quotient = abs(a) // abs(b)
    return i32(quotient if (a < 0) == (b < 0) else -quotient)


def top_two(run):
    return run.stack[-2:]


def replace(run, count, *made):
    """Puts values in the place of the topmost ones."""
    del run.stack[len(run.stack) - count :]
    run.stack.extend(made)


def both(values, wanted):
    return all(kind(value) == wanted for value in values)


def take(run, cells):
    if not run.memory.take(run, cells):
        raise Trapped("out_of_memory")


def constant(run, number):
    run.stack.append(run.module.constants[number])


def pop(run, _):
    run.stack.pop()


def concatenate(run, a, b):
    text = Text(a + b)
    text.cells = run.machine.string_cells(text)
    take(run, text.cells)
    return text


def add(run, _):
    a, b = top_two(run)
    if both((a, b), INT):
        replace(run, 2, i32(a + b))
    elif both((a, b), STRING):
        replace(run, 2, concatenate(run, a, b))
    else:
        raise Trapped("type_error")


def arithmetic(compute):
    """The action that replaces two integers by one; `a` is the one below the top."""

    def action(run, _):
        a, b = top_two(run)
        if not both((a, b), INT):
            raise Trapped("type_error")
        replace(run, 2, compute(a, b))

    return action


def quotient(a, b):
    if b == 0:
        raise Trapped("div_by_zero")
    return divide(a, b)


def neg(run, _):
    if not both(run.stack[-1:], INT):
        raise Trapped("type_error")
    replace(run, 1, i32(-run.stack[-1]))


def equality(compare):
    def action(run, _):
        replace(run, 2, compare(*top_two(run)))

    return action


def order(compare):
    """The action that compares two integers or two strings."""

    def action(run, _):
        a, b = top_two(run)
        keys = order_key(a), order_key(b)
        if kind(a) != kind(b) or None in keys:
            raise Trapped("type_error")
        replace(run, 2, compare(*keys))

    return action


def jump(run, target):
    run.next = target


def jump_if_false(run, target):
    if not counts_as_true(run.stack.pop()):
        run.next = target


def get_local(run, slot):
    run.stack.append(run.frame.locals[slot])


def set_local(run, slot):
    run.frame.locals[slot] = run.stack.pop()


def get_global(run, number):
    name = run.module.constants[number]
    if name not in run.globals:
        raise Trapped("undefined_global")
    run.stack.append(run.globals[name])


def set_global(run, number):
    run.globals[run.module.constants[number]] = run.stack.pop()


def call(run, count):
    function = run.stack[-1 - count]
    if kind(function) != FUNCTION:
        raise Trapped("not_callable")
    if run.module.functions[function.number].arity != count:
        raise Trapped("arity_mismatch")
    check_depth(run)
    arguments = run.stack[len(run.stack) - count :]
    replace(run, count + 1)
    run.enter(function, function.number, arguments, run.next)


def check_depth(run):
    if len(run.frames) >= run.machine.frame_limit:
        raise Trapped("call_depth")


def ret(run, _):
    value, frame = run.stack[-1], run.frames.pop()
    run.next = frame.back
    if run.frames:
        run.stack.append(value)
    else:
        run.result = [value]


def print_top(run, _):
    run.recorder.print(run.stack.pop())


def negate(run, _):
    replace(run, 1, not counts_as_true(run.stack[-1]))


def function(run, number):
    take(run, Function.cells)
    run.stack.append(Function(number))


ACTIONS = {
    "Constant": constant,
    "Pop": pop,
    "Add": add,
    "Sub": arithmetic(lambda a, b: i32(a - b)),
    "Mul": arithmetic(lambda a, b: i32(a * b)),
    "Div": arithmetic(quotient),
    "Neg": neg,
    "Equal": equality(equal),
    "NotEqual": equality(lambda a, b: not equal(a, b)),
    "Less": order(lambda a, b: a < b),
    "Greater": order(lambda a, b: a > b),
    "Jump": jump,
    "JumpIfFalse": jump_if_false,
    "GetLocal": get_local,
    "SetLocal": set_local,
    "GetGlobal": get_global,
    "SetGlobal": set_global,
    "Call": call,
    "Return": ret,
    "Print": print_top,
    "Not": negate,
    "Function": function,
}


class Lecture:
    name = "lecture"
    major = 1
    stack_limit = 256
    frame_limit = 64
    heap_limit = 4096
    most_locals = 4096
    string_cells = staticmethod(cells_of_string)

    def __init__(self):
        self.actions = dict(ACTIONS)
        self.decoder = Decoder()

    def read(self, data):
        return Reader(data, self.name, self.major).read()

    def verify(self, module, program):
        return verify(module, program, self.stack_limit, self.most_locals)

    def execute(self, request, recorder):
        try:
            module = self.read(request.program)
        except FormatFault as fault:
            return bytestone.Reject("decode", fault.reason, fault.at)
        program, faults = self.decoder.decode(module)
        if faults:
            return bytestone.Reject("decode", faults[0][1], faults[0][0])
        misplaced = misplaced_line(module, program)
        if misplaced is not None:
            return bytestone.Reject("decode", "bad_module", misplaced)
        faults = self.verify(module, program)
        if faults:
            return bytestone.Reject("verify", faults[0][1], faults[0][0])
        if request.input:
            raise bytestone.BadRequest("the cells of this machine cannot be set from outside")
        return self.run(program, self.start(module, recorder))

    def start(self, module, recorder):
        return Run(self, module, recorder)

    def run(self, program, run):
        steps = {at: (self.actions[it.form.mnemonic], it.number) for at, it in program.items()}
        while True:
            if not run.recorder.step(run.pc, run.depth(), run.stack, run.cells):
                return bytestone.Fuel(run.state())
            action, number = steps[run.pc]
            run.next = run.pc + WORD
            try:
                action(run, number)
            except Trapped as trap:
                return bytestone.Trap(trap.name, run.pc, run.state())
            if run.next is None:
                return bytestone.Halt(run.state())
            run.pc = run.next


def misplaced_line(module, program):
    """The place in the file of the first line that is for the middle of an instruction."""
    for function in module.functions:
        for at, offset in function.lines:
            if function.start + offset not in program:
                return at
    return None
