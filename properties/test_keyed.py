"""Keyed agents under uses, crashes, kills, time and a storage that fails, in any order, beside a dict of numbers."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from jido_trio import AgentCrashed, Jido, Signal
from jido_trio.errors import AgentStopped, CallTimeout, JidoError, NoRoomForKey, StorageFailed, ThawFailed
from jido_trio.groups import open_keyed
from jido_trio.groups._places import Places
from jido_trio.runtime import AgentRef
from jido_trio.runtime._archive import Snapshot
from jido_trio.runtime._durable import DurableServer
from jido_trio.storage import MemoryStorage, Op
from jido_trio.testing._machine import TrioStateMachine, step
from tests.runtime.durable import ROUTES, Large, OrderState

KEYS = ("a", "b", "a/b", "\u00e9")
LIMIT = 2
IDLE = 10.0

keys = st.sampled_from(KEYS)


class Fresh(Large, routes=ROUTES):
    """Its state isn't written with each input, so that there is something to lose."""


@define(eq=False, slots=False)
class Faulty(MemoryStorage):
    """Says no as often as it is told to."""

    refuses: int = 0
    seconds: float = 0.0

    async def commit(self, ops: Sequence[Op]) -> None:
        await trio.sleep(self.seconds)
        if self.refuses:
            self.refuses -= 1
            raise StorageFailed("test", "no")
        await super().commit(ops)


LONG = {"notes": ["long" * 2000]}


