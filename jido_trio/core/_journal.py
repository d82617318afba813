"""A journal: the inputs of an agent, in order. Folded over `receive` they give the agent back. Pure: nothing is fired.

    agent = begin;  for entry in journal: agent, directives = entry.input.apply(agent)

Each entry has a mark of the state that it led to, so a fold that comes to another state notices at which input. That is
replay; with another class, or with inputs changed or left out, it is a what-if; and over the journals on disk, before
a deploy, it is the rehearsal of an upgrade.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

import attrs
from attrs import AttrsInstance, define, frozen

from jido_trio import checks
from jido_trio.core._agent import Agent
from jido_trio.core._directives import Cron
from jido_trio.core._durable import Migration
from jido_trio.core._inside import Inside
from jido_trio.core._instruction import Instruction
from jido_trio.core._migration import check_agent, migrated
from jido_trio.core._router import Unrouted
from jido_trio.core._signal import Signal
from jido_trio.data import fingerprint
from jido_trio.errors import ReplayDiverged
from jido_trio.redact import HIDDEN, secret_fields, shown, shown_error
from jido_trio.world import enter, leave

A = TypeVar("A", bound=Agent[Any])

Directives: TypeAlias = tuple[AttrsInstance, ...]


@frozen
class Heard:
    """A signal was received."""

    signal: Signal

    def apply(self, agent: A) -> tuple[A, Directives]:
        """Return the agent after it, and the directives; a signal that no route matches changes nothing."""
        received = agent.receive(self.signal)
        return (agent, ()) if isinstance(received, Unrouted) else received


@frozen
class Learnt:
    """An async action came to its end: the instruction that tells the agent of it."""

    signal: Signal
    """The signal that led to the action."""
    instruction: Instruction

    def apply(self, agent: A) -> tuple[A, Directives]:
        """Return the agent after it, and the directives."""
        return agent.cmd(self.instruction, signal=self.signal)


@frozen
class Began:
    """A life began, with another state than the one before had left: as the strategy's `init` made it."""

    signal: Signal
    """The `jido.agent.started` of that life."""

    def apply(self, agent: A) -> tuple[A, Directives]:
        """Return the agent that it begins with, and the directives."""
        return self.begin(agent, lambda: self.signal)

    @staticmethod
    def begin(agent: A, started: Callable[[], Signal]) -> tuple[A, Directives]:
        """Do the same with a signal that is made only if the strategy asks for a time, an id or a random number."""
        token = enter((_inside_of_its_beginning, agent, started))
        try:
            return type(agent).strategy.init(agent)
        finally:
            leave(token)


def _inside_of_its_beginning(agent: Agent[Any], started: Callable[[], Signal]) -> Inside:
    return Inside(agent, None, started())


@frozen
class Pending:
    """A signal that is to come later."""

    name: str
    seconds: float
    """From now on."""
    signal: Signal
    cron: Cron | None = None
    """The job that it is of, which comes at the times of its own."""


@frozen
class Rewound:
    """The agent went back to the state that it had after an earlier input, and goes on from there."""

    signal: Signal
    """The `jido.agent.rewound` that tells of it."""
    to: int
    """The number of that input. Those between it and this one are on a branch that was left."""
    state: Any
    strategy_state: Any
    timers: tuple[Pending, ...] = ()
    """What was to come later at that point, and is again."""

    def apply(self, agent: A) -> tuple[A, Directives]:
        """Return the agent as it was; nothing is to be done."""
        cls = type(agent)
        if type(self.state) is not cls.record.cls:
            raise TypeError(
                f"it goes back to a {type(self.state).__qualname__}, and {cls.__qualname__} has another state"
            )
        return cls(agent.id, self.state, self.strategy_state), ()


Input: TypeAlias = Heard | Learnt | Began | Rewound


