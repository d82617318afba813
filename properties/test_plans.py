"""Plans of all shapes: those with a circle are refused, the others end, whatever their steps come to."""

from graphlib import CycleError, TopologicalSorter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jido_trio import Action, Context, InvalidDefinition, Permanent, Result
from jido_trio.core import From, Outcome, Plan, PlanRun, RunInstruction, Step

NAMES = "abcdef"


class Work(Action):
    given: object = None

    async def run(self, context: Context[Any]) -> Result: ...

    async def undo(self, context: Context[Any], result: Result) -> None: ...


class Plain(Action):
    given: object = None

    async def run(self, context: Context[Any]) -> Result: ...


@st.composite
def steps(draw: Any, name: str | None = None, others: str = NAMES) -> Step:
    """A step that may need some of those others."""
    some = st.sampled_from(others) if others else st.nothing()
    values = st.none() | some.map(From) | some.map(lambda other: [From(other, "x")])
    return Step(
        name or draw(st.sampled_from(NAMES)),
        draw(st.sampled_from([Work, Plain])),
        {"given": draw(values)},
        needs=draw(st.lists(some, max_size=2)) if others else [],
        on_failure=draw(st.sampled_from(["undo", "stop", "skip"])),
    )


SOUND = st.permutations(NAMES).flatmap(
    lambda names: st.tuples(*(steps(name, "".join(names[:at])) for at, name in enumerate(names))).map(list)
)
ANY = SOUND | st.lists(steps(), max_size=6)


def is_sound(given: list[Step]) -> bool:
    """The same question, put to the sorter of the standard library."""
    names = [each.name for each in given]
    if len(set(names)) < len(names) or any(need not in names for each in given for need in each.after):
        return False
    try:
        TopologicalSorter({each.name: each.after for each in given}).prepare()
    except CycleError:
        return False
    return True


def checked(given: list[Step]) -> Plan | None:
    try:
        return Plan(*given)
    except InvalidDefinition:
        return None


def driven(plan: Plan, data: Any) -> tuple[PlanRun, list[str]]:
    """A run to its end, with outcomes in any order, and the undoes in the order in which they were asked for."""
    run, waiting = PlanRun(plan, data.draw(st.integers(1, 3))).start()
    undoes = list[str]()
    while waiting:
        asked: RunInstruction = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
        fails = data.draw(st.integers(0, 3)) == 0
        result = data.draw(st.sampled_from([{"x": 1}, {}, None]))
        outcome = Outcome(asked.instruction, result, Permanent("no") if fails else None, asked.meta)
        if asked.meta["undo"]:
            undoes.append(asked.meta["step"])
        run, more = run.after(outcome)
        assert len(run.running) <= run.limit
        waiting += more
        assert sorted(each.meta["step"] for each in waiting) == sorted(run.running)
    return run, undoes


@given(ANY, st.data())
@settings(max_examples=60, deadline=None)
def test_a_plan_is_sound_or_refused_and_a_run_of_it_ends(given, data):
    plan = checked(given)
    assert (plan is not None) == is_sound(given)
    if plan is not None:
        assert_ends_well(plan, data)


def assert_ends_well(plan: Plan, data: Any) -> None:
    run, undoes = driven(plan, data)
    place = {name: number for number, phase in enumerate(plan.phases) for name in phase}
    assert all(place[need] < place[each.name] for each in plan.steps for need in each.after)
    assert plan.drawing().mermaid().count("-->") == sum(len(each.after) for each in plan.steps)
    assert run.ended
    known = [*run.done, *run.failed, *run.skipped]
    assert len(known) == len(set(known))
    policies = {plan[name].on_failure for name in run.failed}
    assert (run.status == "failed") == bool(policies - {"skip"})
    assert run.status == "failed" or sorted(known) == sorted(each.name for each in plan.steps)
    for step in plan.steps:
        assert step.name not in run.done or all(need in run.done for need in step.after)
        assert step.name not in run.skipped or any(need in run.failed or need in run.skipped for need in step.after)
    to_undo = [name for name in reversed(run.done) if plan[name].action is Work] if "undo" in policies else []
    assert undoes == to_undo
    assert {*run.undone, *run.not_undone} == set(to_undo)


@pytest.mark.long
@given(ANY, st.data())
@settings(max_examples=3_000, deadline=None)
def test_long_a_plan_is_sound_or_refused_and_a_run_of_it_ends(given, data):
    plan = checked(given)
    assert (plan is not None) == is_sound(given)
    if plan is not None:
        assert_ends_well(plan, data)
