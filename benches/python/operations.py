"""Performs operations of CPython's contextvars on request, and says how long they took.

Reads lines `OPERATION REPETITIONS`; answers each with the nanoseconds that the repetitions took, those of as many
rounds of an empty loop subtracted.
"""

import sys
from contextvars import Context, ContextVar, copy_context
from itertools import repeat
from time import perf_counter_ns

if sys.implementation.name != "cpython" or sys.version_info < (3, 11):
    print(f"it takes CPython 3.11 or newer, and this is {sys.implementation.name} {sys.version.split()[0]}")
    sys.exit()

VARIABLES = [ContextVar(f"var{number}") for number in range(8)]
VAR = VARIABLES[0]
DEFAULTED = ContextVar("defaulted", default=42)
UNSET = ContextVar("unset")


def nothing():
    pass


def set_one():
    VAR.set(2)


def set_four():
    for var in VARIABLES[1:5]:
        var.set(2)


# What to do before the loop, and in it. Names are local, as they are in a function that cares for speed.
OPERATIONS = {
    "get": ("get = VAR.get", "get()"),
    "get_default": ("get = DEFAULTED.get", "get()"),
    "get_or": ("get = UNSET.get", "get(None)"),
    "set": ("set = VAR.set", "set(2)"),
    "set_and_reset": ("set = VAR.set; reset = VAR.reset", "reset(set(2))"),
    "copy_context": ("copy = copy_context", "copy()"),
    "run": ("run = copy_context().run", "run(nothing)"),
    "copy_run_set": ("copy = copy_context; set = VAR.set", "copy().run(set, 2)"),
    "copy_run_set_four": ("copy = copy_context", "copy().run(set_four)"),
    "iterate": ("context = copy_context()", "\n            for _ in context.items(): pass"),
}

TEMPLATE = """
def measure(repetitions):
    {before}
    rounds = repeat(None, repetitions)
    begin = perf_counter_ns()
    for _ in rounds:
        {operation}
    return perf_counter_ns() - begin
"""


def compiled(before, operation):
    names = dict(globals())
    exec(TEMPLATE.format(before=before, operation=operation), names)
    return names["measure"]


EMPTY = compiled("pass", "pass")
MEASURE = {name: compiled(before, operation) for name, (before, operation) in OPERATIONS.items()}


def main():
    for number, var in enumerate(VARIABLES):
        var.set(number)
    print("ready", sys.version.split()[0], flush=True)
    for line in sys.stdin:
        name, repetitions = line.split()
        repetitions = int(repetitions)
        net = MEASURE[name](repetitions) - EMPTY(repetitions)
        print(max(net, 1), flush=True)


Context().run(main)
