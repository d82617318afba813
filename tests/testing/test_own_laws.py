"""Laws and models of a user's own; and the checks of one action and of a strategy."""

import re
from typing import Any

import pytest

from jido_trio import Agent
from jido_trio.errors import InvalidDefinition
from jido_trio.testing import (
    agent_of,
    check_action,
    check_agent,
    check_strategy,
    conformance,
    law,
    model,
    subject_of,
    subjects,
)
from properties.conformance import correct, own


def named(name: str) -> Any:
    """Return what the catalogue has, which isn't type-checked."""
    return getattr(own, name)


def test_laws_and_models_in_the_agents_module_are_tried_and_hold() -> None:
    report = conformance(named("Account"), laws=["own"], examples=20)
    assert [verdict.outcome for verdict in report.verdicts] == ["holds"]


def test_a_broken_law_has_a_smallest_counterexample_with_its_name() -> None:
    [verdict] = conformance(named("Charged"), laws=["own"], examples=100).verdicts
    assert verdict.outcome == "broken"
    assert "only_a_withdrawal_makes_it_less" in verdict.why or "Sum doesn't agree with" in verdict.why
    assert sum(map(int, re.findall(r"cents=(\d+)", verdict.code))) == 101


def test_without_laws_of_its_own_the_law_is_skipped() -> None:
    [verdict] = conformance(correct.Plain, laws=["own"]).verdicts
    assert (verdict.outcome, verdict.why) == ("skipped", "the agent has no @law and no @model")


def test_laws_elsewhere_are_given_or_found_in_the_module_that_names_the_agent() -> None:
    assert subject_of(named("Account")).laws == subjects("properties.conformance.own:Account")[0].laws
    with pytest.raises(InvalidDefinition, match="is no law about Plain"):
        conformance(correct.Plain, also=[named("Sum")])


def test_a_law_that_other_processes_can_not_find_is_refused() -> None:
    with pytest.raises(InvalidDefinition, match="put it at the top of its module"):
        law(named("Account"))(lambda *_: True)


def test_a_law_about_no_agent_class_and_a_model_without_methods_are_refused() -> None:
    with pytest.raises(InvalidDefinition, match="name the agent class"):
        law(int)  # type: ignore[type-var]
    with pytest.raises(InvalidDefinition, match="must have `tell"):
        model(Agent)(int)  # type: ignore[type-var]


def test_an_action_is_checked_without_an_agent_of_its_own() -> None:
    check_action(named("Deposit"), laws=["total", "deterministic", "closed"], examples=10)
    with pytest.raises(AssertionError, match="ZeroDivisionError") as caught:
        check_action(named("Divides"), laws=["total"], examples=20)
    code = str(caught.value).partition("\n\n")[2].partition("\n\n")[2].replace("    ", "")
    assert "agent_of(Shared).new('a'" in code
    with pytest.raises(ZeroDivisionError):
        exec(code, {})


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (int, "is no action that can be run"),
        (named("Downloads"), "is async"),
        (named("Nowhere"), "doesn't say what state it is for"),
    ],
    ids=["no action", "async", "no state"],
)
def test_an_action_that_can_not_be_checked_is_said_plainly(action: Any, why: str) -> None:
    with pytest.raises(InvalidDefinition, match=why):
        check_action(action)


def test_a_strategy_is_checked_with_actions_that_there_are() -> None:
    check_strategy(named("Plain")(), examples=10)
    with pytest.raises(AssertionError, match="LookupError: nobody to tell"):
        check_strategy(named("Raises")(), laws=["total"], examples=20)
    with pytest.raises(InvalidDefinition, match="there are no actions for Money"):
        check_strategy(named("Plain")(), state=named("Money"))


@pytest.mark.long
def test_a_strategy_that_forgets_what_it_was_told_breaks_a_law() -> None:
    with pytest.raises(AssertionError, match=r"breaks [12] law"):
        check_strategy(named("Forgets")(), laws=["deterministic", "independent"], examples=20)


def test_an_agent_of_a_state_is_found_by_other_processes() -> None:
    cls = agent_of(named("Money"))
    assert agent_of(named("Money")) is cls
    assert cls.new("a").state == named("Money")()
    check_agent(named("Account"), laws=["total"], examples=5)