class KeyedMachine(TrioStateMachine):
    """What was answered stays, there is one agent for a key, and there are no more of them than may be."""

    async def set_up(self) -> None:
        self.storage = Faulty()
        self.totals: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        """Signals that may have been committed, or not."""
        self.attached: dict[str, list[trio.Event]] = {key: [] for key in KEYS}
        await self.open()

    async def open(self) -> None:
        self.left, self.ended = trio.Event(), trio.Event()
        await self.nursery.start(self.run_program)

    async def run_program(self, *, task_status: trio.TaskStatus[None]) -> None:
        jido = Jido("shop", storage=self.storage, on_report=lambda report: None, on_dead_letter=lambda letter: None)
        try:
            async with jido, open_keyed(jido, Fresh, name="orders", idle=IDLE, limit=LIMIT) as keyed:
                self.jido, self.keyed = jido, keyed
                task_status.started()
                await self.left.wait()
        finally:
            self.ended.set()

    async def close(self) -> None:
        for key in KEYS:
            await self.detach(key)
        self.left.set()
        await self.ended.wait()

    async def detach(self, key: str, most: int = 1_000) -> None:
        for let_go in self.attached[key][:most]:
            let_go.set()
        del self.attached[key][:most]
        await trio.testing.wait_all_tasks_blocked()

    async def attach(self, key: str, let_go: trio.Event, *, task_status: trio.TaskStatus[bool]) -> None:
        try:
            async with self.keyed.attach(key, state=LONG, timeout=1):
                task_status.started(True)
                await let_go.wait()
        except (ThawFailed, NoRoomForKey):
            task_status.started(False)

    async def tear_down(self) -> None:
        self.storage.refuses, self.storage.seconds = 0, 0.0
        await self.close()
        await self.open()
        for key in KEYS:
            order = await self.keyed.get(key, state=LONG)
            self.check(key, order)
        await self.close()

    def check(self, key: str, order: AgentRef[Fresh]) -> None:
        total = order.agent.state.total
        least, most = self.totals[key], self.totals[key] + self.unknown[key]
        assert least <= total <= most, f"{key!r} is at {total}, not at {least} to {most}"
        self.totals[key], self.unknown[key] = total, 0

    async def add(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            try:
                await self.keyed.get(key, state=LONG, timeout=1)
                order = await self.keyed.call(key, Signal("add", {"price": 1}), timeout=1)
            except (ThawFailed, NoRoomForKey, AgentStopped, CallTimeout):
                return
            except AgentCrashed:
                self.unknown[key] += 1
                return
            least, most = self.totals[key] + 1, self.totals[key] + self.unknown[key] + 1
            assert least <= order.state.total <= most, f"{key!r} answered {order.state.total}, not {least} to {most}"
            self.totals[key], self.unknown[key] = order.state.total, 0

    # ---- what is done

    @rule(key=keys, times=st.integers(1, 12))
    @step
    async def a_key_is_called(self, key: str, times: int) -> None:
        await self.add(key, times)

    @rule(each=st.lists(keys, min_size=2, max_size=8))
    @step
    async def keys_are_asked_for_at_once(self, each: list[str]) -> None:
        got: list[tuple[str, AgentRef[Fresh]]] = []

        async def ask(key: str) -> None:
            with suppress(ThawFailed, NoRoomForKey):
                got.append((key, await self.keyed.get(key, state=LONG, timeout=3)))

        async with trio.open_nursery() as nursery:
            for key in each:
                nursery.start_soon(ask, key)
        for key, order in got:
            if order.running:
                assert self.jido.whereis(f"orders/{key}") == order

    @rule(key=keys)
    @step
    async def a_key_is_attached(self, key: str) -> None:
        let_go = trio.Event()
        if await self.nursery.start(self.attach, key, let_go):
            self.attached[key].append(let_go)

    @rule(key=keys)
    @step
    async def a_key_is_detached(self, key: str) -> None:
        await self.detach(key, most=1)

    @rule(seconds=st.sampled_from([0.0, 0.05, 5.0, 11.0]))
    @step
    async def time_goes_by(self, seconds: float) -> None:
        await trio.sleep(seconds)

    @rule(times=st.integers(1, 3))
    @step
    async def time_goes_by_while_the_storage_fails(self, times: int) -> None:
        self.storage.refuses = times
        await trio.sleep(1.5 * IDLE)
        self.storage.refuses = 0

    @precondition(lambda self: self.storage.refuses == 0 and self.storage.seconds == 0)
    @rule()
    @step
    async def what_is_not_used_goes(self) -> None:
        await trio.sleep(3 * IDLE)
        used = {key for key in KEYS if self.attached[key]}
        up = {key for key in KEYS if self.keyed.lookup(key) is not None}
        assert up <= used, f"{up - used} are up, and nobody has used them"
        for key in KEYS:
            await self.detach(key)
        await trio.sleep(3 * IDLE)
        assert self.keyed.status().in_memory == 0
        for key in KEYS[:LIMIT]:  # there is room for so many
            self.check(key, await self.keyed.get(key, state=LONG, timeout=0))

    @rule(key=keys, crash=st.booleans())
    @step
    async def one_crashes_or_is_killed(self, key: str, crash: bool) -> None:
        order = self.keyed.lookup(key)
        if order is None or not order.running:
            return
        if crash:
            with pytest.raises((AgentCrashed, AgentStopped)):
                await order.call(Signal("break"))
        else:
            self.jido.kill_agent(order)
            await trio.lowlevel.checkpoint()

    @rule(key=keys, by_id=st.booleans())
    @step
    async def one_is_stopped(self, key: str, by_id: bool) -> None:
        order = self.keyed.lookup(key)
        if order is None or not order.running:
            return
        try:
            await (self.jido.stop_agent(order) if by_id else self.keyed.stop(key))
        except StorageFailed:
            assert order.running
            return
        await self.detach(key)  # what they hold is no agent any more

    @rule(times=st.integers(1, 3))
    @step
    async def the_storage_fails(self, times: int) -> None:
        self.storage.refuses = times

    @rule(seconds=st.sampled_from([0.0, 0.5]))
    @step
    async def the_storage_is_slow(self, seconds: float) -> None:
        self.storage.seconds = seconds

    @rule()
    @step
    async def the_program_is_left_and_started_again(self) -> None:
        await self.close()
        await self.open()

    # ---- what holds

    @invariant()
    def no_more_are_in_memory_than_may_be(self) -> None:
        ids = [ref.id for ref in self.jido.list_agents()]
        assert len(ids) == len(set(ids)) <= LIMIT, ids
        status = self.keyed.status()
        assert status.in_memory <= LIMIT
        assert {f"orders/{key}" for key in status.keys} <= set(ids)

    @invariant()
    def what_is_attached_is_up(self) -> None:
        for key, stacks in self.attached.items():
            assert not stacks or self.keyed.lookup(key) is not None, f"{key!r} is attached, and was put to rest"


CHECKED = settings(max_examples=25, stateful_step_count=25)


def test_keyed_agents_keep_what_they_promise():
    run_state_machine_as_test(KeyedMachine, settings=CHECKED)


# ---- planted faults


def attached_ones_go(patch: pytest.MonkeyPatch) -> None:
    taken = Places.taken

    async def taken_for_a_moment(self: Places[Fresh], key: str, state: object, seconds: float | None) -> object:
        place = await taken(self, key, state, seconds)
        place.attached = 0
        self.rests(place)
        return place

    patch.setattr(Places, "taken", taken_for_a_moment)
    patch.setattr(Places, "let_go", lambda self, place: self.rests(place))


def room_is_never_given_back(patch: pytest.MonkeyPatch) -> None:
    def free(self: Places[Fresh], place: Any) -> None:
        self.by_key.pop(place.key, None)
        self.at_rest.pop(place.key, None)
        place.changed.set()

    patch.setattr(Places, "_free", free)


def there_is_always_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(trio.Semaphore, "acquire_nowait", lambda self: None)


def time_stands_still(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Places, "_idle_at", lambda self: float("inf"))


def the_end_of_one_is_not_noticed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Places, "_ended", lambda self, place, due: None)


