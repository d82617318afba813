"""Errors that can't be told: whatever their text, the caller is answered, the crash reported, and the agent goes on."""

from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio.core import Action, Agent, Context, Emit, Error, Result, Signal, SpawnAgent, Stop, ToAgent
from jido_trio.errors import ActionError, AgentCrashed
from jido_trio.runtime import Jido, Runtime, interpret
from tests.runtime.agents import ROUTES, Notebook, Notes, do, note, settle


class Vague(Exception):
    def __str__(self) -> str:
        return self.reason  # type: ignore[attr-defined, no-any-return]  # which nobody ever set


class Mute(Exception):
    def __str__(self) -> str:
        return None  # type: ignore[return-value]  # noqa: PLE0307


class Huge(Exception):
    def __str__(self) -> str:
        return "x" * 10**6


class Twisted(Exception):
    def __str__(self) -> str:
        return "one\nline\x1b[2J\ud800"


class Odd(ActionError):
    def __str__(self) -> str:
        raise ValueError("no words")


ERRORS: dict[str, type[Exception]] = {each.__name__: each for each in (Vague, Mute, Huge, Twisted, Odd)}
each_error = pytest.mark.parametrize("name", ERRORS)


@frozen
class Raise:
    """A directive that raises the error of that name."""

    name: str


@frozen
class RaiseLater:
    """The same, after a second."""

    name: str


@interpret.register
def _(directive: Raise, runtime: Runtime) -> None:
    raise ERRORS[directive.name]


@interpret.register
async def _(directive: RaiseLater, runtime: Runtime) -> None:
    await trio.sleep(1)
    raise ERRORS[directive.name]


class Fail(Action):
    error: str

    def run(self, context: Context[Notes]) -> Result:
        raise ERRORS[self.error]


class FailLater(Action):
    error: str

    async def run(self, context: Context[Notes]) -> Result:
        await trio.sleep(1)
        raise ERRORS[self.error]


class Failing(Agent[Notes], routes={**ROUTES, "fail": Fail, "fail.later": FailLater}): ...


def quiet(reports: list[Any], **options: Any) -> Jido:
    return Jido(on_report=reports.append, on_dead_letter=lambda _: None, **options)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@each_error
async def test_a_caller_is_told_of_a_crash_whatever_its_text(autojump_clock, name, busy):
    reports: list[Any] = []
    async with quiet(reports) as jido:
        ref = await jido.start_agent(Failing)
        if busy:
            ref.cast_nowait(note("first"))
        if name == "Odd":  # a failure that was declared
            with pytest.raises(Odd):
                await ref.call(Signal("fail", {"error": name}), timeout=None)
            assert ref.incarnation == 1
            return
        with pytest.raises(AgentCrashed) as crash:
            await ref.call(Signal("fail", {"error": name}), timeout=None)
        agent = await ref.call(note("alive"), timeout=None)

    assert name in crash.value.error
    assert len(str(crash.value)) < 1000
    assert str(crash.value).isprintable()
    assert (agent.state.seen, ref.incarnation) == (["alive"], 2)
    assert [name in str(report) for report in reports] == [True]


@pytest.mark.parametrize(
    "cause",
    [
        lambda name: do(Raise(name)),
        lambda name: do(RaiseLater(name)),
        lambda name: Signal("fail.later", {"error": name}),
    ],
    ids=["a def interpreter", "an async interpreter", "an async action"],
)
@each_error
async def test_a_crash_that_no_caller_is_told_of_is_reported_whatever_its_text(autojump_clock, name, cause):
    reports: list[Any] = []
    async with quiet(reports) as jido:
        ref = await jido.start_agent(Failing)
        await ref.call(cause(name), timeout=None)
        await trio.sleep(3)
        await ref.call(note("alive"), timeout=None)

    declared = name == "Odd"
    assert ref.incarnation == (1 if declared else 2)
    assert [name in str(report) for report in reports] == ([] if declared else [True])


class BadRepr:
    def __repr__(self) -> str:
        raise ValueError("no picture")

    __str__ = __repr__


@frozen(eq=False)
class Ugly:
    """A directive that nobody interprets and that can't be shown."""

    def __repr__(self) -> str:
        raise ValueError("no picture")


class ReturnUgly(Action):
    def run(self, context: Context[Notes]) -> Result:
        return Ugly()


class Uncouth(Agent[Notes], routes={**ROUTES, "ugly": ReturnUgly}): ...


async def test_a_directive_that_cant_be_shown_is_named_all_the_same(autojump_clock):
    reports: list[Any] = []
    async with quiet(reports) as jido:
        ref = await jido.start_agent(Uncouth)
        await ref.call(Signal("ugly"))
        await ref.call(note("alive"), timeout=None)

    assert "Ugly" in str(reports[0])


@pytest.mark.parametrize("policy", ["log", "emit", "stop", "crash"])
async def test_an_error_of_ones_own_without_text_is_dealt_with_by_policy(autojump_clock, policy):
    class Strict(Agent[Notes], routes=ROUTES, error_policy=policy): ...

    reports: list[Any] = []
    async with quiet(reports) as jido:
        parent = await jido.start_agent(Notebook, id="parent")
        await parent.call(do(SpawnAgent(Strict, tag="t", id="child")))
        child: Any = jido.whereis("child")
        await child.call(do(Error(Odd("said"), context="x\ny")), timeout=None)
        await settle()
        others = await parent.call(note("alive"), timeout=None)

        assert (child.running, child.incarnation) == (policy != "stop", 2 if policy == "crash" else 1)
    assert others.state.seen[-1] == "alive"


async def test_a_reason_that_cant_be_told_is_told_as_far_as_it_can(autojump_clock):
    async with quiet([]) as jido:
        parent = await jido.start_agent(Notebook, id="parent")
        await parent.call(do(SpawnAgent(Notebook, tag="t", id="child")))
        await jido.stop_agent("child", BadRepr())
        await settle()

    assert "BadRepr" in parent.agent.state.seen[-1][1]["reason"]


async def test_what_is_no_signal_is_refused_whatever_its_picture(autojump_clock):
    async with quiet([]) as jido:
        ref: Any = await jido.start_agent(Notebook)
        for send in (ref.call, ref.cast):
            with pytest.raises(TypeError, match="BadRepr"):
                await send(BadRepr())
        with pytest.raises(TypeError, match="BadRepr"):
            ref.cast_nowait(BadRepr())
        with pytest.raises(ValueError, match="timeout"):
            await ref.call(note("a"), timeout=float("nan"))


async def test_a_stop_may_have_any_reason(autojump_clock):
    async with quiet([]) as jido:
        ref, other = await jido.start_agent(Notebook), await jido.start_agent(Notebook, id="other")
        await ref.call(do(Emit(note("before"), dispatch=ToAgent("other")), Stop(("a", 1, None))))
        await settle()

    assert (ref.running, other.agent.state.seen) == (False, ["before"])
