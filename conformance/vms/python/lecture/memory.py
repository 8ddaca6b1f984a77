"""The memory of a run: what is live is counted anew whenever the limit might be exceeded."""


def roots(run):
    """Every value that the run can reach; no value holds others on this machine."""
    for frame in run.frames:
        yield frame.function
        yield from frame.stack
        yield from frame.locals
    yield from run.globals.values()


class Memory:
    def __init__(self, limit, roots=roots):
        self.limit = limit
        self.roots = roots
        self.used = 0  # cells of what was made and was not yet found to be garbage

    def take(self, run, cells):
        """Takes cells for something new. False: even without the garbage there are too few."""
        if self.used + cells > self.limit:
            self.used = self.live(run)
        if self.used + cells > self.limit:
            return False
        self.used += cells
        return True

    def live(self, run):
        """The cells of what can be reached; what is reached in several ways counts once."""
        marked = {id(value): value for value in self.roots(run)}
        return sum(getattr(value, "cells", 0) for value in marked.values())
