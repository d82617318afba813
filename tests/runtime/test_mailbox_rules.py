"""Rules of mailboxes: what a full one does, what a restart does to what waits, what comes again, what comes first."""

import logging
from contextlib import nullcontext
from typing import Any

import pytest
import trio

from jido_trio.core import Action, Agent, Context, Emit, Result, Schedule, Signal, SpawnAgent, Stop, ToAgent
from jido_trio.errors import AgentCrashed, AgentStopped, CallTimeout, InvalidDefinition, MailboxFull
from jido_trio.runtime import AgentRef, Agents, MailboxRules
from jido_trio.runtime._mailbox import Mailbox
from jido_trio.runtime._messages import Due
from jido_trio.supervision import Backoff
from tests.runtime.agents import BOOM, Note, Notebook, Notes, do, note, settle, work
from tests.runtime.test_crashes import Pause, quiet
from tests.runtime.test_fates import fates


async def busy(jido: Agents, *, seconds: int = 1, mailbox_size: int = 2, **rules: Any) -> AgentRef[Notebook]:
    """Start an agent that is busy for some seconds."""
    ref = await jido.start_agent(Notebook, mailbox_size=mailbox_size, mailbox=MailboxRules(**rules))
    await ref.cast(do(*[Pause()] * seconds))
    return ref


# ---- a full mailbox


async def test_by_default_senders_wait_for_room(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido)
        for word in range(4):
            await ref.cast(note(word))
        await settle()

    assert ref.agent.state.seen == [0, 1, 2, 3]


async def test_a_full_mailbox_may_refuse_everybody_at_once(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, when_full="reject")
        for word in range(2):
            await ref.cast(note(word))
        start = trio.current_time()
        for send in (ref.call, ref.cast):
            with pytest.raises(MailboxFull):
                await send(note("no"))
        with pytest.raises(MailboxFull):
            ref.cast_nowait(note("no"))

        assert trio.current_time() == start
        assert fates(jido) == {"accepted": 3, "handled": 1, "waiting": 2}
        await trio.sleep(2)
        assert ref.agent.state.seen == [0, 1]


async def test_a_full_mailbox_may_drop_what_has_waited_longest(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, when_full="drop_oldest")
        for word in range(5):
            ref.cast_nowait(note(word))

        assert fates(jido) == {"accepted": 6, "handled": 1, "dropped": 3, "waiting": 2}
        await trio.sleep(2)
        assert ref.agent.state.seen == [3, 4]


async def test_who_waits_for_a_message_that_is_dropped_is_told(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, when_full="drop_oldest", mailbox_size=1)
        async with trio.open_nursery() as nursery:

            async def call() -> None:
                with pytest.raises(MailboxFull):
                    await ref.call(note("dropped"))

            nursery.start_soon(call)
            await settle()
            agent = await ref.call(note("newer"))

    assert agent.state.seen == ["newer"]


async def test_what_an_agent_sent_itself_is_not_dropped_for_another(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=1, mailbox=MailboxRules(when_full="drop_oldest"))
        await ref.cast(do(Emit(note("own")), Pause()))
        for word in range(3):
            ref.cast_nowait(note(word))
        await trio.sleep(2)

    assert ref.agent.state.seen == ["own", 2]


async def test_a_full_mailbox_may_drop_what_comes(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, when_full="drop_newest")
        for word in range(5):
            await ref.cast(note(word))
        with pytest.raises(MailboxFull):
            await ref.call(note("call"))

        assert fates(jido) == {"accepted": 7, "handled": 1, "dropped": 4, "waiting": 2}
        await trio.sleep(2)
        assert ref.agent.state.seen == [0, 1]


async def test_what_was_dropped_leaves_its_place_to_others(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, when_full="drop_oldest")
        for word in range(5):
            ref.cast_nowait(note(word))
        await trio.sleep(2)
        await ref.cast(do(Pause()))
        for letter in "ab":
            ref.cast_nowait(note(letter))
        await trio.sleep(2)

    assert ref.agent.state.seen == [3, 4, "a", "b"]


# ---- newer for older


