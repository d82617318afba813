"""Partitions: which key leads where, and what the crash of one is to the others."""

import subprocess
import sys

import pytest
import trio

from jido_trio.errors import InvalidDefinition, RestartIntensityExceeded, StartFailed
from jido_trio.supervision import (
    Child,
    PartitionSupervisor,
    Supervisor,
    TaskSupervisor,
    dynamic_supervisor_child,
    open_partition_supervisor,
    open_supervisor,
    partition_index,
    partition_supervisor_child,
    task_supervisor_child,
)


async def serve(index, task_status):
    task_status.started(f"value of {index}")
    await trio.sleep_forever()


def server(index):
    return Child(str(index), serve, index)


def quiet(report):
    """Keep what is expected out of the log."""


# ---- keys


@pytest.mark.parametrize(("key", "index"), [(0, 0), (3, 3), (4, 0), (11, 3), (-1, 3), (True, 1), (10**30 + 2, 2)])
def test_an_integer_leads_to_itself_modulo_the_number_of_partitions(key, index):
    assert partition_index(key, 4) == index


KEYS = ["alice", "", "żółw", "\ud800", b"alice", ("eu", 7), (), (("a",), b"b"), ("1", 1)]
PLACES = [182, 374, 258, 156, 467, 520, 726, 158, 465]


@pytest.mark.parametrize(("key", "place"), list(zip(KEYS, PLACES, strict=True)))
def test_any_other_key_leads_to_the_same_place_for_ever(key, place):
    assert partition_index(key, 1000) == place


def test_the_place_of_a_key_does_not_depend_on_the_seed_of_hash():
    program = f"from jido_trio.supervision import partition_index as at; print([at(key, 1000) for key in {KEYS!r}])"
    for seed in ("1", "2"):
        done = subprocess.run([sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True)
        assert done.stdout.decode().strip() == str(PLACES), done.stderr


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", b"a"),
        (("a", "b"), ("ab",)),
        (("a", ("b",)), (("a", "b"),)),
        (("1",), (1,)),
        ((), "t"),
        (("a", "b"), ("b", "a")),
    ],
)
def test_keys_that_look_alike_are_not_the_same(one, other):
    assert partition_index(one, 10**9) != partition_index(other, 10**9)


def test_keys_are_spread_evenly():
    places = [partition_index(f"user-{number}", 4) for number in range(4000)]
    assert all(900 < places.count(index) < 1100 for index in range(4))


@pytest.mark.parametrize("key", [1.5, None, object(), ["a"], ("a", None)])
async def test_a_key_without_bytes_of_its_own_is_refused_with_the_remedy(key, autojump_clock):
    async with open_partition_supervisor(server, 2) as partitions:
        with pytest.raises(InvalidDefinition, match="str\\(key\\)"):
            partitions.partition_for(key)


# ---- partitions


async def test_there_are_so_many_partitions_with_their_numbers_as_ids(autojump_clock):
    async with open_partition_supervisor(server, 3) as partitions:
        assert partitions.count == 3
        assert [ref.id for ref in partitions.partitions] == ["0", "1", "2"]
        assert [child.id for child in partitions.tree().children] == ["0", "1", "2"]
        assert all(ref.running for ref in partitions.partitions)


async def test_there_are_eight_partitions_unless_it_is_said(autojump_clock):
    async with open_partition_supervisor(server) as partitions:
        assert partitions.count == 8


async def test_a_key_leads_to_its_partition(autojump_clock):
    async with open_partition_supervisor(server, 4) as partitions:
        assert partitions.partition_for(6).id == "2"
        assert partitions.partition_for(6).value == "value of 2"
        assert partitions.partition_for("alice").id == str(partition_index("alice", 4))


async def test_the_restart_of_one_partition_leaves_the_others(autojump_clock):
    async def crash_once(index, life):
        if index == 1 and life.incarnation == 1:
            await trio.sleep(1)
            raise ValueError("boom")
        await trio.sleep_forever()

    async with open_partition_supervisor(
        lambda index: Child(str(index), crash_once, index), 3, on_report=quiet
    ) as partitions:
        ref = partitions.partition_for(1)
        await trio.sleep(2)
        assert [each.incarnation for each in partitions.partitions] == [1, 2, 1]
        assert ref.incarnation == 2


async def test_restarts_are_counted_over_all_partitions(autojump_clock):
    async def crash(index):
        await trio.sleep(index + 1)
        raise ValueError("boom")

    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_partition_supervisor(
            lambda index: Child(str(index), crash, index), 3, max_restarts=1, name="shards", on_report=quiet
        ):
            await trio.sleep_forever()
    assert gave_up.value.supervisor == "shards"
    assert trio.current_time() == 2


