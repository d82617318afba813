"""Dynamic supervisors: any number of equal children, added while it runs (Elixir's DynamicSupervisor)."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from jido_trio.supervision._child import Child
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._nested import Nested, plain_block
from jido_trio.supervision._open import root
from jido_trio.supervision._report import Sink
from jido_trio.supervision._shell import OnGone
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._supervisor import Supervisor
from jido_trio.terms import Restart, ShutdownLimit


def open_dynamic_supervisor(
    *,
    max_children: int | None = None,
    max_restarts: int = 3,
    max_seconds: float = 5,
    name: str = "supervisor",
    shutdown: float | None = None,
    on_report: Sink | None = None,
) -> AbstractAsyncContextManager[Supervisor]:
    """Run a supervisor without children; `start_child` adds them, up to `max_children`.

    A child is restarted alone, is forgotten when it has ended for good, and has no place in an order: at the end all
    are stopped together, each within its own `shutdown`. The other options are those of `open_supervisor`.

    Source: Elixir `DynamicSupervisor`. Differs: children have ids, unique among them.
    """
    flags = Flags(kind="pool", max_children=max_children, max_restarts=max_restarts, max_seconds=max_seconds)
    return plain_block(root(SupervisorSpec((), flags, name, shutdown), on_report))


def dynamic_supervisor_child(
    id: str,
    *,
    max_children: int | None = None,
    max_restarts: int = 3,
    max_seconds: float = 5,
    restart: Restart = "permanent",
    shutdown: ShutdownLimit = None,
    on_report: Sink | None = None,
    on_gone: OnGone | None = None,
) -> Child:
    """Return a child that is a dynamic supervisor; the `value` of its ref is the `Supervisor`.

    `on_gone(id, exit)` is called when a child of it is forgotten, having ended for good; what it raises is logged.
    Without `on_report` its reports go where those of its own supervisor go.
    """
    flags = Flags(kind="pool", max_children=max_children, max_restarts=max_restarts, max_seconds=max_seconds)
    return Nested(SupervisorSpec((), flags, id), on_report, on_gone).child(restart, shutdown)
