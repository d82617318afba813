"""The tasks of a Trio run, seen from outside of them: where each one is, and how to end a run that doesn't end."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import trio


def tasks() -> Iterator[tuple[int, trio.lowlevel.Task]]:
    """Generate the tasks of this thread's run, each below its parent, with its depth; none if there is no run."""
    root = trio.lowlevel.current_root_task() if trio.lowlevel.in_trio_run() else None
    waiting = [(0, root)] if root is not None else []
    while waiting:
        depth, task = waiting.pop()
        yield depth, task
        children = [child for nursery in task.child_nurseries for child in nursery.child_tasks]
        waiting += [(depth + 1, child) for child in children]


def stacks() -> str:
    """Return where each task is, as text."""
    return "\n".join(line for depth, task in tasks() for line in _lines(depth, task))


def _lines(depth: int, task: trio.lowlevel.Task) -> Iterator[str]:
    margin = "  " * depth
    yield f"{margin}task {task.name}"
    for entry in traceback.StackSummary.extract(task.iter_await_frames()).format():
        yield from (f"{margin}  {line}" for line in entry.splitlines())


def waits_for_the_world() -> bool:
    """Return whether a task waits for a thread, a socket or a process: for what no clock can tell the end of."""
    return any(waits_outside(task) for _, task in tasks())


def waits_outside(task: trio.lowlevel.Task) -> bool:
    """Return whether this task does."""
    if "TrioToken" in task.name:
        return False
    return any(
        str(frame.f_globals.get("__name__")).startswith(_OUTSIDE.get(frame.f_code.co_name, "-"))
        for frame, _ in task.iter_await_frames()
    )


_OUTSIDE = {
    "to_thread_run_sync": "trio.",
    "wait_readable": "trio.",
    "wait_writable": "trio.",
    "ask": "jido_trio.storage.",
}
"""Functions that wait for something outside of the run, each with what their modules' names begin with."""


def cancel_everything() -> None:
    """Cancel this thread's run, through all shields."""
    root = trio.lowlevel.current_root_task()
    if root is None:
        return
    for _, task in tasks():
        status = task._cancel_status  # noqa: SLF001  # a shield that nobody can reach is what this is about
        while status is not None:
            status._scope.shield = False  # noqa: SLF001
            parent = status._parent  # noqa: SLF001
            if parent is None:
                break
            status = parent
    root.child_nurseries[-1].cancel_scope.cancel()  # around the main task
