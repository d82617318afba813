"""Explore: other orders, other crashes, and the smallest script of what goes wrong."""

import pytest
import trio
from attrs import evolve

from jido_trio import Jido
from jido_trio.errors import InvalidDefinition
from jido_trio.runtime import Ledger
from jido_trio.testing import (
    LedgerUnbalanced,
    NothingCanHappen,
    PlannedCrash,
    _explore,
    _simulation,
    crash_point,
    explore,
    simulate,
)


async def together(*tasks):
    async with trio.open_nursery() as nursery:
        for number, task in enumerate(tasks):
            nursery.start_soon(task, name="abcdefgh"[number])


def orders_of(number, orders):
    """A program of so many tasks of one step, which tells the order in which they ran."""

    async def app():
        order: list[str] = []

        async def run():
            order.append(trio.lowlevel.current_task().name)

        await together(*[run] * number)
        orders.append("".join(order))
        return orders[-1]

    return app


def test_all_orders_of_a_small_program_are_run():
    orders: list[str] = []
    exploration = explore(orders_of(4, orders))

    assert exploration.exhaustive
    assert not exploration.found
    assert len(set(orders)) == 24
    assert exploration.told() == f"no failure in {exploration.runs} runs, all there are"
    exploration.hold()


def test_a_search_that_was_long_enough_says_that_there_are_more():
    orders: list[str] = []
    exploration = explore(orders_of(6, orders), runs=30)

    assert len(orders) == exploration.runs == 30
    assert not exploration.exhaustive
    assert exploration.told() == "no failure in 30 runs, not all there are"


def test_of_more_tapes_than_are_remembered_it_is_not_said_that_all_were_tried(monkeypatch):
    monkeypatch.setattr(_explore, "MOST_WAITING", 3)
    exploration = explore(orders_of(4, []))

    assert exploration.runs < 48
    assert not exploration.exhaustive


async def wrong_if_d_is_before_b():
    order: list[str] = []

    async def run():
        await trio.lowlevel.checkpoint()
        order.append(trio.lowlevel.current_task().name)

    await together(*[run] * 5)
    if order.index("d") < order.index("b"):
        raise ValueError("d before b")


def test_a_failure_is_made_small_and_told_in_words_with_the_line_that_does_it_again():
    exploration = explore(wrong_if_d_is_before_b)

    assert exploration.failure is not None
    error, line, again = exploration.told().splitlines()
    assert error == "ValueError: d before b"
    assert line.startswith("at 0 s: d runs before ")
    assert "b" in line.removeprefix("at 0 s: d runs before ")
    assert again == f"again: simulate(app, script={dict(exploration.script)!r}).result()"
    assert len(exploration.script) == 1
    with pytest.raises(ValueError, match="d before b"):
        simulate(wrong_if_d_is_before_b, script=exploration.script).result()


def test_what_was_found_can_be_raised_with_its_script():
    with pytest.raises(ValueError, match="d before b") as caught:
        explore(wrong_if_d_is_before_b).hold()

    [note] = caught.value.__notes__
    assert "runs before" in note
    assert "simulate(app, script=" in note


async def two_bugs():
    order: list[str] = []

    async def run():
        order.append(trio.lowlevel.current_task().name)

    await together(*[run] * 4)
    if order == ["c", "b", "a", "d"]:
        raise KeyError("rare")
    if order[0] == "d" and order[-1] == "a":
        raise ValueError("less rare")


def test_a_failure_is_not_made_into_another_one_while_it_is_made_small():
    found = {type(explore(two_bugs, seed=seed).failure.error) for seed in range(12)}  # type: ignore[union-attr]
    assert found == {KeyError, ValueError}


async def read_and_write():
    done: list[str] = []
    for name in ("read", "write", "write"):
        try:
            crash_point(name)
        except PlannedCrash:
            done.append(f"{name} {len(done)}")
            continue
        done.append(name)
    assert "write 2" not in done


def test_crashes_are_tried_at_each_point_and_told_by_name():
    exploration = explore(read_and_write)

    assert exploration.failure is not None
    assert exploration.script == {2: "crash at write"}
    assert "at 0 s: crash at write" in exploration.told()


def test_without_crashes_none_is_tried():
    exploration = explore(read_and_write, crashes=0)

    assert exploration.exhaustive
    assert exploration.runs == 1


async def needs_two_crashes():
    crashes = 0
    for name in ("one", "two", "three"):
        try:
            crash_point(name)
        except PlannedCrash:
            crashes += 1
    assert crashes < 2


def test_no_more_crashes_are_tried_in_a_run_than_were_asked_for():
    assert explore(needs_two_crashes, crashes=1).exhaustive
    assert len(explore(needs_two_crashes, crashes=2).script) == 2


def test_a_check_looks_at_each_run_and_what_it_raises_is_the_failure():
    def check(simulation):
        assert simulation.value != "cba"

    exploration = explore(orders_of(3, []), check=check)

    assert exploration.failure is not None
    assert exploration.failure.value == "cba"
    assert isinstance(exploration.failure.error, AssertionError)


def test_a_ledger_that_is_not_balanced_is_a_failure(monkeypatch):
    class Lossy(Jido):
        def ledger(self) -> Ledger:
            return evolve(super().ledger(), accepted=1)

    monkeypatch.setattr(_simulation, "Jido", Lossy)

    async def app(jido): ...

    exploration = explore(app)

    assert exploration.failure is not None
    assert isinstance(exploration.failure.error, LedgerUnbalanced)


async def may_wait_for_ever():
    event, told = trio.Event(), list[int]()

    async def tell():
        if told:
            event.set()

    async def listen():
        told.append(1)
        await event.wait()

    await together(listen, tell)


def test_a_deadlock_is_a_failure_like_any_other():
    exploration = explore(may_wait_for_ever)

    assert exploration.failure is not None
    assert isinstance(exploration.failure.error, NothingCanHappen)
    assert exploration.told().splitlines()[0].endswith("no deadline is set: main, a")
    assert "b runs before a" in exploration.told()


def test_a_search_that_does_not_decide_everything_never_says_that_it_tried_all(monkeypatch):
    monkeypatch.setattr(_simulation, "order_is_known", lambda: False)

    exploration = explore(orders_of(2, []), runs=5)

    assert not exploration.exhaustive
    assert exploration.not_fixed == (f"in which order Trio {trio.__version__} runs tasks: its inside isn't known",)


def test_the_line_that_does_it_again_says_all_that_it_depends_on():
    async def app(jido):
        raise ValueError("always")

    told = explore(app, kills=True, seed=3).told()

    assert told.endswith("again: simulate(app, script={}, kills=True, seed=3).result()")


@pytest.mark.parametrize("option", [{"runs": 0}, {"crashes": -1}])
def test_options_that_mean_nothing_are_refused(option):
    with pytest.raises(InvalidDefinition, match=next(iter(option))):
        explore(orders_of(1, []), **option)
