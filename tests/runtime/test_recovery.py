"""What a life begins with after a crash; the ladder of agents that keep their state; handling that takes too long."""

from typing import Any

import pytest
import trio
from attrs import evolve, field, frozen

from jido_trio.core import Action, Agent, Context, Direct, Result, Signal, SpawnAgent
from jido_trio.errors import AgentCrashed, InvalidDefinition, StartFailed
from jido_trio.runtime import AgentCrash, AgentRef, Jido, MailboxRules, Runtime, interpret
from jido_trio.supervision import Backoff, CrashReport
from tests.runtime.agents import BOOM, ROUTES, Notebook, Notes, WorkBadly, do, note, run, settle


def quiet(**options: Any) -> Jido:
    return Jido(**({"on_report": lambda _: None, "on_dead_letter": lambda _: None} | options))


class Keeper(Agent[Notes], routes=ROUTES, after_crash="committed"):
    """Goes on from the state it had."""


@frozen
class Hold:
    """A directive that keeps the agent busy."""

    seconds: float


@interpret.register
async def _(directive: Hold, runtime: Runtime) -> None:
    await trio.sleep(directive.seconds)


@frozen
class Fail:
    """A directive that crashes."""


@interpret.register
def _(directive: Fail, runtime: Runtime) -> None:
    raise ZeroDivisionError("a bug of an interpreter")


async def crash(ref: AgentRef[Any]) -> None:
    with pytest.raises(AgentCrashed):
        await ref.call(BOOM)


def state_of(jido: Jido, id: str) -> str:
    agents = jido.tree().children[-1].supervisor
    assert agents is not None
    return next(child.state for child in agents.children if child.id == id)


# ---- what is kept


async def test_an_agent_begins_afresh_unless_it_is_told_otherwise(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, state={"seen": ["given"]})
        await ref.call(note("lost"))
        await crash(ref)

        assert (await ref.call(note("new"))).state.seen == ["given", "new"]


@pytest.mark.parametrize(
    ("agent", "options"), [(Keeper, {}), (Notebook, {"after_crash": "committed"})], ids=["class", "start"]
)
async def test_a_committed_state_is_the_one_before_the_fatal_signal(autojump_clock, agent, options):
    async with quiet() as jido:
        ref = await jido.start_agent(agent, **options)
        await ref.call(note("kept"))
        ref.cast_nowait(note("too"))
        ref.cast_nowait(BOOM)
        ref.cast_nowait(note("waited"))
        await settle()

        assert (ref.incarnation, ref.agent.state.seen) == (2, ["kept", "too", "waited"])


async def test_the_start_has_the_last_word(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Keeper, after_crash="fresh")
        await ref.call(note("lost"))
        await crash(ref)

        assert ref.agent.state.seen == []


@pytest.mark.parametrize(
    "fatal", [do(Fail()), do(Hold(1), Fail()), do(run(WorkBadly()))], ids=["def", "async", "action"]
)
async def test_what_was_committed_before_an_effect_crashed_is_kept(autojump_clock, fatal):
    async with quiet() as jido:
        ref = await jido.start_agent(Keeper)
        await ref.call(note("kept"))
        await ref.cast(fatal)
        await trio.sleep(3)

        assert (ref.incarnation, ref.agent.state.seen) == (2, ["kept"])


async def test_a_killed_agent_keeps_what_was_committed(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Keeper)
        await ref.call(note("kept"))
        jido.kill_agent(ref)
        await settle()

        assert (ref.incarnation, ref.agent.state.seen) == (2, ["kept"])


async def test_a_thousand_rude_requests_cost_a_keeper_nothing(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Keeper, id="a", budget=None)
        await ref.call(note("kept"))
        for _ in range(900):
            ref.cast_nowait(BOOM)
        await settle(1)

        assert (ref.incarnation, ref.agent.state.seen, state_of(jido, "a")) == (901, ["kept"], "running")


async def test_a_child_may_keep_its_state(autojump_clock):
    async with quiet() as jido:
        parent = await jido.start_agent(Notebook)
        await parent.call(do(SpawnAgent(Notebook, "t", id="child", after_crash="committed")))
        child = jido.whereis("child")
        assert child is not None
        await child.call(note("kept"))
        await crash(child)

        assert child.agent.state.seen == ["kept"]


async def test_a_word_that_is_none_is_refused(autojump_clock):
    async with quiet() as jido:
        with pytest.raises(InvalidDefinition, match="did you mean 'committed'"):
            await jido.start_agent(Notebook, after_crash="commited")  # type: ignore[arg-type]  # the very mistake
        assert jido.list_agents() == ()
    with pytest.raises(InvalidDefinition, match="after_crash"):

        class Wrong(Agent[Notes], after_crash="kept"): ...  # type: ignore[arg-type]  # the very mistake


# ---- the strategy's word


