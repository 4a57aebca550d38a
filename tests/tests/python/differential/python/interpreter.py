"""Runs programs on Python's own contextvars: a JSON program a line comes in, a JSON trace a line goes out.

The steps and what they trace are those of the Rust modules of the same names beside this folder (this one's is
`machine.rs`); they must be read side by side. Runs on Python 3.7 and later.
"""

import asyncio
import contextvars
import json
import sys

from looks import Looks
from places import Places
from tasks import Main, Tasks
from words import Failure, picked

VARIABLES = 6


class Machine(Looks, Places, Tasks):
    def __init__(self, program):
        self.runtime = program['runtime']
        self.text = program['text']
        self.variables = [self.declare(number) for number in range(VARIABLES)]
        self.trace = []
        self.contexts = []
        self.entered = set()
        self.tokens = []
        self.tasks = []

    def declare(self, number):
        name = 'V%d' % number
        if number < VARIABLES // 2:
            return contextvars.ContextVar(name)
        return contextvars.ContextVar(name, default=self.value(100 * number))

    def value(self, number):
        return str(number) if self.text else number

    def log(self, line, *arguments):
        self.trace.append(line % arguments)

    # Programs

    def run(self, body):
        if self.runtime:
            coroutine = self.main(body)
            contextvars.Context().run(lambda: LOOP.run_until_complete(coroutine))
        else:
            contextvars.Context().run(self.main_by_hand, body)
        return self.trace

    async def main(self, body):
        try:
            await self.steps(body, Main())
            self.log('end: ok')
        except Failure:
            self.log('end: failed')
        for number in range(len(self.tasks)):
            await self.cancel(number)

    def main_by_hand(self, body):
        try:
            self.sync(body)
            self.log('end: ok')
        except Failure:
            self.log('end: failed')
        for number in range(len(self.tasks)):
            self.cancel_by_hand(number)

    def sync(self, body, here=None):
        """Takes steps that cannot await, in the context number `here` if it is one of those with a number."""
        for step in body:
            self.step(step, here)

    async def steps(self, body, turn):
        """Takes the steps of a task."""
        for step in body:
            name, arguments = parts(step)
            method = getattr(self, 'async_' + name, None)
            if method is not None:
                await method(turn, *listed(method, arguments))
            else:
                self.step(step, None)

    def step(self, step, here):
        name, arguments = parts(step)
        method = getattr(self, 'do_' + name)
        method(here, *listed(method, arguments))

    # Variables

    def do_Get(self, here, var):
        try:
            self.log('get V%d: %s', var, json.dumps(self.variables[var].get()))
        except LookupError:
            self.log('get V%d: LookupError', var)

    def do_GetOr(self, here, var, number):
        self.log('get V%d or: %s', var, json.dumps(self.variables[var].get(self.value(number))))

    def do_Set(self, here, var, number):
        self.tokens.append(self.variables[var].set(self.value(number)))
        self.log('set V%d: t%d', var, len(self.tokens) - 1)

    def do_Reset(self, here, var, index):
        number = picked(index, self.tokens)
        if number is None:
            return self.log('reset: no token')
        self.reset(var, number)

    def do_ResetOwn(self, here, index):
        number = picked(index, self.tokens)
        if number is None:
            return self.log('reset: no token')
        self.reset(self.variables.index(self.tokens[number].var), number)

    def reset(self, var, number):
        try:
            self.variables[var].reset(self.tokens[number])
            outcome = 'ok'
        except RuntimeError as error:
            assert 'has already been used' in str(error), error
            outcome = 'RuntimeError'
        except ValueError as error:
            by_variable = 'created by a different' in str(error)
            assert by_variable or 'created in a different' in str(error), error
            outcome = 'ValueError: variable' if by_variable else 'ValueError: context'
        self.log('reset V%d with t%d: %s', var, number, outcome)

    def do_Unset(self, here, var):
        for number in reversed(range(len(self.tokens))):
            token = self.tokens[number]
            of_this = token.var is self.variables[var] and token.old_value is contextvars.Token.MISSING
            if not of_this or ' used ' in repr(token):
                continue
            try:
                token.var.reset(token)
            except ValueError as error:
                assert 'created in a different' in str(error), error
                continue
            return self.log('unset V%d: t%d', var, number)
        self.log('unset V%d: no token', var)

    def do_Token(self, here, index):
        number = picked(index, self.tokens)
        if number is None:
            return self.log('token: no token')
        token = self.tokens[number]
        if ' used ' in repr(token):
            return self.log('t%d of %s: used', number, token.var.name)
        missing = token.old_value is contextvars.Token.MISSING
        self.log('t%d of %s: %s', number, token.var.name, 'missing' if missing else json.dumps(token.old_value))

    # Contexts

    def do_Copy(self, here):
        self.keep('copy', contextvars.copy_context())

    def do_New(self, here):
        self.keep('new', contextvars.Context())


def parts(step):
    """A step's name and arguments."""
    if isinstance(step, str):
        return step, []
    (name, arguments), = step.items()
    return name, arguments


def listed(method, arguments):
    """The arguments of a step: one alone is not in a list."""
    # Besides itself, a method is given what all are.
    return [arguments] if method.__code__.co_argcount == 3 else arguments


LOOP = asyncio.new_event_loop()
asyncio.set_event_loop(LOOP)

for line in sys.stdin:
    program = json.loads(line)
    print(json.dumps(Machine(program).run(program['body'])), flush=True)
