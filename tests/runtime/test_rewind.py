"""`jido.rewind`: a durable agent goes on from an earlier point of its journal."""

import json

import pytest
import trio
import trio.testing

from jido_trio import Action, Agent, Context, Jido, Result, Signal
from jido_trio.cli import main
from jido_trio.core import CancelSchedule, Durable, Fsm, Instruction, Learnt, RunInstruction, Transition, snapshot_of
from jido_trio.errors import (
    AgentNotFound,
    InvalidDefinition,
    StorageFailed,
    StorageUnknown,
)
from jido_trio.runtime import AgentRef, compact_journal, open_journal, read_entries, read_journal, rehearse
from jido_trio.runtime._durable import DurableServer
from jido_trio.storage import MemoryStorage, open_sqlite
from jido_trio.supervision import Budget
from tests.runtime.durable import CHARGED, HOOKS, ROUTES, Order, OrderState, Plain
from tests.runtime.upgrades import Cents, Rounded


@pytest.fixture(autouse=True)
def _nothing_charged():
    CHARGED.clear()
    HOOKS.clear()
    yield
    HOOKS.clear()


def add(price: int) -> Signal:
    return Signal("add", {"price": price})


def note(text: str) -> Signal:
    return Signal("note", {"text": text})


def later(seconds: float, text: str, key: str | None = None) -> Signal:
    return Signal("later", {"seconds": seconds, "text": text, "key": key})


def jido(storage: MemoryStorage) -> Jido:
    return Jido("shop", storage=storage, on_report=lambda _: None)


class Work(Action):
    async def run(self, context: Context[OrderState]) -> Result:
        await trio.sleep(2)
        return {"total": context.state.total + 1}


class Rest(Action):
    def run(self, context: Context[OrderState]) -> Result:
        return {"notes": (*context.state.notes, "rested")}


class Busy(Agent[OrderState], strategy=Fsm(["at"], [Transition("at", Work), Transition("at", Rest)]), durable=True): ...


async def test_it_goes_on_from_an_earlier_point_and_the_branch_that_was_left_stays_in_the_journal(autojump_clock):
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1", state={"total": 100})
        for price in (1, 2, 3):
            await order.call(add(price))
        assert (await shop.rewind(order, to=1)).state == OrderState(101)
        assert order.agent.state == OrderState(101)
        assert (await order.call(add(50))).state == OrderState(151)
        ledger = shop.ledger()
        assert (ledger.accepted, ledger.handled) == (5, 5)
    journal = await read_journal(storage, "shop", "o-1")
    assert [journal.at(number).state.total for number in range(6)] == [100, 101, 103, 106, 101, 151]
    types = [
        entry["input"]["signal"]["type"] async for page in await read_entries(storage, "shop", "o-1") for entry in page
    ]
    assert types == ["add", "add", "add", "jido.agent.rewound", "add"]
    async with jido(storage) as shop:
        assert (await shop.start_agent(Order, id="o-1")).agent.state == OrderState(151)


async def test_it_can_go_back_to_the_beginning_and_to_a_branch_that_was_left(autojump_clock):
    async with jido(MemoryStorage()) as shop:
        order = await shop.start_agent(Order, id="o-1", state={"total": 100})
        await order.call(add(1))
        assert (await shop.rewind("o-1", to=0)).state == OrderState(100)
        await order.call(add(7))
        assert (await shop.rewind("o-1", to=1)).state == OrderState(101)
        assert (await shop.rewind("o-1", to=3)).state == OrderState(107)
        assert order.agent.state == OrderState(107)


async def test_nothing_is_carried_out_again(autojump_clock):
    async with jido(MemoryStorage()) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(Signal("pay", {"amounts": [1, 2]}))
        await order.call(add(1))
        await shop.rewind(order, to=1)
        await trio.sleep(10)
        assert [amount for amount, _ in CHARGED] == [1, 2]
        assert order.agent.state == OrderState(3)