def who_is_put_to_rest_forgets(patch: pytest.MonkeyPatch) -> None:
    async def write_another(self: DurableServer) -> None:
        book = self._open_book()
        forgotten = Snapshot(type(self.agent)(self.id, OrderState()), book.number)
        await book.archive.write([book.archive.snapshot(forgotten)])

    patch.setattr(DurableServer, "_write_whole", write_another)


def who_runs_on_after_a_failure_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    went = Places.went

    def forget(self: Places[Fresh], place: Any) -> None:
        self._free(place)
        went(self, place)

    patch.setattr(Places, "went", forget)


def a_failed_start_keeps_its_room(patch: pytest.MonkeyPatch) -> None:
    free = Places._free

    def forget(self: Places[Fresh], place: Any) -> None:
        if place.ref is not None:
            free(self, place)
            return
        self.by_key.pop(place.key, None)
        place.changed.set()

    patch.setattr(Places, "_free", forget)


PLANTED: list[Callable[[pytest.MonkeyPatch], None]] = [
    attached_ones_go,
    room_is_never_given_back,
    there_is_always_room,
    time_stands_still,
    the_end_of_one_is_not_noticed,
    who_is_put_to_rest_forgets,
    who_runs_on_after_a_failure_is_forgotten,
    a_failed_start_keeps_its_room,
]


SLOW = (who_runs_on_after_a_failure_is_forgotten, a_failed_start_keeps_its_room)
"""It takes many programs to come to these."""


@pytest.mark.parametrize(
    "plant",
    [pytest.param(plant, id=plant.__name__, marks=pytest.mark.long if plant in SLOW else []) for plant in PLANTED],
)
def test_a_planted_fault_is_found(plant, monkeypatch):
    plant(monkeypatch)
    found = settings(CHECKED, max_examples=100, phases=[Phase.generate], derandomize=True)
    with pytest.raises((AssertionError, JidoError, ExceptionGroup)):
        run_state_machine_as_test(KeyedMachine, settings=found)
