"""Directives: what each of them does, and in which order."""

from typing import Any

import pytest
import trio
from attrs import frozen
from trio.testing import wait_all_tasks_blocked

from jido_trio.core import (
    Agent,
    CancelSchedule,
    Direct,
    Emit,
    EmitErrors,
    Error,
    Instruction,
    MaxErrors,
    Route,
    Schedule,
    Signal,
    SpawnAgent,
    Stop,
    StopChild,
    ToAgent,
    ToParent,
    emit_to,
    emit_to_parent,
)
from jido_trio.errors import ActionError, AgentCrashed, AgentNotFound, AgentStopped, InvalidDefinition
from jido_trio.runtime import AgentRef, DeadLetter, Jido, Runtime, interpret
from jido_trio.runtime._messages import Outcome
from jido_trio.runtime._timers import Schedules
from jido_trio.supervision import Backoff, CrashReport
from tests.runtime.agents import BOOM, REFUSE, ROUTES, Note, Notebook, Notes, Refuse, do, note, settle


@frozen
class Hold:
    """A directive that keeps the agent busy, also when it is asked to stop."""

    seconds: float


@interpret.register
async def _(directive: Hold, runtime: object) -> None:
    await trio.sleep(directive.seconds)


@frozen
class Shout:
    """A directive of a user, who uses what interpreters may do."""

    word: str


@interpret.register
async def _(directive: Shout, runtime: Runtime) -> None:
    await trio.lowlevel.checkpoint()
    runtime.emit(note(f"{directive.word.upper()} by {runtime.agent.id} for {runtime.signal.type}"))


def quiet(**options: Any) -> Jido:
    return Jido(**({"on_report": lambda _: None, "on_dead_letter": lambda _: None} | options))


def heard(agent):
    """The signals that an agent noted: types, and data without what differs."""
    return [entry[0] for entry in agent.state.seen]


# ---- Emit


