"""`check_conversation`: the laws of a conversation with a model, for any rules, on random schedules."""

from __future__ import annotations

from typing import Protocol

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jido_trio.ai import Rules
from jido_trio.testing._chat_strategies import chat_rules
from jido_trio.testing._chat_world import World


class Chatting(Protocol):
    """A class of agents that speak with models, or the rules of their conversations."""

    rules: Rules


def check_conversation(
    of: Chatting | Rules | None = None, *, examples: int = 200, shrink: bool = True, seed: int | None = None
) -> None:
    """Hold conversations to their laws, on random schedules.

    The laws: what is sent is valid, and so is an idle conversation; each call of a tool has exactly one result, or is
    open, and results that are sent stand in the calls' order; at most one call of a model is in flight, and none while
    tools are; a try is sent once; the log gives the conversation; neither budget is overrun by what is booked and
    reserved, and what was paid is never more than that; an outcome belongs to the call that waits; a `once` tool runs
    at most once, and none before its `Begun`, nor before somebody approved where that is needed; who is asked something
    wants something; each request ends exactly once; asked twice is one request; and everything comes to rest when the
    world answers, from any point of the log on.

    Args:
        of: A class of agents or rules; random rules if not given.
        examples: How many schedules.
        shrink: Whether one that shows a fault is made as short as can be.
        seed: For the same schedules each time.

    Raises:
        AssertionError: A law is broken; Hypothesis shows the shortest schedule that it found.
    """
    rules = chat_rules() if of is None else st.just(of if isinstance(of, Rules) else of.rules)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]  # its members, says its metaclass
        report_multiple_bugs=False,
        phases=[phase for phase in Phase if shrink or phase is not Phase.shrink],
    )
    @given(rules, st.data())
    def conversations_keep_their_laws(rules: Rules, data: st.DataObject) -> None:
        world = World(rules, draw=data.draw)
        for _ in range(data.draw(st.integers(1, 25))):
            world.step()
        world.check_any_prefix(data.draw(st.integers(0, len(world.log))))
        world.rest()

    if seed is not None:
        conversations_keep_their_laws = hypothesis.seed(seed)(conversations_keep_their_laws)
    conversations_keep_their_laws()
