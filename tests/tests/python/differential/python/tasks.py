"""The steps that have to do with tasks; beside `../tasks.rs`."""

import asyncio
import contextvars
import types

from words import Failure, picked, shown


@types.coroutine
def pause():
    """Hands control to whoever steps the task."""
    yield


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


class Tasks:
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
