"""Children that ignore their stop: named with their stack, again and again, and waited for."""

from __future__ import annotations

import math
from collections.abc import Callable

import trio
from attrs import define, field

from jido_trio.supervision._life import REPEAT, Life
from jido_trio.supervision._passive import PassiveLife
from jido_trio.supervision._report import Frame


@define(eq=False)
class StopWatch:
    """One task that sleeps until the next limit of a stop; it does nothing about it but tell."""

    _overran: Callable[[Life | PassiveLife], None]
    _on_deadline: Callable[[], None]
    """Called when the limit of the whole supervisor is reached."""
    deadline: float = math.inf
    _lives: dict[Life | PassiveLife, float] = field(factory=dict)
    _sleep: trio.CancelScope = field(factory=trio.CancelScope)
    running: bool = False
    _over: bool = False

    def watch(self, life: Life | PassiveLife) -> None:
        """Tell when `life` is still there once its time is over: long after it was cancelled, in any case."""
        if life.kill_at < math.inf:
            self._lives[life] = life.first_look
            self._sleep.deadline = min(self._sleep.deadline, self._lives[life])

    def forget(self, life: Life | PassiveLife) -> None:
        """`life` has ended."""
        self._lives.pop(life, None)

    def limit(self, deadline: float) -> None:
        """Call `deadline` at that time."""
        self.deadline = deadline
        self._sleep.deadline = min(self._sleep.deadline, deadline)

    def end(self) -> None:
        """Watch no longer: nothing runs any more."""
        self._over = True
        self._sleep.cancel("all children have ended")

    async def run(self) -> None:
        """Watch until the end. Shielded as the children are: it is when all is cancelled that limits matter."""
        while not self._over:
            deadline = min(self.deadline, *self._lives.values(), math.inf)
            self._sleep = trio.CancelScope(deadline=deadline, shield=True)
            with self._sleep:
                await trio.sleep_forever()
            self._look(trio.current_time())

    def _look(self, now: float) -> None:
        if now >= self.deadline:
            self.deadline = math.inf
            self._on_deadline()
        for life, due in list(self._lives.items()):
            if now >= due and life in self._lives:
                self._lives[life] = now + REPEAT
                if life.look():
                    self._overran(life)


def stack_of(task: trio.lowlevel.Task | None) -> tuple[Frame, ...]:
    """Return where a task is, outermost first."""
    if task is None:
        return ()
    return tuple(
        Frame(frame.f_code.co_filename, line, frame.f_code.co_qualname) for frame, line in task.iter_await_frames()
    )
