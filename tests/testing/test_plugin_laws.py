"""The laws of plugins: what they find, whom they leave alone, and what they tell."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from jido_trio import Action, Agent, Context, Emit, Result, Signal
from jido_trio.core import Plugin
from jido_trio.errors import InvalidDefinition
from jido_trio.plugins import IdentityPlugin, MemoryPlugin, ThreadPlugin
from jido_trio.testing import NAMES, PLUGIN_NAMES, agent_with, check_plugin, conformance, subject_of, subjects
from jido_trio.testing._bench import Bench, How
from jido_trio.testing._conformance import judged
from jido_trio.testing._specimens import Tally
from properties.conformance import plugins

QUICK = How(examples=12)
THOROUGH = How(examples=30)
QUICK_ONES = {
    ("MountsWhereItRuns", "mounted"),
    ("ItsHookRaises", "hooks"),
    ("ChangesTheAgent", "apart"),
    ("KnowsOnlyItsOwnName", "renamed"),
}
PLANTED = [
    pytest.param(
        cls,
        law,
        id=f"{cls.__name__}-{law}",
        marks=[] if (cls.__name__, law) in QUICK_ONES else pytest.mark.long,
    )
    for cls, laws in plugins.FAULTY.items()
    for law in sorted(laws)
]
ODD = [
    pytest.param(cls, id=cls.__name__, marks=[] if cls is plugins.Watches else pytest.mark.long) for cls in plugins.ODD
]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench([plugins.__name__]) as processes:
        yield processes


@pytest.mark.parametrize(("cls", "law"), PLANTED)
def test_a_planted_defect_of_a_plugin_is_found(bench, cls, law):
    verdict = judged(bench, subject_of(cls), law, THOROUGH)
    assert verdict.outcome == "broken"
    compile(verdict.code, "counterexample", "exec")


@pytest.mark.parametrize("cls", ODD)
def test_a_plugin_without_a_defect_is_left_alone(bench, cls):
    subject = subject_of(cls)
    names = [*PLUGIN_NAMES, "total", "pure"]
    broken = [verdict for law in names if (verdict := judged(bench, subject, law, QUICK)).outcome == "broken"]
    assert broken == []


def test_a_counterexample_of_a_plugin_is_code_that_can_be_pasted(bench):
    verdict = judged(bench, subject_of(plugins.ChangesTheAgent), "apart", QUICK)
    namespace: dict[str, Any] = {}
    exec(verdict.code, namespace)
    assert namespace["after"].state.count == 2
    assert "agent_with(ChangesTheAgent()).new(" in verdict.code


def test_why_a_plugin_is_accused_is_told_in_words(bench):
    told = {
        cls.__name__: judged(bench, subject_of(cls), law, THOROUGH).why
        for cls, law in (
            (plugins.TakesSignalsOfOthers, "beneath"),
            (plugins.ChangesTheAgent, "apart"),
        )
    }
    assert "on_signal makes 'tally.refuse' into" in told["TakesSignalsOfOthers"]
    assert told["ChangesTheAgent"].startswith("the agent's state isn't what its own action made of it")


def test_a_plugin_that_says_so_may_change_the_agents_state():
    check_plugin(plugins.ChangesTheAgent, laws=["apart"], may_change_state=True, examples=5)


@pytest.mark.parametrize("cls", [ThreadPlugin, MemoryPlugin, IdentityPlugin])
def test_what_is_ready_made_is_told_nothing_that_crashes_its_agent(bench, cls):
    assert judged(bench, subject_of(cls), "total", QUICK).outcome == "holds"


class Needs(Plugin, requires=[MemoryPlugin]): ...


class Configured(Plugin):
    channel: str


def test_what_a_plugin_requires_is_there_when_it_needs_no_config():
    report = conformance(subject_of(Needs), laws=["mounted"], examples=5)
    assert (report.agent, report.holds) == (f"{__name__}:Needs", True)


def test_a_law_of_plugins_does_not_concern_an_agent_and_says_so():
    [verdict] = conformance(type_of_agent(), laws=["renamed"], examples=5).verdicts
    assert (verdict.outcome, verdict.why) == ("skipped", "it is no plugin")


class Count(Action):
    def run(self, context: Context[Tally]) -> Result:
        return {"count": context.state.count + 1}, Emit(Signal("counted"))


class Counter(Agent[Tally], routes={"count": Count}): ...


def type_of_agent() -> type[Agent[Any]]:
    return Counter


def test_a_singleton_has_no_other_name_and_the_law_says_so(bench):
    verdict = judged(bench, subject_of(plugins.Watches), "renamed", QUICK)
    assert (verdict.outcome, verdict.why) == ("skipped", "it is a singleton")


def test_an_agent_is_tried_by_its_own_laws_only():
    assert [verdict.law for verdict in conformance(Counter, examples=1).verdicts] == list(NAMES)


def test_a_plugin_class_or_value_or_an_action_can_be_named_as_what_is_checked():
    assert subjects(f"{plugins.__name__}:BringsNothing")[0].is_plugin
    assert subjects(f"{plugins.__name__}:Gift")[0].actions == (plugins.Gift,)
    names = [subject.name for subject in subjects(plugins.__name__)]
    assert f"{plugins.__name__}:Logs" in names
    assert len(names) == len(plugins.FAULTY) + len(plugins.ODD) + 1


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (Configured, "config of plugin 'configured' doesn't fit"),
        (Plugin, "is no plugin"),
        (7, "is no plugin"),
    ],
)
def test_what_is_no_plugin_or_needs_config_is_refused(given, why):
    with pytest.raises(InvalidDefinition, match=why):
        check_plugin(given)


def test_a_plugin_that_other_processes_can_not_find_is_refused():
    class Hidden(Plugin): ...

    with pytest.raises(InvalidDefinition, match=re.escape("can't be handed to the process in which it is tried")):
        check_plugin(Hidden())


def test_an_agent_with_plugins_has_them_beside_a_bystander():
    agent = agent_with(("one", plugins.SaysNo()), ("two", plugins.SaysNo())).new("a")
    assert list(agent.strategy_state.slices) == ["bystander", "one", "two"]