@frozen
class Counting(Direct):
    """Notes each beginning of a life."""

    def init(self, agent: Any) -> Any:
        return agent.with_state(evolve(agent.state, seen=[*agent.state.seen, "begun"])), ()


class Counted(Agent[Notes], routes=ROUTES, strategy=Counting()): ...


@pytest.mark.parametrize(
    ("after_crash", "seen"),
    [("fresh", ["begun", "begun"]), ("committed", ["begun", "begun", "note", "begun", "begun"])],
)
async def test_init_says_what_each_life_begins_with(autojump_clock, after_crash, seen):
    async with quiet() as jido:
        ref = await jido.start_agent(Counted, after_crash=after_crash)  # `new` asks it, too
        await ref.call(note("note"))
        await crash(ref)
        await crash(ref)

        assert ref.agent.state.seen == seen


@frozen
class Nonsense(Direct):
    calls: list[object] = field(factory=list)

    def init(self, agent: Any) -> Any:
        self.calls.append(agent)
        return (agent, ()) if len(self.calls) == 1 else (None, ())


async def test_an_init_that_gives_no_agent_is_told_so(autojump_clock):
    class Confused(Agent[Notes], strategy=Nonsense()): ...

    async with quiet() as jido:
        with pytest.raises(StartFailed, match="gave None for a life to begin with"):
            await jido.start_agent(Confused)


# ---- the ladder


@frozen
class Picky(Direct):
    """What is done first crashes if the state holds one of the words; and `init` itself, if it holds "init"."""

    words: tuple[str, ...] = ("bad",)

    def init(self, agent: Any) -> Any:
        if "init" in agent.state.seen:
            raise ValueError("a state that no life can begin with")
        return agent, (CheckFor(self.words),)


@frozen
class CheckFor:
    words: tuple[str, ...]


@interpret.register
def _(directive: CheckFor, runtime: Runtime) -> None:
    if set(directive.words) & set(runtime.agent.state.seen):
        raise ValueError("a state that is bad")


class PickyAgent(Agent[Notes], routes=ROUTES, strategy=Picky(), after_crash="committed"): ...


@pytest.mark.parametrize(("word", "lives"), [("bad", 4), ("init", 4)])
async def test_a_state_that_no_life_can_begin_with_is_given_up_at_the_second_try(autojump_clock, caplog, word, lives):
    async with quiet() as jido:
        ref = await jido.start_agent(PickyAgent, id="a")
        await ref.call(note(word))
        await crash(ref)
        agent = await ref.call(note("alive"))

        assert (agent.state.seen, ref.incarnation) == (["alive"], lives)
    assert "agent 'a' begins afresh: twice it crashed" in caplog.text


async def test_an_agent_that_crashes_afresh_as_well_is_parked_at_once_and_can_be_resumed(autojump_clock, caplog):
    reports: list[Any] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(PickyAgent, id="a", state={"seen": ["bad"]})
        await settle()
        assert (state_of(jido, "a"), ref.incarnation) == ("parked", 3)
        assert "agent 'a' is parked: it crashes as its lives begin" in caplog.text

        await jido.resume_agent(ref)
        await settle()
        assert (state_of(jido, "a"), ref.incarnation) == ("parked", 6)
    assert len(reports) == 6