async def test_a_signal_whose_like_was_dropped_comes_in_as_any_other(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, when_full="drop_oldest", coalesce=lambda signal: signal.data["word"][0])
        for word in ("a1", "b1", "c1", "a2"):
            await ref.cast(note(word))
        await trio.sleep(2)

    assert ref.agent.state.seen == ["c1", "a2"]


async def test_a_newer_signal_takes_the_place_of_one_with_the_same_key(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, coalesce=lambda signal: signal.data["word"][0])
        for word in ("a1", "b1", "a2", "b2", "a3"):
            await ref.cast(note(word))

        assert fates(jido) == {"accepted": 6, "handled": 1, "dropped": 3, "waiting": 2}
        await trio.sleep(2)
        assert ref.agent.state.seen == ["a3", "b2"]


async def test_a_signal_that_was_taken_is_replaced_no_more(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, coalesce=lambda _: "same")
        await ref.cast(note(1))
        await trio.sleep(2)
        await ref.cast(do(Pause()))
        await ref.cast(note(2))
        await trio.sleep(2)

    assert ref.agent.state.seen == [1, 2]


async def test_a_signal_without_a_key_takes_nobodys_place(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, coalesce=lambda _: None)
        for word in range(2):
            await ref.cast(note(word))
        await trio.sleep(2)

    assert ref.agent.state.seen == [0, 1]


async def test_a_key_that_cant_be_had_is_logged_and_is_none(autojump_clock, caplog):
    async with quiet() as jido:
        ref = await busy(jido, coalesce=lambda signal: signal.data["missing"])
        for word in range(2):
            await ref.cast(note(word))
        await trio.sleep(2)

    assert ref.agent.state.seen == [0, 1]
    assert "coalesce raised for signal 'note'" in caplog.text


# ---- a restart


@pytest.mark.parametrize(
    ("on_restart", "seen", "rest"),
    [
        ("keep", ["waits", "call"], {"handled": 3, "dead_lettered": 1}),
        ("dead_letter", [], {"handled": 1, "failed": 1, "dead_lettered": 2}),
        ("drop", [], {"handled": 1, "failed": 1, "dead_lettered": 1, "dropped": 1}),
    ],
)
async def test_what_waits_at_a_restart_is_kept_or_given_up(on_restart, seen, rest, autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, mailbox_size=9, on_restart=on_restart)
        ref.cast_nowait(BOOM)
        ref.cast_nowait(note("waits"))
        with nullcontext() if on_restart == "keep" else pytest.raises(AgentStopped, match="restarted"):
            await ref.call(note("call"))
        await settle()

        assert fates(jido) == {"accepted": 4, **rest}
        assert ref.agent.state.seen == seen
        assert (await ref.call(note("after"))).state.seen == [*seen, "after"]


async def test_who_waits_for_room_gets_it_when_a_restart_empties_the_mailbox(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, mailbox_size=1, on_restart="drop")
        ref.cast_nowait(BOOM)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ref.cast, note("gets the place of what crashes"))
            await settle()
            agent = await ref.call(note("patient"))

    assert agent.state.seen == ["patient"]


async def test_news_of_children_outlive_a_restart_that_drops_what_waits(autojump_clock):
    async with quiet() as jido:
        parent = await busy(jido, mailbox_size=9, on_restart="drop")
        await trio.sleep(2)
        await parent.call(do(SpawnAgent(Notebook, "t", id="child")))
        await settle()
        await parent.cast(do(Pause()))
        parent.cast_nowait(BOOM)
        await jido.stop_agent("child")
        await trio.sleep(2)

    assert parent.agent.state.seen == [("jido.agent.child.exit", {"tag": "t", "id": "child", "reason": "normal"})]


# ---- what comes again

TRIES: list[int] = []


class Stumble(Action):
    """Crashes the first times."""

    times: int

    def run(self, context: Context[Notes]) -> Result:
        TRIES.append(self.times)
        if len(TRIES) <= self.times:
            raise ZeroDivisionError("a bug")
        return {"seen": ["at last"]}


class Stumbling(Agent[Notes], routes={"stumble": Stumble, "note": Note}): ...


