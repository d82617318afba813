"""Debugging: what happens to agents is kept in rings, and told, while that is asked for.

An agent that is watched is of another class, which notes what happens and then does what every agent does. So an agent
that isn't watched pays nothing, not so much as a question.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import trio
from attrs import define, field

from jido_trio import checks
from jido_trio.core import Agent, Signal, carried, diff
from jido_trio.observe import LEVELS, Event, Kind, Level, Ring
from jido_trio.redact import concealed, plain, said, shown, shown_error, without
from jido_trio.runtime._cell import Cell, Instance
from jido_trio.runtime._commit import signal_of
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._durable import DurableServer
from jido_trio.runtime._mailbox_rules import RuledMailbox
from jido_trio.runtime._messages import Call, Message, Outcome
from jido_trio.runtime._secrets import secret_names, secrets_of
from jido_trio.runtime._server import Server
from jido_trio.runtime._work import Directives
from jido_trio.supervision import Failure, PassiveLife
from jido_trio.terms import ExitKind

logger = logging.getLogger("jido_trio.runtime")

PER_AGENT = 50
PER_INSTANCE = 500
"""So many events are kept."""


@define(eq=False)
class Watch:
    """What is kept for one agent that is watched."""

    cell: Cell
    level: Level
    everywhere: Debug
    """Of the instance."""
    ring: Ring = field(factory=lambda: Ring(PER_AGENT))

    def note(self, kind: Kind, what: str, detail: Mapping[str, Any] | None = None) -> None:
        """Keep that this happened now."""
        event = _event(self.cell, kind, what, detail)
        self.ring.add(event)
        self.everywhere.ring.add(event)
        self.everywhere.tell(event)

    def inspect(self) -> Mapping[str, object]:
        """Return the last few, newest first."""
        return {"recent": [str(event) for event in self.ring.recent(10)]}

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        self.note("ended", exit)


class Watched(Server):
    """An agent that is watched."""

    __slots__ = ()

    def begin(self, life: PassiveLife) -> None:
        """See `Passive`."""
        super().begin(life)
        self._saw("began", f"life {life.incarnation}")

    def kill(self, life: PassiveLife) -> None:
        """See `Passive`."""
        self._saw("killed", f"life {life.incarnation}")
        super().kill(life)

    def crashing(self, error: BaseException, at: AgentCrash) -> None:
        """See `Cell`."""
        self._saw("crash", shown_error(error, hide=at.hidden))
        super().crashing(error, at)

    def answer(self, signal: Signal, *, waits: bool = True, check: bool = True) -> Any:
        """See `Server`."""
        self._saw_signal("signal", signal)
        return super().answer(signal, waits=waits, check=check)

    def _receive(
        self, signal: Signal, call: Call | None = None, outcome: Outcome | None = None, *, quiet: bool = False
    ) -> None:
        self._saw_signal("signal" if outcome is None else "outcome", signal)
        super()._receive(signal, call, outcome, quiet=quiet)

    def _carry_out(self, signal: Signal, directives: Directives, before: Agent[Any]) -> None:
        self._saw_directives(signal, directives, before)
        super()._carry_out(signal, directives, before)

    def _saw_directives(self, signal: Signal, directives: Directives, before: Agent[Any]) -> None:
        watch, detail = self.kept(Watch), None
        if watch is not None and watch.level == "verbose":
            hide = secrets_of(before, signal, self.agent.state, directives)
            changes = [without(str(change), hide) for change in diff(before.state, self.agent.state)]
            detail = {"changes": changes, "directives": [shown(one, hide=hide) for one in directives]}
        self._saw("directives", ", ".join(type(one).__name__ for one in directives), detail)

    def _saw_signal(self, kind: Kind, signal: Signal) -> None:
        watch = self.kept(Watch)
        if watch is None:
            return
        detail = None
        if watch.level == "verbose":
            names = secret_names(type(self.agent), carried(signal))
            data = plain(concealed(signal.data, names), names)
            detail = {"id": signal.id, "source": said(signal.source), "data": data}
        watch.note(kind, said(signal.type), detail)

    def _saw(self, kind: Kind, what: str, detail: Mapping[str, Any] | None = None) -> None:
        watch = self.kept(Watch)
        if watch is not None:
            watch.note(kind, what, detail)


class WatchedDurable(Watched, DurableServer):
    """A durable agent that is watched."""

    __slots__ = ()

    def _received(self, page: Any, message: Message, taken: Any) -> Any:
        self._saw_signal("outcome" if isinstance(message, Outcome) else "signal", signal_of(message))
        return super()._received(page, message, taken)

    async def _act(self, signal: Signal, steps: Any, before: Agent[Any]) -> None:
        self._saw_directives(signal, tuple(step.directive for step in steps), before)
        await super()._act(signal, steps, before)


WATCHED: dict[type[Cell], type[Cell]] = {Server: Watched, DurableServer: WatchedDurable}
"""The class of an agent while it is watched, by the one that it has while it isn't."""


