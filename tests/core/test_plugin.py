"""Plugins: slices, names, routes, hooks, and what agents that have none are spared."""

from typing import Any

import pytest
import trio
from attrs import evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from jido_trio import Action, ActionError, Agent, Context, Emit, Error, Instruction, Jido, ReplaceState, Result, Signal
from jido_trio.core import (
    Cron,
    Fsm,
    FsmState,
    PluggedState,
    Plugin,
    SpawnAgent,
    Transition,
    mark_of,
    migrated,
    snapshot_of,
)
from jido_trio.core._compiled import for_signal
from jido_trio.data import pack, unpack
from jido_trio.errors import InvalidDefinition, InvalidResult, PluginRefused, StartFailed
from jido_trio.runtime import get_children
from jido_trio.storage import MemoryStorage


@frozen
class Counted:
    n: int = 0


class Add(Action):
    by: int = 1

    def run(self, context: Context[Counted]) -> Result:
        if self.by < 0:
            raise ActionError("too few")
        return {"n": context.state.n + self.by}, Emit("added", {"by": self.by})


class Reset(Action):
    def run(self, context: Context[Counted]) -> Result:
        return ReplaceState(Counted())


@frozen
class SlackState:
    channel: str = "general"
    posted: list[str] = field(factory=list)


class Post(Action):
    text: str

    def run(self, context: Context[Any, Any]) -> Result:
        name = context["plugin"]
        posted = context.agent.plugin(Slack, name).posted
        return Slack.change({"posted": [*posted, self.text]}, name)


class Slack(Plugin[SlackState], vsn="2"):
    """Posts to Slack."""

    token: str
    channel: str = "general"

    def mount(self, agent: Any) -> dict[str, Any]:
        return {"channel": self.channel}

    def routes(self) -> dict[str, Any]:
        return {"post": Post}


class Chatty(Agent[Counted], plugins=[Slack(token="t", channel="ops")], routes={"add": Add, "reset": Reset}): ...


class Two(Agent[Counted], plugins=[Slack(token="a"), ("support", Slack(token="b", channel="help"))]): ...


def received(agent: Any, type: str, data: Any = None) -> tuple[Any, list[Any]]:
    after, directives = agent.receive(Signal(type, data))
    return after, list(directives)


# ---- slices


def test_a_slice_has_its_defaults_and_what_mounting_says():
    assert Chatty.new("c").plugin(Slack) == SlackState("ops")


def test_an_action_of_a_plugin_changes_its_slice_and_nothing_else():
    agent, directives = received(Chatty.new("c"), "slack.post", {"text": "hello"})

    assert agent.plugin(Slack) == SlackState("ops", ["hello"])
    assert (agent.state, directives) == (Counted(), [])


def test_replacing_the_state_leaves_slices():
    agent, _ = received(Chatty.new("c"), "slack.post", {"text": "hello"})
    agent, _ = received(agent, "reset")

    assert agent.plugin(Slack).posted == ["hello"]


def test_several_of_one_class_have_slices_configs_and_prefixes_of_their_own():
    agent, _ = received(Two.new("t"), "support.post", {"text": "help"})

    assert agent.plugin(Slack) == SlackState("general")
    assert agent.plugin(Slack, "support") == SlackState("help", ["help"])


def test_a_later_action_of_one_command_sees_the_slice_as_the_one_before_left_it():
    post = Instruction(Post, {"text": "x"}, {"plugin": "slack"})
    agent, _ = Chatty.new("c").cmd([post, post])

    assert agent.plugin(Slack).posted == ["x", "x"]


def test_changes_that_do_not_fit_are_a_failure_and_leave_the_agent():
    class Wrong(Action):
        def run(self, context: Context[Counted]) -> Result:
            return {"n": 5}, Slack.change({"chanel": "x"})

    agent, [error] = Chatty.new("c").cmd(Wrong)

    assert agent == Chatty.new("c")
    assert isinstance(error, Error)
    assert isinstance(error.error, InvalidResult)
    assert "did you mean 'channel'?" in str(error.error)


def test_a_later_plugin_sees_the_slice_of_an_earlier_one_when_it_is_mounted():
    class Later(Plugin[SlackState], requires=[Slack]):
        def mount(self, agent: Any) -> dict[str, Any]:
            return {"channel": agent.plugin(Slack).channel + "-too"}

    class Both(Agent, plugins=[Slack(token="t", channel="ops"), Later()]): ...

    assert Both.new("b").plugin(Later).channel == "ops-too"