async def test_signals_for_later_are_those_of_the_point(autojump_clock):
    async with jido(MemoryStorage()) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(later(100, "kept"))
        await order.call(later(100, "cancelled after it", key="c"))
        await order.call(add(1))
        await order.call(Signal("cancel", {"key": "c"}))
        await order.call(later(100, "scheduled after it"))
        await shop.rewind(order, to=3)
        await trio.sleep(200)
        assert sorted(order.agent.state.notes) == ["cancelled after it", "kept"]


async def test_what_has_come_already_after_the_point_comes_again_and_what_came_before_it_does_not(autojump_clock):
    async with jido(MemoryStorage()) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(later(10, "before"))
        await order.call(later(50, "after"))
        await trio.sleep(20)
        await order.call(add(1))
        await trio.sleep(100)
        assert order.agent.state == OrderState(1, ("before", "after"))
        assert (await shop.rewind(order, to=4)).state == OrderState(1, ("before",))
        await trio.sleep(100)
        assert order.agent.state == OrderState(1, ("before", "after"))
        await shop.rewind(order, to=2)
        await trio.sleep(100)
        assert order.agent.state == OrderState(0, ("before", "after"))


def at(seconds: int, signal: Signal) -> Signal:
    return Signal(signal.type, signal.data, time=f"2026-01-01T00:{seconds // 60:02}:{seconds % 60:02}Z")


async def test_they_are_as_far_from_due_as_they_were_at_the_point(autojump_clock):
    async with jido(MemoryStorage()) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(at(0, later(100, "late")))
        await order.call(at(60, add(1)))
        await shop.rewind(order, to=2)
        await trio.sleep(39)
        assert not order.agent.state.notes
        await trio.sleep(2)
        assert list(order.agent.state.notes) == ["late"]


async def test_after_another_start_the_signals_for_later_are_those_of_the_point_too(autojump_clock):
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(later(1000, "kept"))
        await order.call(later(1000, "left"))
        await shop.rewind(order, to=1)
        await shop.rewind(order, to=3)
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await trio.sleep(2000)
        assert order.agent.state.notes == ("kept",)


async def test_signals_for_later_from_before_the_journal_are_left_as_they_are(autojump_clock):
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(later(100, "old"))
        await order.call(later(100, "old, with a key", key="k"))
    await compact_journal(storage, "shop", "o-1", keep=0)
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(add(1))
        await order.call(later(100, "new"))
        await shop.rewind(order, to=3)
        await trio.sleep(200)
        assert sorted(order.agent.state.notes) == ["old", "old, with a key"]


async def test_what_an_action_comes_to_that_was_begun_after_the_point_is_not_told(autojump_clock):
    gate = trio.Event()

    async def hold(_):
        await gate.wait()

    HOOKS.append(hold)
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(add(1))
        await order.call(Signal("fetch"))
        await shop.rewind(order, to=1)
        gate.set()
        await trio.sleep(10)
        assert order.agent.state == OrderState(1)
        ledger = shop.ledger()
        assert (ledger.accepted, ledger.waiting) == (ledger.handled + ledger.dropped, 0)
        assert not [key for key in storage._records if "/effect/" in key]


async def test_what_an_action_comes_to_that_was_begun_before_the_point_is_told(autojump_clock):
    gate = trio.Event()

    async def hold(_):
        await gate.wait()

    HOOKS.append(hold)
    async with jido(MemoryStorage()) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(Signal("fetch"))
        await order.call(add(1))
        await shop.rewind(order, to=1)
        gate.set()
        await trio.sleep(10)
        assert order.agent.state == OrderState(0, ("fetched",))


async def test_it_waits_for_what_the_agent_is_at_and_messages_wait_for_it(autojump_clock):
    async def hold(_):
        await trio.sleep(5)

    HOOKS.append(hold)
    async with jido(MemoryStorage()) as shop, trio.open_nursery() as nursery:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(add(1))
        await order.cast(Signal("pay", {"amounts": [10]}))
        await trio.testing.wait_all_tasks_blocked()
        await order.cast(add(100))

        async def go_back() -> None:
            await shop.rewind(order, to=1)
            assert len(CHARGED) == 1

        nursery.start_soon(go_back)
        await trio.sleep(20)
        assert order.agent.state == OrderState(101)


