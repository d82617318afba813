"""A plan in one go, within an action or without an agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import trio

from jido_trio.core import Context, Outcome, Plan, PlanRun, RunInstruction
from jido_trio.errors import ActionError, InvalidDefinition, PlanFailed
from jido_trio.redact import shown
from jido_trio.runtime._life_tasks import open_plain_nursery
from jido_trio.runtime._run import run


async def run_plan(
    plan: Plan, context: Context[Any] | Mapping[str, Any] | None = None, *, limit: int = 10, **options: Any
) -> PlanRun:
    """Return a run of a plan that has come to a good end; its `results` are by the names of the steps.

    A bug in a step is raised as it is, and cancels the others; nothing is undone then. Cancelling does the same.

    Args:
        plan: The plan.
        context: As `run` takes it, for all steps.
        limit: So many steps are under way at once.
        **options: As `run` takes them.

    Raises:
        InvalidDefinition: It is no plan, or the limit is no number.
        PlanFailed: A step failed that mustn't; it says what was done and what was undone.
    """
    if not isinstance(plan, Plan):  # pyright: ignore[reportUnnecessaryIsInstance]  # its caller may not know
        raise InvalidDefinition(f"{shown(plan)} is no plan: give a Plan of steps", field="plan", value=plan)
    now, begun = PlanRun(plan, limit).start()
    await trio.lowlevel.checkpoint()

    async def step(asked: RunInstruction) -> None:
        nonlocal now
        try:
            result = await run(asked.instruction, context, **options)
            outcome = Outcome(asked.instruction, result, meta=asked.meta)
        except ActionError as error:
            outcome = Outcome(asked.instruction, None, error, asked.meta)
        now, following = now.after(outcome)
        for each in following:
            nursery.start_soon(step, each)

    async with open_plain_nursery() as nursery:
        for each in begun:
            nursery.start_soon(step, each)
    if now.status == "failed":
        raise PlanFailed(dict(now.failed), now.done, now.undone, dict(now.not_undone))
    return now
