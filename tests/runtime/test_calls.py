"""call and cast: answers, order, time, room, and what a ref means."""

import math

import pytest
import trio
from attrs import frozen
from trio.testing import wait_all_tasks_blocked

from jido_trio.core import Signal
from jido_trio.errors import AgentCrashed, AgentStopped, CallTimeout, MailboxFull, NoRoute
from jido_trio.runtime import DeadLetter, Jido, interpret
from tests.runtime.agents import BOOM, Notebook, do, note


@frozen
class Nap:
    """A directive that keeps the agent busy."""

    seconds: float


@interpret.register
async def _(directive: Nap, runtime: object) -> None:
    await trio.sleep(directive.seconds)


def quiet(**options):
    return Jido(on_report=lambda _: None, on_dead_letter=options.pop("on_dead_letter", lambda _: None), **options)


async def test_a_call_returns_the_agent_as_its_cmd_left_it(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        first = await ref.call(note("a"))
        second = await ref.call(note("b"))

    assert (first.state.seen, second.state.seen) == (["a"], ["a", "b"])
    assert first.id == ref.id


async def test_a_call_is_answered_before_its_directives_are_carried_out(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        start = trio.current_time()
        await ref.call(do(Nap(3)))

        assert trio.current_time() == start


async def test_the_next_signal_waits_for_the_directives_of_the_one_before(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        start = trio.current_time()
        await ref.cast(do(Nap(3)))
        await ref.call(note("a"))

        assert trio.current_time() == start + 3


async def test_calls_and_casts_are_handled_in_the_order_in_which_they_came(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Nap(1)))
        for word in range(5):
            await ref.cast(note(word))
        agent = await ref.call(note("last"))

    assert agent.state.seen == [0, 1, 2, 3, 4, "last"]


async def test_a_call_that_takes_too_long_is_withdrawn(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Nap(10)))
        start = trio.current_time()
        with pytest.raises(CallTimeout) as failure:
            await ref.call(note("late"), timeout=2)
        waited = trio.current_time() - start
        agent = await ref.call(note("next"), timeout=None)

    assert (waited, failure.value.seconds, failure.value.agent_id) == (2, 2, ref.id)
    assert agent.state.seen == ["next"]


async def test_the_timeout_covers_the_wait_for_room(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=1)
        await ref.cast(do(Nap(10)))
        await wait_all_tasks_blocked()
        await ref.cast(note("fills it"))
        start = trio.current_time()
        with pytest.raises(CallTimeout):
            await ref.call(note("late"), timeout=2)
        waited = trio.current_time() - start
        agent = await ref.call(note("next"), timeout=None)

    assert waited == 2
    assert agent.state.seen == ["fills it", "next"]


async def test_a_call_without_timeout_waits_as_long_as_it_takes(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Nap(1e6)))
        agent = await ref.call(note("patient"), timeout=None)

    assert agent.state.seen == ["patient"]


@pytest.mark.parametrize(
    ("timeout", "error"),
    [(-1, ValueError), (math.nan, ValueError), (10**400, ValueError), ("1", TypeError), (True, TypeError)],
    ids=str,
)
async def test_a_timeout_that_is_no_time_is_refused_and_harms_nobody(autojump_clock, timeout, error):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(error, match=r"timeout=.* must be seconds"):
            await ref.call(note("a"), timeout=timeout)

        assert (await ref.call(note("b"))).state.seen == ["b"]


