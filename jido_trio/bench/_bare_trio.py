"""The baselines: each thing as cheaply as bare Trio does it, with no supervision and no agents.

Three restarts, as programs have them. None reports, counts or decides anything:

- a loop in one task: `with CancelScope(): await life()`, the crash caught outside of the scope, one checkpoint before
  the next life, without which a life that crashes at once would starve all other tasks. The cheapest there is; what a
  life does to its context variables, the next one sees. Also timed without that checkpoint.
- a task for each life, in one nursery: the dying one catches its crash and starts the next, in a new cancel scope.
- a nursery for each life, with the life as its only task; the crash is caught as it leaves the nursery.
"""

import tracemalloc
from collections import deque
from collections.abc import Awaitable, Callable

import outcome
import trio
import trio.testing
from attrs import evolve, frozen

from jido_trio.bench._stopwatch import Stopwatch


class Crash(Exception):
    """What lives crash with."""


def _life(watch: Stopwatch) -> Callable[[], Awaitable[None]]:
    async def life() -> None:
        watch.stop()
        await trio.lowlevel.checkpoint()
        watch.start()
        raise Crash

    return life


def restart_loop(laps: int, *, yields: bool = True) -> list[float]:
    """Time from the crash to the first line of the next life: a loop in one task."""
    watch = Stopwatch()
    life = _life(watch)

    async def main() -> None:
        while len(watch.laps) < laps:
            try:
                with trio.CancelScope():
                    await life()
            except Crash:
                pass
            if yields:
                await trio.lowlevel.checkpoint()

    trio.run(main)
    return watch.laps


def restart_task(laps: int) -> list[float]:
    """The same: a fresh task for each life."""
    watch = Stopwatch()
    life = _life(watch)

    async def main() -> None:
        async def run(scope: trio.CancelScope) -> None:
            try:
                with scope:
                    await life()
            except Crash:
                pass
            if len(watch.laps) < laps:
                nursery.start_soon(run, trio.CancelScope())

        async with trio.open_nursery() as nursery:  # lives start their successors in it
            nursery.start_soon(run, trio.CancelScope())

    trio.run(main)
    return watch.laps


def restart_nursery(laps: int) -> list[float]:
    """The same: a nursery for each life."""
    watch = Stopwatch()
    life = _life(watch)

    async def main() -> None:
        while len(watch.laps) < laps:
            try:
                async with trio.open_nursery() as nursery:  # it is what is measured
                    nursery.start_soon(life)
            except* Crash:
                pass

    trio.run(main)
    return watch.laps


def ready(laps: int) -> list[float]:
    """Time from the crash until `nursery.start` of the next life has returned."""
    watch = Stopwatch()

    async def main() -> None:
        fall = crashed = trio.Event()

        async def life(up: trio.TaskStatus[None]) -> None:
            up.started()
            await fall.wait()  # else it may crash before `start` has returned, which would end the lap too early
            watch.start()
            raise Crash

        async def run(*, task_status: trio.TaskStatus[None]) -> None:
            try:
                with trio.CancelScope():
                    await life(task_status)
            except Crash:
                crashed.set()

        async with trio.open_nursery() as nursery:
            while len(watch.laps) < laps:
                fall, crashed = trio.Event(), trio.Event()
                await nursery.start(run)
                watch.stop()
                fall.set()
                await crashed.wait()

    trio.run(main)
    return watch.laps


def next_message(laps: int) -> list[float]:
    """Time from the crash until the next life has the message that was queued behind the deadly one."""
    watch = Stopwatch()

    async def main() -> None:
        send, receive = trio.open_memory_channel[str](2)

        async def life() -> None:
            async for message in receive:
                if message == "fall":
                    watch.start()
                    raise Crash
                watch.stop()

        async def run() -> None:
            while True:
                try:
                    with trio.CancelScope():
                        await life()
                except Crash:
                    pass

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            for lap in range(1, laps + 1):
                send.send_nowait("fall")
                send.send_nowait("next")
                while len(watch.laps) < lap:  # an event would be measured, too
                    await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()

    trio.run(main)
    return watch.laps


