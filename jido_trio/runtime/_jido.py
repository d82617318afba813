"""Jido: an instance. It opens the supervision tree, the run queue and the timers, and closes them in reverse."""

from __future__ import annotations

import contextvars
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from os import PathLike
from types import TracebackType
from typing import Any, Protocol, Self, cast
from urllib.parse import quote

import trio

from jido_trio import checks
from jido_trio.core import Resources
from jido_trio.errors import RestartIntensityExceeded, StartFailed, SupervisorStopped
from jido_trio.observe import Event, Level, current_observer
from jido_trio.redact import shown
from jido_trio.runtime import _busy, _cron, _failures, _post, _tasks, _threads, _timers
from jido_trio.runtime._agents import Agents
from jido_trio.runtime._cell import Instance
from jido_trio.runtime._debug import Debug, Watch
from jido_trio.runtime._fates import DeadDirective, DeadLetter, DeadLetters, log_dead_directive, log_dead_letter
from jido_trio.runtime._inspect import shown_outside
from jido_trio.runtime._inspector import Inspector, checked_path
from jido_trio.runtime._life_tasks import plain
from jido_trio.runtime._partition import Partition, open_partition
from jido_trio.runtime._ref import AgentRef
from jido_trio.runtime._run_queue import RunQueue
from jido_trio.runtime._shadow import ShadowDifference, log_shadow_difference, shadows_of
from jido_trio.runtime._specs import check_size
from jido_trio.storage import Storage
from jido_trio.storage.inner import opener_of
from jido_trio.supervision import (
    Child,
    Sink,
    Supervisor,
    SupervisorView,
    dynamic_supervisor_child,
    open_supervisor,
    supervisor_child,
)
from jido_trio.world import World, current, using

EFFECTS = (_cron, _failures, _post, _tasks, _threads, _timers)
"""What our own directives do: each of these modules registers the interpreters of its own."""
NAMES = (_busy,)
"""By what a watchdog names an agent; registered likewise."""


class Service(Protocol):
    """What makes a supervised task for an instance."""

    def service(self, part: Any, /) -> Child:
        """Return the task; `part(Class)` is the instance's one part of that class, as `runtime.part(Class)` is."""
        ...


