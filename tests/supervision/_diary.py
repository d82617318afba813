"""Children that write down what they do."""

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from jido_trio.supervision import Child


class Diary(list[str]):
    """What children did, in order: "+a" when a life of child a is ready, "-a" when it ends."""

    def child(
        self,
        id: str,
        do: Callable[[], Awaitable[object]] = trio.sleep_forever,
        *,
        ready_after: float = 0,
        at_the_end: Callable[[], Awaitable[object]] | None = None,
        **options: Any,
    ) -> Child:
        """Return a child that is ready after `ready_after` seconds, and then does `do`."""

        async def live(task_status: trio.TaskStatus[str]) -> None:
            if ready_after:
                self.append(f"…{id}")
                await trio.sleep(ready_after)
            self.append(f"+{id}")
            task_status.started(f"value of {id}")
            try:
                await do()
            finally:
                if at_the_end is not None:
                    with trio.CancelScope(shield=True):
                        await at_the_end()
                self.append(f"-{id}")

        return Child(id, live, **options)


def crashing(after: float = 1, error: Callable[[], BaseException] = lambda: ValueError("boom")):
    """Return a function that crashes after so many seconds."""

    async def crash() -> None:
        await trio.sleep(after)
        raise error()

    return crash


def crashing_once(after: float = 1):
    """Return a function that crashes the first time it is called, and stays the other times."""
    calls = []

    async def crash() -> None:
        calls.append(trio.current_time())
        if len(calls) == 1:
            await trio.sleep(after)
            raise ValueError("boom")
        await trio.sleep_forever()

    return crash
