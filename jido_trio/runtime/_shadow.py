"""Shadow runs: some messages are received twice, and what comes out is compared.

`receive` is a function: given the same agent and signal it gives the same again. Code that isn't pure breaks that, and
with it replay, rehearsals and recovery; so where it matters, one message in a hundred is tried. What the second run
gives goes nowhere.

An agent that is tried is of another class, as one that is watched is. So an instance without shadow runs pays nothing,
not so much as a question.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from jido_trio import checks
from jido_trio.core import Agent, Signal, diff
from jido_trio.doors import watched
from jido_trio.redact import said, shown, shown_error, type_name
from jido_trio.runtime._cell import Cell, Instance
from jido_trio.runtime._debug import WATCHED, Watched, WatchedDurable
from jido_trio.runtime._durable import DurableServer, server_for
from jido_trio.runtime._mailbox_rules import MailboxRules
from jido_trio.runtime._messages import Outcome
from jido_trio.runtime._secrets import secrets_of
from jido_trio.runtime._server import Server, received_by
from jido_trio.supervision import Failure
from jido_trio.world import seeded

logger = logging.getLogger("jido_trio.runtime")

USUAL = 0.01
"""Which part of the messages is tried, where only that some are was said."""
KEPT = "what its code keeps from call to call: a global, a class attribute, a cache, a value that was changed in place"
ORDER = "the order in which a set is gone through, or something else without an order of its own"
MOST_KINDS = 1000
"""So many kinds of differences are told apart."""
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_PLACE = re.compile(r"\[\d+\]$")


@frozen
class ShadowDifference:
    """The same agent and the same signal gave something else the second time: its code isn't pure."""

    agent_id: str
    agent_class: str
    signal_type: str
    field: str
    """Where: "state.count", "directives[0].signal.data", or "raises"."""
    first: str
    """What there was, in one line, without secrets."""
    again: str
    sources: tuple[str, ...]
    """Where it likely comes from: what the code does beside computing, with the line; or what else it can be."""
    fields: int = 1
    """How many places differ, this one among them."""

    def __str__(self) -> str:
        more = f" (and {self.fields - 1} more)" if self.fields > 1 else ""
        return (
            f"agent {shown(self.agent_id)} of class {said(self.agent_class)} isn't pure: given signal "
            f"{shown(self.signal_type)} twice, {said(self.field)} was {said(self.first)} and then "
            f"{said(self.again)}{more}; likely {'; '.join(map(said, self.sources))}"
        )


def log_shadow_difference(difference: ShadowDifference) -> None:
    """Write it to the log `jido_trio.runtime`; the default of `on_shadow`."""
    logger.warning("%s", difference)


