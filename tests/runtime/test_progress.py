"""What an async action tells while it runs: how far it is, and signals; to the agent, and to whoever listens."""

import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio
from attrs import field, frozen

from jido_trio.core import Action, Agent, Context, Durable, Instruction, Result, RunInstruction, Secret, Signal, ToAgent
from jido_trio.errors import AgentCrashed, AgentStopped, InvalidDefinition
from jido_trio.runtime import DeadLetter, Jido, Update, interpret, listen_progress
from jido_trio.storage import open_memory
from jido_trio.supervision import CrashReport
from tests.runtime.agents import BOOM, ROUTES, Notebook, Notes, do, settle
from tests.runtime.test_async_actions import quiet


@frozen
class Pause:
    """A directive that keeps the agent busy."""

    seconds: float


@interpret.register
async def _(directive: Pause, runtime: object) -> None:
    await trio.sleep(directive.seconds)


class Count(Action):
    """Says how far it is, each second."""

    to: int
    seconds: float = 1

    async def run(self, context: Context[Notes]) -> Result:
        for number in range(self.to):
            context.progress({"done": number})
            await trio.sleep(self.seconds)
        return {}


class HearProgress(Action):
    """Notes how far an action is."""

    def run(self, context: Context[Notes]) -> Result:
        assert context.signal is not None
        return {"seen": [*context.state.seen, context.signal.data["progress"]["done"]]}


class Watcher(Agent[Notes], routes={**ROUTES, "jido.action.progress": HearProgress()}): ...


def count(to: int, seconds: float = 1, lane: str | None = None) -> RunInstruction:
    return RunInstruction(Instruction(Count(to=to, seconds=seconds), id="c"), meta={"of": "me"}, lane=lane)