async def test_emit_without_dispatch_comes_back_behind_what_is_queued(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        ref.cast_nowait(do(Emit(note("emitted"))))
        ref.cast_nowait(note("queued"))
        await settle()

    assert ref.agent.state.seen == ["queued", "emitted"]


async def test_emit_to_an_agent_arrives_there_only(autojump_clock):
    async with quiet() as jido:
        ref, other = await jido.start_agent(Notebook), await jido.start_agent(Notebook, id="other")
        await ref.call(do(emit_to("other", note("hello"))))
        await settle()

    assert (ref.agent.state.seen, other.agent.state.seen) == ([], ["hello"])


async def test_emit_to_several_arrives_at_each(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        other = await jido.start_agent(Notebook, id="b")
        await ref.call(do(Emit(note("hello"), dispatch=[ToAgent("a"), ToAgent("b"), None])))
        await settle()

    assert (ref.agent.state.seen, other.agent.state.seen) == (["hello", "hello"], ["hello"])


async def test_emit_to_the_parent_arrives_there_and_is_nothing_without_one(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        parent = await jido.start_agent(Notebook)
        await parent.call(do(SpawnAgent(Notebook, tag="child", id="child")))
        await settle()
        child = jido.whereis("child")
        assert child is not None
        await child.call(do(emit_to_parent(Signal("heard.up"))))
        await parent.call(do(emit_to_parent(Signal("heard.nowhere"))))
        await settle()

    assert heard(parent.agent) == ["jido.agent.child.started", "heard.up"]
    assert letters == []


async def test_emit_to_nobody_is_a_dead_letter(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook)
        lost = note("lost")
        await ref.call(do(emit_to("nobody", lost)))
        await settle()

    assert letters == [DeadLetter("nobody", lost, "no agent has that id")]
    assert ref.incarnation == 1


async def test_emit_to_a_full_mailbox_is_a_dead_letter_and_the_sender_goes_on(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook)
        slow = await jido.start_agent(Notebook, id="slow", mailbox_size=2)
        await slow.cast(do(Hold(5)))
        await wait_all_tasks_blocked()
        await ref.call(do(*(emit_to("slow", note(number)) for number in range(5))))
        agent = await ref.call(note("fine"))
        await trio.sleep(6)

    assert (agent.state.seen, ref.incarnation) == (["fine"], 1)
    assert slow.agent.state.seen == [0, 1]
    assert [(letter.signal.data["word"], letter.reason) for letter in letters] == [
        (number, "its mailbox is full") for number in (2, 3, 4)
    ]


async def test_an_agent_with_a_full_mailbox_still_hears_itself(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=1)
        await ref.cast(do(Hold(1), Emit(note("mine"))))
        await wait_all_tasks_blocked()
        await ref.cast(note("fills it"))
        await trio.sleep(2)

    assert ref.agent.state.seen == ["fills it", "mine"]


def test_a_dispatch_that_is_none_is_refused_by_name_when_the_emit_is_made():
    with pytest.raises(InvalidDefinition, match=r"dispatch=.* of Emit must be ToAgent") as refused:
        Emit(note("a"), dispatch=[ToAgent("b"), "somewhere"])
    assert refused.value.field == "dispatch"


async def test_an_outcome_of_a_former_life_is_not_given_to_the_next(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        for incarnation in (7, 1):
            ref._cell.put(Outcome(note("old"), Instruction(Note(word=incarnation)), incarnation))
        await ref.call(note("new"))
    assert ref.agent.state.seen == [1, "new"]


async def test_a_killed_agent_begins_anew_and_what_waited_is_handled(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(note("a"))
        jido.kill_agent(ref)
        agent = await ref.call(note("b"))
        with pytest.raises(AgentNotFound):
            jido.kill_agent("nobody")
    assert (agent.state.seen, ref.incarnation) == (["b"], 2)


async def test_an_agent_with_a_backoff_pauses_before_it_comes_back(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, backoff=Backoff(first=10))
        jido.kill_agent(ref)
        started = trio.current_time()
        await ref.call(note("a"), timeout=None)
        assert trio.current_time() - started == 10


# ---- Schedule


async def test_schedule_comes_when_it_is_due(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Schedule(2, note("later")), Schedule(1, note("sooner"))))
        await trio.sleep(1.5)
        before = ref.agent.state.seen
        await trio.sleep(1)

    assert (before, ref.agent.state.seen) == (["sooner"], ["sooner", "later"])


async def test_schedule_of_no_time_comes_after_the_current_signal(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        agent = await ref.call(do(Schedule(0, note("at once"))))
        await settle()

    assert (agent.state.seen, ref.agent.state.seen) == ([], ["at once"])


async def test_what_is_scheduled_may_be_any_value(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Schedule(1, "tick")))
        await trio.sleep(2)

    assert ref.agent.state.seen == [("jido.scheduled", {"message": "tick"})]


async def test_a_schedule_comes_once_over_restarts(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Schedule(2, note("kept"))))
        for _ in range(3):
            with pytest.raises(AgentCrashed):
                await ref.call(BOOM)
        await trio.sleep(10)

    assert (ref.agent.state.seen, ref.incarnation) == (["kept"], 4)


async def test_a_stop_cancels_what_is_scheduled(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(Schedule(2, note("for the old one"))))
        await jido.stop_agent(ref)
        new = await jido.start_agent(Notebook, id="a")
        await trio.sleep(10)

    assert (new.agent.state.seen, letters) == ([], [])


async def test_schedules_that_came_are_forgotten(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(*(Schedule(seconds, note(seconds)) for seconds in (1, 2, 3))))
        await trio.sleep(2.5)
        pending = ref._cell.kept(Schedules)
        assert pending is not None
        assert len(pending) == 1
        await trio.sleep(1)

        assert ref._cell.kept(Schedules) is None
        assert len(jido._instance.timers) == 0


async def test_a_schedule_with_a_key_takes_the_place_of_the_one_before(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Schedule(1, note("first"), key="k"), Schedule(1, note("other"), key="o")))
        await ref.call(do(Schedule(2, note("second"), key="k"), Schedule(2, note("without a key"))))
        await trio.sleep(5)

    assert ref.agent.state.seen == ["other", "second", "without a key"]


async def test_a_cancelled_schedule_never_comes(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Schedule(1, note("late"), key="k"), CancelSchedule("nobody's")))
        await ref.call(do(CancelSchedule("k"), CancelSchedule("k")))
        await trio.sleep(5)

        assert len(jido._instance.timers) == 0
    assert ref.agent.state.seen == []


@pytest.mark.parametrize(
    "instead", [CancelSchedule("k"), Schedule(10, note("second"), key="k")], ids=["cancel", "replace"]
)
async def test_what_is_due_but_not_handled_is_cancelled_too(autojump_clock, instead):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Schedule(1, note("late"), key="k"), Schedule(1, note("kept"), key="o")))
        await ref.cast(do(Hold(2), instead))  # due while it is busy
        await trio.sleep(5)

    assert ref.agent.state.seen == ["kept"]