@pytest.mark.parametrize("idle", [True, False], ids=["idle", "busy"])
@pytest.mark.parametrize("how", ["call", "cast"])
async def test_a_message_that_crashed_the_agent_may_come_again(how, idle, autojump_clock):
    TRIES.clear()
    async with quiet() as jido:
        ref = await jido.start_agent(Stumbling, mailbox=MailboxRules(redeliver=2))
        if not idle:
            ref.cast_nowait(note("first"))
        await getattr(ref, how)(Signal("stumble", {"times": 2}))
        await settle()

        assert (ref.incarnation, len(TRIES), ref.agent.state.seen) == (3, 3, ["at last"])
        assert fates(jido) == {"accepted": 2 - idle, "handled": 2 - idle}


@pytest.mark.parametrize("idle", [True, False], ids=["idle", "busy"])
async def test_a_message_comes_again_so_often_and_no_more(idle, autojump_clock):
    TRIES.clear()
    async with quiet() as jido:
        ref = await jido.start_agent(Stumbling, mailbox=MailboxRules(redeliver=2))
        if not idle:
            ref.cast_nowait(note("first"))
        with pytest.raises(AgentCrashed):
            await ref.call(Signal("stumble", {"times": 99}))
        assert len(TRIES) == 3
        await ref.cast(Signal("stumble", {"times": 99}))
        await settle()

        assert len(TRIES) == 6
        assert [letter.crash for letter in jido.dead_letters()] == ["ZeroDivisionError: a bug"]


async def test_what_comes_again_comes_before_all_that_waits(autojump_clock):
    TRIES.clear()
    async with quiet() as jido:
        ref = await jido.start_agent(Stumbling, mailbox=MailboxRules(redeliver=1))
        ref.cast_nowait(Signal("stumble", {"times": 1}))
        ref.cast_nowait(note("behind"))
        await settle()

    assert ref.agent.state.seen == ["at last", "behind"]


async def test_a_call_that_comes_again_can_run_out_of_time(autojump_clock):
    TRIES.clear()
    async with quiet() as jido:
        ref = await jido.start_agent(Stumbling, mailbox=MailboxRules(redeliver=9), backoff=Backoff(first=10))
        with pytest.raises(CallTimeout):
            await ref.call(Signal("stumble", {"times": 99}), timeout=2)
        await trio.sleep(20)

        assert len(TRIES) == 1
        assert fates(jido) == {"accepted": 1, "expired": 1}


# ---- high water


async def test_a_mailbox_that_fills_is_told_of_once(autojump_clock, caplog):
    async with quiet() as jido:
        ref = await busy(jido, mailbox_size=10, high_water=0.8)
        with caplog.at_level(logging.WARNING, "jido_trio.runtime"):
            for word in range(10):
                await ref.cast(note(word))
            first = len(caplog.records)
            await trio.sleep(2)
            await ref.cast(do(Pause()))
            for word in range(8):
                await ref.cast(note(word))

    assert first == 1
    assert "8 of 10 places are taken" in caplog.records[0].message
    assert len(caplog.records) == 2


async def test_a_watched_mailbox_that_fills_and_empties_is_among_the_events(autojump_clock):
    async with quiet() as jido:
        ref = await busy(jido, mailbox_size=10, high_water=0.8)
        jido.debug("on", ref)
        for word in range(9):
            await ref.cast(note(word))
        await trio.sleep(2)
        told = [event.what for event in jido.recent(500, agent=ref) if event.kind == "mailbox"]
        jido.debug("off", ref)
        await ref.cast(do(Pause()))
        for word in range(9):
            await ref.cast(note(word))
        later = [event.what for event in jido.recent(500) if event.kind == "mailbox"]

    assert told == ["it has room again: 3 of 10 places are taken", "it fills: 8 of 10 places are taken"]
    assert later == told


async def test_whoever_asked_for_events_hears_of_a_mailbox_that_fills_though_nobody_watches(autojump_clock):
    told: list[Any] = []
    async with quiet(on_event=told.append) as jido:
        ref = await busy(jido, mailbox_size=10, high_water=0.8)
        for word in range(9):
            await ref.cast(note(word))
        await trio.sleep(2)

    assert [(event.agent_id, event.kind, event.what) for event in told] == [
        (ref.id, "mailbox", "it fills: 8 of 10 places are taken"),
        (ref.id, "mailbox", "it has room again: 3 of 10 places are taken"),
    ]


