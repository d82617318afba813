"""Pools: any number of equal children."""

# ruff: noqa: PT012  # the block of a supervisor is what raises

from functools import partial

import pytest
import trio

from jido_trio.errors import ChildRefused, InvalidDefinition, RestartIntensityExceeded
from jido_trio.supervision import (
    Backoff,
    Budget,
    Child,
    Supervisor,
    dynamic_supervisor_child,
    open_dynamic_supervisor,
    open_supervisor,
)
from tests.supervision._diary import Diary, crashing, crashing_once


@pytest.fixture
def diary():
    return Diary()


async def test_a_pool_takes_children_up_to_max_children(diary, autojump_clock):
    async with open_dynamic_supervisor(max_children=2, name="pool") as pool:
        await pool.start_child(diary.child("a"))
        await pool.start_child(diary.child("b"))
        with pytest.raises(ChildRefused) as refused:
            await pool.start_child(diary.child("c"))
        assert (refused.value.reason, refused.value.supervisor) == ("max_children", "pool")
        await pool.terminate_child("a")
        await pool.start_child(diary.child("c"))


@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_a_child_that_ended_for_good_is_forgotten(restart, diary, autojump_clock):
    async with open_dynamic_supervisor() as pool:
        ref = await pool.start_child(diary.child("a", partial(trio.sleep, 1), restart=restart))
        await trio.sleep(2)
        assert await pool.which_children() == ()
        assert (ref.incarnation, ref.value) == (0, None)


async def test_a_terminated_child_is_forgotten_and_its_id_free(diary, autojump_clock):
    async with open_dynamic_supervisor() as pool:
        await pool.start_child(diary.child("a"))
        await pool.terminate_child("a")
        await pool.start_child(diary.child("a"))
        assert diary == ["+a", "-a", "+a"]


async def test_a_child_is_restarted_alone(diary, autojump_clock):
    async with open_dynamic_supervisor() as pool:
        for id, do in [("a", trio.sleep_forever), ("b", crashing_once()), ("c", trio.sleep_forever)]:
            await pool.start_child(diary.child(id, do))
        await trio.sleep(2)
        assert diary == ["+a", "+b", "+c", "-b", "+b"]


async def test_a_pool_gives_up_as_any_supervisor(diary, autojump_clock):
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_dynamic_supervisor(max_restarts=0) as pool:
            await pool.start_child(diary.child("a", crashing(1)))
            await trio.sleep(1_000)
    assert repr(gave_up.value.__cause__) == "ValueError('boom')"


async def test_children_are_stopped_all_together(diary, autojump_clock):
    async def linger():
        await trio.sleep(3)

    async with open_dynamic_supervisor() as pool:
        for id in "abc":
            await pool.start_child(diary.child(id, at_the_end=linger))
    assert trio.current_time() == 3
    assert sorted(diary[3:]) == ["-a", "-b", "-c"]


async def test_each_child_has_its_own_time_to_stop(diary, autojump_clock):
    async def ignores(life):
        life.trap_stop(lambda: None)
        try:
            await trio.sleep_forever()
        finally:
            ended.append(trio.current_time())

    ended: list[float] = []
    async with open_dynamic_supervisor(on_report=lambda report: None) as pool:
        for seconds in (1, 2, 3):
            await pool.start_child(Child(str(seconds), ignores, shutdown=seconds))
        await trio.sleep(10)
    assert ended == [11, 12, 13]


@pytest.mark.parametrize(
    "options",
    [{"budget": Budget(max_restarts=0, exhausted="park")}, {"backoff": Backoff(first=100)}],
    ids=["parked", "pauses"],
)
async def test_a_child_of_a_pool_that_is_parked_or_pauses_can_be_restarted(options, autojump_clock):
    async def fall() -> None:
        await trio.sleep(1)
        raise ValueError("fell")

    async with open_dynamic_supervisor(on_report=lambda _: None) as pool:
        child = await pool.start_child(Child("a", fall, **options))
        await trio.sleep(2)
        down = child.running
        await pool.restart_child("a")

        assert (down, child.running, child.incarnation) == (False, True, 2)


