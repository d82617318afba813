"""What the contract says and no other test of the runtime does: order, isolation, and what is not promised."""

from typing import Any

import pytest
import trio
import trio.testing
from attrs import frozen

from jido_trio.core import Action, Context, Emit, Result, Schedule, Signal, SpawnAgent, Stop, ToAgent, ToParent
from jido_trio.errors import AgentCrashed, AgentStopped, MailboxFull
from jido_trio.runtime import Jido, MailboxRules, Runtime, interpret
from jido_trio.supervision import Backoff, Report
from tests.runtime.agents import BOOM, ROUTES, Notebook, Notes, do, note, settle


@frozen
class Pause:
    """A directive that takes a second."""


@interpret.register
async def _(directive: Pause, runtime: Runtime) -> None:
    await trio.sleep(1)


@frozen
class Fall:
    """A directive whose interpreter has a bug."""


@interpret.register
def _(directive: Fall, runtime: Runtime) -> None:
    raise ZeroDivisionError("a bug of an interpreter")


class Keeper(Notebook, after_crash="committed"):
    """A notebook that forgets nothing in a crash."""


def quiet(**options: Any) -> Jido:
    defaults: dict[str, Any] = {"on_report": lambda _: None, "on_dead_letter": lambda _: None}
    return Jido(**defaults | options)


def to(id: str, word: object) -> Emit:
    return Emit(note(word), dispatch=ToAgent(id))


# ---- order


async def test_what_one_agent_sends_another_arrives_in_order_over_restarts_of_both(autojump_clock):
    async with quiet() as jido:
        sender = await jido.start_agent(Keeper)
        receiver = await jido.start_agent(Keeper, id="b")
        for number in range(0, 30, 3):
            sender.cast_nowait(do(to("b", number), to("b", number + 1)))
            sender.cast_nowait(BOOM)
            receiver.cast_nowait(BOOM)
            sender.cast_nowait(do(to("b", number + 2)))
            await settle()

    assert (sender.incarnation, receiver.incarnation) == (11, 11)
    assert receiver.agent.state.seen == list(range(30))


async def test_what_one_caller_sends_by_call_and_cast_arrives_in_order_over_restarts(autojump_clock):
    async with quiet() as jido, trio.open_nursery() as callers:
        ref = await jido.start_agent(Keeper, mailbox_size=100)
        await ref.call(do(Pause()))
        for number in range(0, 40, 2):
            ref.cast_nowait(note(number))
            callers.start_soon(ref.call, note(number + 1))
            await trio.testing.wait_all_tasks_blocked()
            ref.cast_nowait(BOOM)
        await trio.sleep(2)

    assert ref.incarnation == 21
    assert ref.agent.state.seen == list(range(40))


async def test_who_waits_for_room_keeps_the_place_in_the_order_over_restarts(autojump_clock):
    async with quiet() as jido, trio.open_nursery() as senders:
        ref = await jido.start_agent(Keeper, mailbox_size=1)
        await ref.call(do(Pause()))
        ref.cast_nowait(BOOM)
        for number in range(10):
            senders.start_soon(ref.cast, note(number))
            await trio.testing.wait_all_tasks_blocked()

    assert ref.agent.state.seen == list(range(10))


async def test_between_two_agents_there_is_no_order(autojump_clock):
    heard: list[str] = []
    async with quiet() as jido:
        first, second = [await jido.start_agent(Notebook, id=id) for id in ("first", "second")]
        await first.call(do(Pause()))
        sender = await jido.start_agent(Notebook)
        await sender.call(do(to("first", 1), to("second", 2)))
        await settle()
        heard += ["second"] if second.agent.state.seen == [2] and first.agent.state.seen == [] else []
        await trio.sleep(1)
        heard += ["first"] if first.agent.state.seen == [1] else []

    assert heard == ["second", "first"]


# ---- while an agent is not there


async def test_what_is_sent_while_an_agent_pauses_is_accepted_up_to_the_bound_and_then_refused(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Keeper, mailbox_size=3, backoff=Backoff(first=10))
        jido.kill_agent(ref)
        await settle()
        for number in range(3):
            ref.cast_nowait(note(number))
        with pytest.raises(MailboxFull):
            ref.cast_nowait(note("too many"))
        assert (jido.ledger().waiting, ref.running) == (3, True)
        await trio.sleep(11)

    assert ref.agent.state.seen == [0, 1, 2]


async def test_what_waits_when_an_agent_has_had_enough_is_kept_and_when_it_ends_has_a_fate(autojump_clock):
    async with quiet() as jido, trio.open_nursery() as callers:
        ref = await jido.start_agent(Notebook, restart="temporary")
        await ref.call(do(Pause()))
        ref.cast_nowait(BOOM)
        ref.cast_nowait(note("cast"))
        told: list[str] = []

        async def call() -> None:
            try:
                await ref.call(note("called"), timeout=None)
            except AgentStopped as error:
                told.append(error.reason)

        callers.start_soon(call)
        await trio.sleep(2)
        ledger = jido.ledger()

    assert told == ["crashed"]
    assert [letter.reason for letter in jido.dead_letters()] == ["the agent crashed at it", "crashed"]
    assert (ledger.dead_lettered, ledger.failed, ledger.waiting) == (2, 1, 0)


