"""What may become of a child, as a table: nothing else happens, and all of it does."""

from collections.abc import Iterator
from typing import Any

import pytest
import trio

from jido_trio.supervision import Backoff, Budget, Child, _pump
from jido_trio.supervision import _events as ev
from jido_trio.supervision._decide import decide
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._rules import MOVES
from jido_trio.supervision._tree import Tree
from properties.moves import Move, check_moves, moves_of
from properties.otp import _reducer
from properties.otp._codec import read_recordings
from properties.otp._planted import BROAD, DEEP, EDGES
from tests.supervision._bench import ready

PARKS = Budget(max_restarts=0, exhausted="park")
PAUSES = Backoff(first=1)


class Still:
    """A passive child that does nothing."""

    def begin(self, life: object) -> None: ...
    def stop(self, life: object) -> None: ...
    def kill(self, life: object) -> None: ...


def child(*, says_when_ready: bool = True, **options: Any) -> Child:
    return Child("a", ready if says_when_ready else trio.sleep_forever, **options)


CRASHES, IS_UP, FAILS = ev.ChildExited("a", 1, "crash"), ev.ChildStarted("a", 1), ev.ChildStartFailed("a", 1)
BACK_UP, FAILS_AGAIN, LATE = ev.ChildStarted("a", 2), ev.ChildStartFailed("a", 2), ev.QueuedExit("a", 0, 1)
HELD, GO_ON = ev.Suspend(), ev.Resume()

BEYOND_OTP: list[tuple[Child, list[ev.Event]]] = [
    (child(budget=PARKS), [IS_UP, CRASHES, ev.RestartChild(1, "a")]),
    (child(budget=PARKS, says_when_ready=False), [CRASHES, ev.RestartChild(1, "a")]),
    (child(budget=PARKS), [IS_UP, CRASHES, ev.TerminateChild(1, "a")]),
    (child(budget=PARKS), [IS_UP, HELD, CRASHES, GO_ON, LATE]),
    (child(budget=PARKS, backoff=PAUSES), [IS_UP, CRASHES]),
    (
        child(budget=Budget(max_restarts=1, exhausted="park"), backoff=PAUSES),
        [IS_UP, CRASHES, ev.Due("a", 0, 1), FAILS_AGAIN],
    ),
    (child(budget=Budget(max_restarts=1, exhausted="park")), [IS_UP, CRASHES, FAILS_AGAIN, ev.TryAgain("a")]),
    (child(backoff=PAUSES), [IS_UP, CRASHES, ev.Due("a", 0, 1), FAILS_AGAIN, ev.TerminateChild(1, "a")]),
    (child(backoff=PAUSES, says_when_ready=False), [CRASHES, ev.Due("a", 0, 1)]),
    (child(backoff=PAUSES), [IS_UP, HELD, CRASHES, GO_ON, LATE]),
    (child(says_when_ready=False), [HELD, CRASHES, GO_ON, LATE, ev.ChildExited("a", 2, "crash")]),
    (child(says_when_ready=False), [HELD, CRASHES, ev.StopTree()]),
    (Child("a", Still()), [IS_UP, CRASHES, FAILS_AGAIN]),
    (Child("a", Still()), [IS_UP, CRASHES, FAILS_AGAIN, ev.TryAgain("a")]),
    (child(), [ev.StopTree()]),
    (
        child(says_when_ready=False),
        [ev.TerminateChild(1, "a"), ev.ChildExited("a", 1, "shutdown"), ev.RestartChild(2, "a")],
    ),
]


def moves_in(first: Child, script: list[ev.Event], *others: Child, **flags: Any) -> Iterator[Move]:
    """Yield the moves of children that are started and then meet those events."""
    tree = Tree(Flags(**flags))
    for event in (ev.Boot((first, *others)), *script):
        before = tree
        tree, _ = decide(before, event, 0.0)
        check_moves(before, tree)
        yield from moves_of(before, tree)


@pytest.fixture(scope="module")
def recorded() -> set[Move]:
    """The moves of all children in the recordings."""
    seen: set[Move] = set()

    def watched(tree: Tree, event: ev.Event, now: float) -> object:
        after, commands = decide(tree, event, now)
        check_moves(tree, after)
        seen.update(moves_of(tree, after))
        return after, commands

    with pytest.MonkeyPatch.context() as patch, _reducer.open_reducer() as run:
        patch.setattr(_pump, "decide", watched)
        for corpus in (BROAD, DEEP, EDGES):
            for recording in read_recordings(corpus):
                run(recording.scenario)
    return seen


@pytest.mark.parametrize(("first", "script"), BEYOND_OTP)
def test_a_decision_changes_nothing_that_it_was_given(first, script):
    tree = Tree(Flags())
    for event in (ev.Boot((first,)), *script):
        given, before = repr((tree, event)), tree
        tree, _ = decide(before, event, 0.0)
        assert repr((before, event)) == given


@pytest.mark.parametrize(("first", "script"), BEYOND_OTP)
def test_no_child_goes_where_the_table_has_no_way(first, script):
    assert list(moves_in(first, script))


def test_every_way_of_the_table_is_gone_by_some_child(recorded):
    sibling = Child("b", trio.sleep_forever)
    of_a_group = moves_in(
        child(says_when_ready=False),
        [ev.ChildExited("b", 1, "crash"), ev.ChildExited("a", 1, "shutdown")],
        sibling,
        strategy="one_for_all",
    )
    gone = recorded.union(of_a_group, *(moves_in(first, script) for first, script in BEYOND_OTP))
    assert sorted(gone) == sorted((state, to) for state, ways in MOVES.items() for to in ways)


def test_the_check_notices_a_way_that_is_not_in_the_table():
    tree, _ = decide(Tree(Flags()), ev.Boot((child(),)), 0.0)
    slot = tree.slots.get("a")
    assert slot is not None
    parked = tree.put(slot.now("restarting"))
    with pytest.raises(AssertionError, match="from restarting to ended"):
        check_moves(parked, tree.put(slot.now("ended")))
