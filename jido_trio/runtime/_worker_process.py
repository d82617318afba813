"""Attempts in a worker process: a segfault, a kill, too much memory are a crash of the attempt, and of nothing else.

The action and its context go there pickled; `context` has the state and what the caller added, and no agent. Cancelling
the attempt kills the process.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable
from typing import Any

import trio
from attrs import frozen

from jido_trio.core import Action, Context, Resources, Result, Signal
from jido_trio.errors import WorkerDied
from jido_trio.extras import require
from jido_trio.redact import shown_error
from jido_trio.terms import WhenFull


async def in_worker(action: Action, context: Context[Any], memory: int | None) -> Result:
    """Return what the action returns in a worker process.

    Raises:
        MissingExtra: The extra `process` isn't installed.
        WorkerDied: The process ended before the action did.
    """
    require("process", "trio_parallel", part="runtime")
    pool: Any = importlib.import_module("trio_parallel")
    plain = portable(context)
    try:
        result: Result = await pool.run_sync(_run, action, plain, memory, kill_on_cancel=True)
    except pool.BrokenWorkerError as error:
        raise WorkerDied(action.name, shown_error(error)) from error
    return result


@frozen(slots=False)
class Portable(Context[Any, Any]):
    """What an action is told in another process."""

    def progress(self, data: object = None) -> None:
        """Refuse: nobody would hear of it."""
        raise RuntimeError("an action in a worker process can't tell of progress; it tells by what it returns")

    def emit(
        self, signal: Signal | str, data: object = None, *, dispatch: object = None, when_full: WhenFull = "wait"
    ) -> Awaitable[None]:
        """Refuse: nobody would send it."""
        raise RuntimeError("an action in a worker process can't emit; return what a `result_action` is to emit")


def portable(context: Context[Any]) -> Context[Any]:
    """Return what of a context another process can have."""
    nobody: Any = None
    return Portable(context.state, nobody, None, context.extra, Resources(), context.incarnation, context.key)


def _run(action: Any, context: Context[Any], memory: int | None) -> Result:
    """Be the attempt, in the worker process.

    Raises:
        WorkerDied: The action would end the process. It would be the program that ends, if that were raised there.
    """
    try:
        return _within(memory, action, context)
    except Exception:
        raise
    except BaseException as error:  # noqa: ASYNC103, BLE001  # raised below, without a cause: no group can be sent
        why = shown_error(error)
    raise WorkerDied(action.name, why)


def _within(memory: int | None, action: Any, context: Context[Any]) -> Result:
    if memory is None:
        return trio.run(action.run, context)  # type: ignore[no-any-return]
    resource: Any = importlib.import_module("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory, before[1]))
    try:
        return trio.run(action.run, context)  # type: ignore[no-any-return]
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