def group(laps: int, tasks: int = 10) -> list[float]:
    """Time from the crash of one of ten tasks in a nursery until ten run in the next nursery."""
    watch = Stopwatch()

    async def main() -> None:
        up = 0

        async def live() -> None:
            nonlocal up
            up += 1
            if up == tasks:
                watch.stop()
                everyone.set()
            await trio.sleep_forever()

        async def crash() -> None:
            await everyone.wait()
            watch.start()
            raise Crash

        while len(watch.laps) < laps:
            up, everyone = 1, trio.Event()
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(crash)
                    for _ in range(tasks - 1):
                        nursery.start_soon(live)
            except* Crash:
                pass

    trio.run(main)
    return watch.laps


async def _receive_forever(receive: trio.MemoryReceiveChannel[None]) -> None:
    async for _ in receive:
        pass


def spawn(laps: int, batch: int = 20) -> list[float]:
    """Time for `start_soon` of a task that waits for a memory channel of its own, and until it does."""
    watch = Stopwatch()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            senders = []
            while len(watch.laps) < laps:
                watch.start()
                for _ in range(batch):
                    send, receive = trio.open_memory_channel[None](64)
                    senders.append(send)
                    nursery.start_soon(_receive_forever, receive)
                await trio.lowlevel.checkpoint()
                watch.split(batch)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return watch.laps


def start_many(tasks: int) -> list[float]:
    """Time per task until so many sleep, in one nursery."""
    watch = Stopwatch()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            watch.start()
            for _ in range(tasks):
                nursery.start_soon(trio.sleep_forever)
            await trio.lowlevel.checkpoint()
            watch.split(tasks)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return watch.laps


def stop_many(tasks: int) -> list[float]:
    """Time per task to cancel a nursery and leave it."""
    watch = Stopwatch()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(tasks):
                nursery.start_soon(trio.sleep_forever)
            await trio.testing.wait_all_tasks_blocked()
            watch.start()
            nursery.cancel_scope.cancel()
        watch.split(tasks)

    trio.run(main)
    return watch.laps


def start_many_with_channel(tasks: int) -> list[float]:
    """Time per task until so many wait, each for a memory channel of its own."""
    return [_with_channels(tasks)[0]]


def stop_many_with_channel(tasks: int) -> list[float]:
    """Time per task to cancel a nursery of such tasks and leave it."""
    return [_with_channels(tasks)[1]]


def _with_channels(tasks: int) -> tuple[float, float]:
    start, stop = Stopwatch(), Stopwatch()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            start.start()
            kept = [_with_channel(nursery) for _ in range(tasks)]
            await trio.lowlevel.checkpoint()
            start.split(len(kept))
            await trio.testing.wait_all_tasks_blocked()
            stop.start()
            nursery.cancel_scope.cancel()
        stop.split(tasks)

    trio.run(main)
    return start.laps[0], stop.laps[0]


def memory_with_channel(tasks: int) -> list[float]:
    """KiB for a task that waits for a memory channel of its own."""
    return _memory(tasks, _with_channel)


def memory_with_scope(tasks: int) -> list[float]:
    """KiB for a task that sleeps in a cancel scope of its own."""

    async def sleep(scope: trio.CancelScope) -> None:
        with scope:
            await trio.sleep_forever()

    def start(nursery: trio.Nursery) -> object:
        scope = trio.CancelScope()
        nursery.start_soon(sleep, scope)
        return scope

    return _memory(tasks, start)


def _with_channel(nursery: trio.Nursery) -> object:
    send, receive = trio.open_memory_channel[None](64)
    nursery.start_soon(_receive_forever, receive)
    return send


def _memory(tasks: int, start: Callable[[trio.Nursery], object]) -> list[float]:
    async def main() -> float:
        async with trio.open_nursery() as nursery:
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            kept = [start(nursery) for _ in range(tasks)]
            await trio.testing.wait_all_tasks_blocked()
            used = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            nursery.cancel_scope.cancel()
        return used / len(kept) / 1024

    return [trio.run(main)]


