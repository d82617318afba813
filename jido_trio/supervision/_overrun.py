"""Children that ignore their stop: named with their stack, again and again, and waited for."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import trio
from attrs import define

from jido_trio.supervision._alarms import Alarms
from jido_trio.supervision._living import REPEAT, Living
from jido_trio.supervision._report import Frame


@define(eq=False)
class Overruns:
    """Watches lives that were asked to stop."""

    _alarms: Alarms
    _tell: Callable[[Living], None]

    def watch(self, life: Living) -> None:
        """Tell when `life` is still there long after its time was over."""
        if life.first_look < math.inf:
            self._alarms.set(id(life), life.first_look, partial(self._look, life))

    def forget(self, life: Living) -> None:
        """`life` has ended."""
        self._alarms.drop(id(life))

    def _look(self, life: Living) -> None:
        self._alarms.set(id(life), trio.current_time() + REPEAT, partial(self._look, life))
        if life.look():
            self._tell(life)


def stack_of(task: trio.lowlevel.Task | None) -> tuple[Frame, ...]:
    """Return where a task is, outermost first."""
    if task is None:
        return ()
    return tuple(
        Frame(frame.f_code.co_filename, line, frame.f_code.co_qualname) for frame, line in task.iter_await_frames()
    )
