"""Checks of what an agent is made of: one action, one strategy, one plugin. Each is tried in an agent of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from jido_trio.core import Action, Agent, Plugin, Strategy
from jido_trio.errors import InvalidDefinition
from jido_trio.testing._bench import EXAMPLES
from jido_trio.testing._carrier import agent_of
from jido_trio.testing._conformance import conformance
from jido_trio.testing._specimens import SPECIMENS, Tally
from jido_trio.testing._strategies import Overrides, checked
from jido_trio.testing._subject import AgentUnderTest, subject_of_action, subject_of_plugin


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
    _check(subject_of_action(action, state, overrides), laws, examples, seed)


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


def check_plugin(
    plugin: Plugin[Any] | type[Plugin[Any]],
    *,
    beside: Sequence[Plugin[Any]] = (),
    may_change_state: bool = False,
    laws: Collection[str] | None = None,
    examples: int = EXAMPLES,
    seed: int = 0,
    overrides: Overrides | None = None,
) -> None:
    """Fail unless a plugin obeys the laws of agents and of plugins, in an agent that counts.

    Args:
        plugin: The plugin; or its class, if all of its config has defaults.
        beside: Plugins that it requires; those without config are there anyway.
        may_change_state: Whether its `on_result` may change the agent's state, and not only its own slice.
        laws: Names of those to try; all if None.
        examples: Trials for each law; half as many again begin in any state.
        seed: What the trials follow from.
        overrides: What to generate instead for a class, or for a field of one.

    Raises:
        AssertionError: A law is broken; the text has the counterexample.
        InvalidDefinition: It is no plugin, or no agent can have it.
    """
    subject = subject_of_plugin(plugin, beside=beside, overrides=overrides, may_change_state=may_change_state)
    _check(subject, laws, examples, seed)


def _check(subject: AgentUnderTest, laws: Collection[str] | None, examples: int, seed: int) -> None:
    report = conformance(subject, laws=laws, examples=examples, seed=seed)
    if not report.holds:
        raise AssertionError(str(report))
