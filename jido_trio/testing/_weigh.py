"""Weigh: how many lines of Python, and how many seconds of the processor, one step takes for agents of growing size."""

from __future__ import annotations

import sys
from typing import Any

from attrs import frozen

from jido_trio.core import Agent
from jido_trio.testing._walk import Step, attempted, used


@frozen(eq=False)
class Weighing:
    """The same step for agents of growing size."""

    agents: tuple[Agent[Any], ...]
    step: Step


def weigh(weighing: Weighing) -> tuple[tuple[int, float], ...]:
    """Return for each size how many lines of Python a step takes, and how many seconds of the processor."""
    return tuple((_lines(agent, weighing.step), _seconds(agent, weighing.step)) for agent in weighing.agents)


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


def _seconds(agent: Agent[Any], step: Step) -> float:
    took = []
    for _ in range(3):
        began = used()
        attempted(agent, step)
        took.append(used() - began)
    return min(took)
