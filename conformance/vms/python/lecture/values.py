"""Values: None, bool, int, Text and Function. Python takes True for 1, so a value is asked for its kind first."""

NIL, BOOL, INT, STRING, FUNCTION = "nil", "bool", "int", "string", "function"


class Text(str):
    """A string. One that the program made takes `cells` of memory; a constant takes none."""

    cells = 0


class Function:
    """A function of the module as a value. It has captured nothing: this machine's functions do not."""

    cells = 1
    captures = ()

    def __init__(self, number):
        self.number = number


def cells_of_string(text):
    """What a string takes that is made while the program runs: a cell, and one for each 8 bytes of UTF-8."""
    return 1 + (len(text.encode()) + 7) // 8


def kind(value):
    if value is None:
        return NIL
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INT
    return STRING if isinstance(value, str) else FUNCTION


def counts_as_true(value):
    return value is not None and value is not False


def equal(a, b):
    """Whether two values are the same; functions are only if they were made by the same step."""
    if kind(a) != kind(b):
        return False
    return a is b if kind(a) == FUNCTION else a == b


def order_key(value):
    """What decides the order of two values of one kind; None if values of the kind have no order."""
    if kind(value) == INT:
        return value
    return value.encode() if kind(value) == STRING else None