async def test_a_key_may_be_used_again_by_what_it_led_to(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        again = do(Schedule(1, note("third"), key="k"))
        await ref.call(do(Schedule(1, do(Schedule(1, again, key="k")), key="k")))
        await trio.sleep(5)

    assert ref.agent.state.seen == ["third"]


async def test_schedules_with_a_key_outlive_a_crash_and_can_be_cancelled_by_the_next_life(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Schedule(2, note("a"), key="a"), Schedule(2, note("b"), key="b")))
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await ref.call(do(CancelSchedule("a")))
        await trio.sleep(5)

    assert ref.agent.state.seen == ["b"]


async def test_keys_that_are_never_used_again_are_forgotten(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        for number in range(1000):
            await ref.call(do(Schedule(0.001, note("x"), key=str(number))))
            await trio.sleep(0.002)
        kept = ref._cell.kept(Schedules)
        assert kept is not None
        assert len(kept._due) < 100
        assert not kept._to_come

    assert len(ref.agent.state.seen) == 1000


async def test_keys_of_what_still_waits_are_kept_however_many(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(*(Schedule(1, note(number), key=str(number)) for number in range(500))))
        await ref.cast(do(Hold(2), *(CancelSchedule(str(number)) for number in range(499))))
        await trio.sleep(5)

    assert ref.agent.state.seen == [499]


# ---- Stop


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
async def test_stop_ends_the_agent_for_good(autojump_clock, restart):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook, restart=restart)
        await ref.call(do(Stop()))
        await trio.sleep(10)

        assert (ref.running, ref.incarnation, jido.list_agents(), reports) == (False, 1, (), [])


async def test_stop_drops_the_directives_behind_it(autojump_clock):
    async with quiet() as jido:
        ref, other = await jido.start_agent(Notebook), await jido.start_agent(Notebook, id="other")
        await ref.call(do(emit_to("other", note("before")), Stop(), emit_to("other", note("after"))))
        await settle()

    assert other.agent.state.seen == ["before"]