def unwatched(cell: Cell) -> type[Cell]:
    """Return the class of an agent while it isn't watched."""
    return next((each for each, watched in WATCHED.items() if watched is type(cell)), type(cell))


@define(eq=False)
class Debug:
    """Who is watched in an instance, what was seen, and who is told."""

    _instance: Instance
    _on_event: Callable[[Event], None] | None = None
    level: Level = "off"
    """Of agents that are still to come."""
    ring: Ring = field(factory=lambda: Ring(PER_INSTANCE))
    _partitions: list[Instance] = field(factory=list)

    def set(self, level: Level) -> None:
        """Watch all agents, and those to come; or none."""
        check_level(level)
        self.level = level
        self._partitions = [partition for partition in self._partitions if not partition.ended]
        for instance in (self._instance, *self._partitions):
            self._set(instance)

    def partition(self, instance: Instance) -> None:
        """Watch the agents of a partition, too."""
        self._partitions.append(instance)
        self._set(instance)

    def _set(self, instance: Instance) -> None:
        instance.on_added = self._watch_new if self.level != "off" or self._on_event is not None else None
        for cell in instance.cells.values():
            self.watch(cell, self.level)

    def watch(self, cell: Cell, level: Level) -> None:
        """Watch an agent, or do so no more; what was seen of it is kept by the instance."""
        check_level(level)
        watch = cell.kept(Watch)
        if cell.closed:
            return
        if level == "off":
            cell.__class__ = unwatched(cell)
            cell.let_go(Watch)
            self._tell_of_mailbox(cell, partial(self._filled, cell) if self._on_event is not None else None)
        elif watch is not None:
            watch.level = level
        else:
            watch = Watch(cell, level, self)
            cell.keep(watch)
            self._tell_of_mailbox(cell, partial(watch.note, "mailbox"))
            cell.__class__ = WATCHED[type(cell)]

    def tell(self, event: Event) -> None:
        """Tell who asked for events; one that raises is logged."""
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001  # whoever is told can't change it
            told = Failure.of(error).render()
            logger.error("on_event raised for agent %s\n%s", shown(event.agent_id), told)  # noqa: TRY400  # without secrets

    def _watch_new(self, cell: Cell) -> None:
        self.watch(cell, self.level)

    def _tell_of_mailbox(self, cell: Cell, told: Callable[[str], None] | None) -> None:
        if isinstance(cell.mailbox, RuledMailbox):
            cell.mailbox.on_level = told

    def _filled(self, cell: Cell, what: str) -> None:
        self.tell(_event(cell, "mailbox", what))


def _event(cell: Cell, kind: Kind, what: str, detail: Mapping[str, Any] | None = None) -> Event:
    return Event(trio.current_time(), cell.id, cell.incarnation, kind, what, detail or {})


def check_level(level: object) -> None:
    """Refuse what is no level."""
    checks.one_of("", "debug", level, LEVELS)