async def test_an_agent_that_is_watched_no_more_tells_of_its_mailbox_still(autojump_clock):
    told: list[Any] = []
    async with quiet(on_event=told.append) as jido:
        ref = await busy(jido, mailbox_size=10, high_water=0.8)
        jido.debug("on")
        jido.debug("off")
        for word in range(9):
            await ref.cast(note(word))

    assert [event.kind for event in told] == ["mailbox"]


async def test_whoever_asked_for_events_hears_of_mailboxes_of_partitions_too(autojump_clock):
    told: list[Any] = []
    async with quiet(on_event=told.append) as jido:
        ref = await busy(await jido.partition("ann"), mailbox_size=1, high_water=1)
        await ref.cast(note("one"))

    assert [(event.agent_id, event.kind) for event in told] == [(ref.id, "mailbox")]


async def test_whoever_asked_for_events_and_raises_disturbs_nobody(autojump_clock, caplog):
    def sink(event: object) -> None:
        raise ZeroDivisionError("a bug of a sink")

    async with quiet(on_event=sink) as jido:
        ref = await busy(jido, mailbox_size=1, high_water=1)
        await ref.cast(note("one"))
        await trio.sleep(2)

        assert (ref.incarnation, ref.agent.state.seen) == (1, ["one"])
    assert "on_event raised for agent" in caplog.text


# ---- what comes first


async def test_outcomes_and_timers_do_not_wait_behind_what_others_sent(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(work("worked", seconds=0.5))
        await ref.cast(do(Schedule(0.7, note("timer")), Pause()))
        for word in range(100):
            ref.cast_nowait(note(word))
        await trio.sleep(2)

    assert [entry if isinstance(entry, str) else entry[0] for entry in ref.agent.state.seen[:1]] == ["worked"]


async def test_what_comes_first_keeps_nobody_waiting_for_ever():
    mailbox = Mailbox(10)
    for number in range(100):
        mailbox.put(Due(Signal("due", number)))
    mailbox.put_in_place(Signal("other"))
    kinds = [type(mailbox.take()).__name__ for _ in range(20)]

    assert kinds == [*["Due"] * 16, "Signal", *["Due"] * 3]


# ---- the rules themselves


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("when_full", "drop"),
        ("on_restart", "lose"),
        ("redeliver", -1),
        ("coalesce", "key"),
        ("high_water", 2),
        ("high_water", 0),
    ],
)
def test_rules_that_make_no_sense_are_refused(option, value):
    with pytest.raises(InvalidDefinition, match=option):
        MailboxRules(**{option: value})


async def test_what_is_no_rules_is_refused(autojump_clock):
    async with quiet() as jido:
        with pytest.raises(InvalidDefinition, match="mailbox="):
            await jido.start_agent(Notebook, mailbox="drop_oldest")  # type: ignore[arg-type]  # the mistake


# ---- emits to a full mailbox


@pytest.mark.parametrize(
    ("when_full", "rest"),
    [
        ("dead_letter", {"handled": 3, "dead_lettered": 2}),
        ("drop", {"handled": 3, "dropped": 2}),
        ("wait", {"handled": 5}),
    ],
)
async def test_an_emit_to_a_full_mailbox_is_given_up_or_waits(when_full, rest, autojump_clock):
    async with quiet() as jido:
        full = await busy(jido, mailbox_size=1)
        sender = await jido.start_agent(Notebook)
        await sender.cast(do(*[Emit(note(n), dispatch=ToAgent(full.id), when_full=when_full) for n in range(3)]))
        await trio.sleep(2)

        assert fates(jido) == {"accepted": 5, **rest}


async def test_an_agent_that_waits_for_room_handles_nothing_meanwhile(autojump_clock):
    async with quiet() as jido:
        full = await busy(jido, mailbox_size=1)
        full.cast_nowait(note("first"))
        sender = await jido.start_agent(Notebook)
        await sender.cast(do(Emit(note("emitted"), dispatch=[ToAgent(full.id), ToAgent(sender.id)], when_full="wait")))
        sender.cast_nowait(note("later"))
        await settle()
        before = sender.agent.state.seen
        await trio.sleep(2)

    assert before == []
    assert full.agent.state.seen == ["first", "emitted"]
    assert sender.agent.state.seen == ["later", "emitted"]