async def test_a_partition_that_cannot_start_is_named(autojump_clock):
    async def start(index, task_status):
        if index == 2:
            raise ValueError("no disk")
        task_status.started()
        await trio.sleep_forever()

    with pytest.raises(StartFailed) as failed:
        async with open_partition_supervisor(
            lambda index: Child(str(index), start, index), 3, name="shards", on_report=quiet
        ):
            pass
    assert (failed.value.supervisor, failed.value.child) == ("shards", "2")


async def test_stop_ends_the_partitions_and_the_block(autojump_clock):
    async with open_partition_supervisor(server, 2, name="shards") as partitions:
        partitions.stop()
        await partitions.wait()
        assert not any(ref.running for ref in partitions.partitions)
        await trio.sleep(1)
    assert (partitions.name, trio.current_time()) == ("shards", 0)


@pytest.mark.parametrize("partitions", [0, -1, 1.5, True, "4"])
def test_a_number_of_partitions_that_is_none_is_refused(partitions):
    with pytest.raises(InvalidDefinition) as refused:
        open_partition_supervisor(server, partitions)
    assert refused.value.field == "partitions"


def test_a_child_with_another_id_is_refused_with_the_remedy():
    with pytest.raises(InvalidDefinition, match="must have the id '0', not 'shard'"):
        open_partition_supervisor(lambda index: Child("shard", serve, index))


def test_what_is_no_child_is_refused():
    with pytest.raises(InvalidDefinition, match="wrap it"):
        open_partition_supervisor(lambda index: serve)  # type: ignore[arg-type, return-value]  # that is the point


# ---- partitions that are supervisors


async def test_children_are_spread_over_pools(autojump_clock):
    users = [f"user-{number}" for number in range(20)]
    async with open_partition_supervisor(lambda index: dynamic_supervisor_child(str(index)), 4) as partitions:
        for user in users:
            pool = partitions.partition_for(user).value
            assert isinstance(pool, Supervisor)
            await pool.start_child(Child(user, trio.sleep_forever))
        views = [child.supervisor for child in partitions.tree().children]
        spread = {view.name: {child.id for child in view.children} for view in views if view is not None}
    expected: dict[str, set[str]] = {str(index): set() for index in range(4)}
    for user in users:
        expected[str(partition_index(user, 4))].add(user)
    assert spread == expected


async def test_a_pool_that_gives_up_takes_its_own_children_only(autojump_clock):
    async def crash():
        await trio.sleep(1)
        raise ValueError("boom")

    pools = lambda index: dynamic_supervisor_child(str(index), max_restarts=0, on_report=quiet)  # noqa: E731
    async with open_partition_supervisor(pools, 2, on_report=quiet) as partitions:
        for key, fn in [(0, trio.sleep_forever), (1, crash), (1, trio.sleep_forever)]:
            pool = partitions.partition_for(key).value
            assert isinstance(pool, Supervisor)
            await pool.start_child(Child(fn.__name__, fn))
        await trio.sleep(2)
        first, second = (child.supervisor for child in partitions.tree().children)
        assert [ref.incarnation for ref in partitions.partitions] == [1, 2]
        assert first is not None
        assert second is not None
        assert (len(first.children), len(second.children)) == (1, 0)


async def test_tasks_are_spread_over_task_supervisors(autojump_clock):
    async def where():
        await trio.sleep(1)
        return str(partition_index("alice", 3))

    async with open_partition_supervisor(lambda index: task_supervisor_child(str(index)), 3) as partitions:
        tasks = partitions.partition_for("alice").value
        assert isinstance(tasks, TaskSupervisor)
        assert await tasks.run(where) == tasks.name


# ---- in a tree


async def test_a_tree_offers_its_partition_supervisor_as_the_value_of_the_child(autojump_clock):
    async with open_supervisor([partition_supervisor_child("shards", server, 2)]) as supervisor:
        partitions = supervisor.child("shards").value
        assert isinstance(partitions, PartitionSupervisor)
        assert partitions.name == "shards"
        ref = partitions.partition_for(3)
        assert (ref.value, ref.running) == ("value of 1", True)
    assert not ref.running


async def test_a_partition_supervisor_that_gives_up_is_restarted_by_its_own_supervisor(autojump_clock):
    async def crash(index):
        await trio.sleep(1)
        raise ValueError("boom")

    shards = partition_supervisor_child(
        "shards", lambda index: Child(str(index), crash, index), 1, max_restarts=0, on_report=quiet
    )
    async with open_supervisor([shards], on_report=quiet) as supervisor:
        await trio.sleep(1.5)
        assert supervisor.child("shards").incarnation == 2