async def test_a_crash_at_a_signal_in_between_shows_that_there_is_hope(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(PickyAgent, id="a")
        for _ in range(10):
            await ref.call(note("good"))
            await crash(ref)

        assert (state_of(jido, "a"), ref.agent.state.seen) == ("running", ["good"] * 10)


@frozen
class Stumbling(Direct):
    """What is done first crashes every other time."""

    def init(self, agent: Any) -> Any:
        return agent, (Try(),)


@frozen
class Try:
    """A directive that crashes every other time."""


TRIES: list[str] = []


@interpret.register
def _(directive: Try, runtime: Runtime) -> None:
    TRIES.append(runtime.agent.id)
    if len(TRIES) % 2 == 0:
        raise ValueError("not yet")


async def test_crashes_as_lives_begin_count_only_if_nothing_is_handled_in_between(autojump_clock):
    class StumblingAgent(Agent[Notes], routes=ROUTES, strategy=Stumbling(), after_crash="committed"): ...

    TRIES.clear()
    async with quiet() as jido:
        ref = await jido.start_agent(StumblingAgent, id="a")
        for _ in range(5):
            await ref.call(note("good"))
            await crash(ref)
        await settle()

        assert (state_of(jido, "a"), ref.incarnation) == ("running", 11)
        assert ref.agent.state.seen == ["good"] * 5


async def test_an_agent_that_backs_off_is_never_parked_for_that(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(PickyAgent, id="a", state={"seen": ["bad"]}, backoff=Backoff(first=1, factor=1))
        await trio.sleep(10.5)

        assert (state_of(jido, "a"), ref.incarnation) == ("backing_off", 11)


async def test_an_agent_that_begins_afresh_by_default_has_its_budget_only(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(PickyAgent, id="a", state={"seen": ["bad"]}, after_crash="fresh")
        await settle()

        assert (state_of(jido, "a"), ref.incarnation) == ("parked", 101)


# ---- a signal that comes again


def again(times: int) -> dict[str, Any]:
    return {"id": "a", "mailbox": MailboxRules(redeliver=times)}


async def test_the_same_crash_at_the_same_signal_with_the_same_state_parks_at_once(autojump_clock, caplog):
    async with quiet() as jido:
        ref = await jido.start_agent(Keeper, **again(9))
        await ref.call(note("kept"))
        ref.cast_nowait(BOOM)
        ref.cast_nowait(note("behind"))
        await settle()
        assert (state_of(jido, "a"), ref.incarnation) == ("parked", 2)
        assert "agent 'a' is parked: twice a signal crashed it in the same way" in caplog.text
        assert jido.ledger().waiting == 2

        await jido.resume_agent(ref)
        await settle()
        assert (state_of(jido, "a"), ref.incarnation) == ("parked", 4)
        assert jido.ledger().balanced


async def test_a_signal_that_comes_again_for_the_last_time_parks_nobody(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Keeper, **again(1))
        ref.cast_nowait(BOOM)
        ref.cast_nowait(note("behind"))
        await settle()

        assert (state_of(jido, "a"), ref.incarnation, ref.agent.state.seen) == ("running", 3, ["behind"])
        assert [letter.signal for letter in jido.dead_letters()] == [BOOM]


class Stumble(Action):
    """Crashes three times, each time elsewhere."""

    def run(self, context: Context[Notes]) -> Result:
        TRIES.append("")
        if len(TRIES) == 1:
            raise ZeroDivisionError
        if len(TRIES) == 2:
            raise ZeroDivisionError
        return {"seen": ["at last"]}


async def test_other_crashes_at_the_signal_are_tried_as_often_as_is_asked(autojump_clock):
    class Walker(Agent[Notes], routes={"stumble": Stumble}, after_crash="committed"): ...

    TRIES.clear()
    async with quiet() as jido:
        ref = await jido.start_agent(Walker, **again(9))
        await ref.call(Signal("stumble"))

        assert (ref.incarnation, ref.agent.state.seen) == (3, ["at last"])


async def test_a_directive_that_crashes_is_no_reason_to_park(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Keeper, **again(9))
        for _ in range(5):
            await ref.call(do(Fail()))
        await settle()

        assert (state_of(jido, "a"), ref.incarnation) == ("running", 6)


# ---- handling that takes too long


class Impatient(Agent[Notes], routes=ROUTES, max_handle_time=2): ...


@pytest.mark.parametrize(
    ("agent", "options"), [(Impatient, {}), (Notebook, {"max_handle_time": 2})], ids=["class", "start"]
)
async def test_directives_that_take_too_long_together_are_a_crash(autojump_clock, agent, options):
    reports: list[Any] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(agent, **options)
        await ref.call(do(Hold(1.5), Hold(1.5), Fail()))
        start = trio.current_time()
        answer = await ref.call(note("next"))

        assert (ref.incarnation, answer.state.seen, trio.current_time() - start) == (2, ["next"], 2)
    [report] = reports
    assert isinstance(report, CrashReport)
    assert report.failure is not None
    assert "HandledTooLong" in str(report.failure)
    assert "was at the directives of signal 'do' for longer than 2 s" in str(report.failure)
    assert isinstance(report.detail, AgentCrash)
    assert report.detail.index == 1


async def test_what_is_done_in_time_is_no_crash(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Impatient)
        for _ in range(3):
            await ref.call(do(Hold(1.9)))
        await trio.sleep(10)

        assert ref.incarnation == 1


async def test_async_actions_have_a_timeout_of_their_own(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Impatient)
        await ref.call(do(run(WorkBadly(seconds=5))))
        await trio.sleep(4)

        assert ref.incarnation == 1


async def test_a_child_may_have_a_limit_too(autojump_clock):
    async with quiet() as jido:
        parent = await jido.start_agent(Notebook)
        await parent.call(do(SpawnAgent(Notebook, "t", id="child", max_handle_time=1)))
        child = jido.whereis("child")
        assert child is not None
        await child.call(do(Hold(5)))
        await trio.sleep(2)

        assert child.incarnation == 2


@pytest.mark.parametrize("seconds", [0, -1, "2", float("nan")])
async def test_a_limit_that_is_none_is_refused(autojump_clock, seconds):
    async with quiet() as jido:
        with pytest.raises(InvalidDefinition, match="max_handle_time"):
            await jido.start_agent(Notebook, max_handle_time=seconds)
        assert jido.list_agents() == ()
    with pytest.raises(InvalidDefinition, match="max_handle_time"):

        class Wrong(Agent[Notes], max_handle_time=seconds): ...