async def test_a_crash_after_it_begins_again_from_there(autojump_clock):
    async with jido(MemoryStorage()) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(add(1))
        await order.call(add(2))
        await shop.rewind(order, to=1)
        await order.cast(Signal("break"))
        await trio.sleep(1)
        assert (order.inspect().incarnation, order.agent.state) == (2, OrderState(1))


async def test_where_it_cannot_go_is_said(autojump_clock):
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await shop.start_agent(Plain, id="p-1")
        for price in (1, 2, 3):
            await order.call(add(price))
        with pytest.raises(InvalidDefinition, match="goes from 0 to 3"):
            await shop.rewind(order, to=4)
        with pytest.raises(InvalidDefinition, match="whole number"):
            await shop.rewind(order, to=-1)
        with pytest.raises(InvalidDefinition, match="isn't durable"):
            await shop.rewind("p-1", to=0)
        with pytest.raises(AgentNotFound):
            await shop.rewind("nobody", to=0)
        await shop.stop_agent("o-1")
        await compact_journal(storage, "shop", "o-1", keep=1)
        await shop.start_agent(Order, id="o-1")
        with pytest.raises(InvalidDefinition, match="goes from 2 to 3"):
            await shop.rewind("o-1", to=1)
        await shop.upgrade(Order, Cents)
        with pytest.raises(InvalidDefinition, match="goes from 3 to 3"):
            await shop.rewind("o-1", to=2)


async def test_a_parked_agent_stays_where_it_is(autojump_clock):
    async with jido(MemoryStorage()) as shop:
        budget = Budget(max_restarts=0, max_seconds=5, exhausted="park")
        order = await shop.start_agent(Order, id="o-1", budget=budget)
        await order.call(add(1))
        await order.cast(Signal("break"))
        await trio.sleep(1)
        with pytest.raises(InvalidDefinition, match="it is parked; resume it, or stop it"):
            await shop.rewind(order, to=0)
        await shop.resume_agent(order)
        assert (await order.call(add(1))).state == OrderState(2)


class Failing(MemoryStorage):
    error: Exception | None = None
    done = False

    async def commit(self, ops) -> None:
        error = self.error
        if error is not None and any(b"jido.agent.rewound" in getattr(op, "value", b"") for op in ops):
            self.error = None
            if self.done:
                await super().commit(ops)
            raise error
        await super().commit(ops)


async def test_a_disk_that_says_no_leaves_it_where_it_is(autojump_clock):
    storage = Failing()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(add(1))
        storage.error = StorageFailed("shop.db", "the disk is full")
        with pytest.raises(StorageFailed):
            await shop.rewind(order, to=0)
        assert (await order.call(add(2))).state == OrderState(3)


@pytest.mark.parametrize("done", [True, False])
async def test_where_nobody_knows_the_end_of_the_commit_it_is_there_in_its_next_life(autojump_clock, done):
    storage = Failing()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(add(1))
        await order.call(add(2))
        storage.done, storage.error = done, StorageUnknown("shop.db", "it broke off")
        await shop.rewind(order, to=1)
        assert (await order.call(add(4))).state == OrderState(5)
    journal = await read_journal(storage, "shop", "o-1")
    assert journal.at().state == OrderState(5)


async def test_its_journal_is_rehearsed_as_any_other(autojump_clock):
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        for price in (1, 2, 3):
            await order.call(add(price))
        await shop.rewind(order, to=1)
        await order.call(add(1))
    (well,) = (await rehearse(storage, Order, Cents)).agents
    assert (well.is_well, well.inputs) == (True, 5)
    (differs,) = (await rehearse(storage, Order, Rounded)).agents
    assert differs.first is not None
    assert (differs.first.number, differs.diverged) == (2, 2)


