"""The check of an interpreter: what its directive does to its agent and the neighbours, also when it is cut off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import trio
import trio.testing
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jido_trio import checks
from jido_trio.core import Action, Agent, Context, Result, Signal
from jido_trio.errors import AgentNotFound, CallError
from jido_trio.redact import shown
from jido_trio.runtime import Jido
from jido_trio.supervision import CrashReport
from jido_trio.testing._instance_laws import check_calm, check_isolation, check_ledger
from jido_trio.testing._strategies import NONE, Overrides, states
from jido_trio.testing._tasks import tasks
from jido_trio.testing._told import told

D = TypeVar("D")

SECONDS = 3600.0
"""Virtual seconds within which a directive is carried out, unless it is said otherwise."""


def check_interpreter(
    directive: type[D] | st.SearchStrategy[D],
    *,
    resources: Mapping[Any, object] | None = None,
    crashes: tuple[type[Exception], ...] = (),
    seconds: float = SECONDS,
    examples: int = 50,
    overrides: Overrides = NONE,
) -> None:
    """Fail unless directives of a class are carried out as an agent may expect, in virtual time.

    Each is given to an agent that lives beside another one. It is carried out within `seconds`, or crashes its agent
    with what is in `crashes`; it isn't changed; the neighbour goes on in its first life; the agent answers afterwards;
    each message has one fate. The same, once the agent is killed or stopped meanwhile; and no task is left.

    Args:
        directive: Its class, whose fields say what to make; or a strategy.
        resources: Those of the instance.
        crashes: What it may crash its agent with.
        seconds: Virtual seconds that it may take.
        examples: How many to try.
        overrides: What to generate instead for a class, or for a field of one.

    Raises:
        AssertionError: A law is broken; Hypothesis shows the smallest directive that it found.
        InvalidDefinition: `seconds` is no time.
    """
    checks.seconds("check_interpreter", "seconds", seconds, above_zero=True)
    made = directive if isinstance(directive, st.SearchStrategy) else states(directive, overrides=overrides)
    trial = _Trial(resources or {}, crashes, seconds)

    @settings(
        max_examples=examples, deadline=None, database=None, report_multiple_bugs=False, suppress_health_check=_HEALTHY
    )
    @given(made, st.sampled_from(["nothing", "kill", "stop"]), st.sampled_from([0.0, 0.1, 1.0]))
    def carried_out_as_an_agent_may_expect(directive: D, then: str, after: float) -> None:
        trio.run(trial.play, directive, then, after, clock=trio.testing.MockClock(autojump_threshold=0))

    carried_out_as_an_agent_may_expect()


_HEALTHY = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
_given: list[object] = []
"""What the agent gives."""


@frozen
class Asked:
    """How often an agent was asked something."""

    times: int = 0


class Give(Action):
    """Gives the directive that is tried."""

    def run(self, context: Context[Asked]) -> Result:
        """Return it."""
        return {"times": context.state.times + 1}, [_given[-1]]


class Ask(Action):
    """Asks nothing but an answer."""

    def run(self, context: Context[Asked]) -> Result:
        """Count."""
        return {"times": context.state.times + 1}


class Interpreted(Agent[Asked], routes={"give": Give, "ask": Ask}):
    """An agent that gives a directive when it is told to."""


@frozen
class _Trial:
    resources: Mapping[Any, object]
    crashes: tuple[type[Exception], ...]
    seconds: float

    async def play(self, directive: object, then: str, after: float) -> None:
        """Give an agent a directive, and look at what comes of it."""
        ends: dict[str, int] = {}
        unmeant: list[str] = []

        def hear(report: object) -> None:
            if isinstance(report, CrashReport):
                ends[report.child] = ends.get(report.child, 0) + report.ended
                names = {error.__name__ for error in self.crashes}
                if report.failure is not None and report.failure.type.rpartition(".")[2] not in names:
                    unmeant.append(str(report))

        before, outside = told(directive), {id(task) for _, task in tasks()}
        _given.append(directive)
        try:
            async with Jido(
                max_restarts=1_000_000, resources=self.resources, on_report=hear, on_dead_letter=_nothing, shutdown=None
            ) as jido:
                await self._story(jido, then, after)
                check_ledger(jido)
                check_isolation(jido, ends)
        finally:
            _given.pop()
        assert told(directive) == before, f"the directive was changed: {shown(directive)}"
        assert not unmeant, f"it crashes its agent: {unmeant[0]}"
        left = [task.name for _, task in tasks() if id(task) not in outside]
        assert not left, f"it leaves a task behind: {', '.join(left)}"

    async def _story(self, jido: Jido, then: str, after: float) -> None:
        agent = await jido.start_agent(Interpreted, id="agent", budget=None)
        neighbour = await jido.start_agent(Interpreted, id="neighbour", budget=None)
        agent.cast_nowait(Signal("give"))
        await trio.sleep(after)
        answered = await neighbour.call(Signal("ask"), timeout=1)
        assert (answered.state.times, neighbour.incarnation) == (1, 1), "the neighbour went down with it"
        try:
            if then == "kill":
                jido.kill_agent(agent)
            elif then == "stop":
                with trio.fail_after(self.seconds):
                    await jido.stop_agent(agent)
                return
        except AgentNotFound:
            return  # the directive has stopped it
        try:
            await agent.call(Signal("ask"), timeout=self.seconds)
        except (AgentNotFound, CallError) as error:
            if agent.running:
                raise AssertionError(
                    f"the agent doesn't answer within {self.seconds:g} s afterwards: {error}"
                ) from error
            return
        await trio.testing.wait_all_tasks_blocked()
        check_calm(agent)


def _nothing(_: object) -> None:
    """Heed nothing."""
