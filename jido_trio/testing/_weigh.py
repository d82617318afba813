"""Weigh: what one step takes for agents of growing size, in lines of Python and seconds of the processor."""

from __future__ import annotations

import sys
from typing import Any

from attrs import frozen

from jido_trio.core import Agent
from jido_trio.testing._told import told
from jido_trio.testing._walk import Step, attempted, disagrees, used


@frozen
class Weight:
    """What one step takes."""

    lines: int
    """Of Python."""
    seconds: float
    """Of the processor."""
    error: str = ""
    """The exception that left it."""


@frozen(eq=False)
class Weighing:
    """The same step for agents of growing size."""

    agents: tuple[Agent[Any], ...]
    step: Step


@frozen(eq=False)
class Swelling:
    """The same step again and again."""

    agent: Agent[Any]
    step: Step


_AGAIN = 16
"""So often is it gone through."""
_HUGE = 1_000_000
"""Characters beyond which a state isn't looked at any more."""


def swell(swelling: Swelling) -> tuple[int, ...]:
    """Return how many characters tell of the state after each of some steps that are all the same."""
    agent, sizes = swelling.agent, list[int]()
    for _ in range(_AGAIN):
        agent, _, error = attempted(agent, swelling.step)
        if error:
            break
        sizes.append(len(told(agent.state)))
        if sizes[-1] > _HUGE:
            break
    return tuple(sizes)


def weigh(weighing: Weighing) -> tuple[Weight, ...]:
    """Return for each size what a step takes, and whether it raises."""
    return tuple(_weight(agent, weighing.step) for agent in weighing.agents)


def _weight(agent: Agent[Any], step: Step) -> Weight:
    lines, took, error = _lines(agent, step), list[float](), ""
    for _ in range(3):
        began = used()
        _, _, error = attempted(agent, step)
        took.append(used() - began)
    return Weight(lines, min(took), "" if disagrees(agent) else error)


def _lines(agent: Agent[Any], step: Step) -> int:
    count = 0

    def trace(_: object, event: str, __: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        attempted(agent, step)
    finally:
        sys.settrace(before)
    return count
