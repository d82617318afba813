"""Opening supervisors: a block of one's own, or a child of another supervisor."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from jido_trio.checks import refused
from jido_trio.supervision._child import Child
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._nested import Nested, plain_block
from jido_trio.supervision._report import Sink, sink_for
from jido_trio.supervision._shell import Shell
from jido_trio.supervision._spec import SupervisorSpec, listed
from jido_trio.supervision._supervisor import Supervisor
from jido_trio.terms import AutoShutdown, Restart, RestartStrategy, ShutdownLimit


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
) -> AbstractAsyncContextManager[Supervisor]:
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
        on_report: Called with each `CrashReport`, before anything is done about it, and each `OverrunReport`; with
            those of supervisors below it, too, unless they have a sink of their own. None writes them to the log
            `jido_trio.supervision`, repeats folded.

    Raises:
        InvalidDefinition: An option or a child is declared wrongly; nothing was started.
        StartFailed: A child failed while starting; those before it were stopped again. Its cause is the child's error.
        RestartIntensityExceeded: More than `max_restarts` restarts; its cause is the last crash.

    Source: OTP `supervisor`, "Supervision Principles". Differs: `max_seconds` may be a fraction, and time isn't
    rounded to whole seconds.
    """
    flags = Flags(strategy=strategy, max_restarts=max_restarts, max_seconds=max_seconds, auto_shutdown=auto_shutdown)
    return plain_block(root(SupervisorSpec(listed(children), flags, name, shutdown), on_report))


def root(spec: SupervisorSpec, on_report: Sink | None) -> Supervisor:
    """Return a supervisor that is nobody's child."""
    name: object = spec.name
    if not isinstance(name, str):
        raise refused("a supervisor", "name", name, "must be a text")
    return Supervisor(Shell(spec, sink_for(on_report)))


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

    When it gives up it ends as by `Shutdown`: its own supervisor restarts it if it is permanent. Without `on_report`
    its reports go where those of its own supervisor go.
    """
    flags = Flags(strategy=strategy, max_restarts=max_restarts, max_seconds=max_seconds, auto_shutdown=auto_shutdown)
    nested = Nested(SupervisorSpec(listed(children), flags, id), on_report)
    return nested.child(restart, shutdown, significant=significant)