async def test_nothing_is_handled_after_a_stop(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        slow, ref = await jido.start_agent(Notebook), await jido.start_agent(Notebook)
        await slow.cast(do(Hold(2)))
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(jido.stop_agent, slow)  # the supervisor comes to the stop in two seconds only
            await wait_all_tasks_blocked()
            ref.cast_nowait(do(Stop()))
            ref.cast_nowait(note("cast"))
            with pytest.raises(AgentStopped):
                await ref.call(note("call"), timeout=None)

    assert ref.agent.state.seen == []
    assert [letter.signal.data for letter in letters] == [{"word": "cast"}]


# ---- Error, by policy


def with_policy(policy: Any) -> type[Agent[Notes]]:
    class Strict(Agent[Notes], routes=ROUTES, error_policy=policy): ...

    return Strict


async def errors(jido, policy, count=1):
    """Start an agent with that policy, and have its action say no so many times."""
    ref = await jido.start_agent(with_policy(policy), id="strict")
    for _ in range(count):
        await ref.call(REFUSE, check=False)
        await settle()
    return ref


async def test_an_error_is_logged_and_the_agent_goes_on(autojump_clock, caplog):
    async with quiet() as jido:
        ref = await errors(jido, "log", count=5)
        agent = await ref.call(note("fine"))

    assert (agent.state.seen, ref.incarnation) == (["fine"], 1)
    assert caplog.text.count("agent 'strict': instruction failed: no") == 5


@pytest.mark.parametrize("policy", ["emit", EmitErrors()], ids=str)
async def test_an_error_is_sent_to_the_agent_itself(autojump_clock, policy):
    async with quiet() as jido:
        ref = await errors(jido, policy)

    ((type, data),) = ref.agent.state.seen
    assert type == "jido.agent.error"
    assert (data["agent_id"], data["context"], data["error"]["message"]) == ("strict", "instruction", "no")


async def test_an_error_is_sent_where_the_policy_says(autojump_clock):
    async with quiet() as jido:
        other = await jido.start_agent(Notebook, id="other")
        ref = await errors(jido, EmitErrors(ToAgent("other")))

        assert (ref.agent.state.seen, heard(other.agent)) == ([], ["jido.agent.error"])


async def test_an_error_about_an_error_is_not_sent_again(autojump_clock, caplog):
    routes = [Route("refuse", Refuse), Route("jido.agent.error", Refuse(word="again"))]

    class Hopeless(Agent[Notes], routes=routes, error_policy="emit"): ...

    async with quiet() as jido:
        ref = await jido.start_agent(Hopeless, id="a")
        await ref.call(REFUSE, check=False)
        await settle()

    assert caplog.text.count("agent 'a': instruction failed: no") == 1
    assert caplog.text.count("agent 'a': instruction failed: again") == 1


async def test_an_error_stops_the_agent_with_itself_as_the_reason(autojump_clock):
    async with quiet() as jido:
        parent = await jido.start_agent(Notebook)
        await parent.call(do(SpawnAgent(with_policy("stop"), tag="child", id="child", restart="permanent")))
        await settle()
        child = jido.whereis("child")
        assert child is not None
        await child.call(REFUSE, check=False)
        await settle()

        assert not child.running
    assert parent.agent.state.seen[-1] == ("jido.agent.child.exit", {"tag": "child", "id": "child", "reason": "no"})


async def test_an_error_crashes_the_agent_where_the_policy_says_so(autojump_clock):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await errors(jido, "crash")
        await ref.call(note("again"))

    assert (ref.incarnation, ref.agent.state.seen) == (2, ["again"])
    assert [report.failure.message for report in reports if report.failure] == ["no"]


async def test_the_third_of_at_most_three_errors_stops_the_agent(autojump_clock):
    async with quiet() as jido:
        ref = await errors(jido, MaxErrors(3), count=2)
        after_two = ref.running
        await ref.call(REFUSE, check=False)
        await settle()

        assert (after_two, ref.running) == (True, False)


async def test_errors_are_counted_anew_in_each_life(autojump_clock):
    async with quiet() as jido:
        ref = await errors(jido, MaxErrors(3), count=2)
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await ref.call(REFUSE, check=False)
        await ref.call(REFUSE, check=False)
        await settle()

        assert ref.running


@pytest.mark.parametrize(("word", "runs"), [("continue", True), ("stop", False)])
async def test_a_function_judges_errors(autojump_clock, word, runs):
    asked = []

    def judge(error, agent):
        asked.append((error.error.message, error.context, agent.id))
        return word

    async with quiet() as jido:
        ref = await errors(jido, judge)

        assert (ref.running, ref.incarnation) == (runs, 1)
    assert asked == [("no", "instruction", "strict")]


async def test_a_judge_that_raises_is_logged_and_the_agent_goes_on(autojump_clock, caplog):
    def judge(error, agent):
        raise LookupError("no idea")

    async with quiet() as jido:
        ref = await errors(jido, judge)

        assert (ref.running, ref.incarnation) == (True, 1)
    assert "raised LookupError: no idea" in caplog.text


async def test_an_error_directive_of_ones_own_is_judged_like_any(autojump_clock, caplog):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(Error(ActionError("my own"), context="payment")))
        await settle()

    assert "agent 'a': payment failed: my own" in caplog.text


# ---- directives in general


