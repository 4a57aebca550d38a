"""Runs programs on Python's own contextvars: a JSON program a line comes in, a JSON trace a line goes out.

The steps and what they trace are those of `../machine.rs` and `../tasks.rs`; the two must be read side by side.
Runs on Python 3.7 and later.
"""

import asyncio
import contextvars
import functools
import json
import sys
import threading
import types

VARIABLES = 6


class Failure(Exception):
    """What `Fail` raises; a panic there."""


def in_thread(function):
    """Calls the function on a thread of its own, with nothing inherited; whether it did not fail."""
    outcome = []

    def target():
        try:
            function()
            outcome.append(None)
        except BaseException as error:
            outcome.append(error)

    # From 3.14 on a thread may inherit, depending on a flag, unless it is given a context.
    given = {'context': contextvars.Context()} if sys.version_info >= (3, 14) else {}
    thread = threading.Thread(target=target, **given)
    thread.start()
    thread.join()
    if outcome[0] is not None and not isinstance(outcome[0], Failure):
        raise outcome[0]
    return outcome[0] is None


@types.coroutine
def pause():
    """Hands control to whoever steps the task."""
    yield


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


class Stepped:
    """A task that is stepped by hand, as the tasks of no runtime are."""

    def __init__(self, machine, body):
        self.context = contextvars.copy_context()
        self.coroutine = machine.steps(body, self)
        self.state = 'paused'

    async def pause(self):
        await pause()


class Scheduled:
    """An asyncio task that runs when it is told to, so that it does not matter how asyncio schedules."""

    def __init__(self, machine, body):
        loop = asyncio.get_event_loop()
        self.state = 'paused'
        self.go = loop.create_future()
        self.stopped = None
        self.task = loop.create_task(self.run(machine, body))

    async def run(self, machine, body):
        await self.go
        await machine.steps(body, self)

    async def pause(self):
        self.go = asyncio.get_event_loop().create_future()
        self.stopped.set_result(None)
        await self.go

    async def step(self):
        """Lets the task run to its next pause or its end."""
        self.stopped = asyncio.get_event_loop().create_future()
        self.go.set_result(None)
        await asyncio.wait([self.task, self.stopped], return_when=asyncio.FIRST_COMPLETED)
        if not self.task.done():
            return 'paused'
        try:
            self.task.result()
        except Failure:
            return 'failed'
        return 'done'

    async def cancel(self):
        self.task.cancel()
        try:
            await self.task
        except asyncio.CancelledError:
            pass


class Main:
    """The program itself, which nobody steps."""

    async def pause(self):
        await asyncio.sleep(0)