@frozen
class Entry:
    """One input of a journal."""

    number: int
    """From 1."""
    input: Input
    mark: str
    """Of the state after it; see `mark_of`."""
    vsn: str | None = None
    """The version of the agent's class that received it."""


def mark_of(agent: Agent[Any]) -> str:
    """Return a short text that is the same for equal states, in every process, and differs for others."""
    return fingerprint(agent.state, agent.strategy_state).hex()


class Absent:
    """Stands for what isn't there, a key or an item, in a `Difference`; there is one, `ABSENT`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<absent>"

    def __reduce__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


@frozen
class Difference:
    """One place at which two values differ."""

    path: str
    """As `items[2].price`; empty for the whole."""
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path or 'value'}: {shown(self.before)} -> {shown(self.after)}"


@frozen
class Divergence:
    """The first input at which a fold came to something else than the journal says."""

    number: int
    """Of the input."""
    why: Literal["state", "error", "directives"]
    differences: tuple[Difference, ...] = ()
    error: str | None = None
    """What it raised, in a line."""

    def __str__(self) -> str:
        what = self.error if self.error is not None else "; ".join(map(str, self.differences)) or "the state differs"
        return f"input {self.number}: {what}"


def replay(begin: A, journal: Iterable[Entry], *, upto: int | None = None) -> A:
    """Return the agent after the inputs of `journal`, up to and with number `upto`; no directive is carried out.

    Args:
        begin: The agent before the first of them.
        journal: Entries in order; the first may be any.
        upto: The last number; None for all.

    Raises:
        InvalidDefinition: `begin` is no agent, or `journal` holds what is no entry.
        ReplayDiverged: The state after an input is not that of the journal.
    """
    check_agent("replay", "begin", begin)
    agent = begin
    for entry in _entries("replay", journal):
        if upto is not None and entry.number > upto:
            break
        try:
            after = entry.input.apply(agent)[0]
        except Exception as error:
            raise ReplayDiverged(begin.id, entry.number, shown_error(error)) from error
        if mark_of(after) != entry.mark:
            changed = "; ".join(map(str, diff(agent.state, after.state))) or "nothing"
            raise ReplayDiverged(begin.id, entry.number, f"it came to another state, having changed {changed}")
        agent = after
    return agent


def steps(begin: A, journal: Iterable[Entry]) -> Iterator[tuple[Entry, A, Directives]]:
    """Give each entry with the agent after it and its directives, to step through a journal. Nothing is compared.

    Raises:
        InvalidDefinition: `begin` is no agent, or `journal` holds what is no entry.
    """
    check_agent("steps", "begin", begin)
    agent = begin
    for entry in _entries("steps", journal):
        agent, directives = entry.input.apply(agent)
        yield entry, agent, directives


def _entries(owner: str, journal: object) -> Iterator[Entry]:
    if not isinstance(journal, Iterable):
        raise checks.refused(owner, "journal", journal, f"must be {_ENTRIES}")
    for entry in journal:
        if not isinstance(entry, Entry):
            raise checks.refused(owner, "journal", entry, f"is no entry: the journal must be {_ENTRIES}")
        yield entry


_ENTRIES = "entries in order, as `entries` of what `read_journal` returns"

Change: TypeAlias = Callable[[Entry], Input | None]
"""Gives the input to take in the place of an entry's; None to leave it out."""


@frozen
class WhatIf:
    """How a changed fold went, beside the journal's own."""

    agent: Agent[Any] | None
    """The agent at the end; None if an input raised."""
    inputs: int
    """How many inputs were gone through."""
    first: Divergence | None
    """The first difference; None if there was none."""
    diverged: int = 0
    """After how many inputs the state, or what was to be done, was another."""


class _Fold(Protocol):
    def __call__(self, agent: Any, /) -> tuple[Any, Directives]: ...


def _as_it_is(agent: Agent[Any]) -> Agent[Any]:
    return agent


