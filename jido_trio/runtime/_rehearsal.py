"""Rehearsal: new code folded over the journals on disk, before anything is swapped. Nothing is changed, or fired.

Where the old class is there as well, each input goes through both. The old state is brought over by the migrations, and
should be the one that the new class comes to by itself. Where the code was changed in place there is no old class; then
the states that the records have are what the fold should come to: a mark with each input of this version, and for older
ones the last snapshot, migrated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from jido_trio import checks
from jido_trio.core import Agent, Divergence, Entry, Fork, Migration, diff, mark_of, rehearsal
from jido_trio.core.inner import check_class
from jido_trio.data import recorded_name
from jido_trio.errors import MigrationFailed, RecordRefused
from jido_trio.redact import said, shown_error
from jido_trio.runtime._archive import archive_of
from jido_trio.runtime._history import JournalInfo, journal_info, journal_names, last_number, open_journal
from jido_trio.storage import Storage


@frozen
class Rehearsed:
    """How one agent would fare."""

    instance: str
    agent_id: str
    vsn: str | None
    """The version that it is of."""
    inputs: int = 0
    """How many of its inputs were gone through."""
    diverged: int = 0
    """After how many of these the new code was at something else."""
    first: Divergence | None = None
    """The first of these, field by field."""
    problem: str | None = None
    """Why it can't become one of the new class, or can't be rehearsed."""

    @property
    def is_well(self) -> bool:
        """Whether it goes over as it is, and would have done the same."""
        return self.first is None and self.problem is None

    def __str__(self) -> str:
        what = self.problem or str(self.first or f"{self.inputs} inputs, no difference")
        return f"{said(self.instance)}  {said(self.agent_id)}  {what}"


@frozen
class Rehearsal:
    """How all of them would fare."""

    agents: tuple[Rehearsed, ...] = field(factory=tuple)

    @property
    def unwell(self) -> tuple[Rehearsed, ...]:
        """Those that differ, or can't go over."""
        return tuple(each for each in self.agents if not each.is_well)

    @property
    def inputs(self) -> int:
        """How many inputs were gone through."""
        return sum(each.inputs for each in self.agents)


async def rehearse(
    storage: Storage,
    old: type[Agent[Any]],
    new: type[Agent[Any]],
    *,
    instance: str | None = None,
    migrate: Migration | None = None,
    on_agent: Callable[[Rehearsed], None] | None = None,
    on_page: Callable[[str, int], None] | None = None,
) -> Rehearsal:
    """Fold `new` over the journals of all durable agents of class `old`, and tell where it differs. Nothing is changed.

    Args:
        storage: Where they are; their program may run.
        old: Their class. Where its code was changed in place, under its name: the same class twice.
        new: The class that they shall have.
        instance: The name of the one whose agents are meant; None for all.
        migrate: See `migrated`; only where there are two classes.
        on_agent: Told of each agent that was gone through.
        on_page: Told now and then of an agent's id, and of the input that was come to.

    Raises:
        InvalidDefinition: The storage is none, or isn't open; one of the classes is none of agents; `on_agent` or
            `on_page` can't be called.
        StorageError: The storage can't be read. What is wrong with the records of one agent is told of as its problem.
    """
    check_class("rehearse", "old", old)
    check_class("rehearse", "new", new)
    checks.called_at_once("rehearse", "on_agent", on_agent, takes="a Rehearsed", or_none="None")
    checks.called_at_once("rehearse", "on_page", on_page, takes="an id and the number of an input", or_none="None")
    found: list[Rehearsed] = []
    for name, agent_id in await journal_names(storage):
        if instance not in (None, name):
            continue
        rehearsed = await _one(storage, name, agent_id, _Change(old, new, migrate, on_page or _nobody))
        if rehearsed is not None:
            found.append(rehearsed)
            if on_agent is not None:
                on_agent(rehearsed)
    return Rehearsal(tuple(found))


def _nobody(_agent_id: str, _number: int) -> None:
    """Tell nobody."""


@frozen
class _Change:
    old: type[Agent[Any]]
    new: type[Agent[Any]]
    migrate: Migration | None
    on_page: Callable[[str, int], None]


async def _one(storage: Storage, instance: str, agent_id: str, change: _Change) -> Rehearsed | None:
    """Return how an agent would fare; None if it is of another class."""
    try:
        info = await journal_info(storage, instance, agent_id)
    except RecordRefused as error:
        return Rehearsed(instance, agent_id, None, problem=str(error))
    if info.class_name != recorded_name(change.old):
        return None
    try:
        return await (_beside if change.old is not change.new else _in_place)(storage, info, change)
    except (RecordRefused, MigrationFailed) as error:
        return Rehearsed(instance, agent_id, info.vsn, problem=str(error))


async def _beside(storage: Storage, info: JournalInfo, change: _Change) -> Rehearsed:
    """Have each input go through both classes."""
    reader = await open_journal(storage, info.instance, info.agent_id)
    fork = rehearsal(reader.begin, change.new, change.migrate)
    problem: str | None = None
    async for page in reader.pages:
        for entry in page:
            fork.take(entry, entry.input)
            if mark_of(fork.ours) != entry.mark:
                problem = (
                    f"input {entry.number}: {change.old.__qualname__} doesn't come to the state that was recorded; "
                    "rehearse with the code that wrote it"
                )
            if fork.raised or problem is not None:
                return _told(info, fork, problem)
        change.on_page(info.agent_id, page[-1].number)
    return _told(info, fork, None)


def _told(info: JournalInfo, fork: Fork, problem: str | None) -> Rehearsed:
    return Rehearsed(
        info.instance,
        info.agent_id,
        info.vsn,
        fork.inputs,
        fork.diverged,
        fork.first if problem is None else None,
        problem,
    )


async def _in_place(storage: Storage, info: JournalInfo, change: _Change) -> Rehearsed:
    """Have each input go through the code that there is now, and compare with what the records say."""
    archive = archive_of(storage, info.instance, info.agent_id)
    now = archive.read_snapshot(await archive.saved(), change.new)
    last = await last_number(archive)
    if info.vsn != change.new.vsn and last > now.number:
        raise RecordRefused(
            archive.past(last),
            f"it is later than the snapshot, of input {now.number}: start the agent with the version before, once",
        )
    reader = await open_journal(storage, info.instance, info.agent_id)
    agent, inputs = reader.begin, 0
    async for page in reader.pages:
        for entry in page:
            inputs += 1
            try:
                after = entry.input.apply(agent)[0]
            except Exception as error:  # noqa: BLE001  # that it raises is what is asked
                first: Divergence | None = Divergence(entry.number, "error", error=shown_error(error))
            else:
                first = _compared(entry, agent, after, now.agent if entry.number == now.number else None)
                agent = after
            if first is not None:
                return Rehearsed(info.instance, info.agent_id, info.vsn, inputs, 1, first)
        change.on_page(info.agent_id, page[-1].number)
    return Rehearsed(info.instance, info.agent_id, info.vsn, inputs)


def _compared(entry: Entry, before: Agent[Any], after: Agent[Any], recorded: Agent[Any] | None) -> Divergence | None:
    """Compare the agent after an input with its mark, if that is of this version, or with the snapshot."""
    if entry.vsn == type(after).vsn:
        if mark_of(after) == entry.mark:
            return None
        changed = "; ".join(map(str, diff(before.state, after.state))) or "nothing"
        why = f"it comes to another state than was recorded, having changed {changed}"
        return Divergence(entry.number, "state", error=why)
    differences = diff(recorded.state, after.state) if recorded is not None else ()
    return Divergence(entry.number, "state", differences) if differences else None