def test_slices_are_kept_with_the_agent_and_are_part_of_what_it_is():
    agent, _ = received(Chatty.new("c"), "slack.post", {"text": "hello"})

    assert unpack(pack(agent.strategy_state)) == agent.strategy_state
    assert mark_of(agent) != mark_of(Chatty.new("c"))


def test_the_own_strategy_of_an_agent_keeps_what_is_its_own():
    table = Fsm(["a", FsmState("b", final="success")], [Transition("a", Add, "b")])

    class Machined(Agent[Counted], strategy=table, plugins=[Slack(token="t")]): ...

    agent, _ = Machined.new("m").cmd(Add())
    assert isinstance(agent.strategy_state, PluggedState)
    assert agent.strategy_state.own.state == "b"
    assert snapshot_of(agent).status == "success"
    assert received(agent, "slack.post", {"text": "x"})[0].plugin(Slack).posted == ["x"]


# ---- declarations


class Alone(Plugin, singleton=True): ...


class Failing(Plugin):
    def mount(self, agent: Any) -> dict[str, Any]:
        raise OSError("no net")


class Unmountable(Agent, plugins=[Failing()]): ...


REFUSED = {
    "no plugin": (lambda: type("A", (Agent,), {}, plugins=[3]), "3 is no plugin"),
    "twice": (
        lambda: type("A", (Agent,), {}, plugins=[Slack(token="a"), Slack(token="b")]),
        "two plugins are called 'slack'",
    ),
    "singleton": (lambda: type("A", (Agent,), {}, plugins=[("x", Alone())]), "'alone' is a singleton"),
    "singleton twice": (lambda: type("A", (Agent,), {}, plugins=[Alone(), Alone()]), "'alone' is a singleton"),
    "config": (lambda: Slack(tokn="x"), "did you mean 'token'?"),  # type: ignore[call-arg]
    "mount": (lambda: Unmountable.new(), "plugin 'failing' can't be mounted"),
    "name": (lambda: type("A", (Agent,), {}, plugins=[("a b", Slack(token="x"))]), "can't be named 'a b'"),
    "not there": (lambda: Chatty.new("c").plugin(Alone), "has no plugin 'alone' (known: slack)"),
    "requires": (
        lambda: type("A", (Agent,), {}, plugins=[type("Needs", (Plugin,), {}, requires=[Slack, Alone])()]),
        "requires slack, alone: name them before it",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_had_is_refused_by_name(case):
    make, said = REFUSED[case]
    with pytest.raises(InvalidDefinition) as refusal:
        make()

    assert said in str(refusal.value)


def test_a_subclass_has_the_plugins_of_its_base_and_may_have_others():
    class Sub(Chatty, routes={"add": Add}): ...

    class Other(Chatty, plugins=[]): ...

    assert Sub.new("s").plugin(Slack).channel == "ops"
    assert Sub.router.has("slack.post")
    assert not Other.router.has("slack.post")


def test_a_prefix_is_not_doubled():
    class Says(Plugin):
        def routes(self) -> dict[str, Any]:
            return {"says.a": Add, "b": Add}

    class Saying(Agent[Counted], plugins=[Says()]): ...

    assert Saying.router.patterns == ("says.a", "says.b")


def test_all_routes_that_match_are_taken():
    class Also(Plugin):
        def routes(self) -> dict[str, Any]:
            return {"also.add": [Add, Add]}

    class Adding(Agent[Counted], plugins=[Also()], routes={"also.add": Add}): ...

    assert received(Adding.new("a"), "also.add")[0].state.n == 3


def test_an_agent_without_plugins_is_compiled_as_ever():
    class Plain(Agent[Counted], routes={"add": Add}): ...

    assert for_signal(Plain, Agent, "add") is not None
    assert for_signal(Chatty, Agent, "add") is None
    assert Plain.new("p").strategy_state is None


# ---- hooks


class Guard(Plugin):
    """Does what its config says."""

    fails: str = ""
    odd: str = ""

    def _do(self, hook: str, good: Any) -> Any:
        if self.fails == hook:
            raise ZeroDivisionError
        return 5 if self.odd == hook else good

    def on_signal(self, signal: Signal, agent: Any) -> Any:
        if signal.type == "forbidden":
            raise ActionError("forbidden")
        return self._do("on_signal", evolve(signal, type="add") if signal.type == "plus" else signal)

    def on_action(self, action: Action, agent: Any, signal: Any) -> Any:
        return self._do("on_action", {"who": "guard"})

    def on_result(self, action: Action, before: Any, after: Any) -> Any:
        return self._do("on_result", after.set({"n": min(after.state.n, 10)}))

    def on_emit(self, emit: Emit, agent: Any) -> Any:
        return self._do("on_emit", Emit(evolve(emit.signal, subject="signed")))


def guarded(**config: Any) -> Any:
    class Guarded(Agent[Counted], plugins=[Guard(**config)], routes={"add": Add, "who": Who}): ...

    return Guarded.new("g")


class Who(Action):
    def run(self, context: Context[Counted]) -> Result:
        return {"n": len(context["who"])}


def test_a_signal_may_be_rewritten_before_it_is_routed():
    assert received(guarded(), "plus")[0].state.n == 1


def test_a_signal_may_be_refused():
    agent, [error] = received(guarded(), "forbidden")

    assert (agent.state, error.error) == (Counted(), ActionError("forbidden"))


def test_an_action_is_given_what_a_hook_adds():
    assert received(guarded(), "who")[0].state.n == 5


def test_a_result_may_be_changed():
    assert received(guarded(), "add", {"by": 50})[0].state.n == 10


def test_what_is_emitted_may_be_changed():
    _, [emit] = received(guarded(), "add")

    assert emit.signal.subject == "signed"


@pytest.mark.parametrize("hook", ["on_signal", "on_action", "on_result", "on_emit"])
@pytest.mark.parametrize("how", ["fails", "odd"])
def test_a_hook_that_fails_refuses_what_it_was_asked_about(hook, how):
    agent, [error] = received(guarded(**{how: hook}), "add")

    assert isinstance(error.error, PluginRefused)
    assert (error.error.plugin, error.error.hook) == ("guard", hook)
    assert agent.state.n == (1 if hook == "on_emit" else 0)


@frozen
class Noted:
    n: int = 0


class Altering(Plugin[Noted]):
    """Gives agents that can't be."""

    how: Any = None

    def on_result(self, action: Action, before: Any, after: Any) -> Any:
        return self.how(before, after)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (lambda before, after: evolve(after, id="other"), "another id"),
        (lambda before, after: evolve(after, id=5), "another id"),
        (lambda before, after: evolve(after, strategy_state=None), "no slices"),
        (lambda before, after: evolve(after, strategy_state=evolve(after.strategy_state, slices={})), "no slices"),
        (lambda before, after: evolve(after, strategy_state=evolve(after.strategy_state, own=5)), "strategy remembers"),
        (
            lambda before, after: evolve(
                after,
                strategy_state=evolve(after.strategy_state, slices={"altering": Noted("x")}),  # type: ignore[arg-type]
            ),
            "expected int, got 'x' @ altering.n",
        ),
        (lambda before, after: evolve(after, state=5), "expected Counted or a mapping, got 5 @ state"),
        (lambda before, after: evolve(after, state=Counted("x")), "expected int, got 'x' @ state.n"),  # type: ignore[arg-type]
    ],
)
def test_a_result_that_can_not_be_is_refused(how, why):
    class Altered(Agent[Counted], plugins=[Altering(how=how)], routes={"add": Add}): ...

    agent, [error] = received(Altered.new("a"), "add")

    assert agent == Altered.new("a")
    assert isinstance(error.error, PluginRefused)
    assert why in str(error.error)