@define(eq=False)
class Fork:
    """Two folds side by side, taken an input at a time: a journal's own, and a changed one."""

    ours: Agent[Any]
    """The agent by the journal's own fold."""
    theirs: Agent[Any]
    """The agent by the other."""
    seen_as: Callable[[Agent[Any]], object] = attrgetter("state")
    """Makes of our agent what is compared with their state."""
    brought: Callable[[Agent[Any]], Agent[Any]] = _as_it_is
    """Makes one of theirs of our agent, where it was rewound."""
    first: Divergence | None = None
    """The first difference; None as long as there was none."""
    diverged: int = 0
    """After how many inputs the state, or what was to be done, was another."""
    inputs: int = 0
    """How many inputs were gone through."""
    raised: bool = False
    """Whether the changed fold raised at the last input, and so can't go on."""

    def take(self, entry: Entry, instead: Input | None) -> Divergence | None:
        """Go through an entry, and in the other fold through `instead`, or through nothing; return the difference."""
        self.inputs += 1
        self.ours, ours_to_do = _tried(entry.input.apply, self.ours)
        theirs_to_do: Directives | str = ()
        if isinstance(instead, Rewound):  # to where ours was: nobody knows where theirs would have been
            self.theirs, theirs_to_do = _tried(lambda _: (self.brought(self.ours), ()), self.theirs)
        elif instead is not None:
            self.theirs, theirs_to_do = _tried(instead.apply, self.theirs)
        found = self._compared(entry.number, ours_to_do, theirs_to_do)
        if found is not None:
            self.diverged += 1
            self.first = self.first or found
        self.raised = found is not None and isinstance(theirs_to_do, str)  # where both raise the same, both go on
        return found

    def _compared(self, number: int, ours: Directives | str, theirs: Directives | str) -> Divergence | None:
        if isinstance(theirs, str):
            return None if ours == theirs else Divergence(number, "error", error=theirs)
        try:
            seen = self.seen_as(self.ours)
        except Exception as error:  # noqa: BLE001  # a migration, which may raise what it likes
            return Divergence(number, "error", error=shown_error(error))
        states = diff(seen, self.theirs.state)
        if states:
            return Divergence(number, "state", states)
        if isinstance(ours, str):
            return Divergence(number, "error", error=f"raised nothing, and did before: {ours}")
        if ours == theirs:
            return None
        ours_plain, theirs_plain = _without_ids(ours), _without_ids(theirs)
        return None if ours_plain == theirs_plain else Divergence(number, "directives", diff(ours_plain, theirs_plain))


def rehearsal(begin: Agent[Any], cls: type[Agent[Any]], migrate: Migration | None = None) -> Fork:
    """Return a fork whose other fold is by another class, and whose states are compared as those of that class.

    So it differs where the new code does something else, and not where a state only looks different; see `migrated`.

    Raises:
        InvalidDefinition: `begin` is no agent, or `cls` no class of agents.
        MigrationFailed: The first state can't become one of the other class.
    """

    def brought(agent: Agent[Any]) -> Agent[Any]:
        return migrated(agent, cls, migrate)

    return Fork(begin, brought(begin), lambda agent: brought(agent).state, brought)


def what_if(
    begin: Agent[Any],
    journal: Iterable[Entry],
    *,
    instead: type[Agent[Any]] | None = None,
    migrate: Migration | None = None,
    change: Change | Mapping[int, Input | None] | None = None,
) -> WhatIf:
    """Fold the journal twice, as it was and changed, and return the first difference, field by field.

    Args:
        begin: The agent before the first input.
        journal: Entries in order.
        instead: Another class for the changed fold.
        migrate: Makes the fields of its first state of those of the old one; see `migrated`.
        change: Other inputs, by number or by a function; None in the place of an input leaves it out.

    Raises:
        InvalidDefinition: `begin` is no agent, `journal` holds what is no entry, `instead` is no class of agents, or
            `change` gives what is no input.
        MigrationFailed: The first state can't become one of the other class.
    """
    check_agent("what_if", "begin", begin)
    fork = Fork(begin, begin)
    if instead is not None:
        cls = instead
        fork = Fork(begin, migrated(begin, cls, migrate), brought=lambda agent: migrated(agent, cls, migrate))
    for entry in _entries("what_if", journal):
        fork.take(entry, _changed(entry, change))
        if fork.raised:
            return WhatIf(None, fork.inputs, fork.first, fork.diverged)
    return WhatIf(fork.theirs, fork.inputs, fork.first, fork.diverged)


