"""What holds of every instance whenever all tasks wait: its ledgers, and what its agents are at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from jido_trio.runtime import AgentRef, AgentView, Jido, Ledger, Partition

Place: TypeAlias = Jido | Partition
"""Where agents live."""


def check_standing(place: Place, ends: Mapping[str, int]) -> None:
    """Do all the checks below, looking at each agent once.

    Raises:
        AssertionError: One of them fails.
    """
    refs = place.list_agents()
    views = [ref.inspect() for ref in refs]
    _checked_ledger(place, views)
    for view in views:
        _check_calm(view)
    _check_isolation(refs, ends)


def check_ledger(place: Place) -> Ledger:
    """Return the ledger of an instance or partition, once it agrees with itself and with what waits in mailboxes.

    Raises:
        AssertionError: It doesn't.
    """
    return _checked_ledger(place, [ref.inspect() for ref in place.list_agents()])


def _checked_ledger(place: Place, views: Sequence[AgentView]) -> Ledger:
    ledger = place.ledger()
    assert ledger.balanced, f"a message has two fates, or none: {ledger}"
    waiting = sum(view.mailbox.waiting for view in views)
    assert ledger.waiting == waiting, f"{waiting} messages wait in mailboxes, and the ledger says {ledger}"
    return ledger


def check_calm(ref: AgentRef[Any]) -> None:
    """Fail unless what an agent is at makes sense while all tasks wait.

    Raises:
        AssertionError: It has something to do, and nobody comes; or it keeps waiting whom it needn't.
    """
    _check_calm(ref.inspect())


def _check_calm(view: AgentView) -> None:
    id, mailbox = view.id, view.mailbox
    assert view.at not in ("queued", "serving"), f"{id} has something to do, and nobody comes: {view}"
    assert 0 <= mailbox.taken <= min(mailbox.waiting, mailbox.capacity), f"{id} took more than it has room for: {view}"
    assert not mailbox.parked or mailbox.taken == mailbox.capacity, f"who waits for {id} has room: {view}"
    assert len(mailbox.next) == min(10, mailbox.waiting), f"{id} doesn't name what waits for it: {view}"
    assert (view.at == "waiting") == (view.waits_for is not None), f"{id} waits for nothing: {view}"
    if view.at == "idle":
        assert (mailbox.waiting, mailbox.parked) == (0, 0), f"{id} has nothing to do, and much: {view}"


def check_isolation(place: Place, ends: Mapping[str, int]) -> None:
    """Fail unless each agent is in the life that its own ends account for: a crash is nobody else's.

    Args:
        place: Where the agents live.
        ends: How many ends were reported of lives of each agent, by its id.

    Raises:
        AssertionError: An agent lost a life that no report is of.
    """
    _check_isolation(place.list_agents(), ends)


def _check_isolation(refs: Iterable[AgentRef[Any]], ends: Mapping[str, int]) -> None:
    for ref in refs:
        lives = 1 + ends.get(ref.id, 0)
        assert ref.incarnation <= lives, (
            f"{ref.id} is in life {ref.incarnation}, and {lives - 1} of its lives were reported to have ended: "
            "it went down with another"
        )