async def test_an_emit_that_waits_for_an_agent_that_stops_is_a_dead_letter(autojump_clock):
    async with quiet() as jido:
        full = await busy(jido, mailbox_size=1)
        full.cast_nowait(note("first"))
        sender = await jido.start_agent(Notebook)
        await sender.cast(do(Emit(note("emitted"), dispatch=ToAgent(full.id), when_full="wait")))
        await jido.stop_agent(full)
        await settle()

        assert [letter.reason for letter in jido.dead_letters()] == ["stopped", "stopped"]
        assert (await sender.call(note("alive"))).state.seen == ["alive"]


def test_what_an_emit_does_at_a_full_mailbox_must_be_known():
    with pytest.raises(InvalidDefinition, match="when_full"):
        Emit("x", when_full="never")  # type: ignore[arg-type]  # the mistake


class Pass(Action):
    """Passes a number on."""

    number: int
    to: str

    def run(self, context: Context[Notes]) -> Result:
        return Emit("count", {"number": self.number}, dispatch=ToAgent(self.to), when_full="wait")


class CountUp(Action):
    number: int

    def run(self, context: Context[Notes]) -> Result:
        [before] = context.state.seen or [0]
        assert self.number == before
        return {"seen": [before + 1]}, [Pause()] if self.number % 1000 == 0 else []


class Pipe(Agent[Notes], routes={"pass": Pass, "count": CountUp}): ...


async def test_a_pipeline_through_a_small_mailbox_loses_nothing_and_holds_memory(autojump_clock):
    most = 0
    async with quiet() as jido:
        first = await jido.start_agent(Pipe, mailbox_size=100)
        last = await jido.start_agent(Pipe, mailbox_size=100)
        for number in range(5_000):
            await first.cast(Signal("pass", {"number": number, "to": last.id}))
            most = max(most, jido.ledger().waiting)
        await trio.sleep(100)

        assert last.agent.state.seen == [5_000]
        assert fates(jido) == {"accepted": 10_000, "handled": 10_000}
    assert 100 <= most <= 201


@pytest.mark.parametrize(
    ("first", "heard", "letters"),
    [(note(0), [0, 1], []), (do(Stop()), [], [1])],
    ids=["there is room", "nobody is there"],
)
async def test_an_emit_that_waits_sees_what_came_before_its_task_began(first, heard, letters, autojump_clock):
    async with quiet() as jido:
        full = await jido.start_agent(Notebook, mailbox_size=1)
        sender = await jido.start_agent(Notebook)
        emits = [Emit(each, dispatch=ToAgent(full.id), when_full="wait") for each in (first, note(1))]
        await sender.cast(do(*emits))
        await settle()

        assert sender.inspect().at == "idle"
        assert full.agent.state.seen == heard
        assert [letter.signal.data["word"] for letter in jido.dead_letters()] == letters


class Incomparable:
    """A key that can be told from no other."""

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        raise ValueError("ambiguous")


async def test_a_key_that_cant_be_compared_is_logged_and_is_none(autojump_clock, caplog):
    async with quiet() as jido:
        ref = await busy(jido, mailbox_size=5, coalesce=lambda _: Incomparable())
        other = await jido.start_agent(Notebook)
        for word in "ab":
            await ref.cast(note(word))
        await other.call(do(Emit(note("c"), dispatch=ToAgent(ref.id))), until="settled")
        await trio.sleep(2)
        assert ref.agent.state.seen == ["a", "b", "c"]
        assert other.incarnation == 1
    assert caplog.text.count("coalesce raised") == 2


async def test_a_signal_is_asked_for_its_key_once(autojump_clock):
    asked: list[str] = []
    async with quiet() as jido:
        ref = await busy(jido, coalesce=lambda signal: asked.append(signal.id))
        for word in "ab":
            await ref.cast(note(word))
        with trio.move_on_after(0.1):
            await ref.cast(note("c"))
    assert len(asked) == len(set(asked)) == 3