def _changed(entry: Entry, change: Change | Mapping[int, Input | None] | None) -> Input | None:
    if change is None:
        return entry.input
    if isinstance(change, Mapping):
        given: object = change.get(entry.number, entry.input)
    elif callable(change):
        given = change(entry)
    else:
        raise checks.refused("what_if", "change", change, "must be a mapping by the numbers of inputs, or a function")
    if not isinstance(given, Input | None):
        why = f"stands for input {entry.number}, and must be an input, as `entry.input`, or None to leave it out"
        raise checks.refused("what_if", "change", given, why)
    return given


def _tried(apply: _Fold, agent: Any) -> tuple[Any, Directives | str]:
    """Return agent and directives; or the agent as it was, and what was raised."""
    try:
        return apply(agent)
    except Exception as error:  # noqa: BLE001  # that it raises is what is asked
        return agent, shown_error(error)


def _without_ids(directives: Directives) -> tuple[Any, ...]:
    """Leave out ids and times: they are derived from the class, and differ where nothing else does."""
    return tuple(_plain(directive) for directive in directives)


def _plain(value: Any) -> Any:
    if isinstance(value, Signal):
        return ("signal", value.type, _plain(value.data))
    if attrs.has(type(value)):
        names = [field.name for field in attrs.fields(type(value)) if field.name != "id"]
        return (type(value).__qualname__, tuple((name, _plain(getattr(value, name))) for name in names))
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return value


def diff(before: object, after: object) -> tuple[Difference, ...]:
    """Return the places at which two values differ: fields of attrs values, keys of mappings, items of lists."""
    return tuple(_differences(before, after, ""))


def _differences(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if _kind(before) is not _kind(after):
        yield Difference(path, before, after)
    elif attrs.has(type(before)):
        ours, theirs = _fields(before), _fields(after)
        secret = secret_fields(type(before)) | secret_fields(type(after))
        for name in {**ours, **theirs}:
            inner = f"{path}.{name}" if path else name
            if name in secret:
                yield from _hidden(inner, ours.get(name, ABSENT), theirs.get(name, ABSENT))
                continue
            yield from _differences(ours.get(name, ABSENT), theirs.get(name, ABSENT), inner)
    elif isinstance(before, Mapping):
        for key in {**before, **after}:
            yield from _differences(before.get(key, ABSENT), after.get(key, ABSENT), f"{path}[{shown(key)}]")
    elif isinstance(before, list | tuple):
        for index in range(max(len(before), len(after))):
            ours_at = before[index] if index < len(before) else ABSENT
            theirs_at = after[index] if index < len(after) else ABSENT
            yield from _differences(ours_at, theirs_at, f"{path}[{index}]")
    elif not _equal(before, after):
        yield Difference(path, before, after)


def _hidden(path: str, before: Any, after: Any) -> Iterator[Difference]:
    """Tell that a secret differs, and no more."""
    if not _equal(before, after):
        yield Difference(path, HIDDEN, HIDDEN)


def _kind(value: Any) -> type:
    """Return what a value can be compared with place by place."""
    for kind in (Mapping, list):
        if isinstance(value, kind):
            return kind
    return attrs.AttrsInstance if attrs.has(type(value)) else type(value)


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}


def _equal(one: object, other: object) -> bool:
    return one is other or fingerprint(one) == fingerprint(other)  # 1 and True differ, two NaN don't
