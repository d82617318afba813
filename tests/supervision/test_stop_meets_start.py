"""A supervisor that is asked to stop while a child starts: the order of stops holds, and its end is a plain one."""

from collections.abc import Awaitable, Callable

import pytest
import trio

from jido_trio.errors import SupervisorStopped
from jido_trio.supervision import Child, CrashReport, Life, Report, Supervisor, open_supervisor

Starts = Callable[[Life], Awaitable[None]]


async def becomes_ready(life: Life) -> None:
    life.started()
    await trio.sleep_forever()


async def fails(life: Life) -> None:
    raise ValueError("no")


async def has_nothing_to_run(life: Life) -> None:
    life.ignore()


async def never_becomes_ready(life: Life) -> None:
    await trio.sleep_forever()


def first(diary: list[str], second_life: Starts) -> Child:
    """A child whose first life crashes after a second, and whose second takes a second to begin with `second_life`."""

    async def live(task_status: Life) -> None:
        if task_status.incarnation == 1:
            task_status.started()
            await trio.sleep(1)
            raise ValueError("boom")
        try:
            await trio.sleep(1)
            await second_life(task_status)
        finally:
            diary.append("-first")

    return Child("first", live)


def slow(id: str, diary: list[str], at_the_end: Callable[[], Awaitable[object]] | None = None) -> Child:
    """A child that takes two seconds to stop."""

    async def live(life: Life) -> None:
        asked = trio.Event()
        life.trap_stop(asked.set)
        await asked.wait()
        if at_the_end is not None:
            await at_the_end()
        await trio.sleep(2)
        diary.append(f"-{id}")

    return Child(id, live, shutdown=100)


@pytest.mark.parametrize(
    ("second_life", "told", "order"),
    [
        (becomes_ready, ["running"], ["-late", "-middle", "-first"]),
        (fails, ["running", "starting"], ["-first", "-late", "-middle"]),
        (has_nothing_to_run, ["running"], ["-first", "-late", "-middle"]),
        (never_becomes_ready, ["running"], ["-late", "-middle", "-first"]),
    ],
)
@pytest.mark.parametrize("strategy", ["one_for_one", "rest_for_one"])
async def test_children_stop_in_reverse_whatever_becomes_of_a_restart_meanwhile(
    second_life, told, order, strategy, autojump_clock
):
    diary: list[str] = []
    reports: list[str] = []

    def note(report: Report) -> None:
        assert isinstance(report, CrashReport)
        reports.append(report.during)

    children = [first(diary, second_life), slow("middle", diary), slow("late", diary)]
    if strategy == "rest_for_one":
        children = children[:1]  # the group waits for its first
    async with open_supervisor(children, strategy=strategy, on_report=note) as supervisor:
        await trio.sleep(1.5)
        assert supervisor.tree().children[0].state == "starting"
        supervisor.stop()
    assert diary == [line for line in order if line[1:] in [child.id for child in children]]
    assert reports == (told if strategy == "one_for_one" else ["running"])


async def test_nothing_runs_once_the_block_is_left_though_a_start_became_ready_while_it_stopped(autojump_clock):
    diary: list[str] = []
    async with open_supervisor([first(diary, becomes_ready), slow("late", diary)], on_report=lambda _: None) as top:
        await trio.sleep(1.5)
    assert diary == ["-late", "-first"]
    assert [child.state for child in top.tree().children] == ["stopped", "stopped"]
    assert trio.current_time() == 3.5


CALLS: list[Callable[[Supervisor], Awaitable[object]]] = [
    lambda supervisor: supervisor.start_child(Child("flush", trio.sleep, 0)),
    lambda supervisor: supervisor.terminate_child("other"),
    lambda supervisor: supervisor.restart_child("other"),
    lambda supervisor: supervisor.delete_child("other"),
    lambda supervisor: supervisor.which_children(),
    lambda supervisor: supervisor.count_children(),
    lambda supervisor: supervisor.child_spec("other"),
    lambda supervisor: supervisor.suspend(),
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_child_that_asks_its_stopping_supervisor_for_something_is_told_at_once(call, autojump_clock):
    told: list[float] = []

    async def ask() -> None:
        with pytest.raises(SupervisorStopped):
            await call(supervisor)
        told.append(trio.current_time())

    async with open_supervisor([Child("other", trio.sleep_forever), slow("careful", [], ask)]) as supervisor:
        await trio.sleep(1)
    assert told == [1]


@pytest.mark.parametrize("call", CALLS)
async def test_a_call_that_waits_is_answered_when_its_supervisor_begins_to_stop(call, autojump_clock):
    told: list[float] = []

    async def ask(call: Callable[[Supervisor], Awaitable[object]]) -> None:
        with pytest.raises(SupervisorStopped):
            await call(supervisor)
        told.append(trio.current_time())

    async def starts(task_status: Life) -> None:
        await trio.sleep_forever()

    children = [Child("other", trio.sleep_forever), slow("late", [])]
    async with trio.open_nursery() as nursery, open_supervisor(children) as supervisor:
        nursery.start_soon(ask, lambda top: top.start_child(Child("starts", starts)))
        await trio.sleep(1)
        nursery.start_soon(ask, call)
        await trio.sleep(1)
    assert told == [2, 2]