# ---- what is done stays done


async def test_what_was_carried_out_before_a_crash_stays_and_the_signal_is_handled(autojump_clock):
    async with quiet() as jido:
        other = await jido.start_agent(Notebook, id="b")
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(to("b", 1), Fall(), to("b", 2)))
        await settle()
        ledger = jido.ledger()

    assert other.agent.state.seen == [1]
    assert ref.incarnation == 2
    assert (ledger.handled, ledger.dead_lettered) == (2, 0)


async def test_a_signal_that_comes_again_has_asked_for_nothing_before(autojump_clock):
    class Moody(Action):
        """Crashes at the first try, after it has thought of what to send."""

        def run(self, context: Context[Notes]) -> Result:
            sent = to("b", len(TRIES))
            TRIES.append(1)
            if len(TRIES) < 3:
                raise ZeroDivisionError
            return sent

    TRIES: list[int] = []

    class Trying(Notebook, routes={**ROUTES, "try": Moody}): ...

    async with quiet() as jido:
        other = await jido.start_agent(Notebook, id="b")
        ref = await jido.start_agent(Trying, mailbox=MailboxRules(redeliver=2))
        await ref.call(Signal("try"), timeout=None)
        await settle()

    assert (len(TRIES), other.agent.state.seen) == (3, [2])


async def test_one_call_is_no_transaction_over_several_agents(autojump_clock):
    async with quiet() as jido:
        other = await jido.start_agent(Notebook, id="b")
        ref = await jido.start_agent(Notebook)
        await ref.call(do(to("b", "paid"), Schedule(1, BOOM)))
        await trio.sleep(2)

    assert (other.agent.state.seen, ref.agent.state.seen) == (["paid"], [])


# ---- one thread, one process


async def test_while_one_agent_computes_nothing_else_of_the_thread_goes_on(autojump_clock):
    log: list[str] = []

    class Compute(Action):
        def run(self, context: Context[Notes]) -> Result:
            log.append("begins")
            for _ in range(10_000):
                pass
            log.append("ends")
            return None

    class Tell(Action):
        def run(self, context: Context[Notes]) -> Result:
            log.append("another")
            return None

    class Computing(Notebook, routes={"compute": Compute, "tell": Tell}): ...

    async with quiet() as jido:
        refs = [await jido.start_agent(Computing) for _ in range(2)]
        for _ in range(20):
            refs[0].cast_nowait(Signal("compute"))
            refs[1].cast_nowait(Signal("tell"))
        await settle()

    assert (log.count("another"), log.count("begins")) == (20, 20)
    assert all(log[at + 1] == "ends" for at, word in enumerate(log) if word == "begins")


async def test_another_instance_has_none_of_the_agents_of_the_one_before(autojump_clock):
    async with quiet(name="shop") as jido:
        ref = await jido.start_agent(Keeper, id="a")
        await ref.call(note(1))
    async with quiet(name="shop") as jido:
        assert jido.whereis("a") is None
        again = await jido.start_agent(Keeper, id="a")
        assert again.agent.state.seen == []


# ---- what a caller learns


async def test_the_fate_of_a_call_and_what_its_caller_learns_are_the_same(autojump_clock):
    reports: list[Report] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        assert jido.ledger().failed == len(reports) == 1
        await ref.call(note(1))
        assert jido.ledger().handled == 1
        await jido.stop_agent(ref)
        with pytest.raises(AgentStopped):
            await ref.call(note(2))

    assert jido.ledger().accepted == 2  # what comes to an agent that has ended isn't accepted


async def test_what_a_child_sent_comes_before_the_news_of_its_end(autojump_clock):
    async with quiet() as jido:
        parent = await jido.start_agent(Notebook)
        await parent.call(do(SpawnAgent(Notebook, tag="child", id="c")))
        child = jido.whereis("c")
        assert child is not None
        child.cast_nowait(do(Emit(note("last words"), dispatch=ToParent()), Stop()))
        await settle()

    _, last, end = parent.agent.state.seen
    assert (last, end[0]) == ("last words", "jido.agent.child.exit")


# ---- neither more nor less


async def test_nothing_is_logged_of_what_goes_well(autojump_clock, caplog):
    caplog.set_level("INFO")
    async with Jido() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(note(1))
        await ref.cast(do(to("a", 2), Schedule(1, note(3)), Pause()))
        await trio.sleep(3)

    assert sorted(ref.agent.state.seen) == [1, 2, 3]
    assert caplog.text == ""


async def test_two_instances_may_have_agents_of_the_same_id(autojump_clock):
    async with quiet() as one, quiet() as other:
        refs = [await jido.start_agent(Notebook, id="a") for jido in (one, other)]
        for word, ref in enumerate(refs):
            await ref.call(note(word))

    assert [ref.agent.state.seen for ref in refs] == [[0], [1]]


async def test_a_signal_stops_nobody_by_its_name(autojump_clock):
    class Deaf(Notebook, routes={"note": ROUTES["note"]}):
        """Hears of nothing else."""

    async with quiet() as jido:
        ref = await jido.start_agent(Deaf)
        ref.cast_nowait(Signal("jido.agent.stop"))
        await settle()

        assert ref.running
        assert [letter.reason for letter in jido.dead_letters()] == ["no route matches"]
