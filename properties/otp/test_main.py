from contextlib import nullcontext

import pytest

from properties.otp import __main__ as command_line
from properties.otp import _engines, _oracle
from properties.otp._codec import read_recordings, recording_line, write_lines
from properties.otp._engines import chosen
from properties.otp._oracle import open_oracle
from properties.otp._planted import BROAD, by_heart, forgets_a_restart, with_bug

pytestmark = pytest.mark.workshop


@pytest.fixture
def plug(monkeypatch):
    """Plugs engines in for one test: `plug(good=engine)`."""

    def plug(**engines):
        known = {name: lambda engine=engine: nullcontext(engine) for name, engine in engines.items()}
        monkeypatch.setattr(command_line, "ENGINES", known)
        monkeypatch.setattr(command_line, "chosen", lambda name: chosen(name, known))

    return plug


@pytest.fixture
def recorded():
    return list(read_recordings(BROAD))[:40]


def test_replay_exits_with_0_when_all_agree(plug, recorded, capsys):
    plug(good=by_heart(recorded))
    assert command_line.main(["replay", str(BROAD), "--limit", "40"]) == 0
    assert capsys.readouterr().out == "40 scenarios on good: all agree\n"


def test_replay_exits_with_1_and_shows_tree_steps_and_both_sides(plug, recorded, capsys):
    plug(bad=with_bug(by_heart(recorded), forgets_a_restart))
    assert command_line.main(["replay", str(BROAD), "--only", "s000001"]) == 1
    out = capsys.readouterr().out
    assert "bad differs from Erlang/OTP in s000001 (random)" in out
    assert "root dynamic intensity=5 period=2 max_children=2" in out
    assert '>  3 {"op":"crash","target":"root/n0","reason":"error"}' in out
    assert "step 3 (crash), events:" in out
    assert "expected exit root/n0#2 error, start root/n0#3" in out
    assert "actual   exit root/n0#2 error\n" in out
    assert out.endswith("1 scenarios on bad: 1 differ\n")


def test_both_asks_every_engine_of_ours(plug, recorded, capsys):
    plug(erl=by_heart([]), reducer=by_heart(recorded), trio=by_heart(recorded))
    assert command_line.main(["replay", str(BROAD), "--limit", "3"]) == 0
    assert capsys.readouterr().out == "3 scenarios on reducer, trio: all agree\n"


def test_an_engine_that_raises_differs(plug, capsys):
    plug(ignorant=by_heart([]))
    assert command_line.main(["replay", str(BROAD), "--limit", "1", "--engine", "ignorant"]) == 1
    assert "actual   \"KeyError: Scenario(id='s000001'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["replay", "{bare}"], "a bare trace; put it beside its scenario"),
        (["replay", str(BROAD), "--only", "nobody"], "no scenario 'nobody' in it"),
        (["replay", "{nowhere}"], "No such file"),
        (["show", str(BROAD), "nobody"], "no scenario 'nobody' in it"),
    ],
)
def test_a_question_that_cannot_be_asked_exits_with_2(tmp_path, capsys, arguments, complaint):
    bare = tmp_path / "bare.jsonl"
    bare.write_text('{"id":"x","steps":[],"final":{"root":"alive"}}\n', encoding="utf-8")
    places = {"bare": bare, "nowhere": tmp_path / "nowhere"}
    assert command_line.main([argument.format(**places) for argument in arguments]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["live", "--seed", "1", "--count", "1"], ["run", str(BROAD)]], ids=["live", "run"]
)
def test_without_erlang_the_oracle_says_so_and_exits_with_2(monkeypatch, capsys, arguments):
    monkeypatch.setattr(_oracle, "available", lambda: False)
    assert command_line.main(arguments) == 2
    assert "no Erlang/OTP with Elixir here" in capsys.readouterr().err


def test_live_exits_with_0_when_all_agree(erl, capsys):
    assert command_line.main(["live", "--seed", "3", "--count", "4", "--engine", "erl"]) == 0
    assert capsys.readouterr().out.endswith("4 scenarios on erl: all agree\n")


@pytest.mark.long
def test_live_shrinks_a_difference_and_saves_it_for_replay(erl, plug, tmp_path, capsys):
    saved = tmp_path / "small.jsonl"
    with open_oracle() as oracle:
        plug(bad=with_bug(oracle, forgets_a_restart))
        assert command_line.main(["live", "--seed", "3", "--count", "3", "--save", str(saved)]) == 1
        assert command_line.main(["replay", str(saved)]) == 1
    assert "shrunk: bad differs from Erlang/OTP" in capsys.readouterr().out
    assert all(len(each.scenario.steps) <= 3 for each in read_recordings(saved))


def test_generate_and_run_make_what_replay_takes(erl, tmp_path, capsys):
    assert command_line.main(["generate", "--seed", "7", "--count", "3"]) == 0
    path = tmp_path / "some.jsonl"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert command_line.main(["run", str(path)]) == 0
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert [each.scenario.id for each in read_recordings(path)] == ["g000007", "g000008", "g000009"]
    assert command_line.main(["replay", str(path), "--engine", "erl"]) == 0


def test_show_prints_the_tree_and_what_each_step_did(capsys, tmp_path, recorded):
    path = tmp_path / "one.jsonl"
    write_lines(path, [recording_line(recorded[0])])
    assert command_line.main(["show", str(path), "s000001"]) == 0
    out = capsys.readouterr().out
    assert "exit root/n0#1 error, start root/n0#2\n      root: n0 running#2\n" in out
    assert out.endswith("final: dead of normal, 7 steps skipped\n")


def test_every_registered_engine_can_be_chosen():
    assert [list(chosen(name)) for name in _engines.ENGINES] == [[name] for name in _engines.ENGINES]
