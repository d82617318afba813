"""Opening supervisors: a block of one's own, or a child of another supervisor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import cast

import trio

from jido_trio.supervision._child import Child
from jido_trio.supervision._exit import Shutdown
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._life import Life
from jido_trio.supervision._report import FoldedLog, Sink
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._supervisor import Supervisor
from jido_trio.terms import AutoShutdown, ExitKind, Restart, RestartStrategy, ShutdownLimit


def open_supervisor(
    children: Sequence[Child] = (),
    *,
    strategy: RestartStrategy = "one_for_one",
    max_restarts: int = 3,
    max_seconds: float = 5,
    auto_shutdown: AutoShutdown = "never",
    name: str = "supervisor",
    shutdown: float | None = None,
    on_report: Sink | None = None,
) -> AbstractAsyncContextManager[Supervisor, bool]:
    """Start `children` in order and keep them running until the block is left.

    Entering waits until every child is up. Leaving stops them in reverse order, each within its `shutdown` seconds;
    cancelling the block does the same. When the supervisor ends by itself the block is cancelled.

    Args:
        children: Started left to right, each ready before the next one starts.
        strategy: Which children are restarted with one: "one_for_one" itself, "one_for_all" all,
            "rest_for_one" itself and those after it.
        max_restarts: Restarts, over all children, tolerated within `max_seconds`.
        max_seconds: Length of that window, in seconds of Trio's clock.
        auto_shutdown: "any_significant" or "all_significant" to end once significant children have ended for good.
        name: What it is called in errors and reports.
        shutdown: Seconds for stopping everything; what still runs then is cancelled. None sets no limit.
        on_report: Called with each `CrashReport`, before anything is done about it, and each `OverrunReport`. None
            writes them to the log `jido_trio.supervision`, repeats folded.

    Raises:
        InvalidDefinition: An option or a child is declared wrongly; nothing was started.
        StartFailed: A child failed while starting; those before it were stopped again. Its cause is the child's error.
        RestartIntensityExceeded: More than `max_restarts` restarts; its cause is the last crash.

    Source: OTP `supervisor`, "Supervision Principles". Differs: `max_seconds` may be a fraction, and time isn't
    rounded to whole seconds.
    """
    flags = Flags(strategy=strategy, max_restarts=max_restarts, max_seconds=max_seconds, auto_shutdown=auto_shutdown)
    return opened(Supervisor(SupervisorSpec(tuple(children), flags, name, shutdown), on_report or FoldedLog()))


def opened(supervisor: Supervisor) -> AbstractAsyncContextManager[Supervisor, bool]:
    """Return the block around a supervisor. It may swallow: the cancellation that ends it when the supervisor does."""
    return cast("AbstractAsyncContextManager[Supervisor, bool]", supervisor.run())


def supervisor_child(
    id: str,
    children: Sequence[Child] = (),
    *,
    strategy: RestartStrategy = "one_for_one",
    max_restarts: int = 3,
    max_seconds: float = 5,
    auto_shutdown: AutoShutdown = "never",
    restart: Restart = "permanent",
    shutdown: ShutdownLimit = None,
    significant: bool = False,
    on_report: Sink | None = None,
) -> Child:
    """Return a child that is a supervisor of `children`; its options are those of `open_supervisor` and `Child`.

    When it gives up it ends as by `Shutdown`: its own supervisor restarts it if it is permanent.
    """
    flags = Flags(strategy=strategy, max_restarts=max_restarts, max_seconds=max_seconds, auto_shutdown=auto_shutdown)
    run = partial(run_supervisor, SupervisorSpec(tuple(children), flags, id), on_report)
    return Child(id, run, restart=restart, shutdown=shutdown, significant=significant, kind="supervisor")


def nested_spec(child: Child) -> SupervisorSpec | None:
    """Return what the child supervises, where it is made by `supervisor_child` or the like; else None."""
    given = (*child.fn.args, *child.args) if isinstance(child.fn, partial) else child.args
    match given:
        case (SupervisorSpec() as spec, *_) if child.kind == "supervisor":
            return spec
        case _:
            return None


async def run_supervisor(
    spec: SupervisorSpec,
    on_report: Sink | None = None,
    clock: Callable[[], float] = trio.current_time,
    on_gone: Callable[[str, ExitKind], None] | None = None,
    *,
    task_status: Life,
) -> None:
    """Run a supervisor as the child of another, until it ends or is asked to.

    Asked to stop it goes down in order; cancelled, its time being over, it takes its children down at once.
    """
    supervisor = Supervisor(spec, on_report or FoldedLog(), clock, on_gone)
    task_status.trap_stop(supervisor.stop)
    async with supervisor.run(kill_if_cancelled=True):
        task_status.started(supervisor)
        await supervisor.wait()
    if not task_status.stopping:
        raise Shutdown("auto_shutdown")