@define(eq=False)
class Shadows:
    """Makes the servers of agents that are tried, and tries them."""

    _share: float
    _on_difference: Callable[[ShadowDifference], None]
    left: int = field(init=False)
    """So many messages until the next that is tried."""
    _random: Any = field(init=False)
    _sources: dict[tuple[str, str, str], tuple[str, ...]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._random = seeded("shadows").random
        self.left = self._gap()

    def _gap(self) -> int:
        """Draw when it is time again: on average after as many messages as the share says, and never in a beat."""
        return int(self._random.randint(1, max(1, round(2 / self._share) - 1)))

    def __call__(self, agent: Agent[Any], instance: Instance, mailbox_size: int, rules: MailboxRules | None) -> Server:
        """Return the server of an agent."""
        server = server_for(agent, instance, mailbox_size, rules)
        server.__class__ = SHADOWED[type(server)]
        return server

    def compare(self, cell: Cell, before: Agent[Any], signal: Signal, outcome: Outcome | None, first: Any) -> None:
        """Receive the message again, and tell of a difference."""
        self.left = self._gap()
        if first.__class__ is not tuple:  # no route matched
            return
        again = _again(cell, before, signal, outcome)
        if again == first:
            return
        hide = secrets_of(before, signal, *(each[0].state for each in (first, again) if isinstance(each, tuple)))
        found = list(_differences(first, again, hide))
        if not found:
            return
        place, ours, theirs = found[0]
        name = type_name(type(before))
        kind = name, signal.type, place
        if kind not in self._sources:
            if len(self._sources) >= MOST_KINDS:
                self._sources.pop(next(iter(self._sources)))
            self._sources[kind] = _likely(found, lambda: _again(cell, before, signal, outcome))
        self._tell(
            ShadowDifference(cell.id, name, signal.type, place, ours, theirs, self._sources[kind], len(found)), hide
        )

    def _tell(self, difference: ShadowDifference, hide: frozenset[str]) -> None:
        try:
            self._on_difference(difference)
        except Exception as error:  # noqa: BLE001  # whoever is told can't change it
            told = Failure.of(error, hide=hide).render()
            logger.error("on_shadow raised for agent %s\n%s", shown(difference.agent_id), told)  # noqa: TRY400  # without secrets


def _again(cell: Cell, before: Agent[Any], signal: Signal, outcome: Outcome | None) -> Any:
    """Return what comes out this time, or the error; in a context of its own, as the first time."""
    try:
        return cell.instance.context.copy().run(received_by, before, signal, outcome)
    except Exception as error:  # noqa: BLE001  # that it raises is a difference
        return error


def _differences(first: Any, again: Any, hide: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    """Generate the places, with what was there the first time and again."""
    if isinstance(again, Exception):
        yield "raises", "nothing", shown_error(again, hide=hide)
        return
    if not isinstance(again, tuple):
        yield "routes", "a match", shown(again, hide=hide)
        return
    for prefix, ours, theirs in (("", first[0], again[0]), ("directives", first[1], again[1])):
        for each in diff(ours, theirs):
            texts = shown(each.before, hide=hide), shown(each.after, hide=hide)
            if not _only_another_object(each.before, each.after):
                yield f"{prefix}{each.path}", *texts


def _only_another_object(one: object, other: object) -> bool:
    """Tell whether two objects differ in nothing but their address, as far as anybody can see."""
    return type(one) is type(other) and _ADDRESS.sub("", repr(one)) == _ADDRESS.sub("", repr(other)) != repr(one)


def _likely(found: Sequence[tuple[str, str, str]], again: Callable[[], object]) -> tuple[str, ...]:
    """Return where a difference likely comes from: a third run is looked at."""
    with watched() as seen:
        again()
    if seen:
        return tuple(seen)
    return (ORDER if _is_another_order(found) else KEPT,)


def _is_another_order(found: Sequence[tuple[str, str, str]]) -> bool:
    """Tell whether there is all that there was, in other places of a list."""
    ours, theirs = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for place, first, again in found:
        if _PLACE.search(place) is None:
            return False
        ours[_PLACE.sub("", place), first] += 1
        theirs[_PLACE.sub("", place), again] += 1
    return ours == theirs


def shadows_of(
    owner: str, shadow: object, on_shadow: Callable[[ShadowDifference], None]
) -> Callable[[Agent[Any], Instance, int, MailboxRules | None], Server]:
    """Return what makes the servers of an instance.

    Raises:
        InvalidDefinition: The share isn't from 0 to 1.
    """
    share = USUAL if shadow is True else shadow
    if share is False:
        return server_for
    checks.share(owner, "shadow", share)
    assert isinstance(share, int | float)  # noqa: S101  # it was checked
    return Shadows(share, on_shadow) if share else server_for


class ShadowedServer(Server):
    """An agent some of whose messages are received twice."""

    __slots__ = ()

    def received(self, before: Agent[Any], signal: Signal, outcome: Outcome | None) -> Any:
        """See `received_by`."""
        first = received_by(before, signal, outcome)
        shadows: Any = self.instance.new_cell  # which made this one
        shadows.left -= 1
        if not shadows.left:
            shadows.compare(self, before, signal, outcome, first)
        return first


class ShadowedDurable(ShadowedServer, DurableServer):
    """A durable one."""

    __slots__ = ()


class ShadowedWatched(ShadowedServer, Watched):
    """One that is watched, too."""

    __slots__ = ()


class ShadowedWatchedDurable(ShadowedDurable, WatchedDurable):
    """A durable one that is watched, too."""

    __slots__ = ()


SHADOWED: Mapping[type[Server], type[Server]] = {Server: ShadowedServer, DurableServer: ShadowedDurable}
"""The class of an agent while it is tried."""

WATCHED |= {ShadowedServer: ShadowedWatched, ShadowedDurable: ShadowedWatchedDurable}