def test_a_hook_may_give_the_agent_as_it_was_or_with_another_state():
    as_before = Altering(how=lambda before, after: before)
    with_seven = Altering(how=lambda before, after: evolve(after, state=Counted(7)))

    class Before(Agent[Counted], plugins=[as_before], routes={"add": Add}): ...

    class Other(Agent[Counted], plugins=[with_seven], routes={"add": Add}): ...

    assert received(Before.new("a"), "add")[0] == Before.new("a")
    assert received(Other.new("a"), "add")[0].state == Counted(7)


def test_a_hook_can_not_shadow_what_an_action_is_told_nor_another_hook():
    class Shadow(Plugin):
        def on_action(self, action: Action, agent: Any, signal: Any) -> Any:
            return {"state": 1}

    class Again(Plugin):
        def on_action(self, action: Action, agent: Any, signal: Any) -> Any:
            return {"who": 1}

    class Shadowed(Agent[Counted], plugins=[Shadow()]): ...

    class Doubled(Agent[Counted], plugins=[Guard(), Again()]): ...

    for cls, said in ((Shadowed, "reserved"), (Doubled, "'who' is there")):
        agent, [error] = cls.new("x").cmd(Add())
        assert isinstance(error, Error)
        assert said in str(error.error)
        assert agent.state == Counted()