async def test_a_directive_of_a_user_is_carried_out_by_its_interpreter(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(Shout("hey")))
        await settle()

    assert ref.agent.state.seen == ["HEY by a for do"]


async def test_directives_are_carried_out_in_order(autojump_clock):
    async with quiet() as jido:
        ref, other = await jido.start_agent(Notebook), await jido.start_agent(Notebook, id="other")
        await ref.call(do(emit_to("other", note(1)), Hold(1), emit_to("other", note(2)), Hold(1)))
        await trio.sleep(0.5)
        halfway = other.agent.state.seen
        await trio.sleep(1)

    assert (halfway, other.agent.state.seen) == ([1], [1, 2])


class Greeting(Direct):
    """A strategy that has something done first."""

    def init(self, agent: Any) -> Any:
        return agent, (Emit(note("started")),)


class Greeter(Agent[Notes], routes=ROUTES, strategy=Greeting()): ...


async def test_directives_of_the_strategy_are_carried_out_when_a_life_begins(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Greeter)
        await settle()
        first = ref.agent.state.seen
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await settle()

    assert (first, ref.agent.state.seen, ref.incarnation) == (["started"], ["started"], 2)


class Shouting(Direct):
    """A strategy whose first directive asks what led to it."""

    def init(self, agent: Any) -> Any:
        return agent, (Shout("hey"), Error(ActionError("first thing")))


class Shouter(Agent[Notes], routes=ROUTES, strategy=Shouting(), error_policy="emit"): ...


async def test_what_leads_to_the_directives_of_the_strategy_is_the_start(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Shouter, id="a")
        await settle()

    assert ref.agent.state.seen[0] == "HEY by a for jido.agent.started"
    assert heard(ref.agent)[1] == "jido.agent.error"
    assert ref.incarnation == 1


# ---- children


async def with_child(jido: Jido, **options: Any) -> tuple[AgentRef[Any], AgentRef[Any]]:
    """Start a parent with one child."""
    child: dict[str, Any] = {"agent": Notebook, "tag": "t", "id": "child"} | options
    parent = await jido.start_agent(Notebook, id="parent")
    await parent.call(do(SpawnAgent(**child)))
    await settle()
    ref = jido.whereis("child")
    assert ref is not None
    return parent, ref


async def test_a_parent_hears_of_the_start_and_the_end_of_a_child(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido, meta={"why": "test"}, state={"seen": ["given"]})
        given = child.agent.state.seen
        await jido.stop_agent(child, "enough")
        await settle()

    assert given == ["given"]
    assert parent.agent.state.seen == [
        ("jido.agent.child.started", {"tag": "t", "id": "child", "meta": {"why": "test"}}),
        ("jido.agent.child.exit", {"tag": "t", "id": "child", "reason": "enough"}),
    ]


async def test_a_parent_hears_of_a_start_when_the_child_is_up(autojump_clock):
    async with quiet() as jido:
        slow, parent = await jido.start_agent(Notebook), await jido.start_agent(Notebook)
        await slow.cast(do(Hold(2)))
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(jido.stop_agent, slow)  # children can be started in two seconds only
            await wait_all_tasks_blocked()
            await parent.call(do(SpawnAgent(Notebook, tag="t")))
            await trio.sleep(1)
            early = heard(parent.agent)
        await settle()

    assert (early, heard(parent.agent)) == ([], ["jido.agent.child.started"])


async def test_a_child_that_is_restarted_is_no_news(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido)
        with pytest.raises(AgentCrashed):
            await child.call(BOOM)
        await settle()

        assert (child.incarnation, heard(parent.agent)) == (2, ["jido.agent.child.started"])


async def test_a_temporary_child_that_crashes_has_an_end(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido, restart="temporary")
        with pytest.raises(AgentCrashed):
            await child.call(BOOM)
        await settle()

    assert parent.agent.state.seen[-1] == ("jido.agent.child.exit", {"tag": "t", "id": "child", "reason": "crash"})