@pytest.mark.parametrize("verb", ["restart_child", "delete_child"])
async def test_children_have_no_spec_of_their_own(verb, diary, autojump_clock):
    async with open_dynamic_supervisor() as pool:
        await pool.start_child(diary.child("a"))
        with pytest.raises(ChildRefused) as refused:
            await getattr(pool, verb)("a")
        assert refused.value.reason == "simple_one_for_one"


async def test_10_000_children_start_and_stop(autojump_clock):
    alive = 0

    async def child():
        nonlocal alive
        alive += 1
        try:
            await trio.sleep_forever()
        finally:
            alive -= 1

    async with open_dynamic_supervisor() as pool:
        for number in range(10_000):
            await pool.start_child(Child(f"c{number}", child))
        await trio.sleep(1)
        assert alive == (await pool.count_children()).active == 10_000
    assert alive == 0


# ---- as a child


async def pool_of(supervisor: Supervisor) -> Supervisor:
    pool = supervisor.child("pool").value
    assert isinstance(pool, Supervisor)
    return pool


async def test_a_pool_may_be_a_child_and_is_the_value_of_its_ref(diary, autojump_clock):
    async with open_supervisor([diary.child("a"), dynamic_supervisor_child("pool")]) as supervisor:
        pool = await pool_of(supervisor)
        await pool.start_child(diary.child("b"))
        views = supervisor.tree().children
        assert views[1].supervisor is not None
        assert [view.id for view in views[1].supervisor.children] == ["b"]
    assert diary == ["+a", "+b", "-b", "-a"]


async def test_a_restarted_pool_is_empty(diary, autojump_clock):
    child = dynamic_supervisor_child("pool", max_restarts=0)
    async with open_supervisor([child], on_report=lambda report: None) as supervisor:
        await (await pool_of(supervisor)).start_child(diary.child("a", crashing(1)))
        await trio.sleep(2)
        assert supervisor.child("pool").incarnation == 2
        assert await (await pool_of(supervisor)).which_children() == ()


@pytest.mark.parametrize(
    ("do", "restart", "told"),
    [
        (partial(trio.sleep, 1), "transient", [("a", "normal")]),
        (crashing(1), "temporary", [("a", "crash")]),
        (crashing_once(), "permanent", []),
    ],
)
async def test_whoever_asked_is_told_of_children_that_are_forgotten(do, restart, told, diary, autojump_clock):
    gone: list[tuple[str, str]] = []
    child = dynamic_supervisor_child("pool", on_gone=lambda *child: gone.append(child), on_report=lambda report: None)
    async with open_supervisor([child]) as supervisor:
        await (await pool_of(supervisor)).start_child(diary.child("a", do, restart=restart))
        await trio.sleep(2)
        assert gone == told


async def test_a_child_that_ended_while_the_pool_was_busy_is_told_of_when_it_is_forgotten(diary, autojump_clock):
    gone: list[tuple[str, str]] = []
    child = dynamic_supervisor_child("pool", on_gone=lambda *child: gone.append(child), on_report=lambda report: None)
    async with open_supervisor([child]) as supervisor:
        pool = await pool_of(supervisor)
        await pool.start_child(diary.child("a", crashing(1), restart="temporary"))
        await pool.start_child(diary.child("slow", ready_after=5))
        assert gone == [("a", "crash")]


async def test_many_children_are_made_of_one_template(autojump_clock):
    seen: list[tuple[object, ...]] = []

    async def serve(*args: object) -> None:
        seen.append(args)
        await trio.sleep_forever()

    template = Child("connection", serve, "tcp", restart="transient", shutdown=1)
    async with open_dynamic_supervisor() as pool:
        for port in (1, 2):
            await pool.start_child(template.instance(f"connection-{port}", port))
        spec = await pool.child_spec("connection-2")

    assert seen == [("tcp", 1), ("tcp", 2)]
    assert (spec.args, spec.restart, spec.shutdown) == (("tcp", 2), "transient", 1)
    assert template.args == ("tcp",)


def test_an_instance_of_a_template_needs_an_id_of_its_own():
    with pytest.raises(InvalidDefinition, match="non-empty string") as refused:
        Child("connection", trio.sleep_forever).instance("")
    assert refused.value.field == "id"