class Desk:
    """A task that answers others, with the least that Trio has: it and they wait to be rescheduled."""

    def __init__(self) -> None:
        self._asking: deque[trio.lowlevel.Task] = deque()
        self._idle: trio.lowlevel.Task | None = None

    async def serve(self) -> None:
        """Answer everybody, for ever."""
        count = 0
        while True:
            if not self._asking:
                self._idle = trio.lowlevel.current_task()
                await trio.lowlevel.wait_task_rescheduled(_may_be_cancelled)
            while self._asking:
                count += 1
                trio.lowlevel.reschedule(self._asking.popleft(), outcome.Value(count))

    async def ask(self) -> int:
        """Ask, and wait for the answer."""
        self._asking.append(trio.lowlevel.current_task())
        if self._idle is not None:
            trio.lowlevel.reschedule(self._idle)
            self._idle = None
        answer: int = await trio.lowlevel.wait_task_rescheduled(_may_be_cancelled)
        return answer


def _may_be_cancelled(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
    return trio.lowlevel.Abort.SUCCEEDED


def reply(laps: int) -> list[float]:
    """Time for a request and its reply between two tasks."""
    watch = Stopwatch()

    async def main() -> None:
        desk = Desk()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(desk.serve)
            for _ in range(laps):
                watch.start()
                await desk.ask()
                watch.stop()
            nursery.cancel_scope.cancel()

    trio.run(main)
    return watch.laps


def replies(laps: int, callers: int = 100) -> list[float]:
    """Time for a request and its reply, with a hundred callers at once."""
    watch = Stopwatch()

    async def main() -> None:
        desk = Desk()

        async def caller() -> None:
            for _ in range(5):
                await desk.ask()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(desk.serve)
            for _ in range(laps):
                watch.start()
                async with trio.open_nursery() as everyone:
                    for _ in range(callers):
                        everyone.start_soon(caller)
                watch.split(5 * callers)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return watch.laps


async def _answer(requests: trio.MemoryReceiveChannel[trio.MemorySendChannel[int]]) -> None:
    count = 0
    async for reply in requests:
        count += 1
        reply.send_nowait(count)


def call(laps: int) -> list[float]:
    """Time for a request and its reply between two tasks, each over a memory channel that is kept."""
    watch = Stopwatch()

    async def main() -> None:
        ask, requests = trio.open_memory_channel[trio.MemorySendChannel[int]](0)
        reply, replies = trio.open_memory_channel[int](1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_answer, requests)
            for _ in range(laps):
                watch.start()
                await ask.send(reply)
                await replies.receive()
                watch.stop()
            nursery.cancel_scope.cancel()

    trio.run(main)
    return watch.laps


def calls(laps: int, callers: int = 100) -> list[float]:
    """Time per call with a hundred callers at once, each with a reply channel that it keeps."""
    watch = Stopwatch()

    async def main() -> None:
        ask, requests = trio.open_memory_channel[trio.MemorySendChannel[int]](callers)
        channels = [trio.open_memory_channel[int](1) for _ in range(callers)]

        async def caller(reply: trio.MemorySendChannel[int], replies: trio.MemoryReceiveChannel[int]) -> None:
            for _ in range(5):
                await ask.send(reply)
                await replies.receive()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(_answer, requests)
            for _ in range(laps):
                watch.start()
                async with trio.open_nursery() as everyone:
                    for channel in channels:
                        everyone.start_soon(caller, *channel)
                watch.split(5 * callers)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return watch.laps


def cast(laps: int, batch: int = 1000) -> list[float]:
    """Time per message, `await send` into a memory channel of 1024, until the last one is received."""
    watch = Stopwatch()

    async def main() -> None:
        send, receive = trio.open_memory_channel[bool](1024)
        handled = trio.Event()

        async def handle() -> None:
            async for last in receive:
                if last:
                    handled.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(handle)
            for _ in range(laps):
                handled = trio.Event()
                watch.start()
                for left in reversed(range(batch)):
                    await send.send(left == 0)
                await handled.wait()
                watch.split(batch)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return watch.laps


@frozen
class CounterState:
    """The state of the README's counter."""

    count: int = 0


def step(laps: int, batch: int = 50) -> list[float]:
    """Time for `attrs.evolve` of the counter's state."""
    watch, state = Stopwatch(), CounterState()
    for _ in range(laps):
        watch.start()
        for _ in range(batch):
            state = evolve(state, count=state.count + 5)
        watch.split(batch)
    return watch.laps
