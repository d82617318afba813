"""What agents and instances are at, as plain data: safe to print, to compare, to keep and to send, at any moment.

Nothing of a user's runs to make it but the `repr` of what has no plain form, and what that raises is told in its place.
Secret fields are `***`. `attrs.asdict(view)` is what JSON takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Literal, Protocol, runtime_checkable

from attrs import asdict, field, frozen

from jido_trio.checks import nearest
from jido_trio.core import Signal
from jido_trio.redact import plain, said, shown
from jido_trio.runtime._cell import Cell, Instance, State
from jido_trio.runtime._fates import Ledger
from jido_trio.runtime._mailbox import Mailbox
from jido_trio.runtime._secrets import secret_names, secrets_of
from jido_trio.supervision import ChildView, Supervisor

NEXT = 10
"""So many of the signals that wait are named."""


@runtime_checkable
class Telling(Protocol):
    """What an effect keeps for an agent, if it has something to show."""

    def inspect(self) -> Mapping[str, object]:
        """Return what is to be seen of it, by name."""
        ...


@frozen
class MailboxView:
    """What was sent to an agent and isn't handled yet."""

    waiting: int
    """Messages of whatever kind; also counted by the ledger as waiting."""
    taken: int
    """Those of them that others sent, and that take a place."""
    capacity: int
    """How many places there are."""
    parked: int
    """Senders that wait for a place."""
    next: tuple[str, ...]
    """The types of the first signals that wait; at most 10."""


@frozen
class ActionView:
    """An async action that is under way."""

    action: str
    """Its name."""
    lane: str | None
    seconds: float | None
    """For how long it has run; None while it waits in its lane."""
    progress: str | None
    """How far it says that it is, as text."""


@frozen
class AgentView:
    """An agent as it is now."""

    id: str
    agent: str
    """Its class."""
    at: State
    """What it is at: down, idle, queued, serving, waiting, ending."""
    supervised: str
    """What its supervisor says: running, backing_off, parked, ...; empty where it isn't supervised any more."""
    incarnation: int
    state: Any
    """Its state, as plain data."""
    mailbox: MailboxView
    tasks: int = 0
    """Tasks that its life has: directives that take time, async actions."""
    waits_for: str | None = None
    """The directive that has to end before the next message is taken."""
    closed: str | None = None
    """Why it takes no more messages, if it doesn't."""
    parent: str | None = None
    children: Mapping[str, str] = field(factory=dict)
    """Ids by tag."""
    timers: tuple[float, ...] = ()
    """Seconds until each of its schedules is due, the next one first."""
    actions: tuple[ActionView, ...] = ()
    """The async actions that are under way, or wait in a lane; the first 10."""
    lanes: Mapping[str, int] = field(factory=dict)
    """How many async actions wait in each lane, beside the one that runs there."""
    next_restart: float | None = None
    """Seconds until it is started again, while it backs off."""
    last_crash: str | None = None
    """The last of its ends that was reported, in a line."""
    more: Mapping[str, Any] = field(factory=dict)
    """What other effects keep for it, as plain data."""


@frozen
class JidoView:
    """An instance as it is now."""

    name: str
    phase: Literal["new", "up", "ended"]
    agents: int
    at: Mapping[State, int]
    """How many agents are at what."""
    ready: int
    """Agents that wait for their turn."""
    timers: int
    """Callbacks to come, of schedules and of calls."""
    restarts: int
    """Of agents: those that count now."""
    ledger: Ledger


def view_of_agent(cell: Cell, *, with_state: bool = True) -> AgentView:
    """Return what an agent is at; without its state, there is None."""
    told = _told(cell)
    slot = _supervised(cell)
    timers = told.pop("timers", ())
    return AgentView(
        id=cell.id,
        agent=type(cell.initial).__qualname__,
        at=cell.state,
        supervised=slot.state if slot is not None else "",
        incarnation=cell.incarnation,
        state=plain(cell.agent.state, secret_names(type(cell.initial))) if with_state else None,
        mailbox=view_of_mailbox(cell.mailbox),
        tasks=cell.tasks,
        waits_for=shown(cell.waits_for) if cell.waits_for is not None else None,
        closed=cell.closed or None,
        parent=told.pop("parent", None),
        children=told.pop("children", {}),
        timers=tuple(timers),
        actions=tuple(ActionView(**action) for action in told.pop("actions", ())),
        lanes=told.pop("lanes", {}),
        next_restart=slot.next_restart if slot is not None else None,
        last_crash=slot.last_crash if slot is not None else None,
        more=told,
    )


def _supervised(cell: Cell) -> ChildView | None:
    supervisor = cell.instance.supervisor
    if supervisor is None or cell.instance.cells.get(cell.id) is not cell:
        return None
    return supervisor.child(cell.id).inspect()


def _told(cell: Cell) -> dict[str, Any]:
    told, names = dict[str, Any](), secret_names(type(cell.initial))
    for belonging in cell.belongings:
        if isinstance(belonging, Telling):
            try:
                told |= {said(name): plain(value, names) for name, value in belonging.inspect().items()}
            except Exception as error:  # noqa: BLE001  # to look at an agent must never fail
                told[type(belonging).__qualname__] = (
                    f"<can't be looked at: {shown(error, hide=secrets_of(cell.agent, None))}>"
                )
    return told


def view_of_mailbox(mailbox: Mailbox) -> MailboxView:
    """Return what waits in a mailbox."""
    types = list[str]()
    for message in mailbox:
        if len(types) == NEXT:
            break
        signal = message if isinstance(message, Signal) else getattr(message, "signal", None)
        if isinstance(signal, Signal):
            types.append(said(signal.type))
    return MailboxView(len(mailbox), mailbox.taken, mailbox.capacity, mailbox.parked, tuple(types))


def view_of_instance(instance: Instance) -> JidoView:
    """Return what an instance is at."""
    at = dict[State, int]()
    for cell in instance.cells.values():
        at[cell.state] = at.get(cell.state, 0) + 1
    supervisor = instance.supervisor
    return JidoView(
        name=instance.name,
        phase="ended" if instance.ended else "new" if supervisor is None else "up",
        agents=len(instance.cells),
        at=at,
        ready=len(instance.run_queue),
        timers=len(instance.timers),
        restarts=supervisor.inspect().restarts if supervisor is not None else 0,
        ledger=instance.ledger(),
    )


def shown_outside(instance: Instance, root: Supervisor | None, agent: str | None, limit: int) -> dict[str, Any]:
    """Return what an instance shows of itself to other programs: all, or one agent with its state; what JSON takes."""
    if agent is not None:
        cell = instance.cells.get(agent)
        return {"agent": asdict(view_of_agent(cell))} if cell is not None else {"error": _unknown(instance, agent)}
    services = root.child("services").value if root is not None else None
    cells = islice(instance.cells.values(), limit)
    return {
        "instance": asdict(view_of_instance(instance)),
        "services": asdict(services.tree()) if isinstance(services, Supervisor) else None,
        "agents": [asdict(view_of_agent(cell, with_state=False)) for cell in cells],
    }


def _unknown(instance: Instance, agent: str) -> str:
    near = nearest(agent, list(islice(instance.cells, 1000)))
    return f"no agent has the id {shown(agent)}" + (f"; did you mean {shown(near)}?" if near else "")
