"""`tree()`: what a supervisor and those below it are at, at any moment."""

import pytest
import trio

from jido_trio.supervision import (
    Backoff,
    Budget,
    Child,
    Supervisor,
    SupervisorView,
    dynamic_supervisor_child,
    open_dynamic_supervisor,
    open_supervisor,
    supervisor_child,
)
from tests.supervision._diary import Diary, crashing, crashing_once

MANY = 1_000
"""So many restarts that the window doesn't matter."""


def silent(_: object) -> None:
    """A sink for tests whose crashes are no news."""


@pytest.fixture
def diary():
    return Diary()


def states(view: SupervisorView) -> dict[str, str]:
    return {child.id: child.state for child in view.children}


async def test_children_are_listed_in_the_order_of_starting_with_what_they_are(diary, autojump_clock):
    children = [diary.child("a"), supervisor_child("g", [diary.child("x")]), diary.child("t", restart="temporary")]
    async with open_supervisor(children, name="top", strategy="rest_for_one", max_restarts=7, max_seconds=9) as top:
        view = top.tree()
    assert (view.name, view.phase, view.strategy) == ("top", "up", "rest_for_one")
    assert (view.restarts, view.max_restarts, view.max_seconds) == (0, 7, 9)
    assert [(c.id, c.kind, c.restart, c.state, c.incarnation) for c in view.children] == [
        ("a", "worker", "permanent", "running", 1),
        ("g", "supervisor", "permanent", "running", 1),
        ("t", "worker", "temporary", "running", 1),
    ]


async def test_each_state_is_shown_while_it_lasts(autojump_clock):
    async def slow_to_start(task_status: trio.TaskStatus[None]) -> None:
        await trio.sleep(5)
        task_status.started()
        await trio.sleep_forever()

    async def slow_to_stop() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(5)

    children = [
        Child("parks", crashing(1), budget=Budget(max_restarts=0, exhausted="park")),
        Child("waits", crashing(1), backoff=Backoff(first=100)),
        Child("stops", slow_to_stop, shutdown=10),
        Child("ends", crashing(3.5), restart="transient"),
    ]
    async with open_supervisor(children, on_report=silent) as top, trio.open_nursery() as nursery:
        await trio.sleep(2)
        assert states(top.tree()) == {"parks": "parked", "waits": "backing_off", "stops": "running", "ends": "running"}

        nursery.start_soon(top.terminate_child, "stops")
        await trio.sleep(1)
        assert states(top.tree())["stops"] == "stopping"
        await trio.sleep(1)
        assert states(top.tree())["ends"] == "ended"  # its supervisor waits for the other still
        await trio.sleep(5)
        assert (states(top.tree())["stops"], states(top.tree())["ends"]) == ("stopped", "running")

        nursery.start_soon(top.start_child, Child("starts", slow_to_start))
        await trio.sleep(1)
        assert states(top.tree())["starts"] == "starting"


async def test_the_window_empties_as_time_goes_by(autojump_clock):
    seen: list[int] = []
    async with open_supervisor(
        [Child("a", crashing_once(1)), Child("b", crashing_once(2))], max_seconds=5, on_report=silent
    ) as top:
        for _ in range(9):
            await trio.sleep(1.0 if seen else 0.5)
            seen.append(top.tree().restarts)
    assert seen == [0, 1, 2, 2, 2, 2, 1, 0, 0]


async def test_the_next_restart_is_counted_down(autojump_clock):
    children = [Child("a", crashing(1), backoff=Backoff(first=10)), Child("b", trio.sleep_forever)]
    async with open_supervisor(children, on_report=silent) as top:
        left: list[float | None] = []
        for moment in (0.5, 4.5, 8.5, 11.5):
            await trio.sleep_until(moment)
            left.append(top.tree().children[0].next_restart)
        assert left == [None, 6.5, 2.5, None]
        assert top.tree().children[1].next_restart is None


async def test_the_last_crash_is_told_in_a_line_and_stays(autojump_clock):
    async with open_supervisor([Child("a", crashing_once(1))], name="top", on_report=silent) as top:
        assert top.tree().children[0].last_crash is None
        await trio.sleep(100)
        assert top.tree().children[0].last_crash == (
            "child 'a' of supervisor 'top' ended while running: ValueError: boom"
        )


async def test_a_child_added_anew_has_no_crash_of_its_namesakes(autojump_clock):
    async with open_supervisor([Child("a", crashing(1), restart="temporary")], on_report=silent) as top:
        await trio.sleep(2)
        await top.start_child(Child("a", trio.sleep_forever))
        assert top.tree().children[0].last_crash is None


async def test_supervisors_below_show_theirs_as_deep_as_they_go(diary, autojump_clock):
    inner = supervisor_child("inner", [diary.child("leaf", crashing(2))], max_restarts=MANY, on_report=silent)
    outer = supervisor_child("outer", [inner], strategy="one_for_all")
    async with open_supervisor([outer]) as top:
        await trio.sleep(4.5)
        (outer_view,) = top.tree().children
        assert outer_view.supervisor is not None
        assert (outer_view.supervisor.name, outer_view.supervisor.strategy) == ("outer", "one_for_all")
        (inner_view,) = outer_view.supervisor.children
        assert inner_view.supervisor is not None
        assert (inner_view.supervisor.restarts, inner_view.supervisor.children[0].incarnation) == (2, 3)


async def test_a_dynamic_supervisor_is_shown_as_a_pool(diary, autojump_clock):
    async with open_supervisor([dynamic_supervisor_child("pool")]) as top:
        pool = top.child("pool").value
        assert isinstance(pool, Supervisor)
        await pool.start_child(diary.child("a"))
        (view,) = top.tree().children
    assert view.supervisor is not None
    assert (view.supervisor.strategy, states(view.supervisor)) == ("pool", {"a": "running"})


async def test_it_can_be_asked_from_inside_a_sink_a_child_or_after_the_end(diary, autojump_clock):
    seen: list[dict[str, str]] = []

    async def looks() -> None:
        await trio.sleep(1)
        seen.append(states(top.tree()))
        raise ValueError("boom")

    async with open_supervisor(
        [Child("a", looks, restart="temporary")], on_report=lambda _: seen.append(states(top.tree()))
    ) as top:
        await trio.sleep(2)
    seen.append(states(top.tree()))
    assert seen == [{"a": "running"}, {}, {}]
    assert top.tree().phase == "ended"


async def test_while_the_tree_goes_down_it_says_so(diary, autojump_clock):
    seen: list[tuple[str, dict[str, str]]] = []

    async def looks() -> None:
        seen.append((top.tree().phase, states(top.tree())))

    async with open_supervisor([diary.child("a"), diary.child("b", at_the_end=looks)]) as top:
        await trio.sleep(1)
    assert seen == [("ending", {"a": "running", "b": "stopping"})]


async def test_it_is_a_value_that_later_events_leave_alone(diary, autojump_clock):
    async with open_dynamic_supervisor() as top:
        await top.start_child(diary.child("a"))
        before = top.tree()
        assert before == top.tree()
        await top.terminate_child("a")
        assert states(before) == {"a": "running"}
        assert hash(before) != hash(top.tree())