async def test_a_child_that_is_stopped_before_its_first_step_does_nothing(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        parent = await jido.start_agent(Notebook)
        unread = note("unread")
        await parent.call(do(SpawnAgent(Notebook, tag="t", id="child"), emit_to("child", unread), StopChild("t")))
        await settle()

    assert heard(parent.agent) == ["jido.agent.child.started", "jido.agent.child.exit"]
    assert letters == [DeadLetter("child", unread, "stopped")]


async def test_children_outlive_a_crash_of_their_parent_and_stay_its_children(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido)
        with pytest.raises(AgentCrashed):
            await parent.call(BOOM)
        await child.call(do(emit_to_parent(Signal("heard.up"))))
        await parent.call(do(StopChild("t")))
        await settle()

        assert (child.running, child.incarnation) == (False, 1)
    assert heard(parent.agent) == ["heard.up", "jido.agent.child.exit"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tag": "t", "id": "another"}, "has a child with tag 't' already"),
        ({"tag": "new", "id": "child"}, "an agent with the id 'child' lives already"),
        ({"tag": "new", "id": "another", "state": {"sene": 1}}, "sene"),
    ],
    ids=["tag in use", "id in use", "bad state"],
)
async def test_a_child_that_cannot_be_is_an_error_of_the_parent(autojump_clock, caplog, options, says):
    async with quiet() as jido:
        parent, child = await with_child(jido)
        await parent.call(do(SpawnAgent(Notebook, **options)))
        await settle()

        assert set(jido.list_agents()) == {parent, child}
        assert (child.running, parent.incarnation) == (True, 1)
    assert "agent 'parent': spawn failed:" in caplog.text
    assert says in caplog.text


async def test_a_tag_is_free_again_when_its_child_has_ended(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido)
        await jido.stop_agent(child)
        await parent.call(do(SpawnAgent(Notebook, tag="t", id="second")))
        await settle()

        assert jido.whereis("second") is not None


async def test_children_stop_with_their_parent(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido, restart="permanent")
        await child.call(do(SpawnAgent(Notebook, tag="g", id="grandchild")))
        await jido.stop_agent(parent)
        await settle()

        assert jido.list_agents() == ()


async def test_a_child_may_go_on_without_its_parent(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido, on_parent_death="continue")
        await jido.stop_agent(parent)
        agent = await child.call(do(emit_to_parent(note("nobody"))))
        await settle()

        assert (child.running, agent.state.seen, child.agent.state.seen) == (True, [], [])


async def test_an_orphan_may_hear_that_it_is_one(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido, on_parent_death="emit_orphan")
        await jido.stop_agent(parent)
        await settle()

        assert child.agent.state.seen == [("jido.agent.orphaned", {"parent": "parent", "tag": "t"})]


async def test_a_new_agent_with_the_id_of_a_parent_is_not_the_parent(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido)
        await child.cast(do(Hold(2)))
        await wait_all_tasks_blocked()
        await jido.stop_agent(parent)
        async with trio.open_nursery() as nursery:
            new = []

            async def start():
                new.append(await jido.start_agent(Notebook, id="parent"))

            nursery.start_soon(start)
            await trio.sleep(3)

        assert not child.running
        assert new[0].agent.state.seen == []


async def test_stop_child_ends_the_child_for_good_and_nobody_else(autojump_clock):
    async with quiet() as jido:
        parent, _ = await with_child(jido, restart="permanent")
        await parent.call(do(StopChild("t", "done with it"), StopChild("nobody")))
        await settle()

        assert jido.list_agents() == (parent,)
    assert parent.agent.state.seen[-1][1]["reason"] == "done with it"


async def test_news_of_the_family_that_nobody_routes_is_no_dead_letter(autojump_clock):
    class Deaf(Agent[Notes], routes={"do": ROUTES["do"]}): ...

    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Deaf)
        await ref.call(do(SpawnAgent(Deaf, tag="t"), StopChild("t")))
        await settle()

    assert letters == []


async def test_a_stopped_agent_emits_to_its_parent_no_more(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido)
        await child.call(do(Stop("done"), Emit(Signal("heard.after"), dispatch=ToParent())))
        await settle()

    assert heard(parent.agent) == ["jido.agent.child.started", "jido.agent.child.exit"]
