"""Fuzzing in small, and that it would notice. In full: `python -m properties.campaigns fuzz-cron --minutes 10`."""

import os
from datetime import timedelta

import pytest
from hypothesis import strategies as st

from jido_trio.actions.outside import _files
from jido_trio.core import Plan, Times, ToolSpec, _plugged
from properties.campaigns import _fuzz
from properties.campaigns._doors import DOORS
from properties.campaigns._fuzz import Account, Door, campaign

pytestmark = pytest.mark.workshop


@pytest.mark.parametrize("name", sorted(DOORS))
def test_whatever_comes_at_a_door_none_breaks(name):
    DOORS[name].property(20)()


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(DOORS))
def test_long_whatever_comes_at_a_door_none_breaks(name):
    DOORS[name].property(2000)()


def found(name: str, examples: int = 2000) -> str:
    with pytest.raises(Exception) as fault:  # noqa: PT011 - whatever it is, it is what was planted
        DOORS[name].property(examples, shrink=False)()
    return "\n".join(_fuzz._faults(fault.value))


def test_a_time_that_is_not_after_the_moment_is_found(monkeypatch):
    real = Times.after
    monkeypatch.setattr(Times, "after", lambda self, moment: real(self, moment) - timedelta(days=400))

    assert "AssertionError" in found("cron")


def test_a_tool_that_takes_anything_is_found(monkeypatch):
    monkeypatch.setattr(ToolSpec, "read", lambda self, arguments: None)

    assert "AssertionError" in found("tools")


def test_a_plan_that_forgets_what_it_needs_is_found(monkeypatch):
    monkeypatch.setattr(Plan, "phases", property(lambda self: ((),)))

    assert "KeyError" in found("plans", 2)


def test_a_path_that_leads_out_is_found(monkeypatch):
    monkeypatch.setattr(_files, "_FOLDER", _files._FOLDER & ~os.O_NOFOLLOW)
    monkeypatch.setattr(_files, "_FILE", _files._FILE & ~os.O_NOFOLLOW)

    assert "AssertionError" in found("files")


def test_a_hook_whose_answer_is_not_looked_at_is_found(monkeypatch):
    monkeypatch.setattr(_plugged, "_asked", lambda each, hook, expected, ask, *args: ask(*args))

    assert found("plugins")


@pytest.mark.long
def test_an_agent_that_a_hook_has_broken_is_found(monkeypatch):
    def as_given(self, each, action, before, after):
        return _plugged._asked(each, "on_result", type(after), each.plugin.on_result, action, before, after)

    monkeypatch.setattr(_plugged.Plugged, "_result", as_given)

    assert found("plugins", 1000)


@pytest.mark.long
def test_a_slice_that_does_not_come_back_is_found(monkeypatch):
    monkeypatch.setattr(_plugged, "_checkpoint", lambda each, held: _plugged.KeptSlice(each.plugin.checkpoint(held)))

    assert found("plugins", 1000)


def test_memory_that_grows_is_found():
    kept = list[bytearray]()
    leaking = Door("leaking", st.integers(), lambda drawn: kept.append(bytearray(b"x") * 1_000_000))
    account = Account(rounds=_fuzz.WARM + 1, warm=_fuzz.memory())

    assert "memory has grown" in (_fuzz._round(leaking, account) or "")


def test_a_campaign_tells_how_much_was_tried(capsys):
    door = Door("calm", st.integers(), lambda drawn: None)

    assert list(campaign(door, 0.0001, guided=False)) == [("round 1", None)]
    assert capsys.readouterr().out.startswith("fuzz-calm: 500 examples in 1 rounds, 0 by atheris; memory ")