class Jido(Agents):
    """An instance: agents that live inside of `async with Jido("name") as jido:`.

    Leaving the block stops all agents, each within its `shutdown` seconds; cancelling the block does the same.

    Args:
        name: What it is called in reports, and in the source of its own signals.
        max_restarts: Restarts tolerated within `max_seconds`, over all agents that have neither a budget nor a backoff;
            more end the instance.
        max_seconds: Length of that window, in seconds of Trio's clock.
        mailbox_size: How many messages may wait for an agent, unless its start says otherwise.
        shutdown: Seconds for stopping everything; what still runs then is cancelled. None sets no limit.
        world: Where ids, times and random numbers come from; the current world if not given.
        resources: What async actions find as `context.resources`, and interpreters as `runtime.resources`, by name or
            by class. It is used, not opened or closed.
        storage: Where durable agents are kept. `open_sqlite(path)` and the like are opened with the instance and
            closed with it; one that is open already is used, and not closed.
        services: Supervised tasks beside the agents, up before the first agent and stopped after the last; or what
            makes one for this instance, as the `Models` of agents that speak with them do.
        on_report: Called with each `CrashReport`, before the restart, and each `OverrunReport`. None writes them to the
            log `jido_trio.supervision`, repeats folded.
        on_dead_letter: Called with each signal that nobody will handle.
        dead_letters: How many of them are kept, the last ones, for `dead_letters()`.
        on_dead_directive: Called with each directive that is not carried out, as the life that gave it had ended.
        on_event: Called with each `Event` of an agent that is watched, see `debug`; and, whether it is watched or not,
            when a mailbox with a `high_water` fills, and when it has emptied again. It mustn't wait.
        shadow: Which part of the messages is received a second time, to see whether the agent is pure: from 0 to 1;
            True is 0.01. The second time goes nowhere.
        on_shadow: Called with each difference that this finds.
        debug: Whether the last events of all agents are kept, for `recent()`: "off", "on", or "verbose" with data.
        inspect: Where to make a Unix socket, at which `jido-trio inspect` sees what the instance is at, as long as it
            runs; for this user only. None makes none.

    Raises:
        InvalidDefinition: When it is made: an option is wrong. On entering: the socket can't be made.
        RestartIntensityExceeded: On leaving: the agents, or the services, crashed too often. The cause is the last
            crash.
        StartFailed: On entering: a service failed while starting. The cause is its error.
    """

    def __init__(
        self,
        name: str = "jido",
        *,
        max_restarts: int = 1000,
        max_seconds: float = 5,
        mailbox_size: int = 10_000,
        shutdown: float | None = 10,
        world: World | None = None,
        resources: Mapping[Any, object] | None = None,
        storage: Storage | AbstractAsyncContextManager[Storage] | None = None,
        services: Sequence[Child | Service] = (),
        on_report: Sink | None = None,
        on_dead_letter: Callable[[DeadLetter], None] = log_dead_letter,
        dead_letters: int = 1000,
        on_dead_directive: Callable[[DeadDirective], None] = log_dead_directive,
        on_event: Callable[[Event], None] | None = None,
        shadow: float | bool = False,
        on_shadow: Callable[[ShadowDifference], None] = log_shadow_difference,
        debug: Level = "off",
        inspect: str | PathLike[str] | None = None,
    ) -> None:
        _check_name("an instance", name)
        check_size(mailbox_size)
        owner = f"instance {shown(name)}"
        checks.whole(owner, "dead_letters", dead_letters, least=0)
        checks.called_at_once(owner, "on_report", on_report, takes="a report", or_none="None for the log")
        checks.called_at_once(owner, "on_dead_letter", on_dead_letter, takes="a dead letter")
        checks.called_at_once(owner, "on_dead_directive", on_dead_directive, takes="a dead directive")
        checks.called_at_once(owner, "on_shadow", on_shadow, takes="a difference")
        checks.called_at_once(owner, "on_event", on_event, takes="an event", or_none="None for nobody")
        _check_world(owner, world)
        self._inspector = Inspector(checked_path(inspect), self._seen) if inspect is not None else None
        new_cell = shadows_of(owner, shadow, on_shadow)
        world = world if world is not None else current()
        with using(world):
            context = contextvars.copy_context()
            source = f"/jido/{quote(name, safe='', errors='replace')}"
            queue = RunQueue()
            letters = DeadLetters(queue.telling(on_dead_letter), deque(maxlen=min(dead_letters, sys.maxsize)))
            shared = Resources(resources)
            instance = Instance(name, source, world, context, shared, mailbox_size, letters, new_cell, run_queue=queue)
            instance.on_dead_directive = queue.telling(on_dead_directive)
            agents = dynamic_supervisor_child(
                "agents",
                max_restarts=max_restarts,
                max_seconds=max_seconds,
                on_report=on_report,
                on_gone=instance.gone,
            )
            children = [_child(owner, each, instance) for each in _listed(owner, services)]
            beside = [supervisor_child("services", children, on_report=on_report)] if children else []
            # That the agents give up is the end of the instance: max_restarts=0 passes it on.
            self._tree = open_supervisor(
                [Child("run_queue", instance.run_queue.run), *beside, agents],
                name=name,
                max_restarts=0,
                shutdown=shutdown,
                on_report=on_report,
            )
        super().__init__(instance)
        self._on_report = on_report
        self._partitions: dict[str, Partition] = {}
        self._opening = trio.Lock()
        self._debug = Debug(instance, on_event)
        observer = current_observer()
        if observer is not None:
            self._debug.ring = observer.opened(self)
        self._debug.set(observer.level if observer is not None and debug == "off" else debug)
        self._storage: AbstractAsyncContextManager[Storage | None] = (
            nullcontext(None) if storage is None else opener_of(storage)
        )
        self._run: AbstractAsyncContextManager[Supervisor] | None = None
        self._root: Supervisor | None = None

    def __repr__(self) -> str:
        return f"<Jido {shown(self.name)}, {len(self._instance.cells)} agents>"

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return self._instance.name

    @trio.lowlevel.enable_ki_protection  # left half entered, it could not be left any more
    async def __aenter__(self) -> Self:
        if self._run is not None:
            raise RuntimeError(f"instance {shown(self.name)} can be entered once; make another Jido to start again")
        try:
            self._instance.token = trio.lowlevel.current_trio_token()
        except RuntimeError:
            raise RuntimeError(
                f"instance {shown(self.name)} can't be entered here: it needs Trio. Run the program with trio.run; "
                "in an asyncio program, run Trio as a guest: trio.lowlevel.start_guest_run"
            ) from None
        self._run = self._open()
        try:
            self._root = await self._run.__aenter__()
        except StartFailed as failed:
            inner = failed.__cause__
            if not isinstance(inner, StartFailed):
                raise
        else:
            agents = self._root.child("agents").value
            assert isinstance(agents, Supervisor)  # noqa: S101  # what a dynamic supervisor's ref holds
            self._instance.supervisor = agents
            return self
        raise inner  # the error of the service; that of the instance would only repeat it

    @trio.lowlevel.enable_ki_protection
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        assert self._run is not None  # noqa: S101  # it was entered
        try:
            return await self._run.__aexit__(kind, error, traceback)  # noqa: ASYNC102  # it shields itself
        except RestartIntensityExceeded as gave_up:
            inner = gave_up.__cause__
            if not isinstance(inner, RestartIntensityExceeded):
                raise
        raise inner  # the error of the agents; that of the instance would only repeat it

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Supervisor]:
        async with self._storage as self._instance.storage, self._open_tree() as root:
            yield root

    @asynccontextmanager
    async def _open_tree(self) -> AsyncIterator[Supervisor]:
        left: BaseException | None = None
        try:
            # Deadlines hold as long as anything lives: the timers begin before the tree, and end after it.
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._instance.timers.run, name=f"timers of {self.name}")
                try:
                    if self._inspector is not None:
                        self._inspector.listen()
                        nursery.start_soon(self._inspector.run, name=f"inspector of {self.name}")
                    async with self._tree as root:
                        yield root
                except BaseException as error:  # noqa: ASYNC103, BLE001  # raised again below, plainly
                    left = error
                self._instance.close()
                self._instance.timers.end()
                if self._inspector is not None:
                    self._inspector.close()
        except BaseExceptionGroup as group:
            left = plain(group)
        if left is not None:
            try:
                raise left
            finally:
                del left

    def _seen(self, agent: str | None, limit: int) -> dict[str, Any]:
        return shown_outside(self._instance, self._root, agent, limit)

    # ---- partitions

    async def partition(
        self,
        name: str,
        *,
        max_agents: int | None = None,
        max_restarts: int = 1000,
        max_seconds: float = 5,
        mailbox_size: int | None = None,
        on_report: Sink | None = None,
        on_dead_letter: Callable[[DeadLetter], None] | None = None,
    ) -> Partition:
        """Return the partition of that name: agents with ids, limits and counts of their own. Who asks first opens it.

        The options are for opening it; who finds it open gets it as it is. Where one of that name is being stopped, it
        waits for the end of that, and opens another.

        Args:
            name: What it is called, in reports "partition <name>".
            max_agents: How many agents it may have; None sets no limit.
            max_restarts: As of the instance, for the agents of this partition alone; more end the partition.
            max_seconds: Length of that window, in seconds.
            mailbox_size: How many messages may wait for an agent; as in the instance if not given.
            on_report: Called with its reports; as in the instance if not given.
            on_dead_letter: Called with its dead letters; as in the instance if not given.

        Raises:
            InvalidDefinition: An option is wrong.
            SupervisorStopped: The instance isn't running.
        """
        _check_name("a partition", name)
        checks.whole(f"partition {shown(name)}", "max_agents", max_agents, or_none="None for no limit")
        takes = "a dead letter"
        checks.called_at_once(f"partition {shown(name)}", "on_dead_letter", on_dead_letter, takes=takes, or_none="None")
        if mailbox_size is not None:
            check_size(mailbox_size)
        self._instance.running()
        assert self._root is not None  # noqa: S101  # it runs
        while True:
            async with self._opening:
                partition = self._partitions.get(name)
                if partition is None or partition.ended:
                    box = self._instance.run_queue.telling(on_dead_letter) if on_dead_letter is not None else None
                    letters = self._instance.dead_letters.apart(box)
                    inner = self._instance.apart(name, mailbox_size, letters)
                    self._debug.partition(inner)
                    child = dynamic_supervisor_child(
                        f"partition {name}",
                        max_children=max_agents,
                        max_restarts=max_restarts,
                        max_seconds=max_seconds,
                        restart="temporary",
                        on_report=on_report if on_report is not None else self._on_report,
                        on_gone=inner.gone,
                    )
                    partition = self._partitions[name] = await open_partition(self._root, inner, name, child)
            if not partition.ends:
                return partition
            await partition.wait_over()  # its agents are being stopped; another of that name comes after them

    # ---- looking inside

    def debug(self, level: Level, agent: AgentRef[Any] | str | None = None) -> None:
        """Keep the last events of an agent, or of all and those to come; "off" keeps none, "verbose" their data, too.

        Raises:
            AgentNotFound: No such agent lives.
            InvalidDefinition: There is no such level.
        """
        if agent is None:
            self._debug.set(level)
        else:
            self._debug.watch(self._directory.cell(agent), level)

    def recent(self, limit: int = 50, *, agent: AgentRef[Any] | str | None = None) -> tuple[Event, ...]:
        """Return the last events of the agents that are watched, newest first; those of one agent, or of all.

        At most 50 are kept for each agent as long as it lives, and 500 for the instance.

        Raises:
            AgentNotFound: No such agent lives.
            InvalidDefinition: The limit is no whole number.
        """
        checks.whole("recent", "limit", limit)
        if agent is None:
            return self._debug.ring.recent(limit)
        watch = self._directory.cell(agent).kept(Watch)
        return watch.ring.recent(limit) if watch is not None else ()

    def tree(self) -> SupervisorView:
        """Return the supervision tree, as plain data.

        Raises:
            RuntimeError: The instance runs in another thread, or in another run of Trio.
            SupervisorStopped: The instance wasn't entered.
        """
        if self._root is None:
            raise SupervisorStopped(self.name, entered=False)
        self._instance.check_here_while_up()
        return self._root.tree()


def _check_name(owner: str, name: object) -> None:
    if not isinstance(name, str) or not name:
        raise checks.refused(owner, "name", name, "must be a text that is not empty")


def _check_world(owner: str, world: object) -> None:
    if world is not None and not all(hasattr(world, name) for name in ("ids", "now", "random")):
        raise checks.refused(owner, "world", world, "must be a world, as seeded(7) of jido_trio.world, or None")


def _listed(owner: str, services: object) -> Iterable[object]:
    if isinstance(services, str | Mapping) or not isinstance(services, Iterable):
        raise checks.refused(owner, "services", services, "must be a list of Children and Services")
    return services


def _child(owner: str, service: object, instance: Instance) -> Child:
    if isinstance(service, Child):
        return service
    make: Any = getattr(service, "service", None)
    if not callable(make):
        raise checks.refused(owner, "services", service, "holds what is neither a Child nor has a method `service`")
    return cast("Child", make(instance.part))
