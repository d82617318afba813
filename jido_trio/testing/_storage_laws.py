"""The laws of `Storage`, for any implementation: a machine that drives it beside a dict, and what no machine meets."""

from __future__ import annotations

import string
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import trio
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from jido_trio.errors import Conflict
from jido_trio.redact import shown
from jido_trio.storage import Check, Delete, DeleteRange, Put, Record, Storage
from jido_trio.testing._storage_machine import StorageMachine

Open: TypeAlias = Callable[[str], AbstractAsyncContextManager[Storage]]
"""Opens the storage of that name; one name is one storage, and it is empty the first time."""

STEPS = 15
"""Of a program."""


def check_storage(open_storage: Open, *, examples: int = 100, shrink: bool = True) -> None:
    """Hold a storage to its promises; see `jido_trio.storage.Storage`. Most of it is done by a `StorageMachine`.

        check_storage(lambda name: open_sqlite(folder / f"{name}.db"))

    Args:
        open_storage: Opens the storage of a name, empty the first time, as it was left from then on.
        examples: How many programs.
        shrink: Whether a program that shows a fault is made as short as can be, which takes some seconds.

    Raises:
        AssertionError: A promise is broken; Hypothesis shows the shortest program that it found.
    """
    _check_machine(open_storage, examples, shrink=shrink)
    for law in (
        _counts_each_change_once,
        _two_openings_are_one_storage,
        _cancelled_is_whole_or_not,
        _keeps_odd_values,
        _begins_anew,
        _refuses_whole,
        _reads_ranges,
    ):
        trio.run(law, open_storage, f"law-{law.__name__.strip('_')}")


def _check_machine(open_storage: Open, examples: int, *, shrink: bool) -> None:
    class Machine(StorageMachine):
        def open(self, name: str) -> AbstractAsyncContextManager[Storage]:
            return open_storage(name)

    chosen = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]  # its members, says its metaclass
        report_multiple_bugs=False,
        phases=[phase for phase in Phase if shrink or phase is not Phase.shrink],
    )
    run_state_machine_as_test(Machine, settings=chosen)


async def _counts_each_change_once(open_storage: Open, name: str) -> None:
    stuck: list[Storage] = []

    async def count_up(storage: Storage) -> None:
        for _ in range(10):
            for _ in range(1000):
                record = await storage.get("counter")
                revision, number = (record.revision, int(record.value)) if record is not None else (0, 0)
                try:
                    await storage.commit([Put("counter", b"%d" % (number + 1), expected=revision)])
                    break
                except Conflict:
                    continue
            else:
                stuck.append(storage)
                return

    async with open_storage(name) as storage:
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(count_up, storage)
        record = await storage.get("counter")
    assert not stuck, "a thousand times the record had not the revision that was read just before"
    assert record == Record("counter", 50, b"50"), f"five writers counted to 50, and {record} is there"


async def _begins_anew(open_storage: Open, name: str) -> None:
    async with open_storage(name) as storage:
        for _ in range(3):
            await storage.commit([Put("a", b"1")])
        await storage.commit([Delete("a", expected=3)])
        await storage.commit([Put("a", b"2", expected=0)])
        found = await storage.get("a")
        assert found == Record("a", 1, b"2"), f"a record that was deleted and put again is {found}"


async def _refuses_whole(open_storage: Open, name: str) -> None:
    refused = Check("a", 7)
    async with open_storage(name) as storage:
        await storage.commit([Put("a", b"1"), Put("b", b"2")])
        before = list(await storage.scan("a", "z"))
        for change in ((Put("a", b"3"), Put("a", b"4")), (Put("c", b"5"),), (Delete("b"),), (DeleteRange("a", "c"),)):
            try:
                await storage.commit([*change, refused])
            except Conflict:
                pass
            else:
                raise AssertionError(f"commit took {shown(change)} with {refused}, and should have refused it")
            after = list(await storage.scan("a", "z"))
            assert after == before, f"{shown(change)} was refused, and there is {shown(after)}, not {shown(before)}"


async def _reads_ranges(open_storage: Open, name: str) -> None:
    async with open_storage(name) as storage:
        await storage.commit([Put(key, key.encode()) for key in "badec"])
        for limit in range(5):
            found = [record.key for record in await storage.scan("b", "e", limit)]
            assert found == list("bcd")[:limit], f"a scan from b up to e, at most {limit}, gave {found}"
        await storage.commit([DeleteRange("b", "d")])
        left = [record.key for record in await storage.scan("a", "z")]
        assert left == list("ade"), f"from a to e, without those from b up to d, there are {left}"


async def _two_openings_are_one_storage(open_storage: Open, name: str) -> None:
    async with open_storage(name) as one, open_storage(name) as other:
        await one.commit([Put("owner", b"one", expected=0)])
        found = await other.get("owner")
        assert found == Record("owner", 1, b"one"), f"a second opening sees {found}"
        await other.commit([Put("owner", b"other", expected=1)])
        try:
            await one.commit([Check("owner", 1), Put("work", b"of one that lost its place")])
        except Conflict:
            pass
        else:
            raise AssertionError("one that lost its place could write")
        assert await one.get("work") is None


async def _cancelled_is_whole_or_not(open_storage: Open, name: str) -> None:
    async with open_storage(name) as storage:
        for attempt in range(100):
            turns = attempt % 20
            pair = [Put(f"left/{attempt}", b"x"), Put(f"right/{attempt}", b"x")]
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(storage.commit, pair)
                    for _ in range(turns):
                        await trio.lowlevel.checkpoint()
                    scope.cancel("to see what is left of a commit that is cancelled")
            found = [(await storage.get(put.key)) is not None for put in pair]
            assert found in ([True, True], [False, False]), f"half of a cancelled commit is there: {found}"


async def _keeps_odd_values(open_storage: Open, name: str) -> None:
    values = [b"", b"\0", bytes(range(256)), b"x" * 1_000_000]
    keys = [*string.punctuation, "%_", "a'b\"c", "\n", "k" * 1000]
    async with open_storage(name) as storage:
        await storage.commit([Put(f"value/{number}", value) for number, value in enumerate(values)])
        await storage.commit([Put(key, key.encode()) for key in keys])
    async with open_storage(name) as storage:
        for number, value in enumerate(values):
            found = await storage.get(f"value/{number}")
            assert found == Record(f"value/{number}", 1, value), f"{len(value)} bytes came back as another record"
        for key in keys:
            assert await storage.get(key) == Record(key, 1, key.encode()), f"the key {key[:20]!r} is another one"
