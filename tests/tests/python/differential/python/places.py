"""The steps that have other steps run somewhere; beside `../places.rs`."""

import asyncio
import contextvars
import functools
import sys
import threading
import types

from words import Failure, picked, shown


# With this flag of Python 3.14 a thread inherits a copy of the context of whoever starts it; without it, it is given one.
THREADS_INHERIT = getattr(sys.flags, 'thread_inherit_context', 0)


def in_thread(function):
    """Calls the function on a thread of its own, with nothing inherited; whether it did not fail."""
    return joined(start_thread(function, inherits=False))


def start_thread(function, inherits):
    """Starts a thread; and where it puts what became of the function."""
    outcome = []

    def target():
        try:
            function()
            outcome.append(None)
        except BaseException as error:
            outcome.append(error)

    given = {}
    if inherits and not THREADS_INHERIT:
        function = functools.partial(contextvars.copy_context().run, function)
    elif not inherits and sys.version_info >= (3, 14):
        given = {'context': contextvars.Context()}
    thread = threading.Thread(target=target, **given)
    thread.start()
    return thread, outcome


def joined(started):
    """Waits for a thread; whether its function did not fail."""
    thread, outcome = started
    thread.join()
    if outcome[0] is not None and not isinstance(outcome[0], Failure):
        raise outcome[0]
    return outcome[0] is None


class Scope:
    """`with var.set(..)`, which Python 3.14 has."""

    def __init__(self, var, value):
        self.var = var
        self.value = value

    def __enter__(self):
        self.token = self.var.set(self.value)
        if sys.version_info >= (3, 14):
            self.token.__enter__()

    def __exit__(self, *error):
        if sys.version_info >= (3, 14):
            return self.token.__exit__(*error)
        self.var.reset(self.token)


@types.coroutine
def within(context, coroutine):
    """Awaits the coroutine in the context: entered whenever it is resumed, thrown into, or closed."""
    resume = functools.partial(coroutine.send, None)
    while True:
        try:
            yielded = context.run(resume)
        except StopIteration:
            return
        try:
            value = yield yielded
            resume = functools.partial(coroutine.send, value)
        except GeneratorExit:
            context.run(coroutine.close)
            raise
        except BaseException as error:
            resume = functools.partial(coroutine.throw, error)


class Places:
    def do_Run(self, here, index, body):
        number = picked(index, self.contexts)
        if number is None:
            return self.log('run: no context')

        def function():
            self.entered.add(number)
            try:
                self.log('run c%d {', number)
                self.sync(body, number)
                self.log('} of c%d', number)
            finally:
                self.entered.remove(number)

        entered = number in self.entered
        try:
            self.contexts[number].run(function)
        except RuntimeError as error:
            assert entered and 'is already entered' in str(error), error
            self.log('run c%d: RuntimeError', number)

    def do_Wrapped(self, here, index, body):
        name, context = self.look(index, here)
        if context is None:
            return self.log('wrap in %s: not to be seen', name)
        context = context.copy()
        for _ in range(2):
            self.log('wrapped in %s {', name)
            context.copy().run(self.sync, body)
            self.log('} of wrapped')

    def do_RunCopy(self, here, body):
        self.log('own copy {')
        copy = contextvars.copy_context()
        copy.run(self.sync, body)
        self.log('} of own copy: %s', shown(copy))

    async def async_RunCopy(self, turn, body):
        self.log('own copy {')
        await within(contextvars.copy_context(), self.steps(body, turn))
        self.log('} of own copy')

    def do_Scope(self, here, var, number, body):
        self.log('scope of V%d {', var)
        contextvars.copy_context().run(self.scope, var, number, body)
        self.log('} of scope')

    def scope(self, var, number, body):
        with Scope(self.variables[var], self.value(number)):
            self.sync(body)

    async def async_Scope(self, turn, var, number, body):
        self.log('scope of V%d {', var)
        await within(contextvars.copy_context(), self.async_scope(turn, var, number, body))
        self.log('} of scope')

    async def async_scope(self, turn, var, number, body):
        with Scope(self.variables[var], self.value(number)):
            await self.steps(body, turn)

    def do_Guard(self, here, var, number, body):
        self.log('guard of V%d {', var)
        try:
            with Scope(self.variables[var], self.value(number)):
                self.sync(body, here)
        finally:
            self.do_Get(here, var)

    def do_Fail(self, here):
        self.log('fail')
        raise Failure()

    def do_Try(self, here, body):
        try:
            self.sync(body, here)
            self.log('not failed')
        except Failure:
            self.log('caught')

    async def async_Try(self, turn, body):
        try:
            await self.steps(body, turn)
            self.log('not failed')
        except Failure:
            self.log('caught')

    def do_Finally(self, here, body, cleanup):
        try:
            self.sync(body, here)
        finally:
            self.log('finally')
            self.sync(cleanup, here)

    async def async_Finally(self, turn, body, cleanup):
        try:
            await self.steps(body, turn)
        finally:
            self.log('finally')
            self.sync(cleanup)

    def do_Thread(self, here, body):
        self.log('thread {')
        survived = in_thread(lambda: self.sync(body))
        self.log('} of thread: %s', 'ok' if survived else 'failed')

    def do_InheritingThread(self, here, body):
        self.log('inheriting thread {')
        survived = joined(start_thread(lambda: self.sync(body), inherits=True))
        self.log('} of inheriting thread: %s', 'ok' if survived else 'failed')

    def do_LateThread(self, here, first, body):
        self.log('late thread, but first {')
        go = threading.Event()

        def function():
            go.wait()
            self.sync(body)

        started = start_thread(function, inherits=True)
        try:
            self.sync(first, here)
        finally:
            self.log('late thread {')
            go.set()
            survived = joined(started)
            self.log('} of late thread: %s', 'ok' if survived else 'failed')

    async def async_Blocking(self, turn, body):
        if not self.runtime:
            return self.do_Blocking(None, body)
        self.log('blocking {')
        function = functools.partial(contextvars.copy_context().run, self.sync, body)
        try:
            await asyncio.get_event_loop().run_in_executor(None, function)
            self.log('} of blocking: ok')
        except Failure:
            self.log('} of blocking: failed')