def test_it_is_shown_and_folded_on_the_command_line(tmp_path, capsys):
    path = str(tmp_path / "shop.db")

    async def write() -> None:
        async with Jido("shop", storage=open_sqlite(path)) as shop:
            order = await shop.start_agent(Order, id="o-1")
            await order.call(add(1))
            await order.call(add(2))
            await shop.rewind(order, to=1)

    trio.run(write)
    assert main(["journal", "show", path, "o-1", "--from", "3"]) == 0
    assert capsys.readouterr().out == '3  jido.agent.rewound  {"to": 1}\n'
    assert main(["journal", "replay", path, "o-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 1
    assert main(["journal", "whatif", path, "o-1", "--with", "tests.cli.orders:Taxed"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["1 of 3 inputs differ; at the end:", "  the same state"]


async def test_two_at_once_are_done_one_after_the_other(autojump_clock):
    storage = MemoryStorage()
    async with jido(storage) as shop, trio.open_nursery() as nursery:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(add(1))

        async def go_back() -> None:
            await shop.rewind(order, to=0)

        nursery.start_soon(go_back)
        nursery.start_soon(go_back)
        await trio.sleep(5)
        assert order.agent.state == OrderState()
        assert isinstance(order._cell, DurableServer)
        reader = await open_journal(storage, "shop", "o-1")
        assert [entry.number async for page in reader.pages for entry in page] == [1, 2, 3]


FETCHED: list[float] = []


async def takes_two_seconds(_: object) -> None:
    FETCHED.append(trio.current_time())
    await trio.sleep(2)


def notes_of(order: AgentRef[Order]) -> list[str]:
    return list(order.agent.state.notes)


async def test_what_was_under_way_at_the_point_and_has_ended_since_is_told_again_and_not_done_again(autojump_clock):
    FETCHED.clear()
    HOOKS.append(takes_two_seconds)
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(Signal("collect"))
        await order.call(note("meanwhile"))
        await trio.sleep(5)
        assert notes_of(order) == ["meanwhile", "collected"]
        assert (await shop.rewind(order, to=1)).state.notes == ()
        await trio.sleep(5)
        assert notes_of(order) == ["collected"]
        assert (await shop.rewind(order, to=4)).state.notes == ()  # where the first rewind had led to
        await trio.sleep(5)
        assert notes_of(order) == ["collected"]
        await shop.rewind(order, to=0)  # it wasn't begun there
        await trio.sleep(5)
        assert notes_of(order) == []
        assert len(FETCHED) == 1
        assert shop.ledger().balanced
    async with jido(storage) as shop:
        assert (await shop.start_agent(Order, id="o-1")).agent.state.notes == ()


@pytest.mark.parametrize("times", [1, 3])
async def test_what_was_under_way_at_the_point_and_was_cut_off_by_going_back_is_told_to_be(autojump_clock, times):
    FETCHED.clear()
    HOOKS.append(takes_two_seconds)
    async with jido(MemoryStorage()) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(Signal("collect"))
        await order.call(note("meanwhile"))
        for _ in range(times):
            await shop.rewind(order, to=0)
            await shop.rewind(order, to=1)
        await trio.sleep(5)
        assert notes_of(order) == ["collected"]  # that it is interrupted
        await shop.rewind(order, to=4)  # the first time that it was told of nothing any more
        await trio.sleep(5)
        assert notes_of(order) == ["collected"]
        assert len(FETCHED) == 1
        assert shop.ledger().balanced


class Slow(MemoryStorage):
    """One in which it takes a while until it is known that a journal goes no further."""

    is_slow = False

    async def scan(self, start, end, limit=1000):
        found = await super().scan(start, end, limit)
        if self.is_slow and "/past/" in start and not found:
            self.is_slow = False
            await trio.sleep(3)
        return found


async def test_what_comes_while_the_journal_is_read_is_told_again_too(autojump_clock):
    FETCHED.clear()
    HOOKS.append(takes_two_seconds)
    storage = Slow()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(Signal("collect"))
        storage.is_slow = True
        assert (await shop.rewind(order, to=1)).state.notes == ()
        await trio.sleep(5)
        assert notes_of(order) == ["collected"]
        assert len(FETCHED) == 1
        journal = await read_journal(storage, "shop", "o-1")
        told = [entry.input.instruction for entry in journal.entries if isinstance(entry.input, Learnt)]
        assert told == told[:1] * 2  # that it has ended, and not that it is interrupted


async def test_what_was_asked_for_before_the_journal_begins_and_was_under_way_is_told_again(autojump_clock):
    FETCHED.clear()
    HOOKS.append(takes_two_seconds)
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(Signal("collect"))
        await order.call(note("meanwhile"))
        await trio.sleep(5)
        await order.call(note("after"))
        await compact_journal(storage, "shop", "o-1", keep=3)
        for to, at, then in [
            (2, ["meanwhile"], ["meanwhile", "collected"]),
            (3, ["meanwhile", "collected"], ["meanwhile", "collected"]),
            (2, ["meanwhile"], ["meanwhile", "collected"]),
            (1, [], ["collected"]),
        ]:
            assert list((await shop.rewind(order, to=to)).state.notes) == at
            await trio.sleep(5)
            assert notes_of(order) == then
        assert len(FETCHED) == 1
        assert shop.ledger().balanced
    async with jido(storage) as shop:
        assert (await shop.start_agent(Order, id="o-1")).agent.state.notes == ("collected",)


class Last(Action):
    async def run(self, context: Context[OrderState]) -> Result:
        await trio.sleep(1000)
        return {"notes": (*context.state.notes, "last")}


class Many(Action):
    def run(self, context: Context[OrderState]) -> Result:
        return [*(CancelSchedule("none") for _ in range(5000)), RunInstruction(Instruction(Last))]


class Crowded(Agent[OrderState], routes={**ROUTES, "many": Many}, durable=True): ...


async def test_what_was_asked_for_before_the_journal_begins_takes_the_place_of_nothing(autojump_clock):
    HOOKS.append(takes_two_seconds)
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Crowded, id="o-1")
        await order.call(Signal("collect"))
        await order.call(Signal("many"))
        await trio.sleep(5)
        await compact_journal(storage, "shop", "o-1", keep=1)
        await shop.rewind(order, to=2)
        await trio.sleep(5)
        assert order.agent.state.notes == ("collected",)
    assert [key.rpartition("/")[2] for key in storage._records if "/effect/" in key] == ["0000000000000002.5000"]


async def test_a_machine_that_goes_back_to_where_it_was_busy_goes_on_also_with_a_short_journal(autojump_clock):
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Busy, id="b-1")
        await order.call(Work())
        await order.call(Rest())
        await trio.sleep(5)
        await compact_journal(storage, "shop", "b-1", keep=2)
        await shop.rewind(order, to=2)
        await trio.sleep(5)
        assert order.agent.strategy_state.running is None
        assert order.agent.state == OrderState(1, ("rested",))


async def test_what_is_still_under_way_is_told_once_it_has_ended(autojump_clock):
    HOOKS.append(takes_two_seconds)
    async with jido(MemoryStorage()) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(Signal("collect"))
        await order.call(note("meanwhile"))
        await shop.rewind(order, to=1)
        await trio.sleep(5)
        assert notes_of(order) == ["collected"]


class Staged(
    Agent[OrderState],
    routes=ROUTES,
    strategy=Fsm(["at"], [Transition("at", Work)]),
    durable=Durable(formerly=[Order]),
):
    """What an order has become while its program was down."""


async def test_who_goes_back_to_before_its_life_began_goes_back_to_that_beginning(autojump_clock):
    storage = MemoryStorage()
    async with jido(storage) as shop:
        await (await shop.start_agent(Order, id="o-1")).call(note("before"))
    async with jido(storage) as shop:
        order = await shop.start_agent(Staged, id="o-1")
        await order.call(note("after"))
        assert (await shop.rewind(order, to=1)).state.notes == ("before",)
        agent = await order.call(note("again"))
        assert agent.state.notes == ("before", "again")
        assert (snapshot_of(agent).details["state"], order.incarnation) == ("at", 1)
