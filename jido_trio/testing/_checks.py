"""Checks of what an agent is made of: one action, one strategy. Each is tried in an agent that has nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from attrs import frozen

from jido_trio.core import Action, Agent, Context, Emit, Result, Signal, Strategy
from jido_trio.errors import ActionError, InvalidDefinition
from jido_trio.redact import shown
from jido_trio.testing._carrier import agent_of
from jido_trio.testing._conformance import EXAMPLES, conformance
from jido_trio.testing._repertoire import state_of
from jido_trio.testing._strategies import Overrides, checked
from jido_trio.testing._subject import AgentUnderTest


def check_action(
    action: type[Action],
    *,
    state: type[Any] | None = None,
    laws: Collection[str] | None = None,
    examples: int = EXAMPLES,
    seed: int = 0,
    overrides: Overrides | None = None,
) -> None:
    """Fail unless an action obeys the laws of agents, in an agent that does nothing else.

    Args:
        action: The class.
        state: That of the agent; what `run` says of its context if None: `Context[Stock]`.
        laws: Names of those to try; all if None.
        examples: Trials for each law; half as many again begin in any state.
        seed: What the trials follow from.
        overrides: What to generate instead for a class, or for a field of one.

    Raises:
        AssertionError: A law is broken; the text has the counterexample.
        InvalidDefinition: It is no action that `cmd` runs, or it isn't known what state it is for.
    """
    given: object = action
    if not (isinstance(given, type) and issubclass(given, Action)) or given.is_abstract:
        raise InvalidDefinition(
            f"{shown(action)} is no action that can be run: give a subclass of Action with a `run`",
            field="action",
            value=action,
        )
    if action.is_async:
        raise InvalidDefinition(
            f"action {action.name!r} is async: `cmd` only asks for it, and its effects are no matter of these laws. "
            "Test it as an async function of a context",
            field="action",
            value=action,
        )
    found = state or state_of(action)
    if not isinstance(found, type):
        raise InvalidDefinition(
            f"action {action.name!r} doesn't say what state it is for: annotate `context: Context[State]`, "
            "or give state=State",
            field="state",
            value=found,
        )
    _check(AgentUnderTest(agent_of(found), (action,), checked(overrides)), laws, examples, seed)


def check_strategy(
    strategy: Strategy,
    *,
    state: type[Any] | None = None,
    actions: Sequence[type[Action]] = (),
    laws: Collection[str] | None = None,
    examples: int = EXAMPLES,
    seed: int = 0,
    overrides: Overrides | None = None,
) -> None:
    """Fail unless agents with a strategy obey the laws of agents.

    Args:
        strategy: The strategy; a value that can be pickled, so that other processes have it.
        state: That of the agents; without it they count.
        actions: What the agents are told; without it some that change the state, say no, and send a signal. Signals for
            the strategy's own routes are sent, too.
        laws: Names of those to try; all if None.
        examples: Trials for each law; half as many again begin in any state.
        seed: What the trials follow from.
        overrides: What to generate instead for a class, or for a field of one.

    Raises:
        AssertionError: A law is broken; the text has the counterexample.
        InvalidDefinition: It is no strategy, or has no actions for that state.
    """
    if state is not None and not actions:
        raise InvalidDefinition(
            f"check_strategy: there are no actions for {state.__qualname__}: give some, as actions=[Put, Take]",
            field="actions",
            value=actions,
        )
    cls: type[Agent[Any]] = agent_of(state or Tally, strategy=strategy)
    _check(AgentUnderTest(cls, tuple(actions) or SPECIMENS, checked(overrides)), laws, examples, seed)


def _check(subject: AgentUnderTest, laws: Collection[str] | None, examples: int, seed: int) -> None:
    report = conformance(subject, laws=laws, examples=examples, seed=seed)
    if not report.holds:
        raise AssertionError(str(report))


# ---- what a strategy is given to go through, if nobody says


@frozen
class Tally:
    """A number."""

    count: int = 0


class Add(Action):
    """Changes the state."""

    number: int = 1

    def run(self, context: Context[Tally]) -> Result:
        """Return the sum."""
        return {"count": context.state.count + self.number}


class Refuse(Action):
    """Says no."""

    def run(self, context: Context[Tally]) -> Result:
        """Say no."""
        raise ActionError("no")


class Announce(Action):
    """Asks for an effect."""

    def run(self, context: Context[Tally]) -> Result:
        """Return a signal to be sent."""
        return {}, Emit(Signal("told", context.state.count))


SPECIMENS: tuple[type[Action], ...] = (Add, Refuse, Announce)