async def test_the_agent_hears_how_far_its_action_is(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(do(count(4)))
        await trio.sleep(2.5)
        then = list(ref.agent.state.seen)
        await trio.sleep(5)

    assert (then, ref.agent.state.seen) == ([0, 1, 2], [0, 1, 2, 3])


async def test_progress_says_which_action_it_is_of_and_what_led_to_it(autojump_clock):
    heard: list[Any] = []

    class Keep(Action):
        def run(self, context: Context[Notes]) -> Result:
            assert context.signal is not None
            heard.append(context.signal.data)
            return {}

    class Keeper(Agent[Notes], routes={**ROUTES, "jido.action.progress": Keep()}): ...

    async with quiet() as jido:
        ref = await jido.start_agent(Keeper)
        asked = do(count(1))
        await ref.call(asked)
        await trio.sleep(5)

    assert heard == [
        {
            "id": "c",
            "action": "count",
            "progress": {"done": 0},
            "meta": {"of": "me"},
            "incarnation": 1,
            "signal": asked.id,
        }
    ]


async def test_progress_that_no_route_matches_is_dropped_quietly(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(count(3)))
        await trio.sleep(5)

    assert (letters, jido.ledger().dropped, jido.ledger().balanced) == ([], 3, True)


async def test_a_busy_agent_hears_the_last_word_only(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(do(count(10_000, seconds=0), Pause(5)))
        await settle()
        waiting = len(ref._cell.mailbox)
        await trio.sleep(10)

    assert ref.agent.state.seen == [9_999]
    assert waiting <= 2  # the last word, and the outcome
    assert jido.ledger().dropped == 9_999
    assert jido.ledger().balanced


async def test_each_action_has_its_own_last_word(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(do(count(2, seconds=0), count(3, seconds=0), Pause(5)))
        await trio.sleep(10)

    assert sorted(ref.agent.state.seen) == [1, 2]


async def test_the_last_word_comes_before_the_outcome(autojump_clock):
    class Quick(Action):
        async def run(self, context: Context[Notes]) -> Result:
            await trio.lowlevel.checkpoint()
            context.progress({"done": "nearly"})
            return {"seen": [*context.state.seen, "all"]}

    class After(Action):
        outcome: Any

        def run(self, context: Context[Notes]) -> Result:
            return {"seen": [*context.state.seen, "outcome"]}

    async with quiet() as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(do(RunInstruction(Instruction(Quick()), After), Pause(1)))
        await trio.sleep(2)

    assert ref.agent.state.seen == ["nearly", "outcome"]


async def test_progress_is_for_the_life_that_asked(autojump_clock):
    class Stubborn(Action):
        """Goes on after its life has ended."""

        async def run(self, context: Context[Notes]) -> Result:
            with trio.CancelScope(shield=True):
                for number in range(4):
                    context.progress({"done": number})
                    await trio.sleep(1)
            return {}

    async with quiet() as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(do(RunInstruction(Instruction(Stubborn()))))
        await trio.sleep(1.5)
        assert ref.agent.state.seen == [0, 1]
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await trio.sleep(10)

    assert (ref.incarnation, ref.agent.state.seen) == (2, [])
    assert jido.ledger().balanced


async def test_a_word_that_waits_is_nothing_to_the_next_life(autojump_clock):
    async with quiet(on_dead_directive=lambda _: None) as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(do(count(1), Pause(5)))
        await settle()
        jido.kill_agent(ref)
        await trio.sleep(10)

    assert (ref.incarnation, ref.agent.state.seen) == (2, [])
    assert jido.ledger().balanced


async def test_how_far_an_action_is_is_seen(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(count(9, lane="chat"), count(1, lane="chat")))
        await trio.sleep(2.5)
        first, second = ref.inspect().actions
        await trio.sleep(10)
        assert ref.inspect().actions == ()

    assert (first.action, first.lane, first.seconds, first.progress) == ("count", "chat", 2.5, "{'done': 2}")
    assert (second.action, second.lane, second.seconds, second.progress) == ("count", "chat", None, None)


async def test_debugging_keeps_progress_as_signals(autojump_clock):
    async with quiet(debug="verbose") as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(count(2)))
        await trio.sleep(5)
        told = [event.detail["data"]["progress"] for event in jido.recent() if event.what == "jido.action.progress"]

    assert told == [{"done": 1}, {"done": 0}]


class Login(Action):
    password: Secret[str]

    async def run(self, context: Context[Notes]) -> Result:
        context.progress({"tried": self.password})
        await trio.sleep(5)
        return {}


async def test_secrets_are_not_seen_in_progress(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(RunInstruction(Instruction(Login(password="hunter2")))))
        await settle()
        [view] = ref.inspect().actions

    assert view.progress == "{'tried': '***'}"


@pytest.mark.parametrize(
    "call",
    [lambda context: context.progress(1), lambda context: context.emit("x")],
    ids=["progress", "emit"],
)
async def test_a_pure_action_can_tell_nothing_while_it_runs(call, autojump_clock):
    class Pure(Action):
        def run(self, context: Context[Notes]) -> Result:
            call(context)
            return {}

    class Simple(Agent[Notes], routes={"x": Pure}): ...

    async with quiet() as jido:
        ref = await jido.start_agent(Simple)
        with pytest.raises(AgentCrashed, match="is for actions with effects, `async def run`; this one is a `def run`"):
            await ref.call(Signal("x"))


# ---- signals


class Tell(Action):
    """Sends signals while it runs."""

    words: list[str]
    to: str | None = None
    when_full: Any = "wait"

    async def run(self, context: Context[Notes]) -> Result:
        dispatch = ToAgent(self.to) if self.to is not None else None
        for word in self.words:
            await context.emit("note", {"word": word}, dispatch=dispatch, when_full=self.when_full)
        return {}


def tell(words: list[str], to: str | None = None, when_full: str = "wait") -> RunInstruction:
    return RunInstruction(Instruction(Tell(words=words, to=to, when_full=when_full)))


async def test_an_action_sends_signals_while_it_runs(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        other = await jido.start_agent(Notebook, id="other")
        await ref.call(do(tell(["a", "b"]), tell(["c"], "other")))
        await trio.sleep(1)

    assert (ref.agent.state.seen, other.agent.state.seen) == (["a", "b"], ["c"])


@pytest.mark.parametrize("to", [None, "me"])
async def test_an_action_that_sends_waits_for_room_in_the_mailbox_of_its_own_agent_too(to, autojump_clock):
    words = [str(number) for number in range(2_000)]
    async with quiet(mailbox_size=10) as jido:
        ref = await jido.start_agent(Notebook, id="me")
        await ref.call(do(tell(words, to), Pause(5)))
        await settle()
        taken = ref.inspect().mailbox.taken
        await trio.sleep(30)

    assert (taken, ref.agent.state.seen) == (10, words)


async def test_a_signal_that_finds_no_room_is_a_dead_letter_or_dropped_where_that_is_asked_for(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook)
        slow = await jido.start_agent(Notebook, id="slow", mailbox_size=1)
        await slow.call(do(Pause(5)))
        await ref.call(do(tell(["a", "b"], "slow", "dead_letter")))
        await settle()
        await ref.call(do(tell(["c"], "slow", "drop")))
        await trio.sleep(10)

    assert slow.agent.state.seen == ["a"]
    assert [(letter.agent_id, letter.signal.data["word"]) for letter in letters] == [("slow", "b")]
    assert (jido.ledger().dropped, jido.ledger().balanced) == (1, True)


async def test_what_is_sent_to_nobody_is_a_dead_letter_and_no_crash(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(tell(["a"], "nobody")))
        await trio.sleep(1)

    assert ([letter.reason for letter in letters], ref.incarnation) == (["no agent has that id"], 1)


async def test_an_action_that_waits_for_room_ends_with_its_life(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        slow = await jido.start_agent(Notebook, id="slow", mailbox_size=1)
        await slow.call(do(Pause(100)))
        await ref.call(do(tell(["a", "b"], "slow")))
        await settle()
        assert slow.inspect().mailbox.parked == 1
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await settle()

        assert (slow.inspect().mailbox.parked, ref.incarnation) == (0, 2)


async def test_an_emit_that_makes_no_sense_is_a_bug_of_the_action(autojump_clock):
    reports: list[CrashReport] = []

    class Wrong(Action):
        async def run(self, context: Context[Notes]) -> Result:
            await context.emit("note", dispatch="nobody")  # a text is no target
            return {}

    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(RunInstruction(Instruction(Wrong()))))
        await trio.sleep(1)

    [report] = reports
    assert report.failure is not None
    assert report.failure.type == "jido_trio.errors.InvalidDefinition"


# ---- who listens


async def test_who_listens_is_told_of_each_step_and_of_the_end(autojump_clock):
    updates: list[tuple[float, Update]] = []
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with listen_progress(ref) as steps:
            asked = do(count(2))
            await ref.call(asked)
            async for update in steps:
                updates.append((trio.current_time(), update))
                if update.ended:
                    break

    assert [(at, update.data, update.ended) for at, update in updates] == [
        (0, {"done": 0}, False),
        (1, {"done": 1}, False),
        (2, None, True),
    ]
    outcome = updates[-1][1].outcome
    assert outcome is not None
    assert (outcome.result, outcome.meta) == ({}, {"of": "me"})
    assert updates[0][1] == Update("count", "c", asked.id, 1, {"done": 0})


async def test_who_listens_late_finds_the_last_of_each_action(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with listen_progress(ref) as steps:
            await ref.call(do(count(5), count(3)))
            await trio.sleep(3.5)
            found = [await anext(steps), await anext(steps)]

    assert {update.ended: update.data for update in found} == {False: {"done": 3}, True: None}


async def test_who_listens_for_a_signal_hears_of_its_actions_only(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        asked = do(count(1, seconds=2))
        with listen_progress(ref, asked) as steps:
            await ref.call(do(count(1)))
            await ref.call(asked)
            heard = [update.signal async for update in steps_of(steps)]

    assert heard == [asked.id, asked.id]


async def steps_of(steps: AsyncIterator[Update]) -> AsyncIterator[Update]:
    async for update in steps:
        yield update
        if update.ended:
            return


async def test_who_listens_hears_that_an_action_ended_with_its_life(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with listen_progress(ref) as steps:
            await ref.call(do(count(9)))
            await trio.sleep(0.5)
            with pytest.raises(AgentCrashed):
                await ref.call(BOOM)
            await settle()
            last = await anext(steps)

    assert (last.ended, last.outcome, last.incarnation) == (True, None, 1)


async def test_who_listens_is_released_when_the_agent_has_ended(autojump_clock):
    heard = []
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)

        async def listen() -> None:
            with listen_progress(ref) as steps:
                heard.extend([update async for update in steps])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            await settle()
            await jido.stop_agent(ref)
        with pytest.raises(AgentStopped), listen_progress(ref):
            pass

    assert heard == []


async def test_who_listens_slowly_is_told_of_the_last_actions_only(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with listen_progress(ref, limit=3) as steps:
            await ref.call(do(*(count(1) for _ in range(5))))
            await trio.sleep(2)
            found = [await anext(steps) for _ in range(3)]
            with trio.move_on_after(1) as nothing_more:
                await anext(steps)

    assert ([update.ended for update in found], nothing_more.cancelled_caught) == ([True] * 3, True)


async def test_nothing_is_kept_for_who_listens_no_more(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with listen_progress(ref), listen_progress(ref):
            pass
        await ref.call(do(count(1)))
        await trio.sleep(2)
        gc.collect()

        assert not [each for each in ref._cell.belongings if type(each).__name__ == "Listeners"]


@pytest.mark.parametrize("limit", [0, -1, 1.5, "many"])
async def test_a_limit_that_is_none_is_refused(limit, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(InvalidDefinition, match="limit"), listen_progress(ref, limit=limit):
            pass


# ---- durable agents


@frozen
class Steps:
    seen: list[Any] = field(factory=list)


class Begin(Action):
    def run(self, context: Context[Steps]) -> Result:
        return count(3)


class Far(Action):
    def run(self, context: Context[Steps]) -> Result:
        assert context.signal is not None
        return {"seen": [*context.state.seen, context.signal.data["progress"]["done"]]}


class Diary(Agent[Steps], durable=Durable(), routes={"begin": Begin, "jido.action.progress": Far()}): ...


class Silent(Agent[Steps], durable=Durable(), routes={"begin": Begin}): ...


async def test_a_durable_agent_hears_and_keeps_how_far_its_action_is(autojump_clock):
    storage = open_memory()
    async with storage as opened:
        async with Jido("d", storage=opened) as jido:
            ref = await jido.start_agent(Diary, id="ann")
            await ref.call(Signal("begin"))
            await trio.sleep(10)
        async with Jido("d", storage=opened) as jido:
            again = await jido.start_agent(Diary, id="ann")
            kept = list(again.agent.state.seen)

    assert kept == [0, 1, 2]


async def test_progress_of_a_durable_agent_that_no_route_matches_is_dropped_quietly(autojump_clock):
    letters: list[DeadLetter] = []
    async with Jido("d", storage=open_memory(), on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Silent, id="ann")
        with listen_progress(ref) as steps:
            await ref.call(Signal("begin"))
            heard = [update.data async for update in steps_of(steps)]

    assert (letters, heard[:3]) == ([], [{"done": 0}, {"done": 1}, {"done": 2}])
    assert jido.ledger().balanced