# ---- alive


class Ticking(Plugin):
    def routes(self) -> dict[str, Any]:
        return {"tick": Add, "seen": Add}

    def schedules(self) -> list[Cron]:
        return [Cron("* * * * *", Signal("tick"))]

    def sensors(self) -> dict[str, Any]:
        return {"eye": seeing}

    def children(self) -> list[SpawnAgent]:
        return [SpawnAgent(Chatty, "helper")]


async def seeing():
    await trio.sleep(1)
    yield "ticking.seen", {}


class Bug(Action):
    def run(self, context: Context[Counted]) -> Result:
        raise ZeroDivisionError


class Ticks(Agent[Counted], plugins=[Ticking()], routes={"bug": Bug, "**": Reset}): ...


async def test_a_plugin_brings_jobs_sensors_and_children(autojump_clock):
    assert [cron.message.type for cron in Ticks.schedules] == ["ticking.tick"]
    async with Jido(on_report=lambda report: None) as jido:
        ref = await jido.start_agent(Ticks, id="t")
        await trio.sleep(2)
        assert list(get_children(ref)) == ["ticking.helper"]
        await ref.cast(Signal("bug"))
        await trio.sleep(1)
        assert ref.incarnation == 2
        assert list(get_children(ref)) == ["ticking.helper"]


async def test_a_call_is_told_what_a_plugin_refuses_and_the_agent_lives(autojump_clock):
    async with Jido() as jido:
        ref = await jido.start_agent(guarded(fails="on_action"))
        with pytest.raises(PluginRefused):
            await ref.call(Signal("add"))
        assert ref.incarnation == 1


async def test_a_plugin_that_can_not_be_mounted_fails_the_start(autojump_clock):
    class Broken(Agent, plugins=[Failing()]): ...

    async with Jido() as jido:
        with pytest.raises((InvalidDefinition, StartFailed), match="failing"):
            await jido.start_agent(Broken)


def test_an_agent_that_was_kept_without_a_plugin_has_it_mounted_when_it_begins():
    class More(Agent[Counted], plugins=[Slack(token="t"), Alone()]): ...

    agent, _ = received(Chatty.new("c"), "slack.post", {"text": "kept"})
    begun, _ = More.strategy.init(More("c", agent.state, agent.strategy_state))
    from_plain, _ = More.strategy.init(More("c", agent.state, None))

    assert begun.plugin(Slack).posted == ["kept"]
    assert [*begun.strategy_state.slices] == [*from_plain.strategy_state.slices] == ["slack", "alone"]


def test_an_agent_of_another_class_keeps_the_slices_that_this_one_has_too():
    class Later(Agent[Counted], plugins=[Alone(), Slack(token="other")]): ...

    agent, _ = received(Chatty.new("c"), "slack.post", {"text": "kept"})
    later = migrated(agent, Later)

    assert later.plugin(Slack).posted == ["kept"]


class Kept(Chatty, durable=True): ...


async def test_a_durable_agent_comes_back_with_its_slices(autojump_clock):
    storage = MemoryStorage()
    for text in ("one", "two"):
        async with Jido("shop", storage=storage) as jido:
            ref = await jido.start_agent(Kept, id="k")
            await ref.call(Signal("slack.post", {"text": text}))
            agent = ref.agent
    assert agent.plugin(Slack).posted == ["one", "two"]


plain = st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["token", "channel", "chanel", "name", "routes"]), plain, max_size=4))
def test_whatever_the_config_it_fits_or_is_refused_by_a_sentence(config):
    try:
        slack = Slack(**config)
    except InvalidDefinition:
        assert not (
            config.keys() <= {"token", "channel"}
            and all(type(value) is str for value in config.values())
            and "token" in config
        )
    else:
        assert type(slack.token) is str
