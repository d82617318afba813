"""The campaigns, in small, and that they would notice. In full: `python -m properties.campaigns interrupts faults`."""

import pytest

from jido_trio.supervision._shell import Shell
from properties.campaigns import _faults, _interrupts
from properties.campaigns._story import STORIES, played

pytestmark = pytest.mark.workshop


@pytest.mark.parametrize("story", STORIES)
def test_the_story_ends_well_when_nothing_is_broken(story):
    ended = played(story)
    assert (ended.error, ended.hung) == (None, False)
    assert len(ended.reports) >= 2


def test_an_interrupt_is_raised_wherever_it_comes():
    met = dict(_interrupts.campaign(share=40))
    assert len(met) > 30
    assert {place: problem for place, problem in met.items() if problem is not None} == {}


def test_an_interrupt_is_raised_at_a_later_visit_too():
    met = dict(_interrupts.campaign(share=60, visit=2))
    assert len(met) > 10
    assert {place: problem for place, problem in met.items() if problem is not None} == {}


@pytest.mark.parametrize(
    ("story", "file"),
    [("tree", "supervision/_nested.py"), ("agents", "supervision/_nested.py"), ("agents", "runtime/_clock.py")],
)
def test_an_interrupt_when_a_scope_of_our_own_is_left_is_raised(story, file):
    lines = [line for line in _interrupts.lines(story) if line.file.endswith(file)]
    ends = {str(line): _interrupts.interrupted(line, visit=2) for line in lines}
    met = {place: _interrupts.wrong(ended) for place, ended in ends.items() if ended is not None}
    assert met == dict.fromkeys(met)
    assert met


def test_an_interrupt_while_an_instance_is_entered_or_left_is_raised():
    lines = [line for line in _interrupts.lines("agents") if line.file.endswith("runtime/_jido.py")]
    ends = {str(line): _interrupts.interrupted(line) for line in lines}
    assert len(ends) > 20
    assert {place: _interrupts.wrong(ended) for place, ended in ends.items() if ended} == dict.fromkeys(ends)


def test_an_error_at_any_command_ends_the_tree_and_is_told():
    met = dict(_faults.campaign(share=3))
    assert len(met) > 20
    assert {place: problem for place, problem in met.items() if problem is not None} == {}


def test_a_supervisor_that_takes_no_notice_of_its_bugs_is_found(monkeypatch):
    monkeypatch.setattr(Shell, "broke", lambda self, bug: None)
    assert any(problem for _, problem in _faults.campaign(share=20))


def test_a_supervisor_that_swallows_interrupts_is_found(monkeypatch):
    monkeypatch.setattr("jido_trio.supervision._ending.is_interrupt", lambda error: False)
    monkeypatch.setattr(Shell, "interrupted", lambda self, error: None)
    assert any(problem for _, problem in _interrupts.campaign(share=40))


@pytest.mark.long
@pytest.mark.parametrize("campaign", [_interrupts.campaign, _faults.campaign])
def test_nothing_goes_wrong_at_any_place(campaign):
    assert [(place, problem) for place, problem in campaign() if problem is not None] == []