async def test_a_call_nobody_routes_raises_no_route(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(NoRoute) as failure:
            await ref.call(Signal("unheard.of"))

    assert failure.value.signal_type == "unheard.of"
    assert "note" in failure.value.routes


async def test_a_cast_nobody_routes_is_a_dead_letter(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        signal = Signal("unheard.of")
        await ref.cast(signal)
        await ref.call(note("a"))

    assert [(letter.agent_id, letter.signal, letter.reason) for letter in letters] == [
        ("a", signal, "no route matches")
    ]


async def test_a_stopped_agent_answers_no_call_and_takes_no_cast(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await jido.stop_agent(ref)

        with pytest.raises(AgentStopped):
            await ref.call(note("a"))
        with pytest.raises(AgentStopped):
            await ref.cast(note("a"))
        with pytest.raises(AgentStopped):
            ref.cast_nowait(note("a"))
        assert not ref.running


async def test_calls_that_wait_when_the_agent_stops_are_answered(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=1)
        await ref.cast(do(Nap(2)))
        await wait_all_tasks_blocked()
        stopped = []

        async def call():
            with pytest.raises(AgentStopped):
                await ref.call(note("never"), timeout=None)
            stopped.append(trio.current_time())

        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(3):  # one in the mailbox, two waiting for room
                nursery.start_soon(call)
            await wait_all_tasks_blocked()
            await jido.stop_agent(ref)

    assert stopped == [start + 2] * 3


async def test_a_stop_does_not_wait_behind_the_queue(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook)
        for _ in range(1000):
            await ref.cast(do(Nap(1)))
        start = trio.current_time()
        await jido.stop_agent(ref)

    assert trio.current_time() <= start + 1
    assert len(letters) >= 990  # a few may have been handled before the stop


async def test_a_full_mailbox_refuses_cast_nowait(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=2)
        ref.cast_nowait(note("a"))
        ref.cast_nowait(note("b"))
        with pytest.raises(MailboxFull) as failure:
            ref.cast_nowait(note("c"))
        agent = await ref.call(note("d"))

    assert failure.value.capacity == 2
    assert agent.state.seen == ["a", "b", "d"]


async def test_cast_waits_for_room(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=1)
        await ref.cast(do(Nap(5)))
        await wait_all_tasks_blocked()
        await ref.cast(note("fills it"))
        start = trio.current_time()
        await ref.cast(note("waits"))

        assert trio.current_time() == start + 5


async def test_a_cancelled_caller_leaves_nothing_behind(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Nap(5)))
        with trio.move_on_after(1):
            await ref.call(note("gave up"), timeout=None)
        agent = await ref.call(note("stayed"), timeout=None)

    assert agent.state.seen == ["stayed"]


async def test_thousands_of_calls_leave_no_timers(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        for _ in range(2000):
            await ref.call(do())

        assert len(jido._instance.timers) < 200


async def test_calls_that_had_to_wait_leave_no_deadlines(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)

        async def call():
            for _ in range(50):
                await ref.call(do())

        async with trio.open_nursery() as nursery:
            for _ in range(40):
                nursery.start_soon(call)

        assert len(jido._instance.deadlines) + len(jido._instance.timers) < 200


async def test_one_caller_among_many_gets_its_own_answer(autojump_clock):
    answers = {}
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)

        async def call(word):
            answers[word] = (await ref.call(note(word))).state.seen[-1]

        async with trio.open_nursery() as nursery:
            for word in range(100):
                nursery.start_soon(call, word)

    assert answers == {word: word for word in range(100)}


@pytest.mark.parametrize("send", ["call", "cast"])
async def test_what_is_no_signal_is_refused(autojump_clock, send):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(TypeError, match="make one"):
            await getattr(ref, send)("note")


async def test_a_ref_outlives_restarts(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        for life in (2, 3, 4):
            with pytest.raises(AgentCrashed):
                await ref.call(BOOM)
            await ref.call(note(life))
            assert ref.incarnation == life

    assert ref.agent.state.seen == [4]


async def test_refs_to_the_same_agent_are_equal(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        other = await jido.start_agent(Notebook, id="b")
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)

        assert jido.whereis("a") == ref != other
        assert {ref, jido.whereis("a")} == {ref}


async def test_a_ref_to_a_stopped_agent_stays_stopped_when_another_takes_the_id(autojump_clock):
    async with quiet() as jido:
        old = await jido.start_agent(Notebook, id="a")
        await jido.stop_agent(old)
        new = await jido.start_agent(Notebook, id="a")

        with pytest.raises(AgentStopped):
            await old.call(note("lost"))
        assert (old == new, old.running, new.running) == (False, False, True)


async def test_the_agent_of_a_ref_is_read_without_asking(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        ref.cast_nowait(note("a"))
        before = ref.agent.state.seen
        await wait_all_tasks_blocked()

    assert (before, ref.agent.state.seen) == ([], ["a"])


async def test_the_repr_of_a_ref_tells_how_its_agent_is(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        assert repr(ref) == "<AgentRef 'a' incarnation 1, 0 queued>"
        await jido.stop_agent(ref)

    assert repr(ref) == "<AgentRef 'a' stopped>"
