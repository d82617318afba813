"""Plan: what follows from the directives of a durable agent, before anything of it is done.

Signals for durable agents, signals for later and what takes those back are part of the commit. The rest is carried out
after it; what reaches out of the runtime has a note there, which is taken out when it is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import AttrsInstance, field, frozen

from jido_trio.core import (
    AdoptChild,
    CancelRun,
    CancelSchedule,
    Cron,
    CronCancel,
    Emit,
    Error,
    Schedule,
    Signal,
    Spawn,
    SpawnAgent,
    Stop,
    StopChild,
    ToAgent,
    ToParent,
)
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.runtime._archive import Archive, Due, Effect, archive_of, schedule_name
from jido_trio.runtime._book import Draft, job_name
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._family import parent_of
from jido_trio.runtime._inbox import Inbox
from jido_trio.runtime._messages import Kept

WITHIN = frozenset({CancelRun, Emit, Error, Spawn, SpawnAgent, AdoptChild, StopChild, Stop})
"""Directives that stay within the runtime, and end with the process anyway: they have no notes."""


@frozen
class Do:
    """A directive to carry out, and its note; an empty one for those that have none."""

    directive: Any
    record: str = ""


@frozen
class Plan:
    """What the commit does, and what is done after it."""

    sent: list[tuple[str, Kept]] = field(factory=list)
    """Signals that it puts into inboxes, each with the id of the agent."""
    steps: list[Do] = field(factory=list)


async def planned(cell: Cell, page: Draft, signal: Signal, directives: Sequence[AttrsInstance]) -> Plan:
    """Write what follows from directives of an agent into the draft, and return what is left to do.

    Raises:
        InvalidDefinition: A signal is emitted to what is no target.
        Unstorable: One can't be kept.
        StorageError: It can't be read whether an agent that doesn't run is durable.
    """
    plan, now = Plan(), cell.instance.world.now().timestamp()
    stops = False
    for index, directive in enumerate(directives):
        if stops:
            plan.steps.append(Do(directive))  # to be told of, as it is not carried out
            continue
        match directive:
            case Emit():
                named = directive.dispatch if directive.dispatch is not None else cell.default_dispatch
                for target in _targets(named):
                    await _emitted(cell, page, plan, directive, target)
            case Schedule():
                name = f"{page.number}.{index}" if directive.key is None else schedule_name(directive.key)
                page.timer(name, Due(now + directive.delay, directive.message, directive.missed))
            case CancelSchedule():
                page.cancel(schedule_name(directive.key))
            case Cron():
                page.job(directive)
            case CronCancel():
                page.cancel(job_name(directive.key))
            case _ if type(directive) in WITHIN or getattr(type(directive), "ends_with_process", False):
                plan.steps.append(Do(directive))
            case _:
                plan.steps.append(Do(directive, page.effect(index, Effect(signal, directive))))
        stops = isinstance(directive, Stop)
    return plan


async def _emitted(cell: Cell, page: Draft, plan: Plan, directive: Emit, target: object) -> None:
    """Put a signal into the inbox of a durable agent; to others it is sent after the commit."""
    receiver: Cell | None
    match target:
        case None:
            id, receiver = cell.id, cell
        case ToAgent(id):
            receiver = cell.instance.cells.get(id)
        case ToParent():
            receiver = parent_of(cell)
            if receiver is None:
                return
            id = receiver.id
        case _:
            raise InvalidDefinition(f"agent {shown(cell.id)} emits to {shown(target)}", field="dispatch")
    inbox = receiver.kept(Inbox) if receiver is not None else None
    if inbox is not None:
        archive = inbox.archive
        record = archive.next_inbox()
    elif receiver is None and (epoch := await (archive := _archive_of(cell, id)).owned()):
        record = archive.inbox_from(epoch, f"{cell.id} {page.number:016d} {len(plan.sent):04d}")
        page.while_owned_by(archive, epoch)
    else:
        single = directive
        if directive.dispatch is not target:
            single = Emit(directive.signal, dispatch=target, when_full=directive.when_full)
        plan.steps.append(Do(single))
        return
    page.send(archive, record, directive.signal)
    plan.sent.append((id, Kept(directive.signal, record)))


def _archive_of(cell: Cell, id: str) -> Archive:
    assert cell.instance.storage is not None  # noqa: S101  # it has durable agents
    return archive_of(cell.instance.storage, cell.instance.name, id)


def _targets(dispatch: object) -> Iterator[object]:
    if isinstance(dispatch, list | tuple):
        for one in dispatch:
            yield from _targets(one)
    else:
        yield dispatch
