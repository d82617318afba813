"""Dynamic supervisors: any number of equal children, added while it runs (Elixir's DynamicSupervisor)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import trio

from jido_trio.supervision._child import Child
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._open import opened, run_supervisor
from jido_trio.supervision._report import FoldedLog, Sink
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._supervisor import Supervisor
from jido_trio.terms import ExitKind, Restart, ShutdownLimit


def open_dynamic_supervisor(
    *,
    max_children: int | None = None,
    max_restarts: int = 3,
    max_seconds: float = 5,
    name: str = "supervisor",
    shutdown: float | None = None,
    on_report: Sink | None = None,
) -> AbstractAsyncContextManager[Supervisor, bool]:
    """Run a supervisor without children; `start_child` adds them, up to `max_children`.

    A child is restarted alone, is forgotten when it has ended for good, and has no place in an order: at the end all
    are stopped together, each within its own `shutdown`. The other options are those of `open_supervisor`.

    Source: Elixir `DynamicSupervisor`. Differs: children have ids, unique among them.
    """
    flags = Flags(kind="pool", max_children=max_children, max_restarts=max_restarts, max_seconds=max_seconds)
    return opened(Supervisor(SupervisorSpec((), flags, name, shutdown), on_report or FoldedLog()))


def dynamic_supervisor_child(
    id: str,
    *,
    max_children: int | None = None,
    max_restarts: int = 3,
    max_seconds: float = 5,
    restart: Restart = "permanent",
    shutdown: ShutdownLimit = None,
    on_report: Sink | None = None,
    on_gone: Callable[[str, ExitKind], None] | None = None,
) -> Child:
    """Return a child that is a dynamic supervisor; the `value` of its ref is the `Supervisor`.

    `on_gone(id, exit)` is called when a child of it is forgotten, having ended for good.
    """
    flags = Flags(kind="pool", max_children=max_children, max_restarts=max_restarts, max_seconds=max_seconds)
    run = partial(run_supervisor, SupervisorSpec((), flags, id), on_report, trio.current_time, on_gone)
    return Child(id, run, restart=restart, shutdown=shutdown, kind="supervisor")
