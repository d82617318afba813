"""Trials that never end, or take long: whom that accuses, and how long it is waited for."""

from collections import defaultdict
from typing import Any

import pytest
from attrs import evolve, frozen

from jido_trio import Action, Agent, Context, Result
from jido_trio.testing import _sandbox, _walk, conformance, subject_of
from jido_trio.testing._bench import Bench, How
from jido_trio.testing._conformance import judged
from jido_trio.testing._sandbox import WORK, Died, Sandbox
from properties.conformance import correct, defects


@frozen
class Tally:
    steps: int = 0


class Doubles(Action):
    """Takes twice as long each time that its number is greater by one."""

    number: int

    def run(self, context: Context[Tally]) -> Result:
        number, steps = max(min(self.number, 60), 0), 0
        for _ in range(2**number):
            steps += 1
        return {"steps": steps}


class Doubler(Agent[Tally], routes={"go": Doubles}): ...


class Works(Action):
    """Takes a fifth of a second, or a few."""

    number: int

    def run(self, context: Context[Tally]) -> Result:
        return {"steps": context.state.steps + sum(1 for _ in range(4_000_000))}


class Slow(Agent[Tally], routes={"go": Works}): ...


@pytest.fixture
def paces(monkeypatch: pytest.MonkeyPatch) -> Any:
    made: Any = defaultdict(_sandbox._Pace)
    monkeypatch.setattr(_sandbox, "_paces", made)
    return made


def test_a_trial_has_all_its_time_until_one_did_not_end(paces):
    paces["walk"].longest = 0.01
    assert _sandbox._part("walk") == 1


def test_the_more_trials_did_not_end_the_less_time_has_the_next(paces):
    parts = []
    for _ in range(6):
        parts.append(_sandbox._part("walk"))
        paces["walk"].hung += 1
    assert parts == [1, 0.1, 0.1, 0.1, 0.1, 0.02]


def test_a_trial_has_twice_the_time_that_others_took_whatever_did_not_end(paces):
    paces["walk"].hung, paces["walk"].longest = 100, WORK / 4
    assert _sandbox._part("walk") == 0.5


def test_what_does_not_end_in_a_walk_has_less_time_elsewhere_and_not_the_other_way_round(paces):
    paces["outcomes"].hung = 1
    assert (_sandbox._part("walk"), _sandbox._part("outcomes")) == (1, 0.1)
    paces["walk"].hung = 1
    assert _sandbox._part("weigh") == 0.1


def test_steps_that_go_before_take_no_longer_than_those_that_are_looked_at(monkeypatch):
    monkeypatch.setattr(_walk, "_ENOUGH", -1.0)
    gone = []

    def noted(agent: Any, step: Any) -> Any:
        gone.append(step)
        return agent, (), ""

    monkeypatch.setattr(_walk, "attempted", noted)
    steps = (correct.Plus(),) * 12
    _walk.outcomes(evolve(_walk.Trial(correct.Plain.new("a"), ()), warm=steps))
    assert len(gone) == 2  # once with its sibling


def test_of_a_trial_that_died_nothing_is_asked_elsewhere(monkeypatch):
    asked = set()
    ask = Sandbox.ask

    def noting(self: Sandbox, what: str, about: object) -> Any:
        asked.add(what)
        return ask(self, what, about)

    monkeypatch.setattr(Sandbox, "ask", noting)
    cls = getattr(defects, "WithEndsItsProcess")  # noqa: B009 - type checkers don't know it
    with Bench([defects.__name__]) as bench:
        for law in ("total", "deterministic", "independent"):
            judged(bench, subject_of(cls), law, How(examples=5))
    assert asked == {"walk"}


def test_a_trial_that_had_little_time_can_have_all_of_it():
    cls = getattr(defects, "WithNeverEnds")  # noqa: B009
    trial = _walk.Trial(cls.new("a"), (subject_of(cls).actions[0](),))
    with Bench([defects.__name__]) as bench:
        first, second = (bench.here(evolve(trial, agent=cls.new(id))) for id in "ab")
        assert isinstance(first, Died)
        assert not first.hastily
        assert isinstance(second, Died)
        assert second.hastily
        assert bench.dies_at_leisure(evolve(trial, agent=cls.new("b")))
        assert bench.here(evolve(trial, agent=cls.new("b"))) == first


@pytest.mark.long
def test_a_counterexample_that_does_not_end_is_one_that_had_all_its_time():
    [verdict] = conformance(Doubler, laws=["total"], examples=100).verdicts
    assert verdict.outcome == "broken"
    number = int(verdict.code.split("number=")[1].split(")")[0])
    assert number > 22  # 2**22 takes about a tenth of a second


@pytest.mark.long
def test_an_agent_that_is_slow_is_not_accused():
    assert conformance(Slow, examples=8).holds
