"""Trials that never end, or take long: whom that accuses, and how long it is waited for."""

import pickle
import time
from collections import defaultdict
from typing import Any

import pytest
from attrs import evolve, frozen

from jido_trio import Action, Agent, Context, Result, doors
from jido_trio.testing import _bounded, _sandbox, _walk, conformance, subject_of
from jido_trio.testing._bench import Bench, How
from jido_trio.testing._conformance import judged
from jido_trio.testing._sandbox import WORK, Died, Sandbox
from jido_trio.testing._search import _Climb, _surely
from jido_trio.testing._told import told
from jido_trio.testing._walk import Trial, parted
from jido_trio.testing._weigh import Weight
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
    paces["walk"], paces["outcomes"] = paces["outcomes"], paces["walk"]
    assert (_sandbox._part("walk"), _sandbox._part("outcomes")) == (0.1, 0.1)


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


def test_a_trial_that_had_little_time_can_have_all_of_it(monkeypatch):
    asked = []

    def dies(self: Sandbox, request: bytes) -> Died:
        asked.append(pickle.loads(request)[1])  # whether it has all of it
        return Died("it doesn't end", hastily=not asked[-1])

    monkeypatch.setattr(Sandbox, "_asked", dies)
    with Sandbox([]) as sandbox:
        answers = [sandbox.ask("walk", 1), sandbox.ask_again("walk", 1), sandbox.ask("walk", 1)]
    assert asked == [False, True]
    assert [one.hastily for one in answers] == [True, False, False]


def test_of_what_ends_if_it_has_all_its_time_the_smallest_that_does_not_is_taken():
    class Bench:
        def known(self, trial: Any) -> Died:
            return Died("", hastily=True)

        def dies_at_leisure(self, trial: Any) -> bool:
            return bool(trial >= 36)

    bench: Any = Bench()
    found: Any = [90, 60, 41, 37, 36, 30, 24, 12, 3]
    taken: list[Any] = [_surely(bench, found), _surely(bench, found[:5])]
    assert taken == [36, 36]


def test_what_one_size_took_too_long_by_chance_hides_no_square(monkeypatch):
    weighed = iter([[11.0, 29.0, 99.0], [10.0, 24.0, 96.0], [6.0, 25.0, 97.0], [6.0, 24.0, 99.0]])

    class Bench:
        def weigh(self, weighing: Any) -> Any:
            return [Weight(1, ms / 1000) for ms in next(weighed)]

    bench: Any = Bench()
    agents: Any = [None] * 3
    assert _bounded._slow(bench, "items", agents, agents, correct.Plus()).endswith(
        "6.0 ms at 1024, 24.0 ms at 2048, 96.0 ms at 4096"
    )


def test_states_are_weighed_in_all_their_time_whatever_walk_has_hung(paces):
    paces["walk"].hung = 9
    assert (_sandbox._part("weigh"), _sandbox._part("walk")) == (1, 0.02)


def test_states_have_less_time_once_many_were_too_large(paces):
    paces["weigh"].hung = 5
    assert _sandbox._part("weigh") == 0.1


def test_what_grows_in_proportion_is_weighed_once():
    weighed = iter([[6.0, 13.0, 27.0]])

    class Bench:
        def weigh(self, weighing: Any) -> Any:
            return [Weight(1, ms / 1000) for ms in next(weighed)]

    bench: Any = Bench()
    agents: Any = [None] * 3
    assert _bounded._slow(bench, "items", agents, agents, correct.Plus()) == ""


def test_who_calls_very_much_is_not_held_up_by_being_looked_at(monkeypatch):
    monkeypatch.setattr(doors, "_ENOUGH", 100)
    with doors.watched() as doings:
        for _ in range(60):
            abs(-1)
        time.time()
    with doors.watched() as again:
        time.time()
    assert doings == []
    assert len(again) == 1


@pytest.mark.long
def test_a_counterexample_that_does_not_end_is_one_that_had_all_its_time():
    [verdict] = conformance(Doubler, laws=["total"], examples=100).verdicts
    assert verdict.outcome == "broken"
    number = int(verdict.code.split("number=")[1].split(")")[0])
    assert number > 22  # 2**22 takes about a tenth of a second


@pytest.mark.long
def test_an_agent_that_is_slow_is_not_accused():
    assert conformance(Slow, examples=8).holds


def test_how_deep_code_may_go_is_no_difference_between_two_answers():
    assert parted("1", "1") == ""
    assert parted("1", "2") == "'1' and then '2'"
    assert parted("RecursionError: maximum recursion depth exceeded", "1") == ""
    assert parted("1", "RecursionError: maximum recursion depth exceeded") == ""


def test_what_is_tried_between_a_counterexample_and_smaller_ones_is_passed_over():
    agent = Slow.new("a")
    found, other = (Trial(agent, (Works(number=number),)) for number in (7, 8))
    climb = _Climb()
    assert not climb.is_needless(other)  # nothing is found yet
    climb.found = told((found.agent, found.steps))
    assert climb.is_needless(other)
    assert not climb.is_needless(found)  # Hypothesis begins with it
    assert not climb.is_needless(other)


def test_what_was_begun_is_not_taken_for_the_answer_to_what_is_asked_meanwhile():
    plain = _walk.Trial(correct.Plain.new("a"), (correct.Plus(),))
    unread = _walk.Trial(correct.HoldsWhatCanNotBeRead.new("a"), (correct.Release(kind="minor"),))
    with Sandbox([correct.__name__]) as sandbox:
        sandbox.begin("walk", unread)
        sandbox.begin("outcomes", plain)
        assert isinstance(sandbox.ask("walk", unread), _walk.Walk)  # which is asked for a second time, to be made there
        [text] = sandbox.ask("outcomes", plain)
        assert "total=1" in text
