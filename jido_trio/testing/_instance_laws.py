"""What holds of every instance whenever all tasks wait: its ledgers, and what its agents are at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from jido_trio.runtime import AgentRef, Jido, Ledger, Partition
from jido_trio.runtime.inner import cell_of, view_of_mailbox

Place: TypeAlias = Jido | Partition
"""Where agents live."""


def check_standing(place: Place, ends: Mapping[str, int]) -> None:
    """Do all the checks below, looking at each agent once.

    Raises:
        AssertionError: One of them fails.
    """
    refs = place.list_agents()
    _checked_ledger(place, refs)
    for ref in refs:
        check_calm(ref)
    _check_isolation(refs, ends)


def check_ledger(place: Place) -> Ledger:
    """Return the ledger of an instance or partition, once it agrees with itself and with what waits in mailboxes.

    Raises:
        AssertionError: It doesn't.
    """
    return _checked_ledger(place, place.list_agents())


def _checked_ledger(place: Place, refs: Iterable[AgentRef[Any]]) -> Ledger:
    ledger = place.ledger()
    assert ledger.balanced, f"a message has two fates, or none: {ledger}"
    waiting = sum(len(cell_of(ref).mailbox) for ref in refs)
    assert ledger.waiting == waiting, f"{waiting} messages wait in mailboxes, and the ledger says {ledger}"
    return ledger


def check_calm(ref: AgentRef[Any]) -> None:
    """Fail unless what an agent is at makes sense while all tasks wait.

    Raises:
        AssertionError: It has something to do, and nobody comes; or it keeps waiting whom it needn't.
    """
    cell = cell_of(ref)  # a whole view is made for who reads of a failure: it takes longer than most steps
    id, at, mailbox = cell.id, cell.state, view_of_mailbox(cell.mailbox)
    assert at not in ("queued", "serving"), f"{id} has something to do, and nobody comes: {ref.inspect()}"
    room = min(mailbox.waiting, mailbox.capacity)
    assert 0 <= mailbox.taken <= room, f"{id} took more than it has room for: {ref.inspect()}"
    assert not mailbox.parked or mailbox.taken == mailbox.capacity, f"who waits for {id} has room: {ref.inspect()}"
    assert len(mailbox.next) == min(10, mailbox.waiting), f"{id} doesn't name what waits for it: {ref.inspect()}"
    assert (at == "waiting") == (cell.waits_for is not None), f"{id} waits for nothing: {ref.inspect()}"
    if at == "idle":
        assert (mailbox.waiting, mailbox.parked) == (0, 0), f"{id} has nothing to do, and much: {ref.inspect()}"


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