class Machine:
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

    def do_Clone(self, here, index):
        name, context = self.look(index, here)
        if context is None:
            return self.log('clone %s: not to be seen', name)
        self.keep('clone', context.copy())

    def keep(self, how, context):
        self.contexts.append(context)
        self.log('%s: c%d', how, len(self.contexts) - 1)

    def look(self, index, here):
        """A context to look at. Without a number it is the current one; one that is entered cannot be seen in Rust,
        but for the current one."""
        if index is None:
            return 'current', contextvars.copy_context()
        number = picked(index, self.contexts)
        if number is None:
            return 'c?', None
        seen = number not in self.entered or number == here
        return 'c%d' % number, self.contexts[number] if seen else None

    def do_Contains(self, here, index, var):
        name, context = self.look(index, here)
        if context is None:
            return self.log('V%d in %s: not to be seen', var, name)
        self.log('V%d in %s: %s', var, name, json.dumps(self.variables[var] in context))

    def do_Item(self, here, index, var):
        name, context = self.look(index, here)
        if context is None:
            return self.log('%s[V%d]: not to be seen', name, var)
        try:
            self.log('%s[V%d]: %s', name, var, json.dumps(context[self.variables[var]]))
        except KeyError:
            self.log('%s[V%d]: KeyError', name, var)

    def do_Lookup(self, here, index, var):
        name, context = self.look(index, here)
        if context is None:
            return self.log('%s.get(V%d): not to be seen', name, var)
        self.log('%s.get(V%d): %s', name, var, json.dumps(context.get(self.variables[var])))

    def do_Len(self, here, index):
        name, context = self.look(index, here)
        if context is None:
            return self.log('len(%s): not to be seen', name)
        self.log('len(%s): %d', name, len(context))

    def do_Keys(self, here, index):
        name, context = self.look(index, here)
        if context is None:
            return self.log('keys of %s: not to be seen', name)
        keys = sorted(var.name for var in context)
        assert keys == sorted(var.name for var in context.keys())
        self.log('keys of %s: %s', name, ' '.join(keys))

    def do_Values(self, here, index):
        name, context = self.look(index, here)
        if context is None:
            return self.log('values of %s: not to be seen', name)
        self.log('values of %s: %s', name, ' '.join(sorted(map(json.dumps, context.values()))))

    def do_Items(self, here, index):
        name, context = self.look(index, here)
        if context is None:
            return self.log('%s: not to be seen', name)
        self.log('%s: %s', name, shown(context))

    def do_Equal(self, here, left, right):
        left_name, left = self.look(left, here)
        right_name, right = self.look(right, here)
        if left is None or right is None:
            return self.log('%s == %s: not to be seen', left_name, right_name)
        assert (left == right) is not (left != right)
        self.log('%s == %s: %s', left_name, right_name, json.dumps(left == right))

    # Places to run in

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
        copy = contextvars.copy_context()
        copy.run(self.variables[var].set, self.value(number))
        copy.run(self.sync, body)
        self.log('} of scope')

    async def async_Scope(self, turn, var, number, body):
        self.log('scope of V%d {', var)
        copy = contextvars.copy_context()
        copy.run(self.variables[var].set, self.value(number))
        await within(copy, self.steps(body, turn))
        self.log('} of scope')

    def do_Guard(self, here, var, number, body):
        self.log('guard of V%d {', var)
        token = self.variables[var].set(self.value(number))
        try:
            if sys.version_info >= (3, 14):
                with token:
                    self.sync(body, here)
            else:
                try:
                    self.sync(body, here)
                finally:
                    self.variables[var].reset(token)
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
        copy = contextvars.copy_context()
        survived = in_thread(lambda: copy.run(self.sync, body))
        self.log('} of inheriting thread: %s', 'ok' if survived else 'failed')

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

    # Tasks

    def do_Spawn(self, here, body):
        if self.runtime:
            return self.log('no await here')
        self.tasks.append(Stepped(self, body))
        self.log('spawn: k%d', len(self.tasks) - 1)

    async def async_Spawn(self, turn, body):
        self.tasks.append(Scheduled(self, body) if self.runtime else Stepped(self, body))
        self.log('spawn: k%d', len(self.tasks) - 1)

    async def async_Yield(self, turn):
        self.log('yield')
        await turn.pause()

    def do_Yield(self, here):
        self.log('no await here')

    def do_Blocking(self, here, body):
        self.log('no await here')

    def do_Resume(self, here, index):
        if self.runtime:
            return self.log('no await here')
        number = picked(index, self.tasks)
        if number is None:
            return self.log('step: no task')
        task = self.tasks[number]
        running = task.state == 'running'
        if task.state not in ('paused', 'running'):
            return self.log('step k%d: %s', number, task.state)
        self.log('step k%d {', number)
        task.state = 'running'
        try:
            task.context.run(task.coroutine.send, None)
            task.state = 'paused'
        except StopIteration:
            task.state = 'done'
        except Failure:
            task.state = 'failed'
        except RuntimeError as error:
            assert running and 'is already entered' in str(error), error
        self.log('} of k%d: %s', number, task.state)

    async def async_Resume(self, turn, index):
        if not self.runtime:
            return self.do_Resume(None, index)
        number = picked(index, self.tasks)
        if number is None:
            return self.log('step: no task')
        task = self.tasks[number]
        if task.state not in ('paused', 'running'):
            return self.log('step k%d: %s', number, task.state)
        self.log('step k%d {', number)
        if task.state == 'paused':
            task.state = 'running'
            task.state = await task.step()
        self.log('} of k%d: %s', number, task.state)

    def do_Drop(self, here, index):
        if self.runtime:
            return self.log('no await here')
        number = picked(index, self.tasks)
        if number is None:
            return self.log('drop: no task')
        self.cancel_by_hand(number)

    async def async_Drop(self, turn, index):
        if not self.runtime:
            return self.do_Drop(None, index)
        number = picked(index, self.tasks)
        if number is None:
            return self.log('drop: no task')
        await self.cancel(number)

    def cancel_by_hand(self, number):
        task = self.tasks[number]
        if task.state != 'running':
            if task.state == 'paused':
                task.context.run(task.coroutine.close)
            task.state = 'dropped'
        self.log('drop k%d: %s', number, task.state)

    async def cancel(self, number):
        task = self.tasks[number]
        if task.state != 'running':
            if task.state == 'paused':
                # Nobody else may step it meanwhile.
                task.state = 'running'
                await task.cancel()
            task.state = 'dropped'
        self.log('drop k%d: %s', number, task.state)

    def do_Task(self, here, index):
        number = picked(index, self.tasks)
        if self.runtime or number is None:
            return self.log('task: not to be seen')
        task = self.tasks[number]
        seen = task.state not in ('running', 'dropped')
        self.log('k%d (%s): %s', number, task.state, shown(task.context) if seen else 'not to be seen')


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


def picked(index, among):
    """The number of one of several things, counted from the last."""
    return len(among) - 1 - index % len(among) if among else None


def shown(context):
    """The variables with their values, by name."""
    items = sorted((var.name, json.dumps(value)) for var, value in context.items())
    return ' '.join('%s=%s' % item for item in items)


LOOP = asyncio.new_event_loop()
asyncio.set_event_loop(LOOP)

for line in sys.stdin:
    program = json.loads(line)
    print(json.dumps(Machine(program).run(program['body'])), flush=True)
